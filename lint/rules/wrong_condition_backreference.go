package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var wrongConditionBackreference = lint.Rule{
	Code: "RD619", ID: "wrong-condition-backreference", Severity: diag.Error, For: lint.Apache, Fix: diag.Risky, Beside: true, Since: "0.1",
	YieldsTo: []string{"RD025"},
	Doc: lint.Doc{
		Title: "%1 is not the group that was meant",
		Text: "`%1` is a group of the last condition that matched a regular expression. A later condition without that group makes it empty, and so " +
			"does a negated condition, which has no groups, or an `[OR]` partner without one. Tests of files in between do no harm.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteCond %{QUERY_STRING} ^id=(\\d+)$\nRewriteCond %{HTTP_HOST} shop\nRewriteRule ^b$ /c/%1? [R=301,L]\n",
				After: "RewriteEngine On\nRewriteCond %{HTTP_HOST} shop\nRewriteCond %{QUERY_STRING} ^id=(\\d+)$\nRewriteRule ^b$ /c/%1? [R=301,L]\n"},
		},
		Source: "httpd mod_rewrite.c, apply_rewrite_cond and apply_rewrite_rule",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		var w witnesses
		eachRule(p, g, func(_ *ir.Scope, r *ir.Rule) { checkConditionReferences(p, &w, r) })
	},
}

func checkConditionReferences(p *lint.Pass, w *witnesses, r *ir.Rule) {
	if r.Keyword != ir.RewriteRule || r.Target == nil || r.Disabled || len(r.Conditions) == 0 || !strings.Contains(r.Target.Text, "%") {
		return
	}
	escapes := percentEscapes(r)
	var seen [10]bool
	for i := range r.Target.Parts {
		part := &r.Target.Parts[i]
		if part.Kind != ir.CondRef || part.N == 0 || part.N > 9 || seen[part.N] {
			continue
		}
		seen[part.N] = true
		for k := range escapes {
			if escapes[k].ref && escapes[k].at.Start == part.Span.Start {
				return // meant for an encoded character
			}
		}
		if c, why := emptyGroup(r, part.N); c != nil {
			reportEmptyGroup(p, w, r, part, c, why)
		}
	}
}

// emptyGroup finds the condition that leaves group n empty whenever the rule applies, or for one way of applying it;
// why is the middle of the message. Nil when the group has a value, or it cannot be told.
func emptyGroup(r *ir.Rule, n int) (by *ir.Condition, why string) {
	has := func(c *ir.Condition) bool {
		return c.Kind == ir.CondRegex && c.Pattern != nil && c.Pattern.Re != nil && c.Pattern.Re.Groups() >= n
	}
	captures := false
	for _, c := range r.Conditions {
		if c.Kind == ir.CondExpr || c.Kind == ir.CondRegex && (c.Pattern == nil || c.Pattern.Re == nil) {
			return nil, ""
		}
		captures = captures || has(c)
	}
	if !captures {
		// No condition has such a group at all.
		if last := lastRegex(r); last != nil {
			return last, "has " + groupCount(last)
		}
		return nil, ""
	}
	groups := r.CNF()
	for i := len(groups) - 1; i >= 0; i-- {
		list := groups[i]
		if list[len(list)-1].Or {
			return nil, "" // always true, and which member matched is open
		}
		var with, without *ir.Condition
		for _, c := range list {
			switch {
			case c.Kind != ir.CondRegex:
				if len(list) > 1 {
					return nil, "" // when it holds, groups of earlier conditions stay
				}
			case c.Negated:
				if has(c) && len(list) == 1 && lastPositive(groups[:i], n) == nil {
					return c, "is negated and has no groups"
				}
				if len(list) > 1 {
					return nil, ""
				}
			case has(c):
				with = c
			default:
				without = c
			}
		}
		switch {
		case with == nil && without == nil:
			continue
		case without == nil:
			return nil, ""
		case with == nil:
			return without, "has " + groupCount(without)
		case len(list) > 1:
			return without, "has " + groupCount(without) + ", and it is enough when it holds"
		}
	}
	return nil, ""
}

// lastPositive is the last condition of some groups of them that has group n and is not negated.
func lastPositive(groups [][]*ir.Condition, n int) *ir.Condition {
	for i := len(groups) - 1; i >= 0; i-- {
		for k := len(groups[i]) - 1; k >= 0; k-- {
			if c := groups[i][k]; c.Kind == ir.CondRegex && !c.Negated {
				return c
			}
		}
	}
	return nil
}

func lastRegex(r *ir.Rule) *ir.Condition {
	for i := len(r.Conditions) - 1; i >= 0; i-- {
		if c := r.Conditions[i]; c.Kind == ir.CondRegex && !c.Negated {
			return c
		}
	}
	return nil
}

func groupCount(c *ir.Condition) string {
	switch n := c.Pattern.Re.Groups(); n {
	case 0:
		return "no group"
	case 1:
		return "only one group"
	default:
		return fmt.Sprintf("only %d groups", n)
	}
}

func reportEmptyGroup(p *lint.Pass, w *witnesses, r *ir.Rule, part *ir.Part, c *ir.Condition, why string) {
	to := clip(strings.ReplaceAll(r.Target.Text, part.Text, ""), 80)
	so := "the target becomes " + quote(to)
	if sendsElsewhere(r) {
		so = "visitors go to " + quote(to)
	}
	d := diag.Diagnostic{Span: part.Span, Message: quote(part.Text) + " is taken from the condition on " + quote(clip(c.Test.Text, 40)) + ", which " + why + ", so " + so}
	if c.Negated {
		d.Message = quote(part.Text) + " is empty: the condition on " + quote(clip(c.Test.Text, 40)) + " " + why + ", so " + so
	}
	d.Related = []diag.Related{{File: c.File, Span: c.Span, Message: "this condition " + why}}
	if source := capturing(r, part.N); source != nil && source != c {
		d.Help = "move the condition on " + quote(clip(source.Test.Text, 40)) + " behind it"
		d.Fixes = lastFix(r, source, c)
	}
	w.attach(p, &d, r, nil)
	p.Add(d)
}

// capturing is the last condition with group n that is not negated.
func capturing(r *ir.Rule, n int) *ir.Condition {
	for i := len(r.Conditions) - 1; i >= 0; i-- {
		if c := r.Conditions[i]; c.Kind == ir.CondRegex && !c.Negated && c.Pattern.Re != nil && c.Pattern.Re.Groups() >= n {
			return c
		}
	}
	return nil
}

// lastFix swaps two conditions that stand in the same file and are both ANDed with the rest.
func lastFix(r *ir.Rule, a, b *ir.Condition) []diag.Fix {
	for i, c := range r.Conditions {
		if (c == a || c == b) && (c.Or || i > 0 && r.Conditions[i-1].Or) || c.File != a.File {
			return nil
		}
		for _, part := range templateParts(c.Test) {
			if part.Kind == ir.CondRef {
				return nil // its value hangs on the order
			}
		}
	}
	if a.Span.Start > b.Span.Start {
		return nil
	}
	first, second := a.File.Slice(a.Span), a.File.Slice(b.Span)
	edits := append(write(diag.Risky, a.Span, second).Edits, write(diag.Risky, b.Span, first).Edits...)
	return []diag.Fix{{Title: "let the condition with the group stand last", Safety: diag.Risky, Edits: edits}}
}
