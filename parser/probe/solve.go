package probe

import (
	"iter"
	"net/netip"
	"strconv"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/sim"
)

// Limits of the search for one rule's requests.
const (
	maxAsked = 24 // questions to the simulator
	maxTries = 6  // refinements, each by what went wrong before
)

// Requests are requests that are likely to make a rule take effect: the shortest its pattern allows, one with every
// optional part, one for each alternative, with what its conditions, its section and its server want. At most max
// (0: 8) are given; those for which the simulator says that the rule took effect come first and have Reached set.
// When the budget is spent there are none.
func (s *Site) Requests(r *ir.Rule, max int) []Probe {
	if max <= 0 {
		max = 8
	}
	if k, ok := s.known[r]; ok && k.max >= max {
		return k.list[:min(max, len(k.list)):min(max, len(k.list))]
	}
	list := s.requests(r, max, true)
	if s.known == nil {
		s.known = map[*ir.Rule]knownRequests{}
	}
	if !s.Spent() {
		s.known[r] = knownRequests{max, list}
	}
	return list[:len(list):len(list)]
}

// knownRequests are the answer to an earlier question for a rule's requests.
type knownRequests struct {
	max  int
	list []Probe
}

// requests with more unset stops at the first request that reaches the rule.
func (s *Site) requests(r *ir.Rule, max int, more bool) []Probe {
	if max <= 0 {
		max = 8
	}
	if s.Spent() || r.Disabled {
		return nil
	}
	if (!more || isExact(r)) && s.isPlain(r) {
		n := max
		if !more {
			n = 1
		}
		if list := s.plainRequests(r, n); len(list) > 0 {
			return list
		}
	}
	v := s.solver(r)
	defer func() { s.spent += derivationWork * v.sp.Size() }()
	var reached, others []Probe
	seen := map[string]bool{}
	asked := 0
	queue := v.wants()
	for tries := 0; len(queue) > 0 && tries < maxTries+len(queue) && asked < maxAsked; tries++ {
		w := queue[0]
		queue = queue[1:]
		var blocked []*want
		for p := range v.probes(w, max) {
			if k := key(p); seen[k] {
				continue
			} else {
				seen[k] = true
			}
			if asked++; asked > maxAsked || len(reached) >= max || s.Spent() {
				break
			}
			o := s.Ask(p)
			if HasFired(&o, r) {
				p.Reached = true
				reached = append(reached, p)
				if !more {
					return reached
				}
				continue
			}
			others = append(others, p)
			if len(reached) == 0 && len(blocked) == 0 {
				blocked = v.around(w, &o)
			}
		}
		if len(reached) >= max {
			break
		}
		if len(reached) == 0 {
			queue = append(blocked, queue...)
		} else if more && len(queue) > 2 {
			queue = queue[:2]
		}
	}
	out := append(reached, others...)
	return out[:min(len(out), max)]
}

// Reach is one request for which a rule takes effect, as the simulator says; ok is false when none was found.
func (s *Site) Reach(r *ir.Rule) (p Probe, ok bool) {
	list := s.requests(r, 4, false)
	if len(list) > 0 && list[0].Reached {
		return list[0], true
	}
	return Probe{}, false
}

func key(p Probe) string {
	var b strings.Builder
	b.WriteString(p.Request.Method + " " + URL(p.Request))
	for _, h := range p.Request.Header {
		b.WriteString("\n" + h[0] + ":" + h[1])
	}
	for _, list := range [][]string{p.Exists, p.Missing, {p.Client}} {
		b.WriteString("\n" + strings.Join(list, "\x00"))
	}
	return b.String()
}

func (s *Site) solver(r *ir.Rule) *solver {
	v := &solver{s: s, sp: space(), rule: r, scope: s.Scope(r), texts: map[string]pattern.Language{}}
	v.host, v.root = hostOf(v.scope), s.rootOf(v.scope)
	v.prefix = "/"
	if s.Program.Server == ir.Apache {
		dir, perDir, known := directory(v.scope)
		if v.perDir = perDir; perDir && known {
			v.dir = dir + "/"
			if prefix, ok := urlPrefix(v.root, dir); ok {
				v.prefix = prefix
			}
		} else if perDir {
			v.dir = v.root + "/"
		}
	}
	return v
}

