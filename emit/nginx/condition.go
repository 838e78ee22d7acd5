package nginx

import (
	"fmt"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
)

// conditions compiles the RewriteConds into groups. The result is false when they can never hold.
func (b *builder) conditions() bool {
	r := b.r
	cnf := r.CNF()
	if n := len(r.Conditions); n > 0 && r.Conditions[n-1].Or {
		cnf = cnf[:len(cnf)-1] // OR on the last condition: the group always holds
		b.u.caveat = ""
	}
	for gi, list := range cnf {
		var g group
		holds := false
		for _, cnd := range list {
			t, known := b.condition(gi, cnd, list)
			switch known {
			case always:
				holds = true
			case open:
				g = append(g, t...)
			}
		}
		if holds {
			continue
		}
		if len(g) == 0 {
			return false
		}
		b.groups = append(b.groups, g)
		b.catch(gi, list, g)
	}
	b.groups = simplify(b.groups)
	return true
}

// catch notes what the groups of a condition are called from here on: the last one that matched counts.
func (b *builder) catch(gi int, list []*ir.Condition, g group) {
	fresh := true
	for _, cnd := range list {
		if cnd.Kind != ir.CondRegex || cnd.Negated {
			continue
		}
		if fresh {
			clear(b.condName)
			clear(b.condText)
			fresh = false
		}
		for n := range b.condRefs {
			name := fmt.Sprintf("c%d_%d", gi+1, n)
			for _, t := range g {
				if strings.Contains(t.operand, "(?<"+name+">") {
					b.condName[n] = name
				}
			}
		}
	}
}

// condition compiles one; several tests of the result mean that one of them must hold.
func (b *builder) condition(gi int, cnd *ir.Condition, list []*ir.Condition) ([]test, constant) {
	switch cnd.Kind {
	case ir.CondFile:
		return b.fileCondition(cnd, list)
	case ir.CondRegex:
		if cnd.Pattern == nil || cnd.Pattern.Re == nil {
			giveUp("the pattern of a condition is not valid")
		}
		if hasNames(cnd.Pattern) {
			giveUp("a condition refers to its groups by name")
		}
		used := map[int]bool{}
		if !cnd.Negated {
			for n := range b.condRefs {
				if n <= cnd.Pattern.Re.Groups() {
					used[n] = true
				}
			}
		}
		return b.regexCondition(gi, cnd, used)
	case ir.CondString:
		text, _ := cnd.Operand.Constant()
		switch cnd.Op {
		case "=":
			v, prepare, fixed, isFixed := b.subjectOf(cnd.Test)
			if isFixed {
				return nil, truth((fixed == text) != cnd.Negated)
			}
			if v == "$https_on_off" {
				return httpsTest(text == "on", text == "off", cnd.Negated)
			}
			t := test{variable: v, op: "=", operand: text, negated: cnd.Negated, prepare: prepare}
			if strings.Contains(text, "$") || cnd.IgnoreCase {
				t.op, t.operand = "~", "^"+quoteLiteral(text)+"$"
				if cnd.IgnoreCase {
					t.op = "~*"
				}
			}
			return []test{t}, open
		case "<", ">", "<=", ">=":
			v, prepare, fixed, isFixed := b.subjectOf(cnd.Test)
			if v == "$https_on_off" {
				giveUp("nginx cannot compare by order (%s)", cnd.Op)
			}
			less := cnd.Op == "<" || cnd.Op == ">="
			re := lessThan(text, !less, cnd.IgnoreCase)
			negated := (cnd.Op == ">" || cnd.Op == ">=") != cnd.Negated
			if isFixed {
				p := ir.NewPattern(re, cnd.PatternSpan, pattern.Apache)
				ok, _ := p.Re.MatchBool(fixed)
				return nil, truth(ok != negated)
			}
			if text == "" && cnd.Op == ">" {
				return []test{{variable: v, op: "=", negated: negated, prepare: prepare}}, open
			}
			return []test{{variable: v, op: "~", operand: re, negated: negated, prepare: prepare}}, open
		}
	case ir.CondExpr:
		return b.exprCondition(cnd)
	case ir.CondNumber:
		return b.numberCondition(cnd)
	}
	giveUp("a condition that nginx has no equal for")
	return nil, open
}

