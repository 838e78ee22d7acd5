package nginx

import (
	"sort"
	"strconv"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// cycle runs the phases of a request from the server script on, until something answers.
// Source: nginx src/http/ngx_http_core_module.c, the phase checkers.
func (r *request) cycle(serverScript bool) {
	for {
		if serverScript {
			serverScript = false
			r.uriChanged = false
			r.conf = r.server.conf
			if len(r.conf.script) > 0 {
				r.note(sim.Step{Kind: sim.StepPhase, Name: "server script", Input: r.uri})
				if st, done := r.runScript(r.conf.script); done {
					r.finish(st)
					return
				}
			}
		}
		if !r.findConfig() {
			return
		}
		if r.locationScript() {
			continue
		}
		return
	}
}

// findConfig chooses the location. It tells false when the request is answered.
func (r *request) findConfig() bool {
	r.handler = nil
	r.uriChanged = false
	r.conf = r.server.conf
	l, auto := r.findLocation(r.server.conf)
	if l != nil {
		r.conf = l
	}
	r.out.Via = append(r.out.Via, r.conf.name)
	r.note(sim.Step{Kind: sim.StepPhase, Name: "location", Origin: r.conf.scope.Origin, Input: r.uri, Result: describe(r.conf)})
	if !r.internal && r.conf.internal {
		r.note(sim.Step{Kind: sim.StepFlow, Origin: r.conf.scope.Origin, Note: "the location is internal: 404 from outside"})
		r.finalize(404)
		return false
	}
	r.updateConf()
	if auto {
		loc := escapeURI(r.conf.scope.Path)
		if r.args != "" {
			loc += "?" + r.args
		}
		r.note(sim.Step{Kind: sim.StepFlow, Origin: r.conf.scope.Origin, Note: "a location that passes requests on redirects to its name with the slash"})
		r.setLocation(loc)
		r.finalize(301)
		return false
	}
	return true
}

func describe(c *conf) string {
	if c.scope.Kind != ir.ScopeLocation {
		return "the server itself"
	}
	text := "location "
	switch c.scope.Modifier {
	case ir.ExactLocation:
		text += "= "
	case ir.NoRegexLocation:
		text += "^~ "
	case ir.RegexLocation:
		text += "~ "
	case ir.RegexLocationCI:
		text += "~* "
	}
	return text + c.scope.Path
}

func (r *request) updateConf() {
	c := r.conf
	if c.limitExcept != nil && !c.limitMethods[r.method] {
		r.conf = c.limitExcept
		c = r.conf
	}
	if c.handler != nil {
		r.handler = c.handler
	}
	for _, o := range c.opaque {
		r.doubt("%s is not modelled", o.Name)
	}
	for _, u := range c.unknown {
		r.doubt("%s", u)
	}
}

// findLocation searches the locations inside c. auto tells that the location found answers with the redirect
// to its name. Source: ngx_http_core_find_location.
func (r *request) findLocation(c *conf) (found *conf, auto bool) {
	found, state := r.findStatic(c)
	if state == foundAuto || state == foundExact {
		return found, state == foundAuto
	}
	noRegex := false
	if state == foundPrefix {
		noRegex = found.noRegex
		nested, auto, final := r.findNested(found)
		if nested != nil {
			if final {
				return nested, auto
			}
			found = nested
		}
	}
	if !noRegex {
		for _, l := range c.regexes {
			st := sim.Step{Kind: sim.StepRule, Origin: l.scope.Origin, Name: "location"}
			ok := r.match(l.pattern, r.uri, &st)
			r.note(st)
			if ok {
				if nested, auto, _ := r.findNested(l); nested != nil {
					return nested, auto
				}
				return l, false
			}
		}
	}
	return found, false
}

// findNested searches inside l; final tells that an exact or regular expression match ends all searching.
func (r *request) findNested(l *conf) (found *conf, auto, final bool) {
	if len(l.static) == 0 && len(l.regexes) == 0 {
		return nil, false, false
	}
	found, state := r.findStatic(l)
	if state == foundAuto || state == foundExact {
		return found, state == foundAuto, true
	}
	noRegex := false
	if state == foundPrefix {
		noRegex = found.noRegex
		if n, a, f := r.findNested(found); n != nil {
			if f {
				return n, a, true
			}
			found = n
		}
	}
	if !noRegex {
		for _, x := range l.regexes {
			st := sim.Step{Kind: sim.StepRule, Origin: x.scope.Origin, Name: "location"}
			ok := r.match(x.pattern, r.uri, &st)
			r.note(st)
			if ok {
				if n, a, _ := r.findNested(x); n != nil {
					return n, a, true
				}
				return x, false, true
			}
		}
	}
	return found, false, false
}

type foundState uint8

const (
	foundNone foundState = iota
	foundPrefix
	foundExact
	foundAuto
)

func (r *request) findStatic(c *conf) (*conf, foundState) {
	uri := r.uri
	if n := c.static[uri]; n != nil && n.exact != nil && !n.exact.named {
		return n.exact, foundExact
	} else if n == nil || n.inclusive == nil {
		if a := c.static[uri+"/"]; a != nil {
			for _, l := range []*conf{a.exact, a.inclusive} {
				if l != nil && l.autoRedirects() {
					return l, foundAuto
				}
			}
		}
	}
	i := sort.SearchInts(c.lengths, len(uri)+1) - 1
	for ; i >= 0; i-- {
		if n := c.static[uri[:c.lengths[i]]]; n != nil && n.inclusive != nil {
			return n.inclusive, foundPrefix
		}
	}
	return nil, foundNone
}

// autoRedirects tells whether the name without its final slash is redirected to the name.
func (c *conf) autoRedirects() bool {
	if c.handler == nil || !strings.HasSuffix(c.scope.Path, "/") {
		return false
	}
	switch c.handler.kind {
	case "proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass":
		return true
	}
	return false
}

// locationScript runs the script of the location and all that follows it. It tells true when a location has
// to be searched again.
func (r *request) locationScript() (again bool) {
	r.uriChanged = false
	if r.conf.scope.Kind != ir.ScopeHost {
		if st, done := r.runScript(r.conf.script); done {
			r.finish(st)
			return false
		}
	}
	if r.uriChanged {
		r.changes--
		if r.changes == 0 {
			r.out.Error = "rewrite or internal redirection cycle while processing \"" + r.uri + "\""
			r.note(sim.Step{Kind: sim.StepFlow, Note: r.out.Error})
			r.finalize(500)
			return false
		}
		r.note(sim.Step{Kind: sim.StepFlow, Result: r.uri, Note: "the URI changed: a location is searched again"})
		return true
	}
	if st := r.accessPhase(); st != 0 {
		r.finalize(st)
		return false
	}
	if r.conf.tryFiles != nil {
		if r.tryFiles(r.conf.tryFiles) {
			return false
		}
	}
	r.content()
	return false
}

// finish ends a request as a script asked for.
func (r *request) finish(a answer) {
	if a.sent {
		return
	}
	r.finalize(a.status)
}

// internalRedirect starts again at the server script with a new URI.
func (r *request) internalRedirect(uri, args string, origin ir.Origin) {
	r.changes--
	if r.changes == 0 {
		r.out.Error = "rewrite or internal redirection cycle while internally redirecting to \"" + uri + "\""
		r.changes = 0
		r.note(sim.Step{Kind: sim.StepFlow, Note: r.out.Error})
		r.finalize(500)
		return
	}
	r.uri, r.args = uri, args
	r.conf = r.server.conf
	r.internal, r.unparsed, r.addURIToAlias = true, false, false
	r.validLocation = true
	r.note(sim.Step{Kind: sim.StepRewrite, Origin: origin, Result: join(uri, args), Note: "internal redirect"})
	r.cycle(true)
}

func join(uri, args string) string {
	if args == "" {
		return uri
	}
	return uri + "?" + args
}

// namedLocation goes on in a location of the server by its name.
func (r *request) namedLocation(name string, origin ir.Origin) {
	r.changes--
	if r.changes == 0 {
		r.out.Error = "rewrite or internal redirection cycle while redirect to named location \"" + name + "\""
		r.note(sim.Step{Kind: sim.StepFlow, Note: r.out.Error})
		r.finalize(500)
		return
	}
	if r.uri == "" {
		r.out.Error = "empty URI in redirect to named location \"" + name + "\""
		r.finalize(500)
		return
	}
	n := r.server.conf.static[name]
	if n == nil || n.exact == nil || !n.exact.named {
		r.out.Error = "could not find named location \"" + name + "\""
		r.note(sim.Step{Kind: sim.StepFlow, Note: r.out.Error})
		r.finalize(500)
		return
	}
	r.internal = true
	r.handler = nil
	r.conf = n.exact
	r.out.Via = append(r.out.Via, r.conf.name)
	r.note(sim.Step{Kind: sim.StepPhase, Name: "location", Origin: n.exact.scope.Origin, Input: r.uri, Result: describe(n.exact), Note: "named location"})
	r.updateConf()
	if r.locationScript() {
		r.cycle(false)
	}
}

// finalize ends the request with a status, through error_page and the built-in pages.
// Source: ngx_http_finalize_request, ngx_http_special_response_handler.
func (r *request) finalize(status int) {
	switch status {
	case 444, 408, 499:
		r.out.Status, r.out.Closed = status, true
		r.observe()
		return
	}
	if status == 201 || status == 204 || status >= 300 {
		r.special(status)
		return
	}
	// nginx ends the request without having sent anything
	r.out.Closed = true
	r.observe()
}

func (r *request) special(status int) {
	r.errStatus = status
	if !r.errorPageUsed && len(r.conf.errorPages) > 0 && r.changes != 0 {
		c := r.conf
		if !c.recursive {
			r.errorPageUsed = true
		}
		for i := range c.errorPages {
			if p := &c.errorPages[i]; p.status == status {
				r.sendErrorPage(p)
				return
			}
		}
	}
	switch status {
	case 494, 495, 496, 497:
		r.errStatus = 400
	}
	r.send(r.errStatus, nil)
}

func (r *request) sendErrorPage(p *errorPage) {
	if p.overwrite >= 0 {
		r.errStatus = p.overwrite
	}
	uri := r.expand(p.target)
	r.note(sim.Step{Kind: sim.StepRule, Origin: p.origin, Name: "error_page", Input: strconv.Itoa(p.status), Result: uri})
	switch {
	case strings.HasPrefix(uri, "/"):
		uri, args, _ := strings.Cut(uri, "?")
		if r.method != "HEAD" {
			r.method = "GET"
		}
		r.internalRedirect(uri, args, p.origin)
	case strings.HasPrefix(uri, "@"):
		r.namedLocation(uri, p.origin)
	default:
		r.setLocation(uri)
		switch p.overwrite {
		case 301, 302, 303, 307, 308:
		default:
			r.errStatus = 302
		}
		r.send(r.errStatus, nil)
	}
}

func (r *request) setLocation(l string) { r.location = &l }

// send writes the header of the response, and with it the outcome.
func (r *request) send(status int, body *string) {
	if r.errStatus != 0 {
		status = r.errStatus
	}
	r.status = status
	r.out.Status = status
	r.observe()
	if body != nil && r.rawMethod != "HEAD" && r.method != "HEAD" && status != 204 && status != 304 {
		r.out.Body = body
		if r.out.PassedTo == "" {
			r.out.Header = append(r.out.Header, [2]string{"Content-Type", r.contentType()}, [2]string{"Content-Length", strconv.Itoa(len(*body))})
		}
	}
	r.addHeaders(status)
	if r.location != nil {
		l := *r.location
		if body == nil {
			r.out.Header = append(r.out.Header, [2]string{"Content-Type", "text/html"})
		}
		if strings.HasPrefix(l, "/") && r.conf.absoluteRedir {
			l = r.absolute(l)
		}
		r.out.Location = &l
	}
}

// absolute puts scheme, host and port before a path. Source: ngx_http_header_filter.
func (r *request) absolute(path string) string {
	host := r.host
	if r.conf.nameInRedir {
		host = r.server.first
	} else if host == "" {
		host = "127.0.0.1"
		if r.s.world.ServerAddr.IsValid() {
			host = r.s.world.ServerAddr.String()
		}
	}
	scheme, std := "http://", 80
	if r.tls {
		scheme, std = "https://", 443
	}
	if r.conf.portInRedir && r.port != std && !r.server.anywhere {
		host += ":" + strconv.Itoa(r.port)
	}
	return scheme + host + path
}

// observe fills in where the request ended.
func (r *request) observe() {
	r.out.URI, r.out.Query = r.uri, r.args
	r.out.Filename, _ = r.mapPath(r.uri)
}
