package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
	"rewright/parser/source"
)

var proxySSRF = lint.Rule{
	Code: "RD706", ID: "proxy-ssrf", Severity: diag.Error, For: lint.Both, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a proxy to whatever host the client names",
		Text: "A part of the request stands in the place of the backend's host, or right behind it, where `@evil.test/` makes a user name of the " +
			"host in front. Clients can then make this server ask any other for them, also those inside its own network.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^img/(.*)$ http://$1 [P]\n", After: "RewriteEngine On\nRewriteRule ^img/(.*)$ http://images.internal/$1 [P]\n"},
			{Server: ir.Nginx, Before: "location ~ ^/p/(.+)$ { proxy_pass http://$1; }\n", After: "location ~ ^/p/(.+)$ { proxy_pass http://127.0.0.1:8080/$1; }\n"},
		},
		Source: "httpd manual, \"RewriteRule Flags\": P, security warning; CVE-2011-3368; CWE-918",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		var a *asker
		ready := func() bool {
			if a == nil {
				a = newAsker(p)
			}
			return a != nil
		}
		eachRule(p, g, func(s *ir.Scope, r *ir.Rule) {
			if r.Action != ir.ActionProxy || r.Target == nil || r.Disabled {
				return
			}
			part, texts := backendFromClient(r.Target)
			if part == nil || !ready() {
				return
			}
			if found := a.inject(s, r, part, texts, func(_ *probe.Probe, o *sim.Outcome) bool { return foreign(o.PassedTo) }); found != nil {
				reportBackend(p, part.Span, found)
			}
		})
		eachScope(g, func(s *ir.Scope) {
			for _, item := range s.Items {
				set, ok := item.(*ir.Setting)
				if !ok || set.File == nil || set.Name != "proxy_pass" && set.Name != "ProxyPassMatch" {
					continue
				}
				p.File = set.File
				t := backendTemplate(set)
				part, texts := backendFromClient(t)
				if part == nil || !ready() {
					continue
				}
				if g.Server == ir.Nginx && len(texts) > 2 {
					// nginx takes no user name off, and finds longer names only where it has a resolver.
					if texts = []string{"." + evilHost + "/"}; !hasResolver(s) {
						continue
					}
				}
				if found := a.injectSetting(s, set, part, texts); found != nil {
					reportBackend(p, part.Span, found)
				}
			}
		})
	},
}

// hasResolver tells whether nginx can look up names that come with a request.
func hasResolver(s *ir.Scope) bool {
	for ; s != nil; s = s.Parent {
		for _, item := range s.Items {
			if o, ok := item.(*ir.Opaque); ok && o.Name == "resolver" {
				return true
			}
		}
	}
	return false
}

func reportBackend(p *lint.Pass, at source.Span, found *proof) {
	p.Add(diag.Diagnostic{Span: at, Witness: found.witness, Help: "write the backend's host and a slash in front of what the client sends",
		Message: found.asked() + " makes this server ask " + clip(found.outcome.PassedTo, 100) + " (CWE-918)"})
}

// backendTemplate is the address of a proxy_pass or ProxyPassMatch.
func backendTemplate(set *ir.Setting) *ir.Template {
	if set.Name == "proxy_pass" {
		if len(set.Templates) > 0 {
			return set.Templates[0]
		}
		return nil
	}
	if len(set.Args) < 2 {
		return nil
	}
	text, span := set.Args[1].Text, set.Args[1].Span
	t := &ir.Template{Text: text, Span: span}
	from := 0
	for i := 0; i+1 < len(text); i++ {
		if text[i] == '$' && '0' <= text[i+1] && text[i+1] <= '9' {
			if i > from {
				t.Parts = append(t.Parts, ir.Part{Kind: ir.Literal, Text: text[from:i], Span: span})
			}
			t.Parts = append(t.Parts, ir.Part{Kind: ir.RuleRef, N: int(text[i+1] - '0'), Text: text[i : i+2], Span: span})
			i++
			from = i + 1
		}
	}
	if from < len(text) {
		t.Parts = append(t.Parts, ir.Part{Kind: ir.Literal, Text: text[from:], Span: span})
	}
	return t
}

