package pattern

import "strings"

// Example is a text that the pattern matches, made without reasoning: the least of each part. ok is false when
// that one is not matched, which says nothing of others.
func (t *Tree) Example() (text string, ok bool) {
	if t.foreign || t.utf {
		return "", false
	}
	var b strings.Builder
	writeLeast(&b, t.Root)
	if b.Len() > 1024 {
		return "", false
	}
	yes, known := t.Finds(b.String(), 4096)
	return b.String(), yes && known
}

func writeLeast(b *strings.Builder, n Node) {
	if b.Len() > 1024 {
		return
	}
	switch n := n.(type) {
	case *Literal:
		b.WriteString(n.Text)
	case *Any, *Class:
		if set, ok := singleByte(n); ok {
			b.WriteByte(nicest(set))
		}
	case *Concat:
		for _, p := range n.Parts {
			writeLeast(b, p)
		}
	case *Alternation:
		writeLeast(b, n.Branches[0])
	case *Group:
		if !n.Kind.IsLookaround() {
			writeLeast(b, n.Body)
		}
	case *Repeat:
		for range min(n.Min, 1024) {
			writeLeast(b, n.Body)
		}
	}
}

// Finds searches without an engine, for a first answer about many patterns: known is false when it takes more steps than
// the limit, or the pattern has what is not followed here.
func (t *Tree) Finds(subject string, limit int) (yes, known bool) {
	s := &stepper{subject: subject, limit: limit, groups: make([][2]int, t.Groups+1)}
	for at := 0; at <= len(subject) && !yes && !s.stopped(); at++ {
		for i := range s.groups {
			s.groups[i] = [2]int{-1, -1}
		}
		yes = s.match(t.Root, at, func(int) bool { return true })
	}
	return yes, !s.stopped()
}
