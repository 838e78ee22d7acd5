package pattern

import "testing"

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
