package apache

import (
	"strings"

	"rewright/parser/source"
)

// line is a logical line: what httpd reads as one, continuations joined and blanks around it gone.
// Source: httpd server/util.c, ap_varbuf_cfg_getline.
type line struct {
	text string // without blanks around it
	// pieces say where text comes from when it is no single run of the file; nil: from start on.
	pieces     []piece
	start, end int // offsets of the first byte and behind the last byte of text in the file
	next       int // offset behind the line end, where the next logical line starts
	length     int // bytes before trimming, as the length limit counts them
	lineFeed   bool
}

// piece is a run of a logical line: bytes from at on lie at offset from on in the file. A piece whose width
// is not -1 stands for a replaced ${NAME}: all its bytes lie at from … from+width.
type piece struct{ at, from, width int }

// isBlank tells whether C's isspace holds for c.
func isBlank(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

// readLine reads the logical line at offset at. Bytes of a physical line behind a NUL are not part of it,
// and without a line feed among them a backslash before the NUL does not continue.
func readLine(text string, at int) (l line) {
	l.read(text, at)
	return l
}

// read is readLine in place.
func (l *line) read(text string, at int) {
	i := strings.IndexByte(text[at:], '\n')
	end, next := len(text), len(text)
	if i >= 0 {
		end, next = at+i, at+i+1
		l.lineFeed = true
	}
	first := text[at:end]
	if nul := strings.IndexByte(first, 0); nul >= 0 {
		first = first[:nul]
	} else if l.lineFeed && continues(first) {
		*l = readContinued(text, at, next)
		return
	}
	l.length, l.next = len(first), next
	start, stop := 0, len(first)
	for stop > 0 && isBlank(first[stop-1]) {
		stop--
	}
	for start < stop && isBlank(first[start]) {
		start++
	}
	l.text, l.start, l.end = first[start:stop], at+start, at+stop
}

// continues tells whether a physical line (without its LF) ends in the backslash that joins the next one to it.
func continues(s string) bool {
	n := len(s)
	if n > 0 && s[n-1] == '\r' {
		n--
	}
	return n > 0 && s[n-1] == '\\'
}

// readContinued reads a logical line of several physical ones; next is the offset of the second.
func readContinued(text string, at, next int) line {
	var b strings.Builder
	l := line{lineFeed: true}
	for first := true; ; first = false {
		end := next - 1
		if !first {
			if at >= len(text) {
				l.next, l.lineFeed = at, false
				break
			}
			i := strings.IndexByte(text[at:], '\n')
			if l.lineFeed = i >= 0; l.lineFeed {
				end, next = at+i, at+i+1
			} else {
				end, next = len(text), len(text)
			}
		}
		s := text[at:end]
		nul := strings.IndexByte(s, 0)
		if nul >= 0 {
			s = s[:nul]
		}
		more := nul < 0 && l.lineFeed && continues(s)
		if more {
			s = strings.TrimSuffix(s, "\r")
			s = s[:len(s)-1]
		}
		if s != "" {
			l.pieces = append(l.pieces, piece{b.Len(), at, -1})
			b.WriteString(s)
		}
		at = next
		if !more {
			l.next = next
			break
		}
	}
	whole := b.String()
	l.length = len(whole)
	start, stop := 0, len(whole)
	for stop > 0 && isBlank(whole[stop-1]) {
		stop--
	}
	for start < stop && isBlank(whole[start]) {
		start++
	}
	l.text = whole[start:stop]
	if l.text == "" {
		l.pieces = nil
		l.start, l.end = l.next, l.next
		return l
	}
	// Cut what was trimmed off the pieces.
	kept := l.pieces[:0]
	for i, p := range l.pieces {
		if p.at >= stop || i+1 < len(l.pieces) && l.pieces[i+1].at <= start {
			continue
		}
		if p.at < start {
			p.from, p.at = p.from+start-p.at, start
		}
		p.at -= start
		kept = append(kept, p)
	}
	l.pieces = kept
	l.start, l.end = kept[0].from, l.offset(len(l.text)-1)+1
	if len(kept) == 1 {
		l.pieces = nil
	}
	return l
}

// offset is where byte i of the line's text lies in the file.
func (l *line) offset(i int) int {
	if l.pieces == nil {
		return l.start + i
	}
	p := l.piece(i)
	if p.width >= 0 {
		return p.from
	}
	return p.from + i - p.at
}

func (l *line) piece(i int) piece { return l.pieces[l.pieceIndex(i)] }

// pieceIndex is the index of the piece that holds byte i; 0 without pieces.
func (l *line) pieceIndex(i int) int {
	lo, hi := 0, len(l.pieces)
	for hi-lo > 1 {
		if m := (lo + hi) / 2; l.pieces[m].at <= i {
			lo = m
		} else {
			hi = m
		}
	}
	return lo
}

// span is the place of bytes i to j of the line's text, j exclusive.
func (l *line) span(i, j int) source.Span {
	if l.pieces == nil {
		return source.NewSpan(l.start+i, l.start+j)
	}
	if i >= len(l.text) {
		return source.NewSpan(l.end, l.end)
	}
	from := l.offset(i)
	if j <= i {
		return source.NewSpan(from, from)
	}
	p := l.piece(j - 1)
	if p.width >= 0 {
		return source.NewSpan(from, max(from, p.from+p.width))
	}
	return source.NewSpan(from, max(from, p.from+j-p.at))
}

// skipBlanks is the index of the first byte from i on that is no blank.
func skipBlanks(s string, i int) int {
	for i < len(s) && isBlank(s[i]) {
		i++
	}
	return i
}

// nextWord reads the word at or behind i as ap_getword_conf does and gives the index behind it and the blanks
// after it. A word may be empty although there is one: "".
func (l *line) nextWord(i int) (w Word, next int) {
	s := l.text
	i = skipBlanks(s, i)
	if i == len(s) {
		w.Span = l.span(i, i)
		return w, i
	}
	start, escaped := i, false
	if q := s[i]; q == '"' || q == '\'' {
		w.Quote = q
		i++
		for i < len(s) && s[i] != q {
			if s[i] == '\\' && i+1 < len(s) && (s[i+1] == q || s[i+1] == '\\') {
				escaped = true
				i++
			}
			i++
		}
		w.Text = s[start+1 : i]
		if i < len(s) {
			i++
		} else {
			w.Unterminated = true
		}
	} else {
		for i < len(s) && !isBlank(s[i]) {
			escaped = escaped || s[i] == '\\'
			i++
		}
		w.Text = s[start:i]
	}
	if escaped {
		w.Text = unescapeWord(w.Text, w.Quote)
	}
	w.Span = l.span(start, i)
	return w, skipBlanks(s, i)
}

// unescapeWord resolves \\ and, in quotes, the escaped quote; other backslashes stay.
// Source: httpd server/util.c, substring_conf.
func unescapeWord(s string, quote byte) string {
	i := strings.IndexByte(s, '\\')
	if i < 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	b.WriteString(s[:i])
	for ; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && (s[i+1] == '\\' || quote != 0 && s[i+1] == quote) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// ruleWord reads a word as RewriteRule and RewriteCond do: a quote ends at the next one of its kind, a backslash
// before a blank keeps both, nothing is unescaped. next is behind the word and its end mark; ended is false when
// the line ended first.
// Source: httpd modules/mappers/mod_rewrite.c, parseargline.
func (l *line) ruleWord(i int) (w Word, next int, ended bool) {
	s := l.text
	i = skipBlanks(s, i)
	start := i
	if i < len(s) && (s[i] == '"' || s[i] == '\'') {
		w.Quote = s[i]
		i++
	}
	text := i
	for i < len(s) {
		if w.Quote != 0 && s[i] == w.Quote || w.Quote == 0 && isBlank(s[i]) {
			ended = true
			break
		}
		if s[i] == '\\' && i+1 < len(s) && isBlank(s[i+1]) {
			i++
		}
		i++
	}
	w.Text = s[text:i]
	if w.Quote != 0 && ended {
		w.Span = l.span(start, i+1)
		return w, i + 1, true
	}
	w.Span = l.span(start, i)
	w.Unterminated = w.Quote != 0
	if ended {
		i++
	}
	return w, i, ended
}

// badArgumentLine is the Fault of a RewriteRule or RewriteCond whose line cannot be split.
const badArgumentLine = "bad argument line"

// ruleWords splits the arguments of RewriteRule and RewriteCond, from byte i of the line on.
func (l *line) ruleWords(i int, words []Word) (args []Word, extra source.Span, fault string) {
	args = words
	w, i, ended := l.ruleWord(i)
	if !ended {
		if w.Text != "" || w.Quote != 0 {
			args = append(args, w)
		}
		return args, extra, badArgumentLine
	}
	args = append(args, w)
	w, i, ended = l.ruleWord(i)
	args = append(args, w)
	if !ended {
		return args, extra, ""
	}
	if i = skipBlanks(l.text, i); i == len(l.text) {
		return args, extra, ""
	}
	w, i, _ = l.ruleWord(i)
	args = append(args, w)
	if i = skipBlanks(l.text, i); i < len(l.text) {
		extra = l.span(i, len(l.text))
	}
	return args, extra, ""
}

// words splits what follows byte i of the line the general way.
func (l *line) words(i int, words []Word) []Word {
	for i = skipBlanks(l.text, i); i < len(l.text); {
		var w Word
		w, i = l.nextWord(i)
		words = append(words, w)
	}
	return words
}
