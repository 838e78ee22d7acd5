package rules

import (
	"fmt"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/source"
	"rewright/parser/value"
)

var contradictoryConditions = lint.Rule{
	Code: "RD503", ID: "contradictory-conditions", Severity: diag.Error, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "conditions that cannot be true together",
		Text: "Conditions one below the other must all be true. One variable cannot match two patterns that exclude each other, so the rule " +
			"never runs; usually `[OR]` was forgotten on the first. The same goes for a `%{REQUEST_URI}` condition against the rule's own pattern, " +
			"and for `if ($uri …)` in a location of another path.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteCond %{HTTP_HOST} ^a\\.example$\nRewriteCond %{HTTP_HOST} ^b\\.example$\nRewriteRule ^ https://c.example%{REQUEST_URI} [R=301,L]\n",
				After: "RewriteEngine On\nRewriteCond %{HTTP_HOST} ^a\\.example$ [OR]\nRewriteCond %{HTTP_HOST} ^b\\.example$\nRewriteRule ^ https://c.example%{REQUEST_URI} [R=301,L]\n"},
			{Server: ir.Nginx, Before: "location /a/ {\n    if ($uri ~ ^/b/) {\n        return 301 /c;\n    }\n}\n",
				After: "location /b/ {\n    if ($uri ~ ^/b/) {\n        return 301 /c;\n    }\n}\n"},
		},
		Source: "httpd mod_rewrite.c, apply_rewrite_rule; nginx ngx_http_core_module.c, locations",
	},
	Program: checkContradictions,
}

func checkContradictions(p *lint.Pass, g *ir.Program) {
	r := newReasoner(g.Server)
	value.Visit(g, value.Visitor{
		Rule: func(rule *ir.Rule, at *value.Place) {
			if n := len(rule.Conditions); n > 0 && n <= maxConditions && !rule.Disabled {
				contradictionAt(p, r, rule, at)
			}
		},
		Scope: func(s *ir.Scope, at *value.Place) {
			if s.If != nil && s.If.File != nil && isPath(s.If.Test) && at != nil {
				ifOutsideLocation(p, r, s.If, at, firstRule(s))
			}
		},
	})
}

// contradictionAt looks for groups of conditions on one test string that no value of it fulfils together, each of them being
// possible alone.
func contradictionAt(p *lint.Pass, r *reasoner, rule *ir.Rule, at *value.Place) {
	groups := rule.CNF()
	if rule.Conditions[len(rule.Conditions)-1].Or {
		groups = groups[:len(groups)-1] // always true, see dangling-or
	}
	type seen struct {
		last *ir.Condition
		l    pattern.Language
	}
	found := map[string]seen{}
	for _, group := range groups {
		test := sameTest(group)
		if test == nil || constantOf(test) {
			continue
		}
		_, again := found[test.Text]
		path := variable(test) == "REQUEST_URI" && rule.Pattern != nil && rule.Pattern.Re != nil && !rule.Negated && at.Steady
		if !again && !path && !mentionedTwice(groups, test.Text) {
			continue
		}
		if r.values.Space.Exhausted() {
			r.renew()
			return // what was found so far belongs to the Space that is gone
		}
		space := r.values.Space
		values := r.of(test)
		holds := space.Empty()
		known := true
		for _, c := range group {
			l, ok := r.values.Holds(c)
			known = known && ok
			if ok {
				holds = space.Or(holds, l)
			}
		}
		if !known {
			continue
		}
		holds = space.And(holds, values.sure)
		if _, some, sure := space.Shortest(holds); !sure || !some {
			continue // constant-condition's
		}
		last := group[len(group)-1]
		if before, ok := found[test.Text]; ok {
			_, some, sure := space.Overlap(before.l, holds)
			if sure && !some {
				reportContradiction(p, r, rule, before.last, last, group)
				return
			}
			holds = space.And(before.l, holds)
		}
		found[test.Text] = seen{last, holds}
		if path {
			own, ok := r.values.Subjects(rule.Pattern)
			if !ok {
				continue
			}
			own = space.And(own, r.values.Path(rule.Subject, true))
			if _, some, sure := space.Shortest(own); !sure || !some {
				continue
			}
			if rule.Subject == ir.SubjectDirectory {
				own = space.Concat(space.Or(space.Text("/"), space.Concat(space.Text("/"), space.All(), space.Text("/"))), own)
			}
			if _, some, sure := space.Overlap(own, holds); sure && !some {
				p.File = last.File
				d := diag.Diagnostic{Span: conditionSpan(last), Message: fmt.Sprintf("a path that matches %s is never %s; this rule never runs",
					quote(clip(rule.Pattern.Text, 50)), wanted(last)),
					Related: []diag.Related{{File: rule.File, Span: rule.Pattern.Span, Message: "the pattern of the rule"}}}
				r.w.idle(p, &d, rule)
				p.Add(d)
				return
			}
		}
	}
}

