package rules

import (
	"regexp"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var htmlEntity = lint.Rule{
	Code: "RD016", ID: "html-entity", Severity: diag.Error, For: lint.Both, Fix: diag.Safe, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "text that was copied from the source of a web page",
		Text: "`&amp;` in a target is sent as it stands, so the second parameter arrives as `amp;y`. `&lt;IfModule` is no " +
			"section. nginx even ends the directive at the `;` of the entity.",
		Silence: "The target really carries HTML in a parameter.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^a$ /b?x=1&amp;y=2 [R,L]\n", After: "RewriteEngine On\nRewriteRule ^a$ /b?x=1&y=2 [R,L]\n"},
			{Server: ir.Nginx, Before: "return 301 /b?x=1&amp;y=2;\n", After: "return 301 /b?x=1&y=2;\n"},
		},
		Source: "nginx ngx_conf_file.c, ngx_conf_read_token",
	},
	Explains: []string{"RD016", "RD001", "RD029", "RD023"}, Precedence: 80,
	Explain:   explainEntity,
	Directive: checkEntity,
}

var entities = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&#39;", "'", "&apos;", "'", "&amp;", "&")

// ampersand is an entity between two parameters, or before the first.
var ampersand = regexp.MustCompile(`&(amp|lt|gt|quot|#39|#0?38|#x26);`)

func explainEntity(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
	if at == nil {
		return d, false
	}
	text := raw(p, at.Line)
	if at.Server == ir.Apache {
		name := at.Name.Text
		clean := entities.Replace(name)
		if clean == name || !knownDirective(ir.Apache, strings.Trim(clean, "</>\"'")) {
			return d, false
		}
		d.Span = at.Name.Span
		d.Message = quote(name) + " was copied from the source of a web page; " + p.Refusal()
		d.Fixes = []diag.Fix{write(diag.Safe, at.Line, entities.Replace(text))}
		return d, true
	}
	// nginx ended the directive before at the ; of the entity.
	prev := at.PrevPtr
	if prev == nil || prev.Line.End != at.Name.Span.Start {
		return d, false
	}
	before := raw(p, prev.Line)
	i := strings.LastIndexByte(before, '&')
	if i < 0 || !ampersand.MatchString(before[i:]) {
		return d, false
	}
	d.Span = source.Span{Start: prev.Line.Start + int32(i), End: prev.Line.End}
	entity := before[i:]
	d.Message = quote(entity) + " was copied from the source of a web page, and nginx ends the directive at its `;`; " + p.Refusal()
	d.Fixes = []diag.Fix{write(diag.Safe, d.Span, decodeEntity(entity))}
	return d, true
}

func decodeEntity(s string) string {
	switch s {
	case "&#38;", "&#038;", "&#x26;":
		return "&"
	}
	return entities.Replace(s)
}

func checkEntity(p *lint.Pass, d *lint.Directive) {
	t, ok := redirectTarget(p, d)
	if !ok || strings.IndexByte(t.text, '&') < 0 {
		return
	}
	for _, m := range ampersand.FindAllStringIndex(t.text, -1) {
		entity := t.text[m[0]:m[1]]
		right := decodeEntity(entity)
		rest := t.text[m[1]:]
		if right == "&" && !strings.Contains(rest, "=") {
			continue // no parameter follows
		}
		at := within(t.word, m[0], m[1])
		message := "this was copied from the source of a web page: " + quote(entity) + " is sent as it stands"
		if right == "&" {
			name, _, _ := strings.Cut(rest, "=")
			message += ", so the parameter arrives as " + quote(strings.TrimPrefix(entity, "&")+clip(name, 40))
		}
		p.Add(diag.Diagnostic{Severity: diag.Warning, Span: at, Message: message, Fixes: []diag.Fix{write(diag.Risky, at, right)}})
	}
}
