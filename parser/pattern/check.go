package pattern

import (
	"strings"
	"unicode/utf8"
)

// check does what the library does after its scan, in its order: lengths of lookbehinds, then references,
// then the number of branches of conditionals.
func (p *parser) check() *SyntaxError {
	c := checker{p: p, offset: -1}
	if p.hasLookbehind {
		c.groups = groupsByNumber(p.tree.Root, p.groups)
		if code := c.lookbehinds(p.tree.Root); code != 0 {
			return c.fail(code, c.offset)
		}
	}
	if e := c.references(p.tree.Root, 0); e != nil {
		return e
	}
	return c.conditionals(p.tree.Root)
}

type checker struct {
	p      *parser
	groups []*Group // by number, the first that bears it
	offset int      // where the innermost fault was found; -1 unset
	rounds int
	active []*Group // groups whose length is being taken
}

func (c *checker) fail(code Code, offset int) *SyntaxError {
	return &SyntaxError{Code: code, Offset: offset, Msg: code.String()}
}

func groupsByNumber(root Node, n int) []*Group {
	groups := make([]*Group, n+1)
	Walk(root, func(n Node) bool {
		if g, ok := n.(*Group); ok && g.Kind == Capturing && groups[g.Number] == nil {
			groups[g.Number] = g
		}
		return true
	})
	return groups
}

// lookbehinds takes the length of every lookbehind in n. Source: check_lookbehinds.
func (c *checker) lookbehinds(n Node) Code {
	c.offset = -1
	var code Code
	Walk(n, func(n Node) bool {
		if code != 0 {
			return false
		}
		if g, ok := n.(*Group); ok && g.Kind.IsLookbehind() {
			code = c.lookbehind(g)
			return false
		}
		return true
	})
	return code
}

func branches(n Node) []Node {
	if a, ok := n.(*Alternation); ok {
		return a.Branches
	}
	return []Node{n}
}

// lookbehind wants a fixed length of each branch. Source: set_lookbehind_lengths.
func (c *checker) lookbehind(g *Group) Code {
	for _, b := range branches(g.Body) {
		if _, code := c.length(b); code != 0 {
			if c.offset < 0 {
				c.offset = g.offset
			}
			return code
		}
	}
	return 0
}

// length is the number of bytes a branch matches. Source: get_branchlength.
func (c *checker) length(n Node) (int, Code) {
	if c.rounds++; c.rounds > 2000 {
		return 0, 35
	}
	return c.itemsLength(partsOf(n))
}

func partsOf(n Node) []Node {
	if s, ok := n.(*Concat); ok {
		return s.Parts
	}
	return []Node{n}
}

func (c *checker) itemsLength(parts []Node) (int, Code) {
	total := 0
	for _, part := range parts {
		if v, ok := part.(*Verb); ok && (v.Name == "ACCEPT" || v.Name == "FAIL") {
			break
		}
		n, code := c.itemLength(part)
		if code != 0 {
			return 0, code
		}
		if total += n; total > maxLookbehind {
			return 0, 87
		}
	}
	return total, 0
}

func (c *checker) itemLength(n Node) (int, Code) {
	switch n := n.(type) {
	case *Literal:
		if c.p.tree.utf {
			return utf8.RuneCountInString(n.Text), 0
		}
		return len(n.Text), 0
	case *Any:
		if c.p.tree.utf && n.span.Len() == 2 && c.p.text[n.span.Start+1] == 'C' {
			return 0, 36
		}
		return 1, 0
	case *Class:
		return 1, 0
	case *Newline, *Grapheme:
		return 0, 25
	case *Repeat:
		if g, ok := n.Body.(*Group); ok && (g.Kind == Lookahead || g.Kind == NegativeLookahead || g.Kind == NonAtomicLookahead) {
			return c.itemLength(g)
		}
		length, code := c.itemLength(n.Body)
		if code == 0 && n.Min != n.Max {
			code = 25
		}
		if code == 0 && n.Min > 0 && length*n.Min > maxLookbehind {
			code = 87
		}
		return length * n.Min, code
	case *BackReference:
		number := n.number
		if n.Name != "" {
			numbers := c.numbers(n.Name)
			if len(numbers) == 0 {
				c.offset = n.offset
				return 0, 15
			}
			if len(numbers) > 1 {
				return 0, 25
			}
			number = numbers[0]
		}
		if c.p.resets {
			return 0, 25
		}
		return c.referred(n, number, "", n.offset)
	case *Recursion:
		return c.referred(n, n.Number, n.Name, n.offset)
	case *Conditional:
		if n.Kind == Define {
			return 0, 0
		}
		if n.Test != nil {
			if _, code := c.itemLength(n.Test); code != 0 {
				return 0, code
			}
		}
		bodies := []Node{n.Yes}
		if n.No != nil {
			bodies = append(bodies, n.No)
		}
		return c.same(bodies)
	case *Group:
		switch {
		case n.Kind.IsLookbehind():
			return 0, c.lookbehind(n)
		case n.Kind.IsLookaround():
			return 0, c.lookbehinds(n.Body)
		}
		return c.same(branches(n.Body))
	}
	return 0, 0
}

