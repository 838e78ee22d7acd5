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
	"strings"

	"rewright/emit"
	"rewright/emit/check"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
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
