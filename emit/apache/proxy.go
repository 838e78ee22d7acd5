package apache

import (
	"slices"
	"strings"

	"rewright/parser/ir"
)

// pass writes what hands a request to a backend.
func (s *script) pass(set *ir.Setting, at subject) (goesOn bool) {
	w, place := s.w, s.sc
	for place.Kind == ir.ScopeIf {
		place = place.Parent
	}
	said := set.Arg(0)
	if strings.Contains(said, "$") {
		parts := w.settled(set.Templates[0])
		if text, constant := (&ir.Template{Parts: parts}).Constant(); constant && (set.Name != "proxy_pass" || !hasPath(text)) {
			said = text
		} else {
			return s.passBy(set, parts)
		}
	}
	address := upstream(w.program, said)
	switch set.Name {
	case "proxy_pass":
		scheme, rest, ok := strings.Cut(address, "://")
		if !ok || strings.HasPrefix(rest, "unix:") {
			w.drop(s.b, set, s.sc, set.Name, "a backend behind a socket", "ProxyPass unix:… in the server's configuration")
			return true
		}
		host, uri, has := strings.Cut(rest, "/")
		if !has {
			s.put(set, set.Name, rule(nil, "^(.*)$", scheme+"://"+host+"/$1", "P", "L"))
			return false
		}
		if place.Modifier == ir.RegexLocation || place.Modifier == ir.RegexLocationCI {
			w.drop(s.b, set, s.sc, set.Name, "nginx refuses a path here", "")
			return true
		}
		lines := rule(nil, "^"+quoteMeta(strings.TrimPrefix(place.Path, "/"))+"(.*)$", scheme+"://"+host+"/"+escapeLiteral(uri)+"$1", "P", "L")
		if s.stale {
			// nginx passes a path on as it is once a rewrite has changed it
			lines = rule([]string{condition("/$0<>%{REQUEST_URI}", `^(.*)<>\1$`)}, "^"+quoteMeta(strings.TrimPrefix(place.Path, "/"))+"(.*)$", scheme+"://"+host+"/"+escapeLiteral(uri)+"$1", "P", "L")
			lines = append(lines, rule(nil, "^(.*)$", scheme+"://"+host+"/$1", "P", "L")...)
		}
		s.put(set, set.Name, lines)
		return false
	case "fastcgi_pass":
		handler := "proxy:fcgi://" + address
		if socket, ok := strings.CutPrefix(address, "unix:"); ok {
			handler = "proxy:unix:" + socket + "|fcgi://localhost"
		}
		s.put(set, set.Name, rule(nil, "^", "-", "H="+handler))
		return true
	}
	w.drop(s.b, set, s.sc, set.Name, "httpd has no such backend here", "see mod_proxy_uwsgi and mod_proxy_scgi")
	return true
}

// hasPath tells whether the address of a backend has a path.
func hasPath(address string) bool {
	_, rest, _ := strings.Cut(address, "://")
	return strings.ContainsAny(rest, "/?")
}

