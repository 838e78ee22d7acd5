package rules

import (
	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var growingRedirect = lint.Rule{
	Code: "RD204", ID: "growing-redirect", Severity: diag.Error, For: lint.Both, Fix: diag.Risky, Since: "0.1",
	Doc: lint.Doc{
		Title: "a redirect whose target grows with every hop",
		Text: "The target lies inside of what the rule takes, and the rest of the path is put behind it: `Redirect /blog /blog/new` sends `/blog/new` to " +
			"`/blog/new/new`, and so on. Browsers stop with ERR_TOO_MANY_REDIRECTS.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "Redirect 301 /blog /blog/new\n", After: "RedirectMatch 301 ^/blog/?$ /blog/new\n"},
			{Server: ir.Nginx, Before: "location /old { rewrite ^/old(.*)$ /old/new$1 permanent; }\n", After: "location = /old { return 301 /old/new; }\n"},
		},
		Source: "httpd mod_alias manual, Redirect",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		reportLoops(p, growing, func(l *loop) diag.Diagnostic {
			short := l.chain
			short.Hops, short.Next = short.Hops[:3], "…"
			return diag.Diagnostic{Message: "every hop makes the URL longer: " + route(&short),
				Help: "let the pattern take the old address alone", Fixes: againstGrowth(p, l)}
		})
	},
}
