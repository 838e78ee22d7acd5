package apache

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"rewright/parser/ir"
)

// captures are the groups that $1 … mean at a place of a script, and how httpd calls them there.
type captures struct {
	known bool
	ref   func(n int) string // text for group n; empty when there is none of that number
	names map[string]int     // named groups
}

// noCaptures are those behind a regular expression that may have failed: nobody can say what $1 is.
var noCaptures = captures{}

// script is a place in the rules of one server or location.
type script struct {
	w     *writer
	b     *block
	sc    *ir.Scope
	caps  captures
	stale bool // a rule above may have changed the path in this round, so %{REQUEST_URI} is the old one
	deep  bool // inside a location: a change of the path chooses a location again

	tail  bool // nothing of the script stands behind the item that is being written
	ends  *[]jump
	ifs   *[]choiceOfIf // those whose settings stand instead of the location's own
	broke *bool         // the script may have ended with a path that stays in this location

	root   string // folder below the document root that files come from, with its leading slash; empty: the root itself
	rooted bool
	alias  string // folder below the document root that the name of the location stands for, with its leading slash
}

// value is a template as httpd writes it.
type value struct {
	text  string
	raw   bool // holds text as the client sent it, or text that must not be escaped again
	query bool // may bring a query of its own
	whole bool // the original request line: %1 of the condition on THE_REQUEST
}

// requestLine is the condition whose %1 is the path as the client sent it; httpd appends the query by itself.
// wholeLine is the one with the query. Source: httpd mod_rewrite, THE_REQUEST; nginx $request_uri.
const (
	requestLine = `%{THE_REQUEST} "^\S+ ([^\s?]*)"`
	wholeLine   = `%{THE_REQUEST} "^\S+ (\S+)"`
)

// expand writes a template. The error says what cannot be said, in words.
func (s *script) expand(t *ir.Template, inline bool) (v value, why string) {
	if t == nil {
		return v, ""
	}
	for i := range t.Parts {
		p := &t.Parts[i]
		switch p.Kind {
		case ir.Literal:
			if !fits(p.Text) {
				return v, "control characters"
			}
			if strings.ContainsAny(p.Text, "%#") {
				v.raw = true
			}
			v.query = v.query || strings.Contains(p.Text, "?")
			v.text += escapeLiteral(p.Text)
		case ir.RuleRef:
			if !s.caps.known {
				return v, fmt.Sprintf("$%d belongs to a regular expression that may not have matched", p.N)
			}
			v.text += s.caps.ref(p.N)
		case ir.Variable:
			if p.Name == "request_uri" && inline && !v.whole && i == len(t.Parts)-1 && !v.query {
				v.text += "%1"
				v.whole, v.raw, v.query = true, true, true
				continue
			}
			if p.Name == "request_uri" && i == len(t.Parts)-1 && !v.query && i > 0 {
				// the path alone: httpd appends the query by itself
				s.w.prepare("request_path", rule([]string{requestLine}, "^", "-", "E=request_path:%1"))
				v.text += "%{ENV:request_path}"
				v.raw, v.query = true, true
				continue
			}
			text, raw, why := s.variable(p.Name)
			if why != "" {
				return v, why
			}
			v.raw, v.query = v.raw || raw, v.query || p.Name == "request_uri"
			v.text += text
		default:
			return v, "a value of another kind"
		}
	}
	return v, ""
}

// escapeLiteral keeps a text from being expanded.
func escapeLiteral(t string) string {
	var b strings.Builder
	for i := 0; i < len(t); i++ {
		c := t[i]
		next := byte(0)
		if i+1 < len(t) {
			next = t[i+1]
		}
		if c == '\\' || (c == '$' || c == '%') && (next == '{' || next >= '0' && next <= '9') {
			b.WriteByte('\\')
		}
		b.WriteByte(c)
	}
	return b.String()
}

