package apache

import (
	"io"
	"strings"
	"sync"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"

	"rewright/parser/ir"
	"rewright/parser/source"
)

// Tokens of mod_rewrite's substitutions and test strings. The lexer knows which braces match before it hands
// out an opening one, so the grammar never fails: what is no reference is text.
const (
	tplText   lexer.TokenType = iota + 20 // text as it stands
	tplEscape                             // \x
	tplRule                               // $0 … $9
	tplCond                               // %0 … %9
	tplVar                                // %{…}, whole
	tplMap                                // ${name:
	tplBar                                // | between key and default
	tplEnd                                // } of a map
)

var templateSymbols = map[string]lexer.TokenType{"EOF": lexer.EOF, "Text": tplText, "Escape": tplEscape, "Rule": tplRule,
	"Cond": tplCond, "Var": tplVar, "Map": tplMap, "Bar": tplBar, "End": tplEnd}

type templateDefinition struct{}

func (templateDefinition) Symbols() map[string]lexer.TokenType { return templateSymbols }

func (d templateDefinition) Lex(name string, r io.Reader) (lexer.Lexer, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return d.LexString(name, string(text))
}

func (templateDefinition) LexString(_ string, text string) (lexer.Lexer, error) {
	return &templateLexer{text: text, braces: matchBraces(text)}, nil
}

// brace is what belongs to a { in a template: offsets, -1 when there is none.
type brace struct{ close, colon, bar int }

// matchBraces finds the partners of all braces in one pass. Source: httpd mod_rewrite.c, find_closing_curly and
// find_char_in_curlies: a backslash hides the byte behind it.
func matchBraces(s string) map[int]brace {
	if strings.IndexByte(s, '{') < 0 {
		return nil
	}
	type open struct {
		at int
		brace
	}
	var stack []open
	m := map[int]brace{}
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '{':
			stack = append(stack, open{i, brace{-1, -1, -1}})
		case '}':
			if n := len(stack); n > 0 {
				b := stack[n-1]
				b.close = i
				m[b.at] = b.brace
				stack = stack[:n-1]
			}
		case ':':
			if n := len(stack); n > 0 && stack[n-1].colon < 0 {
				stack[n-1].colon = i
			}
		case '|':
			if n := len(stack); n > 0 && stack[n-1].colon >= 0 && stack[n-1].bar < 0 {
				stack[n-1].bar = i
			}
		}
	}
	return m
}

// maxLookups bounds lookups within the keys of lookups; deeper ones are text.
const maxLookups = 60

type templateLexer struct {
	text   string
	at     int
	braces map[int]brace
	open   []brace // lookups that are open
}

func (l *templateLexer) token(t lexer.TokenType, n int) (lexer.Token, error) {
	tok := lexer.Token{Type: t, Value: l.text[l.at : l.at+n], Pos: lexer.Position{Offset: l.at}}
	l.at += n
	return tok, nil
}

// Next is lexer.Lexer's; it never fails.
func (l *templateLexer) Next() (lexer.Token, error) {
	s, i := l.text, l.at
	if i == len(s) {
		return lexer.EOFToken(lexer.Position{Offset: i}), nil
	}
	limit := len(s)
	if n := len(l.open); n > 0 {
		top := &l.open[n-1]
		switch i {
		case top.bar:
			return l.token(tplBar, 1)
		case top.close:
			l.open = l.open[:n-1]
			return l.token(tplEnd, 1)
		}
		limit = top.close
		if top.bar > i {
			limit = top.bar
		}
	}
	if s[i] == '\\' && i+1 < limit {
		return l.token(tplEscape, 2)
	}
	if (s[i] == '$' || s[i] == '%') && i+1 < limit {
		next := s[i+1]
		switch {
		case next == '{':
			b, ok := l.braces[i+1]
			switch {
			case !ok || b.close > limit:
			case s[i] == '%':
				return l.token(tplVar, b.close+1-i)
			case b.colon >= 0 && len(l.open) < maxLookups:
				l.open = append(l.open, b)
				return l.token(tplMap, b.colon+1-i)
			}
			return l.token(tplText, 2)
		case next >= '0' && next <= '9' && s[i] == '$':
			return l.token(tplRule, 2)
		case next >= '0' && next <= '9':
			return l.token(tplCond, 2)
		}
	}
	n := strings.IndexAny(s[i+1:limit], "\\$%")
	if n < 0 {
		n = limit - i - 1
	}
	return l.token(tplText, n+1)
}