// wants are the ways in which everything the rule asks of a request can be met.
func (v *solver) wants() []*want {
	w := &want{vars: map[string]pattern.Language{}}
	w.vars[varPath] = v.re(`^/`)
	ways := v.sections([]*want{w})
	ways = v.each(ways, func(w *want) []*want { return v.matches(w, v.rule, true) })
	for _, r := range v.chained() {
		ways = v.each(ways, func(w *want) []*want { return v.matches(w, r, true) })
		ways = v.conditions(ways, r)
	}
	return v.conditions(ways, v.rule)
}

func (v *solver) each(ways []*want, f func(*want) []*want) []*want {
	var out []*want
	for _, w := range ways {
		out = append(out, f(w)...)
	}
	return bounded(out)
}

// conditions adds those of a rule.
func (v *solver) conditions(ways []*want, r *ir.Rule) []*want {
	for _, group := range r.CNF() {
		if group[len(group)-1].Or {
			continue // always true
		}
		var next []*want
		for _, w := range ways {
			for _, c := range group {
				next = append(next, v.condition(w, c, true, r, 0)...)
			}
		}
		ways = bounded(next)
	}
	return ways
}

// chained are the rules before this one in its chain ([C]) that leave the URL as it is.
func (v *solver) chained() []*ir.Rule {
	if v.s.Program.Server != ir.Apache || v.scope == nil {
		return nil
	}
	var out []*ir.Rule
	at := v.s.places[v.rule].index
	for i := at - 1; i >= 0 && len(out) < 8; i-- {
		r, ok := v.scope.Items[i].(*ir.Rule)
		if !ok || r.Keyword != ir.RewriteRule {
			continue
		}
		if !r.Chain {
			break
		}
		if r.Target == nil {
			out = append(out, r)
		}
	}
	return out
}

// matches demands that a rule's pattern matches, or with holds unset that it does not.
func (v *solver) matches(w *want, r *ir.Rule, holds bool) []*want {
	l, ok := v.matchLanguage(r)
	if !ok {
		return []*want{w}
	}
	if !holds {
		l = v.sp.Not(l)
	}
	return v.set(w, varPath, l)
}

// matchLanguage is the set of paths that a rule's pattern matches.
func (v *solver) matchLanguage(r *ir.Rule) (pattern.Language, bool) {
	switch r.Match {
	case ir.MatchSegment:
		if r.Path == "" {
			return v.sp.All(), false
		}
		if strings.HasSuffix(r.Path, "/") {
			return v.sp.Concat(v.sp.Text(r.Path), v.sp.All()), true
		}
		return v.sp.Concat(v.sp.Text(r.Path), v.re(`^(?:/|$)`)), true
	case ir.MatchRegex:
		l, ok := v.subjects(r.Pattern)
		if !ok {
			return l, false
		}
		if r.Negated {
			l = v.sp.Not(l)
		}
		if v.perDir && r.Keyword == ir.RewriteRule {
			l = v.sp.Concat(v.sp.Text(v.prefix), l)
		}
		return l, true
	}
	return v.sp.All(), true
}

// sections adds what the sections around the rule ask of the request.
func (v *solver) sections(ways []*want) []*want {
	var inner *ir.Scope
	for sc := v.scope; sc != nil; inner, sc = sc, sc.Parent {
		if v.s.Program.Server == ir.Nginx {
			ways = v.nginxSection(ways, sc, inner)
			continue
		}
		switch sc.Kind {
		case ir.ScopeHtaccess, ir.ScopeDirectory:
			if v.prefix != "/" {
				ways = v.each(ways, func(w *want) []*want { return v.set(w, varPath, v.sp.Concat(v.sp.Text(v.prefix), v.sp.All())) })
			}
		case ir.ScopeLocation:
			if !strings.ContainsAny(sc.Path, "*?[") {
				l := v.sp.Concat(v.sp.Text(strings.TrimSuffix(sc.Path, "/")), v.re(`^(?:/|$)`))
				ways = v.each(ways, func(w *want) []*want { return v.set(w, varPath, l) })
			}
		case ir.ScopeLocationMatch:
			if l, ok := v.subjects(sc.Pattern); ok {
				ways = v.each(ways, func(w *want) []*want { return v.set(w, varPath, l) })
			}
		case ir.ScopeIf:
			ways = v.each(ways, func(w *want) []*want { return v.expr(w, sc.Expr, true, 0) })
		case ir.ScopeHost:
			ways = v.virtualHost(ways, sc)
		}
	}
	return ways
}

