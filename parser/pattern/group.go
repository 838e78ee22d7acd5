package pattern

import (
	"strings"

	"rewright/parser/source"
)

// open reads what an opening parenthesis begins; want is wantAssert as it was before it.
func (p *parser) open(start, want int) Code {
	if !p.more() {
		return 14
	}
	switch p.at(0) {
	case '?':
	case '*':
		if len(p.text)-p.pos <= 1 || p.at(1) == ')' {
			return 0 // the star that follows is then a quantifier without an item
		}
		if isLower(p.at(1)) {
			return p.alphaAssertion(start, want)
		}
		return p.verb(start)
	default:
		if p.flags&NoAutoCapture != 0 {
			p.push(&frame{open: start, group: &Group{Kind: NonCapturing}})
			return 0
		}
		if p.groups >= maxGroups {
			return 97
		}
		p.groups++
		p.push(&frame{open: start, group: &Group{Kind: Capturing, Number: p.groups}})
		return 0
	}
	p.pos++
	if !p.more() {
		return 14
	}
	switch c := p.at(0); c {
	case 'P':
		return p.python(start)
	case 'R':
		p.pos++
		if p.at(0) != ')' {
			return 58
		}
		return p.call(start, 0)
	case '+':
		if !isDigit(p.at(1)) {
			return 29
		}
		return p.callByNumber(start)
	case '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return p.callByNumber(start)
	case '&':
		return p.callByName(start)
	case 'C':
		return p.callout(start, want)
	case '(':
		return p.conditional(start)
	case '>':
		p.pos++
		p.push(&frame{open: start, group: &Group{Kind: Atomic}})
		return 0
	case '=':
		return p.lookaround(start, Lookahead, 1, want)
	case '!':
		return p.lookaround(start, NegativeLookahead, 1, want)
	case '*':
		return p.lookaround(start, NonAtomicLookahead, 1, want)
	case '<':
		switch p.at(1) {
		case '=':
			return p.lookaround(start, Lookbehind, 2, want)
		case '!':
			return p.lookaround(start, NegativeLookbehind, 2, want)
		case '*':
			return p.lookaround(start, NonAtomicLookbehind, 2, want)
		}
		return p.named(start, '>')
	case '\'':
		return p.named(start, '\'')
	case '|':
		p.pos++
		p.resets = true
		p.push(&frame{open: start, group: &Group{Kind: BranchReset}, reset: p.groups, maxGroup: p.groups})
		return 0
	case '-':
		if isDigit(p.at(1)) {
			return p.callByNumber(start)
		}
	}
	return p.setting(start)
}

// setting reads (?i), (?i:, (?: and the like from after the question mark.
func (p *parser) setting(start int) Code {
	before, at := p.flags, p.pos
	var item FlagsItem
	hyphenOK := true
	flags := p.flags
	if p.at(0) == '^' {
		item.Caret, hyphenOK = true, false
		flags &^= caretFlags
		p.pos++
	}
	to := &item.On
	for p.more() && p.at(0) != ')' && p.at(0) != ':' {
		c := p.at(0)
		p.pos++
		switch c {
		case '-':
			if !hyphenOK {
				p.pos--
				return 94
			}
			to, hyphenOK = &item.Off, false
		case 'J':
			*to |= DupNames
		case 'i':
			*to |= Caseless
		case 'm':
			*to |= Multiline
		case 'n':
			*to |= NoAutoCapture
		case 's':
			*to |= DotAll
		case 'U':
			*to |= Ungreedy
		case 'x':
			*to |= Extended
			if p.at(0) == 'x' {
				*to |= ExtendedMore
				p.pos++
			}
		default:
			p.pos--
			return 11
		}
	}
	off := item.Off
	if item.On&(Extended|ExtendedMore) == Extended || off&Extended != 0 {
		off |= ExtendedMore
	}
	flags = (flags | item.On) &^ off
	if !p.more() {
		return 14
	}
	isGroup := p.at(0) == ':'
	p.pos++
	if isGroup {
		p.push(&frame{open: start, group: &Group{Kind: NonCapturing, Set: item}})
		p.cur.flags = before
	} else if p.pos > at { // also the empty setting (?)
		p.add(&InlineFlags{p.span(start), item})
	}
	p.flags = flags
	return 0
}

