package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/source"
)

var unquotedBrace = lint.Rule{
	Code: "RD020", ID: "unquoted-brace", Severity: diag.Error, For: lint.Nginx, Fix: diag.Safe, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a pattern with a brace, semicolon or blank needs quotes",
		Text: "Outside quotes nginx ends a word at `{`, `;` and blanks, so `^/(\\d{4})/$` is cut to `^/(\\d` and the rest is read " +
			"as something else. In double quotes the pattern stays whole.",
		Examples: []lint.Example{{Server: ir.Nginx,
			Before: "rewrite ^/(\\d{4})/$ /y/$1 permanent;\n",
			After:  "rewrite \"^/(\\d{4})/$\" /y/$1 permanent;\n"}},
		Source: "nginx manual, ngx_http_rewrite_module: rewrite",
	},
	Explains: []string{"RD020", "RD514", "RD001", "RD029", "RD019", "RD026", "RD023", "RD021", "RD106"}, Precedence: 75,
	Explain: explainUnquotedBrace,
}

// regexWord is the word of a directive that is a regular expression in every case, by index; -1: none.
func regexWord(d *lint.Directive) int {
	switch {
	case d.Is("rewrite") && len(d.Args) >= 1:
		return 0
	case d.Is("location") && len(d.Args) >= 2 && (d.Arg(0) == "~" || d.Arg(0) == "~*"):
		return 1
	case d.Is("location") && len(d.Args) == 1 && strings.HasPrefix(d.Arg(0), "~"):
		return 0
	case d.Is("if"):
		for i, a := range d.Args {
			if t := strings.TrimPrefix(a.Text, "!"); (t == "~" || t == "~*") && i+1 < len(d.Args) {
				return i + 1
			}
		}
	case d.Is("server_name"):
		for i, a := range d.Args {
			if strings.HasPrefix(a.Text, "~") {
				return i
			}
		}
	case strings.HasPrefix(d.Name.Text, "~") || strings.HasPrefix(d.Name.Text, "^"):
		return -2 // a key of map: its name
	}
	return -1
}

func explainUnquotedBrace(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
	if at == nil {
		return d, d.Code == "RD020"
	}
	// The fault may be noticed later: in the pieces of the pattern that follow the brace.
	line := p.File.Line(at.Name.Span.Start)
	for owner, steps := at, 0; owner != nil && steps < 4; owner, steps = owner.PrevPtr, steps+1 {
		if steps > 0 && p.File.Line(owner.Line.End) != line {
			break
		}
		if out, ok := braceIn(p, d, owner); ok {
			return out, true
		}
	}
	if d.Code == "RD023" {
		// A brace inside a pattern opens a block that is never closed.
		for inner := at.NextPtr; inner != nil && inner.Name.Span.Start < at.Body.End; inner = inner.NextPtr {
			if out, ok := braceIn(p, d, inner); ok {
				return out, true
			}
		}
	}
	return d, d.Code == "RD020"
}

// braceIn explains a refusal by a pattern of the directive that breaks off at a brace or semicolon.
func braceIn(p *lint.Pass, d diag.Diagnostic, owner *lint.Directive) (diag.Diagnostic, bool) {
	i := regexWord(owner)
	if i == -1 {
		return d, false
	}
	w := owner.Name
	if i >= 0 {
		w = owner.Args[i]
	}
	cut := w.Span.End
	if w.Quote != 0 || int(cut) >= len(p.File.Text) || p.File.Text[cut] != '{' && p.File.Text[cut] != ';' {
		return d, false
	}
	whole, ok := wholePattern(p.File, w.Span)
	if !ok {
		return d, false
	}
	d.Span = source.Span{Start: cut, End: cut + 1}
	d.Related, d.Help = nil, "put the whole regular expression into quotes"
	d.Message = "nginx ends the word at `" + string(p.File.Text[cut]) + "`: the pattern needs quotes; " + p.Refusal()
	d.Fixes = nil
	if !strings.ContainsAny(p.File.Slice(whole), `"`) {
		start := whole.Start
		if strings.HasPrefix(p.File.Slice(whole), "~") && owner.Is("location") {
			return d, true // a quote behind a glued modifier protects nothing
		}
		d.Fixes = []diag.Fix{{Title: "put the pattern into double quotes", Safety: diag.Safe,
			Edits: append(source.Insert(start, `"`), source.Insert(whole.End, `"`)...)}}
	}
	return d, true
}

// wholePattern is the word as it was meant: from its first byte to the blank or the end of line behind it,
// braces and semicolons included, without the `;` or `{` that ends the directive.
func wholePattern(f *source.File, w source.Span) (source.Span, bool) {
	end := int(w.Start)
	for end < len(f.Text) && f.Text[end] != ' ' && f.Text[end] != '\t' && f.Text[end] != '\n' && f.Text[end] != '\r' {
		end++
	}
	text := string(f.Text[w.Start:end])
	if strings.HasPrefix(text, "~") {
		text = strings.TrimLeft(text, "~*")
	}
	start := end - len(text)
	for _, cut := range []string{"", ";", "{"} {
		if t, ok := strings.CutSuffix(text, cut); ok && t != "" {
			if _, err := pattern.Parse(t, pattern.Nginx); err == nil && len(t) > int(w.End)-start {
				return source.NewSpan(int(w.Start), start+len(t)), true
			}
		}
	}
	return source.Span{}, false
}
