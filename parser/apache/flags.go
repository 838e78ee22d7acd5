package apache

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"

	"rewright/parser/ir"
	"rewright/parser/source"
)

// Tokens of a flag list: [R=301,L].
const (
	flagOpen  lexer.TokenType = iota + 40 // [
	flagName                              // up to = or the end of the flag; may be empty
	flagEqual                             // =
	flagValue                             // up to the end of the flag; may be empty
	flagComma                             // , or blanks around it
	flagClose                             // ]
)

var flagSymbols = map[string]lexer.TokenType{"EOF": lexer.EOF, "Open": flagOpen, "Name": flagName, "Equal": flagEqual,
	"Value": flagValue, "Comma": flagComma, "Close": flagClose}

type flagDefinition struct{}

func (flagDefinition) Symbols() map[string]lexer.TokenType { return flagSymbols }

func (d flagDefinition) Lex(name string, r io.Reader) (lexer.Lexer, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return d.LexString(name, string(text))
}

func (flagDefinition) LexString(_ string, text string) (lexer.Lexer, error) {
	return &flagLexer{text: text}, nil
}

// flagLexer cuts a list that begins with [ and ends with ] as mod_rewrite does: at every comma.
// Source: httpd mod_rewrite.c, cmd_parseflagfield.
type flagLexer struct {
	text  string
	at    int
	state int // 0: [, 1: a flag, 2: = or the end of the flag, 3: value, 4: the end of the flag
}

func (l *flagLexer) Next() (lexer.Token, error) {
	s, i := l.text, l.at
	last := len(s) - 1
	make := func(t lexer.TokenType, from, to, next, state int) (lexer.Token, error) {
		l.at, l.state = next, state
		return lexer.Token{Type: t, Value: s[from:to], Pos: lexer.Position{Offset: from}}, nil
	}
	switch {
	case l.state == 0:
		return make(flagOpen, 0, 1, 1, 1)
	case i > last:
		return lexer.EOFToken(lexer.Position{Offset: i}), nil
	}
	end := strings.IndexByte(s[i:last], ',') + i
	if end < i {
		end = last
	}
	switch l.state {
	case 1:
		i = min(skipBlanks(s, i), end)
		stop := trimEnd(s, i, end)
		if eq := strings.IndexByte(s[i:stop], '='); eq >= 0 {
			return make(flagName, i, i+eq, i+eq, 2)
		}
		return make(flagName, i, stop, end, 4)
	case 2:
		return make(flagEqual, i, i+1, i+1, 3)
	case 3:
		return make(flagValue, i, trimEnd(s, i, end), end, 4)
	}
	if i == last {
		return make(flagClose, i, i+1, i+1, 1)
	}
	return make(flagComma, i, i+1, i+1, 1)
}

func trimEnd(s string, from, to int) int {
	for to > from && isBlank(s[to-1]) {
		to--
	}
	return to
}

type (
	flagList struct {
		Flags []*flagNode `parser:"Open @@ ( Comma @@ )* Close"`
	}
	flagNode struct {
		Pos   lexer.Position
		Name  string       `parser:"@Name"`
		Equal *lexer.Token `parser:"( @Equal"`
		Value string       `parser:"  @Value )?"`
	}
)

var flagParser = sync.OnceValue(func() *participle.Parser[flagList] {
	return participle.MustBuild[flagList](participle.Lexer(flagDefinition{}))
})

// FlagError is a fault in a flag list for which httpd refuses the directive.
type FlagError struct {
	Kind    string // name in the catalogue: "unknown-flag", "bad-flag-brackets", …
	Span    source.Span
	Server  string // httpd's words behind "RewriteRule: "
	Message string
}

// flagText is a flag list that was read, by its text: spans count from the beginning of the text.
type flagText struct {
	flags []ir.Flag
	fault *FlagError
}

var ruleFlagTexts, condFlagTexts memo[flagText]

// ParseFlags reads the flag list of a RewriteRule, or of a RewriteCond when cond is set. err is the first thing
// for which httpd refuses it; the flags that could be read are given all the same.
func ParseFlags(w Word, cond bool) (flags []ir.Flag, err *FlagError) {
	m := &ruleFlagTexts
	if cond {
		m = &condFlagTexts
	}
	t := m.get(w.Text, func(s string) flagText { return parseFlags(s, cond) })
	at := w.place()
	flags = append([]ir.Flag(nil), t.flags...)
	for i := range flags {
		flags[i].Span = at.span(int(flags[i].Span.Start), int(flags[i].Span.End))
	}
	if t.fault != nil {
		f := *t.fault
		f.Span = at.span(int(f.Span.Start), int(f.Span.End))
		if f.Span.Len() == 0 || t.fault.Span.Len() == len(w.Text) {
			f.Span = w.Span
		}
		err = &f
	}
	return flags, err
}

