package httpd

import (
	"strconv"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// handleAll runs the phases and the handler. It gives the request that is answered at last.
func (r *request) handleAll() *request {
	if st := r.phases(); st != 0 && st != done {
		return r.die(st)
	}
	return r.handle()
}

// phases is ap_process_request_internal: everything before the handler. The status is 0 when the handler may run.
func (r *request) phases() int {
	c := r.baseConf()
	r.conf = c
	r.locationWalk(c)
	r.ifWalk(c)
	r.serverEnv()
	if st := r.translate(c); st != 0 && st != done {
		return st
	}
	if r.method == "TRACE" {
		return r.traceMethod()
	}
	if r.uri == "*" {
		return 0
	}
	d := r.baseConf()
	if r.proxied || r.handler == "proxy-server" {
		r.conf = d
		r.locationWalk(d)
		r.ifWalk(d)
		for _, u := range d.unknown {
			r.doubt(u)
		}
		return 0
	}
	r.conf = d
	if st := r.directoryWalk(d); st != 0 {
		r.conf = r.baseConf() // nothing of the directories holds yet
		return st
	}
	r.fileWalk(d)
	r.locationWalk(d)
	r.headerEnv(d)
	r.ifWalk(d)
	for _, u := range d.unknown {
		r.doubt(u)
	}
	if d.opts&optMultiViews != 0 {
		r.multiViews()
	}
	if r.main == nil || true {
		if st := r.access(d); st != 0 {
			return st
		}
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
			if hit := r.proxyPass(p); hit {
				return done
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
	r.filename, r.hasFile = r.h.docroot+r.uri, true
	return declined
}

// proxyPass hands a URL on as ProxyPass says.
func (r *request) proxyPass(p *ir.Setting) bool {
	if len(p.Args) < 2 || p.Arg(1) == "!" {
		if len(p.Args) == 2 && strings.HasPrefix(r.uri, p.Arg(0)) {
			return false
		}
		return false
	}
	for _, q := range r.h.proxyPass {
		if q.Arg(1) == "!" && strings.HasPrefix(r.uri, q.Arg(0)) {
			return false
		}
		if q == p {
			break
		}
	}
	target := ""
	if strings.EqualFold(p.Name, "ProxyPassMatch") {
		m, ok := r.match(p.Pattern, r.uri)
		if !ok {
			return false
		}
		for i := 0; i < len(p.Arg(1)); i++ {
			t := p.Arg(1)
			if t[i] == '$' && i+1 < len(t) && t[i+1] >= '0' && t[i+1] <= '9' {
				target += m.Group(int(t[i+1] - '0'))
				i++
				continue
			}
			target += t[i : i+1]
		}
	} else {
		if !strings.HasPrefix(r.uri, p.Arg(0)) || !strings.HasSuffix(p.Arg(0), "/") && len(r.uri) > len(p.Arg(0)) && r.uri[len(p.Arg(0))] != '/' {
			return false
		}
		target = p.Arg(1) + escapePath(r.uri[len(p.Arg(0)):])
	}
	if r.args != nil {
		target += "?" + *r.args
	}
	r.proxied, r.handler, r.filename = true, "proxy-server", "proxy:"+target
	r.note(sim.Step{Kind: sim.StepRule, Origin: p.Origin, Name: p.Name, Input: r.uri, Result: target, Matched: truth(true)})
	return true
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
	if st := r.aliasFixup(c); st != declined {
		return st
	}
	return r.dirFixup(c)
}

// handle runs the content handler.
func (r *request) handle() *request {
	out := r.top.out
	switch r.handler {
	case "redirect-handler":
		target := strings.TrimPrefix(r.filename, "redirect:")
		if r.args != nil {
			target += "?" + *r.args
		}
		r.note(sim.Step{Kind: sim.StepFlow, Result: target, Note: "internal redirect"})
		return r.internalRedirect(target)
	case "proxy-server":
		out.PassedTo = strings.TrimPrefix(r.filename, "proxy:")
		out.Status = 0
		r.note(sim.Step{Kind: sim.StepFlow, Result: out.PassedTo, Note: "passed on by mod_proxy"})
		return r.send(0)
	case "trace":
		return r.send(200)
	}
	if r.status >= 400 && r.prev == nil {
		return r.send(r.status)
	}
	if r.method == "OPTIONS" {
		return r.send(200)
	}
	c := r.conf
	name := r.handlerName(c)
	switch name {
	case "", "default-handler":
	case "cgi-script":
		if !r.s.has("mod_cgi.c") && !r.s.has("mod_cgid.c") {
			break
		}
		switch {
		case !r.isAlias && c.opts&optExecCGI == 0:
			r.logError("AH01262: Options ExecCGI is off in this directory: " + r.filename)
			return r.die(403)
		case r.finfo.Kind == sim.NoFile:
			return r.die(404)
		case r.finfo.Kind == sim.Directory:
			return r.die(403)
		}
		out.PassedTo = "handler " + name
		return r.send(0)
	case "server-status", "server-info", "ldap-status", "balancer-manager":
		out.PassedTo = "handler " + name
		return r.send(0)
	case "type-map", "send-as-is", "imap-file":
		r.doubt("handler " + name + " is not modelled")
	default:
		if strings.HasPrefix(name, "proxy:") && r.s.hasProxy() {
			out.PassedTo = name[6:]
			return r.send(0)
		}
		// a handler that no module provides leaves the file to the default handler
		r.note(sim.Step{Kind: sim.StepFlow, Name: "handler", Input: name, Note: "no module that httpd ships has this handler: the file itself is sent"})
	}
	if r.finfo.Kind == sim.Directory {
		if r.method != "GET" && r.method != "HEAD" {
			if r.method == "POST" {
				return r.die(404)
			}
			return r.die(405)
		}
		if c.opts&optIndexes != 0 {
			r.note(sim.Step{Kind: sim.StepFlow, Note: "the directory is listed"})
			return r.send(200)
		}
		names := strings.Join(indexNames(c), ",")
		if names == "" || !strings.HasSuffix(r.uri, "/") {
			names = "none"
		}
		r.logError("AH01276: Cannot serve directory " + r.filename + ": No matching DirectoryIndex (" + names + ") found, and server-generated directory index forbidden by Options directive")
		return r.die(403)
	}
	get := r.method == "GET" || r.method == "HEAD" || r.method == "POST"
	if !get && r.method != "OPTIONS" {
		return r.die(405)
	}
	if r.finfo.Kind == sim.NoFile {
		return r.die(404)
	}
	if r.pathInfo != "" && c.acceptPath != "on" {
		return r.die(404)
	}
	if r.finfo.Kind == sim.Special {
		return r.die(404)
	}
	return r.send(200)
}

func indexNames(c *dirConf) []string {
	if c.index == nil {
		return []string{"index.html"}
	}
	return c.index
}

// handlerName is the handler of a file: H, SetHandler, AddHandler by extension, ScriptAlias.
func (r *request) handlerName(c *dirConf) string {
	if r.forcedHandler != "" {
		return r.forcedHandler
	}
	if r.isAlias {
		return "cgi-script"
	}
	if c.handler != "" {
		if strings.EqualFold(c.handler, "none") {
			return ""
		}
		return lower(c.handler)
	}
	base := r.filename[strings.LastIndexByte(r.filename, '/')+1:]
	parts := strings.Split(base, ".")
	name := ""
	if len(parts) > 1 {
		for _, e := range parts[1:] {
			e = lower(e)
			for i := len(c.layers) - 1; i >= 0; i-- {
				if h, ok := c.layers[i].addHandler[e]; ok {
					name = h
					break
				}
			}
		}
	}
	return name
}

// send ends the request with a status; the outcome is this request's.
func (r *request) send(status int) *request {
	if status == 200 && r.status != 200 && r.status != 0 {
		status = r.status
	}
	r.top.out.Status = status
	if r.forcedType != "" && status == 200 {
		r.top.out.Header = append(r.top.out.Header, [2]string{"Content-Type", r.forcedType})
	}
	r.sendHeaders(status)
	return r
}

// internalRedirect is ap_internal_redirect: the target is parsed as a URL again.
func (r *request) internalRedirect(target string) *request {
	if r.top.rounds++; r.tooDeep() {
		r.note(sim.Step{Kind: sim.StepFlow, Note: "more than " + strconv.Itoa(r.h.limit) + " internal redirects: 500"})
		return r.die(500)
	}
	nr := r.derive()
	nr.prev = r
	nr.status = r.status
	nr.env = map[string]string{}
	for k, v := range r.env {
		nr.env["REDIRECT_"+k] = v
	}
	nr.env["REDIRECT_STATUS"] = strconv.Itoa(r.status)
	nr.end = r.end
	nr.always = r.always
	if r.keepEnvNote {
		nr.vary = r.vary
	}
	if st := nr.setTarget(target); st != 0 {
		nr.conf = r.conf
		return nr.die(st)
	}
	nr.note(sim.Step{Kind: sim.StepRequest, Name: "round", Input: target, Result: nr.uri})
	return nr.handleAll()
}

// tooDeep tells, and logs, that a request can have no further internal redirects or subrequests.
// Source: ap_is_recursion_limit_exceeded.
func (r *request) tooDeep() bool {
	redirects, subrequests := 0, 0
	exceeded := func(code, what string) bool {
		limit := strconv.Itoa(r.h.limit)
		r.logError(code + ": Request exceeded the limit of " + limit + " " + what + " due to probable configuration error. Use 'LimitInternalRecursion' to increase the limit if necessary. Use 'LogLevel debug' to get a backtrace.")
		return true
	}
	for p := r; p != nil; {
		switch {
		case p.prev != nil:
			if redirects++; redirects >= r.h.limit {
				return exceeded("AH00124", "internal redirects")
			}
			p = p.prev
		case p.main != nil:
			if subrequests++; subrequests >= r.h.limit {
				return exceeded("AH00125", "subrequest nesting levels")
			}
			p = p.main
		default:
			p = nil
		}
	}
	return false
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
	if i := strings.IndexByte(p, '?'); i >= 0 {
		a := p[i+1:]
		r.args = &a
		p = p[:i]
	}
	u, st := decodePath(p, r.h)
	r.uri = u
	return st
}

// die answers with an error or redirect status, through ErrorDocument. A request that has a status already is the
// answer to an earlier error: that one is reported. Source: ap_die_r.
func (r *request) die(status int) *request {
	if status == 200 && r.status == 200 {
		return r.send(200)
	}
	if r.status != 200 && r.status != 0 && (r.prev != nil || r.status != status) {
		first := r
		for first.prev != nil && first.prev.status != 200 {
			first = first.prev
		}
		if first != r {
			r.note(sim.Step{Kind: sim.StepFlow, Note: "the answer to " + strconv.Itoa(first.status) + " ended with " + strconv.Itoa(status) + " itself"})
			return first.sendError(first.status)
		}
		return r.sendError(status)
	}
	r.status = status
	if r.conf != nil {
		if doc := r.conf.errorDocs[status]; doc != nil && len(doc.Args) > 1 && !strings.EqualFold(doc.Arg(1), "default") {
			return r.errorDocument(doc, status)
		}
	}
	return r.sendError(status)
}

func (r *request) errorDocument(doc *ir.Setting, status int) *request {
	text := doc.Arg(1)
	if doc.Templates != nil {
		text = r.exprText(doc.Templates[1])
	}
	r.note(sim.Step{Kind: sim.StepRule, Origin: doc.Origin, Name: "ErrorDocument", Input: strconv.Itoa(status), Result: text})
	if strings.HasPrefix(text, "/") {
		nr := r.derive()
		nr.prev, nr.status, nr.errorPage = r, status, true
		if r.method != "HEAD" {
			nr.method = "GET"
		}
		nr.env = map[string]string{}
		for k, v := range r.env {
			nr.env["REDIRECT_"+k] = v
		}
		nr.env["REDIRECT_STATUS"] = strconv.Itoa(status)
		nr.env["REDIRECT_REQUEST_METHOD"] = r.method
		nr.end, nr.always = r.end, r.always
		if r.location != nil && isRedirect(status) {
			nr.location = r.location
		}
		if n := r.depth(); n >= r.h.limit {
			return r.sendError(500)
		}
		if st := nr.setTarget(text); st != 0 {
			nr.conf = r.conf
			return nr.sendError(status)
		}
		return nr.handleAll()
	}
	if isURL(text) {
		r.setLocation(text)
		r.status = 302
		return r.sendError(302)
	}
	body := strings.TrimPrefix(text, `"`)
	r.top.out.Body = &body
	return r.sendError(status)
}

func (r *request) depth() int {
	n := 0
	for p := r; p.prev != nil; p = p.prev {
		n++
	}
	return n
}

func isURL(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || i > 0 && (c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.') {
			continue
		}
		return c == ':' && i > 0
	}
	return false
}

// sendError ends with an error or a redirect.
func (r *request) sendError(status int) *request {
	if status == 0 {
		status = 500
	}
	if !knownStatus(status) {
		status = 500
	}
	if r.location != nil && status != 500 {
		for i := 0; i < len(*r.location); i++ {
			if c := (*r.location)[i]; c < 0x20 && c != '\t' || c == 0x7f {
				r.logError("AH02430: Response header 'Location' value of '" + *r.location + "' contains invalid characters, aborting request")
				r.location = nil
				status = 500
				break
			}
		}
	}
	r.status = status
	r.top.out.Status = status
	r.errorResponse = true
	r.sendHeaders(status)
	return r
}

// knownStatus tells whether httpd has a status line for a code. Source: status_lines of http_protocol.c.
func knownStatus(n int) bool {
	switch {
	case n >= 100 && n <= 103, n >= 200 && n <= 208, n == 226, n >= 300 && n <= 308 && n != 306, n >= 400 && n <= 417, n == 421, n == 422, n == 423,
		n == 424, n == 425, n == 426, n == 428, n == 429, n == 431, n == 451, n >= 500 && n <= 508 && n != 509, n == 510, n == 511:
		return true
	}
	return false
}

// subrequestURI looks a URL up without answering it. Source: ap_sub_req_lookup_uri.
func (r *request) subrequestURI(target string) *request {
	nr := r.derive()
	nr.main, nr.method = r, "GET"
	nr.env = map[string]string{}
	for k, v := range r.env {
		nr.env[k] = v
	}
	r.top.quiet++
	defer func() { r.top.quiet-- }()
	if r.tooDeep() {
		return nil
	}
	if !strings.HasPrefix(target, "/") {
		target = r.uri[:strings.LastIndexByte(r.uri, '/')+1] + target
	}
	if st := nr.setTarget(target); st != 0 {
		nr.status = st
		return nr
	}
	if st := nr.phases(); st != 0 && st != done {
		nr.status = st
	}
	return nr
}

// subrequestFile looks a file up. Source: ap_sub_req_lookup_file.
func (r *request) subrequestFile(name string) *request {
	nr := r.derive()
	nr.main, nr.method = r, "GET"
	nr.env = map[string]string{}
	for k, v := range r.env {
		nr.env[k] = v
	}
	r.top.quiet++
	defer func() { r.top.quiet-- }()
	if r.tooDeep() {
		return nil
	}
	dir := r.filename[:strings.LastIndexByte(r.filename, '/')+1]
	if !strings.HasPrefix(name, "/") {
		name = dir + name
	}
	nr.filename, nr.hasFile = name, true
	nr.uri = ""
	if root := strings.TrimSuffix(r.h.docroot, "/"); strings.HasPrefix(name, root+"/") {
		nr.uri = name[len(root):]
	}
	c := nr.baseConf()
	nr.conf = c
	st := nr.directoryWalk(c)
	if st == 0 {
		nr.fileWalk(c)
		nr.ifWalk(c)
		st = nr.access(c)
	}
	if st == 0 {
		st = nr.fixups(c)
	}
	if st != 0 && st != done {
		nr.status = st
	}
	return nr
}

// absorb takes over what a subrequest leaves behind.
func (r *request) absorb(sub *request) {}