// numberCondition compares the number that a test string begins with.
func (b *builder) numberCondition(cnd *ir.Condition) ([]test, constant) {
	text, _ := cnd.Operand.Constant()
	n := atoi(text)
	if n < -1_000_000 || n > 1_000_000_000 {
		giveUp("nginx cannot compare numbers of this size")
	}
	v, prepare, fixed, isFixed := b.subjectOf(cnd.Test)
	if v == "$https_on_off" {
		giveUp("nginx cannot compare numbers (%s)", cnd.Op)
	}
	from := func(n int, negated bool) test {
		re, not := atLeast(n)
		return test{variable: v, op: "~", operand: re, negated: not != negated, prepare: prepare}
	}
	if isFixed {
		m := atoi(fixed)
		holds := map[string]bool{"-eq": m == n, "-ne": m != n, "-lt": m < n, "-le": m <= n, "-gt": m > n, "-ge": m >= n}[cnd.Op]
		return nil, truth(holds != cnd.Negated)
	}
	op, negated := cnd.Op, cnd.Negated
	switch op {
	case "-lt":
		op, negated = "-ge", !negated
	case "-le":
		op, negated = "-gt", !negated
	case "-ne":
		op, negated = "-eq", !negated
	}
	switch op {
	case "-ge":
		return []test{from(n, negated)}, open
	case "-gt":
		return []test{from(n+1, negated)}, open
	}
	if !negated {
		b.groups = append(b.groups, group{from(n, false)})
		return []test{from(n+1, true)}, open
	}
	return []test{from(n, true), from(n+1, false)}, open
}

func truth(b bool) constant {
	if b {
		return always
	}
	return never
}

// subjectOf gives the variable that holds a test string; fixed is its text when it has no variables.
func (b *builder) subjectOf(t *ir.Template) (v string, prepare []string, fixed string, isFixed bool) {
	pieces := b.pieces(t)
	var kept []piece
	for _, p := range pieces {
		if p.variable != "" || p.text != "" {
			kept = append(kept, p)
		}
	}
	onlyText := true
	for _, p := range kept {
		onlyText = onlyText && p.variable == ""
		fixed += p.text
	}
	if onlyText {
		return "", nil, fixed, true
	}
	if len(kept) == 1 {
		return "$" + kept[0].variable, nil, "", false
	}
	text, dollar := value(kept)
	b.c.out.dollar = b.c.out.dollar || dollar
	name := fmt.Sprintf("text_%d", len(b.pre)+1)
	b.pre = append(b.pre, name)
	return "$" + name, []string{fmt.Sprintf("set $%s %s;", name, word(text))}, "", false
}

// pieces expands a test string, with the groups of the pattern by name.
func (b *builder) pieces(t *ir.Template) (out []piece) {
	for i := range t.Parts {
		p := &t.Parts[i]
		switch p.Kind {
		case ir.Literal:
			out = append(out, lit(p.Text))
		case ir.RuleRef:
			switch {
			case b.r.Negated || p.N > b.r.Pattern.Re.Groups():
			case p.N == 0:
				b.needPattern = true
				out = append(out, decodedVar(b.ruleVar(0)))
			case b.wholeGroup(p.N) && len(out) > 0 && out[len(out)-1].variable == "" && strings.HasSuffix(out[len(out)-1].text, "/") && b.sub.prefix == "/":
				// the group holds all the pattern sees
				out[len(out)-1].text = strings.TrimSuffix(out[len(out)-1].text, "/")
				out = append(out, decodedVar("uri"))
			default:
				b.needPattern = true
				out = append(out, decodedVar(b.ruleVar(p.N)))
			}
		case ir.CondRef:
			name, ok := b.condName[p.N]
			if text, constant := b.condText[p.N]; constant {
				out = append(out, lit(text))
				continue
			}
			if !ok {
				continue // no condition has matched yet: empty
			}
			out = append(out, decodedVar(name))
		case ir.Variable:
			if p.Name == "REQUEST_URI" && p.Space == "" && b.c.stale && b.f == faithful {
				// what earlier rules have made of the path is not seen here before the pass is over
				b.c.usesAsked = true
				out = append(out, decodedVar(askedURI))
				continue
			}
			v, why := b.c.variableOf(p)
			if why != "" {
				giveUp("%s", why)
			}
			out = append(out, v...)
		case ir.Lookup:
			giveUp("RewriteMap %s", p.Map)
		default:
			giveUp("%s in a template", p.Text)
		}
	}
	return out
}

