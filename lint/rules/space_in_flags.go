package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var spaceInFlags = lint.Rule{
	Code: "RD003", ID: "space-in-flags", Severity: diag.Error, For: lint.Apache, Fix: diag.Safe, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a blank ends the flag list",
		Text: "mod_rewrite takes its arguments apart at blanks. In `[R=301, L]` the third argument is `[R=301,`, which does " +
			"not end in a bracket, and httpd refuses the file with nothing but `bad flag delimiters`: a `.htaccess` answers 500 for " +
			"its whole directory. A list in quotes may hold blanks.",
		Examples: []lint.Example{{Server: ir.Apache,
			Before: "RewriteEngine On\nRewriteRule ^a$ /b [R=301, L]\n",
			After:  "RewriteEngine On\nRewriteRule ^a$ /b [R=301,L]\n"}},
		Source: "httpd mod_rewrite.c, parseargline; manual, RewriteRule",
	},
	Explains: []string{"RD003", "RD005", "RD002"}, Precedence: 50,
	Explain: explainSpaceInFlags,
}

func explainSpaceInFlags(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
	if at == nil {
		return d, false
	}
	w, ok := flagWord(at)
	if !ok || w.Quote != 0 {
		return d, false
	}
	tail := logicalTail(p, at, w.Span.Start)
	end := strings.IndexByte(tail, ']')
	if tail[0] != '[' || end < 0 || int(w.Span.End-w.Span.Start) > end || strings.Contains(tail[:end], "\n") {
		return d, false
	}
	list := splitFlags(tail[1:end], w.Span.Start+1)
	var spelt []flag
	split := false
	for _, f := range list {
		parts := flagParts(flagTable(at), strings.Fields(f.text))
		split = split || len(parts) > 1
		for _, text := range parts {
			f.text = text
			f.name, _, _ = strings.Cut(text, "=")
			spelt = append(spelt, f)
		}
	}
	if !validFlags(flagTable(at), spelt) {
		return d, false
	}
	d.Span = source.Span{Start: w.Span.Start, End: w.Span.Start + int32(end+1)}
	read := raw(p, w.Span)
	d.Message = "a blank ends the flag list here: httpd reads " + quote(read) + ", which is no flag list; " + p.Refusal()
	d.Help = "remove the blanks inside the brackets"
	if split {
		d.Help = "write a comma between the flags, and no blanks"
	}
	d.Fixes = []diag.Fix{write(diag.Safe, d.Span, joinFlags(spelt))}
	return d, true
}

// flagParts are the flags that words between two commas make: `R=301 L` lacks a comma, `N C` and `R = 301` have blanks too many.
func flagParts(table map[string]flagInfo, words []string) []string {
	joined := strings.Join(words, "")
	if len(words) < 2 {
		return []string{joined}
	}
	name, value, hasValue := strings.Cut(words[0], "=")
	if !hasValue && canonicalFlag(table, joined) != "" || hasValue && (value == "" || canonicalFlag(table, name) == "") {
		return []string{joined}
	}
	for _, w := range words {
		name, value, hasValue := strings.Cut(w, "=")
		if canonicalFlag(table, name) == "" || hasValue && value == "" || name != strings.ToUpper(name) {
			return []string{joined}
		}
	}
	return words
}
