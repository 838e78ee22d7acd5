package httpd

import (
	"errors"
	"net/netip"
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
	env      table
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
	checked       bool // access was decided
	manyAddrs     bool // hosts of several addresses are candidates
	server        int  // saved result of the server's rules, for subrequests of PT

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
	extra   int // work of long matches, which Outcome.Work has and the limit has not
	counted int // work until it was given up early; 0: it was not
	error   string
}

// maxWork bounds the rules one answer may look at; a look-up counts as subrequestWork rules.
const (
	maxWork        = 2_000_000
	subrequestWork = 500
)

// maxText is how long a query or a variable may grow while rules run, in bytes. httpd has no such limit.
const maxText = 1 << 20

// gaveUpWork is what one match that ran out of its own budget counts for.
const gaveUpWork = 200_000

// exhausted tells whether an answer has taken all the work it may; it is unknown then.
func (r *request) exhausted(more int) bool {
	if r.top.work += more; r.top.work > maxWork {
		r.doubt("the request needs too many steps")
		return true
	}
	return false
}

// tooLong gives an answer up when a text grows without end.
func (r *request) tooLong(text string) bool {
	if len(text) <= maxText {
		return false
	}
	r.top.counted = r.top.work
	r.top.work = maxWork + 1
	r.doubt("a text grows without end")
	return true
}

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

// fired records a rule that took effect.
func (r *request) fired(p *ir.Rule) { r.top.out.Fire(p, r.main != nil || r.top.quiet > 0) }

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
	if r.top.work > maxWork {
		return pattern.Match{}, false
	}
	r.top.work++
	r.top.extra += p.Re.Work(subject, true)
	m, ok, err := p.Re.Match(subject)
	if err != nil {
		if errors.Is(err, pattern.ErrBudget) {
			r.top.counted = r.top.work + gaveUpWork
			r.top.work = maxWork + 1 // one such match takes long enough
		}
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
	out.Work = top.work
	if top.counted > 0 {
		out.Work = top.counted
	}
	out.Work += top.extra
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
	candidates := r.s.candidates(r)
	r.h = candidates[0]
	if !in.NoHost {
		r.hasHost, r.hostHeader = true, in.Host
	}
	twice := false
	for _, h := range in.Header {
		if strings.EqualFold(h[0], "Host") {
			twice = twice || r.hasHost
			r.hasHost, r.hostHeader = true, h[1]
		}
	}
	bad := func(status int) *request {
		r.status = 200
		r.conf = r.baseConf()
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
	if !r.parseTarget() || twice {
		// two Host lines are one with a comma in it. Source: httpd server/vhost.c, fix_hostname
		return bad(400)
	}
	if r.hostName == "" && r.hasHost && !r.readHost(r.hostHeader, false) {
		return bad(400)
	}
	r.h = r.s.choose(candidates, r)
	if !r.http10 && (r.hostName == "" || !r.hasHost) {
		return bad(400)
	}
	if v, ok := r.lookHeader("Expect"); ok && v != "" && !equalFold(v, "100-continue") {
		return bad(417)
	}
	r.note(sim.Step{Kind: sim.StepRequest, Name: r.method, Input: r.target, Result: r.uri, Note: "host " + r.h.name})
	uri, status := decodePath(r.uri, r.h)
	if status != 0 {
		r.uri = uri
		return bad(status)
	}
	r.uri = uri
	return r.handleAll()
}

// candidates are the hosts for the address and port of the connection: those of the very address, else those of any.
// While the world does not say at which address the server is reached, every address written counts as that one.
// Source: httpd server/vhost.c, ap_update_vhost_given_ip.
func (s *simulator) candidates(r *request) []*host {
	var exact, any []*host
	addrs := map[string]bool{}
	for _, h := range s.hosts {
		if len(h.ports) == 0 {
			any = append(any, h)
			continue
		}
		for i, p := range h.ports {
			if p != 0 && p != r.port {
				continue
			}
			ip, err := netip.ParseAddr(strings.Trim(h.addrs[i], "[]"))
			if err != nil {
				any = append(any, h)
				break
			}
			if !s.world.ServerAddr.IsValid() || ip == s.world.ServerAddr {
				addrs[h.addrs[i]] = true
				exact = append(exact, h)
				break
			}
		}
	}
	if len(addrs) > 1 {
		r.manyAddrs = true
	}
	switch {
	case len(exact) > 0:
		return exact
	case len(any) > 0:
		return any
	}
	return []*host{s.main}
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
			if wildcard(a, r.hostName, true) {
				return h
			}
		}
	}
	if r.manyAddrs {
		r.doubt("the address at which the server is reached decides about the virtual host")
	}
	return list[0]
}

