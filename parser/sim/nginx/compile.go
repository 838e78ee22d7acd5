// Package nginx simulates how nginx answers a request.
//
// A program and a world go in; the outcome of a request, with the steps that led to it, comes out. The order of
// phases, the choice of server and location, the rewrite scripts and the building of Location follow the
// source of nginx 1.22.1; what a backend answers and what third-party modules do is left out, and makes the outcome
// unknown where it could matter.
package nginx

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/sim"
)

// conf is what nginx calls a location configuration: of a server, a location, an if in a location or a
// limit_except, with the values that it inherits already in place.
type conf struct {
	scope  *ir.Scope
	parent *conf
	server *server
	name   string // as nginx names it in "using configuration"
	noname bool   // an if or a limit_except

	exact, named, internal, noRegex bool
	pattern                         *pattern.Regexp // of a regex location
	patternText                     string

	// nested locations
	static    map[string]*staticNode
	lengths   []int // of the static names, ascending
	regexes   []*conf
	script    []op
	hasRewrit bool

	root          *ir.Template
	alias         bool
	aliasLen      int  // bytes of the URI an alias replaces
	aliasRegex    bool // alias is the complete path
	index         []*ir.Template
	autoindex     bool
	tryFiles      *ir.Setting
	errorPages    []errorPage
	headers       []header
	expires       *ir.Setting
	access        []accessRule
	satisfyAny    bool
	authBasic     *ir.Template
	handler       *handler
	limitExcept   *conf
	limitMethods  map[string]bool // that limit_except does not restrict
	absoluteRedir bool
	portInRedir   bool
	nameInRedir   bool
	recursive     bool
	intercept     bool
	proxyRedirect []*ir.Setting
	fastcgi       []*ir.Setting // fastcgi_param in force
	splitPathInfo *ir.Setting
	fcgiIndex     *ir.Template
	proxyMethod   *ir.Template
	defaultType   string
	referers      []ir.Word
	types         map[string]string
	opaque        []*ir.Opaque // that could change an answer
	unknown       []string     // settings in force that are not modelled and could change an answer
}

type staticNode struct{ exact, inclusive *conf }

type handler struct {
	set  *ir.Setting
	kind string // "proxy_pass", …
}

type errorPage struct {
	status    int
	overwrite int // -1: keep, 0: status of the page
	target    *ir.Template
	origin    ir.Origin
}

type header struct {
	name   string
	value  *ir.Template
	always bool
	origin ir.Origin
}

type accessRule struct {
	deny   bool
	set    *ir.Setting
	prefix netPrefix
}

type opKind uint8

const (
	opRule opKind = iota
	opSet
	opIf
	opOpaque
)

// op is one directive of a rewrite script.
type op struct {
	kind   opKind
	rule   *ir.Rule
	assign *ir.Assign
	cond   *ir.Scope
	body   []op
	conf   *conf // of an if in a location; nil at server level
	opaque *ir.Opaque
	// of a rewrite
	questionPart, questionByte int  // where the first literal ? of the target stands; part -1: none
	hasQuestion                bool // the target has a literal ?
}

type server struct {
	conf        *conf
	scope       *ir.Scope
	listens     []listen
	names       []string
	first       string
	regexNames  []regexName
	mergeSlash  bool
	underscores bool
	ignoreBad   bool
	anywhere    bool // a wrapped text without listen: it answers on every port
	hasNames    bool
}

type regexName struct {
	re   *pattern.Regexp
	text string
}

type listen struct {
	addr    string // "" for every address
	port    int
	tls     bool
	def     bool
	unix    bool
	unknown bool
}

// simulator answers for one program.
type simulator struct {
	program *ir.Program
	world   *sim.World
	servers []*server
	maps    map[string]*mapVar
	vars    map[string]bool // names that set or a named group creates
	groups  map[string]bool
	problem string // why nothing can be said at all
	backend func(Passed) *Response
}

