package httpd

import (
	"sort"
	"strconv"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/sim"
)

// Results of a phase besides a status code.
const (
	declined = 0
	done     = -1 // the phase has dealt with the request
)

// request is one request, internal redirect or subrequest.
type request struct {
	s    *simulator
	in   *sim.Request
	top  *answerState
	h    *host
	tls  bool
	port int

	method, theRequest, target string
	http10, http09             bool
	hostHeader, hostName       string
	hasHost                    bool
	hostPort                   int

	uri      string
	filename string
	hasFile  bool
	pathInfo string
	args     *string
	env      map[string]string
	header   [][2]string

	status        int
	handler       string
	forcedType    string
	forcedHandler string
	conf          *dirConf
	ctxPrefix     string
	ctxRoot       string
	finfo         sim.FileInfo
	end           bool
	reduced       bool
	lastsub       *ir.Rule
	proxied       bool
	isAlias       bool
	vary          []string
	out, always   [][2]string
	location      *string
	keepEnvNote   bool
	server        int // saved result of the server's rules, for subrequests of PT

	main                     *request // of a subrequest
	prev                     *request // that was redirected internally
	errorPage, errorResponse bool
}

// answerState is what all requests of one outcome share.
type answerState struct {
	out     *sim.Outcome
	trace   bool
	quiet   int // in subrequests no steps are kept
	unknown []string
	rounds  int
	work    int
	error   string
}

const maxWork = 3_000_000

func (r *request) doubt(text string) {
	for _, u := range r.top.unknown {
		if u == text {
			return
		}
	}
	r.top.unknown = append(r.top.unknown, text)
}

func (r *request) tracing() bool { return r.top.trace && r.top.quiet == 0 }

func (r *request) note(st sim.Step) {
	if r.tracing() {
		r.top.out.Steps = append(r.top.out.Steps, st)
	}
}

func (r *request) logError(text string) {
	if r.top.error == "" {
		r.top.error = text
	}
}

func truth(b bool) *bool { return &b }

// match runs a pattern; what cannot be decided makes the outcome unknown.
func (r *request) match(p *ir.Pattern, subject string) (pattern.Match, bool) {
	if p == nil || p.Re == nil {
		return pattern.Match{}, false
	}
	m, ok, err := p.Re.Match(subject)
	if err != nil {
		r.doubt("pattern " + strconv.Quote(p.Text) + ": " + err.Error())
		return m, false
	}
	return m, ok
}

// Answer simulates one request.
func (s *simulator) Answer(in sim.Request, trace bool) sim.Outcome {
	out := sim.Outcome{}
	top := &answerState{out: &out, trace: trace}
	r := &request{s: s, in: &in, top: top, status: 200}
	last := r.run()
	out.Known = len(top.unknown) == 0
	out.Unknown = top.unknown
	out.Error = top.error
	if last != nil {
		last.report(&out)
	}
	if trace {
		text := strconv.Itoa(out.Status)
		if out.Location != nil {
			text += " " + *out.Location
		} else if out.PassedTo != "" {
			text = "passed on to " + out.PassedTo
		}
		out.Steps = append(out.Steps, sim.Step{Kind: sim.StepAnswer, Result: text, Note: out.Error})
	}
	return out
}

func (r *request) report(out *sim.Outcome) {
	out.URI, out.File, out.PathInfo = r.uri, r.filename, r.pathInfo
	if r.args != nil {
		out.Query = *r.args
	}
	out.Location = r.location
	out.Host = r.h.scope
}

// run parses the request line, chooses the host and processes the request. It gives the request that was answered
// at last.
func (r *request) run() *request {
	in := r.in
	r.method = in.Method
	if r.method == "" {
		r.method = "GET"
	}
	r.target = in.Target
	if r.target == "" {
		r.target = "/"
	}
	version := in.Version
	if version == "" {
		version = "1.1"
	}
	version = strings.TrimPrefix(version, "HTTP/")
	r.http10 = version == "1.0"
	r.theRequest = r.method + " " + r.target + " HTTP/" + version
	r.tls = in.Scheme == "https"
	r.port = in.Port
	if r.port == 0 {
		r.port = 80
		if r.tls {
			r.port = 443
		}
	}
	r.header = in.Header
	r.env = map[string]string{}
	candidates := r.s.candidates(r)
	r.h = candidates[0]
	if !in.NoHost {
		r.hasHost, r.hostHeader = true, in.Host
	}
	for _, h := range in.Header {
		if strings.EqualFold(h[0], "Host") {
			r.hasHost, r.hostHeader = true, h[1]
		}
	}
	bad := func(status int) *request {
		r.status = status
		return r.die(status)
	}
	for i := 0; i < len(r.target); i++ {
		if c := r.target[i]; c <= 0x20 || c == 0x7f {
			r.target = r.target[:i]
			if r.target != "" {
				r.parseTarget()
			}
			return bad(400)
		}
	}
	if !r.parseTarget() {
		return bad(400)
	}
	if r.hasHost && r.hostHeader != "" || r.hostName != "" {
		if r.hostName == "" && !r.readHost(r.hostHeader) {
			return bad(400)
		}
	} else if !r.hasHost && !r.http10 {
		return bad(400)
	}
	r.h = r.s.choose(candidates, r)
	r.note(sim.Step{Kind: sim.StepRequest, Name: r.method, Input: r.target, Result: r.uri, Note: "host " + r.h.name})
	uri, status := decodePath(r.uri, r.h)
	if status != 0 {
		r.uri = uri
		return bad(status)
	}
	r.uri = uri
	return r.handleAll()
}