// passBy writes a proxy_pass whose address holds variables. nginx asks the backend for just that address when it has a
// path, and for the path of the request when it has none. A backend that the client can choose is none.
// Source: nginx ngx_http_proxy_module.c, ngx_http_proxy_eval.
func (s *script) passBy(set *ir.Setting, parts []ir.Part) (goesOn bool) {
	drop := func(why string) bool {
		s.w.drop(s.b, set, s.sc, set.Name, why, "name the backend in a RewriteRule with [P], or in ProxyPass")
		return true
	}
	if set.Name != "proxy_pass" {
		return drop("the backend is chosen by a variable")
	}
	// scheme and host: text, or variables whose values are all known
	at, host := 0, ""
	for ; at < len(parts) && !hasPath(host); at++ {
		p := &parts[at]
		switch {
		case p.Kind == ir.Literal:
			host += p.Text
			continue
		case p.Kind == ir.Variable && strings.Contains(host, "://") && (p.Name == "request_uri" || p.Name == "uri" || p.Name == "document_uri"):
		case p.Kind == ir.Variable:
			values, known := s.w.valuesOf(p.Name)
			if !known {
				return drop("$" + p.Name + " chooses the backend, and may come from the client")
			}
			for _, v := range values {
				if hasPath(v) || at == 0 && !strings.Contains(v, "://") || upstream(s.w.program, v) != v {
					return drop("the backend is chosen by $" + p.Name)
				}
			}
			text, _, why := s.variable(p.Name)
			if why != "" {
				return drop(why)
			}
			host += text
			continue
		default:
			return drop("the backend is chosen by a part of the request")
		}
		break
	}
	if !strings.Contains(host, "://") && !strings.HasPrefix(host, "%{ENV:") {
		return drop("a backend that is not known")
	}
	if i := strings.Index(host, "://"); i >= 0 || hasPath(host) {
		if j := strings.IndexAny(host[i+3:], "/?"); j >= 0 {
			parts = append([]ir.Part{{Kind: ir.Literal, Text: host[i+3+j:]}}, parts[at:]...)
			host, at = host[:i+3+j], 0
		}
	}
	path := &ir.Template{Parts: parts[at:]}
	if i := strings.Index(host, "://"); i >= 0 {
		host = upstream(s.w.program, host)
	}
	if len(path.Parts) == 0 || len(path.Parts) == 1 && path.Parts[0].Name == "request_uri" {
		s.put(set, set.Name, rule(nil, "^(.*)$", host+"/$1", "P", "L"))
		return false
	}
	bare := withoutQuery(path)
	flags := []string{"P", "L"}
	if len(bare.Parts) == len(path.Parts) && !strings.Contains(bare.Text, "?") {
		flags = []string{"P", "QSD", "L"}
	}
	if len(bare.Parts) == 1 && (bare.Parts[0].Name == "uri" || bare.Parts[0].Name == "document_uri") {
		s.put(set, set.Name, rule(nil, "^(.*)$", host+"/$1", flags...))
		return false
	}
	v, why := s.expand(bare, false)
	if why != "" {
		return drop(why)
	}
	if strings.Contains(v.text, "?") {
		flags = []string{"P", "L"}
	}
	s.put(set, set.Name, rule(nil, whole("^", nil, v.text), host+v.text, flags...))
	return false
}

// settled are the parts of a template with text in place of variables that have one value only.
func (w *writer) settled(t *ir.Template) (out []ir.Part) {
	for _, p := range t.Parts {
		if p.Kind == ir.Variable {
			if values, known := w.valuesOf(p.Name); known && len(values) == 1 {
				p = ir.Part{Kind: ir.Literal, Text: values[0]}
			}
		}
		if n := len(out); n > 0 && p.Kind == ir.Literal && out[n-1].Kind == ir.Literal {
			out[n-1].Text += p.Text
			continue
		}
		out = append(out, p)
	}
	return out
}

// valuesOf are all values that a variable can have; known is false when some come from elsewhere than the configuration.
func (w *writer) valuesOf(name string) (values []string, known bool) {
	known = true
	add := func(t *ir.Template) {
		text, constant := t.Constant()
		known = known && constant
		if constant && !slices.Contains(values, text) {
			values = append(values, text)
		}
	}
	for _, it := range w.program.Root.Within() {
		if a, ok := it.(*ir.Assign); ok && a.Variable == name {
			add(a.Value)
		}
	}
	if m := w.maps[name]; m != nil {
		if m.Kind != "map" || m.Incomplete != "" {
			return nil, false
		}
		for i := range m.Entries {
			add(m.Entries[i].Value)
		}
		if m.Default != nil {
			add(m.Default)
		}
	}
	return values, known && len(values) > 0
}

// upstream replaces the name of an upstream block by its only server.
func upstream(p *ir.Program, address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		scheme, rest = "", address
	}
	name, tail, has := strings.Cut(rest, "/")
	if has {
		tail = "/" + tail
	}
	var found string
	for _, it := range p.Root.Within() {
		if in, ok := it.(*ir.Scope); ok && in.Kind == ir.ScopeUpstream && len(in.Args) > 0 && in.Args[0].Text == name {
			for _, set := range own(in, "server") {
				if found == "" {
					found = set.Arg(0)
				}
			}
		}
	}
	if found != "" {
		name = found
	}
	if scheme != "" {
		return scheme + "://" + name + tail
	}
	return name + tail
}
