// Package apache writes Apache httpd configuration for a program of nginx.
//
// A program goes in: server blocks, or the inside of http {}, server {} or location {}. Out comes a .htaccess, or
// <VirtualHost> sections, and what became of every directive that concerns requests. nginx chooses a location and
// runs its script; httpd runs one list of rules: the locations become that list in the order of nginx's choice, each
// behind its guard. emit/check asks both sides the same requests: what differs is called approximate, with the request.
package apache

import (
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"

	"rewright/emit"
	"rewright/emit/check"
	"rewright/parser"
	"rewright/parser/ir"
	"rewright/parser/load"
	"rewright/parser/probe"
	"rewright/parser/sim"
)

// Target is Apache httpd. Server asks for <VirtualHost> sections instead of a .htaccess.
type Target struct{ Server bool }

// Name is "apache".
func (Target) Name() string { return "apache" }

// Names of the files of a result.
const (
	HtaccessFile = ".htaccess"  // goes into the document root
	VhostFile    = "vhost.conf" // belongs into the server's configuration
)

// Limits of the check.
const (
	perRule     = 6
	maxAsked    = 6000 // questions of a conversion
	checkBudget = 60_000_000
)

// Convert writes httpd configuration for an nginx program.
func (t Target) Convert(p *ir.Program, o emit.Options) (*emit.Result, error) {
	if p.Server != ir.Nginx {
		return nil, fmt.Errorf("nothing to convert: the configuration is Apache's already")
	}
	c := &conversion{target: t, program: p, options: o}
	if o.World != nil {
		c.world = *o.World
	}
	c.root = DocumentRoot(p, c.world.DocumentRoot)
	c.world.DocumentRoot = c.root
	var err error
	if c.before, err = probe.New(p, probe.Options{Hosts: o.Hosts, World: c.world, Budget: checkBudget}); err != nil {
		return nil, err
	}
	return c.run()
}

// conversion is one run.
type conversion struct {
	target  Target
	program *ir.Program
	options emit.Options
	world   sim.World
	root    string
	before  *probe.Site
	asked   []check.Answered
}

// DocumentRoot is the folder the result is for: what the program names when that is one, else what was said.
func DocumentRoot(p *ir.Program, said string) string {
	roots, folders := map[string]bool{}, map[string]bool{}
	var walk func(s *ir.Scope)
	walk = func(s *ir.Scope) {
		for _, it := range s.Items {
			switch it := it.(type) {
			case *ir.Scope:
				if it.Kind != ir.ScopeLocation && it.Kind != ir.ScopeIf {
					walk(it)
				}
			case *ir.Setting:
				if it.Name != "root" || !strings.HasPrefix(it.Arg(0), "/") {
					continue
				}
				if fixed, _, varies := strings.Cut(it.Arg(0), "$"); varies {
					folders[path.Dir(fixed+"x")] = true // a folder for each value
				} else {
					roots[path.Clean(it.Arg(0))] = true
				}
			}
		}
	}
	walk(p.Root)
	if len(roots) == 0 {
		delete(folders, "/")
		roots = folders
	}
	if len(roots) == 1 {
		for r := range roots {
			return r
		}
	}
	if len(roots) == 0 && (p.Context == ir.ContextMain || p.Context == ir.ContextHTTP) {
		return probe.NginxRoot
	}
	if said == "" {
		return "/var/www/html"
	}
	return path.Clean(said)
}

// trial is one way to write the program and how it did.
type trial struct {
	*writer
	text     string
	diffs    []check.Difference
	compared int
	reached  map[*ir.Rule]bool // rules that some compared request reached
	refused  error
	blamed   map[ir.Item]*check.Difference // the first difference of each rule and setting
	others   []check.Difference            // no rule is to blame for
	marks    map[ir.Item]int               // 1: a difference with %3F, 2: another one
}

