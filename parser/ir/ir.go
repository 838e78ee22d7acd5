// Package ir says what a configuration means, in one vocabulary for Apache httpd and nginx.
//
// The lowering steps of parser/apache and parser/nginx make it; simulators, rules and emitters read it.
// Server defaults are explicit here (status 302 when R has none, what a pattern is matched against,
// what a flow flag ends). Every node keeps the place it came from. What cannot be said is an Opaque
// node with its text. The package states facts only: the order in which servers use them is parser/sim's.
package ir

import (
	"rewright/parser/diag"
	"rewright/parser/source"
)

// Server is the program that reads the configuration.
type Server uint8

const (
	Apache Server = iota + 1
	Nginx
)

func (s Server) String() string { return [...]string{"", "apache", "nginx"}[s] }

// Context is what the outermost text of a configuration is the inside of.
type Context string

const (
	ContextHtaccess Context = "htaccess" // Apache: a .htaccess file, or a document root of them
	ContextVhost    Context = "vhost"    // Apache: the inside of a <VirtualHost>
	ContextMain     Context = "main"     // nginx: a whole nginx.conf
	ContextHTTP     Context = "http"     // nginx: the inside of http {}
	ContextServer   Context = "server"   // Apache: a whole httpd.conf; nginx: the inside of server {}
	ContextLocation Context = "location" // nginx: the inside of location {}
)

// Origin is where a node was written. With ${NAME} or a macro in the line the span covers
// the text that was expanded.
type Origin struct {
	File *source.File
	Span source.Span
}

// Line is the line of the first byte, from 1; 0 when the node has no place of its own.
func (o Origin) Line() int {
	if o.File == nil {
		return 0
	}
	return o.File.Line(o.Span.Start)
}

// Place is "file:line:column", empty when the node has no place of its own.
func (o Origin) Place() string {
	if o.File == nil {
		return ""
	}
	return o.File.Name + ":" + o.File.Position(o.Span.Start).String()
}

// From lets every node hand out its Origin.
func (o Origin) From() Origin { return o }

// Program is a whole configuration.
type Program struct {
	Server  Server
	Context Context
	Files   []*source.File // every file that was read, the first named one first

	// Root is the outermost scope: httpd's main server (its hosts are Host scopes among the items),
	// nginx's main context. For ContextVhost, ContextServer (nginx), ContextLocation and ContextHTTP
	// the lowering wraps the text into the scopes that the server would have around it, with no Origin.
	Root *Scope

	// Htaccess are the .htaccess files, outermost directory first. Dir is absolute in the world of the
	// simulation, without a trailing slash. Apache only.
	Htaccess []*Scope

	// Maps are RewriteMaps by name (Apache); nginx maps are MapBlock items of the http scope.
	Maps map[string]*RewriteMap

	// Diagnostics are what reading found, in file order. One with Refuses set means that the server does
	// not start; for a .htaccess see Scope.Refusal.
	Diagnostics []diag.Diagnostic
}

// ScopeKind says what sort of section or block a Scope is.
type ScopeKind uint8

const (
	ScopeMain           ScopeKind = iota + 1 // httpd main server; nginx main
	ScopeHTTP                                // nginx http {}
	ScopeHost                                // <VirtualHost>; nginx server {}
	ScopeDirectory                           // <Directory path>, wildcards allowed
	ScopeDirectoryMatch                      // <DirectoryMatch re>, <Directory ~ re>
	ScopeFiles                               // <Files name>
	ScopeFilesMatch                          // <FilesMatch re>, <Files ~ re>
	ScopeLocation                            // httpd <Location>; nginx location {}
	ScopeLocationMatch                       // httpd <LocationMatch>
	ScopeIf                                  // httpd <If>; nginx if {}
	ScopeElseIf                              // httpd <ElseIf>
	ScopeElse                                // httpd <Else>
	ScopeHtaccess                            // a .htaccess file
	ScopeLimit                               // httpd <Limit>
	ScopeLimitExcept                         // httpd <LimitExcept>; nginx limit_except {}
	ScopeRequire                             // httpd <RequireAll> and its kin; Name tells which
	ScopeProxy                               // httpd <Proxy>, <ProxyMatch>
	ScopeUpstream                            // nginx upstream {}
	ScopeOther                               // any other; Name tells which
)

// LocationModifier is how an nginx location compares its name with the URI.
type LocationModifier uint8

const (
	PrefixLocation  LocationModifier = iota // location /a
	ExactLocation                           // location = /a
	NoRegexLocation                         // location ^~ /a
	RegexLocation                           // location ~ re
	RegexLocationCI                         // location ~* re
	NamedLocation                           // location @a
)

// Scope is a section or block and what stands in it.
type Scope struct {
	Origin   // of the head only: `<Directory "/x">`, `location /a`
	Kind     ScopeKind
	Name     string // directive name as the tables spell it: "Directory", "location", "RequireAny"
	Args     []Word // arguments of the head as the server reads them
	Modifier LocationModifier
	Path     string      // prefix, name, directory, file name pattern; decoded
	Pattern  *Pattern    // for the matching kinds
	Negated  bool        // not used by httpd 2.4 itself; nginx if !~
	If       *Condition  // nginx if {}
	Expr     Expr        // httpd <If>, <ElseIf>; nil when it did not parse
	Dir      string      // ScopeHtaccess: directory it lies in
	Body     source.Span // the text between head and end
	Items    []Item      // in file order; included files stand where the include stood
	Parent   *Scope

	// Refusal is the first fault for which the server refuses this .htaccess: every request whose
	// directory walk reads it is answered 500. Nil when there is none.
	Refusal *diag.Diagnostic
}

// Item is something in a scope. The members are *Scope, *Rule, *Assign, *Setting, *MapBlock,
// *Opaque, and for httpd *RewriteMap.
type Item interface {
	From() Origin
	item()
}

func (*Scope) item()      {}
func (*Rule) item()       {}
func (*Assign) item()     {}
func (*Setting) item()    {}
func (*MapBlock) item()   {}
func (*RewriteMap) item() {}
func (*Opaque) item()     {}

// Word is one argument as the server reads it, and where it was written.
type Word struct {
	Text   string // decoded: quotes and escapes gone
	Span   source.Span
	Quoted bool
}

// Setting is a directive that decides about requests but is no rule: DirectoryIndex, root, listen …
// Name is spelled as in the server's tables whatever the file says.
type Setting struct {
	Origin
	Name string
	Args []Word
	// Templates are the arguments with their variables taken apart, parallel to Args, for directives
	// whose arguments are expanded at run time (nginx; httpd Header, ErrorDocument and the like); nil otherwise.
	Templates []*Template
	// Pattern is the compiled regular expression of directives that have one (SetEnvIf, AliasMatch …).
	Pattern *Pattern
	// Expr is a parsed httpd expression argument (Require expr, Header … expr=).
	Expr Expr
	// Err tells why an argument is not what the directive takes; empty when all is well.
	Err string
}

// Arg is the decoded text of argument i, empty when there is none.
func (s *Setting) Arg(i int) string {
	if i < len(s.Args) {
		return s.Args[i].Text
	}
	return ""
}

// Opaque is a directive whose effect on requests is not modelled, as text. Harmless is set for those
// that cannot change status, Location, URI or headers of an answer (logging, buffers, limits of size …).
type Opaque struct {
	Origin
	Name     string
	Args     []Word
	Harmless bool
}
