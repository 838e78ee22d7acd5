package nginx

import (
	"fmt"
	"slices"
	"strings"

	"rewright/parser/diag"
	"rewright/parser/ir"
)

// proxyChecks follow src/http/modules/ngx_http_proxy_module.c and its kin, and src/http/ngx_http_upstream.c.
var proxyChecks = map[string]headCheck{
	"proxy_pass":     checkProxyPass,
	"fastcgi_pass":   checkPass,
	"uwsgi_pass":     checkPass,
	"scgi_pass":      checkPass,
	"memcached_pass": checkPass,
	"grpc_pass": func(r *reader, cd *ConfigDirective, fr *frame) {
		if r.repeated(cd, fr) || strings.Contains(cd.Args[0].Text, "$") {
			if !cd.Refused {
				r.template(cd, cd.Args[0])
			}
			return
		}
		text := cd.Args[0].Text
		for _, scheme := range []string{"grpc://", "grpcs://"} {
			if len(text) >= len(scheme) && strings.EqualFold(text[:len(scheme)], scheme) {
				text = text[len(scheme):]
				break
			}
		}
		if u, ok := r.upstreamAddress(cd, text, false); ok && u.port == 0 && u.unix == "" && text == cd.Args[0].Text {
			r.portless = append(r.portless, cd)
		}
	},
	"proxy_redirect":          checkProxyRedirect,
	"upstream":                checkUpstream,
	"server":                  checkUpstreamServer,
	"proxy_cache_valid":       checkCacheValid,
	"fastcgi_cache_valid":     checkCacheValid,
	"uwsgi_cache_valid":       checkCacheValid,
	"scgi_cache_valid":        checkCacheValid,
	"proxy_set_header":        checkLateTemplate,
	"grpc_set_header":         checkLateTemplate,
	"fastcgi_param":           checkParam,
	"uwsgi_param":             checkParam,
	"scgi_param":              checkParam,
	"fastcgi_split_path_info": checkSplitPath,
	"set_real_ip_from": func(r *reader, cd *ConfigDirective, _ *frame) {
		if kind, _ := parseNetwork(cd.Args[0].Text); kind == dirtyNetwork {
			r.lowBits(cd, cd.Args[0])
		}
	},
	"hash": func(r *reader, cd *ConfigDirective, _ *frame) { r.template(cd, cd.Args[0]) },
}

func checkProxyPass(r *reader, cd *ConfigDirective, fr *frame) {
	if r.repeated(cd, fr) {
		return
	}
	w := cd.Args[0]
	if strings.Contains(w.Text, "$") {
		r.template(cd, w)
		return
	}
	rest := ""
	switch lower := strings.ToLower(w.Text); {
	case strings.HasPrefix(lower, "http://"):
		rest = w.Text[len("http://"):]
	case strings.HasPrefix(lower, "https://"):
		rest = w.Text[len("https://"):]
	default:
		r.refuse(cd, w.Span, "RD029", "refused-argument", "needs an address that begins with http:// or https://", "", "invalid URL prefix")
		return
	}
	u, ok := r.upstreamAddress(cd, rest, true)
	if !ok || u.uri == "" {
		return
	}
	l := fr.location
	if fr.context != "location" || l != nil && (l.regex() || l.modifier == ir.NamedLocation) {
		r.refuse(cd, w.Span, "RD029", "refused-argument", "cannot have a path here: nginx would not know what to replace by it",
			"leave the path off, or build it from variables",
			`"proxy_pass" cannot have URI part in location given by regular expression, or inside named location, or inside "if" statement, or inside "limit_except" block`)
	}
}

// upstreamAddress checks an address without looking its name up.
func (r *reader) upstreamAddress(cd *ConfigDirective, text string, uriPart bool) (hostPort, bool) {
	u, fault := parseURL(text, false, uriPart)
	if fault != "" {
		return u, r.invalid(cd, cd.Args[0], `%s in upstream "%s"`, fault, text)
	}
	return u, true
}

