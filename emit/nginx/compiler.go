package nginx

import (
	"fmt"
	"strings"

	"rewright/parser/ir"
)

// form is how a rule is written.
type form uint8

const (
	idiomatic form = iota // as a person would, where that should be equal
	faithful              // also for requests that people do not think of
	forms
)

// unit is what became of one rule or setting.
type unit struct {
	origin    ir.Origin
	directive string
	rule      *ir.Rule // nil for a setting
	lines     []string // directives for the script
	dropped   string   // why there are none
	byHand    string
	caveat    string   // what is known to differ though no request was found that shows it
	kind      string   // directive of nginx, where lists of it are inherited as a whole
	try       bool     // lines are try_files: they belong into a location
	front     bool     // stands before the rules
	after     []string // lines behind all others of the run it belongs to
	apart     bool     // stands in a location of its own
	sees      bool     // the pattern of the rule sees the path of the URL
	wholeURL  bool     // with its first slash
	key       *unitKey // nil: not looked for
	entries   []entry  // of a run of redirects that became maps
}

// output gathers what does not stand in a script.
type output struct {
	bulk   []string          // maps of bulk redirects, in order
	maps   map[string]string // directives for http {} by the variable they make
	dollar bool
	header bool // the block has to send $location as a header
}

// compiler writes the rules of one area: a directory's .htaccess or a host's own.
type compiler struct {
	out             *output
	area            *area
	server          bool // server context: patterns see the whole path, results are not run again
	inLoc           bool // the script stands in a location and is run again after "last"
	sub             subject
	base            string // RewriteBase, or the directory: with a final slash
	hasBase         bool
	env             map[string]string // Apache's variable → nginx's
	fixed           map[string]string // Apache's variable → its one value
	urls            map[string]bool   // variables that hold addresses only
	schemes         map[string]bool   // variables that hold http or https
	onlyInRedirects map[string]bool   // variables that nothing but redirects asks for
	spelledEnv      map[string]bool   // variables of nginx that hold text as the client spelled it
	reset           map[string]bool   // variables that were emptied at the start
	dotAll          map[*ir.Rule]bool // rules whose dots match line feeds
	ids             map[*ir.Rule]int  // numbers that make names of variables unique
	usesRound       bool
	usesPathInfo    bool              // $path_info keeps what follows the first name below the folder
	usesAsked       bool              // $asked_uri keeps the path as it was before the rules
	shared          map[string]string // group of tests, written → variable that holds its outcome
	guards          []guard           // chain and skip conditions in force
	last            bool              // no rule follows that could see the result
	again           *bool             // the rules may be asked about a path that one of them has made; nil: not looked at yet
	closed          string            // pattern for folders that nobody may enter; empty: none
	slashes         map[*ir.Rule]bool // rules that would answer for folders without their slash
	loops           map[*ir.Rule]bool // rules that httpd comes back to for ever when the file they lead to is missing
	names           []string          // of the host, lower case
	aliases         bool              // server context: redirects of mod_alias follow the rules
	goesOn          bool              // server context: the rules of a .htaccess follow in the same script
	past            map[*ir.Rule]bool // aliases that results pass by
	twoSlashes      bool              // a result begins with two slashes until the rules are through
	rewritten       bool              // $rewritten tells that a result is no longer theirs
	stale           bool              // an earlier rule may have changed the path: what the client sent no longer says it
}

// guard is a condition that an earlier rule left for later ones.
type guard struct {
	t    test
	left int // rules it holds for
}

// reason is thrown when a rule cannot be said.
type reason struct{ text, byHand string }

func giveUp(format string, args ...any) { panic(reason{text: fmt.Sprintf(format, args...)}) }

// dropOnReason is deferred where a unit is compiled: one that cannot be said is dropped with the reason, and what was
// begun is undone.
func (u *unit) dropOnReason(undo ...func()) {
	e := recover()
	if e == nil {
		return
	}
	why, ok := e.(reason)
	if !ok {
		panic(e)
	}
	u.lines, u.dropped, u.byHand = nil, why.text, why.byHand
	for _, f := range undo {
		f()
	}
}

