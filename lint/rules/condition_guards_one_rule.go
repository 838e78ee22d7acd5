package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/probe"
	"rewright/parser/source"
)

var conditionGuardsOneRule = lint.Rule{
	Code: "RD105", ID: "condition-guards-one-rule", Severity: diag.Warning, For: lint.Apache, Fix: diag.Risky, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "conditions that were meant for two rules and guard one",
		Text: "RewriteCond lines belong to the next RewriteRule and to no other. A second rule on the line below is without conditions: it " +
			"answers every visitor, and the block that repeats its pattern under other conditions never gets there.",
		Examples: []lint.Example{{Server: ir.Apache,
			Before: "RewriteEngine On\nRewriteCond %{HTTP_ACCEPT} text/html\nRewriteRule ^v$ /v.html [R=303,L]\nRewriteRule ^v/$ /v.html [R=303,L]\n" +
				"RewriteCond %{HTTP_ACCEPT} text/turtle\nRewriteRule ^v/?$ /v.ttl [R=303,L]\n",
			After: "RewriteEngine On\nRewriteCond %{HTTP_ACCEPT} text/html\nRewriteRule ^v/?$ /v.html [R=303,L]\n" +
				"RewriteCond %{HTTP_ACCEPT} text/turtle\nRewriteRule ^v/?$ /v.ttl [R=303,L]\n"}},
		Source: "httpd manual, RewriteCond; mod_rewrite.c, cmd_rewriterule",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		if g.Server != ir.Apache {
			return
		}
		ev := newAsking()
		eachScope(g, func(s *ir.Scope) { guardedOnce(p, ev, s) })
	},
}

// blockKey is what patterns of one resource have in common: what they begin with, without a final slash.
func blockKey(r *ir.Rule) string {
	if r.Pattern == nil || r.Pattern.Re == nil || r.Negated {
		return ""
	}
	text, _ := r.Pattern.Re.Tree().Prefix()
	return strings.TrimSuffix(text, "/")
}

func guardedOnce(p *lint.Pass, ev *asking, s *ir.Scope) {
	rules := rewriteRules(s)
	var conditional map[string][]int // rules with conditions, by what their patterns begin with
	for i := 1; i < len(rules); i++ {
		a, b := rules[i-1], rules[i]
		if len(a.Conditions) == 0 || len(b.Conditions) > 0 || b.File == nil || a.File != b.File || !ends(b) || a.Chain || a.Negated || b.Negated ||
			b.Line() != a.File.Line(a.Span.End)+1 {
			continue
		}
		key := blockKey(b)
		if key == "" {
			continue
		}
		if conditional == nil {
			conditional = map[string][]int{}
			for j, r := range rules {
				if len(r.Conditions) > 0 {
					if k := blockKey(r); k != "" {
						conditional[k] = append(conditional[k], j)
					}
				}
			}
		}
		tried := 0
		for _, j := range conditional[key] {
			if j <= i || tried >= 8 {
				continue
			}
			tried++
			if c := rules[j]; shareTest(a, c) && ev.open(p) && repeats(p, ev, s, a, b, c) {
				break
			}
		}
	}
}

// shareTest tells whether two rules have conditions on the same thing.
func shareTest(a, c *ir.Rule) bool {
	for _, x := range a.Conditions {
		for _, y := range c.Conditions {
			if x.Test != nil && y.Test != nil && strings.EqualFold(x.Test.Text, y.Test.Text) {
				return true
			}
		}
	}
	return false
}

// repeats reports b when c is the same block as a and b together under other conditions, and b keeps c from answering.
func repeats(p *lint.Pass, ev *asking, s *ir.Scope, a, b, c *ir.Rule) bool {
	sp := pattern.NewSpace(20_000)
	la, ok1 := sp.Subjects(a.Pattern.Re.Tree())
	lb, ok2 := sp.Subjects(b.Pattern.Re.Tree())
	lc, ok3 := sp.Subjects(c.Pattern.Re.Tree())
	if !ok1 || !ok2 || !ok3 {
		return false
	}
	if sub, _, known := sp.Includes(la, lb); sub || !known {
		return false // b is the default behind a
	}
	same, _, known := sp.Includes(sp.Or(la, lb), lc)
	path, meet, known2 := sp.Overlap(lb, lc)
	if !known || !known2 || !same || !meet {
		return false
	}
	for _, q := range ev.site.Requests(c, 3) {
		q.Request.Target = requestPrefix(p, s, c) + path
		if !strings.HasPrefix(q.Request.Target, "/") || strings.ContainsAny(path, "%?# ") {
			return false
		}
		o := ev.site.Ask(q)
		if !o.Known || !probe.HasFired(&o, b) || probe.HasFired(&o, c) {
			continue
		}
		p.File = b.File
		guard := a.Conditions[len(a.Conditions)-1]
		d := diag.Diagnostic{Span: b.Span, Witness: ev.witness(shown{q, o}),
			Message: fmt.Sprintf("%s guards only the rule above; this one is unconditional, so %s never answers %s",
				quote("RewriteCond "+clip(guard.Test.Text, 40)), quote("RewriteRule "+clip(c.Args[0].Text, 40)), quote(clip(q.Request.Target, 60))),
			Related: []diag.Related{{File: guard.File, Span: guard.Span, Message: "guards one rule"},
				{File: c.File, Span: c.Span, Message: "repeats the pattern under other conditions"}},
			Fixes: repeatConditions(a, b)}
		p.Add(d)
		return true
	}
	return false
}

// requestPrefix is what stands before a pattern's subject in the path of a request: the URL of the directory with its
// final slash; in the server's configuration nothing does, and it is empty: the subject begins with a slash itself.
func requestPrefix(p *lint.Pass, s *ir.Scope, r *ir.Rule) string {
	site := p.Site()
	if !belowDirectory(s) || site == nil {
		return ""
	}
	return site.Below(r)
}

// repeatConditions puts the conditions of one rule above another.
func repeatConditions(a, b *ir.Rule) []diag.Fix {
	text := ""
	for _, c := range a.Conditions {
		if c.File != b.File {
			return nil
		}
		text += strings.TrimSpace(c.File.Slice(c.Span)) + newline(b.File, b.Span.Start) + indentation(b.File, b.Span.Start)
	}
	return []diag.Fix{{Title: "repeat the conditions", Safety: diag.Risky, Edits: source.Insert(b.Span.Start, text)}}
}
