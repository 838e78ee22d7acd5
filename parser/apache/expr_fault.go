package apache

import (
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/participle/v2/lexer"

	"rewright/parser/pattern"
)

// exprTokenList is an expression as tokens, with EOF at its end.
type exprTokenList []lexer.Token

func exprTokens(d exprDefinition, text string) exprTokenList {
	l, err := d.LexString("", text)
	var list exprTokenList
	for err == nil {
		var t lexer.Token
		t, err = l.Next()
		list = append(list, t)
		if t.EOF() {
			return list
		}
	}
	panic("apache: the scanner of expressions is total, yet it failed: " + err.Error())
}

// Next is lexer.Lexer's.
func (l *exprTokenList) Next() (lexer.Token, error) {
	t := (*l)[0]
	if !t.EOF() {
		*l = (*l)[1:]
	}
	return t, nil
}

func (l exprTokenList) lexer() *lexer.PeekingLexer {
	p, err := lexer.Upgrade(&l)
	if err != nil {
		panic("apache: tokens are at hand, yet " + err.Error())
	}
	return p
}

// exprDiagnosis walks over tokens that are no expression the way httpd's generated parser does, to find out what it
// says of them: the first token that does not fit, and what it would have taken instead when that is not too much.
// Source: httpd server/util_expr_parse.y, with the messages of bison's "error-verbose".
type exprDiagnosis struct {
	list   exprTokenList
	o      ExprOptions
	err    error  // what the parser itself says
	second string // what the scanner, or the last variable or function, had to say
}

// fault is httpd's message for tokens that the grammar does not take.
func (l exprTokenList) fault(o ExprOptions, template bool) error {
	d := exprDiagnosis{list: l, o: o}
	if template {
		if d.parts(0) && d.list[0].EOF() {
			return errors.New("syntax error")
		}
		d.unexpected("")
	} else if d.or() {
		d.unexpected("$end")
	}
	switch {
	case d.err == nil:
		return errors.New(d.second)
	case d.second != "":
		return fmt.Errorf("%w: %s", d.err, d.second)
	}
	return d.err
}

func (d *exprDiagnosis) is(t lexer.TokenType) bool { return d.list[0].Type == t }

func (d *exprDiagnosis) skip(t lexer.TokenType) bool {
	if !d.is(t) {
		return false
	}
	d.list = d.list[1:]
	return true
}

// unexpected notes that the current token does not fit; it always answers false.
func (d *exprDiagnosis) unexpected(expecting string) bool {
	if d.err != nil {
		return false
	}
	t := d.list[0]
	if t.Type == exprError {
		d.second = t.Value
		if t.Value == "memory exhausted" {
			d.err, d.second = errors.New(t.Value), ""
			return false
		}
	}
	message := "syntax error, unexpected " + bisonName(&t)
	if expecting != "" {
		message += ", expecting " + expecting
	}
	d.err = errors.New(message)
	return false
}

// stop notes that the scanner's fault stands where the grammar has a place for it; it always answers false.
func (d *exprDiagnosis) stop() bool {
	d.second = d.list[0].Value
	if d.second == "memory exhausted" {
		d.err, d.second = errors.New(d.second), ""
	}
	return false
}

func (d *exprDiagnosis) or() bool {
	for {
		if !d.unit() {
			return false
		}
		if !d.skip(exprOr) && !d.skip(exprAnd) {
			return true
		}
	}
}

func (d *exprDiagnosis) unit() bool {
	for d.skip(exprNot) {
	}
	switch {
	case d.skip(exprTrue), d.skip(exprFalse):
		return true
	case d.skip(exprLeft):
		return d.or() && (d.skip(exprRight) || d.unexpected("T_OP_OR or T_OP_AND or ')'"))
	case d.skip(exprUnary):
		return d.word()
	case d.is(exprError):
		return d.stop()
	}
	if !d.word() {
		return false
	}
	switch {
	case d.skip(exprCompare), d.skip(exprBinary):
		return d.word()
	case d.skip(exprMatch):
		if !d.is(exprRegex) && !d.is(exprRegexI) {
			return d.unexpected("T_REGEX or T_REGEX_I")
		}
		o := pattern.Apache
		o.IgnoreCase = d.is(exprRegexI)
		if _, err := pattern.Compile(d.list[0].Value, o); err != nil {
			d.err = errors.New("Failed to compile regular expression")
			return false
		}
		d.list = d.list[1:]
		return true
	case d.skip(exprIn):
		return d.wordList()
	}
	return d.unexpected("")
}

