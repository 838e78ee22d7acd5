package nginx

import (
	"fmt"
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
	case *negated:
		return e.Expr
	}
	return &negated{e}
}

// negated is a test under a negation.
type negated struct{ ir.Expr }

// word is what a word of an expression is for nginx: the variable that holds it, or its text.
func (b *builder) word(x ir.Expr) (v string, prepare []string, fixed string, isFixed, ignoreCase bool) {
	switch x := x.(type) {
	case *ir.ExprString:
		v, prepare, fixed, isFixed = b.subjectOf(x.Template)
		return v, prepare, fixed, isFixed, false
	case *ir.ExprCall:
		switch x.Name {
		case "tolower", "toupper":
			v, prepare, fixed, isFixed, _ = b.word(x.X)
			if isFixed && x.Name == "tolower" {
				return v, prepare, strings.ToLower(fixed), true, false
			} else if isFixed {
				return v, prepare, strings.ToUpper(fixed), true, false
			}
			return v, prepare, "", false, true
		case "req", "http", "env", "reqenv":
			name, ok := constantWord(x.X)
			if !ok {
				break
			}
			space := "HTTP"
			if strings.HasSuffix(x.Name, "env") {
				space = "ENV"
			}
			part := ir.Part{Kind: ir.Variable, Space: space, Name: name, Text: name}
			if space == "ENV" {
				if value, ok := b.c.fixed[name]; ok {
					part = ir.Part{Kind: ir.Literal, Text: value}
				}
			}
			v, prepare, fixed, isFixed = b.subjectOf(&ir.Template{Parts: []ir.Part{part}})
			return v, prepare, fixed, isFixed, false
		}
		giveUp("the function %s in an expression", x.Name)
	}
	giveUp("a function in an expression")
	return "", nil, "", false, false
}

// constantWord is a word that is no more than text.
func constantWord(x ir.Expr) (string, bool) {
	s, ok := x.(*ir.ExprString)
	if !ok {
		return "", false
	}
	return s.Template.Constant()
}