type (
	templateNode struct {
		Parts []*templatePart `parser:"@@*"`
	}
	templatePart struct {
		Pos    lexer.Position
		Text   string      `parser:"  @Text"`
		Escape string      `parser:"| @Escape"`
		Rule   string      `parser:"| @Rule"`
		Cond   string      `parser:"| @Cond"`
		Var    string      `parser:"| @Var"`
		Lookup *lookupNode `parser:"| @@"`
	}
	lookupNode struct {
		Map     string        `parser:"@Map"`
		Key     *templateNode `parser:"@@"`
		Bar     bool          `parser:"( @Bar"`
		Default *templateNode `parser:"  @@ )?"`
		End     lexer.Token   `parser:"@End"`
	}
)

var templateParser = sync.OnceValue(func() *participle.Parser[templateNode] {
	return participle.MustBuild[templateNode](participle.Lexer(templateDefinition{}))
})

// templates remembers templates by their text, with spans that count from the beginning of the text.
var templates memo[*ir.Template]

// memo remembers what texts were read as. It is safe for concurrent use, and forgets all when it is full.
type memo[T any] struct {
	sync.RWMutex
	m map[string]T
}

// maxMemo is how many texts a memo holds, of at most maxMemoText bytes each.
const (
	maxMemo     = 4096
	maxMemoText = 512
)

func (m *memo[T]) get(text string, parse func(string) T) T {
	if len(text) > maxMemoText {
		return parse(text)
	}
	m.RLock()
	v, ok := m.m[text]
	m.RUnlock()
	if ok {
		return v
	}
	v = parse(text)
	m.Lock()
	defer m.Unlock()
	if m.m == nil || len(m.m) >= maxMemo {
		m.m = make(map[string]T)
	}
	m.m[strings.Clone(text)] = v
	return v
}

// ParseTemplate reads a substitution or test string of mod_rewrite: $N, %N, %{NAME}, ${map:key|default} and \x.
// Parts get places of their own where the word is written as it is read, and that of the whole word otherwise.
// Source: httpd mod_rewrite.c, do_expand.
func ParseTemplate(w Word) *ir.Template {
	if strings.IndexAny(w.Text, "\\$%") < 0 {
		t := ir.LiteralTemplate(w.Text, w.Span)
		for i := range t.Parts {
			t.Parts[i].Span = w.place().span(0, len(w.Text))
		}
		return t
	}
	t := *templates.get(w.Text, parseTemplate)
	t.Span = w.Span
	t.Parts = placeParts(t.Parts, w.place())
	return &t
}

// wordPlace turns offsets in a word's text into places in the file.
type wordPlace struct {
	whole source.Span
	start int
	exact bool
}

func (w Word) place() wordPlace {
	p := wordPlace{whole: w.Span, start: int(w.Span.Start)}
	switch n := w.Span.Len() - len(w.Text); {
	case w.Quote == 0:
		p.exact = n == 0
	case w.Unterminated:
		p.start++
		p.exact = n == 1
	default:
		p.start++
		p.exact = n == 2
	}
	return p
}

func (p wordPlace) span(i, j int) source.Span {
	if !p.exact {
		return p.whole
	}
	return source.NewSpan(p.start+i, p.start+j)
}

func placeParts(parts []ir.Part, at wordPlace) []ir.Part {
	out := make([]ir.Part, len(parts))
	for i, p := range parts {
		p.Span = at.span(int(p.Span.Start), int(p.Span.End))
		p.Key, p.Default = placeTemplate(p.Key, at), placeTemplate(p.Default, at)
		out[i] = p
	}
	return out
}

func placeTemplate(t *ir.Template, at wordPlace) *ir.Template {
	if t == nil {
		return nil
	}
	n := *t
	n.Span, n.Parts = at.span(int(t.Span.Start), int(t.Span.End)), placeParts(t.Parts, at)
	return &n
}

