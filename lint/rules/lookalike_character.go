package rules

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var lookalikeCharacter = lint.Rule{
	Code: "RD014", ID: "lookalike-character", Severity: diag.Error, For: lint.Both, Fix: diag.Safe, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a character that only looks right",
		Text: "A Cyrillic `е` in a directive's name, “typographic” quotes or a long dash come with text that went through a word " +
			"processor, a chat or a web page. To the server they are other bytes: the name is unknown, the quotes belong to the path. " +
			"A word written in one script throughout is left alone.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "Redirect 301 “/a” /b\n", After: "Redirect 301 \"/a\" /b\n"},
			{Server: ir.Nginx, Before: "return 301 “https://x.example/”;\n", After: "return 301 \"https://x.example/\";\n"},
		},
		Source: "httpd server/util.c, ap_getword_conf; Unicode Technical Standard 39, confusables",
	},
	Explains: []string{"RD014", "RD001", "RD002", "RD005", "RD009", "RD010", "RD026", "RD029", "RD305", "RD613", "RD514", "RD021", "RD013", "RD023"}, Precedence: 90,
	Explain:   explainLookalike,
	Directive: checkLookalike,
}

// asciiOf is the ASCII letter or mark that a character is mistaken for.
var asciiOf = map[rune]string{
	'а': "a", 'с': "c", 'ԁ': "d", 'е': "e", 'һ': "h", 'і': "i", 'ј': "j", 'ӏ': "l", 'о': "o", 'р': "p", 'ԛ': "q", 'ѕ': "s",
	'у': "y", 'х': "x", 'ԝ': "w", 'А': "A", 'В': "B", 'С': "C", 'Е': "E", 'Н': "H", 'І': "I", 'Ј': "J", 'К': "K", 'М': "M",
	'О': "O", 'Р': "P", 'Ѕ': "S", 'Т': "T", 'Х': "X", 'У': "Y", 'к': "k", 'м': "m", 'т': "t", 'в': "b", 'н': "h",
	'Α': "A", 'Β': "B", 'Ε': "E", 'Ζ': "Z", 'Η': "H", 'Ι': "I", 'Κ': "K", 'Μ': "M", 'Ν': "N", 'Ο': "O", 'Ρ': "P", 'Τ': "T",
	'Υ': "Y", 'Χ': "X", 'ο': "o", 'ν': "v", 'α': "a", 'ρ': "p", 'ι': "i", 'κ': "k", 'υ': "u", 'ı': "i",
	'“': `"`, '”': `"`, '„': `"`, '‟': `"`, '«': `"`, '»': `"`, '″': `"`, '＂': `"`,
	'‘': "'", '’': "'", '‚': "'", '‛': "'", '′': "'", '＇': "'",
	'‐': "-", '‑': "-", '‒': "-", '–': "-", '—': "-", '―': "-", '−': "-", '…': "...", '⁄': "/", '∕': "/", '∗': "*",
}

// ascii gives the look-alike's ASCII form; full-width forms are computed.
func ascii(r rune) (string, bool) {
	if s, ok := asciiOf[r]; ok {
		return s, true
	}
	if r >= '！' && r <= '～' {
		return string(r - '！' + '!'), true
	}
	return "", false
}

func isTypographic(r rune) bool {
	return strings.ContainsRune("“”„‟«»″＂‘’‚‛′＇‐‑‒–—―−", r)
}

// skeleton is text with every look-alike replaced; changed tells whether there was one, and only when nothing
// but ASCII is left.
func skeleton(text string) (out string, changed bool) {
	if isASCII(text) {
		return text, false
	}
	var b strings.Builder
	for _, r := range text {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
			continue
		}
		s, ok := ascii(r)
		if !ok {
			return text, false
		}
		b.WriteString(s)
	}
	return b.String(), true
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// nameRune is a character for a message: "U+0435, Cyrillic".
func nameRune(r rune) string {
	for name, table := range map[string]*unicode.RangeTable{"Cyrillic": unicode.Cyrillic, "Greek": unicode.Greek} {
		if unicode.Is(table, r) {
			return fmt.Sprintf("%s U+%04X", name, r)
		}
	}
	return fmt.Sprintf("U+%04X", r)
}

