package pattern

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Format writes a pattern of the same meaning that no option changes: whatever Options it is compiled with,
// it matches what the tree matches, with the same group numbers and names. Comments and spelling are not kept.
func Format(t *Tree) string {
	f := formatter{utf: t.utf}
	for _, v := range t.Start {
		f.WriteString("(*" + v.Name)
		if v.Arg != "" {
			f.WriteString("=" + v.Arg)
		}
		f.WriteByte(')')
	}
	f.WriteString("(?^J)") // i, m, n, s and x off, names may be shared
	f.node(t.Root)
	return f.String()
}

type formatter struct {
	strings.Builder
	utf bool
}

func (f *formatter) literal(n *Literal) {
	if f.utf && !isASCII(n.Text) {
		for _, r := range n.Text {
			if r < 0x80 {
				f.char(byte(r))
			} else {
				fmt.Fprintf(f, `\x{%x}`, r)
			}
		}
		return
	}
	for i := 0; i < len(n.Text); i++ {
		c := n.Text[i]
		if n.Caseless && isLetter(c) {
			f.WriteString("[" + string([]byte{c &^ 0x20, c | 0x20}) + "]")
		} else {
			f.char(c)
		}
	}
}

func (f *formatter) body(n Node) {
	for i, b := range branches(n) {
		if i > 0 {
			f.WriteByte('|')
		}
		f.node(b)
	}
}

func (f *formatter) char(c byte) {
	switch {
	case f.utf && c > '~':
		fmt.Fprintf(f, `\x{%x}`, c)
	case c < ' ' || c > '~':
		fmt.Fprintf(f, `\x%02x`, c)
	case strings.IndexByte(`\^$.[]|()?*+{}`, c) >= 0:
		f.WriteByte('\\')
		f.WriteByte(c)
	default:
		f.WriteByte(c)
	}
}

// set writes a class with the bytes it matches; a set of one byte is that byte.
func (f *formatter) set(s ByteSet) {
	if c, _ := s.First(); s.Len() == 1 {
		f.char(c)
		return
	}
	f.WriteByte('[')
	if s.Empty() || s.Len() > 128 && s != allBytes {
		f.WriteByte('^')
		s = s.Not()
	}
	s.Ranges(func(lo, hi byte) {
		f.bound(lo)
		if hi > lo {
			f.WriteByte('-')
			f.bound(hi)
		}
	})
	f.WriteByte(']')
}

func (f *formatter) bound(c byte) {
	if isWord(c) {
		f.WriteByte(c)
	} else {
		fmt.Fprintf(f, `\x%02x`, c)
	}
}

var anchorTexts = map[AnchorKind]string{
	SubjectStart: `\A`, LineStart: "(?m:^)", SubjectEnd: `\z`, SubjectEndOrNewline: `\Z`, LineEnd: "(?m:$)",
	WordBoundary: `\b`, NotWordBoundary: `\B`, SearchStart: `\G`,
}

var groupTexts = map[GroupKind]string{
	Capturing: "(", NonCapturing: "(?:", BranchReset: "(?|", Atomic: "(?>", Lookahead: "(?=", NegativeLookahead: "(?!",
	Lookbehind: "(?<=", NegativeLookbehind: "(?<!", NonAtomicLookahead: "(?*", NonAtomicLookbehind: "(?<*",
	ScriptRun: "(*sr:", AtomicScriptRun: "(*asr:",
}

func (f *formatter) node(n Node) {
	switch n := n.(type) {
	case *Literal:
		f.literal(n)
	case *Any:
		if n.Newline {
			f.WriteString("(?s:.)")
		} else {
			f.WriteString(`\N`)
		}
	case *Class:
		f.set(n.Set)
	case *Newline:
		f.WriteString(`\R`)
	case *Grapheme:
		f.WriteString(`\X`)
	case *Anchor:
		f.WriteString(anchorTexts[n.Kind])
	case *KeepOut:
		f.WriteString(`\K`)
	case *Group:
		f.group(n)
	case *Concat:
		for _, part := range n.Parts {
			f.node(part)
		}
	case *Alternation:
		f.WriteString("(?:")
		f.body(n)
		f.WriteByte(')')
	case *Repeat:
		f.repeat(n)
	case *BackReference:
		s := `\g{` + strconv.Itoa(n.Numbers[0]) + "}"
		if n.Name != "" {
			s = `\k{` + n.Name + "}"
		}
		if n.Caseless {
			s = "(?i:" + s + ")"
		}
		f.WriteString(s)
	case *Conditional:
		f.conditional(n)
	case *Recursion:
		if n.Name != "" {
			f.WriteString("(?&" + n.Name + ")")
		} else {
			f.WriteString("(?" + strconv.Itoa(n.Number) + ")")
		}
	case *Verb:
		f.WriteString("(*" + n.Name)
		if n.Arg != "" {
			f.WriteString(":" + n.Arg)
		}
		f.WriteByte(')')
	case *Callout:
		f.WriteString("(?C" + n.Arg + ")")
	}
}

