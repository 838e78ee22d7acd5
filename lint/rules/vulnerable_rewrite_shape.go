package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/pattern"
)

var vulnerableRewriteShape = lint.Rule{
	Code: "RD711", ID: "vulnerable-rewrite-shape", Severity: diag.Warning, For: lint.Nginx, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a rewrite that makes an old nginx write beyond its memory",
		Text: "Two shapes of rewrites let a request overflow a buffer of a worker of nginx: a replacement with `?`, followed in the same block by a " +
			"`set`, `if` or `rewrite` with a numbered capture (CVE-2026-42945, 0.6.27 to 1.30.0), and groups within groups of which both are used by a " +
			"redirect or in arguments (CVE-2026-9256, fixed after it). The rule speaks when a version is stated; distributions mend without a new number.",
		Silence: "The package of the distribution has the fix.",
		Examples: []lint.Example{
			{Server: ir.Nginx, Version: "1.22.1", Before: "rewrite ^/api/(.*)$ /i?m=1;\nset $p $1;\n", After: "rewrite ^/api/(?<p>.*)$ /i?m=1;\n"},
		},
		Source: "nginx commits 2046b45aa, ca4f92a27; CVE-2026-42945; CVE-2026-9256",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		version := p.Unit.Input.Version
		if version == "" {
			return
		}
		query, nested := olderThan(version, 1, 30, 1) && !olderThan(version, 0, 6, 27), olderThan(version, 1, 30, 2)
		if !nested {
			return
		}
		seen := map[*ir.Scope]bool{}
		eachRule(p, g, func(s *ir.Scope, r *ir.Rule) {
			if nested && r.Keyword == ir.NginxRewrite {
				checkNested(p, r, version)
			}
			if query && !seen[s] {
				seen[s] = true
				checkAfterQuery(p, s, version)
			}
		})
	},
}

// olderThan compares a version of nginx with a.b.c; one that cannot be read is older than nothing.
func olderThan(version string, want ...int) bool {
	parts := strings.Split(strings.TrimPrefix(version, "nginx/"), ".")
	for i, w := range want {
		n := 0
		if i < len(parts) {
			if !startsWithDigit(parts[i]) {
				return false
			}
			n, _ = atoi(parts[i])
		}
		if n != w {
			return n < w
		}
	}
	return false
}

// checkAfterQuery finds a rewrite with arguments in a block and, behind it, a numbered capture.
func checkAfterQuery(p *lint.Pass, s *ir.Scope, version string) {
	var rewrite *ir.Rule
	for _, item := range s.Items {
		uses := false
		switch item := item.(type) {
		case *ir.Assign:
			uses = len(references(item.Value)) > 0
		case *ir.Scope:
			uses = item.If != nil && (len(references(item.If.Test)) > 0 || usesCaptures(item))
		case *ir.Rule:
			uses = len(references(item.Target)) > 0 && item.Keyword == ir.NginxRewrite
		}
		if uses && rewrite != nil {
			p.File = rewrite.File
			p.Add(diag.Diagnostic{Span: rewrite.TargetSpan, Message: fmt.Sprintf("nginx %s writes beyond its memory when a capture is used behind this `?` (CVE-2026-42945)", version),
				Related: []diag.Related{{File: item.From().File, Span: item.From().Span, Message: "the capture is used here"}}, Help: "name the group, or upgrade"})
			return
		}
		if r, ok := item.(*ir.Rule); ok && r.Keyword == ir.NginxRewrite && r.Target != nil && strings.Contains(r.Args[1].Text, "?") && r.Flow == ir.FlowNext &&
			r.Pattern.Re != nil && r.Pattern.Re.Groups() > 0 {
			rewrite = r
		}
	}
}

// usesCaptures tells whether a set or rewrite in an if has a numbered capture.
func usesCaptures(s *ir.Scope) bool {
	if s.If.Kind == ir.CondRegex {
		return false // its own pattern replaces the captures
	}
	for _, item := range s.Items {
		switch item := item.(type) {
		case *ir.Assign:
			if len(references(item.Value)) > 0 {
				return true
			}
		case *ir.Rule:
			if len(references(item.Target)) > 0 && item.Keyword == ir.NginxRewrite {
				return true
			}
		}
	}
	return false
}

// checkNested finds a group within a group of which both are used where they are escaped.
func checkNested(p *lint.Pass, r *ir.Rule, version string) {
	if r.Target == nil || r.Pattern == nil || r.Pattern.Re == nil || r.Action != ir.ActionRedirect && !strings.Contains(r.Args[1].Text, "?") {
		return
	}
	used := map[int]bool{}
	for _, part := range references(r.Target) {
		used[part.N] = true
	}
	if len(used) < 2 {
		return
	}
	found := [2]int{}
	pattern.Walk(r.Pattern.Re.Tree().Root, func(n pattern.Node) bool {
		outer, ok := n.(*pattern.Group)
		if !ok || outer.Kind != pattern.Capturing || !used[outer.Number] {
			return true
		}
		pattern.Walk(outer.Body, func(n pattern.Node) bool {
			if inner, ok := n.(*pattern.Group); ok && inner.Kind == pattern.Capturing && used[inner.Number] && found[0] == 0 {
				found = [2]int{outer.Number, inner.Number}
			}
			return true
		})
		return true
	})
	if found[0] > 0 {
		p.Report(r.TargetSpan, fmt.Sprintf("nginx %s writes beyond its memory when `$%d` and `$%d`, a group within it, are both used here (CVE-2026-9256)", version, found[0], found[1]))
	}
}