// firstLookalike finds the first character of a text that is one.
func firstLookalike(text string) (r rune, at int) {
	for i, c := range text {
		if c >= utf8.RuneSelf {
			if _, ok := ascii(c); ok {
				return c, i
			}
		}
	}
	return 0, -1
}

func explainLookalike(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
	if at == nil {
		return d, false
	}
	words := append([]lint.Word{at.Name}, at.Args...)
	for i, w := range words {
		text := raw(p, w.Span)
		if !utf8.ValidString(text) {
			continue
		}
		r, n := firstLookalike(text)
		if n < 0 {
			continue
		}
		clean, ok := skeleton(text)
		if !ok {
			continue
		}
		w, clean = throughQuote(p, w, words[i+1:], clean)
		touches := w.Span.Start <= d.Span.End && d.Span.Start <= w.Span.End
		if !touches && d.Code != "RD026" && d.Code != "RD005" {
			continue
		}
		if i == 0 && !knownDirective(at.Server, strings.Trim(clean, "<>\"'")) {
			continue
		}
		return lookalikeFinding(p, d, w, r, n, clean), true
	}
	return d, false
}

// throughQuote lengthens a word that opens a quote it does not close up to the word that does: the server, which does not see the
// quotes, reads several.
func throughQuote(p *lint.Pass, w lint.Word, next []lint.Word, clean string) (lint.Word, string) {
	for _, mark := range []string{`"`, "'"} {
		if strings.Count(clean, mark) != 1 {
			continue
		}
		for _, n := range next {
			long := w
			long.Span.End = n.Span.End
			text := raw(p, long.Span)
			if all, ok := skeleton(text); ok && utf8.ValidString(text) && strings.Count(all, mark) == 2 && strings.HasSuffix(all, mark) {
				return long, all
			}
		}
	}
	return w, clean
}

func lookalikeFinding(p *lint.Pass, d diag.Diagnostic, w lint.Word, r rune, n int, clean string) diag.Diagnostic {
	start := w.Span.Start + int32(n)
	d.Span = source.Span{Start: start, End: start + int32(utf8.RuneLen(r))}
	s, _ := ascii(r)
	if isTypographic(r) {
		d.Message = fmt.Sprintf("%q is not %q to the server; %s", string(r), s, p.Refusal())
	} else {
		d.Message = fmt.Sprintf("the %q in %s is %s, not Latin %s; %s", string(r), quote(raw(p, w.Span)), nameRune(r), s, p.Refusal())
	}
	d.Fixes = []diag.Fix{write(diag.Safe, w.Span, clean)}
	return d
}

func checkLookalike(p *lint.Pass, d *lint.Directive) {
	if d.Refused || isASCII(raw(p, d.Line)) {
		return
	}
	words := d.Args
	if !pathDirective(d) {
		if valueDirective(d) {
			for _, w := range words {
				if text := raw(p, w.Span); w.Quote == 0 && utf8.ValidString(text) {
					quotedByLookalikes(p, d, w, text)
				}
			}
		}
		return
	}
	for i, w := range words {
		text := raw(p, w.Span)
		if isASCII(text) || !utf8.ValidString(text) {
			continue
		}
		if clean, ok := skeleton(text); ok && d.Is("RewriteCond") && i == 1 && fileTestShape.MatchString(clean) {
			r, n := firstLookalike(text)
			at := source.Span{Start: w.Span.Start + int32(n), End: w.Span.Start + int32(n+utf8.RuneLen(r))}
			p.Report(at, fmt.Sprintf("%q is no hyphen to the server: this is no file test, httpd searches the text %s", string(r), quote(text)),
				write(diag.Risky, w.Span, clean))
			continue
		}
		if w.Quote == 0 {
			if quotedByLookalikes(p, d, w, text) {
				continue
			}
		}
		segmentLookalike(p, d, w, text)
	}
}

// fileTestShape is a file test or comparison of numbers of RewriteCond.
var fileTestShape = regexp.MustCompile(`^!?-([fdslLhxUF]|(eq|ne|lt|le|gt|ge)\d+)$`)

