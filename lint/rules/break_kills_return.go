package rules

import (
	"fmt"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/probe"
	"rewright/parser/source"
)

var breakKillsReturn = lint.Rule{
	Code: "RD116", ID: "break-kills-return", Severity: diag.Error, For: lint.Nginx, Fix: diag.Risky, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a break in front of a return that it keeps from running",
		Text: "`break`, as a directive or as the last word of `rewrite`, ends the directives of the rewrite module in this block and its " +
			"location. A `return` or `rewrite` behind it never runs when the `break` is reached by every request: the request goes on to files or " +
			"to a backend instead.",
		Examples: []lint.Example{{Server: ir.Nginx,
			Before: "location /a/ {\n    rewrite ^/a/(.*)$ /b/$1 break;\n    return 301 /c;\n}\n",
			After:  "location /a/ {\n    return 301 /c;\n}\n"}},
		Source: "nginx ngx_http_rewrite_module: break, rewrite; ngx_http_script.c, ngx_http_script_break_code",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		if g.Server != ir.Nginx {
			return
		}
		ev := newAsking()
		eachScope(g, func(s *ir.Scope) { brokenScript(p, ev, s) })
	},
}

// brokenScript looks for the first break of a block that every request reaches, and for what stands behind it.
func brokenScript(p *lint.Pass, ev *asking, s *ir.Scope) {
	for i, item := range s.Items {
		r, ok := item.(*ir.Rule)
		if !ok || r.Flow == ir.FlowNext || r.File == nil {
			continue
		}
		if r.Flow != ir.FlowEnd {
			if r.Keyword == ir.NginxReturn {
				return // what stands behind it is dead for another reason
			}
			continue
		}
		victim := behindBreak(s.Items[i+1:])
		if victim == nil {
			return
		}
		if !reachedByAll(s, r) || !ev.open(p) {
			continue
		}
		p.File = r.File
		reportBreak(p, ev, s, r, victim)
		return
	}
}

// behindBreak is the first answer among the items behind a break; nil when there is none.
func behindBreak(items []ir.Item) *ir.Rule {
	for _, item := range items {
		if r, ok := item.(*ir.Rule); ok && r.File != nil && (r.Keyword == ir.NginxReturn || r.Action == ir.ActionRedirect) {
			return r
		}
	}
	return nil
}

// reachedByAll tells whether the pattern of a rewrite matches every path that can come into its block.
func reachedByAll(s *ir.Scope, r *ir.Rule) bool {
	if r.Pattern == nil {
		return r.Keyword == ir.NginxBreak
	}
	if r.Pattern.Re == nil {
		return false
	}
	t := r.Pattern.Re.Tree()
	if t.MatchesEverything() {
		return true
	}
	sp := pattern.NewSpace(10_000)
	l, ok := sp.Subjects(t)
	if !ok {
		return false
	}
	for s != nil && s.Kind == ir.ScopeIf {
		s = s.Parent
	}
	paths := sp.Begins("/")
	if s != nil && s.Kind == ir.ScopeLocation {
		switch {
		case s.Modifier == ir.ExactLocation:
			paths = sp.Text(s.Path)
		case s.Pattern != nil && s.Pattern.Re != nil:
			if of, ok := sp.Subjects(s.Pattern.Re.Tree()); ok {
				paths = sp.And(paths, of)
			}
		case s.Modifier != ir.NamedLocation && s.Path != "":
			paths = sp.Begins(s.Path)
		}
	}
	var all pattern.ByteSet
	all = all.Not()
	var newline pattern.ByteSet
	newline.Add('\n')
	paths = sp.And(paths, sp.Bytes(all.And(newline.Not()), 0, -1)) // a dot does not match a newline, and nobody sends one
	yes, _, known := sp.Includes(l, paths)
	return known && yes
}

func reportBreak(p *lint.Pass, ev *asking, s *ir.Scope, r, victim *ir.Rule) {
	for _, q := range ev.site.Requests(r, 3) {
		if !q.Reached {
			continue
		}
		o := ev.site.Ask(q)
		if probe.HasFired(&o, victim) {
			return
		}
		var d diag.Diagnostic
		d.Span = victim.Span
		d.File = victim.File
		d.Message = fmt.Sprintf("%s ends the rewrite directives, so this `%s` never runs: %s is not answered by it", quote(clip(headText(r), 60)),
			victim.Keyword, quote(clip(q.Request.Target, 60)))
		d.Related = []diag.Related{{File: r.File, Span: r.Span, Message: "ends the script for every request"}}
		d.Witness = ev.witness(shown{q, o})
		d.Help = "take out `break`, or move what is to answer above it"
		if cut := r.Span; r.File == victim.File {
			if n := len(r.Args); n > 0 {
				cut = source.Span{Start: r.Args[n-2].Span.End, End: r.Args[n-1].Span.End}
			}
			d.Fixes = []diag.Fix{{Title: "take out `break`", Safety: diag.Risky, Edits: source.Replace(cut, "")}}
		}
		p.Add(d)
		return
	}
}

// headText is a directive as written, without what follows it.
func headText(r *ir.Rule) string {
	text := string(r.Keyword)
	for _, a := range r.Args {
		text += " " + a.Text
	}
	return text
}
