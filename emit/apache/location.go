package apache

import (
	"fmt"
	"path"
	"sort"
	"strings"

	"rewright/emit"
	"rewright/parser/ir"
	"rewright/parser/pattern"
)

// choice is a location in the order in which nginx would choose it, with what must not hold beside.
type choice struct {
	scope  *ir.Scope
	guards []*ir.Scope // locations around it, outermost first
	except []string    // longer prefixes that win
}

// order gives the locations of a level, so that the first whose guard holds is the one that nginx chooses.
// Source: nginx ngx_http_core_module.c, ngx_http_core_find_location.
func order(list []*ir.Scope, around []*ir.Scope) (out []choice) {
	var exact, prefixes, regexes []*ir.Scope
	for _, s := range list {
		switch s.Modifier {
		case ir.ExactLocation:
			exact = append(exact, s)
		case ir.RegexLocation, ir.RegexLocationCI:
			regexes = append(regexes, s)
		case ir.PrefixLocation, ir.NoRegexLocation:
			prefixes = append(prefixes, s)
		}
	}
	sort.SliceStable(prefixes, func(i, j int) bool { return len(prefixes[i].Path) > len(prefixes[j].Path) })
	longer := func(p *ir.Scope, plainOnly bool) (names []string) {
		for _, q := range prefixes {
			if q != p && len(q.Path) > len(p.Path) && strings.HasPrefix(q.Path, p.Path) && (!plainOnly || q.Modifier == ir.PrefixLocation) {
				names = append(names, q.Path)
			}
		}
		return names
	}
	in := func(s *ir.Scope) []*ir.Scope { return append(around[:len(around):len(around)], s) }
	for _, s := range exact {
		out = append(out, choice{s, around, nil})
	}
	for _, p := range prefixes {
		var inner []*ir.Scope
		for _, n := range locations(p) {
			if n.Modifier == ir.ExactLocation || n.Modifier == ir.RegexLocation || n.Modifier == ir.RegexLocationCI {
				inner = append(inner, n)
			}
		}
		for _, c := range order(inner, in(p)) {
			c.except = append(c.except, longer(p, false)...)
			out = append(out, c)
		}
	}
	for _, p := range prefixes {
		if p.Modifier == ir.NoRegexLocation {
			for _, c := range nested(p, in(p)) {
				c.except = append(c.except, longer(p, true)...)
				out = append(out, c)
			}
			out = append(out, choice{p, around, longer(p, true)})
		}
	}
	for _, r := range regexes {
		out = append(out, order(locations(r), in(r))...)
		out = append(out, choice{r, around, nil})
	}
	for _, p := range prefixes {
		if p.Modifier == ir.PrefixLocation {
			out = append(out, nested(p, in(p))...)
			out = append(out, choice{p, around, nil})
		}
	}
	return out
}

// nested are the prefix locations inside a prefix location.
func nested(p *ir.Scope, around []*ir.Scope) []choice {
	var inner []*ir.Scope
	for _, n := range locations(p) {
		if n.Modifier == ir.PrefixLocation || n.Modifier == ir.NoRegexLocation {
			inner = append(inner, n)
		}
	}
	return order(inner, around)
}

// locations are those directly in a scope.
func locations(s *ir.Scope) (out []*ir.Scope) {
	for _, it := range s.Items {
		if in, ok := it.(*ir.Scope); ok && in.Kind == ir.ScopeLocation {
			out = append(out, in)
		}
	}
	return out
}

// guardOf is what a path must be like for a location.
func (w *writer) guardOf(s *ir.Scope, captures, stale bool) (subject, bool) {
	switch s.Modifier {
	case ir.ExactLocation:
		if !strings.HasPrefix(s.Path, "/") || !fits(s.Path) {
			return subject{}, false
		}
		return subject{pattern: "^" + quoteMeta(s.Path[1:]) + "$"}, true
	case ir.RegexLocation, ir.RegexLocationCI:
		if s.Pattern == nil || s.Pattern.Err != nil {
			return subject{}, false
		}
		at := w.subjectOf(s.Pattern, captures, stale)
		return at, !at.none
	}
	if !fits(s.Path) {
		return subject{}, false
	}
	if s.Path == "" || s.Path == "/" {
		return anything, true
	}
	if !strings.HasPrefix(s.Path, "/") {
		return subject{}, false
	}
	return subject{pattern: "^" + quoteMeta(s.Path[1:])}, true
}

