package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/source"
)

var redirectMixedWithRewrite = lint.Rule{
	Code: "RD109", ID: "redirect-mixed-with-rewrite", Severity: diag.Warning, For: lint.Apache, Fix: diag.Risky, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "Redirect and RewriteRule for the same address",
		Text: "The order in the file is not the order in which they run: in a directory mod_rewrite comes first. What a front controller " +
			"puts into the query is then appended to the address of `Redirect`, and a RewriteRule that redirects takes the requests of a " +
			"`Redirect` that stands above it. A RewriteRule above the others does what was meant.",
		Examples: []lint.Example{{Server: ir.Apache,
			Before: "RewriteEngine On\nRedirect 301 /old /new\nRewriteCond %{REQUEST_FILENAME} !-f\nRewriteRule ^(.*)$ index.php?q=$1 [L,QSA]\n",
			After: "RewriteEngine On\nRewriteRule ^old$ /new [R=301,L]\nRewriteCond %{REQUEST_FILENAME} !-f\n" +
				"RewriteRule ^(.*)$ index.php?q=$1 [L,QSA]\n"}},
		Source: "httpd manual, When not to use mod_rewrite; mod_rewrite.c, hook_fixup; mod_alias.c, fixup_redir",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		if g.Server != ir.Apache {
			return
		}
		ev := newAsking()
		eachScope(g, func(s *ir.Scope) { mixed(p, ev, s) })
	},
}

func mixed(p *lint.Pass, ev *asking, s *ir.Scope) {
	if !belowDirectory(s) {
		return
	}
	rules := rewriteRules(s)
	query, redirect := false, -1 // rules that write a query; the last that redirects
	for i, r := range rules {
		query = query || r.Action == ir.ActionRewrite && r.Target != nil && strings.Contains(r.Target.Text, "?")
		if r.Action == ir.ActionRedirect {
			redirect = i
		}
	}
	if !query && redirect < 0 {
		return
	}
	for _, item := range s.Items {
		r, ok := item.(*ir.Rule)
		if !ok || r.File == nil || r.Target == nil || r.Action != ir.ActionRedirect || r.Match == ir.MatchAll || !strings.HasPrefix(string(r.Keyword), "Redirect") {
			continue
		}
		below := redirect >= 0 && rules[redirect].File == r.File && rules[redirect].Span.Start > r.Span.Start
		if !query && !below || !ev.open(p) {
			continue
		}
		p.File = r.File
		if !query || !leakedQuery(p, ev, s, r) {
			if below {
				overtaken(p, ev, s, r)
			}
		}
	}
}

// leakedQuery reports a Redirect whose Location gets the query that a RewriteRule has written.
func leakedQuery(p *lint.Pass, ev *asking, s *ir.Scope, r *ir.Rule) bool {
	if strings.Contains(r.Target.Text, "?") {
		return false
	}
	for _, q := range ev.reaching(r, 4) {
		if strings.Contains(q.probe.Request.Target, "?") || q.answer.Location == nil || !strings.Contains(*q.answer.Location, "?") {
			continue
		}
		var by *ir.Rule
		for _, f := range probe.Fired(&q.answer) {
			if f.Keyword == ir.RewriteRule && f.Target != nil && strings.Contains(f.Target.Text, "?") {
				by = f
			}
		}
		if by == nil {
			continue
		}
		d := diag.Diagnostic{Span: r.Span, Witness: ev.witness(q),
			Message: fmt.Sprintf("%s goes to %s: %s ran first, and its query is appended to this %s", quote(clip(q.probe.Request.Target, 60)),
				quote(clip(*q.answer.Location, 100)), quote("RewriteRule "+clip(by.Args[0].Text, 40)), r.Keyword),
			Related: []diag.Related{{File: by.File, Span: by.Span, Message: "runs first, wherever it stands"}},
			Fixes:   asRewrite(p, s, r, by)}
		p.Add(d)
		return true
	}
	return false
}

