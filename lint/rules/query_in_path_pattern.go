package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/source"
)

var queryInPathPattern = lint.Rule{
	Code: "RD506", ID: "query-in-path-pattern", Severity: diag.Error, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "a query in a pattern for the path",
		Text: "Both servers cut the query off before they compare a path. A `?` in the pattern of a rule, in the source of Redirect or in the name " +
			"of a location is a `?` in the path, which only a request with `%3F` has.",
		Silence: "The paths really hold a question mark.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^old\\?id=5$ /new [R=301,L]\n",
				After: "RewriteEngine On\nRewriteCond %{QUERY_STRING} ^id=5$\nRewriteRule ^old$ /new? [R=301,L]\n"},
			{Server: ir.Nginx, Before: "rewrite ^/old\\?id=5$ /new permanent;\n", After: "location = /old {\n    if ($arg_id = 5) {\n        return 301 /new;\n    }\n}\n"},
		},
		Source: "httpd mod_rewrite, mod_alias; nginx ngx_http_parse.c, ngx_http_parse_complex_uri",
	},
	Program: checkQueryInPath,
}

func checkQueryInPath(p *lint.Pass, g *ir.Program) {
	var w witnesses
	eachUse(p, g, func(u *patternUse) {
		if !u.ofRule() || strings.IndexByte(u.Text, '?') < 0 {
			return
		}
		word, yes := requires(u, "?")
		if !yes {
			return
		}
		d := diag.Diagnostic{Span: u.whole(), Message: neverQuery(u.urlOf(word))}
		switch {
		case g.Server == ir.Nginx:
			d.Help = "compare the path, and the query with $args or $arg_name"
		case u.rule != nil && u.rule.Keyword == ir.RewriteRule:
			d.Help = "move the query into a condition on %{QUERY_STRING}"
			if f, ok := splitQuery(p, u); ok {
				d.Fixes = []diag.Fix{f}
			}
		default:
			d.Help = "use RewriteRule with a condition on %{QUERY_STRING}"
		}
		if u.tested == nil {
			w.missed(p, &d, u.rule, u.scope, u.urlOf(word))
		}
		p.Add(d)
	})
	eachPlainPath(p, g, func(path string, at source.Span, r *ir.Rule, s *ir.Scope) {
		if strings.IndexByte(path, '?') >= 0 && strings.HasPrefix(path, "/") && !looksLikeRegex(path) {
			d := diag.Diagnostic{Span: at, Message: neverQuery(path)}
			w.missed(p, &d, r, s, path)
			p.Add(d)
		}
	})
}

// neverQuery says what a pattern with a query never matches.
func neverQuery(url string) string {
	url = visibleText(url)
	return fmt.Sprintf("the query is not part of the path: this never matches %s, only %s", quote(url), quote(strings.Replace(url, "?", "%3F", 1)))
}

// eachPlainPath calls f for every path that is compared without a regular expression: of Redirect and Alias, of nginx's
// prefix and exact locations.
func eachPlainPath(p *lint.Pass, g *ir.Program, f func(path string, at source.Span, r *ir.Rule, s *ir.Scope)) {
	eachScope(g, func(s *ir.Scope) {
		if s.Kind == ir.ScopeLocation && s.Name == "location" && s.Pattern == nil && s.Modifier != ir.NamedLocation && s.File != nil && len(s.Args) > 0 {
			p.File = s.File
			f(s.Path, s.Args[len(s.Args)-1].Span, nil, s)
		}
		for _, item := range s.Items {
			if r, ok := item.(*ir.Rule); ok && r.Match == ir.MatchSegment && r.Path != "" && r.File != nil {
				p.File = r.File
				f(r.Path, pathSpan(r), r, nil)
			}
		}
	})
}

// pathSpan is where the source path of a Redirect or Alias stands.
func pathSpan(r *ir.Rule) source.Span {
	for _, w := range r.Args {
		if w.Text == r.Path {
			return w.Span
		}
	}
	return r.Span
}

// splitQuery is a fix that cuts the pattern of a RewriteRule at its query: the path stays, the rest becomes a condition.
func splitQuery(p *lint.Pass, u *patternUse) (diag.Fix, bool) {
	r := u.rule
	base, ok := u.plain()
	i := strings.Index(u.Text, `\?`)
	if !ok || i < 0 || strings.Contains(u.Text, "|") || u.quoted() || r.Target == nil || r.TargetSpan.Len() == 0 {
		return diag.Fix{}, false
	}
	head, tail := u.Text[:i], u.Text[i+2:]
	first, err := pattern.Compile(head+"$", u.Options)
	second, err2 := pattern.Compile("^"+tail, u.Options)
	if err != nil || err2 != nil || tail == "" {
		return diag.Fix{}, false
	}
	if d := directiveAt(p, r.Origin); d == nil || strings.Contains(raw(p, d.Line), "\n") {
		return diag.Fix{}, false
	}
	start := p.File.LineSpan(r.Line()).Start
	indent := indentation(p.File, r.Span.Start)
	flags := ""
	if u.Options.IgnoreCase {
		flags = " [NC]"
	}
	edits := []source.Edit{
		{Span: source.Span{Start: start, End: start}, Text: indent + "RewriteCond %{QUERY_STRING} ^" + tail + flags + newline(p.File, r.Span.Start)},
		{Span: source.Span{Start: base + int32(i), End: base + int32(len(u.Text))}, Text: "$"},
	}
	moved := second.Groups() > 0
	for _, c := range r.Conditions {
		eachPart(c.Test, func(part *ir.Part) { ok = ok && !(part.Kind == ir.RuleRef && part.N > first.Groups()) })
	}
	hasQuery := false
	for i := range r.Target.Parts {
		part := &r.Target.Parts[i]
		switch part.Kind {
		case ir.CondRef:
			ok = ok && !moved
		case ir.RuleRef:
			if part.N > first.Groups() {
				edits = append(edits, source.Edit{Span: part.Span, Text: fmt.Sprintf("%%%d", part.N-first.Groups())})
			}
		case ir.Literal:
			hasQuery = hasQuery || strings.Contains(part.Text, "?")
		}
	}
	if !hasQuery && !r.Query.Append && !r.Query.Discard && !r.Query.None {
		end := r.TargetSpan.End
		if p.File.Text[end-1] == '"' {
			end--
		}
		edits = append(edits, source.Edit{Span: source.Span{Start: end, End: end}, Text: "?"})
	}
	return diag.Fix{Title: "compare the query with a condition", Safety: diag.Risky, Edits: edits}, ok
}
