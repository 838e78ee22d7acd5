// Package httpd simulates how Apache httpd 2.4 answers a request.
//
// A program and a world go in; the outcome of a request, with the steps that led to it, comes out. The order of
// translation, directory walk, access control, fixups and handlers, and the rounds of mod_rewrite in directories,
// follow httpd 2.4.71; what backends and modules outside the distribution do is left out, and makes the outcome
// unknown where it could matter.
package httpd

import (
	"fmt"
	"path"
	"sort"
	"strings"
	"sync"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// layer is what one section or .htaccess says; nil and zero mean that it says nothing.
type layer struct {
	scope *ir.Scope

	rewrite    bool // any directive of mod_rewrite
	engine     *bool
	optionsSet bool
	options    rewriteOptions
	base       *string
	rules      []*ir.Rule
	dir        string // directory of the rules with its final slash; "" when not known

	rulesIndex, redirectsIndex *lazyIndex // over rules and redirects

	redirects     []*ir.Rule
	unconditional *ir.Rule
	relative      *bool // RedirectRelative
	aliases       []*ir.Rule
	preserve      bool // AliasPreservePath

	requires    *requireNode
	authMerging string // "off", "and", "or"; empty: not set
	access      *accessConf
	authType    string

	index         []string
	indexSet      bool
	slash         *bool
	fallback      *string
	indexRedirect int // status; 0: not set, -1: off
	checkHandler  *bool
	errorDocs     map[int]*ir.Setting
	optAll        bool // Options without + and -
	optOn, optOff opts
	optSet        bool
	override      *overrides
	headers       []*ir.Setting
	reqHeaders    []*ir.Setting
	setEnvIf      []*ir.Setting
	setEnv        []*ir.Setting
	handler       *string
	addHandler    map[string]string
	actions       map[string]action // by handler or media type in lower case
	scripts       bool              // Script
	forceType     *string
	charset       bool
	addType       map[string]string
	acceptPath    string
	proxyPass     []*ir.Setting
	expiresOn     *bool
	expires       []*ir.Setting
	opaque        []*ir.Opaque
	ifs           []*ir.Scope // <If> and its kin in this scope
	files         []*ir.Scope // <Files> in this scope
}

// action is the script that Action names for a handler or media type.
type action struct {
	script  string
	virtual bool // also for files that do not exist
}

// accessConf is what a section says with the directives of mod_access_compat; the last section that says anything
// counts alone.
type accessConf struct {
	orders, satisfy, allow, deny []limited
}

type rewriteOptions struct {
	inherit, inheritBefore, inheritDown, inheritDownBefore, ignoreInherit bool
	noSlash, anyURI, mergeBase, ignoreContext, legacyPrefix, unsafePrefix bool
}

// opts are bits of Options.
type opts uint16

const (
	optIndexes opts = 1 << iota
	optIncludes
	optFollow
	optOwner
	optExecCGI
	optMultiViews
	optDefault = optFollow
)

type overrides struct {
	none     bool
	classes  map[string]bool // fileinfo indexes limit options authconfig; "all"
	nonfatal bool
	list     map[string]bool
	listSet  bool
}

// dirConf is the merged configuration of a request.
type dirConf struct {
	engine        bool
	options       rewriteOptions
	optionsSet    bool
	serverOptions *rewriteOptions // RewriteOptions of the server; nil: it says none
	base          *string
	rules         []*ir.Rule
	dir           string
	dirKnown      bool
	redirects     []*ir.Rule
	// over rules and redirects; nil when they are put together from several layers
	rulesIndex, redirectsIndex *lazyIndex
	unconditional              *ir.Rule
	relative                   bool
	layers                     []*layer
	requires                   []*requireNode
	access                     *accessConf
	authType                   string
	index                      []string
	slash                      bool
	checkHandler               bool
	indexRedirect              int
	fallback                   string
	errorDocs                  map[int]*ir.Setting
	opts                       opts
	override                   *overrides
	handler                    string
	forceType                  string
	charset                    bool // AddDefaultCharset, AddCharset or the like
	acceptPath                 string
	unknown                    []string
}

type host struct {
	scope                      *ir.Scope
	name                       string
	aliases                    []string
	port                       int
	ports                      []int
	addrs                      []string
	hasRewrite                 bool
	engine                     bool
	options                    rewriteOptions
	rules                      []*ir.Rule
	redirects                  []*ir.Rule
	rulesIndex, redirectsIndex lazyIndex // over rules and redirects
	aliasRules                 []*ir.Rule
	proxyPass                  []*ir.Setting
	docroot                    string
	headers                    []*ir.Setting
	setEnvIf                   []*ir.Setting
	sections                   []*section // Directory and Files of server configuration, main server's first
	locations                  []*section
	base                       *layer     // what stands directly in the server, as default of all directories
	directories                []*section // <Directory> from short to long paths, then <DirectoryMatch>
	defaults                   *dirConf
	mergeSlash                 bool
	encoded                    string // AllowEncodedSlashes
	canonical                  string
	limit                      int // LimitInternalRecursion
	subLimit                   int // its second argument
	lineLimit                  int // LimitRequestLine, in bytes
	access                     string
	trace                      string
	main                       *host
	tls                        bool
}

type section struct {
	scope *ir.Scope
	layer *layer
}

type simulator struct {
	program  *ir.Program
	world    *sim.World
	hosts    []*host
	main     *host
	htaccess map[string]*layer
	refused  map[string]*ir.Scope
	problem  string
	maps     map[string]*textMap
	mapOnce  sync.Map
	cache    sync.Map // merged directory chains
}

// New makes a simulator. The error wraps sim.ErrRefused when httpd would not start.
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
	s := &simulator{program: p, world: w, htaccess: map[string]*layer{}, refused: map[string]*ir.Scope{}}
	s.main = s.server(p.Root, nil)
	for _, it := range p.Root.Items {
		if sc, ok := it.(*ir.Scope); ok && sc.Kind == ir.ScopeHost {
			s.hosts = append(s.hosts, s.server(sc, s.main))
		}
	}
	if len(s.hosts) == 0 {
		s.hosts = []*host{s.main}
	}
	for _, h := range p.Htaccess {
		dir := path.Clean(h.Dir)
		if h.Refusal != nil {
			s.refused[dir] = h
		}
		s.htaccess[dir] = s.layer(h, dir+"/")
	}
	return s, nil
}