// rule compiles one RewriteRule.
func (c *compiler) rule(r *ir.Rule, f form) (u unit) {
	u = unit{origin: r.Origin, directive: string(r.Keyword), rule: r, sees: true, wholeURL: c.server}
	guards := c.guards
	defer u.dropOnReason(func() { c.guards = guards })
	if _, known := c.findsBase(r); known {
		return u // written out where it is asked for
	}
	n, sub, extra := c.normal(r)
	sub.dotAll = c.dotAll[r]
	b := builder{c: c, r: n, f: f, id: c.ids[r], u: &u, sub: sub, extra: extra, source: r}
	b.run()
	return u
}

// builder writes one rule.
type builder struct {
	c     *compiler
	r     *ir.Rule
	f     form
	id    int
	u     *unit
	sub   subject     // what the pattern sees
	extra *ir.Pattern // another pattern that must match, on what the rules of the directory see

	groups      []group
	ruleRefs    map[int]bool // groups of the pattern that conditions or later directives use by name
	condRefs    map[int]bool // groups of conditions that are used
	condName    map[int]string
	condText    map[int]string // groups of a condition on a text that never changes
	inExpr      int            // patterns in expressions so far
	pre         []string
	needPattern bool
	refused     *refusals
	source      *ir.Rule         // the rule as the configuration has it
	reduced     bool             // the target named this very host
	ruleVarName func(int) string // other names for the groups of the pattern
}

func (b *builder) add(format string, args ...any) {
	b.u.lines = append(b.u.lines, fmt.Sprintf(format, args...))
}

func (b *builder) ruleVar(n int) string {
	if b.ruleVarName != nil {
		return b.ruleVarName(n)
	}
	return fmt.Sprintf("r_%d", n)
}

// refs collects the references in a template.
func refs(t *ir.Template, rule, cond map[int]bool) {
	if t == nil {
		return
	}
	for i := range t.Parts {
		switch p := &t.Parts[i]; p.Kind {
		case ir.RuleRef:
			rule[p.N] = true
		case ir.CondRef:
			cond[p.N] = true
		case ir.Lookup:
			refs(p.Key, rule, cond)
			refs(p.Default, rule, cond)
		}
	}
}

// maxGuards bounds the rules that chain to a rule or skip it: each is asked about again in it.
const maxGuards = 50

// maxConditions bounds those of one rule, for each is a line or two of nginx.
const maxConditions = 2_000

