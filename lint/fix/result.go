package fix

import (
	"context"
	"fmt"
	"sort"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
	"rewright/parser/source"
)

// maxSimulated bounds the fixes of one component whose changes are looked for.
const maxSimulated = 300

// maxAlone bounds the fixes of one component that are tried one by one; of more of them the changes are those of all together.
const maxAlone = 60

// result makes the files of a finished run, and finds for each fix a request that shows what it changes.
func (r *run) result() []File {
	byName := map[string]*File{}
	var order []*File
	for i := range r.inputs {
		in := &r.inputs[i]
		if in.Unchecked || byName[in.File.Name] != nil {
			continue
		}
		f := &File{Name: in.File.Name, Before: in.File.Text, After: r.text[in.File.Name]}
		byName[f.Name] = f
		order = append(order, f)
	}
	r.eachComponent(context.Background(), r.groups, func(c *component) {
		if c.err == nil {
			r.trace(c)
		}
	})
	for _, c := range r.groups {
		for _, i := range c.inputs {
			f := byName[r.inputs[i].File.Name]
			if f == nil {
				continue
			}
			f.Rounds = c.rounds
			if c.err != nil {
				f.Err, f.After = c.err, f.Before
			}
		}
		first := byName[r.inputs[c.inputs[0]].File.Name]
		for _, l := range c.left {
			f := byName[l.Finding.File.Name]
			if f == nil {
				f = first
			}
			if f != nil {
				f.Left = append(f.Left, l)
			}
		}
		if c.err != nil {
			continue
		}
		for _, a := range c.applied {
			if f := byName[a.file]; f != nil {
				f.Applied = append(f.Applied, a.Applied)
			}
		}
	}
	out := make([]File, len(order))
	for i, f := range order {
		sort.SliceStable(f.Applied, func(i, j int) bool { return f.Applied[i].Line < f.Applied[j].Line })
		out[i] = *f
	}
	return out
}

// history is what became of one file, round by round.
type history struct {
	original    *source.File
	back, forth []shifts // of each round: from the text after it to the one before, and the other way
}

func (r *run) history(c *component, name string) *history {
	h := &history{original: r.original(name)}
	text := h.original.Text
	for _, done := range c.done {
		list := done[name]
		h.forth = append(h.forth, list.shifts())
		h.back = append(h.back, list.inverse(text).shifts())
		if next, err := source.Apply(text, list); err == nil {
			text = next
		}
	}
	return h
}

// place carries the edits of a fix back to the old text and on to the new one.
func (h *history) place(a *applied) {
	for _, e := range sortEdits(a.edits) {
		s := e.Span
		for k := a.round - 1; k >= 0; k-- {
			s = h.back[k].forward(s)
		}
		a.Before = append(a.Before, s)
		t := e.Span
		for k := a.round; k < len(h.forth); k++ {
			t = h.forth[k].forward(t)
		}
		a.After = append(a.After, t)
	}
	if len(a.Before) > 0 {
		a.Line = h.original.Line(a.Before[0].Start)
	}
}

func (r *run) original(name string) *source.File {
	for i := range r.inputs {
		if r.inputs[i].File.Name == name {
			return r.inputs[i].File
		}
	}
	return nil
}

// trace finds the places and the changes of what was applied to a component.
func (r *run) trace(c *component) {
	if len(c.applied) == 0 {
		return
	}
	files := map[string]*history{}
	for _, a := range c.applied {
		if files[a.file] == nil {
			files[a.file] = r.history(c, a.file)
		}
		files[a.file].place(a)
	}
	if len(c.applied) > maxSimulated {
		return
	}
	old := map[string]*source.File{}
	for i := range r.inputs {
		old[r.inputs[i].File.Name] = r.inputs[i].File
	}
	before, after := &scene{r.load(c, old)}, &scene{r.load(c, nil)}
	rounds := map[int]*scene{0: before} // as each round began
	for _, a := range c.applied {
		a.Simulated = true
		from, to, old, now := before, after, a.Before, a.After
		if !a.refuses {
			// What it changes shows against the text that its round began with: by then the server takes the file. Alone, so
			// that no other fix takes the praise.
			texts := r.textsOf(c, a.round)
			if from = rounds[a.round]; from == nil {
				from = &scene{r.load(c, texts)}
				rounds[a.round] = from
			}
			old, now = nil, nil
			own := sortEdits(a.edits)
			for _, e := range own {
				old = append(old, e.Span)
				now = append(now, own.shifts().forward(e.Span))
			}
			if text, err := source.Apply(texts[a.file].Text, own); err == nil && len(c.applied) > 1 && len(c.applied) <= maxAlone {
				texts[a.file] = source.NewFile(a.file, text)
				to = &scene{r.load(c, texts)}
			} else {
				now = a.After
			}
		}
		for k := range c.roots {
			if a.Changes = changes(from, to, k, a.file, old, now, a.witness); len(a.Changes) > 0 {
				break
			}
			a.StillRefused = a.StillRefused || from.refused(k) && to.refused(k)
		}
	}
}

