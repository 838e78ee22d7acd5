// Package value says which values the variables, groups and targets of a configuration can have.
//
// IR goes in; languages of package pattern come out. What a server puts into a variable is written in two tables;
// what a group holds and what a target expands to follows from them by reasoning. Nothing is run: whether a request
// really brings a value about is parser/sim's to say. A language may be too large, never too small, unless a
// result says that it is exact.
package value

import (
	"rewright/parser/ir"
	"rewright/parser/pattern"
)

// Values answers for one server. It is not for use by several goroutines at once.
type Values struct {
	Space  *pattern.Space
	server ir.Server
	// Usual narrows the values to those that requests have which no one wrote with care: no "?" or "#" in a path (an
	// encoded one would get there) and no two slashes together, upper case methods, query strings without a second "?".
	Usual bool
}

// New makes Values with a Space of its own; budget is that of pattern.NewSpace.
func New(server ir.Server, budget int) *Values {
	return &Values{Space: pattern.NewSpace(budget), server: server}
}

// Path is the set of paths that a rule's pattern may be compared with; steady is false for a rule that stands
// behind another one which may have put anything in the path's place (see Disturbed).
func (v *Values) Path(subject ir.Subject, steady bool) pattern.Language {
	s := v.Space
	if !steady {
		return s.All()
	}
	path := s.Bytes(v.pathBytes(), 0, -1)
	if v.Usual {
		path = s.And(path, s.Not(s.Concat(s.All(), s.Text("//"), s.All())))
	}
	if subject == ir.SubjectDirectory {
		return s.And(path, s.Not(s.Begins("/")))
	}
	return s.And(path, s.Begins("/"))
}

func (v *Values) pathBytes() pattern.ByteSet {
	set := pattern.NewSet("\x00").Not()
	if v.Usual {
		set = set.And(pattern.NewSet("?#").Not())
	}
	return set
}

// Variable is the set of values of a part that is a variable. known is false where nothing is known; then the
// language is All.
func (v *Values) Variable(p *ir.Part) (l pattern.Language, known bool) {
	if p.Kind != ir.Variable {
		return v.Space.All(), false
	}
	if v.server == ir.Nginx {
		l, known = v.nginx(p.Name)
	} else {
		l, known = v.httpd(p)
	}
	if !known {
		l = v.Space.All()
	}
	return l, known
}

// Text is the set of values a template can have; groups are taken from refs, nil: they may be anything. exact is
// false when the set may be too large, known is false when nothing of the references is known.
func (v *Values) Text(t *ir.Template, groups func(p *ir.Part) (l pattern.Language, exact bool)) (l pattern.Language, exact, known bool) {
	if t == nil {
		return v.Space.Text(""), true, true
	}
	exact, known = true, true
	list := make([]pattern.Language, 0, len(t.Parts))
	references := 0
	for i := range t.Parts {
		p := &t.Parts[i]
		if p.Kind == ir.Literal {
			list = append(list, v.Space.Text(p.Text))
			continue
		}
		references++
		one, sure := v.Space.All(), false
		switch p.Kind {
		case ir.Variable:
			one, sure = v.Variable(p)
			known = known && sure
		case ir.RuleRef, ir.CondRef:
			if groups == nil {
				known = false
			} else if g, ok := groups(p); ok || !v.Space.IsAll(g) {
				one, sure = g, ok
			} else {
				known = false
			}
		default:
			known = false
		}
		// Values of two parts may depend on each other, so together they are too large a set.
		exact = exact && sure && references == 1
		list = append(list, one)
	}
	return v.Space.Concat(list...), exact, known
}

// Subjects is pattern.Space.Subjects for a pattern of the IR. ok is false when the pattern is refused or beyond the
// reasoning.
func (v *Values) Subjects(p *ir.Pattern) (l pattern.Language, ok bool) {
	if p == nil || p.Re == nil {
		return l, false
	}
	return v.Space.Subjects(p.Re.Tree())
}

// Holds is the set of values of its test string for which a condition is true, its "!" worked in. ok is false for
// file tests, comparisons by order or number, and whatever is beyond the reasoning.
func (v *Values) Holds(c *ir.Condition) (l pattern.Language, ok bool) {
	s := v.Space
	switch c.Kind {
	case ir.CondRegex:
		if l, ok = v.Subjects(c.Pattern); !ok {
			return l, false
		}
	case ir.CondString:
		text, constant := c.Operand.Constant()
		if c.Op != "=" || !constant {
			return l, false
		}
		l = s.Text(text)
		if c.IgnoreCase {
			l = s.FoldedText(text)
		}
	case ir.CondTruth:
		l = s.Not(s.Or(s.Text(""), s.Text("0")))
	default:
		return l, false
	}
	if c.Negated {
		l = s.Not(l)
	}
	return l, true
}
