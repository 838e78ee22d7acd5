package apache

import (
	"fmt"
	"path"
	"sort"
	"strconv"
	"strings"

	"rewright/emit"
	"rewright/parser/ir"
)

// build writes everything.
func (w *writer) build() {
	var servers []*ir.Scope
	var walk func(s *ir.Scope)
	walk = func(s *ir.Scope) {
		for _, it := range s.Items {
			switch it := it.(type) {
			case *ir.Scope:
				switch it.Kind {
				case ir.ScopeHost:
					servers = append(servers, it)
					walk(it)
				case ir.ScopeUpstream:
				default:
					walk(it)
				}
			case *ir.MapBlock:
				w.maps[it.Variable] = it
			case *ir.Assign:
				w.assigned[it.Variable] = true
				if w.forms.remember && it.Variable != "args" && it.Variable != "uri" {
					w.carry(it.Variable)
				}
			}
		}
	}
	walk(w.program.Root)
	for _, s := range servers {
		w.vhosts = append(w.vhosts, &vhost{scope: s, root: w.rootOf(s)})
	}
	w.chooseServers()
	for _, v := range w.vhosts {
		w.server(v)
	}
	// what stands outside of the servers comes first, for theirs overrules it
	outer := &vhost{root: w.conversion.root}
	inner := w.head
	w.root, w.current, w.head = w.conversion.root, nil, block{}
	for _, s := range servers {
		for up := s.Parent; up != nil; up = up.Parent {
			for _, it := range up.Items {
				if set, ok := it.(*ir.Setting); ok && len(w.vhosts) > 0 {
					w.general(outer, up, set)
				}
			}
		}
	}
	w.head.units = append(outer.head.units, w.head.units...)
	w.outer = len(w.head.units)
	w.head.units = append(w.head.units, inner.units...)

	w.built = true
	for _, say := range w.later {
		say()
	}
	w.account(w.program.Root)
	var statuses []int
	for status := range w.body {
		statuses = append(statuses, status)
	}
	sort.Ints(statuses)
	for _, status := range statuses {
		// what a rule leaves in BODY is the text. Source: httpd core, ErrorDocument takes an expression.
		w.head.add(&unit{lines: []string{fmt.Sprintf(`ErrorDocument %d "%%{reqenv:BODY}"`, status)}})
	}
	var unused []*ir.MapBlock
	for _, m := range w.maps {
		if w.noted[m] == nil {
			unused = append(unused, m)
		}
	}
	sort.Slice(unused, func(i, j int) bool { return unused[i].Span.Start < unused[j].Span.Start })
	for _, m := range unused {
		w.remark(m.Origin, m.Kind, "$"+m.Variable+" is used by nothing that was carried over")
	}
}

// rootOf is the document root of a server: its own in a virtual host, the folder of the file in a .htaccess.
func (c *conversion) rootOf(sc *ir.Scope) string {
	if list := inherited(sc, "root"); c.target.Server && len(list) > 0 {
		if dir := list[0].Arg(0); strings.HasPrefix(dir, "/") && !strings.Contains(dir, "$") && fits(dir) {
			return path.Clean(dir)
		}
	}
	return c.root
}

