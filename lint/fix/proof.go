package fix

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
	"rewright/parser/source"
)

// proof holds a component as it stands against what fixes make of it.
type proof struct {
	r        *run
	c        *component
	before   *scene
	findings []diag.Diagnostic
	tried    [][]probe.Probe // by root: the requests that are asked whatever is fixed; made when first needed
}

// scene is a component with one set of texts.
type scene struct {
	units []*lint.Unit // the roots
}

// refused tells whether the server refuses what root k reads.
func (s *scene) refused(k int) bool {
	u := s.units[k]
	for i := range u.Diagnostics {
		if u.Diagnostics[i].Refuses {
			return true
		}
	}
	return u.Site() == nil
}

func (r *run) newProof(c *component, findings []diag.Diagnostic) *proof {
	return &proof{r: r, c: c, findings: findings, before: &scene{r.load(c, nil)}}
}

// keep is the largest part of a batch that holds its word, found by halving; what is left out comes with the reason.
func (p *proof) keep(list []wanted) (kept []wanted, refused []Left) {
	var try func(list []wanted, strict bool)
	try = func(list []wanted, strict bool) {
		if len(list) == 0 {
			return
		}
		why := p.broken(append(kept[:len(kept):len(kept)], list...), strict)
		switch {
		case why == "":
			kept = append(kept, list...)
		case len(list) == 1:
			refused = append(refused, Left{Finding: list[0].finding, Fix: list[0].fix, Refused: true, Reason: why})
		default:
			try(list[:len(list)/2], strict)
			try(list[len(list)/2:], strict)
		}
	}
	// Risky fixes change answers: the safe ones are proved before they come in.
	var safe, risky []wanted
	for _, w := range list {
		if w.fix.Safety == diag.Safe {
			safe = append(safe, w)
		} else {
			risky = append(risky, w)
		}
	}
	try(safe, true)
	if p.r.o.Unsafe || p.r.asked != nil { // what is not as safe as it says is risky, and that was allowed
		for _, l := range refused {
			l.Fix.Safety = diag.Risky
			risky = append(risky, wanted{l.Finding, l.Fix})
		}
		refused = nil
	}
	try(risky, false)
	return kept, refused
}

// broken says how a batch breaks its word, "" when it does not. With strict unset it may change answers.
func (p *proof) broken(list []wanted, strict bool) string {
	after, changed, err := p.apply(list)
	if err != nil {
		return err.Error()
	}
	for k := range p.c.roots {
		if why := p.refusals(k, after); why != "" {
			return why
		}
		if !strict || p.before.refused(k) {
			continue // what was answered to nobody is answered now: that is what the fix is for
		}
		if why := p.answers(k, after, changed, stating(list)); why != "" {
			return why
		}
	}
	return ""
}

// apply makes the scene after a batch, and the edits by file.
func (p *proof) apply(list []wanted) (*scene, map[string]edits, error) {
	all := map[string]edits{}
	for _, w := range list {
		name := w.finding.File.Name
		all[name] = append(all[name], w.fix.Edits...)
	}
	over := map[string]*source.File{}
	for name, e := range all {
		e = sortEdits(e)
		all[name] = e
		text, err := source.Apply(p.r.text[name], e)
		if err != nil {
			return nil, nil, fmt.Errorf("its edits cannot be made: %w", err)
		}
		over[name] = source.NewFile(name, text)
	}
	return &scene{p.r.load(p.c, over)}, all, nil
}

// refusals says which refusal a batch brings. One that stands in the place of another, on a directive that was refused before,
// is no new one: the server names one fault of a line at a time.
func (p *proof) refusals(k int, after *scene) string {
	have := map[string]int{}
	n := 0
	for i := range p.before.units[k].Diagnostics {
		if d := &p.before.units[k].Diagnostics[i]; d.Refuses {
			have[d.Code+d.Message]++
			n++
		}
	}
	fresh := ""
	for i := range after.units[k].Diagnostics {
		d := &after.units[k].Diagnostics[i]
		if !d.Refuses {
			continue
		}
		n--
		if key := d.Code + d.Message; have[key] > 0 {
			have[key]--
		} else if fresh == "" {
			fresh = fmt.Sprintf("it would bring a refusal: %s:%d: %s", d.File.Name, d.File.Line(d.Span.Start), d.Message)
		}
	}
	if fresh != "" && (n < 0 || !p.before.refused(k)) {
		return fresh
	}
	return ""
}

