package nginx

import (
	"sort"
	"strings"

	"rewright/emit"
	"rewright/parser/ir"
	"rewright/parser/sim"
	"rewright/parser/source"
)

// layout is where the rules of a .htaccess stand.
type layout uint8

const (
	flat   layout = iota // at the server level: run once
	nested               // in the directory's location: run again after "last", as httpd runs them again
)

// attempt is one way to write the configuration.
type attempt struct {
	program *ir.Program
	docroot string
	layout  layout
	forms   map[*ir.Rule]form
	ids     map[*ir.Rule]int
	dotAll  map[*ir.Rule]bool // rules whose dots match line feeds
	refused map[*ir.Rule]string
	struck  map[ir.Origin]string
	areas   []*area
	closed  *string           // pattern for folders that let nobody in; nil: not looked for yet
	slashes map[*ir.Rule]bool // rules that would answer for folders without their slash
	hidden  map[string]bool   // folders whose names with .ht in front must be kept from the rules
	htm     bool              // .htm and .html are names that rules answer for
	loops   map[*ir.Rule]bool // rules that httpd comes back to for ever when the file they lead to is missing
	names   []string          // of the host, lower case
	goesOn  bool              // the rules of the root's .htaccess stand behind the host's own
	files   sim.FileSystem    // of the document root; nil: not known

	out         output
	bulks       int        // maps of bulk redirects
	bulkKeys    [][]string // of each map of bulk redirects
	units       []*unit    // all, in the order of the output
	locations   []locationBlock
	named       map[string]bool
	remarks     []emit.Remark
	expiryTimes [][2]string
	passwords   map[*area]*password
	addressed   bool    // server {} says which addresses may come in
	eitherSaid  bool    // server {} says satisfy any
	server      []*unit // of the server level
	shut        bool    // the first area's access control
	seen        map[*ir.Setting]bool
	comments    map[string]*commentary
	starts      map[*source.File][]int // lines of all units, sorted
}

// locationBlock is a location of the result.
type locationBlock struct {
	head  string
	units []*unit
	lines []string // before the units
}

func (g *attempt) remark(o ir.Origin, directive, text string) {
	g.remarks = append(g.remarks, emit.Remark{Origin: o, Directive: directive, Text: text})
}

// build writes everything.
func (g *attempt) build(host *area, areas []*area) {
	g.areas = areas
	g.out.maps = map[string]string{"host_port": hostPortMap, "query": queryMap}
	g.named = map[string]bool{}
	if !g.encodedSlashes(host) {
		g.server = append(g.server, &unit{lines: []string{"# httpd answers 404 for an encoded slash in the path (AllowEncodedSlashes Off)", "if ($request_uri ~* ^[^?]*%2f) {", "    return 404;", "}"}})
	}
	flatRoot := g.layout == flat && len(areas) == 1 && areas[0].prefix == "/"
	var hostRules []*unit
	switch {
	case host != nil && g.layout == nested && hostFits(host, areas):
		g.goesOn = len(areas) > 0
		hostRules = g.area(host, true)
	case host != nil:
		g.goesOn = flatRoot && len(areas[0].rules) > 0
		g.server = append(g.server, g.area(host, false)...)
	}
	if len(areas) == 0 {
		if len(hostRules) > 0 {
			g.locations = append(g.locations, locationBlock{head: "location /", units: hostRules})
		}
		g.buckets()
		return
	}
	for _, a := range areas {
		units := append(hostRules, g.area(a, !flatRoot)...)
		if flatRoot {
			var inside []*unit
			for _, u := range units {
				if u.try {
					inside = append(inside, u)
				} else {
					g.server = append(g.server, u)
				}
			}
			if len(inside) > 0 {
				g.locations = append(g.locations, locationBlock{head: "location /", units: inside})
			}
			continue
		}
		if a.prefix != "/" {
			g.slashless(a)
		}
		if len(units) == 0 && a.prefix == "/" {
			continue
		}
		g.locations = append(g.locations, locationBlock{head: "location " + word(a.prefix), units: units})
	}
	g.protectHtaccess()
	g.buckets()
}

