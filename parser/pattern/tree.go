package pattern

import "rewright/parser/source"

// Node is one part of a pattern. The flags in force where it stands are resolved into it.
//
// Members: Literal, Any, Class, Newline, Grapheme, Anchor, KeepOut, Group, Concat, Alternation, Repeat,
// BackReference, Conditional, Recursion, InlineFlags, Verb, Callout (all as pointers).
type Node interface {
	// Span is where the node is written: byte offsets in the pattern's text. Spans nest.
	Span() source.Span
	node()
}

type place struct{ span source.Span }

func (p place) Span() source.Span { return p.span }
func (place) node()               {}

// Literal is a run of bytes that stand for themselves, escapes decoded.
type Literal struct {
	place
	Text     string
	Caseless bool // ASCII letters match in either case
}

// Any is one byte: ".", \N or \C.
type Any struct {
	place
	Newline bool // a newline matches too
}

// Class is one byte of a set: [a-z], \d, \p{Lu}.
type Class struct {
	place
	Set     ByteSet // the bytes that match: negation and case are worked in
	Negated bool    // written [^…], \D, \P…
	Bracket bool    // written with brackets
	unknown bool    // a property whose bytes are not known here
}

// Newline is \R: CR LF as one, or a single line-ending byte. It never gives back the LF of a CR LF.
type Newline struct {
	place
	Set ByteSet // the single bytes
}

// Grapheme is \X. Over single bytes: CR LF as one, or any byte.
type Grapheme struct{ place }

// AnchorKind says what an Anchor asks of the place it stands at.
type AnchorKind uint8

const (
	SubjectStart        AnchorKind = iota // \A, and ^ without (?m)
	LineStart                             // ^ with (?m): also after each newline that is not the last byte
	SubjectEnd                            // \z, and $ with DollarEndOnly
	SubjectEndOrNewline                   // \Z, and $: also before a newline that is the last byte
	LineEnd                               // $ with (?m): also before each newline
	WordBoundary                          // \b
	NotWordBoundary                       // \B
	SearchStart                           // \G: where the search began, here always offset 0
)

// Anchor matches a place and no bytes.
type Anchor struct {
	place
	Kind AnchorKind
}

// KeepOut is \K: the reported match starts here.
type KeepOut struct{ place }

// GroupKind says what parentheses do.
type GroupKind uint8

const (
	Capturing GroupKind = iota
	NonCapturing
	BranchReset // (?|…): each branch counts its groups from the same number
	Atomic
	Lookahead
	NegativeLookahead
	Lookbehind
	NegativeLookbehind
	NonAtomicLookahead
	NonAtomicLookbehind
	ScriptRun
	AtomicScriptRun
)

// Group is a parenthesised part.
type Group struct {
	place
	Kind   GroupKind
	Number int       // Capturing: from 1
	Name   string    // Capturing: "" when it has none
	Set    FlagsItem // NonCapturing: the flags in (?i:…)
	Body   Node

	offset int // lookbehind: where the library points when it refuses it
}

// IsLookaround tells whether the group matches a place and no bytes.
func (k GroupKind) IsLookaround() bool { return k >= Lookahead && k <= NonAtomicLookbehind }

// IsLookbehind tells whether the group looks to the left.
func (k GroupKind) IsLookbehind() bool {
	return k == Lookbehind || k == NegativeLookbehind || k == NonAtomicLookbehind
}

// Concat is parts one after another. No parts is the empty pattern.
type Concat struct {
	place
	Parts []Node
}

// Alternation is two branches or more, tried in order.
type Alternation struct {
	place
	Branches []Node
}

// RepeatMode is how a Repeat chooses its number of rounds.
type RepeatMode uint8

const (
	Greedy     RepeatMode = iota // as many as it can, gives back
	Lazy                         // as few as it can, takes more
	Possessive                   // as many as it can, gives nothing back
)

// Repeat is a quantified part.
type Repeat struct {
	place
	Body     Node
	Min, Max int // rounds; Max is -1 without bound, else at most 65535
	Mode     RepeatMode
}

// BackReference matches again what a group last captured; it fails when the group is unset.
type BackReference struct {
	place
	Numbers  []int  // the first of them that is set counts; more than one only for a shared name
	Name     string // "" when written by number
	Caseless bool

	number, offset int // as written and where the library points when there is no such group
}

// FlagsItem is an option setting as written.
type FlagsItem struct {
	Caret   bool // (?^…): i, m, n, s and x are cleared first
	On, Off Flags
}

// InlineFlags is (?i) and the like: the flags hold to the end of the group that it stands in.
type InlineFlags struct {
	place
	Set FlagsItem
}

// ConditionKind says what a Conditional asks.
type ConditionKind uint8

const (
	GroupIsSet   ConditionKind = iota // (?(1)…), (?(<name>)…)
	Assertion                         // (?(?=…)…)
	Define                            // (?(DEFINE)…): never run in place
	InRecursion                       // (?(R)…), (?(R1)…), (?(R&name)…)
	VersionCheck                      // (?(VERSION>=10.4)…)
)

// Conditional is (?(condition)yes|no).
type Conditional struct {
	place
	Kind    ConditionKind
	Numbers []int    // GroupIsSet: true when any is set
	Name    string   // GroupIsSet, InRecursion: as written
	Test    *Group   // Assertion
	Callout *Callout // Assertion: nil without (?C) before it
	Holds   bool     // VersionCheck: the answer for PCRE2 10.42
	Yes     Node
	No      Node // nil when there is no second branch

	number, offset  int
	byName, recName bool
	version         string
	extra           []Node // branches beyond the second: refused, but only after what is in them
	head            source.Span
}

// Recursion is (?R), (?1), (?&name), \g<1>: the group's pattern, run again here.
type Recursion struct {
	place
	Number int // 0 is the whole pattern
	Name   string

	offset int
}

// Verb is (*FAIL), (*ACCEPT), (*COMMIT), (*SKIP:name) and so on.
type Verb struct {
	place
	Name string // in full: "FAIL" for (*F), "MARK" for (*:name)
	Arg  string
}

// Callout is (?C…). The servers set no callout function, so it does nothing.
type Callout struct {
	place
	Arg string
}

// children gives the parts of a node in the order they are written.
func children(n Node) []Node {
	switch n := n.(type) {
	case *Concat:
		return n.Parts
	case *Alternation:
		return n.Branches
	case *Repeat:
		return []Node{n.Body}
	case *Group:
		return []Node{n.Body}
	case *Conditional:
		var c []Node
		if n.Callout != nil {
			c = append(c, n.Callout)
		}
		if n.Test != nil {
			c = append(c, n.Test)
		}
		c = append(c, n.Yes)
		if n.No != nil {
			c = append(c, n.No)
		}
		return append(c, n.extra...)
	}
	return nil
}

// Walk calls f for n and all it holds, parents first, in the order written; f answers whether to go deeper.
func Walk(n Node, f func(Node) bool) {
	if n == nil || !f(n) {
		return
	}
	for _, c := range children(n) {
		Walk(c, f)
	}
}