// candidates are the hosts for the address and port of the connection.
func (s *simulator) candidates(r *request) []*host {
	var list []*host
	for _, h := range s.hosts {
		if len(h.ports) == 0 {
			list = append(list, h)
			continue
		}
		for i, p := range h.ports {
			if p != 0 && p != r.port {
				continue
			}
			a := h.addrs[i]
			if a == "*" || a == "_default_" || a == "127.0.0.1" || a == "" || strings.HasPrefix(a, "[") || true {
				list = append(list, h)
				break
			}
		}
	}
	if len(list) == 0 {
		list = []*host{s.main}
	}
	return list
}

// choose finds the host by name: ServerName, then ServerAlias with wildcards, else the first.
func (s *simulator) choose(list []*host, r *request) *host {
	if r.hostName == "" {
		return list[0]
	}
	for _, h := range list {
		if h.name == r.hostName {
			return h
		}
		for _, a := range h.aliases {
			if a == r.hostName || wildcard(a, r.hostName) {
				return h
			}
		}
	}
	return list[0]
}

func (r *request) readHost(v string) bool {
	v = strings.Trim(v, " \t")
	name, port := v, ""
	if strings.HasPrefix(v, "[") {
		i := strings.IndexByte(v, ']')
		if i < 0 {
			return false
		}
		name, port = v[:i+1], v[i+1:]
	} else if i := strings.IndexByte(v, ':'); i >= 0 {
		name, port = v[:i], v[i:]
	}
	if port != "" {
		if port[0] != ':' {
			return false
		}
		for _, c := range port[1:] {
			if c < '0' || c > '9' {
				return false
			}
		}
		r.hostPort = atoi(port[1:])
		if len(port) > 1 && (r.hostPort == 0 || r.hostPort > 65535) {
			return false
		}
	}
	if name == "" {
		return false
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		ok := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("-._~!$&'()*+,;=[]:%", c) >= 0
		if !ok {
			return false
		}
	}
	if strings.HasPrefix(name, ".") || strings.Contains(name, "..") {
		return false
	}
	r.hostName = strings.TrimSuffix(lower(name), ".")
	return true
}

