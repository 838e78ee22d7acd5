package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var malformedIf = lint.Rule{
	Code: "RD021", ID: "malformed-if", Severity: diag.Error, For: lint.Nginx, Fix: diag.Safe, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "nginx has no such condition",
		Text: "`if` makes one test: a variable alone, a variable compared by `=` or `!=`, matched by `~` or `~*` (with `!` before), " +
			"or a file test. There is no `==`, no `&&`, no `else`, and the left side is one bare variable. Two values are compared by " +
			"joining them first: `set $k \"$scheme:$host\";`, then `if ($k = \"http:example.com\")`.",
		Examples: []lint.Example{{Server: ir.Nginx,
			Before: "if ($scheme == http) {\n    return 301 https://$host$request_uri;\n}\n",
			After:  "if ($scheme = http) {\n    return 301 https://$host$request_uri;\n}\n"}},
		Source: "nginx ngx_http_rewrite_module.c, ngx_http_rewrite_if_condition",
	},
	Explains: []string{"RD021", "RD001", "RD106", "RD029", "RD026", "RD028"}, Precedence: 52,
	Explain: explainMalformedIf,
}

func explainMalformedIf(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
	if at == nil {
		return d, false
	}
	name := at.Name.Text
	switch {
	case name == "else" || name == "elseif" || name == "elsif" || name == "elif":
		d.Span = at.Name.Span
		d.Message = "nginx has no " + quote(name) + "; " + p.Refusal()
		d.Help = "write a second `if` with the opposite test, or use map"
		return d, true
	case strings.HasPrefix(name, "if("):
		d.Span = at.Name.Span
		d.Message = "a blank must follow `if`; " + p.Refusal()
		d.Fixes = []diag.Fix{{Title: "insert a blank behind `if`", Safety: diag.Safe, Edits: source.Insert(at.Name.Span.Start+2, " ")}}
		return d, true
	case name == "if" && at.Parent != nil && at.Parent.Is("if") && d.Span.Start == at.Name.Span.Start:
		d.Message = "`if` inside `if` is not allowed; " + p.Refusal()
		d.Help = "collect the results with `set $flag \"${flag}A\";` and test them once"
		return d, true
	case name != "if":
		return d, false
	}
	for i, a := range at.Args {
		t := strings.Trim(a.Text, "()")
		switch {
		case t == "&&" || t == "||" || i > 0 && (t == "and" || t == "or") && i < len(at.Args)-1:
			d.Span = a.Span
			d.Message = "nginx `if` has one test and no " + quote(t) + "; " + p.Refusal()
			d.Help = "join the values first: `set $k \"$scheme:$host\";`, then `if ($k = \"http:example.com\")`"
			return d, true
		}
	}
	for i, a := range at.Args {
		right := ""
		switch a.Text {
		case "==", "===", "eq":
			right = "="
		case "!==", "ne", "<>":
			right = "!="
		case "=~":
			right = "~"
		case "!~~", "!=~":
			right = "!~"
		case "<", ">", "<=", ">=":
			d.Span = a.Span
			d.Message = "nginx `if` cannot compare by " + quote(a.Text) + "; " + p.Refusal()
			d.Help = "use a map with a regular expression"
			return d, true
		}
		if right != "" && i > 0 {
			d.Span = a.Span
			d.Message = "nginx `if` has no operator " + quote(a.Text) + "; " + p.Refusal()
			d.Fixes = []diag.Fix{write(diag.Safe, a.Span, right)}
			return d, true
		}
	}
	if len(at.Args) > 0 && d.Refuses && (d.Code == "RD021" || d.Code == "RD029") {
		first := at.Args[0]
		text := strings.TrimLeft(first.Text, "(")
		switch {
		case !strings.HasPrefix(first.Text, "("):
			d.Span = first.Span
			d.Message = "the test of `if` stands in parentheses; " + p.Refusal()
			return d, true
		case text != "" && text[0] != '$' && text[0] != '-' && text[0] != '!' && text[0] != ')' && isLetters(strings.Trim(text, ")_0123456789")):
			d.Span = first.Span
			d.Message = "the left side of `if` is one variable, and " + quote(text) + " is none; " + p.Refusal()
			name := strings.Trim(text, ")")
			if at := strings.Index(first.Text, name); at >= 0 && isNginxVariable(name) && first.Quote == 0 {
				d.Fixes = []diag.Fix{{Title: "write " + quote("$"+name), Safety: diag.Safe, Edits: source.Insert(first.Span.Start+int32(at), "$")}}
			}
			return d, true
		}
	}
	return d, false
}

func isNginxVariable(name string) bool {
	for _, v := range nginxVariables {
		if v == strings.ToLower(name) {
			return true
		}
	}
	return false
}
