package nginx

// Of a long list not every rule is asked about: which are, how many questions there are, and what the others are taken for.

import (
	"fmt"
	"slices"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/source"
)

// mostRules is how many rules are asked about; of longer lists a sample, evenly spread.
const mostRules = 1500

// questions is how many requests are asked: fewer when each has to pass thousands of patterns.
func (c *conversion) questions() int {
	if c.only != nil {
		return min(maxAsked, fewestInFolder+ruleAsked*len(c.sample()))
	}
	patterned := 0 // that one request may have to pass
	of := map[*source.File]int{}
	for _, r := range c.rules {
		if len(r.Conditions) == 0 && !uses(r.Target, ir.RuleRef, -1) {
			continue
		}
		of[r.File]++
		patterned = max(patterned, of[r.File])
	}
	return max(fewestAsked, min(maxAsked, 1_000_000/max(patterned, 1)))
}

// mostShapes is how many kinds of rules are asked about in a long list.
const mostShapes = 300

// unasked are the rules that the questions did not reach: none may depend on an answer that nobody has asked for.
func (c *conversion) unasked() map[*ir.Rule]form {
	if len(c.asked) < c.questions() {
		return nil
	}
	asked := map[*ir.Rule]bool{}
	for i := range c.asked {
		asked[c.asked[i].Rule] = true
	}
	forms := map[*ir.Rule]form{}
	for _, r := range c.sample() {
		if !asked[r] && !r.Disabled {
			forms[r] = faithful
		}
	}
	return forms
}

// sample are the rules that are asked about: of a long list one of each kind, the last of each kind, and more, evenly
// spread.
func (c *conversion) sample() (out []*ir.Rule) {
	if c.only != nil {
		for _, r := range c.rules {
			if c.only[r] {
				out = append(out, r)
			}
		}
		return out
	}
	if len(c.rules) <= mostRules {
		return c.rules
	}
	kinds := map[string]int{} // to an index of last
	var last []*ir.Rule
	for _, r := range c.rules {
		s := shape(r)
		i, known := kinds[s]
		switch {
		case known:
			last[i] = r
		case len(last) < mostShapes:
			kinds[s] = len(last)
			last = append(last, r)
			out = append(out, r)
		}
	}
	for i, r := range last {
		if r != out[i] {
			out = append(out, r)
		}
	}
	n := 150
	if c.questions() < maxAsked {
		n = 10
	}
	for i := range n {
		out = append(out, c.rules[i*len(c.rules)/n])
	}
	return out
}

// firstForms are idiomatic; but in a long list, of which only some rules are asked about, those are faithful that are one of
// many of a kind: none may depend on being asked about.
func (c *conversion) firstForms() map[*ir.Rule]form {
	forms := map[*ir.Rule]form{}
	if len(c.rules) <= mostRules {
		return forms
	}
	many := c.kinds()
	asked := map[*ir.Rule]bool{}
	for _, r := range c.sample() {
		asked[r] = true
	}
	for _, r := range c.rules {
		if many[shape(r)] > mostRare || !asked[r] {
			forms[r] = faithful
		}
	}
	return forms
}

// mostRare is how many rules of a kind are all asked about, however long the list.
const mostRare = 2

// kinds counts the rules of each kind.
func (c *conversion) kinds() map[string]int {
	many := map[string]int{}
	for _, r := range c.rules {
		many[shape(r)]++
	}
	return many
}

// rareFirst puts the rules of rare kinds of a long list before the others: they are asked about before the questions are
// used up.
func (c *conversion) rareFirst(list []*ir.Rule) []*ir.Rule {
	if len(list) < 300 {
		return list
	}
	many := c.kinds()
	out := slices.Clone(list)
	slices.SortStableFunc(out, func(a, b *ir.Rule) int {
		return min(many[shape(a)], mostRare+1) - min(many[shape(b)], mostRare+1)
	})
	return out
}

// shape is what rules have in common that differ in names and numbers only.
func shape(r *ir.Rule) string {
	var b strings.Builder
	b.WriteString(string(r.Keyword))
	collapse := func(s string) {
		last := byte(0)
		for i := 0; i < len(s); i++ {
			c := s[i]
			switch {
			case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '_':
				c = 'a'
			}
			if c != 'a' || last != 'a' {
				b.WriteByte(c)
			}
			last = c
		}
		b.WriteByte(0)
	}
	if r.Pattern != nil {
		collapse(r.Pattern.Text)
	} else {
		collapse(r.Path)
	}
	if r.Target != nil {
		collapse(r.Target.Text)
	}
	fmt.Fprint(&b, r.Status, len(r.Conditions))
	return b.String()
}
