package apache

import (
	"io"
	"strings"

	"github.com/alecthomas/participle/v2/lexer"
)

// Token types. httpd's grammar is one of lines, so a token is a logical line that begins or ends a section, or all
// the lines up to the next one of those.
const (
	tokLines lexer.TokenType = iota + 1 // directives, comments and blank lines
	tokOpen                             // <Name …
	tokClose                            // </Name …
)

var symbols = map[string]lexer.TokenType{"EOF": lexer.EOF, "Lines": tokLines, "Open": tokOpen, "Close": tokClose}

// definition is the lexer of httpd configuration: total, every text has tokens.
type definition struct{}

func (definition) Symbols() map[string]lexer.TokenType { return symbols }

func (definition) Lex(_ string, r io.Reader) (lexer.Lexer, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return &scanner{text: string(text), limit: int(^uint(0) >> 1)}, nil
}

func (definition) LexString(_ string, text string) (lexer.Lexer, error) {
	return &scanner{text: text, limit: int(^uint(0) >> 1)}, nil
}

// scanner cuts text into tokens. It hands out a file in runs of about limit lines: Next answers EOF at the end of
// a run and goes on when more was called. The logical lines it has seen are kept for whoever takes the tokens apart.
type scanner struct {
	text  string
	at    int
	limit int
	lines []line // of all tokens of this run
}

// linesPerRun is how many lines are held at once, few enough to stay in the processor's cache.
const linesPerRun = 512

// more starts the next run; false: the text is used up.
func (s *scanner) more() bool {
	s.limit, s.lines = linesPerRun, s.lines[:0]
	return s.at < len(s.text)
}

// Next is lexer.Lexer's; it never fails. Positions carry the offset only.
func (s *scanner) Next() (lexer.Token, error) {
	start := s.at
	t := lexer.Token{Type: lexer.EOF, Pos: lexer.Position{Offset: start}}
	for s.at < len(s.text) && s.limit > 0 {
		s.lines = append(s.lines, line{})
		l := &s.lines[len(s.lines)-1]
		l.read(s.text, s.at)
		kind := classify(l.text)
		if kind != tokLines && t.Type == tokLines {
			// The next token begins here.
			s.lines = s.lines[:len(s.lines)-1]
			break
		}
		t.Type, s.at = kind, l.next
		s.limit--
		if kind != tokLines {
			break
		}
	}
	t.Value = s.text[start:s.at]
	return t, nil
}

// classify tells what sort of line a logical line is. A quoted name is a name too.
func classify(text string) lexer.TokenType {
	if len(text) > 1 && (text[0] == '"' || text[0] == '\'') {
		text = text[1:]
	}
	switch {
	case !strings.HasPrefix(text, "<"):
		return tokLines
	case strings.HasPrefix(text, "</"):
		return tokClose
	}
	return tokOpen
}
