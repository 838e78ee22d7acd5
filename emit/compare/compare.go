// Package compare tells which requests two configurations answer differently.
//
// Two programs go in, of one server or of two; what changes, grouped by the rules that make the change, comes out,
// with a request for each group. Requests are drawn from the rules, sections and hosts of both sides and asked on
// both; what is not drawn is not compared, so no change found is no proof that there is none.
package compare

import (
	"context"
	"slices"
	"sort"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
)

// Side is one of the two configurations.
type Side struct {
	Program *ir.Program
	Site    *probe.Site
	// Docroot is the absolute folder of its document root, without a final slash. The two sides may have it at
	// different places: what a request assumes of the one root is carried over to the other.
	Docroot string
}

// Options bound and steer a comparison. The zero value is usable.
type Options struct {
	// Requests bounds how many requests are asked on both sides; 0: DefaultRequests.
	Requests int
	// Ask answers in place of the new side: a server that runs. With it only what such a server shows is compared:
	// status and Location. ok is false when the request cannot be put to it.
	Ask func(p probe.Probe) (o sim.Outcome, ok bool, err error)
	// Scheme is the one that Ask speaks, "http" or "https": requests to a configuration that does not say where it listens are
	// made in it. Empty: requests stay as they are drawn.
	Scheme string
	// Context stops a comparison early; nil: never.
	Context context.Context
}

// DefaultRequests is how many requests are asked when Options do not say it.
const DefaultRequests = 50_000

// Answer is what one side answers to a request, and the rule that made it.
type Answer struct {
	Outcome sim.Outcome
	Rule    *ir.Rule // the last rule that did something to the request, or that took effect; nil: none
	Path    string   // the file served or looked for, below the document root; empty: does not matter here
	Query   string   // the query of the final request, where a program may read it
	// End is where the client is after following redirects on own hosts: a URL; empty: not followed.
	End   string
	Hops  int  // redirects followed
	Loops bool // following them goes round in a circle, or never ends
}

// Change is one request that is answered differently, and how many more there are like it.
type Change struct {
	Probe    probe.Probe // as the old side sees it
	Old, New Answer
	What     Aspect
	Verdict  string // what it means for the client, in words
	More     int    // further requests with the same rules and the same aspect
	Others   []probe.Probe
}

// Result is what a comparison found.
type Result struct {
	Changes  []Change // by place in the old configuration, then in the new one
	Compared int      // requests whose answers are known on both sides
	Changed  int      // of them, those answered differently
	Unknown  int      // requests whose answer is not known on one side
	Reasons  []Reason // why, the commonest first
	Skipped  int      // requests that could not be put to the running server
	// Untried are rules of either side for which no request was found, so nothing is known of them.
	UntriedOld, UntriedNew []*ir.Rule
	Cut                    bool // Options.Requests or the budget ended the comparison early

	old, new *Side
}

// Reason is why answers are not known.
type Reason struct {
	Side  string // "old" or "new"
	Text  string // what the simulator says
	Count int    // requests
	Probe probe.Probe
}

// note records which rules an answer came from.
func (c *comparison) note(o *sim.Outcome) {
	for _, f := range o.Fired {
		c.fired[f.Rule] = true
	}
}

// unknown counts a request whose answer is not known.
func (c *comparison) unknown(p probe.Probe, o *sim.Outcome, side string) {
	c.result.Unknown++
	text := "something that is not modelled could change the answer"
	if len(o.Unknown) > 0 {
		text = o.Unknown[0]
	}
	for i := range c.result.Reasons {
		if r := &c.result.Reasons[i]; r.Side == side && r.Text == text {
			r.Count++
			return
		}
	}
	c.result.Reasons = append(c.result.Reasons, Reason{side, text, 1, p})
}

// maxOthers is how many further requests a Change lists.
const maxOthers = 4

type comparison struct {
	old, new *Side
	o        Options
	result   *Result
	seen     map[string]bool
	groups   map[group]int     // index in result.Changes
	fired    map[*ir.Rule]bool // rules that took effect for some request
	listens  bool              // the old side says where it listens
}

// group is what makes two changes the same for a reader.
type group struct {
	old, new *ir.Rule
	what     Aspect
	from, to int    // status
	headers  string // those that differ: what sets them is no rule
}

