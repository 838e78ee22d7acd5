package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var httpHeaderVariable = lint.Rule{
	Code: "RD012", ID: "http-header-variable", Severity: diag.Error, For: lint.Apache, Fix: diag.Risky, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "mod_rewrite has no such HTTP_ variable",
		Text: "Of the CGI names only `HTTP_ACCEPT`, `HTTP_COOKIE`, `HTTP_FORWARDED`, `HTTP_HOST`, `HTTP_PROXY_CONNECTION`, " +
			"`HTTP_REFERER` and `HTTP_USER_AGENT` exist; every other `%{HTTP_…}` is empty, whatever the client sends. Behind a " +
			"TLS proxy, `RewriteCond %{HTTP_X_FORWARDED_PROTO} !https` holds for every request, and the redirect to https never ends. " +
			"A header is written `%{HTTP:X-Forwarded-Proto}`.",
		Examples: []lint.Example{{Server: ir.Apache,
			Before: "RewriteEngine On\nRewriteCond %{HTTP_X_FORWARDED_PROTO} !https\nRewriteRule ^ https://www.example.com%{REQUEST_URI} [R=301,L]\n",
			After:  "RewriteEngine On\nRewriteCond %{HTTP:X-Forwarded-Proto} !https\nRewriteRule ^ https://www.example.com%{REQUEST_URI} [R=301,L]\n"}},
		Source: "httpd mod_rewrite.c, lookup_variable",
	},
	Directive: func(p *lint.Pass, d *lint.Directive) {
		if d.Server != ir.Apache {
			return
		}
		for _, w := range rewriteExpanded(d) {
			for _, u := range variableUses(p, w) {
				name := strings.ToUpper(u.name)
				header := headerVariable(name)
				if header == "" || rewriteVariableSet[name] {
					continue
				}
				right := "HTTP:" + header
				inner := source.Span{Start: u.span.Start + 2, End: u.span.End - 1}
				message := "mod_rewrite has no " + quote(u.name) + "; " + emptiness(p, d, u) + ". A header is written " + quote("%{"+right+"}")
				if near := lint.Nearest(name, rewriteVariables); len(near) == 1 && !knownHeaders[strings.ToLower(header)] {
					message = "mod_rewrite has no " + quote(u.name) + "; " + emptiness(p, d, u) + ". Did you mean " + quote("%{"+near[0]+"}") + "?"
					right = near[0]
				}
				p.Report(u.span, message, write(diag.Risky, inner, right))
			}
		}
	},
}

// knownHeaders are request headers whose names are not taken for misspelt variables.
var knownHeaders = map[string]bool{"accept-language": true, "accept-encoding": true, "accept-charset": true, "origin": true,
	"range": true, "authorization": true, "connection": true, "x-forwarded-proto": true, "x-forwarded-for": true,
	"x-forwarded-host": true, "x-forwarded-ssl": true, "dnt": true, "cf-visitor": true, "profile": true, "te": true, "via": true}

// headerVariable turns a CGI name of a header into the header: HTTP_X_FORWARDED_PROTO is X-Forwarded-Proto.
func headerVariable(name string) string {
	rest, ok := strings.CutPrefix(strings.ToUpper(name), "HTTP_")
	if !ok || rest == "" {
		return ""
	}
	words := strings.Split(strings.ToLower(rest), "_")
	for i, w := range words {
		if w == "" {
			return ""
		}
		for _, c := range []byte(w) {
			if !('a' <= c && c <= 'z' || '0' <= c && c <= '9') {
				return ""
			}
		}
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, "-")
}
