package pattern

import (
	"encoding/binary"
	"slices"
)

// A Space reasons about sets of subjects: which subjects does a pattern match, does every one that this pattern
// matches match that one too, and if not, what is the shortest that does not. Languages belong to the Space that
// made them. A Space is not for use by several goroutines at once.
//
// It works with derivatives of regular expressions (Brzozowski 1964), which stay small under intersection and
// complement, so look-ahead is at home in it. Where a pattern goes beyond (look-behind, back references, atomic
// groups that matter) or the budget ends, the answer is "unknown", never a guess.
type Space struct {
	budget  int
	known   map[string]*expr
	derived map[derivation]*expr

	reversed map[*expr]*expr // nil until asked for

	empty, epsilon, all *expr
}

// Language is a set of subjects. The zero value belongs to no Space.
type Language struct{ e *expr }

type derivation struct {
	e *expr
	c byte
}

type exprKind uint8

const (
	exprEmpty exprKind = iota
	exprEpsilon
	exprSet
	exprConcat // two kids
	exprStar
	exprOr
	exprAnd
	exprNot
)

// expr is one regular expression with complement and intersection; equal ones are the same pointer.
type expr struct {
	id       uint32
	kind     exprKind
	nullable bool // the empty subject belongs to it
	set      ByteSet
	kids     []*expr
	classes  []ByteSet // bytes of one class have the same derivative; nil until asked for
	reps     []byte    // one of each class, the nicest first; nil until asked for
}

// NewSpace makes a Space; budget bounds the expressions and derivatives it may hold,
// some hundred bytes each.
func NewSpace(budget int) *Space {
	s := &Space{budget: budget, known: make(map[string]*expr), derived: make(map[derivation]*expr)}
	s.empty = s.intern(exprEmpty, ByteSet{}, nil, false)
	s.epsilon = s.intern(exprEpsilon, ByteSet{}, nil, true)
	s.all = s.intern(exprStar, ByteSet{}, []*expr{s.intern(exprSet, allBytes, nil, false)}, true)
	return s
}

// Size is how many expressions and derivatives are held: a measure of the work done so far.
func (s *Space) Size() int { return len(s.known) + len(s.derived) + len(s.reversed) }

// exhausted tells whether the budget is spent; from then on answers are unknown.
func (s *Space) exhausted() bool { return s.Size() > s.budget }

func (s *Space) intern(kind exprKind, set ByteSet, kids []*expr, nullable bool) *expr {
	var buffer [64]byte
	k := append(buffer[:0], byte(kind))
	if kind == exprSet {
		for _, w := range set {
			k = binary.LittleEndian.AppendUint64(k, w)
		}
	}
	for _, kid := range kids {
		k = binary.LittleEndian.AppendUint32(k, kid.id)
	}
	if e, ok := s.known[string(k)]; ok {
		return e
	}
	e := &expr{id: uint32(len(s.known)), kind: kind, nullable: nullable, set: set, kids: kids}
	s.known[string(k)] = e
	return e
}

func (s *Space) bytes(set ByteSet) *expr {
	if set.Empty() {
		return s.empty
	}
	return s.intern(exprSet, set, nil, false)
}

func (s *Space) concat(a, b *expr) *expr {
	switch {
	case a == s.empty || b == s.empty:
		return s.empty
	case a == s.epsilon:
		return b
	case b == s.epsilon:
		return a
	case a == s.all && b == s.all:
		return a
	case a.kind == exprConcat:
		return s.concat(a.kids[0], s.concat(a.kids[1], b))
	case a == s.all && b.kind == exprConcat && b.kids[0] == s.all:
		return b
	}
	return s.intern(exprConcat, ByteSet{}, []*expr{a, b}, a.nullable && b.nullable)
}

func (s *Space) star(a *expr) *expr {
	if a == s.empty || a == s.epsilon {
		return s.epsilon
	}
	if a.kind == exprStar {
		return a
	}
	return s.intern(exprStar, ByteSet{}, []*expr{a}, true)
}

