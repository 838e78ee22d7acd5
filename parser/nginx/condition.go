package nginx

import (
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"

	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/source"
)

// The little language of if. Its tokens are the words of the directive without the outer parentheses;
// behind an operator every word is data.
//
//	condition = FileTest Data | Variable [ Operator Data ] .
//
// Source: nginx src/http/modules/ngx_http_rewrite_module.c, ngx_http_rewrite_if_condition.
type conditionGrammar struct {
	FileTest string  `parser:"( @FileTest"`
	Path     *string `parser:"  @Data"`
	Variable string  `parser:"| @Variable"`
	Operator string  `parser:"  ( @Operator"`
	Right    *string `parser:"    @Data )? )"`
}

const (
	condVariable lexer.TokenType = iota + 1
	condOperator
	condFileTest
	condData
)

// conditionDefinition cuts words that are joined by wordEnd: the first by its looks, the second as an
// operator after a variable, all others as data.
type conditionDefinition struct{}

// wordEnd parts the words of a condition in the text that is parsed; a NUL inside of a word is written nul.
const (
	wordEnd = "\x00\x02"
	nul     = "\x00\x01"
)

var conditionSymbols = map[string]lexer.TokenType{"EOF": lexer.EOF, "Variable": condVariable, "Operator": condOperator,
	"FileTest": condFileTest, "Data": condData}

func (conditionDefinition) Symbols() map[string]lexer.TokenType { return conditionSymbols }

func (d conditionDefinition) Lex(_ string, r io.Reader) (lexer.Lexer, error) {
	text, err := io.ReadAll(r)
	return &conditionScanner{rest: string(text)}, err
}

func (d conditionDefinition) LexString(_ string, text string) (lexer.Lexer, error) {
	return &conditionScanner{rest: text}, nil
}

type conditionScanner struct {
	rest string
	n    int
	test bool
}

// Next is lexer.Lexer's; it never fails.
func (s *conditionScanner) Next() (lexer.Token, error) {
	if s.rest == "" {
		return lexer.EOFToken(lexer.Position{Offset: s.n}), nil
	}
	word, rest, _ := strings.Cut(s.rest, wordEnd)
	s.rest = rest
	t := lexer.Token{Type: condData, Value: strings.ReplaceAll(word, nul, "\x00"), Pos: lexer.Position{Offset: s.n}}
	switch {
	case s.n == 0 && len(t.Value) > 1 && t.Value[0] == '$':
		t.Type = condVariable
	case s.n == 0 && isFileTest(t.Value):
		t.Type, s.test = condFileTest, true
	case s.n == 1 && !s.test && isCondOperator(t.Value):
		t.Type = condOperator
	}
	s.n++
	return t, nil
}

func isFileTest(w string) bool {
	w = strings.TrimPrefix(w, "!")
	return len(w) == 2 && w[0] == '-' && strings.IndexByte("fdex", w[1]) >= 0
}

func isCondOperator(w string) bool {
	switch w {
	case "=", "!=", "~", "~*", "!~", "!~*":
		return true
	}
	return false
}

var conditionParser = sync.OnceValue(func() *participle.Parser[conditionGrammar] {
	return participle.MustBuild[conditionGrammar](participle.Lexer(conditionDefinition{}))
})

type parsedCondition struct {
	*conditionGrammar
	err error
}

var conditions memo[parsedCondition]

// ConditionError is a fault in the head of an if.
type ConditionError struct {
	Text string      // nginx's own words
	Span source.Span // of the word at fault
}

func (e *ConditionError) Error() string { return e.Text }

