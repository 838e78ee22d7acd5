package rules

import (
	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var queryConditionLoop = lint.Rule{
	Code: "RD212", ID: "query-condition-loop", Severity: diag.Error, For: lint.Apache, Fix: diag.Risky, Since: "0.1",
	Doc: lint.Doc{
		Title: "the query that is to go away is carried along",
		Text: "A condition on `%{QUERY_STRING}` selects the request, and the target says nothing of a query: httpd hands the old one on, so the condition holds for " +
			"the new URL, too, and the redirects never end. A `?` at the end of the target, or `QSD`, drops it.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteCond %{QUERY_STRING} ^p=1$\nRewriteRule ^$ / [R=301,L]\n",
				After: "RewriteEngine On\nRewriteCond %{QUERY_STRING} ^p=1$\nRewriteRule ^$ /? [R=301,L]\n"},
		},
		Source: "httpd mod_rewrite manual, RewriteRule, \"Modifying the Query String\"",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		reportLoops(p, queryLoop, func(l *loop) diag.Diagnostic {
			d := diag.Diagnostic{Message: route(&l.chain) + ": the query is kept, so the condition is true again"}
			if at := inner(l.rule.TargetSpan, raw(p, l.rule.TargetSpan)); at.Len() > 0 {
				d.Fixes = []diag.Fix{{Title: "end the target with `?`", Safety: diag.Risky, Edits: source.Insert(at.End, "?")}}
			}
			return d
		})
	},
}
