package apache

import (
	"sync"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// run is the production that reading a file is made of:
//
//	run = { Directive | Comment | Blank } [ Open | Close ]
//
// It is Parseable because files of a hundred thousand rules are normal: reflection for each line would cost more
// than all the rest. What a section holds is decided by the loop in parse.go, which has to recover from
// ends without a beginning.
type run struct {
	Lines []lexer.Token // shared with the lexer: read only
}

// Parse implements participle.Parseable.
func (r *run) Parse(lex *lexer.PeekingLexer) error {
	start := lex.RawCursor()
	for {
		switch lex.Peek().Type {
		case lexer.EOF:
			if lex.RawCursor() == start {
				return participle.NextMatch
			}
			r.Lines = lex.Range(start, lex.RawCursor())
			return nil
		case tokOpen, tokClose:
			lex.Next()
			r.Lines = lex.Range(start, lex.RawCursor())
			return nil
		}
		lex.Next()
	}
}

var runParser = sync.OnceValue(func() *participle.Parser[run] {
	return participle.MustBuild[run](participle.Lexer(definition{}))
})
