package apache

import (
	"strconv"
	"strings"

	"rewright/emit"
	"rewright/parser/ir"
)

// own are the settings of one name directly in a scope.
func own(sc *ir.Scope, name string) (out []*ir.Setting) {
	for _, it := range sc.Items {
		if set, ok := it.(*ir.Setting); ok && set.Name == name {
			out = append(out, set)
		}
	}
	return out
}

// inherited are the settings of one name in force for a scope: its own, or those of the next scope around that has any.
func inherited(sc *ir.Scope, names ...string) (out []*ir.Setting) {
	for ; sc != nil; sc = sc.Parent {
		for _, it := range sc.Items {
			if set, ok := it.(*ir.Setting); ok {
				for _, n := range names {
					if set.Name == n {
						out = append(out, set)
					}
				}
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// content writes what happens behind the script of a location: access, try_files, the backend. It gives false when
// every request has its answer then.
func (s *script) content(v *vhost, at subject) (goesOn bool) {
	w := s.w
	s.access()
	s.root, s.rooted = s.folderOf()
	s.alias = s.aliasOf()
	s.locationHeaders()
	for _, set := range own(s.sc, "expires") {
		w.headers(s.sc, set)
	}
	for _, set := range own(s.sc, "add_header") {
		w.headers(s.sc, set)
	}
	for _, it := range s.sc.Items {
		if set, ok := it.(*ir.Setting); ok {
			w.other(v, s.sc, set)
		}
	}
	if list := own(s.sc, "try_files"); len(list) > 0 {
		goesOn := s.tryFiles(v, list[len(list)-1])
		s.settleJumps()
		if !goesOn {
			return false
		}
	}
	if !s.folder() {
		return false
	}
	for _, name := range passes {
		if list := own(s.holder(passes...), name); len(list) > 0 {
			return s.pass(list[len(list)-1], at)
		}
	}
	s.missing()
	return true
}

// holder is the scope whose settings of the given names hold: an if has those of its location where it has none.
func (s *script) holder(names ...string) *ir.Scope {
	sc := s.sc
	for sc.Kind == ir.ScopeIf && sc.Parent != nil {
		for _, n := range names {
			if len(own(sc, n)) > 0 {
				return sc
			}
		}
		sc = sc.Parent
	}
	return sc
}

// passes are the directives that hand a request to a backend.
var passes = []string{"proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass"}

// passes tells whether a location hands its requests to a backend.
func (s *script) passes() bool {
	for _, name := range passes {
		if len(own(s.holder(passes...), name)) > 0 {
			return true
		}
	}
	return false
}

// methods writes limit_except that lets nobody in.
func (s *script) methods() {
	for _, it := range s.sc.Items {
		sc, ok := it.(*ir.Scope)
		if !ok || sc.Kind != ir.ScopeLimitExcept {
			continue
		}
		all := len(sc.Items) == 1
		if all {
			set, ok := sc.Items[0].(*ir.Setting)
			all = ok && set.Name == "deny" && set.Arg(0) == "all"
		}
		if !all {
			s.w.drop(s.b, sc, s.sc, sc.Name, "more than deny all in it", "<LimitExcept> with Require")
			continue
		}
		var names []string
		for _, a := range sc.Args {
			names = append(names, quoteMeta(a.Text))
			if a.Text == "GET" {
				names = append(names, "HEAD")
			}
		}
		s.w.note(sc.Items[0], sc, "deny", emit.Exact, "", "")
		s.put(sc, sc.Name, rule([]string{condition("%{REQUEST_METHOD}", "!^(?:"+strings.Join(names, "|")+")$")}, "^", "-", "F"))
	}
}

// folderOf is the root in force below the document root, as a target holds it, when it is another one.
func (s *script) folderOf() (below string, ok bool) {
	for sc := s.sc; sc != nil; sc = sc.Parent {
		if len(own(sc, "alias")) > 0 {
			return "", false
		}
		list := own(sc, "root")
		if len(list) == 0 {
			continue
		}
		if !strings.Contains(list[0].Arg(0), "$") {
			below, ok := s.w.below(list[0].Arg(0))
			if !ok || below == "" {
				return "", false
			}
			return "/" + escapeLiteral(below), true
		}
		if len(list[0].Templates) == 0 {
			return "", false
		}
		v, why := s.expand(list[0].Templates[0], false)
		rest, inside := strings.CutPrefix(v.text, s.w.root+"/")
		if why != "" || !inside || strings.ContainsAny(rest, "$") {
			return "", false
		}
		return "/" + strings.TrimSuffix(rest, "/"), true
	}
	return "", false
}

// aliasOf is the folder of an alias of a prefix location, when it lies below the document root and the path has not
// been rewritten.
func (s *script) aliasOf() string {
	list := own(s.holder("alias", "root"), "alias")
	if len(list) == 0 || s.stale || s.sc.Modifier == ir.RegexLocation || s.sc.Modifier == ir.RegexLocationCI || strings.Contains(list[0].Arg(0), "$") {
		return ""
	}
	below, ok := s.w.below(list[0].Arg(0))
	if !ok {
		return ""
	}
	if below != "" {
		below = "/" + below
	}
	if strings.HasSuffix(list[0].Arg(0), "/") {
		below += "/"
	}
	return escapeLiteral(below)
}

// aliasBase is the folder of an alias as a target holds it, with groups of the location.
func (s *script) aliasBase() (base, why string) {
	place := s.holder("alias", "root")
	set := own(place, "alias")[0]
	if place.Modifier != ir.RegexLocation && place.Modifier != ir.RegexLocationCI {
		if s.alias == "" {
			return "", "files beside an alias that is somewhere else"
		}
		return s.alias, ""
	}
	v, why := s.expand(set.Templates[0], false)
	if why != "" {
		return "", why
	}
	base, ok := strings.CutPrefix(v.text, s.w.root)
	if !ok {
		return "", "the folder does not lie below the document root"
	}
	return base, ""
}

// access writes allow and deny. Source: nginx ngx_http_access_module.c: the first that fits decides.
func (s *script) access() {
	list := inherited(s.sc, "allow", "deny")
	if len(list) == 0 {
		return
	}
	if s.guardedByPassword() {
		return // settings.go writes both
	}
	var allowed, denied []string
	everybody := false
	for i, set := range list {
		a := set.Arg(0)
		switch {
		case set.Name == "deny" && a == "all" && i == len(list)-1:
			everybody = true
		case a == "all" && set.Name == "allow" && i == len(list)-1:
		case strings.HasPrefix(a, "unix:"), a == "all":
			s.w.drop(s.b, set, s.sc, set.Name, "an address httpd does not know here", "use Require in <If> or <Files>")
			return
		case set.Name == "allow" && len(denied) == 0:
			allowed = append(allowed, a)
		case set.Name == "deny" && len(allowed) == 0:
			denied = append(denied, a)
		default:
			s.w.drop(s.b, set, s.sc, set.Name, "allow and deny take turns", "use <RequireAll> and <RequireNone>")
			return
		}
	}
	match := func(addresses []string) string {
		var parts []string
		for _, a := range addresses {
			parts = append(parts, "%{REMOTE_ADDR} -ipmatch '"+a+"'")
		}
		return strings.Join(parts, " || ")
	}
	var lines, conds []string
	if everybody && len(allowed) > 0 {
		conds = []string{condition("expr", "!("+match(allowed)+")")}
	} else if !everybody && len(denied) > 0 {
		conds = []string{condition("expr", match(denied))}
	}
	if (everybody || len(denied) > 0) && s.enterPage(403, conds) {
		for _, set := range list {
			s.w.note(set, s.sc, set.Name, emit.Exact, "", "")
		}
		return
	}
	if everybody || len(denied) > 0 {
		var caught bool
		if lines, caught = s.caught(403, conds, "^"); !caught {
			lines = rule(conds, "^", "-", "F")
		}
	}
	for i, set := range list {
		s.w.note(set, s.sc, set.Name, emit.Exact, "", "")
		if i == 0 {
			s.b.add(&unit{item: set, origin: set.Origin, lines: lines, rules: countRules(lines)})
		}
	}
}

// guardedByPassword tells whether addresses stand beside a password in one location, in a way that Require says.
func (s *script) guardedByPassword() bool {
	_, _, ok := addresses(s.sc)
	return ok
}

// addresses are the lines for allow and deny of a location with auth_basic: the addresses that may come in, nobody else.
func addresses(sc *ir.Scope) (lines []string, list []*ir.Setting, ok bool) {
	if a := own(sc, "auth_basic"); len(a) == 0 || a[0].Arg(0) == "off" || len(own(sc, "satisfy")) > 0 {
		return nil, nil, false
	}
	for _, it := range sc.Items {
		if set, is := it.(*ir.Setting); is && (set.Name == "allow" || set.Name == "deny") {
			list = append(list, set)
		}
	}
	var from []string
	for i, set := range list {
		a := set.Arg(0)
		switch {
		case set.Name == "deny" && a == "all" && i == len(list)-1 && i > 0:
			return []string{"Require ip " + strings.Join(from, " ")}, list, true
		case set.Name == "allow" && a != "all" && !strings.HasPrefix(a, "unix:"):
			from = append(from, a)
		default:
			return nil, nil, false
		}
	}
	return nil, nil, false
}

// folder writes root and alias that differ from the document root. It gives false when every request has its file then.
func (s *script) folder() (goesOn bool) {
	w, place := s.w, s.holder("alias", "root")
	if list := own(place, "alias"); len(list) > 0 {
		set := list[0]
		below, ok := w.below(strings.TrimSuffix(set.Arg(0), "/"))
		byRegex := place.Modifier == ir.RegexLocation || place.Modifier == ir.RegexLocationCI
		if !ok || strings.Contains(set.Arg(0), "$") && !byRegex {
			w.drop(s.b, set, s.sc, "alias", "the folder does not lie below the document root", "Alias "+place.Path+" "+set.Arg(0)+" in the server's configuration")
			return true
		}
		if byRegex {
			v, why := s.expand(set.Templates[0], false)
			text, ok := strings.CutPrefix(v.text, w.root+"/")
			if why != "" || !ok {
				w.drop(s.b, set, s.sc, "alias", "the folder does not lie below the document root", "AliasMatch in the server's configuration")
				return true
			}
			s.put(set, "alias", rule(nil, "^", "/"+text, "END"))
			return false
		}
		rest := strings.TrimPrefix(place.Path, "/")
		if below != "" && strings.HasSuffix(set.Arg(0), "/") {
			below += "/"
		}
		s.put(set, "alias", rule(nil, "^"+quoteMeta(rest)+"(.*)$", "/"+escapeLiteral(below)+"$1", "END"))
		return false
	}
	list := own(place, "root")
	if len(list) > 0 && !s.rooted && place.Kind != ir.ScopeHost {
		if below, ok := w.below(list[0].Arg(0)); !ok || below != "" || strings.Contains(list[0].Arg(0), "$") {
			w.drop(s.b, list[0], s.sc, "root", "the folder does not lie below the document root", "an Alias in the server's configuration")
			return true
		}
		w.note(list[0], s.sc, "root", emit.Exact, "", "")
		return true
	}
	if !s.rooted {
		return true
	}
	lines := rule(nil, "^(.*)$", s.root+"/$1", "END")
	if len(list) > 0 {
		s.put(list[0], "root", lines)
	} else {
		s.b.add(&unit{origin: s.sc.From(), lines: lines, rules: 1})
	}
	return false
}

// tryFiles writes try_files. It gives false when every request has its answer.
func (s *script) tryFiles(v *vhost, set *ir.Setting) (goesOn bool) {
	drop := func(why string) bool {
		s.w.drop(s.b, set, s.sc, "try_files", why, "say it with RewriteCond -f and -d")
		return true
	}
	n := len(set.Templates)
	if n < 2 {
		return drop("too few words")
	}
	var lines []string
	var here []string // conditions that the path itself is none of the files
	flush := func() {}
	_ = flush
	for i := 0; i < n-1; i++ {
		t := set.Templates[i]
		switch {
		case isURI(t, ""):
			here = append(here, condition(s.filename(""), "!-f"))
		case isURI(t, "/"):
			here = append(here, condition(s.filename(""), "!-d"))
		default:
			v, why := s.expand(t, false)
			if why != "" {
				return drop(why)
			}
			text, folder := strings.CutSuffix(v.text, "/")
			op := "-f"
			if folder {
				op = "-d"
			}
			base := s.root
			if len(own(s.holder("alias", "root"), "alias")) > 0 {
				if base, why = s.aliasBase(); why != "" {
					return drop(why)
				}
			}
			file := "%{DOCUMENT_ROOT}" + base + text
			text = base + text
			pat, target := "^", text
			switch {
			case strings.Contains(text, "$0"):
				pat = ".*"
			case strings.Contains(text, "%{REQUEST_URI}"):
				pat, target = "^(.*)$", strings.ReplaceAll(text, "%{REQUEST_URI}", "/$1")
			}
			conds := append(here[:len(here):len(here)], condition(file, op))
			if len(here) > 0 && strings.Contains(strings.Join(here, ""), "$0") {
				pat = ".*"
			}
			if s.passes() {
				lines = append(lines, rule(conds, pat, strings.TrimPrefix(target, "/"), "DPI,S=end")...)
				s.stale = true
				continue
			}
			lines = append(lines, rule(conds, pat, target, "END")...)
		}
	}
	last := set.Templates[n-1]
	text, constant := last.Constant()
	if front := withoutQuery(last); front != nil && len(front.Parts) < len(last.Parts) {
		if t, ok := front.Constant(); ok {
			text, constant = t, true
		}
	}
	s.noSlash(set)
	switch {
	case constant && strings.HasPrefix(text, "="):
		code, err := strconv.Atoi(text[1:])
		if err != nil || code < 400 || !knownStatus[code] {
			return drop("httpd cannot answer " + text[1:] + " here")
		}
		if caught, ok := s.caught(code, here, whole("^", here, "")); ok {
			lines = append(lines, caught...)
			break
		}
		flag := "R=" + text[1:] + ",L"
		if code == 403 {
			flag = "F"
		}
		lines = append(lines, rule(here, whole("^", here, ""), "-", flag)...)
	case constant && strings.HasPrefix(text, "@"):
		name := s.w.named(hostOf(s.sc), text)
		if name == nil {
			// nginx finds it out when it is asked
			lines = append(lines, rule(here, whole("^", here, ""), "-", "R=500,L")...)
			s.put(set, "try_files", lines)
			return true
		}
		s.put(set, "try_files", lines)
		// found files are served; the rest goes through the named location
		s.enter(v, name, here, set)
		return true
	default:
		t := withoutQuery(last)
		v, why := s.expand(t, false)
		if why != "" {
			return drop(why)
		}
		var flags []string
		if len(t.Parts) == len(last.Parts) && !v.query {
			flags = append(flags, "QSD")
		}
		if !strings.HasPrefix(v.text, "/") && !strings.HasPrefix(v.text, "%") {
			return drop("a fallback that does not begin with a slash")
		}
		// the fallback itself must not be sent round again
		if len(here) == 0 && constant {
			here = []string{condition("%{REQUEST_URI}", "!="+text)}
		}
		lines = append(lines, rule(here, whole("^", here, v.text), v.text, append(flags, "L")...)...)
	}
	if s.w.forms.fallback && constant && s.front(len(lines)) {
		s.w.note(set, s.sc, "try_files", emit.Exact, "", "")
		path, _, _ := strings.Cut(text, "?")
		s.w.headNow().add(&unit{item: set, origin: set.Origin, lines: []string{"FallbackResource " + plainWord(path)}})
		return true
	}
	s.put(set, "try_files", lines)
	return true
}

// enter writes the script of a named location and what is behind it, for requests for which conditions hold. It gives
// false when every such request has its answer then.
func (s *script) enter(v *vhost, name *ir.Scope, conds []string, set *ir.Setting) (goesOn bool) {
	inner := *s
	inner.b, inner.sc, inner.caps = &block{}, name, noCaptures
	inner.tail, inner.ends, inner.ifs, inner.broke = true, new([]jump), new([]choiceOfIf), new(bool)
	goesOn = inner.items(name.Items)
	inner.settleJumps()
	if goesOn {
		goesOn = inner.contents(v, anything)
	}
	n := inner.b.rules()
	if n == 1 && len(conds) > 0 && !strings.Contains(strings.Join(conds, ""), aliased) && !refersToCond(conds) {
		for _, u := range inner.b.units {
			if u.rules == 1 && len(u.lines) == 1 {
				// one rule takes the conditions itself
				u.lines = append(rule(conds, "^", "-")[:len(conds)], u.lines...)
				n = 0
			}
		}
	}
	if n > 0 && len(conds) > 0 {
		guard := s.settle(guardLines(conds, n))
		if refersToCond(guard) {
			guard = replacePattern(guard, ".*")
		}
		s.b.add(&unit{item: set, origin: set.Origin, lines: guard, rules: 1})
	}
	s.b.units = append(s.b.units, inner.b.units...)
	return goesOn
}

// noSlash keeps httpd from redirecting to folders where nginx asks for files only.
func (s *script) noSlash(set *ir.Setting) {
	for _, t := range set.Templates[:len(set.Templates)-1] {
		if text := t.Text; strings.HasSuffix(text, "/") {
			return
		}
	}
	if s.sc.Kind == ir.ScopeHost || s.sc.Path == "/" && s.sc.Modifier == ir.PrefixLocation && s.sc.Parent == hostOf(s.sc) {
		s.w.headNow().add(&unit{item: set, origin: set.Origin, lines: []string{"DirectorySlash Off"}})
	}
}

// front tells whether a try_files is all that a server does: its location takes every path, and there is one rule for it.
func (s *script) front(lines int) bool {
	host := hostOf(s.sc)
	if host == nil || lines > 3 || len(s.w.vhosts) != 1 || s.rooted || s.alias != "" || hasScript(host.Items) || len(s.w.order) > 0 {
		return false
	}
	if s.sc == host {
		return len(locations(host)) == 0
	}
	return len(locations(host)) == 1 && s.sc.Parent == host && s.sc.Path == "/" && s.sc.Modifier == ir.PrefixLocation && !hasScript(s.sc.Items) && !s.passes()
}

// isURI tells whether a template is $uri with a tail.
func isURI(t *ir.Template, tail string) bool {
	if len(t.Parts) == 0 || t.Parts[0].Kind != ir.Variable || t.Parts[0].Name != "uri" && t.Parts[0].Name != "document_uri" {
		return false
	}
	if tail == "" {
		return len(t.Parts) == 1
	}
	return len(t.Parts) == 2 && t.Parts[1].Kind == ir.Literal && t.Parts[1].Text == tail
}

// named finds a named location of a server.
func (w *writer) named(host *ir.Scope, name string) *ir.Scope {
	if host == nil {
		return nil
	}
	for _, l := range locations(host) {
		if l.Modifier == ir.NamedLocation && l.Path == name {
			return l
		}
	}
	return nil
}