// Run compares two sides. The error is that of Options.Ask or of the context.
func Run(old, new *Side, o Options) (*Result, error) {
	if o.Requests == 0 {
		o.Requests = DefaultRequests
	}
	if o.Context == nil {
		o.Context = context.Background()
	}
	c := &comparison{old: old, new: new, o: o, result: &Result{old: old, new: new}, seen: map[string]bool{}, groups: map[group]int{}, fired: map[*ir.Rule]bool{}}
	c.listens = listens(old)
	if err := c.run(); err != nil {
		return nil, err
	}
	r := c.result
	r.UntriedOld, r.UntriedNew = c.untried(r.UntriedOld), c.untried(r.UntriedNew)
	sort.SliceStable(r.Reasons, func(i, j int) bool { return r.Reasons[i].Count > r.Reasons[j].Count })
	sort.SliceStable(r.Changes, func(i, j int) bool {
		a, b := &r.Changes[i], &r.Changes[j]
		if x, y := c.order(old, a.Old.Rule), c.order(old, b.Old.Rule); x != y {
			return x < y
		}
		return c.order(new, a.New.Rule) < c.order(new, b.New.Rule)
	})
	return r, nil
}

// untried takes out of a list the rules that some request reached, also one that was made for another rule.
func (c *comparison) untried(list []*ir.Rule) []*ir.Rule {
	return slices.DeleteFunc(list, func(r *ir.Rule) bool { return c.fired[r] })
}

// order puts what no rule makes last.
func (c *comparison) order(s *Side, r *ir.Rule) int {
	if r == nil || s == nil {
		return 1 << 30
	}
	return s.Site.Order(r)
}

func (c *comparison) run() error {
	if err := c.draw(); err != errEnough {
		return err
	}
	c.result.Cut = true
	return nil
}

// try asks both sides one request.
func (c *comparison) try(p probe.Probe) error {
	p.Reached = false
	if c.o.Scheme != "" && p.Request.Port == 0 && !c.listens {
		p.Request.Scheme = c.o.Scheme
	}
	c.withFolders(&p)
	k := keyOf(p)
	if c.seen[k] {
		return nil
	}
	c.seen[k] = true
	if len(c.seen) > c.o.Requests {
		return errEnough
	}
	if err := c.o.Context.Err(); err != nil {
		return err
	}
	before := c.old.Site.Ask(p)
	c.note(&before)
	if !before.Known {
		c.unknown(p, &before, "old")
		return nil
	}
	q := c.carry(p)
	var after sim.Outcome
	if c.o.Ask != nil {
		if len(p.Exists)+len(p.Missing) > 0 || p.Client != "" {
			c.result.Skipped++
			return nil
		}
		var ok bool
		var err error
		if after, ok, err = c.o.Ask(q); err != nil {
			return err
		} else if !ok {
			c.result.Skipped++
			return nil
		}
	} else if after = c.new.Site.Ask(q); !after.Known {
		c.note(&after)
		c.unknown(p, &after, "new")
		return nil
	}
	c.note(&after)
	c.result.Compared++
	a, b := c.answer(c.old, before), Answer{Outcome: after}
	if c.o.Ask != nil {
		a.Path, a.Query = "", ""
	} else {
		b = c.answer(c.new, after)
	}
	what := differ(&a, &b, c.headers(), c.o.Ask != nil)
	if what == "" {
		return nil
	}
	c.result.Changed++
	g := group{a.Rule, b.Rule, what, before.Status, after.Status, ""}
	if what == Headers {
		g = group{what: what, headers: headerChange(&before, &after)}
	}
	if i, ok := c.groups[g]; ok {
		ch := &c.result.Changes[i]
		if ch.More++; len(ch.Others) < maxOthers {
			ch.Others = append(ch.Others, p)
		}
		return nil
	}
	c.follow(c.old, p, &a)
	if c.o.Ask == nil {
		c.follow(c.new, q, &b)
	}
	c.groups[g] = len(c.result.Changes)
	c.result.Changes = append(c.result.Changes, Change{Probe: p, Old: a, New: b, What: what, Verdict: verdict(p, &a, &b, what)})
	return nil
}

// headers tells whether what configuration sets in headers is compared: only between two configurations of one
// server, for each server has headers of its own.
func (c *comparison) headers() bool {
	return c.o.Ask == nil && c.old.Program.Server == c.new.Program.Server
}

