package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var unknownFlag = lint.Rule{
	Code: "RD002", ID: "unknown-flag", Severity: diag.Error, For: lint.Both, Fix: diag.Safe, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "there is no such flag",
		Text: "httpd refuses a flag it does not know, and the flags of RewriteRule and RewriteCond are two lists: `OR` on a rule " +
			"and `L` on a condition are unknown, too. By a slip in its source every flag of a rule that begins with `D` is accepted and " +
			"ignored, so `[R=301,DSQ]` works as `[R=301]`. nginx knows `last`, `break`, `redirect` and `permanent` only.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^a$ /b [R=301,LL]\n", After: "RewriteEngine On\nRewriteRule ^a$ /b [R=301,L]\n"},
			{Server: ir.Nginx, Before: "rewrite ^/a$ /b 301;\n", After: "rewrite ^/a$ /b permanent;\n"},
		},
		Source: "httpd mod_rewrite.c, cmd_rewriterule_setflag; nginx ngx_http_rewrite_module.c, ngx_http_rewrite",
	},
	Explain:   explainUnknownFlag,
	Directive: checkIgnoredFlag,
}

var nginxRewriteFlags = []string{"last", "break", "redirect", "permanent"}

func explainUnknownFlag(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
	if at == nil {
		return d, true
	}
	if at.Server == ir.Nginx {
		return explainNginxFlag(p, d, at)
	}
	table := flagTable(at)
	list, ok := readFlags(p, at)
	if table == nil || !ok {
		return d, true
	}
	for _, f := range list {
		if canonicalFlag(table, f.name) != "" || strings.HasPrefix(strings.ToUpper(f.name), "D") && at.Is("RewriteRule") {
			continue
		}
		if !strings.Contains(d.ServerMessage, "'"+f.name+"'") && !strings.Contains(d.ServerMessage, "'"+f.text+"'") {
			continue
		}
		return describeFlag(p, d, at, f, list), true
	}
	return d, true
}

func describeFlag(p *lint.Pass, d diag.Diagnostic, at *lint.Directive, f flag, list []flag) diag.Diagnostic {
	d.Span = f.span
	table := flagTable(at)
	if at.Is("RewriteRule") && canonicalFlag(condFlags, f.name) != "" {
		d.Message = quote(f.name) + " is a flag of RewriteCond and unknown to RewriteRule; " + p.Refusal()
		if len(list) > 1 {
			d.Fixes = []diag.Fix{dropFlag(p, at, f, list, diag.Risky)}
		}
		return d
	}
	if at.Is("RewriteCond") && canonicalFlag(ruleFlags, f.name) != "" {
		d.Message = quote(f.name) + " is a flag of RewriteRule and unknown to RewriteCond; " + p.Refusal()
		if len(list) > 1 {
			d.Fixes = []diag.Fix{dropFlag(p, at, f, list, diag.Risky)}
		}
		return d
	}
	d.Message = "no flag " + quote(f.name)
	name := source.Span{Start: f.span.Start, End: f.span.Start + int32(len(f.name))}
	if n := bareStatus(f.text); n != "" && at.Is("RewriteRule") {
		d.Message += "; a status is written " + quote("R="+n) + ". " + p.Refusal()
		d.Fixes = []diag.Fix{write(diag.Safe, f.span, "R="+n)}
		return d
	}
	if near := lint.Nearest(f.name, flagNames(table)); len(near) > 0 {
		d.Message += "; did you mean " + either(near) + "? " + p.Refusal()
		if len(near) == 1 && name.Len() > 0 {
			d.Fixes = []diag.Fix{write(diag.Safe, name, near[0])}
		}
		return d
	}
	if fix := splitGlued(table, f); fix != nil {
		d.Message += "; two flags without a comma between them? " + p.Refusal()
		d.Fixes = []diag.Fix{*fix}
		return d
	}
	d.Message += " of " + at.Name.Text + "; " + p.Refusal()
	return d
}

// bareStatus reads "301" or "R301" as a redirect status.
func bareStatus(s string) string {
	s = strings.TrimPrefix(strings.TrimPrefix(strings.ToUpper(s), "R"), ":")
	if n, rest := atoi(s); rest == "" && n >= 300 && n < 400 && len(s) == 3 {
		return s
	}
	return ""
}

// splitGlued offers a comma where a name is two flags one after the other ("NCL", "R=301L" is another matter).
func splitGlued(table map[string]flagInfo, f flag) *diag.Fix {
	var found *diag.Fix
	for i := 1; i < len(f.name); i++ {
		if f.hasEq {
			break
		}
		a, b := f.name[:i], f.name[i:]
		if canonicalFlag(table, a) != "" && canonicalFlag(table, strings.TrimLeft(b, ";:.|+/ ")) != "" {
			if found != nil {
				return nil
			}
			fix := write(diag.Safe, f.span, a+","+strings.TrimLeft(b, ";:.|+/ "))
			found = &fix
		}
	}
	return found
}

// dropFlag takes one flag out of a list.
func dropFlag(p *lint.Pass, at *lint.Directive, f flag, list []flag, s diag.Safety) diag.Fix {
	var rest []flag
	for _, g := range list {
		if g.span != f.span {
			rest = append(rest, g)
		}
	}
	w, _ := flagWord(at)
	return diag.Fix{Title: "drop " + quote(f.text), Safety: s, Edits: source.Replace(w.Inner(), joinFlags(rest))}
}

func explainNginxFlag(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
	if !at.Is("rewrite") || len(at.Args) != 3 {
		return d, true
	}
	w := at.Args[2]
	d.Span = w.Span
	d.Message = "nginx has no rewrite flag " + quote(w.Text) + "; "
	switch w.Text {
	case "301":
		d.Message += "write `permanent` (301), or `return 308` to keep the method. " + p.Refusal()
		d.Fixes = []diag.Fix{write(diag.Safe, w.Inner(), "permanent")}
		return d, true
	case "302":
		d.Message += "write `redirect` (302). " + p.Refusal()
		d.Fixes = []diag.Fix{write(diag.Safe, w.Inner(), "redirect")}
		return d, true
	}
	if near := lint.Nearest(w.Text, nginxRewriteFlags); len(near) > 0 {
		d.Message += "did you mean " + either(near) + "? " + p.Refusal()
		if len(near) == 1 {
			d.Fixes = []diag.Fix{write(diag.Safe, w.Inner(), near[0])}
		}
		return d, true
	}
	d.Message += "it knows last, break, redirect and permanent. " + p.Refusal()
	return d, true
}

// checkIgnoredFlag finds the flags that httpd accepts and ignores: all that begin with D.
func checkIgnoredFlag(p *lint.Pass, d *lint.Directive) {
	if !d.Is("RewriteRule") || d.Server != ir.Apache {
		return
	}
	list, ok := readFlags(p, d)
	if !ok {
		return
	}
	for _, f := range list {
		if f.name == "" || f.name[0]|0x20 != 'd' || canonicalFlag(ruleFlags, f.name) != "" {
			continue
		}
		message := "no flag " + quote(f.name) + "; httpd accepts every name that begins with D and ignores it"
		var fixes []diag.Fix
		if near := lint.Nearest(f.name, []string{"DPI", "discardpath"}); len(near) == 1 {
			fixes = append(fixes, write(diag.Risky, source.Span{Start: f.span.Start, End: f.span.Start + int32(len(f.name))}, near[0]))
		} else if len(list) > 1 {
			fixes = append(fixes, dropFlag(p, d, f, list, diag.Safe))
		}
		p.Report(f.span, message, fixes...)
	}
}
