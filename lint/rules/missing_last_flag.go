package rules

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
	"rewright/parser/source"
)

var missingLastFlag = lint.Rule{
	Code: "RD111", ID: "missing-last-flag", Severity: diag.Error, For: lint.Apache, Fix: diag.Risky, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a redirect that later rules rewrite once more",
		Text: "R does not end the rules. Without L the rules behind it run on the absolute address the redirect has made, and a later " +
			"`^(.*)$` puts that whole address into its own target, or throws it away.",
		Examples: []lint.Example{{Server: ir.Apache,
			Before: "RewriteEngine On\nRewriteRule ^vocab$ https://x.example/\nRewriteRule ^(.*)$ https://x.example/elements/$1 [R=302,L]\n",
			After:  "RewriteEngine On\nRewriteRule ^vocab$ https://x.example/ [R=302,L]\nRewriteRule ^(.*)$ https://x.example/elements/$1 [R=302,L]\n"}},
		Source: "httpd manual, RewriteRule Flags: R; mod_rewrite.c, apply_rewrite_list",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		ev := newAsking()
		eachScope(g, func(s *ir.Scope) {
			if g.Server == ir.Apache {
				missingLast(p, ev, s)
			}
		})
	},
}

func missingLast(p *lint.Pass, ev *asking, s *ir.Scope) {
	rules := rewriteRules(s)
	// reached[i]: a rule from i on can match an absolute address and replaces it
	reached := make([]bool, len(rules)+1)
	for i := len(rules) - 1; i >= 0; i-- {
		reached[i] = reached[i+1] || rules[i].Target != nil && takesAddress(rules[i])
	}
	asked := map[*ir.Rule][]probe.Probe{}
	for i, r := range rules {
		if doesNothing(r) && i+1 < len(rules) && ev.open(p) {
			p.File = r.File
			passedOver(p, ev, r, rules[i+1:])
		}
		if !reached[i+1] || r.File == nil || r.Flow != ir.FlowNext || r.Chain || r.Skip > 0 || !makesAddress(r) || !ev.open(p) {
			continue
		}
		p.File = r.File
		var later []probe.Probe
		for _, l := range takers(rules[i+1:]) {
			if _, ok := asked[l]; !ok {
				asked[l] = ev.site.Requests(l, 2)
			}
			later = append(later, asked[l]...)
		}
		rewrittenAgain(p, ev, s, r, later)
	}
}

// doesNothing tells whether a rule has no effect at all: "-" as its target, and no flag but NC.
func doesNothing(r *ir.Rule) bool {
	if r.File == nil || r.Action != ir.ActionNone || r.Flow != ir.FlowNext || r.Chain || r.Skip > 0 || len(r.Args) < 2 || r.Args[1].Text != "-" {
		return false
	}
	for _, f := range r.Flags {
		if f.Name != "NC" {
			return false
		}
	}
	return true
}

// passedOver reports a rule that does nothing when a later one takes what it matches: it was to leave that alone.
func passedOver(p *lint.Pass, ev *asking, r *ir.Rule, later []*ir.Rule) {
	for _, q := range ev.site.Requests(r, 3) {
		answer := ev.site.Ask(q)
		if !answer.Known {
			continue
		}
		for _, l := range probe.Fired(&answer) {
			if l == r || l.Target == nil || !slices.Contains(later, l) {
				continue
			}
			p.Add(diag.Diagnostic{Severity: diag.Warning, Span: r.Span, Witness: ev.witness(shown{q, answer}),
				Related: []diag.Related{{File: l.File, Span: l.Span, Message: "takes it all the same"}},
				Message: fmt.Sprintf("`-` changes nothing, and without L the rules go on: %s is taken by %s", quote(clip(q.Request.Target, 60)),
					quote("RewriteRule "+clip(l.Args[0].Text, 40))), Fixes: addLast(p, r)})
			return
		}
	}
}

// takers are the first rules that can take an absolute address and ask for more than a pattern.
func takers(rules []*ir.Rule) []*ir.Rule {
	var out []*ir.Rule
	for i, r := range rules {
		if i > 50 || len(out) > 2 {
			break
		}
		if r.Target != nil && len(r.Conditions) > 0 && takesAddress(r) {
			out = append(out, r)
		}
	}
	return out
}

// candidates are requests that reach a rule, and the first of them with the headers that later rules ask for.
func candidates(ev *asking, r *ir.Rule, later []probe.Probe) []probe.Probe {
	var out []probe.Probe
	for _, q := range ev.site.Requests(r, 4) {
		if q.Reached {
			out = append(out, q)
		}
	}
	if len(out) == 0 {
		return nil
	}
	for _, other := range later {
		q := out[0]
		q.Request.Header = append([][2]string(nil), q.Request.Header...)
		for _, h := range other.Request.Header {
			if !hasHeader(q.Request.Header, h[0]) {
				q.Request.Header = append(q.Request.Header, h)
			}
		}
		if len(q.Request.Header) > len(out[0].Request.Header) {
			out = append(out, q)
		}
	}
	return out
}

func hasHeader(list [][2]string, name string) bool {
	for _, h := range list {
		if strings.EqualFold(h[0], name) {
			return true
		}
	}
	return false
}

// takesAddress tells whether a pattern may match an absolute address.
func takesAddress(r *ir.Rule) bool {
	if r.Pattern == nil || r.Pattern.Re == nil || r.Negated {
		return r.Negated
	}
	t := r.Pattern.Re.Tree()
	text, _ := t.Prefix()
	return !t.Anchored() || text == "" || strings.HasPrefix(text, "h")
}

