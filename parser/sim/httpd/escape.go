package httpd

import "strings"

const lowerHex = "0123456789abcdef"

// escapePath escapes what httpd does not leave in a path: everything but alphanumerics and $-_.+!*'(),:@&=/~; .
// Source: httpd server/util.c, ap_os_escape_path; server/gen_test_char.c, T_OS_ESCAPE_PATH.
func escapePath(s string) string { return escape(s, &osPath) }

var osPath = func() (kept [256]bool) {
	for c := range 256 {
		kept[c] = isAlnum(byte(c)) || c != 0 && strings.IndexByte("$-_.+!*'(),:;@&=/~", byte(c)) >= 0
	}
	return kept
}()

func escape(s string, kept *[256]bool) string {
	n := 0
	for i := 0; i < len(s); i++ {
		if !kept[s[i]] {
			n++
		}
	}
	if n == 0 {
		return s
	}
	b := make([]byte, 0, len(s)+2*n)
	for i := 0; i < len(s); i++ {
		if c := s[i]; kept[c] {
			b = append(b, c)
		} else {
			b = append(b, '%', lowerHex[c>>4], lowerHex[c&15])
		}
	}
	return string(b)
}

func isAlnum(c byte) bool { return isAlpha(c) || isDigit(c) }
func isAlpha(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isHex(c byte) bool   { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
func isSpace(c byte) bool { return c == ' ' || '\t' <= c && c <= '\r' }

func unhex(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

func unreserved(c byte) bool { return isAlnum(c) || c == '-' || c == '.' || c == '_' || c == '~' }

// isVisible tells whether a byte may stand raw in a query or header value: no control, no blank.
// Source: httpd server/gen_test_char.c, T_VCHAR_OBSTEXT.
func isVisible(c byte) bool { return c > ' ' && c != 0x7f }

func allVisible(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isVisible(s[i]) {
			return false
		}
	}
	return true
}

type normalizeFlags uint8

const (
	notAboveRoot normalizeFlags = 1 << iota
	mergeSlashes
	allowRelative
	decodeUnreserved
)

// normalizePath decodes unreserved characters, merges slashes and takes dot segments out; ok is false when httpd
// answers 400. Source: httpd server/util.c, ap_normalize_path.
func normalizePath(s string, flags normalizeFlags) (out string, ok bool) {
	if s == "" || s[0] != '/' {
		if s == "*" {
			return s, true
		}
		if flags&allowRelative == 0 || s == "" {
			return s, false
		}
	} else if plainPath(s) {
		return s, true
	}
	path := []byte(s)
	at := func(i int) byte {
		if i < len(path) {
			return path[i]
		}
		return 0
	}
	slashOrEnd := func(c byte) bool { return c == '/' || c == 0 }
	ok = true
	l, w := 1, 1
	if path[0] != '/' {
		l, w = 0, 0
	}
	decode := flags&decodeUnreserved != 0
	for l < len(path) {
		if decode && path[l] == '%' {
			if isHex(at(l+1)) && isHex(at(l+2)) {
				if c := unhex(path[l+1])<<4 | unhex(path[l+2]); unreserved(c) {
					l += 2
					path[l] = c
				}
			} else {
				ok = false
			}
		}
		if w == 0 || path[w-1] == '/' {
			if flags&mergeSlashes != 0 && path[l] == '/' {
				for at(l) == '/' {
					l++
				}
				continue
			}
			if path[l] == '.' {
				if slashOrEnd(at(l + 1)) {
					l += 2
					l = min(l, len(path))
					continue
				}
				n := l + 1
				dot := at(n) == '.'
				if !dot && decode && at(n) == '%' && at(n+1) == '2' && (at(n+2) == 'e' || at(n+2) == 'E') {
					dot, n = true, n+2
				}
				if dot && slashOrEnd(at(n+1)) {
					if w > 1 {
						for w--; w > 0 && path[w-1] != '/'; w-- {
						}
					} else if flags&notAboveRoot != 0 {
						ok = false
					}
					l = min(n+2, len(path))
					continue
				}
			}
		}
		path[w] = path[l]
		w, l = w+1, l+1
	}
	return string(path[:w]), ok
}

// plainPath tells whether nothing in an absolute path can need normalising.
func plainPath(s string) bool {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '%':
			return false
		case '/':
			if i+1 < len(s) && (s[i+1] == '/' || s[i+1] == '.') {
				return false
			}
		}
	}
	return true
}

