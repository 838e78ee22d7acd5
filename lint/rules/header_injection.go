package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
)

var headerInjection = lint.Rule{
	Code: "RD703", ID: "header-injection", Severity: diag.Error, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "a decoded path in a header",
		Text: "`$uri` and groups of a location hold the decoded path, so `%0d%0a` in a request becomes a line break in the Location: what follows " +
			"is a header of its own, or the page. `$request_uri` stays encoded. A group of `.` never holds a line break, one of `[^/]` does. httpd " +
			"refuses to send such a Location and answers 500, where NE keeps it from encoding.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^doc/(.*)$ https://x.example/d#$1 [NE,R=302,L]\n",
				After: "RewriteEngine On\nRewriteRule ^doc/([^\\r\\n]*)$ https://x.example/d#$1 [NE,R=302,L]\n"},
			{Server: ir.Nginx, Before: "return 302 https://x.example$uri;\n", After: "return 302 https://x.example$request_uri;\n"},
		},
		Source: "CWE-113; nginx ngx_http_rewrite_module.c; httpd modules/http/http_filters.c, check_headers",
	},
	Program: checkHeaderInjection,
}

// injected is what a request smuggles in: the end of a line and a header.
const injected = "\r\nX-Injected: 1"

func checkHeaderInjection(p *lint.Pass, g *ir.Program) {
	var a *asker
	ready := func() bool {
		if a == nil {
			a = newAsker(p)
		}
		return a != nil
	}
	denied, first := 0, diag.Diagnostic{}
	eachRule(p, g, func(s *ir.Scope, r *ir.Rule) {
		if !sendsElsewhere(r) && !(r.Keyword == ir.NginxRewrite && r.ImplicitRedirect) || g.Server == ir.Apache && !r.Escape.NoEscape {
			return
		}
		part := lineBreakPart(r)
		if part == nil || denied > 0 && g.Server == ir.Apache || !ready() {
			return
		}
		found := a.find(r, func(q probe.Probe) []probe.Probe { return withLineBreak(a, s, r, part, q) }, func(_ *probe.Probe, o *sim.Outcome) bool {
			if g.Server == ir.Apache {
				return o.Status == 500
			}
			return o.Location != nil && strings.Contains(*o.Location, injected)
		})
		if found == nil {
			return
		}
		d := diag.Diagnostic{File: r.File, Span: part.Span, Witness: found.witness}
		if g.Server == ir.Apache {
			denied++
			d.Severity = diag.Info
			d.Message = fmt.Sprintf("%s decodes to a line break in %s, which NE leaves as it is: httpd refuses to send it and answers 500", clip(found.path(), 60), quote(part.Text))
			first = d
			return
		}
		d.Message = fmt.Sprintf("%s makes nginx send a header of the client's choice (CWE-113): %s is decoded", clip(found.path(), 60), quote(part.Text))
		if part.Kind == ir.Variable && r.Keyword == ir.NginxReturn {
			d.Help = "$request_uri stays encoded, and has the query with it"
			if raw(p, part.Span) == part.Text {
				d.Fixes = []diag.Fix{write(diag.Risky, part.Span, "$request_uri")}
			}
		} else {
			d.Help = "let the pattern take no line breaks: `[^/\\r\\n]` for `[^/]`; or send $request_uri, which stays encoded"
		}
		p.Add(d)
	})
	if denied > 0 {
		p.Add(first)
	}
	if g.Server == ir.Nginx {
		eachScope(g, func(s *ir.Scope) {
			for _, set := range ownSettings(s, "add_header") {
				if set.File != nil && len(set.Templates) > 1 && ready() {
					p.File = set.File
					injectedHeader(p, a, s, set)
				}
			}
		})
	}
}

// lineBreakPart is a reference in the target of a rule that holds decoded bytes of the path and may hold a line break.
func lineBreakPart(r *ir.Rule) *ir.Part {
	for i := range r.Target.Parts {
		part := &r.Target.Parts[i]
		switch {
		case part.Kind == ir.Variable && part.Space == "" && (part.Name == "uri" || part.Name == "document_uri" || part.Name == "REQUEST_URI"):
			return part
		case part.Kind == ir.RuleRef && r.Keyword != ir.NginxRewrite: // nginx encodes groups of the rewrite itself
			return part
		}
	}
	return nil
}

// withLineBreak gives requests like q that bring a line break into a part.
func withLineBreak(a *asker, s *ir.Scope, r *ir.Rule, part *ir.Part, q probe.Probe) []probe.Probe {
	out := []probe.Probe{withPath(q, pathOf(&q)+escapedPath(injected))}
	if part.Kind != ir.RuleRef {
		return out
	}
	re, prefix := r.Pattern, ""
	if r.Keyword == ir.NginxReturn {
		for re = nil; s != nil && re == nil; s = s.Parent {
			if s.Kind == ir.ScopeLocation {
				re = s.Pattern
				break
			}
		}
	} else if r.Subject == ir.SubjectDirectory {
		prefix = strings.TrimPrefix(a.p.Unit.Dir(), a.p.Unit.Docroot()) + "/"
	}
	if subject, ok := subjectWith(re, part.N, "a"+injected, `(?s)^.*$`); ok && strings.HasPrefix(prefix+subject, "/") {
		out = append(out, withPath(q, escapedPath(prefix+subject)))
	}
	return out
}

// injectedHeader asks whether a header that nginx adds can be made to hold a line break.
func injectedHeader(p *lint.Pass, a *asker, s *ir.Scope, set *ir.Setting) {
	t := set.Templates[1]
	if t == nil {
		return
	}
	for i := range t.Parts {
		part := &t.Parts[i]
		if part.Kind != ir.Variable || part.Name != "uri" && part.Name != "document_uri" || a.left <= 0 || a.site.Spent() {
			continue
		}
		q := a.visit(s)
		q = withPath(q, strings.TrimSuffix(pathOf(&q), "/")+"/a"+escapedPath(injected))
		a.left--
		o := a.site.Ask(q)
		for _, h := range o.Header {
			if o.Known && strings.EqualFold(h[0], set.Arg(0)) && strings.Contains(h[1], injected) {
				x := proof{q, o, a.site.Witness(&probe.Chain{Hops: []probe.Hop{{Probe: q, Outcome: o}}, End: probe.EndAnswer})}
				d := diag.Diagnostic{Span: part.Span, Witness: x.witness, Help: "$request_uri stays encoded",
					Message: fmt.Sprintf("%s makes nginx send a header of the client's choice (CWE-113): %s is decoded", clip(x.path(), 60), quote(part.Text))}
				if raw(p, part.Span) == part.Text {
					d.Fixes = []diag.Fix{write(diag.Risky, part.Span, "$request_uri")}
				}
				p.Add(d)
				return
			}
		}
	}
}
