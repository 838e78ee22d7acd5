package apache

import "rewright/parser/source"

// Print writes the tree back: for a tree from Parse the bytes of its file.
func (f *File) Print() []byte {
	out := make([]byte, 0, len(f.Source.Text))
	f.leaves(func(s source.Span) { out = append(out, f.Source.Text[s.Start:s.End]...) })
	return out
}

// leaves calls yield for every piece of the file that belongs to one node alone, in file order: whole lines,
// of a section its head and its end.
func (f *File) leaves(yield func(source.Span)) { leaves(f.Nodes, yield) }

func leaves(nodes []Node, yield func(source.Span)) {
	// Sections nest as deep as the text says, so the stack is ours.
	type level struct {
		nodes []Node
		i     int
		owner *Section
	}
	stack := []level{{nodes: nodes}}
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		if top.i == len(top.nodes) {
			if s := top.owner; s != nil && s.Closed {
				yield(s.endLine())
			}
			stack = stack[:len(stack)-1]
			continue
		}
		n := top.nodes[top.i]
		top.i++
		if s, ok := n.(*Section); ok {
			yield(s.Head.span)
			stack = append(stack, level{nodes: s.Body, owner: s})
			continue
		}
		yield(n.Span())
	}
}

// endLine is the end line with its blanks and line end.
func (s *Section) endLine() source.Span {
	if n := len(s.Body); n > 0 {
		return source.Span{Start: s.Body[n-1].Span().End, End: s.span.End}
	}
	return source.Span{Start: s.Head.span.End, End: s.span.End}
}