// unwrapCondition takes the parentheses off the words of an if: `(`, `($a`, `$b)` and `)` may be words of
// their own or glued to their neighbours.
func unwrapCondition(args []Word) ([]Word, *ConditionError) {
	bad := func(w Word) ([]Word, *ConditionError) {
		return nil, &ConditionError{fmt.Sprintf(`invalid condition "%s"`, w.Text), w.Span}
	}
	if len(args) == 0 {
		return nil, &ConditionError{Text: `invalid number of arguments in "if" directive`}
	}
	words := append([]Word(nil), args...)
	if !strings.HasPrefix(words[0].Text, "(") {
		return bad(words[0])
	}
	cur, last := 0, len(words)-1
	if len(words[0].Text) == 1 {
		cur = 1
	} else {
		words[0] = words[0].cut(1, 0)
	}
	end := &words[last]
	if !strings.HasSuffix(end.Text, ")") {
		return bad(*end)
	}
	closing := *end
	if len(end.Text) == 1 {
		last--
	} else {
		*end = end.cut(0, 1)
	}
	if cur > last {
		return bad(closing)
	}
	return words[cur : last+1], nil
}

// cut takes bytes off the ends of a bare word.
func (w Word) cut(front, back int) Word {
	w.Text = w.Text[front : len(w.Text)-back]
	if w.Quote == 0 {
		w.Span.Start += int32(front)
		w.Span.End -= int32(back)
	}
	return w
}

// ParseIf reads the arguments of an if directive. The error is a *ConditionError in nginx's words; then there
// is no condition. A regular expression that does not compile is kept in Condition.Pattern.Err; Origin.File
// is for the caller to set.
func ParseIf(args []Word) (*ir.Condition, error) {
	words, fault := unwrapCondition(args)
	if fault != nil {
		return nil, fault
	}
	var key strings.Builder
	for _, w := range words {
		key.WriteString(strings.ReplaceAll(w.Text, "\x00", nul))
		key.WriteString(wordEnd)
	}
	parsed := conditions.get(key.String(), func(text string) parsedCondition {
		g, err := conditionParser().ParseString("", text)
		return parsedCondition{g, err}
	})
	if parsed.err != nil {
		return nil, conditionFault(words)
	}
	first, last := words[0], words[len(words)-1]
	c := &ir.Condition{Origin: ir.Origin{Span: args[0].Span.Join(args[len(args)-1].Span)}}
	if parsed.FileTest != "" {
		path, err := last.Template()
		if err != nil {
			return nil, &ConditionError{err.Error(), last.Span}
		}
		c.Kind, c.Test, c.PatternSpan = ir.CondFile, path, first.Span
		c.Negated = parsed.FileTest[0] == '!'
		c.Op = strings.TrimPrefix(parsed.FileTest, "!")
		return c, nil
	}
	name := strings.ToLower(first.Text[1:])
	c.Test = &ir.Template{Text: first.Text, Span: first.Span,
		Parts: []ir.Part{{Kind: ir.Variable, Span: first.Span, Text: first.Text, Name: name}}}
	if parsed.Operator == "" {
		c.Kind = ir.CondTruth
		return c, nil
	}
	c.Negated = parsed.Operator[0] == '!'
	c.PatternSpan = last.Span
	switch parsed.Operator {
	case "=", "!=":
		operand, err := last.Template()
		if err != nil {
			return nil, &ConditionError{err.Error(), last.Span}
		}
		c.Kind, c.Op, c.Operand = ir.CondString, "=", operand
	default:
		c.Kind, c.IgnoreCase = ir.CondRegex, strings.HasSuffix(parsed.Operator, "*")
		o := pattern.Nginx
		o.IgnoreCase = c.IgnoreCase
		c.Pattern = ir.NewPattern(last.Text, last.Span, o)
	}
	return c, nil
}

// conditionFault finds nginx's words for a condition that does not parse.
func conditionFault(words []Word) error {
	first := words[0]
	if len(first.Text) > 1 && first.Text[0] == '$' && len(words) == 3 {
		return &ConditionError{fmt.Sprintf(`unexpected "%s" in condition`, words[1].Text), words[1].Span}
	}
	return &ConditionError{fmt.Sprintf(`invalid condition "%s"`, first.Text), first.Span}
}
