package probe

import (
	"slices"

	"rewright/parser/ir"
)

// Limits of the comparison of two rules.
const (
	maxApart = 16 // differences that are looked into
	perApart = 2  // requests for each
)

// Apart are requests that tell two versions of a rule apart: r takes effect, and something that other asks, a rule of
// another version of the same configuration, is not met. That is its pattern, each of its conditions that r has not, and each
// section around it that is not around r. None are given where the other one takes all that r takes.
func (s *Site) Apart(r *ir.Rule, version *Site, other *ir.Rule) []Probe {
	v := s.solver(r)
	defer func() { s.spent += derivationWork * v.sp.Size() }()
	ways := v.wants()
	var out []Probe
	n := 0
	look := func(f func(w *want) []*want) {
		if n++; n <= maxApart && !s.Spent() {
			out = append(out, v.reached(v.each(ways, f), perApart)...)
		}
	}
	if _, known := v.matchLanguage(other); known {
		look(func(w *want) []*want { return v.matches(w, other, false) })
	}
	own := conditionTexts(r)
	for _, group := range other.CNF() {
		if group[len(group)-1].Or || own[groupText(group)] {
			continue
		}
		look(func(w *want) []*want {
			ways := []*want{w}
			for _, c := range group {
				ways = v.each(ways, func(w *want) []*want { return v.condition(w, c, false, other, 0) })
			}
			return ways
		})
	}
	var around []string
	for sc := s.Scope(r); sc != nil; sc = sc.Parent {
		around = append(around, sectionText(sc))
	}
	for sc := version.Scope(other); sc != nil; sc = sc.Parent {
		if slices.Contains(around, sectionText(sc)) {
			continue
		}
		switch {
		case sc.If != nil:
			look(func(w *want) []*want { return v.condition(w, sc.If, false, nil, 0) })
		case sc.Expr != nil:
			look(func(w *want) []*want { return v.expr(w, sc.Expr, false, 0) })
		case sc.Kind == ir.ScopeLocation && s.Program.Server == ir.Nginx:
			if l, ok := v.location(sc); ok {
				look(func(w *want) []*want { return v.set(w, varPath, v.sp.Not(l)) })
			}
		case sc.Kind == ir.ScopeLocationMatch:
			if l, ok := v.subjects(sc.Pattern); ok {
				look(func(w *want) []*want { return v.set(w, varPath, v.sp.Not(l)) })
			}
		}
	}
	return out
}

// Both are requests that a rule takes and that another rule of the same program would take, too: those for which it matters
// which of the two comes first.
func (s *Site) Both(r, other *ir.Rule) []Probe {
	v := s.solver(r)
	defer func() { s.spent += derivationWork * v.sp.Size() }()
	ways := v.each(v.wants(), func(w *want) []*want { return v.matches(w, other, true) })
	return v.reached(v.conditions(ways, other), perApart)
}

// reached are requests for wants, at most max; the likeliest when the simulator confirms none.
func (v *solver) reached(ways []*want, max int) []Probe {
	var reached, others []Probe
	asked := 0
	for _, w := range ways {
		for p := range v.probes(w, maxTries) {
			if asked++; asked > maxAsked || v.s.Spent() {
				break
			}
			if o := v.s.Ask(p); HasFired(&o, v.rule) {
				p.Reached = true
				if reached = append(reached, p); len(reached) >= max {
					return reached
				}
			} else if len(others) < max {
				others = append(others, p)
			}
		}
	}
	if len(reached) > 0 {
		return reached
	}
	return others
}

func conditionTexts(r *ir.Rule) map[string]bool {
	out := map[string]bool{}
	for _, group := range r.CNF() {
		out[groupText(group)] = true
	}
	return out
}

// groupText is what a group of conditions says.
func groupText(group []*ir.Condition) string {
	text := ""
	for _, c := range group {
		if c.File != nil {
			text += c.File.Slice(c.Span) + "\n"
		}
	}
	return text
}

// sectionText is the head of a section.
func sectionText(sc *ir.Scope) string {
	text := sc.Name
	for _, w := range sc.Args {
		text += "\x00" + w.Text
	}
	return text
}
