package nginx

import (
	"strconv"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// next says which phase follows.
type next uint8

const (
	done next = iota
	serverRewrite
	findConfig
	locationRewrite
	access
)

// phases runs a request from the server script on, until something answers.
// Source: nginx src/http/ngx_http_core_module.c, the phase checkers.
func (r *request) phases() { r.phasesFrom(serverRewrite) }

func (r *request) phasesFrom(phase next) {
	for phase != done {
		r.step()
		switch phase {
		case serverRewrite:
			phase = r.serverScript()
		case findConfig:
			phase = r.findConfig()
		case locationRewrite:
			phase = r.locationScript()
		case access:
			phase = r.accessAndContent()
		}
	}
}

func (r *request) serverScript() next {
	r.validLocation = true
	r.conf = r.server.conf
	if len(r.conf.early) > 0 {
		r.giveUp("%s", r.conf.early[0])
	}
	if len(r.conf.script.codes) == 0 {
		return findConfig
	}
	if r.trace {
		r.note(sim.Step{Kind: sim.StepPhase, Name: "server script", Origin: r.conf.scope.Origin, Input: r.uri})
	}
	status, sent := r.runScript(r.conf.script)
	if sent {
		return done
	}
	if status != declined {
		return r.finalize(status)
	}
	return findConfig
}

// locationScript runs the script of the location and looks whether the URI changed.
// Source: ngx_http_rewrite_handler, ngx_http_core_post_rewrite_phase.
func (r *request) locationScript() next {
	if !r.conf.isServer && len(r.conf.script.codes) > 0 {
		status, sent := r.runScript(r.conf.script)
		if sent {
			return done
		}
		if status != declined {
			return r.finalize(status)
		}
	}
	if !r.uriChanged {
		return access
	}
	r.uriChanges--
	if r.uriChanges == 0 {
		r.fail(`rewrite or internal redirection cycle while processing "` + r.uri + `"`)
		return r.finalize(500)
	}
	if r.trace {
		r.note(sim.Step{Kind: sim.StepFlow, Result: withArgs(r.uri, r.args), Note: "the URI changed: a location is searched again"})
	}
	r.conf = r.server.conf
	return findConfig
}

func (r *request) accessAndContent() next {
	if status := r.access(); status != 0 {
		return r.finalize(status)
	}
	if len(r.conf.tryFiles) > 0 {
		if n, answered := r.tryFiles(); answered {
			return n
		}
	}
	return r.answer()
}

// internalRedirect starts again at the server script with a new URI. Source: ngx_http_internal_redirect.
func (r *request) internalRedirect(uri, args string, o ir.Origin, name string) next {
	r.uriChanges--
	if r.uriChanges == 0 {
		r.fail(`rewrite or internal redirection cycle while internally redirecting to "` + uri + `"`)
		return r.finalize(500)
	}
	if uri == "" {
		r.giveUp("what nginx does with an empty URI is not known")
	}
	if r.trace {
		r.note(sim.Step{Kind: sim.StepRewrite, Origin: o, Name: name, Result: withArgs(uri, args), Note: "internal redirect"})
	}
	r.uri, r.args = uri, args
	r.handler = ""
	r.internal, r.validUnparsed, r.addURIToAlias = true, false, false
	r.proxied = nil
	return serverRewrite
}

// namedLocation goes on in a location of the server by its name. Source: ngx_http_named_location.
func (r *request) namedLocation(name string) next {
	r.uriChanges--
	if r.uriChanges == 0 {
		r.fail(`rewrite or internal redirection cycle while redirect to named location "` + name + `"`)
		return r.finalize(500)
	}
	if r.uri == "" {
		r.fail(`empty URI in redirect to named location "` + name + `"`)
		return r.finalize(500)
	}
	l := r.server.named[name]
	if l == nil {
		r.fail(`could not find named location "` + name + `"`)
		return r.finalize(500)
	}
	r.internal = true
	r.handler = ""
	r.uriChanged = false
	r.proxied = nil
	r.conf = l
	r.via(name)
	r.noteLocation(l, "named location")
	r.updateConfig()
	return locationRewrite
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
