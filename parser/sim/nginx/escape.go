package nginx

import "strings"

const upperHex = "0123456789ABCDEF"

// Escaping tables of ngx_escape_uri, checked on the server: args escapes controls, blank, " # % & + ; < > ? \ ^ ` { | }
// and all from 0x7f on; uri is the same without & + ;.
func needsEscape(c byte, args bool) bool {
	switch {
	case c <= 0x20 || c >= 0x7f:
		return true
	case strings.IndexByte("\"#%<>?\\^`{|}", c) >= 0:
		return true
	case args && (c == '&' || c == '+' || c == ';'):
		return true
	}
	return false
}

func escape(s string, args bool) string {
	n := 0
	for i := 0; i < len(s); i++ {
		if needsEscape(s[i], args) {
			n++
		}
	}
	if n == 0 {
		return s
	}
	b := make([]byte, 0, len(s)+2*n)
	for i := 0; i < len(s); i++ {
		if c := s[i]; needsEscape(c, args) {
			b = append(b, '%', upperHex[c>>4], upperHex[c&15])
		} else {
			b = append(b, c)
		}
	}
	return string(b)
}

func escapeArgs(s string) string { return escape(s, true) }
func escapeURI(s string) string  { return escape(s, false) }

// unescapeRedirect partly decodes the target of a redirect up to its first ?: %XX above % and below 0x7f becomes
// the character, %3F ends it. Source: ngx_unescape_uri with NGX_UNESCAPE_REDIRECT.
func unescapeRedirect(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	state, decoded := 0, byte(0)
	i := 0
	for ; i < len(s); i++ {
		ch := s[i]
		switch state {
		case 0:
			if ch == '?' {
				return string(append(out, s[i:]...))
			}
			if ch == '%' {
				state = 1
				continue
			}
			out = append(out, ch)
		case 1:
			if h := hexDigit(ch); h >= 0 {
				decoded, state = byte(h), 2
				continue
			}
			state = 0
			out = append(out, ch)
		case 2:
			state = 0
			h := hexDigit(ch)
			if h < 0 {
				continue
			}
			c := decoded<<4 | byte(h)
			if c == '?' {
				out = append(out, c)
				return string(append(out, s[i+1:]...))
			}
			if c > '%' && c < 0x7f {
				out = append(out, c)
				continue
			}
			out = append(out, '%', s[i-1], s[i])
		}
	}
	return string(out)
}
