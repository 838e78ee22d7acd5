package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/source"
)

var oneTargetRedirect = lint.Rule{
	Code: "RD113", ID: "one-target-redirect", Severity: diag.Error, For: lint.Apache, Fix: diag.Risky, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a Redirect without a path takes every URL",
		Text: "`Redirect 301 /a` in a `.htaccess` is no redirect from /a: since httpd 2.4.19 a single address is where every URL of the " +
			"directory goes, /a itself among them, which then goes round in circles.",
		Silence: "everything really is to go to one page of another host; `RedirectMatch ^ https://…` says so more plainly",
		Examples: []lint.Example{{Server: ir.Apache,
			Before: "Redirect 301 /a\n", After: "Redirect 301 /a /b\n"}},
		Source: "httpd mod_alias.c, add_redirect_internal; manual, Redirect",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		ev := newAsking()
		eachScope(g, func(s *ir.Scope) {
			if !belowDirectory(s) && s.Kind != ir.ScopeFiles && s.Kind != ir.ScopeFilesMatch {
				return
			}
			for _, item := range s.Items {
				r, ok := item.(*ir.Rule)
				if ok && r.File != nil && strings.HasPrefix(string(r.Keyword), "Redirect") && r.Match == ir.MatchAll &&
					r.Action == ir.ActionRedirect && r.Target != nil && ev.open(p) {
					p.File = r.File
					oneTarget(p, ev, r)
				}
			}
		})
	},
}

func oneTarget(p *lint.Pass, ev *asking, r *ir.Rule) {
	d := diag.Diagnostic{Severity: diag.Warning, Span: r.TargetSpan}
	text := r.Target.Text
	for _, q := range ev.site.Requests(r, 3) {
		if !q.Reached {
			continue
		}
		c := ev.site.Follow(q, 10)
		if len(c.Hops) == 0 || !c.Hops[0].Redirects() {
			continue
		}
		d.Witness = ev.site.Witness(&c)
		if c.End == probe.EndCycle || c.End == probe.EndLimit {
			d.Severity = diag.Error
			d.Message = "one address is where everything goes: every URL of this directory is sent to " + quote(clip(text, 80)) + ", that one too, for ever"
			break
		}
		d.Message = "one address is where everything goes: every URL of this directory is sent to " + quote(clip(text, 80)) + ", whatever was asked for"
	}
	if d.Message == "" {
		return
	}
	if strings.Contains(text, "://") && p.File.Slice(r.TargetSpan) != "" {
		// A whole site that moves: its paths go along when the source is written.
		if _, path, _ := strings.Cut(text, "://"); strings.HasSuffix(path, "/") || !strings.Contains(path, "/") {
			slash := "/ "
			if !strings.HasSuffix(path, "/") {
				d.Help = "write the path to redirect before the address"
			} else {
				d.Fixes = []diag.Fix{{Title: "write `/` before the address, so that paths go along", Safety: diag.Risky, Edits: source.Insert(r.TargetSpan.Start, slash)}}
			}
		}
	} else {
		d.Help = "write what is to be redirected before the address, or the address behind it"
	}
	p.Add(d)
}