func (v *solver) virtualHost(ways []*want, sc *ir.Scope) []*want {
	var names []string
	tls := false
	for _, item := range sc.Items {
		if set, ok := item.(*ir.Setting); ok {
			switch set.Name {
			case "ServerName", "ServerAlias":
				for _, a := range set.Args {
					names = append(names, a.Text)
				}
			case "SSLEngine":
				tls = strings.EqualFold(set.Arg(0), "on")
			}
		}
	}
	for _, a := range sc.Args {
		if i := strings.LastIndexByte(a.Text, ':'); i >= 0 && a.Text[i+1:] != "*" {
			port := a.Text[i+1:]
			ways = v.each(ways, func(w *want) []*want { return v.set(w, varPort, v.sp.Text(port)) })
			tls = tls || port == "443"
			break
		}
	}
	if tls {
		ways = v.each(ways, func(w *want) []*want { return v.set(w, varScheme, v.sp.Text("https")) })
	}
	return v.named(ways, names)
}

// named demands one of the names of a server.
func (v *solver) named(ways []*want, names []string) []*want {
	l := v.sp.Not(v.sp.All())
	for _, n := range names {
		n = strings.ToLower(n)
		if i := strings.Index(n, "://"); i >= 0 {
			n = n[i+3:]
		}
		if strings.HasPrefix(n, "~") {
			if t, err := pattern.Parse(n[1:], pattern.Options{IgnoreCase: true}); err == nil {
				if sub, ok := v.sp.Subjects(t); ok {
					l = v.sp.Or(l, sub)
				}
			}
			continue
		}
		if n != "" && n != "_" {
			l = v.sp.Or(l, v.hostKey(hostName(n)))
		}
	}
	if l == v.sp.Not(v.sp.All()) {
		return ways
	}
	return v.each(ways, func(w *want) []*want { return v.set(w, varHost, l) })
}

func (v *solver) nginxSection(ways []*want, sc, inner *ir.Scope) []*want {
	switch sc.Kind {
	case ir.ScopeLocation:
		if l, ok := v.location(sc); ok {
			ways = v.each(ways, func(w *want) []*want { return v.set(w, varPath, l) })
		}
	case ir.ScopeIf:
		ways = v.each(ways, func(w *want) []*want { return v.condition(w, sc.If, true, nil, 0) })
	case ir.ScopeHost:
		var names []string
		var ports []string
		tls := false
		for _, item := range sc.Items {
			set, ok := item.(*ir.Setting)
			if !ok {
				continue
			}
			switch set.Name {
			case "server_name":
				for _, a := range set.Args {
					names = append(names, a.Text)
				}
			case "listen":
				a := set.Arg(0)
				port := a[strings.LastIndexByte(a, ':')+1:]
				if _, err := strconv.Atoi(port); err != nil {
					port = "80"
				}
				for _, word := range set.Args[min(1, len(set.Args)):] {
					tls = tls || word.Text == "ssl"
				}
				if strings.HasPrefix(a, "unix:") {
					continue
				}
				ports = append(ports, port)
			}
		}
		if len(ports) > 0 {
			l := v.sp.Not(v.sp.All())
			for _, p := range ports {
				l = v.sp.Or(l, v.sp.Text(p))
			}
			ways = v.each(ways, func(w *want) []*want { return v.set(w, varPort, l) })
			if tls && len(ports) == 1 {
				ways = v.each(ways, func(w *want) []*want { return v.set(w, varScheme, v.sp.Text("https")) })
			}
		} else if sc.File != nil {
			ways = v.each(ways, func(w *want) []*want { return v.set(w, varPort, v.sp.Text("80")) })
		}
		return v.named(ways, names)
	}
	return ways
}

// location is the set of paths that a location's own name allows; ok is false when any path may come there.
func (v *solver) location(sc *ir.Scope) (pattern.Language, bool) {
	switch sc.Modifier {
	case ir.ExactLocation:
		return v.sp.Text(sc.Path), true
	case ir.RegexLocation, ir.RegexLocationCI:
		return v.subjects(sc.Pattern)
	case ir.NamedLocation:
		return v.sp.All(), false
	}
	return v.sp.Concat(v.sp.Text(sc.Path), v.sp.All()), sc.File != nil
}

