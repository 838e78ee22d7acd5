package nginx

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"

	"rewright/parser/ir"
	"rewright/parser/source"
)

// The little language of nginx strings:
//
//	template = { Text | Capture | Name | Braced } .
//
// $ cannot be escaped: a backslash before it is a byte like any other. It is Parseable: files of redirects
// hold a hundred thousand different strings.
// Source: nginx src/http/ngx_http_script.c, ngx_http_script_compile.
type templateGrammar struct {
	Parts []ir.Part // spans relative to the text
}

// Parse implements participle.Parseable.
func (g *templateGrammar) Parse(lex *lexer.PeekingLexer) error {
	for {
		t := lex.Peek()
		if t.Type == lexer.EOF {
			return nil
		}
		part, ok := templatePart(t.Type, t.Value, t.Pos.Offset)
		if !ok {
			return errNoVariable
		}
		g.Parts = append(g.Parts, part)
		lex.Next()
	}
}

// templatePart is what a token stands for; false for one that is no variable.
func templatePart(kind lexer.TokenType, text string, at int) (part ir.Part, ok bool) {
	part = ir.Part{Text: text, Span: source.NewSpan(at, at+len(text))}
	switch kind {
	case tmplText:
		part.Kind = ir.Literal
	case tmplCapture:
		part.Kind, part.N = ir.RuleRef, int(text[1]-'0')
	case tmplName:
		part.Kind, part.Name = ir.Variable, strings.ToLower(text[1:])
	case tmplBraced:
		part.Kind, part.Name = ir.Variable, strings.ToLower(text[2:len(text)-1])
	default:
		return part, false
	}
	return part, true
}

var errNoVariable = errors.New("invalid variable name")

const (
	tmplText lexer.TokenType = iota + 1
	tmplCapture
	tmplName
	tmplBraced
	tmplInvalid
)

type templateDefinition struct{}

var templateSymbols = map[string]lexer.TokenType{"EOF": lexer.EOF, "Text": tmplText, "Capture": tmplCapture,
	"Name": tmplName, "Braced": tmplBraced, "Invalid": tmplInvalid}

func (templateDefinition) Symbols() map[string]lexer.TokenType { return templateSymbols }

func (templateDefinition) Lex(_ string, r io.Reader) (lexer.Lexer, error) {
	text, err := io.ReadAll(r)
	return &templateScanner{text: string(text)}, err
}

func (templateDefinition) LexString(_ string, text string) (lexer.Lexer, error) {
	return &templateScanner{text: text}, nil
}

type templateScanner struct {
	text string
	at   int
}

func isNameByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// Next is lexer.Lexer's; it never fails.
func (s *templateScanner) Next() (lexer.Token, error) {
	start := s.at
	kind := lexer.EOF
	if rest := s.text[start:]; rest != "" {
		var n int
		kind, n = nextTemplateToken(rest)
		s.at += n
	}
	return lexer.Token{Type: kind, Value: s.text[start:s.at], Pos: lexer.Position{Offset: start}}, nil
}

func nextTemplateToken(rest string) (kind lexer.TokenType, n int) {
	if rest[0] != '$' {
		if n = strings.IndexByte(rest, '$'); n < 0 {
			n = len(rest)
		}
		return tmplText, n
	}
	n = 1
	if n < len(rest) && '1' <= rest[n] && rest[n] <= '9' {
		return tmplCapture, 2
	}
	if n < len(rest) && rest[n] == '{' {
		for n++; n < len(rest) && isNameByte(rest[n]); n++ {
		}
		if n == len(rest) || rest[n] != '}' || n == 2 {
			return tmplInvalid, n
		}
		return tmplBraced, n + 1
	}
	for n < len(rest) && isNameByte(rest[n]) {
		n++
	}
	if n == 1 {
		return tmplInvalid, n
	}
	return tmplName, n
}

var templateParser = sync.OnceValue(func() *participle.Parser[templateGrammar] {
	return participle.MustBuild[templateGrammar](participle.Lexer(templateDefinition{}))
})

