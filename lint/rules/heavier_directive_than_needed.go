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

var heavierDirectiveThanNeeded = lint.Rule{
	Code: "RD803", ID: "heavier-directive-than-needed", Severity: diag.Info, For: lint.Both, Fix: diag.Safe, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a pattern where a plain directive does the same",
		Text: "`return` says where everything goes without a regular expression, `location = /a` is found without trying the patterns one by one, and " +
			"a single redirect needs no rewrite engine. The plain form is proposed when the requests that tell the two apart are answered alike; where " +
			"spelling on the way can differ the fix is risky.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^a$ /b [R=301,L]\n", After: "RedirectMatch 301 ^/a$ /b\n"},
			{Server: ir.Nginx, Context: ir.ContextHTTP, Before: "server {\n    rewrite ^ https://x.example/ permanent;\n}\n",
				After: "server {\n    return 301 https://x.example/$is_args$args;\n}\n"},
		},
		Source: "nginx, Pitfalls and Common Mistakes: Taxing Rewrites; httpd manual, When not to use mod_rewrite",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		left := 20 // comparisons of the two forms
		var w witnesses
		if g.Server == ir.Apache {
			singleRewrite(p, &w, g)
			return
		}
		eachScope(g, func(s *ir.Scope) {
			plainLocation(p, &w, s, &left)
			for _, item := range s.Items {
				if r, ok := item.(*ir.Rule); ok && r.File != nil && left > 0 {
					p.File = r.File
					taxingRewrite(p, &w, r, &left)
				}
			}
		})
	},
}

// taxingRewrite speaks of a rewrite that takes every path and redirects.
func taxingRewrite(p *lint.Pass, w *witnesses, r *ir.Rule, left *int) {
	if r.Keyword != ir.NginxRewrite || r.Action != ir.ActionRedirect || r.Pattern == nil || r.Pattern.Re == nil || !wholePath(r) || r.Target == nil {
		return
	}
	target, exact := returnTarget(r)
	if target == "" || strings.ContainsAny(target, " \"'\\{};") {
		return
	}
	text := fmt.Sprintf("return %d %s;", r.Status, target)
	*left--
	fix := diag.Fix{Title: "write " + quote(text), Safety: diag.Risky, Edits: source.Replace(r.Span, text)}
	if exact && r.Pattern.Re.Tree().MatchesEverything() && answersAlike(p, r, fix) {
		fix.Safety = diag.Safe
	}
	d := diag.Diagnostic{Span: r.Span, Message: "every path matches, so no pattern is needed: `return` says the same at once", Fixes: []diag.Fix{fix}}
	w.attach(p, &d, r, nil)
	if !w.unshown(&d) {
		p.Add(d)
	}
}

// returnTarget is the target of a rewrite as return has to write it; exact when nothing can be spelt otherwise on the way.
func returnTarget(r *ir.Rule) (text string, exact bool) {
	if constant, ok := r.Target.Constant(); ok {
		switch {
		case !r.Query.Append:
			return constant, true
		case strings.Contains(constant, "?"):
			return "", false // the old query is joined with &
		}
		return constant + "$is_args$args", true
	}
	last := len(r.Target.Parts) - 1
	prefix := ""
	for i := range r.Target.Parts[:last] {
		part := &r.Target.Parts[i]
		if part.Kind != ir.Literal && (part.Kind != ir.Variable || part.Name != "scheme" && part.Name != "host" && part.Name != "server_name" && part.Name != "http_host") {
			return "", false
		}
		prefix += part.Text
	}
	part := &r.Target.Parts[last]
	whole := strings.HasPrefix(r.Pattern.Text, "^(.") || strings.HasPrefix(r.Pattern.Text, "(.") || strings.HasPrefix(r.Pattern.Text, "^(/")
	switch {
	case !r.Query.Append:
		return "", false
	case part.Kind == ir.RuleRef && part.N == 1 && whole && !strings.HasSuffix(prefix, "/"):
		return prefix + "$request_uri", false
	case part.Kind == ir.RuleRef && part.N == 1 && !whole && strings.HasSuffix(prefix, "/"):
		return strings.TrimSuffix(prefix, "/") + "$request_uri", false
	}
	return "", false
}

// plainLocation speaks of a location whose pattern is one path.
func plainLocation(p *lint.Pass, w *witnesses, s *ir.Scope, left *int) {
	if s.Kind != ir.ScopeLocation || s.Modifier != ir.RegexLocation || s.File == nil || s.Pattern == nil || s.Pattern.Re == nil || *left <= 0 {
		return
	}
	text, caseless, exact := s.Pattern.Re.Tree().Exact()
	if !exact || caseless || len(s.Args) != 2 || strings.ContainsAny(text, " \"'\\{};$") || !strings.HasPrefix(text, "/") {
		return
	}
	if s.Parent != nil {
		for _, item := range s.Parent.Items {
			if other, ok := item.(*ir.Scope); ok && other.Kind == ir.ScopeLocation && other.Modifier == ir.ExactLocation && other.Path == text {
				return
			}
		}
	}
	p.File = s.File
	at := source.Span{Start: s.Args[0].Span.Start, End: s.Args[1].Span.End}
	d := diag.Diagnostic{Span: at, Message: "the pattern is one path: `location = " + text + "` is found without trying patterns",
		Fixes: []diag.Fix{{Title: "write " + quote("= "+text), Safety: diag.Risky, Edits: source.Replace(at, "= "+text)}}}
	w.taken(p, &d, nil, s, escapedPath(text))
	if !w.unshown(&d) {
		p.Add(d)
	}
}

