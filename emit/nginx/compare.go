package nginx

import (
	"fmt"
	"strconv"
	"strings"
)

// lessThan is a pattern for texts that httpd takes for smaller than text: shorter ones, and of the same length those
// that come before it. Without case it is plain order of the alphabet. Source: mod_rewrite.c, compare_lexicography.
func lessThan(text string, orEqual, ignoreCase bool) string {
	var parts []string
	same := ""
	for i := 0; i < len(text); i++ {
		c := text[i]
		rest := len(text) - i - 1
		tail := fmt.Sprintf("[\\x00-\\xff]{%d}", rest)
		if ignoreCase {
			tail = "[\\x00-\\xff]*"
			if c >= 'A' && c <= 'Z' {
				c |= 0x20
			}
			parts = append(parts, same+"$") // a proper beginning
		} else if rest == 0 {
			tail = ""
		}
		if c > 0 {
			set := fmt.Sprintf("[\\x00-\\x%02x]", c-1)
			if ignoreCase {
				set = lowerSet(c)
			}
			parts = append(parts, same+set+tail)
		}
		same += quoteLiteral(text[i : i+1])
	}
	if !ignoreCase && len(text) > 0 {
		parts = append(parts, fmt.Sprintf("[\\x00-\\xff]{0,%d}", len(text)-1))
	}
	if orEqual {
		parts = append(parts, same)
	}
	if len(parts) == 0 {
		return "(?!)"
	}
	return "^(?:" + strings.Join(parts, "|") + ")$"
}

// before is a pattern for texts that come before text in plain order, byte by byte, or are the same.
func before(text string, orEqual bool) string {
	var parts []string
	same := ""
	for i := 0; i < len(text); i++ {
		parts = append(parts, same+"$") // a proper beginning
		if c := text[i]; c > 0 {
			parts = append(parts, same+fmt.Sprintf("[\\x00-\\x%02x]", c-1))
		}
		same += quoteLiteral(text[i : i+1])
	}
	if orEqual {
		parts = append(parts, same+"$")
	}
	if len(parts) == 0 {
		return "(?!)"
	}
	return "^(?:" + strings.Join(parts, "|") + ")"
}

// lowerSet are the bytes that come before c when letters are lower case.
func lowerSet(c byte) string {
	var b strings.Builder
	b.WriteByte('[')
	for x := 0; x < 256; x++ {
		y := byte(x)
		if y >= 'A' && y <= 'Z' {
			y |= 0x20
		}
		if y < c {
			fmt.Fprintf(&b, "\\x%02x", x)
		}
	}
	return b.String() + "]"
}

// atLeast is a pattern for texts whose leading number, as atoi reads it, is n or more. n is 1 or more for plain
// numbers; negated tells that the pattern says the opposite.
func atLeast(n int) (re string, negated bool) {
	if n > 0 {
		return `^\s*\+?` + digitsFrom(n), false
	}
	// not (minus something greater than -n)
	return `^\s*-` + digitsFrom(-n+1), true
}

// digitsFrom is a pattern for digits that make n or more; n is at least 1.
func digitsFrom(n int) string {
	d := strconv.Itoa(n)
	list := []string{fmt.Sprintf("[1-9][0-9]{%d,}", len(d))}
	for i := 0; i < len(d); i++ {
		if d[i] < '9' {
			rest := ""
			if n := len(d) - i - 1; n > 0 {
				rest = fmt.Sprintf("[0-9]{%d}", n)
			}
			list = append(list, fmt.Sprintf("%s[%c-9]%s(?![0-9])", d[:i], d[i]+1, rest))
		}
	}
	list = append(list, d+"(?![0-9])")
	return "0*(?:" + strings.Join(list, "|") + ")"
}

// atoi reads a leading number as C does.
func atoi(s string) int {
	s = strings.TrimLeft(s, " \t\n\v\f\r")
	end := 0
	if end < len(s) && (s[end] == '+' || s[end] == '-') {
		end++
	}
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		end++
	}
	n, _ := strconv.Atoi(s[:end])
	return n
}
