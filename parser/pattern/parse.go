package pattern

import (
	"strings"

	"rewright/parser/source"
)

// Limits of the library. Source: PCRE2 10.42, src/pcre2_internal.h and config.h.
const (
	maxRepeat     = 65535
	maxGroups     = 65535
	maxName       = 32 // bytes
	maxNames      = 10000
	maxMark       = 255 // bytes
	maxNesting    = 250 // parentheses
	maxLookbehind = 65535
)

// parser follows parse_regex of pcre2_compile.c: one scan, a stack of open parentheses, and the read
// position is left where the library leaves it, because that is the offset it reports.
type parser struct {
	text    string
	options Options
	pos     int
	flags   Flags

	stack []*frame // stack[0] is the pattern itself
	cur   *frame

	groups        int
	names         []namedGroup
	resets        bool // (?| was used
	smallRef      [10]int
	hasLookbehind bool
	tree          *Tree

	canRepeat   bool // the last item may take a quantifier
	afterRepeat bool // the last item is a quantifier that may take ? or +
	wantAssert  int  // 2: (?( was read, an assertion or callout must follow; 1: the callout was read
	quoted      bool // between \Q and \E
}

type namedGroup struct {
	name   string
	number int
	shared bool // another group bears the name
}

// frame is one open parenthesis.
type frame struct {
	group    *Group
	cond     *Conditional // one of group and cond is set, except in stack[0]
	open     int          // offset of "("
	flags    Flags        // to be restored at ")"
	isTest   bool         // the assertion of a conditional: must not be quantified
	reset    int          // BranchReset: groups before it
	maxGroup int          // BranchReset: most groups seen at the end of a branch
	items    []Node
	branches []Node
	body     int // offset of the first byte inside
	from     int // offset of the branch being read
}

func (p *parser) span(start int) place { return place{source.NewSpan(start, p.pos)} }

func (p *parser) fail(c Code) *SyntaxError {
	return &SyntaxError{Code: c, Offset: p.pos, Msg: c.String()}
}

func (p *parser) more() bool { return p.pos < len(p.text) }

// at gives the byte n after the read position; 0 beyond the end.
func (p *parser) at(n int) byte {
	if p.pos+n < len(p.text) {
		return p.text[p.pos+n]
	}
	return 0
}

func (p *parser) rest() string { return p.text[p.pos:] }

func (p *parser) add(n Node) { p.cur.items = append(p.cur.items, n) }

// literal adds one character: a byte or, in UTF mode, a code point.
func (p *parser) literal(c, start int) {
	text := string([]byte{byte(c)})
	if p.tree.utf && c > 0x7f {
		text = string(rune(c))
	}
	p.add(&Literal{p.span(start), text, p.flags&Caseless != 0})
	p.canRepeat = true
}

func (p *parser) parse() (*Tree, *SyntaxError) {
	p.tree = &Tree{Text: p.text, Options: p.options}
	for i := range p.smallRef {
		p.smallRef[i] = -1
	}
	if c := p.startSettings(); c != 0 {
		return nil, p.fail(c)
	}
	p.flags = p.options.flags()
	p.cur = &frame{open: -1, body: p.pos, from: p.pos}
	p.stack = append(p.stack, p.cur)
	if c := p.scan(); c != 0 {
		return nil, p.fail(c)
	}
	if len(p.stack) > 1 {
		return nil, p.fail(14)
	}
	t := p.tree
	t.Root = p.closeBody(p.cur)
	t.Groups = p.groups
	t.Names = make([]string, p.groups+1)
	for _, n := range p.names {
		if t.Names[n.number] == "" {
			t.Names[n.number] = n.name
		}
	}
	if e := p.check(); e != nil {
		return nil, e
	}
	return t, nil
}

// scan reads items until the end of the pattern.
func (p *parser) scan() Code {
	for p.more() {
		if len(p.stack)-1 > maxNesting {
			return 19
		}
		start := p.pos
		c := p.text[p.pos]
		p.pos++
		if p.quoted {
			if c == '\\' && p.at(0) == 'E' {
				p.quoted = false
				p.pos++
				continue
			}
			if p.wantAssert > 0 {
				p.pos--
				return 28
			}
			p.literal(int(c), start)
			p.afterRepeat = false
			continue
		}
		if p.skip(c) {
			continue
		}
		if c == '(' && strings.HasPrefix(p.rest(), "?#") {
			i := strings.IndexByte(p.text[p.pos+2:], ')')
			if i < 0 {
				p.pos = len(p.text)
				return 18
			}
			p.pos += 2 + i + 1
			continue
		}
		if p.wantAssert > 0 && !p.assertionFollows(c) {
			p.pos--
			return 28
		}
		want := p.wantAssert
		p.wantAssert = 0
		canRepeat, afterRepeat := p.canRepeat, p.afterRepeat
		p.canRepeat, p.afterRepeat = false, false
		if afterRepeat && (c == '?' || c == '+') {
			p.modifyRepeat(c)
			continue
		}
		if code := p.item(c, start, want, canRepeat); code != 0 {
			return code
		}
	}
	return 0
}