// New makes a simulator. The error wraps sim.ErrRefused when nginx would not start.
func New(p *ir.Program, w *sim.World) (sim.Simulator, error) {
	for i := range p.Diagnostics {
		if d := &p.Diagnostics[i]; d.Refuses {
			place := ""
			if d.File != nil {
				place = d.File.Name + ":" + d.File.Position(d.Span.Start).String() + ": "
			}
			msg := d.ServerMessage
			if msg == "" {
				msg = d.Message
			}
			return nil, fmt.Errorf("%s%s: %w", place, msg, sim.ErrRefused)
		}
	}
	s := &simulator{program: p, world: w, maps: map[string]*mapVar{}, vars: map[string]bool{}, groups: map[string]bool{}}
	base := &conf{absoluteRedir: true, portInRedir: true, defaultType: "text/plain", name: ""}
	s.main(p.Root, base)
	if len(s.servers) == 0 {
		s.problem = "no server is configured"
	}
	return s, nil
}

func (s *simulator) main(root *ir.Scope, base *conf) {
	for _, it := range root.Items {
		switch it := it.(type) {
		case *ir.Scope:
			if it.Kind == ir.ScopeHTTP {
				s.http(it, base)
			}
			if it.Kind == ir.ScopeHost {
				s.http(root, base)
				return
			}
		}
	}
}

func (s *simulator) http(scope *ir.Scope, base *conf) {
	h := s.build(scope, base, nil)
	for _, it := range scope.Items {
		if m, ok := it.(*ir.MapBlock); ok {
			s.maps[m.Variable] = compileMap(m)
			for i := range m.Entries {
				s.namedGroups(m.Entries[i].Pattern)
			}
		}
	}
	for _, it := range scope.Items {
		if sc, ok := it.(*ir.Scope); ok && sc.Kind == ir.ScopeHost {
			s.server(sc, h)
		}
	}
}

func (s *simulator) namedGroups(p *ir.Pattern) {
	if p == nil || p.Re == nil {
		return
	}
	for _, n := range p.Re.Names() {
		if n != "" {
			s.groups[strings.ToLower(n)] = true
		}
	}
}

func on(set *ir.Setting) bool { return strings.EqualFold(set.Arg(0), "on") }

func (s *simulator) server(scope *ir.Scope, http *conf) {
	sv := &server{scope: scope, mergeSlash: true, ignoreBad: true}
	httpScope := http.scope
	apply := func(items []ir.Item) {
		for _, it := range items {
			set, ok := it.(*ir.Setting)
			if !ok {
				continue
			}
			switch set.Name {
			case "merge_slashes":
				sv.mergeSlash = on(set)
			case "underscores_in_headers":
				sv.underscores = on(set)
			case "ignore_invalid_headers":
				sv.ignoreBad = on(set)
			}
		}
	}
	if httpScope != nil {
		apply(httpScope.Items)
	}
	apply(scope.Items)
	for _, it := range scope.Items {
		set, ok := it.(*ir.Setting)
		if !ok {
			continue
		}
		switch set.Name {
		case "listen":
			sv.listens = append(sv.listens, parseListen(set))
		case "server_name":
			for i, a := range set.Args {
				name := a.Text
				if !sv.hasNames {
					sv.hasNames = true
					sv.first = strings.TrimPrefix(strings.ToLower(name), ".")
				}
				if strings.HasPrefix(name, "~") {
					if i == 0 && sv.first == strings.ToLower(name) {
						sv.first = name
					}
					o := pattern.Nginx
					// nginx compiles a name without upper-case letters with no regard to case
					o.IgnoreCase = strings.IndexFunc(name[1:], func(r rune) bool { return r >= 'A' && r <= 'Z' }) >= 0
					re, err := pattern.Compile(name[1:], o)
					if err == nil {
						sv.regexNames = append(sv.regexNames, regexName{re, name[1:]})
						s.namedGroups(&ir.Pattern{Re: re})
					}
					continue
				}
				if name == "$hostname" {
					s.problem = "$hostname as a server name depends on the machine"
				}
				sv.names = append(sv.names, strings.ToLower(name))
			}
		}
	}
	if len(sv.listens) == 0 {
		if scope.File == nil {
			sv.anywhere = true
		} else {
			sv.listens = []listen{{port: 80}}
		}
	}
	if !sv.hasNames {
		sv.names = []string{""}
		if scope.File == nil && s.world.ServerName != "" {
			sv.names, sv.first = []string{strings.ToLower(s.world.ServerName)}, strings.ToLower(s.world.ServerName)
		}
	}
	c := s.build(scope, http, sv)
	c.server, sv.conf = sv, c
	s.locations(c, scope)
	s.servers = append(s.servers, sv)
}

