package nginx

import (
	"slices"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
)

// obstacles are rules that stand between redirects, by the beginnings of the paths that they take, and behind each
// beginning by the byte that can follow.
type obstacles struct {
	heads   map[string]obstacleGroup // by whole beginnings, in lower case
	stems   map[string]bool          // what those begin with
	whole   [maxHead + 1]bool        // lengths in heads
	matches int                      // patterns that were tried
}

// obstacleGroup are the rules of one beginning.
type obstacleGroup []obstacleSet

// obstacleSet are rules of which the same is known.
type obstacleSet struct {
	next  following
	rules []*ir.Rule
}

const (
	maxHead    = 64        // bytes that are kept of a beginning
	mostTrials = 2_000_000 // patterns tried; what is not tried counts as an obstacle
)

// add takes a rule with what its paths begin with; sub is what patterns of mod_rewrite see.
func (o *obstacles) add(head string, r *ir.Rule, sub subject) {
	if o.heads == nil {
		o.heads, o.stems = map[string]obstacleGroup{}, map[string]bool{}
	}
	long := len(head) > maxHead
	head = headOf(head)
	next := following{all: true}
	if !long && r.Pattern != nil && r.Pattern.Re != nil {
		if r.Keyword != ir.RewriteRule {
			sub = subject{}
		}
		next = behindPrefix(sub.tree(r.Pattern))
	}
	g := o.heads[head]
	at := slices.IndexFunc(g, func(s obstacleSet) bool { return s.next == next })
	if at < 0 {
		at = len(g)
		o.heads[head] = append(g, obstacleSet{next: next})
	}
	s := &o.heads[head][at]
	s.rules = append(s.rules, r)
	o.whole[len(head)] = true
	for i := len(head); i > 0 && !o.stems[head[:i]]; i-- {
		o.stems[head[:i]] = true
	}
}

// before tells whether a rule that was added may take a request that the redirect takes. prefix is the directory that
// patterns of mod_rewrite are relative to.
func (o *obstacles) before(e *entry, prefix string) bool {
	if o.heads == nil {
		return false
	}
	head := headOf(e.path)
	if o.stems[head] && (!e.whole || len(e.path) > maxHead) {
		return true // it may take what lies below the path
	}
	for i := 1; i <= len(head); i++ {
		if !o.whole[i] {
			continue
		}
		for _, s := range o.heads[head[:i]] {
			if !s.next.all && i < len(e.path) && !s.next.set.Has(e.path[i]) {
				continue
			}
			for _, r := range s.rules {
				if o.matches++; !e.whole || r.Pattern == nil || r.Pattern.Re == nil || o.matches > mostTrials {
					return true
				}
				path := e.path
				if r.Keyword == ir.RewriteRule {
					path = strings.TrimPrefix(path, prefix)
				}
				if matched, err := r.Pattern.Re.MatchBool(path); matched || err != nil {
					return true
				}
			}
		}
	}
	return false
}

// headOf is the beginning of a path, without regard to the case of ASCII letters.
func headOf(path string) string {
	path = path[:min(len(path), maxHead)]
	for i := range len(path) {
		if c := path[i]; c >= 'A' && c <= 'Z' {
			b := []byte(path)
			for ; i < len(b); i++ {
				if c := b[i]; c >= 'A' && c <= 'Z' {
					b[i] |= 0x20
				}
			}
			return string(b)
		}
	}
	return path
}

// following are the bytes that can stand behind the literal beginning of what a pattern matches.
type following struct {
	set pattern.ByteSet
	all bool // any byte
}

// behindPrefix tells what can follow the text that Tree.Prefix gives.
func behindPrefix(t *pattern.Tree) following {
	c, ok := t.Root.(*pattern.Concat)
	text, _ := t.Prefix()
	if !ok || text == "" || len(c.Parts) < 2 {
		return following{all: true}
	}
	if a, is := c.Parts[0].(*pattern.Anchor); !is || a.Kind != pattern.SubjectStart {
		return following{all: true}
	}
	parts := c.Parts[1:]
	for text != "" {
		l, is := parts[0].(*pattern.Literal)
		if !is || len(l.Text) > len(text) || !strings.EqualFold(text[:len(l.Text)], l.Text) {
			return following{all: true}
		}
		if text, parts = text[len(l.Text):], parts[1:]; len(parts) == 0 {
			return following{all: true} // whatever follows
		}
	}
	var f following
	if f.sequence(parts) {
		f.all = true
	}
	return f
}

// sequence adds the first bytes of nodes in a row; through tells that all of them may match nothing.
func (f *following) sequence(list []pattern.Node) (through bool) {
	for _, n := range list {
		if !f.node(n) {
			return false
		}
	}
	return true
}

// node adds the bytes that a match of n can begin with. What is more than that does no harm.
func (f *following) node(n pattern.Node) (through bool) {
	switch n := n.(type) {
	case *pattern.Literal:
		if n.Text == "" {
			return true
		}
		f.set.Add(n.Text[0])
		if n.Caseless {
			f.set.Add(strings.ToLower(n.Text[:1])[0])
			f.set.Add(strings.ToUpper(n.Text[:1])[0])
		}
		return false
	case *pattern.Class:
		f.set = f.set.Or(n.Set)
		return false
	case *pattern.Repeat:
		return f.node(n.Body) || n.Min == 0
	case *pattern.Concat:
		return f.sequence(n.Parts)
	case *pattern.Alternation:
		for _, b := range n.Branches {
			through = f.node(b) || through
		}
		return through
	case *pattern.Group:
		switch n.Kind {
		case pattern.Capturing, pattern.NonCapturing, pattern.Atomic:
			return f.node(n.Body)
		}
	case *pattern.Anchor:
		switch n.Kind {
		case pattern.SubjectEnd:
			return false
		case pattern.SubjectEndOrNewline:
			f.set.Add('\n')
			return false
		}
	}
	f.all = true
	return false
}
