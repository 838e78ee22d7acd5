package pattern

// Flags are the letters of an option setting such as (?i) or (?s-m:…).
type Flags uint16

const (
	Caseless      Flags = 1 << iota // i
	Multiline                       // m: ^ and $ match at inner newlines too
	NoAutoCapture                   // n: plain parentheses do not capture
	DotAll                          // s
	Extended                        // x: white space and # comments are ignored
	ExtendedMore                    // xx: blanks in classes are ignored too
	DupNames                        // J
	Ungreedy                        // U: greedy and lazy change places
)

const caretFlags = Caseless | Multiline | NoAutoCapture | DotAll | Extended | ExtendedMore

var flagLetters = []struct {
	flag Flags
	text string
}{{DupNames, "J"}, {Ungreedy, "U"}, {Caseless, "i"}, {Multiline, "m"}, {NoAutoCapture, "n"}, {DotAll, "s"}, {ExtendedMore, "xx"}, {Extended, "x"}}

// String writes the letters in a fixed order; no flags is the empty string.
func (f Flags) String() string {
	s := ""
	for _, l := range flagLetters {
		if f&l.flag != 0 && !(l.flag == Extended && f&ExtendedMore != 0) {
			s += l.text
		}
	}
	return s
}

func (o Options) flags() Flags {
	var f Flags
	if o.IgnoreCase {
		f |= Caseless
	}
	if o.DotAll {
		f |= DotAll
	}
	if o.DuplicateNames {
		f |= DupNames
	}
	return f
}
