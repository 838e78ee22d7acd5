package pattern

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// dialect is the syntax a tree is written in for an engine.
type dialect uint8

const (
	goSyntax  dialect = iota // Go's regexp: linear time, leftmost-first
	netSyntax                // dlclark/regexp2: look-around, back references, atomic groups
)

// highRune is added to bytes from 0x80 for regexp2, so that no two of them are each other's case.
// Go's regexp gets them as U+0080 to U+00FF: nothing there is ever asked to ignore case.
const highRune = 0xE000

// keepOut stands for \K among the slots of a translation.
const keepOut = -1

// A writer turns a tree into an engine's syntax. Case, newline and anchor flags are resolved in the tree,
// so nothing is written that a flag could change: classes stand byte by byte.
type writer struct {
	strings.Builder
	dialect   dialect
	noNewline bool  // subjects hold no newline: $ is \z, (?m)^ is \A
	slots     []int // goSyntax: what each engine group is, keepOut or a group number
	groups    int   // groups of the tree; netSyntax writes \K as the group after them
	behind    int   // lookbehinds around the node being written
	open      []int // groups around it
	atomic    int   // atomic groups and look-arounds around it
	repeats   int   // repeats around it inside of the lookbehind
	cannot    bool
}

// translate writes the tree in a dialect; ok is false when the dialect has no pattern of the same meaning.
func translate(t *Tree, d dialect, noNewline bool) (text string, slots []int, ok bool) {
	w := writer{dialect: d, noNewline: noNewline, groups: t.Groups, slots: []int{0}, cannot: t.foreign}
	w.cannot = w.cannot || newlinesExclude(t.Root)
	w.node(t.Root)
	return w.String(), w.slots, !w.cannot
}

// newlinesExclude tells whether \R stands in one pattern with a byte type such as "." or \S. The library takes
// some of them to exclude \R (auto_possessify, autoposstab) although both match CR or NEL, and gives nothing back.
func newlinesExclude(root Node) bool {
	types, line := false, false
	Walk(root, func(n Node) bool {
		switch n := n.(type) {
		case *Any:
			types = true
		case *Class:
			types = types || !n.Bracket
		case *Newline:
			line = true
		}
		return true
	})
	return types && line
}

// either writes what a dialect needs; an empty text means that it cannot say it.
func (w *writer) either(forGo, forNet string) {
	s := forGo
	if w.dialect == netSyntax {
		s = forNet
	}
	if s == "" {
		w.cannot = true
	}
	w.WriteString(s)
}

func (w *writer) node(n Node) {
	switch n := n.(type) {
	case *Literal:
		for i := 0; i < len(n.Text); i++ {
			w.literal(n.Text[i], n.Caseless)
		}
	case *Any:
		if n.Newline {
			w.set(allBytes)
		} else {
			w.set(newlineSet.Not())
		}
	case *Class:
		w.cannot = w.cannot || n.unknown
		w.set(n.Set)
	case *Newline:
		w.lineEnd(n.Set)
	case *Grapheme:
		w.lineEnd(allBytes)
	case *Anchor:
		w.anchor(n.Kind)
	case *KeepOut:
		w.slots = append(w.slots, keepOut)
		w.either("()", "(?<"+strconv.Itoa(w.groups+1)+">)")
	case *Group:
		w.group(n)
	case *Concat:
		for _, part := range n.Parts {
			w.node(part)
		}
	case *Alternation:
		w.WriteString("(?:")
		w.body(n)
		w.WriteByte(')')
	case *Repeat:
		w.repeat(n)
	case *BackReference:
		w.backReference(n)
	case *Conditional:
		w.conditional(n)
	case *Verb:
		w.cannot = w.cannot || n.Name != "FAIL"
		w.set(ByteSet{})
	case *InlineFlags, *Callout:
	default: // Recursion
		w.cannot = true
	}
}

// body writes what stands between parentheses.
func (w *writer) body(n Node) {
	for i, b := range branches(n) {
		if i > 0 {
			w.WriteByte('|')
		}
		w.node(b)
	}
}

