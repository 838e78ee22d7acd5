package fix

import (
	"slices"
	"sort"

	"rewright/parser/source"
)

// edits is one batch in one file: sorted, none overlapping, identical ones once.
type edits []source.Edit

// sortEdits sorts and drops those that come twice.
func sortEdits(list []source.Edit) edits {
	list = slices.Clone(list)
	sort.SliceStable(list, func(i, j int) bool {
		a, b := list[i], list[j]
		if a.Span.Start != b.Span.Start {
			return a.Span.Start < b.Span.Start
		}
		return a.Span.End < b.Span.End
	})
	return slices.Compact(list)
}

// forward maps a span of the text before a batch to the text after it. It grows to hold what edits wrote that touch it.
func (list edits) forward(s source.Span) source.Span {
	start, end := int32(0), int32(0) // by how much edits moved the two ends
	var from, to int32 = s.Start, s.End
	for _, e := range list {
		grown := int32(len(e.Text)) - int32(e.Span.Len())
		switch {
		case e.Span.End <= s.Start && !(e.Span.Len() == 0 && e.Span.Start == s.Start):
			start += grown
		case e.Span.Start < s.Start && s.Start < e.Span.End:
			from = e.Span.Start
		}
		switch {
		case e.Span.End <= s.End:
			end += grown
		case e.Span.Start < s.End && s.End < e.Span.End:
			end += grown
			to = e.Span.End
		}
	}
	return source.Span{Start: from + start, End: to + end}
}

// inverse are the edits that lead back from the text after a batch to the text before it.
func (list edits) inverse(before []byte) edits {
	out := make(edits, len(list))
	shift := int32(0)
	for i, e := range list {
		start := e.Span.Start + shift
		out[i] = source.Edit{Span: source.Span{Start: start, End: start + int32(len(e.Text))},
			Text: string(before[e.Span.Start:e.Span.End])}
		shift += int32(len(e.Text)) - int32(e.Span.Len())
	}
	return out
}

// overlaps tells whether two edits of different fixes cannot stand in one batch: they share a byte, or write at the same
// place. Identical ones can.
func overlaps(a, b source.Edit) bool {
	if a == b {
		return false
	}
	if a.Span.Start == b.Span.Start {
		return true
	}
	return a.Span.Start < b.Span.End && b.Span.Start < a.Span.End
}

// batch collects fixes that can be applied together.
type batch struct {
	taken map[string][]source.Edit // by file, sorted by start, without doubles
}

// fits tells whether a fix overlaps nothing that was taken.
func (b *batch) fits(file string, list []source.Edit) bool {
	have := b.taken[file]
	for _, e := range list {
		i := sort.Search(len(have), func(i int) bool { return have[i].Span.Start >= e.Span.Start })
		for j := max(i-1, 0); j < len(have) && have[j].Span.Start <= max(e.Span.End, e.Span.Start); j++ {
			if overlaps(e, have[j]) {
				return false
			}
		}
	}
	return true
}

func (b *batch) take(file string, list []source.Edit) {
	if b.taken == nil {
		b.taken = map[string][]source.Edit{}
	}
	for _, e := range list {
		have := b.taken[file]
		i := sort.Search(len(have), func(i int) bool { return have[i].Span.Start >= e.Span.Start })
		if i < len(have) && have[i] == e {
			continue
		}
		b.taken[file] = slices.Insert(have, i, e)
	}
}
