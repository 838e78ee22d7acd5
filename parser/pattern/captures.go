package pattern

// Captured is what a group may hold when the whole pattern has matched a subject of a given set.
type Captured struct {
	Language // the empty text included when the group may be unset: servers expand an unset group to nothing
	// Exact is set when every word of the language is really captured for some subject. Otherwise the language may be
	// too large, never too small: which of several ways a search takes is not looked into.
	Exact bool
	Unset bool // a match may leave the group unset; false: it never does
}

// Capture tells what group n holds after the tree has matched a subject of the set. ok is false when the tree
// has constructs whose captures are not followed (recursion, conditionals on groups, verbs), or no such group.
func (s *Space) Capture(t *Tree, n int, subjects Language) (c Captured, ok bool) {
	if t.foreign || t.utf || n < 0 || n > t.Groups {
		return Captured{}, false
	}
	hard, kept := false, false
	var targets []*Group
	Walk(t.Root, func(node Node) bool {
		switch node := node.(type) {
		case *Recursion, *Conditional:
			hard = true
		case *Verb:
			hard = hard || node.Name != "FAIL"
		case *KeepOut:
			kept = true
		case *Group:
			if node.Kind == Capturing && node.Number == n {
				targets = append(targets, node)
			}
		}
		return !hard
	})
	if n == 0 && !hard && !kept {
		targets = []*Group{{Kind: Capturing, Body: t.Root}}
	}
	if hard || len(targets) == 0 {
		return Captured{}, false
	}
	var parts []*expr
	c = Captured{Exact: true}
	for _, target := range targets {
		d := descent{s: s, target: target, subjects: subjects.e, exact: true}
		var root Node = t.Root
		if n == 0 {
			root = target
		}
		parts = append(parts, d.enter(root, spot{e: subjects.e, fresh: true}, nil))
		c.Exact = c.Exact && d.exact
		c.Unset = c.Unset || d.unset
	}
	if len(targets) > 1 { // a branch reset: the others leave the number to one of them
		c.Exact = false
	}
	if c.Unset {
		parts = append(parts, s.epsilon)
	}
	c.e = s.or(parts...)
	return c, !s.exhausted()
}

// descent goes from the root of a tree to one group.
type descent struct {
	s            *Space
	target       *Group
	subjects     *expr
	exact, unset bool
}

// spot is what may stand from a place to the end of the subject.
type spot struct {
	e      *expr
	fresh  bool // nothing was matched yet, and where the match begins is still open
	loose  bool // what stands before the place is not of one length, so that there may be several ways to it
	inside bool // in a repeated part
}

// enter gives what the target holds when n, which holds it, stands at a place and the parts of next follow, the
// nearest one last.
func (d *descent) enter(n Node, at spot, next []Node) *expr {
	switch n := n.(type) {
	case *Group:
		if n.Kind.IsLookaround() || n.Kind == ScriptRun || n.Kind == AtomicScriptRun {
			d.exact, d.unset = false, true
			return d.s.relaxed(d.target.Body)
		}
		if n == d.target {
			return d.held(at, next)
		}
		if n.Kind == Atomic {
			d.exact = false
		}
		return d.enter(n.Body, at, next)
	case *Concat:
		for i, p := range n.Parts {
			if !d.holds(p) {
				at = d.pass(p, at)
				continue
			}
			for j := len(n.Parts) - 1; j > i; j-- {
				next = append(next[:len(next):len(next)], n.Parts[j])
			}
			return d.enter(p, at, next)
		}
	case *Alternation:
		d.unset, d.exact = true, false
		for _, b := range n.Branches {
			if d.holds(b) {
				return d.enter(b, at, next)
			}
		}
	case *Repeat:
		if n.Max == 0 {
			return d.s.empty
		}
		d.unset = d.unset || n.Min == 0
		if n.Max != 1 || n.Mode == Possessive {
			d.exact = false
		}
		if n.Max != 1 { // earlier rounds stand before it, and later ones leave it unset or overwrite it
			at = d.settle(at)
			at.e = d.s.after(d.s.star(d.s.relaxed(n.Body)), at.e)
			at.loose = true
		} else if n.Min == 0 {
			at.loose = true
		}
		return d.enter(n.Body, at, next)
	}
	d.exact = false
	return d.s.relaxed(d.target.Body)
}