func (c *conversion) try(f forms) *trial {
	w := newWriter(c, f)
	w.build()
	t := &trial{writer: w, text: w.render(), blamed: map[ir.Item]*check.Difference{}}
	c.check(t)
	return t
}

// same tells whether a form makes no other text, so that there is nothing to ask.
func (c *conversion) same(w *writer, text string) bool {
	w.build()
	return w.render() == text
}

// check asks both sides and blames rules for what differs.
func (c *conversion) check(t *trial) {
	name, where := HtaccessFile, ir.ContextHtaccess
	if c.target.Server {
		name, where = VhostFile, ir.ContextServer
	}
	l, err := parser.LoadText(nil, name, []byte(t.text), load.Options{Server: ir.Apache, Context: where, DocumentRoot: c.root})
	if err != nil {
		t.refused = err
		return
	}
	for _, s := range l.Program.Htaccess {
		if s.Refusal != nil {
			t.refused = fmt.Errorf("%s: %s", l.Program.Files[0].Position(s.Refusal.Span.Start), s.Refusal.Message)
			return
		}
	}
	w := c.world
	w.HasModule = nil
	if len(t.files) > 0 {
		w.Files = withTables{w.Files, c.options.Folder, t.files}
	}
	after, err := probe.New(l.Program, probe.Options{World: w, Budget: checkBudget})
	if err != nil {
		t.refused = err
		return
	}
	if c.asked == nil {
		c.asked = c.questions()
	}
	var more []func(a, b *sim.Outcome) string
	if names := headerNames(c.program); len(names) > 0 {
		more = append(more, func(a, b *sim.Outcome) string {
			if name := differentHeader(names, a, b); name != "" {
				return headerWhat + name
			}
			return ""
		})
	}
	t.diffs, t.compared = check.Compare(c.asked, after, more...)

	differ := t.diffs[:0]
	for _, d := range t.diffs {
		if !onlyPort(&d) && !c.sameText(&d) && !notMapped(&d) {
			differ = append(differ, d)
		}
	}
	t.diffs = differ
	t.reached = map[*ir.Rule]bool{}
	for i := range c.asked {
		if c.asked[i].Before.Known {
			for _, r := range probe.Fired(&c.asked[i].Before) {
				t.reached[r] = true
			}
		}
	}
	for i := range t.diffs {
		d := &t.diffs[i]
		items := t.blame(d)
		if len(items) == 0 {
			t.others = append(t.others, *d)
		}
		for _, it := range items {
			if t.blamed[it] == nil {
				t.blamed[it] = d
			}
		}
	}
}

// onlyPort tells of a Location that differs in nothing but a port that the client wrote into its Host header, and which
// is not the one it has reached: httpd repeats it.
func onlyPort(d *check.Difference) bool {
	host, port, ok := strings.Cut(d.Probe.Request.Host, ":")
	if !ok || d.What != "Location" || d.Before.Location == nil || d.After.Location == nil {
		return false
	}
	return strings.Replace(*d.After.Location, "://"+strings.ToLower(host)+":"+port, "://"+strings.ToLower(host), 1) == *d.Before.Location
}

// sameText tells of an error with a text: nginx goes to the location that has it, httpd sends it from where it is.
func (c *conversion) sameText(d *check.Difference) bool {
	return d.What == "path" && d.Before.Status == d.After.Status && d.Before.Body != nil && d.After.Body != nil && *d.Before.Body == *d.After.Body
}

// notMapped tells of a 404 for an encoded slash, which httpd answers before it knows of a file.
func notMapped(d *check.Difference) bool {
	return d.What == "path" && d.Before.Status == 404 && d.After.Status == 404 && strings.Contains(strings.ToLower(d.Probe.Request.Target), "%2f")
}

