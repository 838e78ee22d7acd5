package pattern

// context is what stands to the left of a place in the subject.
type context uint8

const (
	atStart context = iota
	afterNewline
	afterWord
	afterOther
	contexts
)

// contextBytes are the bytes that leave a context behind them.
var contextBytes = [contexts]ByteSet{
	afterNewline: newlineSet,
	afterWord:    wordBytes,
	afterOther:   wordBytes.Or(newlineSet).Not(),
}

// rest is what may follow a place, to the end of the subject, by what stands to its left.
type rest [contexts]*expr

func (r rest) uniform() bool {
	return r[afterNewline] == r[afterWord] && r[afterWord] == r[afterOther]
}

// A reader turns a tree into the set of subjects that a search with it would match.
type reader struct {
	s       *Space
	unknown bool
}

// Subjects is the set of subjects in which a search by the tree succeeds; without ok it cannot be told.
func (s *Space) Subjects(t *Tree) (l Language, ok bool) {
	if t.foreign || t.utf {
		return Language{}, false
	}
	r := reader{s: s}
	var any rest
	for c := range any {
		any[c] = s.all
	}
	from := r.read(t.Root, any)
	// A search begins at the start, or after any bytes, whose last one is what stands to the left.
	found := []*expr{from[atStart]}
	for c := afterNewline; c < contexts; c++ {
		found = append(found, s.concat(s.all, s.concat(s.bytes(contextBytes[c]), from[c])))
	}
	e := s.or(found...)
	if from.uniform() && from[atStart] == from[afterOther] {
		e = s.concat(s.all, from[atStart])
	}
	return Language{e}, !r.unknown && !s.exhausted()
}

// read gives what may follow a place where n stands before next.
func (r *reader) read(n Node, next rest) rest {
	if r.unknown || r.s.exhausted() {
		r.unknown = true
		return next
	}
	switch n := n.(type) {
	case *Literal:
		for i := len(n.Text) - 1; i >= 0; i-- {
			var set ByteSet
			set.Add(n.Text[i])
			if n.Caseless {
				set = set.foldCase()
			}
			next = r.oneByte(set, next)
		}
		return next
	case *Any, *Class:
		set, ok := singleByte(n)
		r.unknown = r.unknown || !ok
		return r.oneByte(set, next)
	case *Anchor:
		return r.anchor(n.Kind, next)
	case *KeepOut, *InlineFlags, *Callout:
		return next
	case *Concat:
		for i := len(n.Parts) - 1; i >= 0; i-- {
			next = r.read(n.Parts[i], next)
		}
		return next
	case *Alternation:
		parts := make([]rest, len(n.Branches))
		for i, b := range n.Branches {
			parts[i] = r.read(b, next)
		}
		return r.union(parts...)
	case *Group:
		return r.group(n, next)
	case *Repeat:
		return r.repeat(n, next)
	case *Verb:
		if n.Name == "FAIL" {
			return r.each(func(context) *expr { return r.s.empty })
		}
	}
	r.unknown = true
	return next
}

func (r *reader) each(f func(c context) *expr) (out rest) {
	for c := context(0); c < contexts; c++ {
		out[c] = f(c)
	}
	return out
}

func (r *reader) union(parts ...rest) rest {
	return r.each(func(c context) *expr {
		kids := make([]*expr, len(parts))
		for i, p := range parts {
			kids[i] = p[c]
		}
		return r.s.or(kids...)
	})
}

func (r *reader) oneByte(set ByteSet, next rest) rest {
	s := r.s
	var e *expr
	if next.uniform() {
		e = s.concat(s.bytes(set), next[afterOther])
	} else {
		var kids []*expr
		for c := afterNewline; c < contexts; c++ {
			kids = append(kids, s.concat(s.bytes(set.And(contextBytes[c])), next[c]))
		}
		e = s.or(kids...)
	}
	return r.each(func(context) *expr { return e })
}

func (r *reader) anchor(kind AnchorKind, next rest) rest {
	s := r.s
	newline := s.bytes(newlineSet)
	var follow *expr
	switch kind {
	case SubjectStart, SearchStart:
		return r.each(func(c context) *expr {
			if c == atStart {
				return next[c]
			}
			return s.empty
		})
	case LineStart:
		return r.each(func(c context) *expr {
			switch c {
			case atStart:
				return next[c]
			case afterNewline:
				return s.and(next[c], s.not(s.epsilon))
			}
			return s.empty
		})
	case WordBoundary, NotWordBoundary:
		word := s.concat(s.bytes(wordBytes), s.all)
		return r.each(func(c context) *expr {
			if (c == afterWord) == (kind == WordBoundary) {
				return s.and(next[c], s.not(word))
			}
			return s.and(next[c], word)
		})
	case SubjectEnd:
		follow = s.epsilon
	case SubjectEndOrNewline:
		follow = s.or(s.epsilon, newline)
	case LineEnd:
		follow = s.or(s.epsilon, s.concat(newline, s.all))
	}
	return r.each(func(c context) *expr { return s.and(next[c], follow) })
}

func (r *reader) group(n *Group, next rest) rest {
	s := r.s
	switch n.Kind {
	case Capturing, NonCapturing, BranchReset:
		return r.read(n.Body, next)
	case Lookahead, NegativeLookahead:
		ahead := r.read(n.Body, r.each(func(context) *expr { return s.all }))
		return r.each(func(c context) *expr {
			if n.Kind == Lookahead {
				return s.and(next[c], ahead[c])
			}
			return s.and(next[c], s.not(ahead[c]))
		})
	}
	r.unknown = true
	return next
}

// maxCopies bounds the rounds of a repeat that are written out.
const maxCopies = 64

func (r *reader) repeat(n *Repeat, next rest) rest {
	if n.Mode == Possessive || n.Max > maxCopies || n.Min > maxCopies {
		r.unknown = true
		return next
	}
	if n.Max < 0 {
		next = r.rounds(n.Body, next)
	} else {
		after := next
		for range n.Max - n.Min {
			next = r.union(r.read(n.Body, next), after)
		}
	}
	for range n.Min {
		next = r.read(n.Body, next)
	}
	return next
}

// rounds is any number of rounds. The body must be an expression of its own: what it matches must depend
// neither on what stands around it nor look at it.
func (r *reader) rounds(body Node, next rest) rest {
	s := r.s
	if !isPure(body) {
		r.unknown = true
		return next
	}
	loop := s.star(r.read(body, r.each(func(context) *expr { return s.epsilon }))[afterOther])
	if next.uniform() && next[atStart] == next[afterOther] {
		e := s.concat(loop, next[afterOther])
		return r.each(func(context) *expr { return e })
	}
	// Without a round the place stays what it is; otherwise the last byte tells the context.
	var kids []*expr
	for c := afterNewline; c < contexts; c++ {
		ends := s.and(loop, s.concat(s.all, s.bytes(contextBytes[c])))
		kids = append(kids, s.concat(ends, next[c]))
	}
	some := s.or(kids...)
	return r.each(func(c context) *expr { return s.or(some, next[c]) })
}

func isPure(n Node) bool {
	pure := true
	Walk(n, func(n Node) bool {
		switch n := n.(type) {
		case *Anchor:
			pure = false
		case *Group:
			pure = pure && (n.Kind == Capturing || n.Kind == NonCapturing || n.Kind == BranchReset)
		}
		return pure
	})
	return pure
}
