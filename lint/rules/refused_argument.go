package rules

import (
	"regexp"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var refusedArgument = lint.Rule{
	Code: lint.CatchAll, ID: "refused-argument", Severity: diag.Error, For: lint.Both, Since: "0.1",
	Doc: lint.Doc{
		Title: "the server refuses this value",
		Text: "What the server says at this place and no other rule explains: a value out of range, a word outside a directive's " +
			"list, a duplicate, a file that is not there. The message carries the server's own words where they are known.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteBase x\n", After: "RewriteBase /x\n"},
			{Server: ir.Nginx, Before: "autoindex yes;\n", After: "autoindex on;\n"},
		},
		Source: "httpd and nginx, each directive's own checks",
	},
	Explain: func(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
		if p.Fragment() && namedElsewhere.MatchString(d.ServerMessage) {
			d.Severity = 0
			return d, true
		}
		return withRefusal(p, d, at)
	},
}

// namedElsewhere are complaints of nginx about a name that another part of the configuration may define.
var namedElsewhere = regexp.MustCompile(`^(unknown log format|(host not found|no port) in upstream|unknown ".*" (variable|zone)|no "?events"?|zero size shared memory zone|unknown limit_req_zone|"[a-z_]+" zone ".*" is unknown)`)