func lower(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] >= 'A' && s[i] <= 'Z' {
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

// parseTarget splits the request target into host, path and query.
func (r *request) parseTarget() bool {
	t := r.target
	if t == "*" {
		r.uri = "*"
		return r.method == "OPTIONS"
	}
	if i := strings.IndexByte(t, '#'); i >= 0 {
		r.uri = t[:i]
		return false
	}
	if t[0] != '/' {
		i := strings.Index(t, "://")
		if i <= 0 {
			return false
		}
		rest := t[i+3:]
		j := strings.IndexAny(rest, "/?")
		if j < 0 {
			j = len(rest)
		}
		host := rest[:j]
		if k := strings.LastIndexByte(host, '@'); k >= 0 {
			host = host[k+1:]
		}
		if !r.readHost(host) {
			return false
		}
		r.hasHost, r.hostHeader = true, host // a Host header is replaced: ap_update_host_header of http_vhost.c
		t = rest[j:]
	}
	if q := strings.IndexByte(t, '?'); q >= 0 {
		a := t[q+1:]
		r.args = &a
		t = t[:q]
	}
	if t == "" {
		t = "/"
	}
	r.uri = t
	return true
}

func hexVal(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// decodePath decodes and normalises a path. status is 400 or 404 when httpd refuses it.
// Source: ap_process_request_internal, ap_normalize_path, unescape_url.
func decodePath(p string, h *host) (uri string, status int) {
	// An encoded slash is no separator while dot segments and slashes are dealt with, although it is shown decoded
	// when the request is refused for it. NUL marks both of what cannot be in a path.
	const slashMark, nulMark = "\x00\x01", "\x00\x00"
	var b []byte
	bad := false
	for i := 0; i < len(p); i++ {
		c := p[i]
		if c != '%' {
			b = append(b, c)
			continue
		}
		if i+2 >= len(p) || hexVal(p[i+1]) < 0 || hexVal(p[i+2]) < 0 {
			return undecoded(p, h), 400
		}
		d := byte(hexVal(p[i+1])<<4 | hexVal(p[i+2]))
		switch {
		case d == 0:
			bad = true
			b = append(b, nulMark...)
		case d == '/' && h.encoded != "on":
			if h.encoded == "nodecode" {
				b = append(b, p[i:i+3]...)
			} else {
				bad = true
				b = append(b, slashMark...)
			}
		default:
			b = append(b, d)
		}
		i += 2
	}
	u, ok := normalise(string(b), h.mergeSlash)
	if bad {
		u, _, _ = strings.Cut(u, nulMark)
		u = strings.ReplaceAll(u, slashMark, "/")
	}
	switch {
	case !ok:
		return undecoded(p, h), 400
	case bad:
		return u, 404
	}
	return u, 0
}

// undecoded is what a refused path is shown as: normalised, with only unreserved characters decoded.
// Source: ap_normalize_path with AP_NORMALIZE_DECODE_UNRESERVED.
func undecoded(p string, h *host) string {
	var b []byte
	for i := 0; i < len(p); i++ {
		if p[i] == '%' && i+2 < len(p) && hexVal(p[i+1]) >= 0 && hexVal(p[i+2]) >= 0 {
			d := byte(hexVal(p[i+1])<<4 | hexVal(p[i+2]))
			if d >= 'a' && d <= 'z' || d >= 'A' && d <= 'Z' || d >= '0' && d <= '9' || strings.IndexByte("-._~", d) >= 0 {
				b = append(b, d)
				i += 2
				continue
			}
		}
		b = append(b, p[i])
	}
	u, _ := normalise(string(b), h.mergeSlash)
	return u
}

// normalise resolves dot segments and merges slashes; leading ones always merge.
func normalise(p string, merge bool) (string, bool) {
	if p == "" || p[0] != '/' {
		return p, true
	}
	climbed := false
	out := []byte{'/'}
	i := 1
	for i < len(p) && p[i] == '/' && true {
		i++
	}
	for i < len(p) {
		if p[i] == '/' {
			if !(merge && out[len(out)-1] == '/') {
				out = append(out, '/')
			}
			i++
			continue
		}
		j := i
		for j < len(p) && p[j] != '/' {
			j++
		}
		seg := p[i:j]
		atStart := out[len(out)-1] == '/'
		switch {
		case atStart && seg == ".":
			if j < len(p) {
				j++
			}
		case atStart && seg == "..":
			if len(out) == 1 {
				climbed = true
				if j < len(p) {
					j++
				}
				i = j
				continue
			}
			k := len(out) - 1
			for k > 0 && out[k-1] != '/' {
				k--
			}
			out = out[:k]
			if len(out) == 0 {
				out = append(out, '/')
			}
			if j < len(p) {
				j++
			}
		default:
			out = append(out, seg...)
		}
		i = j
	}
	return string(out), !climbed
}

// wildcard matches * and ? (httpd's ap_strcasecmp_match) without regard to case.
func wildcard(pat, s string) bool {
	if pat == "" {
		return s == ""
	}
	switch pat[0] {
	case '*':
		for i := 0; i <= len(s); i++ {
			if wildcard(pat[1:], s[i:]) {
				return true
			}
		}
		return false
	case '?':
		return s != "" && wildcard(pat[1:], s[1:])
	}
	return s != "" && (pat[0] == s[0] || lower(pat[:1]) == lower(s[:1])) && wildcard(pat[1:], s[1:])
}

// headerValue joins the values of a request header with ", ".
func (r *request) headerValue(name string) string {
	v, _ := r.lookHeader(name)
	return v
}

func (r *request) lookHeader(name string) (string, bool) {
	if name == "" {
		return "", false
	}
	if strings.EqualFold(name, "Host") {
		return r.hostHeader, r.hasHost
	}
	var list []string
	found := false
	for _, h := range r.header {
		if strings.EqualFold(h[0], name) {
			list, found = append(list, strings.Trim(h[1], " \t")), true
		}
	}
	if !found && strings.EqualFold(name, "Connection") {
		return "close", true
	}
	return strings.Join(list, ", "), found
}

// serverName and serverPort are ap_get_server_name and ap_get_server_port.
func (r *request) serverName() string {
	if r.h.canonical == "on" || r.hostName == "" {
		return r.h.nameOr()
	}
	return r.hostName
}

func (h *host) nameOr() string {
	if h.name == "" {
		return "localhost"
	}
	return h.name
}

func (r *request) defaultPort() int {
	if r.tls {
		return 443
	}
	return 80
}

func (r *request) hostDefaultPort() int {
	if r.h.port != 0 {
		return r.h.port
	}
	if r.in.Port != 0 {
		return r.in.Port
	}
	return r.defaultPort()
}

func (r *request) serverPort() int {
	if r.h.canonical != "on" && r.hostPort != 0 {
		return r.hostPort
	}
	if r.h.port != 0 && !(r.tls && r.h.port == 80 && r.h.scope.File == nil) {
		return r.h.port
	}
	return r.defaultPort()
}

func (r *request) scheme() string {
	if r.tls {
		return "https"
	}
	return "http"
}

// selfURL puts scheme, name and port before a path. Source: ap_construct_url.
func (r *request) selfURL(path string) string {
	port := ""
	if p := r.serverPort(); p != r.defaultPort() {
		port = ":" + strconv.Itoa(p)
	}
	return r.scheme() + "://" + r.serverName() + port + path
}

func sortedKeys(m map[string]string) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}
