package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/source"
	"rewright/parser/value"
)

// patternUse is one regular expression of a configuration and what it is compared with.
type patternUse struct {
	*ir.Pattern
	file    *source.File
	negated bool
	onPath  bool          // compared with a decoded path
	rule    *ir.Rule      // whose pattern it is, or whose condition; nil otherwise
	cond    *ir.Condition // whose pattern it is; nil otherwise
	scope   *ir.Scope     // whose head it is in; nil otherwise
	entry   *ir.MapEntry  // whose key it is; nil otherwise
	tested  *ir.Template  // what a condition or a map looks at; nil otherwise
	at      *value.Place  // of the rule or scope; nil for maps and settings
}

// eachUse calls f for every regular expression of a program that compiles; the use is good for the call only.
func eachUse(p *lint.Pass, g *ir.Program, f func(u *patternUse)) {
	call := func(u patternUse) {
		if u.Pattern != nil && u.Re != nil && u.file != nil && !unexpanded(u.Text) {
			p.File = u.file
			f(&u)
		}
	}
	value.Visit(g, value.Visitor{
		Rule: func(r *ir.Rule, at *value.Place) {
			for _, c := range r.Conditions {
				call(patternUse{Pattern: c.Pattern, file: c.File, negated: c.Negated, onPath: isPath(c.Test), rule: r, cond: c, tested: c.Test, at: at})
			}
			call(patternUse{Pattern: r.Pattern, file: r.File, negated: r.Negated, onPath: true, rule: r, at: at})
		},
		Scope: func(s *ir.Scope, at *value.Place) {
			if c := s.If; c != nil {
				call(patternUse{Pattern: c.Pattern, file: c.File, negated: c.Negated, onPath: isPath(c.Test), cond: c, scope: s, tested: c.Test, at: at})
			}
			path := s.Kind == ir.ScopeLocation || s.Kind == ir.ScopeLocationMatch
			call(patternUse{Pattern: s.Pattern, file: s.File, onPath: path, scope: s, at: at})
		},
		Map: func(m *ir.MapBlock) {
			for i := range m.Entries {
				e := &m.Entries[i]
				call(patternUse{Pattern: e.Pattern, file: e.File, onPath: isPath(m.Source), entry: e, tested: m.Source})
			}
		},
		Setting: func(s *ir.Setting, at *value.Place) {
			call(patternUse{Pattern: s.Pattern, file: s.File, at: at})
		},
	})
}

// unexpanded tells whether a pattern holds a name that is put in before the server reads it, ${NAME} or $NAME.
func unexpanded(text string) bool {
	for i := strings.IndexByte(text, '$'); i >= 0 && i+2 < len(text); {
		rest := text[i+1:]
		if rest[0] == '{' || isUpper(rest[0]) && isUpper(rest[1]) {
			return true
		}
		next := strings.IndexByte(rest, '$')
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return false
}

func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' || c == '_' }

// refused tells whether the server refuses the configuration at hand. What its pieces would mean is then not worth a word
// where the fault may have torn them apart.
func refused(p *lint.Pass) bool {
	for i := range p.Unit.Diagnostics {
		if p.Unit.Diagnostics[i].Refuses {
			return true
		}
	}
	return false
}

// isPath tells whether a test string is the decoded path of a request, or begins with it.
func isPath(t *ir.Template) bool {
	if t == nil || len(t.Parts) == 0 || t.Parts[0].Kind != ir.Variable || t.Parts[0].Space != "" {
		return false
	}
	switch t.Parts[0].Name {
	case "REQUEST_URI", "uri", "document_uri":
		return len(t.Parts) == 1
	}
	return false
}

// variable is the name of the one variable a test string consists of; empty otherwise. Headers of httpd that are
// written %{HTTP:Name} come back as HTTP:Name.
func variable(t *ir.Template) string {
	if t == nil || len(t.Parts) != 1 || t.Parts[0].Kind != ir.Variable {
		return ""
	}
	if s := t.Parts[0].Space; s != "" {
		return s + ":" + t.Parts[0].Name
	}
	return t.Parts[0].Name
}

// input is the set of texts that the pattern may be compared with; too large where not all is known.
func (u *patternUse) input(v *value.Values) pattern.Language {
	switch {
	case u.tested != nil:
		l, _, _ := v.Text(u.tested, nil)
		return l
	case u.rule != nil:
		return v.Path(u.rule.Subject, u.at.Steady)
	case u.scope != nil && u.onPath:
		return v.Path(ir.SubjectURLPath, true)
	}
	return v.Space.All()
}

// plain tells whether the pattern stands in the file as it is read, so that places in it are places in the file;
// base is where it begins.
func (u *patternUse) plain() (base int32, ok bool) {
	written := u.file.Slice(u.Span)
	if written == u.Text {
		return u.Span.Start, true
	}
	if n := len(written); n >= 2 && written[1:n-1] == u.Text && (written[0] == '"' || written[0] == '\'') {
		return u.Span.Start + 1, true
	}
	return u.Span.Start, false
}

// spanOf is the place of a piece of the pattern in the file; the whole pattern where that is not told.
func (u *patternUse) spanOf(n source.Span) (s source.Span, exact bool) {
	base, ok := u.plain()
	if !ok {
		return u.Span, false
	}
	return source.Span{Start: base + n.Start, End: base + n.End}, true
}

// whole is the span of the pattern without quotes.
func (u *patternUse) whole() source.Span {
	s, _ := u.spanOf(source.Span{End: int32(len(u.Text))})
	return s
}

// quoted tells whether the pattern is written in quotes.
func (u *patternUse) quoted() bool {
	base, ok := u.plain()
	return ok && base > 0 && (u.file.Text[base-1] == '"' || u.file.Text[base-1] == '\'')
}

// budgetOfPattern bounds the reasoning about one pattern.
const budgetOfPattern = 8000

// partsOf are the parts of a node one after another.
func partsOf(n pattern.Node) []pattern.Node {
	if c, ok := n.(*pattern.Concat); ok {
		return c.Parts
	}
	return []pattern.Node{n}
}

// what names the thing a pattern is compared with, for messages.
func (u *patternUse) what() string {
	switch {
	case u.tested != nil:
		return quote(u.tested.Text)
	case u.rule != nil && u.rule.Subject == ir.SubjectDirectory:
		return "the path below the directory"
	case u.onPath:
		return "the path"
	}
	return "what it is compared with"
}