// encodedSlashes tells whether the host takes %2F in paths.
func (g *attempt) encodedSlashes(host *area) bool {
	if host == nil {
		return false
	}
	for _, s := range host.settings {
		if strings.EqualFold(s.Name, "AllowEncodedSlashes") && !strings.EqualFold(s.Arg(0), "off") {
			return true
		}
	}
	return false
}

// slashless answers for the directory without its slash: the rules do not run for it, the redirects do.
func (g *attempt) slashless(a *area) {
	c := g.compiler(a, true)
	if line := g.withoutSlash(c, a); line != "" {
		g.locations = append(g.locations, locationBlock{head: "location = " + word(strings.TrimSuffix(a.prefix, "/")), lines: []string{line}})
		return
	}
	l := locationBlock{head: "location = " + word(strings.TrimSuffix(a.prefix, "/"))}
	if p := g.passwordOf(a); p != nil && !p.open && len(a.redirects) == 0 && a.everything == nil {
		if !p.inherited {
			l.lines = append(l.lines, p.lines...)
		}
		l.lines = append(l.lines, "# it gets its slash, as folders do, when the password is right")
		g.locations = append(g.locations, l)
		return
	}
	if a.everything == nil {
		for _, r := range a.redirects {
			if !sendsLocation(r.Status) && r.Action == ir.ActionRedirect {
				continue
			}
			u := c.alias(r, g.forms[r])
			if u.dropped == "" && r.Match == ir.MatchSegment && !strings.HasPrefix(strings.TrimSuffix(a.prefix, "/")+"/", mergeSlashes(r.Path)+"/") && !strings.HasPrefix(strings.TrimSuffix(a.prefix, "/"), mergeSlashes(r.Path)) {
				continue
			}
			l.lines = append(l.lines, u.lines...)
		}
	}
	to, dollar := value([]piece{lit(escapePath(a.prefix))})
	g.out.dollar = g.out.dollar || dollar
	l.lines = append(l.lines, "return 301 "+word(self+to+queryPart)+";")
	g.locations = append(g.locations, l)
}

func (g *attempt) compiler(a *area, inLoc bool) *compiler {
	c := &compiler{out: &g.out, area: a, inLoc: inLoc, server: a.server, ids: g.ids, dotAll: g.dotAll, env: map[string]string{}, reset: map[string]bool{}, shared: map[string]string{}}
	if !a.server {
		c.sub = subject{prefix: a.rulesPrefix}
		c.base = a.rulesPrefix
		if a.base != "" {
			c.hasBase = true
			c.base = a.base
			if !strings.HasSuffix(c.base, "/") {
				c.base += "/"
			}
		}
	}
	c.findEnvironment(a)
	return c
}

func variableName(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if c := s[i]; wordByte(c) {
			b.WriteByte(c)
		} else {
			b.WriteByte('_')
		}
	}
	return strings.ToLower(b.String())
}