func (w *writer) char(c byte) {
	switch {
	case isLetter(c) || isDigit(c):
		w.WriteByte(c)
	case c < 0x80:
		fmt.Fprintf(w, `\x%02x`, c)
	case w.dialect == goSyntax:
		fmt.Fprintf(w, `\x{%02x}`, c)
	default:
		fmt.Fprintf(w, `\u%04x`, highRune+int(c))
	}
}

func (w *writer) literal(c byte, caseless bool) {
	if !caseless || !isLetter(c) {
		w.char(c)
		return
	}
	w.WriteByte('[')
	w.WriteByte(c &^ 0x20)
	w.WriteByte(c | 0x20)
	w.WriteByte(']')
}

func (w *writer) set(s ByteSet) {
	switch {
	case s == allBytes:
		w.WriteString("(?s:.)")
		return
	case s.Empty():
		w.either(`[^\x00-\x{10FFFF}]`, "(?!)")
		return
	}
	w.WriteByte('[')
	s.Ranges(func(lo, hi byte) {
		if lo < 0x80 && hi >= 0x80 {
			w.bounds(lo, 0x7f)
			lo = 0x80
		}
		w.bounds(lo, hi)
	})
	w.WriteByte(']')
}

func (w *writer) bounds(lo, hi byte) {
	w.char(lo)
	if hi > lo {
		w.WriteByte('-')
		w.char(hi)
	}
}

// lineEnd writes \R or \X: CR LF, not to be taken apart, or one byte.
func (w *writer) lineEnd(single ByteSet) {
	if w.noNewline {
		w.set(single)
		return
	}
	w.either("", `(?>\r\n|`)
	w.set(single)
	w.WriteByte(')')
}

func (w *writer) anchor(k AnchorKind) {
	if w.noNewline {
		switch k {
		case LineStart:
			k = SubjectStart
		case SubjectEndOrNewline, LineEnd:
			k = SubjectEnd
		}
	}
	const word = "[0-9A-Z_a-z]"
	switch k {
	case SubjectStart, SearchStart:
		w.WriteString(`\A`)
	case SubjectEnd:
		w.WriteString(`\z`)
	case LineStart:
		w.either("", `(?:\A|(?<=\n)(?!\z))`)
	case SubjectEndOrNewline:
		w.either("", `(?=\n?\z)`)
	case LineEnd:
		w.either("(?m:$)", `(?=\n|\z)`)
	case WordBoundary:
		w.either(`\b`, "(?:(?<="+word+")(?!"+word+")|(?<!"+word+")(?="+word+"))")
	case NotWordBoundary:
		w.either(`\B`, "(?:(?<="+word+")(?="+word+")|(?<!"+word+")(?!"+word+"))")
	}
}

func (w *writer) group(n *Group) {
	switch n.Kind {
	case Capturing:
		w.cannot = w.cannot || w.behind > 0 && w.repeats > 0 // right to left, the last round is another one
		w.slots = append(w.slots, n.Number)
		w.either("(", "(?<"+strconv.Itoa(n.Number)+">")
	case NonCapturing:
		w.WriteString("(?:")
	case BranchReset:
		w.either("", "(?:")
	case Atomic:
		w.cannot = w.cannot || onlyOptionalGroups(n.Body)
		w.either("", "(?>")
	case Lookahead:
		w.either("", "(?=")
	case NegativeLookahead:
		w.either("", "(?!")
	case Lookbehind:
		w.either("", "(?<=")
	case NegativeLookbehind:
		w.either("", "(?<!")
	default:
		w.cannot = true
	}
	if n.Kind == Atomic || n.Kind.IsLookaround() {
		w.atomic++
		defer func() { w.atomic-- }()
	}
	behind, repeats := w.behind, w.repeats
	if n.Kind.IsLookbehind() {
		w.behind++
		w.repeats = 0
	} else if n.Kind.IsLookaround() {
		w.behind = 0
	}
	if n.Kind == Capturing {
		w.open = append(w.open, n.Number)
		defer func() { w.open = w.open[:len(w.open)-1] }()
	}
	w.body(n.Body)
	w.behind, w.repeats = behind, repeats
	w.WriteByte(')')
}

