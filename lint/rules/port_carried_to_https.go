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

var portCarriedToHTTPS = lint.Rule{
	Code: "RD411", ID: "port-carried-to-https", Severity: diag.Info, For: lint.Both, Fix: diag.Shown, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "the port of the Host header goes into an https address",
		Text: "`%{HTTP_HOST}` and `$http_host` hold the port as well. Asked on port 8080 the server sends the browser to `https://…:8080`, where no TLS is spoken. " +
			"nginx's `$host` has no port; httpd's `%{SERVER_NAME}` has none and is the name of the configuration with UseCanonicalName On.",
		Silence: "When the site is asked on the standard port only.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteCond %{HTTPS} off\nRewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R=301,L]\n",
				After: "RewriteEngine On\nRewriteCond %{HTTPS} off\nRewriteRule ^ https://%{SERVER_NAME}%{REQUEST_URI} [R=301,L]\n"},
			{Server: ir.Nginx, Before: "return 301 https://$http_host$request_uri;\n", After: "return 301 https://$host$request_uri;\n"},
		},
		Source: "RFC 9110 §7.2; nginx ngx_http_core_module, $host",
	},
	Program: func(p *lint.Pass, _ *ir.Program) {
		asked := 0
		for _, r := range redirectsOf(p.Unit) {
			parts := r.rule.Target.Parts
			if !toHTTPS(r) || len(parts) < 2 || parts[1].Kind != ir.Variable || parts[1].Name != "HTTP_HOST" && parts[1].Name != "http_host" || asked >= maxMoves {
				continue
			}
			asked++
			site := p.Site()
			if site == nil {
				return
			}
			q, ok := site.Reach(r.rule)
			if !ok || q.Request.Scheme == "https" {
				continue
			}
			name, _, _ := strings.Cut(q.Request.Host, ":")
			q.Request.Host = name + ":8080"
			q.Request.Port = 8080
			c := chainOf(site, q)
			o := &c.Hops[0].Outcome
			if !o.Known || o.Location == nil || !probe.HasFired(o, r.rule) || !strings.HasPrefix(*o.Location, "https://"+q.Request.Host) {
				continue
			}
			better, in := "%{SERVER_NAME}", "%{HTTP_HOST}"
			if p.Unit.Input.Server == ir.Nginx {
				better, in = "$host", "$http_host"
			}
			d := diag.Diagnostic{File: r.at.File, Span: r.rule.TargetSpan, Witness: site.Witness(&c), Help: "write " + quote(better),
				Message: fmt.Sprintf("%s holds the port: %s is sent to %s, where no TLS is spoken", quote(in), quote(clip(probe.URL(q.Request), 80)), quote(clip(*o.Location, 80)))}
			if i := strings.Index(r.targetText(), in); i >= 0 {
				at := r.rule.TargetSpan.Start + int32(i)
				d.Span = source.Span{Start: at, End: at + int32(len(in))}
				d.Fixes = []diag.Fix{write(diag.Shown, d.Span, better)}
			}
			p.Add(d)
		}
	},
}
