package nginx

import (
	"strings"

	"rewright/parser/pattern"
)

// referers are the values of valid_referers, as $invalid_referer uses them.
type referers struct {
	none, blocked bool
	names         nameTable[string] // host to the path prefix it must have; "" for any
	regexes       []*pattern.Regexp // against all behind the scheme
	serverRegexes []*pattern.Regexp // against the host
	any           bool              // something is listed to compare with
	why           string            // why it cannot be evaluated
}

// invalidReferer is $invalid_referer. Source: nginx src/http/modules/ngx_http_referer_module.c, ngx_http_referer_variable.
func (r *request) invalidReferer() value {
	ok, bad := found(""), found("1")
	f := r.conf.referers
	if f == nil || !f.any {
		return ok
	}
	if f.why != "" {
		return unknownValue(f.why)
	}
	verdict := func(valid bool) value {
		if valid {
			return ok
		}
		return bad
	}
	h := r.findHeader("referer")
	if h == nil {
		return verdict(f.none)
	}
	ref := h.value
	rest := ""
	switch {
	case len(ref) < len("http://i.ru"):
		return verdict(f.blocked)
	case equalFold(ref[:7], "http://"):
		rest = ref[7:]
	case equalFold(ref[:8], "https://"):
		rest = ref[8:]
	default:
		return verdict(f.blocked)
	}
	end := strings.IndexAny(rest, "/:")
	if end < 0 {
		end = len(rest)
	}
	if end > 256 {
		return bad
	}
	host := asciiLower(rest[:end])
	if path, hit := f.names.find(host); hit {
		slash := strings.IndexByte(rest[end:], '/')
		tail := ""
		if slash >= 0 {
			tail = rest[end+slash:]
		}
		return verdict(strings.HasPrefix(tail, path))
	}
	for _, re := range f.serverRegexes {
		if r.plainMatch(re, host) {
			return ok
		}
	}
	for _, re := range f.regexes {
		if r.plainMatch(re, rest) {
			return ok
		}
	}
	return bad
}

// plainMatch runs a regular expression that leaves the captures of the request alone.
func (r *request) plainMatch(re *pattern.Regexp, subject string) bool {
	r.step()
	ok, err := re.MatchBool(subject)
	if err != nil {
		r.giveUp("pattern %q: %v", re.String(), err)
	}
	return ok
}