// pathDirective tells whether a directive's words are paths, patterns and addresses, not prose.
func pathDirective(d *lint.Directive) bool {
	if d.Server == ir.Nginx {
		return d.Is("location", "rewrite", "server_name", "root", "alias", "proxy_pass", "try_files") ||
			d.Is("return") && (isNginxRedirect(d.Arg(0)) || len(d.Args) == 1)
	}
	return d.Is("RewriteRule", "RewriteCond", "RewriteBase", "Redirect", "RedirectMatch", "RedirectPermanent", "RedirectTemp",
		"Alias", "AliasMatch", "ScriptAlias", "ScriptAliasMatch", "ProxyPass", "FallbackResource", "DirectoryIndex", "ServerName", "ServerAlias")
}

// valueDirective tells whether a directive's words are names, folders and header values, in which a typographic quote in front
// of a bare word was meant to be a quote.
func valueDirective(d *lint.Directive) bool {
	if d.Server == ir.Nginx {
		return d.Is("add_header", "proxy_set_header", "fastcgi_param", "expires", "index")
	}
	return d.Is("Header", "RequestHeader", "DocumentRoot", "<Directory", "<DirectoryMatch", "<Location", "<LocationMatch", "<Files", "<FilesMatch",
		"SetEnvIf", "SetEnvIfNoCase", "BrowserMatch", "ExpiresByType", "ExpiresDefault", "AddType", "AddHandler", "AddCharset")
}

// quotedByLookalikes reports a bare word that begins with a typographic quote.
func quotedByLookalikes(p *lint.Pass, d *lint.Directive, w lint.Word, text string) bool {
	r, size := utf8.DecodeRuneInString(text)
	s, ok := ascii(r)
	if !ok || s != `"` && s != "'" {
		return false
	}
	last, _ := utf8.DecodeLastRuneInString(text)
	lastASCII, closing := ascii(last)
	at := source.Span{Start: w.Span.Start, End: w.Span.Start + int32(size)}
	message := fmt.Sprintf("%q is no quote to the server: it is part of %s, which no request has", string(r), quote(text))
	if d.Is("Header", "RequestHeader", "add_header", "proxy_set_header", "fastcgi_param") {
		message = fmt.Sprintf("%q is no quote to the server: it is sent as part of %s", string(r), quote(text))
	} else if valueDirective(d) {
		message = fmt.Sprintf("%q is no quote to the server: it is part of %s", string(r), quote(text))
	}
	if t, ok := redirectTarget(p, d); ok && t.word.Span == w.Span {
		message = fmt.Sprintf("%q is no quote to the server: it is sent as part of the address %s", string(r), quote(text))
	}
	if closing && lastASCII == s && len(text) > 2*size {
		p.Report(at, message, write(diag.Risky, w.Span, s+text[size:len(text)-utf8.RuneLen(last)]+s))
	} else {
		p.Report(at, message)
	}
	return true
}

// segmentLookalike reports a single look-alike letter in a path segment that is ASCII otherwise.
func segmentLookalike(p *lint.Pass, d *lint.Directive, w lint.Word, text string) {
	at := 0
	for _, segment := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("/?&=.|()[]^$\\+*{}:, \"'", r) }) {
		at += strings.Index(text[at:], segment)
		start := at
		at += len(segment)
		if isASCII(segment) {
			continue
		}
		r, n := firstLookalike(segment)
		if n < 0 || isTypographic(r) {
			continue
		}
		clean, ok := skeleton(segment)
		letters := 0
		for _, c := range segment {
			if c < utf8.RuneSelf && unicode.IsLetter(c) {
				letters++
			}
		}
		if !ok || letters < 2 || utf8.RuneCountInString(segment)-countASCII(segment) != 1 {
			continue
		}
		s, _ := ascii(r)
		span := source.Span{Start: w.Span.Start + int32(start+n), End: w.Span.Start + int32(start+n+utf8.RuneLen(r))}
		p.Report(span, fmt.Sprintf("the %q in %s is %s, not Latin %s; the two are different addresses", string(r), quote(segment), nameRune(r), s),
			diag.Fix{Title: "write " + quote(clean), Safety: diag.Risky, Edits: source.Replace(span, s)})
	}
}

func countASCII(s string) int {
	n := 0
	for i := 0; i < len(s); i++ {
		if s[i] < utf8.RuneSelf {
			n++
		}
	}
	return n
}
