package rules

import (
	"strings"
	"sync"

	"rewright/lint"
	"rewright/parser/ir"
)

// What stands around a redirect never decides alone; it only adds to what else was found.

// aside tells whether a kind of evidence never counts alone.
func (e *evidence) aside() bool { return e.kind == "E12" || e.kind == "E15" }

const (
	neighbours      = 10 // redirects around one that are looked at
	neighboursAlike = 8  // of them that share another permanence
)

// neighbourSigns are E12: nearly all redirects around this one lead to the same host and are permanent where it is not, or the
// other way round, and no comment sets it apart.
func (r *redirect) neighbourSigns(u *lint.Unit, add func(string, side, int, ir.Origin, string)) {
	if len(r.comment.Marks) > 0 || r.comment.Code != nil || r.commented || !r.written {
		return
	}
	all := redirectsOf(u)
	first := max(0, min(r.index-neighbours/2, len(all)-1-neighbours))
	other := 0
	for i := first; i < len(all) && i <= first+neighbours; i++ {
		if x := all[i]; x != r && x.at.File == r.at.File && permanent(x.status) != permanent(r.status) && x.leadsTo() == r.leadsTo() {
			other++
		}
	}
	if other < neighboursAlike {
		return
	}
	s, what := forTemporary, "temporary"
	if !permanent(r.status) {
		s, what = forPermanent, "permanent"
	}
	add("E12", s, 1, r.rule.Origin, "the redirects around it are "+what)
}

// leadsTo is the host that is written in the target; empty for paths of the own host.
func (r *redirect) leadsTo() string {
	r.hostOnce.Do(func() { r.host, _ = targetHost(r.rule) })
	return r.host
}

// bodySigns are E15: bodies are taken at the place a redirect stands for, by the limit on them that its location sets, by a
// location of the same path that passes requests on, or by the methods that pages elsewhere may send.
func (r *redirect) bodySigns(u *lint.Unit, add func(string, side, int, ir.Origin, string)) {
	for i := len(r.scopes) - 1; i >= 0; i-- {
		s := r.scopes[i]
		hints := bodyHintsOf(u, s)
		if hints.methods != nil {
			add("E15", forMethod, 1, hints.methods.Origin, "pages elsewhere may send POST")
		}
		if s.Kind != ir.ScopeLocation {
			continue
		}
		if hints.limit != nil {
			add("E15", forMethod, 1, hints.limit.Origin, "the location sets a limit for bodies")
		}
		if at := passedOn(u)[s.Path]; s.Path != "" && s.Path != "/" && at != nil && at != s {
			add("E15", forMethod, 1, at.Origin, "a location of this path passes requests on")
		}
		return
	}
}

// bodyHints are the directives of one scope that speak of bodies; nil where there is none.
type bodyHints struct{ methods, limit *ir.Setting }

// bodyHintsOf looks through a scope once, however many redirects it holds.
func bodyHintsOf(u *lint.Unit, s *ir.Scope) bodyHints {
	type key struct{}
	known := u.Memo(key{}, func() any { return &sync.Map{} }).(*sync.Map)
	if h, ok := known.Load(s); ok {
		return h.(bodyHints)
	}
	var h bodyHints
	for _, item := range s.Items {
		set, ok := item.(*ir.Setting)
		if !ok {
			continue
		}
		switch {
		case set.Name == "client_max_body_size":
			h.limit = set
		case set.Name == "add_header" || strings.EqualFold(set.Name, "Header"):
			for k := range set.Args {
				if strings.EqualFold(set.Arg(k), "Access-Control-Allow-Methods") && strings.Contains(strings.ToUpper(set.Arg(k+1)), "POST") {
					h.methods = set
				}
			}
		}
	}
	known.Store(s, h)
	return h
}

// passedOn are the locations of a configuration that pass requests on, by their path.
func passedOn(u *lint.Unit) map[string]*ir.Scope {
	type key struct{}
	return u.Memo(key{}, func() any {
		m := map[string]*ir.Scope{}
		eachScope(u.Program(), func(s *ir.Scope) {
			if s.Kind != ir.ScopeLocation || s.Pattern != nil {
				return
			}
			for _, name := range []string{"proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass"} {
				if len(ownSettings(s, name)) > 0 {
					m[s.Path] = s
				}
			}
		})
		return m
	}).(map[string]*ir.Scope)
}
