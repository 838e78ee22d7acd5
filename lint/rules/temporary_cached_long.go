package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
)

// maxTemporaryAge is how long, in seconds, a temporary redirect may be kept without comment: a day.
const maxTemporaryAge = 86400

var temporaryCachedLong = lint.Rule{
	Code: "RD408", ID: "temporary-cached-long", Severity: diag.Warning, For: lint.Both, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "a temporary redirect that caches keep for days",
		Text: "302, 303 and 307 are not cached unless a header says so, and `Expires…`, `expires` and an always-set `Cache-Control` say so for redirects, too. " +
			"A browser then keeps a \"temporary\" redirect as long as a picture.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "ExpiresActive On\nExpiresDefault \"access plus 1 year\"\nRedirect 307 /a /b\n", After: "ExpiresActive On\nExpiresByType image/png \"access plus 1 year\"\nRedirect 307 /a /b\n"},
			{Server: ir.Nginx, Before: "location /a { expires 1y; return 302 /b; }\n", After: "location /a { expires 0; return 302 /b; }\n"},
		},
		Source: "RFC 9111 §3, §5.2.2.1; httpd mod_expires; nginx ngx_http_headers_module",
	},
	Program: func(p *lint.Pass, _ *ir.Program) {
		if !setsAge(p.Unit) {
			return
		}
		var first *redirect
		var chain probe.Chain
		age, count, asked := 0, 0, 0
		for _, r := range redirectsOf(p.Unit) {
			if permanent(r.status) || r.status == 300 || asked >= maxMoves {
				continue
			}
			asked++
			site := p.Site()
			if site == nil {
				return
			}
			q, ok := site.Reach(r.rule)
			if !ok {
				continue
			}
			c := chainOf(site, q)
			o := &c.Hops[0].Outcome
			if !o.Known || o.Location == nil || o.Status != r.status || !probe.HasFired(o, r.rule) {
				continue
			}
			n := maxAge(o)
			if e, _, ok := expiresAge(p.Unit, r.scopes); ok && p.Unit.Input.Server == ir.Apache && !sendsHeader(o, "Cache-Control") {
				n = e
			}
			if n <= maxTemporaryAge {
				continue
			}
			count++
			if first == nil {
				first, chain, age = r, c, n
			}
		}
		if first == nil {
			return
		}
		message := fmt.Sprintf("this %d is sent with max-age=%d: browsers keep a temporary redirect for %s", first.status, age, days(age))
		if count > 1 {
			message += fmt.Sprintf(", and so %d more of this file", count-1)
		}
		p.Add(diag.Diagnostic{File: first.at.File, Span: first.statusPlace(p), Message: message, Witness: p.Site().Witness(&chain),
			Help: "name the types that are to be kept, or set `Cache-Control: no-cache` for redirects"})
	},
}

// sendsHeader tells whether an answer carries a header.
func sendsHeader(o *sim.Outcome, name string) bool {
	for _, h := range o.Header {
		if strings.EqualFold(h[0], name) {
			return true
		}
	}
	return false
}

// setsAge tells whether a configuration says anywhere how long answers are kept.
func setsAge(u *lint.Unit) bool {
	for _, d := range u.Directives {
		if d.Inactive {
			continue
		}
		if d.Is("ExpiresDefault", "ExpiresByType", "expires") {
			return true
		}
		if h, ok := setsHeader(d); ok && (strings.EqualFold(h.name, "Cache-Control") && strings.Contains(strings.ToLower(h.value.Text), "max-age")) {
			return true
		}
	}
	return false
}

// maxAge is the age in seconds that an answer's Cache-Control allows; 0 when it allows none or forbids to keep it.
func maxAge(o *sim.Outcome) int {
	age := 0
	for _, h := range o.Header {
		if !strings.EqualFold(h[0], "Cache-Control") {
			continue
		}
		for _, part := range strings.Split(strings.ToLower(h[1]), ",") {
			part = strings.TrimSpace(part)
			if part == "no-store" || part == "no-cache" {
				return 0
			}
			if n, ok := strings.CutPrefix(part, "max-age="); ok {
				seconds, _ := atoi(n)
				age = max(age, seconds)
			}
		}
	}
	return age
}

// days is a number of seconds in words.
func days(seconds int) string {
	switch n := seconds / 86400; {
	case n >= 360 && n <= 370:
		return "a year"
	case n >= 60:
		return fmt.Sprintf("%d months", (n+15)/30)
	case n == 1:
		return "a day"
	default:
		return fmt.Sprintf("%d days", n)
	}
}
