package nginx

import "strings"

// bare are the bytes that need no quotes anywhere in a word of nginx.
func bare(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_./:^$()*+?|-=!<>,~%&@[]", c) >= 0 || c >= 0x80
}

// word writes a text that nginx is to read as it stands: a name, a regular expression, a value whose variables are
// already in it. Source: nginx src/core/ngx_conf_file.c, ngx_conf_read_token.
func word(text string) string {
	if plain(text) {
		return text
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '"':
			b.WriteString(`\"`)
		case '\\':
			// a backslash is read as itself unless one of these follows it
			if i+1 == len(text) || strings.IndexByte(`\"'tnr`, text[i+1]) >= 0 {
				b.WriteByte('\\')
			}
			b.WriteByte('\\')
		case '\n':
			b.WriteString(`\n`)
		case '\r':
			b.WriteString(`\r`)
		case '\t':
			b.WriteString(`\t`)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// plain tells whether a text is read as it stands without quotes around it.
func plain(text string) bool {
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '$' && i+1 < len(text) && text[i+1] == '{':
			end := strings.IndexByte(text[i:], '}')
			if end < 0 {
				return false
			}
			i += end
		case c == '\\':
			if i++; i == len(text) || strings.IndexByte("\\\"'tnr;{} \t", text[i]) >= 0 {
				return false
			}
		case !bare(c):
			return false
		}
	}
	return text != ""
}

// piece is a part of a value: text that stands for itself, or a variable.
type piece struct {
	text     string
	variable string // without $; text is not used then
	// decoded is set for a variable that can hold bytes which must not reach a header as they are: CR, LF.
	decoded bool
}

func lit(text string) piece        { return piece{text: text} }
func variable(name string) piece   { return piece{variable: name} }
func decodedVar(name string) piece { return piece{variable: name, decoded: true} }

// value joins pieces to a text with variables in it. dollar tells that the variable $dollar is needed, because
// nginx has no way to write the character.
func value(parts []piece) (text string, dollar bool) {
	var b strings.Builder
	for i, p := range parts {
		if p.variable == "" {
			for j := 0; j < len(p.text); j++ {
				if p.text[j] == '$' {
					b.WriteString("${dollar}")
					dollar = true
					continue
				}
				b.WriteByte(p.text[j])
			}
			continue
		}
		next := byte(0)
		for _, q := range parts[i+1:] {
			if q.variable != "" {
				break
			}
			if q.text != "" {
				next = q.text[0]
				break
			}
		}
		digits := len(p.variable) == 1 && p.variable[0] >= '0' && p.variable[0] <= '9'
		if !digits && (next == '_' || next >= '0' && next <= '9' || next >= 'a' && next <= 'z' || next >= 'A' && next <= 'Z') {
			b.WriteString("${" + p.variable + "}")
			continue
		}
		b.WriteString("$" + p.variable)
	}
	return b.String(), dollar
}

// quoteLiteral writes text as a regular expression that matches nothing else.
func quoteLiteral(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if c := text[i]; strings.IndexByte(`\.+*?()[]{}|^$`, c) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(text[i])
	}
	return b.String()
}
