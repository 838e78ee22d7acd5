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

var queryAfterFragment = lint.Rule{
	Code: "RD605", ID: "query-after-fragment", Severity: diag.Warning, For: lint.Both, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "the query of the request ends up in the fragment",
		Text: "Redirect of httpd and rewrite of nginx put the query of the request at the end of the target. Behind a `#` it is part of the " +
			"fragment: the server never sees it, and the browser finds no place called `top?x=1`. A target with the query in front of the `#`, or with " +
			"none, has to be written by RewriteRule with NE, or by `return`.",
		Silence: "Nobody asks for the address with a query.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "Redirect 301 /a /b#top\n", After: "RewriteEngine On\nRewriteRule ^a$ /b?%{QUERY_STRING}#top [R=301,NE,L]\n"},
			{Server: ir.Nginx, Before: "rewrite ^/a$ /b#top permanent;\n", After: "location = /a { return 301 /b$is_args$args#top; }\n"},
		},
		Source: "httpd mod_alias.c, fixup_redir; nginx ngx_http_script.c, ngx_http_script_regex_end_code; RFC 3986 §3.5",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		var a *asker
		eachRule(p, g, func(_ *ir.Scope, r *ir.Rule) {
			if r.Keyword == ir.RewriteRule || r.Keyword == ir.NginxReturn || !sendsElsewhere(r) || !strings.Contains(r.Target.Text, "#") {
				return
			}
			list, _ := zones(r.Target)
			for i := range list {
				x := &list[i]
				if x.zone != zoneFragment || !x.literal() {
					continue
				}
				if a == nil {
					if a = newAsker(p); a == nil {
						return
					}
				}
				found := a.find(r, func(q probe.Probe) []probe.Probe { return []probe.Probe{withQuery(q, "x=1")} },
					func(_ *probe.Probe, o *sim.Outcome) bool {
						if o.Location == nil {
							return false
						}
						_, fragment, _ := strings.Cut(*o.Location, "#")
						return strings.HasSuffix(fragment, "x=1")
					})
				if found != nil {
					d := diag.Diagnostic{Span: fragmentSpan(p, r, x), Witness: found.witness,
						Message: "a query ends up in the fragment: " + quote(clip(found.path(), 60)) + " goes to " + quote(clip(found.location(), 80))}
					if r.Keyword == ir.NginxRewrite {
						d.Help = "write `$is_args$args` in front of the # by a return, or end the target with `?` to drop the query"
					} else {
						d.Help = "use RewriteRule with NE and `?%{QUERY_STRING}` in front of the #"
					}
					p.Add(d)
				}
				return
			}
		})
	},
}

// fragmentSpan is the place of the fragment of a target, also where the target's parts have no places of their own.
func fragmentSpan(p *lint.Pass, r *ir.Rule, x *piece) (s source.Span) {
	s = x.span(0, len(x.text))
	if s == x.part.Span {
		if i := strings.IndexByte(raw(p, r.TargetSpan), '#'); i >= 0 {
			s = r.TargetSpan
			s.Start += int32(i)
			if n := int32(len(x.text)); s.Start+n <= s.End {
				s.End = s.Start + n
			}
		}
	}
	return s
}
