package compare

import (
	"errors"
	"path"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
)

// errEnough ends the drawing of requests.
var errEnough = errors.New("enough requests")

// Requests drawn for one rule: more where the rule has no equal on the other side.
const (
	forChanged   = 12
	forUnchanged = 3
	manyRules    = 5_000 // from here on rules that stand on both sides are asked once
)

// draw asks requests that concern the rules, the sections and the hosts of both sides.
func (c *comparison) draw() error {
	sides := []*Side{c.old}
	if c.new != nil {
		sides = append(sides, c.new)
	}
	// First what differs, so that a bound on the requests cuts elsewhere.
	for _, changed := range []bool{true, false} {
		for i, s := range sides {
			var other *Side
			if len(sides) == 2 {
				other = sides[1-i]
			}
			if err := c.drawRules(s, other, changed, i == 1); err != nil {
				return err
			}
		}
		if changed {
			for i, s := range sides {
				if err := c.drawPlaces(s, i == 1); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (c *comparison) drawRules(s, other *Side, changed, isNew bool) error {
	same := texts(other)
	rules := s.Site.Rules()
	for _, r := range rules {
		if r.File == nil || r.Action == ir.ActionNone && r.Flow == ir.FlowNext && len(r.Flags) == 0 {
			continue
		}
		if isChanged := !same[textOf(s, r)]; isChanged != changed {
			continue
		}
		n, near := forChanged, forChanged
		if !changed {
			n, near = forUnchanged, forUnchanged
			if len(rules) > manyRules {
				n, near = 1, 0
			}
		}
		reached := false
		for _, p := range s.Site.Requests(r, n) {
			reached = reached || p.Reached
			if err := c.tryFrom(p, isNew); err != nil {
				return err
			}
		}
		if !reached {
			if isNew {
				c.result.UntriedNew = append(c.result.UntriedNew, r)
			} else {
				c.result.UntriedOld = append(c.result.UntriedOld, r)
			}
		}
		if near > 0 {
			for _, p := range s.Site.NearMisses(r, near) {
				if err := c.tryFrom(p, isNew); err != nil {
					return err
				}
			}
		}
		if s.Site.Spent() {
			return errEnough
		}
	}
	return nil
}

// tryFrom asks a probe that one side drew.
func (c *comparison) tryFrom(p probe.Probe, isNew bool) error {
	if isNew && c.old.Docroot != c.new.Docroot {
		p.Exists, p.Missing = move(p.Exists, c.new.Docroot, c.old.Docroot), move(p.Missing, c.new.Docroot, c.old.Docroot)
	}
	return c.try(p)
}

// textOf is what a rule says and where: its directive, its conditions, the heads of the sections around it.
func textOf(s *Side, r *ir.Rule) string {
	var b strings.Builder
	for sc := s.Site.Scope(r); sc != nil; sc = sc.Parent {
		b.WriteString(sc.Name + "\x00")
		for _, w := range sc.Args {
			b.WriteString(w.Text + "\x00")
		}
		if sc.Kind == ir.ScopeHtaccess {
			b.WriteString(strings.TrimPrefix(sc.Dir, s.Docroot))
		}
	}
	for _, c := range r.Conditions {
		b.WriteString(c.File.Slice(c.Span) + "\n")
	}
	b.WriteString(r.File.Slice(r.Span))
	return b.String()
}

func texts(s *Side) map[string]bool {
	if s == nil {
		return nil
	}
	out := map[string]bool{}
	for _, r := range s.Site.Rules() {
		if r.File != nil {
			out[textOf(s, r)] = true
		}
	}
	return out
}

// drawPlaces asks for what no rule speaks of: the hosts, the sections, a page that is there, one that is not, a folder.
func (c *comparison) drawPlaces(s *Side, isNew bool) error {
	hosts := s.Site.Hosts()
	if len(hosts) == 0 {
		hosts = []string{probe.DefaultHost}
	}
	if len(hosts) > 50 {
		hosts = hosts[:50]
	}
	root := s.Docroot
	var first error
	ask := func(host, scheme, method, target string, exists ...string) {
		if first == nil {
			first = c.tryFrom(probe.Probe{Request: sim.Request{Method: method, Scheme: scheme, Host: host, Target: target}, Exists: exists}, isNew)
		}
	}
	for i, h := range append(hosts, "unheard-of.test") {
		for _, scheme := range []string{"http", "https"} {
			ask(h, scheme, "GET", "/")
			ask(h, scheme, "GET", "/no/such-page?x=1")
		}
		if i > 0 {
			continue
		}
		ask(h, "http", "GET", "/", root+"/index.html")
		ask(h, "http", "GET", "/", root+"/index.php")
		ask(h, "http", "GET", "/page.html", root+"/page.html")
		ask(h, "http", "GET", "/page.php?x=1", root+"/page.php")
		ask(h, "http", "POST", "/no/such-page")
		ask(h, "http", "GET", "/folder", root+"/folder/")
		ask(h, "http", "GET", "/folder/", root+"/folder/")
		ask(h, "http", "GET", "/folder/", root+"/folder/index.html")
		ask(h, "http", "GET", "/.git/config", root+"/.git/config")
		ask(h, "http", "GET", "/.htaccess", root+"/.htaccess")
	}
	host := hosts[0]
	var walk func(sc *ir.Scope)
	walk = func(sc *ir.Scope) {
		switch sc.Kind {
		case ir.ScopeHost:
			host = hosts[0]
			for _, item := range sc.Items {
				if set, ok := item.(*ir.Setting); ok && (set.Name == "ServerName" || set.Name == "server_name") {
					for _, w := range set.Args {
						if !strings.ContainsAny(w.Text, "*~_ ") && w.Text != "" {
							host = w.Text
							break
						}
					}
				}
			}
		case ir.ScopeHtaccess:
			if rest, ok := strings.CutPrefix(sc.Dir, root); ok {
				ask(host, "http", "GET", rest+"/")
				ask(host, "http", "GET", rest+"/no-such-page")
				ask(host, "http", "GET", rest+"/page.html", sc.Dir+"/page.html")
				if rest != "" {
					ask(host, "http", "GET", rest)
				}
			}
		case ir.ScopeDirectory:
			if rest, ok := strings.CutPrefix(sc.Path, root); ok && !strings.ContainsAny(rest, "*?[") {
				rest = strings.TrimSuffix(rest, "/")
				ask(host, "http", "GET", rest+"/page.html", root+rest+"/page.html")
			}
		case ir.ScopeLocation:
			if strings.HasPrefix(sc.Path, "/") && !strings.ContainsAny(sc.Path, "*?[ ") {
				ask(host, "http", "GET", sc.Path)
				ask(host, "http", "GET", sc.Path, root+path.Clean(sc.Path))
				ask(host, "http", "GET", strings.TrimSuffix(sc.Path, "/")+"/no-such-page")
			}
		case ir.ScopeFiles:
			if name := sc.Path; name != "" && !strings.ContainsAny(name, "*?[ /") {
				ask(host, "http", "GET", "/"+name, root+"/"+name)
			}
		}
		for _, item := range sc.Items {
			if in, ok := item.(*ir.Scope); ok {
				walk(in)
			}
		}
	}
	if s.Program.Root != nil {
		walk(s.Program.Root)
	}
	for _, h := range s.Program.Htaccess {
		walk(h)
	}
	return first
}
