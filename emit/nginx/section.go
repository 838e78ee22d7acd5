package nginx

import (
	"strings"

	"rewright/parser/ir"
)

// conditional compiles the redirects of mod_alias that stand in <If>, <ElseIf>, <Else>, <Location> or <LocationMatch>:
// the section becomes conditions. done are the redirects it took care of.
func (g *attempt) conditional(c *compiler, a *area) (list []*unit, done map[ir.Item]bool) {
	done = map[ir.Item]bool{}
	var chain []ir.Expr // of the <If> and <ElseIf> above an <Else>
	for _, s := range a.sections {
		var rules []*ir.Rule
		for _, it := range s.Items {
			if r, ok := it.(*ir.Rule); ok && r.Keyword != ir.RewriteRule && r.Action != ir.ActionMap {
				rules = append(rules, r)
			}
		}
		var expr ir.Expr
		var where *test
		switch s.Kind {
		case ir.ScopeIf:
			chain = []ir.Expr{s.Expr}
			expr = s.Expr
		case ir.ScopeElseIf:
			expr = and(not(chain), s.Expr)
			chain = append(chain, s.Expr)
		case ir.ScopeElse:
			expr = not(chain)
		case ir.ScopeLocation:
			if strings.ContainsAny(s.Path, "*?[") || !strings.HasPrefix(s.Path, "/") {
				continue
			}
			re := "^" + quoteLiteral(s.Path)
			if !strings.HasSuffix(s.Path, "/") {
				re += "(?:/|$)"
			}
			where = &test{variable: "$uri", op: "~", operand: re}
		case ir.ScopeLocationMatch:
			if s.Pattern == nil || s.Pattern.Re == nil || hasNames(s.Pattern) {
				continue
			}
			where = &test{variable: "$uri", op: "~", operand: s.Pattern.Text}
		default:
			continue
		}
		for _, r := range rules {
			u := g.inCondition(c, r, expr, where)
			g.strike(&u)
			list = append(list, &u)
			done[r] = true
		}
	}
	return list, done
}

func not(list []ir.Expr) (out ir.Expr) {
	for _, e := range list {
		out = and(out, &ir.ExprNot{X: e})
	}
	return out
}

func and(x, y ir.Expr) ir.Expr {
	if x == nil {
		return y
	}
	return &ir.ExprAnd{X: x, Y: y}
}

// inCondition compiles one redirect under conditions.
func (g *attempt) inCondition(c *compiler, r *ir.Rule, expr ir.Expr, where *test) (u unit) {
	u = unit{origin: r.Origin, directive: string(r.Keyword), rule: r}
	defer func() {
		if e := recover(); e != nil {
			why, ok := e.(reason)
			if !ok {
				panic(e)
			}
			u.lines, u.dropped, u.byHand = nil, why.text, why.byHand
		}
	}()
	own := *c
	own.sub, own.server, own.guards, own.hasBase = subject{}, true, nil, false
	n, _, _ := own.normal(r)
	b := builder{c: &own, r: n, f: g.forms[r], id: c.ids[r], u: &u, ruleRefs: map[int]bool{}, condRefs: map[int]bool{}, condName: map[int]string{}}
	if where != nil {
		b.groups = []group{{*where}}
	} else {
		if expr == nil {
			giveUp("an expression that is not understood")
		}
		groups, known := b.expression(expr)
		switch known {
		case never:
			b.never()
			return u
		case open:
			b.groups = groups
		}
	}
	switch n.Match {
	case ir.MatchSegment:
		giveUp("a redirect of a path below a section")
	case ir.MatchRegex:
		b.redirectMatch()
	default:
		b.unconditional()
	}
	return u
}
