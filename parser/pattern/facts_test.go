package pattern

import (
	"slices"
	"strings"
	"testing"
)

func TestFacts(t *testing.T) {
	for _, c := range []struct {
		pattern, exact, prefix, suffix, required string
		everything                               bool
	}{
		{"^old/page$", "old/page", "old/page", "old/page", "old/page", false},
		{`^blog/(\d+)/x\.html$`, "-", "blog/", "/x.html", "/x.html", false},
		{"^(.*)$", "-", "", "", "", true},
		{".*", "-", "", "", "", true},
		{"", "-", "", "", "", true},
		{"^", "-", "", "", "", true},
		{"$", "-", "", "", "", false}, // not shown, though it is so
		{"^$", "", "", "", "", false},
		{"(abc)+d", "-", "", "", "abc", false},
		{"^(?:abc)d", "-", "abcd", "", "abcd", false},
		{"(?:a|bc)def", "-", "", "", "def", false},
		{"(?i)^ABC", "-", "abc", "", "abc", false},
		{"a?", "-", "", "", "", true},
		{"^(on|)", "-", "", "", "", true},
		{"a|.*x", "-", "", "", "", false},
		{"(?!a)b$", "-", "", "b", "b", false},
		{"(b)(c)$", "-", "", "bc", "bc", false},
		{"(b){2}$", "-", "", "", "b", false},
	} {
		tree, err := Parse(c.pattern, Apache)
		if err != nil {
			t.Fatal(err)
		}
		exact, _, ok := tree.Exact()
		if !ok {
			exact = "-"
		}
		prefix, _ := tree.Prefix()
		suffix, _ := tree.Suffix()
		required, _ := tree.Required()
		if exact != c.exact || prefix != c.prefix || suffix != c.suffix || required != c.required || tree.MatchesEverything() != c.everything {
			t.Errorf("%s: exact %q prefix %q suffix %q required %q everything %v", c.pattern, exact, prefix, suffix, required, tree.MatchesEverything())
		}
	}
}

// TestFactsHold: a subject that a pattern matches has what is said of all of them.
func TestFactsHold(t *testing.T) {
	g := newGenerator(23)
	told := 0
	for range 20000 {
		re, err := Compile(g.pattern(), someOptions[g.IntN(len(someOptions))])
		if err != nil {
			continue
		}
		tree := re.Tree()
		prefix, folded := tree.Prefix()
		required, foldedRequired := tree.Required()
		suffix, foldedSuffix := tree.Suffix()
		everything := tree.MatchesEverything()
		fold := func(s string, folded bool) string {
			if folded {
				return lower(s)
			}
			return s
		}
		for range 6 {
			subject := g.subject(tree)
			m, ok, err := re.Match(subject)
			if err != nil {
				continue
			}
			if everything && !ok {
				t.Fatalf("%q %+v does not match %q", re, tree.Options, subject)
			}
			if !ok {
				continue
			}
			if prefix+required+suffix != "" {
				told++
			}
			if tree.Anchored() && m.spans[0] != 0 && !strings.Contains(re.String(), `\K`) {
				t.Fatalf("%q on %q is not anchored", re, subject)
			}
			if !strings.HasPrefix(fold(subject, folded), prefix) || !strings.Contains(fold(subject, foldedRequired), required) ||
				!strings.HasSuffix(fold(subject, foldedSuffix), suffix) {
				t.Fatalf("%q %+v matches %q, yet prefix %q, required %q, suffix %q", re, tree.Options, subject, prefix, required, suffix)
			}
		}
	}
	t.Logf("%d subjects with a fact", told)
}

func TestFinite(t *testing.T) {
	for _, c := range []struct {
		pattern string
		want    []string // nil: not finite, or too many
	}{
		{"^(?:a|bc)d?$", []string{"a", "ad", "bc", "bcd"}},
		{"^[ab]{2}$", []string{"aa", "ab", "ba", "bb"}},
		{"^a*$", nil},
		{"a", nil},
		{"^.$", nil},
		{"^a$b", []string{}},
		{"(?i)^no$", []string{"NO", "No", "nO", "no"}},
	} {
		s := NewSpace(5000)
		got, ok := s.Finite(subjectsOf(t, s, c.pattern, Apache), 20)
		slices.Sort(got)
		if ok != (c.want != nil) || !slices.Equal(got, c.want) && ok && len(c.want)+len(got) > 0 {
			t.Errorf("%s: %q %v", c.pattern, got, ok)
		}
	}
}
