package pattern

// What can be told of a pattern from its shape, without a Space: enough for indexes over many rules.

// Exact is the one subject a pattern such as ^old/page$ matches; ok is false when it is not of that shape.
// Where "$" stands before a final newline too (nginx), the subject with a newline behind it is matched as well.
func (t *Tree) Exact() (text string, caseless, ok bool) {
	var s shape
	if t.known != nil {
		s = t.known.shape
	} else {
		s = shapeOf(t)
	}
	return s.literal, s.caseless, s.whole && s.atStart && s.atEnd
}

// Anchored tells whether every match begins at the start of the subject. False: not shown.
func (t *Tree) Anchored() bool { return !t.foreign && beginsAtStart(t.Root) }

func beginsAtStart(n Node) bool {
	switch n := n.(type) {
	case *Anchor:
		return n.Kind == SubjectStart || n.Kind == SearchStart
	case *Concat:
		for _, p := range n.Parts {
			if beginsAtStart(p) {
				return true
			}
			if !isNothing(p) && !isLookahead(p) {
				return false
			}
		}
	case *Group:
		return (n.Kind == Capturing || n.Kind == NonCapturing || n.Kind == BranchReset || n.Kind == Atomic) && beginsAtStart(n.Body)
	case *Alternation:
		for _, b := range n.Branches {
			if !beginsAtStart(b) {
				return false
			}
		}
		return true
	}
	return false
}

func isLookahead(n Node) bool {
	g, ok := n.(*Group)
	return ok && (g.Kind == Lookahead || g.Kind == NegativeLookahead)
}

// Prefix is text that every subject begins with that the pattern matches; empty when none is known. Letters are
// lower case when caseless.
func (t *Tree) Prefix() (text string, caseless bool) {
	if t.known != nil {
		return t.known.prefix, t.known.prefixCaseless
	}
	return t.prefixOf()
}

func (t *Tree) prefixOf() (text string, caseless bool) {
	if t.foreign || t.utf || !t.Anchored() {
		return "", false
	}
	for _, r := range literalsOf(t.Root) {
		if r.first {
			return r.text, r.caseless
		}
	}
	return "", false
}

// Required is the longest text that every subject contains that the pattern matches; empty when none is known.
// Letters are lower case when caseless.
func (t *Tree) Required() (text string, caseless bool) {
	if t.foreign || t.utf {
		return "", false
	}
	for _, r := range literalsOf(t.Root) {
		if len(r.text) > len(text) {
			text, caseless = r.text, r.caseless
		}
	}
	return text, caseless
}

// Inner is the longest text, of those that do not stand where every match begins, that every subject contains with its letters in
// the very case; empty when none is known.
func (t *Tree) Inner() (text string) {
	if t.foreign || t.utf {
		return ""
	}
	for _, r := range literalsOf(t.Root) {
		if !r.first && !r.caseless && len(r.text) > len(text) {
			text = r.text
		}
	}
	return text
}

// Suffix is text that every subject ends with that the pattern matches; empty when none is known, or when a final
// newline may follow. Letters are lower case when caseless.
func (t *Tree) Suffix() (text string, caseless bool) {
	parts := partsOf(t.Root)
	if t.foreign || t.utf || len(parts) == 0 {
		return "", false
	}
	if a, ok := parts[len(parts)-1].(*Anchor); !ok || a.Kind != SubjectEnd {
		return "", false
	}
	for _, r := range literalsOf(&Concat{Parts: parts[:len(parts)-1]}) {
		if r.last {
			return r.text, r.caseless
		}
	}
	return "", false
}

// literalRun is a piece of literal text that every match has.
type literalRun struct {
	text        string
	caseless    bool
	first, last bool // nothing that takes bytes stands before it, or behind it
}

// literalsOf collects the literal runs that a match cannot do without, in order.
func literalsOf(root Node) []literalRun {
	var runs []literalRun
	open, begun := false, false // open: the last run goes on
	cut := func() {
		open, begun = false, true
		if n := len(runs); n > 0 {
			runs[n-1].last = false
		}
	}
	var walk func(n Node) bool
	walk = func(n Node) bool { // false: nothing is certain from here on
		switch n := n.(type) {
		case *Literal:
			text := n.Text
			if n.Caseless {
				text = lower(text)
			}
			if k := len(runs); open && (runs[k-1].caseless == n.Caseless) {
				runs[k-1].text += text
				return true
			}
			if k := len(runs); k > 0 {
				runs[k-1].last = false
			}
			runs = append(runs, literalRun{text, n.Caseless, !begun, true})
			open, begun = true, true
		case *Concat:
			for _, p := range n.Parts {
				if !walk(p) {
					return false
				}
			}
		case *Group:
			switch n.Kind {
			case Capturing, NonCapturing, Atomic:
				return walk(n.Body)
			}
			if !n.Kind.IsLookaround() {
				cut()
			}
		case *Repeat:
			if n.Max == 0 {
				return true
			}
			if n.Min == 0 {
				cut()
				return true
			}
			if n.Min == 1 && n.Max == 1 {
				return walk(n.Body)
			}
			if !walk(n.Body) {
				return false
			}
			open = false
			if k := len(runs); k > 0 {
				runs[k-1].last = false
			}
		case *Anchor, *InlineFlags, *KeepOut, *Callout:
		case *Verb:
			cut()
			return n.Name == "FAIL"
		default:
			cut()
		}
		return true
	}
	if !walk(root) {
		for i := range runs {
			runs[i].last = false
		}
	}
	for i := range runs { // what the last flag says holds only behind the last run
		runs[i].last = runs[i].last && i == len(runs)-1
	}
	return runs
}

// Branches are the alternatives at the top of a pattern; one when there is no "|" there. Groups around the whole are
// looked into: ^(a|b)$ has one.
func (t *Tree) Branches() []Node {
	if a, ok := t.Root.(*Alternation); ok {
		return a.Branches
	}
	return []Node{t.Root}
}

// MatchesEverything tells whether the pattern matches every subject, newlines included: "", ^, .*, ^(.*)$ with
// DotAll. False: not shown.
func (t *Tree) MatchesEverything() bool {
	if t.foreign || t.utf {
		return false
	}
	for _, b := range t.Branches() {
		at := placeStart
		if takesAny(b, &at) {
			return true
		}
	}
	return false
}

// where a match may be that has so far fitted every subject.
type placeInSubject uint8

const (
	placeStart placeInSubject = iota
	placeAny
	placeEnd
)

func takesAny(n Node, at *placeInSubject) bool {
	switch n := n.(type) {
	case *Literal:
		return n.Text == ""
	case *InlineFlags, *KeepOut, *Callout:
		return true
	case *Concat:
		for _, p := range n.Parts {
			if !takesAny(p, at) {
				return false
			}
		}
		return true
	case *Group:
		return (n.Kind == Capturing || n.Kind == NonCapturing) && takesAny(n.Body, at)
	case *Alternation:
		for _, b := range n.Branches {
			if here := *at; takesAny(b, &here) {
				*at = here
				return true
			}
		}
	case *Repeat:
		if n.Mode == Possessive {
			return false
		}
		if set, ok := singleByte(n.Body); ok && set == allBytes && n.Min == 0 && n.Max < 0 {
			if *at == placeStart {
				*at = placeAny
			}
			return true
		}
		return n.Min == 0
	case *Anchor:
		switch n.Kind {
		case SubjectStart, SearchStart:
			if *at == placeEnd {
				return false
			}
			*at = placeStart
			return true
		case SubjectEnd, SubjectEndOrNewline:
			if *at == placeStart {
				return false
			}
			*at = placeEnd
			return true
		}
	}
	return false
}
