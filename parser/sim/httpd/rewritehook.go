package httpd

// mod_rewrite's hooks: rules of the server and of directories, and what becomes of their result.

import (
	"path"
	"strings"

	"rewright/parser/sim"
)

// rewriteServer runs the rules of the host. Source: hook_uri2file.
func (r *request) rewriteServer(c *dirConf) int {
	h := r.h
	if !c.engine {
		return declined
	}
	if r.end {
		return declined
	}
	if !h.options.anyURI && (r.target == "*" || !strings.HasPrefix(r.uri, "/")) {
		return declined
	}
	script := r.uri
	if r.main != nil {
		script, _ = r.main.env.get("SCRIPT_URL")
	} else if v, ok := r.env.get("REDIRECT_SCRIPT_URL"); ok {
		script = v
	}
	r.env.set("SCRIPT_URL", script)
	r.env.set("SCRIPT_URI", r.selfURL(script))
	oargs := r.args
	if !r.hasFile {
		r.filename, r.hasFile = r.uri, true
	}
	if len(h.rules) > 0 {
		r.note(sim.Step{Kind: sim.StepPhase, Name: "server rules", Input: r.uri})
	}
	result := r.applyRules(h.rules, &h.rulesIndex, false, "")
	if result == actionNone {
		return declined
	}
	absolute := absoluteURI(r.filename)
	if st := r.checkArgs(result, absolute, "AH10410"); st != 0 {
		return st
	}
	switch result {
	case actionStatus:
		n := r.status
		r.status = 200
		switch n {
		case 0: // R=foo behind F or G
			return done
		case 200:
			return declineOK(r)
		}
		return n
	case actionStatusSet:
		return r.status
	}
	switch {
	case strings.HasPrefix(r.filename, "proxy:"):
		return r.toProxy(result, r.pathInfo, "AH00669")
	case absolute > 0:
		return r.redirectTo(result, absolute, oargs)
	case strings.HasPrefix(r.filename, "passthrough:"):
		r.uri = r.filename[len("passthrough:"):]
		return declined
	}
	if strings.HasPrefix(r.filename, "/~") {
		r.doubt("home directories (/~user) are not modelled")
	}
	if !strings.HasPrefix(r.filename, "/") {
		return 400
	}
	if !r.prefixStat() || r.reduced && !h.options.legacyPrefix {
		if r.climbs(r.filename) {
			return 403
		}
		r.filename = r.h.docroot + collapse(r.filename)
	}
	return done
}

func collapse(f string) string {
	for strings.HasPrefix(f, "//") {
		f = f[1:]
	}
	return f
}

// declineOK ends a request with 200 and nothing to say, as R=200 does.
func declineOK(r *request) int {
	return 200
}

// prefixStat tells whether a server-context result is a file path. Source: prefix_stat.
func (r *request) prefixStat() bool {
	p := r.filename
	first, _, _ := strings.Cut(strings.TrimLeft(p, "/"), "/")
	first = path.Clean("/" + first) // above the root is the root
	if r.stat(first).Kind == sim.NoFile {
		return false
	}
	if r.h.options.unsafePrefix || r.lastsub == nil || r.lastsub.Escape.PrefixStat {
		return true
	}
	return strings.HasPrefix(r.lastsub.Target.Text, first) || strings.HasPrefix(p, r.h.docroot)
}

// checkArgs refuses blanks and controls in a query that will not be escaped.
func (r *request) checkArgs(result, absolute int, code string) int {
	if r.args == nil || absolute > 0 && result != actionNoEscape {
		return 0
	}
	for i := 0; i < len(*r.args); i++ {
		if c := (*r.args)[i]; c <= 0x20 || c == 0x7f {
			r.logError(code + ": Rewritten query string contains control characters or spaces")
			r.status = 200 // what an R without L left is no error that would bar an ErrorDocument
			return 403
		}
	}
	return 0
}

func (r *request) toProxy(result int, pathInfo, code string) int {
	if !r.s.hasProxy() {
		r.logError(code + ": attempt to make remote request from mod_rewrite without proxy enabled: " + r.filename)
		return 403
	}
	target := strings.TrimPrefix(r.filename, "proxy:") + pathInfo
	if result != actionNoEscape {
		if n := absoluteURI(target); n > 0 {
			target = escapeAbsolute(target, n)
		}
	} else if strings.ContainsAny(target, " \t\r\n") {
		r.filename = "proxy:" + target
		if r.args != nil {
			r.filename += "?" + *r.args
		}
		r.logError("AH10415: To be forwarded path contains control characters or spaces")
		return 403
	}
	if r.args != nil {
		target += "?" + *r.args
	}
	r.proxied, r.handler = true, "proxy-server"
	r.filename = "proxy:" + target
	return done
}

