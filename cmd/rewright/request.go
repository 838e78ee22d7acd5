package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// splitURL takes an absolute URL, or a path, apart without normalising anything: the target goes out as it
// stands, except for what no client sends: a fragment is cut, and blanks, controls and bytes above 127 are
// percent-encoded, as browsers do. host is the value of the Host header.
func splitURL(text string) (r sim.Request, err error) {
	rest := text
	r.Scheme = "http"
	if strings.HasPrefix(rest, "/") && !strings.HasPrefix(rest, "//") {
		r.Target = escapeTarget(rest)
		return r, nil
	}
	scheme, after, ok := strings.Cut(rest, "://")
	if !ok {
		return r, fmt.Errorf("%q is no absolute URL (https://example.com/path) and no path (/path)", text)
	}
	r.Scheme = strings.ToLower(scheme)
	if r.Scheme != "http" && r.Scheme != "https" {
		return r, fmt.Errorf("scheme %q in %q; only http and https are served", scheme, text)
	}
	authority := after
	if i := strings.IndexAny(after, "/?#"); i >= 0 {
		authority, rest = after[:i], after[i:]
	} else {
		rest = ""
	}
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		authority = authority[i+1:]
	}
	if authority == "" {
		return r, fmt.Errorf("%q names no host", text)
	}
	host, port, err := splitPort(authority)
	if err != nil {
		return r, fmt.Errorf("%q: %w", text, err)
	}
	r.Port = port
	if port != 0 && port != defaultPort(r.Scheme) {
		host += ":" + strconv.Itoa(port)
	}
	r.Host = host
	if !strings.HasPrefix(rest, "/") {
		rest = "/" + rest
	}
	r.Target = escapeTarget(rest)
	return r, nil
}

func defaultPort(scheme string) int {
	if scheme == "https" {
		return 443
	}
	return 80
}

// splitPort cuts the port off an authority; 0: none is written.
func splitPort(authority string) (host string, port int, err error) {
	i := strings.LastIndexByte(authority, ':')
	if i < 0 || strings.HasSuffix(authority, "]") {
		return authority, 0, nil
	}
	host = authority[:i]
	if authority[i+1:] == "" {
		return host, 0, nil
	}
	port, err = strconv.Atoi(authority[i+1:])
	if err != nil || port < 1 || port > 65535 {
		return host, 0, fmt.Errorf("port %q is no number from 1 to 65535", authority[i+1:])
	}
	return host, port, nil
}

