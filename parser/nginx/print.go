package nginx

import "rewright/parser/source"

// Print gives the bytes of the file from its tree: for an unedited tree the bytes that were parsed.
func (f *File) Print() []byte {
	p := printer{text: f.Source.Text, out: make([]byte, 0, len(f.Source.Text))}
	p.nodes(f.Nodes)
	p.leaf(f.Tail)
	return p.out
}

// printer writes leaves in order, each with the blanks before it.
type printer struct {
	text []byte
	out  []byte
	at   int32 // all before is written
}

func (p *printer) leaf(s source.Span) {
	if s.Start < p.at || s.End <= s.Start {
		return
	}
	for _, c := range p.text[p.at:s.Start] {
		if isBlank(c) {
			p.out = append(p.out, c)
		}
	}
	p.out = append(p.out, p.text[s.Start:s.End]...)
	p.at = s.End
}

func (p *printer) nodes(list []Node) {
	for _, n := range list {
		switch n := n.(type) {
		case *Comment:
			p.leaf(n.span)
		case *Directive:
			p.directive(n)
		}
	}
}

func (p *printer) directive(d *Directive) {
	comments := d.Comments
	word := func(s source.Span) {
		for len(comments) > 0 && comments[0].span.Start < s.Start {
			p.leaf(comments[0].span)
			comments = comments[1:]
		}
		p.leaf(s)
	}
	word(d.Name.Span)
	for i := range d.Args {
		word(d.Args[i].Span)
	}
	for _, c := range comments {
		p.leaf(c.span)
	}
	p.leaf(d.End)
	if d.IsRaw {
		p.leaf(d.Raw)
		p.leaf(source.Span{Start: d.Raw.End, End: d.span.End})
	}
	if d.Block != nil {
		p.nodes(d.Block.Nodes)
		p.leaf(d.Block.Close)
	}
}
