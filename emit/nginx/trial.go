package nginx

// A trial is the program written one way, asked what the source was asked, with the rules that are to blame for what differs.

import (
	"fmt"
	"strings"

	"rewright/emit/check"
	"rewright/parser"
	"rewright/parser/ir"
	"rewright/parser/load"
	"rewright/parser/probe"
	"rewright/parser/source"
)

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

// refusal says why nginx would not start with the translation.
func (t *trial) refusal() error {
	if t.refused == nil {
		return nil
	}
	return fmt.Errorf("the translation would be refused by nginx: %w", t.refused)
}

// debug sees every trial; for tests.
var debug func(t *trial)
