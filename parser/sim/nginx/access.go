package nginx

import (
	"errors"
	"io/fs"
	"strings"

	"rewright/parser/sim"
)

// access checks allow, deny and auth_basic. It gives the status of a refusal, 0 when the request may pass.
// Source: ngx_http_core_access_phase; the access module runs before basic authentication, that before auth_request.
func (r *request) access() int {
	l := r.conf
	if len(l.access) == 0 && l.authBasic == nil && len(l.accessPhase) == 0 {
		return 0
	}
	refused := 0
	if len(l.access) > 0 {
		verdict := r.allowed()
		switch {
		case verdict == allowedByRule && l.satisfyAny:
			return 0
		case verdict == deniedByRule && !l.satisfyAny:
			return 403
		case verdict == deniedByRule:
			refused = 403
		}
	}
	if l.authBasic != nil && l.authFile != nil {
		verdict := r.authenticate()
		switch {
		case verdict == 0 && l.satisfyAny:
			return 0
		case verdict == 401 && l.satisfyAny:
			refused = 401
		case verdict == 403 && l.satisfyAny:
			if refused != 401 {
				refused = 403
			}
		case verdict > 0:
			return verdict
		}
	}
	if len(l.accessPhase) > 0 {
		r.giveUp("%s", l.accessPhase[0])
	}
	if refused == 401 {
		r.challenge()
	}
	return refused
}

const (
	noRule = iota
	allowedByRule
	deniedByRule
)

func (r *request) allowed() int {
	if r.realIP != "" {
		r.giveUp("%s", r.realIP)
	}
	a := r.clientAddr()
	for i := range r.conf.access {
		rule := &r.conf.access[i]
		if rule.who.bad {
			r.giveUp("the address %q is not understood", rule.text)
		}
		hit := rule.who.contains(a)
		name := "allow"
		if rule.deny {
			name = "deny"
		}
		if r.trace {
			r.note(sim.Step{Kind: sim.StepRule, Origin: rule.origin, Name: name, Input: a.String(), Pattern: rule.text, Matched: truth(hit)})
		}
		if hit {
			if rule.deny {
				return deniedByRule
			}
			return allowedByRule
		}
	}
	return noRule
}

// authenticate gives 0 for a user who may pass, -1 where there is no authentication, else the status.
// Source: ngx_http_auth_basic_handler.
func (r *request) authenticate() int {
	realm := r.eval(r.conf.authBasic, evalValue, false)
	if r.must(realm) == "off" {
		return -1
	}
	if r.s.world.RemoteUser != "" {
		return 0
	}
	if _, _, ok := r.basicUser(); !ok {
		if r.trace {
			r.note(sim.Step{Kind: sim.StepFlow, Name: "auth_basic", Note: "no user and password were given"})
		}
		r.realm = realm.s
		if !r.conf.satisfyAny {
			r.challenge()
		}
		return 401
	}
	file := r.must(r.eval(r.conf.authFile, evalValue, false))
	data, err := r.s.world.Files.ReadFile(file)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(file, "/") {
			r.giveUp("the password file %q cannot be read", file)
		}
		r.giveUp("whether the password file %q exists is not known", file)
	}
	user, _, _ := r.basicUser()
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, user+":") {
			r.giveUp("whether the password is right is not known")
		}
	}
	r.realm = realm.s
	if !r.conf.satisfyAny {
		r.challenge()
	}
	return 401
}

func (r *request) challenge() {
	if r.realm != "" {
		r.sent = append(r.sent, sentHeader{"WWW-Authenticate", text{s: `Basic realm="` + r.realm + `"`}})
	}
}
