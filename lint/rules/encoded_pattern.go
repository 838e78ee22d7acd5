package rules

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/source"
)

var encodedPattern = lint.Rule{
	Code: "RD508", ID: "encoded-pattern", Severity: diag.Error, For: lint.Both, Fix: diag.Safe, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "an encoded byte in a pattern for a decoded path",
		Text: "Both servers decode a path before they compare it: a request for `/old%20page` has the path `/old page`. A pattern, a Redirect or a " +
			"location with `%20` in it is met only by a path that was encoded twice, `/old%2520page`.",
		Silence: "Paths that are encoded twice are what is wanted.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "Redirect 301 /old%20page /new\n", After: "Redirect 301 \"/old page\" /new\n"},
			{Server: ir.Nginx, Before: "location = /a%20b {\n    return 301 /c;\n}\n", After: "location = \"/a b\" {\n    return 301 /c;\n}\n"},
		},
		Source: "httpd server/request.c, ap_process_request_internal; nginx ngx_http_parse.c, ngx_http_parse_complex_uri",
	},
	Program: checkEncoded,
}

// encodedByte is one encoded byte that is not an encoded percent sign, behind which another code may stand.
var encodedByte = lazyRegexp(`%[0-9A-Fa-f]{2}`)

func checkEncoded(p *lint.Pass, g *ir.Program) {
	var w witnesses
	eachUse(p, g, func(u *patternUse) {
		if !u.onPath || u.negated || strings.IndexByte(u.Text, '%') < 0 || strings.Contains(u.Text, "%25") || strings.Contains(u.Text, "%%") {
			return
		}
		code := encodedByte.get().FindString(u.Text)
		if code == "" {
			return
		}
		if word, yes := requires(u, code); yes {
			d := diag.Diagnostic{Span: u.whole(), Message: neverEncoded(u.urlOf(word))}
			if base, ok := u.plain(); ok {
				d.Fixes = decodePattern(p, u, base)
			}
			if u.tested == nil {
				w.missed(p, &d, u.rule, u.scope, u.urlOf(word))
			} else if path, err := url.PathUnescape(word); err == nil {
				w.compared(p, &d, u, path, false)
			}
			p.Add(d)
		}
	})
	eachPlainPath(p, g, func(path string, at source.Span, r *ir.Rule, s *ir.Scope) {
		if strings.Contains(path, "%25") || strings.Contains(path, "%%") || encodedByte.get().FindString(path) == "" || !strings.HasPrefix(path, "/") {
			return
		}
		d := diag.Diagnostic{Span: at, Message: neverEncoded(path)}
		if text, ok := decodeAll(path); ok && plainWord(p, at, path) && !(r != nil && strings.ContainsAny(text, `"\`)) && !strings.ContainsAny(text, "\"'\\{};$") {
			written := text
			if strings.ContainsAny(text, " #'") {
				written = `"` + text + `"`
			}
			d.Fixes = []diag.Fix{write(diag.Safe, at, written)}
			d.Fixes[0].States = true
		}
		w.missed(p, &d, r, s, strings.ReplaceAll(escapedPath(path), "%25", "%"))
		p.Add(d)
	})
}

func neverEncoded(url string) string {
	url = visibleText(url)
	return fmt.Sprintf("the path is compared after decoding: this never matches %s, only %s", quote(url), quote(strings.ReplaceAll(url, "%", "%25")))
}

// decodeAll decodes a plain path; ok is false when a byte of it could not be written or would change the path's segments.
func decodeAll(path string) (string, bool) {
	ok := true
	out := encodedByte.get().ReplaceAllStringFunc(path, func(code string) string {
		c := byteOf(code)
		ok = ok && c >= 0x20 && c != 0x7f && c != '/' && c != '?'
		return string([]byte{c})
	})
	return out, ok && utf8.ValidString(out)
}

func byteOf(code string) byte {
	n, _ := strconv.ParseUint(code[1:], 16, 8)
	return byte(n)
}

// decodePattern is the fix that writes the bytes of a pattern as they are compared.
func decodePattern(p *lint.Pass, u *patternUse, base int32) []diag.Fix {
	fix := diag.Fix{Title: "write the bytes as they are compared", Safety: diag.Safe, States: true}
	fixed, from := "", 0
	codes := encodedByte.get().FindAllStringIndex(u.Text, -1)
	for i := 0; i < len(codes); i++ {
		start, end := codes[i][0], codes[i][1]
		b := []byte{byteOf(u.Text[start:end])}
		for b[0] >= 0x80 && i+1 < len(codes) && codes[i+1][0] == end && byteOf(u.Text[codes[i+1][0]:codes[i+1][1]]) >= 0x80 {
			i++
			end = codes[i][1]
			b = append(b, byteOf(u.Text[codes[i][0]:end]))
		}
		text, ok := patternBytes(u, b)
		if !ok || start > 0 && u.Text[start-1] == '\\' {
			return nil
		}
		fixed += u.Text[from:start] + text
		from = end
		fix.Edits = append(fix.Edits, source.Edit{Span: source.Span{Start: base + int32(start), End: base + int32(end)}, Text: text})
	}
	fixed += u.Text[from:]
	if _, err := pattern.Compile(fixed, u.Options); err != nil || len(fix.Edits) == 0 {
		return nil
	}
	return []diag.Fix{fix}
}

// patternBytes writes bytes for a pattern where it stands.
func patternBytes(u *patternUse, b []byte) (string, bool) {
	c := b[0]
	switch {
	case len(b) > 1 && utf8.Valid(b):
		return string(b), true
	case len(b) > 1 || c < 0x20 || c >= 0x7f:
		out := ""
		for _, c := range b {
			out += fmt.Sprintf(`\x%02x`, c)
		}
		return out, true
	case c == '/' || c == '?':
		return "", false // another rule's, and httpd refuses an encoded slash
	case c == ' ' && u.quoted():
		return " ", true
	case c == ' ' && u.rule != nil && u.rule.Keyword == ir.RewriteRule:
		return `\ `, true // httpd keeps a word together at an escaped blank
	case c == ' ' || c == '"' || c == '\'' || c == ';' || c == '{' || c == '}' || c == '#':
		return fmt.Sprintf(`\x%02x`, c), true
	case strings.IndexByte(`\^$.[|()*+`, c) >= 0:
		return `\` + string(rune(c)), true
	}
	return string(rune(c)), true
}
