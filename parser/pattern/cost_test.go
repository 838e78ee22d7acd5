package pattern

import (
	stdcontext "context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// costs are patterns and what is found of them: "exponential", "power of 3", or nothing.
var costs = []struct{ name, pattern, want string }{
	{"plus of plus", "^(a+)+$", "exponential"},
	{"star of star", "^(a*)*$", "exponential"},
	{"optional sign in a loop", `^/(\w+\s?)*$`, "exponential"},
	{"alternatives that overlap", "^(a|aa)+$", "exponential"},
	{"a word in two ways", "^(ab|a|b)*c$", "exponential"},
	{"dot that was a point", `^(([a-z])+.)+[A-Z]([a-z])+$`, "exponential"},
	{"well-known guard", `(^|/)\.well-known/([^./]+./?)+$`, "exponential"},
	{"required text behind", "^(x+x+)+y$", "exponential"},
	{"four runs", "^a*a*a*a*b$", "power of 3"},
	{"runs in a search", "a+a+a+b", "power of 3"},
	{"the last run keeps all", "^a*a*a*b$", ""},
	{"one loop", "^[a-z]+$", ""},
	{"loops apart", `^([a-z]+-)*[a-z]+$`, ""},
	{"disjoint alternatives", "^(a|b|c)*d$", ""},
	{"nothing can fail", "^(a+)+", ""},
	{"possessive", "^(a++)+$", ""},
	{"atomic", "^(?>(a+)+)b$", ""},
	{"two runs", "^(.*)/(.*)$", ""},
	{"rule of a site", `^blog/(\d+)/([a-z-]+)/?$`, ""},
	{"counted", "^(a{1,3}){2,4}$", ""},
}

func TestCost(t *testing.T) {
	for _, c := range costs {
		t.Run(c.name, func(t *testing.T) {
			tree, err := Parse(c.pattern, Apache)
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			cost, ok := tree.Cost()
			switch {
			case ok && cost.Exponential:
				got = "exponential"
			case ok:
				got = fmt.Sprintf("power of %d", cost.Degree)
			}
			if got != c.want {
				t.Errorf("%s: %q, want %q (%+v)", c.pattern, got, c.want, cost)
			}
			t.Logf("%+v", cost)
		})
	}
}

// TestCostAgainstLibrary: the real library gives up on every text that is called costly.
func TestCostAgainstLibrary(t *testing.T) {
	program := library(t)
	for _, c := range costs {
		tree, err := Parse(c.pattern, Apache)
		if err != nil {
			t.Fatal(err)
		}
		cost, ok := tree.Cost()
		subject := ""
		switch {
		case ok && cost.Exponential:
			subject = cost.Attack(40)
		case ok && tree.Anchored(): // the limit begins anew at each place a search begins at
			subject = cost.Attack(2000)
		default:
			continue
		}
		if exceeds := exceedsLimit(t, program, c.pattern, subject); !exceeds {
			t.Errorf("%s: the library comes to an end on %q…", c.pattern, cost.Attack(4))
		}
	}
}

// exceedsLimit tells whether a match by the library ends with "match limit exceeded".
func exceedsLimit(t *testing.T, program, pattern, subject string) bool {
	t.Helper()
	var in strings.Builder
	fmt.Fprintf(&in, "/")
	for i := 0; i < len(pattern); i++ {
		fmt.Fprintf(&in, "%02x", pattern[i])
	}
	fmt.Fprintf(&in, "/hex,dotall,dollar_endonly,dupnames\n    ")
	for i := 0; i < len(subject); i++ {
		fmt.Fprintf(&in, "\\x%02x", subject[i])
	}
	in.WriteString("\\=match_limit=10000000\n")
	ctx, cancel := stdcontext.WithTimeout(stdcontext.Background(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "-q")
	cmd.Stdin = strings.NewReader(in.String())
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.Contains(string(out), "error -47")
}

// TestStepsAgreeWithMatch: the stepper comes to the same answer as the matcher, which is what makes its counts worth
// something.
func TestStepsAgreeWithMatch(t *testing.T) {
	g := newGenerator(31)
	compared := 0
	for range 6000 {
		re, err := Compile(g.pattern(), someOptions[g.IntN(len(someOptions))])
		if err != nil || re.Tree().foreign || re.Tree().utf {
			continue
		}
		for range 4 {
			subject := g.subject(re.Tree())
			want, err := re.MatchBool(subject)
			if err != nil {
				continue
			}
			tree := re.Tree()
			s := &stepper{subject: subject, limit: 100000, groups: make([][2]int, tree.Groups+1)}
			got := false
			for at := 0; at <= len(subject) && !got && !s.stopped(); at++ {
				for i := range s.groups {
					s.groups[i] = [2]int{-1, -1}
				}
				got = s.match(tree.Root, at, func(int) bool { return true })
			}
			if s.stopped() {
				continue
			}
			compared++
			if got != want {
				t.Fatalf("%q %+v on %q: stepper %v, matcher %v", re, tree.Options, subject, got, want)
			}
		}
	}
	t.Logf("%d searches compared", compared)
}

// TestCostIsBounded: patterns made to keep the analysis busy come to an end.
func TestCostIsBounded(t *testing.T) {
	for _, p := range []string{
		strings.Repeat("(", 100) + "a" + strings.Repeat("+)+", 100),
		"^(" + strings.Repeat("a|", 300) + "b)*c$",
		strings.Repeat(".*a", 200),
		strings.Repeat("(a{1,65000}b){1,65000}", 3),
		"^(" + strings.Repeat("[a-z]*", 60) + ")*$",
	} {
		tree, err := Parse(p, Apache)
		if err != nil {
			continue // the library refuses it too
		}
		tree.Cost()
	}
}

func BenchmarkCost(b *testing.B) {
	for _, p := range []string{`^blog/(\d+)/([a-z-]+)/?$`, `(^|/)\.well-known/([^./]+./?)+$`} {
		tree, err := Parse(p, Apache)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(p, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				tree.Cost()
			}
		})
	}
}
