package probe

import (
	"strings"

	"rewright/parser/pattern"
)

// maxSample bounds a sample, in bytes.
const maxSample = 1024

// A taste says how a sample of a pattern is made.
type taste struct {
	optional bool   // parts that may be left out are there
	fill     string // what stands for "." repeated
	branch   int    // of the alternation at turn
	turn     int    // -1: every alternation takes its first branch
}

type sampler struct {
	taste
	seen int // alternations passed
	b    strings.Builder
}

// samples are subjects that a pattern is likely to match, the plainest first. A look-around can make any of them fail.
func samples(t *pattern.Tree) []string {
	alternations := 0
	var branches []int
	pattern.Walk(t.Root, func(n pattern.Node) bool {
		if a, ok := n.(*pattern.Alternation); ok {
			alternations++
			branches = append(branches, len(a.Branches))
		}
		return true
	})
	tastes := []taste{{fill: "x", turn: -1}, {optional: true, fill: "x", turn: -1}}
	for i := range alternations {
		for b := 1; b < branches[i] && b < 8 && len(tastes) < 24; b++ {
			tastes = append(tastes, taste{optional: true, fill: "x", turn: i, branch: b})
		}
	}
	tastes = append(tastes, taste{optional: true, fill: "7", turn: -1}, taste{optional: true, fill: "a/b", turn: -1},
		taste{optional: true, fill: "a/b/", turn: -1}, taste{fill: "", turn: -1})
	var out []string
	seen := map[string]bool{}
	for _, ts := range tastes {
		s := sampler{taste: ts}
		s.write(t.Root)
		if text := s.b.String(); len(text) <= maxSample && !seen[text] {
			seen[text] = true
			out = append(out, text)
		}
	}
	return out
}

func (s *sampler) write(n pattern.Node) {
	if s.b.Len() > maxSample {
		return
	}
	switch n := n.(type) {
	case *pattern.Literal:
		s.b.WriteString(n.Text)
	case *pattern.Any:
		s.b.WriteString("x")
	case *pattern.Class:
		s.class(n)
	case *pattern.Concat:
		for _, p := range n.Parts {
			s.write(p)
		}
	case *pattern.Alternation:
		branch := 0
		if s.seen == s.turn {
			branch = s.branch
		}
		s.seen++
		// the alternations of branches that are passed over are counted all the same
		for i, b := range n.Branches {
			if i == branch {
				s.write(b)
				continue
			}
			pattern.Walk(b, func(n pattern.Node) bool {
				if _, ok := n.(*pattern.Alternation); ok {
					s.seen++
				}
				return true
			})
		}
	case *pattern.Group:
		if !n.Kind.IsLookaround() {
			s.write(n.Body)
			return
		}
	case *pattern.Repeat:
		s.repeat(n)
	}
}

func (s *sampler) class(n *pattern.Class) {
	for _, c := range "a1/-_.A=& " {
		if n.Set.Has(byte(c)) {
			s.b.WriteByte(byte(c))
			return
		}
	}
	for c := 0x21; c < 0x7f; c++ {
		if n.Set.Has(byte(c)) {
			s.b.WriteByte(byte(c))
			return
		}
	}
}

func (s *sampler) repeat(n *pattern.Repeat) {
	rounds := n.Min
	if s.optional && rounds == 0 && n.Max != 0 {
		rounds = 1
	}
	switch body := n.Body.(type) {
	case *pattern.Any:
		if n.Max < 0 && (rounds > 0 || s.fill == "") {
			if len(s.fill) >= rounds || s.fill == "" && n.Min == 0 {
				s.b.WriteString(s.fill)
				return
			}
		}
	case *pattern.Class:
		// [^/]+ and the like: the fill without its slash
		if fill := strings.TrimSuffix(s.fill, "/"); n.Max < 0 && rounds > 0 && len(fill) >= rounds && all(body.Set, fill) {
			s.b.WriteString(fill)
			return
		}
	}
	before := s.seen
	for range min(rounds, maxSample) {
		s.seen = before // each round is the same
		s.write(n.Body)
	}
}

func all(set pattern.ByteSet, text string) bool {
	for i := 0; i < len(text); i++ {
		if !set.Has(text[i]) {
			return false
		}
	}
	return text != ""
}
