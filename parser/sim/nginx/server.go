package nginx

import (
	"net/netip"
	"strconv"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/sim"
)

// server is a server block.
type server struct {
	serverFlags
	conf       *conf
	scope      *ir.Scope
	listens    []listen
	names      []string // but regular expressions; in lower case
	regexNames []*regex
	first      string // $server_name
	anywhere   bool   // of a wrapped text without listen: it answers on every port
	named      map[string]*conf
	rejectTLS  bool
	verifyTLS  bool
	why        string // why its names are not known
}

// serverFlags are values that nginx keeps per server, not per location.
type serverFlags struct{ mergeSlashes, underscores, ignoreInvalid bool }

func (f *serverFlags) apply(set *ir.Setting) {
	switch set.Name {
	case "merge_slashes":
		f.mergeSlashes = isOn(set)
	case "underscores_in_headers":
		f.underscores = isOn(set)
	case "ignore_invalid_headers":
		f.ignoreInvalid = isOn(set)
	}
}

type listen struct {
	addr      string // "" for every address
	port      int
	tls       bool
	isDefault bool
	unix      bool
	why       string // what of it is not modelled
}

// address is a port that is listened on, at one address or at all, with its servers.
type address struct {
	addr     string
	tls      bool
	fallback *server
	marked   bool // fallback is the one with default_server
	names    nameTable[*server]
	regexes  []serverRegex
	why      string
}

type serverRegex struct {
	re *regex
	to *server
}

// server compiles a server block.
func (c *compiler) server(scope *ir.Scope, http *conf, flags serverFlags) {
	sv := &server{serverFlags: flags, scope: scope}
	hasNames := false
	for _, item := range scope.Items {
		set, ok := item.(*ir.Setting)
		if !ok {
			continue
		}
		sv.apply(set)
		switch set.Name {
		case "listen":
			sv.listens = append(sv.listens, parseListen(set))
		case "server_name":
			for _, a := range set.Args {
				c.serverName(sv, a.Text, !hasNames, set.Origin)
				hasNames = true
			}
		case "ssl":
			if isOn(set) {
				defer func() {
					for i := range sv.listens {
						sv.listens[i].tls = true
					}
				}()
			}
		case "ssl_reject_handshake":
			sv.rejectTLS = isOn(set)
		case "ssl_verify_client":
			sv.verifyTLS = set.Arg(0) != "off"
		}
	}
	wrapped := scope.File == nil
	if len(sv.listens) == 0 {
		if wrapped {
			sv.anywhere = true
		} else {
			sv.listens = []listen{{port: 80}}
		}
	}
	if !hasNames {
		name := ""
		if wrapped {
			if name = c.s.world.ServerName; name == "" {
				name = "localhost"
			}
		}
		sv.names, sv.first = []string{asciiLower(name)}, asciiLower(name)
	}
	l := &conf{inherited: http.inherited, scope: scope, server: sv, isServer: true}
	sv.conf = l
	c.settings(l, scope)
	l.script = c.script(scope.Items, l, false)
	c.locations(l, scope)
	c.s.servers = append(c.s.servers, sv)
}

// serverName reads one name. Source: ngx_http_core_server_name.
func (c *compiler) serverName(sv *server, name string, first bool, o ir.Origin) {
	if strings.HasPrefix(name, "~") && len(name) > 1 {
		if first {
			sv.first = name
		}
		text := name[1:]
		opt := pattern.Nginx
		for i := 0; i < len(text); i++ {
			if 'A' <= text[i] && text[i] <= 'Z' {
				opt.IgnoreCase = true
			}
		}
		if re := c.regex(ir.NewPattern(text, ir.Origin{}.Span, opt), o); re != nil {
			sv.regexNames = append(sv.regexNames, re)
		}
		return
	}
	if equalFold(name, "$hostname") {
		sv.why = "$hostname as a server name depends on the machine"
		return
	}
	if first {
		sv.first = name
		if strings.HasPrefix(name, ".") {
			sv.first = name[1:]
		}
		sv.first = asciiLower(sv.first)
	}
	sv.names = append(sv.names, asciiLower(name))
}

