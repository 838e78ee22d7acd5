package rules

import (
	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var hostCanonicalFight = lint.Rule{
	Code: "RD213", ID: "host-canonical-fight", Severity: diag.Error, For: lint.Both, Since: "0.1",
	Doc: lint.Doc{
		Title: "two places do not agree on the host or the scheme",
		Text: "One place sends www.example.com to example.com and another one sends it back, or one goes from http to https and another one from https to http. " +
			"No page of the site can be seen. Which of the two is right only a person can say.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteCond %{HTTP_HOST} ^www\\.example\\.com$ [NC]\nRewriteRule ^ http://example.com%{REQUEST_URI} [R=301,L]\n" +
				"RewriteCond %{HTTP_HOST} ^example\\.com$ [NC]\nRewriteRule ^ http://www.example.com%{REQUEST_URI} [R=301,L]\n",
				After: "RewriteEngine On\nRewriteCond %{HTTP_HOST} ^www\\.example\\.com$ [NC]\nRewriteRule ^ http://example.com%{REQUEST_URI} [R=301,L]\n"},
			{Server: ir.Nginx, Context: ir.ContextHTTP, Before: "server { server_name www.example.com; return 301 http://example.com$request_uri; }\n" +
				"server { server_name example.com; return 301 http://www.example.com$request_uri; }\n",
				After: "server { server_name www.example.com; return 301 http://example.com$request_uri; }\nserver { server_name example.com; root /srv/www; }\n"},
		},
		Source: "RFC 9110 §15.4",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		reportLoops(p, canonicalWar, func(l *loop) diag.Diagnostic {
			return diag.Diagnostic{Message: route(&l.chain) + ": the rules do not agree on scheme and host", Help: "decide for one of them"}
		})
	},
}
