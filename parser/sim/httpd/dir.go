package httpd

import (
	"strings"

	"rewright/parser/sim"
)

// dirFixup is mod_dir: the final slash, DirectoryIndex and FallbackResource. Source: dir_fixups.
func (r *request) dirFixup(c *dirConf) int {
	if r.finfo.Kind == sim.Directory {
		return r.directory(c)
	}
	if c.fallback != "" && !strings.EqualFold(c.fallback, "disabled") && r.finfo.Kind == sim.NoFile {
		return r.fallBack(c)
	}
	return 0
}

// fallBack serves FallbackResource where nothing exists. Source: fixup_dflt.
func (r *request) fallBack(c *dirConf) int {
	if r.handler != "" || r.handlerName(c) != "" {
		return 0
	}
	r.note(sim.Step{Kind: sim.StepFlow, Name: "FallbackResource", Result: c.fallback, Note: "nothing exists at the path"})
	st, _ := r.candidate("FallbackResource", c.fallback, false)
	return st
}

// candidate looks up a file that may stand for this request and takes it when it is one. A redirect or an error of
// the look-up other than 404 is the status, and final tells that no further candidate is tried.
func (r *request) candidate(directive, name string, only bool) (status int, final bool) {
	target := name
	if !strings.HasPrefix(name, "/") {
		target = escapePath(r.uri[:strings.LastIndexByte(r.uri, '/')+1]) + name
	}
	if r.args != nil {
		target += "?" + *r.args
	}
	sub := r.subrequestURI(target)
	if sub == nil {
		return 500, false
	}
	sub.method = r.method
	r.note(sim.Step{Kind: sim.StepFile, Name: directive, Input: name, Result: sub.filename, Matched: truth(sub.status == 200 && sub.finfo.Kind == sim.Regular)})
	switch {
	case sub.status == 200 && (sub.finfo.Kind == sim.Regular || sub.proxied):
		r.take(sub)
		return 0, true
	case isRedirect(sub.status) || sub.status == 406 && only || sub.status == 401:
		r.location = sub.location
		return sub.status, true
	case sub.status != 404 && sub.status != 200:
		return sub.status, false
	}
	return 0, false
}

// directory deals with a URL that is a directory. Source: fixup_dir.
func (r *request) directory(c *dirConf) int {
	if r.uri == "" || !strings.HasSuffix(r.uri, "/") {
		if !c.slash {
			return 0
		}
		if r.main != nil && r.filename == "" {
			return 0
		}
		if r.method == "POST" && false {
			return 0
		}
		loc := escapePath(r.uri) + "/"
		if r.args != nil {
			loc += "?" + *r.args
		}
		loc = r.selfURL(loc)
		r.note(sim.Step{Kind: sim.StepFlow, Name: "DirectorySlash", Result: loc, Note: "a directory without its slash is redirected to it"})
		r.setLocation(loc)
		r.handler = ""
		return 301
	}
	if r.handler == "redirect-handler" {
		// the internal redirect of mod_rewrite stands
		return 0
	}
	if c.handler != "" && lower(c.handler) != "none" && !strings.EqualFold(c.handler, "httpd/unix-directory") {
		return 0
	}
	if r.method != "GET" && r.method != "HEAD" && r.method != "POST" && r.method != "OPTIONS" && false {
		return 0
	}
	errStatus := 0
	for _, name := range indexNames(c) {
		if name == "" {
			continue
		}
		st, final := r.candidate("DirectoryIndex", name, len(indexNames(c)) == 1)
		if final {
			return st
		}
		if st != 0 {
			errStatus = st
		}
	}
	if errStatus != 0 {
		return errStatus
	}
	if c.fallback != "" && !strings.EqualFold(c.fallback, "disabled") {
		return r.fallBack(c)
	}
	return 0
}

// take goes on with a subrequest as the request itself; an END of its rules stays behind with it.
// Source: ap_internal_fast_redirect.
func (r *request) take(sub *request) {
	r.uri, r.filename, r.pathInfo, r.args = sub.uri, sub.filename, sub.pathInfo, sub.args
	r.finfo, r.conf, r.handler, r.proxied, r.isAlias = sub.finfo, sub.conf, sub.handler, sub.proxied, sub.isAlias
	r.forcedHandler, r.forcedType = sub.forcedHandler, sub.forcedType
	r.vary = append(r.vary, sub.vary...)
	for k, v := range sub.env {
		if _, ok := r.env[k]; !ok {
			r.env[k] = v
		}
	}
	for _, h := range sub.always {
		r.always = append(r.always, h)
	}
	if sub.keepEnvNote {
		r.keepEnvNote = true
	}
}
