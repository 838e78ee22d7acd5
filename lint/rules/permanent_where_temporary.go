package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var permanentWhereTemporary = lint.Rule{
	Code: "RD307", ID: "permanent-where-temporary", Severity: diag.Warning, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "301 or 308 where a temporary redirect was meant",
		Text: "Browsers keep a 301 for good: visitors who came once still land on the other page when the redirect is long gone, and nothing " +
			"on the server can take it back. What is meant for a while is sent with 307, or 302 when only pages are fetched. The rule " +
			"weighs what the author says: a comment (\"until …\", \"temporary redirect\", in nine languages), a date, the name of the target " +
			"(maintenance, summer-sale), a flag file, a clock. Strong evidence is a warning, weak evidence an info.",
		Silence: "State it: `# lint:intent permanent -- why`.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "# summer sale until 2026-08-31\nRedirect 301 /offers /summer-sale\n", After: "# summer sale until 2026-08-31\nRedirect 307 /offers /summer-sale\n"},
			{Server: ir.Nginx, Before: "if (-f $document_root/maintenance.on) { return 301 /maintenance.html; }\n", After: "if (-f $document_root/maintenance.on) { return 503; }\n"},
			{Server: ir.Nginx, Before: "location = /latest { return 301 /v2.3/; }\n", After: "location = /latest { return 302 /v2.3/; }\n"},
		},
		Source: "RFC 9110 §15.4.2, §15.4.8; Google Search Central, Redirects and Google Search",
	},
	Program: func(p *lint.Pass, _ *ir.Program) {
		for _, r := range redirectsOf(p.Unit) {
			if !permanent(r.status) || contradicted(r) || r.stated(p.Unit, lint.IntentPermanent) {
				continue
			}
			signs := r.signs(p.Unit)
			if against, _ := weigh(signs, forPermanent); against > 0 {
				continue
			}
			points, pieces := weigh(signs, forTemporary)
			severity := severityAt(points)
			if severity == 0 {
				continue
			}
			code := temporaryFor(p, r)
			d := diag.Diagnostic{File: r.at.File, Span: r.statusPlace(p), Severity: severity, Related: r.related(pieces),
				Message: fmt.Sprintf("%s, but %s keeps this redirect in browsers for good: visitors will still land on %s when it is over",
					says(pieces), sent(r), quote(clip(r.targetText(), 60))),
				Help: fmt.Sprintf("send %s", named(code))}
			if maintenance(pieces) {
				d.Help += "; 503 with Retry-After is the answer for a site that is down"
			}
			if fix, ok := r.respell(p, code, diag.Risky); ok {
				d.Fixes = []diag.Fix{fix}
			}
			p.Add(d)
		}
	},
}

// contradicted tells whether another finding says already that the status is wrong: the comment names another one, or the
// word that is written is none (R=permanant).
func contradicted(r *redirect) bool {
	if f, ok := lastStatusFlag(r.rule); ok && f.Value != "" && !startsWithDigit(f.Value) {
		switch strings.ToLower(f.Value) {
		case "permanent", "temp", "seeother":
		default:
			return true
		}
	}
	return r.comment.Code != nil && r.comment.Code.Status != r.status
}

// sent names the status that is sent, for messages: "301", "302, which is sent because none is written,".
func sent(r *redirect) string {
	if r.written {
		return fmt.Sprint(r.status)
	}
	return fmt.Sprintf("%d (none is written)", r.status)
}

// temporaryFor is the temporary status to offer: 302 when only pages are fetched, 307 when the method matters.
func temporaryFor(p *lint.Pass, r *redirect) int {
	if method, _ := weigh(r.signs(p.Unit), forMethod); r.status == 308 || method > 0 || r.comment.Method {
		return 307
	}
	return 302
}

// maintenance tells whether the evidence says that the site is down.
func maintenance(pieces []evidence) bool {
	for _, e := range pieces {
		if e.kind == "E6" && e.points == 4 && e.at.File != nil {
			return true
		}
	}
	return false
}
