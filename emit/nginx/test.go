package nginx

import (
	"strings"
)

// test is the inside of an nginx if: what it looks at, how, and with what.
type test struct {
	variable string // with its $; empty for file tests
	op       string // "~" "~*" "=" "-f" "-d" "-e" "-x"; "" asks whether the variable is set
	operand  string // regular expression or value, not quoted yet; the path of a file test
	negated  bool
	prepare  []string // directives that must stand before the if
	capture  bool     // it captures what somebody uses: it must be run on its own
}

func (t test) String() string {
	op := t.op
	switch {
	case t.op == "":
		if t.negated {
			return t.variable + ` = ""`
		}
		return t.variable
	case strings.HasPrefix(t.op, "-"):
		if t.negated {
			op = "!" + op
		}
		return op + " " + word(t.operand)
	case t.negated:
		op = "!" + op
	}
	return t.variable + " " + op + " " + word(t.operand)
}

// constant is a test whose outcome is known.
type constant uint8

const (
	open constant = iota
	always
	never
)

// group is tests of which one must hold.
type group []test

// simplify joins what one regular expression or file test can say.
func simplify(groups []group) []group {
	var out []group
	for _, g := range groups {
		out = append(out, joinAlternatives(g))
	}
	return joinNegated(joinFileTests(out))
}

// joinAlternatives makes (a or b) on the same variable one pattern.
func joinAlternatives(g group) group {
	var out group
	for _, t := range g {
		if n := len(out); n > 0 {
			if one, ok := either(out[n-1], t, false); ok {
				out[n-1] = one
				continue
			}
		}
		out = append(out, t)
	}
	if len(out) == 2 && isFileTest(out[0], "-f", false) && isFileTest(out[1], "-d", false) || len(out) == 2 && isFileTest(out[0], "-d", false) && isFileTest(out[1], "-f", false) {
		if out[0].operand == out[1].operand {
			out = group{{op: "-e", operand: out[0].operand}}
		}
	}
	return out
}

func isFileTest(t test, op string, negated bool) bool { return t.op == op && t.negated == negated }

// either joins two tests into one pattern that matches when one of them does; both must be negated as said.
func either(a, b test, negated bool) (test, bool) {
	regex := func(t test) bool { return t.op == "~" || t.op == "~*" }
	if a.variable != b.variable || a.capture || b.capture || len(a.prepare)+len(b.prepare) > 0 || a.negated != negated || b.negated != negated {
		return test{}, false
	}
	text := func(t test) string {
		if t.op == "=" {
			return "^" + quoteLiteral(t.operand) + "$"
		}
		return t.operand
	}
	if a.op == "=" && b.op == "=" || !regex(a) && a.op != "=" || !regex(b) && b.op != "=" {
		if a.op != "=" || b.op != "=" {
			return test{}, false
		}
	}
	if a.op == "=" && strings.Contains(a.operand, "$") || b.op == "=" && strings.Contains(b.operand, "$") || backReference(a.operand) || backReference(b.operand) {
		return test{}, false
	}
	x, y := text(a), text(b)
	op := "~"
	switch {
	case a.op == "~*" && b.op == "~*":
		op = "~*"
	case a.op == "~*":
		x = "(?i:" + x + ")"
	case b.op == "~*":
		y = "(?i:" + y + ")"
	}
	return test{variable: a.variable, op: op, operand: alternate(x, y), negated: negated}, true
}

func backReference(re string) bool {
	for i := 0; i+1 < len(re); i++ {
		if re[i] == '\\' {
			if i++; re[i] >= '1' && re[i] <= '9' || re[i] == 'g' || re[i] == 'k' {
				return true
			}
		}
	}
	return false
}

// alternate writes x|y, and ^(a|b) for two anchored words.
func alternate(x, y string) string {
	simple := func(s string) bool { return !strings.ContainsAny(s, "()|\\[") }
	if px, ok := strings.CutPrefix(x, "^"); ok && !strings.Contains(x, "|^") {
		if py, ok := strings.CutPrefix(y, "^"); ok && simple(py) {
			if in, ok := strings.CutPrefix(px, "("); ok && strings.HasSuffix(in, ")") && !strings.ContainsAny(in[:len(in)-1], "()\\") {
				return "^(" + in[:len(in)-1] + "|" + py + ")"
			}
			if simple(px) {
				return "^(" + px + "|" + py + ")"
			}
		}
	}
	return x + "|" + y
}

// joinFileTests makes "no file and no directory" one test.
func joinFileTests(groups []group) []group {
	for i := range groups {
		for j := i + 1; j < len(groups); j++ {
			if len(groups[i]) != 1 || len(groups[j]) != 1 {
				continue
			}
			a, b := groups[i][0], groups[j][0]
			if a.operand != b.operand || len(a.prepare)+len(b.prepare) > 0 {
				continue
			}
			if isFileTest(a, "-f", true) && isFileTest(b, "-d", true) || isFileTest(a, "-d", true) && isFileTest(b, "-f", true) {
				groups[i] = group{{op: "-e", operand: a.operand, negated: true}}
				return joinFileTests(append(groups[:j:j], groups[j+1:]...))
			}
		}
	}
	return groups
}

// joinNegated makes "not a and not b" on the same variable one pattern.
func joinNegated(groups []group) []group {
	var out []group
	for _, g := range groups {
		if n := len(out); n > 0 && len(g) == 1 && len(out[n-1]) == 1 {
			if one, ok := either(out[n-1][0], g[0], true); ok {
				out[n-1] = group{one}
				continue
			}
		}
		out = append(out, g)
	}
	return out
}
