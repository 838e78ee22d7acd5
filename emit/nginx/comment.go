package nginx

import (
	"strings"

	"rewright/parser/source"
)

// commentary are the comments of a source file that were not carried over yet.
type commentary struct {
	lines []int // line numbers, from 1
	text  map[int]string
	done  map[int]bool
}

func commentaryOf(f *source.File) *commentary {
	c := &commentary{text: map[int]string{}, done: map[int]bool{}}
	continued := false
	for n := 1; n <= f.Lines(); n++ {
		raw := f.Slice(f.LineSpan(n))
		t := strings.TrimSpace(raw)
		if !continued && strings.HasPrefix(t, "#") {
			c.lines = append(c.lines, n)
			c.text[n] = clean(t)
		}
		continued = strings.HasSuffix(raw, `\`)
	}
	return c
}

// maxComments bounds how many lines of comment one rule brings along: the nearest ones.
const maxComments = 12

// commentsOf are the comments that stand above a rule in its file, behind the one before it.
func (g *attempt) commentsOf(u *unit) (out []string) {
	f := u.origin.File
	if f == nil {
		return nil
	}
	c := g.comments[f.Name]
	if c == nil {
		c = commentaryOf(f)
		g.comments[f.Name] = c
	}
	start := u.origin.Line()
	if u.rule != nil {
		for _, cnd := range u.rule.Conditions {
			if n := cnd.Line(); n > 0 && n < start {
				start = n
			}
		}
	}
	previous := g.previousLine(u, start)
	for _, n := range c.lines {
		if n > previous && n < start && !c.done[n] {
			c.done[n] = true
			out = append(out, c.text[n])
		}
	}
	if len(out) > maxComments {
		out = out[len(out)-maxComments:]
	}
	return out
}

// previousLine is the line of the nearest unit of the same file above a line.
func (g *attempt) previousLine(u *unit, start int) int {
	starts := g.starts[u.origin.File]
	lo, hi := 0, len(starts)
	for lo < hi {
		m := (lo + hi) / 2
		if starts[m] < start {
			lo = m + 1
		} else {
			hi = m
		}
	}
	if lo == 0 {
		return 0
	}
	return starts[lo-1]
}
