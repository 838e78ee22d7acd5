package nginx

import (
	"rewright/parser/ir"
	"rewright/parser/pattern"
)

// conf is what nginx calls a location configuration: of a server, a location, an if in a location or a limit_except.
type conf struct {
	*inherited
	scope  *ir.Scope
	server *server
	name   string // of the location; an if and a limit_except have that of the one they stand in

	isServer, exact, named, noRegex bool
	noName                          bool // an if or a limit_except
	autoRedirect                    bool // the name without its last slash is redirected to the name
	pattern                         *regex

	static      *locationTree // exact and prefix locations inside
	regexes     []*conf       // regular expression locations inside, in file order
	script      script
	tryFiles    []tryFile
	tryOrigin   ir.Origin
	handler     handlerKind // set here; the empty one is the handler of files
	ownPasses   []*pass     // while the scope is read
	limitExcept *conf
	allowed     map[string]bool // methods that limit_except does not concern
}

// inherited are the values a scope takes from the one around it when it has none of its own. A scope that sets
// nothing shares them.
type inherited struct {
	root     *template
	rootText string // the root as written when nothing but an absolute path, else ""
	alias    aliasKind
	aliasLen int // bytes of the URI an alias stands for

	internal, autoindex, recursiveErrorPages     bool
	absoluteRedirect, portInRedirect, serverName bool
	satisfyAny                                   bool
	msieRefresh                                  bool
	index                                        []*template
	errorPages                                   []errorPage
	headers                                      []addHeader
	expires                                      *expires
	access                                       []accessRule
	authBasic, authFile                          *template
	defaultType                                  string
	types                                        map[string]string
	typesUnknown                                 string
	maxBody                                      int64 // client_max_body_size in bytes; 0: no limit
	passes                                       map[handlerKind]*pass
	proxyRedirects                               []proxyRedirect
	proxyRedirectOff                             bool
	proxyHeaders                                 []proxyHeader
	proxyMethod                                  *template
	fastcgiParams                                []fastcgiParam
	splitPathInfo                                *pattern.Regexp
	fastcgiIndex                                 *template
	intercept                                    map[handlerKind]bool
	referers                                     *referers
	realIP                                       bool   // set_real_ip_from is in force
	realIPHeader                                 string // in lower case
	gzipStatic                                   string // "on", "always" or ""
	bodyFilter                                   string // a filter that could change a text: ssi, sub_filter …
	charset                                      string

	// What is in force and not modelled, by the phase in which it could change the answer.
	early, accessPhase, content, headerPhase []string
}

type aliasKind uint8

const (
	noAlias    aliasKind = iota // root
	aliased                     // alias in a prefix or exact location: aliasLen bytes of the URI are replaced
	aliasWhole                  // alias in a regular expression location: the complete path
)

// handlerKind is the directive that answers in a location.
type handlerKind string

// pass is a *_pass directive.
type pass struct {
	kind   handlerKind
	origin ir.Origin
	to     *template
	// Of a proxy_pass without variables:
	url      proxyURL
	location string // name of the location, replaced by the URI part
}

type proxyURL struct{ scheme, host, port, uri string }

type errorPage struct {
	status    int
	overwrite int // -1: keep, 0: status of the page
	target    *template
	origin    ir.Origin
}

type addHeader struct {
	name   string
	value  *template
	always bool
	origin ir.Origin
}

type accessRule struct {
	deny   bool
	who    netPrefix
	text   string
	origin ir.Origin
}

type proxyHeader struct {
	name  string
	value *template
}

type fastcgiParam struct {
	name       string
	value      *template
	ifNotEmpty bool
}

type proxyRedirect struct {
	from    *template
	pattern *regex
	to      *template
}

type tryFile struct {
	name *template
	dir  bool
	code int // of the last one; -1: none
}

type expires struct {
	origin   ir.Origin
	modified bool
	value    *template
}

func joinReasons(list []string, more string) []string {
	return append(list[:len(list):len(list)], more)
}
