package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var swallowedLine = lint.Rule{
	Code: "RD017", ID: "swallowed-line", Severity: diag.Error, For: lint.Apache, Fix: diag.Risky, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a backslash at the end of a line that does not do what it seems to",
		Text: "httpd joins a line that ends in a backslash with the next one before it looks for comments: a comment whose last " +
			"byte is `\\` takes the directive below with it. A backslash with blanks behind it, on the other hand, joins nothing.",
		Examples: []lint.Example{{Server: ir.Apache,
			Before: "# old pages, see C:\\sites\\\nRedirect 301 /a /b\n",
			After:  "# old pages, see C:\\sites\nRedirect 301 /a /b\n"}},
		Source: "httpd server/util.c, ap_cfg_getline",
	},
	Explains: []string{"RD017", "RD001", "RD003", "RD005", "RD026", "RD029", "RD002", "RD514"}, Precedence: 60,
	Explain: explainLooseBackslash,
	Comment: checkSwallowedLine,
}

func checkSwallowedLine(p *lint.Pass, c *lint.Comment) {
	if p.Unit.Input.Server != ir.Apache {
		return
	}
	text := p.File.Slice(c.Span)
	first, rest, more := strings.Cut(text, "\n")
	if !more {
		return
	}
	at := c.Span.Start + int32(len(strings.TrimSuffix(first, "\r"))) - 1
	for line, next := rest, ""; ; line = next {
		line, next, more = strings.Cut(line, "\n")
		body := strings.TrimSpace(strings.TrimSuffix(strings.TrimSuffix(line, "\r"), "\\"))
		if looksLikeDirective(body) {
			span := source.Span{Start: at, End: at + 1}
			p.Report(span, "the comment's final `\\` makes the next line part of the comment: "+quote(clip(body, 80))+" never runs",
				diag.Fix{Title: "remove the backslash", Safety: diag.Risky, Edits: source.Replace(span, "")})
			return
		}
		if !more {
			return
		}
		at += int32(len(line) + 1)
	}
}

// looksLikeDirective tells whether a line begins with a directive's name or a section's tag, and goes on as one does.
func looksLikeDirective(line string) bool {
	name, rest, _ := strings.Cut(line, " ")
	if tag, ok := strings.CutPrefix(name, "<"); ok {
		return knownDirective(ir.Apache, strings.Trim(tag, "/>"))
	}
	if !knownDirective(ir.Apache, name) {
		return false
	}
	// Many names are plain words; prose does not have their capitals.
	return name != strings.ToLower(name) && strings.TrimSpace(rest) != "" && takes(ir.Apache, name, len(strings.Fields(rest)))
}

// looseBackslash is the place of a backslash with blanks behind it at the end of a directive; ok is false when there is none.
func looseBackslash(p *lint.Pass, d *lint.Directive) (at source.Span, ok bool) {
	line := raw(p, d.Line)
	end := d.Line.End
	if !strings.HasSuffix(line, "\\") || int(end) >= len(p.File.Text) {
		return at, false
	}
	blanks := 0
	for i := int(end); i < len(p.File.Text) && p.File.Text[i] != '\n'; i++ {
		if c := p.File.Text[i]; c == ' ' || c == '\t' {
			blanks++
		}
	}
	return source.Span{Start: end - 1, End: end}, blanks > 0
}

func explainLooseBackslash(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
	if at == nil || at.Server != ir.Apache {
		return d, false
	}
	span, ok := looseBackslash(p, at)
	owner := at
	if !ok && at.PrevPtr != nil && at.PrevPtr.Parent == at.Parent {
		owner = at.PrevPtr
		span, ok = looseBackslash(p, owner)
	}
	if !ok {
		return d, false
	}
	end := owner.Line.End
	for int(end) < len(p.File.Text) && (p.File.Text[end] == ' ' || p.File.Text[end] == '\t') {
		end++
	}
	d.Span = span
	d.Message = "blanks follow this backslash, so it does not join the next line; " + p.Refusal()
	d.Fixes = []diag.Fix{{Title: "remove the blanks behind the backslash", Safety: diag.Safe,
		Edits: source.Replace(source.Span{Start: span.End, End: end}, "")}}
	return d, true
}
