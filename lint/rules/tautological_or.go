package rules

import (
	"fmt"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var tautologicalOr = lint.Rule{
	Code: "RD504", ID: "tautological-or", Severity: diag.Error, For: lint.Apache, Fix: diag.Risky, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "exceptions joined with [OR]",
		Text: "\"Not A or not B\" is true for everything when nothing is both A and B: each of the exceptions is covered by the other condition. " +
			"Exceptions stand one below the other, without `[OR]`.",
		Examples: []lint.Example{{Server: ir.Apache,
			Before: "RewriteEngine On\nRewriteCond %{REQUEST_URI} !^/a [OR]\nRewriteCond %{REQUEST_URI} !^/b\nRewriteRule ^ /c [R=302,L]\n",
			After:  "RewriteEngine On\nRewriteCond %{REQUEST_URI} !^/a\nRewriteCond %{REQUEST_URI} !^/b\nRewriteRule ^ /c [R=302,L]\n"}},
		Source: "httpd mod_rewrite.c, apply_rewrite_rule",
	},
	Program: checkTautologies,
}

func checkTautologies(p *lint.Pass, g *ir.Program) {
	r := newReasoner(g.Server)
	eachScope(g, func(s *ir.Scope) {
		for _, item := range s.Items {
			if rule, ok := item.(*ir.Rule); ok && len(rule.Conditions) > 1 && len(rule.Conditions) <= maxConditions && !rule.Disabled {
				for _, group := range rule.CNF() {
					if len(group) > 1 && !group[len(group)-1].Or {
						tautologyAt(p, r, rule, group)
					}
				}
			}
		}
	})
}

// tautologyAt looks for the first two conditions of a group, on one test string, of which one is always true.
func tautologyAt(p *lint.Pass, r *reasoner, rule *ir.Rule, group []*ir.Condition) {
	byTest := map[string][]*ir.Condition{}
	for _, c := range group {
		if c.Test != nil && !constantOf(c.Test) && c.File != nil {
			byTest[c.Test.Text] = append(byTest[c.Test.Text], c)
		}
	}
	for _, c := range group { // in the order of the file
		list := byTest[keyOf(c)]
		if len(list) < 2 || list[0] != c || !someNegated(list) {
			continue
		}
		if r.values.Space.Exhausted() {
			r.renew()
		}
		s := r.values.Space
		values := r.of(c.Test)
		union := s.Empty()
		for i, member := range list {
			l, ok := r.values.Holds(member)
			if !ok {
				continue
			}
			if compare(s, values.sure, l) != sometimes {
				continue // one that is constant by itself is another rule's
			}
			union = s.Or(union, l)
			if i == 0 {
				continue
			}
			if _, some, known := s.Overlap(values.sure, s.Not(union)); known && !some {
				reportTautology(p, r, rule, list[:i+1], group)
				return
			}
		}
	}
}

func keyOf(c *ir.Condition) string {
	if c.Test == nil {
		return ""
	}
	return c.Test.Text
}

func someNegated(list []*ir.Condition) bool {
	for _, c := range list {
		if c.Negated {
			return true
		}
	}
	return false
}

func reportTautology(p *lint.Pass, r *reasoner, rule *ir.Rule, list, group []*ir.Condition) {
	first, last := list[0], list[len(list)-1]
	p.File = last.File
	d := diag.Diagnostic{Span: conditionSpan(last), Related: []diag.Related{{File: first.File, Span: conditionSpan(first), Message: "joined with this one"}}}
	allNegated := true
	for _, c := range list {
		allNegated = allNegated && c.Negated
	}
	if !allNegated {
		d.Message = fmt.Sprintf("%s is always %s or %s, so these conditions are true for every request", quote(last.Test.Text), wanted(first), wanted(last))
		r.w.void(p, &d, rule, "", "")
		if !r.w.unshown(&d) {
			p.Add(d)
		}
		return
	}
	// An exception that was meant and is not made: a value of the first pattern.
	s := r.values.Space
	example, exempt := "", ""
	if l, ok := r.values.Holds(first); ok {
		if w, some, known := s.Overlap(s.Not(l), r.of(first.Test).usual); some && known {
			exempt = w
			example = fmt.Sprintf(", %s included", quote(visibleText(w)))
		}
	}
	d.Message = fmt.Sprintf("%s or %s is true for every %s%s: [OR] makes both exceptions void", wanted(first), wanted(last), quote(last.Test.Text), example)
	r.w.void(p, &d, rule, variable(first.Test), exempt)
	if r.w.unshown(&d) {
		return
	}
	d.Help = "take [OR] out: exceptions must all hold"
	// Without [OR] the conditions are joined by "and"; the last one of the group has none.
	if len(list) == len(group) {
		fix := diag.Fix{Title: "take `OR` out", Safety: diag.Risky}
		for _, c := range group[:len(group)-1] {
			f, ok := withoutFlag(p, directiveAt(p, c.Origin), "OR")
			if !ok || c.File != last.File {
				fix.Edits = nil
				break
			}
			fix.Edits = append(fix.Edits, f.Edits...)
		}
		if len(fix.Edits) > 0 {
			d.Fixes = []diag.Fix{fix}
		}
	}
	p.Add(d)
}
