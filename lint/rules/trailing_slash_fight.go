package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
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
			if r.Keyword == ir.NginxRewrite && r.File != nil {
				p.File = r.File
				d.Fixes = firstThatHelps(p, leaveFolder(p, l), leavesFolders(p, l))
			}
			return d
		})
	},
}

// leaveFolder are the ways to keep a rewrite of nginx from the paths that get their slash back: from a location that passes
// requests on by its path, from folders by asking whether there is one, or from both.
func leaveFolder(p *lint.Pass, l *loop) (list []remedy) {
	at := directiveAt(p, l.rule.Origin)
	if s := p.Site().Scope(l.rule); at == nil || s == nil || s.Kind == ir.ScopeIf {
		return nil
	}
	line := p.File.Slice(at.Line)
	wrapped := func(line string) []source.Edit {
		return source.Replace(at.Line, "if (!-d $request_filename) { "+line+" }")
	}
	for i := range l.chain.Hops {
		h := &l.chain.Hops[i]
		folder := pathOf(&h.Probe) + "/"
		if h.Rule() != nil || len(h.Probe.Exists) > 0 || quoteRegex(folder) != folder || l.rule.Pattern == nil {
			continue
		}
		start := l.rule.Pattern.Span.Start
		written := raw(p, l.rule.Pattern.Span)
		if strings.HasPrefix(written, `"`) {
			written, start = written[1:], start+1
		}
		if strings.HasPrefix(written, "^/") {
			look, k := "(?!"+folder[1:]+")", start+2-at.Line.Start
			list = append(list, remedy{"leave " + quote(folder) + " alone", source.Insert(start+2, look)},
				remedy{"leave " + quote(folder) + " and folders alone", wrapped(line[:k] + look + line[k:])})
		}
	}
	return append(list, remedy{"leave folders alone", wrapped(line)})
}

// leavesFolders makes a test of what went round, and of a folder that exists.
func leavesFolders(p *lint.Pass, l *loop) func(*probe.Site) bool {
	q := l.chain.Hops[0].Probe
	q.Request.Target, q.Reached, q.Exists = "/some-folder/", false, []string{p.Site().Root(l.rule) + "/some-folder/"}
	return comesToAnEnd(p, l, append([]probe.Hop{{Probe: q}}, l.chain.Hops...))
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
