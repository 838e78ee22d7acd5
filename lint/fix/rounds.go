package fix

import (
	"context"
	"runtime"
	"sort"
	"sync"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/source"
)

// wanted is a fix that a round may apply.
type wanted struct {
	finding diag.Diagnostic
	fix     diag.Fix
}

// rounds lints and fixes until nothing is left to do.
func (r *run) rounds(ctx context.Context) error {
	units := make([]*lint.Unit, len(r.inputs))
	for i := range r.inputs {
		units[i] = lint.Load(r.inputs[i])
	}
	r.groups, r.owner = components(r.inputs, units)
	clear(units)
	for round := 1; ; round++ {
		inputs, active := r.active()
		if len(active) == 0 {
			return nil
		}
		result, err := lint.Run(ctx, r.o.Lint, inputs...)
		if err != nil {
			return err
		}
		found := map[*component][]diag.Diagnostic{}
		for _, d := range result.Findings {
			if c := r.owner[d.File.Name]; c != nil {
				found[c] = append(found[c], d)
			}
		}
		for _, c := range r.groups {
			c.changed = false
		}
		r.eachComponent(ctx, active, func(c *component) { r.round(c, found[c], round) })
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, c := range active { // texts change when all have looked at the old ones
			r.commit(c, round)
		}
	}
}

// active are the inputs to check in a round: those of components that changed, or whose site changed, and unchecked
// beside them what they need.
func (r *run) active() ([]lint.Input, []*component) {
	var active []*component
	in := map[int]bool{} // true: checked
	for _, c := range r.groups {
		look := c.changed
		for _, i := range c.relates {
			look = look || r.owner[r.inputs[i].File.Name].changed
		}
		if !look || c.err != nil {
			continue
		}
		active = append(active, c)
		for _, i := range c.inputs {
			in[i] = true
		}
	}
	for _, c := range active {
		for _, i := range c.relates {
			if !in[i] {
				in[i] = false
			}
		}
	}
	var order []int
	for i := range in {
		order = append(order, i)
	}
	sort.Ints(order)
	inputs := make([]lint.Input, len(order))
	for k, i := range order {
		inputs[k] = r.input(i, nil)
		inputs[k].Unchecked = inputs[k].Unchecked || !in[i]
	}
	return inputs, active
}

// eachComponent calls f for all, several at a time; one at a time where a person is asked.
func (r *run) eachComponent(ctx context.Context, list []*component, f func(*component)) {
	workers := r.o.Lint.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	if r.asked != nil {
		workers = 1
	}
	next := make(chan *component)
	var wg sync.WaitGroup
	for range min(workers, len(list)) {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for c := range next {
				f(c)
			}
		}()
	}
	for _, c := range list {
		if ctx.Err() != nil {
			break
		}
		next <- c
	}
	close(next)
	wg.Wait()
}

