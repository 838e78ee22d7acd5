package ir

import "iter"

// Within gives what stands in a scope and in the scopes inside of it, in the order of the text, each with the scope that holds it.
// A scope comes before what is inside of it. A nil scope is empty.
func (s *Scope) Within() iter.Seq2[*Scope, Item] {
	return func(yield func(*Scope, Item) bool) { s.within(yield) }
}

func (s *Scope) within(yield func(*Scope, Item) bool) bool {
	if s == nil {
		return true
	}
	for _, item := range s.Items {
		if !yield(s, item) {
			return false
		}
		if in, ok := item.(*Scope); ok && !in.within(yield) {
			return false
		}
	}
	return true
}
