package pattern

import "strings"

// How a class item may take part in a range. Source: parse_regex, class_range_state.
const (
	rangeNo = iota
	rangeStarted
	rangeOK
)

// class reads a bracketed class from after its "[".
func (p *parser) class(start int) Code {
	p.canRepeat = true
	if s := p.rest(); strings.HasPrefix(s, "[:<:]]") || strings.HasPrefix(s, "[:>:]]") {
		p.pos += 6
		at := p.span(start)
		word := &Class{place: at, Set: wordBytes}
		kind := Lookahead
		if s[2] == '>' {
			kind = Lookbehind
		}
		p.add(&Anchor{at, WordBoundary})
		p.add(&Group{place: at, Kind: kind, Body: word})
		return 0
	}
	if c := p.at(0); c == ':' || c == '.' || c == '=' {
		if _, ok := p.posixEnd(p.pos); ok {
			p.pos--
			if c == ':' {
				return 12
			}
			return 13
		}
	}
	class := &Class{Bracket: true}
	c := byte('[')
	for p.more() {
		c = p.at(0)
		p.pos++
		if c == '\\' {
			if p.at(0) == 'E' {
				p.pos++
			} else if strings.HasPrefix(p.rest(), `Q\E`) {
				p.pos += 3
			} else {
				break
			}
		} else if p.flags&ExtendedMore != 0 && (c == ' ' || c == '\t') {
			continue
		} else if !class.Negated && c == '^' {
			class.Negated = true
		} else {
			break
		}
	}
	if code := p.classItems(class, c); code != 0 {
		return code
	}
	if class.Negated {
		class.Set = class.Set.Not()
	}
	class.place = p.span(start)
	p.add(class)
	return 0
}

// classItems reads the items from c, the byte just read, to after the closing bracket.
func (p *parser) classItems(class *Class, c byte) Code {
	state, last := rangeNo, 0 // last is the byte that may start a range
	var bytes ByteSet         // what is named byte by byte or as a range: only that has another case
	for {
		value, isByte := int(c), true
		switch {
		case p.quoted && c == '\\' && p.at(0) == 'E':
			p.quoted = false
			p.pos++
			isByte = false
		case p.quoted:
		case p.flags&ExtendedMore != 0 && (c == ' ' || c == '\t'):
			isByte = false
		case c == '[' && p.isPosix():
			if code := p.posixClass(class, state); code != 0 {
				return code
			}
			state, isByte = rangeNo, false
		case c == '-' && state >= rangeOK:
			state, isByte = rangeStarted, false
		case c == '\\':
			e, code := p.readEscape(true)
			if code != 0 {
				return code
			}
			if value, isByte, code = p.classEscape(class, e, &state); code != 0 {
				return code
			}
		}
		if isByte {
			if state == rangeStarted {
				if last > value {
					p.pos--
					return 8
				}
				if last <= 255 {
					bytes.AddRange(byte(last), byte(min(value, 255)))
				}
				state = rangeNo
			} else {
				if value <= 255 { // beyond it only in UTF mode
					bytes.Add(byte(value))
				}
				state, last = rangeOK, value
			}
		}
		if !p.more() {
			return 6
		}
		c = p.at(0)
		p.pos++
		if c == ']' && !p.quoted {
			break
		}
	}
	if state == rangeStarted {
		bytes.Add('-')
	}
	if p.flags&Caseless != 0 {
		bytes = bytes.foldCase()
	}
	class.Set = class.Set.Or(bytes)
	return 0
}

// classEscape adds an escape to a class, or gives back the byte it stands for.
func (p *parser) classEscape(class *Class, e escape, state *int) (value int, isByte bool, c Code) {
	switch e.letter {
	case 0:
		return e.value, true, 0
	case 'b':
		return '\b', true, 0
	case 'Q':
		p.quoted = true
		return 0, false, 0
	case 'E':
		return 0, false, 0
	case 'B', 'R', 'X':
		p.pos--
		return 0, false, 7
	}
	if *state == rangeStarted {
		return 0, false, 50
	}
	*state = rangeNo
	switch e.letter {
	case 'N':
		return 0, false, 71
	case 'p', 'P':
		one := Class{Negated: e.letter == 'P'}
		if code := p.property(&one); code != 0 {
			return 0, false, code
		}
		class.Set = class.Set.Or(one.Set)
		class.unknown = class.unknown || one.unknown
	default:
		set, ok := escapeClass(e.letter)
		if !ok {
			p.pos--
			return 0, false, 7
		}
		class.Set = class.Set.Or(set)
	}
	return 0, false, p.hyphenAfterClass()
}

// hyphenAfterClass refuses [\d-z]: a hyphen after a class is only allowed before the bracket.
func (p *parser) hyphenAfterClass() Code {
	if p.pos < len(p.text)-1 && p.at(0) == '-' && p.at(1) != ']' {
		return 50
	}
	return 0
}

func (p *parser) isPosix() bool {
	if len(p.text)-p.pos < 3 {
		return false
	}
	if c := p.at(0); c != ':' && c != '.' && c != '=' {
		return false
	}
	_, ok := p.posixEnd(p.pos)
	return ok
}

// posixEnd finds the ":" of ":]" for the one at offset i. Source: check_posix_syntax.
func (p *parser) posixEnd(i int) (end int, ok bool) {
	s, mark := p.text, p.text[i]
	for i++; len(s)-i >= 2; i++ {
		switch {
		case s[i] == '\\' && (s[i+1] == ']' || s[i+1] == '\\'):
			i++
		case s[i] == '[' && s[i+1] == mark, s[i] == ']':
			return 0, false
		case s[i] == mark && s[i+1] == ']':
			return i, true
		}
	}
	return 0, false
}

// posixClass reads [:name:] from the byte after its bracket.
func (p *parser) posixClass(class *Class, state int) Code {
	if state == rangeStarted {
		return 50
	}
	if p.at(0) != ':' {
		p.pos--
		return 13
	}
	end, _ := p.posixEnd(p.pos)
	p.pos++
	negated := p.at(0) == '^'
	if negated {
		p.pos++
	}
	var name string
	if p.pos < end {
		name = p.text[p.pos:end]
	}
	set, ok := posixClasses[name]
	if !ok {
		return 30
	}
	if p.flags&Caseless != 0 && (name == "lower" || name == "upper") {
		set = posixClasses["alpha"]
	}
	if negated {
		set = set.Not()
	}
	class.Set = class.Set.Or(set)
	p.pos = end + 2
	return p.hyphenAfterClass()
}
