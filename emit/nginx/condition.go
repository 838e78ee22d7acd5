package nginx

import (
	"fmt"
	"strings"

	"rewright/parser/ir"
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
		for n := range b.condRefs {
			for _, cnd := range list {
				if cnd.Kind == ir.CondRegex && !cnd.Negated {
					b.condName[n] = fmt.Sprintf("c%d_%d_%d", b.id, gi+1, n)
				}
			}
		}
	}
	b.groups = simplify(b.groups)
	return true
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
		if len(hasNamesList(cnd.Pattern)) > 0 {
			giveUp("a condition has named groups, which nginx would make variables of the server of")
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
		case ">":
			if text == "" || text == `""` && false {
				v, prepare, fixed, isFixed := b.subjectOf(cnd.Test)
				if isFixed {
					return nil, truth((fixed > text) != cnd.Negated)
				}
				return []test{{variable: v, op: "=", operand: "", negated: !cnd.Negated, prepare: prepare}}, open
			}
		}
		giveUp("nginx cannot compare by order (%s)", cnd.Op)
	case ir.CondExpr:
		return b.exprCondition(cnd)
	case ir.CondNumber:
		giveUp("nginx cannot compare numbers (%s)", cnd.Op)
	}
	giveUp("a condition that nginx has no equal for")
	return nil, open
}

func hasNamesList(p *ir.Pattern) (out []string) {
	for _, n := range p.Re.Names() {
		if n != "" {
			out = append(out, n)
		}
	}
	return out
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
	name := fmt.Sprintf("text%d_%d", b.id, len(b.pre)+1)
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
				if !b.wholeMatch() {
					giveUp("$0 of a pattern that matches a part of the path")
				}
				out = append(out, b.belowPrefix()...)
			case b.wholeGroup(p.N) && len(out) > 0 && out[len(out)-1].variable == "" && strings.HasSuffix(out[len(out)-1].text, "/") && b.c.sub.prefix == "/":
				// the group holds all the pattern sees
				out[len(out)-1].text = strings.TrimSuffix(out[len(out)-1].text, "/")
				out = append(out, decodedVar("uri"))
			default:
				b.needPattern = true
				out = append(out, decodedVar(b.ruleVar(p.N)))
			}
		case ir.CondRef:
			name, ok := b.condName[p.N]
			if !ok {
				continue // no condition has matched yet: empty
			}
			out = append(out, decodedVar(name))
		case ir.Variable:
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

// belowPrefix is the path below the directory as pieces; at the root of the site nginx has it with its slash only.
func (b *builder) belowPrefix() []piece {
	if b.c.sub.prefix == "" {
		return []piece{decodedVar("uri")}
	}
	b.needPattern = true
	return []piece{decodedVar(b.ruleVar(1))}
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
		return nil, truth(match(fixed) != cnd.Negated)
	}
	switch v {
	case "$https_on_off":
		return httpsTest(match("on"), match("off"), cnd.Negated)
	case "$server_port":
		return []test{{variable: v, op: "~", operand: p.Text, negated: cnd.Negated}}, open
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
			t.operand = fmt.Sprintf("(?<c%d_%d_0>%s)", b.id, gi+1, p.Text)
			delete(used, 0)
		}
		if len(used) > 0 {
			t.operand = nameGroups(t.operand, shiftUsed(t.operand, used, p), func(n int) string {
				if strings.HasPrefix(t.operand, "(?<c") {
					n--
				}
				return fmt.Sprintf("c%d_%d_%d", b.id, gi+1, n)
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

func (b *builder) fileCondition(cnd *ir.Condition, list []*ir.Condition) ([]test, constant) {
	op := cnd.Op
	switch op {
	case "-f", "-d":
	case "-s":
		op = "-f"
		b.u.caveat = "nginx cannot tell empty files from others: a file of 0 bytes counts as there"
	case "-l", "-L", "-h":
		// beside -f and -d a link is no news unless it leads nowhere
		f, d := false, false
		for _, o := range b.r.Conditions {
			if o.Kind == ir.CondFile && o.Negated == cnd.Negated && o.Test.Text == cnd.Test.Text {
				f = f || o.Op == "-f" || o.Op == "-s"
				d = d || o.Op == "-d"
			}
		}
		if !f {
			giveUp("nginx cannot ask for symbolic links (-l)")
		}
		b.u.caveat = "nginx cannot ask for symbolic links: one that leads nowhere is not seen"
		return nil, truth(cnd.Negated)
	case "-x":
		b.u.caveat = "nginx takes directories for executable, too"
	case "-F":
		op = "-f"
		b.u.caveat = "-F asks for access, too; nginx looks for the file only"
	default:
		giveUp("nginx has no test like %s", cnd.Op)
	}
	pieces := b.pieces(cnd.Test)
	if b.c.server && len(pieces) == 1 && pieces[0].variable == "uri" {
		// in server context REQUEST_FILENAME is the URL path, which is no file
		pieces = []piece{decodedVar("uri")}
	}
	if len(pieces) == 2 && pieces[0].variable == "document_root" && pieces[1].variable == "uri" {
		pieces = []piece{decodedVar("request_filename")}
	}
	if len(pieces) == 0 {
		return nil, truth(cnd.Negated)
	}
	text, dollar := value(pieces)
	b.c.out.dollar = b.c.out.dollar || dollar
	return []test{{op: op, operand: text, negated: cnd.Negated}}, open
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
		text, dollar := value(b.pieces(e.Value))
		b.c.out.dollar = b.c.out.dollar || dollar
		lines = append(lines, fmt.Sprintf("set $%s %s;", v, word(text)))
	}
	if len(lines) > 0 {
		b.when(b.withPattern(), lines...)
	}
}
