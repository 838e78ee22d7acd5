package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/source"
)

var httpsDowngrade = lint.Rule{
	Code: "RD401", ID: "https-downgrade", Severity: diag.Warning, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "an https request is sent to http on the same site",
		Text: "The page, and every cookie without Secure, travels unencrypted; with HSTS the browser makes one redirect more. It is a warning where the " +
			"configuration itself speaks of https, and an info where it does not. Hosts of others are left alone.",
		Silence: "For addresses that have to be fetched without TLS, such as revocation lists.",
		Examples: []lint.Example{
			{Server: ir.Apache, Context: ir.ContextVhost, Before: "ServerName example.com\nRedirect 301 /a http://example.com/b\n", After: "ServerName example.com\nRedirect 301 /a https://example.com/b\n"},
			{Server: ir.Nginx, Context: ir.ContextHTTP, Before: "server { listen 443 ssl; server_name example.com www.example.com; location /a { return 301 http://www.example.com/b; } }\n",
				After: "server { listen 443 ssl; server_name example.com www.example.com; location /a { return 301 https://www.example.com/b; } }\n"},
		},
		Source: "RFC 6797 §2.3; OWASP Transport Layer Security Cheat Sheet",
	},
	Program: func(p *lint.Pass, _ *ir.Program) {
		asked := 0
		for _, r := range redirectsOf(p.Unit) {
			if !strings.HasPrefix(strings.ToLower(r.rule.Target.Prefix()), "http://") || asked >= maxMoves {
				continue
			}
			if host, named := targetHost(r.rule); named && p.Unit.ServesHost(host) == 0 || !named && !hostFromRequest(r.rule) {
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
			q.Request.Scheme, q.Request.Port = "https", 0
			c := chainOf(site, q)
			o := &c.Hops[0].Outcome
			if !o.Known || o.Location == nil || !probe.HasFired(o, r.rule) || !strings.HasPrefix(strings.ToLower(*o.Location), "http://") {
				continue
			}
			text := r.targetText()
			d := diag.Diagnostic{File: r.at.File, Span: r.rule.TargetSpan, Witness: site.Witness(&c), Help: "write the address with https",
				Message: fmt.Sprintf("%s is sent to %s: the page travels unencrypted, and with HSTS the browser adds a hop", quote(clip(probe.URL(q.Request), 80)), quote(clip(*o.Location, 80)))}
			if !speaksTLS(p.Unit) {
				d.Severity = diag.Info
			}
			if i := strings.Index(strings.ToLower(text), "http://"); i >= 0 && i <= 1 {
				at := r.rule.TargetSpan.Start + int32(i)
				d.Span = source.Span{Start: at, End: at + 7}
				d.Fixes = []diag.Fix{write(diag.Risky, d.Span, "https://")}
			}
			p.Add(d)
		}
	},
}

// hostFromRequest tells whether the host of a target is the name that was asked for.
func hostFromRequest(r *ir.Rule) bool {
	parts := r.Target.Parts
	return len(parts) > 1 && strings.HasSuffix(parts[0].Text, "://") && ownName(parts[1])
}

type tlsKey struct{}

// speaksTLS tells whether a configuration itself says that its site is served with TLS: it listens so, asks for
// it, sends HSTS or redirects to https on one of its own names.
func speaksTLS(u *lint.Unit) bool {
	return u.Memo(tlsKey{}, func() any {
		for _, d := range u.Directives {
			switch {
			case d.Inactive:
			case d.Server == ir.Nginx && d.Is("listen"):
				for _, a := range d.Args {
					if a.Text == "ssl" || a.Text == "quic" {
						return true
					}
				}
			case d.Server == ir.Apache && d.Is("SSLEngine", "SSLRequireSSL", "SSLCertificateFile"):
				return true
			default:
				if h, ok := setsHeader(d); ok && strings.EqualFold(h.name, "Strict-Transport-Security") {
					return true
				}
			}
		}
		for _, r := range redirectsOf(u) {
			if !toHTTPS(r) {
				continue
			}
			if host, named := targetHost(r.rule); named && u.ServesHost(host) != 0 || hostFromRequest(r.rule) {
				return true
			}
		}
		return false
	}).(bool)
}
