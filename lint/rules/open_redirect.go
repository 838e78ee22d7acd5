package rules

import (
	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
)

var openRedirect = lint.Rule{
	Code: "RD701", ID: "open-redirect", Severity: diag.Error, For: lint.Both, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a redirect to whatever host the client names",
		Text: "A part of the request stands at the beginning of the target, or in the place of its host. A link to this site then leads " +
			"to any other: that is what phishing mails are made with. Destinations belong into a list that is kept here: a map with a default.",
		Silence: "The redirect is behind a check of the application that the configuration does not show.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteCond %{QUERY_STRING} ^u=(.*)$\nRewriteRule ^go$ %1? [R=302,L]\n",
				After: "RewriteEngine On\nRewriteCond %{QUERY_STRING} ^u=(docs|blog)$\nRewriteRule ^go$ https://www.shop.example/%1? [R=302,L]\n"},
			{Server: ir.Nginx, Context: ir.ContextHTTP, Before: "server { if ($arg_u) { return 302 $arg_u; } }\n",
				After: "map $arg_u $to { default \"\"; docs https://docs.shop.example/; }\nserver { if ($to) { return 302 $to; } }\n"},
		},
		Source: "CWE-601; OWASP, \"Unvalidated Redirects and Forwards Cheat Sheet\"",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		var a *asker
		eachRule(p, g, func(s *ir.Scope, r *ir.Rule) {
			if !sendsElsewhere(r) && r.Keyword != ir.NginxRewrite || r.Target == nil || r.Match == ir.MatchSegment || r.Disabled {
				return
			}
			part, texts := hostFromClient(r.Target)
			if part == nil {
				return
			}
			if a == nil {
				if a = newAsker(p); a == nil {
					return
				}
			}
			found := a.inject(s, r, part, texts, func(_ *probe.Probe, o *sim.Outcome) bool {
				return o.Location != nil && o.Status >= 300 && o.Status < 400 && foreign(*o.Location)
			})
			if found == nil {
				return
			}
			d := diag.Diagnostic{Span: part.Span, Witness: found.witness, Message: found.asked() + " sends visitors of this site to " + evilHost + " (CWE-601)",
				Help: "choose the destination from a closed list: a map with a default, or groups with the allowed names"}
			p.Add(d)
		})
	},
}

// hostFromClient is the reference that decides on the host of a target, and the texts that would make it a foreign one;
// nil when the host is written out, or a group goes on behind it.
func hostFromClient(t *ir.Template) (*ir.Part, []string) {
	if hostIsWritten(t) {
		return nil, nil
	}
	list, absolute := zones(t)
	if len(list) == 0 {
		return nil, nil
	}
	if !absolute {
		switch {
		case !list[0].literal():
			return list[0].part, []string{"https://" + evilHost + "/", "//" + evilHost + "/", "/" + evilHost + "/"}
		case list[0].text == "/" && len(list) > 1 && !list[1].literal():
			return list[1].part, []string{"/" + evilHost + "/", "//" + evilHost + "/"}
		}
		return nil, nil
	}
	for i := range list {
		x := &list[i]
		switch {
		case x.zone == zoneScheme:
			if !x.literal() && i == 0 && !schemeVariable(x.part) {
				return x.part, []string{"https://" + evilHost + "/"}
			}
		case x.zone > zoneHost:
			return nil, nil
		case !x.literal():
			if i > 0 && list[i-1].zone == zoneHost && list[i-1].literal() {
				return nil, nil // behind a host: another rule speaks of that
			}
			return x.part, []string{evilHost + "/", evilHost, evilHost + "?", evilHost + "#"}
		case i+1 < len(list) && list[i+1].zone == zoneHost:
			return nil, nil
		}
	}
	return nil, nil
}

// schemeVariable tells whether a variable is the scheme of the request or stands for it.
func schemeVariable(part *ir.Part) bool {
	return part.Kind == ir.Variable && (part.Name == "scheme" || part.Name == "REQUEST_SCHEME" || part.Space == "ENV" || part.Name == "http_x_forwarded_proto" ||
		part.Space == "HTTP")
}
