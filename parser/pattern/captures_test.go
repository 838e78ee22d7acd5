package pattern

import "testing"

func TestCapture(t *testing.T) {
	for _, c := range []struct {
		name, pattern string
		group         int
		within        string // pattern of the subjects
		want          string // pattern of what the group holds
		exact, unset  bool
	}{
		{"everything of a path", "^(.*)$", 1, "^/", "^/", true, false},
		{"the rest of a path", "^/go(.*)$", 1, "^/", "", true, false},
		{"after a slash", "^/go(/.*)?$", 1, "^/", "^(/.*)?$", false, true},
		{"digits", `^p/(\d+)/x$`, 1, "", `^\d+$`, true, false},
		{"the second of two", `^(\d+)/(.*)$`, 2, "", "", false, false},
		{"look-ahead", "^(?!admin/)(.*)$", 1, "", "^(?!admin/)", true, false},
		{"whole match", "^blog/", 0, "", "^blog/$", false, false},
		{"what follows binds", "^(.*)/x$", 1, "^/", "^(/.*)?$", true, false},
		{"alternatives", "^(?:a(b)|c)$", 1, "", "^b?$", false, true},
		{"several rounds", "^(a|b)*$", 1, "", "^[ab]?$", false, true},
		{"not anchored", "x(.)y", 1, "^[^/]*$", "^[^/]$", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := NewSpace(20000)
			tree, err := Parse(c.pattern, Apache)
			if err != nil {
				t.Fatal(err)
			}
			got, ok := s.Capture(tree, c.group, subjectsOf(t, s, c.within, Apache))
			if !ok {
				t.Fatal("unknown")
			}
			want := subjectsOf(t, s, c.want, Apache)
			if yes, witness, _ := s.Includes(got.Language, want); !yes {
				t.Errorf("%q is missing", witness)
			}
			if yes, witness, _ := s.Includes(want, got.Language); !yes {
				t.Errorf("%q is too much", witness)
			}
			if got.Exact != c.exact || got.Unset != c.unset {
				t.Errorf("exact %v, unset %v", got.Exact, got.Unset)
			}
		})
	}
}

// TestCapturesHold: what the matcher captures belongs to the language of the group, and every word of an exact
// language is captured for some subject.
func TestCapturesHold(t *testing.T) {
	g := newGenerator(23)
	held, exact := 0, 0
	for range 8000 {
		re, err := Compile(g.pattern(), someOptions[g.IntN(len(someOptions))])
		if err != nil {
			continue
		}
		for n := 0; n <= re.Groups(); n++ {
			s := NewSpace(4000)
			c, ok := s.Capture(re.Tree(), n, s.All())
			if !ok {
				continue
			}
			for range 4 {
				subject := g.subject(re.Tree())
				m, ok, err := re.Match(subject)
				if !ok || err != nil {
					continue
				}
				if c.Exact {
					exact++
				}
				held++
				if yes, known := s.Contains(c.Language, m.Group(n)); known && !yes {
					t.Fatalf("%q %+v on %q: group %d is %q, which is not said", re, re.Tree().Options, subject, n, m.Group(n))
				}
				if !m.Has(n) && !c.Unset {
					t.Fatalf("%q %+v on %q: group %d is unset", re, re.Tree().Options, subject, n)
				}
			}
		}
	}
	t.Logf("%d captures compared, %d of exact languages", held, exact)
}

// TestExactCaptures: an exact language holds nothing that is not captured. The pattern is put around each of its
// words by hand.
func TestExactCaptures(t *testing.T) {
	for _, c := range []struct{ pattern, before, after string }{
		{"^(.*)$", "", ""}, {`^/a(\d+|x)b$`, "/a", "b"}, {"^(a|ab)(c)$", "", "c"}, {`^a([^/]+)/x$`, "a", "/x"}, {"^ab([c-f])", "ab", ""},
	} {
		re, err := Compile(c.pattern, Apache)
		if err != nil {
			t.Fatal(err)
		}
		s := NewSpace(4000)
		got, ok := s.Capture(re.Tree(), 1, s.All())
		if !ok || !got.Exact {
			t.Errorf("%s: exact %v, known %v", c.pattern, got.Exact, ok)
			continue
		}
		rest := got.Language
		for range 5 {
			word, some, known := s.Shortest(rest)
			if !some || !known {
				break
			}
			if m, _, _ := re.Match(c.before + word + c.after); m.Group(1) != word {
				t.Errorf("%s: %q is said, %q is captured", c.pattern, word, m.Group(1))
			}
			rest = s.And(rest, s.Not(s.Text(word)))
		}
	}
}
