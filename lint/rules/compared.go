package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
)

// A finding about a pattern is shown by a request in which the server compares the pattern with a text: the simulator's steps
// say what it was compared with and whether it matched.

// maxStepped is the number of rules up to which steps are asked for; beyond it they cost more than they tell.
const maxStepped = 5000

// compared gives a finding a request in which a pattern is compared with a text and matches, or does not. An empty text is any.
func (w *witnesses) compared(p *lint.Pass, d *diag.Diagnostic, u *patternUse, text string, matches bool) {
	a := w.open(p)
	if a == nil || !a.may() {
		return
	}
	for _, q := range a.toward(u) {
		q, ok := a.bring(q, u, text)
		if !ok || !sendable(q.Request.Target) {
			continue
		}
		o, seen := a.compares(q, u, text, matches)
		if !seen {
			continue
		}
		d.Witness = a.site.Witness(&probe.Chain{Hops: []probe.Hop{{Probe: q, Outcome: o}}, End: probe.EndAnswer})
		verb := " matches "
		if !matches {
			verb = " does not match "
		}
		if text != "" {
			d.Witness.Steps = append(d.Witness.Steps, clip(u.Text, 80)+verb+quote(visibleText(clip(text, 200))))
		}
		return
	}
}

// example gives a finding a request in which a pattern is compared with a text that it matches.
func (w *witnesses) example(p *lint.Pass, d *diag.Diagnostic, u *patternUse) {
	if text, ok := u.Re.Tree().Example(); ok {
		w.compared(p, d, u, text, true)
	}
}

// toward are requests that are likely to have a pattern compared.
func (a *asker) toward(u *patternUse) []probe.Probe {
	scope := u.scope
	if u.rule != nil {
		scope = a.site.Scope(u.rule)
	} else if scope == nil && u.at != nil {
		scope = u.at.Scope
	}
	q := a.visit(scope)
	list := []probe.Probe{q}
	inside := u.rule
	if inside == nil && u.scope != nil {
		inside = firstRule(u.scope)
	}
	if u.rule != nil && u.cond != nil { // conditions are tested once the rule's own pattern matches
		for _, path := range a.site.Likely(u.rule, 2) {
			list = append(list, withPath(q, escapedPath(path)))
		}
	}
	if u.cond != nil {
		for c := u.scope; c != nil; c = c.Parent {
			if c.Kind == ir.ScopeLocation && c.Pattern != nil {
				for _, path := range probe.Samples(c.Pattern, 2) {
					list = append(list, withPath(q, escapedPath(path)))
				}
			}
		}
	}
	if inside != nil {
		list = append(list, a.site.Requests(inside, 4)...)
	}
	return list
}

// bring gives a request what a pattern is to be compared with; ok is false where no request can.
func (a *asker) bring(q probe.Probe, u *patternUse, text string) (probe.Probe, bool) {
	switch {
	case text == "":
	case u.onPath && u.tested == nil:
		folder := "/"
		if u.rule != nil && u.rule.Subject == ir.SubjectDirectory {
			folder = a.site.Below(u.rule)
		}
		return withPath(q, escapedPath(folder+strings.TrimPrefix(text, "/"))), true
	case u.tested != nil:
		if len(u.tested.Parts) != 1 || u.tested.Parts[0].Kind != ir.Variable {
			return q, false
		}
		if put := variableCarrier(&u.tested.Parts[0]); put != nil {
			return put(q, text)
		}
		grant(&q, variable(u.tested), text)
	}
	return q, true
}

// compares asks a request and tells whether the pattern was compared in it, and matched or not as is thought.
func (a *asker) compares(q probe.Probe, u *patternUse, text string, matches bool) (o sim.Outcome, yes bool) {
	stepped := u.rule != nil || u.cond != nil || u.scope != nil && u.scope.Kind == ir.ScopeLocation
	if !stepped || len(a.site.Rules()) > maxStepped {
		o = a.site.Ask(q)
		return o, o.Known
	}
	o = a.site.Trace(q)
	for i := range o.Steps {
		st := &o.Steps[i]
		if st.Matched == nil || *st.Matched != (matches != u.negated) || text != "" && !strings.EqualFold(st.Input, text) && !strings.EqualFold(st.Input, "/"+text) {
			continue
		}
		if u.cond != nil && st.Kind == sim.StepCondition && (st.Origin == u.cond.Origin || u.scope != nil && st.Origin == u.scope.Origin) ||
			u.cond == nil && st.Kind == sim.StepRule && (u.rule != nil && st.Origin == u.rule.Origin || u.rule == nil && st.Origin == u.scope.Origin) {
			o.Steps = nil
			return o, o.Known
		}
	}
	return o, false
}

// tested gives a finding about a condition a request in which it is tested and is true, or is not.
func (w *witnesses) tested(p *lint.Pass, d *diag.Diagnostic, c *ir.Condition, r *ir.Rule, s *ir.Scope, holds bool) {
	u := patternUse{Pattern: c.Pattern, negated: c.Negated, rule: r, cond: c, scope: s, tested: c.Test}
	if u.Pattern == nil {
		u.Pattern = &ir.Pattern{}
	}
	w.compared(p, d, &u, "", holds != c.Negated)
}

// unshown tells whether a request that shows a finding was looked for, and there is none: what no request meets is not
// worth a word. It is false when nothing could be asked, or no more.
func (w *witnesses) unshown(d *diag.Diagnostic) bool {
	return d.Witness == nil && w.a != nil && w.a.left > 0 && !w.a.site.Spent()
}