func escapeTarget(s string) string {
	if i := strings.IndexByte(s, '#'); i >= 0 {
		s = s[:i]
	}
	if s == "" {
		s = "/"
	}
	if strings.IndexFunc(s, func(c rune) bool { return c <= ' ' || c >= 0x7f }) < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c >= 0x7f {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// urlOf is the absolute URL of a request, for people.
func urlOf(r sim.Request) string {
	scheme, host := r.Scheme, r.Host
	if scheme == "" {
		scheme = "http"
	}
	if strings.Contains(r.Target, "://") {
		return r.Target
	}
	if r.Port != 0 && r.Port != defaultPort(scheme) {
		if _, p, err := splitPort(host); err == nil && p == 0 {
			host += ":" + strconv.Itoa(r.Port)
		}
	}
	return scheme + "://" + host + r.Target
}

// requestLine is one request of --requests.
type requestLine struct {
	Method  string          `json:"method"`
	Scheme  string          `json:"scheme"`
	Host    json.RawMessage `json:"host"` // null: no Host header; absent: the server's name
	Port    int             `json:"port"`
	Target  *string         `json:"target"`
	Headers headerList      `json:"headers"`
	Version string          `json:"version"`
	Body    string          `json:"body"`
}

// headerList is {"name": "value"} or [["name", "value"], …], in order.
type headerList [][2]string

func (h *headerList) UnmarshalJSON(text []byte) error {
	text = bytes.TrimSpace(text)
	if string(text) == "null" {
		return nil
	}
	if len(text) > 0 && text[0] == '[' {
		var pairs [][]string
		if err := json.Unmarshal(text, &pairs); err != nil {
			return errors.New(`headers must be {"name": "value"} or [["name", "value"]]`)
		}
		for _, p := range pairs {
			if len(p) != 2 {
				return fmt.Errorf("a header must be a pair of name and value, not %d strings", len(p))
			}
			*h = append(*h, [2]string{p[0], p[1]})
		}
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errors.New(`headers must be {"name": "value"} or [["name", "value"]]`)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var value any
		if err := d.Decode(&value); err != nil {
			return err
		}
		switch v := value.(type) {
		case string:
			*h = append(*h, [2]string{name.(string), v})
		case []any: // several of one name
			for _, one := range v {
				s, ok := one.(string)
				if !ok {
					return fmt.Errorf("header %q must be a string", name)
				}
				*h = append(*h, [2]string{name.(string), s})
			}
		default:
			return fmt.Errorf("header %q must be a string", name)
		}
	}
	return nil
}

// parseRequest reads one line of --requests. Strings are bytes as the server's clients send them; see wire.
func parseRequest(line []byte, server ir.Server, defaultHost string) (sim.Request, error) {
	var l requestLine
	if err := json.Unmarshal(line, &l); err != nil {
		return sim.Request{}, jsonError(err)
	}
	r := sim.Request{Method: l.Method, Scheme: strings.ToLower(l.Scheme), Port: l.Port,
		Version: strings.TrimPrefix(l.Version, "HTTP/"), Body: wire(l.Body, ir.Nginx), Host: defaultHost}
	switch r.Scheme {
	case "", "http", "https":
	default:
		return r, fmt.Errorf("scheme %q; only http and https are served", l.Scheme)
	}
	if l.Port < 0 || l.Port > 65535 {
		return r, fmt.Errorf("port %d is not from 1 to 65535", l.Port)
	}
	if l.Host != nil {
		if string(l.Host) == "null" {
			r.Host, r.NoHost = "", true
		} else if err := json.Unmarshal(l.Host, &r.Host); err != nil {
			return r, errors.New("host must be a string, or null for a request without Host")
		} else {
			r.Host = wire(r.Host, server)
		}
	}
	if l.Target == nil {
		return r, errors.New("a request needs a target")
	}
	if r.Target = wire(*l.Target, server); r.Target == "" {
		return r, errors.New("the target is empty")
	}
	for _, h := range l.Headers {
		r.Header = append(r.Header, [2]string{wire(h[0], server), wire(h[1], server)})
	}
	return r, nil
}

func jsonError(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("no JSON: %v at byte %d", err, syntax.Offset)
	case errors.As(err, &kind):
		if kind.Field == "" {
			return fmt.Errorf("a request is a JSON object, not %s", kind.Value)
		}
		return fmt.Errorf("%s must be %s, not %s", kind.Field, jsonKind(kind.Type.Kind().String()), kind.Value)
	}
	return err
}

func jsonKind(kind string) string {
	if kind == "int" {
		return "a whole number"
	}
	return "a string"
}

// wire turns the characters of a JSON string into the bytes that are sent. For Apache a character up to U+00FF
// is one byte (so that any byte can be said) and others are UTF-8; for nginx all are UTF-8.
func wire(s string, server ir.Server) string {
	if server == ir.Nginx || isASCII(s) {
		return s
	}
	b := make([]byte, 0, len(s))
	for _, c := range s {
		if c <= 0xff {
			b = append(b, byte(c))
		} else {
			b = utf8.AppendRune(b, c)
		}
	}
	return string(b)
}

// shown turns the bytes of an answer into a JSON string: for Apache each byte is one character; for nginx
// UTF-8 is kept and a byte that is none is written \xNN.
func shown(s string, server ir.Server) string {
	if isASCII(s) {
		return s
	}
	b := make([]byte, 0, 2*len(s))
	if server == ir.Apache {
		for i := 0; i < len(s); i++ {
			b = utf8.AppendRune(b, rune(s[i]))
		}
		return string(b)
	}
	for i := 0; i < len(s); {
		c, n := utf8.DecodeRuneInString(s[i:])
		if c == utf8.RuneError && n == 1 {
			b = fmt.Appendf(b, `\x%02x`, s[i])
		} else {
			b = append(b, s[i:i+n]...)
		}
		i += n
	}
	return string(b)
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