// errorPages are the files that error_page names.
func (c *conversion) errorPages() (files []string) {
	seen := map[string]bool{}
	root := c.root
	var walk func(s *ir.Scope)
	walk = func(s *ir.Scope) {
		if s.Kind == ir.ScopeHost {
			root = c.rootOf(s)
		}
		for _, it := range s.Items {
			switch it := it.(type) {
			case *ir.Scope:
				walk(it)
			case *ir.Setting:
				if n := len(it.Args); it.Name == "error_page" && n > 1 && strings.HasPrefix(it.Arg(n-1), "/") && !strings.ContainsAny(it.Arg(n-1), "$?") {
					if file := root + it.Arg(n-1); !seen[file] && len(files) < 20 {
						seen[file] = true
						files = append(files, file)
					}
				}
			}
		}
	}
	walk(c.program.Root)
	return files
}

// listensTLS tells whether a listen of the program speaks TLS.
func (c *conversion) listensTLS() bool {
	var walk func(s *ir.Scope) bool
	walk = func(s *ir.Scope) bool {
		for _, l := range listens(s) {
			if l.tls {
				return true
			}
		}
		for _, it := range s.Items {
			if in, ok := it.(*ir.Scope); ok && in.Kind != ir.ScopeLocation && in.Kind != ir.ScopeIf && walk(in) {
				return true
			}
		}
		return false
	}
	return walk(c.program.Root)
}

// contradicts tells whether one of some paths lies below one of some files.
func contradicts(paths, files []string) bool {
	for _, p := range paths {
		for _, f := range files {
			if strings.HasPrefix(p, f+"/") {
				return true
			}
		}
	}
	return false
}

// questions are those about rules, and for each location its name, a file in it and one that is missing.
func (c *conversion) questions() []check.Answered {
	rules := c.before.Rules()
	per := perRule
	if len(rules) > 300 {
		per = 1
	}
	asked := check.Requests(c.before, c.root, rules, per, maxAsked)
	// a budget that ended early must not leave rules without any question
	for i := len(asked) / 20; i < len(rules); i++ {
		if p, ok := c.before.Reach(rules[i]); ok {
			asked = append(asked, check.Answered{Question: check.Question{Probe: p, Rule: rules[i]}, Before: c.before.Ask(p)})
		}
	}
	seen := map[string]bool{}
	host := probe.DefaultHost
	if h := c.before.Hosts(); len(h) > 0 {
		host = h[0]
	}
	ask := func(target string, exists ...string) {
		p := probe.Probe{Request: sim.Request{Host: host, Target: target}, Exists: exists}
		if key := fmt.Sprint(host, target, exists); !seen[key] && len(seen) < maxAsked {
			seen[key] = true
			asked = append(asked, check.Answered{Question: check.Question{Probe: p}, Before: c.before.Ask(p)})
		}
	}
	for i, r := range rules {
		if i > maxAsked/10 {
			break
		}
		for _, p := range c.before.Requests(r, 1) {
			if strings.Contains(p.Request.Target, "?") {
				p.Request.Target += "%20b"
				asked = append(asked, check.Answered{Question: check.Question{Probe: p, Rule: r}, Before: c.before.Ask(p)})
			}
		}
	}
	root := c.root
	var walk func(s *ir.Scope)
	walk = func(s *ir.Scope) {
		if s.Kind == ir.ScopeHost {
			root = c.rootOf(s)
			host = probe.DefaultHost
			if names := serverNames(s); len(names) > 0 && !strings.ContainsAny(names[0], "*~") {
				host = names[0]
			} else if h := c.before.Hosts(); len(h) > 0 && len(names) == 0 {
				host = h[0]
			}
			if len(own(s, "error_page")) > 0 {
				ask("/a%20x")
			}
			for _, target := range overlaps(s) {
				ask(target, root+target)
			}
		}
		if target := asSent(s); target != "" {
			ask(target)
			ask(target + "?a=1")
		}
		if s.Kind == ir.ScopeLocation {
			for _, sample := range locationSamples(s) {
				ask(sample)
				if s.Pattern == nil {
					ask(sample, root+strings.TrimSuffix(sample, "/")+"/")
				}
				foreign := probe.Probe{Request: sim.Request{Host: host, Target: sample, Header: [][2]string{{"Referer", "http://elsewhere.invalid/"}}}}
				if len(inherited(s, "valid_referers")) > 0 {
					asked = append(asked, check.Answered{Question: check.Question{Probe: foreign}, Before: c.before.Ask(foreign)})
				}
				ask(sample+"?a=1", root+path.Clean(sample))
				if len(own(s, "proxy_pass")) > 0 {
					ask(sample + "%3Fx")
				}
				if len(inherited(s, "error_page")) > 0 {
					ask(sample + "%20x")
				}
				if strings.HasSuffix(sample, "/") && len(sample) > 1 {
					ask(strings.TrimSuffix(sample, "/"))
				}
				ask(strings.TrimSuffix(sample, "/") + "/below.html")
				ask(strings.TrimSuffix(sample, "/")+"/below", root+strings.TrimSuffix(sample, "/")+"/below/index.html")
				ask(strings.TrimSuffix(sample, "/")+"/below", root+strings.TrimSuffix(sample, "/")+"/below.html")
				ask(strings.TrimSuffix(sample, "/")+"/below.html", root+strings.TrimSuffix(sample, "/")+"/below.html")
			}
		}
		for _, it := range s.Items {
			if in, ok := it.(*ir.Scope); ok {
				walk(in)
			}
		}
	}
	walk(c.program.Root)
	if c.target.Server && (c.program.Context == ir.ContextServer || c.program.Context == ir.ContextLocation) {
		// the inside of a server does not say where it listens: its virtual host is that of port 80
		for i := range asked {
			if p := &asked[i].Probe; p.Request.Scheme == "https" && !c.listensTLS() {
				p.Request.Scheme = "http"
				asked[i].Before = c.before.Ask(*p)
			}
		}
	}
	if pages := c.errorPages(); len(pages) > 0 {
		// error pages are there: what a server says when they are not is nobody's intention
		for i := range asked {
			p := &asked[i].Probe
			if contradicts(p.Exists, pages) {
				continue
			}
			p.Exists = append(p.Exists[:len(p.Exists):len(p.Exists)], pages...)
			asked[i].Before = c.before.Ask(*p)
		}
	}
	for i := range asked {
		// httpd is given the server of an upstream block in place of its name
		if o := &asked[i].Before; o.PassedTo != "" {
			o.PassedTo = upstream(c.program, o.PassedTo)
		}
	}
	return asked
}