type unescapeFlags uint8

const (
	keepSlashes unescapeFlags = 1 << iota
	forbidSlashes
	keepUnreserved
)

// unescapeURL decodes %XX; the status is 0, 400 for a bad escape or 404 for %00 and forbidden slashes.
// Source: httpd server/util.c, unescape_url.
func unescapeURL(s string, flags unescapeFlags) (string, int) {
	first := strings.IndexByte(s, '%')
	if first < 0 {
		return s, 0
	}
	b := append(make([]byte, 0, len(s)), s[:first]...)
	badEscape, badPath := false, false
	for i := first; i < len(s); i++ {
		if s[i] != '%' {
			b = append(b, s[i])
			continue
		}
		if i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2]) {
			badEscape = true
			b = append(b, '%')
			continue
		}
		c := unhex(s[i+1])<<4 | unhex(s[i+2])
		switch {
		case c == 0 || flags&forbidSlashes != 0 && c == '/':
			badPath = true
			b = append(b, c)
		case flags&keepUnreserved != 0 && unreserved(c), flags&keepSlashes != 0 && c == '/':
			b = append(b, s[i:i+3]...)
		default:
			b = append(b, c)
		}
		i += 2
	}
	switch {
	case badEscape:
		return string(b), 400
	case badPath:
		return string(b), 404
	}
	return string(b), 0
}

// mergeFilePath canonicalises an absolute file name: empty and "." segments go, ".." takes one away. A slash at the
// end stays. Source: apr file_io/unix/filepath.c, apr_filepath_merge.
func mergeFilePath(s string) string {
	if s == "" || s[0] == '/' && cleanFilePath(s) {
		return s
	}
	b := make([]byte, 1, len(s)+1)
	b[0] = '/'
	for i := 0; i < len(s); {
		if s[i] == '/' {
			i++
			continue
		}
		end := strings.IndexByte(s[i:], '/')
		slash := end >= 0
		if !slash {
			end = len(s)
		} else {
			end += i
		}
		switch seg := s[i:end]; seg {
		case ".":
		case "..":
			if len(b) > 1 {
				b = b[:len(b)-1]
				for b[len(b)-1] != '/' {
					b = b[:len(b)-1]
				}
			}
		default:
			b = append(b, seg...)
			if slash {
				b = append(b, '/')
			}
		}
		i = end + 1
	}
	return string(b)
}

func cleanFilePath(s string) bool {
	for i := 0; i+1 < len(s); i++ {
		if s[i] == '/' && (s[i+1] == '/' || s[i+1] == '.') {
			return false
		}
	}
	return true
}

// isURL tells whether text begins with a scheme and a colon. Source: httpd server/util.c, ap_is_url.
func isURL(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == ':':
			return i > 0
		case isAlnum(c), c == '+', c == '-', c == '.':
		default:
			return false
		}
	}
	return false
}

// isRedirect tells whether a status is a redirection as httpd counts them.
func isRedirect(status int) bool { return status >= 300 && status < 400 }

// decodePath normalises and decodes the path of a request; status is 400 or 404 when httpd refuses it.
// Source: httpd server/request.c, ap_process_request_internal.
func decodePath(p string, h *host) (uri string, status int) {
	flags := notAboveRoot
	if h.mergeSlash {
		flags |= mergeSlashes
	}
	uri, ok := normalizePath(p, flags|decodeUnreserved)
	if !ok {
		return uri, 400
	}
	unescape := keepUnreserved
	switch h.encoded {
	case "on":
	case "nodecode":
		unescape |= keepSlashes
	default:
		unescape |= forbidSlashes
	}
	uri, status = unescapeURL(uri, unescape)
	if status != 0 {
		uri, _, _ = strings.Cut(uri, "\x00")
		return uri, status
	}
	if h.encoded == "on" {
		uri, _ = normalizePath(uri, flags)
	}
	return uri, 0
}
