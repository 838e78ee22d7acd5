package pattern

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		name, pattern string
		options       Options
		subject, want string // want: groups joined by "|", "-" for an unset one, "no" for no match
	}{
		{"literal path", "^/old-page-17$", Apache, "/old-page-17", "/old-page-17"},
		{"literal path does not end there", "^/old$", Apache, "/older", "no"},
		{"dollar before newline", "^/old$", Nginx, "/old\n", "/old"},
		{"dollar at the very end", "^/old$", Apache, "/old\n", "no"},
		{"capture", `^blog/(\d+)/?$`, Apache, "blog/42/", "blog/42/|42"},
		{"unset group", "(a)|(b)", Apache, "b", "b|-|b"},
		{"case in the C locale", "k\xe9", Options{IgnoreCase: true}, "K\xe9", "K\xe9"},
		{"case leaves bytes over 127", "\xe9", Options{IgnoreCase: true}, "\xc9", "no"},
		{"look-ahead", "^(?!admin)(.*)$", Apache, "shop", "shop|shop"},
		{"match starts late", `foo\Kbar`, Apache, "foobar", "bar"},
		{"possessive", `a++a`, Apache, "aaa", "no"},
		{"back reference", `(.)\1`, Nginx, "abccd", "cc|c"},
		{"empty rounds", `(a|b*)*`, Nginx, "aab", "aab|"},
	} {
		t.Run(c.name, func(t *testing.T) {
			re, err := Compile(c.pattern, c.options)
			if err != nil {
				t.Fatal(err)
			}
			m, ok, err := re.Match(c.subject)
			if err != nil {
				t.Fatal(err)
			}
			if got := render(re, m, ok); got != c.want {
				t.Errorf("%q on %q: got %s, want %s", c.pattern, c.subject, got, c.want)
			}
		})
	}
}

func render(re *Regexp, m Match, ok bool) string {
	if !ok {
		return "no"
	}
	s := ""
	for n := 0; n <= re.Groups(); n++ {
		if n > 0 {
			s += "|"
		}
		if m.Has(n) {
			s += m.Group(n)
		} else {
			s += "-"
		}
	}
	return s
}

func TestTree(t *testing.T) {
	tree, err := Parse(`^a(?<id>[0-9]{2,3}?)\.(?i:B|c)$`, Apache)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	Walk(tree.Root, func(n Node) bool {
		s := n.Span()
		got = append(got, tree.Text[s.Start:s.End])
		return true
	})
	want := []string{`^a(?<id>[0-9]{2,3}?)\.(?i:B|c)$`, "^", "a", "(?<id>[0-9]{2,3}?)", "[0-9]{2,3}?", "[0-9]", `\.`, "(?i:B|c)", "B|c", "B", "c", "$"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"", "id"}, tree.Names); diff != "" {
		t.Error(diff)
	}
	if got, want := Format(tree), `(?^J)\Aa(?<id>[0-9]{2,3}?)\.(?:[Bb]|[Cc])\z`; got != want {
		t.Errorf("Format: got %s, want %s", got, want)
	}
}

func TestNotEvaluated(t *testing.T) {
	for _, c := range []struct{ name, pattern, subject string }{
		{"recursion", `\((?:[^()]|(?R))*\)`, "(a(b)c)"},
		{"verb", "a(*COMMIT)b", "ab"},
		{"UTF mode over bytes that are no ASCII", "(*UTF)^.$", "é"},
	} {
		t.Run(c.name, func(t *testing.T) {
			re, err := Compile(c.pattern, Apache)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err := re.Match(c.subject); err != ErrUnsupported {
				t.Errorf("got %v, want ErrUnsupported", err)
			}
		})
	}
}

func TestBudget(t *testing.T) {
	re, err := Compile(`^(?!x)(a|b|ab|[a-c]a)*$`, Apache)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := re.MatchBool(strings.Repeat("a", 80) + "!"); err != ErrBudget {
		t.Errorf("got %v, want ErrBudget", err)
	}
}

func TestNoAllocationWithoutMatch(t *testing.T) {
	for _, text := range []string{"^/old-page-17$", `^blog/(\d+)/?$`, "(?i)^Old/(.*)$", `/feed/?(\w+)$`} {
		re, err := Compile(text, Apache)
		if err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(100, func() { re.Match("shop/checkout") }); n != 0 {
			t.Errorf("%q: %v allocations", text, n)
		}
	}
}

func TestCompileIsRemembered(t *testing.T) {
	a, _ := Compile("a(b)", Apache)
	b, _ := Compile("a(b)", Apache)
	c, _ := Compile("a(b)", Nginx)
	if a != b || a == c {
		t.Error("one Regexp for one text and options")
	}
}
