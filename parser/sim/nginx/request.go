package nginx

import (
	"strconv"
	"strings"
	"time"

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
	header            []headerLine
	contentLengthIn   int64
	port              int
	tls, http10       bool

	quotedURI, plusInURI         bool // the path had a %, a +
	internal, uriChanged         bool
	validLocation, validUnparsed bool
	addURIToAlias, errorPage     bool
	uriChanges                   int // left, plus one
	errStatus, status            int

	address *address
	server  *server
	conf    *conf
	handler handlerKind

	captures pattern.Match
	captured bool
	vars     []value
	depth    int // of variables, left
	steps    int
	extra    int       // work of long matches, which Outcome.Work has and the limit has not
	execs    int       // patterns tried
	started  time.Time // when the eighth was

	location      *text
	sent          []sentHeader
	contentType   string
	typeUnknown   string
	contentLength int64
	hasLength     bool
	realm         string
	realIP        string // why the client's address is not known
	limitRate     string

	proxied  *proxyURL // what $proxy_host shows
	passedOn bool      // a backend was asked
	response *Response
}

// headerLine is a header of the request, its name in lower case.
type headerLine struct{ key, value string }

// run parses the request, chooses the server and drives the phases.
func (r *request) run() {
	in := r.in
	r.limitRate = "0"
	r.method = orElse(in.Method, "GET")
	r.rawMethod = r.method
	r.http10 = in.Version == "1.0"
	r.validUnparsed, r.validLocation = true, true
	r.tls = in.Scheme == "https"
	r.port = in.Port
	if r.port == 0 {
		r.port = 80
		if r.tls {
			r.port = 443
		}
	}
	r.address = r.connect()
	if r.address == nil {
		r.giveUp("no server listens on port %d", r.port)
	}
	if r.address.why != "" {
		r.giveUp("%s", r.address.why)
	}
	speaksTLS := r.address.tls || r.s.anywhere != nil && r.tls
	for _, p := range r.s.world.TLSPorts {
		if p == r.port {
			speaksTLS = true
		}
	}
	plain := speaksTLS && !r.tls
	if r.tls && !speaksTLS {
		r.giveUp("port %d does not speak TLS", r.port)
	}
	r.useServer(r.address.fallback)
	if r.tls && !r.handshake() {
		return
	}
	if status := r.parse(); status != 0 {
		r.out.Host = r.server.scope
		r.noteRequest()
		r.runFrom(r.finalize(status))
		return
	}
	r.out.Host = r.server.scope
	r.noteRequest()
	if r.conf.realIP && r.findHeader(r.conf.realIPHeader) != nil {
		r.realIP = "the client's address comes out of a header (set_real_ip_from)"
	}
	if plain {
		r.flow("plain HTTP on a port that speaks TLS")
		r.runFrom(r.finalize(497))
		return
	}
	r.phases()
}

// runFrom goes on in the phase that an early end of the request leads to.
func (r *request) runFrom(phase next) {
	if phase == done {
		return
	}
	r.phasesFrom(phase)
}

// handshake is the TLS handshake; false when the server refuses it. The name sent in it is that of the Host header.
func (r *request) handshake() bool {
	sv := r.server
	if host, ok := validHost(r.in.Host); ok && !r.in.NoHost {
		if found, hit := r.address.names.find(host); hit {
			sv = found
		} else {
			for i := range r.address.regexes {
				if r.plainMatch(r.address.regexes[i].re.re, host) {
					sv = r.address.regexes[i].to
					break
				}
			}
		}
	}
	if sv.rejectTLS {
		r.flow("ssl_reject_handshake: the connection is closed in the TLS handshake")
		r.out.Closed, r.out.Host = true, sv.scope
		return false
	}
	if sv.verifyTLS {
		r.giveUp("ssl_verify_client is not modelled")
	}
	return true
}

func (r *request) noteRequest() {
	if r.trace {
		r.note(sim.Step{Kind: sim.StepRequest, Name: r.method, Input: r.target, Result: withArgs(r.uri, r.args),
			Note: "server " + strconv.Quote(r.server.first)})
	}
}

// requestLineTarget is the target as the request line has it.
func (r *request) requestLineTarget() string { return orElse(r.in.Target, "/") }