// build makes the configuration of a scope out of what stands in it and what it inherits.
func (s *simulator) build(scope *ir.Scope, parent *conf, sv *server) *conf {
	c := &conf{}
	if parent != nil {
		*c = *parent
	}
	c.scope, c.parent, c.server = scope, parent, sv
	c.static, c.lengths, c.regexes, c.script = nil, nil, nil, nil
	c.exact, c.named, c.noRegex, c.noname, c.pattern = false, false, false, false, nil
	c.limitExcept, c.limitMethods = nil, nil
	inIf := scope.Kind == ir.ScopeIf || scope.Kind == ir.ScopeLimitExcept
	c.noname = inIf
	if !inIf {
		c.handler, c.tryFiles, c.opaque = nil, nil, nil
	} else {
		c.tryFiles = nil
	}
	if scope.Kind == ir.ScopeLimitExcept {
		c.handler = parent.handler
	}
	if scope.Kind == ir.ScopeLocation {
		// root, alias and internal are inherited (ngx_http_core_merge_loc_conf): under an inherited alias a nested
		// location cuts off the length of the outer name.
		c.name = locationName(scope)
	}
	var headers, fastcgi, pages, accesses, indexes, redirects bool
	for _, it := range scope.Items {
		switch it := it.(type) {
		case *ir.Opaque:
			if !it.Harmless {
				c.opaque = append(c.opaque, it)
			}
		case *ir.Scope:
			if it.Name == "types" {
				if c.types == nil || parent != nil && sameMap(c.types, parent.types) {
					c.types = map[string]string{}
				}
				for _, t := range it.Items {
					if set, ok := t.(*ir.Setting); ok {
						for _, a := range set.Args {
							c.types[strings.ToLower(a.Text)] = set.Name
						}
					}
				}
			}
		case *ir.Setting:
			switch it.Name {
			case "root", "alias":
				c.root = it.Templates[0]
				c.alias = it.Name == "alias"
				c.aliasLen, c.aliasRegex = 0, false
				if c.alias {
					loc := c
					for loc.noname && loc.parent != nil {
						loc = loc.parent
					}
					if loc.scope.Pattern != nil {
						c.aliasRegex = true
					} else {
						c.aliasLen = len(loc.scope.Path)
					}
				}
			case "index":
				if !indexes {
					c.index, indexes = nil, true
				}
				c.index = append(c.index, it.Templates...)
			case "autoindex":
				c.autoindex = on(it)
			case "try_files":
				c.tryFiles = it
			case "error_page":
				if !pages {
					c.errorPages, pages = nil, true
				}
				c.errorPages = append(c.errorPages, parseErrorPage(it)...)
			case "add_header":
				if !headers {
					c.headers, headers = nil, true
				}
				c.headers = append(c.headers, header{it.Arg(0), it.Templates[1], it.Arg(2) == "always", it.Origin})
			case "expires":
				c.expires = it
			case "internal":
				c.internal = true
			case "allow", "deny":
				if !accesses {
					c.access, accesses = nil, true
				}
				c.access = append(c.access, accessRule{it.Name == "deny", it, parsePrefix(it.Arg(0))})
			case "satisfy":
				c.satisfyAny = it.Arg(0) == "any"
			case "auth_basic":
				c.authBasic = it.Templates[0]
			case "proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass",
				"empty_gif", "stub_status", "mp4", "flv", "perl":
				c.handler = &handler{it, it.Name}
			case "random_index", "image_filter":
				if on(it) || it.Name == "image_filter" {
					c.unknown = append(slices.Clip(c.unknown), it.Name+" is not modelled")
				}
			case "dav_methods":
				if it.Arg(0) != "off" {
					c.unknown = append(slices.Clip(c.unknown), "dav_methods is not modelled")
				}
			case "auth_request":
				if it.Arg(0) != "off" {
					c.unknown = append(slices.Clip(c.unknown), "auth_request is not modelled")
				}
			case "absolute_redirect":
				c.absoluteRedir = on(it)
			case "port_in_redirect":
				c.portInRedir = on(it)
			case "server_name_in_redirect":
				c.nameInRedir = on(it)
			case "recursive_error_pages":
				c.recursive = on(it)
			case "proxy_intercept_errors", "fastcgi_intercept_errors":
				c.intercept = on(it)
			case "proxy_redirect":
				if !redirects {
					c.proxyRedirect, redirects = nil, true
				}
				c.proxyRedirect = append(c.proxyRedirect, it)
			case "fastcgi_param":
				if !fastcgi {
					c.fastcgi, fastcgi = nil, true
				}
				c.fastcgi = append(c.fastcgi, it)
			case "fastcgi_split_path_info":
				c.splitPathInfo = it
			case "fastcgi_index":
				c.fcgiIndex = it.Templates[0]
			case "proxy_method":
				c.proxyMethod = it.Templates[0]
			case "valid_referers":
				c.referers = append(slices.Clip(c.referers), it.Args...)
			case "default_type":
				c.defaultType = it.Arg(0)
			}
		}
	}
	if scope.Kind != ir.ScopeHTTP && scope.Kind != ir.ScopeMain {
		c.script = s.script(scope.Items, c, scope.Kind != ir.ScopeHost)
	}
	if scope.Kind == ir.ScopeLocation {
		for _, it := range scope.Items {
			if sc, ok := it.(*ir.Scope); ok && sc.Kind == ir.ScopeLimitExcept {
				c.limitExcept = s.build(sc, c, sv)
				c.limitMethods = map[string]bool{}
				for _, a := range sc.Args {
					m := strings.ToUpper(a.Text)
					c.limitMethods[m] = true
					if m == "GET" {
						c.limitMethods["HEAD"] = true
					}
				}
			}
		}
	}
	return c
}

