package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/source"
)

var regexInPrefixDirective = lint.Rule{
	Code: "RD512", ID: "regex-in-prefix-directive", Severity: diag.Error, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "a regular expression where a plain path is compared",
		Text: "Redirect and Alias compare whole segments of a plain path that begins with `/`, and a location of nginx without `~` compares plain " +
			"text. `^/a$` there is a path with a caret and a dollar sign, which no one asks for; a full URL or a path without its slash is " +
			"never met either.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "Redirect 301 ^/a$ /b\n", After: "RedirectMatch 301 ^/a$ /b\n"},
			{Server: ir.Apache, Before: "Redirect 301 http://example.com/a /b\n", After: "Redirect 301 /a /b\n"},
			{Server: ir.Nginx, Before: "location ^/a$ {\n    return 301 /b;\n}\n", After: "location ~ ^/a$ {\n    return 301 /b;\n}\n"},
		},
		Source: "httpd mod_alias.c, alias_matches; nginx ngx_http_core_module.c, ngx_http_core_find_location",
	},
	Program: checkRegexInPrefix,
}

// looksLikeRegex tells whether a plain path was written as a regular expression.
func looksLikeRegex(path string) bool {
	return strings.HasPrefix(path, "^") || strings.HasSuffix(path, "$") ||
		strings.Contains(path, "(.") || strings.Contains(path, ".*") || strings.Contains(path, `\.`) || strings.Contains(path, "[^") ||
		strings.Contains(path, "[0-9") || strings.Contains(path, "[a-z") || strings.Contains(path, "(") && strings.Contains(path, "|") && strings.Contains(path, ")")
}

func checkRegexInPrefix(p *lint.Pass, g *ir.Program) {
	eachPlainPath(p, g, func(path string, at source.Span, r *ir.Rule, s *ir.Scope) {
		if strings.Contains(path, "${") {
			return
		}
		if s != nil {
			if looksLikeRegex(path) {
				regexLocation(p, s, path, at)
			}
			return
		}
		switch {
		case looksLikeRegex(path):
			regexSource(p, r, path, at)
		case strings.HasSuffix(path, "*") && strings.HasPrefix(path, "/"):
			d := diag.Diagnostic{Span: at, Message: fmt.Sprintf("%s compares plain text: %s is met only by a path with a star in it; what lies below a folder is met by its name alone",
				r.Keyword, quote(path))}
			if short := strings.TrimRight(path, "*"); short != "/" && plainWord(p, at, path) {
				d.Fixes = []diag.Fix{write(diag.Risky, inQuotes(p, at), short)}
			}
			p.Add(d)
		case isRedirect(r) && strings.Contains(path, "://"):
			d := diag.Diagnostic{Span: at, Message: fmt.Sprintf("%s compares the path, which begins with `/`; %s is never met", r.Keyword, quote(clip(path, 60)))}
			_, rest, _ := strings.Cut(path, "://")
			if i := strings.IndexByte(rest, '/'); i > 0 && plainWord(p, at, path) {
				d.Fixes = []diag.Fix{write(diag.Risky, inQuotes(p, at), rest[i:])}
			}
			p.Add(d)
		case len(r.Args) == 3 && r.Args[0].Text == path || r.Keyword == ir.Redirect && isLetters(path) || path[0] >= 0x80:
			// a status word, or quotes, as another rule says
		case isRedirect(r) && !strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "%"):
			d := diag.Diagnostic{Span: at, Message: fmt.Sprintf("%s compares the path, which begins with `/`; %s is never met", r.Keyword, quote(clip(path, 60)))}
			if plainWord(p, at, path) {
				d.Fixes = []diag.Fix{write(diag.Risky, inQuotes(p, at), "/"+path)}
			}
			p.Add(d)
		}
	})
}

func isRedirect(r *ir.Rule) bool {
	return r.Keyword == ir.Redirect || r.Keyword == ir.RedirectPermanent || r.Keyword == ir.RedirectTemp
}

// plainWord tells whether a word is written as it is read, but for quotes.
func plainWord(p *lint.Pass, at source.Span, text string) bool {
	return raw(p, inQuotes(p, at)) == text
}

// inQuotes is a span without the quotes it may have.
func inQuotes(p *lint.Pass, at source.Span) source.Span {
	if text := raw(p, at); len(text) >= 2 && (text[0] == '"' || text[0] == '\'') && text[len(text)-1] == text[0] {
		return source.Span{Start: at.Start + 1, End: at.End - 1}
	}
	return at
}

// matching is the directive that compares with a regular expression in the place of one that does not, and the status word
// that has to go with it.
var matching = map[ir.Keyword][2]string{ir.Redirect: {"RedirectMatch", ""}, ir.RedirectPermanent: {"RedirectMatch", " permanent"},
	ir.RedirectTemp: {"RedirectMatch", " temp"}, ir.Alias: {"AliasMatch", ""}, ir.ScriptAlias: {"ScriptAliasMatch", ""}}

func regexSource(p *lint.Pass, r *ir.Rule, path string, at source.Span) {
	better := matching[r.Keyword]
	d := diag.Diagnostic{Span: at, Message: fmt.Sprintf("%s compares plain text: %s is no regular expression here and never matches; %s takes one",
		r.Keyword, quote(clip(path, 60)), better[0])}
	fixed := path
	if strings.HasPrefix(path, "/") {
		fixed = "^" + path
	}
	dir := directiveAt(p, r.Origin)
	if _, err := pattern.Compile(fixed, pattern.Apache); err == nil && dir != nil && plainWord(p, at, path) {
		d.Fixes = []diag.Fix{{Title: "write " + quote(better[0]), Safety: diag.Risky, Edits: append(source.Replace(dir.Name.Span, better[0]+better[1]),
			source.Replace(inQuotes(p, at), fixed)...)}}
	}
	p.Add(d)
}

func regexLocation(p *lint.Pass, s *ir.Scope, path string, at source.Span) {
	d := diag.Diagnostic{Span: at, Message: fmt.Sprintf("location compares plain text without `~`: %s is no regular expression here and never matches", quote(clip(path, 60)))}
	if strings.HasPrefix(path, "/") && !strings.HasSuffix(path, "$") && s.Modifier == ir.PrefixLocation {
		d.Message = fmt.Sprintf("location compares plain text without `~`: %s is no regular expression here and is met only by that very text", quote(clip(path, 60)))
	}
	fixed := path
	if strings.HasPrefix(path, "/") {
		fixed = "^" + path
	}
	if _, err := pattern.Compile(fixed, pattern.Nginx); err == nil && plainWord(p, at, path) {
		span := at
		if len(s.Args) == 2 {
			span.Start = s.Args[0].Span.Start
		}
		text := fixed
		if strings.ContainsAny(fixed, "{};") || raw(p, at) != path {
			text = `"` + fixed + `"`
		}
		d.Fixes = []diag.Fix{write(diag.Risky, span, "~ "+text)}
	}
	p.Add(d)
}
