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

var queryDoubled = lint.Rule{
	Code: "RD607", ID: "query-doubled", Severity: diag.Error, For: lint.Nginx, Fix: diag.Safe, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a rewrite that sends the query twice",
		Text: "rewrite puts the query of the request at the end of its replacement by itself. With `$request_uri` or `$args` in the replacement " +
			"it is there twice: `/a?q=1` goes to `/a?q=1?q=1`. A `?` at the end of the replacement keeps it from that; `return` does not do it at all. " +
			"A rewrite inside the server is a warning: most programs take one of two equal parameters, and lists are twice as long.",
		Examples: []lint.Example{
			{Server: ir.Nginx, Before: "rewrite ^ https://x.example$request_uri permanent;\n", After: "rewrite ^ https://x.example$request_uri? permanent;\n"},
		},
		Source: "nginx ngx_http_rewrite_module, rewrite; ngx_http_script.c, ngx_http_script_regex_end_code",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		var a *asker
		eachRule(p, g, func(_ *ir.Scope, r *ir.Rule) {
			if r.Keyword != ir.NginxRewrite || r.Target == nil || !r.Query.Append || r.Disabled {
				return
			}
			var part *ir.Part
			for i := range r.Target.Parts {
				switch x := &r.Target.Parts[i]; x.Name {
				case "request_uri", "args", "query_string":
					if part == nil && x.Kind == ir.Variable {
						part = x
					}
				}
			}
			if part == nil {
				return
			}
			if a == nil {
				if a = newAsker(p); a == nil {
					return
				}
			}
			result := func(o *sim.Outcome) string {
				if o.Location != nil {
					return *o.Location
				}
				return "?" + o.Query // inside the server a ? that a variable brings stays in the path
			}
			found := a.find(r, func(q probe.Probe) []probe.Probe { return []probe.Probe{withQuery(q, "q=1")} },
				func(_ *probe.Probe, o *sim.Outcome) bool { return strings.Count(result(o), "q=1") > 1 })
			if found == nil {
				return
			}
			end := r.TargetSpan.End
			if text := raw(p, r.TargetSpan); text != "" && (text[len(text)-1] == '"' || text[len(text)-1] == '\'') {
				end--
			}
			severity := diag.Error
			if !sendsElsewhere(r) {
				severity = diag.Warning // a program behind it takes one of two equal parameters, as a rule
			}
			p.Add(diag.Diagnostic{Span: part.Span, Severity: severity, Witness: found.witness,
				Message: "the query is sent twice: " + quote(clip(found.path(), 60)) + " becomes " + quote(clip(result(&found.outcome), 80)),
				Fixes:   []diag.Fix{{Title: "end the replacement with `?`", Safety: diag.Safe, States: true, Edits: source.Insert(end, "?")}}})
		})
	},
}
