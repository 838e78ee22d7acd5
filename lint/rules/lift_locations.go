package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/source"
)

// tell reports the shadowed locations of one level. Expressions behind one and the same expression are moved in front of it
// together, a prefix is told to keep expressions away; each as far as it was seen to work.
func (b *shadows) tell(level []*ir.Scope) {
	groups := map[*ir.Scope][]int{}
	for i, x := range b.found {
		if x.late.Modifier == ir.PrefixLocation {
			b.p.File = x.late.File
			b.found[i].finding.Fixes = firstThatHelps(b.p, []remedy{keepExpressionsAway(x.late)}, b.chosen(level, b.found[i:i+1]))
		} else if x.by.Pattern != nil && x.by.File == x.late.File {
			groups[x.by] = append(groups[x.by], i)
		}
	}
	for _, x := range b.found {
		list := groups[x.by]
		if delete(groups, x.by); len(list) == 0 {
			continue
		}
		var late []shadowed
		for _, i := range list {
			late = append(late, b.found[i])
		}
		b.p.File = x.by.File
		title := "move it above the location that hides it"
		if len(list) > 1 {
			title = "move the locations above the one that hides them"
		}
		fixes := firstThatHelps(b.p, []remedy{{title, moveBlocks(b.p, late, x.by)}}, b.chosen(level, late))
		for _, i := range list {
			b.found[i].finding.Fixes = fixes
		}
	}
	for _, x := range b.found {
		b.p.File = x.late.File
		b.p.Add(x.finding)
	}
	b.found = nil
}

// keepExpressionsAway is the remedy that gives a prefix location the modifier ^~.
func keepExpressionsAway(s *ir.Scope) remedy {
	if len(s.Args) != 1 {
		return remedy{}
	}
	return remedy{"write `^~` in front of the prefix", source.Insert(s.Args[0].Span.Start, "^~ ")}
}

// blockLines are the whole lines of a block and of the comments right above it; ok is false when something else stands on them.
func blockLines(p *lint.Pass, s *ir.Scope) (lines source.Span, ok bool) {
	d := directiveAt(p, s.Origin)
	if d == nil || d.File != p.File || d.Body.End <= d.Line.Start {
		return lines, false
	}
	text := d.File.Text
	lines = source.Span{Start: d.Line.Start, End: d.Body.End}
	if int(lines.End) >= len(text) || text[lines.End] != '}' {
		return lines, false
	}
	for lines.End++; int(lines.End) < len(text) && (text[lines.End] == ' ' || text[lines.End] == '\t' || text[lines.End] == '\r'); lines.End++ {
	}
	lines.Start = d.File.LineSpan(d.File.Line(lines.Start)).Start
	if strings.TrimSpace(string(text[lines.Start:d.Line.Start])) != "" || int(lines.End) >= len(text) || text[lines.End] != '\n' {
		return lines, false
	}
	lines.End++
	for lines.Start > 0 {
		above := d.File.LineSpan(d.File.Line(lines.Start - 1))
		if !strings.HasPrefix(strings.TrimSpace(d.File.Slice(above)), "#") {
			break
		}
		lines.Start = above.Start
	}
	return lines, true
}

// moveBlocks puts locations in front of another one; nil when one of them does not stand alone on its lines.
func moveBlocks(p *lint.Pass, list []shadowed, by *ir.Scope) []source.Edit {
	to, ok := blockLines(p, by)
	if !ok {
		return nil
	}
	var edits []source.Edit
	text := ""
	for _, x := range list {
		s, ok := blockLines(p, x.late)
		if !ok || s.Start < to.End || x.late.Parent != by.Parent {
			return nil
		}
		text += p.File.Slice(s)
		edits = append(edits, source.Edit{Span: s})
	}
	return append(source.Insert(to.Start, text), edits...)
}

// chosen makes a test of the site as it would be: each location is chosen for its request, and nothing else is answered by
// another location than before, which the ones in their places still are for some of their paths.
func (b *shadows) chosen(level []*ir.Scope, list []shadowed) func(*probe.Site) bool {
	return func(s *probe.Site) bool {
		moved, hiding := map[string]bool{}, map[string]bool{}
		for _, x := range list {
			moved[locationName(x.late)] = true
			hiding[locationName(x.by)] = true
			if o := s.Ask(x.asked); !o.Known || len(o.Via) == 0 || o.Via[0] != locationName(x.late) {
				return false
			}
		}
		a := &asker{site: b.site}
		for i, in := range level {
			if i >= maxLiftSamples || b.site.Spent() {
				return false
			}
			q := a.visit(in)
			for _, path := range b.samples(in) {
				if q.Request.Target = path; !sendable(path) || strings.ContainsAny(path, "%?") {
					continue
				}
				before, after := b.site.Ask(q), s.Ask(q)
				if len(before.Via) == 0 || len(after.Via) == 0 {
					return false
				}
				delete(hiding, after.Via[0])
				if before.Via[0] != after.Via[0] && !moved[after.Via[0]] {
					return false
				}
				if !moved[after.Via[0]] && probe.Answer(&before) != probe.Answer(&after) {
					return false
				}
			}
		}
		return len(hiding) == 0
	}
}

// intoLocation is the fix that puts the return of a server into the location of all paths, so that the others are chosen for
// theirs.
func intoLocation(p *lint.Pass, by *ir.Rule, server *ir.Scope, hidden []shadowed) []diag.Fix {
	if len(hidden) == 0 || by.File != p.Unit.Input.File {
		return nil
	}
	p.File = by.File
	at := directiveAt(p, by.Origin)
	if at == nil {
		return nil
	}
	for _, item := range server.Items {
		if in, ok := item.(*ir.Scope); ok && in.Kind == ir.ScopeLocation && in.Pattern == nil && in.Path == "/" && in.Modifier != ir.ExactLocation {
			return nil
		}
	}
	site := p.Site()
	other := hidden[0].asked
	other.Request.Target = "/rewright-other"
	before := site.Ask(other)
	text := "location / { " + p.File.Slice(at.Line) + " }"
	return firstThatHelps(p, []remedy{{"put the return into `location /`", source.Replace(at.Line, text)}}, func(s *probe.Site) bool {
		for _, h := range hidden {
			o := s.Ask(h.asked)
			if len(o.Via) == 0 || o.Via[0] != locationName(h.late) && o.Via[0] != "="+h.late.Path {
				return false
			}
		}
		o := s.Ask(other)
		return o.Known && probe.Answer(&o) == probe.Answer(&before)
	})
}
