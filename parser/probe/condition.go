package probe

import (
	"regexp"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
)

// maxDepth bounds how far variables are resolved through set and map.
const maxDepth = 4

// condition gives the ways in which a condition can hold (or, with holds unset, fail to). None: it cannot.
// A condition that is not understood is left to the simulator: the want comes back as it was.
func (v *solver) condition(w *want, c *ir.Condition, holds bool, r *ir.Rule, depth int) []*want {
	if c.Negated {
		holds = !holds
	}
	switch c.Kind {
	case ir.CondFile:
		n := w.clone()
		n.files = append(n.files, fileWish{c.Test, c.Op, !holds, r})
		return []*want{n}
	case ir.CondExpr:
		return v.expr(w, c.Expr, holds, depth)
	}
	l, ok := v.demand(c)
	if !ok || c.Test == nil {
		return []*want{w}
	}
	if !holds {
		l = v.sp.Not(l)
	}
	return v.template(w, c.Test, l, depth)
}

// demand is what the test string has to be.
func (v *solver) demand(c *ir.Condition) (pattern.Language, bool) {
	text, constant := c.Operand.Constant()
	switch c.Kind {
	case ir.CondRegex:
		return v.subjects(c.Pattern)
	case ir.CondTruth:
		return v.truthy(), true
	case ir.CondString:
		if !constant {
			return v.sp.All(), false
		}
		switch {
		case c.Op == "=":
			return v.value(text, c.IgnoreCase), true
		case c.Op == ">" && text == "":
			return v.sp.Not(v.sp.Text("")), true
		}
	case ir.CondNumber:
		if constant && c.Op == "-eq" {
			return v.re(`^0*` + regexp.QuoteMeta(text) + `$`), true
		}
	}
	return v.sp.All(), false
}

// template gives the ways in which a text can belong to a language.
func (v *solver) template(w *want, t *ir.Template, l pattern.Language, depth int) []*want {
	if t == nil || depth > maxDepth {
		return []*want{w}
	}
	if text, ok := t.Constant(); ok {
		return v.constant(w, text, l)
	}
	if len(t.Parts) == 1 && t.Parts[0].Kind == ir.Variable {
		return v.variable(w, &t.Parts[0], l, depth)
	}
	// A text around one variable: what is left of the language between the two literals.
	if t.Parts[0].Kind == ir.Literal && len(t.Parts) == 2 && t.Parts[1].Kind == ir.Variable {
		if rest, known := v.sp.After(v.sp.Text(t.Parts[0].Text), l); known {
			return v.variable(w, &t.Parts[1], rest, depth)
		}
	}
	return []*want{w}
}

func (v *solver) constant(w *want, text string, l pattern.Language) []*want {
	if yes, known := v.sp.Contains(l, text); known && !yes {
		return nil
	}
	return []*want{w}
}

func (v *solver) set(w *want, name string, l pattern.Language) []*want {
	if n := v.and(w, name, l); n != nil {
		return []*want{n}
	}
	return nil
}

// variable gives the ways in which a variable can belong to a language.
func (v *solver) variable(w *want, p *ir.Part, l pattern.Language, depth int) []*want {
	if v.s.Program.Server == ir.Nginx {
		return v.nginxVariable(w, p.Name, l, depth)
	}
	switch p.Space {
	case "HTTP":
		if strings.EqualFold(p.Name, "Host") {
			return v.set(w, varHost, l)
		}
		return v.set(w, "h:"+strings.ToLower(p.Name), l)
	case "ENV":
		return []*want{w}
	case "SSL":
		if strings.EqualFold(p.Name, "HTTPS") {
			return v.choice(w, varScheme, l, "off", "http", "on", "https")
		}
		return []*want{w}
	case "":
	default:
		return []*want{w}
	}
	switch p.Name {
	case "REQUEST_URI":
		return v.set(w, varPath, l)
	case "REQUEST_FILENAME", "SCRIPT_FILENAME":
		if !v.perDir {
			return v.set(w, varPath, l)
		}
		if rest, known := v.sp.After(v.sp.Text(v.root), l); known {
			return v.set(w, varPath, rest)
		}
	case "QUERY_STRING":
		return v.set(w, varQuery, l)
	case "HTTP_HOST", "SERVER_NAME":
		return v.set(w, varHost, l)
	case "THE_REQUEST":
		return v.set(w, varLine, l)
	case "REQUEST_METHOD":
		return v.set(w, varMethod, l)
	case "HTTPS":
		return v.choice(w, varScheme, l, "off", "http", "on", "https")
	case "REQUEST_SCHEME":
		return v.set(w, varScheme, l)
	case "SERVER_PORT":
		return v.set(w, varPort, l)
	case "SERVER_PROTOCOL":
		return v.set(w, varProto, l)
	case "REMOTE_ADDR", "REMOTE_HOST", "CONN_REMOTE_ADDR":
		return v.set(w, varClient, l)
	case "HTTP_USER_AGENT", "HTTP_REFERER", "HTTP_COOKIE", "HTTP_FORWARDED", "HTTP_PROXY_CONNECTION", "HTTP_ACCEPT":
		return v.set(w, "h:"+headerName(p.Name[5:]), l)
	case "PATH_INFO", "REMOTE_USER", "REMOTE_IDENT", "AUTH_TYPE":
		return v.constant(w, "", l)
	case "IS_SUBREQ":
		return v.constant(w, "false", l)
	case "DOCUMENT_ROOT", "CONTEXT_DOCUMENT_ROOT":
		return v.constant(w, v.root, l)
	}
	return []*want{w}
}

