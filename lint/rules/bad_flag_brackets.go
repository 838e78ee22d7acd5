package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var badFlagBrackets = lint.Rule{
	Code: "RD005", ID: "bad-flag-brackets", Severity: diag.Error, For: lint.Apache, Fix: diag.Safe, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "flags must stand in one pair of square brackets, with one comma between two of them",
		Text: "The third argument of RewriteRule and RewriteCond must begin with `[` and end with `]`, and no flag may be " +
			"empty. httpd refuses the file otherwise.",
		Examples: []lint.Example{{Server: ir.Apache,
			Before: "RewriteEngine On\nRewriteRule ^a$ /b (R=301,L)\n",
			After:  "RewriteEngine On\nRewriteRule ^a$ /b [R=301,L]\n"}},
		Source: "httpd mod_rewrite.c, cmd_parseflagfield",
	},
	Explains: []string{"RD005", "RD002"}, Precedence: 30,
	Explain: explainBadFlagBrackets,
}

func explainBadFlagBrackets(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
	if at == nil {
		return d, d.ServerMessage == "" || !strings.Contains(d.ServerMessage, "unknown flag")
	}
	w, ok := flagWord(at)
	if !ok {
		return d, !strings.Contains(d.ServerMessage, "unknown flag")
	}
	table := flagTable(at)
	text, simple := plain(p, w)
	if list, ok := readFlags(p, at); ok {
		empty := 0
		var kept []flag
		for _, f := range list {
			if f.text == "" {
				empty++
			} else {
				kept = append(kept, f)
			}
		}
		if empty == 0 || !strings.Contains(d.ServerMessage, "unknown flag ''") && strings.Contains(d.ServerMessage, "unknown flag") {
			return d, false
		}
		d.Span = w.Span
		if len(kept) == 0 {
			d.Message = "an empty flag list; " + p.Refusal()
			d.Help = "leave the brackets out"
			return d, true
		}
		d.Message = "a comma too many makes an empty flag in " + quote(text) + "; " + p.Refusal()
		if validFlags(table, kept) {
			d.Fixes = []diag.Fix{write(diag.Safe, w.Inner(), joinFlags(kept))}
		}
		return d, true
	}
	if strings.Contains(d.ServerMessage, "unknown flag") {
		return d, false
	}
	d.Span = w.Span
	d.Message = "flags must stand in square brackets, here " + quote(text) + " is read as the flags; " + p.Refusal()
	if simple && w.Quote == 0 {
		inner := strings.Trim(text, "[](){}<>")
		list := splitFlags(inner, w.Span.Start)
		if validFlags(table, list) {
			d.Fixes = []diag.Fix{write(diag.Safe, w.Span, joinFlags(list))}
		}
	}
	return d, true
}
