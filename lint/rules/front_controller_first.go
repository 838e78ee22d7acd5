package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
)

var frontControllerFirst = lint.Rule{
	Code: "RD209", ID: "front-controller-first", Severity: diag.Warning, For: lint.Apache, Since: "0.1",
	Doc: lint.Doc{
		Title: "a redirect below the front controller",
		Text: "A front controller takes every address at which no file lies, and old addresses are such. A redirect below it works only while " +
			"the old file is still there. Redirects belong above.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteCond %{REQUEST_FILENAME} !-f\nRewriteRule . /index.php [L]\nRewriteRule ^old$ /new [R=301,L]\n",
				After: "RewriteEngine On\nRewriteRule ^old$ /new [R=301,L]\nRewriteCond %{REQUEST_FILENAME} !-f\nRewriteRule . /index.php [L]\n"},
		},
		Source: "httpd mod_rewrite manual, RewriteRule, flag L",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		site := p.Unit.Site()
		if site == nil {
			return
		}
		eachScope(g, func(s *ir.Scope) {
			var by *ir.Rule
			for _, r := range rewriteRules(s) {
				switch {
				case by == nil && isFrontController(r):
					by = r
				case by != nil && r.Action == ir.ActionRedirect && r.File != nil && !testsFiles(r):
					belowController(p, site, r, by)
				}
			}
		})
	},
}

// isFrontController tells whether a rule hands everything that is no file to one script.
func isFrontController(r *ir.Rule) bool {
	if r.Action != ir.ActionRewrite || !ends(r) || r.Chain || r.File == nil || r.Pattern == nil || r.Pattern.Re == nil || r.Negated {
		return false
	}
	file := false
	for _, c := range r.Conditions {
		if c.Kind == ir.CondFile && c.Negated && (c.Op == "-f" || c.Op == "-d" || c.Op == "-s") {
			file = true
		}
	}
	if m, err := r.Pattern.Re.MatchBool("some/old-page"); !file || err != nil || !m {
		return false
	}
	prefix := r.Target.Prefix()
	return strings.Contains(prefix, ".") && !strings.Contains(prefix, "://")
}

func testsFiles(r *ir.Rule) bool {
	for _, c := range r.Conditions {
		if c.Kind == ir.CondFile {
			return true
		}
	}
	return false
}

// belowController shows that a redirect is reached while a file lies at the address, and not without it.
func belowController(p *lint.Pass, site *probe.Site, r, by *ir.Rule) {
	if site.Spent() {
		return
	}
	for _, q := range site.Requests(r, 3) {
		if !q.Reached {
			return
		}
		if len(q.Exists) == 0 {
			return // it is reached without a file
		}
		bare := q
		bare.Exists, bare.Reached = nil, false
		o := site.Ask(bare)
		if !o.Known || probe.HasFired(&o, r) || !probe.HasFired(&o, by) {
			continue
		}
		p.File = r.File
		path := pathOf(&q)
		p.Add(diag.Diagnostic{Span: r.Span, Witness: site.Witness(&probe.Chain{Hops: []probe.Hop{{Probe: bare, Outcome: o}}, End: probe.EndAnswer}),
			Message: "the front controller on " + lineOf(by, r) + " takes " + path + " first: this redirect works only while a file lies there",
			Help:    "move the redirect above the front controller",
			Related: []diag.Related{{File: by.File, Span: by.Span, Message: "the front controller"}}})
		return
	}
}