// textsOf are the files of a component as a round began.
func (r *run) textsOf(c *component, round int) map[string]*source.File {
	out := map[string]*source.File{}
	for _, i := range c.inputs {
		f := r.inputs[i].File
		text := f.Text
		for _, done := range c.done[:round] {
			if next, err := source.Apply(text, done[f.Name]); err == nil {
				text = next
			}
		}
		out[f.Name] = source.NewFile(f.Name, text)
	}
	return out
}

// maxChanges is how many requests are told of one fix.
const maxChanges = 2

// changes are requests that two states of a component answer differently because of what stands at places of a file.
func changes(before, after *scene, k int, file string, old, now []source.Span, w *diag.Witness) []Change {
	u0, u1 := before.units[k], after.units[k]
	var s0, s1 *probe.Site
	word := func(u *lint.Unit, s *scene) string {
		if u.Site() != nil {
			return ""
		}
		if u.Input.Server == ir.Nginx {
			return "nginx does not start"
		}
		return "httpd does not start"
	}
	s0, s1 = u0.Site(), u1.Site()
	if s0 == nil && s1 == nil {
		return nil
	}
	some := s1
	if some == nil {
		some = s0
	}
	a := &asker{s0: s0, s1: s1, seen: map[string]bool{}}
	var out []Change
	seen := map[string]bool{}
	try := func(p probe.Probe) {
		q, fresh := a.ask(p)
		if !fresh || len(out) >= maxChanges || s0 != nil && s1 != nil && same(&q.before, &q.after) {
			return
		}
		c := newChange(some, q, word(u0, before), word(u1, after))
		if s0 != nil && before.refused(k) && q.before.Status == 500 {
			c.Before += ", the file is refused"
		}
		if key := fmt.Sprint(c.Method, kind(q.before.Status), kind(q.after.Status)); !seen[key] {
			seen[key] = true
			out = append(out, c)
		}
	}
	if w != nil {
		if p, ok := witnessed(w); ok {
			try(p)
		}
	}
	if s1 != nil {
		for _, rule := range probe.Spread(rulesAt(s1, map[string][]source.Span{file: now}), 3) {
			for _, p := range s1.Requests(rule, 6) {
				if p.Reached {
					try(p)
				}
			}
		}
	}
	if s0 != nil {
		for _, rule := range probe.Spread(rulesAt(s0, map[string][]source.Span{file: old}), 3) {
			for _, p := range s0.Requests(rule, 6) {
				try(p)
			}
		}
	}
	for _, side := range []struct {
		s     *probe.Site
		spans []source.Span
	}{{s1, now}, {s0, old}} { // what a rule takes no more, or took too much of, is found just outside of it
		if len(out) > 0 || side.s == nil {
			continue
		}
		for _, rule := range probe.Spread(rulesAt(side.s, map[string][]source.Span{file: side.spans}), 3) {
			for _, p := range append(headerProbes(side.s, rule), side.s.NearMisses(rule, 12)...) {
				try(p)
			}
		}
	}
	if len(out) == 0 && (before.refused(k) != after.refused(k)) {
		try(probe.Probe{Request: sim.Request{Method: "GET", Host: someHost(some), Target: "/"}})
	}
	return out
}

// kind is a status, all those of a page that is not had as one.
func kind(status int) int {
	if status == 403 {
		return 404
	}
	return status
}

// someHost is a host that a site serves.
func someHost(s *probe.Site) string {
	for _, h := range s.Hosts() {
		return h
	}
	return probe.DefaultHost
}
