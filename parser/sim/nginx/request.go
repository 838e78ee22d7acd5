package nginx

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/sim"
)

// maxURIChanges bounds how often one request may get a new URI or named location: a count; the next one
// answers 500. Source: nginx src/http/ngx_http_request.h, NGX_HTTP_MAX_URI_CHANGES.
const maxURIChanges = 10

// request is one request in progress.
type request struct {
	s     *simulator
	in    *sim.Request
	out   *sim.Outcome
	trace bool

	method, rawMethod string
	target            string // $request_uri
	uri, args         string
	host              string // lower-cased, without port; empty when none was sent
	httpHost          string
	hasHost           bool
	header            [][2]string
	port              int
	tls               bool
	http10            bool

	quoted, plus  bool // the path had a %, a +
	internal      bool
	uriChanged    bool
	changes       int // left
	validLocation bool
	unparsed      bool // the target as sent still stands for the URI
	addURIToAlias bool
	errorPageUsed bool
	errStatus     int
	plainOnTLS    bool

	server  *server
	conf    *conf
	handler *handler

	captures []string // group 0 first; nil: none
	vars     map[string]string
	mapCache map[string]string
	status   int // of the response being sent
	location *string
	backend  *Response
	unknown  []string
	depth    int
	steps    int
}

// maxSteps bounds the work of one request, in directives run.
const maxSteps = 2_000_000

func (r *request) note(st sim.Step) {
	if r.trace {
		r.out.Steps = append(r.out.Steps, st)
	}
}

func truth(b bool) *bool { return &b }

func (r *request) doubt(format string, args ...any) {
	text := format
	if len(args) > 0 {
		text = fmt.Sprintf(format, args...)
	}
	for _, u := range r.unknown {
		if u == text {
			return
		}
	}
	r.unknown = append(r.unknown, text)
}

// Answer simulates one request.
func (s *simulator) Answer(in sim.Request, trace bool) sim.Outcome {
	out := sim.Outcome{}
	r := &request{s: s, in: &in, out: &out, trace: trace, changes: maxURIChanges + 1, unparsed: true}
	if s.problem != "" {
		r.doubt("%s", s.problem)
	} else {
		r.run()
	}
	out.Known = len(r.unknown) == 0
	out.Unknown = r.unknown
	if r.trace {
		res := strconv.Itoa(out.Status)
		if out.Location != nil {
			res += " " + *out.Location
		} else if out.PassedTo != "" {
			res = "passed on to " + out.PassedTo
		}
		r.note(sim.Step{Kind: sim.StepAnswer, Result: res, Note: out.Error})
	}
	return out
}

// run parses the request, chooses the server and drives the phases.
func (r *request) run() {
	in := r.in
	r.method = in.Method
	if r.method == "" {
		r.method = "GET"
	}
	r.rawMethod = r.method
	r.target = in.Target
	if r.target == "" {
		r.target = "/"
	}
	r.header = in.Header
	r.http10 = in.Version == "1.0"
	wantTLS := in.Scheme == "https"
	r.port = in.Port
	if r.port == 0 {
		r.port = 80
		if wantTLS {
			r.port = 443
		}
	}
	candidates, tls, ok := r.listening(wantTLS)
	if !ok {
		r.doubt("no server listens on port %d", r.port)
		return
	}
	r.tls = tls
	if wantTLS != tls {
		if wantTLS {
			r.doubt("port %d does not speak TLS", r.port)
			return
		}
		r.plainOnTLS = true
	}
	def := candidates[0]
	for _, c := range candidates {
		if c.def {
			def = c
			break
		}
	}
	r.server = def.server
	r.conf = r.server.conf
	if !validMethod(r.method) {
		r.finalize(400)
		return
	}
	host, valid := r.parseTarget()
	if !valid {
		r.uri = ""
		r.finalize(400)
		return
	}
	if !in.NoHost {
		r.hasHost, r.httpHost = true, in.Host
	}
	for _, h := range in.Header {
		if strings.EqualFold(h[0], "Host") {
			if r.hasHost {
				r.finalize(400)
				return
			}
			r.hasHost, r.httpHost = true, h[1]
		}
	}
	r.httpHost = strings.Trim(r.httpHost, " ")
	if host != "" {
		h, ok := validHost(host)
		if !ok {
			r.finalize(400)
			return
		}
		r.host = h
	}
	if r.hasHost {
		h, ok := validHost(r.httpHost)
		if !ok {
			r.finalize(400)
			return
		}
		if r.host == "" {
			r.host = h
		}
	}
	if !r.hasHost && !r.http10 {
		r.chooseServer(candidates)
		r.finalize(400)
		return
	}
	r.chooseServer(candidates)
	r.out.Host = r.server.scope
	r.note(sim.Step{Kind: sim.StepRequest, Name: r.method, Input: r.target, Result: r.uri, Note: "server " + strconv.Quote(r.server.first)})
	if r.server.mergeSlash == false && r.uri != "" {
		// the path is normalised before the server is known by name, with the settings of the default
		// server of the address; nginx keeps what that one said
		_ = def
	}
	if r.plainOnTLS {
		r.finalize(497)
		return
	}
	r.validLocation = true
	r.conf = r.server.conf
	r.cycle(true)
}

