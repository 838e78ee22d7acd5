package nginx

import (
	"sync"

	"rewright/parser/sim"
)

// script is the rewrite directives of one block. Long runs of rewrite have an index over the beginnings of their
// patterns, made at first need.
type script struct {
	codes []code
	lazy  *lazyIndex // nil for a short script
}

type lazyIndex struct {
	once  sync.Once
	index *sim.Index
}

func newScript(codes []code) script {
	s := script{codes: codes}
	if len(codes) >= sim.IndexFrom {
		s.lazy = &lazyIndex{}
	}
	return s
}

// indexed is the index over a script; everything but rewrite is always looked at.
func (s *script) indexed() *sim.Index {
	if s.lazy == nil {
		return nil
	}
	s.lazy.once.Do(func() {
		s.lazy.index = sim.NewIndex(len(s.codes), func(i int) sim.Key {
			c := &s.codes[i]
			if c.kind != codeRewrite || c.pattern == nil {
				return sim.Key{}
			}
			k := sim.PatternKey(c.pattern.re.Tree())
			k.Exact = false // $ stands before a final newline, too
			return k
		})
	})
	return s.lazy.index
}

// passOver is what rewrites that cannot match leave behind: no captures, and a line each in the trace.
func (r *request) passOver(codes []code) {
	if len(codes) == 0 {
		return
	}
	r.captured = false
	if r.steps += len(codes) / sim.SkippedPerWork; r.steps > maxSteps {
		r.step()
	}
	if r.trace {
		for i := range codes {
			c := &codes[i]
			r.note(sim.Step{Kind: sim.StepRule, Origin: c.origin, Name: "rewrite", Input: r.uri, Pattern: c.pattern.text, Matched: truth(false)})
		}
	}
}
