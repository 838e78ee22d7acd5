package compare

import (
	"sort"

	"github.com/agext/levenshtein"

	"rewright/parser/ir"
)

// Bounds of the comparison of two versions, so that its cost stays near the size of the configurations.
const (
	maxMoved    = 50  // rules looked at for having moved
	maxCrossed  = 400 // pairs of a moved rule and one that it passed
	maxPairing  = 900 // texts compared to find what became of rules that changed
	alike       = 0.5 // how much of two texts is the same where one became the other, between the same rules
	alikeFar    = 0.7 // the same, wherever they stand
	maxText     = 400 // bytes of a rule that are compared
	maxEntries  = 2_000
	maxVersions = 5_000 // pairs of rules
)

// drawVersions asks requests that tell two versions of one configuration apart: those that a changed rule takes in one
// version only, those that two rules take whose order changed, those of entries of a map that changed.
func (c *comparison) drawVersions() error {
	if c.new == nil || c.old.Program.Server != c.new.Program.Server {
		return nil
	}
	pairs, crossed := versions(c.old, c.new)
	for _, p := range pairs[:min(len(pairs), maxVersions)] {
		for _, q := range c.old.Site.Apart(p[0], c.new.Site, p[1]) {
			if err := c.tryFrom(q, false); err != nil {
				return err
			}
		}
		for _, q := range c.new.Site.Apart(p[1], c.old.Site, p[0]) {
			if err := c.tryFrom(q, true); err != nil {
				return err
			}
		}
	}
	for _, p := range crossed {
		for _, q := range c.old.Site.Both(p[0], p[1]) {
			if err := c.tryFrom(q, false); err != nil {
				return err
			}
		}
	}
	return c.drawEntries()
}

// versions pairs the rules of two versions of a configuration: each old rule that changed with what it became, and each rule
// that stands elsewhere now with those that it passed, the earlier one of the old version first.
func versions(old, new *Side) (pairs, crossed [][2]*ir.Rule) {
	a, b := old.Site.Rules(), new.Site.Rules()
	atOld, atNew := uniqueTexts(old, a), uniqueTexts(new, b)
	var oldIndex, newIndex []int // of the rules that both have
	anchorOld, anchorNew := map[int]int{}, map[int]int{}
	for i, r := range a {
		text := textOf(old, r)
		if at, ok := atOld[text]; !ok || at != i {
			continue
		}
		if j, ok := atNew[text]; ok {
			oldIndex, newIndex = append(oldIndex, i), append(newIndex, j)
		}
	}
	kept := increasing(newIndex)
	for k := range kept {
		if kept[k] {
			anchorOld[oldIndex[k]], anchorNew[newIndex[k]] = k, k
		}
	}
	moved := 0
	for k := range kept {
		if kept[k] {
			continue
		}
		if moved++; moved > maxMoved || len(crossed) > maxCrossed {
			break
		}
		for other := range kept {
			if other < k && newIndex[other] > newIndex[k] {
				crossed = append(crossed, [2]*ir.Rule{a[oldIndex[other]], a[oldIndex[k]]})
			} else if other > k && newIndex[other] < newIndex[k] {
				crossed = append(crossed, [2]*ir.Rule{a[oldIndex[k]], a[oldIndex[other]]})
			}
		}
	}
	// What changed lies between two rules that did not.
	gaps := map[int]*gap{}
	var order []int
	collect := func(s *Side, rules []*ir.Rule, same map[string]bool, anchors map[int]int, isNew bool) {
		last := -1
		for i, r := range rules {
			if k, ok := anchors[i]; ok {
				last = k
			}
			if r.File == nil || same[textOf(s, r)] {
				continue
			}
			g := gaps[last]
			if g == nil {
				g = &gap{}
				gaps[last] = g
				order = append(order, last)
			}
			if isNew {
				g.new = append(g.new, r)
			} else {
				g.old = append(g.old, r)
			}
		}
	}
	collect(old, a, texts(new), anchorOld, false)
	collect(new, b, texts(old), anchorNew, true)
	var rest gap
	for _, k := range order {
		pairs = append(pairs, gaps[k].pair(old, new, alike)...)
		rest.old, rest.new = append(rest.old, gaps[k].old...), append(rest.new, gaps[k].new...)
	}
	return append(pairs, rest.pair(old, new, alikeFar)...), crossed[:min(len(crossed), maxCrossed)]
}

