package intent

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"rewright/parser/source"
)

// word is one word of a comment.
type word struct {
	text   string // lower case; a URL, a path or an identifier is opaque: its text is "§"
	raw    string // as written
	span   source.Span
	first  bool // of its line
	last   bool // of its line
	begin  bool // of a sentence, or of a piece of a list
	end    bool // a sentence ends behind it
	ask    bool // with a question mark
	opened bool // a bracket opens before it
	closed bool // a bracket closes behind it
	stop   byte // what is written behind it: one of , : ; . ! ? ) - and 0
}

const opaque = "§"

// split takes lines apart into words.
func split(lines []Line) []word {
	var out []word
	for _, l := range lines {
		text, from := l.Text, len(out)
		for i := 0; i < len(text); {
			if isBlank(text[i]) {
				i++
				continue
			}
			j := i
			for j < len(text) && !isBlank(text[j]) {
				j++
			}
			out = chunk(out, text[i:j], l.Start+int32(i))
			i = j
		}
		if len(out) == from {
			continue
		}
		out[from].first, out[len(out)-1].last = true, true
		if from == 0 || bullet(text) {
			out[from].begin = true
			if from > 0 {
				out[from-1].end = true
			}
		}
	}
	for i := range out {
		if i == 0 || out[i-1].end {
			out[i].begin = true
		}
	}
	if len(out) > 0 {
		out[len(out)-1].end = true
	}
	return out
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// bullet tells whether a line is a piece of a list.
func bullet(s string) bool {
	s = strings.TrimLeft(s, " \t")
	if strings.HasPrefix(s, "- ") || strings.HasPrefix(s, "* ") || strings.HasPrefix(s, "• ") {
		return true
	}
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return n > 0 && n < 3 && n < len(s) && (s[n] == '.' || s[n] == ')')
}

// chunk adds the words of a piece of text without blanks.
func chunk(out []word, s string, at int32) []word {
	w := word{}
	trimmed := strings.TrimLeftFunc(s, func(r rune) bool { return strings.ContainsRune("([{\"'`*_<“„«‘", r) })
	w.opened = strings.ContainsAny(s[:len(s)-len(trimmed)], "([{")
	at += int32(len(s) - len(trimmed))
	body := strings.TrimRightFunc(trimmed, func(r rune) bool { return strings.ContainsRune(".,:;!?)]}\"'`*_>”“»’…", r) })
	tail := trimmed[len(body):]
	w.closed = strings.ContainsAny(tail, ")]}")
	for i := 0; i < len(tail); i++ {
		switch c := tail[i]; c {
		case '.', '!', ';':
			w.end, w.stop = true, c
		case '?':
			w.end, w.ask, w.stop = true, true, c
		case ',', ':':
			w.stop = c
		}
	}
	if body == "" {
		if len(out) > 0 {
			switch {
			case strings.ContainsAny(tail, "?"):
				out[len(out)-1].ask, out[len(out)-1].end = true, true
			case strings.ContainsAny(tail, ")]}"):
				out[len(out)-1].closed = true
			}
		}
		return out
	}
	if isMark(body) { // a dash, an arrow; a ruler says nothing
		if strings.IndexByte("#=*~_+|", body[0]) >= 0 && body != "=>" || strings.Trim(body, "-") == "" && len(body) > 2 {
			return out
		}
		w.text, w.raw = body, body
		if body == "->" || body == "=>" || body == "→" || body == "⇒" || body == "-->" {
			w.text = "→"
		}
		w.span = source.Span{Start: at, End: at + int32(len(body))}
		return append(out, w)
	}
	pieces := []string{body}
	switch {
	case strings.Contains(body, "://") || body[0] == '/' || strings.HasPrefix(body, "www.") || body[0] == '#' || body[0] == '$' || body[0] == '%' || body[0] == '^':
	case strings.Contains(body, "/"):
		pieces = strings.Split(body, "/")
		for _, p := range pieces {
			if strings.ContainsAny(p, ".") && !isDateLike(p) {
				pieces = []string{body}
				break
			}
		}
		if isDateLike(body) {
			pieces = []string{body}
		}
	case strings.Count(body, "-") == 1:
		a, b, _ := strings.Cut(body, "-")
		if _, _, ok := codeOf(a); ok && b != "" {
			pieces = []string{a, b}
		} else if _, _, ok := codeOf(b); ok && a != "" && !isDateLike(body) {
			pieces = []string{a, b}
		}
	}
	for i, p := range pieces {
		n := w
		n.raw = p
		n.span = source.Span{Start: at, End: at + int32(len(p))}
		at += int32(len(p) + 1)
		if i > 0 {
			n.opened = false
		}
		if i < len(pieces)-1 {
			n.end, n.ask, n.closed, n.stop = false, false, false, 0
		}
		n.text = lower(p)
		if len(pieces) == 1 && isOpaque(p) {
			n.text = opaque
			if strings.HasPrefix(lower(p), "http/") {
				n.text = "http" // HTTP/1.1
			}
		}
		if p != "" {
			out = append(out, n)
		}
	}
	return out
}

// isMark tells whether a text holds neither letters nor digits.
func isMark(s string) bool {
	for _, r := range s {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || r == utf8.RuneError {
			return false
		}
	}
	return true
}

// isOpaque tells whether a text is no word of a language: a URL, a path, a file name, a variable.
func isOpaque(s string) bool {
	if isDateLike(s) {
		return false
	}
	if strings.ContainsAny(s, "/\\$%^=<>{}[]()|@#&+~") {
		return true
	}
	if i := strings.LastIndexByte(s, '.'); i > 0 && i < len(s)-1 && isAlnum(s[i+1]) {
		return !strings.EqualFold(s, "i.e") && !strings.EqualFold(s, "e.g") && !strings.EqualFold(s, "z.b")
	}
	return strings.Contains(s, "_") || strings.Contains(s, "::")
}

// isDateLike tells whether a text is digits with the separators of dates.
func isDateLike(s string) bool {
	digits, seps := 0, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			digits++
		case (c == '-' || c == '.' || c == '/') && i > 0:
			seps++
		default:
			return false
		}
	}
	return digits >= 4 && (seps == 2 || seps == 1 && digits >= 5)
}

