package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

// quote sets a piece of configuration off from the prose of a message.
func quote(s string) string { return "`" + s + "`" }

// raw is the text of a span as written in the file at hand.
func raw(p *lint.Pass, s source.Span) string { return p.File.Slice(s) }

// within is the span of a piece of a word: bytes from a to b of its text as written inside the quotes.
func within(w lint.Word, a, b int) source.Span {
	s := w.Inner()
	return source.Span{Start: s.Start + int32(a), End: s.Start + int32(b)}
}

// plain is the text of a word as written, quotes removed; ok is false when lines are joined inside it, so that
// offsets into the text are not offsets into the file.
func plain(p *lint.Pass, w lint.Word) (text string, ok bool) {
	text = raw(p, w.Inner())
	return text, !strings.Contains(text, "\\\n") && !strings.Contains(text, "\\\r\n")
}

// write is a fix that puts text in the place of a span.
func write(safety diag.Safety, s source.Span, text string) diag.Fix {
	return diag.Fix{Title: "write " + quote(text), Safety: safety, Edits: source.Replace(s, text)}
}

// safety is what a fix is when all it does is what the text says: safe where the server refuses the file as it
// is, since no answer changes; risky where it answers today and would answer otherwise.
func safety(refuses bool) diag.Safety {
	if refuses {
		return diag.Safe
	}
	return diag.Risky
}

// either is words for a message: "`a`", "`a` or `b`", "`a`, `b` or `c`".
func either(words []string) string {
	if len(words) > 3 {
		words = words[:3]
	}
	out := ""
	for i, w := range words {
		switch {
		case i > 0 && i == len(words)-1:
			out += " or "
		case i > 0:
			out += ", "
		}
		out += quote(w)
	}
	return out
}

// target is where a directive sends a request, if it does that.
type target struct {
	word     lint.Word
	text     string // as written, without quotes
	redirect bool   // for certain an external redirect
}

// redirectTarget is the target of a redirect or rewrite; ok is false for other directives, for targets that
// are discarded or absent, and for those written over several lines.
func redirectTarget(p *lint.Pass, d *lint.Directive) (t target, ok bool) {
	at := -1
	if d.Server == ir.Apache {
		switch {
		case d.Is("RewriteRule"):
			if len(d.Args) >= 2 {
				at = 1
			}
		case d.Is("Redirect", "RedirectMatch"):
			n := len(d.Args)
			if n == 3 || n == 2 && !isRedirectStatus(d.Arg(0)) {
				at, t.redirect = n-1, true
			}
		case d.Is("RedirectPermanent", "RedirectTemp"):
			if len(d.Args) == 2 {
				at, t.redirect = 1, true
			}
		}
	} else {
		switch d.Name.Text {
		case "rewrite":
			if len(d.Args) >= 2 {
				at = 1
			}
		case "return":
			switch {
			case len(d.Args) == 2 && isNginxRedirect(d.Arg(0)):
				at, t.redirect = 1, true
			case len(d.Args) == 1 && !startsWithDigit(d.Arg(0)):
				at, t.redirect = 0, true
			}
		}
	}
	if at < 0 {
		return t, false
	}
	t.word = d.Args[at]
	t.text, ok = plain(p, t.word)
	return t, ok && t.text != "-"
}

// isRedirectStatus tells whether the first word of Redirect is a status and no path.
// Source: httpd mod_alias.c, add_redirect_internal.
func isRedirectStatus(s string) bool {
	switch strings.ToLower(s) {
	case "permanent", "temp", "seeother", "gone":
		return true
	}
	return startsWithDigit(s)
}

func startsWithDigit(s string) bool { return s != "" && '0' <= s[0] && s[0] <= '9' }

func isNginxRedirect(code string) bool {
	switch code {
	case "301", "302", "303", "307", "308":
		return true
	}
	return false
}

// atoi reads digits at the start of s as C's atoi does (without sign and blanks) and tells what is left.
func atoi(s string) (n int, rest string) {
	for s != "" && '0' <= s[0] && s[0] <= '9' && n < 1e8 {
		n, s = n*10+int(s[0]-'0'), s[1:]
	}
	return n, s
}

func isLetters(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i] | 0x20; c < 'a' || c > 'z' {
			return false
		}
	}
	return s != ""
}

// logicalTail is the text of a directive from an offset to the end of its logical line.
func logicalTail(p *lint.Pass, d *lint.Directive, from int32) string {
	return p.File.Slice(source.Span{Start: from, End: d.Line.End})
}

// indentation is the blanks a line begins with.
func indentation(f *source.File, at int32) string {
	ls := f.LineSpan(f.Line(at))
	text := f.Slice(ls)
	return text[:len(text)-len(strings.TrimLeft(text, " \t"))]
}

// newline is the line ending of the line that holds the byte at.
func newline(f *source.File, at int32) string {
	ls := f.LineSpan(f.Line(at))
	if int(ls.End) < len(f.Text) && f.Text[ls.End] == '\r' {
		return "\r\n"
	}
	return "\n"
}
