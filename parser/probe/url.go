package probe

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"rewright/parser/sim"
)

// hostName is the name in a Host header: no port, no final dot, lower case.
func hostName(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && strings.Trim(host[i+1:], "0123456789") == "" {
		host = host[:i]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

func defaultPort(scheme string) int {
	if scheme == "https" {
		return 443
	}
	return 80
}

// URL is the absolute URL of a request as a browser would show it.
func URL(r sim.Request) string {
	scheme, host, target := r.Scheme, r.Host, r.Target
	if scheme == "" {
		scheme = "http"
	}
	if target == "" {
		target = "/"
	}
	if strings.Contains(target, "://") && !strings.HasPrefix(target, "/") {
		return target
	}
	if r.Port != 0 && r.Port != defaultPort(scheme) && hostName(host) == strings.ToLower(host) {
		host += ":" + strconv.Itoa(r.Port)
	}
	return scheme + "://" + host + target
}

// ParseURL makes the request for an absolute http or https URL.
func ParseURL(text string) (r sim.Request, err error) {
	scheme, rest, ok := strings.Cut(text, "://")
	r.Scheme = strings.ToLower(scheme)
	if !ok || r.Scheme != "http" && r.Scheme != "https" {
		return r, fmt.Errorf("%q is no http or https URL", text)
	}
	authority := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority, rest = rest[:i], rest[i:]
	} else {
		rest = ""
	}
	if i := strings.LastIndexByte(authority, '@'); i >= 0 {
		authority = authority[i+1:]
	}
	if authority == "" {
		return r, fmt.Errorf("%q names no host", text)
	}
	r.Host = authority
	if name := hostName(authority); len(name) < len(authority) {
		if i := strings.LastIndexByte(authority, ':'); i >= 0 {
			port, err := strconv.Atoi(authority[i+1:])
			if err != nil && authority[i+1:] != "" || port > 65535 {
				return r, fmt.Errorf("%q has no usable port", text)
			}
			if port == 0 || port == defaultPort(r.Scheme) {
				r.Host = authority[:i]
			} else {
				r.Port = port
			}
		}
	}
	if i := strings.IndexByte(rest, '#'); i >= 0 {
		rest = rest[:i]
	}
	if !strings.HasPrefix(rest, "/") {
		rest = "/" + rest
	}
	r.Target = escape(rest, "%?")
	return r, nil
}

// escape percent-encodes what may not stand in a request target; bytes of keep stay beside those of a path.
func escape(s, keep string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c > 0x20 && c < 0x7f && strings.IndexByte("\"<>\\^`{|}%?#[]", c) < 0 || strings.IndexByte(keep, c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return b.String()
}

// Redirected is the request a browser makes after a redirect; ok is false for a URL that is not http.
// The method follows RFC 9110 §15.4 and what browsers do: 303 asks with GET, 301 and 302 turn POST into GET.
func Redirected(r sim.Request, status int, location string) (next sim.Request, ok bool) {
	base, err := url.Parse(URL(r))
	if err != nil {
		base = &url.URL{Scheme: r.Scheme, Host: r.Host, Path: "/"}
	}
	absolute := location
	switch {
	case strings.Contains(location, "://") && !strings.HasPrefix(location, "/"):
	case strings.HasPrefix(location, "//"):
		absolute = base.Scheme + ":" + location
	case strings.HasPrefix(location, "/"):
		absolute = base.Scheme + "://" + base.Host + location
	default:
		ref, err := url.Parse(location)
		if err != nil {
			return next, false
		}
		absolute = base.ResolveReference(ref).String()
	}
	next, err = ParseURL(absolute)
	if err != nil {
		return next, false
	}
	next.Method, next.Header, next.Version, next.Body = r.Method, r.Header, r.Version, r.Body
	if status == 303 && r.Method != "HEAD" || (status == 301 || status == 302) && r.Method == "POST" {
		next.Method, next.Body = "GET", ""
	}
	return next, true
}
