package pattern

import "sync"

// Regexp is a compiled pattern, safe for use by many goroutines. Its engine is built at first need.
type Regexp struct {
	tree     *Tree
	known    known
	walkOnce sync.Once
	walked   *walk // nil when the pattern needs an engine
	plain    bool  // a subject without newline has a simpler engine
	forLines lazyEngine
	forAll   lazyEngine
}

type key struct {
	text    string
	options Options
}

type compiled struct {
	re  *Regexp
	err error
}

// memoLimit bounds the number of patterns that are remembered; beyond it the oldest half is let go.
const memoLimit = 1 << 18

// memo keeps two generations, so that what is in use survives when the older one is dropped.
var memo struct {
	sync.RWMutex
	young, old map[key]compiled
}

// Compile parses a pattern and prepares it for matching. It answers the same *Regexp for the same text and
// options as long as that is remembered. The error, if any, is a *SyntaxError.
func Compile(text string, o Options) (*Regexp, error) {
	k := key{text, o}
	memo.RLock()
	c, ok := memo.young[k]
	memo.RUnlock()
	if ok {
		return c.re, c.err
	}
	memo.Lock()
	c, ok = memo.old[k]
	memo.Unlock()
	if !ok {
		c = compile(text, o)
	}
	memo.Lock()
	defer memo.Unlock()
	if again, ok := memo.young[k]; ok {
		return again.re, again.err
	}
	if len(memo.young) >= memoLimit/2 || memo.young == nil {
		memo.old, memo.young = memo.young, make(map[key]compiled)
	}
	memo.young[k] = c
	return c.re, c.err
}

func compile(text string, o Options) compiled {
	t, err := Parse(text, o)
	if err != nil {
		return compiled{err: err}
	}
	r := &Regexp{tree: t}
	r.known.shape = shapeOf(t)
	r.known.prefix, r.known.prefixCaseless = t.prefixOf()
	t.known = &r.known
	Walk(t.Root, func(n Node) bool {
		switch n := n.(type) {
		case *Anchor:
			r.plain = r.plain || n.Kind == LineStart || n.Kind == SubjectEndOrNewline
		case *Newline, *Grapheme:
			r.plain = true
		}
		return !r.plain
	})
	return compiled{re: r}
}

// walk is made at first need: of many rules few get past their literal part.
func (r *Regexp) walk() *walk {
	r.walkOnce.Do(func() { r.walked = walkOf(r.tree) })
	return r.walked
}

// Groups is the highest group number; 0 when nothing captures.
func (r *Regexp) Groups() int { return r.tree.Groups }

// Names gives the name of each group by number, "" when it has none. Names()[0] is "".
func (r *Regexp) Names() []string { return r.tree.Names }

// Tree is the parsed pattern.
func (r *Regexp) Tree() *Tree { return r.tree }

// String is the pattern as written.
func (r *Regexp) String() string { return r.tree.Text }

// Limits of Work.
const (
	freeWork = 1 << 17 // bytes of pattern times bytes of subject that make no difference
	mostWork = 2_000_000
)

// Work is an estimate of what a match against a subject takes beyond the usual, in quarters of a microsecond: an engine that
// follows all ways at once looks at each part of the pattern for each byte, and copies the groups with it when they are asked
// for (Match, not MatchBool). It is for those who share out a budget among many matches.
func (r *Regexp) Work(subject string, groups bool) int {
	n := len(r.tree.Text) * len(subject)
	if groups {
		n *= 1 + r.tree.Groups/16
	}
	if n <= freeWork {
		return 0
	}
	return min((n-freeWork)>>5, mostWork)
}

// Match searches subject from its start for the first match. The error is ErrBudget or ErrUnsupported;
// then nothing is known. Nothing is allocated when a literal part of the pattern already rules the subject out.
func (r *Regexp) Match(subject string) (m Match, ok bool, err error) {
	switch start, end, verdict := r.known.shape.try(subject); verdict {
	case no:
		return Match{}, false, nil
	case yes:
		return Match{subject, []int{start, end}}, true, nil
	}
	if w := r.walk(); w != nil {
		var slots [maxSlots]int
		if !w.run(subject, &slots) {
			return Match{}, false, nil
		}
		return Match{subject, append([]int(nil), slots[:w.slots]...)}, true, nil
	}
	spans, ok, err := r.engine(subject).find(subject)
	if !ok {
		return Match{}, false, err
	}
	return Match{subject, spans}, true, nil
}

// MatchBool tells whether the pattern matches anywhere in subject. Errors are those of Match.
func (r *Regexp) MatchBool(subject string) (bool, error) {
	switch _, _, verdict := r.known.shape.try(subject); verdict {
	case no:
		return false, nil
	case yes:
		return true, nil
	}
	if w := r.walk(); w != nil {
		var slots [maxSlots]int
		return w.run(subject, &slots), nil
	}
	return r.engine(subject).matches(subject)
}