func (f *formatter) group(n *Group) {
	if n.Kind == NonCapturing {
		f.node(n.Body) // an alternation brings its own
		return
	}
	f.WriteString(groupTexts[n.Kind])
	if n.Name != "" {
		f.WriteString("?<" + n.Name + ">")
	}
	f.body(n.Body)
	f.WriteByte(')')
}

// isNothing tells whether a node is written as no text at all.
func isNothing(n Node) bool {
	switch n := n.(type) {
	case *InlineFlags:
		return true
	case *Group:
		return n.Kind == NonCapturing && isNothing(n.Body)
	case *Concat:
		for _, part := range n.Parts {
			if !isNothing(part) {
				return false
			}
		}
		return true
	}
	return false
}

// inner is a node without what only groups it or sets flags.
func inner(n Node) Node {
	for {
		switch g := n.(type) {
		case *Group:
			if g.Kind != NonCapturing {
				return n
			}
			n = g.Body
		case *Concat:
			var only Node
			for _, part := range g.Parts {
				if isNothing(part) {
					continue
				}
				if only != nil {
					return n
				}
				only = part
			}
			if only == nil {
				return n
			}
			n = only
		default:
			return n
		}
	}
}

func (f *formatter) repeat(n *Repeat) {
	isItem := false
	body := inner(n.Body)
	switch b := body.(type) {
	case *Group, *Class, *Any, *Newline, *Grapheme, *Alternation, *BackReference, *Conditional, *Recursion:
		isItem = true
	case *Literal:
		isItem = len(b.Text) == 1 || f.utf && utf8.RuneCountInString(b.Text) == 1
	}
	if isItem {
		f.node(body)
	} else {
		f.WriteString("(?:")
		f.node(body)
		f.WriteByte(')')
	}
	switch {
	case n.Min == 0 && n.Max < 0:
		f.WriteByte('*')
	case n.Min == 1 && n.Max < 0:
		f.WriteByte('+')
	case n.Min == 0 && n.Max == 1:
		f.WriteByte('?')
	case n.Min == n.Max:
		fmt.Fprintf(f, "{%d}", n.Min)
	case n.Max < 0:
		fmt.Fprintf(f, "{%d,}", n.Min)
	default:
		fmt.Fprintf(f, "{%d,%d}", n.Min, n.Max)
	}
	switch n.Mode {
	case Lazy:
		f.WriteByte('?')
	case Possessive:
		f.WriteByte('+')
	}
}

func (f *formatter) conditional(n *Conditional) {
	f.WriteString("(?")
	switch n.Kind {
	case GroupIsSet:
		if n.byName {
			f.WriteString("(<" + n.Name + ">)")
		} else {
			f.WriteString("(" + strconv.Itoa(n.number) + ")")
		}
	case Define:
		f.WriteString("(DEFINE)")
	case InRecursion:
		if n.Name[0] == 'R' && n.recName && len(n.Numbers) == 0 {
			f.WriteString("(" + n.Name + ")")
		} else {
			f.WriteString("(R&" + n.Name + ")")
		}
	case VersionCheck:
		f.WriteString("(" + n.version + ")")
	case Assertion:
		if n.Callout != nil {
			f.node(n.Callout)
		}
		f.node(n.Test)
	}
	f.node(n.Yes)
	if n.No != nil {
		f.WriteByte('|')
		f.node(n.No)
	}
	f.WriteByte(')')
}
