package pattern

import "unicode"

// An escape is what check_escape of pcre2_compile.c makes of the bytes after a backslash.
type escape struct {
	letter byte // 0 for a data byte; 'g' for a call \g<…>, 'k' for a named reference, '1' for a numbered one
	value  int  // the data byte, or the group number
}

// readEscape reads an escape from after its backslash and leaves the position after it.
func (p *parser) readEscape(inClass bool) (escape, Code) {
	if !p.more() {
		return escape{}, 1
	}
	c := p.at(0)
	p.pos++
	switch c {
	case 'A', 'B', 'C', 'D', 'E', 'G', 'H', 'K', 'P', 'Q', 'R', 'S', 'V', 'W', 'X', 'Z', 'b', 'd', 'h', 'k', 'p', 's', 'v', 'w', 'z':
		return escape{letter: c}, 0
	case 'N':
		return escape{letter: c}, p.checkN()
	case 'a':
		return escape{value: 7}, 0
	case 'e':
		return escape{value: 27}, 0
	case 'f':
		return escape{value: '\f'}, 0
	case 'n':
		return escape{value: '\n'}, 0
	case 'r':
		return escape{value: '\r'}, 0
	case 't':
		return escape{value: '\t'}, 0
	case 'F', 'l', 'L', 'u', 'U':
		return escape{}, 37
	case 'g':
		if inClass {
			return escape{value: 'g'}, 0
		}
		return p.readG()
	case '0':
		return p.readOctal(0)
	case '1', '2', '3', '4', '5', '6', '7', '8', '9':
		if !inClass {
			if n, ok, code := p.plainReference(c); ok || code != 0 {
				return escape{'1', n}, code
			}
		}
		if c >= '8' {
			return escape{value: int(c)}, 0
		}
		return p.readOctal(int(c - '0'))
	case 'o':
		return p.readBracedOctal()
	case 'x':
		return p.readHex()
	case 'c':
		if !p.more() {
			return escape{}, 2
		}
		b := p.at(0)
		if isLower(b) {
			b -= 0x20
		}
		if b < 32 || b > 126 {
			return escape{}, 68
		}
		p.pos++
		return escape{value: int(b ^ 0x40)}, 0
	}
	if isLetter(c) || isDigit(c) {
		p.pos--
		return escape{}, 3
	}
	return escape{value: int(c)}, 0
}

// checkN refuses \N{…} unless the braces are a quantifier.
func (p *parser) checkN() Code {
	if p.at(0) != '{' {
		return 0
	}
	if p.at(1) == 'U' && p.at(2) == '+' {
		return 93 // in UTF mode it names a code point; that is left out here
	}
	at := p.pos
	p.pos++
	_, _, ok, code := p.counts()
	p.pos = at
	if code == 0 && !ok {
		code = 37
	}
	return code
}

// readNumber reads digits; with base ≥ 0 a sign makes it relative to base groups.
// Without ok and without a code there was no number, and nothing is read.
func (p *parser) readNumber(base, limit int, tooBig Code) (n int, ok bool, c Code) {
	start, sign := p.pos, 0
	if base >= 0 {
		switch p.at(0) {
		case '+':
			sign = 1
			limit -= base
			p.pos++
		case '-':
			sign = -1
			p.pos++
		}
	}
	if !isDigit(p.at(0)) {
		p.pos = start
		return 0, false, 0
	}
	for isDigit(p.at(0)) {
		n = n*10 + int(p.at(0)-'0')
		p.pos++
		if n > limit {
			return n, false, tooBig
		}
	}
	if sign != 0 {
		switch {
		case n == 0:
			return n, false, 26
		case sign > 0:
			n += base
		case n > base:
			return n, false, 15
		default:
			n = base + 1 - n
		}
	}
	return n, true, 0
}

