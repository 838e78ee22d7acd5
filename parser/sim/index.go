package sim

import (
	"slices"
	"strings"
	"sync"

	"rewright/parser/ir"
	"rewright/parser/pattern"
)

// IndexFrom is how many rules a list has at least before an index over it pays.
const IndexFrom = 32

// SkippedPerWork is how many rules that an index passes over count as one rule looked at.
const SkippedPerWork = 16

// Index finds the rules of a list whose pattern may match a subject, by the literal text that every match begins
// with. Of rules of which no such text is known, those that want a certain host are found by it; the others are always among them.
type Index struct {
	always, hosted                []int32 // in their order
	exact, prefix, inner, byHosts literalIndex
	entries                       []entry
}

// entry is one rule under a literal text.
type entry struct {
	rule int32
	next int32 // place of the next entry with the same text, counted from 1; 0: there is none
}

// Key is what an Index knows of a rule; the zero Key says nothing.
type Key struct {
	Text     string // every subject it matches begins with it
	Caseless bool   // letters match in either case; Text is lower case
	Exact    bool   // it matches nothing else
	// Inner is text that every subject has somewhere, case and all; empty: not known. Of many rules with the same Text that
	// alone tells them apart: ^news/([0-9]+)-17$.
	Inner string
	// Hosts are the values of the Host header, in lower case, with one of which the rule does anything at all; nil: not known.
	Hosts []string
}

// PatternKey is the Key of a pattern.
func PatternKey(t *pattern.Tree) Key {
	if text, caseless, ok := t.Exact(); ok {
		return Key{Text: text, Caseless: caseless, Exact: true}
	}
	text, caseless := t.Prefix()
	return Key{Text: text, Caseless: caseless, Inner: t.Inner()}
}

// crowd is how many rules begin alike before what stands further inside is looked at.
const crowd = 32

// literalIndex holds rules by literal text, apart by whether case counts. A text stands for the place of its first entry,
// counted from 1.
type literalIndex struct {
	plain, folded map[string]int32
	lengths       []int // of the keys
}

// NewIndex makes the index over n rules.
func NewIndex(n int, key func(i int) Key) *Index {
	x := &Index{entries: make([]entry, 0, n)}
	keys := make([]Key, n)
	alike := map[string]int{} // short texts
	for i := range n {
		k := key(i)
		if !k.Exact && len(k.Text) < 16 {
			alike[k.Text]++
		}
		keys[i] = k
	}
	for i, k := range keys {
		switch {
		case k.Exact:
			x.add(&x.exact, k.Text, k.Caseless, int32(i))
		case len(k.Inner) > 1 && alike[k.Text] > crowd && k.Hosts == nil:
			x.add(&x.inner, k.Inner[:indexLength(len(k.Inner))], false, int32(i))
		case k.Text != "":
			x.add(&x.prefix, k.Text[:indexLength(len(k.Text))], k.Caseless, int32(i))
		case k.Hosts != nil:
			x.hosted = append(x.hosted, int32(i))
			for _, h := range k.Hosts {
				x.add(&x.byHosts, h, false, int32(i))
			}
		default:
			x.always = append(x.always, int32(i))
		}
	}
	slices.Sort(x.prefix.lengths)
	return x
}

// Indexes keeps indexes for further simulators of the same program, in which they would be the same.
type Indexes struct {
	mu   sync.Mutex
	kept []keptIndex
}

type keptIndex struct {
	rules []*ir.Rule
	index *Index
}

