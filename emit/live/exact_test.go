package live

import (
	"fmt"
	"path"
	"strings"

	"rewright/emit"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
)

// called tells what the report says of the rules that answer requests: calledExact when nothing in it warns of a
// difference.
type called struct {
	site      *site
	simulator sim.Simulator
	fidelity  map[string]emit.Fidelity // by file and line
}

func newCalled(s *site) (*called, error) {
	p, _ := s.program()
	simulator, err := newSimulator(s, p)
	c := &called{site: s, simulator: simulator, fidelity: map[string]emit.Fidelity{}}
	for i := range s.result.Notes {
		n := &s.result.Notes[i]
		if k := place(n.Origin); c.fidelity[k] == "" || c.fidelity[k] == emit.Exact {
			c.fidelity[k] = n.Fidelity
		}
	}
	return c, err
}

func place(o ir.Origin) string {
	if o.File == nil {
		return ""
	}
	return fmt.Sprint(o.File.Name, ":", o.Line())
}

// exact tells whether the report calls exact all that the answer to a request comes from: the rules that take effect;
// when there are none, all that the files on the way to it say.
func (c *called) exact(r sim.Request) bool {
	r.Port = 0
	o := c.simulator.Answer(r, false)
	fired := probe.Fired(&o)
	for _, rule := range fired {
		if c.fidelity[place(rule.Origin)] != emit.Exact {
			return false
		}
	}
	if len(fired) > 0 {
		return true
	}
	target, _, _ := strings.Cut(r.Target, "?")
	for i := range c.site.result.Notes {
		n := &c.site.result.Notes[i]
		if n.Fidelity == emit.Exact || n.Origin.File == nil {
			continue
		}
		dir := path.Dir("/" + n.Origin.File.Name)
		if dir == "/" || target == dir || strings.HasPrefix(target, dir+"/") {
			return false
		}
	}
	return true
}
