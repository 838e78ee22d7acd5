package rules

import (
	"fmt"

	"rewright/lint"
	"rewright/lint/intent"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var formSentAgain = lint.Rule{
	Code: "RD303", ID: "form-sent-again", Severity: diag.Warning, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "307 or 308 to the page behind a form",
		Text: "307 and 308 have the browser send the form again, with its body, to the page that says thank you. 303 has it fetch that page with GET, " +
			"and reloading it does not send the form a second time.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteCond %{REQUEST_METHOD} =POST\nRewriteRule ^form$ /thanks [R=307,L]\n",
				After: "RewriteEngine On\nRewriteCond %{REQUEST_METHOD} =POST\nRewriteRule ^form$ /thanks [R=303,L]\n"},
			{Server: ir.Nginx, Before: "if ($request_method = POST) { return 307 /thanks; }\n", After: "if ($request_method = POST) { return 303 /thanks; }\n"},
		},
		Source: "RFC 9110 §15.4.4",
	},
	Program: func(p *lint.Pass, _ *ir.Program) {
		asked := 0
		for _, r := range redirectsOf(p.Unit) {
			if !keepsMethod(r.status) || contradicted(r) || r.stated(p.Unit, lint.IntentKeepMethod) {
				continue
			}
			_, to := r.paths()
			page, ok := intent.ResultIn(to)
			if !ok {
				continue
			}
			for _, c := range r.conditions() {
				sends, gets, about := methodsOf(c)
				if !about || sends != "POST" || gets {
					continue
				}
				if asked++; asked > maxMoves {
					return
				}
				w, ok := postWitness(p, r)
				if !ok {
					break
				}
				d := diag.Diagnostic{File: r.at.File, Span: r.statusPlace(p), Witness: w.witness,
					Message: fmt.Sprintf("%d sends the form again, to %s; 303 makes the browser fetch %s with GET", r.status, quote(clip(w.location, 60)), quote(page)),
					Help:    "send 303"}
				if fix, ok := r.respell(p, 303, diag.Risky); ok {
					d.Fixes = []diag.Fix{fix}
				}
				p.Add(d)
				break
			}
		}
	},
}
