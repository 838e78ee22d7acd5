package apache

import (
	"fmt"
	"strings"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"

	"rewright/parser/diag"
	"rewright/parser/source"
)

// Parse reads a file into its tree. Every text has one: what cannot be a section is kept as a directive,
// and Diagnostics of the file says what is wrong with the text alone.
func Parse(f *source.File) *File {
	p := parser{file: &File{Source: f}, text: string(f.Text), names: map[string]int{}}
	p.lines()
	for len(p.open) > 0 {
		p.closeTop(len(p.text))
	}
	return p.file
}

type parser struct {
	file *File
	text string
	open []*Section // innermost last

	names map[string]int // how many sections are open, by name in lower case

	words      []Word // what is left of the current slab, at its end
	wordSlab   int
	directives slab[Directive]
	comments   slab[Comment]
	blanks     slab[Blank]
}

func (p *parser) lines() {
	grammar := runParser()
	scan := &scanner{text: p.text}
	for scan.more() {
		start := scan.at
		lex, err := lexer.Upgrade(scan)
		if err != nil {
			panic("apache: the lexer is total, yet it failed: " + err.Error())
		}
		rest := scan.lines
		for !lex.Peek().EOF() {
			r, err := grammar.ParseFromLexer(lex, participle.AllowTrailing(true))
			if err != nil {
				panic("apache: every run of lines is one of the grammar's, yet it failed: " + err.Error())
			}
			for start < r.Middle {
				p.plain(&rest[0], source.NewSpan(start, rest[0].next))
				start, rest = rest[0].next, rest[1:]
			}
			if r.Section != 0 {
				span := source.NewSpan(start, rest[0].next)
				if r.Section == tokOpen {
					p.begin(&rest[0], span)
				} else {
					p.end(&rest[0], span)
				}
				start, rest = rest[0].next, rest[1:]
			}
		}
	}
}

// plain adds a line that neither begins nor ends a section.
func (p *parser) plain(l *line, span source.Span) {
	switch {
	case l.text == "":
		b := take(&p.blanks)
		b.span = span
		p.add(b)
	case l.text[0] == '#':
		c := take(&p.comments)
		c.span, c.Line = span, source.NewSpan(l.start, l.end)
		p.add(c)
	default:
		d := take(&p.directives)
		d.span = span
		p.directive(l, d)
		p.add(d)
	}
}

// begin adds the first line of a section; what follows stands in it.
func (p *parser) begin(l *line, span source.Span) {
	s := &Section{span: span}
	s.Head.span = span
	p.head(l, s)
	p.add(s)
	p.open = append(p.open, s)
	p.names[strings.ToLower(s.Head.Name.Text)]++
}

// slab is room for elements that are made together.
type slab[T any] struct {
	rest []T
	size int
}

// take hands out the next element of a slab.
func take[T any](slab *slab[T]) *T {
	if len(slab.rest) == 0 {
		slab.size = min(max(2*slab.size, 4), 256)
		slab.rest = make([]T, slab.size)
	}
	e := &slab.rest[0]
	slab.rest = slab.rest[1:]
	return e
}

func (p *parser) add(n Node) {
	if top := len(p.open); top > 0 {
		p.open[top-1].Body = append(p.open[top-1].Body, n)
		return
	}
	p.file.Nodes = append(p.file.Nodes, n)
}

// room is an empty slice at the end of the slab of words, to append to; kept gives back what it did not use.
func (p *parser) room() []Word {
	if cap(p.words) < 8 {
		p.wordSlab = min(max(2*p.wordSlab, 16), 1024)
		p.words = make([]Word, 0, p.wordSlab)
	}
	return p.words[:0]
}

func (p *parser) kept(words []Word) []Word {
	n := len(words)
	if n == 0 {
		return nil
	}
	if n <= cap(p.words) && &words[0] == &p.words[:1][0] {
		p.words = p.words[n:n:cap(p.words)]
	}
	return words[:n:n]
}

// directive takes a logical line apart.
func (p *parser) directive(l *line, d *Directive) {
	d.Line = source.NewSpan(l.start, l.end)
	var i int
	d.Name, i = l.nextWord(0)
	d.Name.Text = trimBracket(d.Name.Text)
	d.ArgText = Word{Text: l.text[i:], Span: l.span(i, len(l.text))}
	if ownSplit(d.Name.Text) {
		words, extra, fault := l.ruleWords(i, p.room())
		d.Args, d.Extra, d.Fault = p.kept(words), extra, fault
		return
	}
	d.Args = p.kept(l.words(i, p.room()))
}

