package lint

import (
	"path"
	"strings"

	"rewright/parser/apache"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
)

// Site is the configuration ready for questions: what the server answers to requests, and which requests reach a rule.
// It is made when first asked for, of SiteProgram, and nil when the server would not start with the configuration. Of
// the document tree it knows what Input.Files know; a question says what else it assumes. It is for the goroutine that checks
// the unit.
func (u *Unit) Site() *probe.Site {
	u.askOnce.Do(func() {
		g := u.SiteProgram()
		if g == nil {
			return
		}
		g = u.placed(g)
		s, err := probe.New(g, probe.Options{Hosts: u.Input.Hosts, World: sim.World{DocumentRoot: u.Docroot(), Files: u.Input.Files,
			Time: u.Input.Now, HasModule: u.Input.HasModule}})
		if err == nil {
			u.site = s
		}
	})
	return u.site
}

// SiteSpent tells whether requests were asked of the site until its budget was used up: what rules proposed after that was not
// confirmed, and is not reported.
func (u *Unit) SiteSpent() bool { return u.site != nil && u.site.Spent() }

// placed is the program with a .htaccess of which no neighbour and no document tree is known in the folder that its own
// RewriteBase names: the only thing that says where in the site it lies.
func (u *Unit) placed(g *ir.Program) *ir.Program {
	if u.Input.Context != ir.ContextHtaccess || len(u.parents)+len(u.children) > 0 || u.Input.Files != nil || len(g.Htaccess) != 1 || u.Dir() != u.Docroot() {
		return g
	}
	scope := *g.Htaccess[0]
	for _, item := range scope.Items {
		if set, ok := item.(*ir.Setting); ok && strings.EqualFold(set.Name, "RewriteBase") {
			base := strings.Trim(path.Clean("/"+set.Arg(0)), "/")
			if base == "" || strings.ContainsAny(base, "$%*?") {
				return g
			}
			scope.Dir = u.Docroot() + "/" + base
			return apache.NewHtaccessProgram(&scope)
		}
	}
	return g
}