// location writes one location behind its guard.
func (w *writer) location(v *vhost, c choice, stale, last bool) {
	sc := c.scope
	if len(c.guards) == 0 && w.outside(v, sc) {
		return
	}
	at, ok := w.guardOf(sc, uses(sc.Items), stale)
	if !ok {
		for _, it := range sc.Items {
			if _, isScope := it.(*ir.Scope); !isScope {
				w.drop(&v.body, it, sc, directiveOf(it), "its location cannot be said", "")
			}
		}
		return
	}
	body := &block{}
	s := &script{w: w, b: body, sc: sc, stale: stale, deep: true, ends: new([]jump), ifs: new([]choiceOfIf), tail: true, broke: new(bool)}
	s.methods()
	for _, it := range sc.Items {
		if o, ok := it.(*ir.Opaque); ok && !o.Harmless && !strings.HasPrefix(o.Name, "ssl_") {
			w.drop(body, o, sc, o.Name, notUnderstood(o), "see what it does and say it in httpd's words")
		}
	}
	// the guards: those of the locations around it, what must not hold, its own
	var guards [][]string
	for _, g := range c.guards {
		if gs, ok := w.guardOf(g, false, stale); ok && gs.pattern != "^" || len(gs.conds) > 0 {
			guards = append(guards, unless(gs))
		}
	}
	for _, e := range c.except {
		guards = append(guards, rule(nil, "^"+quoteMeta(strings.TrimPrefix(e, "/")), "-", "S"))
	}
	single := w.only(sc)
	if single != nil && single.Action != ir.ActionRedirect && single.Status >= 400 {
		if p := s.pageFor(single.Status); p != nil && p.entered() {
			single = nil // it goes on in a named location
		}
	}
	merged := single != nil && len(guards) == 0
	if sc.Pattern != nil && sc.Pattern.Re != nil {
		groups := min(sc.Pattern.Re.Groups(), 9)
		s.caps = byRule(at, groups, namesOf(sc.Pattern))
		if !merged && uses(sc.Items) {
			prefix := w.fresh("loc")
			s.caps = byEnv(prefix, groups, namesOf(sc.Pattern))
			var flags []string
			ref := byRule(at, groups, nil)
			for n := 1; n <= groups; n++ {
				flags = append(flags, fmt.Sprintf("E=%s_%d:%s", prefix, n, ref.ref(n)))
			}
			lines := rule(at.conds, at.pattern, "-", flags...)
			body.add(&unit{origin: sc.From(), lines: lines, rules: 1})
		}
		if names := namedGroups(sc.Pattern); len(names) > 0 {
			var flags []string
			ref := byRule(at, groups, nil)
			for i, n := range sc.Pattern.Re.Names() {
				if n != "" && ref.ref(i) != "" {
					flags = append(flags, "E="+strings.ToLower(n)+":"+ref.ref(i))
					w.env[strings.ToLower(n)] = true
				}
			}
			if len(flags) > 0 {
				body.add(&unit{origin: sc.From(), lines: rule(at.conds, at.pattern, "-", flags...), rules: 1})
				merged = false
			}
		}
	}
	if single != nil {
		w.remarkUseless(sc)
	}
	if merged {
		s.answer(single, nil, at)
		v.body.units = append(v.body.units, body.units...)
		return
	}
	if list := own(sc, "internal"); len(list) > 0 {
		closed := []string{"%{ENV:REDIRECT_STATUS} ^$"}
		if stale {
			closed = append(closed, "%{ENV:"+moved+"} ^$")
		}
		s.put(list[0], "internal", rule(closed, "^", "-", "R=404,L"))
	}
	if r := takesAll(sc); r != nil && len(guards) == 0 && !s.more() {
		s.rewrite(r, nil)
		v.body.units = append(v.body.units, body.units...)
		return
	}
	goesOn := s.items(sc.Items)
	if goesOn && s.stale && !stale && !endsInBreak(sc) {
		// nginx chooses a location again once the script has changed the path; a break jumps over this
		body.add(&unit{origin: sc.From(), lines: rule([]string{condition("/$0<>%{REQUEST_URI}", `!^(.*)<>\1$`)}, ".*", "-", "L"), rules: 1})
	}
	s.settleJumps()
	if goesOn {
		goesOn = s.contents(v, at)
	}
	n := body.rules()
	if n == 0 && last {
		v.body.units = append(v.body.units, body.units...)
		return
	}
	if goesOn && !last {
		flag := "L"
		if *s.broke {
			flag = "END"
		}
		body.add(&unit{origin: sc.From(), lines: rule(nil, "^", "-", flag), rules: 1})
		n++
	}
	body.tidy()
	n = body.rules()
	if len(guards) == 0 && (at.pattern != "^" || len(at.conds) > 0) && body.spread(at) {
		v.body.units = append(v.body.units, body.units...)
		return
	}
	if at.pattern != "^" || len(at.conds) > 0 {
		guards = append(guards, unless(at))
	}
	if n == 1 && len(guards) == 1 && at.pattern != "^" && len(at.conds) == 0 && len(c.except) == 0 && len(c.guards) == 0 && onlyEnd(body) {
		// nothing to do here but to stop
		v.body.add(&unit{item: nil, origin: sc.From(), lines: rule(nil, at.pattern, "-", "L"), rules: 1})
		v.body.units = append(v.body.units, withoutRules(body.units)...)
		return
	}
	for i, g := range guards {
		skip := n + len(guards) - 1 - i
		last := len(g) - 1
		if strings.HasSuffix(g[last], "[S]") {
			g[last] = strings.TrimSuffix(g[last], "[S]") + fmt.Sprintf("[S=%d]", skip)
		}
		v.body.add(&unit{origin: sc.From(), lines: g, rules: 1})
	}
	v.body.units = append(v.body.units, body.units...)
}

