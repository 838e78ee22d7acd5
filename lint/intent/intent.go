// Package intent reads what the author of a configuration says in words: in the comment above a redirect, and in
// the names of the paths it leads from and to.
//
// Lines of a comment go in; the statuses it declares, the words that call the redirect temporary or permanent, dates
// and the like come out, each with the place it was written. What a directive does is not known here: comparing both
// is left to the rules. Words are read by a small grammar for each language and not searched for: a comment that
// tells history, plans, warns or asks declares nothing.
package intent

import (
	"time"

	"rewright/parser/source"
)

// Line is one line of a comment: its text behind the comment sign, and where that text begins in the file.
type Line struct {
	Text  string
	Start int32
}

// Sense is what a piece of a comment says of a redirect.
type Sense uint8

const (
	Temporary Sense = iota + 1 // by its words: "temporary redirect"
	Permanent                  // "moved permanently"
	ForNow                     // by circumstance: "until the shop is back"
	Removed                    // the page is gone: "product discontinued"
)

// Mark is one piece of a comment that says something.
type Mark struct {
	Sense Sense
	Span  source.Span
	Words string    // as written, on one line
	Until time.Time // ForNow: the last day it is said to last; zero: none said
}

// Code is a status that a comment declares for the directive below it.
type Code struct {
	Status int
	Span   source.Span // of the number and the words that belong to it
	Words  string      // as written, on one line
}

// Reading is what a comment says.
type Reading struct {
	Code   *Code // nil: none is declared, or more than one is named
	Marks  []Mark
	Method bool // it speaks of POST, a form or a request body
	Many   bool // it speaks of several redirects: "301 redirects"
	Dates  []Date
}

// Date is a day, or the last day of the month, quarter or year that is named.
type Date struct {
	Day   time.Time
	Span  source.Span
	Words string
}

// Has gives the first mark of a sense.
func (r *Reading) Has(s Sense) (Mark, bool) {
	for _, m := range r.Marks {
		if m.Sense == s {
			return m, true
		}
	}
	return Mark{}, false
}

// Read reads a comment: the lines directly above a directive, first line first. Only its last paragraph counts, and
// nothing that stands above a directive that is commented out, for it speaks of that one.
func Read(lines []Line) Reading {
	var out Reading
	words := split(lastParagraph(lines))
	if len(words) == 0 {
		return out
	}
	r := reader{words: words}
	out.Code, out.Many = r.code()
	r.duration(&out)
	r.circumstance(&out)
	r.removed(&out)
	for i := range words {
		switch words[i].text {
		case "post", "put", "patch", "method", "methods", "body", "form", "forms", "formular", "formulaire":
			out.Method = true
		}
		out.Many = out.Many || i > 0 && words[i].text == "redirects" && words[i].end
	}
	out.Dates = r.dates
	return out
}

// maxLines bounds how much of a comment is read; what stands further above rarely speaks of the directive below.
const maxLines = 8

// lastParagraph is the end of a comment: lines without gaps, rulers or directives that are commented out between them.
func lastParagraph(lines []Line) []Line {
	end := len(lines)
	for end > 0 && isGap(lines[end-1].Text) {
		end--
	}
	start := end
	for start > 0 && end-start < maxLines && !isGap(lines[start-1].Text) && !isDirective(lines[start-1].Text) {
		start--
	}
	return lines[start:end]
}

// isGap tells whether a line of a comment holds no words: it is empty, or a ruler.
func isGap(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 0x80 || isAlnum(c) {
			return false
		}
	}
	return true
}

func isAlnum(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}
