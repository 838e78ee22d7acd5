package rules

import (
	"strconv"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
)

// hiddenError is a request that fails with a status and is answered with the error document instead: by a redirect to it, or
// with its text and 200. Nil when no request is found that fails so: nothing tells one that ends in 502.
func hiddenError(p *lint.Pass, status, document string) *diag.Witness {
	type key struct{}
	a, _ := p.Unit.Memo(key{}, func() any { return newAsker(p) }).(*asker)
	if a == nil || !a.may() {
		return nil
	}
	failing, _ := strconv.Atoi(status)
	shows := func(o *sim.Outcome) bool {
		switch {
		case !o.Known:
			return false
		case o.Location != nil:
			return *o.Location == document
		}
		return o.Status == 200 && strings.HasPrefix(document, "/") && o.URI == document
	}
	root := a.site.Root(nil)
	try := func(q probe.Probe) *diag.Witness {
		if strings.HasPrefix(document, "/") && !strings.ContainsAny(document, "$?") {
			q.Exists = append(append([]string(nil), q.Exists...), root+document)
		}
		if o := a.site.Ask(q); shows(&o) {
			return a.site.Witness(&probe.Chain{Hops: []probe.Hop{{Probe: q, Outcome: o}}, End: probe.EndAnswer})
		}
		return nil
	}
	var scopes []*ir.Scope
	eachScope(p.Unit.Program(), func(s *ir.Scope) {
		if s.Kind == ir.ScopeLocation && s.Pattern == nil || s.Kind == ir.ScopeHost {
			scopes = append(scopes, s)
		}
	})
	for _, s := range append([]*ir.Scope{nil}, scopes[:min(len(scopes), 20)]...) {
		q := a.visit(s)
		q.Request.Version = "1.1"
		folder := strings.TrimSuffix(pathOf(&q), "/")
		if failing == 404 {
			q.Request.Target = folder + "/missing-page"
			q.Missing = []string{root + folder + "/missing-page"}
		} else if failing != 403 {
			break
		}
		if w := try(q); w != nil {
			return w
		}
	}
	for _, r := range a.site.Rules() {
		if r.Action != ir.ActionRespond || r.Status != failing || !a.may() {
			continue
		}
		for _, q := range a.site.Requests(r, 2) {
			if w := try(q); w != nil {
				return w
			}
		}
	}
	return nil
}
