package rules

import (
	"slices"
	"strconv"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
	"rewright/parser/source"
)

// trouble is what following redirects showed, named by the rule of the linter that reports it.
type trouble string

const (
	selfLoop      trouble = "RD201"
	longCycle     trouble = "RD202"
	internalLoop  trouble = "RD203"
	growing       trouble = "RD204"
	longChain     trouble = "RD205"
	indexLoop     trouble = "RD210"
	slashFight    trouble = "RD211"
	queryLoop     trouble = "RD212"
	canonicalWar  trouble = "RD213"
	loopElsewhere trouble = "RD201 elsewhere" // a loop if the file serves the host of the target
)

// maxHops is how many redirects are followed. Browsers give up at 20; what has not come to an end or back by then has grown.
const maxHops = 10

// loop is one trouble with the requests that show it.
type loop struct {
	kind     trouble
	rule     *ir.Rule // that is reported
	others   []*ir.Rule
	chain    probe.Chain
	skipped  int           // redirects left out of a long chain's middle or end
	severity diag.Severity // 0: the rule's own
	unless   string        // what would change the answer and is not known
}

// loopsOf follows what every rule of a unit does and gives the troubles found, by rule in reading order; each rule of a
// trouble is told of once, in its most telling form.
func loopsOf(p *lint.Pass) []*loop {
	type key struct{}
	return p.Unit.Memo(key{}, func() any {
		site := p.Site()
		if site == nil {
			return []*loop(nil)
		}
		f := &follower{p: p, site: site, sources: newSources(site), told: map[string]bool{}}
		for _, r := range f.sources.rules {
			if r.File != nil {
				f.follow(r)
			}
		}
		return f.loops
	}).([]*loop)
}

// reportLoops reports the troubles of one kind.
func reportLoops(p *lint.Pass, kind trouble, say func(l *loop) diag.Diagnostic) {
	for _, l := range loopsOf(p) {
		if l.kind != kind || !p.Unit.Owns(l.rule.Origin) {
			continue
		}
		p.File = l.rule.File
		d := say(l)
		if d.Span == (source.Span{}) {
			d.Span = loopSpan(l.rule)
		}
		if d.Severity == 0 {
			d.Severity = l.severity
		}
		if l.unless != "" {
			d.Message += ", unless " + l.unless
		}
		d.Witness = p.Site().Witness(&l.chain)
		if n := len(l.chain.Hops) / 2; l.skipped > 0 && l.chain.End == probe.EndCycle {
			d.Witness.Steps = slices.Insert(d.Witness.Steps, n, "… "+strconv.Itoa(l.skipped)+" more …")
		}
		for _, r := range l.others {
			if r.File != nil {
				d.Related = append(d.Related, diag.Related{File: r.File, Span: loopSpan(r), Message: "leads on from there"})
			}
		}
		p.Add(d)
	}
}

// loopSpan is where a rule is marked: its target, or all of it.
func loopSpan(r *ir.Rule) source.Span {
	if r.TargetSpan.Len() > 0 {
		return r.TargetSpan
	}
	return r.Span
}

// follower looks for troubles rule by rule.
type follower struct {
	p        *lint.Pass
	site     *probe.Site
	sources  *sources
	loops    []*loop
	told     map[string]bool // of kind and rules
	index    []string        // see indexNames
	folders  []string        // see proxiedFolders
	env      map[string]bool // see setsEnv
	stations map[string]*station
	ends     map[string]station // addresses that are answered otherwise than by a redirect
}

// add keeps a trouble unless the same rules were told of in the same way.
func (f *follower) add(l *loop) {
	rules := append([]*ir.Rule{l.rule}, l.others...)
	slices.SortFunc(rules, func(a, b *ir.Rule) int { return f.site.Order(a) - f.site.Order(b) })
	var key strings.Builder
	key.WriteString(string(l.kind))
	for _, r := range rules {
		key.WriteString(" " + r.Place())
	}
	if !f.told[key.String()] {
		f.told[key.String()] = true
		f.loops = append(f.loops, l)
	}
}

