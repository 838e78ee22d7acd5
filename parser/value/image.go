package value

import (
	"rewright/parser/ir"
	"rewright/parser/pattern"
)

// Image is what a target can expand to.
type Image struct {
	pattern.Language
	// Exact is set when every word is what some request makes of it; otherwise the language may be too large.
	Exact bool
	// Known is false when the target has a reference of which nothing is known; anything may stand there then.
	Known bool
}

// Image is the set of texts that the target of a rule expands to when the rule's pattern matches, before the server
// escapes anything in it and before a query is taken off or added. A rule without target has the empty text.
func (v *Values) Image(r *ir.Rule, at *Place) Image {
	l, exact, known := v.Text(r.Target, v.Groups(r, at))
	return Image{l, exact && len(r.Conditions) == 0, known}
}

// Groups gives the languages of the references in the templates of a rule.
func (v *Values) Groups(r *ir.Rule, at *Place) func(p *ir.Part) (pattern.Language, bool) {
	return func(p *ir.Part) (pattern.Language, bool) {
		switch {
		case p.Kind == ir.CondRef:
			return v.conditionGroup(r, p.N)
		case v.server == ir.Nginx && r.Keyword != ir.NginxRewrite:
			re, subjects, ok := v.lastRegex(at)
			if !ok {
				return v.Space.All(), false
			}
			return v.capture(re, p.N, subjects)
		case r.Pattern == nil || r.Negated:
			return v.Space.Text(""), true
		}
		return v.capture(r.Pattern, p.N, v.Path(r.Subject, at.Steady))
	}
}

func (v *Values) capture(p *ir.Pattern, n int, subjects pattern.Language) (pattern.Language, bool) {
	if p.Re == nil {
		return v.Space.All(), false
	}
	if n > p.Re.Groups() {
		return v.Space.Text(""), true
	}
	c, ok := v.Space.Capture(p.Re.Tree(), n, subjects)
	if !ok {
		return v.Space.All(), false
	}
	return c.Language, c.Exact
}

// conditionGroup is what %n holds: a group of the last condition that matched. Only a pattern without "!" sets it; of
// conditions joined by OR any may have been the last one that was tried.
// Source: httpd mod_rewrite.c, apply_rewrite_cond and apply_rewrite_rule.
func (v *Values) conditionGroup(r *ir.Rule, n int) (pattern.Language, bool) {
	groups := r.CNF()
	out := v.Space.Empty()
	exact := true
	for i := len(groups) - 1; i >= 0; i-- {
		all := true
		for _, c := range groups[i] {
			if c.Kind == ir.CondExpr { // its own regular expressions set the groups too
				return v.Space.All(), false
			}
			if c.Kind != ir.CondRegex || c.Negated {
				all = false
				continue
			}
			tested, sure, _ := v.Text(c.Test, nil)
			l, one := v.capture(c.Pattern, n, tested)
			out = v.Space.Or(out, l)
			exact = exact && sure && one && len(groups[i]) == 1
		}
		if all {
			return out, exact
		}
	}
	return v.Space.Or(out, v.Space.Text("")), exact
}

// lastRegex is the pattern whose groups are in force at a place of an nginx configuration, and its subjects. ok is
// false when that depends on the request. Source: nginx ngx_http_script.c, ngx_http_script_regex_start_code: each
// regular expression that is tried replaces the groups.
func (v *Values) lastRegex(at *Place) (p *ir.Pattern, subjects pattern.Language, ok bool) {
	for ; at != nil; at = at.Parent {
		for i := at.Index - 1; i >= 0; i-- {
			switch item := at.Scope.Items[i].(type) {
			case *ir.Rule:
				if item.Pattern != nil {
					return nil, subjects, false
				}
			case *ir.Scope:
				if item.If != nil && item.If.Kind == ir.CondRegex {
					return nil, subjects, false
				}
			}
		}
		s := at.Scope
		switch {
		case s.If != nil && s.If.Kind == ir.CondRegex:
			if s.If.Negated {
				return nil, subjects, false
			}
			tested, _, _ := v.Text(s.If.Test, nil)
			return s.If.Pattern, tested, true
		case s.Kind == ir.ScopeLocation && s.Pattern != nil:
			return s.Pattern, v.Path(ir.SubjectURLPath, at.Steady), true
		}
	}
	return nil, subjects, false
}
