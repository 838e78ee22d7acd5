package nginx

import (
	"fmt"
	"strings"

	"rewright/parser/diag"
)

// serverChecks follow src/http/ngx_http_core_module.c, listen and server_name, and src/http/ngx_http.c.
var serverChecks = map[string]headCheck{
	"listen":      checkListen,
	"server_name": checkServerName,
	"resolver": func(r *reader, cd *ConfigDirective, fr *frame) {
		if r.repeated(cd, fr) {
			return
		}
		for _, w := range cd.Args {
			value, ok := "", true
			switch {
			case strings.HasPrefix(w.Text, "valid="):
				_, ok = parseTime(w.Text[len("valid="):], true)
			case strings.HasPrefix(w.Text, "ipv6="):
				value = w.Text[len("ipv6="):]
				ok = value == "on" || value == "off"
			default:
				if _, fault := parseURL(w.Text, false, false); fault != "" {
					r.invalid(cd, w, `%s in resolver "%s"`, fault, w.Text)
					return
				}
			}
			if !ok {
				r.invalid(cd, w, "invalid parameter: %s", w.Text)
				return
			}
		}
	},
}

// virtualServer is a server block with what decides about requests to it.
type virtualServer struct {
	cd      *ConfigDirective
	listens []string // addresses
	names   []Word   // as nginx keeps them: lower case, no regexes

	regexNames int
}

// address is what some server listens on.
type address struct {
	text       string
	isDefault  *ConfigDirective
	optionsSet *ConfigDirective
	servers    []*virtualServer
}

func checkListen(r *reader, cd *ConfigDirective, fr *frame) {
	fr.set["listen"] = cd
	w := cd.Args[0]
	u, fault := parseURL(w.Text, true, false)
	if fault != "" {
		r.invalid(cd, w, `%s in "%s" of the "listen" directive`, fault, w.Text)
		return
	}
	isDefault, options, quic := false, false, false
	for _, p := range cd.Args[1:] {
		name, value, valued := strings.Cut(p.Text, "=")
		ok, what := true, "parameter"
		switch {
		case p.Text == "default_server" || p.Text == "default":
			isDefault = true
		case p.Text == "bind" || p.Text == "deferred" || p.Text == "reuseport":
			options = true
		case p.Text == "ssl" || p.Text == "http2" || p.Text == "proxy_protocol":
		case p.Text == "quic":
			if versionBefore(r.version, "1.25.0") {
				r.needs(cd, p, "1.25.0", fmt.Sprintf(`invalid parameter "%s"`, p.Text))
				return
			}
			quic = true
		case !valued:
			ok = false
		case name == "backlog":
			n, good := atoi(value)
			ok, what, options = good && n > 0, "backlog", true
		case name == "rcvbuf" || name == "sndbuf":
			_, ok = parseSize(value, false)
			what, options = name, true
		case name == "fastopen":
			_, ok = atoi(value)
			what, options = name, true
		case name == "ipv6only":
			ok, options = value == "on" || value == "off", true
		case name == "so_keepalive":
			ok, options = value != "", true
			what = `so_keepalive value:`
			if value != "on" && value != "off" {
				ok = strings.Count(value, ":") == 2
			}
		default:
			ok = false
		}
		if !ok {
			if what == "so_keepalive value:" {
				r.invalid(cd, p, `invalid so_keepalive value: "%s"`, value)
			} else {
				r.invalid(cd, p, `invalid %s "%s"`, what, p.Text)
			}
			return
		}
	}
	if fr.server == nil {
		fr.server = &virtualServer{cd: fr.head}
	}
	text := addressText(u, w.Text)
	if quic {
		text += " quic" // UDP, beside the TCP socket of the same port
	}
	r.listen(cd, fr.server, text, isDefault, options)
}

// addressText is how nginx writes the address of a listen directive.
func addressText(u hostPort, written string) string {
	port := u.port
	if port == 0 {
		port = 80
	}
	switch {
	case u.unix != "":
		return "unix:" + u.unix
	case u.six:
		host := strings.Trim(strings.ToLower(written), "[]")
		if i := strings.IndexByte(host, ']'); i >= 0 {
			host = host[:i]
		}
		return fmt.Sprintf("[%s]:%d", host, port)
	case u.any:
		return fmt.Sprintf("0.0.0.0:%d", port)
	}
	return fmt.Sprintf("%s:%d", u.host, port)
}

// listen adds a server to an address. Source: nginx src/http/ngx_http.c, ngx_http_add_listen.
func (r *reader) listen(cd *ConfigDirective, s *virtualServer, text string, isDefault, options bool) {
	a := r.addresses[text]
	if a == nil {
		a = &address{text: text}
		r.addresses[text] = a
		r.addressOrder = append(r.addressOrder, a)
	}
	again := func(first *ConfigDirective, format string) {
		r.refuseWith(cd, diag.Diagnostic{Code: "RD029", Name: "refused-argument", Span: cd.Head(),
			Message: "`" + cd.Name.Text + "` names " + text + " again; nginx will not start", ServerMessage: fmt.Sprintf(format, text),
			Related: []diag.Related{{File: first.File, Span: first.Head(), Message: "the first one"}}})
	}
	for _, other := range a.servers {
		if other == s {
			r.refuse(cd, cd.Head(), "RD029", "refused-argument", "names one address twice", "", "a duplicate listen "+text)
			return
		}
	}
	if options {
		if a.optionsSet != nil {
			again(a.optionsSet, "duplicate listen options for %s")
			return
		}
		a.optionsSet = cd
	}
	if isDefault {
		if a.isDefault != nil {
			again(a.isDefault, "a duplicate default server for %s")
			return
		}
		a.isDefault = cd
	}
	a.servers = append(a.servers, s)
	s.listens = append(s.listens, text)
}