func (w *writer) repeat(n *Repeat) {
	empty := canBeEmpty(n.Body)
	if n.Max < 0 && empty && w.dialect == goSyntax {
		w.cannot = true // Go's engine settles empty rounds its own way
	}
	if _, ok := n.Body.(*Group); ok && (n.Max == 0 || n.Mode == Possessive && n.Min == 0 && n.Max > 0) {
		// The library still takes first bytes and anchors from a group that it skips (set_start_bits, is_anchored),
		// and lets a repeat before (…)?+ give nothing back (compare_opcodes at the end of an atomic group).
		w.cannot = true
	}
	w.WriteString("(?:")
	if n.Mode == Possessive {
		w.either("", "(?>")
		w.atomic++
		defer func() { w.atomic-- }()
	}
	w.repeats++
	lo, hi := n.Min, n.Max
	if empty && w.dialect == netSyntax && (hi > 1 || lo > 1) {
		w.unroll(n)
	} else {
		w.repeated(n.Body, n.Mode)
		w.count(lo, hi, n.Mode)
	}
	w.repeats--
	if n.Mode == Possessive {
		w.WriteByte(')')
	}
	w.WriteByte(')')
}

// unroll writes the rounds one by one, as the library compiles them: regexp2 ends a counted loop at its first
// empty round, the library only one without bound.
func (w *writer) unroll(n *Repeat) {
	const enough = 1 << 16 // bytes of translation
	copies := n.Min
	if n.Max < 0 {
		copies--
	}
	before := w.Len()
	for range copies {
		w.repeated(n.Body, Greedy)
		if w.Len() > enough {
			w.cannot = true
			return
		}
	}
	if n.Max < 0 {
		w.repeated(n.Body, n.Mode)
		w.count(1, -1, n.Mode)
		return
	}
	optional := n.Max - n.Min
	for range optional {
		w.WriteString("(?:")
		w.repeated(n.Body, Greedy)
		if w.Len() > enough || w.Len()-before > enough {
			w.cannot = true
			return
		}
	}
	for range optional {
		w.WriteByte(')')
		w.count(0, 1, n.Mode)
	}
}

// repeated writes what a quantifier is to follow.
func (w *writer) repeated(n Node, mode RepeatMode) {
	if w.dialect == netSyntax && (loops(n) || mode == Lazy && w.atomic > 0) {
		// regexp2 would merge the loops, which loses what must not be given back and the order of rounds, and
		// goes wrong with a lazy loop in an atomic group; a capture keeps its optimiser away.
		fmt.Fprintf(w, "(?<%d>", w.groups+2)
	} else if l, ok := n.(*Literal); ok && len(l.Text) == 1 {
		w.node(l)
		return
	} else {
		w.WriteString("(?:")
	}
	w.node(n)
	w.WriteByte(')')
}

// loops tells whether a node is or begins with something that regexp2 may merge with a quantifier around it.
func loops(n Node) bool {
	switch n := n.(type) {
	case *Group:
		return n.Kind == Atomic || n.Kind != Capturing && loops(n.Body)
	case *Repeat:
		return true
	case *Concat:
		for _, part := range n.Parts {
			if loops(part) {
				return true
			}
		}
	}
	return false
}

// onlyOptionalGroups tells whether a branch of an atomic group may be passed over by skipping groups alone:
// there the library lets a repeat before it give nothing back, as for (…)?+.
func onlyOptionalGroups(body Node) bool {
	for _, b := range branches(body) {
		all := true
		for _, part := range partsOf(b) {
			r, ok := part.(*Repeat)
			if ok {
				_, ok = r.Body.(*Group)
			}
			all = all && ok && r.Min == 0
		}
		if all {
			return true
		}
	}
	return false
}