// memo keeps what was made of a text; it is emptied when it grows large, so that reading many files
// does not hold them all.
type memo[T any] struct {
	mu   sync.Mutex
	seen map[string]T
}

// memoSize bounds a memo, in entries.
const memoSize = 1 << 14

func (m *memo[T]) get(text string, make_ func(string) T) T {
	m.mu.Lock()
	v, ok := m.seen[text]
	m.mu.Unlock()
	if ok {
		return v
	}
	v = make_(text)
	m.mu.Lock()
	if m.seen == nil || len(m.seen) >= memoSize {
		m.seen = make(map[string]T)
	}
	m.seen[strings.Clone(text)] = v
	m.mu.Unlock()
	return v
}

type parsedTemplate struct {
	parts []ir.Part // spans relative to the text
	err   error
}

var templates memo[parsedTemplate]

// ParseTemplate reads a string with variables: $name, ${name} and the captures $1 to $9 (one digit).
// Names are lower-cased, as nginx compares them. The text is decoded already (Word.Text); span is where it was
// written, with or without quotes: parts get exact spans when no escape stands in it, and the whole span
// otherwise. The error is in nginx's own words ("invalid variable name") and comes with no template.
func ParseTemplate(text string, span source.Span) (*ir.Template, error) {
	if strings.IndexByte(text, '$') < 0 {
		return ir.LiteralTemplate(text, span), nil
	}
	parsed := templates.get(text, parseTemplateText)
	if parsed.err != nil {
		return nil, parsed.err
	}
	t := &ir.Template{Text: text, Span: span, Parts: make([]ir.Part, len(parsed.parts))}
	base, exact := 0, true
	switch span.Len() {
	case len(text):
		base = int(span.Start)
	case len(text) + 2:
		base = int(span.Start) + 1
	default:
		exact = false
	}
	for i, part := range parsed.parts {
		if exact {
			part.Span = part.Span.Shift(base)
		} else {
			part.Span = span
		}
		t.Parts[i] = part
	}
	return t, nil
}

func parseTemplateText(text string) parsedTemplate {
	if parts, ok := flatTemplate(text); ok {
		return parsedTemplate{parts: parts}
	}
	g, err := templateParser().ParseString("", text)
	if err != nil {
		return parsedTemplate{err: templateFault(text)}
	}
	return parsedTemplate{parts: g.Parts}
}

// flatTemplate reads a text in which every $ begins a variable. Its tokens are its parts; going without the queue of tokens that
// a grammar reads from saves a tenth of the memory that a file of a hundred thousand rules takes.
func flatTemplate(text string) ([]ir.Part, bool) {
	parts := make([]ir.Part, 0, 1+2*strings.Count(text, "$"))
	for at := 0; at < len(text); {
		kind, n := nextTemplateToken(text[at:])
		part, ok := templatePart(kind, text[at:at+n], at)
		if !ok {
			return nil, false
		}
		parts = append(parts, part)
		at += n
	}
	return parts, true
}

// templateFault says what nginx says of the first thing in text that is no variable.
func templateFault(text string) error {
	for at := 0; at < len(text); {
		kind, n := nextTemplateToken(text[at:])
		if kind != tmplInvalid {
			at += n
			continue
		}
		bad := text[at : at+n]
		if strings.HasPrefix(bad, "${") && at+2 < len(text) && !strings.HasPrefix(text[at:], "${}") {
			return fmt.Errorf("the closing bracket in %q variable is missing", bad[2:])
		}
		break
	}
	return errNoVariable
}

// Template reads a word as a string with variables, with exact spans where its spelling allows.
func (w Word) Template() (*ir.Template, error) {
	span := w.Span
	if w.Quote != 0 && span.Len() == len(w.Text)+2 {
		span = source.Span{Start: span.Start + 1, End: span.End - 1}
	}
	t, err := ParseTemplate(w.Text, span)
	if err == nil {
		t.Span = w.Span
		if w.Quote == 0 && span.Len() != len(w.Text) {
			for i := range t.Parts {
				t.Parts[i].Span = w.Span
			}
		}
	}
	return t, err
}
