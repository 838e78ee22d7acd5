package pattern

import "slices"

// Words are subjects of which every one that the pattern matches is one, when it is so plain that there are no more than
// limit: anchored at both ends, made of literal text, alternatives and optional parts. Letters are lower case when caseless.
// Where "$" stands before a final newline too, a word with a newline behind it is matched as well.
func (t *Tree) Words(limit int) (words []string, caseless, ok bool) {
	parts := partsOf(t.Root)
	if t.foreign || t.utf || len(parts) < 2 {
		return nil, false, false
	}
	start, isStart := parts[0].(*Anchor)
	end, isEnd := parts[len(parts)-1].(*Anchor)
	if !isStart || !isEnd || start.Kind != SubjectStart || end.Kind != SubjectEnd && end.Kind != SubjectEndOrNewline {
		return nil, false, false
	}
	l := wordList{limit: limit}
	if words, ok = l.sequence(parts[1 : len(parts)-1]); !ok {
		return nil, false, false
	}
	if l.caseless {
		for i := range words {
			words[i] = lower(words[i])
		}
	}
	slices.Sort(words)
	return slices.Compact(words), l.caseless, true
}

type wordList struct {
	limit    int
	caseless bool // some of it is
}

func (l *wordList) of(n Node) ([]string, bool) {
	switch n := n.(type) {
	case *Literal:
		l.caseless = l.caseless || n.Caseless
		return []string{n.Text}, true
	case *Concat:
		return l.sequence(n.Parts)
	case *Group:
		switch n.Kind {
		case Capturing, NonCapturing, Atomic:
			return l.of(n.Body)
		}
	case *Alternation:
		var all []string
		for _, b := range n.Branches {
			words, ok := l.of(b)
			if !ok || len(all)+len(words) > l.limit {
				return nil, false
			}
			all = append(all, words...)
		}
		return all, true
	case *Repeat:
		if n.Min == 0 && n.Max == 1 {
			words, ok := l.of(n.Body)
			if !ok || len(words) >= l.limit {
				return nil, false
			}
			return append([]string{""}, words...), true
		}
	}
	return nil, false
}

func (l *wordList) sequence(parts []Node) ([]string, bool) {
	all := []string{""}
	for _, p := range parts {
		words, ok := l.of(p)
		if !ok || len(all)*len(words) > l.limit {
			return nil, false
		}
		if len(words) == 1 {
			for i := range all {
				all[i] += words[0]
			}
			continue
		}
		next := make([]string, 0, len(all)*len(words))
		for _, a := range all {
			for _, w := range words {
				next = append(next, a+w)
			}
		}
		all = next
	}
	return all, true
}
