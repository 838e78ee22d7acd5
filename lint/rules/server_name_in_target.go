package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var serverNameInTarget = lint.Rule{
	Code: "RD616", ID: "server-name-in-target", Severity: diag.Warning, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a target that names the server by its first name",
		Text: "`$server_name` of nginx is the first name of `server_name` as it is written, whatever host the visitor asked for: `_` sends " +
			"visitors to `https://_/`. With several names all of them land on the first. `%{SERVER_NAME}` of httpd is the visitor's host, but with " +
			"UseCanonicalName On it is the name of ServerName.",
		Silence: "All other names are to lead to the first one.",
		Examples: []lint.Example{
			{Server: ir.Apache, Context: ir.ContextServer,
				Before: "<VirtualHost *:80>\nServerName www.shop.example\nServerAlias www.books.example\nUseCanonicalName On\nRewriteEngine On\nRewriteRule ^ https://%{SERVER_NAME}%{REQUEST_URI} [R=301,L]\n</VirtualHost>\n",
				After:  "<VirtualHost *:80>\nServerName www.shop.example\nServerAlias www.books.example\nUseCanonicalName On\nRewriteEngine On\nRewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R=301,L]\n</VirtualHost>\n"},
			{Server: ir.Nginx, Context: ir.ContextHTTP, Before: "server { server_name _; return 301 https://$server_name$request_uri; }\n",
				After: "server { server_name www.shop.example; return 301 https://$server_name$request_uri; }\n"},
		},
		Source: "nginx ngx_http_core_module, $server_name; httpd core.c, ap_get_server_name",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		var w witnesses
		eachRule(p, g, func(s *ir.Scope, r *ir.Rule) {
			if !sendsElsewhere(r) || !strings.Contains(strings.ToLower(r.Target.Text), "server_name") {
				return
			}
			list, _ := zones(r.Target)
			for i := range list {
				if x := &list[i]; x.zone == zoneHost && x.part.Kind == ir.Variable && strings.EqualFold(x.part.Name, "server_name") && x.part.Space == "" {
					if d, ok := serverName(g, s, x.part); ok {
						w.attach(p, &d, r, nil)
						p.Add(d)
					}
					return
				}
			}
		})
	},
}

func serverName(g *ir.Program, s *ir.Scope, part *ir.Part) (d diag.Diagnostic, ok bool) {
	host := hostOf(s)
	if host == nil {
		return d, false
	}
	d.Span = part.Span
	if g.Server == ir.Apache {
		set := settings(s, "UseCanonicalName")
		names := ownSettings(host, "ServerName")
		if len(set) == 0 || !strings.EqualFold(set[0].Arg(0), "on") || len(names) == 0 || len(ownSettings(host, "ServerAlias")) == 0 {
			return d, false
		}
		name := names[len(names)-1].Arg(0)
		d.Severity, d.Fixes = diag.Info, []diag.Fix{write(diag.Risky, part.Span, "%{HTTP_HOST}")}
		d.Message = "with UseCanonicalName On this is " + quote(bareHost(name)) + " under every name of ServerAlias, too"
		return d, true
	}
	d.Fixes = []diag.Fix{write(diag.Risky, part.Span, "$host")}
	var names []string
	for _, set := range ownSettings(host, "server_name") {
		for _, a := range set.Args {
			names = append(names, a.Text)
		}
	}
	if len(names) == 0 {
		return d, false
	}
	first := strings.TrimPrefix(names[0], ".")
	switch {
	case strings.Trim(first, "_-") == "":
		d.Message = "`$server_name` is `" + first + "` here: visitors are sent to " + quote("https://"+first+"/")
	case strings.HasPrefix(first, "~") || strings.Contains(first, "*"):
		d.Message = "`$server_name` is " + quote(first) + " here, as it is written, and no host is called that"
	case len(names) > 1 || strings.HasPrefix(names[0], "."):
		d.Severity = diag.Info
		d.Message = "`$server_name` is the first name, " + quote(first) + ", whichever of the names the visitor asked for"
	default:
		return d, false
	}
	return d, true
}
