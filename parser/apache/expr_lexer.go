package apache

import (
	"fmt"
	"io"
	"strings"

	"github.com/alecthomas/participle/v2/lexer"
)

// Tokens of httpd's expressions, in the words of its own grammar, because its messages use them.
// Source: httpd server/util_expr_scan.l, util_expr_parse.y.
const (
	exprError lexer.TokenType = iota + 60 // what the scanner refuses; the value is its message
	exprTrue
	exprFalse
	exprNot
	exprAnd
	exprOr
	exprUnary  // -f; the value is the letter
	exprBinary // -ipmatch; the value is the name
	exprCompare
	exprIn
	exprMatch // =~ !~
	exprConcat
	exprDigit
	exprID
	exprRegex  // the value is the pattern
	exprRegexI // /pattern/i
	exprBackref
	exprStrBegin
	exprStrEnd
	exprString
	exprVarBegin
	exprVarEnd
	exprLeft
	exprRight
	exprLeftBrace
	exprRightBrace
	exprComma
	exprColon
)

var exprSymbols = map[string]lexer.TokenType{"EOF": lexer.EOF, "Error": exprError, "True": exprTrue, "False": exprFalse,
	"Not": exprNot, "And": exprAnd, "Or": exprOr, "Unary": exprUnary, "Binary": exprBinary, "Compare": exprCompare, "In": exprIn,
	"Match": exprMatch, "Concat": exprConcat, "Digit": exprDigit, "ID": exprID, "Regex": exprRegex, "RegexI": exprRegexI,
	"Backref": exprBackref, "StrBegin": exprStrBegin, "StrEnd": exprStrEnd, "String": exprString, "VarBegin": exprVarBegin,
	"VarEnd": exprVarEnd, "Left": exprLeft, "Right": exprRight, "LeftBrace": exprLeftBrace, "RightBrace": exprRightBrace,
	"Comma": exprComma, "Colon": exprColon}

// bisonNames are the tokens' names in httpd's messages.
var bisonNames = map[lexer.TokenType]string{lexer.EOF: "$end", exprError: "T_ERROR", exprTrue: "T_TRUE", exprFalse: "T_FALSE",
	exprNot: "T_OP_NOT", exprAnd: "T_OP_AND", exprOr: "T_OP_OR", exprUnary: "T_OP_UNARY", exprBinary: "T_OP_BINARY",
	exprIn: "T_OP_IN", exprConcat: "T_OP_CONCAT", exprDigit: "T_DIGIT", exprID: "T_ID", exprRegex: "T_REGEX", exprRegexI: "T_REGEX_I",
	exprBackref: "T_REGEX_BACKREF", exprStrBegin: "T_STR_BEGIN", exprStrEnd: "T_STR_END", exprString: "T_STRING",
	exprVarBegin: "T_VAR_BEGIN", exprVarEnd: "T_VAR_END", exprLeft: "'('", exprRight: "')'", exprLeftBrace: "'{'",
	exprRightBrace: "'}'", exprComma: "','", exprColon: "':'"}

// compareNames are the names of the tokens whose text decides.
var compareNames = map[string]string{"==": "T_OP_STR_EQ", "!=": "T_OP_STR_NE", "<": "T_OP_STR_LT", "<=": "T_OP_STR_LE",
	">": "T_OP_STR_GT", ">=": "T_OP_STR_GE", "-eq": "T_OP_EQ", "-ne": "T_OP_NE", "-lt": "T_OP_LT", "-le": "T_OP_LE",
	"-gt": "T_OP_GT", "-ge": "T_OP_GE", "=~": "T_OP_REG", "!~": "T_OP_NRE"}

func bisonName(t *lexer.Token) string {
	if t.Type == exprCompare || t.Type == exprMatch {
		return compareNames[t.Value]
	}
	return bisonNames[t.Type]
}

type exprDefinition struct{ template bool }

func (exprDefinition) Symbols() map[string]lexer.TokenType { return exprSymbols }

func (d exprDefinition) Lex(name string, r io.Reader) (lexer.Lexer, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return d.LexString(name, string(text))
}

func (d exprDefinition) LexString(_ string, text string) (lexer.Lexer, error) {
	l := &exprLexer{text: text}
	if d.template {
		l.template, l.state = true, inString
	}
	return l, nil
}

type exprState uint8

const (
	inExpr   exprState = iota
	inString           // between quotes, or a whole text that is a string
	inVar              // behind %{
	inArg              // behind %{name:
)

// exprLexer is the scanner of expressions. A token of exprError ends it.
type exprLexer struct {
	text     string
	at       int
	state    exprState
	stack    []exprState // what variables stand in
	quote    byte        // of the string that is open
	template bool        // the whole text is a string
	done     bool
	deep     int
}

func (l *exprLexer) token(t lexer.TokenType, value string, n int) (lexer.Token, error) {
	tok := lexer.Token{Type: t, Value: value, Pos: lexer.Position{Offset: l.at}}
	l.at += n
	return tok, nil
}

