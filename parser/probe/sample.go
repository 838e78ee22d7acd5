package probe

import (
	"iter"
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

// samples are subjects that a pattern is likely to match, the plainest first, made one by one. A look-around can make
// any of them fail.
func samples(t *pattern.Tree) iter.Seq[string] {
	return func(yield func(string) bool) {
		if text, _, ok := t.Exact(); ok {
			yield(text)
			return
		}
		seen := map[string]bool{}
		for ts := range tastes(t) {
			s := sampler{taste: ts}
			s.write(t.Root)
			if text := s.b.String(); len(text) <= maxSample && !seen[text] {
				seen[text] = true
				if !yield(text) {
					return
				}
			}
		}
	}
}

// tastes are the ways in which samples of a pattern are made.
func tastes(t *pattern.Tree) iter.Seq[taste] {
	return func(yield func(taste) bool) {
		if !yield(taste{fill: "x", turn: -1}) || !yield(taste{optional: true, fill: "x", turn: -1}) {
			return
		}
		var branches []int // of each alternation
		pattern.Walk(t.Root, func(n pattern.Node) bool {
			if a, ok := n.(*pattern.Alternation); ok {
				branches = append(branches, len(a.Branches))
			}
			return true
		})
		left := 22
		for i := range branches {
			for b := 1; b < branches[i] && b < 8 && left > 0; b++ {
				if left--; !yield(taste{optional: true, fill: "x", turn: i, branch: b}) {
					return
				}
			}
		}
		for _, fill := range [...]string{"7", "a/b", "a/b/"} {
			if !yield(taste{optional: true, fill: fill, turn: -1}) {
				return
			}
		}
		yield(taste{turn: -1})
	}
}

func (s *sampler) write(n pattern.Node) {
	if s.b.Len() > maxSample {
		return
	}
	switch n := n.(type) {
	case *pattern.Literal:
		s.b.WriteString(n.Text)
	case *pattern.Any:
		s.b.WriteString(".") // what people mean by a dot alone
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
