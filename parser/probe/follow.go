package probe

import (
	"rewright/parser/ir"
	"rewright/parser/sim"
)

// End says why following redirects ended.
type End string

const (
	EndAnswer  End = "answer"  // an answer that is no redirect
	EndCycle   End = "cycle"   // a request that was made before
	EndLeft    End = "left"    // a host that this configuration does not serve
	EndLimit   End = "limit"   // more redirects than were to be followed
	EndUnknown End = "unknown" // an answer that is not known
)

// Hop is one request of a chain and its answer.
type Hop struct {
	Probe   Probe
	Outcome sim.Outcome
}

// Redirects tells whether the answer sends the client elsewhere.
func (h *Hop) Redirects() bool {
	o := &h.Outcome
	return o.Known && o.Location != nil && o.Status >= 300 && o.Status <= 399 && o.Status != 304
}

// Rule is the rule that made the answer: the last one that took effect; nil when none did, or when the server
// itself redirects to a folder's name.
func (h *Hop) Rule() *ir.Rule {
	for i := len(h.Outcome.Fired) - 1; i >= 0; i-- {
		if f := h.Outcome.Fired[i]; f.Rule.Action == ir.ActionRedirect || f.Rule.Action == ir.ActionRewrite {
			return f.Rule
		}
	}
	return nil
}

// Chain is what following redirects found.
type Chain struct {
	Hops []Hop
	End  End
	Next string // URL that was not asked: EndCycle, EndLeft, EndLimit
	Back int    // EndCycle: index of the hop whose request would be made again
}

// Redirects is how many answers of the chain were redirects.
func (c *Chain) Redirects() int {
	n := 0
	for i := range c.Hops {
		if c.Hops[i].Redirects() {
			n++
		}
	}
	return n
}

// Follow asks a probe and follows the redirects as a browser does, as long as they stay on own hosts: the host of
// the probe itself, and those of Serves. At most maxHops redirects are followed.
func (s *Site) Follow(p Probe, maxHops int) Chain {
	type key struct{ method, url string }
	seen := map[key]int{}
	var c Chain
	start := hostName(p.Request.Host)
	for {
		seen[key{p.Request.Method, URL(p.Request)}] = len(c.Hops)
		o := s.Ask(p)
		c.Hops = append(c.Hops, Hop{p, o})
		hop := &c.Hops[len(c.Hops)-1]
		switch {
		case !o.Known:
			c.End = EndUnknown
			return c
		case !hop.Redirects():
			c.End = EndAnswer
			return c
		}
		next, ok := Redirected(p.Request, o.Status, *o.Location)
		if !ok {
			c.End, c.Next = EndLeft, *o.Location
			return c
		}
		c.Next = URL(next)
		if name := hostName(next.Host); name != start && !s.Serves(name) {
			c.End = EndLeft
			return c
		}
		if n, again := seen[key{next.Method, c.Next}]; again {
			c.End, c.Back = EndCycle, n
			return c
		}
		if len(c.Hops) > maxHops {
			c.End = EndLimit
			return c
		}
		p.Request, p.Reached = next, false
	}
}
