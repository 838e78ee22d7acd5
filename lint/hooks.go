package lint

import (
	"slices"
	"sync"
	"sync/atomic"

	"rewright/parser/diag"
	"rewright/parser/ir"
)

// largeUnit is how many directives a unit has at least before its rules run side by side.
const largeUnit = 1000

// runRules gives what each rule found, in the order of the rules, however many ran at a time. The site is asked by one rule after
// another in an order that does not hang on the workers, since what is left of the budget hangs on those before.
func (c *selection) runRules(u *Unit, team *crew) [][]diag.Diagnostic {
	var asking, others, late []int // late ones wait for the program, which the first that asks makes
	for i, r := range c.rules {
		switch {
		case !c.on[r.Code] || !r.For.Has(u.Input.Server):
		case !r.Beside:
			asking = append(asking, i)
		case r.needsProgram():
			late = append(late, i)
		default:
			others = append(others, i)
		}
	}
	order := slices.Concat(asking, others, late)
	found := make([][]diag.Diagnostic, len(c.rules))
	turns := newTurns(len(order))
	run := func(k int) {
		i := order[k]
		r := c.rules[i]
		p := &Pass{Rule: r, Unit: u, File: u.Input.File, turn: func() { turns.wait(k) }, report: func(d diag.Diagnostic) {
			if c.on[d.Code] {
				found[i] = append(found[i], c.withSeverity(d))
			}
		}}
		runHooks(p, r)
		turns.done(k)
	}
	var next atomic.Int32 // of those that run beside others
	next.Store(int32(len(asking)))
	var helpers sync.WaitGroup
	var rest func()
	callHelp := func() {
		if len(u.Directives) >= largeUnit && int(next.Load()) < len(order) {
			team.help(&helpers, rest)
		}
	}
	rest = func() {
		for k := int(next.Add(1)) - 1; k < len(order); k = int(next.Add(1)) - 1 {
			callHelp()
			run(k)
		}
	}
	for k := range asking {
		callHelp()
		run(k)
	}
	rest()
	helpers.Wait()
	return found
}

// turns let the rules of a unit ask the site one after another. Nobody waits for ever: whoever comes before is done, at
// work, or about to be done by the one who waits for nobody.
type turns struct {
	mu       sync.Mutex
	moved    sync.Cond
	finished []bool
	first    int // that is not finished
}

func newTurns(n int) *turns {
	t := &turns{finished: make([]bool, n)}
	t.moved.L = &t.mu
	return t
}

// wait returns when all before k are done.
func (t *turns) wait(k int) {
	t.mu.Lock()
	for t.first < k {
		t.moved.Wait()
	}
	t.mu.Unlock()
}

func (t *turns) done(k int) {
	t.mu.Lock()
	t.finished[k] = true
	for t.first < len(t.finished) && t.finished[t.first] {
		t.first++
	}
	t.mu.Unlock()
	t.moved.Broadcast()
}

// needsProgram tells whether a rule looks at the IR.
func (r *Rule) needsProgram() bool { return r.Rule != nil || r.Condition != nil || r.Program != nil }

func runHooks(p *Pass, r *Rule) {
	u := p.Unit
	if r.File != nil {
		for _, f := range u.Files {
			p.File = f
			r.File(p)
		}
	}
	if r.Comment != nil {
		for _, c := range u.Comments {
			p.File = c.File
			r.Comment(p, c)
		}
	}
	if r.Directive != nil || r.Section != nil {
		for _, d := range u.Directives {
			p.File = d.File
			if r.Directive != nil {
				r.Directive(p, d)
			}
			if r.Section != nil && d.Section {
				r.Section(p, d)
			}
		}
	}
	if !r.needsProgram() {
		return
	}
	g := u.Program()
	if g == nil {
		return
	}
	p.File = u.Input.File
	if r.Program != nil {
		r.Program(p, g)
	}
	if r.Rule != nil || r.Condition != nil {
		walkScope(p, g.Root)
		for _, s := range g.Htaccess {
			walkScope(p, s)
		}
	}
}

func walkScope(p *Pass, s *ir.Scope) {
	if s == nil {
		return
	}
	if s.If != nil && p.Rule.Condition != nil && s.If.File != nil {
		p.File = s.If.File
		p.Rule.Condition(p, s.If)
	}
	for _, item := range s.Items {
		switch item := item.(type) {
		case *ir.Scope:
			walkScope(p, item)
		case *ir.Rule:
			if item.File == nil {
				continue
			}
			p.File = item.File
			if p.Rule.Rule != nil {
				p.Rule.Rule(p, item)
			}
			if p.Rule.Condition != nil {
				for _, c := range item.Conditions {
					p.File = c.File
					p.Rule.Condition(p, c)
				}
			}
		}
	}
}