// account says of everything that nothing was said of yet that it is not carried over: nothing is lost silently.
func (w *writer) account(sc *ir.Scope) {
	for _, it := range sc.Items {
		o := it.From()
		if o.File == nil || w.noted[it] != nil || w.remarked[o] {
			if in, ok := it.(*ir.Scope); ok {
				w.account(in)
			}
			continue
		}
		switch it := it.(type) {
		case *ir.Scope:
			switch it.Kind {
			case ir.ScopeHTTP, ir.ScopeHost, ir.ScopeLocation:
				w.account(it)
			case ir.ScopeUpstream:
				w.remark(o, it.Name, "its first server stands for it where it is used")
			case ir.ScopeIf:
				w.account(it)
			default:
				w.remark(o, it.Name, "does not decide where a request goes")
			}
		case *ir.Opaque:
			if it.Harmless || strings.HasPrefix(it.Name, "ssl_") {
				w.remark(o, it.Name, "does not decide where a request goes")
			} else {
				w.note(it, sc, it.Name, emit.Dropped, notUnderstood(it), "see what it does and say it in httpd's words")
			}
		case *ir.MapBlock:
		case *ir.Setting:
			switch it.Name {
			case "listen", "server_name", "root":
				w.remark(o, it.Name, "said by the folder the file lies in, or by the virtual host")
			default:
				if aside[it.Name] {
					w.remark(o, it.Name, "does not decide where a request goes; see what httpd has for it")
					continue
				}
				w.note(it, sc, it.Name, emit.Dropped, "not carried over", "")
			}
		default:
			w.note(it, sc, directiveOf(it), emit.Dropped, "never runs here, or stands in a place that is not carried over", "")
		}
	}
}

func notUnderstood(o *ir.Opaque) string {
	if o.Name == "include" {
		return "the included file is not here"
	}
	return "not understood"
}

// listen is where a server listens: port, and whether it speaks TLS there.
type listen struct {
	port       int
	tls, first bool // first: default_server
}

func listens(sc *ir.Scope) (out []listen) {
	for _, set := range own(sc, "listen") {
		l := listen{port: 80}
		a := set.Arg(0)
		if i := strings.LastIndexByte(a, ':'); i >= 0 && !strings.HasSuffix(a, "]") {
			a = a[i+1:]
		}
		if n, err := strconv.Atoi(a); err == nil {
			l.port = n
		}
		for _, w := range set.Args[1:] {
			l.tls = l.tls || w.Text == "ssl"
			l.first = l.first || w.Text == "default_server" || w.Text == "default"
		}
		out = append(out, l)
	}
	if len(out) == 0 {
		out = []listen{{port: 80}}
	}
	return out
}

// chooseServers finds, for a .htaccess, the conditions under which each server answers, the default ones last.
// For virtual hosts it puts the default of a port first, which is httpd's default.
func (w *writer) chooseServers() {
	if len(w.vhosts) < 2 {
		return
	}
	isDefault := map[*vhost]bool{}
	ports := map[int]*vhost{}
	for _, v := range w.vhosts {
		for _, l := range listens(v.scope) {
			if ports[l.port] == nil || l.first {
				ports[l.port] = v
			}
		}
	}
	for _, v := range ports {
		isDefault[v] = true
	}
	if w.target.Server {
		sort.SliceStable(w.vhosts, func(i, j int) bool { return isDefault[w.vhosts[i]] && !isDefault[w.vhosts[j]] })
		return
	}
	sort.SliceStable(w.vhosts, func(i, j int) bool { return !isDefault[w.vhosts[i]] && isDefault[w.vhosts[j]] })
	// names of each kind: equal ones before wildcards before patterns
	rank := func(v *vhost) int {
		n := 0
		for _, name := range serverNames(v.scope) {
			switch {
			case strings.HasPrefix(name, "~"):
				n = max(n, 2)
			case strings.ContainsAny(name, "*") || strings.HasPrefix(name, "."):
				n = max(n, 1)
			}
		}
		return n
	}
	sort.SliceStable(w.vhosts, func(i, j int) bool {
		a, b := w.vhosts[i], w.vhosts[j]
		return isDefault[a] == isDefault[b] && rank(a) < rank(b)
	})
	for _, v := range w.vhosts {
		if tls := tlsGuard(listens(v.scope)); tls != "" {
			v.guard = append(v.guard, tls)
		}
		if !isDefault[v] {
			var names []string
			for _, n := range serverNames(v.scope) {
				if re, ok := strings.CutPrefix(n, "~"); ok {
					names = append(names, "(?:"+re+")")
				} else {
					names = append(names, "^"+namePattern(n)+"$")
				}
			}
			if len(names) == 0 {
				names = []string{"^$"}
			}
			v.guard = append(v.guard, condition("%{SERVER_NAME}", strings.Join(names, "|"), "NC"))
		}
	}
	// a default server takes what the others beside it do not
	for _, v := range w.vhosts {
		if !isDefault[v] {
			continue
		}
		tls := tlsGuard(listens(v.scope))
		for _, u := range w.vhosts {
			if !isDefault[u] && (tlsGuard(listens(u.scope)) == "" || tlsGuard(listens(u.scope)) == tls) && len(serverNames(u.scope)) > 0 {
				v.guard = append(v.guard, negate(u.guard[len(u.guard)-1]))
			}
		}
	}
}

