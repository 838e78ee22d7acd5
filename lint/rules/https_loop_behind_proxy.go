package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/source"
)

var httpsLoopBehindProxy = lint.Rule{
	Code: "RD214", ID: "https-loop-behind-proxy", Severity: diag.Warning, For: lint.Both, Fix: diag.Risky, Since: "0.1",
	Doc: lint.Doc{
		Title: "HTTPS is demanded of a connection that is plain behind a proxy",
		Text: "Another directive reads what a proxy says of the client's connection (X-Forwarded-Proto, CF-Visitor) or trusts a proxy's address, and " +
			"nothing here speaks TLS itself: TLS ends at the proxy. Then `%{HTTPS}` is always off and `$scheme` always http, whatever the client " +
			"used, and a redirect that goes by them never ends. Cloudflare's \"Flexible\" mode is the classic case.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteCond %{HTTP:X-Forwarded-Proto} =https\nRewriteRule ^ - [E=SECURE:1]\nRewriteCond %{HTTPS} off\nRewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R=301,L]\n",
				After: "RewriteEngine On\nRewriteCond %{HTTP:X-Forwarded-Proto} !=https\nRewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R=301,L]\n"},
			{Server: ir.Nginx, Before: "set_real_ip_from 10.0.0.0/8;\nif ($scheme = http) { return 301 https://$host$request_uri; }\n",
				After: "set_real_ip_from 10.0.0.0/8;\nif ($http_x_forwarded_proto = http) { return 301 https://$host$request_uri; }\n"},
		},
		Source: "Cloudflare documentation, ERR_TOO_MANY_REDIRECTS; MDN, X-Forwarded-Proto",
	},
	Program: checkHTTPSLoop,
}

func checkHTTPSLoop(p *lint.Pass, g *ir.Program) {
	why := tlsEndsBefore(p)
	if why == nil {
		return
	}
	site := p.Site()
	if site == nil {
		return
	}
	f := &follower{p: p, site: site}
	for _, r := range site.Rules() {
		if r.Action != ir.ActionRedirect || r.File == nil || !p.Unit.Owns(r.Origin) || !leadsToHTTPS(r) || f.changesOutside(r) {
			continue
		}
		for _, q := range site.Requests(r, 2) {
			if !q.Reached || q.Request.Scheme == "https" {
				continue
			}
			c := site.Follow(q, 0)
			h := &c.Hops[0]
			if !h.Redirects() || h.Rule() != r {
				continue
			}
			next, ok := probe.Redirected(q.Request, h.Outcome.Status, *h.Outcome.Location)
			if !ok || next.Scheme != "https" || next.Target != q.Request.Target || !strings.EqualFold(bareHost(next.Host), bareHost(q.Request.Host)) {
				continue
			}
			q.Request.Scheme = "https"
			if o := site.Ask(q); o.Known && probe.HasFired(&o, r) && !asksScheme(site.Scope(r)) {
				continue // it goes by something else
			}
			p.File = r.File
			p.Add(diag.Diagnostic{Span: loopSpan(r), Witness: site.Witness(&c),
				Message: "`" + clip(why.Name.Text, 40) + "` on " + lineOf(&ir.Rule{Origin: ir.Origin{File: why.File, Span: why.Line}}, r) +
					" says that TLS ends at a proxy; the connection is always plain here then, and this redirect never ends",
				Help: "go by what the proxy says of the client: X-Forwarded-Proto", Fixes: askProxy(p, r, q),
				Related: []diag.Related{{File: why.File, Span: why.Line, Message: "speaks of a proxy"}}})
			break
		}
	}
}

// tlsEndsBefore is a directive which shows that TLS ends at a proxy in front; nil when there is none, or when the
// configuration speaks TLS itself.
func tlsEndsBefore(p *lint.Pass) *lint.Directive {
	var found *lint.Directive
	for _, d := range p.Unit.Directives {
		if d.Inactive {
			continue
		}
		switch {
		case d.Is("SSLEngine") && strings.EqualFold(d.Arg(0), "on"), d.Is("ssl") && d.Arg(0) == "on", d.Is("ssl_certificate", "SSLCertificateFile"):
			return nil
		case d.Is("listen"):
			for _, a := range d.Args {
				if a.Text == "ssl" || a.Text == "443" || strings.HasSuffix(a.Text, ":443") {
					return nil
				}
			}
		case d.Is("Listen") && strings.Contains(d.Arg(0), "443"), d.Is("VirtualHost") && strings.Contains(d.Arg(0), ":443"):
			return nil
		}
		if found == nil && !d.Is("RewriteCond") && speaksOfProxy(d) {
			found = d
		}
	}
	if found == nil {
		found = conditionOnProxy(p)
	}
	return found
}

