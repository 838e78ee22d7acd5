package rules

import (
	"fmt"
	"strings"
	"testing"

	"rewright/lint"
	"rewright/parser/ir"
	"rewright/parser/source"
)

// TestFarCircle finds the one circle of a long list of redirects, however long it is, and the requests asked for it grow with the
// list, not with its square: the site's budget of questions holds.
func TestFarCircle(t *testing.T) {
	for _, n := range []int{11, 300, 3000} {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, "Redirect 301 /p%d.html /p%d.html\n", i, (i+1)%n)
		}
		u := lint.Load(lint.Input{File: source.NewFile(".htaccess", []byte(b.String())), Server: ir.Apache, Context: ir.ContextHtaccess})
		list, err := lint.Check(lint.Options{Rules: All(), Select: []string{"RD2"}}, u)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) != 1 || list[0].Code != "RD202" || !strings.Contains(list[0].Message, fmt.Sprintf("a circle of %d", n)) {
			t.Errorf("%d redirects in a circle: %d findings\n%.500s", n, len(list), lines(list))
			continue
		}
		if w := list[0].Witness; w == nil || len(w.Steps) > 10 || !strings.HasPrefix(w.URL, "http://") {
			t.Errorf("%d redirects in a circle: the witness is %v", n, w)
		}
		if u.SiteSpent() {
			t.Errorf("%d redirects in a circle: more was asked than the budget allows", n)
		}
	}
}

// TestFarCircleWithAnEnd has the same list with a way out: no circle, and the last hops are told of as a chain.
func TestFarCircleWithAnEnd(t *testing.T) {
	var b strings.Builder
	for i := range 40 {
		fmt.Fprintf(&b, "Redirect 301 /p%d.html /p%d.html\n", i, i+1)
	}
	for _, d := range check(t, ".htaccess", b.String(), ir.Apache, ir.ContextHtaccess, "RD2") {
		if d.Code != "RD205" {
			t.Errorf("%s", describe(d))
		}
	}
}
