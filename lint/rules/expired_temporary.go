package rules

import (
	"fmt"
	"strings"
	"time"

	"rewright/lint"
	"rewright/lint/intent"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var expiredTemporary = lint.Rule{
	Code: "RD316", ID: "expired-temporary", Severity: diag.Info, For: lint.Both, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "a redirect whose last day has passed",
		Text: "The comment says until when it was meant to last, or a condition on the clock can never hold again. It is time to delete the " +
			"redirect or to make it permanent. The day of the check is today.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "# lint:intent temporary until 2025-12-31\nRedirect 302 /fair /events/fair-2025\n", After: "# lint:intent temporary until 2099-12-31\nRedirect 302 /fair /events/fair-2025\n"},
			{Server: ir.Nginx, Before: "# until 2025-12-31\nlocation = /fair { return 302 /events/fair-2025; }\n", After: "# until 2099-12-31\nlocation = /fair { return 302 /events/fair-2025; }\n"},
		},
		Source: "this tool: lint:intent",
	},
	Program: func(p *lint.Pass, _ *ir.Program) {
		now := p.Unit.Input.Now
		if now.IsZero() {
			return
		}
		over := func(day time.Time) bool { return !day.IsZero() && now.After(day.AddDate(0, 0, 1)) }
		for _, i := range p.Unit.Intents() {
			if over(i.Until) {
				p.Add(diag.Diagnostic{File: i.Directive.File, Span: i.UntilSpan, Help: "delete the redirect, or state another day",
					Message: fmt.Sprintf("%q has passed; delete this redirect or make it permanent", "until "+i.Until.Format(time.DateOnly))})
			}
		}
		for _, r := range redirectsOf(p.Unit) {
			stated := p.Unit.Intent(r.at.File, r.at.Name.Span.Start, lint.IntentTemporary)
			for _, m := range r.comment.Marks {
				if m.Sense == intent.ForNow && over(m.Until) && (stated == nil || stated.Until.IsZero()) {
					p.Add(diag.Diagnostic{File: r.at.File, Span: m.Span, Help: "delete the redirect, or mend the comment",
						Message: fmt.Sprintf("%q has passed; delete this redirect or make it permanent", m.Words)})
					break
				}
			}
			for _, c := range r.conditions() {
				if what, never := neverAgain(c, now); never {
					p.Add(diag.Diagnostic{File: c.File, Span: c.PatternSpan, Help: "delete the redirect with its conditions",
						Message: what + " is over, so this condition never holds again; delete the redirect"})
				}
			}
		}
	},
}

// neverAgain tells whether a condition on the clock can hold at no time from now on, and which time it wanted.
func neverAgain(c *ir.Condition, now time.Time) (what string, never bool) {
	if c.Negated || c.Or || c.Test == nil {
		return "", false
	}
	if len(c.Test.Parts) == 1 && c.Test.Parts[0].Name == "time_iso8601" && c.Kind == ir.CondRegex && c.Pattern != nil {
		return pastPattern(c.Pattern.Text, now)
	}
	clock, ok := clockText(c.Test, now)
	if !ok {
		return "", false
	}
	if c.Kind == ir.CondRegex && c.Pattern != nil && len(c.Test.Parts) == 1 && c.Test.Parts[0].Name == "TIME_YEAR" {
		return pastPattern(c.Pattern.Text, now)
	}
	want, constant := c.Operand.Constant()
	if !constant || want == "" || strings.Trim(want, "0123456789") != "" {
		return "", false
	}
	switch {
	case c.Kind == ir.CondString && (c.Op == "<" || c.Op == "<="):
		// compared as text, and clocks of one length grow as text does
		return want, len(want) <= len(clock) && clock > want+strings.Repeat("9", len(clock)-len(want))
	case c.Kind == ir.CondString && c.Op == "=", c.Kind == ir.CondNumber && (c.Op == "-eq" || c.Op == "-lt" || c.Op == "-le"):
		return want, len(want) == len(clock) && clock > want
	}
	return "", false
}

// clockText is what a test string of httpd's clock variables, from the year down, is now. ok is false for other test strings.
func clockText(t *ir.Template, now time.Time) (string, bool) {
	units := []struct{ name, layout string }{{"TIME_YEAR", "2006"}, {"TIME_MON", "01"}, {"TIME_DAY", "02"}, {"TIME_HOUR", "15"}, {"TIME_MIN", "04"}, {"TIME_SEC", "05"}}
	text := ""
	for i := range t.Parts {
		p := &t.Parts[i]
		switch {
		case p.Kind != ir.Variable || p.Space != "":
			return "", false
		case p.Name == "TIME" && len(t.Parts) == 1:
			return now.Format("20060102150405"), true
		case i < len(units) && p.Name == units[i].name:
			text += now.Format(units[i].layout)
		default:
			return "", false
		}
	}
	return text, text != ""
}

// pastPattern reads a pattern that begins with a year, and perhaps a month and a day, as it is written: ^2025, ^2025-12-31.
func pastPattern(pattern string, now time.Time) (what string, past bool) {
	rest, anchored := strings.CutPrefix(pattern, "^")
	if !anchored {
		return "", false
	}
	n := 0
	for n < len(rest) && (rest[n] >= '0' && rest[n] <= '9' || rest[n] == '-') {
		n++
	}
	if n < len(rest) && strings.IndexByte("?*{|", rest[n]) >= 0 || strings.Contains(rest, "|") {
		return "", false
	}
	what = strings.TrimRight(rest[:n], "-")
	for _, layout := range []string{"2006-01-02", "2006-01", "2006"} {
		if len(what) < len(layout) {
			continue
		}
		what = what[:len(layout)]
		return what, now.Format(layout) > what
	}
	return "", false
}
