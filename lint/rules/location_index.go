package rules

import (
	"slices"
	"strings"

	"rewright/parser/ir"
)

// expressionIndex finds the expressions of locations whose subjects may begin as a given text does, without a look at the
// others: a server may have many thousands.
type expressionIndex struct {
	byStart map[string][]int // places in list, by what their subjects begin with, in lower case
	list    []*ir.Scope
}

func (x *expressionIndex) add(s *ir.Scope) {
	if x.byStart == nil {
		x.byStart = map[string][]int{}
	}
	text, _ := s.Pattern.Re.Tree().Prefix()
	text = strings.ToLower(text)
	x.byStart[text] = append(x.byStart[text], len(x.list))
	x.list = append(x.list, s)
}

// wide are the expressions, in file order, whose known beginning is one of text too.
func (x *expressionIndex) wide(text string) []*ir.Scope {
	text = strings.ToLower(text)
	var places []int
	for n := range len(text) + 1 {
		places = append(places, x.byStart[text[:n]]...)
	}
	slices.Sort(places)
	out := make([]*ir.Scope, len(places))
	for i, at := range places {
		out[i] = x.list[at]
	}
	return out
}

// prefixIndex finds prefix locations by their path.
type prefixIndex struct {
	byPath map[string]*ir.Scope // the first of each path
	tried  []string             // paths, sorted, below which expressions are tried: those without ^~
}

func newPrefixIndex(list []*ir.Scope) *prefixIndex {
	x := &prefixIndex{byPath: make(map[string]*ir.Scope, len(list))}
	for _, s := range list {
		if x.byPath[s.Path] == nil {
			x.byPath[s.Path] = s
		}
		if s.Modifier != ir.NoRegexLocation {
			x.tried = append(x.tried, s.Path)
		}
	}
	slices.Sort(x.tried)
	return x
}

// longest is the location that nginx chooses by prefix for text; nil: none.
func (x *prefixIndex) longest(text string) *ir.Scope {
	for n := len(text); n >= 0; n-- {
		if s := x.byPath[text[:n]]; s != nil {
			return s
		}
	}
	return nil
}

// triedBelow tells whether a longer path that begins with text lets expressions be tried.
func (x *prefixIndex) triedBelow(text string) bool {
	at, _ := slices.BinarySearch(x.tried, text+"\x00")
	for ; at < len(x.tried) && strings.HasPrefix(x.tried[at], text); at++ {
		if len(x.tried[at]) > len(text) {
			return true
		}
	}
	return false
}