func checkPass(r *reader, cd *ConfigDirective, fr *frame) {
	if r.repeated(cd, fr) {
		return
	}
	w := cd.Args[0]
	if strings.Contains(w.Text, "$") {
		r.template(cd, w)
		return
	}
	u, ok := r.upstreamAddress(cd, w.Text, false)
	if ok && u.port == 0 && u.unix == "" {
		r.portless = append(r.portless, cd)
	}
}

// missingPorts reports addresses without a port that no upstream block stands for.
// Source: nginx src/http/ngx_http_upstream_round_robin.c, ngx_http_upstream_init_round_robin.
func (r *reader) missingPorts() {
	if r.partial() {
		return
	}
	for _, cd := range r.portless {
		text := cd.Args[0].Text
		if r.upstreams[strings.ToLower(text)] == nil {
			r.invalid(cd, cd.Args[0], `no port in upstream "%s"`, text)
		}
	}
}

func checkProxyRedirect(r *reader, cd *ConfigDirective, fr *frame) {
	if first := fr.set["proxy_redirect off"]; first != nil {
		r.duplicate(cd, first, "is duplicate")
		return
	}
	w := cd.Args[0]
	if len(cd.Args) == 1 {
		switch w.Text {
		case "off":
			fr.set["proxy_redirect off"] = cd
			if first := fr.set["proxy_redirect"]; first != nil {
				r.duplicate(cd, first, "is duplicate")
			}
		case "default":
			pass := fr.set["proxy_pass"]
			if pass == nil {
				r.invalid(cd, w, `"proxy_redirect default" should be placed after the "proxy_pass" directive`)
			} else if strings.Contains(pass.Args[0].Text, "$") {
				r.invalid(cd, w, `"proxy_redirect default" cannot be used with "proxy_pass" directive with variables`)
			}
			fr.set["proxy_redirect"] = cd
		default:
			r.invalid(cd, w, `invalid parameter "%s"`, w.Text)
		}
		return
	}
	fr.set["proxy_redirect"] = cd
	if strings.HasPrefix(w.Text, "~") {
		text := strings.TrimPrefix(w.Text[1:], "*")
		if _, ok := r.regex(cd, text, w, strings.HasPrefix(w.Text, "~*"), true); !ok {
			return
		}
	} else if !r.template(cd, w) {
		return
	}
	r.template(cd, cd.Args[1])
}

func checkUpstream(r *reader, cd *ConfigDirective, _ *frame) {
	name := strings.ToLower(cd.Args[0].Text)
	if first := r.upstreams[name]; first != nil {
		r.refuseWith(cd, diag.Diagnostic{Code: "RD029", Name: "refused-argument", Span: cd.Head(),
			Message:       fmt.Sprintf("`upstream %s` stands twice; nginx will not start", name),
			ServerMessage: fmt.Sprintf(`duplicate upstream "%s"`, cd.Args[0].Text),
			Related:       []diag.Related{{File: first.File, Span: first.Head(), Message: "the first one"}}})
		return
	}
	r.upstreams[name] = cd
}

// upstreamServerSince are parameters of a server in an upstream that were nginx Plus's alone, and the release that brought them.
// Source: nginx CHANGES.
var upstreamServerSince = map[string]string{"resolve": "1.27.3", "service": "1.27.3", "route": "1.29.6", "drain": "1.29.6"}

func checkUpstreamServer(r *reader, cd *ConfigDirective, fr *frame) {
	if fr.context != "upstream" {
		return
	}
	fr.set["server"] = cd
	for _, w := range cd.Args[1:] {
		name, value, _ := strings.Cut(w.Text, "=")
		ok := true
		switch name {
		case "weight":
			n, good := atoi(value)
			ok = good && n > 0
		case "max_conns", "max_fails":
			_, ok = atoi(value)
		case "fail_timeout":
			_, ok = parseTime(value, true)
		case "backup", "down":
			ok = w.Text == name
		case "resolve", "service", "route", "drain":
			if since := upstreamServerSince[name]; versionBefore(r.version, since) {
				r.needs(cd, w, since, fmt.Sprintf(`invalid parameter "%s"`, w.Text))
				return
			}
		default:
			ok = false
		}
		if !ok {
			r.invalid(cd, w, `invalid parameter "%s"`, w.Text)
			return
		}
	}
	w := cd.Args[0]
	if _, fault := parseURL(w.Text, false, false); fault != "" {
		r.invalid(cd, w, `%s in upstream "%s"`, fault, w.Text)
	}
}