// endsInBreak tells whether the script of a location always ends in a break, which keeps the request in it.
func endsInBreak(sc *ir.Scope) bool {
	for _, it := range sc.Items {
		if r, ok := it.(*ir.Rule); ok && r.Keyword == ir.NginxBreak {
			return true
		}
	}
	return false
}

// onlyEnd tells whether the only rule of a block is the one that stops.
func onlyEnd(b *block) bool {
	for _, u := range b.units {
		if u.rules > 0 && (len(u.lines) != 1 || u.lines[0] != "RewriteRule ^ - [L]") {
			return false
		}
	}
	return true
}

func withoutRules(list []*unit) (out []*unit) {
	for _, u := range list {
		if u.rules == 0 {
			out = append(out, u)
		}
	}
	return out
}

// unless is a rule that skips when a path is not like that; the number is put in later.
func unless(at subject) []string {
	if len(at.conds) > 0 {
		pat := "^"
		if at.pattern == ".*" {
			pat = ".*"
		}
		return rule([]string{negate(at.conds[0])}, pat, "-", "S")
	}
	return rule(nil, "!"+at.pattern, "-", "S")
}

// only is the one return that a location consists of; nil when there is more in it.
func (w *writer) only(sc *ir.Scope) *ir.Rule {
	var found *ir.Rule
	for _, it := range sc.Items {
		switch it := it.(type) {
		case *ir.Rule:
			if it.Keyword != ir.NginxReturn || found != nil {
				return nil
			}
			found = it
		case *ir.Assign:
			return nil
		case *ir.Scope:
			if it.Kind == ir.ScopeIf || it.Kind == ir.ScopeLocation {
				return nil
			}
		case *ir.Setting:
			if it.Name == "internal" {
				return nil
			}
		}
	}
	return found
}

// takesAll is the one rewrite that a prefix location consists of, when it ends the script and takes every path that the
// location takes: it needs no guard.
func takesAll(sc *ir.Scope) *ir.Rule {
	if sc.Modifier != ir.PrefixLocation && sc.Modifier != ir.NoRegexLocation || len(sc.Items) != 1 {
		return nil
	}
	r, ok := sc.Items[0].(*ir.Rule)
	if !ok || r.Keyword != ir.NginxRewrite || r.Flow == ir.FlowNext || r.Pattern == nil || r.Pattern.Re == nil {
		return nil
	}
	space := pattern.NewSpace(5000)
	l, ok := space.Subjects(r.Pattern.Re.Tree())
	if !ok {
		return nil
	}
	// a line feed in a path is as good as never asked for, and a dot does not take it
	var feed pattern.ByteSet
	feed.Add('\n')
	if yes, _, known := space.Includes(l, space.Concat(space.Text(sc.Path), space.Bytes(feed.Not(), 0, -1))); !yes || !known {
		return nil
	}
	return r
}

// remarkUseless speaks of settings beside a return, which nobody reaches.
func (w *writer) remarkUseless(sc *ir.Scope) {
	for _, it := range sc.Items {
		if set, ok := it.(*ir.Setting); ok {
			if w.noted[set] != nil {
				continue
			}
			if set.Name == "add_header" || set.Name == "expires" {
				w.headers(sc, set)
				continue
			}
			w.remark(set.Origin, set.Name, "never used: the location always answers by return")
		}
	}
}

