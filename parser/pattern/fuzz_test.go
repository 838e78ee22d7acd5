package pattern

import (
	"regexp"
	"strings"
	"testing"
)

func seed(f *testing.F) {
	for _, s := range []string{
		"", "^/old-page-17$", `^blog/(\d+)/?$`, "(?i)a(?-i:b)c|d", `(?<year>\d{4})-(?'m'\d\d)\k<year>`, "(?|(a)|(b))(c)",
		`[[:alpha:]\d^\]-]+?`, `\Qa.b\E+`, "(?x) a b # c\n d", "(?=a)(?!b)(?<=c)(?<!d)", "(?(1)a|b)(x)", "a{2,5}+", `\x{41}\o{101}\cA`,
		"(*UTF)\\x{100}", "(*FAIL)|(?R)", "((((a)*)*)*)*", `(?C1)(?(?C'x')(?=a)b|c)`, "[a-\\d]", "(?<n", "\\", "[z-a]", "a**", "(?P<a>x)(?P=a)",
	} {
		f.Add(s, uint8(0))
		f.Add(s, uint8(3))
	}
}

// FuzzParse: reading never panics; an error points into the text; spans nest and stay inside; and what
// Format writes reads back, under any options, as a tree that it writes the same way.
func FuzzParse(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text string, choice uint8) {
		tree, err := Parse(text, someOptions[int(choice)%len(someOptions)])
		if err != nil {
			e := err.(*SyntaxError)
			if e.Offset < 0 || e.Offset > len(text) || e.Msg == "" {
				t.Fatalf("error %d %q at offset %d of %d bytes", e.Code, e.Msg, e.Offset, len(text))
			}
			return
		}
		checkSpans(t, tree)
		checkFormat(t, tree)
	})
}

func checkSpans(t *testing.T, tree *Tree) {
	t.Helper()
	var check func(n Node)
	check = func(n Node) {
		s := n.Span()
		if s.Start > s.End || s.Start < 0 || int(s.End) > len(tree.Text) {
			t.Fatalf("%T spans %v of %d bytes", n, s, len(tree.Text))
		}
		for _, c := range children(n) {
			if !s.Contains(c.Span()) {
				t.Fatalf("%T at %v holds %T at %v in %q", n, s, c, c.Span(), tree.Text)
			}
			check(c)
		}
	}
	check(tree.Root)
}

func checkFormat(t *testing.T, tree *Tree) {
	t.Helper()
	want := Format(tree)
	if strings.Count(want, "(") > maxNesting {
		return // the groups Format adds may nest too deeply
	}
	for _, o := range someOptions {
		again, err := Parse(want, o)
		if err != nil {
			t.Fatalf("%q was written %q, which is refused: %v", tree.Text, want, err)
		}
		if got := Format(again); got != want {
			t.Fatalf("%q was written %q and, read again, %q", tree.Text, want, got)
		}
		if again.Groups != tree.Groups || strings.Join(again.Names, ",") != strings.Join(tree.Names, ",") {
			t.Fatalf("%q was written %q with other groups", tree.Text, want)
		}
	}
}

// FuzzMatch: where Go's regexp reads a pattern the same way, both find the same groups.
func FuzzMatch(f *testing.F) {
	for _, s := range []string{"a|b", "(a+)(b*)c?", "[a-c]+d", "^x.y$", "(?:ab|cd)*e", `\d+-(\w+)`, "a{2,3}b", "(a|ab)(c|bcd)"} {
		f.Add(s, "aabcdxyz01-ab")
	}
	same := regexp.MustCompile(`^(?:[a-z0-9/|().*+?^\[\]-]|\\[dw.])*$`)
	f.Fuzz(func(t *testing.T, text, subject string) {
		if !same.MatchString(text) || !isASCII(subject) || strings.Contains(text, "?+") || strings.Contains(text, "*+") ||
			strings.Contains(text, "++") || strings.Contains(text, "(*") || strings.Contains(text, "(?") || strings.Contains(subject, "\n") {
			return
		}
		theirs, err := regexp.Compile("(?s)" + text)
		if err != nil {
			return
		}
		ours, err := Compile(text, Apache)
		if err != nil {
			return // classes such as [a-\d] are read differently
		}
		loops := false // of possibly empty rounds: Go settles their groups in its own way
		Walk(ours.Tree().Root, func(n Node) bool {
			r, ok := n.(*Repeat)
			loops = loops || ok && canBeEmpty(r.Body)
			return true
		})
		if loops {
			return
		}
		m, ok, err := ours.Match(subject)
		if err != nil {
			t.Fatal(err)
		}
		want := theirs.FindStringSubmatchIndex(subject)
		if ok != (want != nil) {
			t.Fatalf("%q on %q: ours %v, Go %v", text, subject, ok, want)
		}
		for n := 0; ok && n <= ours.Groups(); n++ {
			if start, end := m.Span(n); start != want[2*n] || end != want[2*n+1] {
				t.Fatalf("%q on %q: group %d is %d:%d, Go says %v", text, subject, n, start, end, want)
			}
		}
	})
}

// TestLawsOnGenerated holds the laws of FuzzParse on patterns of every construct.
func TestLawsOnGenerated(t *testing.T) {
	g := newGenerator(7)
	for range 20000 {
		tree, err := Parse(g.pattern(), someOptions[g.IntN(len(someOptions))])
		if err != nil {
			continue
		}
		checkSpans(t, tree)
		checkFormat(t, tree)
	}
}