// gap are rules of two versions that have no equal in the other one.
type gap struct{ old, new []*ir.Rule }

// pair takes out of the gap what became of what: the most similar texts first.
func (g *gap) pair(old, new *Side, least float64) (pairs [][2]*ir.Rule) {
	if len(g.old) == 0 || len(g.new) == 0 {
		return nil
	}
	var left []*ir.Rule
	if len(g.old)*len(g.new) > maxPairing {
		if len(g.old) == len(g.new) { // the same edit on each line of a list
			for i := range g.old {
				pairs = append(pairs, [2]*ir.Rule{g.old[i], g.new[i]})
			}
			g.old, g.new = nil, nil
		}
		return pairs
	}
	for _, r := range g.old {
		best, at := least, -1
		text, own := cut(textOf(old, r)), directive(r)
		for j, q := range g.new {
			// What a rule does weighs more than its conditions, which are what is most often added and taken away.
			s := 0.9*levenshtein.Similarity(own, directive(q), nil) + 0.1*levenshtein.Similarity(text, cut(textOf(new, q)), nil)
			if s > best {
				best, at = s, j
			}
		}
		if at < 0 {
			left = append(left, r)
			continue
		}
		pairs = append(pairs, [2]*ir.Rule{r, g.new[at]})
		g.new = append(g.new[:at:at], g.new[at+1:]...)
	}
	g.old = left
	return pairs
}

// directive is the rule itself.
func directive(r *ir.Rule) string { return cut(r.File.Slice(r.Span)) }

func cut(s string) string { return s[:min(len(s), maxText)] }

// uniqueTexts are the places of the rules whose text stands there once only.
func uniqueTexts(s *Side, rules []*ir.Rule) map[string]int {
	at, twice := map[string]int{}, map[string]bool{}
	for i, r := range rules {
		if r.File == nil {
			continue
		}
		text := textOf(s, r)
		if _, ok := at[text]; ok {
			twice[text] = true
		}
		at[text] = i
	}
	for text := range twice {
		delete(at, text)
	}
	return at
}

// increasing marks a longest increasing subsequence.
func increasing(list []int) []bool {
	kept := make([]bool, len(list))
	var tails []int // index of the smallest end of a subsequence of each length
	before := make([]int, len(list))
	for i, x := range list {
		n := sort.Search(len(tails), func(n int) bool { return list[tails[n]] >= x })
		before[i] = -1
		if n > 0 {
			before[i] = tails[n-1]
		}
		if n == len(tails) {
			tails = append(tails, i)
		} else {
			tails[n] = i
		}
	}
	if len(tails) == 0 {
		return kept
	}
	for i := tails[len(tails)-1]; i >= 0; i = before[i] {
		kept[i] = true
	}
	return kept
}

// drawEntries asks for the entries of nginx maps that one version has only.
func (c *comparison) drawEntries() error {
	old, new := entries(c.old), entries(c.new)
	left := maxEntries
	for i, s := range []*Side{c.old, c.new} {
		other := new
		if i == 1 {
			other = old
		}
		for _, b := range maps(s) {
			for k := range b.Entries {
				if other[entryText(b, k)] {
					continue
				}
				if left--; left < 0 {
					return nil
				}
				for _, p := range s.Site.Entry(b, k) {
					if err := c.tryFrom(p, i == 1); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

func entries(s *Side) map[string]bool {
	out := map[string]bool{}
	for _, b := range maps(s) {
		for i := range b.Entries {
			out[entryText(b, i)] = true
		}
	}
	return out
}

func entryText(b *ir.MapBlock, i int) string {
	e := &b.Entries[i]
	kind := ""
	if e.Pattern != nil {
		kind = "~"
	}
	value := ""
	if e.Value != nil {
		value = e.Value.Text
	}
	return b.Variable + "\x00" + kind + e.Key + "\x00" + value
}

func maps(s *Side) (out []*ir.MapBlock) {
	for _, item := range s.Program.Root.Within() {
		if m, ok := item.(*ir.MapBlock); ok {
			out = append(out, m)
		}
	}
	return out
}
