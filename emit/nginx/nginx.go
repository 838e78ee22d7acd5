// Package nginx writes nginx configuration for a program of Apache httpd.
//
// A program goes in: .htaccess files, the inside of a virtual host, or a whole server configuration. Out come what belongs into
// http {} and into server {}, and what became of every rule. Two layers work together: each rule is written first as
// a person would write it; emit/check asks both sides the same requests, and where the answers differ the rule is
// written in the form that is equal for odd requests, too. What still differs is called approximate, with the request.
package nginx

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"rewright/emit"
	"rewright/emit/check"
	"rewright/parser"
	"rewright/parser/ir"
	"rewright/parser/load"
	"rewright/parser/probe"
	"rewright/parser/sim"
	"rewright/parser/source"
)

// Target is nginx.
type Target struct{}

// Name is "nginx".
func (Target) Name() string { return "nginx" }

// Names of the files of a result.
const (
	HTTPFile   = "http.conf"   // belongs into http {}; may be empty
	ServerFile = "server.conf" // belongs into server {}
	FullFile   = "nginx.conf"  // all of it, with Options.Full
)

// Limits of the check.
const (
	perRule     = 6
	maxAsked    = 6000 // questions of a conversion
	fewestAsked = 200  // however long each of them takes
	checkBudget = 60_000_000
)

// Convert writes nginx configuration for an Apache program.
func (Target) Convert(p *ir.Program, o emit.Options) (*emit.Result, error) {
	if p.Server != ir.Apache {
		return nil, fmt.Errorf("nothing to convert: the configuration is nginx's already")
	}
	if p.Context == ir.ContextServer {
		return convertServer(p, o)
	}
	c, err := newConversion(p, o)
	if err != nil {
		return nil, err
	}
	r, err := c.run()
	if err != nil {
		return nil, err
	}
	r.Remarks = append(r.Remarks, ofEveryResult()...)
	if o.Full {
		names := o.Hosts
		if len(names) == 0 {
			names = []string{"_"}
		}
		block := serverBlock(&ir.Scope{}, &ir.Scope{}, c.root, names, text(r, ServerFile))
		r.Files = append(r.Files, emit.File{Name: FullFile, Text: []byte(full(text(r, HTTPFile), block))})
	}
	return r, nil
}

// conversion is one run.
type conversion struct {
	program   *ir.Program
	options   emit.Options
	world     sim.World
	root      string
	host      *area
	areas     []*area
	rules     []*ir.Rule
	ids       map[*ir.Rule]int
	before    *probe.Site
	budget    int               // of the questions, in the unit of probe.Options
	only      map[*ir.Rule]bool // the folder of a tree whose rules are asked about; nil: not of a tree
	asked     []check.Answered
	dotAll    map[*ir.Rule]bool    // rules whose dots have to match line feeds
	firstBulk int                  // number before the first map of bulk redirects
	slashes   map[*ir.Rule]bool    // rules that would answer for folders without their slash
	loops     map[*ir.Rule]bool    // rules that httpd comes back to for ever when the file they lead to is missing
	hidden    map[string]bool      // folders whose names with .ht in front must be kept from the rules
	htm       bool                 // .htm and .html are names that rules answer for
	struck    map[ir.Origin]string // settings that made nginx refuse the file
	refused   map[*ir.Rule]string  // rules that made nginx refuse the file: its message
}

func newConversion(p *ir.Program, o emit.Options) (*conversion, error) {
	return newConversionWithin(p, o, checkBudget)
}

