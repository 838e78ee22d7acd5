package rules

import (
	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var leadingSlashInHtaccess = lint.Rule{
	Code: "RD102", ID: "leading-slash-in-htaccess", Severity: diag.Error, For: lint.Apache, Fix: diag.Safe, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a pattern that begins with a slash the path does not have",
		Text: "In a `.htaccess` and in `<Directory>` a RewriteRule sees the path below the directory, without a slash in front: " +
			"`^/old$` matches nothing, and `!^/api` everything. `^/?old$` is right there and in the server's configuration.",
		Examples: []lint.Example{{Server: ir.Apache,
			Before: "RewriteEngine On\nRewriteRule ^/old$ /new [R=301,L]\n",
			After:  "RewriteEngine On\nRewriteRule ^/?old$ /new [R=301,L]\n"}},
		Source: "httpd manual, mod_rewrite: What is matched; mod_rewrite.c, apply_rewrite_rule",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		eachScope(g, func(s *ir.Scope) {
			if belowDirectory(s) {
				leadingSlashes(p, s)
			}
		})
	},
}

func leadingSlashes(p *lint.Pass, s *ir.Scope) {
	where := ".htaccess"
	if s.Kind != ir.ScopeHtaccess {
		where = "<Directory>"
	}
	var before earlier
	var w witnesses
	for _, r := range rewriteRules(s) {
		first := pathStart(r.Pattern)
		if first.known && first.slash && !first.other && !before.slash && r.File != nil {
			p.File = r.File
			message := "in " + where + " the path has no slash in front; " + quote(clip(r.Pattern.Text, 80)) + " can never match"
			if r.Negated {
				message = "in " + where + " the path has no slash in front; " + quote("!"+clip(r.Pattern.Text, 80)) + " is always true"
			}
			d := diag.Diagnostic{Span: r.Pattern.Span, Message: message, Fixes: slashFix(p, r)}
			if r.Negated {
				w.compared(p, &d, &patternUse{Pattern: r.Pattern, negated: true, onPath: true, rule: r}, "", false)
			} else {
				w.missed(p, &d, r, nil, w.expected(p, r))
			}
			p.Add(d)
			if !r.Negated {
				continue // what never matches leaves nothing for later rules
			}
		}
		before.see(r)
	}
}
