package pattern

// A walk matches a pattern in one pass from the start of the subject, without an engine and without ever
// going back. Patterns of rules are mostly of this kind: ^blog/(\d+)/?$. It takes anchored sequences of bytes,
// sets and greedy runs of a set, where what may follow a run cannot begin with a byte of the run.
type walk struct {
	steps []step
	slots int // two for each group, group 0 included
}

// maxSlots bounds the groups of a walk; more go to an engine.
const maxSlots = 20

type stepKind uint8

const (
	stepText  stepKind = iota // the bytes of text
	stepRun                   // lo to hi bytes of set, as many as there are
	stepOpen                  // slot is set to the place
	stepEnd                   // the end of the subject
	stepEndNL                 // the end, or before a newline that ends it
)

type step struct {
	kind     stepKind
	caseless bool
	text     string // lower case when caseless
	set      ByteSet
	lo, hi   int // hi is -1 without bound
	slot     int
}

// walkOf makes a walk of a tree, or nil when the tree is not of the kind.
func walkOf(t *Tree) *walk {
	parts := partsOf(t.Root)
	if t.foreign || t.utf || len(parts) == 0 || 2*(t.Groups+1) > maxSlots {
		return nil
	}
	a, ok := parts[0].(*Anchor)
	if !ok || a.Kind != SubjectStart && a.Kind != SearchStart {
		return nil
	}
	w := &walk{slots: 2 * (t.Groups + 1)}
	for _, part := range parts[1:] {
		if !w.add(part) {
			return nil
		}
	}
	if !w.neverGoesBack() {
		return nil
	}
	return w
}

func (w *walk) add(n Node) bool {
	switch n := n.(type) {
	case *Literal:
		s := step{kind: stepText, text: n.Text, caseless: n.Caseless}
		if n.Caseless {
			s.text = lower(n.Text)
		}
		w.steps = append(w.steps, s)
	case *Any, *Class:
		set, ok := singleByte(n)
		w.steps = append(w.steps, step{kind: stepRun, set: set, lo: 1, hi: 1})
		return ok
	case *Repeat:
		set, ok := singleByte(n.Body)
		w.steps = append(w.steps, step{kind: stepRun, set: set, lo: n.Min, hi: n.Max})
		return ok && (n.Mode != Lazy || n.Min == n.Max)
	case *Anchor:
		switch n.Kind {
		case SubjectEnd:
			w.steps = append(w.steps, step{kind: stepEnd})
		case SubjectEndOrNewline:
			w.steps = append(w.steps, step{kind: stepEndNL})
		default:
			return false
		}
	case *InlineFlags:
	case *Concat:
		for _, part := range n.Parts {
			if !w.add(part) {
				return false
			}
		}
	case *Group:
		switch n.Kind {
		case NonCapturing:
			return w.add(n.Body)
		case Capturing:
			w.steps = append(w.steps, step{kind: stepOpen, slot: 2 * n.Number})
			ok := w.add(n.Body)
			w.steps = append(w.steps, step{kind: stepOpen, slot: 2*n.Number + 1})
			return ok
		}
		return false
	default:
		return false
	}
	return true
}

// singleByte is the set of a node that matches exactly one byte.
func singleByte(n Node) (ByteSet, bool) {
	switch n := inner(n).(type) {
	case *Literal:
		if len(n.Text) == 1 {
			var s ByteSet
			s.Add(n.Text[0])
			if n.Caseless {
				s = s.foldCase()
			}
			return s, true
		}
	case *Any:
		if n.Newline {
			return allBytes, true
		}
		return newlineSet.Not(), true
	case *Class:
		return n.Set, !n.unknown
	}
	return ByteSet{}, false
}

// neverGoesBack tells whether each run may keep all that it takes: no step that may come next begins with a
// byte of its set. At an end anchor nothing is left to give: a shorter run would only stand further from it,
// except before a newline that the run itself could take, and there the run reaches the very end.
func (w *walk) neverGoesBack() bool {
	for i, s := range w.steps {
		if s.kind != stepRun || s.lo == s.hi {
			continue
		}
	follow:
		for _, next := range w.steps[i+1:] {
			switch next.kind {
			case stepEnd, stepEndNL:
				break follow
			case stepText:
				c := next.text[0]
				if s.set.Has(c) || next.caseless && isLetter(c) && s.set.Has(c&^0x20) {
					return false
				}
				break follow
			case stepRun:
				if next.hi == 0 {
					continue
				}
				if !s.set.And(next.set).Empty() {
					return false
				}
				if next.lo > 0 {
					break follow
				}
			}
		}
	}
	return true
}

// run walks over a subject and fills the slots; those of groups that take no part stay as they are.
func (w *walk) run(subject string, slots *[maxSlots]int) bool {
	at := 0
	for i := range w.steps {
		s := &w.steps[i]
		switch s.kind {
		case stepText:
			end := at + len(s.text)
			if end > len(subject) || !sameText(subject[at:end], s.text, s.caseless) {
				return false
			}
			at = end
		case stepRun:
			limit := len(subject)
			if s.hi >= 0 && s.hi < limit-at {
				limit = at + s.hi
			}
			from := at
			for at < limit && s.set.Has(subject[at]) {
				at++
			}
			if at-from < s.lo {
				return false
			}
		case stepOpen:
			slots[s.slot] = at
		case stepEnd:
			if at != len(subject) {
				return false
			}
		case stepEndNL:
			if at != len(subject) && !(at == len(subject)-1 && subject[at] == '\n') {
				return false
			}
		}
	}
	slots[0], slots[1] = 0, at
	return true
}

func sameText(s, want string, caseless bool) bool {
	if !caseless {
		return s == want
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != want[i] {
			return false
		}
	}
	return true
}
