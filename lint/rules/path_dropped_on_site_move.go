package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
	"rewright/parser/source"
)

var pathDroppedOnSiteMove = lint.Rule{
	Code: "RD620", ID: "path-dropped-on-site-move", Severity: diag.Info, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "all pages of a site are sent to one page of another",
		Text: "When a site moves, links and search results lead to its single pages. A permanent redirect of everything to the new home page " +
			"loses them; search engines treat such redirects as missing pages. Keeping the path costs nothing where the pages still exist.",
		Silence: "The pages are gone and the new home page is the best answer there is; a comment above the rule says so.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^ https://new.example/ [R=301,L]\n", After: "RewriteEngine On\nRewriteRule ^ https://new.example%{REQUEST_URI} [R=301,L]\n"},
			{Server: ir.Nginx, Before: "return 301 https://new.example/;\n", After: "return 301 https://new.example$request_uri;\n"},
		},
		Source: "Google Search Central, \"Move a site with URL changes\"",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		var a *asker
		eachRule(p, g, func(s *ir.Scope, r *ir.Rule) {
			if !sendsElsewhere(r) || r.Status != 301 && r.Status != 308 || r.Match == ir.MatchSegment || !wholeSite(s, r) {
				return
			}
			text, ok := r.Target.Constant()
			host, absolute := constantHost(r.Target)
			if !ok || !absolute || p.Unit.ServesHost(host) != 0 || strings.ContainsAny(text, "?#") || commentAbove(p, r) {
				return
			}
			if a == nil {
				if a = newAsker(p); a == nil {
					return
				}
			}
			both := map[string]bool{}
			found := a.find(r, func(q probe.Probe) []probe.Probe {
				return []probe.Probe{withPath(q, "/old/page"), withPath(q, "/other")}
			}, func(q *probe.Probe, o *sim.Outcome) bool {
				if o.Location != nil && *o.Location == text && hostOnly(q.Request.Host) != host {
					both[pathOf(q)] = true
				}
				return len(both) == 2
			})
			if found == nil {
				return
			}
			d := diag.Diagnostic{Span: r.TargetSpan, Witness: found.witness,
				Message: "all old pages land on " + quote(clip(text, 80)) + "; links to single pages are lost"}
			if _, path, _ := splitAddress(text); (path == "" || path == "/") && r.Keyword != ir.RedirectMatch && raw(p, r.TargetSpan) == text {
				keep := map[bool]string{true: "$request_uri", false: "%{REQUEST_URI}"}[r.Keyword == ir.NginxReturn || r.Keyword == ir.NginxRewrite]
				if r.Keyword == ir.NginxRewrite {
					keep += "?"
				}
				at := source.Span{Start: r.TargetSpan.End - int32(len(path)), End: r.TargetSpan.End}
				d.Fixes = []diag.Fix{{Title: "keep the path: " + quote(keep), Safety: diag.Risky, Edits: source.Replace(at, keep)}}
			}
			p.Add(d)
		})
	},
}

// hostOnly is a host without port, in lower case.
func hostOnly(s string) string { return bareHost(s) }

// wholeSite tells whether a rule stands for all of a site: its pattern takes all, it has no conditions but on the host,
// and in nginx no other location takes a part of the site.
func wholeSite(s *ir.Scope, r *ir.Rule) bool {
	if r.Match == ir.MatchRegex && !takesEverything(r) {
		return false
	}
	for _, c := range r.Conditions {
		if c.Test == nil || len(c.Test.Parts) != 1 || !isHostVariable(&c.Test.Parts[0]) || c.Negated {
			return false
		}
	}
	if s.Kind != ir.ScopeHost && s.Kind != ir.ScopeHtaccess && s.Kind != ir.ScopeLocation && s.Kind != ir.ScopeDirectory {
		return false
	}
	for _, item := range s.Items { // rules before it let some pages be, or send them elsewhere
		if item == ir.Item(r) {
			break
		}
		switch item := item.(type) {
		case *ir.Rule:
			return false
		case *ir.Scope:
			if item.Kind == ir.ScopeIf {
				return false
			}
		}
	}
	if s.Kind == ir.ScopeLocation {
		if s.Path != "/" || s.Parent == nil || s.Modifier == ir.ExactLocation {
			return false
		}
		for _, item := range s.Parent.Items {
			if in, ok := item.(*ir.Scope); ok && in != s && (in.Kind == ir.ScopeLocation || in.Kind == ir.ScopeIf) {
				return false
			}
		}
	}
	return true
}

// takesEverything tells whether a pattern matches whatever it is compared with.
func takesEverything(r *ir.Rule) bool {
	if r.Negated || r.Pattern == nil || r.Pattern.Re == nil {
		return false
	}
	switch r.Pattern.Text {
	case "^", "$", ".*", "^.*", "^.*$", "(.*)", "^(.*)", "^(.*)$", "(.*)$", ".*$", ".?", "^/.*$", "^/(.*)$", "^/", "/.*", "/", "^/.*", "^/(.*)", ".":
		return true
	}
	return false
}

// commentAbove tells whether a comment stands on the line above a rule or its conditions, or behind it.
func commentAbove(p *lint.Pass, r *ir.Rule) bool {
	first := r.Line()
	for _, c := range r.Conditions {
		if n := c.Line(); n > 0 && n < first {
			first = n
		}
	}
	for _, c := range p.Unit.Comments {
		if c.File != r.File {
			continue
		}
		end := c.File.Line(max(c.Span.Start, c.Span.End-1))
		if end == first-1 || c.File.Line(c.Span.Start) == r.Line() && !c.Own {
			return true
		}
	}
	return false
}
