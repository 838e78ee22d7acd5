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

var decodedPathInTarget = lint.Rule{
	Code: "RD612", ID: "decoded-path-in-target", Severity: diag.Warning, For: lint.Nginx, Fix: diag.Risky, Beside: true, Since: "0.1",
	YieldsTo: []string{"RD703"},
	Doc: lint.Doc{
		Title: "a target made of the decoded path",
		Text: "`$uri`, `$document_uri` and the groups of a location are decoded and without the query, and return sends them as they are: " +
			"`/a%20b` goes to `/a b`, `%3f` becomes a question mark and `%23` a `#`. `$request_uri` is what the client sent. Groups of a rewrite are encoded again. " +
			"Where a line break can come in as well, header-injection speaks in its place.",
		Examples: []lint.Example{
			{Server: ir.Nginx, Before: "location ~ ^/b/(.*)$ {\n    return 301 https://x.example/$1;\n}\n", After: "location ~ ^/b/ {\n    rewrite ^/b/(.*)$ https://x.example/$1 permanent;\n}\n"},
		},
		Source: "nginx ngx_http_core_module: $uri; ngx_http_script.c, ngx_http_script_copy_capture_code",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		var a *asker
		eachRule(p, g, func(s *ir.Scope, r *ir.Rule) {
			if !sendsElsewhere(r) || r.Match == ir.MatchSegment {
				return
			}
			part := decodedPart(r)
			if part == nil {
				return
			}
			if a == nil {
				if a = newAsker(p); a == nil {
					return
				}
			}
			found := a.find(r, extended("a%20b", "/a%20b", "%20"), func(q *probe.Probe, o *sim.Outcome) bool {
				return o.Location != nil && strings.Contains(*o.Location, " ")
			})
			if found == nil {
				return
			}
			at := part.Span
			d := diag.Diagnostic{Span: at, Witness: found.witness,
				Message: quote(part.Text) + " is decoded: " + clip(found.path(), 60) + " goes to " + quote(clip(found.location(), 100))}
			if part.Kind == ir.Variable {
				d.Fixes = requestURIFix(p, s, r, part)
			} else {
				d.Help = "use a rewrite, which encodes its groups again"
			}
			p.Add(d)
		})
	},
}

// decodedPart is the first part of a target that holds a decoded path and is sent as it is.
func decodedPart(r *ir.Rule) *ir.Part {
	for i := range r.Target.Parts {
		part := &r.Target.Parts[i]
		switch {
		case part.Kind == ir.Variable && (part.Name == "uri" || part.Name == "document_uri"):
			return part
		case part.Kind == ir.RuleRef && r.Keyword == ir.NginxReturn:
			return part
		}
	}
	return nil
}

// requestURIFix writes $request_uri for $uri and the query behind it, if that is all that follows.
func requestURIFix(p *lint.Pass, s *ir.Scope, r *ir.Rule, part *ir.Part) []diag.Fix {
	at := part.Span
	if raw(p, at) != part.Text {
		return nil
	}
	parts := r.Target.Parts
	for i := range parts {
		if &parts[i] != part {
			continue
		}
		rest := ""
		for _, x := range parts[i+1:] {
			rest += x.Text
		}
		switch rest {
		case "":
		case "$is_args$args", "?$args", "$is_args$query_string", "?$query_string":
			at.End = parts[len(parts)-1].Span.End
		default:
			return nil
		}
	}
	text := "$request_uri"
	if r.Keyword == ir.NginxRewrite && r.Query.Append {
		text += "?"
	}
	return []diag.Fix{{Title: "write " + quote(text), Safety: diag.Risky, Edits: source.Replace(at, text)}}
}
