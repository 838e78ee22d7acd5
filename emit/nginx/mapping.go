package nginx

import (
	"strings"

	"rewright/parser/ir"
)

// mappings compiles Alias and AliasMatch: a location each. The first that matches counts in httpd, the longest in nginx.
func (g *attempt) mappings(a *area) (list []*unit) {
	var before []string // sources so far
	for _, r := range a.mapped {
		u := &unit{origin: r.Origin, directive: string(r.Keyword), rule: r, apart: true}
		list = append(list, u)
		if r.Keyword == ir.ScriptAlias || r.Keyword == ir.ScriptAliasMatch {
			u.dropped, u.byHand = "nginx runs no CGI programs", "pass the location on to a program that does: fastcgi_pass"
			continue
		}
		if why := g.refused[r]; why != "" {
			u.dropped = why
			continue
		}
		text, constant := r.Target.Constant()
		if strings.Contains(text, "$") {
			u.dropped = "a dollar sign in the path"
			continue
		}
		switch {
		case r.Match == ir.MatchSegment && constant && strings.HasPrefix(r.Path, "/"):
			source := mergeSlashes(r.Path)
			shadowed := false
			for _, b := range before {
				shadowed = shadowed || source == b || strings.HasPrefix(source, strings.TrimSuffix(b, "/")+"/")
			}
			if shadowed {
				u.lines = []string{"# an alias above comes first: " + clean(oneLine(r.Origin))}
				u.apart = false
				continue
			}
			before = append(before, source)
			if strings.HasSuffix(source, "/") {
				g.locations = append(g.locations, locationBlock{head: "location " + word(source), units: []*unit{u}})
				u.lines = []string{"alias " + word(text) + ";"}
				continue
			}
			u.lines = []string{"alias " + word(strings.TrimSuffix(text, "/")+"/") + ";"}
			g.locations = append(g.locations, locationBlock{head: "location " + word(source+"/"), units: []*unit{u}},
				locationBlock{head: "location = " + word(source), lines: []string{"alias " + word(text) + ";"}})
			if strings.HasSuffix(text, "/") {
				u.caveat = "httpd glues a second slash into the path of the file"
			}
		case r.Match == ir.MatchRegex && r.Pattern != nil && r.Pattern.Re != nil && !hasNames(r.Pattern) && !uses(r.Target, ir.RuleRef, 0):
			var pieces []piece
			for i := range r.Target.Parts {
				p := &r.Target.Parts[i]
				if p.Kind == ir.RuleRef {
					if p.N <= r.Pattern.Re.Groups() {
						pieces = append(pieces, variable(string(rune('0'+p.N))))
					}
					continue
				}
				pieces = append(pieces, lit(p.Text))
			}
			path, _ := value(pieces)
			op := "~ "
			if r.Pattern.Options.IgnoreCase {
				op = "~* "
			}
			u.lines = []string{"alias " + word(path) + ";"}
			g.locations = append(g.locations, locationBlock{head: "location " + op + word(r.Pattern.Text), units: []*unit{u}})
		default:
			u.dropped = "an alias of this form"
			u.apart = false
		}
		if u.dropped != "" {
			u.apart = false
		}
	}
	return list
}