// area compiles one area into units in the order in which they take effect.
func (g *attempt) area(a *area, inLoc bool) (list []*unit) {
	c := g.compiler(a, inLoc)
	var settings []*unit
	for _, s := range a.settings {
		if u, ok := c.setEnvIf(s); ok {
			list = append(list, &u)
			continue
		}
		if u, ok := g.setting(a, s); ok {
			settings = append(settings, &u)
		}
	}
	list = append(list, a.forbidden...)
	list = append(list, g.access(c, a)...)
	c.closed = g.closedFolders()
	c.names, c.goesOn, c.slashes, c.loops = g.names, a.server && g.goesOn, g.slashes, g.loops
	c.aliases = a.server && (len(a.redirects) > 0 || a.everything != nil)
	rules := g.rules(c, a)
	redirects := g.redirects(c, a)
	if c.twoSlashes {
		rules = append(rules, &unit{lines: []string{"rewrite ^/(/.*)$ $1;"}})
	}
	inSections, done := g.conditional(c, a)
	redirects = append(inSections, redirects...)
	if a.server {
		list = append(list, g.switchedOff(a, done)...)
		if c.rewritten {
			rules = append([]*unit{{lines: []string{`set $rewritten "";`}}}, append(rules, &unit{lines: ifBlock(test{variable: "$rewritten"}, []string{"break;"})})...)
		}
		list = append(append(list, rules...), redirects...)
	} else {
		rules = answersFirst(rules, len(redirects) > 0, c)
		// mod_alias runs behind the rules, but an answer of its own beats a result inside the server
		at := len(rules)
		for i, u := range rules {
			if u.rule != nil && u.dropped == "" && len(u.lines) > 0 && goesOn(u.rule) {
				at = i
				break
			}
		}
		list = append(append(append(list, rules[:at]...), redirects...), rules[at:]...)
	}
	list = append(append(list, g.mappings(a, c.past)...), g.mappedSections(a, done)...)
	for _, u := range g.sections(a, done) {
		if u.front {
			list = append([]*unit{u}, list...)
		} else {
			list = append(list, u)
		}
	}
	for _, o := range a.opaque {
		if o.Harmless {
			g.remark(o.Origin, o.Name, "does not concern requests")
			continue
		}
		list = append(list, &unit{origin: o.Origin, directive: o.Name, dropped: "not understood", byHand: "see what it does and say it in nginx's words"})
	}
	for _, u := range append(settings[:len(settings):len(settings)], list...) {
		if why := g.struck[u.origin]; why != "" && u.rule == nil {
			u.lines, u.dropped = nil, why
		}
	}
	list = append(c.declare(list), list...)
	if c.usesPathInfo {
		list = append([]*unit{{lines: pathInfoLines(a.prefix)}}, list...)
	}
	if c.usesAsked {
		list = append([]*unit{{lines: []string{"set $" + askedURI + " $uri;"}}}, list...)
	}
	if g.hidden[a.prefix] && !a.server {
		list = append([]*unit{hiddenNames(a.prefix)}, list...)
	}
	if g.out.header {
		g.out.header = false
		list = append([]*unit{sendHeader()}, list...)
	}
	return g.place(once(settings), list, inLoc)
}

// closedFolders is a pattern for the paths of folders whose .htaccess lets nobody in; empty: there is none.
func (g *attempt) closedFolders() string {
	if g.closed != nil {
		return *g.closed
	}
	var list []string
	for _, a := range g.areas {
		var settings []*ir.Setting
		for _, s := range a.settings {
			if isAccess(s.Name) {
				settings = append(settings, s)
			}
		}
		if deny, known := closed(settings); known && deny && len(settings) > 0 && a.prefix != "/" {
			list = append(list, quoteLiteral(a.prefix))
		}
	}
	text := strings.Join(list, "|")
	g.closed = &text
	return text
}

// goesOn tells whether a rule leaves the request inside the server.
func goesOn(r *ir.Rule) bool {
	switch r.Action {
	case ir.ActionRewrite:
		return !isAbsolute(r.Target)
	case ir.ActionNone:
		return r.Flow == ir.FlowLast || r.Flow == ir.FlowEnd
	}
	return false
}

// place puts settings before the first unit that stands behind them in the same file.
func (g *attempt) place(settings, list []*unit, inLoc bool) []*unit {
	var out []*unit
	before := func(s, u *unit) bool {
		return s.origin.File == u.origin.File && s.origin.Span.Start < u.origin.Span.Start
	}
	done := make([]bool, len(settings))
	for _, u := range list {
		for i, s := range settings {
			if !done[i] && before(s, u) {
				out, done[i] = append(out, s), true
			}
		}
		out = append(out, u)
	}
	for i, s := range settings {
		if !done[i] {
			out = append(out, s)
		}
	}
	return out
}

