package rules

import (
	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
)

var selfRedirect = lint.Rule{
	Code: "RD201", ID: "self-redirect", Severity: diag.Error, For: lint.Both, Fix: diag.Risky, Since: "0.1",
	Doc: lint.Doc{
		Title: "a redirect to itself",
		Text: "The answer to a request sends the client to the very URL it asked for. Browsers follow some twenty times and stop with " +
			"ERR_TOO_MANY_REDIRECTS; nobody gets to see the page. A pattern without case that takes its target's own spelling does it, a prefix " +
			"that its target begins with, and a move of the whole site to a host that this configuration answers for itself.\n\n" +
			"Whether a host is the site's own is known from the configuration (server_name, ServerName, conditions on the host), " +
			"from `--host` and from the configuration file. Where nothing is known of it, a redirect of everything to one host is worth an info.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^about$ /about [R=301,NC,L]\n", After: "RewriteEngine On\nRewriteRule ^About$ /about [R=301,L]\n"},
			{Server: ir.Apache, Before: "Redirect 301 / https://example.com/\n",
				After: "RewriteEngine On\nRewriteCond %{HTTPS} off\nRewriteRule ^ https://example.com%{REQUEST_URI} [R=301,L]\n"},
			{Server: ir.Nginx, Context: ir.ContextHTTP, Before: "server { server_name example.com www.example.com; return 301 http://www.example.com$request_uri; }\n",
				After: "server { server_name example.com; return 301 http://www.example.com$request_uri; }\nserver { server_name www.example.com; root /srv/www; }\n"},
		},
		Source: "RFC 9110 §15.4; Fetch standard, HTTP-redirect fetch",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		reportLoops(p, selfLoop, func(l *loop) diag.Diagnostic {
			return diag.Diagnostic{Message: probe.URL(l.chain.Hops[0].Probe.Request) + " redirects to itself; browsers stop with ERR_TOO_MANY_REDIRECTS",
				Help: "leave the target out of what the rule takes, or anchor the pattern", Fixes: againstSelf(p, l)}
		})
		reportLoops(p, loopElsewhere, func(l *loop) diag.Diagnostic {
			return diag.Diagnostic{Message: "loops if this file serves " + l.chain.Hops[0].Probe.Request.Host + ": every URL is sent to itself then",
				Help: "say which hosts it serves with --host; to move plain HTTP to HTTPS add the condition %{HTTPS} off", Fixes: shownOnly(againstSelf(p, l))}
		})
	},
}