func (b *builder) run() {
	r, c := b.r, b.c
	switch {
	case len(c.guards) > maxGuards:
		giveUp("more than %d rules before it chain to it or skip it", maxGuards)
	case len(r.Conditions) > maxConditions:
		giveUp("more than %d conditions", maxConditions)
	case r.Pattern == nil || r.Pattern.Re == nil:
		giveUp("the pattern is not valid")
	case hasNames(r.Pattern):
		giveUp("the pattern refers to its groups by name")
	case r.MIMEType != nil && r.Action == ir.ActionNone:
		panic(reason{"nginx chooses a media type by location, not by rule (T)", "add a types block or default_type to the location that serves these files"})
	case r.Handler != nil:
		panic(reason{"nginx has no handlers by name (H)", "pass these requests on in a location of their own: fastcgi_pass, proxy_pass"})
	case len(r.Cookies) > 0:
		b.u.caveat = "the cookie of CO is not set; add_header Set-Cookie in a location can do it"
		if r.Action == ir.ActionNone {
			panic(reason{"nginx sets no cookies from rewrite rules (CO)", "use add_header Set-Cookie in the location that answers"})
		}
	}
	if r.MIMEType != nil {
		b.u.caveat = "the media type of T is not set; use default_type in the location that serves the file"
	}
	b.ruleRefs, b.condRefs, b.condName, b.condText = map[int]bool{}, map[int]bool{}, map[int]string{}, map[int]string{}
	inTests := map[int]bool{}
	for _, cnd := range r.Conditions {
		refs(cnd.Test, inTests, b.condRefs)
	}
	refs(r.Target, b.ruleRefs, b.condRefs)
	for i := range r.Env {
		refs(r.Env[i].Value, inTests, b.condRefs)
	}
	b.needPattern = len(inTests) > 0
	if !b.conditions() {
		b.u.caveat = ""
		b.never()
		return
	}
	if b.extra != nil {
		own := *b
		own.r = &ir.Rule{Pattern: b.extra}
		own.sub = subject{c.sub.prefix, b.sub.dotAll}
		b.groups = append([]group{{own.patternTest(nil)}}, b.groups...)
	}
	for _, g := range c.guards {
		b.groups = append([]group{{g.t}}, b.groups...)
	}
	b.spendGuards()
	if b.needPattern {
		// conditions look at what the pattern caught: the pattern comes first, and its groups get names
		for n := range b.ruleRefs {
			inTests[n] = true
		}
		b.groups = append([]group{{b.patternTest(inTests)}}, b.groups...)
	}
	b.effects()
	if r.Chain || r.Skip > 0 {
		b.branch()
		if r.Action == ir.ActionNone && r.Flow == ir.FlowNext {
			return
		}
		if r.Skip > 0 || r.Chain {
			// the rule's own action needs the same outcome again
			b.groups = []group{{test{variable: "$" + b.flag(), op: "=", operand: "1"}}}
		}
	}
	switch r.Action {
	case ir.ActionNone:
		b.none()
	case ir.ActionRespond:
		b.respond()
	case ir.ActionRedirect:
		b.redirect()
	case ir.ActionRewrite:
		if local, scheme, own := b.ownTarget(); own {
			b.inside(local, scheme)
		} else if isAbsolute(r.Target) {
			b.redirect()
		} else {
			b.rewrite()
		}
	case ir.ActionProxy:
		b.proxy()
	default:
		giveUp("no equal in nginx")
	}
}

func targetText(r *ir.Rule) string {
	if r.Target == nil {
		return ""
	}
	return r.Target.Text
}

// never is for a rule whose conditions cannot hold.
func (b *builder) never() {
	b.add("# never true: %s", oneLine(b.r.Origin))
}

func oneLine(o ir.Origin) string {
	if o.File == nil {
		return ""
	}
	return strings.Join(strings.Fields(o.File.Slice(o.Span)), " ")
}

// isAbsolute tells whether a target names another server.
func isAbsolute(t *ir.Template) bool {
	if len(t.Parts) > 0 && t.Parts[0].Kind == ir.Variable && t.Parts[0].Escaped {
		return true // marked by fold: holds addresses only
	}
	p := strings.ToLower(t.Prefix())
	if strings.HasPrefix(p, schemeMark+"://") {
		return true
	}
	// http%1:// with what a condition caught
	if len(t.Parts) > 2 && (p == "http" || p == "https") && t.Parts[1].Kind != ir.Literal && t.Parts[2].Kind == ir.Literal && strings.HasPrefix(t.Parts[2].Text, "://") {
		return true
	}
	for _, s := range []string{"http://", "https://", "ftp://", "ws://", "wss://", "ldap://", "gopher://", "nntp://", "news:", "mailto:", "ajp://", "fcgi://", "h2://", "h2c://", "scgi://", "balancer://", "unix:"} {
		if strings.HasPrefix(p, s) && len(t.Text) > 5 {
			return true
		}
	}
	return false
}

