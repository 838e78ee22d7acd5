package nginx

import (
	"strings"

	"rewright/parser/pattern"
)

// invalidReferer is $invalid_referer: "" when the Referer is among those of valid_referers, "1" otherwise.
// Source: ngx_http_referer_module, ngx_http_referer_variable.
func (r *request) invalidReferer() string {
	words := r.conf.referers
	if len(words) == 0 {
		return ""
	}
	none, blocked, names := false, false, []string(nil)
	for _, w := range words {
		switch w.Text {
		case "none":
			none = true
		case "blocked":
			blocked = true
		case "server_names":
			names = append(names, r.server.names...)
			for _, n := range r.server.regexNames {
				names = append(names, "~"+n.text)
			}
		default:
			names = append(names, w.Text)
		}
	}
	ref, sent := "", false
	for _, h := range r.header {
		if strings.EqualFold(h[0], "Referer") {
			ref, sent = h[1], true
			break
		}
	}
	if !sent {
		return boolVar(!none)
	}
	lower := asciiLower(ref)
	rest := ""
	switch {
	case strings.HasPrefix(lower, "http://"):
		rest = ref[7:]
	case strings.HasPrefix(lower, "https://"):
		rest = ref[8:]
	default:
		return boolVar(!blocked)
	}
	host, path := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		host, path = rest[:i], rest[i:]
	}
	if i := strings.IndexByte(host, ':'); i >= 0 {
		host = host[:i]
	}
	host = asciiLower(host)
	for _, n := range names {
		if strings.HasPrefix(n, "~") {
			o := pattern.Nginx
			o.IgnoreCase = true
			if re, err := pattern.Compile(n[1:], o); err == nil {
				ok, err := re.MatchBool(rest)
				if err != nil {
					r.doubt("pattern %q: %v", n[1:], err)
				}
				if ok {
					return ""
				}
			}
			continue
		}
		name, uri := asciiLower(n), ""
		if i := strings.IndexByte(n, '/'); i >= 0 {
			name, uri = asciiLower(n[:i]), n[i:]
		}
		match := name == host
		switch {
		case strings.HasPrefix(name, "*."):
			match = strings.HasSuffix(host, name[1:]) && len(host) > len(name)-1
		case strings.HasPrefix(name, ".") && len(name) > 1:
			match = host == name[1:] || strings.HasSuffix(host, name)
		case strings.HasSuffix(name, ".*"):
			match = strings.HasPrefix(host, name[:len(name)-1])
		}
		if match && strings.HasPrefix(path, uri) {
			return ""
		}
	}
	return "1"
}

func boolVar(b bool) string {
	if b {
		return "1"
	}
	return ""
}
