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

var twoHopCanonical = lint.Rule{
	Code: "RD403", ID: "two-hop-canonical", Severity: diag.Info, For: lint.Both, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "two redirects to reach the right scheme and host",
		Text: "A visitor who asks for the other name over http makes two detours, one for the scheme and one for the host; one rule can do both. A site that wants to be " +
			"on the HSTS preload list (`preload` in the header) needs the first hop on the same host, so there it is the other way about.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteCond %{HTTPS} off\nRewriteRule ^ https://%{SERVER_NAME}%{REQUEST_URI} [R=301,L]\nRewriteCond %{HTTP_HOST} ^www\\.example\\.com$\nRewriteRule ^ https://example.com%{REQUEST_URI} [R=301,L]\n",
				After: "RewriteEngine On\nRewriteCond %{HTTPS} off [OR]\nRewriteCond %{HTTP_HOST} ^www\\.example\\.com$\nRewriteRule ^ https://example.com%{REQUEST_URI} [R=301,L]\n"},
			{Server: ir.Nginx, Context: ir.ContextHTTP, Before: "server { listen 80; server_name example.com www.example.com; return 301 https://$host$request_uri; }\nserver { listen 443 ssl; server_name www.example.com; return 301 https://example.com$request_uri; }\nserver { listen 443 ssl; server_name example.com; }\n",
				After: "server { listen 80; server_name example.com www.example.com; return 301 https://example.com$request_uri; }\nserver { listen 443 ssl; server_name www.example.com; return 301 https://example.com$request_uri; }\nserver { listen 443 ssl; server_name example.com; }\n"},
		},
		Source: "hstspreload.org, submission requirements; web.dev, Avoid multiple page redirects",
	},
	Program: func(p *lint.Pass, _ *ir.Program) {
		upgrades := false
		for _, r := range redirectsOf(p.Unit) {
			upgrades = upgrades || toHTTPS(r) || strings.HasPrefix(r.rule.Target.Prefix(), "https")
		}
		if !upgrades || len(redirectsOf(p.Unit)) < 2 || p.Unit.Dir() != p.Unit.Docroot() {
			return
		}
		site := p.Site()
		if site == nil {
			return
		}
		asked := 0
		for _, h := range p.Unit.Hosts() {
			if h.Wildcard || asked >= 16 {
				continue
			}
			asked++
			c := site.Follow(probe.Probe{Request: sim.Request{Method: "GET", Scheme: "http", Host: h.Name, Target: "/a/b.html"}}, 4)
			if c.Redirects() != 2 {
				continue
			}
			a, b := c.Hops[0].Probe.Request, c.Hops[1].Probe.Request
			var last sim.Request
			var answer sim.Outcome
			switch {
			case c.End == probe.EndAnswer && len(c.Hops) == 3:
				last, answer = c.Hops[2].Probe.Request, c.Hops[2].Outcome
			case c.End == probe.EndLeft:
				next, err := probe.ParseURL(c.Next)
				if err != nil {
					continue
				}
				last = next
			default:
				continue
			}
			r := c.Hops[0].Rule()
			if r == nil || a.Target != b.Target || b.Target != last.Target || last.Scheme != "https" || a.Host == last.Host || registrable(a.Host) != registrable(last.Host) || !p.Unit.Owns(r.Origin) {
				continue
			}
			if preloads(p.Unit, &answer) {
				continue // the list wants the first hop on the same host
			}
			p.Add(diag.Diagnostic{File: r.File, Span: r.TargetSpan, Witness: site.Witness(&c), Help: "send both kinds of request to the final address with one rule",
				Message: fmt.Sprintf("%s needs two redirects to reach %s: one for the scheme and one for the host", quote(probe.URL(a)), quote(probe.URL(last)))})
			return
		}
	},
}

// preloads tells whether an answer, or a header of the configuration, asks for the HSTS preload list.
func preloads(u *lint.Unit, o *sim.Outcome) bool {
	for _, h := range o.Header {
		if strings.EqualFold(h[0], "Strict-Transport-Security") && strings.Contains(strings.ToLower(h[1]), "preload") {
			return true
		}
	}
	for _, d := range u.Directives {
		if h, ok := setsHeader(d); ok && strings.EqualFold(h.name, "Strict-Transport-Security") && strings.Contains(strings.ToLower(h.value.Text), "preload") {
			return true
		}
	}
	return false
}
