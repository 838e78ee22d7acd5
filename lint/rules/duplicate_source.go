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

var duplicateSource = lint.Rule{
	Code: "RD207", ID: "duplicate-source", Severity: diag.Warning, For: lint.Both, Fix: diag.Safe, Since: "0.1",
	Explains: []string{"RD207", "RD029"}, Precedence: 55,
	Explain: func(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
		// What nginx itself says of two servers or two locations with one name.
		if strings.HasPrefix(d.ServerMessage, "conflicting server name") {
			d.Witness = keptName(p, d, at)
			return d, true
		}
		return d, strings.HasPrefix(d.ServerMessage, "duplicate location")
	},
	Doc: lint.Doc{
		Title: "the same source is redirected twice",
		Text: "Two rules have the same pattern and the same conditions, and the first one ends the list: the second never runs. With another target " +
			"one of the two is a mistake; with the same it is only a leftover, which the fix removes. Of two nginx servers with the same name on one " +
			"address the first keeps it (nginx warns of the conflict); with two locations of the same name nginx does not start.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^a$ /b [R=301,L]\nRewriteRule ^a$ /c [R=301,L]\n", After: "RewriteEngine On\nRewriteRule ^a$ /b [R=301,L]\n"},
			{Server: ir.Nginx, Context: ir.ContextHTTP, Before: "server { server_name a.example; return 301 https://a.example$request_uri; }\nserver { server_name a.example; root /srv/a; }\n",
				After: "server { server_name www.a.example; return 301 https://a.example$request_uri; }\nserver { server_name a.example; root /srv/a; }\n"},
			{Server: ir.Nginx, Before: "rewrite ^/a$ /b permanent;\nrewrite ^/a$ /c permanent;\n", After: "rewrite ^/a$ /b permanent;\n"},
		},
		Source: "httpd mod_rewrite.c, apply_rewrite_list; mod_alias.c, try_alias_list",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		for _, d := range deadOf(p) {
			if !d.twin || !p.Unit.Owns(d.rule.Origin) {
				continue
			}
			p.File = d.rule.File
			q := d.shown.Hops[0].Probe
			out := diag.Diagnostic{Span: d.rule.Span, Witness: p.Site().Witness(d.shown),
				Message: probe.URL(q.Request) + " is taken on " + lineOf(d.by, d.rule) + " already; this rule never runs",
				Related: []diag.Related{{File: d.by.File, Span: d.by.Span, Message: "takes the same requests"}}}
			if sameRule(d.rule, d.by) {
				out.Severity = diag.Info
				out.Message = "the same rule stands on " + lineOf(d.by, d.rule) + " already"
				out.Fixes = dropRule(p, d.rule)
			}
			p.Add(out)
		}
	},
}

// keptName is a request to a name that two servers of nginx claim, which the other one answers; nil when none is found.
func keptName(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) *diag.Witness {
	if at == nil || at.Parent == nil || d.File == nil {
		return nil
	}
	site := p.Site()
	name := d.File.Slice(d.Span)
	if rest, ok := strings.CutPrefix(name, "*."); ok {
		name = "a." + rest
	}
	name = strings.ToLower(strings.TrimPrefix(name, "."))
	if site == nil || !isHostName(name) {
		return nil
	}
	q := probe.Probe{Request: sim.Request{Method: "GET", Scheme: "http", Host: name, Target: "/", Version: "1.1"}}
	for _, listen := range p.Unit.Named("listen") {
		if n, rest := atoi(lastAfter(listen.Arg(0), ':')); listen.Parent == at.Parent && rest == "" && n > 0 {
			q.Request.Port = n
			break
		}
	}
	o := site.Ask(q)
	if !o.Known || o.Host == nil || o.Host.File == at.File && o.Host.Span.Start == at.Parent.Line.Start {
		return nil
	}
	w := site.Witness(&probe.Chain{Hops: []probe.Hop{{Probe: q, Outcome: o}}, End: probe.EndAnswer})
	w.Steps = append(w.Steps, "the server of "+probe.PlaceOf(o.Host.Origin)+" answers")
	return w
}

// sameRule tells whether two rules with the same source do the same.
func sameRule(a, b *ir.Rule) bool {
	if a.Keyword != b.Keyword || len(a.Args) != len(b.Args) {
		return false
	}
	for i := range a.Args {
		if a.Args[i].Text != b.Args[i].Text {
			return false
		}
	}
	return true
}

// dropRule removes the line of a rule; none when conditions belong to it or it shares its line.
func dropRule(p *lint.Pass, r *ir.Rule) []diag.Fix {
	if len(r.Conditions) > 0 {
		return nil
	}
	at := directiveAt(p, r.Origin)
	if at == nil {
		return nil
	}
	text := r.File.Text
	start, end := at.Line.Start, at.Line.End
	for start > 0 && (text[start-1] == ' ' || text[start-1] == '\t') {
		start--
	}
	for int(end) < len(text) && (text[end] == ' ' || text[end] == '\t' || text[end] == '\r') {
		end++
	}
	if start > 0 && text[start-1] != '\n' || int(end) < len(text) && text[end] != '\n' {
		return nil
	}
	if int(end) < len(text) {
		end++
	}
	if strings.TrimSpace(string(text[start:end])) == "" {
		return nil
	}
	return []diag.Fix{{Title: "remove the second one", Safety: diag.Safe, Edits: source.Replace(source.Span{Start: start, End: end}, "")}}
}
