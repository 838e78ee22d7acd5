package pattern

import (
	"errors"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/dlclark/regexp2/v2"
)

// ErrBudget says that a match was given up: it took more backtracking than Budget or the engine's stack allow.
var ErrBudget = errors.New("pattern needs more backtracking than the budget allows")

// ErrUnsupported says that the pattern uses what this package can read but not evaluate: recursion,
// backtracking verbs, UTF mode and the like.
var ErrUnsupported = errors.New("pattern uses a construct that cannot be evaluated")

// Budget bounds one match by a backtracking engine; patterns in Go's subset run in linear time and need none.
const Budget = 500 * time.Millisecond

// Match is where a pattern matched. The zero value is no match.
type Match struct {
	subject string
	spans   []int // start and end of each group; -1 when unset
}

// Group is the text of a group: 0 is the whole match; "" when the group is unset or there is no such group.
func (m Match) Group(n int) string {
	start, end := m.Span(n)
	if start < 0 {
		return ""
	}
	return m.subject[start:end]
}

// Has tells whether a group took part in the match.
func (m Match) Has(n int) bool {
	start, _ := m.Span(n)
	return start >= 0
}

// Span gives byte offsets in the subject, -1 and -1 when the group is unset. \K moves the start of group 0.
func (m Match) Span(n int) (start, end int) {
	if n < 0 || 2*n+1 >= len(m.spans) {
		return -1, -1
	}
	return m.spans[2*n], m.spans[2*n+1]
}

// An engine matches one translation of a pattern.
type engine interface {
	find(subject string) (spans []int, ok bool, err error)
	matches(subject string) (bool, error)
}

type lazyEngine struct {
	once sync.Once
	engine
}

// engine gives the engine for a subject. Most subjects are lines: without a newline many anchors are simpler,
// which keeps their patterns in Go's subset.
func (r *Regexp) engine(subject string) engine {
	if r.tree.utf && !isASCII(subject) {
		return noEngine{}
	}
	if r.plain && strings.IndexByte(subject, '\n') < 0 {
		r.forLines.once.Do(func() { r.forLines.engine = newEngine(r.tree, true) })
		return r.forLines.engine
	}
	r.forAll.once.Do(func() { r.forAll.engine = newEngine(r.tree, false) })
	return r.forAll.engine
}

func newEngine(t *Tree, noNewline bool) engine {
	if text, slots, ok := translate(t, goSyntax, noNewline); ok {
		if re, err := regexp.Compile(text); err == nil { // else: beyond Go's limits on size or repeats
			return newGoEngine(re, slots, t.Groups)
		}
	}
	if text, _, ok := translate(t, netSyntax, noNewline); ok {
		if re, err := regexp2.Compile(text); err == nil {
			re.MatchTimeout = Budget
			return &netEngine{re, t.Groups}
		}
	}
	return noEngine{}
}

type noEngine struct{}

func (noEngine) find(string) ([]int, bool, error) { return nil, false, ErrUnsupported }
func (noEngine) matches(string) (bool, error)     { return false, ErrUnsupported }

// goEngine runs Go's regexp. Bytes from 0x80 are the runes U+0080 to U+00FF.
type goEngine struct {
	re     *regexp.Regexp
	slots  []int
	groups int
	direct bool // the engine's groups are the pattern's
}

func newGoEngine(re *regexp.Regexp, slots []int, groups int) *goEngine {
	direct := len(slots) == groups+1
	for i, slot := range slots {
		direct = direct && slot == i
	}
	return &goEngine{re, slots, groups, direct}
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

// toRunes turns bytes into runes of the same number.
func toRunes(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 16)
	for i := 0; i < len(s); i++ {
		b.WriteRune(rune(s[i]))
	}
	return b.String()
}

func (e *goEngine) matches(subject string) (bool, error) {
	if !isASCII(subject) {
		subject = toRunes(subject)
	}
	return e.re.MatchString(subject), nil
}

func (e *goEngine) find(subject string) ([]int, bool, error) {
	text, ascii := subject, isASCII(subject)
	if !ascii {
		text = toRunes(subject)
	}
	spans := e.re.FindStringSubmatchIndex(text)
	if spans == nil {
		return nil, false, nil
	}
	if !ascii {
		toBytes(spans, subject)
	}
	if e.direct {
		return spans, true, nil
	}
	out := newSpans(e.groups)
	for i, slot := range e.slots {
		switch {
		case spans[2*i] < 0:
		case slot == keepOut:
			out[0] = spans[2*i]
		default:
			out[2*slot], out[2*slot+1] = spans[2*i], spans[2*i+1]
		}
	}
	return out, true, nil
}

// toBytes turns offsets in toRunes(subject) back into offsets in subject.
func toBytes(spans []int, subject string) {
	at := make([]int, 0, 2*len(subject)+1)
	for i := 0; i < len(subject); i++ {
		at = append(at, i)
		if subject[i] >= 0x80 {
			at = append(at, i)
		}
	}
	at = append(at, len(subject))
	for i, s := range spans {
		if s >= 0 {
			spans[i] = at[s]
		}
	}
}

func newSpans(groups int) []int {
	spans := make([]int, 2*(groups+1))
	for i := range spans {
		spans[i] = -1
	}
	return spans
}

// netEngine runs dlclark/regexp2, which works on runes: one for each byte, those from 0x80 moved by highRune.
type netEngine struct {
	re     *regexp2.Regexp
	groups int
}

var runeBuffers = sync.Pool{New: func() any { return new([]rune) }}

func (e *netEngine) run(subject string, f func(regexp2.MatchView) bool) error {
	buffer := runeBuffers.Get().(*[]rune)
	runes := (*buffer)[:0]
	for i := 0; i < len(subject); i++ {
		r := rune(subject[i])
		if r >= 0x80 {
			r += highRune
		}
		runes = append(runes, r)
	}
	err := e.re.FindRunesMatches(runes, 0, f)
	*buffer = runes
	runeBuffers.Put(buffer)
	if err != nil {
		return ErrBudget // time or stack: the engine knows no other error
	}
	return nil
}

func (e *netEngine) matches(subject string) (ok bool, err error) {
	err = e.run(subject, func(regexp2.MatchView) bool {
		ok = true
		return false
	})
	return ok && err == nil, err
}

func (e *netEngine) find(subject string) (spans []int, ok bool, err error) {
	err = e.run(subject, func(v regexp2.MatchView) bool {
		ok = true
		spans = newSpans(e.groups)
		for n := 0; n <= e.groups; n++ {
			if start, length, set := v.GroupRange(n); set {
				spans[2*n], spans[2*n+1] = start, start+length
			}
		}
		if start, _, set := v.GroupRange(e.groups + 1); set {
			spans[0] = start
		}
		return false
	})
	if err != nil {
		return nil, false, err
	}
	return spans, ok, nil
}
