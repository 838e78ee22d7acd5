package apache

import (
	"io"
	"strings"

	"github.com/alecthomas/participle/v2/lexer"
)

// Token types. A token is a logical line with all its blanks and line ends: httpd's grammar is one of lines.
const (
	tokDirective lexer.TokenType = iota + 1
	tokBlank                     // nothing, or blanks
	tokComment                   // the first character is #
	tokOpen                      // <Name …
	tokClose                     // </Name …
)

var symbols = map[string]lexer.TokenType{
	"EOF": lexer.EOF, "Directive": tokDirective, "Blank": tokBlank, "Comment": tokComment, "Open": tokOpen, "Close": tokClose,
}

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

// scanner cuts text into tokens. It hands out a file in runs of limit tokens: Next answers EOF at the end of
// a run and goes on when more was called.
type scanner struct {
	text  string
	at    int
	limit int
}

// tokensPerRun is how many tokens are held at once, few enough to stay in the processor's cache.
const tokensPerRun = 1024

// more starts the next run; false: the text is used up.
func (s *scanner) more() bool {
	s.limit = tokensPerRun
	return s.at < len(s.text)
}

// Next is lexer.Lexer's; it never fails. Positions carry the offset only.
func (s *scanner) Next() (lexer.Token, error) {
	t := lexer.Token{Type: lexer.EOF, Pos: lexer.Position{Offset: s.at}}
	if s.at >= len(s.text) || s.limit == 0 {
		return t, nil
	}
	s.limit--
	l := readLine(s.text, s.at)
	t.Type, t.Value = classify(l.text), s.text[s.at:l.next]
	s.at = l.next
	return t, nil
}

// classify tells what sort of line a logical line is. A quoted name is a name too.
func classify(text string) lexer.TokenType {
	if text == "" {
		return tokBlank
	}
	switch text[0] {
	case '#':
		return tokComment
	case '"', '\'':
		text = text[1:]
	}
	switch {
	case strings.HasPrefix(text, "</"):
		return tokClose
	case strings.HasPrefix(text, "<"):
		return tokOpen
	}
	return tokDirective
}