// around gives other wants after an answer in which the rule took no effect: without what took its place.
func (v *solver) around(w *want, o *sim.Outcome) []*want {
	var out []*want
	if v.s.Program.Server == ir.Nginx {
		out = append(out, v.aroundLocation(w, o)...)
	}
	fired := Fired(o)
	if len(fired) == 0 {
		return out
	}
	b := fired[0]
	for _, r := range fired {
		if r.Action != ir.ActionNone {
			b = r
			break
		}
	}
	if v.s.places[b] != nil && v.s.places[b].scope == v.scope || v.s.Program.Server == ir.Nginx {
		if b.Match != ir.MatchAll {
			out = append(out, v.matches(w, b, false)...)
		}
	}
	for _, group := range b.CNF() {
		ways := []*want{w}
		for _, c := range group {
			ways = v.each(ways, func(w *want) []*want { return v.condition(w, c, false, b, 0) })
		}
		out = append(out, ways...)
	}
	for sc := v.s.Scope(b); sc != nil; sc = sc.Parent {
		if sc.If != nil && !within(v.scope, sc) {
			out = append(out, v.condition(w, sc.If, false, nil, 0)...)
		}
	}
	return bounded(out)
}

func within(sc, outer *ir.Scope) bool {
	for ; sc != nil; sc = sc.Parent {
		if sc == outer {
			return true
		}
	}
	return false
}

// aroundLocation keeps out of the location that was chosen instead.
func (v *solver) aroundLocation(w *want, o *sim.Outcome) []*want {
	if len(o.Via) == 0 || v.host == nil {
		return nil
	}
	name := strings.TrimPrefix(o.Via[0], "=")
	var out []*want
	var walk func(sc *ir.Scope)
	walk = func(sc *ir.Scope) {
		for _, item := range sc.Items {
			in, ok := item.(*ir.Scope)
			if !ok || in.Kind != ir.ScopeLocation || len(out) > 0 {
				continue
			}
			if in.Path == name && !within(v.scope, in) {
				if l, ok := v.location(in); ok {
					out = v.set(w, varPath, v.sp.Not(l))
				}
			}
			walk(in)
		}
	}
	walk(v.host)
	return out
}

// probes are requests for one want, made one by one as they are asked for.
func (v *solver) probes(w *want, max int) iter.Seq[Probe] {
	return func(yield func(Probe) bool) {
		v.paths(w, max, func(path string) bool {
			p, ok := v.build(w, path)
			return !ok || yield(p)
		})
	}
}

// plainPath are the paths that reach a server as they are written, and that people write.
const plainPath = `^/[A-Za-z0-9._~!$&'()*+,;=:@/ %-]*$`

// paths gives up to max paths the want allows to yield, the likeliest first, until it has enough.
func (v *solver) paths(w *want, max int, yield func(string) bool) {
	l := w.vars[varPath]
	odd := v.re(`//|/\.\.?(?:/|$)`)
	plain := v.sp.And(v.sp.And(l, v.re(plainPath)), v.sp.Not(odd))
	seen := map[string]bool{}
	enough := false
	add := func(path string) bool {
		if !enough && !seen[path] && len(seen) < max {
			if yes, known := v.sp.Contains(plain, path); yes || !known {
				seen[path] = true
				enough = !yield(path)
			}
		}
		return !enough && len(seen) < max
	}
	v.likely(add)
	for range 3 {
		if enough || len(seen) >= max {
			return
		}
		text, ok, known := v.sp.Shortest(plain)
		if !ok || !known {
			break
		}
		add(text)
		plain = v.sp.And(plain, v.sp.Not(v.sp.Text(text)))
	}
	if len(seen) == 0 {
		if text, ok, known := v.sp.Shortest(v.sp.And(l, v.re(`^[^\x00]*$`))); ok && known {
			yield(text)
		}
	}
}

