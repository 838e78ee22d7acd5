package httpd

// The phases of a request, and internal redirects.

import (
	"strconv"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// handleAll runs the phases and the handler. It gives the request that is answered at last.
func (r *request) handleAll() *request {
	if r.main == nil {
		if r.prev == nil {
			r.requestHeaders(r.h.defaults, true)
		}
		r.serverEnv()
	}
	switch st := r.phases(); st {
	case 0:
		return r.handle()
	case done:
		if r.uri == "*" {
			// OPTIONS *: no handler and no filter runs, so configuration adds no headers
			r.top.out.Status = 200
			return r
		}
		return r.send(200)
	default:
		return r.die(st)
	}
}

// phases is ap_process_request_internal: everything before the handler. The status is 0 when the handler may run.
func (r *request) phases() int {
	if st := r.begin(); st != 0 {
		return st
	}
	if r.method == "TRACE" {
		return r.traceMethod()
	}
	if r.uri == "*" {
		return done
	}
	d := r.baseConf()
	r.conf = d
	if !r.proxied {
		if st := r.directoryWalk(d); st != 0 {
			r.conf = r.baseConf() // nothing of the directories holds yet
			return st
		}
		r.fileWalk(d)
	}
	return r.finish(d)
}

// begin finds the file of the URL.
func (r *request) begin() int {
	c := r.baseConf()
	r.conf = c
	r.locationWalk(c)
	r.ifWalk(c)
	if st := r.translate(c); st != 0 && st != done {
		return st
	}
	return 0
}

// finish runs what follows the directory walk: the last sections, access control and fixups.
func (r *request) finish(d *dirConf) int {
	if r.uri != "" || r.main == nil {
		r.locationWalk(d)
	}
	r.ifWalk(d)
	if r.main == nil {
		r.headerEnv(d)
	}
	for _, u := range d.unknown {
		r.doubt(u)
	}
	if st := r.access(d); st != 0 {
		return st
	}
	if d.opts&optMultiViews != 0 && !r.proxied {
		r.multiViews()
	}
	return r.fixups(d)
}

func (r *request) traceMethod() int {
	if r.h.trace == "off" {
		return 405
	}
	r.handler = "trace"
	return 0
}

// multiViews makes the outcome unknown where content negotiation would look for files of that name.
func (r *request) multiViews() {
	if r.finfo.Kind == sim.NoFile {
		r.doubt("Options MultiViews may find a file whose name begins so")
	}
}

// translate finds the file of the URL. Source: the translate_name hook, mod_rewrite before mod_alias before the core.
func (r *request) translate(c *dirConf) int {
	r.filename, r.hasFile, r.pathInfo = "", false, ""
	r.ctxPrefix, r.ctxRoot = "", ""
	if st := r.rewriteServer(c); st != declined {
		return st
	}
	if r.s.hasProxy() {
		for _, p := range r.h.proxyPass {
			hit, stop := r.proxyPass(p)
			if hit {
				return done
			}
			if stop {
				break
			}
		}
	}
	if st := r.aliasTranslate(c); st != declined {
		return st
	}
	if !strings.HasPrefix(r.uri, "/") {
		if r.uri == "*" {
			return declined
		}
		return 400
	}
	if r.climbs(r.uri) {
		return 403
	}
	// Source: apr_filepath_merge, APR_PATH_MAX
	if len(r.h.docroot)+len(strings.TrimLeft(r.uri, "/"))+4 > 4096 {
		r.logError("AH00127: Cannot map " + r.theRequest + " to file")
		return 403
	}
	r.filename, r.hasFile = r.h.docroot+r.uri, true
	return declined
}

// climbs tells, and logs, that a path has dot segments that lead out of the document root.
// Source: httpd server/core.c, ap_core_translate with APR_FILEPATH_SECUREROOT.
func (r *request) climbs(name string) bool {
	depth := 0
	for part := range strings.SplitSeq(name, "/") {
		switch part {
		case "", ".":
		case "..":
			if depth--; depth < 0 {
				r.logError("AH00127: Cannot map " + r.theRequest + " to file")
				return true
			}
		default:
			depth++
		}
	}
	return false
}

// proxyPass hands a URL on as ProxyPass says.
func (r *request) proxyPass(p *ir.Setting) (hit, stop bool) {
	if len(p.Args) < 2 {
		return false, false
	}
	source, target := p.Arg(0), p.Arg(1)
	if strings.EqualFold(p.Name, "ProxyPassMatch") {
		m, ok := r.match(p.Pattern, r.uri)
		if !ok {
			return false, false
		}
		if target != "!" {
			target = substitute(target, m)
		}
	} else {
		n := segmentMatch(r.uri, source)
		if n == 0 {
			return false, false
		}
		if target != "!" {
			target += escapePath(r.uri[n:])
		}
	}
	if target == "!" {
		r.note(sim.Step{Kind: sim.StepRule, Origin: p.Origin, Name: p.Name, Input: r.uri, Matched: truth(true), Note: "not passed on"})
		return false, true
	}
	if r.args != nil {
		target += "?" + *r.args
	}
	r.proxied, r.handler, r.filename, r.hasFile = true, "proxy-server", "proxy:"+target, true
	r.note(sim.Step{Kind: sim.StepRule, Origin: p.Origin, Name: p.Name, Input: r.uri, Result: target, Matched: truth(true)})
	return true, true
}

// has tells whether a module is loaded.
func (s *simulator) has(module string) bool {
	return s.world.HasModule == nil || s.world.HasModule(module)
}

func (s *simulator) hasProxy() bool { return s.has("mod_proxy.c") }

// fixups are mod_rewrite's directory rules, mod_alias's redirects in directories and mod_dir, in this order.
func (r *request) fixups(c *dirConf) int {
	st := r.rewriteDirectory(c)
	if st != declined && st != done {
		return st
	}
	st = r.aliasFixup(c)
	if st != declined {
		return st
	}
	r.runSetEnv()
	if !r.proxied {
		if st := r.dirFixup(c); st != 0 {
			return st
		}
	}
	r.requestHeaders(r.conf, false)
	return 0
}

// internalRedirect is ap_internal_redirect: the target is parsed as a URL again.
func (r *request) internalRedirect(target string) *request {
	if r.tooDeep() {
		r.note(sim.Step{Kind: sim.StepFlow, Note: "more than " + strconv.Itoa(r.h.limit) + " internal redirects: 500"})
		return r.die(500)
	}
	nr := r.derive()
	nr.prev = r
	nr.status = r.status
	nr.env = r.renamedEnv(r.status)
	nr.end = r.end
	nr.always = r.always
	if r.keepEnvNote {
		nr.vary = r.vary
	}
	if st := nr.setTarget(target); st != 0 {
		nr.conf = nr.baseConf() // nothing was walked for this one
		return nr.die(st)
	}
	nr.note(sim.Step{Kind: sim.StepRequest, Name: "round", Input: target, Result: nr.uri})
	return nr.handleAll()
}

// tooDeep tells, and logs, that a request can have no further internal redirects or subrequests.
// Source: httpd server/core.c, ap_is_recursion_limit_exceeded.
func (r *request) tooDeep() bool {
	redirects, subrequests := 0, 0
	exceeded := func(code, what string, limit int) bool {
		n := strconv.Itoa(limit)
		r.logError(code + ": Request exceeded the limit of " + n + " " + what + " due to probable configuration error. Use 'LimitInternalRecursion' to increase the limit if necessary. Use 'LogLevel debug' to get a backtrace.")
		return true
	}
	for p := r; p != nil; {
		if p.prev != nil {
			if redirects++; redirects >= r.h.limit {
				return exceeded("AH00124", "internal redirects", r.h.limit)
			}
			p = p.prev
		}
		switch {
		case p.prev != nil:
		case p.main != nil:
			if subrequests++; subrequests >= r.h.subLimit {
				return exceeded("AH00125", "subrequest nesting levels", r.h.subLimit)
			}
			p = p.main
		default:
			return false
		}
	}
	return false
}

// renamedEnv is the environment after an internal redirect: every variable with REDIRECT_ before it.
// Source: rename_original_env.
func (r *request) renamedEnv(status int) table {
	t := make(table, 0, len(r.env)+4)
	for _, e := range r.env {
		t = append(t, entry{"REDIRECT_" + e.key, e.val})
	}
	t.set("REDIRECT_STATUS", strconv.Itoa(status))
	return t
}

// derive makes a request like this one for a subrequest or an internal redirect.
func (r *request) derive() *request {
	return &request{s: r.s, in: r.in, top: r.top, h: r.h, tls: r.tls, port: r.port, method: r.method, theRequest: r.theRequest,
		target: r.target, http10: r.http10, hostHeader: r.hostHeader, hostName: r.hostName, hasHost: r.hasHost, hostPort: r.hostPort,
		header: r.header, status: 200}
}

// setTarget parses a URL of the server's own making.
func (r *request) setTarget(target string) int {
	if i := strings.IndexByte(target, '#'); i >= 0 {
		target = target[:i]
	}
	p := target
	for strings.HasPrefix(p, "//") {
		p = p[1:]
	}
	if i := strings.IndexByte(p, '?'); i >= 0 {
		a := p[i+1:]
		r.args = &a
		p = p[:i]
	}
	u, st := decodePath(p, r.h)
	r.uri = u
	return st
}
