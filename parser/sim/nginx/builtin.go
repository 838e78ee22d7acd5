package nginx

import (
	"encoding/base64"
	"net/netip"
	"path"
	"strconv"
	"strings"

	"rewright/parser/sim"
)

// prefixVariable is a family of built-in variables.
type prefixVariable struct {
	prefix  string
	get     func(r *request, name string) value
	noCache bool
}

// Source: nginx src/http/ngx_http_variables.c, ngx_http_core_variables; ngx_http_upstream.c, ngx_http_upstream_vars.
var prefixVariables = []prefixVariable{
	{"http_", func(r *request, name string) value { return r.headerVariable(name[len("http_"):]) }, false},
	{"sent_http_", func(r *request, name string) value { return r.sentHeader(name[len("sent_http_"):]) }, false},
	{"sent_trailer_", func(*request, string) value { return missing }, false},
	{"cookie_", func(r *request, name string) value { return r.cookie(name[len("cookie_"):]) }, false},
	{"arg_", func(r *request, name string) value { return r.arg(name[len("arg_"):]) }, true},
	{"upstream_http_", upstreamVariable, true},
	{"upstream_trailer_", upstreamVariable, true},
	{"upstream_cookie_", upstreamVariable, true},
}

// builtins are the variables of nginx itself that can be known. Those that depend on the connection, the clock or
// what a backend answered are left to resolve, which makes them unknown.
// Source: nginx src/http/ngx_http_variables.c and the variable tables of its modules.
var builtins = map[string]declaration{}

func init() {
	fixed := func(name string, get func(r *request) value) { builtins[name] = declaration{get: get} }
	live := func(name string, get func(r *request) value) { builtins[name] = declaration{get: get, noCache: true} }

	live("uri", func(r *request) value { return found(r.uri) })
	live("document_uri", func(r *request) value { return found(r.uri) })
	fixed("request_uri", func(r *request) value { return found(r.target) })
	live("args", func(r *request) value { return found(r.args) })
	live("query_string", func(r *request) value { return found(r.args) })
	live("is_args", func(r *request) value {
		if r.args == "" {
			return found("")
		}
		return found("?")
	})
	args := builtins["args"]
	args.set = func(r *request, t text) {
		r.args, r.validUnparsed = r.must(t), false
	}
	builtins["args"] = args
	builtins["limit_rate"] = declaration{noCache: true, get: func(r *request) value { return found(r.limitRate) },
		set: func(r *request, t text) {
			if n, ok := parseSize(t.s); ok {
				r.limitRate = strconv.FormatInt(n, 10)
			}
		}}
	fixed("host", func(r *request) value {
		if r.host != "" {
			return found(r.host)
		}
		return found(r.server.first)
	})
	fixed("server_name", func(r *request) value { return found(r.server.first) })
	fixed("scheme", func(r *request) value {
		if r.tls {
			return found("https")
		}
		return found("http")
	})
	fixed("https", func(r *request) value {
		if r.tls {
			return found("on")
		}
		return found("")
	})
	fixed("server_port", func(r *request) value { return found(strconv.Itoa(r.port)) })
	fixed("server_addr", func(r *request) value { return found(r.serverAddr()) })
	fixed("server_protocol", func(r *request) value { return found(r.protocol()) })
	live("request_method", func(r *request) value { return found(r.method) })
	fixed("request", func(r *request) value {
		return found(r.rawMethod + " " + r.requestLineTarget() + " " + r.protocol())
	})
	remote := func(r *request) value {
		if r.realIP != "" {
			return unknownValue(r.realIP)
		}
		return found(r.clientAddr().String())
	}
	fixed("remote_addr", remote)
	fixed("realip_remote_addr", func(r *request) value { return found(r.clientAddr().String()) })
	fixed("binary_remote_addr", func(r *request) value {
		if v := remote(r); v.why != "" {
			return v
		}
		return found(string(r.clientAddr().AsSlice()))
	})
	fixed("remote_user", func(r *request) value {
		if r.s.world.RemoteUser != "" {
			return found(r.s.world.RemoteUser)
		}
		if user, _, ok := r.basicUser(); ok {
			return found(user)
		}
		return missing
	})
	live("document_root", (*request).documentRoot)
	live("realpath_root", (*request).realpathRoot)
	live("request_filename", func(r *request) value {
		p, ok := r.mapPath()
		if !ok {
			return missing
		}
		return value{text: p, valid: true}
	})
	fixed("fastcgi_script_name", func(r *request) value {
		script, _ := r.fastcgiSplit()
		return value{text: script, valid: true}
	})
	fixed("fastcgi_path_info", func(r *request) value {
		_, info := r.fastcgiSplit()
		return value{text: info, valid: true}
	})
	fixed("content_length", func(r *request) value {
		if h := r.findHeader("content-length"); h != nil {
			return found(h.value)
		}
		return missing
	})
	fixed("content_type", func(r *request) value {
		if h := r.findHeader("content-type"); h != nil {
			return found(h.value)
		}
		return missing
	})
	for _, h := range []string{"host", "user_agent", "referer", "via"} {
		key := strings.ReplaceAll(h, "_", "-")
		fixed("http_"+h, func(r *request) value {
			if h := r.findHeader(key); h != nil {
				return found(h.value)
			}
			return missing
		})
	}
	fixed("http_cookie", func(r *request) value { return r.joinedHeader("cookie", "; ") })
	fixed("http_x_forwarded_for", func(r *request) value { return r.joinedHeader("x-forwarded-for", ", ") })
	fixed("proxy_add_x_forwarded_for", func(r *request) value {
		addr := remote(r)
		if v := r.joinedHeader("x-forwarded-for", ", "); v.valid {
			addr.s = v.s + ", " + addr.s
		}
		return addr
	})
	live("proxy_host", func(r *request) value {
		if r.proxied == nil {
			return missing
		}
		return found(r.proxied.host)
	})
	live("proxy_port", func(r *request) value {
		if r.proxied == nil {
			return missing
		}
		return found(r.proxied.port)
	})
	live("status", func(r *request) value {
		status := r.errStatus
		if status == 0 {
			status = r.status
		}
		return found(pad3(status))
	})
	fixed("nginx_version", func(*request) value { return found("1.22.1") })
	fixed("request_completion", getEmpty)
	fixed("request_body", func(r *request) value {
		if r.in.Body == "" {
			return missing
		}
		return unknownValue("$request_body depends on when the body was read")
	})
	fixed("request_body_file", getMissing)
	fixed("http2", getMissing)
	fixed("http3", getMissing)
	for _, name := range []string{"proxy_protocol_addr", "proxy_protocol_port", "proxy_protocol_server_addr", "proxy_protocol_server_port"} {
		fixed(name, getMissing)
	}
	fixed("pipe", func(*request) value { return found(".") })
	fixed("sent_http_content_type", func(r *request) value {
		if r.contentType != "" {
			return found(r.contentType)
		}
		return missing
	})
	fixed("sent_http_location", func(r *request) value {
		if r.location != nil {
			return found(r.location.s)
		}
		return r.listedHeader("location")
	})
	fixed("sent_http_content_length", func(r *request) value {
		if r.contentLength >= 0 && r.hasLength {
			return found(strconv.FormatInt(r.contentLength, 10))
		}
		return missing
	})
	fixed("invalid_referer", (*request).invalidReferer)
	for _, name := range []string{"msec", "time_iso8601", "time_local"} {
		live(name, func(r *request) value { return r.clock(name) })
	}
	for _, name := range []string{"upstream_status", "upstream_addr", "upstream_connect_time", "upstream_header_time",
		"upstream_response_time", "upstream_response_length", "upstream_bytes_received", "upstream_bytes_sent", "upstream_cache_status"} {
		live(name, func(r *request) value { return upstreamVariable(r, name) })
	}
	fixed("ssl_server_name", func(r *request) value {
		if !r.tls {
			return missing
		}
		return unknownValue("$ssl_server_name is not known")
	})
	for _, name := range []string{"ssl_protocol", "ssl_cipher", "ssl_session_id", "ssl_client_verify", "ssl_client_s_dn"} {
		fixed(name, func(r *request) value {
			if !r.tls {
				return missing
			}
			return unknownValue("$" + name + " is not known")
		})
	}
}

