package lint

import (
	"strings"

	"github.com/agext/levenshtein"
)

// Typing costs in half steps: what a slip of the fingers easily makes counts half.
const (
	fullStep = 2
	halfStep = 1
)

// Nearest finds the names that a misspelt word most likely stands for: those at the least distance, when that
// is small enough (one step for words up to five letters, two above). Letter case does not count.
// A swap of two neighbours, a neighbour on the keyboard and a doubled letter cost half a step, any other
// insertion, deletion or replacement one. Nil when no name is near; several when they are equally near.
func Nearest(word string, names []string) []string {
	near, _ := NearestCost(word, names)
	return near
}

// NearestCost also tells the distance found, in half steps.
func NearestCost(word string, names []string) (near []string, cost int) {
	limit := fullStep
	if len(word) > 5 {
		limit = 2 * fullStep
	}
	w := strings.ToLower(word)
	best := limit + 1
	for _, name := range names {
		// A plain distance of edits is cheap to bound; a swap is two of its edits for half a step of ours.
		if abs(len(name)-len(w)) > limit {
			continue
		}
		n := strings.ToLower(name)
		if levenshtein.Distance(w, n, levenshtein.NewParams().MaxCost(2*limit)) > 2*limit {
			continue
		}
		c := typingCost(w, n)
		if c > limit || c > best || len(w) <= 2 && c > halfStep {
			continue
		}
		if c < best {
			best, near = c, near[:0]
		}
		near = append(near, name)
	}
	if len(near) == 0 {
		return nil, 0
	}
	return near, best
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

// typingCost is the Damerau-Levenshtein distance (optimal string alignment) in half steps.
func typingCost(a, b string) int {
	n, m := len(a), len(b)
	rows := make([]int, 3*(m+1))
	prev2, prev, cur := rows[:m+1], rows[m+1:2*(m+1)], rows[2*(m+1):]
	for j := range prev {
		prev[j] = j * fullStep
	}
	for i := 1; i <= n; i++ {
		cur[0] = i * fullStep
		for j := 1; j <= m; j++ {
			sub := fullStep
			switch {
			case a[i-1] == b[j-1]:
				sub = 0
			case neighbours(a[i-1], b[j-1]):
				sub = halfStep
			}
			del, ins := fullStep, fullStep
			if i > 1 && a[i-1] == a[i-2] {
				del = halfStep // typed twice
			}
			if j > 1 && b[j-1] == b[j-2] {
				ins = halfStep // a double letter typed once
			}
			c := min(prev[j-1]+sub, prev[j]+del, cur[j-1]+ins)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				c = min(c, prev2[j-2]+halfStep)
			}
			cur[j] = c
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[m]
}

// keyRows are the letters of a keyboard, each row half a key to the right of the one above.
var keyRows = [...]string{"1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./"}

// neighbours tells whether two keys touch.
func neighbours(a, b byte) bool {
	ra, ca := key(a)
	rb, cb := key(b)
	if ra < 0 || rb < 0 {
		return false
	}
	switch rb - ra {
	case 0:
		return abs(ca-cb) == 1
	case 1:
		return cb == ca || cb == ca-1
	case -1:
		return ca == cb || ca == cb-1
	}
	return false
}

func key(c byte) (row, column int) {
	for r, keys := range keyRows {
		if i := strings.IndexByte(keys, c); i >= 0 {
			return r, i
		}
	}
	return -1, 0
}