// accessSetting reads a directive that says who may come in; ok is false for any other.
func (l *layer) accessSetting(it *ir.Setting, limit *ir.Scope) (ok bool) {
	name := strings.ToLower(it.Name)
	switch name {
	case "require":
		l.require(requireSetting(it, limit))
		return true
	case "order", "satisfy", "allow", "deny":
	default:
		return false
	}
	if l.access == nil {
		l.access = &accessConf{}
	}
	a, e := l.access, limited{it, limit}
	switch name {
	case "order":
		a.orders = append(a.orders, e)
	case "satisfy":
		a.satisfy = append(a.satisfy, e)
	case "allow":
		a.allow = append(a.allow, e)
	default:
		a.deny = append(a.deny, e)
	}
	return true
}

func yes(set *ir.Setting) *bool {
	b := strings.EqualFold(set.Arg(0), "on")
	return &b
}

// layer reads what stands in a scope. dir is the directory of its rules, "" when there is none.
func (s *simulator) layer(scope *ir.Scope, dir string) *layer {
	l := &layer{scope: scope, dir: dir, rulesIndex: &lazyIndex{shared: s.world.Indexes}, redirectsIndex: &lazyIndex{shared: s.world.Indexes}}
	for _, it := range scope.Items {
		switch it := it.(type) {
		case *ir.Rule:
			switch it.Keyword {
			case ir.RewriteRule:
				l.rewrite = true
				l.rules = append(l.rules, it)
			case ir.Alias, ir.AliasMatch, ir.ScriptAlias, ir.ScriptAliasMatch:
				l.aliases = append(l.aliases, it)
			default:
				if it.Match == ir.MatchAll {
					l.unconditional = it
				} else {
					l.redirects = append(l.redirects, it)
				}
			}
		case *ir.Opaque:
			if !it.Harmless {
				l.opaque = append(l.opaque, it)
			}
			if name := strings.ToLower(it.Name); name == "adddefaultcharset" || name == "addcharset" {
				l.charset = true
			}
		case *ir.Scope:
			switch it.Kind {
			case ir.ScopeIf, ir.ScopeElseIf, ir.ScopeElse:
				l.ifs = append(l.ifs, it)
			case ir.ScopeFiles, ir.ScopeFilesMatch:
				l.files = append(l.files, it)
			case ir.ScopeLimit, ir.ScopeLimitExcept:
				for _, in := range it.Items {
					switch in := in.(type) {
					case *ir.Setting:
						if !l.accessSetting(in, it) {
							s.setting(l, in)
						}
					case *ir.Scope:
						if in.Kind == ir.ScopeRequire {
							l.require(requireScope(in, it))
						}
					case *ir.Opaque:
						if !in.Harmless {
							l.opaque = append(l.opaque, in)
						}
					}
				}
			case ir.ScopeRequire:
				l.require(requireScope(it, nil))
			}
		case *ir.Setting:
			s.setting(l, it)
		}
	}
	return l
}

