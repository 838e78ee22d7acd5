package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var wrongFlagSeparator = lint.Rule{
	Code: "RD007", ID: "wrong-flag-separator", Severity: diag.Error, For: lint.Apache, Fix: diag.Risky, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "flags are separated by commas only",
		Text: "httpd reads the number of `R=`, `S=` and `N=` up to the first byte that is no digit and forgets the rest. In " +
			"`[R=301;L]` the status is 301 and `L` is gone without a message, so the rules below still run.",
		Examples: []lint.Example{{Server: ir.Apache,
			Before: "RewriteEngine On\nRewriteRule ^a$ /b [R=301;L]\n",
			After:  "RewriteEngine On\nRewriteRule ^a$ /b [R=301,L]\n"}},
		Source: "httpd mod_rewrite.c, cmd_rewriterule_setflag (atoi)",
	},
	Explains: []string{"RD007", "RD002", "RD305", "RD005"}, Precedence: 40,
	Explain: func(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
		if at == nil || at.Server != ir.Apache {
			return d, false
		}
		list, ok := readFlags(p, at)
		if !ok {
			return d, false
		}
		for _, f := range list {
			if f.span.Start > d.Span.Start || f.span.End < d.Span.End {
				continue
			}
			if at, tail, ok := separatorIn(f); ok {
				d.Span = at
				d.Message = "flags are separated by commas: " + quote(f.text) + " is no flag; " + p.Refusal()
				d.Fixes = []diag.Fix{write(diag.Safe, at, ","+tail)}
				return d, true
			}
		}
		return d, false
	},
	Directive: checkWrongFlagSeparator,
}

// separatorIn finds in a flag another flag behind a wrong separator: "R=301;L", "L;R=301".
func separatorIn(f flag) (at source.Span, tail string, ok bool) {
	value, base := f.value, f.valSet.Start
	switch canonicalFlag(ruleFlags, f.name) {
	case "R", "S", "N":
		digits := len(value) - len(strings.TrimLeft(value, "0123456789"))
		if digits == 0 && value != "" {
			for _, word := range []string{"permanent", "temp", "seeother"} {
				if len(value) > len(word) && strings.EqualFold(value[:len(word)], word) && strings.IndexByte(";|.+:/ ", value[len(word)]) >= 0 {
					digits = len(word)
				}
			}
		}
		if digits == 0 {
			return at, "", false
		}
		rest := value[digits:]
		tail = strings.TrimLeft(rest, ";|.+:/ ")
		name, _, _ := strings.Cut(tail, "=")
		if rest == "" || canonicalFlag(ruleFlags, name) == "" {
			return at, "", false
		}
		start := base + int32(digits)
		return source.Span{Start: start, End: start + int32(len(rest))}, tail, true
	case "":
		i := strings.IndexAny(f.text, ";|.+")
		if i <= 0 || canonicalFlag(ruleFlags, f.text[:i]) == "" {
			return at, "", false
		}
		tail = strings.TrimLeft(f.text[i:], ";|.+ ")
		name, _, _ := strings.Cut(tail, "=")
		if canonicalFlag(ruleFlags, name) == "" {
			return at, "", false
		}
		start := f.span.Start + int32(i)
		return source.Span{Start: start, End: f.span.End}, tail, true
	}
	return at, "", false
}

func checkWrongFlagSeparator(p *lint.Pass, d *lint.Directive) {
	if d.Server != ir.Apache || d.Refused || !d.Is("RewriteRule") {
		return
	}
	list, ok := readFlags(p, d)
	if !ok {
		return
	}
	for _, f := range list {
		at, tail, ok := separatorIn(f)
		if !ok || !f.hasEq {
			continue
		}
		rest := raw(p, at)
		message := "flags are separated by commas: httpd reads " + quote(strings.TrimSuffix(f.text, rest)) + " and throws " + quote(rest) + " away"
		if name, _, _ := strings.Cut(tail, "="); canonicalFlag(ruleFlags, name) == "L" {
			message += ", so the rules below still run"
		}
		p.Report(at, message, write(diag.Risky, at, ","+tail))
	}
}
