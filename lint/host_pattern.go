package lint

import (
	"strings"

	"rewright/parser/pattern"
)

// maxHostNames bounds how many names one pattern may stand for before none of them is taken.
const maxHostNames = 64

// hostNames are the host names a pattern spells out: `^(www\.)?example\.(com|net)$` names four. A dot that is not
// escaped is meant as one. exact is set when the pattern is anchored at both ends (a port may follow). No names
// come back when a part of it is open: a class, a star, a back reference.
func hostNames(t *pattern.Tree) (names []string, exact bool) {
	if t == nil {
		return nil, false
	}
	if a, ok := t.Root.(*pattern.Alternation); ok {
		exact = true
		for _, b := range a.Branches {
			more, whole := branchNames(b)
			if len(more) == 0 || len(names)+len(more) > maxHostNames {
				return nil, false
			}
			names, exact = append(names, more...), exact && whole
		}
		return names, exact
	}
	return branchNames(t.Root)
}

// branchNames is hostNames for one branch of the top level.
func branchNames(root pattern.Node) (names []string, exact bool) {
	var parts []pattern.Node
	if c, ok := root.(*pattern.Concat); ok {
		parts = c.Parts
	} else {
		parts = []pattern.Node{root}
	}
	var start, end bool
	if len(parts) > 0 {
		if a, ok := parts[0].(*pattern.Anchor); ok && a.Kind == pattern.SubjectStart {
			start, parts = true, parts[1:]
		}
	}
	if n := len(parts); n > 0 {
		if a, ok := parts[n-1].(*pattern.Anchor); ok && (a.Kind == pattern.SubjectEnd || a.Kind == pattern.SubjectEndOrNewline) {
			end, parts = true, parts[:n-1]
		}
	}
	texts := []string{""}
	for i, p := range parts {
		if i > 0 && isPort(parts[i:]) {
			break
		}
		var ok bool
		if texts, ok = spell(texts, p); !ok {
			return nil, false
		}
	}
	for _, text := range texts {
		text = plainHost(text)
		if !looksLikeHost(text) {
			return nil, false
		}
		names = append(names, text)
	}
	return names, start && end
}

// isPort tells whether the rest of a pattern begins with a colon: (:\d+)? or :443.
func isPort(rest []pattern.Node) bool {
	n := rest[0]
	for {
		switch x := n.(type) {
		case *pattern.Repeat:
			n = x.Body
		case *pattern.Group:
			if x.Kind.IsLookaround() {
				return false
			}
			n = x.Body
		case *pattern.Concat:
			if len(x.Parts) == 0 {
				return false
			}
			n = x.Parts[0]
		case *pattern.Literal:
			return strings.HasPrefix(x.Text, ":")
		default:
			return false
		}
	}
}

// spell appends what a node stands for to each text.
func spell(texts []string, n pattern.Node) (out []string, ok bool) {
	switch n := n.(type) {
	case *pattern.Literal:
		return product(texts, []string{n.Text})
	case *pattern.Any:
		return product(texts, []string{"."})
	case *pattern.Class:
		if n.Negated {
			return nil, false
		}
		var set []string
		for c := range 256 {
			if n.Set.Has(byte(c)) {
				set = append(set, strings.ToLower(string(rune(c))))
			}
		}
		if len(set) == 2 && set[0] == set[1] {
			set = set[:1]
		}
		if len(set) != 1 {
			return nil, false
		}
		return product(texts, set)
	case *pattern.Group:
		if n.Kind != pattern.Capturing && n.Kind != pattern.NonCapturing {
			return nil, false
		}
		return spell(texts, n.Body)
	case *pattern.Concat:
		for _, p := range n.Parts {
			if texts, ok = spell(texts, p); !ok {
				return nil, false
			}
		}
		return texts, true
	case *pattern.Alternation:
		for _, b := range n.Branches {
			more, ok := spell(texts, b)
			if out = append(out, more...); !ok || len(out) > maxHostNames {
				return nil, false
			}
		}
		return out, true
	case *pattern.Repeat:
		if n.Min > 1 || n.Max != 1 {
			return nil, false
		}
		more, ok := spell(texts, n.Body)
		if n.Min == 1 || !ok {
			return more, ok
		}
		out = append(append(out, texts...), more...)
		return out, len(out) <= maxHostNames
	}
	return nil, false
}

func product(texts, more []string) ([]string, bool) {
	if len(texts)*len(more) > maxHostNames {
		return nil, false
	}
	out := make([]string, 0, len(texts)*len(more))
	for _, a := range texts {
		for _, b := range more {
			if len(a)+len(b) > 300 {
				return nil, false
			}
			out = append(out, a+b)
		}
	}
	return out, true
}

// looksLikeHost tells whether a text can be a whole host name of the net: labels of letters, digits and hyphens with
// a dot between them, or localhost.
func looksLikeHost(name string) bool {
	if name == "localhost" {
		return true
	}
	if !strings.Contains(name, ".") || len(name) > 253 {
		return false
	}
	for _, label := range strings.Split(name, ".") {
		if label == "" || len(label) > 63 {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if !(c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_') {
				return false
			}
		}
	}
	return true
}
