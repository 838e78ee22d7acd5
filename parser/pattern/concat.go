package pattern

// Concat is the set of subjects that are one of a followed by one of b.
func (s *Space) Concat(a, b Language) Language { return Language{s.concat(a.e, b.e)} }

// After is the set of what may follow prefix in the subjects of a language; without known the budget ended.
func (s *Space) After(a Language, prefix string) (rest Language, known bool) {
	e := a.e
	for i := 0; i < len(prefix); i++ {
		if e = s.derive(e, prefix[i]); s.exhausted() {
			return a, false
		}
	}
	return Language{e}, true
}