func parseTemplate(text string) *ir.Template {
	if !strings.Contains(text, "${") {
		return flatTemplate(text)
	}
	node, err := templateParser().ParseString("", text)
	if err != nil {
		panic("apache: every text is a template, yet " + err.Error())
	}
	return node.template(text, 0, len(text))
}

// flatTemplate reads a template without lookups: its tokens are its parts, and most of the hundred thousand targets of a large
// file are such. It takes a third of the time and a tenth of the memory that the grammar does.
func flatTemplate(text string) *ir.Template {
	l := &templateLexer{text: text, braces: matchBraces(text)}
	n := templateNode{}
	for {
		tok, _ := l.Next()
		p := templatePart{Pos: tok.Pos}
		switch tok.Type {
		case tplText:
			p.Text = tok.Value
		case tplEscape:
			p.Escape = tok.Value
		case tplRule:
			p.Rule = tok.Value
		case tplCond:
			p.Cond = tok.Value
		case tplVar:
			p.Var = tok.Value
		default:
			return n.template(text, 0, len(text))
		}
		n.Parts = append(n.Parts, &p)
	}
}

func (n *templateNode) template(text string, from, to int) *ir.Template {
	t := &ir.Template{Text: text[from:to], Span: source.NewSpan(from, to)}
	for _, p := range n.Parts {
		at := p.Pos.Offset
		part := ir.Part{}
		switch {
		case p.Text != "":
			part.Text = p.Text
			if k := len(t.Parts) - 1; k >= 0 && t.Parts[k].Kind == ir.Literal && !t.Parts[k].Escaped {
				t.Parts[k].Span.End += int32(len(p.Text))
				t.Parts[k].Text = text[t.Parts[k].Span.Start:t.Parts[k].Span.End]
				continue
			}
			part.Span = source.NewSpan(at, at+len(p.Text))
		case p.Escape != "":
			part.Text, part.Escaped, part.Span = p.Escape[1:], true, source.NewSpan(at, at+2)
		case p.Rule != "":
			part.Kind, part.Text, part.N, part.Span = ir.RuleRef, p.Rule, int(p.Rule[1]-'0'), source.NewSpan(at, at+2)
		case p.Cond != "":
			part.Kind, part.Text, part.N, part.Span = ir.CondRef, p.Cond, int(p.Cond[1]-'0'), source.NewSpan(at, at+2)
		case p.Var != "":
			part.Kind, part.Text, part.Span = ir.Variable, p.Var, source.NewSpan(at, at+len(p.Var))
			part.Space, part.Name = SplitVariable(p.Var[2 : len(p.Var)-1])
		default:
			l := p.Lookup
			end := l.End.Pos.Offset
			part.Kind, part.Map = ir.Lookup, l.Map[2:len(l.Map)-1]
			part.Text, part.Span = text[at:end+1], source.NewSpan(at, end+1)
			keyFrom, keyTo := at+len(l.Map), end
			if l.Bar {
				keyTo = keyFrom + l.Key.width(text)
				part.Default = l.Default.template(text, keyTo+1, end)
			}
			part.Key = l.Key.template(text, keyFrom, keyTo)
		}
		t.Parts = append(t.Parts, part)
	}
	return t
}

// width is how many bytes of text a template covers.
func (n *templateNode) width(text string) int {
	w := 0
	for _, p := range n.Parts {
		w += len(p.Text) + len(p.Escape) + len(p.Rule) + len(p.Cond) + len(p.Var)
		if p.Lookup != nil {
			w += p.Lookup.End.Pos.Offset + 1 - p.Pos.Offset
		}
	}
	return w
}

// SplitVariable takes what stands between %{ and } apart into name space and name. Names without a name space are in
// upper case, as mod_rewrite compares them without regard to case. Source: httpd mod_rewrite.c, lookup_variable.
func SplitVariable(name string) (space, rest string) {
	for _, s := range [...]string{"ENV", "SSL", "HTTP", "LA-U", "LA-F"} {
		if len(name) > len(s)+1 && name[len(s)] == ':' && strings.EqualFold(name[:len(s)], s) {
			rest = name[len(s)+1:]
			if s[0] == 'L' {
				rest = strings.ToUpper(rest)
			}
			return s, rest
		}
	}
	return "", strings.ToUpper(name)
}