// singleRewrite speaks of the one RewriteRule of a file that RedirectMatch replaces.
func singleRewrite(p *lint.Pass, w *witnesses, g *ir.Program) {
	var only *ir.Rule
	var in *ir.Scope
	var switches []*ir.Setting
	n := 0
	eachScope(g, func(s *ir.Scope) {
		for _, item := range s.Items {
			switch item := item.(type) {
			case *ir.Rule:
				if item.Keyword == ir.RewriteRule {
					n++
					only, in = item, s
				} else if item.Action == ir.ActionRedirect || item.Action == ir.ActionRespond {
					n += 2 // the order among them would change
				}
			case *ir.Setting:
				if strings.HasPrefix(item.Name, "Rewrite") {
					switches = append(switches, item)
				}
			case *ir.Opaque:
				if strings.EqualFold(item.Name, "Include") || strings.EqualFold(item.Name, "IncludeOptional") {
					n += 2
				}
			}
		}
	})
	if n != 1 || only.File == nil || only.Action != ir.ActionRedirect || len(only.Conditions) > 0 || only.Negated || only.Pattern.Re == nil || len(switches) != 1 ||
		switches[0].Name != "RewriteEngine" || switches[0].File != only.File ||
		in.Kind != ir.ScopeHtaccess && in.Kind != ir.ScopeDirectory && in.Kind != ir.ScopeHost {
		return
	}
	text, caseless, exact := only.Pattern.Re.Tree().Exact()
	target, constant := only.Target.Constant()
	for _, f := range only.Flags {
		if f.Name != "R" && f.Name != "L" && f.Name != "END" {
			return
		}
	}
	if !exact || caseless || !constant || strings.ContainsAny(target+text, " \"'\\$%?#") || !strings.HasPrefix(target, "/") && !strings.Contains(target, "://") {
		return
	}
	if p.Htaccess() && len(p.Unit.Parents())+len(p.Unit.Children()) > 0 {
		return // rewrite directives here also keep those of other folders away
	}
	text = requestPrefix(p, in, only) + text
	if !strings.HasPrefix(text, "/") {
		return
	}
	p.File = only.File
	line := fmt.Sprintf("RedirectMatch %d ^%s$ %s", only.Status, quoteRegex(text), target)
	fix := diag.Fix{Title: "write " + quote(line), Safety: diag.Risky, Edits: append(deleteLine(p, switches[0].Origin), source.Replace(only.Span, line)...)}
	if !answersAlike(p, only, fix) {
		return
	}
	message := "the only rewrite here is a plain redirect: RedirectMatch does it without the rewrite engine"
	d := diag.Diagnostic{Span: only.Span, Message: message}
	w.attach(p, &d, only, nil)
	if p.Unit.Input.Dir == "" || p.Unit.DocrootSaid() { // else it is not certain where the folder lies below the document root
		d.Fixes = []diag.Fix{fix}
	}
	p.Add(d)
}

// deleteLine takes a directive and its line away.
func deleteLine(p *lint.Pass, o ir.Origin) []source.Edit {
	line := o.File.LineSpan(o.File.Line(o.Span.Start))
	if strings.TrimSpace(o.File.Slice(line)) != strings.TrimSpace(o.File.Slice(o.Span)) {
		return source.Replace(o.Span, "")
	}
	line.End = min(line.End+int32(len(newline(o.File, line.Start))), int32(len(o.File.Text)))
	return source.Replace(line, "")
}

// answersAlike asks both the configuration and what a fix makes of it what becomes of the requests that reach a rule
// and of those that just miss it.
func answersAlike(p *lint.Pass, r *ir.Rule, fix diag.Fix) bool {
	site := p.Site()
	if site == nil || p.File != p.Unit.Input.File || len(p.File.Text) > 64<<10 {
		return false
	}
	text, err := source.Apply(p.File.Text, fix.Edits)
	if err != nil {
		return false
	}
	in := p.Unit.Input
	in.File = source.NewFile(in.File.Name, text)
	other := lint.Load(in).Site()
	if other == nil {
		return false
	}
	list := append(site.Requests(r, 6), site.NearMisses(r, 6)...)
	reached := false
	for _, q := range append([]probe.Probe(nil), list...) {
		target := q.Request.Target
		if !strings.Contains(target, "?") {
			q.Request.Target = target + "?x=y%20z"
			list = append(list, q)
		}
	}
	for _, q := range list {
		a, b := site.Ask(q), other.Ask(q)
		if !a.Known || !b.Known || probe.Answer(&a) != probe.Answer(&b) {
			return false
		}
		reached = reached || probe.HasFired(&a, r)
	}
	return reached
}
