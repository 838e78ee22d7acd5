package rules

import (
	"strings"
	"unicode/utf8"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var flagsGluedToTarget = lint.Rule{
	Code: "RD004", ID: "flags-glued-to-target", Severity: diag.Error, For: lint.Apache, Fix: diag.Risky, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "flags without a blank before them are part of the address",
		Text: "Without a blank the bracket list belongs to the target (of a RewriteRule) or to the pattern (of a RewriteCond). " +
			"httpd accepts that: visitors are sent to an address that ends in `%5bR=302,L%5d`, and none of the flags works.",
		Examples: []lint.Example{{Server: ir.Apache,
			Before: "RewriteEngine On\nRewriteRule ^docs$ https://d.example.net/index.html[R=302,L]\n",
			After:  "RewriteEngine On\nRewriteRule ^docs$ https://d.example.net/index.html [R=302,L]\n"}},
		Source: "httpd mod_rewrite.c, parseargline",
	},
	Directive: checkFlagsGluedToTarget,
}

// telling are the flags of which one must stand in a bracket block before it is taken for a flag list.
var telling = []string{"R", "L", "F", "G", "P", "QSA", "NE", "NC", "END", "PT", "OR"}

func checkFlagsGluedToTarget(p *lint.Pass, d *lint.Directive) {
	table := flagTable(d)
	if table == nil || len(d.Args) != 2 || d.Args[1].Quote != 0 {
		return
	}
	w := d.Args[1]
	text, ok := plain(p, w)
	open := strings.LastIndexByte(text, '[')
	if !ok || open <= 0 || text[len(text)-1] != ']' {
		return
	}
	if r, _ := utf8.DecodeLastRuneInString(text[:open]); isInvisible(r) {
		return // that character is the fault
	}
	list := splitFlags(text[open+1:len(text)-1], w.Span.Start+int32(open+1))
	if !validFlags(table, list) {
		return
	}
	found := false
	for _, name := range telling {
		_, has := hasFlag(table, list, name)
		found = found || has
	}
	// In a condition "[NC]" is a class of two letters; behind the end of the text no letter can follow.
	if !found || d.Is("RewriteCond") && text[open-1] != '$' {
		return
	}
	at := source.Span{Start: w.Span.Start + int32(open), End: w.Span.End}
	flags := text[open:]
	fix := diag.Fix{Title: "insert a blank before " + quote(flags), Safety: diag.Risky, Edits: source.Insert(at.Start, " ")}
	if d.Is("RewriteCond") {
		p.Report(at, "the blank before "+quote(flags)+" is missing, so the pattern asks for a letter behind its end and never matches", fix)
		return
	}
	path := text[:open]
	if i := strings.LastIndexByte(path, '/'); i > 0 {
		path = "…" + path[i:]
	}
	p.Report(at, "the blank before "+quote(flags)+" is missing, so the flags are part of the address: the request goes to "+
		quote(path+"%5b"+flags[1:len(flags)-1]+"%5d"), fix)
}
