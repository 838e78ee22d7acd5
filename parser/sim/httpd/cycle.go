package httpd

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

// handle runs the content handler.
func (r *request) handle() *request {
	out := r.top.out
	if r.forcedHandler != "" {
		// H is set last of all, even over mod_rewrite's own handler: the internal redirect is lost then.
		// Source: mod_rewrite.c, hook_mimetype.
		r.handler = r.forcedHandler
	}
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
	c := r.conf
	name := r.handlerName(c)
	switch name {
	case "", "default-handler", directoryHandler:
	case "cgi-script":
		if !r.s.has("mod_cgi.c") && !r.s.has("mod_cgid.c") {
			break
		}
		switch {
		case r.method == "OPTIONS":
			return r.send(200)
		case !r.isAlias && c.opts&optExecCGI == 0:
			r.logError("AH01262: Options ExecCGI is off in this directory: " + r.filename)
			return r.die(403)
		case r.finfo.Kind == sim.NoFile:
			return r.die(404)
		case r.finfo.Kind == sim.Directory:
			return r.die(403)
		case r.pathInfo != "" && c.acceptPath == "off":
			return r.die(404)
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
	get := r.method == "GET" || r.method == "HEAD"
	if get && r.finfo.Kind == sim.Directory && (name == "" || name == directoryHandler) && r.s.has("mod_autoindex.c") {
		return r.listing(c)
	}
	if r.s.has("mod_actions.c") {
		if last := r.runAction(c, name); last != nil {
			return last
		}
	}
	return r.defaultHandler(c, get)
}

// runAction is mod_actions: a script that stands for a handler or media type answers. It gives nil when there is none.
// Source: mod_actions.c, action_handler.
func (r *request) runAction(c *dirConf, name string) *request {
	var found *action
	for i := len(c.layers) - 1; i >= 0; i-- {
		if c.layers[i].scripts {
			r.doubt("Script is not modelled")
		}
		if found != nil || c.layers[i].actions == nil {
			continue
		}
		if name == "" {
			name, _, _ = strings.Cut(r.contentType(), ";")
		}
		if a, ok := c.layers[i].actions[lower(strings.TrimSpace(name))]; ok {
			found = &a
		}
	}
	switch {
	case found == nil:
		return nil
	case !found.virtual && r.finfo.Kind == sim.NoFile:
		r.logError("AH00652: File does not exist: " + r.filename)
		return r.die(404)
	}
	target := found.script + escapePath(r.uri)
	if r.args != nil {
		target += "?" + *r.args
	}
	r.note(sim.Step{Kind: sim.StepFlow, Name: "Action", Input: name, Result: target, Note: "internal redirect to the script of this handler"})
	return r.internalRedirect(target)
}

// directoryHandler is the handler of a directory that has no other. Source: httpd include/httpd.h, DIR_MAGIC_TYPE.
const directoryHandler = "httpd/unix-directory"

// listing is mod_autoindex.
func (r *request) listing(c *dirConf) *request {
	if c.opts&optIndexes != 0 {
		r.note(sim.Step{Kind: sim.StepFlow, Note: "the directory is listed"})
		if !strings.HasSuffix(r.filename, "/") {
			r.filename += "/" // index_directory wants it
		}
		return r.send(200)
	}
	names := strings.Join(indexNames(c), ",")
	if names == "" || !strings.HasSuffix(r.uri, "/") {
		names = "none"
	}
	r.logError("AH01276: Cannot serve directory " + r.filename + ": No matching DirectoryIndex (" + names + ") found, and server-generated directory index forbidden by Options directive")
	return r.die(403)
}

// defaultHandler sends a file. Source: httpd server/core.c, default_handler.
func (r *request) defaultHandler(c *dirConf, get bool) *request {
	switch {
	case get || r.method == "POST":
	case r.method == "OPTIONS":
		return r.send(200)
	case !knownMethods[r.method]:
		return r.die(501)
	default:
		return r.die(405)
	}
	switch {
	case r.finfo.Kind != sim.Regular:
		return r.die(404)
	case r.pathInfo != "" && c.acceptPath != "on":
		return r.die(404)
	case r.finfo.Unreadable, !strings.HasPrefix(r.filename, "/"):
		r.logError("AH00132: file permissions deny server access: " + r.filename)
		return r.die(403)
	}
	if r.status == 200 {
		for _, name := range [...]string{"If-Modified-Since", "If-Unmodified-Since", "If-None-Match", "If-Match", "Range"} {
			if _, sent := r.lookHeader(name); sent {
				r.doubt("the header " + name + " is compared with the date of the file")
			}
		}
	}
	return r.send(200)
}

// knownMethods are the methods httpd has a number for. Source: httpd modules/http/http_protocol.c,
// ap_method_registry_init.
var knownMethods = func() map[string]bool {
	m := map[string]bool{}
	for _, name := range strings.Fields(`GET HEAD PUT POST DELETE CONNECT OPTIONS TRACE PATCH PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK
		VERSION-CONTROL CHECKOUT UNCHECKOUT CHECKIN UPDATE LABEL REPORT MKWORKSPACE MKACTIVITY BASELINE-CONTROL MERGE`) {
		m[name] = true
	}
	return m
}()

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
	return r.typedHandler(c)
}

// typedHandler is the handler without H, which is set behind all other fixups only.
func (r *request) typedHandler(c *dirConf) string {
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
	if status == statusNone {
		status = 500
	}
	r.top.out.Status = status
	if t := r.contentType(); t != "" && r.finfo.Kind == sim.Regular && r.top.out.PassedTo == "" {
		r.top.out.Header = append(r.top.out.Header, [2]string{"Content-Type", t})
	}
	r.sendHeaders(status)
	return r
}

// contentType is the media type that T, ForceType or AddType give a file; empty when the configuration read does not
// say, and when it may say more of the character set.
func (r *request) contentType() string {
	c := r.conf
	switch {
	case r.forcedType != "":
		return r.forcedType
	case c == nil || c.charset:
		return ""
	case c.forceType != "" && !strings.EqualFold(c.forceType, "none"):
		return c.forceType
	}
	base := r.filename[strings.LastIndexByte(r.filename, '/')+1:]
	parts := strings.Split(base, ".")
	for i := len(parts) - 1; i > 0; i-- {
		e := lower(parts[i])
		for j := len(c.layers) - 1; j >= 0; j-- {
			if t, ok := c.layers[j].addType[e]; ok {
				return t
			}
		}
	}
	return ""
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

// die answers with an error or redirect status, through ErrorDocument. A request that has a status already is the
// answer to an earlier error: that one is reported. Source: ap_die_r.
func (r *request) die(status int) *request {
	if status == 200 && r.status == 200 {
		// R=200: sent as errors are, without the headers of success
		return r.sendError(200)
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
		nr.method = "GET"
		r.env.set("REQUEST_METHOD", r.method)
		nr.env = r.renamedEnv(status)
		nr.end, nr.always = r.end, r.always
		if r.location != nil && isRedirect(status) {
			nr.location = r.location
		}
		if r.tooDeep() {
			return r.die(500)
		}
		if st := nr.setTarget(text); st != 0 {
			nr.conf = r.conf
			return nr.die(st)
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

// subrequest makes the request of a look-up; nil when too many nest.
func (r *request) subrequest() *request {
	if r.tooDeep() || r.exhausted(subrequestWork) {
		return nil
	}
	nr := r.derive()
	nr.main, nr.method = r, "GET"
	nr.env = r.env.clone()
	nr.hostPort = 0 // the port is kept with the parsed URL, and that is new
	return nr
}

// subrequestURI looks a URL up without answering it; nil when too many look-ups nest.
// Source: ap_sub_req_lookup_uri.
func (r *request) subrequestURI(target string) *request {
	nr := r.subrequest()
	if nr == nil {
		return nil
	}
	r.top.quiet++
	defer func() { r.top.quiet-- }()
	if !strings.HasPrefix(target, "/") {
		target = escapePath(r.uri[:strings.LastIndexByte(r.uri, '/')+1]) + target
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

// subrequestFile looks a file up; nil when too many look-ups nest. Its URL is known only when the file lies beside
// that of the request. Source: ap_sub_req_lookup_file.
func (r *request) subrequestFile(name string) *request {
	nr := r.subrequest()
	if nr == nil {
		return nil
	}
	r.top.quiet++
	defer func() { r.top.quiet-- }()
	dir := r.filename[:strings.LastIndexByte(r.filename, '/')+1]
	if !strings.HasPrefix(name, "/") {
		name = dir + name
	}
	name = mergeFilePath(name)
	nr.filename, nr.hasFile = name, true
	if rest, ok := strings.CutPrefix(name, dir); ok && dir != "" && rest != "" && strings.IndexByte(rest, '/') < 0 {
		nr.uri = r.uri[:strings.LastIndexByte(r.uri, '/')+1] + rest
	}
	c := nr.baseConf()
	nr.conf = c
	st := nr.directoryWalk(c)
	if st == 0 {
		nr.fileWalk(c)
		st = nr.finish(c)
	}
	if st != 0 && st != done {
		nr.status = st
	}
	return nr
}
