package apache

import (
	"io"
	"strings"
	"sync"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"

	"rewright/parser/ir"
)

// CondPattern is the second argument of a RewriteCond taken apart.
type CondPattern struct {
	Kind    ir.CondKind
	Op      string // "-f"; "-eq"; "<="; empty for patterns and expressions
	Negated bool
	Operand string // what is left: pattern, text or number to compare with, expression
}

// The little language of condition patterns:
//
//	condition = [ "!" ] ( FileTest | ( NumberOp | StringOp ) [ Text ] | [ Text ] ) .
//
// The lexer tells an operator by the length of what follows, as mod_rewrite does, so the grammar never fails.
type condPatternNode struct {
	Not      bool   `parser:"@Not?"`
	FileTest string `parser:"( @FileTest"`
	NumberOp string `parser:"| @NumberOp"`
	StringOp string `parser:"| @StringOp )?"`
	Text     string `parser:"@Text?"`
}

const (
	condNot lexer.TokenType = iota + 120
	condFileTest
	condNumberOp
	condStringOp
	condText
)

var condPatternSymbols = map[string]lexer.TokenType{"EOF": lexer.EOF, "Not": condNot, "FileTest": condFileTest,
	"NumberOp": condNumberOp, "StringOp": condStringOp, "Text": condText}

type condPatternDefinition struct{}

func (condPatternDefinition) Symbols() map[string]lexer.TokenType { return condPatternSymbols }

func (d condPatternDefinition) Lex(name string, r io.Reader) (lexer.Lexer, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return d.LexString(name, string(text))
}

func (condPatternDefinition) LexString(_ string, text string) (lexer.Lexer, error) {
	return &condPatternLexer{text: text}, nil
}

type condPatternLexer struct {
	text    string
	at      int
	operand bool // an operator was read: the rest is text
}

// Next is lexer.Lexer's; it never fails.
func (l *condPatternLexer) Next() (lexer.Token, error) {
	if l.at == len(l.text) {
		return lexer.EOFToken(lexer.Position{Offset: l.at}), nil
	}
	kind, n := condText, len(l.text)-l.at
	switch {
	case l.at == 0 && l.text[0] == '!':
		kind, n = condNot, 1
	case !l.operand:
		kind, n = condOperator(l.text[l.at:])
		l.operand = true
	}
	tok := lexer.Token{Type: kind, Value: l.text[l.at : l.at+n], Pos: lexer.Position{Offset: l.at}}
	l.at += n
	return tok, nil
}

// condOperator tells what a condition pattern begins with, behind its !.
func condOperator(s string) (kind lexer.TokenType, n int) {
	switch {
	case len(s) < 2:
	case s[0] == '-' && len(s) == 2 && strings.IndexByte("fsdxhLlUF", s[1]) >= 0:
		return condFileTest, 2
	case s[0] == '-' && len(s) > 3:
		switch s[1:3] {
		case "lt", "le", "gt", "ge", "eq", "ne":
			return condNumberOp, 3
		}
	case (s[0] == '<' || s[0] == '>') && s[1] == '=':
		return condStringOp, 2
	case s[0] == '<' || s[0] == '>' || s[0] == '=':
		return condStringOp, 1
	}
	return condText, len(s)
}

var condPatternParser = sync.OnceValue(func() *participle.Parser[condPatternNode] {
	return participle.MustBuild[condPatternNode](participle.Lexer(condPatternDefinition{}))
})

var condPatterns memo[CondPattern]

// ParseCondPattern tells what sort of test a RewriteCond makes, from its decoded first and second argument.
// Source: httpd mod_rewrite.c, cmd_rewritecond.
func ParseCondPattern(test, text string) CondPattern {
	if strings.EqualFold(test, "expr") {
		rest, negated := strings.CutPrefix(text, "!")
		return CondPattern{Kind: ir.CondExpr, Negated: negated, Operand: rest}
	}
	return condPatterns.get(text, parseCondPattern)
}

func parseCondPattern(text string) CondPattern {
	rest, negated := strings.CutPrefix(text, "!")
	if kind, _ := condOperator(rest); kind == condText { // a pattern, as nearly all are
		return CondPattern{Negated: negated, Operand: rest}
	}
	node, err := condPatternParser().ParseString("", text)
	if err != nil {
		panic("apache: every text is a condition pattern, yet " + err.Error())
	}
	p := CondPattern{Negated: node.Not, Operand: node.Text}
	switch {
	case node.FileTest != "":
		p.Kind, p.Op = ir.CondFile, node.FileTest
	case node.NumberOp != "":
		p.Kind, p.Op = ir.CondNumber, node.NumberOp
	case node.StringOp != "":
		p.Kind, p.Op = ir.CondString, node.StringOp
		if p.Op == "=" && p.Operand == `""` {
			p.Operand = ""
		}
	}
	return p
}