func checkServerName(r *reader, cd *ConfigDirective, fr *frame) {
	if fr.server == nil {
		fr.server = &virtualServer{cd: fr.head}
	}
	for _, w := range cd.Args {
		t := w.Text
		if strings.HasPrefix(t, "*") && (len(t) < 3 || t[1] != '.') || t == "." {
			r.invalid(cd, w, `server name "%s" is invalid`, t)
			return
		}
		if strings.Contains(t, "/") {
			r.warn(cd, w, fmt.Sprintf("%q can never be the host of a request", t), fmt.Sprintf(`server name "%s" has suspicious symbols`, t))
		}
		if !strings.HasPrefix(t, "~") {
			w.Text = strings.ToLower(t)
			fr.server.names = append(fr.server.names, w)
			continue
		}
		if t == "~" {
			r.invalid(cd, w, `empty regex in server name "%s"`, t)
			return
		}
		if _, ok := r.regex(cd, t[1:], w, hasUpper(t), true); !ok {
			return
		}
		fr.server.regexNames++
	}
}

// closeServer gives a server without listen its address, as nginx does when it is started by root.
func closeServer(r *reader, cd *ConfigDirective, fr, inner *frame) {
	if fr.context != "http" {
		return
	}
	r.servers = append(r.servers, inner)
	if inner.server == nil {
		inner.server = &virtualServer{cd: cd}
	}
	s := inner.server
	if len(s.names) == 0 && s.regexNames == 0 {
		s.names = []Word{{Span: cd.Name.Span}}
	}
	if len(s.listens) == 0 && !inner.has("listen") {
		r.listen(cd, s, "0.0.0.0:80", false, false)
	}
}

// serverNames builds the name tables of the addresses that several servers share.
// Source: nginx src/http/ngx_http.c, ngx_http_server_names.
func (r *reader) serverNames() {
	bucket := 64
	if d := r.hashSize["server_names_hash_bucket_size"]; d > 0 {
		bucket = (d + 63) / 64 * 64
	}
	for _, a := range r.addressOrder {
		if len(a.servers) < 2 {
			continue
		}
		keys := newHashKeys(true)
		for _, s := range a.servers {
			for _, w := range s.names {
				switch keys.add(w.Text) {
				case keyDeclined:
					r.lateRefuse(s.cd, w, fmt.Sprintf(`invalid server name or wildcard "%s" on %s`, w.Text, a.text), "is no name or wildcard")
					return
				case keyBusy:
					r.report(finding{Diagnostic: diag.Diagnostic{Severity: diag.Warning, Code: "RD029", Name: "refused-argument",
						File: s.cd.File, Span: w.Span, Message: fmt.Sprintf("another server on %s has the name %q already and keeps it", a.text, w.Text),
						ServerMessage: fmt.Sprintf(`conflicting server name "%s" on %s, ignored`, w.Text, a.text)}})
				}
			}
		}
		if keys.longest > longestKey(bucket) {
			s := a.servers[0]
			r.lateRefuse(s.cd, Word{Span: s.cd.Name.Span}, fmt.Sprintf("could not build server_names_hash, you should increase server_names_hash_bucket_size: %d", bucket),
				fmt.Sprintf("has a name longer than %d bytes", longestKey(bucket)))
			return
		}
	}
}

// lateRefuse reports what nginx finds without naming a place.
func (r *reader) lateRefuse(cd *ConfigDirective, w Word, server, what string) {
	cd.Refused = true
	r.report(finding{Diagnostic: diag.Diagnostic{Code: "RD029", Name: "refused-argument", Severity: diag.Error, File: cd.File, Span: w.Span,
		Message: "`" + cd.Name.Text + "` " + what + "; nginx will not start", Refuses: true, ServerMessage: server}})
}

// longestKey is how long a key may be in a hash with buckets of a size, in bytes.
// Source: nginx src/core/ngx_hash.c, NGX_HASH_ELT_SIZE.
func longestKey(bucket int) int { return (bucket-16)/8*8 - 2 }

type keyResult int

const (
	keyAdded keyResult = iota
	keyBusy
	keyDeclined
)

// hashKeys collects the keys of one of nginx's hashes. Source: nginx src/core/ngx_hash.c, ngx_hash_add_key.
type hashKeys struct {
	wildcards         bool
	exact, head, tail map[string]bool
	longest           int // of the exact keys, in bytes
}

func newHashKeys(wildcards bool) *hashKeys {
	return &hashKeys{wildcards: wildcards, exact: map[string]bool{}, head: map[string]bool{}, tail: map[string]bool{}}
}

func (h *hashKeys) add(key string) keyResult {
	key = strings.ToLower(key)
	put := func(set map[string]bool, k string) keyResult {
		if set[k] {
			return keyBusy
		}
		set[k] = true
		return keyAdded
	}
	if h.wildcards {
		stars := strings.Count(key, "*")
		switch {
		case stars > 1 || strings.Contains(key, "..") || strings.Contains(key, "\x00"):
			return keyDeclined
		case len(key) > 1 && key[0] == '.':
			if put(h.exact, key[1:]) == keyBusy {
				return keyBusy
			}
			return put(h.head, key[1:])
		case len(key) > 2 && strings.HasPrefix(key, "*."):
			return put(h.head, key[2:])
		case len(key) > 2 && strings.HasSuffix(key, ".*"):
			return put(h.tail, key[:len(key)-2])
		case stars > 0:
			return keyDeclined
		}
	}
	h.longest = max(h.longest, len(key))
	return put(h.exact, key)
}
