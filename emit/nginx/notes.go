package nginx

import (
	"sort"

	"rewright/emit"
)

// sortNotes puts notes into source order: by file as they came first, then by line.
func sortNotes(list []emit.Note) {
	rank := map[string]int{}
	name := func(n *emit.Note) string {
		if n.Origin.File == nil {
			return ""
		}
		return n.Origin.File.Name
	}
	for i := range list {
		if _, ok := rank[name(&list[i])]; !ok {
			rank[name(&list[i])] = len(rank)
		}
	}
	sort.SliceStable(list, func(i, j int) bool {
		a, b := &list[i], &list[j]
		if x, y := rank[name(a)], rank[name(b)]; x != y {
			return x < y
		}
		return a.Origin.Span.Start < b.Origin.Span.Start
	})
}
