package rules

import (
	"slices"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
)

// missed gives a finding that says that something never matches the request that a reader would expect to match, when the
// simulator says that it does not: the rule r, or the location s, takes no effect in it. The target is a path with query as a
// client would send it.
func (w *witnesses) missed(p *lint.Pass, d *diag.Diagnostic, r *ir.Rule, s *ir.Scope, target string) {
	w.plain(p, d, r, s, target, false)
}

// taken gives a finding a request for which the rule or location takes effect though nobody would expect it.
func (w *witnesses) taken(p *lint.Pass, d *diag.Diagnostic, r *ir.Rule, s *ir.Scope, target string) {
	w.plain(p, d, r, s, target, true)
}

func (w *witnesses) plain(p *lint.Pass, d *diag.Diagnostic, r *ir.Rule, s *ir.Scope, target string, fires bool) {
	if !w.tried {
		w.tried, w.a = true, newAsker(p)
	}
	a := w.a
	if a == nil || a.left <= 0 || a.site.Spent() || !sendable(target) || r == nil && s == nil {
		return
	}
	a.left--
	at := s
	if r != nil {
		at = a.site.Scope(r)
	}
	q := a.visit(at)
	q.Request.Target = target
	o := a.site.Ask(q)
	fired := false
	if r != nil {
		fired = probe.HasFired(&o, r)
	} else {
		fired = slices.ContainsFunc(o.Via, func(name string) bool {
			return name == s.Path || name == "="+s.Path || s.Pattern != nil && name == s.Pattern.Text
		})
	}
	if !o.Known || fired != fires {
		return
	}
	d.Witness = a.site.Witness(&probe.Chain{Hops: []probe.Hop{{Probe: q, Outcome: o}}, End: probe.EndAnswer})
	if origin := at.Origin; !fires {
		if r != nil {
			origin = r.Origin
		}
		d.Witness.Steps = append(d.Witness.Steps, probe.PlaceOf(origin)+" takes no effect")
	}
}

// expected is the path a reader would expect a per-directory or server pattern to match: a text that it does match, below the
// directory; empty when none is found.
func (w *witnesses) expected(p *lint.Pass, r *ir.Rule) string {
	if !w.tried {
		w.tried, w.a = true, newAsker(p)
	}
	if w.a == nil || r.Negated || r.Pattern == nil || r.Pattern.Re == nil {
		return ""
	}
	text, ok := r.Pattern.Re.Tree().Example()
	if !ok {
		return ""
	}
	return escapedPath(w.a.site.Below(r) + strings.TrimPrefix(text, "/"))
}