// readHost takes a Host header apart; ok is false when httpd answers 400. Source: httpd server/vhost.c, fix_hostname.
func (r *request) readHost(v string, fromURL bool) bool {
	v = strings.Trim(v, " \t")
	if v == "" {
		return true
	}
	if strings.Trim(v, "0123456789") == "" {
		return false
	}
	name, port := v, ""
	hasPort := false
	if v[0] == '[' {
		i := strings.IndexByte(v, ']')
		if i < 2 {
			return false
		}
		name = v[1:i]
		switch rest := v[i+1:]; {
		case rest == "":
		case rest[0] == ':':
			port, hasPort = rest[1:], true
		default:
			return false
		}
	} else if i := strings.LastIndexByte(v, ':'); i >= 0 {
		if digits := v[i+1:]; strings.Trim(digits, "0123456789") == "" {
			name, port, hasPort = v[:i], digits, true
		}
	}
	if hasPort && !(fromURL && port == "") {
		n := atoi(port)
		if port == "" || len(port) > 6 || n < 1 || n > 65535 {
			return false
		}
		r.hostPort = n
	}
	if name == "" {
		return false
	}
	name = lower(name)
	if v[0] == '[' {
		if _, err := netip.ParseAddr(name); err != nil {
			return false
		}
		r.hostName = "[" + name + "]"
		return true
	}
	if strings.Contains(name, "..") {
		return false
	}
	name = strings.TrimSuffix(name, ".")
	if !plainHost(name) {
		return false
	}
	r.hostName = name
	return true
}

// plainHost tells whether a name keeps to HttpProtocolOptions Strict. Source: httpd server/vhost.c,
// strict_hostname_check.
func plainHost(name string) bool {
	decimal, zeroes, dots := true, false, 0
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case isAlpha(c), c == '-', c == '_':
			decimal = false
		case c == '.':
			dots++
			if i+2 < len(name) && name[i+1] == '0' && isDigit(name[i+2]) {
				zeroes = true
			}
		case !isDigit(c):
			return false
		}
	}
	if decimal {
		if name == "" || name[0] == '.' || name[0] == '0' && len(name) > 1 && isDigit(name[1]) {
			zeroes = true
		}
		return !zeroes && dots == 3
	}
	top := name[strings.LastIndexByte(name, '.')+1:]
	return len(top) == len(name) || top == "" || isAlpha(top[0])
}

func upper(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'a' <= c && c <= 'z' {
			b[i] = c &^ 0x20
		}
	}
	return string(b)
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
	if t[0] != '/' && t[0] != '?' { // "?query" is of the path "/"
		i := 0
		for i < len(t) && (isAlnum(t[i]) || t[i] == '+' || t[i] == '-' || t[i] == '.') {
			i++
		}
		if i == 0 || i >= len(t) || t[i] != ':' {
			path, query, has := strings.Cut(t, "?")
			if r.uri = path; has {
				r.args = &query
			}
			return false
		}
		scheme := t[:i]
		if !strings.HasPrefix(t[i:], "://") {
			r.uri, _, _ = strings.Cut(t[i+1:], "?")
			return false
		}
		rest := t[i+3:]
		j := strings.IndexAny(rest, "/?")
		if j < 0 {
			j = len(rest)
		}
		host := rest[:j]
		t = rest[j:]
		if strings.Contains(host, "@") {
			r.uri, _, _ = strings.Cut(t, "?")
			return false
		}
		if host == "" {
			r.uri, _, _ = strings.Cut(t, "?")
			return false
		}
		if equalFold(scheme, r.scheme()) {
			// the name in the URL takes the place of the Host header
			if !r.readHost(host, true) {
				r.uri, _, _ = strings.Cut(t, "?")
				return false
			}
			if r.hasHost {
				r.hostHeader = r.hostName
				if r.hostPort != 0 {
					r.hostHeader += ":" + strconv.Itoa(r.hostPort)
				}
			}
		}
	}
	if q := strings.IndexByte(t, '?'); q >= 0 {
		a := t[q+1:]
		r.args = &a
		t = t[:q]
	}
	if t == "" {
		t = "/"
	}
	for strings.HasPrefix(t, "//") {
		t = t[1:]
	}
	r.uri = t
	return true
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