// follow looks at what becomes of the requests of one rule.
func (f *follower) follow(r *ir.Rule) {
	if f.site.Spent() {
		return
	}
	if r.Action == ir.ActionRedirect && f.mayFightSlash(r) && f.slashFight(r) {
		return
	}
	if f.throughIndex(r) {
		return
	}
	if !f.sources.mayGoOn(r) {
		f.elsewhere(r)
		return
	}
	if l, done := f.far(r); done {
		if l != nil {
			f.add(l)
		}
		return
	}
	var chain *loop
	reached, chains := 0, 0
	for _, q := range f.site.Requests(r, 6) {
		if !q.Reached || !sendable(q.Request.Target) {
			continue
		}
		c := f.site.Follow(q, maxHops)
		if !probe.HasFired(&c.Hops[0].Outcome, r) {
			continue
		}
		reached++
		l := f.vet(f.judge(r, q, c))
		if l == nil {
			continue
		}
		if l.kind != longChain {
			f.partly(l)
			f.add(l)
			return
		}
		if chains++; chain == nil {
			chain = l
		}
	}
	if chain != nil && 2*chains >= reached { // else it is about a few odd paths
		f.add(chain)
		return
	}
	f.elsewhere(r)
}

// partly makes a loop inside the server a warning when other requests for the rule end well.
func (f *follower) partly(l *loop) {
	if l.kind != internalLoop || l.severity != 0 {
		return
	}
	for _, q := range f.site.Requests(l.rule, 6) {
		if o := f.site.Ask(q); q.Reached && o.Known && !loopsInside(&o) {
			l.severity = diag.Warning
			return
		}
	}
}

// judge says what a chain that a rule begins shows; nil: nothing.
func (f *follower) judge(r *ir.Rule, q probe.Probe, c probe.Chain) *loop {
	last := &c.Hops[len(c.Hops)-1]
	if len(c.Hops) == 1 && loopsInside(&last.Outcome) {
		return f.inside(r, q)
	}
	if c.Hops[0].Rule() != r {
		return nil
	}
	switch c.End {
	case probe.EndCycle:
		c.Hops, c.Back = c.Hops[c.Back:], 0
		if c.Hops[0].Rule() != r {
			return nil // the circle is told of at its own rules
		}
		return f.cycle(r, c)
	case probe.EndLimit:
		return f.grows(r, c)
	}
	if c.End == probe.EndLeft {
		if next, err := probe.ParseURL(c.Next); err != nil || next.Host == "" {
			return nil
		}
	}
	if c.Redirects() > f.p.Unit.MaxHops() {
		return f.chained(r, q, c)
	}
	return nil
}

// loopsInside tells whether the server gave up because it went round inside itself.
func loopsInside(o *sim.Outcome) bool {
	return o.Known && o.Status == 500 && (strings.Contains(o.Error, "internal redirects due to") || strings.Contains(o.Error, "redirection cycle"))
}

// cycle sorts a circle of redirects that begins with r.
func (f *follower) cycle(r *ir.Rule, c probe.Chain) *loop {
	l := &loop{kind: selfLoop, rule: r, chain: c}
	rules := []*ir.Rule{}
	for i := range c.Hops {
		h := c.Hops[i].Rule()
		if h == nil { // the server's own redirect to a folder
			l.kind = slashFight
			continue
		}
		if !slices.Contains(rules, h) {
			rules = append(rules, h)
		}
	}
	if len(rules) == 0 {
		return nil
	}
	slices.SortFunc(rules, func(a, b *ir.Rule) int { return f.site.Order(a) - f.site.Order(b) })
	l.rule, l.others = rules[len(rules)-1], rules[:len(rules)-1]
	if l.kind == slashFight {
		return l
	}
	switch {
	case len(c.Hops) == 1:
		if asksQuery(r) && keepsQuery(r) {
			l.kind = queryLoop
		}
	case onlyHostsChange(c):
		l.kind = canonicalWar
	case len(c.Hops) == 2 && onlySlashChanges(c):
		l.kind = slashFight
	default:
		l.kind = longCycle
		if len(rules) == 1 && asksQuery(r) && keepsQuery(r) {
			l.kind = queryLoop
		}
	}
	return l
}

// asksQuery tells whether a rule takes effect only with a certain query.
func asksQuery(r *ir.Rule) bool {
	for _, c := range r.Conditions {
		if c.Test != nil && !c.Negated {
			for i := range c.Test.Parts {
				if c.Test.Parts[i].Name == "QUERY_STRING" {
					return true
				}
			}
		}
	}
	return false
}

// keepsQuery tells whether a rule of httpd hands the query on because nothing is said of it.
func keepsQuery(r *ir.Rule) bool {
	return r.Keyword == ir.RewriteRule && !r.Query.None && !r.Query.Discard && r.Target != nil && !strings.Contains(r.Target.Text, "?")
}