// comparison is one test.
func (b *builder) comparison(e ir.Expr) (test, constant) {
	switch e := e.(type) {
	case *ir.ExprCompare:
		if e.Op != "==" && e.Op != "!=" && e.Op != "=" {
			return b.compared(e)
		}
		v, prepare, fixed, isFixed, ignoreCase := b.word(e.X)
		w, _, other, otherFixed, ignoreCaseToo := b.word(e.Y)
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
		if ignoreCase || ignoreCaseToo {
			if isFixed == otherFixed || other != strings.ToLower(other) {
				giveUp("a comparison in upper case")
			}
			return test{variable: v, op: "~*", operand: "^" + quoteLiteral(other) + "$", negated: e.Op == "!=", prepare: prepare}, open
		}
		return test{variable: v, op: "=", operand: other, negated: e.Op == "!=", prepare: prepare}, open
	case *ir.ExprMatch:
		if e.Pattern == nil || e.Pattern.Re == nil {
			giveUp("a pattern that is not valid")
		}
		v, prepare, fixed, isFixed, ignoreCase := b.word(e.X)
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
		if e.Pattern.Options.IgnoreCase || ignoreCase {
			t.op = "~*"
		}
		if !e.Negated && e.Pattern.Re.Groups() > 0 && !hasNames(e.Pattern) {
			b.caughtInExpression(&t, e.Pattern)
		}
		return t, open
	case *ir.ExprIn:
		v, prepare, fixed, isFixed, ignoreCase := b.word(e.X)
		var words []string
		for _, x := range e.List {
			w, ok := constantWord(x)
			if !ok {
				giveUp("a list that is made at run time")
			}
			if isFixed && w == fixed {
				return test{}, always
			}
			words = append(words, quoteLiteral(w))
		}
		if isFixed {
			return test{}, never
		}
		t := test{variable: v, op: "~", operand: "^(?:" + strings.Join(words, "|") + ")$", prepare: prepare}
		if ignoreCase {
			t.op = "~*"
		}
		return t, open
	case *negated:
		t, known := b.comparison(e.Expr)
		switch known {
		case always:
			return t, never
		case never:
			return t, always
		}
		t.negated = !t.negated
		return t, open
	case *ir.ExprUnary:
		if e.Op == "-R" {
			return b.fromNetwork("remote_addr", e.X)
		}
		v, prepare, fixed, isFixed, _ := b.word(e.X)
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

// compared is a comparison by order, number, glob or address.
func (b *builder) compared(e *ir.ExprCompare) (test, constant) {
	if e.Op == "-ipmatch" {
		v, _, _, isFixed, _ := b.word(e.X)
		if isFixed {
			giveUp("an address that is text")
		}
		return b.fromNetwork(strings.TrimPrefix(v, "$"), e.Y)
	}
	v, prepare, _, isFixed, ignoreCase := b.word(e.X)
	text, ok := constantWord(e.Y)
	if !ok || isFixed || v == "$https_on_off" {
		giveUp("nginx cannot compare with %s", e.Op)
	}
	t := test{variable: v, op: "~", prepare: prepare}
	if ignoreCase {
		giveUp("a comparison without case by %s", e.Op)
	}
	number := strings.TrimPrefix(e.Op, "-")
	switch e.Op {
	case "<", ">=":
		t.operand, t.negated = before(text, false), e.Op == ">="
	case "<=", ">":
		t.operand, t.negated = before(text, true), e.Op == ">"
	case "-strmatch", "-strcmatch", "-fnmatch":
		glob := globPattern(text)
		if e.Op != "-fnmatch" {
			glob = strings.NewReplacer("[^/]*", ".*", "[^/]", ".").Replace(glob)
		}
		t.operand = "^" + glob + "$"
		if e.Op == "-strcmatch" {
			t.op = "~*"
		}
	default:
		n := atoi(text)
		switch number {
		case "gt", "le":
			n++
		case "ge", "lt":
		default:
			giveUp("nginx cannot compare with %s", e.Op)
		}
		re, not := atLeast(n)
		t.operand, t.negated = re, not != (number == "lt" || number == "le")
	}
	return t, open
}

// fromNetwork asks whether an address lies in a network: geo looks it up.
func (b *builder) fromNetwork(variable string, network ir.Expr) (test, constant) {
	text, ok := constantWord(network)
	if !ok || strings.ContainsAny(text, "$;{} ") || text == "" {
		giveUp("a network that is made at run time")
	}
	name := fmt.Sprintf("from%d_%d", b.id, len(b.u.lines)+len(b.groups)+len(b.c.out.maps))
	b.c.out.maps[name] = fmt.Sprintf("geo $%s $%s {\n    default 0;\n    %s 1;\n}", variable, name, text)
	return test{variable: "$" + name, op: "=", operand: "1"}, open
}

// caughtInExpression gives the groups of a pattern in an expression the names that %N goes by from there on.
func (b *builder) caughtInExpression(t *test, p *ir.Pattern) {
	used := map[int]bool{}
	for n := range b.condRefs {
		if n > 0 && n <= p.Re.Groups() {
			used[n] = true
		}
	}
	if len(used) == 0 {
		return
	}
	b.inExpr++
	name := func(n int) string { return fmt.Sprintf("cx%d_%d", b.inExpr, n) }
	t.operand, t.capture = nameGroups(t.operand, used, name), true
	clear(b.condName)
	clear(b.condText)
	for n := range used {
		b.condName[n] = name(n)
	}
}

// lookInto calls look for every text of an expression and env for every variable that env() asks for.
func lookInto(e ir.Expr, look func(*ir.Template), env func(string)) {
	in := func(list ...ir.Expr) {
		for _, x := range list {
			lookInto(x, look, env)
		}
	}
	switch e := e.(type) {
	case *ir.ExprOr:
		in(e.X, e.Y)
	case *ir.ExprAnd:
		in(e.X, e.Y)
	case *ir.ExprNot:
		in(e.X)
	case *ir.ExprCompare:
		in(e.X, e.Y)
	case *ir.ExprMatch:
		in(e.X)
	case *ir.ExprIn:
		in(append(e.List[:len(e.List):len(e.List)], e.X)...)
	case *ir.ExprUnary:
		in(e.X)
	case *ir.ExprConcat:
		in(e.X, e.Y)
	case *ir.ExprString:
		look(e.Template)
	case *ir.ExprCall:
		if name, ok := constantWord(e.X); ok && strings.HasSuffix(e.Name, "env") {
			env(name)
		}
		in(e.X)
	}
}
