package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/source"
)

// movable tells whether the place of a rule among the others of its sort is all that counts for when it runs.
func movable(r *ir.Rule) bool {
	switch r.Keyword {
	case ir.RewriteRule, ir.Redirect, ir.RedirectMatch, ir.NginxRewrite, ir.NginxReturn:
		return true
	}
	return false
}

// linesOf are the whole lines of a rule with its conditions; ok is false when something else stands on them or between them.
func linesOf(p *lint.Pass, r *ir.Rule) (s source.Span, ok bool) {
	if r.File != p.File || !movable(r) {
		return s, false
	}
	at := directiveAt(p, r.Origin)
	for i := len(r.Conditions) - 1; at != nil && i >= 0; i-- {
		c := directiveAt(p, r.Conditions[i].Origin)
		if c == nil || c != at.PrevPtr || r.Conditions[i].File != r.File {
			return s, false
		}
		at = c
	}
	last := directiveAt(p, r.Origin)
	if at == nil || last == nil {
		return s, false
	}
	text := r.File.Text
	s = source.Span{Start: at.Line.Start, End: last.Line.End}
	for s.Start > 0 && (text[s.Start-1] == ' ' || text[s.Start-1] == '\t') {
		s.Start--
	}
	for int(s.End) < len(text) && (text[s.End] == ' ' || text[s.End] == '\t') {
		s.End++
	}
	if s.Start > 0 && text[s.Start-1] != '\n' || int(s.End) >= len(text) || text[s.End] != '\n' {
		return s, false
	}
	s.End++
	return s, !strings.Contains(string(text[s.Start:s.End]), "#")
}

// moveUp puts rules with their conditions in front of another one of the same list, all at once and in their order; nil when one
// of them cannot be moved alone, does not answer its request there, or something else is against it.
func moveUp(p *lint.Pass, list []*ir.Rule, by *ir.Rule, asked []probe.Probe, agrees func(*probe.Site) bool) []source.Edit {
	site := p.Site()
	to, ok := linesOf(p, by)
	if !ok {
		return nil
	}
	var edits []source.Edit
	text := ""
	for _, r := range list {
		s, ok := linesOf(p, r)
		if !ok || site.Scope(r) != site.Scope(by) || r.Chain || s.Start < to.End {
			return nil
		}
		text += p.File.Slice(s)
		edits = append(edits, source.Edit{Span: s})
	}
	edits = append(source.Insert(to.Start, text), edits...)
	works := tryOut(p, edits, func(s *probe.Site) bool {
		for i, q := range asked {
			o := s.Ask(q)
			answers := false
			for _, f := range probe.Fired(&o) {
				answers = answers || sameRule(f, list[i])
			}
			if !o.Known || !answers {
				return false
			}
			if c := s.Follow(q, browserHops); c.End == probe.EndCycle || c.End == probe.EndLimit {
				return false
			}
		}
		return agrees == nil || agrees(s)
	})
	if !works {
		return nil
	}
	return edits
}

// movedUp is the fix of moveUp.
func movedUp(edits []source.Edit, title string) []diag.Fix {
	if edits == nil {
		return nil
	}
	return []diag.Fix{{Title: title, Safety: diag.Risky, Edits: edits}}
}