// skip passes over \Q, \E and, in extended mode, white space and comments: none of them ends an item.
func (p *parser) skip(c byte) bool {
	if c == '\\' && (p.at(0) == 'Q' || p.at(0) == 'E') {
		p.quoted = p.at(0) == 'Q'
		p.pos++
		return true
	}
	if p.flags&Extended == 0 {
		return false
	}
	if isSpace(c) || c == 0x85 {
		return true
	}
	if c != '#' {
		return false
	}
	i := strings.IndexByte(p.rest(), '\n')
	if i < 0 {
		p.pos = len(p.text)
	} else {
		p.pos += i + 1
	}
	return true
}

// assertionFollows checks what stands after "(?(" when it is no number and no name.
func (p *parser) assertionFollows(c byte) bool {
	if c != '(' || len(p.text)-p.pos < 3 {
		return false
	}
	switch p.at(0) {
	case '*':
		return isLower(p.at(1))
	case '?':
		switch p.at(1) {
		case 'C':
			return p.wantAssert == 2
		case '=', '!':
			return true
		case '<':
			return p.at(2) == '=' || p.at(2) == '!'
		}
	}
	return false
}

func (p *parser) item(c byte, start, want int, canRepeat bool) Code {
	switch c {
	case '\\':
		return p.escape(start)
	case '^':
		p.anchor(start, SubjectStart, LineStart)
	case '$':
		if p.options.DollarEndOnly {
			p.anchor(start, SubjectEnd, LineEnd)
		} else {
			p.anchor(start, SubjectEndOrNewline, LineEnd)
		}
	case '.':
		p.add(&Any{p.span(start), p.flags&DotAll != 0})
		p.canRepeat = true
	case '*':
		return p.repeat(start, 0, -1, canRepeat)
	case '+':
		return p.repeat(start, 1, -1, canRepeat)
	case '?':
		return p.repeat(start, 0, 1, canRepeat)
	case '{':
		min, max, ok, code := p.counts()
		if code != 0 {
			return code
		}
		if !ok {
			p.literal(int(c), start)
			break
		}
		return p.repeat(start, min, max, canRepeat)
	case '[':
		return p.class(start)
	case '(':
		return p.open(start, want)
	case '|':
		f := p.cur
		if f.group != nil && f.group.Kind == BranchReset {
			f.maxGroup = max(f.maxGroup, p.groups)
			p.groups = f.reset
		}
		p.closeBranch(f, start)
		f.from = p.pos
	case ')':
		return p.close(start)
	default:
		if plainBytes.Has(c) {
			p.plainRun(start)
		} else {
			p.literal(int(c), start)
		}
	}
	return 0
}

// plainBytes are those that stand for themselves outside classes whatever the flags.
var plainBytes = setOf("az09AZ__//--==&&%%,,::;;@@~~")

// plainRun adds a run of plain bytes as one literal, but the last one apart: a quantifier may follow it.
func (p *parser) plainRun(start int) {
	end := p.pos
	for end < len(p.text) && plainBytes.Has(p.text[end]) {
		end++
	}
	if end-1 > p.pos {
		p.pos = end - 1
		p.add(&Literal{p.span(start), p.text[start:p.pos], p.flags&Caseless != 0})
		start = p.pos
		p.pos++
	}
	p.literal(int(p.text[p.pos-1]), start)
}

func (p *parser) anchor(start int, plain, multiline AnchorKind) {
	if p.flags&Multiline != 0 {
		plain = multiline
	}
	p.add(&Anchor{p.span(start), plain})
}

// repeat quantifies the last item.
func (p *parser) repeat(start, lo, hi int, canRepeat bool) Code {
	if !canRepeat {
		p.pos--
		return 9
	}
	items := p.cur.items
	body := items[len(items)-1]
	mode := Greedy
	if p.flags&Ungreedy != 0 {
		mode = Lazy
	}
	items[len(items)-1] = &Repeat{p.span(int(body.Span().Start)), body, lo, hi, mode}
	p.afterRepeat = true
	return 0
}

