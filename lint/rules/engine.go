package rules

import (
	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var suppressionProblem = lint.Rule{
	Code: lint.SuppressionProblem, ID: "suppression-problem", Severity: diag.Warning, For: lint.Both, Fix: diag.Safe, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a suppression that silences nothing",
		Text: "`# lint:ignore RD302 -- reason` on the line above a directive (nginx: also at the end of its line) silences a rule " +
			"there, `# lint:ignore-file RD302 -- reason` in the whole file. Codes and names may be given, several of them. One that " +
			"names no rule is a warning, and so is one that stands away from the line it is meant for; one whose rule has nothing " +
			"to say there is worth knowing. `# lint:intent temporary until 2026-12-31` stands in the same places and states what is meant " +
			"(`temporary`, `permanent`, `keep-method`, `get`); one that cannot be read states nothing and is told.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "# lint:ignore RD3000 -- as agreed\nRewriteEngine On\n", After: "RewriteEngine On\n"},
			{Server: ir.Nginx, Before: "autoindex on; # lint:ignore RD029\n", After: "autoindex on;\n"},
		},
		Source: "this tool",
	},
}

var notAnalysed = lint.Rule{
	Code: "RD999", ID: "not-analysed", Severity: diag.Info, For: lint.Both, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a part that was not looked at",
		Text: "An included file that cannot be read, a language inside the configuration: what stands there is not judged, and " +
			"what it would define is not held against the rest.",
		Examples: []lint.Example{
			{Server: ir.Apache, Context: ir.ContextVhost, Before: "Include conf/extra.conf\n", After: "RewriteEngine On\n"},
			{Server: ir.Nginx, Before: "include extra.conf;\n", After: "return 404;\n"},
		},
		Source: "this tool",
	},
	Explains: []string{"RD999", ""},
	Explain: func(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
		if d.Refuses {
			return d, false
		}
		d.Severity = diag.Info
		if at != nil && d.Span == at.Name.Span && again(p, at) {
			d.Severity = 0 // said once for each name
		}
		return d, true
	},
	Program: func(p *lint.Pass, g *ir.Program) { // behind all other rules, for it has the last code
		if !p.SiteSpent() {
			return
		}
		for _, r := range p.Site().Rules() {
			if r.File != nil && p.Unit.Owns(r.Origin) {
				p.File = r.File
				p.Report(r.Span, "there are more rules than could be tried with requests: loops, chains and what else a request has to prove are not reported for all of them")
				return
			}
		}
	},
}

// again tells whether a directive of the same name stands earlier in the same file, in force as this one.
func again(p *lint.Pass, at *lint.Directive) bool {
	for _, d := range p.Unit.Named(at.Name.Text) {
		if d == at {
			return false
		}
		if d.File == at.File && d.Inactive == at.Inactive {
			return true
		}
	}
	return false
}
