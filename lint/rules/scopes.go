package rules

import (
	"rewright/lint"
	"rewright/parser/ir"
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

// ends tells whether a rule of httpd that matches is the last one of its pass.
func ends(r *ir.Rule) bool {
	return r.Flow == ir.FlowLast || r.Flow == ir.FlowEnd || r.Action == ir.ActionRespond || r.Action == ir.ActionProxy && r.Target != nil
}