func validMethod(m string) bool {
	for i := 0; i < len(m); i++ {
		if c := m[i]; !(c >= 'A' && c <= 'Z' || c == '_' || c == '-') {
			return false
		}
	}
	return m != ""
}

type candidate struct {
	listen
	server *server
}

// listening finds the servers of the address and port of the connection, in file order.
func (r *request) listening(wantTLS bool) (list []candidate, tls, ok bool) {
	addr := "127.0.0.1"
	if r.s.world.ServerAddr.IsValid() {
		addr = r.s.world.ServerAddr.String()
	}
	var exact, any []candidate
	for _, sv := range r.s.servers {
		if sv.anywhere {
			any = append(any, candidate{listen{port: r.port, tls: wantTLS}, sv})
			continue
		}
		for _, l := range sv.listens {
			switch {
			case l.unix || l.port != r.port:
			case l.addr == "":
				any = append(any, candidate{l, sv})
			case l.addr == addr:
				exact = append(exact, candidate{l, sv})
			case strings.HasPrefix(l.addr, "["):
				// IPv6 only
			default:
				if _, err := netip.ParseAddr(l.addr); err != nil {
					r.doubt("listen %s: the address of the name is not known", l.addr)
				}
			}
		}
	}
	list = exact
	if len(list) == 0 {
		list = any
	}
	if len(list) == 0 {
		// addresses of the machine are not known: a port served on any one address stands for it
		for _, sv := range r.s.servers {
			for _, l := range sv.listens {
				if !l.unix && l.port == r.port {
					list = append(list, candidate{l, sv})
				}
			}
		}
	}
	for _, c := range list {
		tls = tls || c.tls
	}
	return list, tls, len(list) > 0
}

// chooseServer finds the server by name. Source: ngx_http_find_virtual_server.
func (r *request) chooseServer(list []candidate) {
	name := r.host
	if name == "" && r.hasHost {
		return
	}
	find := func(match func(string) bool) *server {
		for _, c := range list {
			for _, n := range c.server.names {
				if match(n) {
					return c.server
				}
			}
		}
		return nil
	}
	if sv := find(func(n string) bool { return n == name || len(n) > 1 && n[0] == '.' && n[1:] == name }); sv != nil {
		r.server = sv
		return
	}
	if name == "" {
		return
	}
	best := -1
	for _, c := range list {
		for _, n := range c.server.names {
			suffix := ""
			if strings.HasPrefix(n, "*.") {
				suffix = n[1:]
			} else if strings.HasPrefix(n, ".") {
				suffix = n
			}
			if suffix != "" && strings.HasSuffix(name, suffix) && len(name) > len(suffix) && len(suffix) > best {
				best = len(suffix)
				r.server = c.server
			}
		}
	}
	if best >= 0 {
		return
	}
	for _, c := range list {
		for _, n := range c.server.names {
			if strings.HasSuffix(n, ".*") && strings.HasPrefix(name, n[:len(n)-1]) && len(name) > len(n)-1 && len(n) > best {
				best = len(n)
				r.server = c.server
			}
		}
	}
	if best >= 0 {
		return
	}
	seen := map[*server]bool{}
	for _, c := range list {
		if seen[c.server] {
			continue
		}
		seen[c.server] = true
		for _, n := range c.server.regexNames {
			if r.match(n.re, name, nil) {
				r.server = c.server
				return
			}
		}
	}
}

// match runs a regular expression as nginx does: when it matches, what it captured, or nothing, replaces the
// captures of the request, and named groups set variables.
func (r *request) match(re *pattern.Regexp, subject string, st *sim.Step) bool {
	if re == nil {
		r.doubt("a pattern does not compile")
		return false
	}
	m, ok, err := re.Match(subject)
	if err != nil {
		r.doubt("pattern %q: %v", re.String(), err)
		return false
	}
	if st != nil && r.trace {
		st.Input, st.Pattern, st.Matched = subject, re.String(), truth(ok)
	}
	if !ok {
		return false
	}
	r.captures = nil
	if st != nil && r.trace {
		a, b := m.Span(0)
		st.Span = &[2]int{a, b}
	}
	n := re.Groups()
	if n > 0 {
		r.captures = make([]string, n+1)
		for i := range r.captures {
			r.captures[i] = m.Group(i)
		}
		if st != nil && r.trace {
			st.Captures = r.captures[1:]
		}
		for i, name := range re.Names() {
			if name != "" {
				r.setVar(strings.ToLower(name), m.Group(i))
			}
		}
	}
	return true
}

