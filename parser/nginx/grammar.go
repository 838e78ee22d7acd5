package nginx

import (
	"sync"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// statement is the production that reading a file is made of:
//
//	statement = Comment | { Word | Quoted | Invalid | Comment } ( Semi | Open [ Raw [ Close ] ] ) | Close
//
// It is Parseable because files of a hundred thousand rules are normal and reflection costs three times
// as much as the rest. A statement that runs into } or the end of the file ends before it.
type statement struct {
	Tokens []lexer.Token // shared with the lexer: read only
}

// Parse implements participle.Parseable.
func (s *statement) Parse(lex *lexer.PeekingLexer) error {
	start := lex.RawCursor()
	for words := 0; ; words++ {
		t := lex.Peek()
		switch t.Type {
		case lexer.EOF:
			if words == 0 {
				return participle.NextMatch
			}
			s.Tokens = lex.Range(start, lex.RawCursor())
			return nil
		case tokComment:
			lex.Next()
			if words == 0 {
				s.Tokens = lex.Range(start, lex.RawCursor())
				return nil
			}
		case tokSemi:
			lex.Next()
			s.Tokens = lex.Range(start, lex.RawCursor())
			return nil
		case tokOpen:
			lex.Next()
			if lex.Peek().Type == tokRaw {
				lex.Next()
				if lex.Peek().Type == tokClose {
					lex.Next()
				}
			}
			s.Tokens = lex.Range(start, lex.RawCursor())
			return nil
		case tokClose:
			if words == 0 {
				lex.Next()
			}
			s.Tokens = lex.Range(start, lex.RawCursor())
			return nil
		default:
			lex.Next()
		}
	}
}

// run is a run of statements, the unit in which participle is asked: a call for each statement would cost as
// much as the statement.
//
//	run = { statement }
type run struct {
	Statements []statement
}

// Parse implements participle.Parseable.
func (r *run) Parse(lex *lexer.PeekingLexer) error {
	r.Statements = make([]statement, 0, tokensPerRun/4)
	for lex.Peek().Type != lexer.EOF {
		var s statement
		if err := s.Parse(lex); err != nil {
			return err
		}
		r.Statements = append(r.Statements, s)
	}
	return nil
}

var runParser = sync.OnceValue(func() *participle.Parser[run] {
	return participle.MustBuild[run](participle.Lexer(definition{}))
})