// conditionOnProxy is a RewriteCond that reads what a proxy says. One beside a condition on the connection itself covers both cases,
// as hosting panels write it, and shows nothing.
func conditionOnProxy(p *lint.Pass) *lint.Directive {
	var found *lint.Directive
	eachScope(p.Unit.Program(), func(s *ir.Scope) {
		for _, item := range s.Items {
			r, ok := item.(*ir.Rule)
			if !ok || found != nil {
				continue
			}
			var proxy *ir.Condition
			both := false
			for _, c := range r.Conditions {
				for _, t := range templateParts(c.Test) {
					both = both || t.Name == "HTTPS" || t.Name == "SERVER_PORT" || t.Name == "REQUEST_SCHEME"
				}
				if d := directiveAt(p, c.Origin); d != nil && speaksOfProxy(d) {
					proxy = c
				}
			}
			if proxy != nil && !both {
				found = directiveAt(p, proxy.Origin)
			}
		}
	})
	return found
}

func speaksOfProxy(d *lint.Directive) bool {
	if d.Is("set_real_ip_from", "RemoteIPHeader") {
		return true
	}
	if d.Is("proxy_set_header", "fastcgi_param", "uwsgi_param", "log_format", "LogFormat", "add_header", "Header", "RequestHeader") {
		return false // what is said to others, or written down
	}
	for _, a := range d.Args {
		text := strings.ReplaceAll(strings.ToLower(a.Text), "_", "-")
		if strings.Contains(text, "x-forwarded-proto") || strings.Contains(text, "cf-visitor") || strings.Contains(text, "x-forwarded-ssl") {
			return true
		}
	}
	return false
}

// asksScheme tells whether a scope is an if of nginx that asks for the scheme of the connection: where no listen speaks TLS
// that is http whatever the client used.
func asksScheme(s *ir.Scope) bool {
	if s == nil || s.If == nil {
		return false
	}
	for _, t := range templateParts(s.If.Test) {
		if t.Kind == ir.Variable && (t.Name == "scheme" || t.Name == "https") {
			return true
		}
	}
	return false
}

// leadsToHTTPS tells whether a target begins with https.
func leadsToHTTPS(r *ir.Rule) bool {
	return r.Target != nil && strings.HasPrefix(r.Target.Prefix(), "https://")
}

// askProxy makes a redirect go by what the proxy says; https is a request for it that came by HTTPS.
func askProxy(p *lint.Pass, r *ir.Rule, https probe.Probe) []diag.Fix {
	var list []remedy
	list = append(list, remedy{"ask for X-Forwarded-Proto, too", addCondition(p, r, "%{HTTP:X-Forwarded-Proto} !=https")})
	if sc := p.Site().Scope(r); sc != nil && sc.If != nil && sc.If.File == p.File {
		if i := strings.Index(raw(p, sc.If.Span), "$scheme"); i >= 0 {
			start := sc.If.Span.Start + int32(i)
			list = append(list, remedy{"ask for X-Forwarded-Proto", source.Replace(source.Span{Start: start, End: start + int32(len("$scheme"))}, "$http_x_forwarded_proto")})
		}
	}
	plain := https
	plain.Request.Scheme = "http"
	told := plain
	told.Request.Header = append(append([][2]string(nil), plain.Request.Header...), [2]string{"X-Forwarded-Proto", "https"})
	plain.Request.Header = append(append([][2]string(nil), plain.Request.Header...), [2]string{"X-Forwarded-Proto", "http"})
	return firstThatHelps(p, list, func(s *probe.Site) bool {
		a, b := s.Follow(told, 0), s.Follow(plain, 0)
		return !a.Hops[0].Redirects() && a.End != probe.EndUnknown && b.Hops[0].Redirects()
	})
}
