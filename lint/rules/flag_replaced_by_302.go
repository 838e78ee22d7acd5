package rules

import (
	"fmt"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var flagReplacedBy302 = lint.Rule{
	Code: "RD313", ID: "flag-replaced-by-302", Severity: diag.Warning, For: lint.Nginx, Fix: diag.Safe, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "`last` or `break` behind an absolute address",
		Text: "When the replacement of `rewrite` begins with `http://`, `https://` or `$scheme`, nginx redirects with 302 at once, whatever the flag. " +
			"`permanent` sends 301; `redirect` says what is sent now.",
		Examples: []lint.Example{
			{Server: ir.Nginx, Before: "rewrite ^/a$ https://x.example/b last;\n", After: "rewrite ^/a$ https://x.example/b permanent;\n"},
		},
		Source: "nginx ngx_http_rewrite_module.c, ngx_http_rewrite",
	},
	Program: func(p *lint.Pass, _ *ir.Program) {
		for _, r := range redirectsOf(p.Unit) {
			if r.rule.Keyword != ir.NginxRewrite || !r.rule.ImplicitRedirect || len(r.rule.Flags) == 0 {
				continue
			}
			f := r.rule.Flags[0]
			if f.Name != "last" && f.Name != "break" {
				continue
			}
			p.Add(diag.Diagnostic{File: r.at.File, Span: f.Span,
				Message: fmt.Sprintf("the address is absolute, so nginx redirects with 302 and %s counts for nothing", quote(f.Name)),
				Help:    "write `redirect` for 302, `permanent` for 301",
				Fixes:   []diag.Fix{write(diag.Safe, f.Span, "redirect"), write(diag.Shown, f.Span, "permanent")}})
		}
	},
}
