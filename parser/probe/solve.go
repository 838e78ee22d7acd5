package probe

// The solver: what a rule, its conditions and the rules chained to it want of a request.

import (
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
)

// Limits of the search for one rule's requests.
const (
	maxAsked = 24 // questions to the simulator
	maxTries = 6  // refinements, each by what went wrong before

	maxGroups = 200 // conditions, or groups of them joined by OR, that are looked into
)

// Requests are requests that are likely to make a rule take effect: the shortest its pattern allows, one with every
// optional part, one for each alternative, with what its conditions, its section and its server want. At most max
// (0: 8) are given; those for which the simulator says that the rule took effect come first and have Reached set.
// When the budget is spent there are none.
func (s *Site) Requests(r *ir.Rule, max int) []Probe {
	if max <= 0 {
		max = 8
	}
	if k, ok := s.known[r]; ok && k.max >= max {
		return k.list[:min(max, len(k.list)):min(max, len(k.list))]
	}
	list := s.requests(r, max, true)
	if s.known == nil {
		s.known = map[*ir.Rule]knownRequests{}
	}
	if !s.Spent() {
		s.known[r] = knownRequests{max, list}
	}
	return list[:len(list):len(list)]
}

// knownRequests are the answer to an earlier question for a rule's requests.
type knownRequests struct {
	max  int
	list []Probe
}

// requests with more unset stops at the first request that reaches the rule.
func (s *Site) requests(r *ir.Rule, max int, more bool) []Probe {
	if max <= 0 {
		max = 8
	}
	if s.Spent() || r.Disabled {
		return nil
	}
	if (!more || isExact(r)) && s.isPlain(r) {
		n := max
		if !more {
			n = 1
		}
		if list := s.plainRequests(r, n); len(list) > 0 {
			return list
		}
	}
	v := s.solver(r)
	defer func() { s.spent += derivationWork * v.sp.Size() }()
	var reached, others []Probe
	seen := map[string]bool{}
	asked := 0
	queue := v.wants()
	for tries := 0; len(queue) > 0 && tries < maxTries+len(queue) && asked < maxAsked; tries++ {
		w := queue[0]
		queue = queue[1:]
		var blocked []*want
		for p := range v.probes(w, max) {
			if k := key(p); seen[k] {
				continue
			} else {
				seen[k] = true
			}
			if asked++; asked > maxAsked || len(reached) >= max || s.Spent() {
				break
			}
			o := s.Ask(p)
			if HasFired(&o, r) {
				p.Reached = true
				reached = append(reached, p)
				if !more {
					return reached
				}
				continue
			}
			others = append(others, p)
			if len(reached) == 0 && len(blocked) == 0 {
				blocked = v.around(w, &o)
			}
		}
		if len(reached) >= max {
			break
		}
		if len(reached) == 0 {
			queue = append(blocked, queue...)
		} else if more && len(queue) > 2 {
			queue = queue[:2]
		}
	}
	out := append(reached, others...)
	return out[:min(len(out), max)]
}

// Reach is one request for which a rule takes effect, as the simulator says; ok is false when none was found.
func (s *Site) Reach(r *ir.Rule) (p Probe, ok bool) {
	list := s.requests(r, 4, false)
	if len(list) > 0 && list[0].Reached {
		return list[0], true
	}
	return Probe{}, false
}

func key(p Probe) string {
	var b strings.Builder
	b.WriteString(p.Request.Method + " " + URL(p.Request))
	for _, h := range p.Request.Header {
		b.WriteString("\n" + h[0] + ":" + h[1])
	}
	for _, list := range [][]string{p.Exists, p.Missing, {p.Client}} {
		b.WriteString("\n" + strings.Join(list, "\x00"))
	}
	return b.String()
}

func (s *Site) solver(r *ir.Rule) *solver {
	v := &solver{s: s, sp: space(), rule: r, scope: s.Scope(r), texts: map[string]pattern.Language{}}
	v.host, v.root = hostOf(v.scope), s.rootOf(v.scope)
	v.prefix = "/"
	if s.Program.Server == ir.Apache {
		dir, perDir, known := directory(v.scope)
		if v.perDir = perDir; perDir && known {
			v.dir = dir + "/"
			if prefix, ok := urlPrefix(v.root, dir); ok {
				v.prefix = prefix
			}
		} else if perDir {
			v.dir = v.root + "/"
		}
	}
	return v
}

// wants are the ways in which everything the rule asks of a request can be met.
func (v *solver) wants() []*want {
	w := &want{vars: map[string]pattern.Language{}}
	w.vars[varPath] = v.re(`^/`)
	ways := v.sections([]*want{w})
	ways = v.each(ways, func(w *want) []*want { return v.matches(w, v.rule, true) })
	for _, r := range v.chained() {
		ways = v.each(ways, func(w *want) []*want { return v.matches(w, r, true) })
		ways = v.conditions(ways, r)
	}
	return v.conditions(ways, v.rule)
}

func (v *solver) each(ways []*want, f func(*want) []*want) []*want {
	var out []*want
	for _, w := range ways {
		out = append(out, f(w)...)
	}
	return bounded(out)
}

// conditions adds those of a rule.
func (v *solver) conditions(ways []*want, r *ir.Rule) []*want {
	for i, group := range r.CNF() {
		if i >= maxGroups {
			break // the rest is left to the simulator
		}
		if group[len(group)-1].Or {
			continue // always true
		}
		var next []*want
	ways:
		for _, w := range ways {
			for _, c := range group {
				if next = append(next, v.condition(w, c, true, r, 0)...); len(next) >= maxWays {
					break ways
				}
			}
		}
		ways = bounded(next)
	}
	return ways
}

// chained are the rules before this one in its chain ([C]) that leave the URL as it is.
func (v *solver) chained() []*ir.Rule {
	if v.s.Program.Server != ir.Apache || v.scope == nil {
		return nil
	}
	var out []*ir.Rule
	at := v.s.places[v.rule].index
	for i := at - 1; i >= 0 && len(out) < 8; i-- {
		r, ok := v.scope.Items[i].(*ir.Rule)
		if !ok || r.Keyword != ir.RewriteRule {
			continue
		}
		if !r.Chain {
			break
		}
		if r.Target == nil {
			out = append(out, r)
		}
	}
	return out
}

// matches demands that a rule's pattern matches, or with holds unset that it does not.
func (v *solver) matches(w *want, r *ir.Rule, holds bool) []*want {
	l, ok := v.matchLanguage(r)
	if !ok {
		return []*want{w}
	}
	if !holds {
		l = v.sp.Not(l)
	}
	return v.set(w, varPath, l)
}

// matchLanguage is the set of paths that a rule's pattern matches.
func (v *solver) matchLanguage(r *ir.Rule) (pattern.Language, bool) {
	switch r.Match {
	case ir.MatchSegment:
		if r.Path == "" {
			return v.sp.All(), false
		}
		if strings.HasSuffix(r.Path, "/") {
			return v.sp.Concat(v.sp.Text(r.Path), v.sp.All()), true
		}
		return v.sp.Concat(v.sp.Text(r.Path), v.re(`^(?:/|$)`)), true
	case ir.MatchRegex:
		l, ok := v.subjects(r.Pattern)
		if !ok {
			return l, false
		}
		if r.Negated {
			l = v.sp.Not(l)
		}
		if v.perDir && r.Keyword == ir.RewriteRule {
			l = v.sp.Concat(v.sp.Text(v.prefix), l)
		}
		return l, true
	}
	return v.sp.All(), true
}
