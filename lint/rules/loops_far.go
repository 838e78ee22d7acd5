package rules

import (
	"slices"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/probe"
)

// station is an address that redirects were followed to, and what lies behind it. Each address is asked for once, however
// many rules lead there.
type station struct {
	hop  probe.Hop
	left int       // redirects from here to the end or into the circle
	ring *ring     // the circle this leads into; nil: it comes to an end
	last string    // URL at which following ends
	end  probe.End // EndAnswer or EndLeft; EndUnknown: what is behind hangs on more than the rules
}

// ring is a circle of redirects.
type ring struct {
	hops []probe.Hop
	told bool
}

// far looks at chains and circles of more than maxHops redirects, where the addresses alone decide; done tells that all is
// said of the rule. Following costs a question for each address, not one for each rule and hop.
func (f *follower) far(r *ir.Rule) (l *loop, done bool) {
	if r.Action != ir.ActionRedirect {
		return nil, false
	}
	path := ""
	if list := f.sources.likely(r); len(list) > 0 {
		path = list[0]
	}
	if !sendable(path) || strings.ContainsAny(path, "?%\\\"") {
		return nil, false
	}
	q := (&asker{site: f.site}).visit(f.site.Scope(r))
	q.Request.Target = path
	s := f.station(q)
	switch {
	case s == nil || s.hop.Rule() != r:
		return nil, false
	case s.ring != nil && s.left == 0 && len(s.ring.hops) > maxHops:
		if s.ring.told {
			return nil, true
		}
		s.ring.told = true
		return f.longRing(s.ring), true
	case s.ring == nil && s.left > maxHops && s.end != probe.EndUnknown:
		c := f.site.Follow(q, 2)
		if c.End != probe.EndLimit {
			return nil, false
		}
		if l = f.chained(r, q, c); l != nil {
			l.chain = probe.Chain{Hops: c.Hops, End: probe.EndLimit, Next: s.last}
			l.skipped = s.left - len(c.Hops)
		}
		return l, true
	}
	return nil, false
}

// longRing is the finding of a circle, at the rule that stands last.
func (f *follower) longRing(g *ring) *loop {
	l := &loop{kind: longCycle}
	first := 0
	for i := range g.hops {
		if r := g.hops[i].Rule(); l.rule == nil || f.site.Order(r) > f.site.Order(l.rule) {
			l.rule, first = r, i
		}
	}
	hops := slices.Concat(g.hops[first:], g.hops[:first])
	for i := range hops[1:] {
		if r := hops[i+1].Rule(); len(l.others) < maxRelated && r != l.rule && !slices.Contains(l.others, r) {
			l.others = append(l.others, r)
		}
	}
	n := len(hops)
	l.skipped = n - 2*shownHops
	hops = slices.Concat(hops[:shownHops], hops[n-shownHops:])
	l.chain = probe.Chain{Hops: hops, End: probe.EndCycle, Next: probe.URL(hops[0].Probe.Request)}
	if f.mayLieElsewhere(l) || f.otherLocation(l) != "" {
		return nil
	}
	return l
}

// Of a long circle, how many hops are shown at each end, and how many of its rules are named beside the one it is told of.
const (
	shownHops  = 3
	maxRelated = 4
)

// station follows redirects from a request to where they end, which is remembered for every address on the way. Nil when
// the request itself is not answered by a redirect of which the rules alone decide.
func (f *follower) station(q probe.Probe) *station {
	if f.stations == nil {
		f.stations, f.ends = map[string]*station{}, map[string]station{}
	}
	type stop struct {
		*station
		key string
	}
	var way []stop
	on, by := map[string]int{}, map[*ir.Rule]bool{}
	start, first := q.Request.Host, ""
	behind := station{end: probe.EndUnknown} // what the last of the way leads to
	for !f.site.Spent() {
		key := q.Request.Method + " " + probe.URL(q.Request)
		if first == "" {
			first = key
		}
		if s := f.stations[key]; s != nil {
			behind = *s
			break
		}
		if i, again := on[key]; again {
			behind = station{ring: &ring{}}
			for _, s := range way[i:] {
				s.ring = behind.ring
				s.ring.hops = append(s.ring.hops, s.hop)
				f.stations[s.key] = s.station
			}
			way = way[:i]
			break
		}
		if end, asked := f.ends[key]; asked {
			behind.end, behind.last = end.end, end.last
			break
		}
		s := &station{hop: probe.Hop{Probe: q, Outcome: f.site.Ask(q)}}
		if !s.hop.Redirects() {
			if s.hop.Outcome.Known {
				behind.end, behind.last = probe.EndAnswer, probe.URL(q.Request)
			}
			f.ends[key] = station{end: behind.end, last: behind.last}
			break
		}
		r := s.hop.Rule()
		if r == nil || len(s.hop.Outcome.Fired) != 1 || by[r] || f.asksMore(r) {
			break // by one rule over and over is told of where it grows
		}
		by[r] = true
		on[key] = len(way)
		way = append(way, stop{s, key})
		next, ok := probe.Redirected(q.Request, s.hop.Outcome.Status, *s.hop.Outcome.Location)
		if !ok {
			break
		}
		if next.Host != start && !f.site.Serves(next.Host) {
			behind.end, behind.last = probe.EndLeft, probe.URL(next)
			break
		}
		q.Request = next
	}
	for i := len(way) - 1; i >= 0; i-- {
		s := way[i].station
		behind.left++
		s.left, s.ring, s.last, s.end = behind.left, behind.ring, behind.last, behind.end
		f.stations[way[i].key] = s
	}
	return f.stations[first]
}

// asksMore tells whether something besides the address decides about a rule: files, expressions, what others say or set.
func (f *follower) asksMore(r *ir.Rule) bool {
	for sc := f.site.Scope(r); sc != nil; sc = sc.Parent {
		if sc.Expr != nil || sc.If != nil && sc.If.Kind == ir.CondFile {
			return true
		}
	}
	for _, c := range r.Conditions {
		if c.Kind == ir.CondFile || c.Kind == ir.CondExpr {
			return true
		}
	}
	return f.changesOutside(r)
}

// browserHops is how many redirects in a row browsers follow before they show an error page.
// Source: Fetch standard, HTTP-redirect fetch, the redirect count.
const browserHops = 20
