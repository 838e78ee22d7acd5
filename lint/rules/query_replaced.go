package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var queryReplaced = lint.Rule{
	Code: "RD606", ID: "query-replaced", Severity: diag.Info, Off: true, For: lint.Apache, Fix: diag.Risky, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a target with a query drops the visitor's own",
		Text: "A RewriteRule whose target has a query replaces the query of the request: what a campaign or a search added to the address " +
			"is lost. QSA sends both. Most of the time the query is replaced on purpose, so this rule has to be selected.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^a$ /b?x=1 [R=301,L]\n", After: "RewriteEngine On\nRewriteRule ^a$ /b?x=1 [R=301,L,QSA]\n"},
		},
		Source: "httpd manual, \"RewriteRule Flags\": QSA",
	},
	Rule: func(p *lint.Pass, r *ir.Rule) {
		if r.Keyword != ir.RewriteRule || !sendsElsewhere(r) || r.Query.Append || r.Query.Discard || r.Query.None {
			return
		}
		list, _ := zones(r.Target)
		var query *piece
		for i := range list {
			x := &list[i]
			if !x.literal() && (x.part.Kind == ir.CondRef || strings.HasPrefix(x.part.Name, "QUERY_STRING") || x.part.Name == "THE_REQUEST") {
				return // the query of the request is made use of
			}
			if x.zone == zoneQuery && x.literal() && query == nil && strings.Contains(x.text, "=") {
				query = x
			}
		}
		if query == nil {
			return
		}
		d := diag.Diagnostic{Span: query.span(0, len(query.text)),
			Message: quote(clip(query.text, 60)) + " takes the place of the visitor's own query, such as `?utm_source=mail`"}
		if edits, ok := addFlag(p, r, "QSA"); ok {
			d.Fixes = []diag.Fix{{Title: "add QSA", Safety: diag.Risky, Edits: edits}}
		}
		p.Add(d)
	},
}