func (p *parser) python(start int) Code {
	p.pos++
	if !p.more() {
		return 14
	}
	switch p.at(0) {
	case '<':
		return p.named(start, '>')
	case '>':
		return p.callByName(start)
	case '=':
		name, offset, code := p.readName(')', true)
		if code != 0 {
			return code
		}
		p.add(&BackReference{place: p.span(start), Name: name, Caseless: p.flags&Caseless != 0, offset: offset})
		p.canRepeat = true
		return 0
	}
	return 41
}

// callByNumber reads (?1), (?+1) and (?-1) from the sign or digit.
func (p *parser) callByNumber(start int) Code {
	base := p.groups
	if isDigit(p.at(0)) {
		base = -1
	}
	n, _, code := p.readNumber(base, maxGroups, 61)
	if code != 0 {
		return code
	}
	if p.at(0) != ')' {
		return 14
	}
	return p.call(start, n)
}

func (p *parser) callByName(start int) Code {
	name, offset, code := p.readName(')', true)
	if code != 0 {
		return code
	}
	p.add(&Recursion{place: p.span(start), Name: name, offset: offset})
	p.canRepeat = true
	return 0
}

// calloutEnds gives the byte that ends a callout's string for the one that begins it.
var calloutEnds = map[byte]byte{'`': '`', '\'': '\'', '"': '"', '^': '^', '%': '%', '#': '#', '$': '$', '{': '}'}

func (p *parser) callout(start, want int) Code {
	p.pos++
	if !p.more() {
		return 14
	}
	p.wantAssert = want - 1
	from := p.pos
	if c := p.at(0); c != ')' && !isDigit(c) {
		end, ok := calloutEnds[c]
		if !ok {
			return 82
		}
		for {
			p.pos++
			if !p.more() {
				p.pos = from
				return 81
			}
			if p.at(0) == end {
				p.pos++
				if p.at(0) != end || !p.more() {
					break
				}
			}
		}
	} else {
		n := 0
		for isDigit(p.at(0)) {
			n = n*10 + int(p.at(0)-'0')
			p.pos++
			if n > 255 {
				return 38
			}
		}
	}
	if p.at(0) != ')' {
		return 39
	}
	arg := p.text[from:p.pos]
	p.pos++
	n := &Callout{p.span(start), arg}
	if want > 0 && p.cur.cond != nil && p.cur.cond.Callout == nil {
		p.cur.cond.Callout = n
	} else {
		p.add(n)
	}
	return 0
}

// lookaround begins an assertion; skip is the number of bytes its sign takes.
func (p *parser) lookaround(start int, kind GroupKind, skip, want int) Code {
	g := &Group{Kind: kind}
	if kind.IsLookbehind() {
		p.hasLookbehind = true
		g.offset = p.pos - 2
	}
	p.pos += skip
	p.push(&frame{open: start, group: g, isTest: want > 0})
	return 0
}

// named begins a named group, from the byte before its name.
func (p *parser) named(start int, end byte) Code {
	name, _, code := p.readName(end, true)
	if code != 0 {
		return code
	}
	if p.groups >= maxGroups {
		return 97
	}
	p.groups++
	if len(p.names) >= maxNames {
		return 49
	}
	known, shared := false, false
	for i := range p.names {
		n := &p.names[i]
		if n.name == name {
			if n.number == p.groups {
				known = true
				break
			}
			if p.flags&DupNames == 0 {
				return 43
			}
			n.shared, shared = true, true
		} else if n.number == p.groups {
			return 65
		}
	}
	if !known {
		p.names = append(p.names, namedGroup{name, p.groups, shared})
	}
	p.push(&frame{open: start, group: &Group{Kind: Capturing, Number: p.groups, Name: name}})
	return 0
}