// asSent is a request for an if that tests $request_uri, the target as the client sent it; empty for others.
func asSent(s *ir.Scope) string {
	c := s.If
	if s.Kind != ir.ScopeIf || c == nil || c.Pattern == nil || c.Pattern.Re == nil || c.Test == nil || len(c.Test.Parts) != 1 || c.Test.Parts[0].Name != "request_uri" {
		return ""
	}
	text, ok, known := shortest(c.Pattern)
	if !ok || !known || !fits(text) || strings.ContainsAny(text, " #") {
		return ""
	}
	return text
}

// maxOverlaps bounds the questions about two locations of a server at once.
const maxOverlaps = 60

// overlaps are paths that both a prefix location and one by a regular expression would take.
func overlaps(host *ir.Scope) (out []string) {
	for _, p := range locations(host) {
		if p.Modifier != ir.PrefixLocation && p.Modifier != ir.NoRegexLocation || !strings.HasPrefix(p.Path, "/") || len(p.Path) < 2 {
			continue
		}
		for _, r := range locations(host) {
			if r.Modifier != ir.RegexLocation && r.Modifier != ir.RegexLocationCI {
				continue
			}
			for _, sample := range locationSamples(r) {
				if len(out) < maxOverlaps {
					out = append(out, strings.TrimSuffix(urlEscape(p.Path), "/")+"/"+strings.TrimPrefix(sample, "/"))
				}
			}
		}
	}
	return out
}