func (l *exprLexer) fail(format string, args ...any) (lexer.Token, error) {
	l.done = true
	return l.token(exprError, fmt.Sprintf(format, args...), 0)
}

// Next is lexer.Lexer's; what the scanner refuses is a token too.
func (l *exprLexer) Next() (lexer.Token, error) {
	if l.done {
		return lexer.EOFToken(lexer.Position{Offset: len(l.text)}), nil
	}
	switch l.state {
	case inString, inArg:
		return l.stringPart()
	case inVar:
		return l.variable()
	}
	return l.word()
}

const unterminated = "Unterminated string or variable"

func (l *exprLexer) push(s exprState) {
	l.stack = append(l.stack, l.state)
	l.state = s
}

func (l *exprLexer) pop() {
	n := len(l.stack) - 1
	l.state, l.stack = l.stack[n], l.stack[:n]
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isName(c byte) bool   { return isLetter(c) || isDigit(c) || c == '_' }

// name is the length of the identifier at i; 0 when there is none.
func (l *exprLexer) name(i int) int {
	if i >= len(l.text) || !isLetter(l.text[i]) {
		return 0
	}
	n := 1
	for i+n < len(l.text) && isName(l.text[i+n]) {
		n++
	}
	return n
}

func (l *exprLexer) variable() (lexer.Token, error) {
	if l.at == len(l.text) {
		return l.fail(unterminated)
	}
	switch c := l.text[l.at]; {
	case c == '\n':
		return l.fail(unterminated)
	case c == '}':
		l.pop()
		return l.token(exprVarEnd, "}", 1)
	case c == ':':
		l.state = inArg
		return l.token(exprColon, ":", 1)
	case isLetter(c):
		n := l.name(l.at)
		return l.token(exprID, l.text[l.at:l.at+n], n)
	default:
		return l.fail("Invalid character in variable name '%c'", rune(c))
	}
}

// stringPart reads in a string or in the argument of %{func:…}: text, $N, %{ or the end.
func (l *exprLexer) stringPart() (lexer.Token, error) {
	var b strings.Builder
	s, start := l.text, l.at
	flush := func(i int) (lexer.Token, error) {
		l.at = start
		return l.token(exprString, b.String(), i-start)
	}
	for i := l.at; ; {
		if i == len(s) {
			if l.state == inString && l.template {
				l.done = true
				return flush(i)
			}
			l.at = i
			return l.fail(unterminated)
		}
		c := s[i]
		empty := i == start || b.Len() == 0
		switch {
		case c == '\n':
			l.at = i
			return l.fail(unterminated)
		case c == l.quote && l.state == inString && !l.template:
			if !empty {
				return flush(i)
			}
			l.at, l.state, l.quote = i, inExpr, 0
			return l.token(exprStrEnd, s[i:i+1], 1)
		case c == '}' && l.state == inArg:
			if !empty {
				return flush(i)
			}
			l.at = i
			l.pop()
			return l.token(exprVarEnd, "}", 1)
		case c == '\\':
			if i+1 == len(s) {
				b.WriteByte(c)
				i++
				continue
			}
			n, value, fault := exprEscape(s[i+1:])
			if fault != "" {
				l.at = i
				return l.fail("%s", fault)
			}
			b.WriteByte(value)
			i += 1 + n
		case c == '$' && i+1 < len(s) && isDigit(s[i+1]):
			if !empty {
				return flush(i)
			}
			l.at = i
			return l.token(exprBackref, s[i+1:i+2], 2)
		case c == '%' && i+1 < len(s) && s[i+1] == '{':
			if !empty {
				return flush(i)
			}
			l.at = i
			if l.deep++; l.deep > maxExprDepth {
				return l.fail("memory exhausted")
			}
			l.push(inVar)
			return l.token(exprVarBegin, "%{", 2)
		default:
			b.WriteByte(c)
			i++
		}
	}
}

// exprEscape reads what follows a backslash: how many bytes, and the byte they stand for.
func exprEscape(s string) (n int, value byte, fault string) {
	octal, digits := 0, 0
	for digits < len(s) && isDigit(s[digits]) {
		digits++
	}
	for octal < digits && octal < 3 && s[octal] <= '7' {
		octal++
	}
	switch {
	case digits > octal:
		return 0, 0, "Bad escape sequence"
	case octal > 0:
		v := 0
		for _, c := range s[:octal] {
			v = v*8 + int(c-'0')
		}
		if v > 0xff {
			return 0, 0, "Escape sequence out of bound"
		}
		return octal, byte(v), ""
	}
	if i := strings.IndexByte("nrtbf", s[0]); i >= 0 {
		return 1, "\n\r\t\b\f"[i], ""
	}
	return 1, s[0], ""
}

// exprWords are the words that mean something; the longest match decides between them and identifiers.
var exprWords = map[string]lexer.Token{
	"and": {Type: exprAnd, Value: "and"}, "or": {Type: exprOr, Value: "or"}, "not": {Type: exprNot, Value: "not"},
	"true": {Type: exprTrue, Value: "true"}, "false": {Type: exprFalse, Value: "false"}, "in": {Type: exprIn, Value: "-in"},
	"lt": {Type: exprCompare, Value: "-lt"}, "le": {Type: exprCompare, Value: "-le"}, "gt": {Type: exprCompare, Value: "-gt"},
	"ge": {Type: exprCompare, Value: "-ge"}, "ne": {Type: exprCompare, Value: "-ne"}, "eq": {Type: exprCompare, Value: "-eq"},
}

// word reads outside of strings.
func (l *exprLexer) word() (lexer.Token, error) {
	s := l.text
	for l.at < len(s) && (s[l.at] == ' ' || s[l.at] == '\t' || s[l.at] == '\n') {
		l.at++
	}
	i := l.at
	if i == len(s) {
		return lexer.EOFToken(lexer.Position{Offset: i}), nil
	}
	next := byte(0)
	if i+1 < len(s) {
		next = s[i+1]
	}
	switch c := s[i]; {
	case c == '"' || c == '\'':
		l.quote, l.state = c, inString
		return l.token(exprStrBegin, s[i:i+1], 1)
	case c == '%' && next == '{':
		if l.deep++; l.deep > maxExprDepth {
			return l.fail("memory exhausted")
		}
		l.push(inVar)
		return l.token(exprVarBegin, "%{", 2)
	case c == '$' && isDigit(next):
		return l.token(exprBackref, s[i+1:i+2], 2)
	case c == '/':
		return l.regex(i+1, '/')
	case c == 'm' && strings.IndexByte("/#$%^,;:_?|-!.'\"", next) >= 0 && l.name(i) <= 2:
		return l.regex(i+2, next)
	case c == '=' && next == '~', c == '!' && next == '~':
		return l.token(exprMatch, s[i:i+2], 2)
	case c == '=' && next == '=':
		return l.token(exprCompare, "==", 2)
	case c == '=':
		return l.token(exprCompare, "==", 1)
	case (c == '!' || c == '<' || c == '>') && next == '=':
		return l.token(exprCompare, s[i:i+2], 2)
	case c == '<' || c == '>':
		return l.token(exprCompare, s[i:i+1], 1)
	case c == '!':
		return l.deeper(exprNot, "!")
	case c == '&' && next == '&':
		return l.token(exprAnd, "&&", 2)
	case c == '|' && next == '|':
		return l.token(exprOr, "||", 2)
	case c == '.':
		return l.token(exprConcat, ".", 1)
	case c == '(':
		return l.deeper(exprLeft, "(")
	case c == ')':
		return l.token(exprRight, ")", 1)
	case c == '{':
		return l.token(exprLeftBrace, "{", 1)
	case c == '}':
		return l.token(exprRightBrace, "}", 1)
	case c == ',':
		return l.token(exprComma, ",", 1)
	case c == ':':
		return l.token(exprColon, ":", 1)
	case isDigit(c) || c == '-' && isDigit(next):
		n := 1
		for i+n < len(s) && isDigit(s[i+n]) {
			n++
		}
		return l.token(exprDigit, s[i:i+n], n)
	case c == '-' && (isLetter(next) || next == '_'):
		n := 2
		for i+n < len(s) && isName(s[i+n]) {
			n++
		}
		name := s[i+1 : i+n]
		switch w, known := exprWords[name]; {
		case n == 2:
			return l.token(exprUnary, name, n)
		case known && len(name) == 2 && name != "or":
			return l.token(w.Type, w.Value, n)
		}
		return l.token(exprBinary, name, n)
	case isLetter(c):
		n := l.name(i)
		if w, known := exprWords[s[i:i+n]]; known {
			if w.Type == exprNot {
				tok, err := l.deeper(exprNot, "not")
				return tok, err
			}
			return l.token(w.Type, w.Value, n)
		}
		return l.token(exprID, s[i:i+n], n)
	default:
		return l.fail("Parse error near '%c'", rune(c))
	}
}

// maxExprDepth bounds what stands in each other in one expression; httpd's parser has a limit of its own.
const maxExprDepth = 1000

func (l *exprLexer) deeper(t lexer.TokenType, word string) (lexer.Token, error) {
	if l.deep++; l.deep > maxExprDepth {
		return l.fail("memory exhausted")
	}
	return l.token(t, word, len(word))
}

func (l *exprLexer) regex(from int, delimiter byte) (lexer.Token, error) {
	n := strings.IndexByte(l.text[from:], delimiter)
	if n < 0 {
		// httpd's scanner comes to the end of the text without a token.
		l.at, l.done = len(l.text), true
		return lexer.EOFToken(lexer.Position{Offset: l.at}), nil
	}
	end := from + n + 1
	value := l.text[from : from+n]
	tok := lexer.Token{Type: exprRegex, Value: value, Pos: lexer.Position{Offset: from}}
	if end < len(l.text) && l.text[end] == 'i' {
		tok.Type = exprRegexI
		end++
	}
	l.at = end
	return tok, nil
}
