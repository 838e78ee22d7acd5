package rules

import (
	"fmt"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var permanentOnVolatileCondition = lint.Rule{
	Code: "RD315", ID: "permanent-on-volatile-condition", Severity: diag.Warning, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "a permanent redirect that depends on who asks",
		Text: "Browsers and proxies keep a 301 for the URL, for everybody behind the same cache and for this visitor for good. When it depends on the " +
			"language, the browser, a cookie, the referrer or the address of the client, the first one who asks decides. httpd sends no " +
			"`Vary` with a redirect.",
		Silence: "When the condition only lets some through (robots, health checks) and everyone else is sent to the same address.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteCond %{HTTP_USER_AGENT} Mobi\nRewriteRule ^$ https://m.example.com/ [R=301,L]\n",
				After: "RewriteEngine On\nRewriteCond %{HTTP_USER_AGENT} Mobi\nRewriteRule ^$ https://m.example.com/ [R=302,L]\n"},
			{Server: ir.Nginx, Before: "if ($http_accept_language ~ ^de) { return 301 /de/; }\n", After: "if ($http_accept_language ~ ^de) { return 302 /de/; }\n"},
		},
		Source: "RFC 9111 §4.1, §4.2.2; httpd mod_rewrite.c (Vary is added to internal rewrites only)",
	},
	Program: func(p *lint.Pass, _ *ir.Program) {
		for _, r := range redirectsOf(p.Unit) {
			if !permanent(r.status) || contradicted(r) || r.stated(p.Unit, lint.IntentPermanent) {
				continue
			}
			c, name := volatile(r)
			if c == nil || fetched(r) || varies(p.Unit, r) {
				continue
			}
			code := twin(r.status)
			d := diag.Diagnostic{File: r.at.File, Span: r.statusPlace(p),
				Message: fmt.Sprintf("this %d depends on %s but is cached for the URL: whoever asks first decides for the cache, and browsers keep their answer for good", r.status, name),
				Help:    fmt.Sprintf("send %s", named(code)),
				Related: []diag.Related{{File: c.File, Span: c.Span, Message: "it depends on " + name + " here"}}}
			if fix, ok := r.respell(p, code, diag.Risky); ok {
				d.Fixes = []diag.Fix{fix}
			}
			p.Add(d)
		}
	},
}
