package pattern

import "testing"

// TestExamplesMatch: an example is matched by the matcher too.
func TestExamplesMatch(t *testing.T) {
	g := newGenerator(41)
	told := 0
	for range 5000 {
		re, err := Compile(g.pattern(), someOptions[g.IntN(len(someOptions))])
		if err != nil {
			continue
		}
		if text, ok := re.Tree().Example(); ok {
			told++
			if yes, err := re.MatchBool(text); err == nil && !yes {
				t.Fatalf("%q %+v does not match its example %q", re, re.Tree().Options, text)
			}
		}
	}
	if told < 1000 {
		t.Errorf("only %d patterns have an example", told)
	}
}
