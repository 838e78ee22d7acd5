package nginx

import (
	"path"
	"strings"

	"rewright/emit/check"
	"rewright/parser/ir"
	"rewright/parser/source"
)

// Limits of trees, whose folders are looked at one by one.
const (
	fewestFolders = 9    // .htaccess files; fewer are looked at together
	mostFolders   = 2000 // more are looked at together, by a sample of their rules
	// questions about a folder: those about the whole of it, and about each of its rules
	fewestInFolder = 100
	ruleAsked      = 30
	treeBudget     = 4 * checkBudget
)

// isTree tells whether the program is a document root with so many folders that their rules cannot all be asked about
// at once. A request meets the rules of one folder and of those above it, so each folder can be looked at by itself.
func (c *conversion) isTree() bool {
	return c.host == nil && c.only == nil && len(c.areas) >= fewestFolders && len(c.areas) <= mostFolders && len(c.rules)*20 > maxAsked
}

// finding is what was found out about a folder.
type finding struct {
	blamed, odd map[*ir.Rule]*check.Difference
	other       *check.Difference // no rule is to blame for
}

// tree decides folder by folder how to write the rules, then writes the whole.
func (c *conversion) tree() (*trial, error) {
	forms := map[*ir.Rule]form{}
	parts := map[*source.File]finding{}
	compared := 0
	for _, s := range c.program.Htaccess {
		sub, err := c.folder(s)
		if err != nil {
			return nil, err
		}
		t, err := sub.best()
		if err != nil {
			return nil, err
		}
		compared += t.compared
		found := finding{blamed: map[*ir.Rule]*check.Difference{}, odd: map[*ir.Rule]*check.Difference{}}
		oddly, _ := sub.oddRules(t)
		for _, r := range sub.rules {
			if !sub.only[r] {
				continue
			}
			if f, ok := t.forms[r]; ok {
				forms[r] = f
			}
			if d := t.blamed[r]; d != nil {
				found.blamed[r] = d
			}
			if d := oddly[r]; d != nil {
				found.odd[r] = d
			}
			c.dotAll, c.slashes, c.loops = joined(c.dotAll, r, sub.dotAll), joined(c.slashes, r, sub.slashes), joined(c.loops, r, sub.loops)
			if why := sub.refused[r]; why != "" {
				if c.refused == nil {
					c.refused = map[*ir.Rule]string{}
				}
				c.refused[r] = why
			}
		}
		c.htm = c.htm || sub.htm
		for dir := range sub.hidden {
			if c.hidden == nil {
				c.hidden = map[string]bool{}
			}
			c.hidden[dir] = true
		}
		for i := range t.others {
			if strings.HasPrefix(t.others[i].Probe.Request.Target, "/"+strings.Trim(strings.TrimPrefix(path.Clean(s.Dir), c.root), "/")) {
				found.other = &t.others[i]
				break
			}
		}
		if f := fileOfScope(s); f != nil {
			parts[f] = found
		}
	}
	t := c.try(nested, forms)
	t.compared += compared
	t.parts = parts
	for _, found := range parts {
		for r, d := range found.blamed {
			if t.blamed[r] == nil {
				t.blamed[r] = d
			}
		}
	}
	return t, t.refusal()
}

// folder is the conversion of one .htaccess with those above it, which only asks about its own rules.
func (c *conversion) folder(s *ir.Scope) (*conversion, error) {
	p := *c.program
	p.Htaccess = nil
	dir := path.Clean(s.Dir)
	for _, up := range c.program.Htaccess {
		if above := path.Clean(up.Dir); above == dir || strings.HasPrefix(dir, strings.TrimSuffix(above, "/")+"/") {
			p.Htaccess = append(p.Htaccess, up)
		}
	}
	o := c.options
	o.World = &c.world
	own := areaOf(s, "/", c.root)
	said := len(own.rules) + len(own.redirects)
	sub, err := newConversionWithin(&p, o, treeBudget/(len(c.rules)+len(c.areas))*(said+1))
	if err != nil {
		return nil, err
	}
	sub.only = map[*ir.Rule]bool{}
	for _, r := range sub.rules {
		sub.only[r] = false
	}
	mark := func(list []*ir.Rule) {
		for _, r := range list {
			sub.only[r] = true
		}
	}
	mark(own.rules)
	mark(own.redirects)
	mark(own.mapped)
	if own.everything != nil {
		mark([]*ir.Rule{own.everything})
	}
	for _, sec := range own.sections {
		for _, it := range sec.Items {
			if r, ok := it.(*ir.Rule); ok {
				mark([]*ir.Rule{r})
			}
		}
	}
	return sub, nil
}

func fileOfScope(s *ir.Scope) *source.File {
	for _, it := range s.Items {
		switch it := it.(type) {
		case *ir.Rule:
			return it.Origin.File
		case *ir.Setting:
			return it.Origin.File
		case *ir.Scope:
			return it.Origin.File
		}
	}
	return nil
}

func joined(set map[*ir.Rule]bool, r *ir.Rule, from map[*ir.Rule]bool) map[*ir.Rule]bool {
	if !from[r] {
		return set
	}
	if set == nil {
		set = map[*ir.Rule]bool{}
	}
	set[r] = true
	return set
}