// conditional begins (?(…)…|…) from its second parenthesis.
func (p *parser) conditional(start int) Code {
	p.pos++
	if !p.more() {
		return 14
	}
	c := &Conditional{}
	if p.at(0) == '?' || p.at(0) == '*' {
		p.pos--
		c.Kind = Assertion
		p.wantAssert = 2
		p.push(&frame{open: start, cond: c})
		return 0
	}
	n, ok, code := p.readNumber(p.groups, maxGroups, 61)
	switch {
	case code != 0:
		return code
	case ok:
		if n <= 0 {
			return 15
		}
		c.Kind, c.number, c.offset = GroupIsSet, n, p.pos-2
	case len(p.text)-p.pos >= 10 && strings.HasPrefix(p.rest(), "VERSION") && p.at(7) != ')':
		if code := p.versionCheck(c); code != 0 {
			return code
		}
	default:
		if code := p.namedCondition(c); code != 0 {
			return code
		}
	}
	if p.at(0) != ')' {
		return 24
	}
	p.pos++
	c.head = source.NewSpan(start, p.pos)
	p.push(&frame{open: start, cond: c})
	return 0
}

// versionCheck reads VERSION>=10.4 and answers it for 10.42.
func (p *parser) versionCheck(c *Conditional) Code {
	const major, minor = 10, 42
	from := p.pos
	p.pos += 7
	atLeast := p.at(0) == '>'
	if atLeast {
		p.pos++
	}
	if p.at(0) != '=' {
		return 79
	}
	p.pos++
	if !isDigit(p.at(0)) {
		return 79
	}
	high, _, code := p.readNumber(-1, 1000, 79)
	if code != 0 {
		return code
	}
	if !p.more() {
		return 79
	}
	low := 0
	if p.at(0) == '.' {
		p.pos++
		if !isDigit(p.at(0)) {
			return 79
		}
		low = int(p.at(0)-'0') * 10
		p.pos++
		if !p.more() {
			return 79
		}
		if isDigit(p.at(0)) {
			low += int(p.at(0) - '0')
			p.pos++
		}
		if p.at(0) != ')' {
			return 79
		}
	}
	c.Kind, c.version = VersionCheck, p.text[from:p.pos]
	if atLeast {
		c.Holds = major > high || major == high && minor >= low
	} else {
		c.Holds = major == high && minor == low
	}
	return 0
}

func (p *parser) namedCondition(c *Conditional) Code {
	end, inRecursion := byte(')'), false
	switch {
	case p.at(0) == 'R' && p.at(1) == '&':
		inRecursion = true
		p.pos++
	case p.at(0) == '<':
		end = '>'
	case p.at(0) == '\'':
		end = '\''
	default:
		p.pos--
	}
	name, offset, code := p.readName(end, true)
	if code != 0 {
		return code
	}
	c.Kind, c.Name, c.offset, c.byName = GroupIsSet, name, offset, true
	if end == ')' {
		p.pos--
	}
	switch {
	case inRecursion:
		c.Kind, c.recName = InRecursion, true
	case end == ')' && name == "DEFINE":
		c.Kind = Define
	case end == ')' && name[0] == 'R' && strings.Trim(name[1:], "0123456789") == "":
		c.recName = true // (?(R1): a recursion test, unless a group bears the name
	}
	return 0
}

var alphaKinds = map[string]GroupKind{
	"pla": Lookahead, "positive_lookahead": Lookahead,
	"plb": Lookbehind, "positive_lookbehind": Lookbehind,
	"napla": NonAtomicLookahead, "non_atomic_positive_lookahead": NonAtomicLookahead,
	"naplb": NonAtomicLookbehind, "non_atomic_positive_lookbehind": NonAtomicLookbehind,
	"nla": NegativeLookahead, "negative_lookahead": NegativeLookahead,
	"nlb": NegativeLookbehind, "negative_lookbehind": NegativeLookbehind,
	"atomic": Atomic,
	"sr":     ScriptRun, "script_run": ScriptRun,
	"asr": AtomicScriptRun, "atomic_script_run": AtomicScriptRun,
}

// alphaAssertion reads (*pla: and the like from the star.
func (p *parser) alphaAssertion(start, want int) Code {
	name, _, code := p.readName(0, false)
	if code != 0 {
		return code
	}
	if p.at(0) != ':' {
		return 95
	}
	kind, ok := alphaKinds[name]
	if !ok {
		return 95
	}
	if want > 0 {
		switch kind {
		case NonAtomicLookahead, NonAtomicLookbehind:
			return 98
		case Atomic, ScriptRun, AtomicScriptRun:
			return 28
		}
	}
	if kind.IsLookbehind() {
		p.pos-- // where "<" would stand
		return p.lookaround(start, kind, 2, want)
	}
	if kind.IsLookaround() {
		return p.lookaround(start, kind, 1, want)
	}
	p.pos++
	p.push(&frame{open: start, group: &Group{Kind: kind}})
	return 0
}

