package httpd

import (
	"strings"
	"sync"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// lazyIndex is the index over a list of rules, made at first need.
type lazyIndex struct {
	shared *sim.Indexes // may be nil
	once   sync.Once
	index  *sim.Index
}

// of gives the index over rules, nil for a short list. The receiver belongs to that list alone; nil: no index.
func (l *lazyIndex) of(rules []*ir.Rule) *sim.Index {
	if l == nil || len(rules) < sim.IndexFrom {
		return nil
	}
	l.once.Do(func() { l.index = l.shared.Of(rules, func() *sim.Index { return newIndex(rules) }) })
	return l.index
}

func newIndex(rules []*ir.Rule) *sim.Index {
	return sim.NewIndex(len(rules), func(i int) sim.Key {
		p := rules[i]
		switch inChain := p.Chain || i > 0 && rules[i-1].Chain; {
		case inChain || p.Negated:
		case p.Match == ir.MatchSegment:
			if !strings.Contains(p.Path, "//") { // a run of slashes counts as one
				return sim.Key{Text: p.Path}
			}
		case p.Pattern != nil && p.Pattern.Re != nil:
			k := sim.PatternKey(p.Pattern.Re.Tree())
			if k.Text == "" && !k.Exact {
				k.Hosts = HostsWanted(p)
			}
			return k
		}
		return sim.Key{}
	})
}

// maxHostsWanted bounds the names of one rule that an index knows it by.
const maxHostsWanted = 8

// HostsWanted are the values of the Host header, in lower case, with which the first condition of a rule can hold; nil when
// they are not few or not known. With any other the rule does nothing but note that it was tried.
func HostsWanted(p *ir.Rule) []string {
	if len(p.Conditions) == 0 {
		return nil
	}
	c := p.Conditions[0]
	if c.Or || c.Negated || c.Kind != ir.CondRegex || c.Pattern == nil || c.Pattern.Re == nil || c.Test == nil || len(c.Test.Parts) != 1 {
		return nil
	}
	part := &c.Test.Parts[0]
	if part.Kind != ir.Variable || !(part.Space == "" && part.Name == "HTTP_HOST" || part.Space == "HTTP" && equalFold(part.Name, "Host")) {
		return nil
	}
	words, caseless, ok := c.Pattern.Re.Tree().Words(maxHostsWanted)
	if !ok || len(words) == 0 {
		return nil
	}
	if !caseless {
		for i, w := range words {
			words[i] = lower(w)
		}
	}
	return words
}