// backendFromClient is the reference that decides on the host of a backend, and the texts that would make it a foreign one.
func backendFromClient(t *ir.Template) (*ir.Part, []string) {
	list, absolute := zones(t)
	if len(list) == 0 {
		return nil, nil
	}
	if !absolute {
		if list[0].literal() {
			return nil, nil
		}
		return list[0].part, []string{"http://" + evilHost + "/"}
	}
	for i := range list {
		x := &list[i]
		switch {
		case x.zone == zoneScheme:
			if !x.literal() {
				return nil, nil
			}
		case x.zone > zoneHost:
			return nil, nil
		case !x.literal() && i > 0 && list[i-1].zone == zoneHost:
			return x.part, []string{"@" + evilHost + "/", "." + evilHost + "/", ":80@" + evilHost + "/"}
		case !x.literal():
			return x.part, []string{evilHost + "/", evilHost}
		}
	}
	return nil, nil
}

// injectSetting is inject for a directive that is no rule: the request is made of its location and server.
func (a *asker) injectSetting(s *ir.Scope, set *ir.Setting, part *ir.Part, texts []string) *proof {
	var ways []carrier
	base := a.visit(s)
	if set.Name == "ProxyPassMatch" {
		ways = []carrier{groupFiller(set.Pattern, part.N, holder{func(q probe.Probe, text string) (probe.Probe, bool) {
			return withPath(q, escapedPath(text)), strings.HasPrefix(text, "/")
		}, sendableShape})}
	} else {
		ways = carriers(a, s, nil, part, 0)
	}
	for _, way := range ways {
		for _, text := range texts {
			q, ok := way(base, text)
			if !ok || !sendable(q.Request.Target) || a.left <= 0 || a.site.Spent() {
				continue
			}
			a.left--
			if o := a.site.Ask(q); o.Known && foreign(o.PassedTo) {
				return &proof{q, o, a.site.Witness(&probe.Chain{Hops: []probe.Hop{{Probe: q, Outcome: o}}, End: probe.EndAnswer})}
			}
		}
	}
	return nil
}

// visit is a plain request to the location and server that a scope stands in.
func (a *asker) visit(s *ir.Scope) probe.Probe {
	q := probe.Probe{Request: sim.Request{Method: "GET", Scheme: "http", Host: probe.DefaultHost, Target: "/"}}
	if hosts := a.site.Hosts(); len(hosts) > 0 {
		q.Request.Host = hosts[0]
	}
	path := ""
	for ; s != nil; s = s.Parent {
		if path == "" && s.Kind == ir.ScopeLocation && s.Pattern == nil && strings.HasPrefix(s.Path, "/") {
			path = s.Path
		}
		if s.Kind != ir.ScopeHost {
			continue
		}
		for _, set := range append(ownSettings(s, "server_name"), ownSettings(s, "ServerName")...) {
			name := set.Arg(0)
			if _, bare, ok := strings.Cut(name, "://"); ok {
				name = bare // ServerName may have a scheme and a port
			}
			if name, _, _ = strings.Cut(name, ":"); name != "" && !strings.ContainsAny(name, "*~_$ ") {
				q.Request.Host = strings.TrimPrefix(name, ".")
				break
			}
		}
		for _, set := range ownSettings(s, "listen") {
			port := lastAfter(set.Arg(0), ':')
			if n, rest := atoi(port); rest == "" && n > 0 {
				q.Request.Port = n
				for _, arg := range set.Args[1:] {
					if arg.Text == "ssl" {
						q.Request.Scheme = "https"
					}
				}
			}
			break
		}
		if len(s.Args) > 0 && s.Name == "VirtualHost" {
			if n, rest := atoi(lastAfter(s.Args[0].Text, ':')); rest == "" && n > 0 {
				q.Request.Port = n
			}
		}
		break
	}
	if path != "" {
		q.Request.Target = escapedPath(path)
	}
	return q
}

// lastAfter is what stands behind the last c of a text; all of it when there is none.
func lastAfter(s string, c byte) string { return s[strings.LastIndexByte(s, c)+1:] }
