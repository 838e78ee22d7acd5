package nginx

import "strings"

// parseTarget reads the target of the request line: into $request_uri, $uri and $args, with the host of an absolute
// target, which is not nil when the target is absolute. ok is false for what is answered 400. Source: nginx src/http/ngx_http_parse.c, ngx_http_parse_request_line,
// ngx_http_process_request_uri.
func (r *request) parseTarget(t string) (host *string, ok bool) {
	for i := 0; i < len(t); i++ {
		if c := t[i]; c <= 0x20 || c == 0x7f {
			return nil, false
		}
	}
	path, empty := t, false
	if t[0] != '/' {
		name, rest, ok := splitAbsolute(t)
		if !ok {
			return nil, false
		}
		host, path = &name, rest
		if path == "" {
			path = "/"
		} else if path[0] == '?' {
			empty = true
		}
	}
	r.target = path
	r.validUnparsed = !empty
	plain, query, hasQuery := strings.Cut(path, "?")
	if strings.IndexByte(plain, '#') >= 0 {
		plain, _, _ = strings.Cut(plain, "#")
		query, hasQuery = "", false
	}
	if hasQuery {
		r.args, _, _ = strings.Cut(query, "#")
	}
	r.plusInURI = strings.IndexByte(plain, '+') >= 0
	r.quotedURI = strings.IndexByte(plain, '%') >= 0
	if empty {
		plain = "/"
	}
	if !needsDecoding(plain) {
		r.uri = plain
		return host, true
	}
	r.uri, ok = r.decodePath(plain)
	return host, ok
}

// splitAbsolute parts scheme://host:port from the rest.
func splitAbsolute(t string) (host, rest string, ok bool) {
	i := 0
	for ; i < len(t); i++ {
		c := t[i]
		if l := c | 0x20; 'a' <= l && l <= 'z' || i > 0 && ('0' <= c && c <= '9' || c == '+' || c == '-' || c == '.') {
			continue
		}
		break
	}
	if i == 0 || !strings.HasPrefix(t[i:], "://") {
		return "", "", false
	}
	t = t[i+3:]
	n := 0
	if strings.HasPrefix(t, "[") {
		for n = 1; n < len(t) && t[n] != ']'; n++ {
			c := t[n]
			if l := c | 0x20; 'a' <= l && l <= 'z' || '0' <= c && c <= '9' || strings.IndexByte(":-._~!$&'()*+,;=", c) >= 0 {
				continue
			}
			return "", "", false
		}
		if n == len(t) {
			return "", "", false
		}
		n++
	} else {
		for n < len(t) {
			c := t[n]
			if l := c | 0x20; !('a' <= l && l <= 'z' || '0' <= c && c <= '9' || c == '.' || c == '-') {
				break
			}
			n++
		}
	}
	host, rest = t[:n], t[n:]
	if strings.HasPrefix(rest, ":") {
		for n = 1; n < len(rest) && '0' <= rest[n] && rest[n] <= '9'; n++ {
		}
		rest = rest[n:]
	}
	if rest != "" && rest[0] != '/' && rest[0] != '?' {
		return "", "", false
	}
	return host, rest, true
}

// needsDecoding tells whether nginx looks at a path closely: it has an escape, a double slash or a dot behind a slash.
func needsDecoding(path string) bool {
	for i := 0; i < len(path); i++ {
		switch path[i] {
		case '%':
			return true
		case '/':
			if i+1 < len(path) && (path[i+1] == '/' || path[i+1] == '.') {
				return true
			}
		}
	}
	return false
}

func hexDigit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// decodePath decodes a path once and resolves its dots and double slashes. Source: ngx_http_parse_complex_uri.
func (r *request) decodePath(path string) (string, bool) {
	const (
		usual = iota
		slash
		dot
		dotDot
	)
	state := usual
	u := make([]byte, 0, len(path))
	up := func() bool {
		// u ends in "/..": back to behind the slash before the last part.
		i := len(u) - 4
		for ; i >= 0 && u[i] != '/'; i-- {
		}
		if i < 0 {
			return false
		}
		u = u[:i+1]
		return true
	}
	for i := 0; i < len(path); i++ {
		c := path[i]
		data := false // decoded % and #, which are never special
		if c == '%' {
			if i+2 >= len(path) {
				return "", false
			}
			h, l := hexDigit(path[i+1]), hexDigit(path[i+2])
			if h < 0 || l < 0 {
				return "", false
			}
			i += 2
			switch c = byte(h<<4 | l); c {
			case 0:
				return "", false
			case '%', '#', '?':
				data = true
			case '+':
				r.plusInURI = true
			}
		}
		if data {
			state = usual
			u = append(u, c)
			continue
		}
		switch state {
		case usual:
			u = append(u, c)
			if c == '/' {
				state = slash
			}
		case slash:
			switch c {
			case '/':
				if !r.server.mergeSlashes {
					u = append(u, c)
				}
			case '.':
				state = dot
				u = append(u, c)
			default:
				state = usual
				u = append(u, c)
			}
		case dot:
			switch c {
			case '/':
				state = slash
				u = u[:len(u)-1]
			case '.':
				state = dotDot
				u = append(u, c)
			default:
				state = usual
				u = append(u, c)
			}
		case dotDot:
			if c == '/' {
				if !up() {
					return "", false
				}
				state = slash
			} else {
				state = usual
				u = append(u, c)
			}
		}
	}
	switch state {
	case dot:
		u = u[:len(u)-1]
	case dotDot:
		if !up() {
			return "", false
		}
	}
	return string(u), true
}
