package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var missingSemicolon = lint.Rule{
	Code: "RD019", ID: "missing-semicolon", Severity: diag.Error, For: lint.Nginx, Fix: diag.Safe, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "the directive does not end where its line ends",
		Text: "Without `;` nginx reads the next line as more arguments. Its own message then names the next line or the `}`, and " +
			"speaks of a wrong number of arguments.",
		Examples: []lint.Example{{Server: ir.Nginx,
			Before: "location /a {\n    return 301 /x\n}\n",
			After:  "location /a {\n    return 301 /x;\n}\n"}},
		Source: "nginx ngx_conf_file.c, ngx_conf_read_token",
	},
	Explains: []string{"RD019", "RD026", "RD029", "RD305", "RD021", "RD001", "RD106", "RD514", "RD002", "RD010"}, Precedence: 55,
	Explain: explainMissingSemicolon,
}

// swallowed is the index of the first argument that begins a line and is a directive of its own; -1: none.
func swallowed(p *lint.Pass, d *lint.Directive) int {
	end := d.Name.Span.End
	for i, w := range d.Args {
		gap := raw(p, source.Span{Start: end, End: w.Span.Start})
		end = w.Span.End
		if w.Quote != 0 || !strings.Contains(gap, "\n") || !knownDirective(ir.Nginx, w.Text) {
			continue
		}
		if takes(ir.Nginx, d.Name.Text, i) && takes(ir.Nginx, w.Text, len(d.Args)-i-1) {
			return i
		}
		// The second directive may lack its semicolon as well.
		for j := i + 1; j < len(d.Args); j++ {
			gap := raw(p, source.Span{Start: d.Args[j-1].Span.End, End: d.Args[j].Span.Start})
			if strings.Contains(gap, "\n") && knownDirective(ir.Nginx, d.Args[j].Text) &&
				takes(ir.Nginx, d.Name.Text, i) && takes(ir.Nginx, w.Text, j-i-1) {
				return i
			}
		}
	}
	return -1
}

func explainMissingSemicolon(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
	if at == nil || !d.Refuses {
		if at != nil && d.Code != "RD019" && swallowed(p, at) >= 0 {
			d.Severity = 0 // of an argument that is none; the missing semicolon is told
			return d, true
		}
		return d, d.Code == "RD019"
	}
	i := swallowed(p, at)
	if i < 0 || !knownDirective(ir.Nginx, at.Name.Text) {
		return d, d.Code == "RD019"
	}
	last := at.Name
	if i > 0 {
		last = at.Args[i-1]
	}
	d.Span = source.Span{Start: last.Span.End - 1, End: last.Span.End}
	d.Message = "`;` is missing at the end of this line: nginx reads " + quote(at.Args[i].Text) + " as an argument of " +
		quote(at.Name.Text) + "; " + p.Refusal()
	d.Related = []diag.Related{{File: p.File, Span: at.Args[i].Span, Message: "this is no argument"}}
	d.Fixes = []diag.Fix{{Title: "insert `;`", Safety: diag.Safe, Edits: source.Insert(last.Span.End, ";")}}
	return d, true
}
