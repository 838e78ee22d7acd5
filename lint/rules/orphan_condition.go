package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var orphanCondition = lint.Rule{
	Code: "RD104", ID: "orphan-condition", Severity: diag.Warning, For: lint.Apache, Fix: diag.Risky, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a RewriteCond that no RewriteRule follows",
		Text: "Conditions belong to the next RewriteRule of their section. Without one they do nothing, and they guard neither " +
			"Redirect nor RedirectMatch: those run for every request, whatever the conditions above them say.",
		Examples: []lint.Example{{Server: ir.Apache,
			Before: "RewriteEngine On\nRewriteCond %{HTTP_ACCEPT} text/turtle\nRedirectMatch 302 ^/v$ https://x.example/v.ttl\n",
			After:  "RewriteEngine On\nRewriteCond %{HTTP_ACCEPT} text/turtle\nRewriteRule ^v$ https://x.example/v.ttl [R=302,L]\n"}},
		Source: "httpd mod_rewrite.c, cmd_rewritecond and cmd_rewriterule",
	},
	Program: checkOrphans,
}

// transparent are sections whose directives belong to the section around them.
// Source: httpd server/core.c; mod_rewrite keeps conditions in the configuration of the directory or server.
func transparent(d *lint.Directive) bool {
	return d.Is("IfModule", "IfDefine", "IfVersion", "IfFile", "IfDirective", "IfSection", "Limit", "LimitExcept")
}

// owner is the section a directive's configuration belongs to; nil for the file itself.
func owner(d *lint.Directive) *lint.Directive {
	n := 0
	for s := d.Parent; s != nil; s = s.Parent {
		// Beyond some hundreds of <IfModule> in each other nobody has a condition.
		if n++; !transparent(s) || n > maxTransparent {
			return s
		}
	}
	return nil
}

// maxTransparent bounds the sections that owner looks through.
const maxTransparent = 300

// checkOrphans goes through the files once and keeps the conditions that still wait for their rule, by section.
func checkOrphans(p *lint.Pass, _ *ir.Program) {
	type place struct {
		file    *source.File
		section *lint.Directive
	}
	waiting := map[place][]*lint.Directive{}
	var order []place
	for _, d := range p.Unit.Directives {
		at := place{d.File, owner(d)}
		switch {
		case d.Is("RewriteCond"):
			if d.Inactive || d.Refused {
				continue
			}
			if len(waiting[at]) == 0 {
				order = append(order, at)
			}
			waiting[at] = append(waiting[at], d)
		case d.Is("RewriteRule"), d.Refused:
			// A rule in a part that is skipped here may be read elsewhere; a refused line was to be the rule.
			delete(waiting, at)
		case aliasRedirect(d) && !d.Inactive && guardedInVain(d):
			p.File = d.File
			unguarded(p, waiting[at], d)
			delete(waiting, at)
		case d.Is("Include", "IncludeOptional", "Use", "Macro"):
			clear(waiting) // the rule may stand in what is put here
		}
	}
	for _, at := range order {
		list := waiting[at]
		delete(waiting, at)
		if len(list) == 0 || at.section == nil && at.file != p.Unit.Input.File || list[0].In("Macro") {
			continue // the rule may stand behind the include
		}
		p.File = at.file
		orphans(p, list)
	}
}

// aliasRedirect tells whether a directive is a redirect of mod_alias.
func aliasRedirect(d *lint.Directive) bool {
	return d.Is("Redirect", "RedirectMatch", "RedirectPermanent", "RedirectTemp")
}

// guardedInVain tells whether a redirect of mod_alias stands on the line right below a condition.
func guardedInVain(d *lint.Directive) bool {
	c := d.PrevPtr
	return c != nil && c.Is("RewriteCond") && !c.Refused && owner(c) == owner(d) && d.File.Line(d.Line.Start) == c.File.Line(c.Line.End)+1
}