func (l *layer) require(n *requireNode) {
	if l.requires == nil {
		l.requires = &requireNode{kind: "any"}
	}
	l.requires.list = append(l.requires.list, n)
}

// server reads what stands in the main server or in a <VirtualHost>.
func (s *simulator) server(scope *ir.Scope, main *host) *host {
	h := &host{scope: scope, main: main, mergeSlash: true, encoded: "off", canonical: "off", limit: 10, subLimit: 10, lineLimit: defaultLineLimit, access: ".htaccess", trace: "on",
		docroot: s.world.DocumentRoot, port: 0}
	if main != nil {
		h.mergeSlash, h.encoded, h.canonical, h.limit, h.access, h.trace = main.mergeSlash, main.encoded, main.canonical, main.limit, main.access, main.trace
		h.lineLimit, h.subLimit = main.lineLimit, main.subLimit
		h.docroot, h.name = main.docroot, main.name
		h.sections = append(h.sections, main.sections...)
		h.locations = append(h.locations, main.locations...)
		h.headers = append(h.headers, main.base.headers...)
	}
	base := s.layer(scope, "")
	h.base = base
	if scope.File == nil && s.world.ServerName != "" {
		h.name = strings.ToLower(s.world.ServerName)
	}
	for _, a := range scope.Args {
		addr, port := splitPort(a.Text)
		h.addrs = append(h.addrs, addr)
		h.ports = append(h.ports, port)
	}
	for _, it := range scope.Items {
		set, ok := it.(*ir.Setting)
		if !ok {
			continue
		}
		switch strings.ToLower(set.Name) {
		case "servername":
			name := set.Arg(0)
			if i := strings.Index(name, "://"); i >= 0 {
				if strings.EqualFold(name[:i], "https") {
					h.port = 443
				}
				name = name[i+3:]
			}
			n, port := splitPort(name)
			h.name = strings.ToLower(n)
			if port != 0 {
				h.port = port
			}
		case "serveralias":
			for _, a := range set.Args {
				h.aliases = append(h.aliases, strings.ToLower(a.Text))
			}
		case "documentroot":
			h.docroot = strings.TrimSuffix(path.Clean(set.Arg(0)), "/")
		case "mergeslashes":
			h.mergeSlash = strings.EqualFold(set.Arg(0), "on")
		case "allowencodedslashes":
			h.encoded = strings.ToLower(set.Arg(0))
		case "usecanonicalname":
			h.canonical = strings.ToLower(set.Arg(0))
		case "limitinternalrecursion":
			// the second number is the depth of subrequests; alone, the first counts for both
			h.limit = atoi(set.Arg(0))
			h.subLimit = h.limit
			if len(set.Args) > 1 {
				h.subLimit = atoi(set.Arg(1))
			}
			if h.limit == 0 {
				h.limit = 10
			}
			if h.subLimit == 0 {
				h.subLimit = 10
			}
		case "limitrequestline":
			h.lineLimit = atoi(set.Arg(0))
		case "accessfilename":
			h.access = set.Arg(0)
		case "traceenable":
			h.trace = strings.ToLower(set.Arg(0))
		case "sslengine":
			h.tls = strings.EqualFold(set.Arg(0), "on")
		}
	}
	if main != nil {
		h.headers = append(h.headers, base.headers...)
	} else {
		h.headers = base.headers
	}
	s.serverRewrite(h, base, main)
	h.redirects = append(h.redirects, base.redirects...)
	h.aliasRules = append(h.aliasRules, base.aliases...)
	h.proxyPass = append(h.proxyPass, base.proxyPass...)
	h.setEnvIf = append(h.setEnvIf, base.setEnvIf...)
	if main != nil {
		h.redirects = append(h.redirects, main.redirects...)
		h.aliasRules = append(h.aliasRules, main.aliasRules...)
		h.proxyPass = append(h.proxyPass, main.proxyPass...)
		h.setEnvIf = append(append([]*ir.Setting{}, main.setEnvIf...), base.setEnvIf...)
	}
	for _, it := range scope.Items {
		sc, ok := it.(*ir.Scope)
		if !ok {
			continue
		}
		switch sc.Kind {
		case ir.ScopeDirectory:
			dir := strings.TrimSuffix(path.Clean(sc.Path), "/") + "/"
			if isWild(dir) {
				dir = sc.Path
			}
			h.sections = append(h.sections, &section{sc, s.layer(sc, dir)})
		case ir.ScopeDirectoryMatch:
			h.sections = append(h.sections, &section{sc, s.sectionLayer(sc)})
		case ir.ScopeFiles, ir.ScopeFilesMatch, ir.ScopeIf, ir.ScopeElseIf, ir.ScopeElse:
			h.sections = append(h.sections, &section{sc, s.sectionLayer(sc)})
		case ir.ScopeLocation, ir.ScopeLocationMatch:
			h.locations = append(h.locations, &section{sc, s.sectionLayer(sc)})
		}
	}
	h.directories = sectionsByLength(h.directorySections())
	h.defaults = h.serverDefaults()
	return h
}

