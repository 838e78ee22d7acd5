package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/value"
)

var patternOutsideLocation = lint.Rule{
	Code: "RD516", ID: "pattern-outside-location", Severity: diag.Error, For: lint.Nginx, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "a rewrite in a location that its pattern excludes",
		Text: "Inside `location /a` every path begins with `/a`, also one that an internal redirect brought there. A rewrite for another path never " +
			"matches in it, and a location of another path nested in it is never chosen.",
		Examples: []lint.Example{{Server: ir.Nginx,
			Before: "location /a {\n    rewrite ^/b$ /c permanent;\n}\n", After: "location /b {\n    rewrite ^/b$ /c permanent;\n}\n"}},
		Source: "nginx ngx_http_core_module.c, ngx_http_core_find_location; ngx_http_rewrite_module.c",
	},
	Program: checkPatternOutsideLocation,
}

func checkPatternOutsideLocation(p *lint.Pass, g *ir.Program) {
	if refused(p) {
		return
	}
	v := value.New(g.Server, budgetOfConditions)
	var w witnesses
	check := func(pat *ir.Pattern, r *ir.Rule, inner *ir.Scope, at *value.Place, what string) {
		if pat == nil || pat.Re == nil || at == nil || unexpanded(pat.Text) {
			return
		}
		loc, ok := locationAround(at)
		if !ok || loc.File == nil {
			return
		}
		if takesPathOf(pat, loc) {
			return
		}
		if v.Space.Exhausted() {
			v = value.New(g.Server, budgetOfConditions)
		}
		inside, ok := locationPaths(v, loc)
		if !ok {
			return
		}
		l, ok := v.Subjects(pat)
		if !ok {
			return
		}
		s := v.Space
		if _, some, sure := s.Overlap(l, v.Path(ir.SubjectURLPath, true)); !sure || !some {
			return // it matches nowhere
		}
		if _, some, sure := s.Overlap(l, inside); !sure || some {
			return
		}
		d := diag.Diagnostic{Span: pat.Span, Related: []diag.Related{{File: loc.File, Span: loc.Span, Message: "the location"}}}
		fact := fmt.Sprintf("inside %s the path is as the location says", headOf(loc))
		if loc.Modifier == ir.PrefixLocation || loc.Modifier == ir.NoRegexLocation {
			fact = fmt.Sprintf("inside %s the path begins with %s", headOf(loc), quote(loc.Path))
		} else if loc.Modifier == ir.ExactLocation {
			fact = fmt.Sprintf("inside %s the path is %s", headOf(loc), quote(loc.Path))
		}
		d.Message = fmt.Sprintf("%s; %s never matches%s", fact, quote(clip(pat.Text, 60)), what)
		if prefix, folded := pat.Re.Tree().Prefix(); prefix != "" && prefix[0] == '/' && !folded {
			d.Help = fmt.Sprintf("it would fit into %s", quote("location "+prefix))
		}
		if text, ok := pat.Re.Tree().Example(); ok {
			w.missed(p, &d, r, inner, escapedPath("/"+strings.TrimPrefix(text, "/")))
		}
		p.Add(d)
	}
	value.Visit(g, value.Visitor{
		Rule: func(r *ir.Rule, at *value.Place) {
			if r.Keyword == ir.NginxRewrite && r.File != nil {
				p.File = r.File
				check(r.Pattern, r, nil, at, "")
			}
		},
		Scope: func(s *ir.Scope, at *value.Place) {
			if s.Kind == ir.ScopeLocation && s.Pattern != nil && s.File != nil && at != nil && at.Scope.Kind == ir.ScopeLocation {
				p.File = s.File
				check(s.Pattern, nil, s, at, ", and the location is never chosen")
			}
		},
	})
}

// takesPathOf tells whether a pattern matches a path that lies in a location for certain, which needs no reasoning. False: not
// shown.
func takesPathOf(pat *ir.Pattern, loc *ir.Scope) bool {
	if !strings.HasPrefix(loc.Path, "/") {
		return false
	}
	switch loc.Modifier {
	case ir.ExactLocation:
		m, err := pat.Re.MatchBool(loc.Path)
		return err == nil && m
	case ir.PrefixLocation, ir.NoRegexLocation:
		for _, path := range [...]string{loc.Path, loc.Path + "x"} {
			if m, err := pat.Re.MatchBool(path); err == nil && m {
				return true
			}
		}
	}
	return false
}
