package lint

import (
	"fmt"
	"slices"
	"sort"

	"rewright/parser/diag"
	"rewright/parser/source"
)

// problems is what is wrong with one suppression. told are the findings that no suppression silences.
func (c *selection) problems(u *Unit, s *suppression, told *toldIndex) []diag.Diagnostic {
	one := func(span source.Span, severity diag.Severity, message string, fixes ...diag.Fix) diag.Diagnostic {
		return c.withSeverity(diag.Diagnostic{Code: c.suppressor.Code, Name: c.suppressor.ID, Severity: severity, File: s.file,
			Span: span, Message: message, Fixes: fixes})
	}
	if s.malformed {
		return []diag.Diagnostic{one(s.span, diag.Warning, "this silences nothing: behind lint:ignore or lint:ignore-file stand a blank and the rules; write lint:ignore RD302 -- reason")}
	}
	if len(s.words) == 0 {
		return []diag.Diagnostic{one(s.span, diag.Warning, "this suppression names no rule and silences nothing; name one: lint:ignore RD302 -- reason")}
	}
	var out []diag.Diagnostic
	for i := range s.words {
		w := &s.words[i]
		switch {
		case w.rule == nil:
			message := "no rule is called \"" + w.text + "\", so this silences nothing"
			var names []string
			for _, r := range c.rules {
				names = append(names, r.ID, r.Code)
			}
			if near := Nearest(w.text, names); len(near) == 1 {
				d := one(w.span, diag.Warning, message+"; did you mean \""+near[0]+"\"?",
					diag.Fix{Title: "write \"" + near[0] + "\"", Safety: diag.Safe, Edits: source.Replace(w.span, near[0])})
				out = append(out, d)
				continue
			}
			out = append(out, one(w.span, diag.Warning, message))
		case !w.used && c.on[w.rule.Code]:
			if meant := misplaced(s, w.rule.Code, told); meant != nil {
				d := one(w.span, diag.Warning, fmt.Sprintf("misplaced suppression: %s %s is in line %d, and the comment belongs on the line above it",
					w.rule.Code, w.rule.ID, s.file.Line(meant.Span.Start)))
				d.Related = []diag.Related{{Span: meant.Span, Message: "not silenced"}}
				if len(s.words) == 1 {
					d.Fixes = u.moveAbove(s, meant)
				}
				out = append(out, d)
				continue
			}
			what := "nothing here gives " + w.rule.Code + " " + w.rule.ID
			if !s.whole && s.start < 0 {
				what = "no directive follows, so nothing is silenced"
			}
			d := one(w.span, diag.Info, "unused suppression: "+what)
			if len(s.words) == 1 && !s.whole {
				d.Fixes = []diag.Fix{{Title: "remove the comment", Safety: diag.Safe, Edits: source.Replace(s.wholeLine(), "")}}
			}
			out = append(out, d)
		}
	}
	return out
}

// intentProblems is what is wrong with the stated intents of a unit.
func (c *selection) intentProblems(u *Unit) []diag.Diagnostic {
	in := u.readIntents()
	if c.suppressor == nil || !c.on[c.suppressor.Code] {
		return nil
	}
	var out []diag.Diagnostic
	add := func(d diag.Diagnostic) {
		d.Code, d.Name = c.suppressor.Code, c.suppressor.ID
		out = append(out, c.withSeverity(d))
	}
	for _, d := range in.diagnostics {
		add(d)
	}
	for _, i := range in.misplaced {
		add(diag.Diagnostic{Severity: diag.Warning, File: i.Comment.File, Span: i.Span,
			Message: "no directive follows on the next line, so this states nothing"})
	}
	return out
}

// wholeLine is the comment with its line when nothing else stands on it, else the comment alone.
func (s *suppression) wholeLine() source.Span {
	text := s.file.Text
	a, b := s.span.Start, s.span.End
	for a > 0 && (text[a-1] == ' ' || text[a-1] == '\t') {
		a--
	}
	if a > 0 && text[a-1] != '\n' {
		return source.Span{Start: a, End: b}
	}
	for int(b) < len(text) && text[b] != '\n' {
		if c := text[b]; c != ' ' && c != '\t' && c != '\r' {
			return s.span
		}
		b++
	}
	if int(b) < len(text) {
		b++
	}
	return source.Span{Start: a, End: b}
}

// misplacedWithin is how many lines below a suppression a finding of its rule may be for the comment to be meant for it.
const misplacedWithin = 12

// misplaced is the finding a suppression that silences nothing is most likely meant for: the next one of its rule, soon below
// the comment. nil when there is none.
func misplaced(s *suppression, code string, told *toldIndex) *diag.Diagnostic {
	if s.whole {
		return nil
	}
	next := told.after(s.file, code, s.span.End)
	if next == nil || s.file.Line(next.Span.Start)-s.file.Line(s.span.End) > misplacedWithin {
		return nil
	}
	return next
}

// moveAbove takes a comment from where it stands to the line above the directive of a finding.
func (u *Unit) moveAbove(s *suppression, meant *diag.Diagnostic) []diag.Fix {
	at := u.At(s.file, meant.Span.Start)
	whole := s.wholeLine()
	if at == nil || s.file.Line(s.span.Start) != s.file.Line(s.span.End) || whole.End > 0 && s.file.Text[whole.End-1] != '\n' {
		return nil // it swallows lines, or does not stand alone
	}
	line := s.file.LineSpan(s.file.Line(start(at))).Start
	indent := line
	for int(indent) < len(s.file.Text) && (s.file.Text[indent] == ' ' || s.file.Text[indent] == '\t') {
		indent++
	}
	if indent != start(at) || line < whole.End {
		return nil // something stands before the directive on its line
	}
	end := s.file.Slice(source.Span{Start: s.span.End, End: whole.End})
	edits := append(source.Replace(whole, ""), source.Insert(line, s.file.Slice(source.Span{Start: line, End: indent})+s.file.Slice(s.span)+end)...)
	return []diag.Fix{{Title: "move the comment there", Safety: diag.Safe, Edits: edits}}
}

// toldIndex finds the next finding of a rule in a file; it is made when first asked.
type toldIndex struct {
	list []diag.Diagnostic
	by   map[toldKey][]*diag.Diagnostic // by start
}

type toldKey struct {
	file *source.File
	code string
}

func (x *toldIndex) after(file *source.File, code string, offset int32) *diag.Diagnostic {
	if x.by == nil {
		x.by = map[toldKey][]*diag.Diagnostic{}
		for i := range x.list {
			d := &x.list[i]
			k := toldKey{d.File, d.Code}
			x.by[k] = append(x.by[k], d)
		}
		for _, l := range x.by {
			slices.SortStableFunc(l, diag.Compare)
		}
	}
	l := x.by[toldKey{file, code}]
	i := sort.Search(len(l), func(i int) bool { return l[i].Span.Start >= offset })
	if i == len(l) {
		return nil
	}
	return l[i]
}
