package nginx

import (
	"strconv"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/sim"
)

// Passed is a request as it is handed to a backend.
type Passed struct {
	Kind   string // "proxy_pass", "fastcgi_pass", …
	To     string // address or URL
	Method string
	Target string      // request target sent (proxy_pass)
	Host   string      // Host header sent (proxy_pass)
	Params [][2]string // fastcgi_param, evaluated; what is not known is left out
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
	// outcome at PassedTo. It is for tests, and not to be called while requests are answered.
	SetBackend(func(Passed) *Response)
}

// passKinds are the directives that hand requests on, in the order of nginx's modules.
var passKinds = []handlerKind{"proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass"}

// pass reads a *_pass directive. Source: ngx_http_proxy_pass and its likes.
func (c *compiler) pass(l *conf, in *inherited, set *ir.Setting, to *template) {
	kind := handlerKind(set.Name)
	p := &pass{kind: kind, origin: set.Origin, to: to}
	l.handler = kind
	l.autoRedirect = l.autoRedirect || strings.HasSuffix(l.name, "/")
	if kind == "proxy_pass" && to.constant {
		p.url, _ = parseProxyURL(to.fixed)
		p.location = l.name
		if l.named || l.pattern != nil || l.noName {
			p.location = ""
		}
	}
	l.ownPasses = append(l.ownPasses, p)
}

// completeProxy settles what the *_pass directives of a scope inherit: an if and a limit_except take those of the
// location they stand in, a location takes none. Source: ngx_http_proxy_merge_loc_conf.
func (c *compiler) completeProxy(l *conf, own func() *inherited) {
	if len(l.ownPasses) == 0 && (l.noName || len(l.passes) == 0) {
		return
	}
	passes := map[handlerKind]*pass{}
	if l.noName {
		for k, p := range l.passes {
			passes[k] = p
		}
	}
	in := own()
	for _, p := range l.ownPasses {
		passes[p.kind] = p
		if p.kind != "proxy_pass" || !p.to.constant || in.proxyRedirectOff || in.proxyRedirects != nil {
			continue
		}
		in.proxyRedirects = []proxyRedirect{defaultRedirect(p)}
	}
	in.passes = passes
	l.ownPasses = nil
}

func constant(s string) *template {
	return &template{constant: true, fixed: s, source: &ir.Template{Text: s}}
}

// defaultRedirect is proxy_redirect default: the URL of proxy_pass becomes the name of the location.
func defaultRedirect(p *pass) proxyRedirect {
	if p.url.uri != "" {
		return proxyRedirect{from: constant(p.to.fixed), to: constant(p.location)}
	}
	return proxyRedirect{from: constant(p.to.fixed + "/"), to: constant("/")}
}

// proxyRedirect reads proxy_redirect.
func (c *compiler) proxyRedirect(l *conf, in *inherited, set *ir.Setting, template func(int) *template, first func(string) bool) {
	if first("proxy_redirect") {
		in.proxyRedirects, in.proxyRedirectOff = nil, false
	}
	switch {
	case len(set.Args) == 1 && set.Arg(0) == "off":
		in.proxyRedirectOff = true
	case len(set.Args) == 1 && set.Arg(0) == "default":
		for _, p := range l.ownPasses {
			if p.kind == "proxy_pass" && p.to.constant {
				in.proxyRedirects = append(in.proxyRedirects, defaultRedirect(p))
			}
		}
	case strings.HasPrefix(set.Arg(0), "~"):
		if re := c.ownRegex(set.Arg(0), set.Origin); re != nil {
			in.proxyRedirects = append(in.proxyRedirects, proxyRedirect{pattern: re, to: template(1)})
		}
	case len(set.Args) == 2:
		in.proxyRedirects = append(in.proxyRedirects, proxyRedirect{from: template(0), to: template(1)})
	}
}

// ownRegexPlain compiles a pattern without regard to case whose groups mean nothing.
func (c *compiler) ownRegexPlain(text string, o ir.Origin) *pattern.Regexp {
	re, err := pattern.Compile(text, pattern.Options{IgnoreCase: true})
	if err != nil {
		c.refuse(o, "%v", err)
		return nil
	}
	return re
}

// parseProxyURL takes the URL of a proxy_pass apart: scheme with ://, host and port as $proxy_host shows them, port,
// URI part. ok is false without http:// or https://. Source: ngx_http_proxy_eval, ngx_http_proxy_set_vars.
func parseProxyURL(url string) (u proxyURL, ok bool) {
	switch {
	case len(url) > 7 && equalFold(url[:7], "http://"):
		u.scheme, u.port = url[:7], "80"
	case len(url) > 8 && equalFold(url[:8], "https://"):
		u.scheme, u.port = url[:8], "443"
	default:
		return u, false
	}
	rest := url[len(u.scheme):]
	if strings.HasPrefix(rest, "unix:") {
		u.host, u.port = "localhost", ""
		if i := strings.IndexByte(rest[5:], ':'); i >= 0 {
			u.uri = rest[5+i+1:]
		}
	} else {
		end := strings.IndexAny(rest, "/?")
		if end < 0 {
			end = len(rest)
		}
		u.host, u.uri = rest[:end], rest[end:]
		if i := strings.LastIndexByte(u.host, ':'); i >= 0 && !strings.HasSuffix(u.host, "]") {
			if port := u.host[i+1:]; port == u.port {
				u.host = u.host[:i]
			} else {
				u.port = port
			}
		}
	}
	return u, true
}

