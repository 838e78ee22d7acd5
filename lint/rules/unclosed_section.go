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
	Code: "RD023", ID: "unclosed-section", Severity: diag.Error, For: lint.Both, Fix: diag.Risky, Since: "0.1",
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
		if at.Server == ir.Apache && strings.HasPrefix(raw(p, at.Line), "<") {
			end := source.Span{Start: int32(len(p.File.Text)), End: int32(len(p.File.Text))}
			text := "</" + at.Name.Text + ">\n"
			if n := len(p.File.Text); n > 0 && p.File.Text[n-1] != '\n' {
				text = "\n" + text
			}
			if !strings.Contains(d.Message, `closing ">"`) && strings.Contains(d.Message, "never closed") {
				d.Fixes = []diag.Fix{{Title: "close it at the end of the file", Safety: diag.Risky, Edits: source.Replace(end, text)}}
			}
		}
		return d, true
	},
}