// wholeMatch tells whether $0 is all the pattern sees.
func (b *builder) wholeMatch() bool {
	switch b.r.Pattern.Text {
	case "^(.*)$", "^.*$", "(.*)", ".*", "^.*", "^(.*)", "(.*)$", ".+", "^.+$", "(.+)", "^(.+)$":
		return true
	}
	return false
}

// wholeGroup tells whether a group holds all that the pattern sees.
func (b *builder) wholeGroup(n int) bool {
	if n != 1 {
		return false
	}
	switch b.r.Pattern.Text {
	case "^(.*)$", "(.*)", "^(.*)", "(.*)$", "(.+)", "^(.+)$", "^(.+)", "(.+)$":
		return true
	}
	return false
}

func (b *builder) regexCondition(gi int, cnd *ir.Condition, used map[int]bool) ([]test, constant) {
	p := cnd.Pattern
	v, prepare, fixed, isFixed := b.subjectOf(cnd.Test)
	match := func(s string) bool {
		ok, err := p.Re.MatchBool(s)
		if err != nil {
			giveUp("a condition is too costly to evaluate")
		}
		return ok
	}
	if isFixed {
		if m, ok, err := p.Re.Match(fixed); err == nil && ok && !cnd.Negated && len(b.condRefs) > 0 && !cnd.Or {
			clear(b.condName)
			clear(b.condText)
			for n := 0; n <= p.Re.Groups(); n++ {
				b.condText[n] = m.Group(n)
			}
		}
		return nil, truth(match(fixed) != cnd.Negated)
	}
	switch v {
	case "$request_method":
		if match("TRACE") != cnd.Negated {
			b.u.caveat = "nginx answers TRACE itself, with 405, before any rule"
		}
	case "$https_on_off":
		return httpsTest(match("on"), match("off"), cnd.Negated)
	case "$request_filename":
		b.u.caveat = ""
	}
	if everything(p) && len(used) == 0 {
		return nil, truth(!cnd.Negated)
	}
	t := test{variable: v, op: "~", operand: p.Text, negated: cnd.Negated, prepare: prepare}
	if p.Options.IgnoreCase {
		t.op = "~*"
	}
	if text, caseless, ok := p.Re.Tree().Exact(); ok && len(used) == 0 && !strings.Contains(text, "$") {
		if !caseless && text == "" {
			t.op, t.operand = "=", ""
		} else if !caseless {
			t.op, t.operand = "=", text
		}
	}
	if p.Text == "." && len(used) == 0 {
		t.op, t.operand, t.negated = "=", "", !cnd.Negated
	}
	if len(used) > 0 {
		if used[0] {
			// %0: all that matched
			t.operand = fmt.Sprintf("(?<c%d_0>%s)", gi+1, p.Text)
			delete(used, 0)
		}
		if len(used) > 0 {
			t.operand = nameGroups(t.operand, shiftUsed(t.operand, used, p), func(n int) string {
				if strings.HasPrefix(t.operand, "(?<c") {
					n--
				}
				return fmt.Sprintf("c%d_%d", gi+1, n)
			})
		}
		t.capture = true
	}
	return []test{t}, open
}