// patternTest is the pattern of the rule as a test of its own; the groups in used get names.
func (b *builder) patternTest(used map[int]bool) test {
	r, sub := b.r, b.sub
	t := test{variable: "$uri", op: "~", negated: r.Negated}
	if r.Pattern.Options.IgnoreCase {
		t.op = "~*"
	}
	if len(used) == 0 {
		if path, ok := sub.exactPath(r.Pattern); ok && !strings.Contains(path, "$") {
			t.op, t.operand = "=", path
			return t
		}
	}
	t.operand = named(sub.located(r.Pattern), r.Pattern, used, b.ruleVar)
	if used[0] {
		t.operand = sub.whole(t.operand, b.ruleVar(0))
	}
	t.capture = len(used) > 0
	return t
}

// pattern is the pattern as the first word of rewrite.
func (b *builder) pattern() string {
	p := b.sub.located(b.r.Pattern)
	if b.r.Pattern.Options.IgnoreCase {
		p = "(?i)" + p
	}
	return word(p)
}

func (b *builder) matchesAll() bool {
	return !b.r.Negated && everything(b.r.Pattern)
}

// withPattern adds the test of the pattern to the conditions, unless it matches everything.
func (b *builder) withPattern() []group {
	if b.matchesAll() || b.needPattern || b.r.Chain || b.r.Skip > 0 {
		return b.groups
	}
	return append([]group{{b.patternTest(nil)}}, b.groups...)
}

// branch leaves the outcome of the rule in a variable, for the rules that C or S tie to it.
func (b *builder) branch() {
	c, r := b.c, b.r
	name := b.flag()
	b.add(`set $%s "";`, name)
	groups := b.groups
	if !b.matchesAll() && !b.needPattern {
		groups = append([]group{{b.patternTest(nil)}}, groups...)
	}
	b.when(groups, fmt.Sprintf("set $%s 1;", name))
	if r.Chain {
		c.guards = append(c.guards, guard{test{variable: "$" + name, op: "=", operand: "1"}, -1})
	}
	if r.Skip > 0 {
		c.guards = append(c.guards, guard{test{variable: "$" + name, op: "=", operand: ""}, r.Skip})
	}
}

func (b *builder) flag() string { return fmt.Sprintf("matched%d", b.id) }

// spendGuards counts down the guards of earlier rules. A chain holds up to its first member without C.
func (b *builder) spendGuards() {
	var left []guard
	for _, g := range b.c.guards {
		if g.left < 0 {
			if b.r.Chain {
				left = append(left, g)
			}
			continue
		}
		if g.left--; g.left > 0 {
			left = append(left, g)
		}
	}
	b.c.guards = left
}

// either writes tests of which one must hold and gives the variable that is "1" then.
func (c *compiler) either(b *builder, i int, g group) (name string, out []string) {
	var key strings.Builder
	stable := true
	for _, t := range g {
		key.WriteString(t.String() + "\n")
		stable = stable && !t.capture && len(t.prepare) == 0 && !live(t)
	}
	if have, ok := c.shared[key.String()]; ok && stable {
		return have, nil
	}
	name = fmt.Sprintf("any%d_%d", b.id, i+1)
	out = append(out, fmt.Sprintf(`set $%s "";`, name))
	for j := len(g) - 1; j >= 0; j-- { // the first that holds is run last: its groups count
		out = append(out, g[j].prepare...)
		out = append(out, ifBlock(g[j], []string{fmt.Sprintf("set $%s 1;", name)})...)
	}
	if stable {
		c.shared[key.String()] = name
	}
	return name, out
}

// live tells whether the outcome of a test can change within a script.
func live(t test) bool {
	return t.variable == "$uri" || t.variable == "$args" || strings.HasPrefix(t.op, "-") || strings.HasPrefix(t.variable, "$env_") ||
		strings.HasPrefix(t.variable, "$redirect_status") || strings.HasPrefix(t.variable, "$matched") || strings.HasPrefix(t.variable, "$r_") || strings.HasPrefix(t.variable, "$text_")
}

func ifBlock(t test, lines []string) []string {
	out := []string{"if (" + t.String() + ") {"}
	for _, l := range lines {
		out = append(out, "    "+l)
	}
	return append(out, "}")
}