// onlyHostsChange tells whether all requests of a circle are for the same target, so that scheme and host alone go round.
func onlyHostsChange(c probe.Chain) bool {
	for i := range c.Hops {
		if c.Hops[i].Probe.Request.Target != c.Hops[0].Probe.Request.Target {
			return false
		}
	}
	return true
}

func onlySlashChanges(c probe.Chain) bool {
	a, b := pathOf(&c.Hops[0].Probe), pathOf(&c.Hops[1].Probe)
	return strings.TrimSuffix(a, "/") == strings.TrimSuffix(b, "/")
}

// grows tells whether each hop of an endless chain is longer than the one before, by one rule.
func (f *follower) grows(r *ir.Rule, c probe.Chain) *loop {
	for i := range c.Hops {
		if c.Hops[i].Rule() != r || i > 0 && len(c.Hops[i].Probe.Request.Target) <= len(c.Hops[i-1].Probe.Request.Target) {
			return nil
		}
	}
	return &loop{kind: growing, rule: r, chain: c}
}

// chained looks whether a chain of redirects is one for those who ask in the canonical form, too.
func (f *follower) chained(r *ir.Rule, q probe.Probe, c probe.Chain) *loop {
	if onlyHostsChange(probe.Chain{Hops: c.Hops[:2]}) {
		return nil // first scheme or host, then the rest: what HSTS asks for
	}
	final := &c.Hops[len(c.Hops)-1].Probe.Request
	if final.Scheme != q.Request.Scheme || final.Host != q.Request.Host {
		again := q
		again.Request.Scheme, again.Request.Host, again.Request.Port = final.Scheme, final.Host, final.Port
		if d := f.site.Follow(again, maxHops); probe.HasFired(&d.Hops[0].Outcome, r) {
			if d.Redirects() <= f.p.Unit.MaxHops() || d.Hops[0].Rule() != r || d.End == probe.EndCycle || d.End == probe.EndLimit {
				return nil
			}
			c = d
		}
	}
	l := &loop{kind: longChain, rule: r, chain: c}
	for i := 1; i < len(c.Hops); i++ {
		if !c.Hops[i].Redirects() {
			continue
		}
		h := c.Hops[i].Rule()
		if h == nil {
			continue
		}
		if h.File != r.File {
			l.severity = diag.Info
		}
		if !slices.Contains(l.others, h) && h != r {
			l.others = append(l.others, h)
		}
	}
	if f.p.Unit.Input.Profile == "identifiers" {
		l.severity = diag.Info
	}
	return l
}

// elsewhere looks whether a rule that sends everything to one host goes round when the file serves that host, of which
// nothing is known.
func (f *follower) elsewhere(r *ir.Rule) {
	permanent := r.Status == 301 || r.Status == 308
	if len(f.site.Hosts()) > 0 || f.p.Unit.Input.Profile == "identifiers" || r.Action != ir.ActionRedirect || !permanent || len(r.Conditions) > 0 || !takesAll(f.site, r) {
		return
	}
	prefix := r.Target.Prefix()
	if !strings.HasPrefix(prefix, "http://") && !strings.HasPrefix(prefix, "https://") {
		return
	}
	to, err := probe.ParseURL(prefix)
	if err != nil || strings.Contains(to.Host, "$") || !strings.Contains(to.Host, ".") {
		return
	}
	for _, q := range f.site.Requests(r, 3) {
		if !q.Reached {
			continue
		}
		q.Request.Scheme, q.Request.Host, q.Request.Port = to.Scheme, to.Host, to.Port
		c := f.site.Follow(q, maxHops)
		if c.End == probe.EndCycle && len(c.Hops) == 1 && c.Hops[0].Rule() == r {
			f.add(&loop{kind: loopElsewhere, rule: r, chain: c, severity: diag.Info})
			return
		}
	}
}

// takesAll tells whether a rule takes every path of its site.
func takesAll(site *probe.Site, r *ir.Rule) bool {
	if site.Below(r) != "/" {
		return false
	}
	switch r.Match {
	case ir.MatchSegment:
		return r.Path == "/"
	case ir.MatchRegex:
		return !r.Negated && r.Pattern.Re != nil && r.Pattern.Re.Tree().MatchesEverything()
	}
	for sc := site.Scope(r); sc != nil; sc = sc.Parent {
		if sc.Kind == ir.ScopeIf || sc.Kind == ir.ScopeLocation && (sc.Modifier != ir.PrefixLocation || sc.Path != "/") {
			return false
		}
	}
	return true
}