// makesAddress tells whether a rule makes an absolute address: R, or a target with a scheme.
func makesAddress(r *ir.Rule) bool {
	if r.Action == ir.ActionRedirect {
		return true
	}
	text := strings.ToLower(r.Target.Prefix())
	return r.Action == ir.ActionRewrite && (strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://"))
}

func rewrittenAgain(p *lint.Pass, ev *asking, s *ir.Scope, r *ir.Rule, later []probe.Probe) {
	for _, q := range candidates(ev, r, later) {
		answer := ev.site.Ask(q)
		last := takenBy(&answer, r)
		if last == nil {
			continue
		}
		made := addressMade(ev, q, r)
		if strings.HasPrefix(made, "/") && r.Action == ir.ActionRedirect {
			made = q.Request.Scheme + "://" + q.Request.Host + made
		}
		if !strings.Contains(made, "://") {
			continue
		}
		if last.Action == ir.ActionRewrite && answer.Location == nil {
			// Whether a file is called like the address is asked now and then; and what the later rule leads to is to exist.
			q.Missing = append(q.Missing, path.Clean("/"+made))
			if text, constant := last.Target.Constant(); constant && !strings.ContainsAny(text, "?:") {
				dir := strings.TrimSuffix(s.Dir, "/")
				if strings.HasPrefix(text, "/") || dir == "" {
					dir = p.Unit.Docroot()
				}
				q.Exists = append(q.Exists, path.Join(dir, text))
			}
			if answer = ev.site.Ask(q); takenBy(&answer, r) != last {
				continue
			}
		}
		what := spoilt(&answer, last, made)
		if what == "" || !answer.Known {
			continue
		}
		d := diag.Diagnostic{Span: r.Span, Witness: ev.witness(shown{q, answer}),
			Related: []diag.Related{{File: last.File, Span: last.Span, Message: "runs on the address this rule has made"}},
			Message: fmt.Sprintf("for %s this rule makes %s, but without L %s runs on that address: %s",
				quote(clip(q.Request.Target, 60)), quote(clip(made, 80)), quote("RewriteRule "+clip(last.Args[0].Text, 40)), what)}
		d.Fixes = addLast(p, r)
		p.Add(d)
		return
	}
}

// maxTraced bounds the rules of a configuration whose answers are traced: a trace has a line for each rule passed over.
const maxTraced = 5000

// addressMade is what a rule makes of the address of a request; in a large configuration its target as written.
func addressMade(ev *asking, q probe.Probe, r *ir.Rule) string {
	if text, constant := r.Target.Constant(); constant || len(ev.site.Rules()) > maxTraced {
		if !constant {
			text = r.Target.Text
		}
		return text
	}
	trace := ev.site.Trace(q)
	return resultOf(&trace, r)
}

// takenBy is the last rule that rewrote what a rule has made, in the pass of that rule; nil when there is none.
func takenBy(o *sim.Outcome, r *ir.Rule) *ir.Rule {
	var last *ir.Rule
	for _, f := range firedAfter(o, r) {
		if f.Target == nil || f.Keyword != ir.RewriteRule {
			continue
		}
		if f == r {
			break
		}
		last = f
		if ends(f) {
			break
		}
	}
	return last
}

// spoilt says what became of an address that a later rule took; empty when the later rule built on it as a chain of
// rules does on purpose.
func spoilt(o *sim.Outcome, last *ir.Rule, made string) string {
	switch {
	case o.Location == nil && o.Status >= 300 && o.Status < 400:
		return fmt.Sprintf("the answer is a %d without Location", o.Status)
	case o.Location == nil:
		return "the answer is " + fmt.Sprint(o.Status) + " and no redirect"
	case *o.Location == made:
		return ""
	case addresses(*o.Location) > max(1, addresses(made)):
		return "Location is " + quote(clip(*o.Location, 120))
	}
	for i := range last.Target.Parts {
		switch part := &last.Target.Parts[i]; part.Kind {
		case ir.RuleRef, ir.CondRef:
			return "" // it builds on what it took
		case ir.Variable:
			if part.Name == "REQUEST_FILENAME" || part.Name == "SCRIPT_FILENAME" {
				return ""
			}
		}
	}
	if len(last.Conditions) > 0 {
		return "" // it may be meant to overrule what came before, for some visitors
	}
	return "Location is " + quote(clip(*o.Location, 120)) + " instead"
}

// addresses counts the absolute addresses in a text; a server may have merged the slashes of an inner one.
func addresses(s string) int {
	return strings.Count(s, "http:/") + strings.Count(s, "https:/") + strings.Count(s, "http%3a/") + strings.Count(s, "https%3a/")
}

// resultOf is what a rule made of the address in a trace, the first time it ran.
func resultOf(o *sim.Outcome, r *ir.Rule) string {
	for i := range o.Steps {
		st := &o.Steps[i]
		if st.Kind == sim.StepRewrite && st.Origin == r.Origin {
			return st.Result
		}
	}
	return ""
}

// addLast adds L to the flags of a rule.
func addLast(p *lint.Pass, r *ir.Rule) []diag.Fix {
	d := directiveAt(p, r.Origin)
	if d == nil || len(d.Args) < 2 {
		return nil
	}
	if len(d.Args) == 2 {
		text := " [L]"
		if r.Action == ir.ActionRewrite {
			text = " [R=302,L]"
		}
		return []diag.Fix{{Title: "add `L`", Safety: diag.Risky, Edits: source.Insert(d.Args[1].Span.End, text)}}
	}
	w := d.Args[2].Inner()
	if text := p.File.Slice(w); !strings.HasSuffix(text, "]") || len(text) < 3 {
		return nil
	}
	return []diag.Fix{{Title: "add `L`", Safety: diag.Risky, Edits: source.Insert(w.End-1, ",L")}}
}
