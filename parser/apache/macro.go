package apache

import (
	"fmt"
	"strings"

	"rewright/parser/source"
)

// macro is a <Macro name params…> … </Macro>. Source: httpd modules/core/mod_macro.c.
type macro struct {
	name    string // lower case
	params  []string
	body    string // the lines between head and end
	defined string // "defined on line 3 of \"x.conf\""
}

// maxGiven bounds what all uses of macros and variables may give together, in bytes: those that use others grow exponentially.
const maxGiven = 64 << 20

// defineMacro reads the section's lines into a macro.
func (r *reader) defineMacro(f *frame, e *event, d *Directive) {
	body := r.macroBody(f, e)
	r.macroSeen = true
	m := &macro{defined: fmt.Sprintf("defined on line %d of %q", f.lastLine(d), f.file.Source.Name)}
	switch {
	case e.section == nil || e.section.HeadNoBracket:
		r.refuse(f, d.Line, "unclosed-section", "<Macro> directive missing closing '>'", "")
		return
	case len(d.Args) == 0:
		r.refuse(f, d.Line, "wrong-argument-count", "<Macro macro definition: empty name", "")
		return
	}
	m.name = strings.ToLower(d.Args[0].Text)
	for i, a := range d.Args[1:] {
		if a.Text == "" {
			r.refuse(f, a.Span, "refused-argument", fmt.Sprintf("macro '%s' (%s): empty argument #%d name", m.name, m.defined, i+1), "")
			return
		}
		for j, b := range m.params {
			if a.Text == b {
				r.refuse(f, a.Span, "refused-argument", fmt.Sprintf(
					"argument name conflict in macro '%s' (%s): argument '%s': #%d and #%d, change argument names!",
					m.name, m.defined, b, j+1, i+1), "")
				return
			}
		}
		m.params = append(m.params, a.Text)
	}
	if body == nil {
		where := fmt.Sprintf("macro '%s' (%s)", m.name, m.defined)
		r.refuse(f, d.Line, "unclosed-section", where+"\n\tcontents error: expected token not found: </Macro>",
			fmt.Sprintf("<Macro> opened on line %d is never closed", f.file.Source.Line(d.Line.Start)))
		return
	}
	m.body = *body
	r.macros[m.name] = m
}

// macroBody skips to the end of the macro and gives the text between; nil when there is no end.
func (r *reader) macroBody(f *frame, e *event) *string {
	if e.section == nil {
		return nil
	}
	var b strings.Builder
	for depth := 0; ; {
		in := f.next()
		if in == nil {
			return nil
		}
		text := ""
		switch {
		case in.directive != nil && in.directive.macroLine != "":
			text = in.directive.macroLine
		case in.directive != nil:
			l := in.directive.logical(f)
			text = l.text
		default:
			text = f.endText(in)
		}
		l := line{text: text}
		w, _ := l.nextWord(0)
		switch {
		case strings.EqualFold(w.Text, "</Macro>"):
			if depth == 0 {
				s := b.String()
				return &s
			}
			depth--
		case strings.EqualFold(w.Text, "<Macro"):
			depth++
		}
		b.WriteString(text)
		b.WriteByte('\n')
	}
}

// use puts a macro's lines before the lines that follow.
func (r *reader) use(f *frame, d *Directive) {
	fail := func(server string) { r.refuse(f, d.Line, "refused-argument", server, "") }
	switch {
	case !r.macroSeen:
		fail("no macro defined before Use")
		return
	case len(d.Args) == 0:
		fail("no macro name specified with Use")
		return
	}
	m := r.macros[strings.ToLower(d.Args[0].Text)]
	if m == nil {
		fail(fmt.Sprintf("macro '%s' undefined", strings.ToLower(d.Args[0].Text)))
		return
	}
	for _, s := range *f.input {
		if s.macro == m.name {
			fail(fmt.Sprintf("recursive use of macro '%s' is invalid", m.name))
			return
		}
	}
	values := d.Args[1:]
	if len(values) != len(m.params) {
		fail(fmt.Sprintf("macro '%s' (%s) used with %d arguments instead of %d", m.name, m.defined, len(values), len(m.params)))
		return
	}
	text := m.substitute(values)
	if r.given += len(text); r.given > maxGiven {
		fail("macros give more text than can be held")
		return
	}
	tree := Parse(source.NewFile("", []byte(text)))
	list := events(tree.Nodes)
	for i := range list {
		in := &list[i]
		if in.directive == nil {
			in.text = strings.TrimSpace(string(tree.Source.Text[in.end.Start:in.end.End]))
			in.end = d.Line
			continue
		}
		raw := readLine(text, int(in.directive.span.Start))
		in.directive.macroLine = raw.text
		in.directive.relocate(d.Line)
		if s := in.section; s != nil {
			s.span, s.End = d.Line, d.Line
		}
	}
	*f.input = append(*f.input, stretch{events: list, macro: m.name})
}

// relocate gives every word of a macro's line the place of its Use.
func (d *Directive) relocate(at source.Span) {
	d.span, d.Line, d.Name.Span, d.ArgText.Span = at, at, at, at
	if d.Extra.Len() > 0 {
		d.Extra = at
	}
	for i := range d.Args {
		d.Args[i].Span = at
	}
}

// substitute puts values in the place of parameters: at each place the leftmost, and the longest there. What was put
// in is not looked at again.
func (m *macro) substitute(values []Word) string {
	if len(m.params) == 0 {
		return m.body
	}
	var b strings.Builder
	s := m.body
	for i := 0; i < len(s); {
		best := -1
		for k, p := range m.params {
			if strings.HasPrefix(s[i:], p) && (best < 0 || len(p) > len(m.params[best])) {
				best = k
			}
		}
		if best < 0 {
			b.WriteByte(s[i])
			i++
			continue
		}
		b.WriteString(values[best].Text)
		i += len(m.params[best])
	}
	return b.String()
}