// shiftUsed moves the group numbers by one when the whole pattern stands in a group of its own.
func shiftUsed(text string, used map[int]bool, p *ir.Pattern) map[int]bool {
	if text == p.Text {
		return used
	}
	out := map[int]bool{}
	for n := range used {
		out[n+1] = true
	}
	return out
}

// httpsTest asks for TLS; on and off tell for which value of HTTPS the condition holds.
func httpsTest(on, off, negated bool) ([]test, constant) {
	if negated {
		on, off = !on, !off
	}
	switch {
	case on && off:
		return nil, always
	case on:
		return []test{{variable: "$https", op: "=", operand: "on"}}, open
	case off:
		return []test{{variable: "$https", op: "=", operand: "", negated: false}}, open
	}
	return nil, never
}

// effects are E= of the rule.
func (b *builder) effects() {
	r := b.r
	if len(r.Env) == 0 {
		return
	}
	var lines []string
	for i := range r.Env {
		e := &r.Env[i]
		if _, fixed := b.c.fixed[e.Name]; fixed {
			continue // written out where it is asked for
		}
		if e.Name == "" || strings.ContainsAny(e.Name, "$%{}") {
			giveUp("a variable whose name is made at run time (E=%s)", e.Name)
		}
		v, ok := b.c.env[e.Name]
		if !ok {
			continue // nobody asks for it
		}
		if e.Unset || e.Value == nil {
			lines = append(lines, fmt.Sprintf(`set $%s "";`, v))
			continue
		}
		if b.c.onlyInRedirects[e.Name] && !b.needPattern && !b.r.Negated && uses(e.Value, ir.RuleRef, -1) && !uses(e.Value, ir.RuleRef, 0) && len(r.Env) == 1 {
			if b.spelledEffect(v, e) {
				return
			}
		}
		text, dollar := value(b.pieces(e.Value))
		b.c.out.dollar = b.c.out.dollar || dollar
		lines = append(lines, fmt.Sprintf("set $%s %s;", v, word(text)))
	}
	if len(lines) > 0 {
		b.when(b.withPattern(), lines...)
	}
}

// spelledEffect sets a variable for redirects from the path as the client spelled it.
func (b *builder) spelledEffect(v string, e *ir.EnvEffect) bool {
	used := map[int]bool{}
	tame := true
	for i := range e.Value.Parts {
		p := &e.Value.Parts[i]
		switch p.Kind {
		case ir.Literal:
		case ir.RuleRef:
			used[p.N] = true
			tame = tame && p.N <= b.r.Pattern.Re.Groups() && b.groupIsTame(b.r.Pattern, p.N)
		default:
			return false
		}
	}
	raw := func(n int) string { return fmt.Sprintf("raw_%d", n) }
	t := test{}
	if tame {
		old := b.ruleVarName
		b.ruleVarName = raw
		t = b.patternTest(used)
		b.ruleVarName = old
	} else {
		re, ok := b.sub.spelled(b.r.Pattern, used, raw)
		if !ok {
			return false
		}
		t = b.spelledTest(re)
		if b.r.Pattern.Options.IgnoreCase {
			t.op = "~*"
		}
	}
	var pieces []piece
	for i := range e.Value.Parts {
		if p := &e.Value.Parts[i]; p.Kind == ir.Literal {
			pieces = append(pieces, lit(p.Text))
		} else if p.N <= b.r.Pattern.Re.Groups() {
			pieces = append(pieces, variable(raw(p.N)))
		}
	}
	text, dollar := value(pieces)
	b.c.out.dollar = b.c.out.dollar || dollar
	b.c.spelledEnv[v] = true
	b.when(append(append([]group{}, b.groups...), group{t}), fmt.Sprintf("set $%s %s;", v, word(text)))
	return true
}