// likely gives paths that the rule's own pattern, or the location it stands in, is likely to allow, until add wants no more.
func (v *solver) likely(add func(string) bool) {
	r := v.rule
	prefix := ""
	if v.perDir && r.Keyword == ir.RewriteRule {
		prefix = v.prefix
	}
	texts := func(p *ir.Pattern) bool {
		for t := range samples(p.Re.Tree()) {
			if !add(prefix+t) || !strings.HasPrefix(prefix+t, "/") && !add("/"+t) || !add(strings.TrimSuffix(v.prefix, "/")+"/x"+t) {
				return false
			}
		}
		return true
	}
	each := func(list ...string) bool {
		for _, p := range list {
			if !add(p) {
				return false
			}
		}
		return true
	}
	switch {
	case r.Match == ir.MatchSegment:
		bare := strings.TrimSuffix(r.Path, "/")
		each(r.Path, bare+"/x", bare+"/")
	case r.Match == ir.MatchRegex && !r.Negated && r.Pattern != nil && r.Pattern.Re != nil:
		texts(r.Pattern)
	default:
		for sc := v.scope; sc != nil; sc = sc.Parent {
			if sc.Kind != ir.ScopeLocation {
				continue
			}
			if sc.Pattern != nil && sc.Pattern.Re != nil {
				if !texts(sc.Pattern) {
					return
				}
			} else if !each(sc.Path, strings.TrimSuffix(sc.Path, "/")+"/x") {
				return
			}
		}
		each(v.prefix, v.prefix+"x", v.prefix+"a/b")
	}
}

// build makes the request for a path.
func (v *solver) build(w *want, path string) (p Probe, ok bool) {
	q := &p.Request
	q.Method, q.Target = "GET", escape(path, "")
	if l, asked := w.vars[varMethod]; asked {
		if q.Method, ok = v.pick(l, `^[A-Z]+$`, "GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"); !ok {
			return p, false
		}
	}
	query := ""
	if l, asked := w.vars[varQuery]; asked {
		if query, ok = v.pick(l, "^[!\"$-;=?-~]*$", ""); !ok {
			return p, false
		}
	}
	q.Version = "1.1"
	if l, asked := w.vars[varProto]; asked {
		text, ok := v.pick(l, `^HTTP/1\.[01]$`, "HTTP/1.1", "HTTP/1.0")
		if !ok {
			return p, false
		}
		q.Version = strings.TrimPrefix(text, "HTTP/")
	}
	if query != "" {
		q.Target += "?" + query
	}
	if !v.address(w, q) || !v.headers(w, &p) || !v.target(w, q) {
		return p, false
	}
	return p, v.wishes(w, path, &p)
}

// pick takes the first of the proposals that belongs to a language, or the shortest of its subjects that a pattern allows.
func (v *solver) pick(l pattern.Language, plain string, proposals ...string) (string, bool) {
	for _, t := range proposals {
		if yes, known := v.sp.Contains(l, t); yes && known {
			return t, true
		}
	}
	text, ok, known := v.sp.Shortest(v.sp.And(l, v.re(plain)))
	return text, ok && known
}

// address chooses host, scheme and port.
func (v *solver) address(w *want, q *sim.Request) bool {
	proposals := append(append([]string{}, v.s.Hosts()...), v.s.world.ServerName)
	q.Host = proposals[0]
	if l, asked := w.vars[varHost]; asked {
		var ok bool
		if q.Host, ok = v.pick(l, `^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)+$`, proposals...); !ok {
			if q.Host, ok = v.pick(l, `^[a-z0-9.-]+$`); !ok {
				return false
			}
		}
	}
	q.Scheme = "http"
	l, asked := w.vars[varScheme]
	if asked {
		var ok bool
		if q.Scheme, ok = v.pick(l, `^https?$`, "http", "https"); !ok {
			return false
		}
	}
	port, wanted := w.vars[varPort]
	if !wanted {
		return true
	}
	if yes, _ := v.sp.Contains(port, strconv.Itoa(defaultPort(q.Scheme))); yes {
		return true
	}
	if yes, _ := v.sp.Contains(port, "443"); yes {
		if !asked {
			q.Scheme = "https"
			return true
		}
		if other, _ := v.sp.Contains(l, "https"); other {
			q.Scheme = "https"
			return true
		}
	}
	text, ok := v.pick(port, `^[1-9][0-9]{0,3}$`, "8080", "8443")
	if !ok {
		return false
	}
	q.Port, _ = strconv.Atoi(text)
	if q.Port == 443 && !asked {
		q.Scheme, q.Port = "https", 0
		return true
	}
	q.Host += ":" + text
	return true
}

// headers adds request headers and the client.
func (v *solver) headers(w *want, p *Probe) bool {
	for name, l := range w.vars {
		if name == varClient {
			text, ok := v.pick(l, `^(?:[1-9]\d?)(?:\.[1-9]\d?){3}$`, "127.0.0.1", "203.0.113.9")
			if _, err := netip.ParseAddr(text); !ok || err != nil {
				return false
			}
			if text != "127.0.0.1" {
				p.Client = text
			}
			continue
		}
		header, ok := strings.CutPrefix(name, "h:")
		if !ok {
			continue
		}
		value, ok := v.pick(l, `^[!-~](?:[ -~]*[!-~])?$`, "")
		if !ok {
			return false
		}
		if value != "" {
			p.Request.Header = append(p.Request.Header, [2]string{canonical(header), value})
		}
	}
	sortHeaders(p.Request.Header)
	return true
}