// overtaken reports a Redirect whose requests a redirecting RewriteRule below it takes.
func overtaken(p *lint.Pass, ev *asking, s *ir.Scope, r *ir.Rule) {
	list := ev.site.Requests(r, 4)
	for _, q := range list {
		if q.Reached {
			return
		}
	}
	for _, q := range list {
		o := ev.site.Ask(q)
		if !o.Known || o.Location == nil || !plainSource(p, s, r, &q) {
			continue
		}
		var by *ir.Rule
		for _, f := range probe.Fired(&o) {
			if f.Keyword == ir.RewriteRule && f.Action == ir.ActionRedirect {
				by = f
			}
		}
		if by == nil || by.File != r.File || by.Span.Start < r.Span.Start {
			continue
		}
		c := ev.site.Follow(q, 5)
		for i := range c.Hops {
			if probe.HasFired(&c.Hops[i].Outcome, r) {
				return // it comes to its turn with the next request
			}
		}
		p.Add(diag.Diagnostic{Span: r.Span, Witness: ev.site.Witness(&c),
			Message: fmt.Sprintf("%s below runs before this %s and sends %s to %s: the order in the file is not that of mod_rewrite and mod_alias",
				quote("RewriteRule "+clip(by.Args[0].Text, 40)), r.Keyword, quote(clip(q.Request.Target, 60)), quote(clip(*o.Location, 80))),
			Related: []diag.Related{{File: by.File, Span: by.Span, Message: "runs first"}},
			Fixes:   asRewrite(p, s, r, by)})
		return
	}
}

// plainSource tells whether a request is one that a Redirect asks for by its own text.
func plainSource(p *lint.Pass, s *ir.Scope, r *ir.Rule, q *probe.Probe) bool {
	path, _, _ := strings.Cut(q.Request.Target, "?")
	if r.Match == ir.MatchSegment {
		return path == r.Path || strings.HasPrefix(path, strings.TrimSuffix(r.Path, "/")+"/")
	}
	if r.Pattern == nil || r.Pattern.Re == nil {
		return false
	}
	hit, err := r.Pattern.Re.MatchBool(path)
	return hit && err == nil
}

// asRewrite turns a Redirect into a RewriteRule above the rule, and its conditions, that ran first.
func asRewrite(p *lint.Pass, s *ir.Scope, r, before *ir.Rule) []diag.Fix {
	if s.Kind != ir.ScopeHtaccess || s.File != r.File || before.File != r.File || r.Match != ir.MatchSegment ||
		strings.ContainsAny(r.Path+r.Target.Text, " \"%$\\'") || !strings.HasPrefix(r.Path, requestPrefix(p, s, r)) {
		return nil
	}
	path := strings.TrimPrefix(r.Path, requestPrefix(p, s, r))
	target := r.Target.Text
	text := ""
	if strings.HasSuffix(path, "/") || path == "" {
		text = "RewriteRule ^" + quoteRegex(path) + "(.*)$ " + target + "$1"
	} else {
		text = "RewriteRule ^" + quoteRegex(path) + "(/.*)?$ " + target + "$1"
	}
	text += fmt.Sprintf(" [R=%d,L]", r.Status)
	at := before.Span.Start
	if len(before.Conditions) > 0 {
		if before.Conditions[0].File != r.File {
			return nil
		}
		at = before.Conditions[0].Span.Start
	}
	line := r.File.LineSpan(r.File.Line(r.Span.Start))
	if strings.TrimSpace(r.File.Slice(line)) != strings.TrimSpace(r.File.Slice(r.Span)) {
		return nil
	}
	cut := source.Span{Start: line.Start, End: min(line.End+int32(len(newline(r.File, line.Start))), int32(len(r.File.Text)))}
	if at >= cut.Start && at <= cut.End && at != cut.End {
		return nil
	}
	if at == cut.End {
		return []diag.Fix{{Title: "write " + quote(text), Safety: diag.Risky, Edits: source.Replace(source.Span{Start: r.Span.Start, End: r.Span.End}, text)}}
	}
	return []diag.Fix{{Title: "write " + quote(text) + " above it", Safety: diag.Risky,
		Edits: append(source.Insert(at, text+newline(r.File, at)+indentation(r.File, at)), source.Replace(cut, "")...)}}
}

// quoteRegex writes text so that a pattern matches it literally.
func quoteRegex(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if strings.IndexByte(`.+*?()[]{}^$|\`, s[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
