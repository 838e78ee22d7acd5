package value

import (
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
)

// Sets of bytes that several variables share.
var (
	digits  = pattern.NewSet("0-9")
	visible = pattern.NewSet("\x00-\x20\x7f").Not() // what a request line can hold between its blanks
	address = pattern.NewSet("0-9a-fA-F.:%")
	host    = pattern.NewSet("\x00-\x20/\x7f").Not() // no blank, no path
	query   = pattern.NewSet("\x00-\x20#\x7f").Not()
	methods = pattern.NewSet("A-Z_-")
	tokens  = pattern.NewSet("!#$%&'*+.^_`|~A-Za-z0-9-")
)

func (v *Values) oneOf(words ...string) pattern.Language {
	l := v.Space.Empty()
	for _, w := range words {
		l = v.Space.Or(l, v.Space.Text(w))
	}
	return l
}

func (v *Values) some(set pattern.ByteSet) pattern.Language  { return v.Space.Bytes(set, 1, -1) }
func (v *Values) maybe(set pattern.ByteSet) pattern.Language { return v.Space.Bytes(set, 0, -1) }

// path is a path with its slash, decoded.
func (v *Values) path() pattern.Language { return v.Path(ir.SubjectURLPath, true) }

// queryString has no fragment and, usually, no second question mark at its front.
func (v *Values) queryString() pattern.Language {
	l := v.maybe(query)
	if v.Usual {
		l = v.Space.And(l, v.Space.Not(v.Space.Begins("?")))
	}
	return l
}

func (v *Values) protocol() pattern.Language {
	return v.Space.Concat(v.Space.Text("HTTP/"), v.some(pattern.NewSet("0-9.")))
}

// requestLine is a method, a target and, but for HTTP/0.9, a protocol.
func (v *Values) requestLine(method pattern.ByteSet) pattern.Language {
	s := v.Space
	target := v.some(visible)
	if v.Usual {
		target = s.Concat(s.Text("/"), v.maybe(query))
	}
	line := s.Concat(v.some(method), s.Text(" "), target, s.Text(" "), v.protocol())
	if v.Usual {
		return line
	}
	return s.Or(line, s.Concat(v.some(method), s.Text(" "), target))
}

// httpd is what mod_rewrite puts into a variable. Source: httpd 2.4 mod_rewrite.c, lookup_variable; the bytes a
// request can bring: server/protocol.c, ap_parse_request_line and the host checks of server/vhost.c.
func (v *Values) httpd(p *ir.Part) (l pattern.Language, known bool) {
	s := v.Space
	if p.Space == "HTTP" {
		if strings.EqualFold(p.Name, "Host") {
			return v.maybe(host), true
		}
		return l, false
	}
	if p.Space != "" {
		return l, false
	}
	method := tokens
	if v.Usual {
		method = methods
	}
	switch strings.ToUpper(p.Name) {
	case "REQUEST_URI":
		return v.path(), true
	case "QUERY_STRING":
		return v.queryString(), true
	case "HTTP_HOST":
		return v.maybe(host), true
	case "HTTPS":
		return v.oneOf("on", "off"), true
	case "REQUEST_SCHEME":
		return v.oneOf("http", "https"), true
	case "REQUEST_METHOD":
		return v.some(method), true
	case "THE_REQUEST":
		return v.requestLine(method), true
	case "SERVER_PORT", "REMOTE_PORT":
		return v.some(digits), true
	case "REMOTE_ADDR", "SERVER_ADDR":
		return v.some(address), true
	case "SERVER_PROTOCOL":
		return s.Or(v.protocol(), s.Text("INCLUDED")), true
	case "IS_SUBREQ":
		return v.oneOf("true", "false"), true
	case "IPV6":
		return v.oneOf("on", "off"), true
	case "TIME":
		return s.Bytes(digits, 14, 14), true
	case "TIME_YEAR":
		return s.Bytes(digits, 4, 4), true
	case "TIME_MON", "TIME_DAY", "TIME_HOUR", "TIME_MIN", "TIME_SEC":
		return s.Bytes(digits, 2, 2), true
	case "TIME_WDAY":
		return s.Bytes(pattern.NewSet("0-6"), 1, 1), true
	}
	return l, false
}

// nginx is what nginx puts into a variable. Source: nginx ngx_http_variables.c; the bytes a request can bring:
// ngx_http_parse.c, ngx_http_request.c (ngx_http_validate_host).
func (v *Values) nginx(name string) (l pattern.Language, known bool) {
	s := v.Space
	switch name {
	case "uri", "document_uri":
		return v.path(), true
	case "args", "query_string":
		return v.queryString(), true
	case "request_uri":
		return s.Concat(s.Text("/"), v.maybe(visible.And(pattern.NewSet("#").Not()))), true
	case "host":
		return v.maybe(host.And(pattern.NewSet("A-Z").Not())), true
	case "http_host":
		return v.maybe(host), true
	case "scheme":
		return v.oneOf("http", "https"), true
	case "https":
		return v.oneOf("on", ""), true
	case "is_args":
		return v.oneOf("?", ""), true
	case "request_method":
		return v.some(methods), true
	case "request":
		return v.requestLine(methods), true
	case "server_port", "remote_port":
		return v.some(digits), true
	case "remote_addr", "server_addr":
		return s.Or(v.some(address), s.Text("unix:")), true
	case "server_protocol":
		return v.protocol(), true
	}
	if strings.HasPrefix(name, "arg_") {
		return v.maybe(query.And(pattern.NewSet("&").Not())), true
	}
	return l, false
}
