package rules

import (
	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
)

var unreachableRule = lint.Rule{
	Code: "RD206", ID: "unreachable-rule", Severity: diag.Warning, For: lint.Both, Fix: diag.Risky, Since: "0.1",
	Doc: lint.Doc{
		Title: "a rule that never runs",
		Text: "An earlier rule ends the list for every request that this one would take: a catch-all, a wider pattern, a prefix of it; in nginx an " +
			"unconditional `return`, above the directives of its block or above all locations of its server, and a location that is never chosen: nginx tries " +
			"expressions in their order, before all prefixes but those with `^~`. Move the special rule up, or drop it.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^(.*)$ https://new.example/all [R=302,L]\nRewriteRule ^special$ https://new.example/s [R=302,L]\n",
				After: "RewriteEngine On\nRewriteRule ^special$ https://new.example/s [R=302,L]\nRewriteRule ^(.*)$ https://new.example/all [R=302,L]\n"},
			{Server: ir.Nginx, Before: "return 301 https://x.example;\nlocation = /health { return 200; }\n",
				After: "location = /health { return 200; }\nlocation / { return 301 https://x.example; }\n"},
			{Server: ir.Nginx, Before: "location ~ ^/blog/ { return 301 /news; }\nlocation ~ ^/blog/feed$ { return 301 /feed; }\n",
				After: "location ~ ^/blog/feed$ { return 301 /feed; }\nlocation ~ ^/blog/ { return 301 /news; }\n"},
		},
		Source: "httpd mod_rewrite.c, apply_rewrite_list; mod_alias.c, try_alias_list; nginx ngx_http_core_module.c, the order of phases",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		list := deadOf(p)
		fixes := liftDead(p, list)
		for _, d := range list {
			if d.twin || !p.Unit.Owns(d.rule.Origin) {
				continue
			}
			p.File = d.rule.File
			q := d.shown.Hops[0].Probe
			p.Add(diag.Diagnostic{Span: d.rule.Span, Witness: p.Site().Witness(d.shown),
				Message: "this rule never runs: " + lineOf(d.by, d.rule) + " takes all it would, such as " + probe.URL(q.Request),
				Fixes:   fixes[d.rule],
				Related: []diag.Related{{File: d.by.File, Span: d.by.Span, Message: "takes every request that the later rule would"}}})
		}
		if g.Server == ir.Nginx {
			unreachableLocations(p, g)
			shadowedLocations(p, g)
		}
	},
}

// unreachableLocations looks at servers that answer everything before a location is chosen.
func unreachableLocations(p *lint.Pass, g *ir.Program) {
	site := p.Site()
	if site == nil {
		return
	}
	eachScope(g, func(s *ir.Scope) {
		if s.Kind != ir.ScopeHost {
			return
		}
		var by *ir.Rule
		var hidden []shadowed
		for _, item := range s.Items {
			if r, ok := item.(*ir.Rule); ok && r.Keyword == ir.NginxReturn && r.File != nil {
				by = r
				break
			}
		}
		if by == nil || by.Status >= 400 && settingOf(s, "error_page") != nil {
			return
		}
		for _, item := range s.Items {
			in, ok := item.(*ir.Scope)
			if !ok || in.Kind != ir.ScopeLocation || in.Modifier == ir.NamedLocation || in.File == nil {
				continue
			}
			q, ok := requestAt(site, by, in)
			if !ok {
				continue
			}
			o := site.Ask(q)
			if !o.Known || !probe.HasFired(&o, by) || len(o.Via) > 0 {
				continue
			}
			p.File = in.File
			hidden = append(hidden, shadowed{in, nil, diag.Diagnostic{File: in.File, Span: in.Span, Witness: site.Witness(&probe.Chain{Hops: []probe.Hop{{Probe: q, Outcome: o}}, End: probe.EndAnswer}),
				Message: "this location is never used: the return of the server on " + lineOf(by, &ir.Rule{Origin: in.Origin}) + " answers before one is chosen, such as " + probe.URL(q.Request),
				Related: []diag.Related{{File: by.File, Span: by.Span, Message: "answers every request of the server"}}}, q})
		}
		fix := intoLocation(p, by, s, hidden)
		for _, h := range hidden {
			p.File, h.finding.Fixes = h.late.File, fix
			p.Add(h.finding)
		}
	})
}

// requestAt is a request to the server of a rule for the path of a location.
func requestAt(site *probe.Site, r *ir.Rule, location *ir.Scope) (probe.Probe, bool) {
	q, ok := site.Reach(r)
	if !ok {
		return q, false
	}
	path := location.Path
	if location.Pattern != nil {
		path = ""
		for _, t := range probe.Samples(location.Pattern, 4) {
			if len(t) > 0 && t[0] == '/' {
				path = t
				break
			}
		}
	}
	q.Request.Target, q.Reached = path, false
	return q, sendable(path)
}