// closeUpstream refuses an upstream without servers. One with a directive of other modules may have its servers from there (state of
// nginx Plus): the directive is refused already.
func closeUpstream(r *reader, cd *ConfigDirective, _, inner *frame) {
	if inner.set["server"] != nil || r.partial() || slices.ContainsFunc(cd.Body, func(in *ConfigDirective) bool { return in.Refused }) {
		return
	}
	r.refuse(cd, cd.Head(), "RD029", "refused-argument", "has no server", "", "no servers are inside upstream")
	r.findings[len(r.findings)-1].line = r.closeLine(cd)
}

func checkCacheValid(r *reader, cd *ConfigDirective, _ *frame) {
	last := len(cd.Args) - 1
	if w := cd.Args[last]; true {
		if _, ok := parseTime(w.Text, true); !ok {
			r.invalid(cd, w, `invalid time value "%s"`, w.Text)
			return
		}
	}
	for _, w := range cd.Args[:last] {
		if w.Text == "any" {
			continue
		}
		if n, ok := atoi(w.Text); !ok || n < 100 || n > 599 {
			r.invalid(cd, w, `invalid status "%s"`, w.Text)
			return
		}
	}
}

// checkLateTemplate reads a string that nginx compiles when it merges the levels of the configuration: on the level
// of http only when some server inherits it.
func checkLateTemplate(r *reader, cd *ConfigDirective, fr *frame) {
	if fr.set[cd.Name.Text] == nil {
		fr.set[cd.Name.Text] = cd
	}
	if fr.context == "http" {
		r.inheritable = append(r.inheritable, cd)
		return
	}
	r.lateTemplate(cd)
}

func (r *reader) lateTemplate(cd *ConfigDirective) {
	w := cd.Args[min(1, len(cd.Args)-1)]
	if !strings.Contains(w.Text, "$") {
		return
	}
	t, err := w.Template()
	if err == nil {
		r.useTemplate(cd, t)
		return
	}
	cd.Refused = true
	r.later(rankMerge, finding{Diagnostic: diag.Diagnostic{Code: "RD029", Name: "refused-argument", Severity: diag.Error,
		File: cd.File, Span: w.Span, Refuses: true, ServerMessage: err.Error(),
		Message: "`" + cd.Name.Text + "` has a $ that begins no variable; nginx will not start"}})
}

// inherit compiles what a server takes over from http.
func (r *reader) inherit(server *frame) {
	rest := r.inheritable[:0]
	for _, cd := range r.inheritable {
		if server.has(cd.Name.Text) {
			rest = append(rest, cd)
		} else {
			r.lateTemplate(cd)
		}
	}
	r.inheritable = rest
}

func checkParam(r *reader, cd *ConfigDirective, fr *frame) {
	if len(cd.Args) == 3 && cd.Args[2].Text != "if_not_empty" {
		r.invalid(cd, cd.Args[2], `invalid parameter "%s"`, cd.Args[2].Text)
		return
	}
	checkLateTemplate(r, cd, fr)
}

func checkSplitPath(r *reader, cd *ConfigDirective, fr *frame) {
	if r.repeated(cd, fr) {
		return
	}
	w := cd.Args[0]
	if t, ok := r.regex(cd, w.Text, w, false, false); ok && t.Groups != 2 {
		r.invalid(cd, w, `pattern "%s" must have 2 captures`, w.Text)
	}
}