// tlsGuard is the condition that a request came in where the server listens; empty: it may come from anywhere.
func tlsGuard(list []listen) string {
	plain, tls := false, false
	for _, l := range list {
		plain, tls = plain || !l.tls, tls || l.tls
	}
	switch {
	case plain && !tls:
		return "%{HTTPS} !=on"
	case tls && !plain:
		return "%{HTTPS} =on"
	}
	return ""
}

// vhostHeads are the beginnings of the <VirtualHost> sections of a server: httpd speaks TLS in a whole section, where
// nginx says it of each port.
func (w *writer) vhostHeads(v *vhost) (out [][]string) {
	var plain, tls []string
	seen := map[int]bool{}
	for _, l := range listens(v.scope) {
		if seen[l.port] {
			continue
		}
		seen[l.port] = true
		address := fmt.Sprintf("*:%d", l.port)
		if l.tls {
			tls = append(tls, address)
		} else {
			plain = append(plain, address)
		}
	}
	if len(plain) > 0 {
		out = append(out, w.vhostHead(v, plain, false))
	}
	if len(tls) > 0 {
		out = append(out, w.vhostHead(v, tls, true))
	}
	return out
}

// patternNames says what became of names that are regular expressions.
func (w *writer) patternNames(v *vhost) {
	for _, set := range own(v.scope, "server_name") {
		for _, a := range set.Args {
			re, is := strings.CutPrefix(a.Text, "~")
			if !is {
				continue
			}
			if !w.target.Server {
				w.note(set, v.scope, "server_name", emit.Exact, "", "")
				continue
			}
			alias, ok := aliasOfPattern(re)
			switch {
			case ok && len(alias) == 1 && strings.HasPrefix(alias[0], "*") && !strings.Contains(re, ".+") && !strings.Contains(re, ".*"):
				w.note(set, v.scope, "server_name", emit.Approximate, "httpd has no regular expressions in names: "+alias[0]+" takes more hosts than "+a.Text, "list the names in ServerAlias")
				w.noted[set].Fidelity = emit.Approximate
			case ok:
				w.note(set, v.scope, "server_name", emit.Exact, "", "")
			default:
				w.note(set, v.scope, "server_name", emit.Dropped, "httpd has no regular expressions in names: "+a.Text, "list the names in ServerAlias")
				v.front.add(&unit{item: set, origin: set.Origin, dropped: "httpd has no regular expressions in names", byHand: "list the names in ServerAlias"})
			}
		}
	}
}

