package nginx

import (
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/source"
)

// ownRules tells whether the rules of a section are on, and the only ones there are: elsewhere they would take the
// place of those of the folder. Source: mod_rewrite.c, config_perdir_merge.
func (g *attempt) ownRules(a *area, s *ir.Scope) bool {
	on := a.engine
	for _, it := range s.Items {
		if set, ok := it.(*ir.Setting); ok && strings.EqualFold(set.Name, "RewriteEngine") {
			on = strings.EqualFold(set.Arg(0), "on")
		}
	}
	if !on || !a.server && len(a.rules) > 0 {
		return false
	}
	for _, other := range g.areas {
		if len(other.rules) > 0 {
			return false
		}
	}
	return true
}

// ruleInSection compiles a RewriteRule in <If>, <Files>, <Location> and their kin: its pattern sees the path of the
// file, not that of a URL. Source: mod_rewrite.c, hook_fixup, which takes off the directory's name only.
func (g *attempt) ruleInSection(c *compiler, r *ir.Rule, s *ir.Scope, expr ir.Expr, where *test) (u unit) {
	u = unit{origin: r.Origin, directive: string(r.Keyword), rule: r}
	defer u.dropOnReason()
	own := *c
	own.sub, own.server, own.guards, own.hasBase, own.base = subject{}, false, nil, false, "/"
	n, _, extra := own.normal(r)
	if extra != nil || n.Pattern == nil || n.Pattern.Re == nil || n.Chain || n.Skip > 0 || n.Flow == ir.FlowRestart {
		giveUp("a rule of this form in a section")
	}
	root := s.Kind == ir.ScopeLocation && s.Path == "/"
	b := builder{c: &own, f: g.forms[r], id: c.ids[r], u: &u}
	switch {
	case where != nil && !root:
		b.groups = []group{{*where}}
	case where == nil:
		if expr == nil {
			giveUp("an expression that is not understood")
		}
		b.ruleRefs, b.condRefs, b.condName, b.condText = map[int]bool{}, map[int]bool{}, map[int]string{}, map[int]string{}
		groups, known := b.expression(expr)
		switch known {
		case never:
			b.r = n
			b.never()
			return u
		case open:
			b.groups = groups
		}
	}
	file := *n
	if !everything(n.Pattern) || n.Negated {
		if root {
			giveUp("a pattern for paths of files without their first slash")
		}
		t := test{variable: "$request_filename", op: "~", operand: n.Pattern.Text, negated: n.Negated}
		if n.Pattern.Options.IgnoreCase {
			t.op = "~*"
		}
		b.groups = append(b.groups, group{t})
		if uses(n.Target, ir.RuleRef, -1) {
			giveUp("groups of the path of a file")
		}
	}
	file.Pattern, file.Negated = ir.NewPattern("^", source.Span{}, pattern.Apache), false
	file.Target = withFile(n.Target, root)
	file.Conditions = append([]*ir.Condition(nil), n.Conditions...)
	for i, cnd := range file.Conditions {
		same := *cnd
		same.Test = withFile(cnd.Test, root)
		file.Conditions[i] = &same
	}
	if file.Target != nil && !isAbsolute(file.Target) && !strings.HasPrefix(file.Target.Prefix(), "/") {
		giveUp("a relative target in a section")
	}
	b.r = &file
	b.run()
	return u
}

// withFile writes the path of the file for the group that holds all of it. root: its first slash is not in the group.
func withFile(t *ir.Template, root bool) *ir.Template {
	if t == nil {
		return nil
	}
	out := &ir.Template{Text: t.Text, Span: t.Span}
	for i := range t.Parts {
		p := t.Parts[i]
		if p.Kind != ir.RuleRef {
			out.Parts = append(out.Parts, p)
			continue
		}
		if n := len(out.Parts); root {
			if n == 0 || out.Parts[n-1].Kind != ir.Literal || !strings.HasSuffix(out.Parts[n-1].Text, "/") {
				giveUp("the path of a file without its first slash")
			}
			out.Parts[n-1].Text = strings.TrimSuffix(out.Parts[n-1].Text, "/")
		}
		out.Parts = append(out.Parts, *docrootPart, ir.Part{Kind: ir.Variable, Name: "REQUEST_URI", Text: "%{REQUEST_URI}"})
	}
	return out
}
