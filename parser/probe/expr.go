package probe

import "rewright/parser/ir"

// expr gives the ways in which an httpd expression can be true (or, with holds unset, false).
func (v *solver) expr(w *want, e ir.Expr, holds bool, depth int) []*want {
	if e == nil || depth > maxDepth {
		return []*want{w}
	}
	switch e := e.(type) {
	case *ir.ExprNot:
		return v.expr(w, e.X, !holds, depth+1)
	case *ir.ExprBool:
		if e.Value != holds {
			return nil
		}
	case *ir.ExprAnd:
		return v.join(w, e.X, e.Y, holds, holds, depth)
	case *ir.ExprOr:
		return v.join(w, e.X, e.Y, !holds, holds, depth)
	case *ir.ExprMatch:
		l, ok := v.subjects(e.Pattern)
		t, isText := exprTemplate(e.X)
		if !ok || !isText {
			break
		}
		if holds == e.Negated {
			l = v.sp.Not(l)
		}
		return v.template(w, t, l, depth+1)
	case *ir.ExprCompare:
		x, ok := exprTemplate(e.X)
		y, isText := exprTemplate(e.Y)
		if !ok || !isText {
			break
		}
		text, constant := y.Constant()
		if !constant {
			break
		}
		same := holds
		switch e.Op {
		case "==", "=", "-eq", "eq", "-strmatch":
		case "!=", "-ne", "ne":
			same = !holds
		default:
			return []*want{w}
		}
		l := v.sp.Text(text)
		if !same {
			l = v.sp.Not(l)
		}
		return v.template(w, x, l, depth+1)
	}
	return []*want{w}
}

// join is two expressions that have to be as holds says: both, or one of them.
func (v *solver) join(w *want, x, y ir.Expr, both, holds bool, depth int) []*want {
	ways := v.expr(w, x, holds, depth)
	if !both {
		return bounded(append(ways, v.expr(w, y, holds, depth)...))
	}
	var out []*want
	for _, n := range ways {
		out = append(out, v.expr(n, y, holds, depth)...)
	}
	return bounded(out)
}

// maxWays bounds the alternatives that are kept.
const maxWays = 12

func bounded(list []*want) []*want { return list[:min(len(list), maxWays)] }

func exprTemplate(e ir.Expr) (*ir.Template, bool) {
	if s, ok := e.(*ir.ExprString); ok && s.Template != nil {
		return s.Template, true
	}
	return nil, false
}