// parse reads request line and headers; it gives the status of a refusal, 0 when all is well.
// Source: nginx src/http/ngx_http_request.c and ngx_http_parse.c.
func (r *request) parse() int {
	for i := 0; i < len(r.method); i++ {
		if c := r.method[i]; (c < 'A' || c > 'Z') && c != '_' && c != '-' {
			return 400
		}
	}
	line := r.requestLineTarget()
	if len(line)+len(r.method) > 8192-32 {
		r.giveUp("the request line may be too long for large_client_header_buffers")
	}
	host, ok := r.parseTarget(line)
	if !ok {
		return 400
	}
	if host != nil {
		name, ok := validHost(*host)
		if !ok {
			return 400
		}
		r.chooseServer(name)
		r.host = name
	}
	if status := r.parseHeaders(); status != 0 {
		return status
	}
	if r.host == "" {
		r.chooseServer("")
	}
	if r.findHeader("host") == nil && !r.http10 {
		return 400
	}
	return r.checkBody()
}

func (r *request) parseHeaders() int {
	if !r.in.NoHost {
		if status := r.addHeader("Host", r.in.Host); status != 0 {
			return status
		}
	}
	for _, h := range r.in.Header {
		if len(h[0])+len(h[1]) > 8000 {
			r.giveUp("a header may be too long for large_client_header_buffers")
		}
		if status := r.addHeader(h[0], h[1]); status != 0 {
			return status
		}
	}
	if r.in.Body != "" && r.findHeader("content-length") == nil && r.findHeader("transfer-encoding") == nil {
		return r.addHeader("Content-Length", strconv.Itoa(len(r.in.Body)))
	}
	return 0
}

// addHeader takes one line of the header in. Source: ngx_http_parse_header_line, ngx_http_process_request_headers.
func (r *request) addHeader(name, v string) int {
	invalid := name == ""
	for i := 0; i < len(name); i++ {
		c := lower(name[i])
		switch {
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-':
		case c == '_':
			invalid = invalid || !r.server.underscores
		case c <= 0x20 || c == 0x7f || c == ':' && i == 0:
			return 400
		case c == ':':
			// What stands behind it belongs to the value.
			return r.addHeader(name[:i], name[i+1:]+":"+v)
		default:
			invalid = true
		}
	}
	if invalid && r.server.ignoreInvalid {
		return 0
	}
	if i := strings.IndexAny(v, "\x00\r\n"); i >= 0 {
		if v[i] == 0 {
			return 400
		}
		r.giveUp("a header with a line end is not modelled")
	}
	v = strings.Trim(v, " ")
	key := asciiLower(name)
	switch key {
	case "host":
		return r.addHost(v)
	case "content-length", "transfer-encoding", "if-modified-since", "if-unmodified-since", "if-match", "if-none-match":
		if r.findHeader(key) != nil {
			return 400
		}
	}
	r.header = append(r.header, headerLine{key, v})
	return 0
}

func (r *request) addHost(v string) int {
	if r.findHeader("host") != nil {
		return 400
	}
	r.header = append(r.header, headerLine{"host", v})
	name, ok := validHost(v)
	if !ok {
		return 400
	}
	if r.host != "" {
		return 0
	}
	r.chooseServer(name)
	r.host = name
	return 0
}

// checkBody checks what the header says of the body, and methods that are never answered.
// Source: ngx_http_process_request_header.
func (r *request) checkBody() int {
	r.contentLengthIn = -1
	length := r.findHeader("content-length")
	if length != nil {
		n, err := strconv.ParseUint(length.value, 10, 63)
		if err != nil || length.value[0] == '+' {
			return 400
		}
		r.contentLengthIn = int64(n)
	}
	if te := r.findHeader("transfer-encoding"); te != nil {
		if r.http10 {
			return 400
		}
		if !equalFold(te.value, "chunked") {
			return 501
		}
		if length != nil {
			return 400
		}
	}
	if r.method == "CONNECT" || r.method == "TRACE" {
		return 405
	}
	return 0
}

// validHost checks and normalises the name of a host. Source: ngx_http_validate_host of 1.22.
func validHost(h string) (string, bool) {
	end, rest, literal := len(h), false, false
	dot := len(h)
	for i := 0; i < len(h); i++ {
		switch c := h[i]; {
		case c == '.':
			if dot == i-1 {
				return "", false
			}
			dot = i
		case c == ':':
			if !rest && !literal {
				end, rest = i, true
			}
		case c == '[':
			literal = literal || i == 0
		case c == ']':
			if literal && !rest {
				end, rest = i+1, true
			}
		case c == '/' || c <= 0x20 || c == 0x7f:
			return "", false
		}
	}
	if dot == end-1 {
		end--
	}
	if end <= 0 {
		return "", false
	}
	return asciiLower(h[:end]), true
}