// vhostHead is the beginning of one section.
func (w *writer) vhostHead(v *vhost, addresses []string, tls bool) (out []string) {
	out = append(out, "<VirtualHost "+strings.Join(addresses, " ")+">")
	var aliases []string
	first := true
	for _, n := range serverNames(v.scope) {
		switch {
		case strings.HasPrefix(n, "~"):
			if alias, ok := aliasOfPattern(n[1:]); ok {
				aliases = append(aliases, alias...)
			}
		case strings.HasPrefix(n, "."):
			aliases = append(aliases, n[1:], "*"+n)
		case first && !strings.Contains(n, "*"):
			out = append(out, "    ServerName "+n)
			first = false
		default:
			aliases = append(aliases, n)
		}
	}
	if len(aliases) > 0 {
		out = append(out, "    ServerAlias "+strings.Join(aliases, " "))
	}
	if !w.short(v) {
		out = append(out, "    DocumentRoot "+plainWord(v.root))
	}

	// nginx takes %2F for a slash, to which httpd answers 404 by itself
	out = append(out, "    AllowEncodedSlashes On")
	if tls {
		out = append(out, "    SSLEngine on")
		for _, pair := range [][2]string{{"ssl_certificate", "SSLCertificateFile"}, {"ssl_certificate_key", "SSLCertificateKeyFile"}} {
			for _, it := range v.scope.Items {
				if o, ok := it.(*ir.Opaque); ok && o.Name == pair[0] && len(o.Args) > 0 && !strings.Contains(o.Args[0].Text, "$") {
					out = append(out, "    "+pair[1]+" "+plainWord(o.Args[0].Text))
				}
			}
		}
	}
	return out
}

// settings writes what the server level says apart from its script.
func (w *writer) settings(v *vhost) {
	for _, it := range v.scope.Items {
		switch it := it.(type) {
		case *ir.Setting:
			w.general(v, v.scope, it)
		case *ir.Opaque:
			if it.Harmless {
				w.remark(it.Origin, it.Name, "does not concern requests")
			} else if !strings.HasPrefix(it.Name, "ssl_") {
				w.drop(&v.head, it, v.scope, it.Name, notUnderstood(it), "see what it does and say it in httpd's words")
			}
		}
	}
}

// general writes a setting of the server level or above.
func (w *writer) general(v *vhost, sc *ir.Scope, set *ir.Setting) {
	if w.noted[set] != nil {
		return
	}
	switch set.Name {
	case "listen", "server_name", "root", "valid_referers", "try_files", "allow", "deny", "server":
	case "add_header", "expires":
		w.headers(sc, set)
	default:
		w.other(v, sc, set)
	}
}

// aside are settings that say how an answer is made or passed on, not which one it is.
var aside = func() map[string]bool {
	m := map[string]bool{}
	for _, n := range strings.Fields(`default_type log_not_found error_log client_max_body_size charset etag http2 gzip_static limit_rate proxy_set_header
		fastcgi_param fastcgi_index fastcgi_split_path_info proxy_redirect proxy_hide_header ssl large_client_header_buffers proxy_ignore_headers
		proxy_method sub_filter ssi addition_types msie_refresh limit_req limit_conn mirror userid`) {
		m[n] = true
	}
	return m
}()

// placed are settings that are written with the rules of their location.
var placed = map[string]bool{"internal": true, "alias": true, "root": true, "try_files": true, "allow": true, "deny": true, "add_header": true,
	"expires": true, "proxy_pass": true, "fastcgi_pass": true, "uwsgi_pass": true, "scgi_pass": true, "grpc_pass": true, "memcached_pass": true,
	"auth_basic_user_file": true, "valid_referers": true, "listen": true, "server_name": true}

