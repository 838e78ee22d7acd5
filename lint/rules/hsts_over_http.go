package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var hstsOverHTTP = lint.Rule{
	Code: "RD404", ID: "hsts-over-http", Severity: diag.Warning, For: lint.Both, Fix: diag.Risky, Since: "0.2",
	Doc: lint.Doc{
		Title: "Strict-Transport-Security is sent over http",
		Text: "RFC 6797 forbids it and browsers ignore it: the header counts over TLS only. It is said of a server that redirects to https and is thus asked " +
			"without TLS for certain; one that stands behind a proxy for TLS is left alone.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "Header always set Strict-Transport-Security \"max-age=31536000\"\nRewriteEngine On\nRewriteCond %{HTTPS} off\nRewriteRule ^ https://%{SERVER_NAME}%{REQUEST_URI} [R=301,L]\n",
				After: "Header always set Strict-Transport-Security \"max-age=31536000\" \"expr=%{HTTPS} == 'on'\"\nRewriteEngine On\nRewriteCond %{HTTPS} off\nRewriteRule ^ https://%{SERVER_NAME}%{REQUEST_URI} [R=301,L]\n"},
			{Server: ir.Nginx, Context: ir.ContextHTTP, Before: "server {\n    listen 80;\n    server_name example.com;\n    add_header Strict-Transport-Security \"max-age=31536000\" always;\n    return 301 https://example.com$request_uri;\n}\n",
				After: "server {\n    listen 80;\n    server_name example.com;\n    return 301 https://example.com$request_uri;\n}\n"},
		},
		Source: "RFC 6797 §7.2, §8.1",
	},
	Program: func(p *lint.Pass, _ *ir.Program) {
		asked := 0
		for _, r := range redirectsOf(p.Unit) {
			if !toHTTPS(r) || asked >= maxMoves {
				continue
			}
			set := hstsOver(p.Unit, r)
			if set == nil || set.File == nil {
				continue
			}
			asked++
			site := p.Site()
			if site == nil {
				return
			}
			m, ok := moveOf(p, r)
			if !ok || m.kind != moveToHTTPS || behindTLS(p.Unit, r) {
				continue
			}
			q, ok := site.Reach(r.rule)
			if !ok {
				continue
			}
			q.Request.Scheme, q.Request.Port = "http", 0
			c := chainOf(site, q)
			o := &c.Hops[0].Outcome
			if !o.Known || !sendsHeader(o, "Strict-Transport-Security") {
				continue
			}
			d := directiveAt(p, set.Origin)
			if d == nil {
				continue
			}
			f := diag.Diagnostic{File: d.File, Span: d.Line, Witness: site.Witness(&c), Help: "send it over TLS only",
				Message: "browsers ignore HSTS that is sent over http, and RFC 6797 forbids sending it: it stands on the redirect to https"}
			if h, ok := setsHeader(d); ok {
				f.Span = h.at.Span
				if d.Server == ir.Apache && h.after.Text == "" {
					f.Fixes = []diag.Fix{{Title: "send it over TLS only", Safety: diag.Risky, Edits: source.Insert(h.value.Span.End, ` "expr=%{HTTPS} == 'on'"`)}}
				} else if d.Server == ir.Nginx && d.Parent != nil && !d.NoEnd {
					f.Fixes = []diag.Fix{{Title: "remove it here", Safety: diag.Risky, Edits: source.Replace(wholeDirective(d), "")}}
				}
			}
			p.Add(f)
			return
		}
	},
}

// hstsOver is the directive that gives a redirect its Strict-Transport-Security, without a condition: the nearest one around it.
func hstsOver(u *lint.Unit, r *redirect) *ir.Setting {
	for i := len(r.scopes) - 1; i >= 0; i-- {
		var found *ir.Setting
		headers := false
		for _, set := range settingsOf(u, r.scopes[i]) {
			switch {
			case set.Name == "add_header":
				headers = true
				if strings.EqualFold(set.Arg(0), "Strict-Transport-Security") && len(set.Args) > 1 && !strings.Contains(set.Arg(1), "$") {
					found = set
				}
			case strings.EqualFold(set.Name, "Header") && len(set.Args) == 4 && strings.EqualFold(set.Arg(0), "always") && strings.EqualFold(set.Arg(1), "set") &&
				strings.EqualFold(set.Arg(2), "Strict-Transport-Security") && set.Expr == nil:
				found = set
			}
		}
		if found != nil || headers {
			return found // nginx inherits from outside only where there is none
		}
	}
	return nil
}

// wholeDirective is a directive with its line, when nothing else stands on it.
func wholeDirective(d *lint.Directive) source.Span {
	text := d.File.Text
	a, b := d.Line.Start, d.Line.End
	for a > 0 && (text[a-1] == ' ' || text[a-1] == '\t') {
		a--
	}
	for int(b) < len(text) && (text[b] == ' ' || text[b] == '\t' || text[b] == '\r') {
		b++
	}
	if (a == 0 || text[a-1] == '\n') && int(b) < len(text) && text[b] == '\n' {
		return source.Span{Start: a, End: b + 1}
	}
	return d.Line
}
