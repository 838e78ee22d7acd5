package rules

import (
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/value"
)

// locationAround is the location of nginx whose path the place is sure to see: the nearest one, when no rewrite before the
// place in it can have changed the path.
func locationAround(at *value.Place) (*ir.Scope, bool) {
	for ; at != nil; at = at.Parent {
		s := at.Scope
		if s.Kind != ir.ScopeLocation && s.If == nil || at.Index > maxBefore {
			return nil, false
		}
		for i := at.Index - 1; i >= 0; i-- {
			if changesPath(s.Items[i]) {
				return nil, false
			}
		}
		if s.Kind == ir.ScopeLocation && s.Name == "location" {
			return s, s.Modifier != ir.NamedLocation && at.Steady && !strings.Contains(s.Path, "${")
		}
		if s.If == nil {
			return nil, false
		}
	}
	return nil, false
}

// maxBefore bounds how many items before a place are looked at, for each of the places.
const maxBefore = 1000

// changesPath tells whether an item of nginx may leave another path to what stands behind it.
func changesPath(item ir.Item) bool {
	switch item := item.(type) {
	case *ir.Rule:
		return item.Keyword == ir.NginxRewrite && item.Flow == ir.FlowNext
	case *ir.Scope:
		if item.If == nil {
			return false
		}
		for _, inner := range item.Items {
			if changesPath(inner) {
				return true
			}
		}
	case *ir.Opaque:
		return strings.Contains(item.Name, "lua") || strings.Contains(item.Name, "js_")
	}
	return false
}

// locationPaths is the set of paths for which a location of nginx can be chosen; other locations are not regarded.
func locationPaths(v *value.Values, s *ir.Scope) (l pattern.Language, ok bool) {
	switch s.Modifier {
	case ir.ExactLocation:
		return v.Space.Text(s.Path), true
	case ir.RegexLocation, ir.RegexLocationCI:
		return v.Subjects(s.Pattern)
	case ir.PrefixLocation, ir.NoRegexLocation:
		return v.Space.Begins(s.Path), true
	}
	return l, false
}
