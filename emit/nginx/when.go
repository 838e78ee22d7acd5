package nginx

import (
	"fmt"
	"strings"
)

// testVariable gathers the outcomes of several conditions; it is used up before the next rule begins.
const testVariable = "test"

// when writes lines that are to run when all groups hold. In lines nothing may use what a condition captured by number.
func (b *builder) when(groups []group, lines ...string) {
	if r := b.refused; r != nil && r.end == len(b.u.lines) && several(groups) && alikeGroups(r.groups, groups) {
		b.together(r, groups, lines)
		return
	}
	b.u.lines = append(b.u.lines, b.whenLines(groups, lines)...)
}

// refusals are answers that a rule gives to some of the requests it is for, just written.
type refusals struct {
	start, end int // in the lines of the unit
	tests      []test
	answers    []string
	groups     []group
}

// refuse writes an answer for those requests that all groups and one more test hold for.
func (b *builder) refuse(t test, answer string, groups []group) {
	r := b.refused
	if r == nil || r.end != len(b.u.lines) || !alikeGroups(r.groups, groups) {
		r = &refusals{start: len(b.u.lines), groups: groups}
		b.refused = r
	}
	r.tests, r.answers = append(r.tests, t), append(r.answers, answer)
	b.u.lines = append(b.u.lines, b.whenLines(append([]group{{t}}, groups...), []string{answer})...)
	r.end = len(b.u.lines)
}

// together writes refusals and what else happens under the same conditions anew: the conditions are asked once.
func (b *builder) together(r *refusals, groups []group, lines []string) {
	b.u.lines = b.u.lines[:r.start]
	for key, name := range b.c.shared { // what was set in the lines that are gone
		if strings.HasPrefix(name, fmt.Sprintf("any%d_", b.id)) {
			delete(b.c.shared, key)
		}
	}
	out, want := b.outcome(groups)
	for i, t := range r.tests {
		letter := string(rune('x' + i%3))
		out = append(out, t.prepare...)
		out = append(out, ifBlock(t, []string{fmt.Sprintf("set $%s ${%s}%s;", testVariable, testVariable, letter)})...)
		out = append(out, ifBlock(test{variable: "$" + testVariable, op: "=", operand: want + letter}, []string{r.answers[i]})...)
	}
	out = append(out, ifBlock(test{variable: "$" + testVariable, op: "=", operand: want}, lines)...)
	b.u.lines, b.refused = append(b.u.lines, out...), nil
}

// several tells whether conditions need a variable for their outcome.
func several(groups []group) bool {
	return len(groups) > 1 || len(groups) == 1 && (len(groups[0]) > 1 || len(groups[0][0].prepare) > 0)
}

func alikeGroups(a, b []group) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if len(a[i]) != len(b[i]) {
			return false
		}
		for j := range a[i] {
			if a[i][j].String() != b[i][j].String() {
				return false
			}
		}
	}
	return true
}

func (b *builder) whenLines(groups []group, lines []string) (out []string) {
	switch {
	case len(groups) == 0:
		return lines
	case len(groups) == 1 && len(groups[0]) == 1:
		t := groups[0][0]
		out = append(out, t.prepare...)
		return append(out, ifBlock(t, lines)...)
	case len(groups) == 1:
		any, lines2 := b.c.either(b, 0, groups[0])
		out = append(out, lines2...)
		return append(out, ifBlock(test{variable: "$" + any}, lines)...)
	}
	out, want := b.outcome(groups)
	return append(out, ifBlock(test{variable: "$" + testVariable, op: "=", operand: want}, lines)...)
}

// outcome puts the outcomes of conditions together letter by letter; want is what $test holds when all of them hold.
func (b *builder) outcome(groups []group) (out []string, want string) {
	out = append(out, fmt.Sprintf(`set $%s "";`, testVariable))
	for i, g := range groups {
		letter := string(rune('a' + i%23))
		if len(g) == 1 {
			out = append(out, g[0].prepare...)
			mark := letter
			if i > 0 {
				mark = "${" + testVariable + "}" + letter
			}
			out = append(out, ifBlock(g[0], []string{fmt.Sprintf("set $%s %s;", testVariable, word(mark))})...)
			want += letter
			continue
		}
		either, lines := b.c.either(b, i, g)
		out = append(out, lines...)
		out = append(out, fmt.Sprintf("set $%s %s;", testVariable, word("$"+testVariable+"$"+either)))
		want += "1"
	}
	return out, want
}
