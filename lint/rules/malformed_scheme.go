package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var malformedScheme = lint.Rule{
	Code: "RD013", ID: "malformed-scheme", Severity: diag.Error, For: lint.Both, Fix: diag.Safe, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "the scheme of the target is misspelt",
		Text: "`https:/host` and `https//host` are no absolute addresses. mod_rewrite takes them for files: in a `.htaccess` the " +
			"Location is the site's own address followed by the directory's path on disk. Redirect and nginx send them as they stand, and the " +
			"browser stays on the old site.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "Redirect 301 /old https:/new.example.net/\n", After: "Redirect 301 /old https://new.example.net/\n"},
			{Server: ir.Nginx, Before: "return 301 https//new.example.net/;\n", After: "return 301 https://new.example.net/;\n"},
		},
		Source: "httpd mod_rewrite.c, is_absolute_uri; nginx ngx_http_rewrite_module.c, ngx_http_rewrite",
	},
	Explains: []string{"RD013", "RD029", "RD613", "RD009"}, Precedence: 35,
	Explain: func(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
		if at == nil {
			return d, false
		}
		t, ok := redirectTarget(p, at)
		if !ok {
			return d, false
		}
		n, right := schemeSlip(t.text)
		if right == "" {
			return d, false
		}
		d.Span = within(t.word, 0, n)
		d.Message = quote(t.text[:n]) + " is no scheme; " + p.Refusal()
		d.Fixes = []diag.Fix{write(diag.Safe, d.Span, right)}
		return d, true
	},
	Directive: func(p *lint.Pass, d *lint.Directive) {
		if d.Refused {
			return
		}
		t, ok := redirectTarget(p, d)
		if !ok || strings.Contains(clip(t.text, 12), "\\:") || strings.Contains(clip(t.text, 12), ":\\/") {
			return
		}
		n, right := schemeSlip(t.text)
		if right == "" {
			return
		}
		at := within(t.word, 0, n)
		p.Report(at, schemeMessage(p, d, t, right, n), write(diag.Risky, at, right))
	},
}

func schemeMessage(p *lint.Pass, d *lint.Directive, t target, right string, n int) string {
	begin := t.text[:n]
	host := t.text[n:]
	if i := strings.IndexAny(host, "/$%"); i >= 0 {
		host = host[:i]
	}
	switch {
	case strings.Contains(begin, "://") && strings.HasSuffix(begin, "://") && strings.Count(begin, "://") == 2:
		return "two schemes in a row: the address names the host " + quote(strings.Trim(begin[strings.Index(begin, "://")+3:], ":/"))
	case strings.HasPrefix(begin, "http://") || strings.HasPrefix(begin, "https://"):
		return quote(begin) + " has a slash too many: the address it begins names no host"
	}
	message := quote(begin) + " does not begin an absolute address: "
	switch {
	case d.Is("RewriteRule") && p.Htaccess():
		return message + "httpd takes the target for a file below this directory, and the visitor never reaches " + quote(host)
	case d.Is("RewriteRule", "rewrite"):
		return message + p.Server() + " takes the target for a path of this site, and the visitor never reaches " + quote(host)
	}
	return message + p.Server() + " sends it as it stands, and it names no host"
}

// schemeSlip reads the misspelt beginning of a target: how many bytes of it are wrong, and what they should be.
func schemeSlip(text string) (n int, right string) {
	lower := strings.ToLower(text)
	i := 0
	for i < len(lower) && 'a' <= lower[i] && lower[i] <= 'z' {
		i++
	}
	word, rest := lower[:i], lower[i:]
	if word == "" {
		return 0, ""
	}
	if word != "http" && word != "https" {
		if !strings.HasPrefix(rest, "://") || otherSchemes[word] || !oneSlip(word, "http") && !oneSlip(word, "https") {
			return 0, ""
		}
		return i + len("://"), nearScheme(word) + "://"
	}
	for _, marks := range []string{":\\\\", ";//", "::///", ":://", ":///", "://", "//", ":/", ":"} {
		if !strings.HasPrefix(rest, marks) {
			continue
		}
		after := rest[len(marks):]
		for marks == ":///" && strings.HasPrefix(after, "/") {
			marks, after = marks+"/", after[1:]
		}
		n := i + len(marks)
		switch {
		case marks == "://":
			if k := strings.Index(after, "://"); k >= 0 && (after[:k] == "http" || after[:k] == "https") {
				return n + k + len("://"), after[:k] + "://"
			}
			return 0, ""
		case !hostLike(after):
			return 0, ""
		}
		return n, word + "://"
	}
	return 0, ""
}

// nearScheme chooses between http and https for a misspelt word: the one that ends as the word does.
func nearScheme(word string) string {
	if strings.HasSuffix(word, "s") {
		return "https"
	}
	return "http"
}

// otherSchemes are schemes one edit away from http or https that exist.
var otherSchemes = map[string]bool{"shttp": true, "httpu": true}

// oneSlip tells whether one insertion, deletion, replacement or swap makes b of a.
func oneSlip(a, b string) bool {
	if a == b || len(a) > len(b)+1 || len(b) > len(a)+1 {
		return false
	}
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	x, y := a[i:], b[i:]
	switch {
	case len(x) == len(y):
		return x[1:] == y[1:] || len(x) >= 2 && x[0] == y[1] && x[1] == y[0] && x[2:] == y[2:]
	case len(x) < len(y):
		return x == y[1:]
	}
	return x[1:] == y
}

// hostLike tells whether text begins with something with a dot in it, as host names have, or a variable.
func hostLike(text string) bool {
	end := strings.IndexAny(text, "/?#:")
	if end < 0 {
		end = len(text)
	}
	host := text[:end]
	return strings.Contains(strings.Trim(host, "."), ".") || strings.HasPrefix(host, "%{") || strings.HasPrefix(host, "$") ||
		host == "localhost"
}