// target solves demands on the request line or the raw target together with those on the parts of it.
func (v *solver) target(w *want, q *sim.Request) bool {
	line, hasLine := w.vars[varLine]
	raw, hasRaw := w.vars[varTarget]
	if !hasLine && !hasRaw {
		return true
	}
	path, query, has := strings.Cut(q.Target, "?")
	l := v.sp.Text(path)
	wanted, asked := w.vars[varQuery]
	switch {
	case !asked:
		l = v.sp.Concat(l, v.re("^(?:\\?[!\"$-;=?-~]*)?$"))
	case has:
		more := v.sp.And(wanted, v.re("^[!\"$-;=?-~]*$"))
		l = v.sp.Concat(l, v.sp.Concat(v.sp.Text("?"), more))
	default:
		_ = query
	}
	if hasRaw {
		l = v.sp.And(l, raw)
	}
	if hasLine {
		l = v.sp.Concat(v.sp.Concat(v.sp.Text(q.Method+" "), l), v.sp.Text(" HTTP/"+q.Version))
		l = v.sp.And(l, line)
	}
	text, ok, known := v.sp.Shortest(l)
	if !known {
		return true
	}
	if !ok {
		return false
	}
	if hasLine {
		text = strings.TrimSuffix(strings.TrimPrefix(text, q.Method+" "), " HTTP/"+q.Version)
	}
	q.Target = text
	return true
}

// wishes turns the file tests of a want into what the probe assumes.
func (v *solver) wishes(w *want, path string, p *Probe) bool {
	for _, f := range w.files {
		name, ok := v.fileName(&f, path)
		if !ok {
			continue
		}
		folder := false
		switch f.op {
		case "-d":
			folder = true
		case "-f", "-s", "-e", "-x":
		default:
			if !f.not {
				continue
			}
		}
		clean := strings.TrimSuffix(name, "/")
		switch {
		case f.not && f.op == "-d" && v.s.files.folders[clean]:
			return false
		case f.not:
			if !contains(p.Exists, clean) && !v.s.files.folders[clean] {
				p.Missing = append(p.Missing, clean)
			}
		case contains(p.Missing, clean):
			return false
		case folder:
			p.Exists = append(p.Exists, clean+"/")
		default:
			if strings.HasSuffix(name, "/") {
				return false
			}
			p.Exists = append(p.Exists, clean)
		}
	}
	return true
}

func contains(list []string, p string) bool {
	for _, e := range list {
		if strings.TrimSuffix(e, "/") == p {
			return true
		}
	}
	return false
}

// fileName expands the name of a file test for a path; ok is false when it is not known.
func (v *solver) fileName(f *fileWish, path string) (string, bool) {
	if f.name == nil {
		return "", false
	}
	var b strings.Builder
	for i := range f.name.Parts {
		part := &f.name.Parts[i]
		switch part.Kind {
		case ir.Literal:
			b.WriteString(part.Text)
		case ir.Variable:
			switch part.Name {
			case "REQUEST_FILENAME", "SCRIPT_FILENAME":
				if v.perDir || part.Space == "LA-U" || part.Space == "LA-F" {
					b.WriteString(v.root)
				}
				b.WriteString(path)
			case "request_filename":
				b.WriteString(v.root + path)
			case "DOCUMENT_ROOT", "document_root", "CONTEXT_DOCUMENT_ROOT":
				b.WriteString(v.root)
			case "REQUEST_URI", "uri", "document_uri", "request_uri":
				b.WriteString(path)
			default:
				return "", false
			}
		case ir.RuleRef:
			if f.rule == nil || f.rule.Pattern == nil || f.rule.Pattern.Re == nil {
				return "", false
			}
			subject := path
			if v.perDir {
				subject = strings.TrimPrefix(path, v.prefix)
			}
			m, _, err := f.rule.Pattern.Re.Match(subject)
			if err != nil {
				return "", false
			}
			b.WriteString(m.Group(part.N))
		default:
			return "", false
		}
	}
	name := b.String()
	return name, strings.HasPrefix(name, "/")
}