// choice is a variable with a few values; pairs are its value and what that asks of name.
func (v *solver) choice(w *want, name string, l pattern.Language, pairs ...string) []*want {
	var out []*want
	for i := 0; i < len(pairs); i += 2 {
		if yes, known := v.sp.Contains(l, pairs[i]); yes || !known {
			out = append(out, v.set(w, name, v.sp.Text(pairs[i+1]))...)
		}
	}
	return out
}

func (v *solver) nginxVariable(w *want, name string, l pattern.Language, depth int) []*want {
	switch name {
	case "uri", "document_uri":
		return v.set(w, varPath, l)
	case "request_uri":
		return v.set(w, varTarget, l)
	case "request":
		return v.set(w, varLine, l)
	case "args", "query_string":
		return v.set(w, varQuery, l)
	case "is_args":
		var out []*want
		if yes, _ := v.sp.Contains(l, ""); yes {
			out = append(out, v.set(w, varQuery, v.sp.Text(""))...)
		}
		if yes, _ := v.sp.Contains(l, "?"); yes {
			out = append(out, v.set(w, varQuery, v.sp.Not(v.sp.Text("")))...)
		}
		return out
	case "host", "http_host":
		return v.set(w, varHost, l)
	case "request_method":
		return v.set(w, varMethod, l)
	case "scheme":
		return v.set(w, varScheme, l)
	case "https":
		return v.choice(w, varScheme, l, "", "http", "on", "https")
	case "server_port":
		return v.set(w, varPort, l)
	case "server_protocol":
		return v.set(w, varProto, l)
	case "remote_addr":
		return v.set(w, varClient, l)
	case "request_filename":
		if rest, known := v.sp.After(v.sp.Text(v.root), l); known {
			return v.set(w, varPath, rest)
		}
		return []*want{w}
	case "document_root":
		return v.constant(w, v.root, l)
	}
	if arg, ok := strings.CutPrefix(name, "arg_"); ok {
		return v.argument(w, arg, l)
	}
	if c, ok := strings.CutPrefix(name, "cookie_"); ok {
		if yes, known := v.sp.Contains(l, ""); yes || !known {
			return []*want{w}
		}
		if text, ok, known := v.sp.Shortest(v.sp.And(l, v.re(`^[!-:<-~]+$`))); ok && known {
			return v.set(w, "h:cookie", v.sp.Text(c+"="+text))
		}
		return nil
	}
	if h, ok := strings.CutPrefix(name, "http_"); ok {
		return v.set(w, "h:"+headerName(h), l)
	}
	return v.ownVariable(w, name, l, depth)
}

// argument is nginx's $arg_name.
func (v *solver) argument(w *want, name string, l pattern.Language) []*want {
	var out []*want
	if text, ok, known := v.sp.Shortest(v.sp.And(l, v.re(`^[!-%'-~]+$`))); ok && known {
		out = append(out, v.set(w, varQuery, v.re(`(?:^|&)`+regexp.QuoteMeta(name+"="+text)+`(?:&|$)`))...)
	}
	if yes, known := v.sp.Contains(l, ""); yes && known {
		out = append(v.set(w, varQuery, v.sp.Not(v.re(`(?i)(?:^|&)`+regexp.QuoteMeta(name)+`=`))), out...)
	}
	return out
}

