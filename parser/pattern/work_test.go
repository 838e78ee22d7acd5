package pattern

import (
	"strings"
	"testing"
)

// Patterns and subjects as people write them cost nothing extra; many groups cost more than one, and no match costs more than
// half a second's worth.
func TestWork(t *testing.T) {
	for _, c := range []struct {
		name, pattern, subject string
		groups                 bool
		least, most            int
	}{
		{"a usual rule", `^shop/([a-z-]+)/(\d+)\.html$`, "shop/some-category/12345.html", true, 0, 0},
		{"a list of agents", "(" + strings.Repeat("somebot|", 150) + "x)", strings.Repeat("Mozilla/5.0 ", 8), true, 0, 0},
		{"five hundred groups", "^" + strings.Repeat("(a*)", 500) + "$", strings.Repeat("a", 30), true, 10_000, 100_000},
		{"the same without them", "^" + strings.Repeat("(a*)", 500) + "$", strings.Repeat("a", 30), false, 0, 0},
		{"long and long", "^" + strings.Repeat("(a*)", 500) + "$", strings.Repeat("a", 100_000), true, mostWork, mostWork},
	} {
		re, err := Compile(c.pattern, Apache)
		if err != nil {
			t.Fatal(err)
		}
		if got := re.Work(c.subject, c.groups); got < c.least || got > c.most {
			t.Errorf("%s: %d, want %d to %d", c.name, got, c.least, c.most)
		}
	}
}
