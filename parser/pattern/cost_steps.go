package pattern

import "strings"

// A stepper searches as a backtracking library does and counts its steps: one for each part that is tried at a place.
// What PCRE2 does to save steps and is known to matter is done here as well: a text without the plain text that every
// match needs is not looked at, and a pattern that begins with .* over all bytes begins at the start only.
type stepper struct {
	subject string
	steps   int
	limit   int
	unknown bool
	groups  [][2]int
}

// steps counts the steps of a search, up to a limit. Without known the pattern has what is not followed here.
func (t *Tree) steps(subject string, limit int) (n int, known bool) {
	for _, r := range literalsOf(t.Root) {
		text := subject
		if r.caseless {
			text = lower(text)
		}
		if !strings.Contains(text, r.text) {
			return 0, true
		}
	}
	s := &stepper{subject: subject, limit: limit, groups: make([][2]int, t.Groups+1)}
	once := t.Anchored() || beginsWithEverything(t.Root)
	for at := 0; at <= len(subject); at++ {
		for i := range s.groups {
			s.groups[i] = [2]int{-1, -1}
		}
		if s.match(t.Root, at, func(int) bool { return true }) || s.stopped() || once {
			break
		}
	}
	return s.steps, !s.unknown
}

// beginsWithEverything tells whether a pattern begins with .* over all bytes.
func beginsWithEverything(n Node) bool {
	for {
		switch x := n.(type) {
		case *Concat:
			if len(x.Parts) == 0 {
				return false
			}
			n = x.Parts[0]
			continue
		case *Group:
			if x.Kind == Capturing || x.Kind == NonCapturing {
				n = x.Body
				continue
			}
		case *Repeat:
			set, ok := singleByte(x.Body)
			return ok && set == allBytes && x.Max < 0
		}
		return false
	}
}

func (s *stepper) stopped() bool { return s.unknown || s.steps >= s.limit }

// match tries a node at a place and, where it fits, what comes after it.
func (s *stepper) match(n Node, at int, then func(at int) bool) bool {
	if s.steps++; s.stopped() {
		return false
	}
	switch n := n.(type) {
	case *Literal:
		end := at + len(n.Text)
		if end > len(s.subject) {
			return false
		}
		text := n.Text
		if n.Caseless {
			text = lower(text)
		}
		return sameText(s.subject[at:end], text, n.Caseless) && then(end)
	case *Any, *Class:
		set, ok := singleByte(n)
		s.unknown = s.unknown || !ok
		return at < len(s.subject) && set.Has(s.subject[at]) && then(at+1)
	case *Anchor:
		return s.anchor(n.Kind, at) && then(at)
	case *InlineFlags, *KeepOut, *Callout:
		return then(at)
	case *Concat:
		return s.sequence(n.Parts, at, then)
	case *Alternation:
		for _, b := range n.Branches {
			if s.match(b, at, then) {
				return true
			}
			if s.stopped() {
				return false
			}
		}
		return false
	case *Group:
		return s.group(n, at, then)
	case *Repeat:
		if set, ok := singleByte(n.Body); ok {
			return s.run(n, &set, at, then)
		}
		if n.Mode == Possessive {
			end := -1
			return s.rounds(n, 0, at, func(e int) bool { end = e; return true }) && then(end)
		}
		return s.rounds(n, 0, at, then)
	case *BackReference:
		for _, k := range n.Numbers {
			if k < len(s.groups) && s.groups[k][0] >= 0 {
				text := s.subject[s.groups[k][0]:s.groups[k][1]]
				end := at + len(text)
				return end <= len(s.subject) && strings.EqualFold(s.subject[at:end], text) && (n.Caseless || s.subject[at:end] == text) && then(end)
			}
		}
		return false
	case *Verb:
		if n.Name == "FAIL" {
			return false
		}
	}
	s.unknown = true
	return false
}

func (s *stepper) sequence(parts []Node, at int, then func(at int) bool) bool {
	if len(parts) == 0 {
		return then(at)
	}
	if r, ok := parts[0].(*Repeat); ok && len(parts) > 1 && r.Mode == Greedy {
		if set, ok := singleByte(r.Body); ok && keepsAll(set, parts[1:]) {
			held := *r
			held.Mode = Possessive
			s.steps++
			return s.run(&held, &set, at, func(at int) bool { return s.sequence(parts[1:], at, then) })
		}
	}
	return s.match(parts[0], at, func(at int) bool { return s.sequence(parts[1:], at, then) })
}

