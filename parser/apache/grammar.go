package apache

import (
	"sync"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"
)

// run is the production that reading a file is made of:
//
//	run = [ Lines ] [ Open | Close ]
//
// It is Parseable because files of a hundred thousand rules are normal: reflection for each line would cost more
// than all the rest. What a section holds is decided by the loop in parse.go, which has to recover from
// ends without a beginning.
type run struct {
	Plain   bool            // there are Lines
	Section lexer.TokenType // tokOpen, tokClose, or 0 at the end of what the lexer handed out
	Start   int             // offset of the first byte
	Middle  int             // offset behind Lines
}

// Parse implements participle.Parseable.
func (r *run) Parse(lex *lexer.PeekingLexer) error {
	t := lex.Peek()
	if t.EOF() {
		return participle.NextMatch
	}
	r.Start, r.Middle = t.Pos.Offset, t.Pos.Offset
	if t.Type == tokLines {
		r.Plain = true
		r.Middle += len(t.Value)
		lex.Next()
		t = lex.Peek()
	}
	if t.Type == tokOpen || t.Type == tokClose {
		r.Section = t.Type
		lex.Next()
	}
	return nil
}

var runParser = sync.OnceValue(func() *participle.Parser[run] {
	return participle.MustBuild[run](participle.Lexer(definition{}))
})