// variables that httpd has under another name. Source: nginx ngx_http_variables.c; httpd mod_rewrite, server variables.
var variables = map[string]string{
	"uri": "%{REQUEST_URI}", "document_uri": "%{REQUEST_URI}", "args": "%{QUERY_STRING}", "query_string": "%{QUERY_STRING}",
	"host": "%{SERVER_NAME}", "http_host": "%{HTTP_HOST}", "scheme": "%{REQUEST_SCHEME}", "request_method": "%{REQUEST_METHOD}",
	"remote_addr": "%{REMOTE_ADDR}", "remote_port": "%{REMOTE_PORT}", "remote_user": "%{REMOTE_USER}", "server_port": "%{SERVER_PORT}",
	"server_addr": "%{SERVER_ADDR}", "server_protocol": "%{SERVER_PROTOCOL}", "document_root": "%{DOCUMENT_ROOT}",
	"http_user_agent": "%{HTTP_USER_AGENT}", "http_referer": "%{HTTP_REFERER}", "http_cookie": "%{HTTP_COOKIE}", "http_accept": "%{HTTP_ACCEPT}",
	"request": "%{THE_REQUEST}", "request_filename": "%{REQUEST_FILENAME}", "content_type": "%{HTTP:Content-Type}",
	"content_length": "%{HTTP:Content-Length}", "realpath_root": "%{DOCUMENT_ROOT}",
}

// rawVariables hold text as the client sent it.
var rawVariables = map[string]bool{"args": true, "query_string": true, "request": true}

var headerName = regexp.MustCompile(`^[a-z0-9_]+$`)

// variable writes $name. raw tells that it holds text as the client sent it.
func (s *script) variable(name string) (text string, raw bool, why string) {
	w := s.w
	if n, ok := s.caps.names[name]; ok && s.caps.known {
		return s.caps.ref(n), false, ""
	}
	if text := w.named1[name]; text != "" {
		return text, false, ""
	}
	if m := w.maps[name]; m != nil && !w.env[name] {
		if why := w.mapped(s, m); why != "" {
			return "", false, why
		}
		return "%{ENV:" + name + "}", false, ""
	}
	if w.env[name] {
		return "%{ENV:" + name + "}", false, ""
	}
	if w.assigned[name] {
		// only a round before this one can have set it, or what is asked for after all rules
		if !w.assignedFirst(hostOf(s.sc), name) {
			w.carry(name)
		}
		return "%{ENV:" + name + "}", false, ""
	}
	if text, ok := variables[name]; ok {
		if s.stale && (name == "uri" || name == "document_uri") {
			return "/$0", false, "" // of a rule whose pattern is .*
		}
		return text, rawVariables[name], ""
	}
	switch {
	case name == "server_name":
		if n := serverNames(hostOf(s.sc)); len(n) > 0 && !strings.HasPrefix(n[0], "~") {
			return strings.TrimPrefix(strings.TrimPrefix(n[0], "*."), "."), false, ""
		}
		return "", false, "$server_name of a server without a name"
	case name == "is_args":
		w.prepare(name, rule([]string{"%{QUERY_STRING} ."}, "^", "-", "E=is_args:?"))
		return "%{ENV:is_args}", true, ""
	case name == "https":
		w.prepare(name, rule([]string{"%{HTTPS} =on"}, "^", "-", "E=https:on"))
		return "%{ENV:https}", false, ""
	case name == "request_uri":
		w.prepare("request_uri", rule([]string{wholeLine}, "^", "-", "E=request_uri:%1"))
		return "%{ENV:request_uri}", true, ""
	case strings.HasPrefix(name, "arg_"):
		key := quoteMeta(name[4:])
		w.prepare(name, rule([]string{condition("%{QUERY_STRING}", "(?:^|&)"+key+"=([^&]*)", "NC")}, "^", "-", "E="+name+":%1"))
		return "%{ENV:" + name + "}", true, ""
	case strings.HasPrefix(name, "cookie_"):
		key := quoteMeta(name[7:])
		w.prepare(name, rule([]string{condition("%{HTTP_COOKIE}", `(?:^|;\s*)`+key+"=([^;]*)", "NC")}, "^", "-", "E="+name+":%1"))
		return "%{ENV:" + name + "}", true, ""
	case strings.HasPrefix(name, "http_") && headerName.MatchString(name):
		return "%{HTTP:" + canonicalHeader(name[5:]) + "}", true, ""
	}
	return "", false, "httpd has no $" + name
}