// keepsAll tells whether a run of a set need not give anything back because nothing of it fits what follows. The library
// finds that out when it compiles. Source: pcre2_auto_possess.c.
func keepsAll(set ByteSet, next []Node) bool {
	for _, n := range next {
		switch n := n.(type) {
		case *Literal:
			if n.Text == "" {
				continue
			}
			var first ByteSet
			first.Add(n.Text[0])
			if n.Caseless {
				first = first.foldCase()
			}
			return set.And(first).Empty()
		case *Any, *Class:
			other, ok := singleByte(n)
			return ok && set.And(other).Empty()
		case *Anchor:
			switch n.Kind {
			case SubjectEnd:
				return true
			case SubjectEndOrNewline, LineEnd:
				return set.And(newlineSet).Empty()
			}
			return false
		case *Repeat:
			other, ok := singleByte(n.Body)
			if !ok || !set.And(other).Empty() {
				return false
			}
			if n.Min > 0 {
				return true
			}
		case *InlineFlags:
		case *Group:
			if n.Kind != Capturing && n.Kind != NonCapturing {
				return false
			}
			parts := partsOf(n.Body)
			if length(n.Body) <= 0 {
				return false
			}
			return keepsAll(set, parts)
		default:
			return false
		}
	}
	return false
}

// run is a repeated byte: each length is a step.
func (s *stepper) run(n *Repeat, set *ByteSet, at int, then func(at int) bool) bool {
	most := at
	for most < len(s.subject) && (n.Max < 0 || most-at < n.Max) && set.Has(s.subject[most]) {
		most++
	}
	least := at + n.Min
	if most < least {
		return false
	}
	if n.Mode == Possessive {
		return then(most)
	}
	for k := 0; k <= most-least; k++ {
		end := most - k
		if n.Mode == Lazy {
			end = least + k
		}
		if s.steps++; s.stopped() {
			return false
		}
		if then(end) {
			return true
		}
	}
	return false
}

// rounds is a repeated part; a round that takes nothing ends the loop.
func (s *stepper) rounds(n *Repeat, done, at int, then func(at int) bool) bool {
	more := func() bool {
		return (n.Max < 0 || done < n.Max) && s.match(n.Body, at, func(end int) bool {
			if end == at && done >= n.Min {
				return then(end)
			}
			return s.rounds(n, done+1, end, then)
		})
	}
	switch {
	case s.stopped():
		return false
	case done < n.Min:
		return more()
	case n.Mode == Lazy:
		return then(at) || more()
	}
	return more() || then(at)
}

func (s *stepper) group(n *Group, at int, then func(at int) bool) bool {
	switch n.Kind {
	case NonCapturing, BranchReset:
		return s.match(n.Body, at, then)
	case Capturing:
		old := s.groups[n.Number]
		if s.match(n.Body, at, func(end int) bool {
			inner := s.groups[n.Number]
			s.groups[n.Number] = [2]int{at, end}
			if then(end) {
				return true
			}
			s.groups[n.Number] = inner
			return false
		}) {
			return true
		}
		s.groups[n.Number] = old
		return false
	case Atomic:
		end := -1
		return s.match(n.Body, at, func(e int) bool { end = e; return true }) && then(end)
	case Lookahead:
		return s.match(n.Body, at, func(int) bool { return true }) && then(at)
	case NegativeLookahead:
		return !s.match(n.Body, at, func(int) bool { return true }) && !s.stopped() && then(at)
	}
	s.unknown = true
	return false
}

func (s *stepper) anchor(kind AnchorKind, at int) bool {
	end := len(s.subject)
	word := func(i int) bool { return i >= 0 && i < end && isWord(s.subject[i]) }
	switch kind {
	case SubjectStart, SearchStart:
		return at == 0
	case LineStart:
		return at == 0 || at < end && s.subject[at-1] == '\n'
	case SubjectEnd:
		return at == end
	case SubjectEndOrNewline:
		return at == end || at == end-1 && s.subject[at] == '\n'
	case LineEnd:
		return at == end || s.subject[at] == '\n'
	case WordBoundary:
		return word(at-1) != word(at)
	}
	return word(at-1) == word(at)
}
