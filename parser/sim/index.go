package sim

import (
	"slices"
	"strings"

	"rewright/parser/pattern"
)

// IndexFrom is how many rules a list has at least before an index over it pays.
const IndexFrom = 32

// SkippedPerWork is how many rules that an index passes over count as one rule looked at.
const SkippedPerWork = 16

// Index finds the rules of a list whose pattern may match a subject, by the literal text that every match begins
// with. Rules of which no such text is known are always among them.
type Index struct {
	always        []int32
	exact, prefix literalIndex
}

// Key is what an Index knows of a rule; the zero Key says nothing.
type Key struct {
	Text     string // every subject it matches begins with it
	Caseless bool   // letters match in either case; Text is lower case
	Exact    bool   // it matches nothing else
}

// PatternKey is the Key of a pattern.
func PatternKey(t *pattern.Tree) Key {
	if text, caseless, ok := t.Exact(); ok {
		return Key{text, caseless, true}
	}
	text, caseless := t.Prefix()
	return Key{text, caseless, false}
}

// literalIndex holds rules by literal text, apart by whether case counts.
type literalIndex struct {
	plain, folded map[string][]int32
	lengths       []int // of the keys
}

// NewIndex makes the index over n rules.
func NewIndex(n int, key func(i int) Key) *Index {
	x := &Index{}
	for i := range n {
		switch k := key(i); {
		case k.Exact:
			x.exact.add(k.Text, k.Caseless, int32(i))
		case k.Text != "":
			x.prefix.add(k.Text[:indexLength(len(k.Text))], k.Caseless, int32(i))
		default:
			x.always = append(x.always, int32(i))
		}
	}
	slices.Sort(x.prefix.lengths)
	return x
}

// indexLength is the length to which a prefix of n bytes is cut, so that few lengths are in use.
func indexLength(n int) int {
	best := 1
	for _, l := range [...]int{2, 3, 4, 6, 8, 12, 16, 20, 24, 32, 40, 48, 64, 96, 128, 256} {
		if l <= n {
			best = l
		}
	}
	return best
}

func (x *literalIndex) add(text string, caseless bool, i int32) {
	m := &x.plain
	if caseless {
		m, text = &x.folded, lowerASCII(text)
	}
	if *m == nil {
		*m = map[string][]int32{}
	}
	(*m)[text] = append((*m)[text], i)
	if !slices.Contains(x.lengths, len(text)) && len(x.lengths) < 32 {
		x.lengths = append(x.lengths, len(text))
	}
}

// Candidates are the rules that may match a subject, in their order.
func (x *Index) Candidates(subject string, into []int32) []int32 {
	out := append(into[:0], x.always...)
	folded := ""
	if x.exact.folded != nil || x.prefix.folded != nil {
		folded = lowerASCII(subject)
	}
	out = append(out, x.exact.plain[subject]...)
	out = append(out, x.exact.folded[folded]...)
	for _, n := range x.prefix.lengths {
		if n > len(subject) {
			break
		}
		out = append(out, x.prefix.plain[subject[:n]]...)
		if folded != "" {
			out = append(out, x.prefix.folded[folded[:n]]...)
		}
	}
	slices.Sort(out)
	return out
}

// Cursor walks through the rules of a list that may match what changes on the way.
type Cursor struct {
	Index   *Index // nil: all
	subject string
	list    []int32
	filled  bool
}

// Next is the first rule from i on that may match subject; n when there is none.
func (c *Cursor) Next(i, n int, subject string) int {
	if c.Index == nil {
		return i
	}
	if !c.filled || c.subject != subject {
		c.list, c.subject, c.filled = c.Index.Candidates(subject, c.list), subject, true
	}
	at, _ := slices.BinarySearch(c.list, int32(i))
	if at == len(c.list) {
		return n
	}
	return int(c.list[at])
}

// lowerASCII turns the letters that patterns without case fold; others stay.
func lowerASCII(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r >= 'A' && r <= 'Z' }) < 0 {
		return s
	}
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}
