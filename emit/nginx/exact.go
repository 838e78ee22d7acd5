package nginx

import (
	"slices"
	"strings"

	"rewright/emit"
	"rewright/emit/check"
	"rewright/parser/ir"
)

// mostOdd is how many questions with odd bytes are asked.
const mostOdd = 3000

// exactness asks about bytes that people do not put into paths. Where a line feed makes the difference, the dots of
// the rule are told to match it; what still differs makes the rule approximate. The form of rules does not depend on
// it otherwise.
func (c *conversion) exactness(t *trial) *trial {
	asked := check.Odd(c.before, c.asked, min(mostOdd, c.questions()))
	_, first := c.wrap(t)
	t.odd = oddOnes(asked, t)
	dots := map[*ir.Rule]bool{}
	for i := range t.odd {
		d := &t.odd[i]
		if !strings.Contains(d.Probe.Request.Target, check.LineFeed) {
			continue
		}
		for _, r := range t.blame(d, first) {
			if r.Match == ir.MatchSegment || check.HasDot(r.Pattern) || slices.ContainsFunc(r.Conditions, func(cnd *ir.Condition) bool { return check.HasDot(cnd.Pattern) }) {
				dots[r] = true
			}
		}
	}
	if len(dots) == 0 {
		return t
	}
	c.dotAll = dots
	next := c.try(t.layout, t.forms)
	if next.refused != nil || len(next.diffs) > len(t.diffs) {
		c.dotAll = nil
		return t
	}
	next.odd = oddOnes(asked, next)
	if len(next.odd) >= len(t.odd) {
		c.dotAll = nil
		return t
	}
	return next
}

// oddOnes are the differences that count: how unescaped bytes are sent back is a remark of every result.
func oddOnes(asked []check.Answered, t *trial) []check.Difference {
	list, _ := check.Compare(asked, t.after)
	return slices.DeleteFunc(list, func(d check.Difference) bool { return d.SentRaw() })
}

// oddReason says what differs for a request with odd bytes.
func oddReason(d *check.Difference) string {
	if strings.Contains(d.Probe.Request.Target, check.LineFeed) {
		return "a line feed in the path: " + reasonOf(d)
	}
	if d.Rule != nil && d.Rule.Keyword == ir.RedirectMatch && strings.Contains(d.Probe.Request.Target, "%") {
		return "an encoded \"?\" or \"#\" in the path: " + reasonOf(d)
	}
	return "a byte that needs an escape in a path and was sent without one: " + reasonOf(d)
}

// ofEveryResult are remarks about every result: requests that nginx answers before it asks any rule.
func ofEveryResult() []emit.Remark {
	return []emit.Remark{
		{Text: "nginx answers 400 to a path with %00 before it asks any rule; httpd answers 404"},
		{Text: `nginx answers 400 to "OPTIONS *"; httpd answers 200`},
		{Text: `"[", "]" and bytes that are not ASCII, sent without an escape in the path, nginx may send back in a Location as they came; httpd escapes them`},
		{Text: `"$" in a pattern of nginx matches before a line feed at the end of a path (%0a), too; httpd's does not`},
	}
}

// oddRules are the rules that odd bytes make a difference for, each with the first, and in a long list, of which only
// some rules are asked about, the kinds that those are of.
func (c *conversion) oddRules(t *trial) (odd map[*ir.Rule]*check.Difference, kinds map[string]*ir.Rule) {
	odd = map[*ir.Rule]*check.Difference{}
	_, first := c.wrap(t)
	for i := range t.odd {
		for _, r := range t.blame(&t.odd[i], first) {
			if odd[r] == nil {
				odd[r] = &t.odd[i]
			}
		}
	}
	for _, found := range t.parts {
		for r, d := range found.odd {
			odd[r] = d
		}
	}
	if len(c.rules) <= mostRules || t.parts != nil {
		return odd, nil
	}
	kinds = map[string]*ir.Rule{}
	for r := range odd {
		if have := kinds[shape(r)]; have == nil || c.ids[r] < c.ids[have] {
			kinds[shape(r)] = r
		}
	}
	return odd, kinds
}
