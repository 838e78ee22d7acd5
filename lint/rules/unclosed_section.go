package rules

import (
	"regexp"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

// crossed is what httpd says when a section's end stands inside another section.
var crossed = regexp.MustCompile(`^Expected (</[^>]+>) but saw (</[^>]+>)`)

var unclosedSection = lint.Rule{
	Code: "RD023", ID: "unclosed-section", Severity: diag.Error, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a section or block has no end, or an end has no beginning",
		Text: "httpd and nginx refuse a file whose sections do not close. An `<IfModule>` of an existing module that is never closed " +
			"is accepted in a `.htaccess`; everything to the end of the file then belongs to it. Ends are compared without letter case.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "<Files x>\nRequire all denied\n", After: "<Files x>\nRequire all denied\n</Files>\n"},
			{Server: ir.Nginx, Before: "location /a {\n    return 301 /b;\n", After: "location /a {\n    return 301 /b;\n}\n"},
		},
		Source: "httpd server/core.c; nginx ngx_conf_file.c, ngx_conf_parse",
	},
	Explain: func(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
		if !d.Refuses && p.Htaccess() {
			d.Severity = diag.Warning
		}
		if m := crossed.FindStringSubmatch(d.ServerMessage); m != nil {
			d.Message = quote(m[2]) + " stands where " + quote(m[1]) + " has to come first"
		}
		d, _ = withRefusal(p, d, at)
		if at == nil || !at.Section || d.Span.Start > at.Line.End || len(d.Fixes) > 0 {
			return d, true
		}
		if at.Server == ir.Apache && strings.HasPrefix(raw(p, at.Line), "<") && !strings.Contains(d.Message, `closing ">"`) &&
			strings.Contains(d.Message, "never closed") {
			d.Fixes = closeSection(p, at)
		}
		return d, true
	},
}

// closeSection writes the end of a section: where its indented body ends, else at the end of the file. With an end there that
// the server takes no better it is not offered.
func closeSection(p *lint.Pass, head *lint.Directive) []diag.Fix {
	end := "</" + head.Name.Text + ">"
	var list []diag.Fix
	if at, ok := bodyEnd(p, head); ok {
		indent := raw(p, source.Span{Start: p.File.LineSpan(p.File.Line(head.Line.Start)).Start, End: head.Line.Start})
		list = append(list, diag.Fix{Title: "close it where its indented lines end", Safety: diag.Risky,
			Edits: source.Insert(at, indent+end+newline(p.File, at))})
	}
	n := int32(len(p.File.Text))
	text := end + "\n"
	if n > 0 && p.File.Text[n-1] != '\n' {
		text = "\n" + text
	}
	list = append(list, diag.Fix{Title: "close it at the end of the file", Safety: diag.Risky, Edits: source.Insert(n, text)})
	for _, f := range list {
		if closes(p, f.Edits) {
			return []diag.Fix{f}
		}
	}
	return nil
}

// bodyEnd is the start of the first line that is indented no further than the head of a section, when the lines before it are.
func bodyEnd(p *lint.Pass, head *lint.Directive) (int32, bool) {
	width := func(line source.Span) (int, bool) {
		text := raw(p, line)
		rest := strings.TrimLeft(text, " \t")
		return len(text) - len(rest), strings.TrimSpace(rest) != ""
	}
	own, _ := width(p.File.LineSpan(p.File.Line(head.Line.Start)))
	body := false
	after := int32(0)
	for line := p.File.Line(head.Line.End) + 1; line <= p.File.Line(int32(len(p.File.Text))); line++ {
		w, some := width(p.File.LineSpan(line))
		switch {
		case !some:
		case w > own:
			body, after = true, p.File.LineSpan(line+1).Start
		default:
			return after, body
		}
	}
	return 0, false
}

// closes tells whether the server has less to say about sections after an edit.
func closes(p *lint.Pass, edits []source.Edit) bool {
	count := func(list []diag.Diagnostic) (refusals, sections int) {
		for i := range list {
			if list[i].Refuses {
				refusals++
			}
			if list[i].Code == "RD023" {
				sections++
			}
		}
		return refusals, sections
	}
	r0, s0 := count(p.Unit.Diagnostics)
	r1, s1 := -1, -1
	tryText(p, edits, func(u *lint.Unit) { r1, s1 = count(u.Diagnostics) })
	return r1 >= 0 && r1 <= r0 && s1 < s0
}
