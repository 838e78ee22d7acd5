package rules

import (
	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/source"
)

var internalRewriteLoop = lint.Rule{
	Code: "RD203", ID: "internal-rewrite-loop", Severity: diag.Error, For: lint.Both, Fix: diag.Risky, Since: "0.1",
	Doc: lint.Doc{
		Title: "a rewrite that goes round inside the server",
		Text: "In a .htaccess file and in `<Directory>`, `[L]` ends one pass only: the new path is run through the rules again. When the rule takes its " +
			"own result, httpd gives up after ten internal redirects and answers 500 (AH00124); nginx does the same for `last` after ten " +
			"changes of the URI. Paths that are rewritten to are taken to exist: a front controller whose file is there does not loop.\n\n" +
			"A folder below with a .htaccess of its own takes the place of these rules for what lies in it. Where it is not known " +
			"whether there is one the finding is an info that says so.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^(.*)$ sub-$1 [L]\n", After: "RewriteEngine On\nRewriteRule ^(?!sub-)(.*)$ sub-$1 [L]\n"},
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^(.*)$ /sub/$1 [L]\n",
				After: "RewriteEngine On\nRewriteCond %{REQUEST_URI} !^/sub/\nRewriteRule ^(.*)$ /sub/$1 [L]\n"},
			{Server: ir.Nginx, Before: "location / { rewrite ^/(.*)$ /x/$1 last; }\n", After: "location / { rewrite ^/(.*)$ /x/$1 break; }\n"},
		},
		Source: "httpd mod_rewrite manual, RewriteRule in per-directory context, LimitInternalRecursion; nginx ngx_http_core_module.c, ngx_http_core_post_rewrite_phase",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		reportLoops(p, internalLoop, func(l *loop) diag.Diagnostic {
			d := diag.Diagnostic{Message: "the rule takes its own result: " + p.Server() + " goes round ten times inside and answers 500 to " + probe.URL(l.chain.Hops[0].Probe.Request),
				Help: "end the rewriting with END (nginx: break), or leave out what is rewritten already"}
			name, better := "L", "END"
			if p.Unit.Input.Server == ir.Nginx {
				name, better = "last", "break"
			}
			for i := range l.rule.Flags {
				if f := &l.rule.Flags[i]; f.Name == name {
					d.Fixes = []diag.Fix{{Title: "write `" + better + "`", Safety: diag.Risky, Edits: source.Replace(f.Span, better)}}
				}
			}
			return d
		})
	},
}
