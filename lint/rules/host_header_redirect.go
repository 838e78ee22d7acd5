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

var hostHeaderRedirect = lint.Rule{
	Code: "RD702", ID: "host-header-redirect", Severity: diag.Warning, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a server for all names redirects to the name it was asked for",
		Text: "A server that answers any Host header and puts it into the Location sends visitors wherever the header says. Browsers do not " +
			"send a foreign one, but a cache in front can be made to keep a redirect to a stranger's host. Name the host, or answer unknown names otherwise.",
		Silence: "A server of nginx that does nothing but send http to https on the same name is an info. No cache stands in front, and the server has to serve names that are not known beforehand.",
		Examples: []lint.Example{
			{Server: ir.Apache, Context: ir.ContextServer, Before: "<VirtualHost *:80>\nRewriteEngine On\nRewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R=301,L]\n</VirtualHost>\n",
				After: "<VirtualHost *:80>\nServerName www.shop.example\nRewriteEngine On\nRewriteRule ^ https://www.shop.example%{REQUEST_URI} [R=301,L]\n</VirtualHost>\n"},
			{Server: ir.Nginx, Context: ir.ContextHTTP, Before: "server { listen 80 default_server; return 301 https://$host$request_uri; }\n",
				After: "server { listen 80; server_name shop.example; return 301 https://shop.example$request_uri; }\n"},
		},
		Source: "RFC 9110 §7.2; nginx ngx_http_core_module, listen: default_server; httpd manual, \"Name-based Virtual Hosts\"",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		var a *asker
		first := map[*ir.Scope]*told{} // by server
		var order []*told
		eachRule(p, g, func(s *ir.Scope, r *ir.Rule) {
			if !sendsElsewhere(r) {
				return
			}
			list, absolute := zones(r.Target)
			if !absolute {
				return
			}
			for i := range list {
				x := &list[i]
				if x.zone != zoneHost || !isHostVariable(x.part) {
					continue
				}
				if testsHost(s, r) {
					return
				}
				why := answersAll(g, hostOf(s))
				if why == "" {
					return
				}
				harmless := g.Server == ir.Nginx && onlyScheme(s, r)
				if t := first[hostOf(s)]; t != nil && !harmless { // one server, one cause
					t.more++
					return
				}
				if a == nil {
					if a = newAsker(p); a == nil {
						return
					}
				}
				found := a.find(r, func(q probe.Probe) []probe.Probe {
					q.Request.Host = evilHost
					return []probe.Probe{q}
				}, located(foreign))
				if found == nil {
					return
				}
				d := diag.Diagnostic{Span: x.part.Span, Witness: found.witness, Help: "name the host in the target",
					Message: "this server " + why + " and repeats whatever Host the client sends: a cache in front can be fed a redirect to `https://" + evilHost + "/`"}
				if name := firstName(hostOf(s)); name != "" && raw(p, x.part.Span) == x.part.Text {
					d.Fixes = []diag.Fix{write(diag.Risky, x.part.Span, name)}
				}
				if harmless {
					d.Severity = diag.Info // the usual server for port 80 that serves whatever names the encrypted one has
				}
				t := &told{d: d, file: p.File}
				order = append(order, t)
				if !harmless {
					first[hostOf(s)] = t
				}
				return
			}
		})
		for _, t := range order {
			if t.more > 0 {
				t.d.Message += fmt.Sprintf(" (and %d more of its redirects)", t.more)
			}
			p.File = t.file
			p.Add(t.d)
		}
	},
}

// told is a finding about a server, and how many more of its rules are the same.
type told struct {
	d    diag.Diagnostic
	file *source.File
	more int
}

// onlyScheme tells whether a whole server does nothing but send each request to the same host and path, encrypted.
func onlyScheme(s *ir.Scope, r *ir.Rule) bool {
	return s.Kind == ir.ScopeHost && len(r.Conditions) == 0 && len(r.Target.Parts) == 3 && r.Target.Parts[0].Text == "https://" &&
		pathVariable(&r.Target.Parts[2])
}

// firstName is the first name of a server that is a host name.
func firstName(host *ir.Scope) string {
	for _, set := range ownSettings(host, "server_name") {
		for _, a := range set.Args {
			if strings.Contains(a.Text, ".") && !strings.ContainsAny(a.Text, "*~$_ ") {
				return strings.TrimPrefix(a.Text, ".")
			}
		}
	}
	return ""
}

// isHostVariable tells whether a part is the host that the client asked for.
func isHostVariable(part *ir.Part) bool {
	if part.Kind != ir.Variable {
		return false
	}
	switch part.Name {
	case "host", "http_host", "HTTP_HOST":
		return part.Space == ""
	}
	return part.Space == "HTTP" && strings.EqualFold(part.Name, "Host")
}

// testsHost tells whether a rule or an if around it looks at the host before it answers.
func testsHost(s *ir.Scope, r *ir.Rule) bool {
	for _, c := range r.Conditions {
		if c.Kind == ir.CondExpr {
			return true
		}
		for _, part := range templateParts(c.Test) {
			if part.Kind == ir.Variable && (isHostVariable(&part) || part.Name == "SERVER_NAME") || part.Kind == ir.Lookup {
				return true
			}
		}
	}
	for ; s != nil && s.Kind != ir.ScopeHost; s = s.Parent {
		if s.Kind == ir.ScopeIf || s.Kind == ir.ScopeElse || s.Kind == ir.ScopeElseIf || s.Kind == ir.ScopeHtaccess {
			return true
		}
	}
	if s == nil {
		return false
	}
	for _, item := range s.Items { // an if of the server level that turns other hosts away
		if in, ok := item.(*ir.Scope); ok && in.If != nil {
			for _, part := range templateParts(in.If.Test) {
				if part.Kind == ir.Variable && isHostVariable(&part) {
					return true
				}
			}
		}
	}
	return false
}

// answersAll says why a server answers every name; empty when it does not or it cannot be told.
func answersAll(g *ir.Program, host *ir.Scope) string {
	if host == nil || host.Kind != ir.ScopeHost || host.File == nil {
		return ""
	}
	if g.Server == ir.Apache {
		for _, item := range host.Items {
			if set, ok := item.(*ir.Setting); ok && (set.Name == "ServerName" || set.Name == "ServerAlias") {
				return ""
			}
			if o, ok := item.(*ir.Opaque); ok && !o.Harmless {
				return "" // an Include may name it
			}
		}
		return "has no name"
	}
	named, opaque := false, false
	for _, item := range host.Items {
		switch item := item.(type) {
		case *ir.Opaque:
			opaque = opaque || !item.Harmless
		case *ir.Setting:
			switch item.Name {
			case "listen":
				for _, a := range item.Args {
					if a.Text == "default_server" || a.Text == "default" {
						return "is the default for its address"
					}
				}
			case "server_name":
				named = true
				for _, a := range item.Args {
					if a.Text == "_" {
						return "is the one for all names"
					}
				}
			}
		}
	}
	if named || opaque {
		return ""
	}
	return "has no name"
}
