package nginx

import (
	"rewright/parser/ir"
	"rewright/parser/pattern"
)

// condIsRaw tells whether a group of a condition was taken from what the client sent, not from a decoded path, or
// can hold nothing that would need an escape.
func (b *builder) condIsRaw(p *ir.Part) bool {
	return p.Kind != ir.CondRef || b.rawBefore(len(b.r.Conditions), p.N)
}

// rawBefore looks at the condition that %n refers to before condition number end.
func (b *builder) rawBefore(end, n int) bool {
	for i := end - 1; i >= 0; i-- {
		cnd := b.r.Conditions[i]
		if cnd.Kind == ir.CondExpr && !rawExpr(cnd.Expr) {
			return false
		}
		if cnd.Kind != ir.CondRegex || cnd.Negated {
			continue
		}
		raw := true
		for j := range cnd.Test.Parts {
			q := &cnd.Test.Parts[j]
			switch {
			case q.Kind == ir.RuleRef:
				raw = raw && q.N > 0 && b.groupIsTame(b.r.Pattern, q.N)
			case q.Kind == ir.CondRef:
				raw = raw && b.rawBefore(i, q.N)
			case q.Kind == ir.Variable && (q.Name == "REQUEST_URI" || q.Name == "REQUEST_FILENAME" || q.Name == "SCRIPT_FILENAME" || q.Space == "ENV"):
				raw = false
			}
		}
		raw = raw || b.groupIsTame(cnd.Pattern, n)
		if raw && i > 0 && b.r.Conditions[i-1].Or {
			return b.rawBefore(i, n) // the one before may be the one that matched
		}
		return raw
	}
	return true
}

// rawExpr tells whether nothing an expression catches comes from a decoded path.
func rawExpr(e ir.Expr) bool {
	switch e := e.(type) {
	case *ir.ExprAnd:
		return rawExpr(e.X) && rawExpr(e.Y)
	case *ir.ExprOr:
		return rawExpr(e.X) && rawExpr(e.Y)
	case *ir.ExprNot:
		return rawExpr(e.X)
	case *ir.ExprMatch:
		s, ok := e.X.(*ir.ExprString)
		if !ok {
			return false
		}
		for i := range s.Template.Parts {
			switch p := &s.Template.Parts[i]; {
			case p.Kind == ir.Literal:
			case p.Kind != ir.Variable || p.Space != "" || p.Name == "REQUEST_URI" || p.Name == "REQUEST_FILENAME" || p.Name == "SCRIPT_FILENAME":
				return false
			}
		}
	}
	return true
}

// groupIsTame tells whether a group can hold only bytes that stand in a header and in a path as they are.
func (b *builder) groupIsTame(p *ir.Pattern, n int) bool {
	if n == 0 {
		return tame(p.Re.Tree().Root)
	}
	found, ok := false, true
	pattern.Walk(p.Re.Tree().Root, func(node pattern.Node) bool {
		if g, is := node.(*pattern.Group); is && g.Kind == pattern.Capturing && g.Number == n {
			found = true
			ok = ok && tame(g.Body)
		}
		return true
	})
	return found && ok
}

// tame tells whether all a node can match is bytes that need no escape.
func tame(n pattern.Node) bool {
	ok := true
	pattern.Walk(n, func(n pattern.Node) bool {
		switch n := n.(type) {
		case *pattern.Literal:
			for i := 0; i < len(n.Text); i++ {
				ok = ok && keptInPath(n.Text[i]) && n.Text[i] != '+' && n.Text[i] != '&' && n.Text[i] != ';'
			}
		case *pattern.Class:
			n.Set.Ranges(func(lo, hi byte) {
				for c := int(lo); c <= int(hi); c++ {
					ok = ok && keptInPath(byte(c)) && c != '+' && c != '&' && c != ';'
				}
			})
		case *pattern.Any, *pattern.Newline, *pattern.Grapheme, *pattern.BackReference, *pattern.Recursion, *pattern.Conditional:
			ok = false
		}
		return ok
	})
	return ok
}

// allTame tells whether every group of the pattern that parts use is tame.
func (b *builder) allTame(parts []part) bool {
	for _, p := range parts {
		if p.ref != nil && p.ref.Kind == ir.RuleRef && p.ref.N <= b.r.Pattern.Re.Groups() && !b.groupIsTame(b.r.Pattern, p.ref.N) {
			return false
		}
	}
	return true
}
