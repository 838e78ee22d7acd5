package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var trailingSlashFight = lint.Rule{
	Code: "RD211", ID: "trailing-slash-fight", Severity: diag.Error, For: lint.Both, Fix: diag.Risky, Since: "0.1",
	Doc: lint.Doc{
		Title: "a final slash is taken off and put back",
		Text: "The server redirects a folder to its name with the slash (httpd: DirectorySlash; nginx: static folders, and locations such as `location /d/` that pass " +
			"requests on). A rule that takes the slash off sends the client back: `/d/` → `/d` → `/d/`. For folders that may or may not be there it is a warning.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^(.*)/$ /$1 [R=301,L]\n",
				After: "RewriteEngine On\nRewriteCond %{REQUEST_FILENAME} !-d\nRewriteRule ^(.+)/$ /$1 [R=301,L]\n"},
			{Server: ir.Nginx, Before: "rewrite ^/(.*)/$ /$1 permanent;\nlocation /d/ { proxy_pass http://127.0.0.1:8080; }\n",
				After: "rewrite ^/(?!d/)(.*)/$ /$1 permanent;\nlocation / { proxy_pass http://127.0.0.1:8080; }\nlocation /d/ { proxy_pass http://127.0.0.1:8080; }\n"},
		},
		Source: "httpd mod_dir manual, DirectorySlash; nginx ngx_http_core_module manual, location; ngx_http_static_module.c",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		reportLoops(p, slashFight, func(l *loop) diag.Diagnostic {
			d := diag.Diagnostic{Message: route(&l.chain) + ": one takes the final slash off, the other puts it back"}
			if by := serversOwn(l); by != "" {
				d.Message = route(&l.chain) + ": the rule takes the slash off, and " + by + " puts it back"
			}
			if l.severity == diag.Warning {
				d.Message += ", for every folder that exists"
			}
			r := l.rule
			if r.Keyword == ir.RewriteRule && r.Subject == ir.SubjectDirectory && len(l.others) == 0 && l.chain.Hops[0].Probe.Exists != nil {
				at := directiveAt(p, r.Origin)
				if at != nil {
					line := r.File.LineSpan(r.File.Line(r.Span.Start))
					text := r.File.Slice(line)
					indent := text[:len(text)-len(strings.TrimLeft(text, " \t"))]
					d.Fixes = []diag.Fix{{Title: "leave folders alone", Safety: diag.Risky,
						Edits: source.Insert(at.Line.Start, "RewriteCond %{REQUEST_FILENAME} !-d\n"+indent)}}
				}
			}
			return d
		})
	},
}

// serversOwn names what of the server itself puts the slash back; empty when a rule does.
func serversOwn(l *loop) string {
	for i := range l.chain.Hops {
		h := &l.chain.Hops[i]
		if h.Rule() != nil {
			continue
		}
		if l.rule.Keyword == ir.NginxRewrite || l.rule.Keyword == ir.NginxReturn {
			if len(h.Probe.Exists) == 0 {
				return "the location that passes requests on"
			}
			return "nginx, for a folder,"
		}
		return "DirectorySlash"
	}
	return ""
}