// same wants one length of all branches. Source: get_grouplength.
func (c *checker) same(bodies []Node) (int, Code) {
	length := -1
	for _, b := range bodies {
		n, code := c.length(b)
		if code != 0 {
			return 0, code
		}
		if length >= 0 && n != length {
			return 0, 25
		}
		length = n
	}
	return length, 0
}

// referred is the length of a group that is matched again.
func (c *checker) referred(n Node, number int, name string, offset int) (int, Code) {
	if name != "" {
		if number = c.number(name); number == 0 {
			c.offset = offset
			return 0, 15
		}
	}
	if number > c.p.groups {
		c.offset = offset
		return 0, 15
	}
	if number == 0 {
		return 0, 25
	}
	g := c.groups[number]
	if g == nil || g.Span().Contains(n.Span()) {
		return 0, 25
	}
	for _, a := range c.active {
		if a == g {
			return 0, 25
		}
	}
	c.active = append(c.active, g)
	length, code := c.same(branches(g.Body))
	c.active = c.active[:len(c.active)-1]
	return length, code
}

// number is the first group with a name, 0 when there is none.
func (c *checker) number(name string) int {
	for _, n := range c.p.names {
		if n.name == name {
			return n.number
		}
	}
	return 0
}

func (c *checker) numbers(name string) []int {
	var numbers []int
	for _, n := range c.p.names {
		if n.name == name {
			numbers = append(numbers, n.number)
		}
	}
	return numbers
}

// references resolves names and refuses groups that do not exist. Source: compile_branch.
func (c *checker) references(n Node, lookarounds int) *SyntaxError {
	switch n := n.(type) {
	case *BackReference:
		if n.Name != "" {
			if n.Numbers = c.numbers(n.Name); len(n.Numbers) == 0 {
				return c.fail(15, n.offset)
			}
			break
		}
		if n.number > c.p.groups {
			return c.fail(15, n.offset)
		}
		n.Numbers = []int{n.number}
	case *Recursion:
		if n.Name != "" {
			if n.Number = c.number(n.Name); n.Number == 0 {
				return c.fail(15, n.offset)
			}
		}
		if n.Number > c.p.groups {
			return c.fail(15, n.offset)
		}
	case *KeepOut:
		if lookarounds > 0 {
			return c.fail(99, len(c.p.text))
		}
	case *Group:
		if n.Kind.IsLookaround() {
			lookarounds++
		}
	case *Conditional:
		if e := c.condition(n); e != nil {
			return e
		}
	}
	for _, child := range children(n) {
		if e := c.references(child, lookarounds); e != nil {
			return e
		}
	}
	return nil
}

func (c *checker) condition(n *Conditional) *SyntaxError {
	if n.number > 0 {
		if n.number > c.p.groups {
			return c.fail(15, n.offset)
		}
		n.Numbers = []int{n.number}
		return nil
	}
	if !n.byName || n.Kind == Define {
		return nil
	}
	n.Numbers = c.numbers(n.Name)
	if len(n.Numbers) > 0 {
		return nil
	}
	if n.Kind == InRecursion || !n.recName {
		return c.fail(15, n.offset)
	}
	number := 0
	for i, d := range strings.Split(n.Name[1:], "") {
		if number = number*10 + int(d[0]-'0'); number > maxGroups {
			return c.fail(61, n.offset+i+1)
		}
	}
	if number > c.p.groups {
		return c.fail(15, n.offset)
	}
	n.Kind = InRecursion
	return nil
}

// conditionals refuses more branches than a condition can choose from. A condition without a place of its own
// is reported where the branch it stands in last referred to something.
func (c *checker) conditionals(n Node) *SyntaxError {
	for _, b := range branches(n) {
		last := 0
		for _, part := range partsOf(b) {
			if e := c.branchCount(part, &last); e != nil {
				return e
			}
		}
	}
	return nil
}

func (c *checker) branchCount(n Node, last *int) *SyntaxError {
	switch n := n.(type) {
	case *Repeat:
		return c.branchCount(n.Body, last)
	case *Group:
		return c.conditionals(n.Body)
	case *BackReference:
		*last = n.offset
	case *Recursion:
		*last = n.offset
	case *Callout:
		if n.Arg != "" && !isDigit(n.Arg[0]) {
			*last = int(n.span.Start) + len("(?C")
		}
	case *Conditional:
		switch {
		case n.number > 0:
			*last = n.offset - 2
		case n.byName:
			*last = n.offset
		}
		at := *last
		for _, child := range children(n) {
			if e := c.conditionals(child); e != nil {
				return e
			}
		}
		switch {
		case n.Kind == Define && n.No != nil:
			return c.fail(54, at)
		case len(n.extra) > 0:
			return c.fail(27, at)
		}
	}
	return nil
}