// other writes a setting that is no rule.
func (w *writer) other(v *vhost, sc *ir.Scope, set *ir.Setting) {
	everywhere := sc.Kind != ir.ScopeLocation || sc.Path == "/" && sc.Modifier == ir.PrefixLocation
	line := func(text string) {
		w.note(set, sc, set.Name, emit.Exact, "", "")
		if !everywhere {
			w.headNow().add(&unit{item: set, origin: set.Origin, lines: w.around(sc, text)})
			return
		}
		v.head.add(&unit{item: set, origin: set.Origin, lines: []string{text}})
	}
	if aside[set.Name] {
		w.remark(set.Origin, set.Name, "does not decide where a request goes; see what httpd has for it")
		return
	}
	if placed[set.Name] {
		return
	}
	if sc.Kind == ir.ScopeIf {
		w.drop(&v.head, set, sc, set.Name, "a setting of one condition only", "put it into <If>")
		return
	}
	switch set.Name {
	case "index":
		var names []string
		for _, a := range set.Args {
			if strings.Contains(a.Text, "$") {
				w.drop(&v.head, set, sc, "index", "a variable in the name", "")
				return
			}
			names = append(names, plainWord(a.Text))
		}
		line("DirectoryIndex " + strings.Join(names, " "))
	case "autoindex":
		if set.Arg(0) == "on" {
			line("Options +Indexes")
		} else {
			line("Options -Indexes")
		}
	case "error_page":
		w.errorPage(v, sc, set)
	case "auth_basic":
		if set.Arg(0) == "off" {
			line("Require all granted")
			return
		}
		file := inherited(sc, "auth_basic_user_file")
		if len(file) == 0 || strings.ContainsAny(set.Arg(0)+file[0].Arg(0), "$") {
			w.drop(&v.head, set, sc, set.Name, "its password file is not known", "AuthType Basic, AuthName, AuthUserFile, Require valid-user")
			return
		}
		lines := []string{"AuthType Basic", "AuthName " + plainWord(set.Arg(0)), "AuthUserFile " + plainWord(file[0].Arg(0)), "Require valid-user"}
		w.note(set, sc, set.Name, emit.Exact, "", "")
		w.note(file[0], sc, file[0].Name, emit.Exact, "", "")
		if from, list, ok := addresses(sc); ok {
			// both must hold; the address is asked first, so that a stranger is told 403 and not asked for a password
			for _, a := range list {
				w.note(a, sc, a.Name, emit.Exact, "", "")
			}
			lines = append(append(append(lines[:3:3], "<RequireAll>"), indented(append(from, "Require valid-user"))...), "</RequireAll>")
		}
		if everywhere {
			v.head.add(&unit{item: set, origin: set.Origin, lines: lines})
		} else {
			w.headNow().add(&unit{item: set, origin: set.Origin, lines: w.around(sc, lines...)})
		}
	case "set_real_ip_from", "real_ip_header":
		w.drop(&v.head, set, sc, set.Name, "httpd does that for a whole server", "RemoteIPHeader and RemoteIPTrustedProxy in the server's configuration")
	case "merge_slashes", "absolute_redirect", "port_in_redirect", "server_name_in_redirect", "underscores_in_headers", "ignore_invalid_headers", "recursive_error_pages":
		w.drop(&v.head, set, sc, set.Name, "httpd has no such switch in this place", "")
	default:
		w.drop(&v.head, set, sc, set.Name, "httpd has no equal", "see what it does and say it in httpd's words")
	}
}

// around puts lines into the section that stands for a location.
func (w *writer) around(sc *ir.Scope, lines ...string) []string {
	open, shut := "", ""
	switch sc.Modifier {
	case ir.RegexLocation, ir.RegexLocationCI:
		fold := ""
		if sc.Modifier == ir.RegexLocationCI {
			fold = "i"
		}
		if text := sc.Path; strings.HasPrefix(text, `\.`) && !strings.Contains(text, "/") {
			if fold != "" {
				text = "(?i)" + text
			}
			open, shut = "<FilesMatch "+plainWord(text)+">", "</FilesMatch>"
		} else {
			open, shut = `<If "%{REQUEST_URI} =~ m#`+strings.ReplaceAll(sc.Path, "#", `\#`)+"#"+fold+`">`, "</If>"
		}
	case ir.ExactLocation:
		open, shut = `<If "%{REQUEST_URI} == '`+sc.Path+`'">`, "</If>"
	default:
		open, shut = `<If "%{REQUEST_URI} =~ m#^`+quoteMeta(sc.Path)+`#">`, "</If>"
	}
	return append(append([]string{open}, indented(lines)...), shut)
}

// indented are lines inside of a section.
func indented(lines []string) (out []string) {
	for _, l := range lines {
		out = append(out, "    "+l)
	}
	return out
}
