package rules

import (
	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var invalidRegex = lint.Rule{
	Code: "RD514", ID: "invalid-regex", Severity: diag.Error, For: lint.Both, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "the pattern is no regular expression",
		Text: "Both servers compile patterns with PCRE when they read them and refuse the file when that fails. A star at the " +
			"beginning, as in file name patterns, is the usual slip.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteCond %{HTTP_ACCEPT} */*\nRewriteRule ^a$ /b [R,L]\n",
				After: "RewriteEngine On\nRewriteCond %{HTTP_ACCEPT} \\*/\\*\nRewriteRule ^a$ /b [R,L]\n"},
			{Server: ir.Nginx, Before: "location ~ ^/(a {\n    return 404;\n}\n", After: "location ~ ^/(a) {\n    return 404;\n}\n"},
		},
		Source: "pcre2pattern(3)",
	},
	Explain: withRefusal,
}
