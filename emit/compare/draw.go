package compare

import (
	"errors"
	"slices"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/probe"
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
			if err := c.drawVersions(); err != nil {
				return err
			}
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
			before := c.result.Changed
			if err := c.tryFrom(p, isNew); err != nil {
				return err
			}
			if changed && p.Reached && !reached && c.result.Changed == before {
				if err := c.tryFound(s, p, isNew); err != nil {
					return err
				}
			}
			reached = reached || p.Reached
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

// tryFound asks a probe once more with the file there that it leads to: what a rule does inside of the server often shows only
// then, for something else is done with what is not found.
func (c *comparison) tryFound(s *Side, p probe.Probe, isNew bool) error {
	o := s.Site.Ask(p)
	name := o.File
	if s.Program.Server == ir.Nginx && name == "" {
		name = o.Filename
	}
	if !o.Known || o.Location != nil || o.PassedTo != "" || !strings.HasPrefix(name, s.Docroot+"/") || strings.HasSuffix(name, "/") ||
		slices.Contains(p.Exists, name) || slices.Contains(p.Missing, name) {
		return nil
	}
	p.Exists = append(p.Exists[:len(p.Exists):len(p.Exists)], name)
	return c.tryFrom(p, isNew)
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