func parseListen(set *ir.Setting) listen {
	l := listen{port: 80}
	a := set.Arg(0)
	switch {
	case strings.HasPrefix(a, "unix:"):
		l.unix = true
	case strings.HasPrefix(a, "["):
		end := strings.IndexByte(a, ']')
		if end < 0 {
			l.why = "listen " + a + " is not understood"
			break
		}
		l.addr = a[:end+1]
		if rest := a[end+1:]; strings.HasPrefix(rest, ":") {
			l.port, _ = strconv.Atoi(rest[1:])
		}
		if ip, err := netip.ParseAddr(a[1:end]); err == nil {
			l.addr = ip.String()
			if ip.IsUnspecified() {
				l.addr = "[::]"
			}
		}
	default:
		host, port, hasPort := strings.Cut(a, ":")
		if n, err := strconv.Atoi(host); err == nil && !hasPort {
			l.port = n
			break
		}
		if hasPort {
			l.port, _ = strconv.Atoi(port)
		}
		switch l.addr = host; host {
		case "*", "0.0.0.0":
			l.addr = ""
		case "localhost":
			l.addr = "127.0.0.1"
		default:
			if _, err := netip.ParseAddr(host); err != nil {
				l.why = "the address of " + host + " is not known"
			}
		}
	}
	for _, w := range set.Args[min(1, len(set.Args)):] {
		switch w.Text {
		case "ssl":
			l.tls = true
		case "default_server", "default":
			l.isDefault = true
		case "quic", "udp":
			l.unix = true
		case "proxy_protocol":
			l.why = "listen with proxy_protocol is not modelled"
		}
	}
	return l
}

// listen groups the servers by what they listen on.
func (s *simulator) listen() {
	s.ports = map[int][]*address{}
	find := func(l *listen) *address {
		for _, a := range s.ports[l.port] {
			if a.addr == l.addr {
				return a
			}
		}
		a := &address{addr: l.addr}
		s.ports[l.port] = append(s.ports[l.port], a)
		return a
	}
	for _, sv := range s.servers {
		if sv.anywhere {
			if s.anywhere == nil {
				s.anywhere = &address{}
			}
			s.anywhere.add(sv, false)
			continue
		}
		joined := map[*address]bool{}
		for i := range sv.listens {
			l := &sv.listens[i]
			if l.unix {
				continue
			}
			a := find(l)
			a.tls = a.tls || l.tls
			if l.why != "" {
				a.why = l.why
			}
			if joined[a] {
				continue
			}
			joined[a] = true
			a.add(sv, l.isDefault)
		}
	}
}

func (a *address) add(sv *server, isDefault bool) {
	if a.fallback == nil || isDefault && !a.marked {
		a.fallback, a.marked = sv, isDefault
	}
	for _, n := range sv.names {
		a.names.addName(n, sv)
	}
	for _, re := range sv.regexNames {
		a.regexes = append(a.regexes, serverRegex{re, sv})
	}
	if sv.why != "" {
		a.why = sv.why
	}
}

// connect finds what the connection of a request arrives at.
func (r *request) connect() *address {
	if a := r.s.anywhere; a != nil {
		return a
	}
	ip := r.serverAddr()
	var all, own *address
	list := r.s.ports[r.port]
	for _, a := range list {
		switch a.addr {
		case ip:
			own = a
		case "":
			all = a
		}
	}
	switch {
	case own != nil:
		return own
	case all != nil:
		return all
	case len(list) == 1 && !r.s.world.ServerAddr.IsValid():
		// The world does not say at which address the request arrives: the only one there is.
		return list[0]
	}
	return nil
}

// chooseServer finds the server of a name among those of the address; the one chosen before stays when there is none.
// Source: ngx_http_find_virtual_server.
func (r *request) chooseServer(host string) {
	a := r.address
	if sv, ok := a.names.find(host); ok {
		r.useServer(sv)
		return
	}
	if host == "" {
		return
	}
	for i := range a.regexes {
		if !r.trace {
			if r.exec(a.regexes[i].re, host, nil) {
				r.useServer(a.regexes[i].to)
				return
			}
			continue
		}
		st := sim.Step{Kind: sim.StepRule, Origin: a.regexes[i].re.origin, Name: "server_name"}
		hit := r.exec(a.regexes[i].re, host, &st)
		r.note(st)
		if hit {
			r.useServer(a.regexes[i].to)
			return
		}
	}
}

func (r *request) useServer(sv *server) {
	r.server, r.conf = sv, sv.conf
}
