package rules

import (
	"fmt"
	"strconv"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var commentContradictsStatus = lint.Rule{
	Code: "RD300", ID: "comment-contradicts-status", Severity: diag.Warning, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "the comment names one status, the directive sends another",
		Text: "One of the two is wrong, and the server follows the directive. 301 and 308 are kept by browsers for good; 301 and 302 " +
			"let POST become GET, 307 and 308 keep it. A number counts where the comment declares it (\"307 redirect\", \"(308)\"); " +
			"history, plans, warnings and comments that name two numbers are left alone.",
		Silence: "When the comment is about another rule, part the two by a blank line.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "# 307 redirect while the shop is rebuilt\nRedirect 301 /shop https://example.net/shop\n",
				After: "# 307 redirect while the shop is rebuilt\nRedirect 307 /shop https://example.net/shop\n"},
			{Server: ir.Apache, Before: "# 307 temporary redirect\nRedirect 301 / https://example.com/\n", After: "# 307 temporary redirect\nRedirect 307 / https://example.com/\n"},
			{Server: ir.Nginx, Before: "# 308: keep the POST\nlocation /hook { return 301 https://api.example.net/hook; }\n",
				After: "# 308: keep the POST\nlocation /hook { return 308 https://api.example.net/hook; }\n"},
		},
		Source: "RFC 9110 §15.4",
	},
	Program: func(p *lint.Pass, _ *ir.Program) {
		for _, r := range redirectsOf(p.Unit) {
			c := r.comment.Code
			if c == nil || c.Status == r.status || r.stated(p.Unit, lint.IntentKinds...) {
				continue
			}
			d := diag.Diagnostic{File: r.at.File, Span: r.statusPlace(p),
				Message: fmt.Sprintf("the comment says %s, the directive sends %d%s: %s", said(c.Words, c.Status), r.status, byDefault(r), brokenPromise(r.status, c.Status)),
				Related: []diag.Related{{File: r.at.File, Span: c.Span, Message: fmt.Sprintf("the comment says %d here", c.Status)}},
				Help:    fmt.Sprintf("send %s, or mend the comment if it is the one that is wrong", named(c.Status))}
			if fix, ok := r.respell(p, c.Status, diag.Risky); ok {
				d.Fixes = append(d.Fixes, fix)
			}
			if at, ok := digits(r.at.File, c.Span, c.Status); ok {
				d.Fixes = append(d.Fixes, diag.Fix{Title: fmt.Sprintf("write %d in the comment", r.status), Safety: diag.Shown,
					Edits: source.Replace(at, strconv.Itoa(r.status))})
			}
			p.Add(d)
		}
	},
}

// said is the status as the comment says it: the number, with its words when there are more.
func said(words string, status int) string {
	if n := strconv.Itoa(status); words != n {
		return fmt.Sprintf("%d (%q)", status, words)
	}
	return strconv.Itoa(status)
}

// byDefault says that a status is not written.
func byDefault(r *redirect) string {
	if r.written {
		return ""
	}
	return ", since none is written"
}

// digits is where a number stands in a span of a file.
func digits(f *source.File, in source.Span, n int) (source.Span, bool) {
	i := strings.Index(f.Slice(in), strconv.Itoa(n))
	if i < 0 {
		return source.Span{}, false
	}
	at := in.Start + int32(i)
	return source.Span{Start: at, End: at + 3}, true
}
