package nginx

import (
	"strings"

	"rewright/parser/ir"
)

// mappings compiles Alias and AliasMatch: a location each. The first that matches counts in httpd, the longest in nginx.
func (g *attempt) mappings(a *area, past map[*ir.Rule]bool) (list []*unit) {
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
			if past[r] {
				u.lines = append(u.lines, ifBlock(test{variable: "$no_alias"}, []string{"root " + word(a.docroot) + "; # a result of the rules is a path of the document root"})...)
			}
			inside := []*unit{u}
			if sub := a.aliased[r]; sub != nil {
				here := *u
				here.apart = false
				inside = append([]*unit{&here}, g.area(sub, true)...)
			}
			g.locations = append(g.locations, locationBlock{head: "location " + word(source+"/"), units: inside},
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

// mappedSections compiles Alias with one argument in <Location>: all of the location is answered with one file, unless
// AliasPreservePath puts the rest of the path behind it. Source: mod_alias.c, try_alias.
func (g *attempt) mappedSections(a *area, done map[ir.Item]bool) (list []*unit) {
	for _, s := range a.sections {
		if s.Kind != ir.ScopeLocation || strings.ContainsAny(s.Path, "*?[") || !strings.HasPrefix(s.Path, "/") || s.Path == "/" {
			continue
		}
		preserve := false
		for _, it := range s.Items {
			if set, ok := it.(*ir.Setting); ok && strings.EqualFold(set.Name, "AliasPreservePath") {
				preserve = strings.EqualFold(set.Arg(0), "on")
			}
		}
		for _, it := range s.Items {
			r, ok := it.(*ir.Rule)
			if !ok || r.Keyword != ir.Alias || r.Match != ir.MatchAll || r.Target == nil {
				continue
			}
			file, constant := r.Target.Constant()
			if !constant || strings.Contains(file, "$") || g.refused[r] != "" {
				continue
			}
			done[r] = true
			u := &unit{origin: r.Origin, directive: string(r.Keyword), rule: r, apart: true}
			list = append(list, u)
			path := strings.TrimSuffix(s.Path, "/")
			if preserve {
				u.lines = []string{"alias " + word(strings.TrimSuffix(file, "/")+"/") + ";"}
				g.locations = append(g.locations, locationBlock{head: "location " + word(path+"/"), units: []*unit{u}},
					locationBlock{head: "location = " + word(path), lines: []string{"alias " + word(file) + ";"}})
				continue
			}
			u.lines = []string{"alias " + word(file) + ";"}
			g.locations = append(g.locations, locationBlock{head: "location ~ " + word("^"+quoteLiteral(path)+"(?:/|$)"), units: []*unit{u}})
		}
	}
	return list
}