// round chooses and proves one batch of a component; commit puts it into the texts.
func (r *run) round(c *component, findings []diag.Diagnostic, round int) {
	c.left = nil
	var list []wanted
	for _, d := range findings {
		if len(d.Fixes) == 0 {
			continue
		}
		f, ok := r.choose(d)
		if !ok {
			why := waitsFor(f.Safety)
			if r.asked != nil {
				why = "it was skipped"
			}
			c.left = append(c.left, Left{Finding: d, Fix: f, Reason: why})
			continue
		}
		if r.files[d.File.Name] == nil {
			c.left = append(c.left, Left{Finding: d, Fix: f, Reason: "it stands in a file that is only included; name it to have it fixed"})
			continue
		}
		list = append(list, wanted{d, f})
	}
	if len(list) == 0 {
		return
	}
	p := r.newProof(c, findings)
	if r.asked != nil {
		list = r.asked.ask(p, list)
	}
	// What stops the server from reading the file comes first: only then do answers tell what the others change.
	var first, later []wanted
	for _, w := range list {
		if w.finding.Refuses {
			first = append(first, w)
		} else {
			later = append(later, w)
		}
	}
	for _, part := range [][]wanted{first, later} {
		// The worst first, and where a fix changes answers, other rules wait to see its line again: what one takes for useless
		// may be what the other is about to use.
		sort.SliceStable(part, func(i, j int) bool { return part[i].finding.Severity > part[j].finding.Severity })
		var b batch
		var chosen []wanted
		owners := lineOwners{}
		for _, w := range part {
			if b.fits(w.finding.File.Name, w.fix.Edits) && (round > MaxRounds/2 || owners.take(w)) {
				b.take(w.finding.File.Name, w.fix.Edits)
				chosen = append(chosen, w)
			}
		}
		kept, refused := p.keep(chosen)
		c.left = append(c.left, refused...)
		if len(kept) == 0 {
			continue
		}
		if round > MaxRounds {
			var codes []string
			for _, w := range kept {
				codes = append(codes, w.finding.Code+" "+w.finding.Name)
			}
			c.err = noRest(r.inputs[c.inputs[0]].File.Name, codes)
			return
		}
		done := map[string]edits{}
		for _, w := range kept {
			name := w.finding.File.Name
			done[name] = append(done[name], w.fix.Edits...)
			c.applied = append(c.applied, &applied{file: name, round: len(c.done), edits: w.fix.Edits, witness: w.finding.Witness, refuses: w.finding.Refuses,
				Applied: Applied{Code: w.finding.Code, Name: w.finding.Name, Severity: w.finding.Severity, Safety: w.fix.Safety, States: w.fix.States,
					Title: w.fix.Title, Message: w.finding.Message}})
		}
		for name, list := range done {
			done[name] = sortEdits(list)
		}
		c.done = append(c.done, done)
		c.changed = true
		return
	}
}

// lineOwners are the fixes that edit lines in one batch.
type lineOwners map[lineOf]owner

// lineOf is a line of a file, from 1.
type lineOf struct {
	file string
	line int
}

type owner struct {
	code string
	safe bool
}

// take gives the lines that a fix edits to its rule; false when another rule has one of them and either fix changes answers.
func (o lineOwners) take(w wanted) bool {
	f := w.finding.File
	own := owner{w.finding.Code, w.fix.Safety == diag.Safe}
	var lines []lineOf
	for _, e := range w.fix.Edits {
		last := f.Line(max(e.Span.Start, e.Span.End-1))
		for line := f.Line(e.Span.Start); line <= last; line++ {
			at := lineOf{f.Name, line}
			if other, ok := o[at]; ok && other.code != own.code && !(other.safe && own.safe) {
				return false
			}
			lines = append(lines, at)
		}
	}
	for _, at := range lines {
		o[at] = own
	}
	return true
}

// commit puts the last batch of a component into its texts, when this round made one.
func (r *run) commit(c *component, round int) {
	if !c.changed {
		return
	}
	for name, list := range c.done[len(c.done)-1] {
		text, err := source.Apply(r.text[name], list)
		if err != nil {
			panic("fix: a proved batch does not apply: " + err.Error())
		}
		if r.asked != nil {
			r.asked.moved(name, list)
		}
		r.text[name] = text
		r.files[name] = source.NewFile(name, text)
	}
	c.rounds++
}

// choose is the fix of a finding to apply; with ok unset the best one, which is not to be applied.
func (r *run) choose(d diag.Diagnostic) (f diag.Fix, ok bool) {
	if r.asked != nil {
		f := r.adapt(d, d.Fixes[0])
		return f, !r.asked.skipped(d, f)
	}
	for _, f := range d.Fixes {
		if f.Safety == diag.Safe || f.Safety == diag.Risky && r.o.Unsafe {
			return r.adapt(d, f), true
		}
	}
	return d.Fixes[0], false
}

// adapt fits a fix to its file.
func (r *run) adapt(d diag.Diagnostic, f diag.Fix) diag.Fix {
	f.Edits = lineEnds(d.File.Text, f.Edits)
	return f
}

// waitsFor says what a fix that its class keeps from being applied waits for.
func waitsFor(s diag.Safety) string {
	if s == diag.Risky {
		return "it changes answers on purpose; --unsafe applies it"
	}
	return "a person has to choose; --interactive asks"
}
