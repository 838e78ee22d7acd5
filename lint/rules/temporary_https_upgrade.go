package rules

import (
	"fmt"

	"rewright/lint"
	"rewright/lint/intent"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var temporaryHTTPSUpgrade = lint.Rule{
	Code: "RD402", ID: "temporary-https-upgrade", Severity: diag.Warning, For: lint.Both, Fix: diag.Risky, Since: "0.2",
	Doc: lint.Doc{
		Title: "http goes to https with a temporary redirect",
		Text: "With 302 search engines keep the http addresses, and browsers make the unencrypted detour on every visit. RFC 6797 asks for a permanent " +
			"redirect, such as 301. The 307 in the network tab of a browser is HSTS, made by the browser itself, and no reason to send 307. HSTS " +
			"alone moves nobody: browsers heed it over https only, so where http is answered without a redirect the first visit stays unencrypted.",
		Silence: "While https is on trial: `# lint:intent temporary`.",
		Examples: []lint.Example{
			{Server: ir.Apache, Context: ir.ContextServer, Before: "<VirtualHost *:80>\nServerName example.com\nRedirect / https://example.com/\n</VirtualHost>\n",
				After: "<VirtualHost *:80>\nServerName example.com\nRedirect 301 / https://example.com/\n</VirtualHost>\n"},
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteCond %{HTTPS} off\nRewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R,L]\n",
				After: "RewriteEngine On\nRewriteCond %{HTTPS} off\nRewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R=301,L]\n"},
			{Server: ir.Nginx, Context: ir.ContextHTTP, Before: "server { listen 80; server_name example.com; return 302 https://example.com$request_uri; }\n",
				After: "server { listen 80; server_name example.com; return 301 https://example.com$request_uri; }\n"},
		},
		Source: "RFC 6797 §7.2; Google Search Central, Site moves with URL changes",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		httpBesideHSTS(p, g)
		for _, r := range redirectsOf(p.Unit) {
			if permanent(r.status) || contradicted(r) || !toHTTPS(r) || volatileAny(r) || r.stated(p.Unit, lint.IntentTemporary) {
				continue
			}
			if against, _ := weigh(r.signs(p.Unit), forTemporary); against > 0 {
				continue
			}
			m, ok := moveOf(p, r)
			if !ok || m.kind != moveToHTTPS {
				continue
			}
			code := 301
			from, to := r.paths()
			if _, api := intent.MethodIn(append(append([]string(nil), from...), to...)); api || r.status == 307 {
				code = 308
			}
			d := diag.Diagnostic{File: r.at.File, Span: r.statusPlace(p), Witness: m.witness, Help: "send " + named(code),
				Message: fmt.Sprintf("http goes to https with %s, %s to %s: search engines keep the http address and every visit begins unencrypted. Use %d", sent(r), quote(clip(m.from, 80)), quote(clip(m.to, 80)), code)}
			if fix, ok := r.respell(p, code, diag.Risky); ok {
				d.Fixes = []diag.Fix{fix}
			}
			p.Add(d)
		}
	},
}

// toHTTPS tells whether a target is written with https.
func toHTTPS(r *redirect) bool {
	text := r.rule.Target.Prefix()
	return len(text) >= 8 && equalASCII(text[:8], "https://")
}

// equalASCII compares without regard to case.
func equalASCII(a, b string) bool {
	for i := 0; i < len(a) && i < len(b); i++ {
		if a[i]|0x20 != b[i]|0x20 {
			return false
		}
	}
	return len(a) == len(b)
}
