package apache

import (
	"strings"

	"rewright/parser/ir"
	"rewright/parser/source"
)

// expressionText reads an expression string: text with %{NAME} and %{function:argument} in it, as ErrorDocument and
// Redirect without a path take it. Source: httpd manual, "Expressions", string mode.
func expressionText(text string, span source.Span) *ir.Template {
	if t, err := ParseExprString(text, span, ExprOptions{}); err == nil {
		return t
	}
	t := &ir.Template{Text: text, Span: span}
	for text != "" {
		i := strings.Index(text, "%{")
		end := -1
		if i >= 0 {
			end = strings.IndexByte(text[i:], '}')
		}
		if i < 0 || end < 0 {
			t.Parts = append(t.Parts, ir.Part{Kind: ir.Literal, Text: text, Span: span})
			break
		}
		if i > 0 {
			t.Parts = append(t.Parts, ir.Part{Kind: ir.Literal, Text: text[:i], Span: span})
		}
		body := text[i+2 : i+end]
		p := ir.Part{Kind: ir.Variable, Text: text[i : i+end+1], Span: span}
		if space, name, ok := strings.Cut(body, ":"); ok {
			p.Space, p.Name = strings.ToLower(space), name
		} else {
			p.Name = strings.ToUpper(body)
		}
		t.Parts = append(t.Parts, p)
		text = text[i+end+1:]
	}
	return t
}
