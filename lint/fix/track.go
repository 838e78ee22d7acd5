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

// shifts are edits with how far each moves what stands behind it, in bytes: entry i is what the edits before i grow the text by.
type shifts struct {
	list edits
	sum  []int32
}

func (list edits) shifts() shifts {
	m := shifts{list, make([]int32, len(list)+1)}
	for i, e := range list {
		m.sum[i+1] = m.sum[i] + int32(len(e.Text)) - int32(e.Span.Len())
	}
	return m
}

// forward maps a span of the text before a batch to the text after it. It grows to hold what edits wrote that touch it.
func (m shifts) forward(s source.Span) source.Span {
	if len(m.list) == 0 {
		return s
	}
	// The first edit that does not lie wholly before the start; an insertion at the start belongs to the span.
	i := sort.Search(len(m.list), func(i int) bool {
		e := m.list[i].Span
		return e.End > s.Start || e.Start == s.Start && e.Len() == 0
	})
	from := s.Start
	if i < len(m.list) {
		from = min(from, m.list[i].Span.Start)
	}
	// The first edit that lies wholly behind the end; an insertion at the end belongs to the span.
	j := sort.Search(len(m.list), func(j int) bool {
		e := m.list[j].Span
		return e.Start > s.End || e.Start == s.End && e.Len() > 0
	})
	to := s.End
	if j > 0 {
		to = max(to, m.list[j-1].Span.End)
	}
	return source.Span{Start: from + m.sum[i], End: to + m.sum[j]}
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
