package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/source"
)

// firstByte tells which first bytes the subjects of a pattern can have.
type firstByte struct {
	slash, other bool // a subject that begins with a slash, and one that does not (the empty one among them)
	known        bool
}

// pathStart asks with which bytes a subject of a pattern of httpd can begin. Patterns that are not anchored can begin
// with anything. A pattern whose start its text tells costs nothing; for others a small budget is spent.
func pathStart(p *ir.Pattern) firstByte {
	if p == nil || p.Re == nil {
		return firstByte{}
	}
	t := p.Re.Tree()
	if !t.Anchored() {
		return firstByte{slash: true, other: true, known: true}
	}
	if text, _ := t.Prefix(); text != "" {
		return firstByte{slash: text[0] == '/', other: text[0] != '/', known: true}
	}
	s := pattern.NewSpace(4000)
	l, ok := s.Subjects(t)
	if !ok {
		return firstByte{}
	}
	begins := s.Begins("/")
	_, slash, known := s.Overlap(l, begins)
	_, other, known2 := s.Overlap(l, s.Not(begins))
	return firstByte{slash, other, known && known2}
}

// earlier is what rules of a pass that do not end it can have left as the path for later ones.
type earlier struct {
	slash, other bool // a path that begins with a slash, and one that does not
}

// see takes a rule into account for those behind it.
func (e *earlier) see(r *ir.Rule) {
	if r.Flow == ir.FlowRestart {
		e.slash, e.other = true, true
	}
	if r.Target == nil || ends(r) {
		return
	}
	switch text := r.Target.Prefix(); {
	case text == "":
		e.slash, e.other = true, true
	case text[0] == '/':
		e.slash = true
	default:
		e.other = true // relative, or an absolute URL
	}
}

// slashFix makes the slash at the start of a pattern optional, as both contexts want it.
func slashFix(p *lint.Pass, r *ir.Rule) []diag.Fix {
	raw := p.File.Slice(r.Pattern.Span)
	if raw != r.Pattern.Text || !strings.HasPrefix(raw, "^") {
		return nil
	}
	at := 1
	if strings.HasPrefix(raw[at:], `\`) {
		at++
	}
	if !strings.HasPrefix(raw[at:], "/") || at+1 < len(raw) && strings.IndexByte("?*+{", raw[at+1]) >= 0 {
		return nil
	}
	at++
	place := r.Pattern.Span.Start + int32(at)
	return []diag.Fix{{Title: "write " + quote(raw[:at]+"?"+raw[at:]), Safety: diag.Safe, Edits: source.Insert(place, "?")}}
}