func (d *descent) holds(n Node) bool {
	found := false
	Walk(n, func(n Node) bool {
		found = found || n == Node(d.target)
		return !found
	})
	return found
}

// settle fixes where the match begins: at any place, when no anchor has said otherwise.
func (d *descent) settle(at spot) spot {
	if at.fresh {
		at.fresh = false
		if at.e != d.s.all {
			at.e = d.s.after(d.s.all, at.e)
		}
		at.loose = true
	}
	return at
}

// pass is the place behind a part that comes before the target.
func (d *descent) pass(n Node, at spot) spot {
	switch n := n.(type) {
	case *InlineFlags, *KeepOut, *Callout:
		return at
	case *Anchor:
		if at.fresh && (n.Kind == SubjectStart || n.Kind == SearchStart) {
			at.fresh = false
			return at
		}
		d.exact = false
		return d.settle(at)
	case *Group:
		switch n.Kind {
		case Lookahead, NegativeLookahead:
			if at.fresh && !d.exact {
				return at
			}
			fresh := at.fresh
			r := reader{s: d.s}
			ahead := r.read(n.Body, r.each(func(context) *expr { return d.s.all }))
			if r.unknown || !ahead.uniform() || fresh {
				d.exact = false
				return d.settle(at)
			}
			if n.Kind == Lookahead {
				at.e = d.s.and(at.e, ahead[afterOther])
			} else {
				at.e = d.s.and(at.e, d.s.not(ahead[afterOther]))
			}
			return at
		case Lookbehind, NegativeLookbehind, NonAtomicLookahead, NonAtomicLookbehind:
			d.exact = false
			return d.settle(at)
		case Capturing, NonCapturing:
			if !at.fresh || !isRegular(n.Body) {
				break
			}
		}
	}
	if c, ok := n.(*Concat); ok {
		for _, p := range c.Parts {
			at = d.pass(p, at)
		}
		return at
	}
	at = d.settle(at)
	if length(n) < 0 {
		at.loose = true
	}
	if !isRegular(n) {
		d.exact = false
	}
	at.e = d.s.after(d.s.relaxed(n), at.e)
	return at
}

// held is what the target holds at a place with parts behind it.
func (d *descent) held(at spot, next []Node) *expr {
	s := d.s
	at = d.settle(at)
	body := s.relaxed(d.target.Body)
	if !isRegular(d.target.Body) {
		d.exact = false
	}
	// What may follow the group, whatever stands to its left.
	r := reader{s: s}
	follow := r.each(func(context) *expr { return s.all })
	ends, fixed := false, true
	for _, n := range next {
		follow = r.read(n, follow)
	}
	rest := s.or(follow[:]...)
	for i := len(next) - 1; i >= 0; i-- {
		switch n := next[i].(type) {
		case *Anchor:
			ends = ends || n.Kind == SubjectEnd || n.Kind == SubjectEndOrNewline && s.withoutNewline(body)
		case *InlineFlags:
		default:
			fixed = fixed && length(n) >= 0 && isRegular(n)
		}
	}
	if r.unknown {
		rest = s.all
		d.exact = false
		for _, n := range next {
			rest = s.concat(s.relaxed(n), rest)
		}
	}
	if !ends || !fixed || at.loose {
		d.exact = d.exact && length(d.target.Body) >= 0 && fixed && !at.loose
	}
	out := s.and(body, s.before(at.e, rest))
	if s.exhausted() {
		d.exact = false
		return body
	}
	return out
}

