package nginx

import "strings"

// luaBlockEnd finds the } that closes a Lua block whose body starts at offset at: its offset, or the
// length of the text and false. Braces in strings, long brackets and comments do not count.
// Source: Lua 5.1 manual §2.1; OpenResty's lua-nginx-module reads blocks the same way.
func luaBlockEnd(text string, at int) (end int, closed bool) {
	depth := 1
	for i := at; i < len(text); {
		switch c := text[i]; c {
		case '{':
			depth++
			i++
		case '}':
			if depth--; depth == 0 {
				return i, true
			}
			i++
		case '"', '\'':
			i = luaStringEnd(text, i)
		case '[':
			i = luaLongEnd(text, i)
		case '-':
			if !strings.HasPrefix(text[i:], "--") {
				i++
				break
			}
			i += 2
			if i < len(text) && text[i] == '[' {
				if next := luaLongEnd(text, i); next > i+1 {
					i = next
					break
				}
			}
			if n := strings.IndexByte(text[i:], '\n'); n >= 0 {
				i += n
			} else {
				i = len(text)
			}
		default:
			i++
		}
	}
	return len(text), false
}

// luaStringEnd is the offset behind a quoted string, or behind its line when it is not closed there.
func luaStringEnd(text string, i int) int {
	quote := text[i]
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case quote:
			return i + 1
		case '\n':
			return i
		}
	}
	return len(text)
}

// luaLongEnd is the offset behind a long bracket [[ ]] or [==[ ]==] that starts at i; i+1 when none does.
// An unclosed one runs to the end of the text.
func luaLongEnd(text string, i int) int {
	j := i + 1
	for j < len(text) && text[j] == '=' {
		j++
	}
	if j >= len(text) || text[j] != '[' {
		return i + 1
	}
	closing := "]" + text[i+1:j] + "]"
	if n := strings.Index(text[j:], closing); n >= 0 {
		return j + n + len(closing)
	}
	return len(text)
}
