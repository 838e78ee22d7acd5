package pattern

import "testing"

// The wanted errors are pcre2test's for the same patterns (PCRE2 10.42).
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		name, pattern string
		offset        int
		msg           string
	}{
		{"group never closed", "^(a", 3, "missing closing parenthesis"},
		{"star first", "*.jpg", 0, "quantifier does not follow a repeatable item"},
		{"star after alternation", "a|*", 2, "quantifier does not follow a repeatable item"},
		{"quantifier of a quantifier", "a{2}{3}", 6, "quantifier does not follow a repeatable item"},
		{"parenthesis never opened", "a)b", 1, "unmatched closing parenthesis"},
		{"class never closed", "[a-z", 4, "missing terminating ] for character class"},
		{"class of one bracket", "[]", 2, "missing terminating ] for character class"},
		{"range backwards", "[z-a]", 3, "range out of order in character class"},
		{"backslash last", `a\`, 2, "\\ at end of pattern"},
		{"quantifier too big", "a{65536}", 7, "number too big in {} quantifier"},
		{"quantifier backwards", "a{3,2}", 5, "numbers out of order in {} quantifier"},
		{"letter without meaning", `\y`, 1, "unrecognized character follows \\"},
		{"group not there", `(a)\2`, 4, "reference to non-existent subpattern"},
		{"two groups of one name", "(?<n>a)(?<n>b)", 12, "two named subpatterns have the same name (PCRE2_DUPNAMES not set)"},
		{"name with a digit first", "(?<1a>x)", 3, "subpattern name must start with a non-digit"},
		{"name not closed", "(?<n", 4, "syntax error in subpattern name (missing terminator?)"},
		{"posix class outside", "[:alpha:]", 0, "POSIX named classes are supported only within a class"},
		{"posix class unknown", "[[:alfa:]]", 3, "unknown POSIX class name"},
		{"lookbehind without length", "x(?<=a+)", 1, "lookbehind assertion is not fixed length"},
		{"comment never closed", "a(?#b", 5, "missing ) after (?# comment"},
		{"flag unknown", "(?k)", 2, "unrecognized character after (? or (?-"},
		{"upper-casing escape", `\Ua`, 2, "PCRE2 does not support \\F, \\L, \\l, \\N{name}, \\U, or \\u"},
		{"code point too large", `\x{100}`, 6, "character code point value in \\x{} or \\o{} is too large"},
		{"keep-out in look-around", `(?=a\K)`, 7, "\\K is not allowed in lookarounds (but see PCRE2_EXTRA_ALLOW_LOOKAROUND_BSK)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(c.pattern, Nginx)
			e, ok := err.(*SyntaxError)
			if !ok {
				t.Fatalf("%q was accepted", c.pattern)
			}
			if e.Offset != c.offset || e.Msg != c.msg {
				t.Errorf("%q: got %q at %d, want %q at %d", c.pattern, e.Msg, e.Offset, c.msg, c.offset)
			}
		})
	}
}

// TestErrorsLikeLibrary asks the real library for the errors of TestErrors' kind at every cut of real shapes.
func TestErrorsLikeLibrary(t *testing.T) {
	path := library(t)
	var pairs []pair
	for _, s := range []string{
		`^(?<name>[[:alpha:]\d-]+)/(?P<id>\d{1,3})(?:\.html?)?$`, `(?i)^(?!www\.)(.+)\k<n>\g{-1}(?(1)a|b)`,
		`[^\x{41}-\o{103}\cA]*+(?>a|b)(?|(a)|(b))(*SKIP:x)(?&n)`, `(?#note)\Qa.b\E(?xx) [a b] # c`,
	} {
		for i := 0; i <= len(s); i++ {
			pairs = append(pairs, pair{pattern: s[:i]}, pair{pattern: s[i:]})
			for _, odd := range []string{"(", ")", "[", "]", "{2,1}", "*", "\\", "?", "-"} {
				pairs = append(pairs, pair{pattern: s[:i] + odd + s[i:]})
			}
		}
	}
	var count tally
	count.compare(t, pairs, askLibrary(t, path, pairs))
	t.Log(&count)
}
