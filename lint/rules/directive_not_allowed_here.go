package rules

import (
	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var directiveNotAllowedHere = lint.Rule{
	Code: "RD106", ID: "directive-not-allowed-here", Severity: diag.Error, For: lint.Both, Since: "0.1",
	Doc: lint.Doc{
		Title: "the directive exists, but not in this place",
		Text: "Each directive has its contexts. RewriteMap, Alias, ProxyPass, `<Directory>` and `<VirtualHost>` belong into the server's " +
			"configuration and are refused in a `.htaccess`; RewriteBase belongs into a directory. nginx has no rewrite, return or if " +
			"in `http`, and no location inside `if`.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteMap lc int:tolower\nRewriteEngine On\n", After: "RewriteEngine On\n"},
			{Server: ir.Nginx, Context: ir.ContextHTTP, Before: "return 301 https://x.example;\n", After: "server {\n    return 301 https://x.example;\n}\n"},
		},
		Source: "httpd manual, Context of each directive; nginx manual, Context of each directive",
	},
	Explain: withRefusal,
}
