package pattern

import (
	"os"
	"strconv"
	"testing"
)

// someOptions are the ways in which the servers compile.
var someOptions = []Options{
	Apache, Nginx,
	{IgnoreCase: true, DotAll: true, DollarEndOnly: true, DuplicateNames: true},
	{IgnoreCase: true},
}

// TestLikeLibrary compares generated patterns with the real library. REWRIGHT_PATTERNS is their number and
// REWRIGHT_SEED the seed, for longer runs.
func TestLikeLibrary(t *testing.T) {
	path := library(t)
	number, seed := 4000, uint64(1)
	if n, err := strconv.Atoi(os.Getenv("REWRIGHT_PATTERNS")); err == nil {
		number = n
	}
	if n, err := strconv.ParseUint(os.Getenv("REWRIGHT_SEED"), 10, 64); err == nil {
		seed = n
	}
	g := newGenerator(seed)
	var count tally
	const batch = 1000
	for done := 0; done < number; done += batch {
		var pairs []pair
		for range min(batch, number-done) {
			p := pair{pattern: g.pattern(), options: someOptions[g.IntN(len(someOptions))]}
			tree, _ := Parse(p.pattern, p.options)
			for range 5 {
				p.subjects = append(p.subjects, g.subject(tree))
			}
			pairs = append(pairs, p)
		}
		count.compare(t, pairs, askLibrary(t, path, pairs))
	}
	t.Log(&count)
}