func pad3(n int) string {
	s := strconv.Itoa(n)
	for len(s) < 3 {
		s = "0" + s
	}
	return s
}

// upstreamVariable is empty until a request was passed on, and then the backend's business.
func upstreamVariable(r *request, name string) value {
	if !r.passedOn {
		return missing
	}
	if r.response != nil {
		switch name {
		case "upstream_http_location":
			if r.response.Location == nil {
				return missing
			}
			return found(*r.response.Location)
		case "upstream_status":
			return found(pad3(r.response.Status))
		}
	}
	return unknownValue("$" + name + " depends on the backend")
}

func (r *request) clock(name string) value {
	t := r.s.world.Time
	if t.IsZero() {
		return unknownValue("$" + name + ": the time is not known")
	}
	switch name {
	case "time_iso8601":
		return found(t.Format("2006-01-02T15:04:05-07:00"))
	case "time_local":
		return found(t.Format("02/Jan/2006:15:04:05 -0700"))
	}
	return found(strconv.FormatFloat(float64(t.UnixMilli())/1000, 'f', 3, 64))
}

func (r *request) protocol() string {
	if r.http10 {
		return "HTTP/1.0"
	}
	return "HTTP/1.1"
}

func (r *request) clientAddr() netip.Addr {
	if a := r.s.world.ClientAddr; a.IsValid() {
		return a
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

func (r *request) serverAddr() string {
	if a := r.s.world.ServerAddr; a.IsValid() {
		return a.String()
	}
	return "127.0.0.1"
}

// findHeader gives the first line of a request header by its name in lower case.
func (r *request) findHeader(name string) *headerLine {
	for i := range r.header {
		if r.header[i].key == name {
			return &r.header[i]
		}
	}
	return nil
}

func (r *request) joinedHeader(name, separator string) value {
	all, seen := "", false
	for i := range r.header {
		if r.header[i].key == name {
			if seen {
				all += separator
			}
			all, seen = all+r.header[i].value, true
		}
	}
	if !seen {
		return missing
	}
	return found(all)
}

// headerVariable is $http_NAME. Source: ngx_http_variable_unknown_header.
func (r *request) headerVariable(name string) value {
	for i := range r.header {
		if foldsTo(r.header[i].key, name) {
			return found(r.header[i].value)
		}
	}
	return missing
}

// foldsTo tells whether a header name in lower case is written name in a variable: - becomes _.
func foldsTo(key, name string) bool {
	if len(key) != len(name) {
		return false
	}
	for i := 0; i < len(key); i++ {
		c := key[i]
		if c == '-' {
			c = '_'
		}
		if c != name[i] {
			return false
		}
	}
	return true
}

// sentHeader is $sent_http_NAME for a header that has no variable of its own.
func (r *request) sentHeader(name string) value {
	switch name {
	case "connection", "keep_alive", "transfer_encoding", "last_modified", "etag", "server", "date", "accept_ranges", "content_encoding":
		return unknownValue("$sent_http_" + name + " is not modelled")
	}
	if v := r.listedHeader(name); v.valid {
		return v
	}
	if r.passedOn {
		return unknownValue("$sent_http_" + name + " depends on the backend")
	}
	return missing
}

func (r *request) listedHeader(name string) value {
	all, seen := text{}, false
	for _, h := range r.sent {
		if foldsTo(asciiLower(h.name), name) {
			if !seen {
				all, seen = h.value, true
			} else if name == "cache_control" || name == "link" {
				all.s += ", " + h.value.s
			}
		}
	}
	if !seen {
		return missing
	}
	return value{text: all, valid: true}
}

// arg is $arg_NAME: the first NAME=value of the query, the name without case. Source: ngx_http_arg.
func (r *request) arg(name string) value {
	if name == "" {
		return missing
	}
	for rest := r.args; rest != ""; {
		var pair string
		pair, rest, _ = strings.Cut(rest, "&")
		if len(pair) > len(name) && pair[len(name)] == '=' && equalFold(pair[:len(name)], name) {
			return found(pair[len(name)+1:])
		}
	}
	return missing
}

// cookie is $cookie_NAME. Both ; and , part cookies before a name. Source: ngx_http_parse_multi_header_lines of 1.22.
func (r *request) cookie(name string) value {
	for i := range r.header {
		if r.header[i].key != "cookie" {
			continue
		}
		if v, ok := cookieIn(r.header[i].value, name); ok {
			return found(v)
		}
	}
	return missing
}

func cookieIn(s, name string) (string, bool) {
	if len(name) > len(s) {
		return "", false
	}
	for s != "" {
		if len(s) >= len(name) && equalFold(s[:len(name)], name) {
			rest := strings.TrimLeft(s[len(name):], " ")
			if strings.HasPrefix(rest, "=") {
				v, _, _ := strings.Cut(strings.TrimLeft(rest[1:], " "), ";")
				return v, true
			}
			if rest != "" {
				rest = rest[1:]
			}
			s = rest
		}
		i := strings.IndexAny(s, ";,")
		if i < 0 {
			return "", false
		}
		s = strings.TrimLeft(s[i+1:], " ")
	}
	return "", false
}

func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c | 0x20
	}
	return c
}