func (c *comparison) answer(s *Side, o sim.Outcome) Answer {
	a := Answer{Outcome: o}
	for _, f := range o.Fired {
		// One that leaves the request as it is decides nothing where another has changed it.
		if !f.Subrequest && (f.Rule.Action != ir.ActionNone || a.Rule == nil || a.Rule.Action == ir.ActionNone) {
			a.Rule = f.Rule
		}
	}
	byRule := a.Rule != nil && a.Rule.Action == ir.ActionRespond
	if o.Location == nil && !o.Closed && (o.Status >= 200 && o.Status < 300 || (o.Status == 404 || o.Status == 403 || o.Status == 0) && !byRule) {
		a.Path, a.Query = c.path(s, &o), ""
		if o.PassedTo != "" || runs(a.Path) {
			a.Query = o.Query
		}
	}
	return a
}

// path is the file that was served or looked for, as seen from the document root of its side.
func (c *comparison) path(s *Side, o *sim.Outcome) string {
	p := o.File + o.PathInfo
	if s.Program.Server == ir.Nginx {
		if p = o.File; p == "" {
			p = o.Filename
		}
	}
	if rest, ok := strings.CutPrefix(p, s.Docroot); ok && (rest == "" || rest[0] == '/') {
		p = rest
	}
	return strings.TrimSuffix(p, "/")
}

// runs tells whether a program stands behind a path, which may read the query.
func runs(path string) bool {
	path = strings.ToLower(path)
	for _, ext := range []string{".php", ".cgi", ".fcgi", ".pl", ".py", ".rb", ".asp", ".aspx", ".jsp", ".cfm"} {
		if strings.HasSuffix(path, ext) || strings.Contains(path, ext+"/") {
			return true
		}
	}
	return false
}

// maxHops is how many redirects are followed to see where a client ends.
const maxHops = 10

func (c *comparison) follow(s *Side, p probe.Probe, a *Answer) {
	if a.Outcome.Location == nil {
		return
	}
	chain := s.Site.Follow(p, maxHops)
	a.Hops = chain.Redirects()
	switch chain.End {
	case probe.EndCycle, probe.EndLimit:
		a.Loops = true
	case probe.EndLeft:
		a.End = chain.Next
	case probe.EndAnswer:
		a.End = probe.URL(chain.Hops[len(chain.Hops)-1].Probe.Request)
	}
}

// carry says what a probe assumes in the terms of the new side.
func (c *comparison) carry(p probe.Probe) probe.Probe {
	if c.new == nil || c.old.Docroot == c.new.Docroot {
		return p
	}
	p.Exists, p.Missing = move(p.Exists, c.old.Docroot, c.new.Docroot), move(p.Missing, c.old.Docroot, c.new.Docroot)
	return p
}

func move(paths []string, from, to string) []string {
	var out []string
	for _, p := range paths {
		if rest, ok := strings.CutPrefix(p, from+"/"); ok {
			p = to + "/" + rest
		}
		out = append(out, p)
	}
	return out
}

// withFolders adds the folders in which either side has a .htaccess file and that lie on the way of the request:
// they exist on both sides.
func (c *comparison) withFolders(p *probe.Probe) {
	target, _, _ := strings.Cut(p.Request.Target, "?")
	for _, s := range []*Side{c.old, c.new} {
		if s == nil {
			continue
		}
		for _, h := range s.Program.Htaccess {
			rest, ok := strings.CutPrefix(h.Dir, s.Docroot+"/")
			if !ok || !strings.HasPrefix(target+"/", "/"+rest+"/") {
				continue
			}
			folder := c.old.Docroot + "/" + rest + "/"
			known := false
			for _, e := range append(p.Exists[:len(p.Exists):len(p.Exists)], p.Missing...) {
				known = known || strings.HasPrefix(e, folder) || e+"/" == folder
			}
			if !known {
				p.Exists = append(p.Exists[:len(p.Exists):len(p.Exists)], folder)
			}
		}
	}
}

func keyOf(p probe.Probe) string {
	r := &p.Request
	var b strings.Builder
	for _, s := range []string{r.Method, r.Scheme, r.Host, r.Target, r.Version, p.Client} {
		b.WriteString(s)
		b.WriteByte(0)
	}
	for _, h := range r.Header {
		b.WriteString(h[0] + ":" + h[1] + "\x00")
	}
	for _, f := range p.Exists {
		b.WriteString("+" + f + "\x00")
	}
	for _, f := range p.Missing {
		b.WriteString("-" + f + "\x00")
	}
	return b.String()
}