// modifyRepeat applies the ? or + after a quantifier.
func (p *parser) modifyRepeat(c byte) {
	r := p.cur.items[len(p.cur.items)-1].(*Repeat)
	switch {
	case c == '+':
		r.Mode = Possessive
	case r.Mode == Greedy:
		r.Mode = Lazy
	default:
		r.Mode = Greedy
	}
	r.span.End = int32(p.pos)
}

// counts reads {n}, {n,} or {n,m} from after the brace. Without ok and without a code it is no quantifier.
func (p *parser) counts() (lo, hi int, ok bool, c Code) {
	i, comma := p.pos, false
	for ; ; i++ {
		if i >= len(p.text) {
			return 0, 0, false, 0
		}
		if b := p.text[i]; b == '}' {
			break
		} else if b == ',' && !comma {
			comma = true
		} else if !isDigit(b) {
			return 0, 0, false, 0
		}
	}
	if p.text[p.pos] == ',' || p.text[p.pos] == '}' { // {,m} and {} are literal
		return 0, 0, false, 0
	}
	if lo, c = p.count(); c != 0 {
		return 0, 0, false, c
	}
	hi = lo
	if p.text[p.pos] == ',' {
		p.pos++
		hi = -1
		if isDigit(p.text[p.pos]) {
			if hi, c = p.count(); c != 0 {
				return 0, 0, false, c
			}
			if hi < lo {
				return 0, 0, false, 4
			}
		}
	}
	p.pos++
	return lo, hi, true, 0
}

func (p *parser) count() (int, Code) {
	n := 0
	for isDigit(p.at(0)) {
		n = n*10 + int(p.at(0)-'0')
		p.pos++
		if n > maxRepeat {
			return 0, 5
		}
	}
	return n, 0
}

// closeBranch ends a branch before offset end and merges runs of literals.
func (p *parser) closeBranch(f *frame, end int) {
	parts := f.items[:0]
	for i := 0; i < len(f.items); {
		first, ok := f.items[i].(*Literal)
		j := i + 1
		for ok && j < len(f.items) {
			l, same := f.items[j].(*Literal)
			if !same || l.Caseless != first.Caseless {
				break
			}
			j++
		}
		if j > i+1 {
			var text strings.Builder
			for _, n := range f.items[i:j] {
				text.WriteString(n.(*Literal).Text)
			}
			first.Text = text.String()
			first.span.End = f.items[j-1].(*Literal).span.End
		}
		parts = append(parts, f.items[i])
		i = j
	}
	var branch Node
	if len(parts) == 1 {
		branch = parts[0]
	} else {
		branch = &Concat{place{source.NewSpan(f.from, end)}, append([]Node(nil), parts...)}
	}
	f.branches = append(f.branches, branch)
	f.items = f.items[:0]
}

// closeBody ends the last branch before the byte just read, or at the end of the pattern.
func (p *parser) closeBody(f *frame) Node {
	end := p.pos
	if f.open >= 0 {
		end--
	}
	p.closeBranch(f, end)
	if len(f.branches) == 1 {
		return f.branches[0]
	}
	return &Alternation{place{source.NewSpan(f.body, end)}, f.branches}
}

func (p *parser) push(f *frame) {
	f.flags = p.flags
	f.body, f.from = p.pos, p.pos
	p.stack = append(p.stack, f)
	p.cur = f
}

func (p *parser) close(start int) Code {
	f := p.cur
	if len(p.stack) == 1 {
		p.pos--
		return 22
	}
	p.stack = p.stack[:len(p.stack)-1]
	p.cur = p.stack[len(p.stack)-1]
	p.flags = f.flags
	p.canRepeat = !f.isTest
	if f.cond != nil {
		c := f.cond
		p.closeBranch(f, start)
		c.Yes = f.branches[0]
		if len(f.branches) > 1 {
			c.No, c.extra = f.branches[1], f.branches[2:]
		}
		c.place = p.span(f.open)
		p.add(c)
		return 0
	}
	g := f.group
	if g.Kind == BranchReset {
		p.groups = max(p.groups, f.maxGroup)
	}
	g.Body = p.closeBody(f)
	g.place = p.span(f.open)
	if f.isTest && p.cur.cond != nil && p.cur.cond.Test == nil {
		p.cur.cond.Test = g
		p.cur.body, p.cur.from = p.pos, p.pos
		return 0
	}
	p.add(g)
	return 0
}
