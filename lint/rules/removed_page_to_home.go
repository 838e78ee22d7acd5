package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/lint/intent"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

// manyToHome is how many pages have to go to the home page before that is called a habit.
const manyToHome = 5

var removedPageToHome = lint.Rule{
	Code: "RD310", ID: "removed-page-to-home", Severity: diag.Info, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "removed pages are sent to the home page",
		Text: "Search engines treat a redirect to the home page as a page that is not found (a soft 404), and visitors look for what is not there. " +
			"410 says that the page is gone and has it forgotten soon.",
		Silence: "When the home page really takes the place of the page.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "# product discontinued\nRedirect 301 /p/4711 /\n", After: "# product discontinued\nRedirect gone /p/4711\n"},
			{Server: ir.Nginx, Before: "# product discontinued\nlocation = /p/4711 { return 301 /; }\n", After: "# product discontinued\nlocation = /p/4711 { return 410; }\n"},
		},
		Source: "Google Search Central, HTTP status codes and soft 404; RFC 9110 §15.5.11",
	},
	Program: func(p *lint.Pass, _ *ir.Program) {
		var home []*redirect
		for _, r := range redirectsOf(p.Unit) {
			if !r.leadsHome(p.Unit) || r.takesAll() || !namesPage(r) {
				continue
			}
			if m, ok := r.comment.Has(intent.Removed); ok {
				d := diag.Diagnostic{File: r.at.File, Span: r.rule.TargetSpan, Help: "answer 410 for it",
					Message: fmt.Sprintf("the comment says %q, and the page is sent to the home page: search engines treat that as a soft 404. 410 tells them to forget it", m.Words)}
				if fix, ok := r.gone(p); ok {
					d.Fixes = []diag.Fix{fix}
				}
				p.Add(d)
				continue
			}
			home = append(home, r)
		}
		if len(home) < manyToHome {
			return
		}
		d := diag.Diagnostic{File: home[0].at.File, Span: home[0].rule.TargetSpan, Help: "answer 410 for pages that have no successor",
			Message: fmt.Sprintf("%d pages are sent to the home page; search engines treat that as a soft 404. 410 tells them to forget a page that is gone", len(home))}
		for _, r := range home[1:min(len(home), 6)] {
			d.Related = append(d.Related, diag.Related{File: r.at.File, Span: r.rule.TargetSpan, Message: "and this one"})
		}
		p.Add(d)
	},
}

// leadsHome tells whether a redirect leads to the home page of its own site and drops the path.
func (r *redirect) leadsHome(u *lint.Unit) bool {
	text, constant := r.rule.Target.Constant()
	if !constant {
		parts := r.rule.Target.Parts
		if len(parts) != 3 || !ownName(parts[1]) || parts[0].Kind != ir.Literal || parts[2].Kind != ir.Literal || parts[2].Text != "/" {
			return false
		}
		return strings.HasSuffix(parts[0].Text, "://")
	}
	if text == "/" {
		return true
	}
	host, named := targetHost(r.rule)
	_, rest, _ := strings.Cut(text, "://")
	return named && (rest == host || rest == host+"/") && u.ServesHost(host) != 0
}

// namesPage tells whether a redirect takes a page by its name, and not the home page under another one.
func namesPage(r *redirect) bool {
	from, _ := r.paths()
	if len(from) == 0 || len(r.conditions()) > 0 {
		return false
	}
	last := strings.Trim(from[len(from)-1], "*")
	for _, home := range []string{"index", "home", "default", "main", "start", "welcome", "frontpage", "accueil", "inicio", "startseite"} {
		if strings.HasPrefix(last, home) {
			return false
		}
	}
	return strings.ContainsAny(last, "abcdefghijklmnopqrstuvwxyz0123456789")
}

// gone is the fix that has a redirect answer 410.
func (r *redirect) gone(p *lint.Pass) (diag.Fix, bool) {
	d := r.at
	switch r.rule.Keyword {
	case ir.Redirect, ir.RedirectMatch, ir.RedirectPermanent, ir.RedirectTemp:
		if r.rule.Match == ir.MatchAll {
			return diag.Fix{}, false
		}
		name := "Redirect"
		if r.rule.Keyword == ir.RedirectMatch {
			name = "RedirectMatch"
		}
		path := d.Args[len(d.Args)-2]
		return write(diag.Risky, source.Span{Start: d.Name.Span.Start, End: d.Args[len(d.Args)-1].Span.End}, name+" gone "+raw(p, path.Span)), true
	case ir.NginxReturn:
		return write(diag.Risky, source.Span{Start: d.Name.Span.Start, End: d.Args[len(d.Args)-1].Span.End}, "return 410"), true
	case ir.RewriteRule:
		return write(diag.Risky, source.Span{Start: r.rule.TargetSpan.Start, End: d.Args[len(d.Args)-1].Span.End}, "- [G]"), true
	}
	return diag.Fix{}, false
}
