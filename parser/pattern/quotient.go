package pattern

import "slices"

// reverse is the set of the subjects read backwards.
func (s *Space) reverse(e *expr) *expr {
	if e.kind == exprEmpty || e.kind == exprEpsilon || e.kind == exprSet || e == s.all {
		return e
	}
	if r, ok := s.reversed[e]; ok {
		return r
	}
	kids := make([]*expr, len(e.kids))
	for i, k := range e.kids {
		kids[i] = s.reverse(k)
	}
	var r *expr
	switch e.kind {
	case exprConcat:
		r = s.concat(kids[1], kids[0])
	case exprStar:
		r = s.star(kids[0])
	case exprNot:
		r = s.not(kids[0])
	case exprOr:
		r = s.or(kids...)
	default:
		r = s.and(kids...)
	}
	if s.reversed == nil {
		s.reversed = make(map[*expr]*expr)
	}
	s.reversed[e], s.reversed[r] = r, e
	return r
}

// after is what is left of the subjects of e when a word of x is taken from their front: the left quotient.
func (s *Space) after(x, e *expr) *expr {
	switch {
	case x == s.epsilon || e == s.empty:
		return e
	case x == s.empty:
		return x
	case e == s.all:
		return e // x is not empty as a rule; where it is, too much is said, never too little
	}
	type pair struct{ x, e *expr }
	queue := []pair{{x, e}}
	seen := map[pair]bool{queue[0]: true}
	var left []*expr
	for i := 0; i < len(queue); i++ {
		p := queue[i]
		if p.x.nullable {
			left = append(left, p.e)
		}
		for _, c := range byNicety(refine(p.x.partition(), p.e.partition())) {
			next := pair{s.derive(p.x, c), s.derive(p.e, c)}
			if s.exhausted() || len(queue) > s.budget {
				return s.all
			}
			if next.x != s.empty && next.e != s.empty && !seen[next] {
				seen[next] = true
				queue = append(queue, next)
			}
		}
	}
	slices.SortFunc(left, func(a, b *expr) int { return int(a.id) - int(b.id) })
	return s.or(slices.Compact(left)...)
}

// before is what is left of the subjects of e when a word of y is taken from their end: the right quotient.
func (s *Space) before(e, y *expr) *expr {
	if e == s.all || y == s.epsilon {
		return e
	}
	return s.reverse(s.after(s.reverse(y), s.reverse(e)))
}

// After is what may follow a word of x in the subjects of l. Beyond the budget it is All, and known is false.
func (s *Space) After(x, l Language) (rest Language, known bool) {
	e := s.after(x.e, l.e)
	return Language{e}, !s.exhausted()
}

// Finite lists the subjects of a language, shorter ones first, when there are at most limit of them; ok is false
// when there are more, or the budget ends before that is known.
func (s *Space) Finite(a Language, limit int) (words []string, ok bool) {
	type arrival struct {
		e    *expr
		word string
	}
	level := []arrival{{a.e, ""}}
	for len(level) > 0 {
		var next []arrival
		for _, at := range level {
			if at.e.nullable {
				if words = append(words, at.word); len(words) > limit {
					return nil, false
				}
			}
			for _, set := range at.e.partition() {
				c := nicest(set)
				d := s.derive(at.e, c)
				if _, some, known := s.Shortest(Language{d}); !known {
					return nil, false
				} else if !some {
					continue
				}
				// Each arrival leads to at least one word of its own, so more of them than the limit are too many.
				if len(next)+set.Len() > limit {
					return nil, false
				}
				for b := 0; b < 256; b++ {
					if set.Has(byte(b)) {
						next = append(next, arrival{d, at.word + string([]byte{byte(b)})})
					}
				}
			}
		}
		// A word longer than there are states could be pumped.
		if len(next) > 0 && len(next[0].word) > s.budget {
			return nil, false
		}
		level = next
	}
	return words, true
}

// Concat is the set of the words of a with a word of b behind them.
func (s *Space) Concat(parts ...Language) Language {
	e := s.epsilon
	for i := len(parts) - 1; i >= 0; i-- {
		e = s.concat(parts[i].e, e)
	}
	return Language{e}
}

// Bytes is the set of the words of lo to hi bytes of a set; hi -1 is without bound.
func (s *Space) Bytes(set ByteSet, lo, hi int) Language {
	one := s.bytes(set)
	var e *expr
	if hi < 0 {
		e = s.star(one)
	} else {
		e = s.epsilon
		for range hi - lo {
			e = s.or(s.epsilon, s.concat(one, e))
		}
	}
	for range lo {
		e = s.concat(one, e)
	}
	return Language{e}
}

// Empty is the set without subjects.
func (s *Space) Empty() Language { return Language{s.empty} }

// IsAll tells whether a language is known to be the set of all subjects, without looking far.
func (s *Space) IsAll(l Language) bool { return l.e == s.all }

// Begins is the set of subjects that begin with text.
func (s *Space) Begins(text string) Language { return s.Concat(s.Text(text), s.All()) }

// NewSet is a set of single bytes and ranges, written as in a bracketed class without escapes: "A-Za-z_".
func NewSet(text string) ByteSet {
	var set ByteSet
	for i := 0; i < len(text); i++ {
		if i+2 < len(text) && text[i+1] == '-' {
			set.AddRange(text[i], text[i+2])
			i += 2
		} else {
			set.Add(text[i])
		}
	}
	return set
}

// FoldedText is the set of the spellings of text that differ in the case of ASCII letters only.
func (s *Space) FoldedText(text string) Language {
	e := s.epsilon
	for i := len(text) - 1; i >= 0; i-- {
		var set ByteSet
		set.Add(text[i])
		e = s.concat(s.bytes(set.foldCase()), e)
	}
	return Language{e}
}

// Exhausted tells whether the budget is spent: whatever is asked from then on is unknown.
func (s *Space) Exhausted() bool { return s.exhausted() }
