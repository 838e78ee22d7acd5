package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var wrongArgumentCount = lint.Rule{
	Code: "RD026", ID: "wrong-argument-count", Severity: diag.Error, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "too few or too many arguments",
		Text: "The server counts words. A path with a blank in it is two words unless it stands in quotes, and what comes after " +
			"moves one place on.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "Redirect 301 /my file.pdf /files/my-file.pdf\n", After: "Redirect 301 \"/my file.pdf\" /files/my-file.pdf\n"},
			{Server: ir.Nginx, Before: "rewrite ^/a b$ /x permanent;\n", After: "rewrite \"^/a b$\" /x permanent;\n"},
		},
		Source: "httpd server/config.c, invoke_cmd; nginx ngx_conf_file.c, ngx_conf_handler",
	},
	Explains: []string{"RD026", "RD005", "RD002", "RD009", "RD029", "RD613", "RD305"}, Precedence: 10,
	Explain: explainArgumentCount,
}

func explainArgumentCount(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
	own := d.Code == "RD026"
	if at == nil {
		return d, own
	}
	from, to := blankInside(p, at)
	if from < 0 {
		if own && !strings.Contains(d.Message, p.Server()) {
			d.Message += "; " + p.Refusal()
		}
		return d, own
	}
	first, last := at.Args[from], at.Args[to]
	d.Span = source.Span{Start: first.Span.Start, End: last.Span.End}
	text := raw(p, d.Span)
	d.Message = fmt.Sprintf("%s reads %s as %d words; a blank inside a path or pattern needs quotes; %s", at.Name.Text,
		quote(clip(text, 80)), to-from+1, p.Refusal())
	if whole, ok := strings.CutPrefix(text, "^ "); ok && p.Unit.Input.Server == ir.Apache {
		whole = "^" + strings.TrimSpace(whole)
		d.Message = fmt.Sprintf("the blank behind `^` ends the pattern; %s", p.Refusal())
		d.Fixes = []diag.Fix{{Title: "write " + quote(whole), Safety: diag.Risky, Edits: source.Replace(d.Span, whole)}}
	} else if !strings.Contains(text, `"`) && !strings.Contains(text, "\n") {
		d.Fixes = []diag.Fix{{Title: "write " + quote(`"`+text+`"`), Safety: diag.Risky, Edits: source.Replace(d.Span, `"`+text+`"`)}}
	}
	return d, true
}

// blankInside finds the words that are one path or pattern with blanks in it: joined, the number of arguments fits.
func blankInside(p *lint.Pass, d *lint.Directive) (from, to int) {
	words := make([]string, len(d.Args))
	for i, a := range d.Args {
		words[i] = raw(p, a.Span)
		if a.Quote != 0 || strings.HasPrefix(words[i], "#") || strings.Contains(words[i], "\n") {
			return -1, -1
		}
	}
	n := len(words)
	switch {
	case d.Is("Redirect", "RedirectMatch") && n >= 4:
		start := 0
		if isRedirectStatus(words[0]) {
			start = 1
		}
		// The target is the last word that begins as one.
		for t := n - 1; t > start+1; t-- {
			if strings.HasPrefix(words[t], "/") || strings.Contains(words[t], "://") {
				if t == n-1 && strings.ContainsAny(words[start], "/^(") {
					return start, t - 1
				}
				return -1, -1
			}
		}
		if n > start+2 && (strings.HasPrefix(words[start+1], "/") || strings.Contains(words[start+1], "://")) {
			return start + 1, n - 1
		}
	case d.Is("RewriteRule") && n == 3 && !strings.HasPrefix(words[2], "["):
		extra := strings.TrimSpace(raw(p, d.Extra))
		if words[0] == "^" && strings.HasPrefix(extra, "[") {
			return 0, 1
		}
		second := strings.HasPrefix(words[2], "/") || strings.Contains(words[2], "://") || words[2] == "-"
		if second && strings.HasPrefix(extra, "[") && !strings.HasPrefix(words[1], "/") {
			return 0, 1
		}
		if strings.HasSuffix(extra, "]") && strings.Contains(words[1], "/") && strings.IndexByte(extra, '[') == 0 {
			return 1, 2
		}
	case d.Server == ir.Nginx && d.Is("rewrite") && n >= 3:
		end := n
		last := false
		for _, f := range nginxRewriteFlags {
			last = last || words[n-1] == f
		}
		if last {
			end--
		}
		if end == 3 && !strings.HasPrefix(words[1], "/") && !strings.Contains(words[1], "://") &&
			(strings.HasPrefix(words[2], "/") || strings.Contains(words[2], "://")) {
			return 0, 1
		}
	}
	return -1, -1
}
