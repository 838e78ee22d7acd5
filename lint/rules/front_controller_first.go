package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
)

var frontControllerFirst = lint.Rule{
	Code: "RD209", ID: "front-controller-first", Severity: diag.Warning, For: lint.Apache, Fix: diag.Risky, Since: "0.1",
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
		site := p.Site()
		if site == nil {
			return
		}
		eachScope(g, func(s *ir.Scope) {
			var by *ir.Rule
			var below []lateRedirect
			for _, r := range rewriteRules(s) {
				switch {
				case by == nil && isFrontController(r):
					by = r
				case by != nil && r.Action == ir.ActionRedirect && r.File != nil && !testsFiles(r):
					if late, ok := belowController(site, r, by); ok {
						below = append(below, late)
					}
				}
			}
			reportLate(p, below, by)
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

// lateRedirect is a redirect below a front controller, with a request that the controller takes.
type lateRedirect struct {
	rule *ir.Rule
	hop  probe.Hop
}

// reportLate tells of redirects below a front controller; one fix moves them all.
func reportLate(p *lint.Pass, list []lateRedirect, by *ir.Rule) {
	if len(list) == 0 {
		return
	}
	p.File = by.File
	site := p.Site()
	var rules []*ir.Rule
	var asked []probe.Probe
	for _, late := range list {
		rules, asked = append(rules, late.rule), append(asked, late.hop.Probe)
	}
	title := "move it above the front controller"
	if len(list) > 1 {
		title = "move the redirects above the front controller"
	}
	edits := moveUp(p, rules, by, asked, nil)
	for _, late := range list {
		r := late.rule
		p.File = r.File
		q := late.hop.Probe
		p.Add(diag.Diagnostic{Span: r.Span, Witness: site.Witness(&probe.Chain{Hops: []probe.Hop{late.hop}, End: probe.EndAnswer}),
			Message: "the front controller on " + lineOf(by, r) + " takes " + pathOf(&q) + " first: this redirect works only while a file lies there",
			Help:    "move the redirect above the front controller", Fixes: movedUp(edits, title),
			Related: []diag.Related{{File: by.File, Span: by.Span, Message: "the front controller"}}})
	}
}

// belowController shows that a redirect is reached while a file lies at the address, and not without it.
func belowController(site *probe.Site, r, by *ir.Rule) (late lateRedirect, ok bool) {
	if site.Spent() {
		return late, false
	}
	for _, q := range site.Requests(r, 3) {
		if !q.Reached {
			return late, false
		}
		if len(q.Exists) == 0 {
			return late, false // it is reached without a file
		}
		bare := q
		bare.Exists, bare.Reached = nil, false
		o := site.Ask(bare)
		if !o.Known || probe.HasFired(&o, r) || !probe.HasFired(&o, by) {
			continue
		}
		return lateRedirect{r, probe.Hop{Probe: bare, Outcome: o}}, true
	}
	return late, false
}