// Limits of what is asked to prove one batch of one root. Counts of rules and of requests for each.
const (
	maxTouched  = 60 // rules that are edited
	perTouched  = 6
	nearTouched = 4
	maxSampled  = 24 // rules beside them
	perSampled  = 2
)

// stating are the edits of those fixes that state a change, by file.
func stating(list []wanted) map[string]map[source.Edit]bool {
	out := map[string]map[source.Edit]bool{}
	for _, w := range list {
		if w.fix.States {
			name := w.finding.File.Name
			if out[name] == nil {
				out[name] = map[source.Edit]bool{}
			}
			for _, e := range w.fix.Edits {
				out[name][e] = true
			}
		}
	}
	return out
}

// statedRules are the rules before and after that fixes which state a change edit.
func (p *proof) statedRules(s0, s1 *probe.Site, changed map[string]edits, states map[string]map[source.Edit]bool) map[*ir.Rule]bool {
	out := map[*ir.Rule]bool{}
	if len(states) == 0 {
		return out
	}
	old, now := map[string][]source.Span{}, map[string][]source.Span{}
	for name, list := range changed {
		back := list.inverse(p.r.text[name])
		for i, e := range list {
			if states[name][e] {
				old[name] = append(old[name], e.Span)
				now[name] = append(now[name], back[i].Span)
			}
		}
	}
	for _, r := range append(rulesAt(s0, old), rulesAt(s1, now)...) {
		out[r] = true
	}
	return out
}

// answers says which answer a batch of safe fixes changes without being allowed to. A rule that took effect for no
// request and does so now was woken, which is what a safe fix of a dead rule states; others state what they change.
func (p *proof) answers(k int, after *scene, changed map[string]edits, states map[string]map[source.Edit]bool) string {
	u0, u1 := p.before.units[k], after.units[k]
	s0, s1 := u0.Site(), u1.Site()
	if s0 == nil || s1 == nil {
		return ""
	}
	asked := &asker{s0: s0, s1: s1, seen: map[string]bool{}}
	touched, edited := rulesAt(s0, spansOf(changed)), rulesAt(s1, spansOf(p.inverse(changed)))
	fired0 := map[*ir.Rule]bool{}
	var differ []question
	ask := func(q probe.Probe) {
		x, fresh := asked.ask(q)
		if !fresh {
			return
		}
		for _, r := range probe.Fired(&x.before) {
			fired0[r] = true
		}
		if !same(&x.before, &x.after) {
			differ = append(differ, x)
		}
	}
	for _, q := range p.requests(k) {
		ask(q)
	}
	for _, r := range probe.Spread(touched, maxTouched) {
		for _, q := range s0.Requests(r, perTouched) {
			ask(q)
		}
		for _, q := range s0.NearMisses(r, nearTouched) {
			ask(q)
		}
	}
	for _, r := range probe.Spread(edited, maxTouched) {
		for _, q := range s1.Requests(r, perTouched) {
			ask(q)
		}
	}
	stated := p.statedRules(s0, s1, changed, states)
	woken := p.wakes(s0, edited, fired0, changed)
	for _, x := range differ {
		if slices.ContainsFunc(probe.Fired(&x.after), woken) || anyFired(&x.before, stated) || anyFired(&x.after, stated) {
			continue
		}
		return "it would change an answer without saying so: " + newChange(s0, x, "", "").String()
	}
	return ""
}

// wakes tells of a rule after a batch whether it is an edited one that took effect for no request before.
func (p *proof) wakes(s0 *probe.Site, edited []*ir.Rule, fired0 map[*ir.Rule]bool, changed map[string]edits) func(*ir.Rule) bool {
	back := map[string]shifts{}
	for name, list := range p.inverse(changed) {
		back[name] = list.shifts()
	}
	isEdited := map[*ir.Rule]bool{}
	for _, r := range edited {
		isEdited[r] = true
	}
	known := map[*ir.Rule]bool{}
	return func(r *ir.Rule) bool {
		if !isEdited[r] {
			return false
		}
		woken, ok := known[r]
		if !ok {
			old := map[string][]source.Span{r.File.Name: {back[r.File.Name].forward(extent(r))}}
			woken = !slices.ContainsFunc(rulesAt(s0, old), func(r *ir.Rule) bool { return fired0[r] })
			known[r] = woken
		}
		return woken
	}
}