// locationSamples are paths that a location takes, when no other is more to the point.
func locationSamples(s *ir.Scope) []string {
	switch s.Modifier {
	case ir.NamedLocation:
		return nil
	case ir.RegexLocation, ir.RegexLocationCI:
		if s.Pattern == nil || s.Pattern.Re == nil {
			return nil
		}
		text, ok, known := shortest(s.Pattern)
		if !ok || !known || !strings.HasPrefix(text, "/") {
			return nil
		}
		return []string{urlEscape(text)}
	}
	if !strings.HasPrefix(s.Path, "/") {
		return nil
	}
	return []string{urlEscape(s.Path)}
}

// blame names what is behind a difference: the rules that took effect on either side, else the settings of the
// location that answered, else the rule the question is about.
func (t *trial) blame(d *check.Difference) (items []ir.Item) {
	seen := map[ir.Item]bool{}
	add := func(it ir.Item) {
		if it != nil && !seen[it] && t.noted[it] != nil {
			seen[it] = true
			items = append(items, it)
		}
	}
	if name, ok := strings.CutPrefix(d.What, headerWhat); ok {
		for it := range t.noted {
			set, is := it.(*ir.Setting)
			if is && (set.Name == "add_header" && strings.EqualFold(set.Arg(0), name) || set.Name == "expires" && name == "cache-control") {
				add(it)
			}
		}
		return items
	}
	for _, r := range probe.Fired(&d.Before) {
		add(r)
	}
	for _, r := range probe.Fired(&d.After) {
		if u := t.unitAt[r.Line()]; u != nil {
			add(u.item)
		}
	}
	if d.Rule != nil {
		add(d.Rule)
	}
	if len(items) == 0 || len(probe.Fired(&d.Before)) == 0 {
		for it := range t.noted {
			if set, ok := it.(*ir.Setting); ok && set.Name != "add_header" && set.Name != "expires" && t.concerns(set, d) {
				add(it)
			}
		}
	}
	return items
}

// concerns tells whether a setting may be behind an answer: it stands in a location that the request went through,
// or outside of all locations.
func (t *trial) concerns(set *ir.Setting, d *check.Difference) bool {
	sc := t.scopeOf[set]
	for sc != nil && sc.Kind == ir.ScopeIf {
		sc = sc.Parent
	}
	if sc == nil || sc.Kind != ir.ScopeLocation {
		return true
	}
	for _, v := range d.Before.Via {
		if v == sc.Path {
			return true
		}
	}
	return false
}

// improve tries the careful form where the plain one differs, as long as that helps.
func (c *conversion) run() (*emit.Result, error) {
	best := c.try(forms{})
	if best.refused == nil && len(best.diffs) > 0 {
		best = c.improve(best)
	}
	for _, plain := range [...]func(f *forms){func(f *forms) { f.fallback = true }, func(f *forms) { f.alias = true }} {
		f := best.forms
		plain(&f)
		if w := newWriter(c, f); c.same(w, best.text) {
			continue
		}
		if t := c.try(f); t.refused == nil && len(t.diffs) <= len(best.diffs) && t.compared >= best.compared {
			best = t
		}
	}
	if best.refused != nil {
		return nil, fmt.Errorf("the translation would be refused by httpd: %w", best.refused)
	}
	return c.result(best), nil
}

func (c *conversion) improve(best *trial) *trial {
	keep := func(f forms) bool {
		if t := c.try(f); t.refused == nil && len(t.diffs) < len(best.diffs) {
			best = t
			return true
		}
		return false
	}
	careful := func(f forms) forms {
		f.careful = map[ir.Item]bool{}
		for it := range best.forms.careful {
			f.careful[it] = true
		}
		for it := range best.blamed {
			f.careful[it] = true
		}
		return f
	}
	keep(careful(best.forms))
	if len(best.diffs) > 0 {
		f := best.forms
		f.once = true
		keep(f)
	}
	if len(best.diffs) > 0 {
		f := best.forms
		f.remember = true
		keep(f)
	}
	if len(best.diffs) > 0 && !best.forms.once {
		f := best.forms
		f.once, f.remember = true, true
		keep(f)
	}
	if len(best.diffs) > 0 {
		keep(careful(best.forms))
	}
	if slices.ContainsFunc(best.diffs, func(d check.Difference) bool { return strings.HasPrefix(d.What, headerWhat) }) {
		// a header may be taken away by a section that takes more than its location
		f := careful(best.forms)
		for it := range best.noted {
			if set, ok := it.(*ir.Setting); ok && (set.Name == "add_header" || set.Name == "expires") {
				f.careful[it] = true
			}
		}
		keep(f)
	}
	return best
}