func splitPort(s string) (string, int) {
	if i := strings.LastIndexByte(s, ':'); i >= 0 && !strings.HasSuffix(s, "]") {
		return s[:i], atoi(s[i+1:])
	}
	return s, 0
}

// serverRewrite merges the rules of a host with those of the main server.
// Source: mod_rewrite.c, config_server_merge.
func (s *simulator) serverRewrite(h *host, l *layer, main *host) {
	h.rules, h.options = l.rules, l.options
	if l.engine != nil {
		h.engine = *l.engine
	} else if main != nil {
		h.engine = main.engine
	}
	if main == nil {
		return
	}
	if !l.optionsSet {
		h.options = main.options
	}
	o := h.options
	switch {
	case o.inherit || main.options.inheritDown && !o.ignoreInherit:
		h.rules = append(append([]*ir.Rule{}, l.rules...), main.rules...)
	case o.inheritBefore || main.options.inheritDownBefore && !o.ignoreInherit:
		h.rules = append(append([]*ir.Rule{}, main.rules...), l.rules...)
	}
}

func atoi(s string) int {
	s = strings.TrimLeft(s, " \t\n\v\f\r")
	neg := false
	if s != "" && (s[0] == '-' || s[0] == '+') {
		neg = s[0] == '-'
		s = s[1:]
	}
	n := 0
	for i := 0; i < len(s) && s[i] >= '0' && s[i] <= '9' && n < 1<<40; i++ {
		n = n*10 + int(s[i]-'0')
	}
	if neg {
		n = -n
	}
	// C's int
	return int(int32(n))
}

// sectionsByLength orders <Directory> sections from short to long paths, keeping file order among equals.
func sectionsByLength(list []*section) []*section {
	out := append([]*section{}, list...)
	sort.SliceStable(out, func(i, j int) bool {
		return strings.Count(path.Clean(out[i].scope.Path), "/") < strings.Count(path.Clean(out[j].scope.Path), "/")
	})
	return out
}
