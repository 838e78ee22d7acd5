package nginx

import (
	"fmt"
	"strings"
)

// locationVariable holds the Location of answers with which nginx sends none of its own; add_header leaves out what
// is empty.
const locationVariable = "location"

// sendByHeader is a redirect with a status for which return takes no address: the address goes into a header. nginx
// does know the status, or httpd does not and answers 500 with the Location all the same.
func (b *builder) sendByHeader(status int, d destination) {
	from := len(b.u.lines)
	b.send(307, d) // a status that only return can send
	for i := from; i < len(b.u.lines); i++ {
		line := b.u.lines[i]
		at := strings.Index(line, "return 307 ")
		if at < 0 {
			continue
		}
		indent, address := line[:at], line[at+len("return 307 "):]
		lines := []string{indent + "set $" + locationVariable + " " + address, indent + b.statusOnly(status)}
		b.u.lines = append(b.u.lines[:i:i], append(lines, b.u.lines[i+1:]...)...)
		i++
	}
	b.c.out.header = true
}

// statusOnly answers with a status and without an address.
func (b *builder) statusOnly(status int) string {
	if !knownStatus(status) {
		status = 500
	}
	return fmt.Sprintf("return %d;", status)
}

// answer are the directives of a redirect.
func (b *builder) answer(status int, address string) []string {
	if sendsLocation(status) {
		return []string{fmt.Sprintf("return %d %s;", status, word(address))}
	}
	b.c.out.header = true
	return []string{fmt.Sprintf("set $%s %s;", locationVariable, word(address)), b.statusOnly(status)}
}

// sendHeader is the unit that sends the Location of such answers, for the block that they stand in.
func sendHeader() *unit {
	return &unit{lines: []string{"add_header Location $" + locationVariable + " always;"}, kind: "add_header"}
}
