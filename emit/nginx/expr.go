package nginx

import (
	"strings"

	"rewright/parser/ir"
)

// exprCondition compiles RewriteCond expr: comparisons, patterns and file tests joined by && at the top and || below.
func (b *builder) exprCondition(cnd *ir.Condition) ([]test, constant) {
	if cnd.Expr == nil {
		giveUp("an expression that is not understood")
	}
	e := cnd.Expr
	if cnd.Negated {
		e = &ir.ExprNot{X: e}
	}
	groups, known := b.expression(e)
	if known != open {
		return nil, known
	}
	last := groups[len(groups)-1]
	b.groups = append(b.groups, groups[:len(groups)-1]...)
	return last, open
}

// expression turns an expression into groups.
func (b *builder) expression(e ir.Expr) (groups []group, known constant) {
	switch e := e.(type) {
	case *ir.ExprAnd:
		x, kx := b.expression(e.X)
		y, ky := b.expression(e.Y)
		switch {
		case kx == never || ky == never:
			return nil, never
		case kx == always:
			return y, ky
		case ky == always:
			return x, kx
		}
		return append(x, y...), open
	case *ir.ExprOr:
		x, kx := b.expression(e.X)
		y, ky := b.expression(e.Y)
		switch {
		case kx == always || ky == always:
			return nil, always
		case kx == never:
			return y, ky
		case ky == never:
			return x, kx
		}
		if len(x) != 1 || len(y) != 1 {
			giveUp("an expression with && below ||")
		}
		return []group{append(x[0][:len(x[0]):len(x[0])], y[0]...)}, open
	case *ir.ExprNot:
		return b.expression(negate(e.X))
	case *ir.ExprBool:
		return nil, truth(e.Value)
	}
	t, known := b.comparison(e)
	if known != open {
		return nil, known
	}
	return []group{{t}}, open
}

// negate pushes a negation down to the comparisons.
func negate(e ir.Expr) ir.Expr {
	switch e := e.(type) {
	case *ir.ExprNot:
		return e.X
	case *ir.ExprBool:
		return &ir.ExprBool{Value: !e.Value}
	case *ir.ExprAnd:
		return &ir.ExprOr{X: negate(e.X), Y: negate(e.Y)}
	case *ir.ExprOr:
		return &ir.ExprAnd{X: negate(e.X), Y: negate(e.Y)}
	case *ir.ExprMatch:
		n := *e
		n.Negated = !n.Negated
		return &n
	case *ir.ExprCompare:
		n := *e
		switch e.Op {
		case "==", "=", "-eq", "eq":
			n.Op = "!="
			return &n
		case "!=", "-ne", "ne":
			n.Op = "=="
			return &n
		}
	case *ir.ExprUnary:
		return &negated{e}
	}
	giveUp("a negation that nginx cannot say")
	return nil
}

// negated is a unary test under a negation.
type negated struct{ *ir.ExprUnary }

// comparison is one test.
func (b *builder) comparison(e ir.Expr) (test, constant) {
	subject := func(x ir.Expr) (string, []string, string, bool) {
		s, ok := x.(*ir.ExprString)
		if !ok {
			giveUp("a function in an expression")
		}
		return b.subjectOf(s.Template)
	}
	switch e := e.(type) {
	case *ir.ExprCompare:
		if e.Op != "==" && e.Op != "!=" && e.Op != "=" {
			giveUp("nginx cannot compare with %s", e.Op)
		}
		v, prepare, fixed, isFixed := subject(e.X)
		w, _, other, otherFixed := subject(e.Y)
		if isFixed && otherFixed {
			return test{}, truth((fixed == other) == (e.Op != "!="))
		}
		if isFixed {
			v, other, otherFixed = w, fixed, true
		}
		if !otherFixed || strings.Contains(other, "$") {
			giveUp("a comparison of two variables")
		}
		if v == "$https_on_off" {
			list, known := httpsTest(other == "on", other == "off", e.Op == "!=")
			if known != open {
				return test{}, known
			}
			return list[0], open
		}
		return test{variable: v, op: "=", operand: other, negated: e.Op == "!=", prepare: prepare}, open
	case *ir.ExprMatch:
		if e.Pattern == nil || e.Pattern.Re == nil {
			giveUp("a pattern that is not valid")
		}
		v, prepare, fixed, isFixed := subject(e.X)
		if isFixed {
			ok, _ := e.Pattern.Re.MatchBool(fixed)
			return test{}, truth(ok != e.Negated)
		}
		if v == "$https_on_off" {
			on, _ := e.Pattern.Re.MatchBool("on")
			off, _ := e.Pattern.Re.MatchBool("off")
			list, known := httpsTest(on, off, e.Negated)
			if known != open {
				return test{}, known
			}
			return list[0], open
		}
		t := test{variable: v, op: "~", operand: e.Pattern.Text, negated: e.Negated, prepare: prepare}
		if e.Pattern.Options.IgnoreCase {
			t.op = "~*"
		}
		return t, open
	case *negated:
		t, known := b.comparison(e.ExprUnary)
		switch known {
		case always:
			return t, never
		case never:
			return t, always
		}
		t.negated = !t.negated
		return t, open
	case *ir.ExprUnary:
		v, prepare, fixed, isFixed := subject(e.X)
		switch e.Op {
		case "-n", "-z":
			if isFixed {
				return test{}, truth((fixed != "") == (e.Op == "-n"))
			}
			return test{variable: v, op: "=", operand: "", negated: e.Op == "-n", prepare: prepare}, open
		case "-f", "-d", "-e":
			if isFixed {
				return test{op: e.Op, operand: fixed}, open
			}
			return test{op: e.Op, operand: v, prepare: prepare}, open
		}
		giveUp("nginx has no test like %s", e.Op)
	}
	giveUp("an expression that nginx cannot say")
	return test{}, open
}
