// Package source holds configuration text as bytes and the places in it.
//
// Bytes go in; spans, lines, columns and edited bytes come out. It knows nothing of any format:
// a byte that is no UTF-8, a NUL or a lone CR is a byte like any other.
package source

import (
	"fmt"
	"sort"
	"sync"
)

// Span is a range of bytes in one file: offsets from 0, End exclusive.
// The zero Span is the empty range at the start of the file.
type Span struct {
	Start, End int32
}

// NewSpan makes a Span of two byte offsets.
func NewSpan(start, end int) Span { return Span{int32(start), int32(end)} }

// Len is the number of bytes in the span.
func (s Span) Len() int { return int(s.End - s.Start) }

// Contains tells whether t lies inside s.
func (s Span) Contains(t Span) bool { return s.Start <= t.Start && t.End <= s.End }

// Shift moves both ends by n bytes.
func (s Span) Shift(n int) Span { return Span{s.Start + int32(n), s.End + int32(n)} }

// Join is the smallest span that holds both.
func (s Span) Join(t Span) Span { return Span{min(s.Start, t.Start), max(s.End, t.End)} }

// MaxSize is the largest file that can be held, in bytes: spans are 32-bit.
const MaxSize = 1<<31 - 1

// File is one configuration file: a name for people and its bytes, which are never changed.
type File struct {
	Name string // as the user would write it; "-" is standard input
	Text []byte

	once  sync.Once
	lines []int32 // offsets at which lines start

	copied sync.Once
	text   string // Text once more: pieces of it cost nothing
}

// NewFile makes a File. The text is kept, not copied.
func NewFile(name string, text []byte) *File { return &File{Name: name, Text: text} }

// Slice gives the bytes of a span as a string; a span outside the file is cut to it.
func (f *File) Slice(s Span) string {
	n := int32(len(f.Text))
	start, end := min(max(s.Start, 0), n), min(max(s.End, 0), n)
	if end <= start {
		return ""
	}
	f.copied.Do(func() { f.text = string(f.Text) })
	return f.text[start:end]
}

func (f *File) index() []int32 {
	f.once.Do(func() {
		f.lines = append(f.lines, 0)
		for i, c := range f.Text {
			if c == '\n' {
				f.lines = append(f.lines, int32(i+1))
			}
		}
	})
	return f.lines
}

// Position is a place for people: Line and Column count from 1, Column in bytes; Offset from 0.
type Position struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Offset int `json:"offset"`
}

func (p Position) String() string { return fmt.Sprintf("%d:%d", p.Line, p.Column) }

// Position turns a byte offset into line and column. An offset at the end of the file is allowed.
func (f *File) Position(offset int32) Position {
	lines := f.index()
	i := sort.Search(len(lines), func(i int) bool { return lines[i] > offset }) - 1
	i = max(i, 0)
	return Position{Line: i + 1, Column: int(offset-lines[i]) + 1, Offset: int(offset)}
}

// Line is the line number, from 1, of a byte offset.
func (f *File) Line(offset int32) int { return f.Position(offset).Line }

// Lines is the number of lines; text after the last newline counts as one.
func (f *File) Lines() int {
	n := len(f.index())
	if n > 1 && int(f.lines[n-1]) == len(f.Text) {
		n--
	}
	return n
}

// LineSpan is the span of a line, counted from 1, without its line ending (LF or CR LF).
func (f *File) LineSpan(line int) Span {
	lines := f.index()
	if line < 1 || line > len(lines) {
		return Span{int32(len(f.Text)), int32(len(f.Text))}
	}
	start, end := lines[line-1], int32(len(f.Text))
	if line < len(lines) {
		end = lines[line] - 1
		if end > start && f.Text[end-1] == '\r' {
			end--
		}
	}
	return Span{start, end}
}

// Edit replaces the bytes of Span by Text. An empty span inserts.
type Edit struct {
	Span Span
	Text string
}

// Replace is an edit that puts text in the place of s.
func Replace(s Span, text string) []Edit { return []Edit{{s, text}} }

// Insert is an edit that puts text before the byte at offset.
func Insert(offset int32, text string) []Edit { return []Edit{{Span{offset, offset}, text}} }

// Apply makes the edited bytes. Edits may come in any order; two that overlap, or one that
// leaves the file, are an error and nothing is returned.
func Apply(text []byte, edits []Edit) ([]byte, error) {
	sorted := append([]Edit(nil), edits...)
	sort.SliceStable(sorted, func(i, j int) bool { return sorted[i].Span.Start < sorted[j].Span.Start })
	var out []byte
	at := int32(0)
	for _, e := range sorted {
		if e.Span.Start < at {
			return nil, fmt.Errorf("edits overlap at byte %d", e.Span.Start)
		}
		if e.Span.End < e.Span.Start || int(e.Span.End) > len(text) {
			return nil, fmt.Errorf("edit at byte %d leaves the file", e.Span.Start)
		}
		out = append(out, text[at:e.Span.Start]...)
		out = append(out, e.Text...)
		at = e.Span.End
	}
	return append(out, text[at:]...), nil
}
