package rules

import (
	"fmt"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var temporaryWherePermanent = lint.Rule{
	Code: "RD301", ID: "temporary-where-permanent", Severity: diag.Warning, For: lint.Both, Fix: diag.Risky, Since: "0.2",
	Doc: lint.Doc{
		Title: "302, 303 or 307 where a permanent redirect was meant",
		Text: "A temporary redirect leaves the old address in search engines, and every visit makes the detour again. The rule weighs what the " +
			"redirect does when it is asked (the host changes to or from www., the whole site moves to another domain, pages go to their " +
			"normal addresses) and what comments, headings and file names say (\"moved permanently\"). http to https is a rule of its own, " +
			"temporary-https-upgrade. Registries of persistent identifiers redirect with 302 and 303 by policy and are left alone.",
		Silence: "State it: `# lint:intent temporary`, with `until 2026-12-31` if there is a last day.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteCond %{HTTP_HOST} ^www\\.example\\.com$ [NC]\nRewriteRule ^ https://example.com%{REQUEST_URI} [R,L]\n",
				After: "RewriteEngine On\nRewriteCond %{HTTP_HOST} ^www\\.example\\.com$ [NC]\nRewriteRule ^ https://example.com%{REQUEST_URI} [R=301,L]\n"},
			{Server: ir.Nginx, Context: ir.ContextHTTP, Before: "server { server_name www.example.com; return 302 $scheme://example.com$request_uri; }\n",
				After: "server { server_name www.example.com; return 301 $scheme://example.com$request_uri; }\n"},
			{Server: ir.Nginx, Before: "# moved permanently\nlocation = /about-us { return 302 /about; }\n", After: "# moved permanently\nlocation = /about-us { return 301 /about; }\n"},
		},
		Source: "Google Search Central, Redirects and Google Search; RFC 9110 §15.4.2",
	},
	Program: func(p *lint.Pass, _ *ir.Program) {
		for _, r := range redirectsOf(p.Unit) {
			if permanent(r.status) || contradicted(r) || r.stated(p.Unit, lint.IntentTemporary, lint.IntentGet) {
				continue
			}
			signs := r.signs(p.Unit)
			if against, _ := weigh(signs, forTemporary); against > 0 {
				continue
			}
			var mine []evidence
			for _, e := range signs {
				if e.kind != "E4" {
					mine = append(mine, e)
				}
			}
			m, moves := move{}, false
			if !identifiers(p.Unit) && !volatileAny(r) {
				m, moves = moveOf(p, r)
			}
			if moves {
				if m.kind == moveToHTTPS || m.kind == moveToHTTP {
					continue
				}
				mine = append(mine, moveSign(r, m))
			}
			points, pieces := weigh(mine, forPermanent)
			if points > 0 && !r.written {
				points++
			}
			severity := severityAt(points)
			if severity == 0 {
				continue
			}
			if points == 4 && !r.written {
				severity = diag.Info // weak evidence stays weak
			}
			code := twin(r.status)
			d := diag.Diagnostic{File: r.at.File, Span: r.statusPlace(p), Severity: severity, Related: r.related(pieces), Witness: m.witness,
				Message: fmt.Sprintf("%s, but %s counts for now only: search engines go on showing the old address, and every visit makes the detour", says(pieces), sent(r)),
				Help:    fmt.Sprintf("send %s", named(code))}
			if code == 301 {
				d.Help += ", or 308 where forms and APIs are sent to"
			}
			if fix, ok := r.respell(p, code, diag.Risky); ok {
				d.Fixes = []diag.Fix{fix}
			}
			p.Add(d)
		}
	},
}

// moveSign is E8, E9 or E10: what a redirect does when it is asked.
func moveSign(r *redirect, m move) evidence {
	at := ir.Origin{File: r.at.File, Span: r.rule.TargetSpan}
	switch m.kind {
	case moveToHost:
		return evidence{"E8", forPermanent, 5, at, fmt.Sprintf("every page moves to the same path on another name, %s to %s", quote(clip(m.from, 80)), quote(clip(m.to, 80)))}
	case moveToSite:
		return evidence{"E9", forPermanent, 3, at, fmt.Sprintf("the whole site moves, %s to %s", quote(clip(m.from, 80)), quote(clip(m.to, 80)))}
	}
	return evidence{"E10", forPermanent, 3, at, fmt.Sprintf("pages go to their address %s, %s to %s", m.what, quote(clip(m.from, 80)), quote(clip(m.to, 80)))}
}
