package httpd

// Handlers: which one answers, and what it does.

import (
	"strings"

	"rewright/parser/sim"
)

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
