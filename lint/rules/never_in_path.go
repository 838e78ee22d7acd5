package rules

import (
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
)

// holding is the set of texts that have a piece in them.
func holding(s *pattern.Space, piece string) pattern.Language {
	return s.Concat(s.All(), s.Text(piece), s.All())
}

// requires tells whether every text that a pattern matches holds a piece, and gives the shortest of them. A pattern that
// matches nothing requires nothing.
func requires(u *patternUse, piece string) (word string, yes bool) {
	if !literally(u.Re.Tree(), piece) {
		return "", false
	}
	s := pattern.NewSpace(budgetOfPattern)
	l, ok := s.Subjects(u.Re.Tree())
	if !ok {
		return "", false
	}
	word, some, known := s.Shortest(l)
	if !some || !known {
		return "", false
	}
	yes, _, known = s.Includes(holding(s, piece), l)
	return withDots(s, l, word), yes && known
}

// withDots writes a dot for a byte between two letters or digits, where the pattern takes any byte there: people who write
// `page.html` mean the dot.
func withDots(s *pattern.Space, l pattern.Language, word string) string {
	for i := len(word) - 2; i > 0 && i >= len(word)-8; i-- {
		if !isWordByte(word[i-1]) || !isWordByte(word[i]) || !isWordByte(word[i+1]) {
			continue
		}
		with := word[:i] + "." + word[i+1:]
		if yes, known := s.Contains(l, with); yes && known {
			return with
		}
	}
	return word
}

// literally tells whether a piece stands in the plain text of a pattern, or is one byte of a small class.
func literally(t *pattern.Tree, piece string) bool {
	found := false
	pattern.Walk(t.Root, func(n pattern.Node) bool {
		switch n := n.(type) {
		case *pattern.Literal:
			found = found || strings.Contains(n.Text, piece)
		case *pattern.Class:
			found = found || len(piece) == 1 && !n.Negated && n.Set.Has(piece[0]) && n.Set.Len() <= 8
		}
		return !found
	})
	return found
}

// ofRule tells whether a pattern is compared with the path of a request as the pattern of a rule or of a location.
func (u *patternUse) ofRule() bool { return u.cond == nil && u.onPath && !u.negated && u.entry == nil }

// urlOf is the path a person would ask for when a text is what the pattern matches.
func (u *patternUse) urlOf(word string) string {
	if u.rule != nil && u.rule.Subject == ir.SubjectDirectory || !strings.HasPrefix(word, "/") {
		return "/" + strings.TrimPrefix(word, "/")
	}
	return word
}
