package rules

import (
	"fmt"

	"rewright/lint"
	"rewright/lint/intent"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
)

var methodLost = lint.Rule{
	Code: "RD308", ID: "method-lost", Severity: diag.Warning, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "301 or 302 where the method and the body are needed",
		Text: "After 301 and 302 browsers turn POST into GET and drop the body; some clients do so with PUT, PATCH and DELETE too. 308 and " +
			"307 have the request sent again as it was. A condition that admits POST and not GET is strong evidence that the method matters, " +
			"a path like `/api` or `/webhook` is weak evidence. nginx knows 308 from version 1.13.0 on.",
		Silence: "When the answer is to be fetched with GET, as after a form: `# lint:intent get`, or send 303.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteCond %{REQUEST_METHOD} ^(POST|PUT|DELETE)$\nRewriteRule ^ https://api.example.net%{REQUEST_URI} [R=302,L]\n",
				After: "RewriteEngine On\nRewriteCond %{REQUEST_METHOD} ^(POST|PUT|DELETE)$\nRewriteRule ^ https://api.example.net%{REQUEST_URI} [R=307,L]\n"},
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^api/v1/(.*)$ /api/v2/$1 [R=301,L]\n", After: "RewriteEngine On\nRewriteRule ^api/v1/(.*)$ /api/v2/$1 [R=308,L]\n"},
			{Server: ir.Nginx, Before: "location /webhook/ { return 301 https://hooks.example.net$request_uri; }\n", After: "location /webhook/ { return 308 https://hooks.example.net$request_uri; }\n"},
		},
		Source: "RFC 9110 §15.4.2, §15.4.3; RFC 7538; Fetch Standard, HTTP-redirect fetch",
	},
	Program: func(p *lint.Pass, _ *ir.Program) {
		asked := 0
		for _, r := range redirectsOf(p.Unit) {
			if r.status != 301 && r.status != 302 || contradicted(r) || r.stated(p.Unit, lint.IntentKeepMethod, lint.IntentGet) {
				continue
			}
			points, pieces := weigh(r.signs(p.Unit), forMethod)
			severity := severityAt(points)
			if severity == 0 || fetched(r) {
				continue
			}
			if severity == diag.Warning && !forwards(r) {
				severity = diag.Info
			}
			if pieces[0].kind == "E14" && (points < 3 || !forwards(r) || identifiers(p.Unit)) {
				continue // a page of that name has moved
			}
			if asked++; asked > maxMoves {
				return
			}
			w, ok := postWitness(p, r)
			if !ok {
				continue
			}
			if mine := pieces[0]; severity == diag.Warning && mine.kind != "E13" {
				severity = diag.Info
			}
			code := keeper(r.status)
			d := diag.Diagnostic{File: r.at.File, Span: r.statusPlace(p), Severity: severity, Related: r.related(pieces), Witness: w.witness,
				Message: fmt.Sprintf("%s: `%s` becomes `GET %s` after this %d and the body is lost; %d keeps both",
					says(pieces), w.request, clip(w.location, 80), r.status, code),
				Help: fmt.Sprintf("send %s", named(code))}
			if w.method != "POST" {
				d.Message = fmt.Sprintf("%s: some clients turn `%s` into `GET %s` after this %d and drop the body; %d keeps both",
					says(pieces), w.request, clip(w.location, 80), r.status, code)
			}
			if fix, ok := r.respell(p, code, diag.Risky); ok {
				d.Fixes = []diag.Fix{fix}
			} else if r.rule.Keyword == ir.NginxRewrite {
				d.Help += ", with `return` in a location of its own: `rewrite` has no form for it"
			}
			p.Add(d)
		}
	},
}

// fetched tells whether the target is to be fetched with GET: the page behind a form, or a place to keep robots busy.
func fetched(r *redirect) bool {
	_, to := r.paths()
	if _, ok := intent.ResultIn(to); ok {
		return true
	}
	for i := range r.rule.Target.Parts {
		switch p := &r.rule.Target.Parts[i]; p.Name {
		case "REMOTE_ADDR", "remote_addr", "HTTP_REFERER", "http_referer":
			return true
		}
	}
	host, _ := targetHost(r.rule)
	return host == "127.0.0.1" || host == "localhost" || host == "0.0.0.0"
}

// forwards tells whether a redirect carries the path of the request on, or what stands behind a prefix of it.
func forwards(r *redirect) bool {
	if r.rule.Match == ir.MatchSegment {
		return true
	}
	for i := range r.rule.Target.Parts {
		switch p := &r.rule.Target.Parts[i]; {
		case p.Kind == ir.RuleRef, p.Kind == ir.CondRef, isPathPart(*p):
			return true
		}
	}
	return false
}

// asked is one request and its answer.
type asked struct {
	request, location, method string
	witness                   *diag.Witness
}

// postWitness asks for what a redirect takes with a method that has a body.
func postWitness(p *lint.Pass, r *redirect) (asked, bool) {
	site := p.Site()
	if site == nil {
		return asked{}, false
	}
	q, ok := site.Reach(r.rule)
	if !ok {
		return asked{}, false
	}
	if m := q.Request.Method; m == "" || m == "GET" || m == "HEAD" {
		q.Request.Method = "POST"
	}
	c := chainOf(site, q)
	o := &c.Hops[0].Outcome
	if !o.Known || o.Location == nil || o.Status != r.status || !probe.HasFired(o, r.rule) {
		return asked{}, false
	}
	return asked{q.Request.Method + " " + q.Request.Target, *o.Location, q.Request.Method, site.Witness(&c)}, true
}

// chainOf is a request and its answer, not followed.
func chainOf(site *probe.Site, q probe.Probe) probe.Chain {
	return probe.Chain{Hops: []probe.Hop{{Probe: q, Outcome: site.Ask(q)}}, End: probe.EndAnswer}
}
