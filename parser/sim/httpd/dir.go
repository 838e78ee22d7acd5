package httpd

import (
	"strings"

	"rewright/parser/sim"
)

// dirFixup is mod_dir: the final slash, DirectoryIndex and FallbackResource. Source: httpd modules/mappers/mod_dir.c,
// dir_fixups.
func (r *request) dirFixup(c *dirConf) int {
	switch {
	case r.finfo.Kind == sim.Directory:
		return r.directory(c)
	case r.finfo.Kind == sim.NoFile && r.handler == "" && r.typedHandler(c) == "":
		return r.fallBack(c)
	}
	return 0
}

// fallBack looks FallbackResource up and goes on with it when it is a file. Source: fixup_dflt.
func (r *request) fallBack(c *dirConf) int {
	if c.fallback == "" || strings.EqualFold(c.fallback, "disabled") {
		return 0
	}
	target := c.fallback
	if r.args != nil {
		target += "?" + *r.args
	}
	sub := r.subrequestURI(target)
	if sub == nil {
		return 500
	}
	usable := sub.status == 200 && (sub.proxied || sub.finfo.Kind == sim.Regular)
	r.note(sim.Step{Kind: sim.StepFile, Name: "FallbackResource", Input: target, Result: sub.filename, Matched: truth(usable), Note: "nothing exists at the path"})
	switch {
	case usable:
		r.take(sub)
	case isRedirect(sub.status):
		r.location = sub.location
		return sub.status
	case sub.status != 404 && sub.status != 200:
		return sub.status
	}
	return 0
}

// directory deals with a URL that is a directory. Source: fixup_dir.
func (r *request) directory(c *dirConf) int {
	if r.pathInfo != "" {
		return 0
	}
	if !strings.HasSuffix(r.uri, "/") {
		if !c.slash {
			return 0
		}
		if _, careful := r.env.get("redirect-carefully"); careful && r.method != "GET" && r.method != "HEAD" {
			return 0
		}
		loc := escapePath(r.uri) + "/"
		if r.args != nil {
			loc += "?" + *r.args
		}
		loc = r.selfURL(loc)
		r.note(sim.Step{Kind: sim.StepFlow, Name: "DirectorySlash", Result: loc, Note: "a directory without its slash is redirected to it"})
		r.setLocation(loc)
		return 301
	}
	if r.handler == "redirect-handler" {
		return 0 // the internal redirect of mod_rewrite stands
	}
	if name := r.typedHandler(c); c.checkHandler && name != "" && name != directoryHandler {
		return 0
	}
	names := indexNames(c)
	errStatus := 0
	for _, name := range names {
		target := name
		if r.args != nil {
			target += "?" + *r.args
		}
		sub := r.subrequestURI(target)
		if sub == nil {
			errStatus = 500
			continue
		}
		usable := sub.status == 200 && (sub.proxied || sub.finfo.Kind == sim.Regular)
		r.note(sim.Step{Kind: sim.StepFile, Name: "DirectoryIndex", Input: name, Result: sub.filename, Matched: truth(usable)})
		switch {
		case usable && c.indexRedirect > 0:
			r.setLocation(r.selfURL(sub.uri))
			return c.indexRedirect
		case usable:
			r.take(sub)
			return 0
		case isRedirect(sub.status), (sub.status == 406 || sub.status == 401) && len(names) == 1:
			r.location = sub.location
			return sub.status
		case sub.status != 404 && sub.status != 200:
			errStatus = sub.status
		}
	}
	if errStatus != 0 {
		return errStatus
	}
	// FallbackResource serves a directory only through the look-up of an index that does not exist.
	return 0
}

// take goes on with a subrequest as the request itself. Source: httpd modules/http/http_request.c,
// ap_internal_fast_redirect.
func (r *request) take(sub *request) {
	r.uri, r.filename, r.pathInfo, r.args = sub.uri, sub.filename, sub.pathInfo, sub.args
	r.finfo, r.conf, r.handler, r.proxied, r.isAlias = sub.finfo, sub.conf, sub.handler, sub.proxied, sub.isAlias
	if sub.forcedHandler != "" {
		r.forcedHandler = sub.forcedHandler
	}
	r.forcedType = sub.forcedType
	r.ctxPrefix, r.ctxRoot = sub.ctxPrefix, sub.ctxRoot
	r.vary = append(sub.vary[:len(sub.vary):len(sub.vary)], r.vary...)
	r.env = sub.env.overlay(r.env)
	r.always = append(sub.always[:len(sub.always):len(sub.always)], r.always...)
	r.keepEnvNote = r.keepEnvNote || sub.keepEnvNote
}