func (s *Space) not(a *expr) *expr {
	switch {
	case a.kind == exprNot:
		return a.kids[0]
	case a == s.empty:
		return s.all
	case a == s.all:
		return s.empty
	}
	return s.intern(exprNot, ByteSet{}, []*expr{a}, !a.nullable)
}

// gather flattens, sorts and makes unique what is joined by or (and), and answers early where one part decides.
func (s *Space) gather(kind exprKind, parts []*expr, neutral, decisive *expr) *expr {
	var kids []*expr
	for _, p := range parts {
		if p.kind == kind {
			kids = append(kids, p.kids...)
		} else {
			kids = append(kids, p)
		}
	}
	var set ByteSet
	single := false
	out := kids[:0]
	for _, k := range kids {
		switch {
		case k == decisive:
			return decisive
		case k == neutral:
		case k.kind == exprSet && kind == exprOr:
			set, single = set.Or(k.set), true
		case k.kind == exprSet && !single:
			set, single = k.set, true
		case k.kind == exprSet:
			set = set.And(k.set)
		default:
			out = append(out, k)
		}
	}
	if single {
		if set.Empty() {
			return s.empty // only by intersection
		}
		out = append(out, s.bytes(set))
	}
	slices.SortFunc(out, func(a, b *expr) int { return int(a.id) - int(b.id) })
	out = slices.Compact(out)
	for _, k := range out {
		if k.kind == exprNot && slices.Contains(out, k.kids[0]) {
			return decisive
		}
	}
	switch len(out) {
	case 0:
		return neutral
	case 1:
		return out[0]
	}
	nullable := kind == exprAnd
	for _, k := range out {
		if k.nullable != nullable {
			nullable = !nullable
			break
		}
	}
	return s.intern(kind, ByteSet{}, slices.Clone(out), nullable)
}

func (s *Space) or(parts ...*expr) *expr  { return s.gather(exprOr, parts, s.empty, s.all) }
func (s *Space) and(parts ...*expr) *expr { return s.gather(exprAnd, parts, s.all, s.empty) }

// derive is the set of what may follow c.
func (s *Space) derive(e *expr, c byte) *expr {
	switch e.kind {
	case exprEmpty, exprEpsilon:
		return s.empty
	case exprSet:
		if e.set.Has(c) {
			return s.epsilon
		}
		return s.empty
	}
	if e == s.all {
		return e
	}
	k := derivation{e, c}
	if d, ok := s.derived[k]; ok {
		return d
	}
	var d *expr
	switch e.kind {
	case exprConcat:
		d = s.concat(s.derive(e.kids[0], c), e.kids[1])
		if e.kids[0].nullable {
			d = s.or(d, s.derive(e.kids[1], c))
		}
	case exprStar:
		d = s.concat(s.derive(e.kids[0], c), e)
	case exprNot:
		d = s.not(s.derive(e.kids[0], c))
	default:
		kids := make([]*expr, len(e.kids))
		for i, kid := range e.kids {
			kids[i] = s.derive(kid, c)
		}
		if e.kind == exprOr {
			d = s.or(kids...)
		} else {
			d = s.and(kids...)
		}
	}
	s.derived[k] = d
	return d
}

var oneClass = []ByteSet{allBytes}

// partition splits the bytes so that those of one class have the same derivative.
func (e *expr) partition() []ByteSet {
	if e.classes != nil {
		return e.classes
	}
	classes := oneClass
	switch e.kind {
	case exprSet:
		classes = refine(classes, []ByteSet{e.set, e.set.Not()})
	case exprConcat:
		classes = e.kids[0].partition()
		if e.kids[0].nullable {
			classes = refine(classes, e.kids[1].partition())
		}
	default:
		for _, kid := range e.kids {
			classes = refine(classes, kid.partition())
		}
	}
	e.classes = classes
	return classes
}

func refine(a, b []ByteSet) []ByteSet {
	if len(a) == 1 {
		return b
	}
	if len(b) == 1 {
		return a
	}
	var out []ByteSet
	for _, x := range a {
		for _, y := range b {
			if z := x.And(y); !z.Empty() {
				out = append(out, z)
			}
		}
	}
	return out
}

// And is the set of subjects that belong to both.
func (s *Space) And(a, b Language) Language { return Language{s.and(a.e, b.e)} }