var verbNames = map[string]string{
	"": "MARK", "MARK": "MARK", "ACCEPT": "ACCEPT", "F": "FAIL", "FAIL": "FAIL",
	"COMMIT": "COMMIT", "PRUNE": "PRUNE", "SKIP": "SKIP", "THEN": "THEN",
}

// verb reads (*FAIL), (*SKIP:name) and the like from the star.
func (p *parser) verb(start int) Code {
	name, _, code := p.readName(0, false)
	if code != 0 {
		return code
	}
	if p.at(0) != ':' && p.at(0) != ')' {
		return 60
	}
	full, ok := verbNames[name]
	if !ok {
		return 60
	}
	if p.at(0) == ':' && p.at(1) == ')' {
		p.pos++
	}
	if full == "MARK" && p.at(0) != ':' {
		return 66
	}
	p.canRepeat = full == "ACCEPT"
	hasArg := p.at(0) == ':'
	p.pos++
	arg := ""
	if hasArg {
		i := strings.IndexByte(p.rest(), ')')
		if i < 0 {
			p.pos = len(p.text)
			return 60
		}
		p.pos += i
		if i > maxMark {
			return 76
		}
		arg = p.text[p.pos-i : p.pos]
		p.pos++
	}
	p.add(&Verb{p.span(start), full, arg})
	return 0
}

// startSettings reads (*UTF), (*LIMIT_MATCH=1) and the like before the pattern proper.
// Source: pcre2_compile, pso_list.
func (p *parser) startSettings() Code {
	for {
		name, value, code := p.startSetting()
		if code != 0 {
			return code
		}
		if name == "" {
			return 0
		}
		switch name {
		case "BSR_ANYCRLF":
			p.tree.newlineCRLFOnly = true
		case "BSR_UNICODE":
			p.tree.newlineCRLFOnly = false
		case "UTF", "UTF8":
			p.tree.utf = true
			p.tree.foreign = p.tree.foreign || !isASCII(p.text)
		case "UCP", "NOTEMPTY", "NOTEMPTY_ATSTART", "CR", "CRLF", "ANY", "NUL", "ANYCRLF":
			p.tree.foreign = true
		case "LIMIT_HEAP", "LIMIT_MATCH", "LIMIT_DEPTH", "LIMIT_RECURSION":
			p.tree.foreign = true // the match may end in an error
		}
		p.tree.Start = append(p.tree.Start, Verb{Name: name, Arg: value})
	}
}

var startNames = []string{
	"UTF8)", "UTF)", "UCP)", "NOTEMPTY)", "NOTEMPTY_ATSTART)", "NO_AUTO_POSSESS)", "NO_DOTSTAR_ANCHOR)", "NO_JIT)",
	"NO_START_OPT)", "LIMIT_HEAP=", "LIMIT_MATCH=", "LIMIT_DEPTH=", "LIMIT_RECURSION=", "CR)", "LF)", "CRLF)", "ANY)",
	"NUL)", "ANYCRLF)", "BSR_ANYCRLF)", "BSR_UNICODE)",
}

func (p *parser) startSetting() (name, value string, c Code) {
	if !strings.HasPrefix(p.rest(), "(*") {
		return "", "", 0
	}
	for _, n := range startNames {
		if !strings.HasPrefix(p.text[p.pos+2:], n) {
			continue
		}
		p.pos += 2 + len(n)
		name = n[:len(n)-1]
		if n[len(n)-1] == ')' {
			return name, "", 0
		}
		if !isDigit(p.at(0)) {
			return "", "", 60
		}
		from, v := p.pos, uint64(0)
		for isDigit(p.at(0)) && v <= 1<<32/10-1 {
			v = v*10 + uint64(p.at(0)-'0')
			p.pos++
		}
		value = p.text[from:p.pos]
		closed := p.at(0) == ')'
		p.pos++
		if !closed {
			p.pos = min(p.pos, len(p.text))
			return "", "", 60
		}
		return name, value, 0
	}
	return "", "", 0
}
