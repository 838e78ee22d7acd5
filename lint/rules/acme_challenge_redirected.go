package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
)

// acmePath is where a certificate authority asks for the proof that a site is one's own. Source: RFC 8555 §8.3.
const acmePath = "/.well-known/acme-challenge/"

var acmeChallengeRedirected = lint.Rule{
	Code: "RD410", ID: "acme-challenge-redirected", Severity: diag.Info, For: lint.Both, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "the challenge for a certificate is sent to another site",
		Text: "A redirect that takes everything takes `/.well-known/acme-challenge/` too. Certificate authorities follow it to https on the same host; " +
			"sent to another site or to one fixed page the proof is not found there, and the certificate of the old name cannot be renewed.",
		Silence: "When certificates are made in another way (DNS), or the other site answers for the old name as well.",
		Examples: []lint.Example{
			{Server: ir.Apache, Context: ir.ContextVhost, Before: "ServerName old.example.org\nRedirect 301 / https://new.example.net/\n",
				After: "ServerName old.example.org\nRedirectMatch 301 ^/(?!\\.well-known/acme-challenge/)(.*)$ https://new.example.net/$1\n"},
			{Server: ir.Nginx, Context: ir.ContextHTTP, Before: "server { server_name old.example.org; location / { return 301 https://new.example.net$request_uri; } }\n",
				After: "server { server_name old.example.org; location ^~ /.well-known/acme-challenge/ { root /srv/acme; } location / { return 301 https://new.example.net$request_uri; } }\n"},
		},
		Source: "RFC 8555 §8.3; Let's Encrypt, Challenge types",
	},
	Program: func(p *lint.Pass, _ *ir.Program) {
		if identifiers(p.Unit) || p.Unit.Dir() != p.Unit.Docroot() || p.Unit.Input.Context == ir.ContextLocation {
			return
		}
		asked, count := 0, 0
		var first *diag.Diagnostic
		for _, r := range redirectsOf(p.Unit) {
			host, named := targetHost(r.rule)
			if !named || !r.takesAll() || p.Unit.ServesHost(host) != 0 || len(p.Unit.Hosts()) == 0 || asked >= 50 {
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
			for _, name := range append(spokenHosts(p.Unit, q.Request.Host), q.Request.Host) {
				q.Request.Host, q.Request.Target, q.Request.Scheme, q.Request.Port, q.Request.Method = name, acmePath+"x", "http", 0, "GET"
				c := chainOf(site, q)
				o := &c.Hops[0].Outcome
				if !o.Known || o.Location == nil || !probe.HasFired(o, r.rule) {
					continue
				}
				next, ok := probe.Redirected(q.Request, o.Status, *o.Location)
				if !ok || p.Unit.ServesHost(name) == 0 || registrable(strings.ToLower(next.Host)) == registrable(strings.ToLower(q.Request.Host)) {
					break
				}
				if count++; first == nil {
					first = &diag.Diagnostic{File: r.at.File, Span: r.rule.TargetSpan, Witness: site.Witness(&c), Help: "let " + quote(acmePath) + " be",
						Message: fmt.Sprintf("the challenge for a certificate of %s is sent to %s as well: where it is not answered there, the certificate cannot be renewed over http",
							q.Request.Host, quote(clip(*o.Location, 70)))}
				}
				break
			}
		}
		if first == nil {
			return
		}
		if count > 1 {
			first.Message += fmt.Sprintf("; so with %d more of this file", count-1)
		}
		p.Add(*first)
	},
}
