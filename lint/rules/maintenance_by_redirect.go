package rules

import (
	"fmt"

	"rewright/lint"
	"rewright/lint/intent"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var maintenanceByRedirect = lint.Rule{
	Code: "RD312", ID: "maintenance-by-redirect", Severity: diag.Warning, For: lint.Both, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "a site that is down redirects to its maintenance page",
		Text: "With a redirect robots take the maintenance page for the content of every page, and may keep it. 503 says that the pages come back; " +
			"`Retry-After` says when, and the error document shows the same page under the address that was asked for.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteCond %{DOCUMENT_ROOT}/maintenance.on -f\nRewriteRule ^ /maintenance.html [R=302,L]\n",
				After: "ErrorDocument 503 /maintenance.html\nRewriteEngine On\nRewriteCond %{DOCUMENT_ROOT}/maintenance.on -f\nRewriteCond %{REQUEST_URI} !=/maintenance.html\nRewriteRule ^ - [R=503,L]\n"},
			{Server: ir.Nginx, Before: "if (-f /srv/maintenance.on) { return 302 /m.html; }\n",
				After: "error_page 503 @down;\nlocation @down { rewrite ^ /m.html break; }\nif (-f /srv/maintenance.on) { return 503; }\n"},
		},
		Source: "RFC 9110 §15.6.4; Google Search Central, Pause your business online",
	},
	Program: func(p *lint.Pass, _ *ir.Program) {
		for _, r := range redirectsOf(p.Unit) {
			if !r.takesAll() && !(r.rule.Negated && r.rule.Match == ir.MatchRegex) || r.stated(p.Unit, lint.IntentTemporary, lint.IntentPermanent) {
				continue
			}
			from, to := r.paths()
			why, named := "", false
			var at ir.Origin
			for _, c := range r.conditions() {
				if c.Kind == ir.CondFile && !c.Negated && isFlagFile(c.Test) {
					why, at = " while "+quote(fileName(c.Test))+" is there", c.Origin
				}
			}
			if w, ok := intent.TemporaryIn(to, from); ok && w.Sense == intent.PathMaintenance && why == "" {
				named = true
			}
			if why == "" && !named || forwards(r) {
				continue
			}
			d := diag.Diagnostic{File: r.at.File, Span: r.rule.TargetSpan,
				Message: fmt.Sprintf("every page is sent to %s with %d%s: crawlers will index it in place of your pages; 503 with Retry-After says \"come back later\"",
					quote(clip(r.targetText(), 60)), r.status, why),
				Help: "answer 503 and name the page with ErrorDocument 503"}
			if p.Unit.Input.Server == ir.Nginx {
				d.Help = "answer 503 and name the page with error_page 503 and a named location"
			}
			if at.File != nil {
				d.Related = []diag.Related{{File: at.File, Span: at.Span, Message: "the file that says the site is down"}}
			}
			p.Add(d)
		}
	},
}
