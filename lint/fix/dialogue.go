package fix

import (
	"rewright/parser/diag"
	"rewright/parser/source"
)

// dialogue remembers what was decided, so that nothing is asked twice.
type dialogue struct {
	decide  func(Candidate) Decision
	all     map[string]bool // codes of which every fix is accepted
	skip    map[string]bool // fixes that were skipped
	accept  map[string]bool // fixes that were accepted and wait for the next round
	stopped bool
}

func newDialogue(decide func(Candidate) Decision) *dialogue {
	return &dialogue{decide: decide, all: map[string]bool{}, skip: map[string]bool{}, accept: map[string]bool{}}
}

// key names a fix in a way that lasts while other lines move: its rule, its line and what it writes.
func key(d diag.Diagnostic, f diag.Fix) string {
	line := d.File.Slice(d.File.LineSpan(d.File.Line(d.Span.Start)))
	k := d.File.Name + "\x00" + d.Code + "\x00" + line
	for _, e := range f.Edits {
		k += "\x00" + e.Text
	}
	return k
}

func (a *dialogue) skipped(d diag.Diagnostic, f diag.Fix) bool {
	return a.skip[key(d, f)] || a.stopped && !a.accept[key(d, f)]
}

// ask is the part of a list that is accepted. Fixes that overlap an accepted one are asked about when it has been applied.
func (a *dialogue) ask(r *run, p *proof, list []wanted) []wanted {
	var out []wanted
	var b batch
	for _, w := range list {
		name := w.finding.File.Name
		if !b.fits(name, w.fix.Edits) {
			continue
		}
		k := key(w.finding, w.fix)
		if !a.accept[k] && !a.all[w.finding.Code] {
			if a.stopped {
				continue
			}
			switch a.decide(p.candidate(w)) {
			case Accept:
			case AcceptAll:
				a.all[w.finding.Code] = true
			case Quit:
				a.stopped = true
				continue
			default:
				a.skip[k] = true
				continue
			}
		}
		a.accept[k] = true
		b.take(name, w.fix.Edits)
		out = append(out, w)
	}
	return out
}

// candidate tries one fix alone.
func (p *proof) candidate(w wanted) Candidate {
	name := w.finding.File.Name
	c := Candidate{Finding: w.finding, Fix: w.fix, Before: p.r.text[name], After: p.r.text[name]}
	after, changed, err := p.apply([]wanted{w})
	if err != nil {
		return c
	}
	c.After, _ = source.Apply(c.Before, changed[name])
	var old, now []source.Span
	for _, e := range changed[name] {
		old = append(old, e.Span)
		now = append(now, changed[name].forward(e.Span))
	}
	for k := range p.c.roots {
		if c.Changes = changes(p.before, after, k, name, old, now, w.finding.Witness); len(c.Changes) > 0 {
			break
		}
	}
	return c
}
