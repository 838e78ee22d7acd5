package httpd

import (
	"strings"
	"sync"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// lazyIndex is the index over a list of rules, made at first need.
type lazyIndex struct {
	once  sync.Once
	index *sim.Index
}

// of gives the index over rules, nil for a short list. The receiver belongs to that list alone; nil: no index.
func (l *lazyIndex) of(rules []*ir.Rule) *sim.Index {
	if l == nil || len(rules) < sim.IndexFrom {
		return nil
	}
	l.once.Do(func() {
		l.index = sim.NewIndex(len(rules), func(i int) sim.Key {
			p := rules[i]
			switch inChain := p.Chain || i > 0 && rules[i-1].Chain; {
			case inChain || p.Negated:
			case p.Match == ir.MatchSegment:
				if !strings.Contains(p.Path, "//") { // a run of slashes counts as one
					return sim.Key{Text: p.Path}
				}
			case p.Pattern != nil && p.Pattern.Re != nil:
				return sim.PatternKey(p.Pattern.Re.Tree())
			}
			return sim.Key{}
		})
	})
	return l.index
}