// newConversionWithin is newConversion with a budget for the questions, in the unit of probe.Options.
func newConversionWithin(p *ir.Program, o emit.Options, budget int) (*conversion, error) {
	c := &conversion{program: p, options: o, budget: budget, ids: map[*ir.Rule]int{}}
	if o.World != nil {
		c.world = *o.World
	}
	if c.world.DocumentRoot == "" {
		c.world.DocumentRoot = "/var/www/html"
		if len(p.Htaccess) > 0 && p.Htaccess[0].Dir != "" {
			c.world.DocumentRoot = p.Htaccess[0].Dir
		}
	}
	if p.Context == ir.ContextVhost && len(p.Htaccess) == 0 {
		if root := documentRoot(p.Root); root != "" {
			c.world.DocumentRoot = root
		}
	}
	c.root = path.Clean(c.world.DocumentRoot)
	c.world.DocumentRoot = c.root
	if p.Context == ir.ContextVhost {
		for _, it := range p.Root.Items {
			if s, ok := it.(*ir.Scope); ok && s.Kind == ir.ScopeHost {
				c.host = areaOf(s, "/", c.root)
				c.host.server = true
			}
		}
	}
	engine := c.host != nil && c.host.engine
	scopes := append([]*ir.Scope(nil), p.Htaccess...)
	if c.host != nil {
		sections, rest, htaccess := overriding(c.host, c.root)
		c.host.sections = rest
		if !htaccess {
			scopes = nil
		}
		scopes = allowed(scopes, sections)
		scopes = append(sections, scopes...)
	}
	c.areas = directories(scopes, c.root, engine)
	if c.host != nil {
		// variables of the request that the host sets are there for the rules of its folders
		var set []*ir.Setting
		for _, s := range c.host.settings {
			if len(assignments(s)) > 0 {
				set = append(set, s)
			}
		}
		for _, a := range c.areas {
			a.settings = append(set[:len(set):len(set)], a.settings...)
		}
	}
	number := func(list []*ir.Rule) {
		for _, r := range list {
			if _, ok := c.ids[r]; !ok {
				c.ids[r] = len(c.ids) + 1
				c.rules = append(c.rules, r)
			}
		}
	}
	all := c.areas
	if c.host != nil {
		c.host.findAliased(p.Htaccess)
		for _, r := range c.host.mapped {
			if sub := c.host.aliased[r]; sub != nil {
				all = append(all[:len(all):len(all)], sub)
			}
		}
		all = append([]*area{c.host}, all...)
	}
	for _, a := range all {
		number(a.rules)
		number(a.redirects)
		number(a.mapped)
		for _, sec := range a.sections {
			for _, it := range sec.Items {
				if r, ok := it.(*ir.Rule); ok {
					number([]*ir.Rule{r})
				}
			}
		}
		if a.everything != nil {
			number([]*ir.Rule{a.everything})
		}
	}
	var err error
	c.before, err = probe.New(p, probe.Options{Hosts: o.Hosts, World: c.world, Budget: budget})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// documentRoot is what the inside of a virtual host says of it: an absolute path, or empty.
func documentRoot(root *ir.Scope) string {
	for _, it := range root.Items {
		if s, ok := it.(*ir.Scope); ok && s.Kind == ir.ScopeHost {
			if dir := setting(s, s, "DocumentRoot"); strings.HasPrefix(dir, "/") {
				return dir
			}
		}
	}
	return ""
}

// trial is an attempt and how it did.
type trial struct {
	attempt
	http, text string
	lines      map[int]*unit
	after      *probe.Site
	diffs      []check.Difference
	odd        []check.Difference // of paths with bytes that people do not put there
	compared   int
	refused    error
	blamed     map[*ir.Rule]*check.Difference // the first difference of each rule
	others     []check.Difference             // no rule is to blame for
	parts      map[*source.File]finding       // of a tree, what was found out folder by folder
}

func (c *conversion) try(l layout, forms map[*ir.Rule]form) *trial {
	for {
		t := &trial{attempt: attempt{program: c.program, docroot: c.root, layout: l, forms: forms, ids: c.ids, dotAll: c.dotAll, refused: c.refused, struck: c.struck, names: c.names(), slashes: c.slashes, loops: c.loops, hidden: c.hidden, htm: c.htm, bulks: c.firstBulk, files: c.world.Files}}
		t.build(c.host, c.areas)
		t.http, t.text, t.lines = t.attempt.text()
		if !c.check(t) {
			return t
		}
	}
}

// wrap makes a whole configuration of the parts, for the simulator.
func (c *conversion) wrap(t *trial) (text string, first int) {
	head := "events {\n}\nhttp {\n" + t.http + "server {\n" + c.listens() + "    ssl_certificate cert.pem;\n    ssl_certificate_key key.pem;\n    server_name " +
		word(c.serverName()) + ";\n    root " + word(c.root) + ";\n"
	return head + t.text + "}\n}\n", strings.Count(head, "\n")
}

// listens are the ports of the check's server: both, unless the virtual host names one.
func (c *conversion) listens() string {
	http, tls := "    listen 80;\n", "    listen 443 ssl;\n"
	if c.host != nil && c.host.scope != nil && len(c.host.scope.Args) > 0 {
		plain, secure := false, false
		for _, w := range c.host.scope.Args {
			if strings.HasSuffix(w.Text, ":443") {
				secure = true
			} else {
				plain = true
			}
		}
		switch {
		case secure && !plain:
			return tls
		case plain && !secure && strings.HasSuffix(c.host.scope.Args[0].Text, ":80"):
			return http
		}
	}
	return http + tls
}

// names are what the host goes by, lower case.
func (c *conversion) names() []string {
	if c.host != nil && c.host.scope != nil {
		if list := namesOf(c.host.scope); len(list) > 0 {
			return list
		}
	}
	return []string{strings.ToLower(c.serverName())}
}

// serverName is the name that the check's server goes by.
func (c *conversion) serverName() string {
	for _, h := range c.options.Hosts {
		if h != "" && !strings.ContainsAny(h, "*?$ {};") {
			return h
		}
	}
	return probe.DefaultHost
}

// check asks both sides and blames rules for what differs. The result is true when nginx refuses the text because of
// a rule that is left out from now on.
func (c *conversion) check(t *trial) (again bool) {
	t.blamed = map[*ir.Rule]*check.Difference{}
	text, first := c.wrap(t)
	l, err := parser.LoadText(nil, "nginx.conf", []byte(text), load.Options{Server: ir.Nginx, Context: ir.ContextMain})
	if err != nil {
		t.refused = err
		return false
	}
	for _, d := range l.Program.Diagnostics {
		if !d.Refuses || d.File == nil {
			continue
		}
		u := t.lines[d.File.Line(d.Span.Start)-first]
		if u != nil && u.rule == nil && u.origin.File != nil && c.struck[u.origin] == "" {
			if c.struck == nil {
				c.struck = map[ir.Origin]string{}
			}
			c.struck[u.origin] = "nginx refuses the translation: " + d.Message
			again = true
		}
		if u != nil && u.rule != nil && c.refused[u.rule] == "" {
			if c.refused == nil {
				c.refused = map[*ir.Rule]string{}
			}
			c.refused[u.rule] = "nginx refuses the translation: " + d.Message
			again = true
		}
	}
	if again {
		return true
	}
	w := c.world
	w.HasModule = nil
	after, err := probe.New(l.Program, probe.Options{World: w, Budget: c.budget})
	if err != nil {
		t.refused = err
		return false
	}
	t.after = after
	if c.asked == nil {
		c.asked = check.Requests(c.before, c.root, c.rareFirst(c.sample()), perRule, c.questions())
	}
	t.diffs, t.compared = check.Compare(c.asked, after, check.LostQuestion)
	if debug != nil {
		debug(t)
	}
	for i := range t.diffs {
		d := &t.diffs[i]
		rules := t.blame(d, first)
		c.findHidden(d)
		if len(rules) == 0 {
			t.others = append(t.others, *d)
		}
		for _, r := range rules {
			if t.blamed[r] == nil {
				t.blamed[r] = d
			}
			if lacksSlash(d) {
				if c.slashes == nil {
					c.slashes = map[*ir.Rule]bool{}
				}
				c.slashes[r] = true
			}
		}
	}
	return false
}

// lacksSlash tells whether httpd sends a folder on to the path with its slash and the other side answers itself.
func lacksSlash(d *check.Difference) bool {
	if d.Before.Status != 301 || d.Before.Location == nil || d.After.Location != nil {
		return false
	}
	path, _, _ := strings.Cut(d.Probe.Request.Target, "?")
	to, _, _ := strings.Cut(*d.Before.Location, "?")
	return strings.HasSuffix(to, path+"/")
}

// mostRules is how many rules are asked about; of longer lists a sample, evenly spread.
const mostRules = 1500

// questions is how many requests are asked: fewer when each has to pass thousands of patterns.
func (c *conversion) questions() int {
	if c.only != nil {
		return min(maxAsked, fewestInFolder+ruleAsked*len(c.sample()))
	}
	patterned := 0 // that one request may have to pass
	of := map[*source.File]int{}
	for _, r := range c.rules {
		if len(r.Conditions) == 0 && !uses(r.Target, ir.RuleRef, -1) {
			continue
		}
		of[r.File]++
		patterned = max(patterned, of[r.File])
	}
	return max(fewestAsked, min(maxAsked, 1_000_000/max(patterned, 1)))
}

// mostShapes is how many kinds of rules are asked about in a long list.
const mostShapes = 300

// unasked are the rules that the questions did not reach: none may depend on an answer that nobody has asked for.
func (c *conversion) unasked() map[*ir.Rule]form {
	if len(c.asked) < c.questions() {
		return nil
	}
	asked := map[*ir.Rule]bool{}
	for i := range c.asked {
		asked[c.asked[i].Rule] = true
	}
	forms := map[*ir.Rule]form{}
	for _, r := range c.sample() {
		if !asked[r] && !r.Disabled {
			forms[r] = faithful
		}
	}
	return forms
}

// sample are the rules that are asked about: of a long list one of each kind, the last of each kind, and more, evenly
// spread.
func (c *conversion) sample() (out []*ir.Rule) {
	if c.only != nil {
		for _, r := range c.rules {
			if c.only[r] {
				out = append(out, r)
			}
		}
		return out
	}
	if len(c.rules) <= mostRules {
		return c.rules
	}
	kinds := map[string]int{} // to an index of last
	var last []*ir.Rule
	for _, r := range c.rules {
		s := shape(r)
		i, known := kinds[s]
		switch {
		case known:
			last[i] = r
		case len(last) < mostShapes:
			kinds[s] = len(last)
			last = append(last, r)
			out = append(out, r)
		}
	}
	for i, r := range last {
		if r != out[i] {
			out = append(out, r)
		}
	}
	n := 150
	if c.questions() < maxAsked {
		n = 10
	}
	for i := range n {
		out = append(out, c.rules[i*len(c.rules)/n])
	}
	return out
}

// blame names the rules behind a difference: those that took effect on either side, else the one the question is about.
func (t *trial) blame(d *check.Difference, first int) (rules []*ir.Rule) {
	add := func(r *ir.Rule) {
		for _, have := range rules {
			if have == r {
				return
			}
		}
		if _, known := t.ids[r]; known {
			rules = append(rules, r)
		}
	}
	for _, r := range probe.Fired(&d.Before) {
		if r.Action != ir.ActionNone || r.Flow == ir.FlowLast || r.Flow == ir.FlowEnd {
			add(r)
		}
	}
	for _, r := range probe.Fired(&d.After) {
		if u := t.lines[r.Line()-first]; u != nil && u.rule != nil {
			add(u.rule)
		}
	}
	if len(rules) == 0 && d.Rule != nil {
		add(d.Rule)
	}
	return rules
}

// run looks for the best way to write the program.
func (c *conversion) run() (*emit.Result, error) {
	look := c.best
	if c.isTree() {
		look = c.tree
	}
	t, err := look()
	if err != nil {
		return nil, err
	}
	return c.result(t), nil
}

// best is the best way to write the program that was found.
func (c *conversion) best() (*trial, error) {
	first := flat
	if c.only != nil {
		first = nested // as in the whole tree
	}
	if wantsLocation(c.areas) || c.host != nil && hostFits(c.host, c.areas) && wantsLocation([]*area{c.host}) {
		first = nested // proxy_pass stands in locations, and only there rules run again
	}
	forms := c.firstForms()
	best := c.try(first, forms)
	if best.refused == nil {
		had := len(forms)
		for r, f := range c.unasked() {
			forms[r] = f
		}
		if len(forms) > had {
			best = c.try(first, forms)
		}
		best = c.improve(best)
	}
	if best.refused != nil || first == flat && c.wantsNested(best) {
		if t := c.improve(c.try(nested, c.firstForms())); best.refused != nil || t.refused == nil && len(t.diffs) < len(best.diffs) {
			best = t
		}
	}
	if err := best.refusal(); err != nil {
		return nil, err
	}
	return c.exactness(c.loopsEnd(best)), nil
}

// refusal says why nginx would not start with the translation.
func (t *trial) refusal() error {
	if t.refused == nil {
		return nil
	}
	return fmt.Errorf("the translation would be refused by nginx: %w", t.refused)
}

// firstForms are idiomatic; but in a long list, of which only some rules are asked about, those are faithful that are one of
// many of a kind: none may depend on being asked about.
func (c *conversion) firstForms() map[*ir.Rule]form {
	forms := map[*ir.Rule]form{}
	if len(c.rules) <= mostRules {
		return forms
	}
	many := c.kinds()
	asked := map[*ir.Rule]bool{}
	for _, r := range c.sample() {
		asked[r] = true
	}
	for _, r := range c.rules {
		if many[shape(r)] > mostRare || !asked[r] {
			forms[r] = faithful
		}
	}
	return forms
}

// mostRare is how many rules of a kind are all asked about, however long the list.
const mostRare = 2

// kinds counts the rules of each kind.
func (c *conversion) kinds() map[string]int {
	many := map[string]int{}
	for _, r := range c.rules {
		many[shape(r)]++
	}
	return many
}

// rareFirst puts the rules of rare kinds of a long list before the others: they are asked about before the questions are
// used up.
func (c *conversion) rareFirst(list []*ir.Rule) []*ir.Rule {
	if len(list) < 300 {
		return list
	}
	many := c.kinds()
	out := slices.Clone(list)
	slices.SortStableFunc(out, func(a, b *ir.Rule) int {
		return min(many[shape(a)], mostRare+1) - min(many[shape(b)], mostRare+1)
	})
	return out
}

// wantsNested tells whether rules that go on inside the server are answered differently.
func (c *conversion) wantsNested(t *trial) bool {
	if len(c.areas) != 1 || c.areas[0].prefix != "/" {
		return false
	}
	for r := range t.blamed {
		if goesOn(r) || r.Action == ir.ActionNone {
			return true
		}
	}
	return false
}

// improve writes the rules that are to blame in their faithful form and keeps what helps.
func (c *conversion) improve(t *trial) *trial {
	if t.refused != nil || len(t.blamed) == 0 {
		return t
	}
	better := map[*ir.Rule]form{}
	for r, f := range t.forms {
		better[r] = f
	}
	for r := range t.blamed {
		better[r] = faithful
	}
	if len(better) == len(t.forms) && len(c.rules) > mostRules {
		return t // they are all that already
	}
	next := c.try(t.layout, better)
	if next.refused != nil {
		return t
	}
	// a form that does not help is not worth its length
	kept, changed := map[*ir.Rule]form{}, false
	for r, f := range next.forms {
		if t.forms[r] == idiomatic && next.blamed[r] != nil && c.count(next, r) >= c.count(t, r) {
			changed = true
			continue
		}
		kept[r] = f
	}
	if changed {
		if last := c.try(t.layout, kept); last.refused == nil && len(last.diffs) <= len(next.diffs) {
			next = last
		}
	}
	if len(next.diffs) > len(t.diffs) {
		return t
	}
	return next
}

// count is how many differences a rule has part in.
func (c *conversion) count(t *trial, r *ir.Rule) (n int) {
	for i := range t.diffs {
		for _, f := range probe.Fired(&t.diffs[i].Before) {
			if f == r {
				n++
			}
		}
	}
	return n
}

// result puts files and notes together.
func (c *conversion) result(t *trial) *emit.Result {
	r := &emit.Result{Compared: t.compared, Remarks: t.remarks}
	r.Files = []emit.File{{Name: HTTPFile, Text: []byte(t.http)}, {Name: ServerFile, Text: []byte(t.text)}}
	r.Notes = c.notes(t)
	return r
}

// notes says what became of each rule and setting, in source order.
func (c *conversion) notes(t *trial) (out []emit.Note) {
	byRule := map[*ir.Rule][]*unit{}
	var order []*unit
	add := func(list []*unit) {
		for _, u := range list {
			if u.origin.File == nil {
				continue // made up, not carried over
			}
			if u.rule != nil {
				if len(byRule[u.rule]) == 0 {
					order = append(order, u)
				}
				byRule[u.rule] = append(byRule[u.rule], u)
				continue
			}
			order = append(order, u)
		}
	}
	add(t.server)
	for _, l := range t.locations {
		add(l.units)
	}
	alike := map[string]*ir.Rule{} // shapes of rules that are to blame, when not all were asked about
	if len(c.rules) > mostRules && t.parts == nil {
		for r := range t.blamed {
			if have := alike[shape(r)]; have == nil || c.ids[r] < c.ids[have] {
				alike[shape(r)] = r
			}
		}
	}
	odd, oddKinds := c.oddRules(t)
	for _, u := range order {
		n := emit.Note{Origin: u.origin, Directive: u.directive, Fidelity: emit.Exact}
		list := []*unit{u}
		if u.rule != nil {
			list = byRule[u.rule]
		}
		for _, v := range list {
			switch {
			case v.dropped != "":
				n.Fidelity, n.Reason, n.ByHand = emit.Dropped, v.dropped, v.byHand
			case v.caveat != "" && n.Fidelity == emit.Exact:
				n.Fidelity, n.Reason, n.ByHand = emit.Approximate, v.caveat, v.byHand
			}
		}
		if u.rule != nil && len(alike) > 0 && n.Fidelity == emit.Exact && t.blamed[u.rule] == nil {
			if other := alike[shape(u.rule)]; other != nil {
				n.Fidelity, n.Reason = emit.Approximate, fmt.Sprintf("of the same kind as the rule on line %d", other.Line())
			}
		}
		if d := t.blamed[u.rule]; u.rule != nil && d != nil && n.Fidelity != emit.Dropped {
			n.Fidelity = emit.Approximate
			if n.Reason == "" {
				n.Reason = reasonOf(d)
			}
			n.Witness = c.witness(d)
		}
		if d := odd[u.rule]; u.rule != nil && d != nil && n.Fidelity == emit.Exact {
			n.Fidelity, n.Reason, n.Witness = emit.Approximate, oddReason(d), c.witness(d)
		}
		if u.rule != nil && len(oddKinds) > 0 && n.Fidelity == emit.Exact {
			if other := oddKinds[shape(u.rule)]; other != nil {
				n.Fidelity, n.Reason = emit.Approximate, fmt.Sprintf("of the same kind as the rule on line %d: %s", other.Line(), oddReason(odd[other]))
			}
		}
		out = append(out, n)
	}
	if len(t.others) > 0 {
		// nobody's rule: the whole configuration is only nearly the same
		d := &t.others[0]
		for i := range out {
			if out[i].Fidelity == emit.Exact {
				out[i].Fidelity, out[i].Reason, out[i].Witness = emit.Approximate, reasonOf(d), c.witness(d)
				break
			}
		}
	}
	for i := range out {
		n := &out[i]
		if d := t.parts[n.Origin.File].other; d != nil && n.Fidelity == emit.Exact {
			n.Fidelity, n.Reason, n.Witness = emit.Approximate, reasonOf(d), c.witness(d)
			delete(t.parts, n.Origin.File)
		}
	}
	sortNotes(out)
	return out
}

// reasonOf is what differs, in words.
func reasonOf(d *check.Difference) string {
	switch d.What {
	case "status":
		return fmt.Sprintf("answers %d where httpd answers %d", d.After.Status, d.Before.Status)
	case "Location":
		return "another Location"
	case "path":
		return "another file"
	case "query":
		return "another query string"
	}
	return "another target"
}

func (c *conversion) witness(d *check.Difference) *emit.Witness {
	w := &emit.Witness{Method: d.Probe.Request.Method, URL: probe.URL(d.Probe.Request), Header: d.Probe.Request.Header,
		Before: c.relative(check.Describe(&d.Before)), After: c.relative(check.Describe(&d.After))}
	if w.Method == "" {
		w.Method = "GET"
	}
	for _, p := range d.Probe.Exists {
		w.Assume = append(w.Assume, c.before.Relative(p)+" exists")
	}
	for _, p := range d.Probe.Missing {
		w.Assume = append(w.Assume, c.before.Relative(p)+" does not exist")
	}
	if d.Probe.Client != "" {
		w.Assume = append(w.Assume, "the client is "+d.Probe.Client)
	}
	return w
}

// relative writes paths below the document root without it.
func (c *conversion) relative(s string) string {
	return strings.ReplaceAll(s, " "+c.root+"/", " the file /")
}

// debug sees every trial; for tests.
var debug func(t *trial)

// shape is what rules have in common that differ in names and numbers only.
func shape(r *ir.Rule) string {
	var b strings.Builder
	b.WriteString(string(r.Keyword))
	collapse := func(s string) {
		last := byte(0)
		for i := 0; i < len(s); i++ {
			c := s[i]
			switch {
			case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '_':
				c = 'a'
			}
			if c != 'a' || last != 'a' {
				b.WriteByte(c)
			}
			last = c
		}
		b.WriteByte(0)
	}
	if r.Pattern != nil {
		collapse(r.Pattern.Text)
	} else {
		collapse(r.Path)
	}
	if r.Target != nil {
		collapse(r.Target.Text)
	}
	fmt.Fprint(&b, r.Status, len(r.Conditions))
	return b.String()
}
