package rules

import (
	"fmt"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var fileTestBeforePattern = lint.Rule{
	Code: "RD804", ID: "file-test-before-pattern", Severity: diag.Info, For: lint.Both, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "the disk is asked for every request before the pattern has had a say",
		Text: "A rule for every path (`^`, `.`) with a test of files asks the disk at every request; above a list of redirects it does so for requests " +
			"that those would answer. `-U` and `-F` make a whole sub-request each time. nginx looks for files with `try_files`, which needs " +
			"no `if`.",
		Silence: "files are to win over the redirects below",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteCond %{REQUEST_FILENAME} !-U\nRewriteRule ^ /index.php [L]\n",
				After: "RewriteEngine On\nRewriteCond %{REQUEST_FILENAME} !-f\nRewriteRule ^ /index.php [L]\n"},
			{Server: ir.Nginx, Before: "location / {\n    if (!-e $request_filename) { rewrite ^ /index.php last; }\n}\n",
				After: "location / {\n    try_files $uri $uri/ /index.php;\n}\n"},
		},
		Source: "httpd manual, RewriteCond: -U and -F, \"Use this check with care\"; nginx, Pitfalls and Common Mistakes: Check IF file exists",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		eachScope(g, func(s *ir.Scope) {
			if g.Server == ir.Nginx {
				fileTestIf(p, s)
				return
			}
			testsBeforePattern(p, s)
		})
	},
}

// fileTestIf speaks of `if (!-e $request_filename)` that leads to a front controller.
func fileTestIf(p *lint.Pass, s *ir.Scope) {
	if s.Kind != ir.ScopeIf || s.File == nil || s.If == nil || s.If.Kind != ir.CondFile || s.If.Test == nil || len(s.Items) != 1 || !s.If.Negated {
		return
	}
	r, ok := s.Items[0].(*ir.Rule)
	if !ok || r.Keyword != ir.NginxRewrite || r.Action != ir.ActionRewrite || r.Pattern == nil || r.Pattern.Re == nil || !wholePath(r) {
		return
	}
	if len(s.If.Test.Parts) != 1 || s.If.Test.Parts[0].Name != "request_filename" {
		return
	}
	p.File = s.File
	p.Add(diag.Diagnostic{Span: s.Span, Message: fmt.Sprintf("the disk is asked by an `if`, and once more when the file is served; `try_files` asks once and leads to %s by itself",
		quote(clip(r.Target.Text, 40)))})
}

func testsBeforePattern(p *lint.Pass, s *ir.Scope) {
	rules := rewriteRules(s)
	redirects := make([]int, len(rules)+1) // from a rule on
	for i := len(rules) - 1; i >= 0; i-- {
		redirects[i] = redirects[i+1]
		if rules[i].Action == ir.ActionRedirect && !takesEveryPath(rules[i]) {
			redirects[i]++
		}
	}
	for i, r := range rules {
		if r.File == nil || len(r.Conditions) == 0 || !takesEveryPath(r) {
			continue
		}
		c := r.Conditions[0]
		if c.Kind != ir.CondFile {
			continue // something cheaper is asked first
		}
		p.File = c.File
		switch {
		case c.Op == "-U" || c.Op == "-F":
			p.Report(c.Span, fmt.Sprintf("%s makes a sub-request for every request that comes here; `-f` and `-d` ask the disk alone", quote(c.Op)))
		case redirects[i+1] > 0 && ends(r) && r.Target == nil:
			p.Report(c.Span, fmt.Sprintf("the disk is asked for every request before the redirects below (%d) are tried", redirects[i+1]))
		}
	}
}

// takesEveryPath tells whether a pattern takes every path, the empty one perhaps not.
func takesEveryPath(r *ir.Rule) bool {
	if r.Pattern == nil || r.Pattern.Re == nil || r.Negated {
		return false
	}
	return everyPath(r) || r.Pattern.Re.Tree().Text == "^.+$"
}
