package fix

import (
	"rewright/parser/diag"
	"rewright/parser/source"
)

// dialogue remembers what was decided, so that nothing is asked twice.
type dialogue struct {
	decide  func(Candidate) Decision
	all     map[string]bool // codes of which every fix is accepted
	said    map[string][]*decided
	stopped bool
}

// decided is what was said of one fix. Its place moves with the text.
type decided struct {
	code, writes string
	at           source.Span
	accepted     bool
}

func newDialogue(decide func(Candidate) Decision) *dialogue {
	return &dialogue{decide: decide, all: map[string]bool{}, said: map[string][]*decided{}}
}

// writes are the texts of a fix, which tell it from others of its rule at the same place.
func writes(f diag.Fix) string {
	s := ""
	for _, e := range f.Edits {
		s += e.Text + "\x00"
	}
	return s
}

// answer is what was said of a fix; nil when nothing was.
func (a *dialogue) answer(d diag.Diagnostic, f diag.Fix) *decided {
	for _, x := range a.said[d.File.Name] {
		if x.code == d.Code && x.at.Start == d.Span.Start && x.writes == writes(f) {
			return x
		}
	}
	return nil
}

// moved carries the places of what was said over a batch of edits.
func (a *dialogue) moved(file string, list edits) {
	m := list.shifts()
	for _, x := range a.said[file] {
		// An insertion at the place itself comes before it.
		end := m.forward(source.Span{Start: x.at.Start, End: x.at.Start}).End
		x.at = source.Span{Start: end, End: max(end, m.forward(x.at).End)}
	}
}

func (a *dialogue) skipped(d diag.Diagnostic, f diag.Fix) bool {
	if x := a.answer(d, f); x != nil {
		return !x.accepted
	}
	return a.stopped && !a.all[d.Code]
}

// ask is the part of a list that is accepted. Fixes that overlap an accepted one are asked about when it has been applied.
func (a *dialogue) ask(p *proof, list []wanted) []wanted {
	var out []wanted
	var b batch
	for _, w := range list {
		name := w.finding.File.Name
		if !b.fits(name, w.fix.Edits) {
			continue
		}
		if x := a.answer(w.finding, w.fix); x == nil && !a.all[w.finding.Code] {
			if a.stopped {
				continue
			}
			x = &decided{w.finding.Code, writes(w.fix), w.finding.Span, true}
			switch a.decide(p.candidate(w)) {
			case Accept:
			case AcceptAll:
				a.all[w.finding.Code] = true
			case Quit:
				a.stopped = true
				continue
			default:
				x.accepted = false
			}
			a.said[name] = append(a.said[name], x)
			if !x.accepted {
				continue
			}
		}
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
		now = append(now, changed[name].shifts().forward(e.Span))
	}
	for k := range p.c.roots {
		if c.Changes = changes(p.before, after, k, name, old, now, w.finding.Witness); len(c.Changes) > 0 {
			break
		}
		c.StillRefused = c.StillRefused || p.before.refused(k) && after.refused(k)
	}
	return c
}
