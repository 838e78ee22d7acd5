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
		var rules, rewrites []*ir.Rule
		for _, it := range s.Items {
			if r, ok := it.(*ir.Rule); ok && r.Keyword == ir.RewriteRule && g.ownRules(a, s) {
				rewrites = append(rewrites, r)
			}
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
			here := below(s.Path)
			where = &here
		case ir.ScopeLocationMatch:
			if s.Pattern == nil || s.Pattern.Re == nil {
				continue
			}
			if hasNames(s.Pattern) {
				for i, r := range rules {
					rules[i] = caughtByName(r, s.Pattern)
				}
				for i, r := range rules {
					if r == nil {
						rules = append(rules[:i:i], rules[i+1:]...)
					}
				}
				if len(rules) == 0 {
					continue
				}
				where = &test{}
				break
			}
			where = &test{variable: "$uri", op: "~", operand: s.Pattern.Text}
		case ir.ScopeFiles, ir.ScopeFilesMatch:
			if where = filesTest(a, s); where == nil || len(rewrites) == 0 {
				continue
			}
			rules = nil
		default:
			continue
		}
		for _, r := range rewrites {
			if where != nil && where.variable == "" {
				break
			}
			u := g.ruleInSection(c, r, s, expr, where)
			g.strike(&u)
			list = append(list, &u)
			done[r] = true
		}
		for _, r := range rules {
			u := g.inCondition(c, r, s, expr, where)
			g.strike(&u)
			list = append(list, &u)
			for _, it := range s.Items { // the rule itself, or what it was made of
				if own, ok := it.(*ir.Rule); ok && own.Origin == r.Origin {
					u.rule = own
					done[own] = true
				}
			}
		}
	}
	return list, done
}

// caughtByName makes RedirectMatch of a redirect without a path in a <LocationMatch> whose pattern has named groups,
// which the target asks for as MATCH_NAME; nil when it asks for anything else. Source: httpd server/request.c,
// ap_location_walk.
func caughtByName(r *ir.Rule, p *ir.Pattern) *ir.Rule {
	if r.Match == ir.MatchSegment || r.Match == ir.MatchRegex || r.Target == nil {
		return nil
	}
	n := *r
	n.Match, n.Keyword, n.Pattern = ir.MatchRegex, ir.RedirectMatch, unnamed(p)
	if hasNames(n.Pattern) {
		return nil
	}
	t := *r.Target
	t.Parts = append([]ir.Part(nil), t.Parts...)
	for i := range t.Parts {
		part := &t.Parts[i]
		if part.Kind == ir.Literal {
			continue
		}
		asked := part.Name
		if call, is := part.Expr.(*ir.ExprCall); is && strings.HasSuffix(call.Name, "env") {
			asked, _ = constantWord(call.X)
		} else if !strings.EqualFold(part.Space, "ENV") {
			return nil
		}
		name, ok := strings.CutPrefix(asked, "MATCH_")
		if !ok {
			return nil
		}
		number := 0
		for k, group := range p.Re.Names() {
			if group != "" && strings.EqualFold(group, name) {
				number = k
			}
		}
		if number == 0 {
			return nil
		}
		*part = ir.Part{Kind: ir.RuleRef, N: number, Text: part.Text}
	}
	n.Target = &t
	return &n
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
func (g *attempt) inCondition(c *compiler, r *ir.Rule, s *ir.Scope, expr ir.Expr, where *test) (u unit) {
	u = unit{origin: r.Origin, directive: string(r.Keyword), rule: r}
	defer u.dropOnReason()
	own := *c
	own.sub, own.server, own.guards, own.hasBase = subject{}, true, nil, false
	n, _, _ := own.normal(r)
	b := builder{c: &own, r: n, f: g.forms[r], id: c.ids[r], u: &u, ruleRefs: map[int]bool{}, condRefs: map[int]bool{}, condName: map[int]string{}, condText: map[int]string{}}
	switch {
	case where != nil && where.variable == "":
		// the pattern of the section is the rule's own
	case where != nil && n.Match == ir.MatchSegment:
		source := mergeSlashes(n.Path)
		if source != s.Path && !strings.HasPrefix(source, strings.TrimSuffix(s.Path, "/")+"/") {
			if strings.HasPrefix(s.Path, strings.TrimSuffix(source, "/")+"/") || s.Kind != ir.ScopeLocation {
				giveUp("a redirect of a path above a section")
			}
			b.never() // no path lies in both
			return u
		}
	case where != nil:
		b.groups = []group{{*where}}
	default:
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
		if len(b.groups) > 0 {
			giveUp("a redirect of a path below a section")
		}
		b.segment()
	case ir.MatchRegex:
		b.redirectMatch()
	default:
		b.unconditional()
	}
	return u
}