// rules compiles mod_rewrite's.
func (g *attempt) rules(c *compiler, a *area) (list []*unit) {
	last := len(a.rules) - 1
	absorb := false
	list = g.runs(c, a.rules, func(r *ir.Rule) *unit {
		if !a.engine {
			return &unit{origin: r.Origin, directive: string(r.Keyword), rule: r, lines: []string{"# RewriteEngine is off: " + clean(oneLine(r.Origin))}}
		}
		if r.Disabled {
			return nil
		}
		c.last = r == a.rules[last]
		if c.last && g.forms[r] == idiomatic {
			if u, blocks, ok := g.front(c, a, r); ok {
				g.locations = append(g.locations, blocks...)
				absorb = true
				return &u
			}
		}
		u := c.rule(r, g.forms[r])
		g.strike(&u)
		if u.dropped != "" && (r.Chain || r.Skip > 0) {
			// what hangs on it cannot be said either
			c.guards = append(c.guards, guard{test{variable: "$uri", op: "=", operand: ""}, max(r.Skip, 1)})
		}
		return &u
	})
	if absorb {
		list = g.absorbGuard(c, list)
	}
	return list
}

// redirects compiles mod_alias's.
func (g *attempt) redirects(c *compiler, a *area) (list []*unit) {
	add := func(r *ir.Rule) *unit {
		u := c.alias(r, g.forms[r])
		g.strike(&u)
		return &u
	}
	if a.everything != nil {
		list = append(list, add(a.everything))
	}
	return append(list, g.runs(c, a.redirects, add)...)
}

// strike takes out a rule whose translation nginx refuses.
func (g *attempt) strike(u *unit) {
	if why := g.refused[u.rule]; why != "" {
		u.lines, u.dropped = nil, why
	}
}

// access compiles who may come in.
func (g *attempt) access(c *compiler, a *area) (list []*unit) {
	return g.accessOf(c, a, a.settings, nil)
}

// sections compiles <Files> and its kin as far as they say who may come in.
func (g *attempt) sections(a *area, done map[ir.Item]bool) (list []*unit) {
	for _, s := range a.sections {
		list = append(list, g.section(a, s, done)...)
	}
	return list
}

// sourceLines are the lines of a dropped rule, conditions first.
func sourceLines(u *unit) (out []string) {
	if u.rule != nil {
		for _, cnd := range u.rule.Conditions {
			out = append(out, clean(oneLine(cnd.Origin)))
		}
	}
	return append(out, clean(oneLine(u.origin)))
}

// clean makes text fit for a comment.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

// findStarts notes where units begin in their files.
func (g *attempt) findStarts() {
	g.starts = map[*source.File][]int{}
	add := func(list []*unit) {
		for _, u := range list {
			if u.origin.File != nil {
				g.starts[u.origin.File] = append(g.starts[u.origin.File], u.origin.Line())
			}
		}
	}
	add(g.server)
	for _, l := range g.locations {
		add(l.units)
	}
	for _, list := range g.starts {
		sort.Ints(list)
	}
}

// indirect tells whether the block holds units that stand apart from their script.
func (l *locationBlock) indirect() bool { return len(l.units) == 1 && l.units[0].apart }

// once keeps the last of directives that nginx takes only once, as httpd lets the last one count.
func once(list []*unit) []*unit {
	last := map[string]*unit{}
	for _, u := range list {
		if len(u.lines) == 1 {
			switch name, _, _ := strings.Cut(u.lines[0], " "); name {
			case "autoindex", "etag", "expires":
				if old := last[name]; old != nil {
					old.lines = nil
				}
				last[name] = u
			}
		}
	}
	return list
}

// declare gives variables an empty value that rules ask for and nothing sets.
func (c *compiler) declare(list []*unit) (out []*unit) {
	var names []string
	for _, v := range c.env {
		set := false
		for _, u := range list {
			for _, l := range u.lines {
				set = set || strings.HasPrefix(strings.TrimSpace(l), "set $"+v+" ")
			}
		}
		if !set {
			names = append(names, v)
		}
	}
	sort.Strings(names)
	for _, v := range names {
		out = append(out, &unit{lines: []string{"set $" + v + ` "";`}})
	}
	return out
}

// usesOf is the text of all maps but one.
func usesOf(maps map[string]string, but string) string {
	text := ""
	for n, m := range maps {
		if n != but && (strings.HasPrefix(n, "first") || strings.HasPrefix(n, "lower_") || strings.HasPrefix(n, "below")) {
			text += m
		}
	}
	return text
}