func (w *writer) count(lo, hi int, mode RepeatMode) {
	switch {
	case lo == 0 && hi < 0:
		w.WriteByte('*')
	case lo == 1 && hi < 0:
		w.WriteByte('+')
	case lo == 0 && hi == 1:
		w.WriteByte('?')
	case hi < 0:
		fmt.Fprintf(w, "{%d,}", lo)
	default:
		fmt.Fprintf(w, "{%d,%d}", lo, hi)
	}
	if mode == Lazy {
		w.WriteByte('?')
	}
}

func (w *writer) backReference(n *BackReference) {
	if w.dialect == goSyntax || w.behind > 0 || w.insideOf(n.Numbers) {
		w.cannot = true
		return
	}
	ref := func(number int) string {
		s := `\k<` + strconv.Itoa(number) + ">"
		if n.Caseless {
			s = "(?i:" + s + ")"
		}
		return s
	}
	text := ref(n.Numbers[len(n.Numbers)-1])
	for i := len(n.Numbers) - 2; i >= 0; i-- {
		text = fmt.Sprintf("(?(%d)%s|%s)", n.Numbers[i], ref(n.Numbers[i]), text)
	}
	w.WriteString(text)
}

// insideOf tells whether one of the groups is open: the library's study of such a pattern (find_minlength)
// asks for a longer subject than its matcher would need.
func (w *writer) insideOf(numbers []int) bool {
	for _, n := range numbers {
		if slices.Contains(w.open, n) {
			return true
		}
	}
	return false
}

func (w *writer) conditional(n *Conditional) {
	no := n.No
	if no == nil {
		no = &Concat{}
	}
	switch n.Kind {
	case Define:
		// The groups inside are there to be called, which is not supported; they never capture.
		return
	case VersionCheck:
		w.cannot = true
	case InRecursion:
		w.WriteString("(?:") // never inside a recursion here: those are not supported
		w.node(no)
		w.WriteByte(')')
	case GroupIsSet:
		if w.dialect == goSyntax || w.behind > 0 || len(n.Numbers) != 1 {
			w.cannot = true
			return
		}
		fmt.Fprintf(w, "(?(%d)(?:", n.Numbers[0])
		w.node(n.Yes)
		w.WriteString(")|(?:")
		w.node(no)
		w.WriteString("))")
	case Assertion:
		w.assertion(n.Test, n.Yes, no)
	}
}

// assertion writes a choice by look-around as two guarded branches.
func (w *writer) assertion(test *Group, yes, no Node) {
	captures := false
	Walk(test, func(n Node) bool {
		g, ok := n.(*Group)
		captures = captures || ok && g.Kind == Capturing
		return true
	})
	if captures || w.behind > 0 || w.dialect == goSyntax {
		w.cannot = true
		return
	}
	opposite := *test
	switch test.Kind {
	case Lookahead:
		opposite.Kind = NegativeLookahead
	case NegativeLookahead:
		opposite.Kind = Lookahead
	case Lookbehind:
		opposite.Kind = NegativeLookbehind
	case NegativeLookbehind:
		opposite.Kind = Lookbehind
	}
	w.WriteString("(?:")
	w.group(test)
	w.WriteString("(?:")
	w.node(yes)
	w.WriteString(")|")
	w.group(&opposite)
	w.WriteString("(?:")
	w.node(no)
	w.WriteString("))")
}

// canBeEmpty tells whether a node may match without taking a byte; when in doubt it says so.
func canBeEmpty(n Node) bool {
	switch n := n.(type) {
	case *Literal:
		return n.Text == ""
	case *Any, *Class, *Newline, *Grapheme:
		return false
	case *Concat:
		for _, part := range n.Parts {
			if !canBeEmpty(part) {
				return false
			}
		}
		return true
	case *Alternation:
		for _, b := range n.Branches {
			if canBeEmpty(b) {
				return true
			}
		}
		return false
	case *Repeat:
		return n.Min == 0 || canBeEmpty(n.Body)
	case *Group:
		return n.Kind.IsLookaround() || canBeEmpty(n.Body)
	}
	return true
}