func sameMap(a, b map[string]string) bool { return len(a) == len(b) }

// script compiles the rewrite directives of a scope. inLocation tells whether ifs carry a configuration.
func (s *simulator) script(items []ir.Item, c *conf, inLocation bool) []op {
	var out []op
	for _, it := range items {
		switch it := it.(type) {
		case *ir.Rule:
			o := op{kind: opRule, rule: it, questionPart: -1}
			s.namedGroups(it.Pattern)
			if it.Keyword == ir.NginxRewrite && it.Target != nil {
				for i := range it.Target.Parts {
					if p := &it.Target.Parts[i]; p.Kind == ir.Literal {
						if q := strings.IndexByte(p.Text, '?'); q >= 0 {
							o.hasQuestion, o.questionPart, o.questionByte = true, i, q
							break
						}
					}
				}
			}
			out = append(out, o)
		case *ir.Assign:
			if it.Variable != "args" && it.Variable != "limit_rate" {
				s.vars[it.Variable] = true
			}
			out = append(out, op{kind: opSet, assign: it})
		case *ir.Opaque:
			if strings.HasPrefix(it.Name, "set_") || strings.HasPrefix(it.Name, "rewrite_by") {
				out = append(out, op{kind: opOpaque, opaque: it})
			}
		case *ir.Scope:
			if it.Kind != ir.ScopeIf {
				continue
			}
			if it.If != nil {
				s.namedGroups(it.If.Pattern)
			}
			o := op{kind: opIf, cond: it}
			if inLocation {
				o.conf = s.build(it, c, c.server)
				o.conf.name = c.name
				o.body = o.conf.script
			} else {
				o.body = s.script(it.Items, c, false)
			}
			out = append(out, o)
		}
	}
	return out
}

