package pattern

import "testing"

func subjectsOf(t *testing.T, s *Space, text string, o Options) Language {
	t.Helper()
	tree, err := Parse(text, o)
	if err != nil {
		t.Fatal(err)
	}
	l, ok := s.Subjects(tree)
	if !ok {
		t.Fatalf("%q: unknown", text)
	}
	return l
}

func TestIncludes(t *testing.T) {
	for _, c := range []struct {
		name, wide, narrow string
		options            Options
		want               string // "yes", or the witness
	}{
		{"everything takes all", "^(.*)$", "^old$", Apache, "yes"},
		{"without dotall a newline escapes", "^(.*)$", "x", Nginx, "\nx"},
		{"prefix", "^blog/", `^blog/(\d+)$`, Apache, "yes"},
		{"one path more", `^blog/\d+$`, "^blog/[0-9a]+$", Apache, "blog/a"},
		{"dot is any byte", `^www\.example\.com$`, "^www.example.com$", Apache, "wwwaexampleacom"},
		{"excluded by look-ahead", "^(?!admin/)", "^a.+/x$", Apache, "admin/x"},
		{"case", "(?i)^old$", "^Old$", Apache, "yes"},
		{"final newline", "^a$", "^a\n?$", Nginx, "a\n\n"},
		{"word boundary", `\bbot\b`, "^bot|-bot$", Apache, "bota"},
		{"itself", `^(?:a|b)*c{2,3}$`, `^(?:a|b)*c{2,3}$`, Apache, "yes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := NewSpace(20000)
			yes, witness, known := s.Includes(subjectsOf(t, s, c.wide, c.options), subjectsOf(t, s, c.narrow, c.options))
			got := witness
			if yes {
				got = "yes"
			}
			if !known {
				got = "unknown"
			}
			if got != c.want {
				t.Errorf("%s ⊇ %s: got %q, want %q", c.wide, c.narrow, got, c.want)
			}
		})
	}
}

func TestOverlap(t *testing.T) {
	s := NewSpace(20000)
	a, b := subjectsOf(t, s, `^[^/]+\.html$`, Apache), subjectsOf(t, s, "^in", Apache)
	if got, ok, known := s.Overlap(a, b); got != "in.html" || !ok || !known {
		t.Errorf("got %q %v %v", got, ok, known)
	}
	if got, ok, known := s.Overlap(a, subjectsOf(t, s, "/", Apache)); ok || !known {
		t.Errorf("no subject has a slash and none, yet %q", got)
	}
}

func TestBudgetOfSpace(t *testing.T) {
	s := NewSpace(300)
	tree, err := Parse("^.*a.{12}$", Apache)
	if err != nil {
		t.Fatal(err)
	}
	l, ok := s.Subjects(tree)
	if ok {
		_, _, ok = s.Includes(Language{s.Not(l).e}, l)
	}
	if ok {
		t.Error("4096 states fit into a budget of 300 expressions")
	}
}

// TestSubjectsAgreeWithMatch: a subject belongs to the language exactly when the pattern matches it, and a
// shortest witness is a match.
func TestSubjectsAgreeWithMatch(t *testing.T) {
	g := newGenerator(3)
	told := 0
	for range 6000 {
		re, err := Compile(g.pattern(), someOptions[g.IntN(len(someOptions))])
		if err != nil {
			continue
		}
		s := NewSpace(5000)
		l, ok := s.Subjects(re.Tree())
		if !ok {
			continue
		}
		told++
		for range 8 {
			subject := g.subject(re.Tree())
			if want, err := re.MatchBool(subject); err == nil {
				if got, known := s.Contains(l, subject); known && got != want {
					t.Fatalf("%q %+v on %q: language says %v, matcher %v", re, re.Tree().Options, subject, got, want)
				}
			}
		}
		if witness, ok, known := s.Shortest(l); ok && known {
			if matches, err := re.MatchBool(witness); err == nil && !matches {
				t.Fatalf("%q does not match its witness %q", re, witness)
			}
		}
	}
	t.Logf("%d languages compared", told)
}

func BenchmarkIncludes(b *testing.B) {
	wide, _ := Parse(`^blog/(.*)$`, Apache)
	narrow, _ := Parse(`^blog/(\d+)/([a-z-]+)/?$`, Apache)
	b.ReportAllocs()
	for b.Loop() {
		s := NewSpace(20000)
		l, _ := s.Subjects(wide)
		m, _ := s.Subjects(narrow)
		if yes, _, _ := s.Includes(l, m); !yes {
			b.Fatal("not included")
		}
	}
}