// Or is the set of subjects that belong to one or both.
func (s *Space) Or(a, b Language) Language { return Language{s.or(a.e, b.e)} }

// Not is the set of all other subjects.
func (s *Space) Not(a Language) Language { return Language{s.not(a.e)} }

// All is the set of all subjects.
func (s *Space) All() Language { return Language{s.all} }

// Text is the set that holds one subject.
func (s *Space) Text(subject string) Language {
	e := s.epsilon
	for i := len(subject) - 1; i >= 0; i-- {
		var set ByteSet
		set.Add(subject[i])
		e = s.concat(s.bytes(set), e)
	}
	return Language{e}
}

// Contains tells whether a subject belongs to a language; without known the budget ended.
func (s *Space) Contains(a Language, subject string) (yes, known bool) {
	e := a.e
	for i := 0; i < len(subject); i++ {
		if e = s.derive(e, subject[i]); s.exhausted() {
			return false, false
		}
	}
	return e.nullable, true
}

// nice orders the bytes for witnesses: those that people write in URLs come first.
var nice = func() (order [256]byte) {
	seen := ByteSet{}
	n := 0
	for _, r := range "abcdefghijklmnopqrstuvwxyz0123456789/-_.ABCDEFGHIJKLMNOPQRSTUVWXYZ=&,:;~!@+*()'$%?# \"<>[]\\^`{|}" {
		order[n] = byte(r)
		seen.Add(byte(r))
		n++
	}
	for c := 0; c < 256; c++ {
		if !seen.Has(byte(c)) {
			order[n] = byte(c)
			n++
		}
	}
	return order
}()

func nicest(s ByteSet) byte {
	for _, c := range nice {
		if s.Has(c) {
			return c
		}
	}
	return 0
}

// Shortest gives a shortest subject of a language; ok is false when it is empty. Without known the budget ended first.
func (s *Space) Shortest(a Language) (subject string, ok, known bool) {
	type arrival struct {
		e    *expr
		from int
		by   byte
	}
	queue := []arrival{{a.e, -1, 0}}
	seen := map[*expr]bool{a.e: true, s.empty: true}
	if a.e == s.empty {
		return "", false, true
	}
	for i := 0; i < len(queue); i++ {
		e := queue[i].e
		if e.nullable {
			var b []byte
			for at := i; queue[at].from >= 0; at = queue[at].from {
				b = append(b, queue[at].by)
			}
			slices.Reverse(b)
			return string(b), true, true
		}
		for _, c := range e.nicely() {
			next := s.derive(e, c)
			if s.exhausted() || len(queue) > s.budget {
				return "", false, false
			}
			if !seen[next] {
				seen[next] = true
				queue = append(queue, arrival{next, i, c})
			}
		}
	}
	return "", false, true
}

// rank is the place of each byte in nice.
var rank = func() (r [256]uint8) {
	for i, c := range nice {
		r[c] = uint8(i)
	}
	return r
}()

// byNicety gives a byte for each class, the nicest classes first.
func byNicety(classes []ByteSet) []byte {
	reps := make([]byte, 0, len(classes))
	for _, set := range classes {
		if !set.Empty() {
			reps = append(reps, nicest(set))
		}
	}
	slices.SortFunc(reps, func(a, b byte) int { return int(rank[a]) - int(rank[b]) })
	return reps
}

// nicely gives byNicety of the expression's classes, which are looked at again and again.
func (e *expr) nicely() []byte {
	if e.reps == nil {
		e.reps = byNicety(e.partition())
	}
	return e.reps
}

// Includes tells whether every subject of b belongs to a; if not, witness is a shortest that does not.
func (s *Space) Includes(a, b Language) (yes bool, witness string, known bool) {
	witness, found, known := s.Shortest(Language{s.and(b.e, s.not(a.e))})
	return known && !found, witness, known
}

// Overlap gives a shortest subject that belongs to both; ok is false when there is none.
func (s *Space) Overlap(a, b Language) (subject string, ok, known bool) {
	return s.Shortest(Language{s.and(a.e, b.e)})
}
