package rules

import (
	"fmt"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var hostIfInsteadOfServer = lint.Rule{
	Code: "RD802", ID: "host-if-instead-of-server", Severity: diag.Info, For: lint.Nginx, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "an if on the host or the scheme that a server block of its own would decide",
		Text: "nginx chooses the server by the host and the port once, from a hash. An `if` on `$host`, `$http_host`, `$server_name`, `$scheme` or `$https` " +
			"at the level of the server is evaluated for every request of all its hosts, and hides which names the server answers to.",
		Silence: "the block is kept by a tool (certbot writes such lines)",
		Examples: []lint.Example{{Server: ir.Nginx, Context: ir.ContextHTTP,
			Before: "server {\n    server_name a.example www.a.example;\n    if ($host = www.a.example) { return 301 https://a.example$request_uri; }\n}\n",
			After: "server {\n    server_name www.a.example;\n    return 301 https://a.example$request_uri;\n}\n" +
				"server {\n    server_name a.example;\n}\n"}},
		Source: "nginx, Pitfalls and Common Mistakes: Using if, Server name; nginx manual, Converting rewrite rules",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		eachScope(g, func(s *ir.Scope) {
			if s.Kind != ir.ScopeHost {
				return
			}
			for _, item := range s.Items {
				if block, ok := item.(*ir.Scope); ok && block.Kind == ir.ScopeIf && block.File != nil {
					p.File = block.File
					hostIf(p, block)
				}
			}
		})
	},
}

func hostIf(p *lint.Pass, block *ir.Scope) {
	c := block.If
	if c == nil || c.Test == nil || len(c.Test.Parts) != 1 || c.Test.Parts[0].Kind != ir.Variable || len(block.Items) != 1 {
		return
	}
	r, ok := block.Items[0].(*ir.Rule)
	if !ok || r.Action != ir.ActionRedirect || r.Keyword == ir.NginxRewrite && (r.Pattern == nil || r.Pattern.Re == nil || !wholePath(r)) {
		return
	}
	name := c.Test.Parts[0].Name
	switch name {
	case "host", "http_host", "server_name":
		if c.Kind != ir.CondString && c.Kind != ir.CondRegex {
			return
		}
		p.Report(block.Span, fmt.Sprintf("`$%s` is compared for every request; a `server` block for the names that are sent away does it once", name))
	case "scheme", "https", "server_port":
		if c.Kind == ir.CondRegex && name == "server_port" {
			return
		}
		p.Report(block.Span, fmt.Sprintf("`$%s` is compared for every request; a `server` block that listens on port 80 does it once", name))
	}
}

// wholePath tells whether a rewrite takes every path.
func wholePath(r *ir.Rule) bool {
	t := r.Pattern.Re.Tree()
	if t.MatchesEverything() {
		return true
	}
	switch t.Text {
	case "^(.*)$", "^/(.*)$", "^(.*)", "^/(.*)", "(.*)", ".*", "^.*$", "^/", ".", "^.*", "^/.*$", "^/?(.*)$", "^/?(.*)", "^(/.*)$", "^(.+)$":
		return true
	}
	return false
}