// trimBracket cuts one > off the end of a name, as httpd does with every first word.
func trimBracket(name string) string {
	if n := len(name); n > 1 && name[n-1] == '>' && name[1] != '/' {
		return name[:n-1]
	}
	return name
}

// ownSplit tells whether a directive splits its line in mod_rewrite's way.
func ownSplit(name string) bool {
	return len(name) == len("RewriteRule") && (strings.EqualFold(name, "RewriteRule") || strings.EqualFold(name, "RewriteCond"))
}

// head takes the first line of a section apart.
func (p *parser) head(l *line, s *Section) {
	d := &s.Head
	d.Line = source.NewSpan(l.start, l.end)
	name, i := l.nextWord(0)
	bracket := strings.HasSuffix(name.Text, ">")
	name.Text = strings.TrimPrefix(trimBracket(name.Text), "<")
	if name.Span.Len() > 1 && name.Quote == 0 && l.pieces == nil {
		name.Span.Start++
		if bracket {
			name.Span.End--
		}
	}
	d.Name = name
	close := strings.LastIndexByte(l.text[i:], '>')
	switch {
	case close >= 0:
		cut := *l
		cut.text = strings.TrimRight(l.text[:i+close], " \t\n\v\f\r")
		if len(cut.text) < i {
			cut.text = l.text[:i]
		}
		if rest := skipBlanks(l.text, i+close+1); rest < len(l.text) {
			d.Extra = l.span(rest, len(l.text))
		}
		d.ArgText = Word{Text: cut.text[i:], Span: l.span(i, len(cut.text))}
		d.Args = p.kept(cut.words(i, p.room()))
	default:
		s.HeadNoBracket = !(bracket && i == len(l.text))
		d.ArgText = Word{Text: l.text[i:], Span: l.span(i, len(l.text))}
		d.Args = p.kept(l.words(i, p.room()))
	}
	if s.HeadNoBracket {
		p.report("unclosed-section", "RD023", d.Line, fmt.Sprintf("<%s has no closing \">\"", d.Name.Text))
	}
}

// closingName is the name in an end line: </Name>.
func closingName(l *line) string {
	w, _ := l.nextWord(0)
	name := strings.TrimPrefix(w.Text, "</")
	if i := strings.IndexByte(name, '>'); i >= 0 {
		name = name[:i]
	}
	return name
}

// end puts an end line in its place: it closes the innermost section of its name, and those inside it which
// were never closed end there too. With no such section it is kept as a directive.
func (p *parser) end(l *line, span source.Span) {
	name := closingName(l)
	for i := len(p.open) - 1; i >= 0 && p.names[strings.ToLower(name)] > 0; i-- {
		s := p.open[i]
		if !strings.EqualFold(s.Head.Name.Text, name) {
			continue
		}
		for len(p.open) > i+1 {
			p.closeTop(int(span.Start))
		}
		s.End, s.Closed = source.NewSpan(l.start, l.end), true
		s.span.End = span.End
		p.names[strings.ToLower(s.Head.Name.Text)]--
		p.open = p.open[:i]
		return
	}
	d := take(&p.directives)
	d.span = span
	p.directive(l, d)
	p.add(d)
	p.report("unclosed-section", "RD023", d.Line, fmt.Sprintf("</%s> ends a section that was never opened", name))
}

// closeTop ends the innermost section, which has no end line, at an offset.
func (p *parser) closeTop(at int) {
	top := len(p.open) - 1
	s := p.open[top]
	p.open = p.open[:top]
	p.names[strings.ToLower(s.Head.Name.Text)]--
	s.span.End = int32(at)
	head := source.NewSpan(int(s.Head.Line.Start), int(s.Head.Line.End))
	p.report("unclosed-section", "RD023", head, fmt.Sprintf("<%s> opened on line %d is never closed",
		s.Head.Name.Text, p.file.Source.Line(head.Start)))
}

func (p *parser) report(name, code string, span source.Span, message string) {
	p.file.Diagnostics = append(p.file.Diagnostics, diag.Diagnostic{Code: code, Name: name, Severity: diag.Error,
		File: p.file.Source, Span: span, Message: message})
}
