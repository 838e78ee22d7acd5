package nginx

import (
	"net/netip"
	"strconv"
	"strings"

	"rewright/parser/ir"
)

// variable gives the value of a variable. What cannot be known makes the outcome unknown.
func (r *request) variable(name string) string {
	s := r.s
	if s.vars[name] || s.groups[name] {
		if v, ok := r.vars[name]; ok {
			return v
		}
		if m := s.maps[name]; m != nil {
			return r.mapValue(m)
		}
		return ""
	}
	if m := s.maps[name]; m != nil {
		return r.mapValue(m)
	}
	switch name {
	case "uri", "document_uri":
		return r.uri
	case "request_uri":
		return r.target
	case "args", "query_string":
		return r.args
	case "is_args":
		if r.args != "" {
			return "?"
		}
		return ""
	case "host":
		if r.host != "" {
			return r.host
		}
		return r.server.first
	case "http_host":
		return r.httpHost
	case "server_name":
		return r.server.first
	case "scheme":
		if r.tls {
			return "https"
		}
		return "http"
	case "https":
		if r.tls {
			return "on"
		}
		return ""
	case "server_port":
		return strconv.Itoa(r.port)
	case "proxy_port":
		if h := r.conf.handler; h != nil {
			_, _, port, _ := r.upstreamParts(r.expand(h.set.Templates[0]))
			return port
		}
		return ""
	case "proxy_host":
		if r.handler != nil && r.handler.kind == "proxy_pass" {
			_, host, _, _ := r.upstreamParts(r.expand(r.handler.set.Templates[0]))
			return host
		}
		return ""
	case "proxy_add_x_forwarded_for":
		if v := r.headerValue("x_forwarded_for"); v != "" {
			return v + ", " + r.clientAddr()
		}
		return r.clientAddr()
	case "server_addr":
		if s.world.ServerAddr.IsValid() {
			return s.world.ServerAddr.String()
		}
		return "127.0.0.1"
	case "server_protocol":
		if r.http10 {
			return "HTTP/1.0"
		}
		return "HTTP/1.1"
	case "request_method":
		return r.method
	case "request":
		v := "HTTP/1.1"
		if r.http10 {
			v = "HTTP/1.0"
		}
		return r.rawMethod + " " + r.in.Target + " " + v
	case "remote_addr", "realip_remote_addr":
		return r.clientAddr()
	case "binary_remote_addr":
		a, _ := netip.ParseAddr(r.clientAddr())
		return string(a.AsSlice())
	case "remote_user":
		return r.basicUser()
	case "document_root", "realpath_root":
		root, ok := r.rootPath()
		if !ok {
			return ""
		}
		return root
	case "request_filename":
		p, _ := r.mapPath(r.uri)
		return p
	case "fastcgi_script_name":
		script, _ := r.fastcgiSplit()
		return script
	case "fastcgi_path_info":
		_, info := r.fastcgiSplit()
		return info
	case "content_length":
		if r.in.Body != "" {
			return strconv.Itoa(len(r.in.Body))
		}
		return r.headerValue("content_length")
	case "content_type":
		return r.headerValue("content_type")
	case "status":
		if r.status != 0 {
			return strconv.Itoa(r.status)
		}
		return "000"
	case "nginx_version":
		return "1.22.1"
	case "request_completion", "limit_rate", "http2", "http3", "ssl_server_name":
		if name == "limit_rate" {
			return "0"
		}
		return ""
	case "request_body":
		return ""
	case "sent_http_location":
		if r.location != nil {
			return *r.location
		}
		return ""
	case "invalid_referer":
		return r.invalidReferer()
	case "msec", "time_iso8601", "time_local":
		if s.world.Time.IsZero() {
			r.doubt("$%s: the time is not known", name)
			return ""
		}
		switch name {
		case "time_iso8601":
			return s.world.Time.Format("2006-01-02T15:04:05-07:00")
		case "time_local":
			return s.world.Time.Format("02/Jan/2006:15:04:05 -0700")
		}
		return strconv.FormatFloat(float64(s.world.Time.UnixMilli())/1000, 'f', 3, 64)
	}
	switch {
	case strings.HasPrefix(name, "arg_"):
		return r.arg(name[4:])
	case strings.HasPrefix(name, "http_"):
		return r.headerValue(name[5:])
	case strings.HasPrefix(name, "cookie_"):
		return r.cookie(name[7:])
	case strings.HasPrefix(name, "sent_http_"):
		want := name[10:]
		for i := len(r.out.Header) - 1; i >= 0; i-- {
			if foldName(r.out.Header[i][0]) == want {
				return r.out.Header[i][1]
			}
		}
		if want == "content_type" {
			return r.contentType()
		}
		r.doubt("$%s is not modelled", name)
		return ""
	case strings.HasPrefix(name, "upstream_"):
		if r.out.PassedTo == "" {
			return ""
		}
		if name == "upstream_http_location" && r.backend != nil {
			if r.backend.Location != nil {
				return *r.backend.Location
			}
			return ""
		}
	}
	r.doubt("$%s is not modelled", name)
	return ""
}