func (r *request) setVar(name, value string) {
	if r.vars == nil {
		r.vars = map[string]string{}
	}
	r.vars[name] = value
}

// validHost checks and normalises the name of a host. Source: ngx_http_validate_host of 1.22.
func validHost(h string) (string, bool) {
	if h == "" {
		return "", false
	}
	end, state := len(h), 0
	dot := len(h)
	for i := 0; i < len(h); i++ {
		switch c := h[i]; {
		case c == '.':
			if dot == i-1 {
				return "", false
			}
			dot = i
		case c == ':':
			if state == 0 {
				end, state = i, 2
			}
		case c == '[':
			if i == 0 {
				state = 1
			}
		case c == ']':
			if state == 1 {
				end, state = i+1, 2
			}
		case c == '/' || c <= 0x20 || c == 0x7f:
			return "", false
		}
	}
	if dot == end-1 {
		end--
	}
	if end == 0 {
		return "", false
	}
	return asciiLower(h[:end]), true
}

func asciiLower(s string) string {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 'A' && c <= 'Z' {
			b := []byte(s)
			for ; i < len(b); i++ {
				if b[i] >= 'A' && b[i] <= 'Z' {
					b[i] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}

// parseTarget splits and normalises the request target. ok is false for what is answered 400.
// Source: ngx_http_parse_request_line and ngx_http_parse_complex_uri.
func (r *request) parseTarget() (host string, ok bool) {
	t := r.target
	for i := 0; i < len(t); i++ {
		if c := t[i]; c <= 0x20 || c == 0x7f {
			return "", false
		}
	}
	path := t
	if t[0] != '/' {
		i := strings.Index(t, "://")
		if i <= 0 {
			return "", false
		}
		for j := 0; j < i; j++ {
			c := t[j] | 0x20
			if !(c >= 'a' && c <= 'z') && !(j > 0 && (t[j] >= '0' && t[j] <= '9' || t[j] == '+' || t[j] == '-' || t[j] == '.')) {
				return "", false
			}
		}
		rest := t[i+3:]
		j := strings.IndexAny(rest, "/?#")
		if j < 0 {
			j = len(rest)
		}
		host = rest[:j]
		path = rest[j:]
		if host == "" {
			return "", false
		}
		r.target = path
		if path == "" {
			r.target = "/"
		}
		if path == "" || path[0] != '/' {
			path = "/" + path
		}
	}
	if i := strings.IndexByte(path, '#'); i >= 0 {
		path = path[:i]
	}
	if i := strings.IndexByte(path, '?'); i >= 0 {
		path, r.args = path[:i], path[i+1:]
	}
	r.quoted = strings.IndexByte(path, '%') >= 0
	r.plus = strings.IndexByte(path, '+') >= 0
	u, good := normalise(path, r.server.mergeSlash)
	if !good {
		return "", false
	}
	r.uri = u
	return host, true
}

func hex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// normalise decodes a path and resolves its dot segments; merge folds slashes.
func normalise(path string, merge bool) (string, bool) {
	dec := make([]byte, 0, len(path))
	for i := 0; i < len(path); i++ {
		c := path[i]
		if c == '%' {
			if i+2 >= len(path) || hex(path[i+1]) < 0 || hex(path[i+2]) < 0 {
				return "", false
			}
			c = byte(hex(path[i+1])<<4 | hex(path[i+2]))
			i += 2
			if c == 0 {
				return "", false
			}
		}
		dec = append(dec, c)
	}
	out := make([]byte, 0, len(dec))
	for i := 0; i < len(dec); {
		if dec[i] != '/' {
			j := i
			for j < len(dec) && dec[j] != '/' {
				j++
			}
			seg := string(dec[i:j])
			last := j == len(dec)
			switch seg {
			case ".":
				// stays behind the slash
				if !last {
					j++
				}
			case "..":
				// out ends in the slash before this segment
				k := len(out) - 1
				for k > 0 && out[k-1] != '/' {
					k--
				}
				if k <= 0 {
					return "", false
				}
				out = out[:k]
				if !last {
					j++
				}
			default:
				out = append(out, seg...)
			}
			i = j
			continue
		}
		if !(merge && len(out) > 0 && out[len(out)-1] == '/') {
			out = append(out, '/')
		}
		i++
	}
	if len(out) == 0 {
		return "/", true
	}
	return string(out), true
}

var _ = ir.Nginx