func anyFired(o *sim.Outcome, rules map[*ir.Rule]bool) bool {
	for _, f := range o.Fired {
		if rules[f.Rule] {
			return true
		}
	}
	return false
}

// requests are asked whatever is fixed: the witnesses of the findings, requests that reach rules all over the
// configuration, and a few that reach none.
func (p *proof) requests(k int) []probe.Probe {
	if p.tried == nil {
		p.tried = make([][]probe.Probe, len(p.c.roots))
	}
	if p.tried[k] == nil {
		p.tried[k] = general(p.before.units[k], p.findings)
	}
	return p.tried[k]
}

// general are the requests that are tried on any change of a configuration.
func general(u *lint.Unit, findings []diag.Diagnostic) []probe.Probe {
	var out []probe.Probe
	for i := range findings {
		if w := findings[i].Witness; w != nil {
			if q, ok := witnessed(w); ok {
				out = append(out, q)
			}
		}
	}
	s := u.Site()
	if s == nil {
		return out
	}
	for _, r := range probe.Spread(s.Rules(), maxSampled) {
		out = append(out, s.Requests(r, perSampled)...)
	}
	hosts := append([]string{}, s.Hosts()...)
	if len(hosts) == 0 {
		hosts = []string{probe.DefaultHost}
	}
	for _, host := range hosts[:min(len(hosts), 4)] {
		if strings.ContainsAny(host, "*~") {
			host = probe.DefaultHost
		}
		for _, scheme := range []string{"http", "https"} {
			for _, w := range []struct{ target, exists string }{{"/", ""}, {"/", "/index.html"}, {"/index.php", "/index.php"}, {"/style.css", "/style.css"},
				{"/page.html", "/page.html"}, {"/no/such/page.html?x=1", ""}, {"/folder/", "/folder/"}, {"/folder", "/folder/"}} {
				q := probe.Probe{Request: sim.Request{Method: "GET", Scheme: scheme, Host: host, Target: w.target}}
				if w.exists != "" {
					q.Exists = []string{u.Docroot() + w.exists}
				}
				out = append(out, q)
			}
			out = append(out, probe.Probe{Request: sim.Request{Method: "POST", Scheme: scheme, Host: host, Target: "/api/form"}})
		}
	}
	return out
}

// witnessed is the request of a finding's witness.
func witnessed(w *diag.Witness) (probe.Probe, bool) {
	req, err := probe.ParseURL(w.URL)
	if err != nil {
		return probe.Probe{}, false
	}
	req.Method = w.Method
	for name, value := range w.Header {
		req.Header = append(req.Header, [2]string{name, value})
	}
	return probe.Probe{Request: req}, true
}

// inverse are the edits that lead back.
func (p *proof) inverse(changed map[string]edits) map[string]edits {
	out := make(map[string]edits, len(changed))
	for name, list := range changed {
		out[name] = list.inverse(p.r.text[name])
	}
	return out
}

func spansOf(changed map[string]edits) map[string][]source.Span {
	out := make(map[string][]source.Span, len(changed))
	for name, list := range changed {
		for _, e := range list {
			out[name] = append(out[name], e.Span)
		}
	}
	return out
}

// extent is a rule with its conditions, as far as they stand in one file.
func extent(r *ir.Rule) source.Span {
	s := r.Span
	for _, c := range r.Conditions {
		if c.File == r.File {
			s = s.Join(c.Span)
		}
	}
	return s
}

// rulesAt are the rules that hold or touch one of the spans, or of which a condition or the enclosing section's head does.
// The spans of a file are sorted and do not overlap.
func rulesAt(s *probe.Site, spans map[string][]source.Span) []*ir.Rule {
	hit := func(o ir.Origin) bool {
		if o.File == nil {
			return false
		}
		list := spans[o.File.Name]
		i := sort.Search(len(list), func(i int) bool { return list[i].End >= o.Span.Start })
		return i < len(list) && list[i].Start <= o.Span.End
	}
	var out []*ir.Rule
	for _, r := range s.Rules() {
		touched := hit(r.Origin)
		for _, c := range r.Conditions {
			touched = touched || hit(c.Origin)
		}
		if sc := s.Scope(r); !touched && sc != nil {
			touched = hit(sc.Origin) || sc.If != nil && hit(sc.If.Origin)
		}
		if touched {
			out = append(out, r)
		}
	}
	return out
}