// readG reads what follows \g outside a class.
func (p *parser) readG() (escape, Code) {
	if !p.more() {
		return escape{}, 57
	}
	var n int
	var ok bool
	var c Code
	switch p.at(0) {
	case '<', '\'':
		return escape{letter: 'g'}, 0
	case '{':
		at := p.pos
		p.pos++
		n, ok, c = p.readNumber(p.groups, maxGroups, 61)
		if !ok {
			p.pos = at
			return escape{letter: 'k'}, c
		}
		if p.at(0) != '}' {
			p.pos = at
			return escape{}, 57
		}
		p.pos++
	default:
		n, ok, c = p.readNumber(p.groups, maxGroups, 61)
		if c == 0 && !ok {
			c = 57
		}
		if c != 0 {
			return escape{}, c
		}
	}
	if n <= 0 {
		return escape{}, 15
	}
	return escape{'1', n}, 0
}

// plainReference reads \1 to \9 and \10 upwards; first is the digit already read.
// Numbers from 10 that no group bears yet are octal, unless they begin with 8 or 9.
func (p *parser) plainReference(first byte) (n int, ok bool, c Code) {
	after := p.pos
	p.pos--
	n, ok, _ = p.readNumber(-1, 1<<31/10-1, 0)
	if ok && (n < 10 || first >= '8' || n <= p.groups) {
		if n > maxGroups {
			return 0, false, 61
		}
		return n, true, 0
	}
	p.pos = after
	return 0, false, 0
}

func (p *parser) readOctal(v int) (escape, Code) {
	for i := 0; i < 2 && p.at(0) >= '0' && p.at(0) <= '7'; i++ {
		v = v*8 + int(p.at(0)-'0')
		p.pos++
	}
	if v > 255 && !p.tree.utf {
		return escape{}, 51
	}
	return escape{value: v}, 0
}

func (p *parser) readBracedOctal() (escape, Code) {
	if p.at(0) != '{' {
		if !p.more() {
			p.pos-- // the library steps back from where it did not step forward
		}
		return escape{}, 55
	}
	p.pos++
	if !p.more() || p.at(0) == '}' {
		return escape{}, 78
	}
	return p.readBraced(8, 64)
}

func (p *parser) readHex() (escape, Code) {
	if p.at(0) == '{' {
		p.pos++
		if !p.more() || p.at(0) == '}' {
			return escape{}, 78
		}
		return p.readBraced(16, 67)
	}
	v := 0
	for i := 0; i < 2 && p.more() && hexDigit(p.at(0)) >= 0; i++ {
		v = v*16 + hexDigit(p.at(0))
		p.pos++
	}
	return escape{value: v}, 0
}

// readBraced reads the digits of \x{…} or \o{…} and the brace; unclosed is the code when it is missing.
func (p *parser) readBraced(base int, unclosed Code) (escape, Code) {
	v := 0
	digit := func() int {
		if !p.more() {
			return -1
		}
		if d := hexDigit(p.at(0)); d < base {
			return d
		}
		return -1
	}
	for digit() >= 0 {
		v = v*base + digit()
		p.pos++
		if v > 255 && !p.tree.utf || v > unicode.MaxRune {
			for digit() >= 0 {
				p.pos++
			}
			return escape{}, 34
		}
	}
	if p.at(0) != '}' {
		if !p.more() {
			p.pos-- // as above
		}
		return escape{}, unclosed
	}
	if v >= 0xd800 && v <= 0xdfff {
		return escape{}, 73
	}
	p.pos++
	return escape{value: v}, 0
}