func (d *exprDiagnosis) wordList() bool {
	switch {
	case d.is(exprID):
		name := d.list[0].Value
		return d.call() && d.known(strings.EqualFold(name, "PeerExtList"), "List-returning function '%s' does not exist", name)
	case d.skip(exprLeftBrace):
		for d.word() {
			if d.skip(exprRightBrace) {
				return true
			}
			if !d.skip(exprComma) {
				return d.unexpected("'}' or ','")
			}
		}
		return false
	}
	return d.unexpected("T_ID or '{'")
}

// known notes a name that does not exist, and goes on as httpd does.
func (d *exprDiagnosis) known(ok bool, format, name string) bool {
	if !ok {
		d.second = fmt.Sprintf(format, name)
	}
	return true
}

// function notes a function of one string that does not exist or may not be used here.
func (d *exprDiagnosis) function(name string) bool {
	restricted, ok := exprFunctions[strings.ToLower(name)]
	if ok && restricted && d.o.Restricted {
		return d.known(false, "%s not available in restricted context", name)
	}
	return d.known(ok, "Function '%s' does not exist", name)
}

func (d *exprDiagnosis) call() bool {
	d.list = d.list[1:]
	return (d.skip(exprLeft) || d.unexpected("'('")) && d.word() && (d.skip(exprRight) || d.unexpected("T_OP_CONCAT or ')'"))
}

func (d *exprDiagnosis) word() bool {
	for {
		if !d.atom() {
			return false
		}
		if !d.skip(exprConcat) {
			return true
		}
	}
}

func (d *exprDiagnosis) atom() bool {
	switch {
	case d.skip(exprDigit), d.skip(exprBackref):
		return true
	case d.is(exprVarBegin):
		return d.variable()
	case d.is(exprID):
		name := d.list[0].Value
		return d.call() && d.function(name)
	case d.skip(exprStrBegin):
		return d.skip(exprStrEnd) || d.parts(exprStrEnd)
	}
	return d.unexpected("")
}

// parts reads the pieces of a string up to a token of the type end, which is 0 for a text that is a string as a whole.
func (d *exprDiagnosis) parts(end lexer.TokenType) bool {
	for first := true; ; first = false {
		switch {
		case d.skip(exprString), d.skip(exprBackref):
		case d.is(exprVarBegin):
			if !d.variable() {
				return false
			}
		case !first && end == 0:
			return true
		case !first && d.skip(end):
			return true
		case first && d.is(exprError):
			return d.stop()
		case first && end == exprVarEnd:
			return d.unexpected("T_ERROR or T_STRING or T_REGEX_BACKREF or T_VAR_BEGIN")
		case first:
			return d.unexpected("")
		case end == exprVarEnd:
			return d.unexpected("T_STRING or T_REGEX_BACKREF or T_VAR_BEGIN or T_VAR_END")
		default:
			return d.unexpected("T_STRING or T_REGEX_BACKREF or T_STR_END or T_VAR_BEGIN")
		}
	}
}

func (d *exprDiagnosis) variable() bool {
	d.list = d.list[1:]
	if !d.is(exprID) {
		return d.unexpected("T_ID")
	}
	name := d.list[0].Value
	d.list = d.list[1:]
	switch {
	case d.skip(exprVarEnd):
		return d.known(exprVariables()[strings.ToUpper(name)] || strings.HasPrefix(strings.ToUpper(name), "SSL_"), "Variable '%s' does not exist", name)
	case d.skip(exprColon):
		return d.parts(exprVarEnd) && d.function(name)
	}
	return d.unexpected("T_VAR_END or ':'")
}
