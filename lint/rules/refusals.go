package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
)

// withRefusal makes sure that a message of a parser says what the server does.
func withRefusal(p *lint.Pass, d diag.Diagnostic, _ *lint.Directive) (diag.Diagnostic, bool) {
	if !d.Refuses || strings.Contains(d.Message, "not start") || strings.Contains(d.Message, "refuses") || strings.Contains(d.Message, "500") {
		return d, true
	}
	d.Message += "; " + p.Refusal()
	return d, true
}