// result makes the notes.
func (c *conversion) result(t *trial) *emit.Result {
	r := &emit.Result{Remarks: t.remarks, Compared: t.compared}
	name := HtaccessFile
	if c.target.Server {
		name = VhostFile
	}
	r.Files = append(append(r.Files, emit.File{Name: name, Text: []byte(t.text)}), t.files...)
	var leftOver *check.Difference
	if len(t.others) > 0 {
		leftOver = &t.others[0]
	}
	for _, n := range t.notes {
		note := *n
		d := t.blamed[t.itemOf[n]]
		if d == nil && leftOver != nil && note.Fidelity == emit.Exact {
			if _, isSetting := t.itemOf[n].(*ir.Setting); isSetting && n.Directive != "server_name" && n.Directive != "add_header" && n.Directive != "expires" {
				d = leftOver
			}
		}
		if d != nil && note.Fidelity == emit.Exact {
			note.Fidelity = emit.Approximate
			note.Reason = "the " + d.What + " differs"
			if t.onlyQuestionMarks(t.itemOf[n]) {
				note.Reason = "httpd refuses a request with %3F in its path where a rule takes it apart (UnsafeAllow3F of 2.4.60 lets it through)"
			}
			note.Witness = c.witness(d)
		}
		if rule, ok := t.itemOf[n].(*ir.Rule); ok && note.Fidelity == emit.Exact && !t.reached[rule] && !strings.HasPrefix(note.Reason, "never runs") {
			note.Fidelity, note.Reason = emit.Approximate, "not compared: no request was found that reaches it"
		}
		r.Notes = append(r.Notes, note)
	}
	sort.SliceStable(r.Notes, func(i, j int) bool {
		a, b := &r.Notes[i].Origin, &r.Notes[j].Origin
		return a.File == b.File && a.Span.Start < b.Span.Start
	})
	return r
}

// onlyQuestionMarks tells whether all that differs for an item has an encoded question mark in its path.
func (t *trial) onlyQuestionMarks(it ir.Item) bool {
	if t.marks == nil {
		t.marks = map[ir.Item]int{}
		for i := range t.diffs {
			d := &t.diffs[i]
			mark := 1
			if !strings.Contains(strings.ToLower(d.Probe.Request.Target), "%3f") || d.After.Status != 403 {
				mark = 2
			}
			for _, it := range t.blame(d) {
				t.marks[it] |= mark
			}
		}
	}
	return t.marks[it] == 1
}

func (c *conversion) witness(d *check.Difference) *emit.Witness {
	p := &d.Probe
	w := &emit.Witness{Method: p.Request.Method, URL: probe.URL(p.Request), Header: p.Request.Header,
		Before: check.Describe(&d.Before), After: check.Describe(&d.After)}
	if name, ok := strings.CutPrefix(d.What, headerWhat); ok {
		w.Before += " with " + name + ": " + strings.Join(headerParts(&d.Before, name), ", ")
		w.After += " with " + name + ": " + strings.Join(headerParts(&d.After, name), ", ")
	}
	for _, f := range p.Exists {
		w.Assume = append(w.Assume, strings.TrimPrefix(f, c.root)+" exists")
	}
	for _, f := range p.Missing {
		w.Assume = append(w.Assume, strings.TrimPrefix(f, c.root)+" does not exist")
	}
	return w
}
