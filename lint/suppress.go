package lint

import (
	"bytes"
	"cmp"
	"iter"
	"slices"
	"sort"
	"strings"

	"rewright/parser/diag"
	"rewright/parser/source"
)

// suppression is one `# lint:ignore CODE… -- reason` or `# lint:ignore-file CODE… -- reason`.
type suppression struct {
	file  *source.File
	span  source.Span // of the whole comment
	why   string      // behind --
	words []suppressedWord
	whole bool // the file; otherwise one directive
	// malformed: something other than a blank stands behind lint:ignore or lint:ignore-file
	malformed bool
	start     int32 // of the directive it speaks of; -1: there is none
	end       int32
}

type suppressedWord struct {
	text string
	span source.Span
	rule *Rule // nil: unknown
	used bool
}

const suppressionMark = "lint:ignore"

// readSuppressions finds the suppressions among the comments of a unit.
func (c *selection) readSuppressions(u *Unit) []*suppression {
	var out []*suppression
	for _, com := range u.Comments {
		rest, at, ok := commentAfter(com, suppressionMark)
		if !ok {
			continue // also another word that begins with lint:ignore
		}
		s := &suppression{file: com.File, span: com.Span, start: -1, why: reason(com)}
		if after, ok := strings.CutPrefix(rest, "-file"); ok {
			s.whole = true
			rest, at = after, at+int32(len("-file"))
		}
		if rest != "" && rest[0] != ' ' && rest[0] != '\t' {
			s.malformed = true
			out = append(out, s)
			continue
		}
		for i := 0; i < len(rest); {
			if strings.IndexByte(" \t,", rest[i]) >= 0 {
				i++
				continue
			}
			j := i
			for j < len(rest) && strings.IndexByte(" \t,", rest[j]) < 0 {
				j++
			}
			word := rest[i:j]
			s.words = append(s.words, suppressedWord{text: word, span: source.Span{Start: at + int32(i), End: at + int32(j)},
				rule: c.byName[word]})
			i = j
		}
		if !s.whole {
			if d := u.spokenOf(com); d != nil {
				s.start, s.end = start(d), d.Line.End
			}
		}
		out = append(out, s)
	}
	return out
}

// reason is what stands behind " -- " in the first line of a comment.
func reason(com *Comment) string {
	line, _, _ := strings.Cut(com.File.Slice(com.Span), "\n")
	_, why, _ := strings.Cut(line, " --")
	return strings.TrimSpace(why)
}

// spokenOf is the directive a comment stands above, or behind which it stands on the same line.
func (u *Unit) spokenOf(com *Comment) *Directive {
	list := u.heads[com.File]
	if !com.Own {
		line := com.File.Line(com.Span.Start)
		i := sort.Search(len(list), func(i int) bool { return start(list[i]) > com.Span.Start }) - 1
		if i >= 0 && com.File.Line(list[i].Line.End) >= line {
			return list[i]
		}
		return nil
	}
	i := sort.Search(len(list), func(i int) bool { return start(list[i]) >= com.Span.End })
	if i == len(list) {
		return nil
	}
	if u.blankBetween(com.File, com.Span.End, start(list[i])) {
		return nil
	}
	return list[i]
}

// blankBetween tells whether a blank line stands between two offsets of a file.
func (u *Unit) blankBetween(f *source.File, from, to int32) bool {
	lines, ok := u.blanks[f]
	if !ok {
		text := f.Text
		for i := 0; i < len(text); {
			j := i
			for j < len(text) && (text[j] == ' ' || text[j] == '\t' || text[j] == '\r') {
				j++
			}
			if j < len(text) && text[j] == '\n' {
				lines = append(lines, int32(i))
			}
			n := bytes.IndexByte(text[j:], '\n')
			if n < 0 {
				break
			}
			i = j + n + 1
		}
		if u.blanks == nil {
			u.blanks = map[*source.File][]int32{}
		}
		u.blanks[f] = lines
	}
	i := sort.Search(len(lines), func(i int) bool { return lines[i] >= from })
	return i < len(lines) && lines[i] < to
}

// suppress takes out what comments silence and adds what is wrong with those comments.
func (c *selection) suppress(u *Unit, findings []diag.Diagnostic) (kept []diag.Diagnostic, silenced []Silenced) {
	if len(u.Comments) == 0 {
		return findings, nil
	}
	list := c.readSuppressions(u)
	findings = append(findings, c.intentProblems(u)...)
	if len(list) == 0 {
		return findings, nil
	}
	index := newSuppressionIndex(list)
	for _, d := range findings {
		quiet, why := false, ""
		for s := range index.at(d.File, d.Span.Start) {
			for i := range s.words {
				w := &s.words[i]
				if w.rule != nil && w.rule.Code == d.Code {
					w.used, quiet = true, true
					why = cmp.Or(why, s.why)
				}
			}
		}
		if quiet {
			silenced = append(silenced, Silenced{Diagnostic: d, Reason: why})
		} else {
			kept = append(kept, d)
		}
	}
	if c.suppressor == nil || !c.on[c.suppressor.Code] {
		return kept, silenced
	}
	told := &toldIndex{list: slices.Clip(kept)}
	for _, s := range list {
		kept = append(kept, c.problems(u, s, told)...)
	}
	return kept, silenced
}

// suppressionIndex finds the suppressions that hold at a place: directives do not overlap, so one search in each file is enough.
type suppressionIndex map[*source.File]*fileSuppressions

type fileSuppressions struct {
	whole []*suppression
	lines []*suppression // by the start of the directive they speak of
}

func newSuppressionIndex(list []*suppression) suppressionIndex {
	x := suppressionIndex{}
	for _, s := range list {
		f := x[s.file]
		if f == nil {
			f = &fileSuppressions{}
			x[s.file] = f
		}
		switch {
		case s.whole:
			f.whole = append(f.whole, s)
		case s.start >= 0:
			f.lines = append(f.lines, s)
		}
	}
	for _, f := range x {
		slices.SortStableFunc(f.lines, func(a, b *suppression) int { return cmp.Compare(a.start, b.start) })
	}
	return x
}

func (x suppressionIndex) at(file *source.File, offset int32) iter.Seq[*suppression] {
	return func(yield func(*suppression) bool) {
		f := x[file]
		if f == nil {
			return
		}
		for _, s := range f.whole {
			if !yield(s) {
				return
			}
		}
		i := sort.Search(len(f.lines), func(i int) bool { return f.lines[i].start > offset })
		for i--; i >= 0 && f.lines[i].end >= offset; i-- {
			if !yield(f.lines[i]) {
				return
			}
		}
	}
}
