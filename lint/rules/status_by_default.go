package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var statusByDefault = lint.Rule{
	Code: "RD302", ID: "status-by-default", Severity: diag.Info, For: lint.Both, Fix: diag.Safe, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "no status is written, so 302 is sent",
		Text: "`R` without a number, `Redirect /a /b`, an absolute address without `R`, `return https://…` and `rewrite … https://…` without a flag " +
			"all send 302: temporary, and POST may become GET. Whether that is meant cannot be seen.",
		Silence: "When 302 is meant, write it: the answer stays the same.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^a$ https://x.example/b\n", After: "RewriteEngine On\nRewriteRule ^a$ https://x.example/b [R=302,L]\n"},
			{Server: ir.Apache, Before: "Redirect /a https://x.example/b\n", After: "Redirect 302 /a https://x.example/b\n"},
			{Server: ir.Nginx, Before: "return https://x.example/b;\n", After: "return 302 https://x.example/b;\n"},
		},
		Source: "httpd manual, mod_alias: Redirect; mod_rewrite: R|redirect; nginx ngx_http_rewrite_return",
	},
	Program: func(p *lint.Pass, _ *ir.Program) {
		for _, r := range redirectsOf(p.Unit) {
			if r.written || r.status != 302 || contradicted(r) {
				continue
			}
			implicit := r.rule.Action == ir.ActionRewrite
			if implicit && (namesItself(p, r) || strings.HasSuffix(r.rule.Target.Text, "]")) {
				continue // an inner rewrite; flags that lack a blank are a finding of their own
			}
			if r.rule.Keyword == ir.NginxRewrite && len(r.rule.Flags) > 0 {
				continue // the flag says something else: flag-replaced-by-302
			}
			message := "no status is written, so this is a 302: temporary, and POST may become GET. Say which one you mean"
			if implicit {
				message = "an absolute address is redirected to, and no status is written, so this is a 302: temporary, and POST may become GET. Say which one you mean"
			}
			d := diag.Diagnostic{File: r.at.File, Span: r.statusPlace(p), Message: message, Help: "301 and 308 are for good, 302 and 307 for now; 307 and 308 keep the method"}
			safety := diag.Safe
			if implicit {
				safety = diag.Risky // with R httpd leaves an address of its own alone no more
			}
			for _, status := range []int{302, 301, 307, 308} {
				if fix, ok := r.respell(p, status, safety); ok {
					d.Fixes = append(d.Fixes, fix)
				}
				safety = diag.Shown
			}
			p.Add(d)
		}
	},
}

// namesItself tells whether a RewriteRule without R leads to the server itself, which httpd takes for an inner rewrite.
// Source: httpd mod_rewrite.c, reduce_uri.
func namesItself(p *lint.Pass, r *redirect) bool {
	text := r.rule.Target.Prefix()
	_, rest, _ := strings.Cut(text, "://")
	if rest == "" {
		return len(r.rule.Target.Parts) > 1 && ownName(r.rule.Target.Parts[1]) && strings.HasPrefix(strings.ToLower(text), "http://")
	}
	host, ok := targetHost(r.rule)
	return ok && p.Unit.ServesHost(host) != 0
}

// ownName tells whether a reference is the name of the server, as the request or the configuration says it.
func ownName(p ir.Part) bool {
	switch p.Name {
	case "HTTP_HOST", "SERVER_NAME", "host", "http_host", "server_name":
		return p.Kind == ir.Variable
	}
	return false
}
