// Package diff compares two states of a text and writes what changes as unified hunks.
//
// Bytes go in, hunks or the text of a patch that git apply and patch take come out. Lines end at LF and keep every
// other byte: CR, NUL and bytes of any encoding are text like the rest. Why a hunk is there is for the caller to say.
package diff

import (
	"slices"
	"strings"

	"github.com/sergi/go-diff/diffmatchpatch"
)

// Context is how many unchanged lines stand around a change when nothing else is said.
const Context = 3

// Op says what becomes of a line.
type Op byte

const (
	Keep   Op = ' '
	Delete Op = '-'
	Insert Op = '+'
)

// Line is one line with its ending; the last line of a file may have none.
type Line struct {
	Op   Op
	Text string
}

// Hunk is a change with the lines around it. Before and After are the lines, counted from 0, at which it begins in the
// old and in the new text; BeforeLen and AfterLen are numbers of lines.
type Hunk struct {
	Before, BeforeLen int
	After, AfterLen   int
	Lines             []Line
}

// Hunks are the differences of two texts in order, none when they are equal. Two changes with at most twice context
// unchanged lines between them are one hunk.
func Hunks(before, after []byte, context int) []Hunk {
	lines := compare(string(before), string(after))
	var out []Hunk
	a, b := 0, 0 // lines of before and after that lie behind
	for i := 0; i < len(lines); {
		if lines[i].Op == Keep {
			i, a, b = i+1, a+1, b+1
			continue
		}
		end, quiet := i, 0 // end of the changes; unchanged lines behind them
		for j := i; j < len(lines) && quiet <= 2*context; j++ {
			if lines[j].Op == Keep {
				quiet++
			} else {
				end, quiet = j+1, 0
			}
		}
		first, last := max(i-context, 0), min(end+context, len(lines))
		h := Hunk{Before: a - (i - first), After: b - (i - first), Lines: lines[first:last:last]}
		for _, l := range h.Lines {
			if l.Op != Insert {
				h.BeforeLen++
			}
			if l.Op != Delete {
				h.AfterLen++
			}
		}
		i, a, b = last, h.Before+h.BeforeLen, h.After+h.AfterLen
		out = append(out, h)
	}
	return out
}

// compare is the way from before to after, line by line, deletions before insertions. It is as short as can be: lines
// that only one text has cannot be kept and are left out of the comparison, which keeps a long list with a change on every
// line from costing the square of its length.
func compare(before, after string) []Line {
	d := diffmatchpatch.New()
	d.DiffTimeout = 0 // no half-match guesses, no giving up: the shortest way
	a, b, _ := d.DiffLinesToRunes(before, after)
	linesA, linesB := splitLines(before), splitLines(after)
	in := map[rune]uint8{}
	for _, r := range a {
		in[r] |= 1
	}
	for _, r := range b {
		in[r] |= 2
	}
	alone := func(r rune) bool { return in[r] != 3 }
	var keep []rune // the common lines in order
	for _, part := range d.DiffMainRunes(slices.DeleteFunc(slices.Clone(a), alone), slices.DeleteFunc(slices.Clone(b), alone), false) {
		if part.Type == diffmatchpatch.DiffEqual {
			keep = append(keep, []rune(part.Text)...)
		}
	}
	out := make([]Line, 0, len(a)+len(b)-len(keep))
	i, j := 0, 0
	for k := 0; k <= len(keep); k++ {
		for ; i < len(a) && (k == len(keep) || a[i] != keep[k]); i++ {
			out = append(out, Line{Delete, linesA[i]})
		}
		for ; j < len(b) && (k == len(keep) || b[j] != keep[k]); j++ {
			out = append(out, Line{Insert, linesB[j]})
		}
		if k < len(keep) {
			out = append(out, Line{Keep, linesA[i]})
			i, j = i+1, j+1
		}
	}
	return out
}

// splitLines cuts behind every LF.
func splitLines(s string) []string {
	var out []string
	for len(s) > 0 {
		i := strings.IndexByte(s, '\n') + 1
		if i == 0 {
			i = len(s)
		}
		out = append(out, s[:i])
		s = s[i:]
	}
	return out
}