// sameTest is the test string of all conditions of a group; nil when they differ.
func sameTest(group []*ir.Condition) *ir.Template {
	t := group[0].Test
	for _, c := range group {
		if c.Test == nil || t == nil || c.Test.Text != t.Text || c.File == nil {
			return nil
		}
	}
	return t
}

func mentionedTwice(groups [][]*ir.Condition, text string) bool {
	n := 0
	for _, g := range groups {
		if t := sameTest(g); t != nil && t.Text == text {
			n++
		}
	}
	return n > 1
}

func reportContradiction(p *lint.Pass, r *reasoner, rule *ir.Rule, first, second *ir.Condition, group []*ir.Condition) {
	d := diag.Diagnostic{Span: conditionSpan(second), Related: []diag.Related{{File: first.File, Span: conditionSpan(first), Message: "the other condition"}},
		Message: fmt.Sprintf("%s cannot be both %s and %s; this rule never runs", quote(second.Test.Text), wanted(first), wanted(second))}
	p.File = second.File
	r.w.idle(p, &d, rule)
	// Joining them helps when they stand next to each other and neither is an exception.
	if !first.Negated && !second.Negated && len(group) == 1 && adjacent(rule, first, second) && first.File == second.File {
		d.Help = "join the two lines with [OR]"
		if f, ok := withFlag(p, directiveAt(p, first.Origin), "OR"); ok {
			d.Fixes = []diag.Fix{f}
		}
	}
	p.Add(d)
}

func adjacent(rule *ir.Rule, a, b *ir.Condition) bool {
	for i := 1; i < len(rule.Conditions); i++ {
		if rule.Conditions[i-1] == a && rule.Conditions[i] == b {
			return true
		}
	}
	return false
}

// withFlag is a fix that adds a flag to a RewriteCond.
func withFlag(p *lint.Pass, d *lint.Directive, name string) (diag.Fix, bool) {
	if d == nil || len(d.Args) < 2 {
		return diag.Fix{}, false
	}
	if w, ok := flagWord(d); ok {
		list, ok := readFlags(p, d)
		if !ok {
			return diag.Fix{}, false
		}
		f := flag{text: name}
		return diag.Fix{Title: "add " + quote(name), Safety: diag.Risky, Edits: source.Replace(w.Inner(), joinFlags(append(list, f)))}, true
	}
	at := source.Span{Start: d.Args[1].Span.End, End: d.Args[1].Span.End}
	return diag.Fix{Title: "add " + quote("["+name+"]"), Safety: diag.Risky, Edits: source.Replace(at, " ["+name+"]")}, true
}

// ifOutsideLocation looks whether the path of the location around an if can be what the if wants.
func ifOutsideLocation(p *lint.Pass, r *reasoner, c *ir.Condition, at *value.Place, guarded *ir.Rule) {
	loc, ok := locationAround(at)
	if !ok {
		return
	}
	if r.values.Space.Exhausted() {
		r.renew()
	}
	inside, ok := locationPaths(r.values, loc)
	if !ok {
		return
	}
	holds, ok := r.values.Holds(c)
	if !ok {
		return
	}
	s := r.values.Space
	if _, some, sure := s.Overlap(holds, r.of(c.Test).sure); !sure || !some {
		return // constant-condition's
	}
	if _, some, sure := s.Overlap(holds, inside); sure && !some {
		p.File = c.File
		d := diag.Diagnostic{Span: conditionSpan(c), Message: fmt.Sprintf("inside %s the path is never %s; this block never runs", headOf(loc), wanted(c)),
			Related: []diag.Related{{File: loc.File, Span: loc.Span, Message: "the location"}}}
		r.w.idle(p, &d, guarded)
		p.Add(d)
	}
}
