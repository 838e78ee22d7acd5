package pattern

import "strings"

// shape is what can be told of a pattern without an engine: literal bytes it must meet, or all of it.
type shape struct {
	literal  string // lower case when caseless
	caseless bool
	atStart  bool // the literal stands at the start of the subject
	atEnd    bool // the literal ends the subject
	newline  bool // atEnd: a final newline may follow
	whole    bool // there is no more to the pattern, and no group
}

type verdict uint8

const (
	maybe verdict = iota
	no
	yes
)

// shapeOf looks at the start and end of the top level.
func shapeOf(t *Tree) shape {
	var s shape
	if t.foreign || t.utf {
		return s
	}
	parts := partsOf(t.Root)
	i := 0
	if i < len(parts) {
		if a, ok := parts[i].(*Anchor); ok && (a.Kind == SubjectStart || a.Kind == SearchStart) {
			s.atStart = true
			i++
		}
	}
	if i < len(parts) {
		if l, ok := parts[i].(*Literal); ok {
			s.literal, s.caseless = l.Text, l.Caseless
			if s.caseless {
				s.literal = lower(l.Text)
			}
			i++
		}
	}
	if !s.atStart && s.literal == "" {
		return s
	}
	switch {
	case i == len(parts):
		s.whole = true
	case i == len(parts)-1:
		if a, ok := parts[i].(*Anchor); ok && (a.Kind == SubjectEnd || a.Kind == SubjectEndOrNewline) {
			s.atEnd, s.newline, s.whole = true, a.Kind == SubjectEndOrNewline, true
		}
	}
	return s
}

func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}

// try answers from the shape alone when it can; start and end are those of the match when it is yes.
func (s *shape) try(subject string) (start, end int, v verdict) {
	if s.atStart {
		if !s.hasPrefix(subject) {
			return 0, 0, no
		}
		if !s.whole {
			return 0, 0, maybe
		}
		n := len(s.literal)
		if s.atEnd && len(subject) != n && !(s.newline && len(subject) == n+1 && subject[n] == '\n') {
			return 0, 0, no
		}
		return 0, n, yes
	}
	if s.literal == "" || s.caseless {
		return 0, 0, maybe
	}
	if !s.whole {
		if !strings.Contains(subject, s.literal) {
			return 0, 0, no
		}
		return 0, 0, maybe
	}
	if !s.atEnd {
		i := strings.Index(subject, s.literal)
		if i < 0 {
			return 0, 0, no
		}
		return i, i + len(s.literal), yes
	}
	if s.newline && strings.HasSuffix(subject, "\n") {
		return 0, 0, maybe
	}
	if !strings.HasSuffix(subject, s.literal) {
		return 0, 0, no
	}
	return len(subject) - len(s.literal), len(subject), yes
}

func (s *shape) hasPrefix(subject string) bool {
	n := len(s.literal)
	return len(subject) >= n && sameText(subject[:n], s.literal, s.caseless)
}
