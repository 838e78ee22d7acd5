package rules

import (
	"slices"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/source"
)

// maxLiftSamples bounds the rules whose requests are asked before and after others are moved.
const maxLiftSamples = 40

// liftDead gives the fixes of rules that never run: those that stand behind one and the same rule are moved in front of it
// together. Tried by simulation: each answers its request there, the rule that hid them still answers some of its own, and no
// request changes its answer but those that a moved one now takes from it.
func liftDead(p *lint.Pass, list []dead) map[*ir.Rule][]diag.Fix {
	groups := map[*ir.Rule][]dead{}
	var order []*ir.Rule
	for _, d := range list {
		if d.twin || d.by.File != d.rule.File || !p.Unit.Owns(d.rule.Origin) {
			continue
		}
		p.File = d.rule.File
		if _, alone := linesOf(p, d.rule); !alone {
			continue
		}
		if groups[d.by] == nil {
			order = append(order, d.by)
		}
		groups[d.by] = append(groups[d.by], d)
	}
	out := map[*ir.Rule][]diag.Fix{}
	for _, by := range order {
		p.File = by.File
		list := narrowFirst(groups[by])
		edits := liftAbove(p, list, by)
		if n := len(list); edits == nil && n > 1 && n <= maxTriedAlone {
			// One that takes as much as the rule that hides it must stay where it is; the others need not.
			list = slices.DeleteFunc(list, func(d dead) bool { return liftAbove(p, []dead{d}, by) == nil })
			if len(list) > 0 {
				edits = liftAbove(p, list, by)
			}
		}
		title := "move it above the rule that hides it"
		if len(list) > 1 {
			title = "move the rules above the one that hides them"
		}
		for _, d := range list {
			out[d.rule] = movedUp(edits, title)
		}
	}
	return out
}

// maxTriedAlone bounds the rules behind one that are tried one by one when they cannot be moved together.
const maxTriedAlone = 6

// liftAbove are the edits that move rules above the one that hides them; nil when that does not do.
func liftAbove(p *lint.Pass, list []dead, by *ir.Rule) []source.Edit {
	var rules []*ir.Rule
	var asked []probe.Probe
	for _, d := range list {
		rules, asked = append(rules, d.rule), append(asked, d.shown.Hops[0].Probe)
	}
	return moveUp(p, rules, by, asked, liftAgrees(p, rules, by))
}

// narrowFirst puts a redirect of a path that begins with that of an earlier one in front of it: the first that fits answers.
func narrowFirst(list []dead) []dead {
	var out []dead
	for _, d := range list {
		at := slices.IndexFunc(out, func(x dead) bool {
			return d.rule.Match == ir.MatchSegment && x.rule.Match == ir.MatchSegment && d.rule.Path != x.rule.Path && strings.HasPrefix(d.rule.Path, x.rule.Path)
		})
		if at < 0 {
			at = len(out)
		}
		out = slices.Insert(out, at, d)
	}
	return out
}

// liftAgrees makes the test of liftDead on the site as it would be.
func liftAgrees(p *lint.Pass, moved []*ir.Rule, by *ir.Rule) func(*probe.Site) bool {
	return func(s *probe.Site) bool {
		site := p.Site()
		among := func(r *ir.Rule, list []*ir.Rule) bool {
			for _, other := range list {
				if sameRule(r, other) {
					return true
				}
			}
			return false
		}
		var around []*ir.Rule
		for _, r := range site.Rules() {
			if site.Scope(r) == site.Scope(by) && (r == by || len(around) < maxLiftSamples) {
				around = append(around, r)
			}
		}
		still := false
		for _, r := range around {
			if site.Spent() || s.Spent() {
				return false
			}
			for _, q := range append(site.Requests(r, 3), site.NearMisses(r, 2)...) {
				before, after := site.Ask(q), s.Ask(q)
				if !before.Known {
					continue
				}
				fired := probe.Fired(&after)
				for i, f := range fired {
					if sameRule(f, by) {
						still = true
						break // before any that was moved
					}
					if among(f, moved) && probe.HasFired(&before, by) {
						fired = fired[:i+1]
						break
					}
				}
				taken := len(fired) > 0 && among(fired[len(fired)-1], moved) && !among(by, fired)
				if !after.Known || !taken && probe.Answer(&before) != probe.Answer(&after) {
					return false
				}
			}
		}
		return still
	}
}