// Of gives the index over a list of rules, made with build at first need. A nil receiver keeps none.
func (k *Indexes) Of(rules []*ir.Rule, build func() *Index) *Index {
	if k == nil {
		return build()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, one := range k.kept {
		if slices.Equal(one.rules, rules) {
			return one.index
		}
	}
	x := build()
	if len(k.kept) < maxKept {
		k.kept = append(k.kept, keptIndex{rules, x})
	}
	return x
}

// maxKept bounds the lists that Indexes compares a new one with.
const maxKept = 64

// indexLength is the length to which a prefix of n bytes is cut, so that few lengths are in use.
func indexLength(n int) int {
	best := 1
	for _, l := range [...]int{2, 3, 4, 6, 8, 12, 16, 20, 24, 32, 40, 48, 64, 96, 128, 256} {
		if l <= n {
			best = l
		}
	}
	return best
}

func (x *Index) add(to *literalIndex, text string, caseless bool, i int32) {
	m := &to.plain
	if caseless {
		m, text = &to.folded, lowerASCII(text)
	}
	if *m == nil {
		*m = map[string]int32{}
	}
	x.entries = append(x.entries, entry{i, (*m)[text]})
	(*m)[text] = int32(len(x.entries))
	if !slices.Contains(to.lengths, len(text)) && len(to.lengths) < 32 {
		to.lengths = append(to.lengths, len(text))
	}
}

// under appends the rules whose entries begin at a place.
func (x *Index) under(out []int32, at int32) []int32 {
	for ; at != 0; at = x.entries[at-1].next {
		out = append(out, x.entries[at-1].rule)
	}
	return out
}

// Candidates are the rules that may match a subject, in their order, whatever the host is.
func (x *Index) Candidates(subject string, into []int32) []int32 {
	return x.candidates(subject, append(into[:0], x.hosted...))
}

// CandidatesOf are those of a request with a Host header.
func (x *Index) CandidatesOf(host, subject string, into []int32) []int32 {
	out := into[:0]
	if len(x.hosted) > 0 {
		host = lowerASCII(host)
		out = x.under(out, x.byHosts.plain[host])
		if bare := strings.TrimSuffix(host, "\n"); bare != host { // "$" may stand before it
			out = x.under(out, x.byHosts.plain[bare])
		}
	}
	return x.candidates(subject, out)
}

// Any tells whether f holds for any of the rules that may match a subject in a request with one of the hosts, which are in
// lower case; nil: whatever the host is. They are tried in no certain order, and f of one may be asked twice.
func (x *Index) Any(hosts []string, subject string, f func(rule int32) bool) bool {
	under := func(at int32) bool {
		for ; at != 0; at = x.entries[at-1].next {
			if f(x.entries[at-1].rule) {
				return true
			}
		}
		return false
	}
	folded := ""
	if x.exact.folded != nil || x.prefix.folded != nil {
		folded = lowerASCII(subject)
	}
	if under(x.exact.plain[subject]) || under(x.exact.folded[folded]) {
		return true
	}
	for _, n := range x.inner.lengths {
		for i := 0; i+n <= len(subject); i++ {
			if under(x.inner.plain[subject[i:i+n]]) {
				return true
			}
		}
	}
	for _, n := range x.prefix.lengths {
		if n > len(subject) {
			break
		}
		if under(x.prefix.plain[subject[:n]]) || folded != "" && under(x.prefix.folded[folded[:n]]) {
			return true
		}
	}
	hosted := x.hosted
	if hosts != nil {
		hosted = nil
		for _, h := range hosts {
			if under(x.byHosts.plain[h]) {
				return true
			}
		}
	}
	return slices.ContainsFunc(x.always, f) || slices.ContainsFunc(hosted, f)
}

// WantsHost tells whether the index knows rules by the host they want.
func (x *Index) WantsHost() bool { return len(x.hosted) > 0 }

func (x *Index) candidates(subject string, out []int32) []int32 {
	out = append(out, x.always...)
	folded := ""
	if x.exact.folded != nil || x.prefix.folded != nil {
		folded = lowerASCII(subject)
	}
	out = x.under(out, x.exact.plain[subject])
	out = x.under(out, x.exact.folded[folded])
	for _, n := range x.inner.lengths {
		for i := 0; i+n <= len(subject); i++ {
			out = x.under(out, x.inner.plain[subject[i:i+n]])
		}
	}
	for _, n := range x.prefix.lengths {
		if n > len(subject) {
			break
		}
		out = x.under(out, x.prefix.plain[subject[:n]])
		if folded != "" {
			out = x.under(out, x.prefix.folded[folded[:n]])
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Cursor walks through the rules of a list that may match what changes on the way.
type Cursor struct {
	Index *Index // nil: all
	Host  string // the Host header, where HostKnown
	// HostKnown is set when rules that want another host than Host are to be passed over.
	HostKnown bool

	subject string
	list    []int32
	filled  bool
}

// Next is the first rule from i on that may match subject; n when there is none.
func (c *Cursor) Next(i, n int, subject string) int {
	if c.Index == nil {
		return i
	}
	if !c.filled || c.subject != subject {
		if c.subject, c.filled = subject, true; c.HostKnown {
			c.list = c.Index.CandidatesOf(c.Host, subject, c.list)
		} else {
			c.list = c.Index.Candidates(subject, c.list)
		}
	}
	at, _ := slices.BinarySearch(c.list, int32(i))
	if at == len(c.list) {
		return n
	}
	return int(c.list[at])
}

// lowerASCII turns the letters that patterns without case fold; others stay.
func lowerASCII(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r >= 'A' && r <= 'Z' }) < 0 {
		return s
	}
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c | 0x20
		}
	}
	return string(b)
}
