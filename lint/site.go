package lint

import (
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