func asciiLower(s string) string {
	for i := 0; i < len(s); i++ {
		if 'A' <= s[i] && s[i] <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				b[i] = lower(b[i])
			}
			return string(b)
		}
	}
	return s
}

// basicUser takes user and password out of the Authorization header. Source: ngx_http_auth_basic_user.
func (r *request) basicUser() (user, password string, ok bool) {
	h := r.findHeader("authorization")
	if h == nil || len(h.value) < 6 || !equalFold(h.value[:6], "basic ") {
		return "", "", false
	}
	encoded := strings.TrimRight(strings.TrimLeft(h.value[6:], " "), "=")
	plain, err := base64.RawStdEncoding.DecodeString(encoded)
	if err != nil {
		return "", "", false
	}
	user, password, ok = strings.Cut(string(plain), ":")
	return user, password, ok && user != ""
}

// realpathRoot is $realpath_root, known when no part of the root is a symbolic link.
func (r *request) realpathRoot() value {
	v := r.documentRoot()
	if v.why != "" || !v.valid {
		return v
	}
	clean := path.Clean(v.s)
	for p := clean; p != "/" && p != "."; p = path.Dir(p) {
		info, ok := r.s.world.Files.Stat(p)
		if !ok || info.Link {
			return unknownValue("$realpath_root: where " + p + " leads is not known")
		}
		if info.Kind == sim.NoFile {
			return missing
		}
	}
	return found(clean)
}