// server writes one server block.
func (w *writer) server(v *vhost) {
	sc := v.scope
	w.root, w.current = v.root, v
	s := &script{w: w, b: &v.body, sc: sc, caps: noCaptures, ends: new([]jump), broke: new(bool)}
	w.settings(v)
	w.patternNames(v)
	s.nameGroups()
	start := len(v.body.units)
	goesOn := s.items(sc.Items)
	s.settleJumps()
	if w.forms.once {
		own := v.body.units[start:]
		n := 0
		for _, u := range own {
			n += u.rules
		}
		if n > 0 {
			guard := &unit{origin: sc.From(), lines: rule([]string{"%{ENV:REDIRECT_STATUS} !^$"}, "^", "-", fmt.Sprintf("S=%d", n)), rules: 1}
			v.body.units = append(v.body.units[:start:start], append([]*unit{guard}, own...)...)
		}
	}
	if !goesOn {
		v.whole = true
		for _, l := range locations(sc) {
			w.unreached(v, l)
		}
		return
	}
	w.slashes(v, sc)
	list := order(locations(sc), nil)
	for i, c := range list {
		w.location(v, c, s.stale, i == len(list)-1 && !w.serverContent(sc))
	}
	// what no location takes
	if w.serverContent(sc) {
		rest := &script{w: w, b: &v.body, sc: sc, stale: s.stale, deep: true, ends: new([]jump), broke: new(bool)}
		rest.content(v, anything)
	}
}

// nameGroups puts the groups of a server name into the environment.
func (s *script) nameGroups() {
	names := serverNames(s.sc)
	if len(names) != 1 || !strings.HasPrefix(names[0], "~") {
		return
	}
	p := ir.NewPattern(names[0][1:], s.sc.Span, pattern.Nginx)
	if p.Err != nil || p.Re.Groups() == 0 || !fits(p.Text) {
		return
	}
	if !asksFor(s.sc, namesOf(p)) {
		return
	}
	groups := min(p.Re.Groups(), 9)
	var flags []string
	for n := 1; n <= groups; n++ {
		flags = append(flags, fmt.Sprintf("E=host_%d:%%%d", n, n))
	}
	s.b.add(&unit{origin: s.sc.From(), lines: rule([]string{condition("%{SERVER_NAME}", guardBang(p.Text), "NC")}, "^", "-", flags...), rules: 1})
	s.caps = byEnv("host", groups, nil)
	for name, n := range namesOf(p) {
		s.w.named1[name] = fmt.Sprintf("%%{ENV:host_%d}", n)
	}
}

// slashes adds the slash that nginx adds to the names of locations with a backend.
func (w *writer) slashes(v *vhost, sc *ir.Scope) {
	all := locations(sc)
	for _, l := range all {
		if l.Modifier == ir.PrefixLocation || l.Modifier == ir.NoRegexLocation {
			w.slashes(v, l)
		}
		if l.Modifier != ir.PrefixLocation && l.Modifier != ir.NoRegexLocation && l.Modifier != ir.ExactLocation || !strings.HasSuffix(l.Path, "/") || len(l.Path) < 2 || !fits(l.Path) {
			continue
		}
		pass := false
		for _, name := range passes {
			pass = pass || len(own(l, name)) > 0
		}
		for _, other := range all {
			if other.Path+"/" == l.Path && (other.Modifier == ir.ExactLocation || other.Modifier == ir.PrefixLocation || other.Modifier == ir.NoRegexLocation) {
				pass = false
			}
		}
		if pass {
			v.body.add(&unit{origin: l.From(), lines: rule(nil, "^"+quoteMeta(strings.Trim(l.Path, "/"))+"$", "%{REQUEST_SCHEME}://%{SERVER_NAME}"+escapeLiteral(l.Path), "R=301", "L"), rules: 1})
		}
	}
}

// serverContent tells whether the server level itself says how to answer.
func (w *writer) serverContent(sc *ir.Scope) bool {
	for _, it := range sc.Items {
		set, ok := it.(*ir.Setting)
		if !ok {
			continue
		}
		switch set.Name {
		case "try_files", "deny", "allow":
			return true
		case "error_page":
			if p, ok := readErrorPage(set); ok && p.byRules() {
				return true
			}
		}
	}
	return false
}

// unreached says of the rules of a location that they never run.
func (w *writer) unreached(v *vhost, sc *ir.Scope) {
	for _, it := range sc.Items {
		switch it := it.(type) {
		case *ir.Scope:
			w.unreached(v, it)
		case *ir.Rule, *ir.Assign:
			w.note(it, sc, directiveOf(it), emit.Exact, "never runs: the server answers before a location is chosen", "")
		case *ir.Setting:
			w.remark(it.Origin, it.Name, "never used: the server answers before a location is chosen")
		}
	}
}

// below gives a folder as seen from the document root; ok is false when it lies elsewhere.
func (w *writer) below(dir string) (string, bool) {
	dir = path.Clean(dir)
	if dir == w.root {
		return "", true
	}
	return strings.CutPrefix(dir, w.root+"/")
}