// escape reads an escape outside a class; start is the offset of its backslash.
func (p *parser) escape(start int) Code {
	e, code := p.readEscape(false)
	if code != 0 {
		return code
	}
	switch e.letter {
	case 0:
		p.literal(e.value, start)
	case '1':
		offset := p.pos - 1
		if e.value < 10 {
			if p.smallRef[e.value] < 0 {
				p.smallRef[e.value] = offset
			}
			offset = p.smallRef[e.value]
		}
		p.add(&BackReference{place: p.span(start), Caseless: p.flags&Caseless != 0, number: e.value, offset: offset})
		p.canRepeat = true
	case 'g', 'k':
		return p.namedEscape(e.letter, start)
	case 'A':
		p.add(&Anchor{p.span(start), SubjectStart})
	case 'B':
		p.add(&Anchor{p.span(start), NotWordBoundary})
	case 'b':
		p.add(&Anchor{p.span(start), WordBoundary})
	case 'G':
		p.add(&Anchor{p.span(start), SearchStart})
	case 'Z':
		p.add(&Anchor{p.span(start), SubjectEndOrNewline})
	case 'z':
		p.add(&Anchor{p.span(start), SubjectEnd})
	case 'K':
		p.add(&KeepOut{p.span(start)})
	case 'p', 'P':
		c := &Class{Negated: e.letter == 'P'}
		if code := p.property(c); code != 0 {
			return code
		}
		c.place = p.span(start)
		p.add(c)
		p.canRepeat = true
	default:
		p.add(p.escapedItem(e.letter, start))
		p.canRepeat = true
	}
	return 0
}

// escapedItem is the node of an escape that matches bytes.
func (p *parser) escapedItem(letter byte, start int) Node {
	switch letter {
	case 'C':
		return &Any{p.span(start), true}
	case 'N':
		return &Any{p.span(start), false}
	case 'R':
		set := vertBytes
		if p.tree.newlineCRLFOnly {
			set = setOf("\n\n\r\r")
		}
		return &Newline{p.span(start), set}
	case 'X':
		return &Grapheme{p.span(start)}
	}
	set, _ := escapeClass(letter)
	return &Class{place: p.span(start), Set: set, Negated: !isLower(letter)}
}

// namedEscape reads the rest of \k{n}, \k<n>, \k'n', \g{n}, \g<n> and \g'n'; the last two call the group.
func (p *parser) namedEscape(letter byte, start int) Code {
	end := byte('}')
	switch p.at(0) {
	case '<':
		end = '>'
	case '\'':
		end = '\''
	case '{':
	default:
		if letter == 'g' {
			return 57
		}
		return 69
	}
	isCall := letter == 'g'
	if isCall {
		at := p.pos
		p.pos++
		n, ok, code := p.readNumber(p.groups, maxGroups, 61)
		if ok {
			if p.at(0) != end {
				p.pos = at
				return 57
			}
			return p.call(start, n)
		}
		p.pos = at
		if code != 0 {
			return code
		}
	}
	name, offset, code := p.readName(end, true)
	if code != 0 {
		return code
	}
	if isCall {
		p.add(&Recursion{place: p.span(start), Name: name, offset: offset})
	} else {
		p.add(&BackReference{place: p.span(start), Name: name, Caseless: p.flags&Caseless != 0, offset: offset})
	}
	p.canRepeat = true
	return 0
}

// call adds a recursion by number; the position is at its closing byte.
func (p *parser) call(start, n int) Code {
	offset := p.pos
	p.pos++
	p.add(&Recursion{place: p.span(start), Number: n, offset: offset})
	p.canRepeat = true
	return 0
}

// readName reads a name from the byte before it to after its terminator. Verbs and alphabetic assertions
// (isGroup false) have no terminator here.
func (p *parser) readName(end byte, isGroup bool) (name string, offset int, c Code) {
	p.pos++
	if !p.more() {
		if isGroup {
			return "", 0, 62
		}
		return "", 0, 60
	}
	start := p.pos
	if isGroup && isDigit(p.at(0)) {
		return "", 0, 44
	}
	for p.more() && isWord(p.at(0)) {
		p.pos++
	}
	if p.pos-start > maxName {
		return "", 0, 48
	}
	name = p.text[start:p.pos]
	if isGroup {
		if name == "" {
			return "", 0, 62
		}
		if !p.more() || p.at(0) != end {
			return "", 0, 42
		}
		p.pos++
	}
	return name, start, 0
}