func (r *request) clientAddr() string {
	if r.s.world.ClientAddr.IsValid() {
		return r.s.world.ClientAddr.String()
	}
	return "127.0.0.1"
}

// arg is the first name=value of the query, the name without case.
func (r *request) arg(name string) string {
	if name == "" {
		return ""
	}
	rest := r.args
	for rest != "" {
		var p string
		p, rest, _ = strings.Cut(rest, "&")
		if len(p) > len(name) && p[len(name)] == '=' && strings.EqualFold(p[:len(name)], name) {
			return p[len(name)+1:]
		}
	}
	return ""
}

// foldName writes a header's name as in $http_NAME.
func foldName(h string) string { return strings.ReplaceAll(asciiLower(h), "-", "_") }

func validHeaderName(h string, underscores bool) bool {
	if h == "" {
		return false
	}
	for i := 0; i < len(h); i++ {
		c := h[i]
		ok := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' && underscores
		if !ok {
			return false
		}
	}
	return true
}

func (r *request) headerValue(name string) string {
	if name == "host" {
		return r.httpHost
	}
	if name == "connection" {
		return "close"
	}
	var values []string
	for _, h := range r.header {
		if r.server.ignoreBad && !validHeaderName(h[0], r.server.underscores) {
			continue
		}
		if foldName(h[0]) == name {
			values = append(values, strings.Trim(h[1], " "))
		}
	}
	if name == "content_length" && len(values) == 0 && r.in.Body != "" {
		return strconv.Itoa(len(r.in.Body))
	}
	if len(values) == 0 {
		return ""
	}
	switch name {
	case "cookie":
		return strings.Join(values, "; ")
	case "x_forwarded_for":
		return strings.Join(values, ", ")
	}
	return values[0]
}

// cookie finds a cookie by name, without case. Source: ngx_http_parse_multi_header_lines of 1.22: ; and , part.
func (r *request) cookie(name string) string {
	if name == "" {
		return ""
	}
	for _, h := range r.header {
		if !strings.EqualFold(h[0], "Cookie") {
			continue
		}
		s := strings.Trim(h[1], " ")
		for i := 0; i < len(s); {
			if i+len(name) <= len(s) && strings.EqualFold(s[i:i+len(name)], name) {
				j := i + len(name)
				for j < len(s) && s[j] == ' ' {
					j++
				}
				if j < len(s) && s[j] == '=' {
					j++
					for j < len(s) && s[j] == ' ' {
						j++
					}
					end := strings.IndexByte(s[j:], ';')
					if end < 0 {
						return s[j:]
					}
					return s[j : j+end]
				}
			}
			k := strings.IndexAny(s[i:], ";,")
			if k < 0 {
				break
			}
			i += k + 1
			for i < len(s) && s[i] == ' ' {
				i++
			}
		}
	}
	return ""
}

// prefix is the folder that relative paths belong to in Debian's build (configure --prefix).
const prefix = "/usr/share/nginx"

// rootPath is $document_root: root or alias as they are evaluated now.
func (r *request) rootPath() (string, bool) {
	c := r.conf
	if c.root == nil {
		if r.server.scope.File == nil {
			return r.s.world.DocumentRoot, true
		}
		return prefix + "/html", true
	}
	v := r.expand(c.root)
	if !strings.HasPrefix(v, "/") {
		v = prefix + "/" + v
	}
	if !c.alias && strings.HasSuffix(c.root.Text, "/") {
		v = strings.TrimSuffix(v, "/")
	}
	return v, true
}

// mapPath turns a URI into a file name. ok is false when alias cannot be used because the URI was rewritten.
// Source: ngx_http_map_uri_to_path.
func (r *request) mapPath(uri string) (string, bool) {
	c := r.conf
	if c.alias && (!r.validLocation || r.uriChanged) {
		return "", false
	}
	root, _ := r.rootPath()
	if c.aliasRegex {
		if r.addURIToAlias {
			return root + uri, true
		}
		return root, true
	}
	n := c.aliasLen
	if n > len(uri) {
		n = len(uri)
	}
	return root + uri[n:], true
}

var _ = ir.Nginx
