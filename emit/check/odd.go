package check

import (
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/probe"
	"rewright/parser/sim"
)

// Bytes that people do not put into paths, as they are sent: a line feed, which is no "." to every server's patterns,
// and bytes that need an escape in a URL and have none.
const (
	LineFeed = "%0a"
	bracket  = "["
	highByte = "\xfc"
)

// Odd makes questions with such bytes in a path that still makes the rule take effect. They are kept apart from Requests: they say how exact a rule is, not how to write it. At most budget.
func Odd(s *probe.Site, asked []Answered, budget int) (out []Answered) {
	done := map[*ir.Rule]bool{}
	for i := range asked {
		a := &asked[i]
		r := a.Rule
		if r == nil || done[r] || !a.Before.Known || !fires(&a.Before, r) {
			continue
		}
		done[r] = true
		path, query, has := strings.Cut(a.Probe.Request.Target, "?")
		ask := func(path string) Answered {
			p := a.Probe
			p.Request.Target = path
			if has {
				p.Request.Target += "?" + query
			}
			return Answered{Question: Question{p, r}, Before: s.Ask(p)}
		}
		if len(out)+5 > budget {
			break
		}
		bytes := []string{LineFeed, bracket, highByte}
		if r.Keyword == ir.RedirectMatch { // its target is taken for a URL once more
			bytes = append(bytes, "%3f", "%23")
		}
		for _, b := range bytes {
			for _, odd := range places(r, path, b) {
				if q := ask(odd); q.Before.Known && fires(&q.Before, r) {
					out = append(out, q)
					break
				}
			}
		}
	}
	return out
}

// places are paths with b at the end, below, and in the place of each of the last characters.
func places(r *ir.Rule, path, b string) (out []string) {
	if r.Pattern != nil && r.Pattern.Re != nil {
		if _, _, exact := r.Pattern.Re.Tree().Exact(); exact {
			return nil
		}
	}
	out = append(out, path+b+"y", strings.TrimSuffix(path, "/")+"/"+b)
	if r.Pattern == nil || strings.ContainsAny(path, "%\\") {
		return out
	}
	for i := len(path) - 1; i > 0 && len(out) < 10; i-- {
		out = append(out, path[:i]+b+path[i+1:])
	}
	return out
}

func fires(o *sim.Outcome, r *ir.Rule) bool {
	for _, f := range probe.Fired(o) {
		if f == r {
			return true
		}
	}
	return false
}

// SentRaw tells whether all that differs is how bytes of the path are written in a Location that need an escape in a
// URL and came without one: a "[", a "]" or what is not ASCII. URLs that people or programs write have them escaped.
func (d *Difference) SentRaw() bool {
	return d.What == "Location" && d.Before.Status == d.After.Status && d.Before.Location != nil && d.After.Location != nil &&
		SameEscaped(d.Probe.Request.Target, *d.Before.Location, *d.After.Location)
}

// SameEscaped tells whether two Locations for a request target whose path has unescaped bytes differ in escapes of
// such bytes only.
func SameEscaped(target, a, b string) bool {
	path, _, _ := strings.Cut(target, "?")
	return escapeRaw(path) != path && escapeRaw(a) == escapeRaw(b)
}

// escapeRaw writes bytes that need an escape in any place of a URL as one.
func escapeRaw(s string) string {
	const hex = "0123456789abcdef"
	if strings.IndexFunc(s, func(r rune) bool { return r == '[' || r == ']' || r >= 0x80 }) < 0 {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c == '[' || c == ']' || c >= 0x80 {
			b.WriteString("%" + hex[c>>4:c>>4+1] + hex[c&15:c&15+1])
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// HasDot tells whether a pattern has a "." outside of classes.
func HasDot(p *ir.Pattern) (yes bool) {
	if p == nil || p.Re == nil {
		return false
	}
	pattern.Walk(p.Re.Tree().Root, func(n pattern.Node) bool {
		if _, is := n.(*pattern.Any); is {
			yes = true
		}
		return !yes
	})
	return yes
}
