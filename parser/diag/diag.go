// Package diag holds what rewright has to say about a place in a configuration: values only.
//
// Parsers and rules make Diagnostics; report formats turn them into text. Nothing is rendered here.
package diag

import (
	"cmp"
	"slices"
	"strings"

	"rewright/parser/source"
)

// Severity orders diagnostics; higher is worse.
type Severity uint8

const (
	Style   Severity = iota + 1 // taste
	Info                        // true and worth knowing, often deliberate
	Warning                     // works, but very likely not as meant
	Error                       // the server refuses it, or it cannot do what was meant
)

var severityNames = [...]string{"", "style", "info", "warning", "error"}

func (s Severity) String() string { return severityNames[s] }

// ParseSeverity reads a severity's name; ok is false when there is none of that name.
func ParseSeverity(name string) (s Severity, ok bool) {
	for i, n := range severityNames {
		if i > 0 && n == name {
			return Severity(i), true
		}
	}
	return 0, false
}

// Safety says who may apply a fix.
type Safety string

const (
	Safe  Safety = "safe"  // every answer of the server stays, or turns from refusal into what the text says; but see Fix.States
	Risky Safety = "risky" // changes answers on purpose
	Shown Safety = "shown" // a person has to choose
)

// Fix is one way to repair what a diagnostic is about.
type Fix struct {
	Title  string // imperative, lower case: `write "R=301"`
	Safety Safety
	Edits  []source.Edit // in the file of the diagnostic
	// States is set on a safe fix that changes what the edited rules answer, and only they: what it was nobody can have
	// meant (/Demand0Fulfillment for /Demand%20Fulfillment), and the title says what it becomes. A rule that could never
	// match and will is no change of this kind.
	States bool
}

// Related is another place that belongs to a diagnostic.
type Related struct {
	File    *source.File
	Span    source.Span
	Message string
}

// Witness is a request that shows what the diagnostic says.
type Witness struct {
	Method, URL string            // absolute URL
	Header      map[string]string // beyond Host
	Steps       []string          // what happens, one line each
}

// Diagnostic is one thing to say about one place.
type Diagnostic struct {
	Code     string // "RD001"; empty while a parser's finding has not met its rule
	Name     string // "unknown-directive"
	Severity Severity
	File     *source.File
	Span     source.Span
	Message  string // one line: what happens, to whom
	Help     string // what to do, in words; may be empty
	// Refuses is set when the server refuses the file because of this: httpd answers 500 for
	// the directory or does not start, nginx does not start.
	Refuses bool
	// ServerMessage is what the server itself says of it, as far as known; empty otherwise.
	ServerMessage string
	Related       []Related
	Fixes         []Fix // the best first
	Witness       *Witness
}

// Sort puts diagnostics into the order of reports.
func Sort(list []Diagnostic) {
	order := make([]*Diagnostic, len(list))
	for i := range list {
		order[i] = &list[i]
	}
	slices.SortStableFunc(order, Compare)
	sorted := make([]Diagnostic, len(list))
	for i, d := range order {
		sorted[i] = *d
	}
	copy(list, sorted)
}

// Compare is the order of reports: file, start, longer span first, code, message.
func Compare(a, b *Diagnostic) int {
	if a.File != b.File {
		if n := strings.Compare(fileName(a.File), fileName(b.File)); n != 0 {
			return n
		}
	}
	if a.Span != b.Span {
		return cmp.Or(cmp.Compare(a.Span.Start, b.Span.Start), cmp.Compare(b.Span.End, a.Span.End))
	}
	if n := strings.Compare(a.Code, b.Code); n != 0 {
		return n
	}
	return strings.Compare(a.Message, b.Message)
}

func fileName(f *source.File) string {
	if f == nil {
		return ""
	}
	return f.Name
}
