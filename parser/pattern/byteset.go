package pattern

import "math/bits"

// ByteSet is a set of bytes. The zero value is empty.
type ByteSet [4]uint64

// Has tells whether c is in the set.
func (s *ByteSet) Has(c byte) bool { return s[c>>6]&(1<<(c&63)) != 0 }

// Add puts c into the set.
func (s *ByteSet) Add(c byte) { s[c>>6] |= 1 << (c & 63) }

// AddRange puts the bytes from lo to hi, both included, into the set.
func (s *ByteSet) AddRange(lo, hi byte) {
	for c := int(lo); c <= int(hi); c++ {
		s.Add(byte(c))
	}
}

// Len is the number of bytes in the set.
func (s ByteSet) Len() int {
	return bits.OnesCount64(s[0]) + bits.OnesCount64(s[1]) + bits.OnesCount64(s[2]) + bits.OnesCount64(s[3])
}

// Empty tells whether no byte is in the set.
func (s ByteSet) Empty() bool { return s == ByteSet{} }

// Not is the set of all other bytes.
func (s ByteSet) Not() ByteSet { return ByteSet{^s[0], ^s[1], ^s[2], ^s[3]} }

// Or is the union.
func (s ByteSet) Or(t ByteSet) ByteSet {
	return ByteSet{s[0] | t[0], s[1] | t[1], s[2] | t[2], s[3] | t[3]}
}

// And is the intersection.
func (s ByteSet) And(t ByteSet) ByteSet {
	return ByteSet{s[0] & t[0], s[1] & t[1], s[2] & t[2], s[3] & t[3]}
}

// Ranges calls f for each maximal run of bytes, in order, ends included.
func (s ByteSet) Ranges(f func(lo, hi byte)) {
	for c := 0; c < 256; c++ {
		if !s.Has(byte(c)) {
			continue
		}
		lo := c
		for c < 255 && s.Has(byte(c+1)) {
			c++
		}
		f(byte(lo), byte(c))
	}
}

// First is the smallest byte of the set; ok is false when it is empty.
func (s ByteSet) First() (c byte, ok bool) {
	for i, w := range s {
		if w != 0 {
			return byte(i*64 + bits.TrailingZeros64(w)), true
		}
	}
	return 0, false
}

// foldCase adds the other case of each ASCII letter.
func (s ByteSet) foldCase() ByteSet {
	const letters = (1<<26 - 1) << 1 // bits 1 to 26: "A" is 0x41, "a" is 0x61
	upper, lower := s[1]&letters, s[1]>>32&letters
	s[1] |= lower | upper<<32
	return s
}

// setOf builds a set from pairs of bounds.
func setOf(bounds string) ByteSet {
	var s ByteSet
	for i := 0; i+1 < len(bounds); i += 2 {
		s.AddRange(bounds[i], bounds[i+1])
	}
	return s
}

// The classes of the C locale, as PCRE2's built-in tables (pcre2_chartables.c.dist) have them.
var (
	allBytes   = setOf("\x00\xff")
	digitBytes = setOf("09")
	wordBytes  = setOf("09AZ__az")
	spaceBytes = setOf("\t\r  ")
	horizBytes = setOf("\t\t  \xa0\xa0")
	vertBytes  = setOf("\n\r\x85\x85")
	newlineSet = setOf("\n\n")
)

var posixClasses = map[string]ByteSet{
	"alpha": setOf("AZaz"), "lower": setOf("az"), "upper": setOf("AZ"), "alnum": setOf("09AZaz"),
	"ascii": setOf("\x00\x7f"), "blank": setOf("\t\t  "), "cntrl": setOf("\x00\x1f\x7f\x7f"), "digit": digitBytes,
	"graph": setOf("!~"), "print": setOf(" ~"), "punct": setOf("!/:@[`{~"), "space": spaceBytes,
	"word": wordBytes, "xdigit": setOf("09AFaf"),
}

// escapeClass is the set of \d, \D, \w, \W, \s, \S, \h, \H, \v and \V.
func escapeClass(letter byte) (ByteSet, bool) {
	switch letter {
	case 'd':
		return digitBytes, true
	case 'w':
		return wordBytes, true
	case 's':
		return spaceBytes, true
	case 'h':
		return horizBytes, true
	case 'v':
		return vertBytes, true
	case 'D', 'W', 'S', 'H', 'V':
		s, ok := escapeClass(letter | 0x20)
		return s.Not(), ok
	}
	return ByteSet{}, false
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLower(c byte) bool  { return c >= 'a' && c <= 'z' }
func isLetter(c byte) bool { return isLower(c | 0x20) }
func isWord(c byte) bool   { return isLetter(c) || isDigit(c) || c == '_' }
func isSpace(c byte) bool  { return c == ' ' || c >= '\t' && c <= '\r' }

func hexDigit(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
