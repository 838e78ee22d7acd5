package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/pattern"
)

var wrongBackreferenceSigil = lint.Rule{
	Code: "RD025", ID: "wrong-backreference-sigil", Severity: diag.Error, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a group is referred to by the wrong sign",
		Text: "In mod_rewrite `$1` is a group of the rule's pattern and `%1` one of the last condition that matched; `\\1` is a plain " +
			"`1`. nginx knows `$1` only.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteCond %{QUERY_STRING} ^id=(\\d+)$\nRewriteRule ^page$ /item/$1? [R=301,L]\n",
				After: "RewriteEngine On\nRewriteCond %{QUERY_STRING} ^id=(\\d+)$\nRewriteRule ^page$ /item/%1? [R=301,L]\n"},
			{Server: ir.Nginx, Before: "rewrite ^/p/(.+)$ /q/%1 permanent;\n", After: "rewrite ^/p/(.+)$ /q/$1 permanent;\n"},
		},
		Source: "httpd mod_rewrite.c, do_expand; nginx ngx_http_script.c",
	},
	Directive: checkSigil,
}

// groups counts the capturing groups of a pattern; -1 when it does not compile.
func groups(text string, o pattern.Options) int {
	re, err := pattern.Compile(text, o)
	if err != nil {
		return -1
	}
	return re.Groups()
}

func checkSigil(p *lint.Pass, d *lint.Directive) {
	if d.Refused {
		return
	}
	if d.Server == ir.Nginx {
		if d.Is("rewrite") {
			nginxSigil(p, d)
		}
		return
	}
	if !d.Is("RewriteRule") || len(d.Args) < 2 || len(d.Args) > 2 && strings.Contains(d.Arg(2), "%{") {
		return
	}
	w := d.Args[1]
	text, ok := plain(p, w)
	if !ok || text == "-" || !strings.ContainsAny(text, "$%\\") {
		return
	}
	own, negated := d.Arg(0), false
	if rest, ok := strings.CutPrefix(own, "!"); ok {
		own, negated = rest, true
	}
	n := groups(own, pattern.Apache)
	if n < 0 {
		return
	}
	if negated {
		n = 0
	}
	condition, m := conditionGroups(p, d)
	for i := 0; i+1 < len(text); i++ {
		c, next := text[i], text[i+1]
		digit := int(next) - '0'
		if next == '{' && (c == '$' || c == '%') {
			if end := strings.IndexByte(text[i:], '}'); end > 0 {
				i += end
			}
			continue
		}
		if digit < 1 || digit > 9 {
			if c == '\\' {
				i++
			}
			continue
		}
		at := within(w, i, i+2)
		switch {
		case c == '\\' && digit <= n:
			p.Report(at, fmt.Sprintf("`\\%d` is a plain `%d` in a substitution; the group of the pattern is `$%d`", digit, digit, digit),
				write(diag.Risky, at, fmt.Sprintf("$%d", digit)))
			i++
		case c == '\\':
			i++
		case c == '$' && digit > n && n == 0 && condition != "" && digit <= m:
			p.Report(at, fmt.Sprintf("`$%d` is a group of the rule's pattern, which has none, so it is empty; the group of `RewriteCond %s` is `%%%d`",
				digit, clip(condition, 60), digit), write(diag.Risky, at, fmt.Sprintf("%%%d", digit)))
		case c == '%' && digit <= n && m == 0 && !hex(text, i+2):
			has := "the rule has none"
			if condition != "" {
				has = "none of this rule has one"
			}
			p.Report(at, fmt.Sprintf("`%%%d` is a group of a condition, and %s, so it is empty; the group of the pattern is `$%d`",
				digit, has, digit), write(diag.Risky, at, fmt.Sprintf("$%d", digit)))
		}
	}
}

// hex tells whether a hexadecimal digit stands at i: %20 is meant for an escape, not for a group.
func hex(s string, i int) bool {
	return i < len(s) && (startsWithDigit(s[i:]) || strings.IndexByte("abcdefABCDEF", s[i]) >= 0)
}

// conditionGroups looks at the conditions of a rule: the last one that captures, and how many groups the one with
// most has. A condition that is no pattern to us (expr, a file test) counts as one with nine.
func conditionGroups(p *lint.Pass, rule *lint.Directive) (text string, n int) {
	for d := rule.PrevPtr; d != nil; d = d.PrevPtr {
		if d.Is("RewriteRule") {
			break
		}
		if !d.Is("RewriteCond") || len(d.Args) < 2 {
			continue
		}
		if text == "" {
			text = d.Arg(0) + " " + d.Arg(1)
		}
		arg := d.Arg(1)
		if strings.EqualFold(d.Arg(0), "expr") || strings.Contains(p.File.Slice(d.Line), "${") {
			return text, 9
		}
		if strings.HasPrefix(arg, "!") || strings.HasPrefix(arg, "-") {
			continue
		}
		if k := groups(arg, pattern.Apache); k > n {
			n, text = k, d.Arg(0)+" "+arg
		}
	}
	return text, n
}

func nginxSigil(p *lint.Pass, d *lint.Directive) {
	if len(d.Args) < 2 {
		return
	}
	n := groups(d.Arg(0), pattern.Nginx)
	w := d.Args[1]
	text, ok := plain(p, w)
	if !ok || n < 1 {
		return
	}
	for i := 0; i+1 < len(text); i++ {
		digit := int(text[i+1]) - '0'
		if text[i] != '%' && text[i] != '\\' || digit < 1 || digit > n || text[i] == '%' && hex(text, i+2) {
			continue
		}
		at := within(w, i, i+2)
		p.Report(at, fmt.Sprintf("%s is sent as it stands; the group of the pattern is `$%d`", quote(text[i:i+2]), digit),
			write(diag.Risky, at, fmt.Sprintf("$%d", digit)))
		i++
	}
}