// unguarded reports conditions above a redirect that does not know them. Where a RewriteRule follows further down they
// belong to that.
func unguarded(p *lint.Pass, list []*lint.Directive, next *lint.Directive) {
	if len(list) == 0 {
		return
	}
	last := next.PrevPtr
	d := diag.Diagnostic{Severity: diag.Error, Span: list[0].Line,
		Message: "RewriteCond has no effect on " + next.Name.Text + ": every request for " + quote(clip(redirectSource(next), 60)) +
			" is redirected, whatever " + quote(clip(last.Arg(0), 40)) + " is",
		Related: []diag.Related{{File: next.File, Span: next.Line, Message: "runs without the condition"}}}
	if rule := ruleBehind(next); rule != nil {
		d.Message += "; the condition guards the RewriteRule behind it"
		d.Related = append(d.Related, diag.Related{File: rule.File, Span: rule.Line, Message: "has the condition"})
	}
	if fix, ok := asRewriteRule(next); ok {
		d.Fixes = []diag.Fix{fix}
	}
	p.Add(d)
}

// ruleBehind is the RewriteRule that takes the conditions above a directive; nil when there is none near.
func ruleBehind(d *lint.Directive) *lint.Directive {
	s := owner(d)
	for n, left := d.NextPtr, 200; n != nil && left > 0; n, left = n.NextPtr, left-1 {
		if n.Is("RewriteRule") && owner(n) == s && !n.Inactive {
			return n
		}
	}
	return nil
}

// orphans reports one run of conditions without a rule.
func orphans(p *lint.Pass, list []*lint.Directive) {
	first, last := list[0], list[len(list)-1]
	what := "RewriteCond has"
	if len(list) > 1 {
		what = "these conditions have"
	}
	d := diag.Diagnostic{Span: first.Line, Message: what + " no effect: no RewriteRule follows in this section"}
	span := p.File.LineSpan(p.File.Line(first.Line.Start))
	span.End = min(int32(len(p.File.Text)), p.File.LineSpan(p.File.Line(last.Line.End)).End+int32(len(newline(p.File, last.Line.End))))
	if contiguous(list) {
		d.Fixes = []diag.Fix{{Title: "delete what has no effect", Safety: diag.Risky, Edits: source.Replace(span, "")}}
	}
	p.Add(d)
}

// contiguous tells whether nothing but blank lines and comments stands between directives.
func contiguous(list []*lint.Directive) bool {
	for i := 1; i < len(list); i++ {
		if list[i-1].NextPtr != list[i] || list[i-1].Parent != list[i].Parent {
			return false
		}
	}
	return true
}

// redirectSource is the path or pattern of a directive of mod_alias, "everything" when it has none.
func redirectSource(d *lint.Directive) string {
	args := d.Args
	if len(args) > 0 && d.Is("Redirect", "RedirectMatch") && isRedirectStatus(args[0].Text) {
		args = args[1:]
	}
	if len(args) < 2 {
		return "everything"
	}
	return args[0].Text
}

// asRewriteRule writes a RedirectMatch of a .htaccess in the document root as the rule that was meant.
func asRewriteRule(d *lint.Directive) (fix diag.Fix, ok bool) {
	if !d.Is("RedirectMatch") || len(d.Args) < 2 || len(d.Args) > 3 || owner(d) != nil {
		return fix, false
	}
	status, args := "302", d.Args
	if len(args) == 3 {
		if n, rest := atoi(args[0].Text); rest != "" || n < 300 || n > 399 {
			return fix, false
		}
		status, args = args[0].Text, args[1:]
	}
	pattern, rooted := strings.CutPrefix(args[0].Text, "^/")
	if !rooted || strings.ContainsAny(args[0].Text+args[1].Text, " \"'%\\") {
		return fix, false
	}
	text := "RewriteRule ^" + pattern + " " + args[1].Text + " [R=" + status + ",L]"
	return diag.Fix{Title: "write " + quote(text), Safety: diag.Risky, Edits: source.Replace(d.Line, text)}, true
}
