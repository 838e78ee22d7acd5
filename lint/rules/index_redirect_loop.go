package rules

import (
	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
)

var indexRedirectLoop = lint.Rule{
	Code: "RD210", ID: "index-redirect-loop", Severity: diag.Error, For: lint.Apache, Fix: diag.Risky, Since: "0.1",
	Doc: lint.Doc{
		Title: "the index of a folder is redirected to the folder",
		Text: "A folder is served through its index file: mod_dir asks for `/index.html` inside the server, and mod_alias redirects that request, too. " +
			"`/` goes to `/` without end. RewriteRules with `R` are skipped in such look-ups, but not in the next round behind a front " +
			"controller: with `RewriteRule . /index.php` below it, `RewriteRule ^index\\.php$ / [R]` sends every page to the home page.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "Redirect 301 /index.html /\n",
				After: "RewriteEngine On\nRewriteCond %{THE_REQUEST} \\s/+index\\.html[?\\s]\nRewriteRule ^index\\.html$ / [R=301,L]\n"},
		},
		Source: "httpd mod_dir.c, fixup_dir; mod_alias.c, fixup_redir; mod_rewrite.c, apply_rewrite_list",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		reportLoops(p, indexLoop, func(l *loop) diag.Diagnostic {
			asked := l.chain.Hops[0].Probe.Request.Target
			if l.chain.End == probe.EndCycle {
				return diag.Diagnostic{Message: asked + " is served through its index, which this line sends back to " + asked + ": endless redirects",
					Help: "redirect only what the client asked for itself: RewriteCond %{THE_REQUEST} \\s/+index\\.html[?\\s]", Fixes: againstIndex(p, l)}
			}
			return diag.Diagnostic{Message: "the front controller answers every page through its index, which this line redirects: " + asked + " goes to " + *l.chain.Hops[0].Outcome.Location,
				Help: "redirect only what the client asked for itself: RewriteCond %{THE_REQUEST} \\s/+index\\.php[?\\s]", Fixes: againstIndex(p, l)}
		})
	},
}