// passOn hands the request to the backend of its location.
func (r *request) passOn(kind handlerKind) next {
	p := r.conf.passes[kind]
	if p == nil {
		r.giveUp("%s is not set where the request is answered", kind)
	}
	switch kind {
	case "proxy_pass":
		return r.proxy(p)
	case "fastcgi_pass":
		return r.fastcgi(p)
	}
	to := r.must(r.eval(p.to, evalRun, false))
	return r.pass(p, Passed{Kind: string(kind), To: to, Method: r.method})
}

// proxy builds the request that proxy_pass sends. Source: ngx_http_proxy_create_request.
func (r *request) proxy(p *pass) next {
	u := p.url
	if !p.to.constant {
		url := r.must(r.eval(p.to, evalRun, false))
		var ok bool
		if u, ok = parseProxyURL(url); !ok {
			r.fail(`invalid URL prefix in "` + url + `"`)
			return r.finalize(500)
		}
		if _, err := strconv.ParseUint(u.port, 10, 16); u.port != "" && err != nil || u.host == "" || strings.ContainsAny(u.host, " $") {
			r.giveUp("whether nginx can pass to %q is not known", url)
		}
		if strings.HasPrefix(u.uri, "?") {
			u.uri = "/" + u.uri // only where variables are expanded
		}
	}
	r.proxied = &u
	var target string
	switch {
	case !p.to.constant && u.uri != "":
		target = u.uri
	case u.uri == "" && r.validUnparsed:
		target = r.target
	default:
		replaced := 0
		if r.validLocation && u.uri != "" {
			replaced = min(len(p.location), len(r.uri))
		}
		path := r.uri[replaced:]
		if r.quotedURI || r.internal {
			path = escapeURI(path)
		}
		if r.validLocation {
			target = u.uri
		}
		target = withArgs(target+path, r.args)
	}
	if target == "" {
		r.fail("zero length URI to proxy")
		return r.finalize(500)
	}
	method := r.method
	if r.conf.proxyMethod != nil {
		method = r.must(r.eval(r.conf.proxyMethod, evalValue, false))
	}
	host := u.host
	for _, h := range r.conf.proxyHeaders {
		if equalFold(h.name, "Host") {
			// A host that is not known changes nothing but what the backend sees.
			host = r.eval(h.value, evalValue, false).s
		}
	}
	return r.pass(p, Passed{Kind: "proxy_pass", To: u.scheme + u.host + target, Method: method, Target: target, Host: host})
}

func (r *request) fastcgi(p *pass) next {
	out := Passed{Kind: string(p.kind), To: r.must(r.eval(p.to, evalRun, false)), Method: r.method}
	for i := range r.conf.fastcgiParams {
		f := &r.conf.fastcgiParams[i]
		v := r.eval(f.value, evalValue, false)
		if v.why != "" || v.s == "" && f.ifNotEmpty {
			continue
		}
		out.Params = append(out.Params, [2]string{f.name, v.s})
	}
	return r.pass(p, out)
}

func (r *request) pass(p *pass, out Passed) next {
	if r.trace {
		r.note(sim.Step{Kind: sim.StepFlow, Origin: p.origin, Name: string(p.kind), Result: out.To, Note: "the request is passed on"})
	}
	r.out.PassedTo, r.passedOn = out.To, true
	var answer *Response
	if r.s.backend != nil {
		answer = r.s.backend(out)
	}
	if answer == nil {
		return done
	}
	r.response = answer
	if r.conf.intercept[p.kind] && answer.Status >= 300 {
		for i := range r.conf.errorPages {
			if r.conf.errorPages[i].status == answer.Status {
				r.out.PassedTo = ""
				return r.finalize(answer.Status)
			}
		}
	}
	r.status = answer.Status
	if answer.Location != nil {
		// A Location that is not rewritten keeps its form: it is not made absolute.
		to, changed := r.rewriteLocation(text{s: strings.Trim(*answer.Location, " ")}, p)
		if changed || !strings.HasPrefix(to.s, "/") {
			r.setLocation(to)
		} else {
			r.sent = append(r.sent, sentHeader{"Location", to})
		}
	}
	r.contentType, r.hasLength = "", false
	body := answer.Body
	return r.send(&body)
}

// rewriteLocation applies proxy_redirect to the Location of a backend. Source: ngx_http_proxy_rewrite_redirect.
func (r *request) rewriteLocation(to text, p *pass) (text, bool) {
	if p.kind != "proxy_pass" || r.conf.proxyRedirectOff {
		return to, false
	}
	for i := range r.conf.proxyRedirects {
		pr := &r.conf.proxyRedirects[i]
		if pr.pattern != nil {
			if r.exec(pr.pattern, to.s, nil) {
				return r.eval(pr.to, evalValue, false), true
			}
			continue
		}
		from := r.must(r.eval(pr.from, evalValue, false))
		if !strings.HasPrefix(to.s, from) {
			continue
		}
		v := r.eval(pr.to, evalValue, false)
		v.s += to.s[len(from):]
		return v, true
	}
	return to, false
}

// fastcgiSplit gives $fastcgi_script_name and $fastcgi_path_info. Source: ngx_http_fastcgi_split.
func (r *request) fastcgiSplit() (script, info text) {
	script = text{s: r.uri}
	if re := r.conf.splitPathInfo; re != nil {
		r.step()
		m, ok, err := re.Match(r.uri)
		if err != nil {
			return text{why: err.Error()}, text{why: err.Error()}
		}
		if ok {
			script, info = text{s: m.Group(1)}, text{s: m.Group(2)}
		}
	}
	if strings.HasSuffix(script.s, "/") && r.conf.fastcgiIndex != nil {
		script.s += r.conf.fastcgiIndex.fixed
	}
	return script, info
}