func locationName(s *ir.Scope) string {
	switch s.Modifier {
	case ir.ExactLocation:
		return "=" + s.Path
	}
	return s.Path
}

// locations compiles the locations that stand directly in scope.
func (s *simulator) locations(c *conf, scope *ir.Scope) {
	for _, it := range scope.Items {
		sc, ok := it.(*ir.Scope)
		if !ok || sc.Kind != ir.ScopeLocation {
			continue
		}
		l := s.build(sc, c, c.server)
		switch sc.Modifier {
		case ir.RegexLocation, ir.RegexLocationCI:
			s.namedGroups(sc.Pattern)
			if sc.Pattern == nil || sc.Pattern.Re == nil {
				continue
			}
			l.pattern, l.patternText = sc.Pattern.Re, sc.Pattern.Text
			c.regexes = append(c.regexes, l)
		case ir.NamedLocation:
			l.named = true
			c.addStatic(sc.Path, l, true)
		case ir.ExactLocation:
			l.exact = true
			c.addStatic(sc.Path, l, true)
		default:
			l.noRegex = sc.Modifier == ir.NoRegexLocation
			c.addStatic(sc.Path, l, false)
		}
		s.locations(l, sc)
	}
	sort.Ints(c.lengths)
	c.lengths = slices.Compact(c.lengths)
}

func (c *conf) addStatic(name string, l *conf, exact bool) {
	if c.static == nil {
		c.static = map[string]*staticNode{}
	}
	n := c.static[name]
	if n == nil {
		n = &staticNode{}
		c.static[name] = n
		if !l.named {
			c.lengths = append(c.lengths, len(name))
		}
	}
	if exact {
		if n.exact == nil {
			n.exact = l
		}
	} else {
		n.inclusive = l
	}
}

func parseErrorPage(set *ir.Setting) []errorPage {
	n := len(set.Args)
	if n < 2 {
		return nil
	}
	target := set.Templates[n-1]
	last, overwrite := n-1, -1
	if n > 2 && strings.HasPrefix(set.Args[n-2].Text, "=") {
		last = n - 2
		overwrite = 0
		if v, err := strconv.Atoi(set.Args[n-2].Text[1:]); err == nil {
			overwrite = v
		}
	}
	var out []errorPage
	for _, a := range set.Args[:last] {
		code, err := strconv.Atoi(a.Text)
		if err != nil {
			continue
		}
		ow := overwrite
		if ow < 0 {
			switch code {
			case 494, 495, 496, 497:
				ow = 400
			}
		}
		out = append(out, errorPage{code, ow, target, set.Origin})
	}
	return out
}

func parseListen(set *ir.Setting) listen {
	l := listen{port: 80}
	a := set.Arg(0)
	switch {
	case strings.HasPrefix(a, "unix:"):
		l.unix = true
	case strings.HasPrefix(a, "["):
		l.addr = a[:strings.IndexByte(a, ']')+1]
		if i := strings.LastIndex(a, "]:"); i >= 0 {
			l.port, _ = strconv.Atoi(a[i+2:])
		}
	case strings.Contains(a, ":"):
		host, port, _ := strings.Cut(a, ":")
		l.port, _ = strconv.Atoi(port)
		l.addr = host
		if host == "*" || host == "0.0.0.0" {
			l.addr = ""
		}
	default:
		if n, err := strconv.Atoi(a); err == nil {
			l.port = n
		} else {
			l.addr = a
			if a == "*" {
				l.addr = ""
			}
		}
	}
	if l.addr == "localhost" {
		l.addr = "127.0.0.1"
	}
	for _, w := range set.Args[1:] {
		switch w.Text {
		case "ssl":
			l.tls = true
		case "default_server", "default":
			l.def = true
		case "quic":
			l.unix = true
		}
	}
	return l
}