// redirectTo answers with a redirect to an absolute result.
func (r *request) redirectTo(result, scheme int, oargs *string) int {
	loc := r.filename
	if result != actionNoEscape {
		loc = escapeAbsolute(loc, scheme)
	}
	if r.args != nil {
		a := *r.args
		if result != actionNoEscape && !(oargs != nil && *oargs == a) {
			a = escapePath(a)
		}
		loc += "?" + a
	}
	n := 302
	if isRedirect(r.status) {
		n = r.status
	}
	r.status = 200
	r.setLocation(loc)
	r.filename = loc
	return n
}

func (r *request) setLocation(l string) { r.location = &l }

// escapeAbsolute escapes what stands behind the host. Source: escape_absolute_uri.
func escapeAbsolute(u string, scheme int) string {
	if u[scheme-1] != '/' {
		return u[:scheme] + escapePath(u[scheme:])
	}
	i := strings.IndexByte(u[scheme:], '/')
	if i < 0 || scheme+i+1 == len(u) {
		return u
	}
	cut := scheme + i + 1
	if strings.HasPrefix(lower(u), "ldap") {
		parts := strings.SplitN(u[cut:], "?", 5)
		for i := range parts {
			parts[i] = escapePath(parts[i])
		}
		return u[:cut] + strings.Join(parts, "?")
	}
	return u[:cut] + escapePath(u[cut:])
}

// rewriteDirectory runs the rules of the directory. Source: hook_fixup.
func (r *request) rewriteDirectory(c *dirConf) int {
	if !c.engine || !c.dirKnown || r.end {
		return declined
	}
	dir := c.dir
	if !r.proxied && !c.options.noSlash && dir != "" && len(r.filename) == len(dir)-1 && strings.HasPrefix(dir, r.filename) && dir[len(dir)-1] == '/' {
		return declined
	}
	if c.opts&(optFollow|optOwner) == 0 {
		r.logError("AH00670: Options FollowSymLinks and SymLinksIfOwnerMatch are both off, so the RewriteRule directive is also forbidden due to its similar ability to circumvent directory restrictions : " + r.filename)
		return 403
	}
	ofile, oargs := r.filename, r.args
	if len(c.rules) > 0 {
		r.note(sim.Step{Kind: sim.StepPhase, Name: "directory rules", Input: r.filename + r.pathInfo, Note: "directory " + dir})
	}
	result := r.applyRules(c.rules, c.rulesIndex, true, dir)
	if result == actionNone {
		r.filename = ofile
		return declined
	}
	absolute := absoluteURI(r.filename)
	if st := r.checkArgs(result, absolute, "AH10411"); st != 0 {
		return st
	}
	switch result {
	case actionStatus:
		n := r.status
		r.status = 200
		switch n {
		case 0: // R=foo behind F or G
			return done
		case 200:
			return declineOK(r)
		}
		return n
	case actionStatusSet:
		return r.status
	}
	if strings.HasPrefix(r.filename, "proxy:") {
		return r.toProxy(result, "", "AH10160")
	}
	if absolute > 0 {
		if c.base != nil {
			if i := strings.IndexByte(r.filename[absolute:], '/'); i >= 0 && absolute+i+1 < len(r.filename) {
				cut := absolute + i + 1
				r.filename = r.filename[:cut] + substPrefix(r.filename[cut:], strings.TrimPrefix(dir, "/"), (*c.base)[1:])
			}
		}
		return r.redirectTo(result, absolute, oargs)
	}
	r.filename = strings.TrimPrefix(r.filename, "passthrough:")
	if !strings.HasPrefix(r.filename, "/") {
		return 400
	}
	if r.filename == ofile {
		r.note(sim.Step{Kind: sim.StepFlow, Result: r.filename, Note: "the result is the file it was already: no internal redirect"})
		return done
	}
	target := r.filename
	if c.base != nil {
		target = substPrefix(target, dir, *c.base)
	} else {
		root := strings.TrimSuffix(r.h.docroot, "/")
		if strings.HasPrefix(target, root) && len(target) > len(root) && target[len(root)] == '/' {
			target = target[len(root):]
		}
	}
	if target == r.filename && !c.options.ignoreContext {
		root := r.ctxRoot
		if root == "" {
			root = r.h.docroot
		}
		target = substPrefix(target, root, r.ctxPrefix)
	}
	r.keepEnvNote = true
	r.filename = "redirect:" + target
	r.handler = "redirect-handler"
	return done
}

// substPrefix puts subst in the place of a directory prefix. Source: subst_prefix_path.
func substPrefix(in, match, subst string) string {
	m := strings.TrimSuffix(match, "/")
	if !strings.HasPrefix(in, m) || len(in) <= len(m) || in[len(m)] != '/' {
		return in
	}
	if subst != "" && !strings.HasSuffix(subst, "/") {
		subst += "/"
	}
	return subst + in[len(m)+1:]
}
