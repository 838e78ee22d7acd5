package nginx

import (
	"strings"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// Passed is a request as it is handed to a backend.
type Passed struct {
	Kind   string // "proxy_pass", "fastcgi_pass", …
	To     string // address or URL
	Method string
	Target string      // request target sent (proxy_pass)
	Host   string      // Host header sent (proxy_pass)
	Params [][2]string // fastcgi_param, evaluated
}

// Response is what a backend answers.
type Response struct {
	Status   int
	Location *string
	Body     string
}

// Backends is implemented by simulators whose backends can be answered for by the caller.
type Backends interface {
	// SetBackend sets the function that answers for every backend; nil (and a nil answer) leaves the
	// outcome at PassedTo.
	SetBackend(func(Passed) *Response)
}

// handle hands the request to the handler of its location.
func (r *request) handle(h *handler) {
	switch h.kind {
	case "proxy_pass":
		r.proxy(h)
	case "fastcgi_pass":
		r.fastcgi(h)
	case "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass":
		r.pass(Passed{Kind: h.kind, To: r.expand(h.set.Templates[0]), Method: r.method}, h)
	case "empty_gif":
		if r.method != "GET" && r.method != "HEAD" {
			r.finalize(405)
			return
		}
		r.send(200, nil)
	case "stub_status":
		if r.method != "GET" && r.method != "HEAD" {
			r.finalize(405)
			return
		}
		r.send(200, nil)
	default:
		r.doubt("%s is not modelled", h.kind)
	}
}

// upstreamParts splits the URL of proxy_pass: scheme with ://, host:port as $proxy_host shows it, port, URI.
func (r *request) upstreamParts(url string) (scheme, host, port, uri string) {
	i := strings.Index(url, "://")
	if i < 0 {
		return "", "", "", ""
	}
	scheme, rest := url[:i+3], url[i+3:]
	j := strings.IndexAny(rest, "/?")
	if strings.HasPrefix(rest, "unix:") {
		if k := strings.IndexByte(rest[5:], ':'); k >= 0 {
			return scheme, "localhost", "", rest[5+k+1:]
		}
		return scheme, "localhost", "", ""
	}
	if j < 0 {
		j = len(rest)
	}
	host, uri = rest[:j], rest[j:]
	port = "80"
	if strings.EqualFold(scheme, "https://") {
		port = "443"
	}
	if k := strings.LastIndexByte(host, ':'); k >= 0 && !strings.HasSuffix(host, "]") {
		p := host[k+1:]
		if p == port {
			host = host[:k]
		}
		port = p
	}
	return scheme, host, port, uri
}

// proxy builds the request that proxy_pass sends. Source: ngx_http_proxy_create_request.
func (r *request) proxy(h *handler) {
	t := h.set.Templates[0]
	text, constant := t.Constant()
	if !constant {
		text = r.expand(t)
	}
	scheme, host, _, uri := r.upstreamParts(text)
	if scheme == "" {
		r.out.Error = "invalid URL prefix in \"" + text + "\""
		r.finalize(500)
		return
	}
	if strings.HasPrefix(uri, "?") {
		uri = "/" + uri
	}
	var target string
	switch {
	case !constant && uri != "":
		target = uri
	case r.unparsed && (uri == "" || !constant):
		target = r.target
		if target != "" && target[0] != '/' {
			target = "/" + target
		}
	default:
		prefix := 0
		if r.validLocation && constant && uri != "" {
			c := h.set
			_ = c
			prefix = len(r.locationOf(h).scope.Path)
		}
		path := r.uri
		if constant && uri != "" && r.validLocation {
			if prefix > len(path) {
				prefix = len(path)
			}
			target = uri + escapeURI(path[prefix:])
		} else {
			target = escapeURI(path)
		}
		if r.args != "" {
			target += "?" + r.args
		}
	}
	method := r.method
	if r.conf.proxyMethod != nil {
		method = r.expand(r.conf.proxyMethod)
	}
	sentHost := host
	for c := r.conf; c != nil && c.scope != nil; c = c.parent {
		own := false
		for _, it := range c.scope.Items {
			if set, ok := it.(*ir.Setting); ok && set.Name == "proxy_set_header" {
				own = true
				if strings.EqualFold(set.Arg(0), "Host") {
					sentHost = r.expand(set.Templates[1])
				}
			}
		}
		if own {
			break
		}
	}
	r.pass(Passed{Kind: "proxy_pass", To: scheme + host + target, Method: method, Target: target, Host: sentHost}, h)
}

// locationOf is the location whose name proxy_pass replaces: the one the handler stands in, beyond ifs.
func (r *request) locationOf(h *handler) *conf {
	for c := r.conf; c != nil; c = c.parent {
		if !c.noname {
			return c
		}
	}
	return r.conf
}

func (r *request) pass(p Passed, h *handler) {
	r.note(sim.Step{Kind: sim.StepFlow, Origin: h.set.Origin, Name: h.kind, Result: p.To, Note: "the request is passed on"})
	r.out.PassedTo = p.To
	var answer *Response
	if r.s.backend != nil {
		answer = r.s.backend(p)
	}
	if answer == nil {
		r.observe()
		r.out.Status = 0
		return
	}
	r.backend = answer
	if r.conf.intercept && answer.Status >= 300 {
		for i := range r.conf.errorPages {
			if r.conf.errorPages[i].status == answer.Status {
				r.special(answer.Status)
				return
			}
		}
	}
	if answer.Location != nil {
		l, changed := r.rewriteLocation(*answer.Location, h)
		r.setLocation(l)
		body := answer.Body
		r.send(answer.Status, &body)
		if !changed {
			r.out.Location = &l
		}
		return
	}
	body := answer.Body
	r.send(answer.Status, &body)
}

// rewriteLocation applies proxy_redirect to the Location of a backend.
func (r *request) rewriteLocation(l string, h *handler) (string, bool) {
	if h.kind != "proxy_pass" {
		return l, false
	}
	def := func() (string, bool) {
		text, constant := h.set.Templates[0].Constant()
		if !constant {
			return l, false
		}
		loc := r.locationOf(h)
		from, to := text, loc.scope.Path
		_, _, _, uri := r.upstreamParts(text)
		if uri == "" {
			from, to = text+"/", "/"
		}
		if loc.pattern != nil || loc.named {
			to = "/"
			if uri != "" {
				return l, false
			}
		}
		if strings.HasPrefix(l, from) {
			return to + l[len(from):], true
		}
		return l, false
	}
	if len(r.conf.proxyRedirect) == 0 {
		return def()
	}
	for _, set := range r.conf.proxyRedirect {
		switch {
		case set.Arg(0) == "off" && len(set.Args) == 1:
			return l, false
		case set.Arg(0) == "default" && len(set.Args) == 1:
			if v, ok := def(); ok {
				return v, true
			}
		case strings.HasPrefix(set.Arg(0), "~"):
			re, ok := r.compile(set.Arg(0))
			if ok && r.match(re, l, nil) {
				whole := r.captures
				_ = whole
				return r.expand(set.Templates[1]), true
			}
		default:
			from := r.expand(set.Templates[0])
			if strings.HasPrefix(l, from) {
				return r.expand(set.Templates[1]) + l[len(from):], true
			}
		}
	}
	return l, false
}

// fastcgiSplit gives $fastcgi_script_name and $fastcgi_path_info.
func (r *request) fastcgiSplit() (script, info string) {
	c := r.conf
	if c.splitPathInfo != nil {
		if re, ok := r.compile("~" + c.splitPathInfo.Arg(0)); ok {
			saved := r.captures
			if r.match(re, r.uri, nil) {
				script, info = r.capture(1), r.capture(2)
				r.captures = saved
				return r.withIndex(script), info
			}
			r.captures = saved
		}
	}
	return r.withIndex(r.uri), ""
}

func (r *request) withIndex(script string) string {
	if strings.HasSuffix(script, "/") && r.conf.fcgiIndex != nil {
		return script + r.expand(r.conf.fcgiIndex)
	}
	return script
}

func (r *request) fastcgi(h *handler) {
	p := Passed{Kind: h.kind, To: r.expand(h.set.Templates[0]), Method: r.method}
	for _, set := range r.conf.fastcgi {
		v := r.expand(set.Templates[1])
		if v == "" && set.Arg(2) == "if_not_empty" {
			continue
		}
		p.Params = append(p.Params, [2]string{set.Arg(0), v})
	}
	r.pass(p, h)
}
