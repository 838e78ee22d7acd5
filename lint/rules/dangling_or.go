package rules

import (
	"fmt"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var danglingOr = lint.Rule{
	Code: "RD505", ID: "dangling-or", Severity: diag.Error, For: lint.Apache, Fix: diag.Risky, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "[OR] on the last condition",
		Text: "`[OR]` joins a condition with the next one. On the last condition there is no next one: when it is false the list has " +
			"simply ended, and the rule runs. So the last group of conditions is true for every request, whatever it tests.",
		Examples: []lint.Example{{Server: ir.Apache,
			Before: "RewriteEngine On\nRewriteCond %{HTTP_ACCEPT} text/html [OR]\nRewriteCond %{HTTP_ACCEPT} application/xhtml\\+xml [OR]\nRewriteRule ^$ /index.html [R=303,L]\n",
			After:  "RewriteEngine On\nRewriteCond %{HTTP_ACCEPT} text/html [OR]\nRewriteCond %{HTTP_ACCEPT} application/xhtml\\+xml\nRewriteRule ^$ /index.html [R=303,L]\n"}},
		Source: "httpd mod_rewrite.c, apply_rewrite_rule",
	},
	Rule: checkDanglingOr,
}

func checkDanglingOr(p *lint.Pass, r *ir.Rule) {
	n := len(r.Conditions)
	if n == 0 || !r.Conditions[n-1].Or || r.Disabled {
		return
	}
	c := r.Conditions[n-1]
	p.File = c.File
	at := c.Span
	for i := range c.Flags {
		if c.Flags[i].Name == "OR" {
			at = c.Flags[i].Span
		}
	}
	groups := r.CNF()
	size := len(groups[len(groups)-1])
	what := "this condition is"
	if size > 1 {
		what = fmt.Sprintf("these %d conditions are", size)
	}
	effect := "the rule runs as if they were not there"
	if size == 1 {
		effect = "the rule runs as if it were not there"
	}
	d := diag.Diagnostic{Span: at, Message: fmt.Sprintf("`[OR]` on the last condition joins it with nothing: %s true for every request, and %s", what, effect),
		Related: []diag.Related{{File: r.File, Span: r.Span, Message: "the rule"}}}
	if f, ok := withoutFlag(p, directiveAt(p, c.Origin), "OR"); ok {
		d.Fixes = []diag.Fix{f}
	}
	p.Add(d)
}

// withoutFlag is a fix that takes a flag out of the list of a directive, and the list when nothing else is in it.
func withoutFlag(p *lint.Pass, d *lint.Directive, short string) (diag.Fix, bool) {
	if d == nil {
		return diag.Fix{}, false
	}
	list, ok := readFlags(p, d)
	if !ok {
		return diag.Fix{}, false
	}
	var kept []flag
	for _, f := range list {
		if canonicalFlag(flagTable(d), f.name) != short {
			kept = append(kept, f)
		}
	}
	if len(kept) == len(list) {
		return diag.Fix{}, false
	}
	w, _ := flagWord(d)
	at := w.Span
	text := ""
	if len(kept) > 0 {
		text = joinFlags(kept)
		at = w.Inner()
	} else {
		for at.Start > 0 && (p.File.Text[at.Start-1] == ' ' || p.File.Text[at.Start-1] == '\t') {
			at.Start--
		}
	}
	return diag.Fix{Title: "take " + quote(short) + " out", Safety: diag.Risky, Edits: source.Replace(at, text)}, true
}
