package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var manyLiteralRedirects = lint.Rule{
	Code: "RD801", ID: "many-literal-redirects", Severity: diag.Info, For: lint.Both, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a long list of single addresses, tried one by one",
		Text: "Each request is compared with the patterns of the list until one matches, and most requests match none. In a map the address " +
			"is looked up once: nginx has `map`, httpd has RewriteMap in the server's configuration, where a text file of pairs is kept in " +
			"memory. The number from which on this is said is a threshold of the configuration file, 50 without one.",
		Silence: "there is no access to the server's configuration",
		Examples: []lint.Example{
			{Server: ir.Apache, Context: ir.ContextServer, Before: literalList("RewriteRule ^/page%d$ /new/%d [R=301,L]\n", "RewriteEngine On\n"),
				After: "RewriteEngine On\nRewriteRule ^/page(\\d+)$ /new/$1 [R=301,L]\n"},
			{Server: ir.Nginx, Context: ir.ContextHTTP, Before: literalList("    rewrite ^/page%d$ /new/%d permanent;\n", "server {\n") + "}\n",
				After: "map $uri $moved {\n    default \"\";\n    /page1 /new/1;\n}\nserver {\n    if ($moved) { return 301 $moved; }\n}\n"},
		},
		Source: "httpd manual, Using RewriteMap; nginx manual, ngx_http_map_module; \"Converting rewrite rules\"",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		limit := p.Unit.Threshold(p.Rule, 50)
		eachScope(g, func(s *ir.Scope) { literalRules(p, s, limit) })
	},
}

// literalList writes the example: as many rules as the rule speaks of.
func literalList(line, head string) string {
	var b strings.Builder
	b.WriteString(head)
	for i := 1; i <= 50; i++ {
		fmt.Fprintf(&b, line, i, i)
	}
	return b.String()
}

// literalRule tells whether a rule sends one address to one other, always.
func literalRule(r *ir.Rule) bool {
	if r.Action != ir.ActionRedirect || len(r.Conditions) > 0 || r.Negated || r.Chain || r.Target == nil || r.File == nil {
		return false
	}
	if _, constant := r.Target.Constant(); !constant {
		return false
	}
	switch r.Match {
	case ir.MatchSegment:
		return r.Path != "" && r.Path != "/"
	case ir.MatchRegex:
		if r.Pattern == nil || r.Pattern.Re == nil {
			return false
		}
		t := r.Pattern.Re.Tree()
		if _, _, exact := t.Exact(); exact {
			return true
		}
		// ^/?old/?$ is one address for the author
		text, _ := t.Prefix()
		return strings.HasSuffix(t.Text, "/?$") && len(text)+len("^/?$")+strings.Count(t.Text, `\`) >= len(t.Text)
	}
	return false
}

func literalRules(p *lint.Pass, s *ir.Scope, limit int) {
	count, first := map[int]int{}, map[int]*ir.Rule{}
	var order []int
	for _, item := range s.Items {
		if r, ok := item.(*ir.Rule); ok && literalRule(r) {
			if count[r.Status] == 0 {
				first[r.Status] = r
				order = append(order, r.Status)
			}
			count[r.Status]++
		}
	}
	for _, status := range order {
		n := count[status]
		if n < limit {
			continue
		}
		r := first[status]
		p.File = r.File
		d := diag.Diagnostic{Span: r.Span, Message: fmt.Sprintf("this is the first of %d redirects from one address to another, all %d, which are compared one by one with every request", n, status)}
		switch {
		case p.Unit.Input.Server == ir.Nginx:
			d.Help = "`map $uri $moved { include moved.map; }` in http, `if ($moved) { return " + fmt.Sprint(status) + " $moved; }` here: one look-up for each request"
		case p.Htaccess():
			d.Help = "a `.htaccess` is read and its rules are compiled for every request; in the server's configuration RewriteMap looks an address up once"
		default:
			d.Help = "write the pairs into a file for RewriteMap: one look-up for each request"
		}
		p.Add(d)
	}
}
