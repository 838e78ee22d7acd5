package nginx

import (
	"bytes"
	"io"
	"strings"

	"github.com/alecthomas/participle/v2/lexer"
)

// Token types. Blanks are no tokens: they are what lies between two of them.
const (
	tokWord    lexer.TokenType = iota + 1 // bare word
	tokQuoted                             // word in quotes, closed
	tokInvalid                            // a quote that is never closed; runs to the end of its line
	tokSemi                               // ;
	tokOpen                               // {
	tokClose                              // }
	tokComment                            // # to the end of the line
	tokRaw                                // body of a Lua block, without its braces
)

var symbols = map[string]lexer.TokenType{
	"EOF": lexer.EOF, "Word": tokWord, "Quoted": tokQuoted, "Invalid": tokInvalid, "Semi": tokSemi,
	"Open": tokOpen, "Close": tokClose, "Comment": tokComment, "Raw": tokRaw,
}

// definition is the lexer of nginx configuration: total, every text has tokens.
type definition struct{}

func (definition) Symbols() map[string]lexer.TokenType { return symbols }

func (definition) Lex(name string, r io.Reader) (lexer.Lexer, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return &scanner{text: string(text), limit: int(^uint(0) >> 1)}, nil
}

func (definition) LexString(_ string, text string) (lexer.Lexer, error) {
	return &scanner{text: text, limit: int(^uint(0) >> 1)}, nil
}

func (definition) LexBytes(name string, text []byte) (lexer.Lexer, error) {
	return definition{}.Lex(name, bytes.NewReader(text))
}

// scanner cuts text into tokens as ngx_conf_read_token does. It hands out a file in runs: Next answers
// EOF after about limit tokens, at the end of a directive, and goes on when more is called.
// Source: nginx src/core/ngx_conf_file.c, ngx_conf_read_token.
type scanner struct {
	text     string
	at       int
	limit    int     // tokens left before the run ends at the next ; { or }
	paused   bool    // the run is over
	inHead   bool    // a word of the current directive was seen
	lua      bool    // the current directive's name says that a Lua block follows
	raw      bool    // the { of a Lua block was handed out
	unclosed [2]bool // no ' or " closes any more
}

// tokensPerRun is how many tokens are held at once: enough to make the cost of a run vanish, few enough
// to stay in the processor's cache.
const tokensPerRun = 512

// more starts the next run; false: the text is used up.
func (s *scanner) more() bool {
	s.paused, s.limit = false, tokensPerRun
	return s.at < len(s.text)
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// Next is lexer.Lexer's; it never fails. Positions carry the offset only.
func (s *scanner) Next() (lexer.Token, error) {
	if s.raw {
		s.raw = false
		start := s.at
		s.at, _ = luaBlockEnd(s.text, start)
		s.inHead, s.lua = false, false
		return s.token(tokRaw, start), nil
	}
	text := s.text
	for s.at < len(text) && isBlank(text[s.at]) {
		s.at++
	}
	if s.paused || s.at >= len(text) {
		return lexer.EOFToken(lexer.Position{Offset: s.at}), nil
	}
	s.limit--
	start := s.at
	switch text[start] {
	case ';':
		s.at++
		s.ended()
		return s.token(tokSemi, start), nil
	case '{':
		s.at++
		if s.lua {
			s.raw, s.lua = true, false
			return s.token(tokOpen, start), nil
		}
		s.ended()
		return s.token(tokOpen, start), nil
	case '}':
		s.at++
		s.ended()
		return s.token(tokClose, start), nil
	case '#':
		end := strings.IndexByte(text[start:], '\n')
		if end < 0 {
			s.at = len(text)
		} else {
			s.at = start + end
			if s.at > start && text[s.at-1] == '\r' {
				s.at--
			}
		}
		return s.token(tokComment, start), nil
	case '"', '\'':
		first := !s.inHead
		t := s.quoted(start)
		if first && t.Type == tokQuoted {
			s.lua = strings.HasSuffix(text[start+1:s.at-1], luaBlock)
		}
		return t, nil
	}
	s.word(start)
	if !s.inHead {
		s.inHead = true
		s.lua = strings.HasSuffix(text[start:s.at], luaBlock)
	}
	return s.token(tokWord, start), nil
}

// luaBlock ends the names of directives whose block is Lua, bare or in quotes: the handler of the directive reads
// the block, and is chosen by the decoded first word.
// Source: nginx, ngx_conf_file.c, ngx_conf_handler; lua-nginx-module, ngx_http_lua_conf_lua_block_parse.
const luaBlock = "_by_lua_block"

func (s *scanner) ended() {
	s.inHead, s.lua = false, false
	if s.limit <= 0 {
		s.paused = true
	}
}

func (s *scanner) token(t lexer.TokenType, start int) lexer.Token {
	return lexer.Token{Type: t, Value: s.text[start:s.at], Pos: lexer.Position{Offset: start}}
}

// word runs over a bare word: to white space, ; or {, but a backslash protects the next byte and { is
// data behind $.
func (s *scanner) word(start int) {
	text, variable := s.text, false
	i := start
	for i < len(text) {
		switch c := text[i]; c {
		case '\\':
			i++
			variable = false
		case '$':
			variable = true
		case '{':
			if !variable {
				s.at = i
				return
			}
		case ' ', '\t', '\r', '\n', ';':
			s.at = i
			return
		default:
			variable = false
		}
		i++
	}
	s.at = min(i, len(text))
}

// quoted runs over a word in quotes. One that is never closed ends with its line; so that this stays
// linear, the rest of the file is not searched again for the same quote.
func (s *scanner) quoted(start int) lexer.Token {
	text, quote := s.text, s.text[start]
	s.inHead = true
	which := 0
	if quote == '"' {
		which = 1
	}
	if !s.unclosed[which] {
		for i := start + 1; i < len(text); i++ {
			if c := text[i]; c == '\\' {
				i++
			} else if c == quote {
				s.at = i + 1
				return s.token(tokQuoted, start)
			}
		}
		s.unclosed[which] = true
	}
	end := strings.IndexByte(text[start:], '\n')
	if end < 0 {
		end = len(text)
	} else {
		end += start
	}
	line := text[start:end]
	cut := strings.TrimRight(line, " \t\r")
	if n := len(cut); n > 1 && (cut[n-1] == ';' || cut[n-1] == '{') {
		cut = strings.TrimRight(cut[:n-1], " \t\r")
	}
	s.at = start + max(len(cut), 1)
	return s.token(tokInvalid, start)
}

// decode gives a word as nginx stores it: \" \' \\ lose the backslash, \t \r \n become control
// characters, every other backslash stays.
func decode(word string) string {
	i := strings.IndexByte(word, '\\')
	if i < 0 {
		return word
	}
	out := make([]byte, 0, len(word))
	for {
		out = append(out, word[:i]...)
		word = word[i:]
		if len(word) == 1 {
			return string(append(out, '\\'))
		}
		switch c := word[1]; c {
		case '"', '\'', '\\':
			out = append(out, c)
			word = word[2:]
		case 't':
			out = append(out, '\t')
			word = word[2:]
		case 'r':
			out = append(out, '\r')
			word = word[2:]
		case 'n':
			out = append(out, '\n')
			word = word[2:]
		default:
			out = append(out, '\\')
			word = word[1:]
		}
		if i = strings.IndexByte(word, '\\'); i < 0 {
			return string(append(out, word...))
		}
	}
}
