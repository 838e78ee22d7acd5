package rules

import (
	"rewright/lint"
	"rewright/parser/ir"
	"rewright/parser/source"
)

// eachScope calls f for every scope of a program, outer ones first.
func eachScope(g *ir.Program, f func(s *ir.Scope)) {
	var walk func(s *ir.Scope)
	walk = func(s *ir.Scope) {
		if s == nil {
			return
		}
		f(s)
		for _, item := range s.Items {
			if inner, ok := item.(*ir.Scope); ok {
				walk(inner)
			}
		}
	}
	walk(g.Root)
	for _, s := range g.Htaccess {
		walk(s)
	}
}

// belowDirectory tells whether the patterns of a scope of httpd see the path below a directory, without a slash in
// front. In <Files>, <If> and <Location> they see the path in the file system.
// Source: httpd mod_rewrite.c, hook_fixup.
func belowDirectory(s *ir.Scope) bool {
	return s.Kind == ir.ScopeHtaccess || s.Kind == ir.ScopeDirectory || s.Kind == ir.ScopeDirectoryMatch
}

// rewriteRules are the RewriteRules of one scope in the order httpd keeps them.
func rewriteRules(s *ir.Scope) []*ir.Rule {
	var out []*ir.Rule
	for _, item := range s.Items {
		if r, ok := item.(*ir.Rule); ok && r.Keyword == ir.RewriteRule && !r.Disabled {
			out = append(out, r)
		}
	}
	return out
}

// directiveAt is the directive a node of the program was written with; nil when it has no place of its own.
func directiveAt(p *lint.Pass, o ir.Origin) *lint.Directive {
	if o.File == nil {
		return nil
	}
	return p.Unit.At(o.File, o.Span.Start)
}

// ruleAt is the rule that a directive makes; nil when it makes none.
func ruleAt(p *lint.Pass, d *lint.Directive) *ir.Rule {
	type place struct {
		file  *source.File
		start int32
	}
	type key struct{}
	rules := p.Unit.Memo(key{}, func() any {
		m := map[place]*ir.Rule{}
		eachScope(p.Unit.Program(), func(s *ir.Scope) {
			for _, item := range s.Items {
				if r, ok := item.(*ir.Rule); ok && r.File != nil {
					m[place{r.File, r.Span.Start}] = r
				}
			}
		})
		return m
	}).(map[place]*ir.Rule)
	return rules[place{d.File, d.Line.Start}]
}

// ends tells whether a rule of httpd that matches is the last one of its pass.
func ends(r *ir.Rule) bool {
	return r.Flow == ir.FlowLast || r.Flow == ir.FlowEnd || r.Action == ir.ActionRespond || r.Action == ir.ActionProxy && r.Target != nil
}