// ownVariable is one that set, map or a named group makes.
func (v *solver) ownVariable(w *want, name string, l pattern.Language, depth int) []*want {
	defs := v.s.definitions()[name]
	if len(defs) == 0 {
		return []*want{w}
	}
	var out []*want
	for _, d := range defs {
		if len(out) >= maxWays {
			break
		}
		if d.block != nil {
			out = append(out, v.mapped(w, d.block, l, depth)...)
			continue
		}
		if hostOf(d.scope) != v.host {
			continue
		}
		for _, n := range v.template(w, d.assign.Value, l, depth+1) {
			ways := []*want{n}
			for sc := d.scope; sc != nil; sc = sc.Parent {
				if sc.If == nil || sc == v.scope {
					continue
				}
				var next []*want
				for _, m := range ways {
					next = append(next, v.condition(m, sc.If, true, nil, depth+1)...)
				}
				ways = next
			}
			out = append(out, ways...)
		}
	}
	return out
}

// mapped gives the ways in which a map's value can belong to a language.
func (v *solver) mapped(w *want, b *ir.MapBlock, l pattern.Language, depth int) []*want {
	if b.Kind != "map" || b.Source == nil {
		return []*want{w}
	}
	var out []*want
	rest, whole := v.sp.All(), len(b.Entries) <= 64
	for i := range b.Entries {
		e := &b.Entries[i]
		key := v.value(e.Key, true)
		if e.Pattern != nil {
			var ok bool
			if key, ok = v.subjects(e.Pattern); !ok {
				whole = false
				continue
			}
		} else if b.Hostnames {
			key = v.hostKey(e.Key)
		}
		if whole {
			rest = v.sp.And(rest, v.sp.Not(key))
		}
		if text, ok := e.Value.Constant(); ok {
			if yes, known := v.sp.Contains(l, text); known && !yes {
				continue
			}
		}
		if out = append(out, v.template(w, b.Source, key, depth+1)...); len(out) >= maxWays {
			return out
		}
	}
	text, constant := b.Default.Constant()
	if yes, known := v.sp.Contains(l, text); constant && known && !yes {
		return out
	}
	if !whole {
		return append(out, w)
	}
	return append(out, v.template(w, b.Source, rest, depth+1)...)
}

// hostKey is a key of a map with hostnames, or a server_name.
func (v *solver) hostKey(key string) pattern.Language {
	key = strings.ToLower(key)
	switch {
	case strings.HasPrefix(key, "*."):
		return v.re(`.` + regexp.QuoteMeta(key[1:]) + `$`)
	case strings.HasPrefix(key, "."):
		return v.re(`(?:^|\.)` + regexp.QuoteMeta(key[1:]) + `$`)
	case strings.HasSuffix(key, ".*"):
		return v.re(`^` + regexp.QuoteMeta(key[:len(key)-1]) + `.`)
	}
	return v.sp.Text(key)
}

// definition is where an nginx variable gets its value.
type definition struct {
	scope  *ir.Scope
	assign *ir.Assign
	block  *ir.MapBlock
}

// definitions are those of the program by variable.
func (s *Site) definitions() map[string][]definition {
	if s.defs != nil {
		return s.defs
	}
	s.defs = map[string][]definition{}
	for sc, item := range s.Program.Root.Within() {
		switch it := item.(type) {
		case *ir.Assign:
			s.defs[it.Variable] = append(s.defs[it.Variable], definition{scope: sc, assign: it})
		case *ir.MapBlock:
			s.defs[it.Variable] = append(s.defs[it.Variable], definition{scope: sc, block: it})
		}
	}
	return s.defs
}

// Definitions calls f for each place where an nginx variable gets its value: the scope and value of a set, or a map.
func (s *Site) Definitions(name string, f func(sc *ir.Scope, value *ir.Template, block *ir.MapBlock)) {
	for _, d := range s.definitions()[name] {
		if d.block != nil {
			f(d.scope, nil, d.block)
		} else {
			f(d.scope, d.assign.Value, nil)
		}
	}
}
