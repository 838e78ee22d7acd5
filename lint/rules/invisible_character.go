package rules

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var invisibleCharacter = lint.Rule{
	Code: "RD015", ID: "invisible-character", Severity: diag.Error, For: lint.Both, Fix: diag.Safe, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a character that cannot be seen",
		Text: "A non-breaking space does not part two words, a zero-width space belongs to the word it hides in, and a byte " +
			"order mark at the start of a file makes its first word unknown. Editors show none of them. Inside a comment they do no harm.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^a$ /b\u00a0[R,L]\n", After: "RewriteEngine On\nRewriteRule ^a$ /b [R,L]\n"},
			{Server: ir.Nginx, Before: "return 301\u00a0/x;\n", After: "return 301 /x;\n"},
		},
		Source: "httpd server/util.c, ap_getword_conf; nginx ngx_conf_file.c, ngx_conf_read_token",
	},
	Explains:   []string{"RD015", "RD001", "RD002", "RD003", "RD005", "RD009", "RD010", "RD013", "RD026", "RD029", "RD019", "RD021", "RD106", "RD304", "RD305", "RD514", "RD613", "RD023"},
	Precedence: 100,
	Explain:    explainInvisible,
	Directive:  checkInvisible,
}

// isInvisible tells whether a character is blank or nothing to the eye and not blank to the servers.
func isInvisible(r rune) bool {
	switch {
	case r == 0xA0 || r == 0x1680 || r >= 0x2000 && r <= 0x200F || r >= 0x2028 && r <= 0x202F,
		r == 0x205F, r == 0x2060, r == 0x3000, r == 0xFEFF, r == 0xAD:
		return true
	}
	return r < ' ' && r != '\t' && r != '\n' && r != '\r' && r != '\v' && r != '\f' || r == 0x7f
}

var invisibleNames = map[rune]string{0xA0: "non-breaking space", 0x200B: "zero-width space", 0x200C: "zero-width non-joiner",
	0x200D: "zero-width joiner", 0x2060: "word joiner", 0xFEFF: "byte order mark", 0x3000: "ideographic space", 0xAD: "soft hyphen",
	0x202F: "narrow non-breaking space", 0x200E: "left-to-right mark", 0x200F: "right-to-left mark", 0: "NUL byte"}

func invisibleName(r rune) string {
	if n := invisibleNames[r]; n != "" {
		return fmt.Sprintf("%s (U+%04X)", n, r)
	}
	if unicode.IsSpace(r) {
		return fmt.Sprintf("special space (U+%04X)", r)
	}
	return fmt.Sprintf("invisible character (U+%04X)", r)
}

// isWide tells whether a character stands for a blank; the others stand for nothing.
func isWide(r rune) bool {
	return r == 0xA0 || r == 0x1680 || r >= 0x2000 && r <= 0x200A || r == 0x2028 || r == 0x2029 || r == 0x202F || r == 0x205F || r == 0x3000
}

// hidden is a run of the same invisible character.
type hidden struct {
	r    rune
	span source.Span
	word int // -1: between two words or in the name
}

// hiddenIn finds the invisible characters of a directive that matter.
func hiddenIn(p *lint.Pass, d *lint.Directive) []hidden {
	span := d.Line
	if span.Start == 3 && strings.HasPrefix(string(p.File.Text[:3]), "\uFEFF") {
		span.Start = 0
	}
	text := raw(p, span)
	if plainText(text) {
		return nil
	}
	var out []hidden
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && size == 1 || !isInvisible(r) {
			i += size
			continue
		}
		j := i + size
		for j < len(text) && strings.HasPrefix(text[j:], string(r)) {
			j += size
		}
		h := hidden{r, source.Span{Start: span.Start + int32(i), End: span.Start + int32(j)}, -1}
		for n, w := range d.Args {
			if w.Span.Contains(h.span) {
				h.word = n
			}
		}
		if !excused(p, d, h, text, i, j) {
			out = append(out, h)
		}
		i = j
	}
	return out
}

// plainText tells whether a text has neither control characters nor anything beyond ASCII.
func plainText(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 0x7f || c < ' ' && c != '\t' && c != '\n' && c != '\r' {
			return false
		}
	}
	return true
}

// excused are characters that belong where they are: in prose, and joiners inside words of other scripts.
func excused(p *lint.Pass, d *lint.Directive, h hidden, text string, i, j int) bool {
	if h.word < 0 {
		return false
	}
	w := d.Args[h.word]
	if w.Quote != 0 && !pathDirective(d) {
		return true
	}
	if d.Server == ir.Nginx && !pathDirective(d) && d.Is("return", "add_header", "log_format", "default_type", "sub_filter") {
		return true
	}
	before, _ := utf8.DecodeLastRuneInString(text[:i])
	after, _ := utf8.DecodeRuneInString(text[j:])
	joiner := h.r == 0x200C || h.r == 0x200D
	return joiner && before >= 0x300 && after >= 0x300 || h.r == 0x3000 && w.Quote != 0
}

func explainInvisible(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
	if at == nil {
		return d, false
	}
	list := hiddenIn(p, at)
	if len(list) == 0 {
		return d, false
	}
	h := list[0]
	near := d.Code == "RD026" || d.Code == "RD005" || d.Code == "RD029" || d.Code == "RD019"
	for _, x := range list {
		if x.span.Start <= d.Span.End && d.Span.Start <= x.span.End {
			h, near = x, true
			break
		}
	}
	if !near {
		return d, false
	}
	d.Span = h.span
	d.Message = "a " + invisibleName(h.r) + " stands here and is no blank to " + p.Server() + "; " + p.Refusal()
	if h.r == 0xFEFF && h.span.Start == 0 {
		d.Message = "the file begins with a " + invisibleName(h.r) + ", which makes its first word unknown; " + p.Refusal()
	}
	d.Fixes = []diag.Fix{invisibleFix(p, at, h, diag.Safe)}
	return d, true
}

func invisibleFix(p *lint.Pass, d *lint.Directive, h hidden, s diag.Safety) diag.Fix {
	if isWide(h.r) {
		return diag.Fix{Title: "write a plain blank", Safety: s, Edits: source.Replace(h.span, " ")}
	}
	return diag.Fix{Title: "remove it", Safety: s, Edits: source.Replace(h.span, "")}
}

func checkInvisible(p *lint.Pass, d *lint.Directive) {
	for _, h := range hiddenIn(p, d) {
		where := "stands here"
		if h.word >= 0 {
			where = "is part of " + quote(clip(raw(p, d.Args[h.word].Span), 60))
		}
		message := "a " + invisibleName(h.r) + " " + where
		if isWide(h.r) {
			message += "; " + p.Server() + " does not part words there"
		} else {
			message += ", and no request has it there"
		}
		p.Report(h.span, message, invisibleFix(p, d, h, diag.Risky))
	}
}

// clip shortens a text for a message to n bytes or a little less.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + "…"
}