// lower is a word in lower case as UTF-8; bytes that are no UTF-8 are read as Latin-1.
func lower(s string) string {
	plain := true
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 || 'A' <= s[i] && s[i] <= 'Z' {
			plain = false
			break
		}
	}
	if plain {
		return s
	}
	if !utf8.ValidString(s) {
		var b strings.Builder
		for i := 0; i < len(s); i++ {
			b.WriteRune(rune(s[i]))
		}
		s = b.String()
	}
	return strings.ReplaceAll(strings.ToLower(s), "’", "'")
}

// reader goes over the words of a comment.
type reader struct {
	words []word
	dates []Date
}

// sentence gives the bounds of the sentence that holds word i: from, and one behind the last.
func (r *reader) sentence(i int) (from, to int) {
	for from = i; from > 0 && !r.words[from].begin; from-- {
	}
	for to = i; to < len(r.words)-1 && !r.words[to].end; to++ {
	}
	return from, to + 1
}

// asks tells whether the sentence that ends before to is a question.
func (r *reader) asks(to int) bool { return r.words[to-1].ask }

// quote is the text of words a to b, b not included, on one line.
func (r *reader) quote(a, b int) (string, source.Span) {
	var parts []string
	for _, w := range r.words[a:b] {
		s := w.raw
		if w.opened {
			s = "(" + s
		}
		if w.closed {
			s += ")"
		} else if w.stop == ',' || w.stop == ':' {
			s += string(w.stop)
		}
		parts = append(parts, s)
	}
	text := strings.TrimRight(strings.Join(parts, " "), ",:")
	if b-a == 1 {
		text = r.words[a].raw
	}
	if strings.Count(text, "(") != strings.Count(text, ")") {
		text = strings.Map(func(c rune) rune {
			if c == '(' || c == ')' {
				return -1
			}
			return c
		}, text)
	}
	return text, source.Span{Start: r.words[a].span.Start, End: r.words[b-1].span.End}
}

// near tells whether one of a set of words stands among words a to b, b not included.
func (r *reader) near(a, b int, set map[string]bool) bool {
	for i := max(a, 0); i < min(b, len(r.words)); i++ {
		if set[r.words[i].text] {
			return true
		}
	}
	return false
}

// set makes a set of words.
func set(list string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(list) {
		m[w] = true
	}
	return m
}