// withoutNewline tells whether no word of e ends with a newline.
func (s *Space) withoutNewline(e *expr) bool {
	_, some, known := s.Shortest(Language{s.and(e, s.concat(s.all, s.bytes(newlineSet)))})
	return known && !some
}

// length is the number of bytes that every match of a node takes, -1 when they differ or it is not told.
func length(n Node) int {
	switch n := n.(type) {
	case *Literal:
		return len(n.Text)
	case *Any, *Class:
		return 1
	case *InlineFlags, *KeepOut, *Callout, *Anchor:
		return 0
	case *Group:
		if n.Kind.IsLookaround() {
			return 0
		}
		return length(n.Body)
	case *Concat:
		sum := 0
		for _, p := range n.Parts {
			k := length(p)
			if k < 0 {
				return -1
			}
			sum += k
		}
		return sum
	case *Alternation:
		k := length(n.Branches[0])
		for _, b := range n.Branches[1:] {
			if length(b) != k {
				return -1
			}
		}
		return k
	case *Repeat:
		if k := length(n.Body); n.Min == n.Max && k >= 0 {
			return k * n.Min
		}
	}
	return -1
}

// relaxed is a set that holds every text a node can match, whatever stands around it: anchors and looks to either
// side are taken as fulfilled.
func (s *Space) relaxed(n Node) *expr {
	if s.exhausted() {
		return s.all
	}
	switch n := n.(type) {
	case *Literal:
		e := s.epsilon
		for i := len(n.Text) - 1; i >= 0; i-- {
			var set ByteSet
			set.Add(n.Text[i])
			if n.Caseless {
				set = set.foldCase()
			}
			e = s.concat(s.bytes(set), e)
		}
		return e
	case *Any, *Class:
		set, ok := singleByte(n)
		if !ok {
			set = allBytes
		}
		return s.bytes(set)
	case *Newline:
		return s.or(s.bytes(n.Set), s.Text("\r\n").e)
	case *Grapheme:
		return s.or(s.bytes(allBytes), s.Text("\r\n").e)
	case *Concat:
		e := s.epsilon
		for i := len(n.Parts) - 1; i >= 0; i-- {
			e = s.concat(s.relaxed(n.Parts[i]), e)
		}
		return e
	case *Alternation:
		parts := make([]*expr, len(n.Branches))
		for i, b := range n.Branches {
			parts[i] = s.relaxed(b)
		}
		return s.or(parts...)
	case *Group:
		if n.Kind.IsLookaround() {
			return s.epsilon
		}
		return s.relaxed(n.Body)
	case *Repeat:
		body := s.relaxed(n.Body)
		if n.Max > maxCopies || n.Min > maxCopies {
			return s.star(body)
		}
		e := s.epsilon
		if n.Max < 0 {
			e = s.star(body)
		} else {
			for range n.Max - n.Min {
				e = s.or(s.epsilon, s.concat(body, e))
			}
		}
		for range n.Min {
			e = s.concat(body, e)
		}
		return e
	case *BackReference, *Conditional, *Recursion:
		return s.all
	}
	return s.epsilon
}

// isRegular tells whether the words a node matches are just those of its relaxed set, whatever stands around it.
func isRegular(n Node) bool {
	regular := isPure(n)
	Walk(n, func(n Node) bool {
		switch n := n.(type) {
		case *Newline, *Grapheme, *BackReference, *Conditional, *Recursion, *Verb:
			regular = false
		case *Class:
			regular = regular && !n.unknown
		case *Repeat:
			regular = regular && n.Mode != Possessive && n.Max <= maxCopies && n.Min <= maxCopies
		}
		return regular
	})
	return regular
}

// Words is a set that holds every text a node can match, whatever stands around it: anchors and looks to either side are
// taken as fulfilled, so it may be too large.
func (s *Space) Words(n Node) Language { return Language{s.relaxed(n)} }
