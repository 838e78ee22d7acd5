package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var redirectBypassesAccess = lint.Rule{
	Code: "RD708", ID: "redirect-bypasses-access", Severity: diag.Warning, For: lint.Nginx, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a return beside an access rule that is never asked",
		Text: "nginx runs `return` and `rewrite` before it looks at `allow`, `deny`, `auth_basic` and `auth_request`. A block that answers by a " +
			"return lets everybody have that answer, and the access rule beside it never acts. The answer can be given behind the access rule from a " +
			"named location: `try_files /dev/null @moved`.",
		Silence: "The answer is for everybody, and the access rule is for locations inside the block.",
		Examples: []lint.Example{
			{Server: ir.Nginx, Before: "location /int/ { deny all; return 301 https://x.example$request_uri; }\n",
				After: "location /int/ { deny all; try_files /dev/null @moved; }\nlocation @moved { return 301 https://x.example$request_uri; }\n"},
		},
		Source: "nginx development guide, \"HTTP phases\"",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		eachRule(p, g, func(s *ir.Scope, r *ir.Rule) {
			if s.Kind != ir.ScopeLocation && s.Kind != ir.ScopeHost || s.Modifier == ir.NamedLocation {
				return
			}
			switch {
			case r.Keyword == ir.NginxReturn && r.Status < 400:
			case r.Keyword == ir.NginxRewrite && r.Action == ir.ActionRedirect && takesEverything(r):
			default:
				return
			}
			set := accessRule(s)
			if set == nil {
				return
			}
			span := r.Span
			if len(r.Args) > 0 {
				span.End = r.Args[0].Span.End
			}
			what := "this answer"
			if r.Action == ir.ActionRedirect {
				what = "this redirect"
			}
			p.Add(diag.Diagnostic{Span: span, Message: "everybody gets " + what + ": nginx answers before it asks " + quote(clip(strings.TrimSuffix(raw(p, set.Span), ";"), 50)),
				Related: []diag.Related{{File: set.File, Span: set.Span, Message: "this never acts here"}},
				Help:    "give the answer from a named location: `try_files /dev/null @moved;`"})
		})
	},
}

// accessRule is a directive of a block itself that turns some visitors away.
func accessRule(s *ir.Scope) *ir.Setting {
	for _, item := range s.Items {
		set, ok := item.(*ir.Setting)
		if !ok {
			continue
		}
		switch set.Name {
		case "deny":
			return set
		case "auth_basic", "auth_request":
			if set.Arg(0) != "off" {
				return set
			}
		}
	}
	return nil
}