func parseFlags(text string, cond bool) flagText {
	if n := len(text); n < 2 || text[0] != '[' || text[n-1] != ']' {
		return flagText{fault: &FlagError{Kind: "bad-flag-brackets", Span: source.NewSpan(0, len(text)),
			Server: "bad flag delimiters", Message: fmt.Sprintf("flags have to stand in [ ] as one word, and %q does not", text)}}
	}
	list, err := flagParser().ParseString("", text)
	if err != nil {
		panic("apache: every text in brackets is a list of flags, yet " + err.Error())
	}
	var out flagText
	for _, n := range list.Flags {
		f := ir.Flag{Text: n.Name, Value: n.Value, HasValue: n.Equal != nil}
		end := n.Pos.Offset + len(n.Name)
		if f.HasValue {
			end = n.Equal.Pos.Offset + 1 + len(n.Value)
			f.Text = text[n.Pos.Offset:end]
		}
		f.Span = source.NewSpan(n.Pos.Offset, end)
		f.Name, f.Known = flagNameOf(n.Name, cond)
		fault := flagFault(&f, n.Name, cond)
		if fault != nil && out.fault == nil {
			out.fault = fault
		}
		out.flags = append(out.flags, f)
	}
	return out
}

// ruleFlags are the flags of RewriteRule by their names in upper case.
// Source: httpd mod_rewrite.c, cmd_rewriterule_setflag.
var ruleFlags = map[string]string{
	"B": "B", "BACKREFESCAPING": "B", "BNE": "BNE", "BNP": "BNP", "BACKREFERNOPLUS": "BNP", "BCTLS": "BCTLS",
	"C": "C", "CHAIN": "C", "CO": "CO", "COOKIE": "CO", "D": "DPI", "DPI": "DPI", "DISCARDPATH": "DPI",
	"E": "E", "ENV": "E", "END": "END", "F": "F", "FORBIDDEN": "F", "G": "G", "GONE": "G", "H": "H", "HANDLER": "H",
	"L": "L", "LAST": "L", "NE": "NE", "NOESCAPE": "NE", "N": "N", "NEXT": "N", "NS": "NS", "NOSUBREQ": "NS",
	"NC": "NC", "NOCASE": "NC", "P": "P", "PROXY": "P", "PT": "PT", "PASSTHROUGH": "PT", "QSA": "QSA", "QSAPPEND": "QSA",
	"QSD": "QSD", "QSDISCARD": "QSD", "QSL": "QSL", "QSLAST": "QSL", "R": "R", "REDIRECT": "R", "S": "S", "SKIP": "S",
	"T": "T", "TYPE": "T", "UNSAFEPREFIXSTAT": "UnsafePrefixStat", "UNSAFEALLOW3F": "UnsafeAllow3F", "UNC": "UNC",
}

var condFlags = map[string]string{"NC": "NC", "NOCASE": "NC", "OR": "OR", "ORNEXT": "OR", "NV": "NV", "NOVARY": "NV"}

func flagNameOf(name string, cond bool) (string, bool) {
	table := ruleFlags
	if cond {
		table = condFlags
	}
	if known := table[strings.ToUpper(name)]; known != "" {
		return known, true
	}
	return name, false
}

// flagFault tells why httpd refuses a flag; nil when it does not. An unknown flag whose name begins with D is one it
// takes and ignores.
func flagFault(f *ir.Flag, name string, cond bool) *FlagError {
	if !f.Known && (cond || name == "" || name[0]|0x20 != 'd') {
		message := fmt.Sprintf("unknown flag %q", name)
		if name == "" {
			message = "the list has an empty flag"
		}
		return &FlagError{Kind: "unknown-flag", Span: f.Span, Server: fmt.Sprintf("unknown flag '%s'", name), Message: message}
	}
	switch {
	case cond:
	case f.Name == "BNE" && f.Value == "":
		return &FlagError{Kind: "refused-argument", Span: f.Span, Server: "flag 'BNE' wants a list of characters (i.e. [BNE=...])",
			Message: "the flag BNE wants a list of characters"}
	case f.Name == "R" && f.Value != "" && f.Value[0] >= '0' && f.Value[0] <= '9':
		if code := atoi(f.Value); !KnownStatus(code) {
			return &FlagError{Kind: "no-such-status", Span: f.Span,
				Server:  fmt.Sprintf("invalid HTTP response code '%s' for flag 'R'", f.Value),
				Message: fmt.Sprintf("httpd knows no status %s", f.Value)}
		}
	}
	return nil
}

// atoi is C's: blanks, a sign, digits; the rest is ignored.
func atoi(s string) int {
	s = strings.TrimLeft(s, " \t\n\v\f\r")
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	n, err := strconv.ParseInt(s[:i], 10, 32)
	if err != nil && i > 9 {
		return 1<<31 - 1
	}
	return int(n)
}

// KnownStatus tells whether httpd has a status line for a code. Source: httpd modules/http/http_protocol.c, status_lines.
func KnownStatus(code int) bool {
	switch {
	case code >= 100 && code <= 103, code >= 200 && code <= 208, code == 226, code >= 300 && code <= 305, code == 307, code == 308,
		code >= 400 && code <= 417, code >= 421 && code <= 424, code == 426, code == 428, code == 429, code == 431, code == 451,
		code >= 500 && code <= 508, code == 510, code == 511:
		return true
	}
	return false
}