func canonicalHeader(s string) string {
	words := strings.Split(s, "_")
	for i, w := range words {
		if w != "" {
			words[i] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, "-")
}

// assignedFirst tells whether the script of a server gives a variable its value whatever the request is.
func (w *writer) assignedFirst(host *ir.Scope, name string) bool {
	if host == nil {
		return false
	}
	for _, it := range host.Items {
		switch it := it.(type) {
		case *ir.Assign:
			if it.Variable == name {
				return true
			}
		case *ir.Rule:
			return false
		}
	}
	return false
}

// carry brings the value of a variable over from the round before: httpd puts REDIRECT_ in front of the names of the
// environment for a new round, and nginx keeps its variables through all of a request. Source: httpd
// modules/http/http_request.c, internal_internal_redirect, rename_original_env.
func (w *writer) carry(name string) {
	if w.prelude["carry "+name] != nil {
		return
	}
	w.prepare("carry "+name, rule([]string{condition("%{ENV:REDIRECT_"+name+"}", "(.+)")}, "^", "-", "E="+name+":%1"))
}

// prepare makes a variable ready at the top of each round, once.
func (w *writer) prepare(name string, lines []string) {
	if w.prelude[name] != nil {
		return
	}
	w.prelude[name] = &unit{lines: lines, rules: countRules(lines)}
	w.order = append(w.order, name)
}

func countRules(lines []string) int {
	n := 0
	for _, l := range lines {
		if strings.HasPrefix(l, "RewriteRule ") {
			n++
		}
	}
	return n
}

// byRule are the groups of the pattern of the rule itself.
func byRule(s subject, groups int, names map[string]int) captures {
	if s.byCond {
		return captures{true, func(n int) string { return condRef(n, groups) }, names}
	}
	return captures{true, func(n int) string {
		if n > groups || n > 9 {
			return ""
		}
		if s.slash && n == 1 {
			return "/$1"
		}
		return "$" + strconv.Itoa(n)
	}, names}
}

// namesOf are the named groups of a pattern, in lower case as nginx has its variables.
func namesOf(p *ir.Pattern) map[string]int {
	var out map[string]int
	if p == nil || p.Re == nil {
		return nil
	}
	for i, n := range p.Re.Names() {
		if n != "" {
			if out == nil {
				out = map[string]int{}
			}
			out[strings.ToLower(n)] = i
		}
	}
	return out
}

func condRef(n, groups int) string {
	if n > groups || n > 9 {
		return ""
	}
	return "%" + strconv.Itoa(n)
}

// byEnv are groups that were put into the environment under a prefix.
func byEnv(prefix string, groups int, names map[string]int) captures {
	return captures{true, func(n int) string {
		if n > groups {
			return ""
		}
		return fmt.Sprintf("%%{ENV:%s_%d}", prefix, n)
	}, names}
}

// uses tells whether an item of a script asks for $1 … of a regular expression before it.
func uses(items []ir.Item) bool {
	in := func(t *ir.Template) bool {
		if t == nil {
			return false
		}
		for i := range t.Parts {
			if t.Parts[i].Kind == ir.RuleRef {
				return true
			}
		}
		return false
	}
	for _, it := range items {
		switch it := it.(type) {
		case *ir.Rule:
			if it.Keyword == ir.NginxReturn && (in(it.Target) || in(it.Body)) {
				return true
			}
		case *ir.Assign:
			if in(it.Value) {
				return true
			}
		case *ir.Setting:
			for _, t := range it.Templates {
				if in(t) {
					return true
				}
			}
		case *ir.Scope:
			if it.Kind == ir.ScopeIf && uses(it.Items) {
				return true
			}
		}
	}
	return false
}

// hostOf is the server block around a scope.
func hostOf(sc *ir.Scope) *ir.Scope {
	for ; sc != nil; sc = sc.Parent {
		if sc.Kind == ir.ScopeHost {
			return sc
		}
	}
	return nil
}

// serverNames are the names of a server block.
func serverNames(sc *ir.Scope) (names []string) {
	if sc == nil {
		return nil
	}
	for _, it := range sc.Items {
		if set, ok := it.(*ir.Setting); ok && set.Name == "server_name" {
			for _, a := range set.Args {
				if a.Text != "" && a.Text != "_" {
					names = append(names, a.Text)
				}
			}
		}
	}
	return names
}
