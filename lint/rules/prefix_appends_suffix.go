package rules

import (
	"path"
	"regexp"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
	"rewright/parser/source"
)

var prefixAppendsSuffix = lint.Rule{
	Code: "RD611", ID: "prefix-appends-suffix", Severity: diag.Warning, For: lint.Apache, Fix: diag.Risky, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "what follows the source of a Redirect is put behind a file name",
		Text: "Redirect takes the whole tree below its source along: with `Redirect /old /new.html` the request `/old/x` goes to " +
			"`/new.html/x`, and even `/old/` goes to `/new.html/`. RedirectMatch sends the one address, or all of them, to one page.",
		Silence: "Nothing was ever found below the source.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "Redirect 301 /old /new.html\n", After: "RedirectMatch 301 ^/old(/.*)?$ /new.html\n"},
		},
		Source: "httpd manual, mod_alias: Redirect",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		var a *asker
		eachRule(p, g, func(_ *ir.Scope, r *ir.Rule) {
			if r.Match != ir.MatchSegment || !sendsElsewhere(r) || r.Path == "" || strings.HasSuffix(r.Path, "/") || strings.Contains(lastWord(r.Path), ".") ||
				!endsInFile(r.Target.Text) {
				return
			}
			if a == nil {
				if a = newAsker(p); a == nil {
					return
				}
			}
			found := a.find(r, func(q probe.Probe) []probe.Probe {
				return []probe.Probe{withPath(q, strings.TrimSuffix(pathOf(&q), "/")+"/x")}
			}, func(_ *probe.Probe, o *sim.Outcome) bool {
				return o.Location != nil && strings.HasSuffix(*o.Location, r.Target.Text+"/x")
			})
			if found == nil {
				return
			}
			d := diag.Diagnostic{Span: r.TargetSpan, Witness: found.witness,
				Message: found.path() + " goes to " + clip(found.location(), 120) + ": what follows the source is put behind the file name"}
			if strings.ContainsAny(r.Target.Text, "?#") {
				d.Message = found.path() + " goes to " + clip(found.location(), 120) + ": what follows the source is put at the end of the target"
			}
			d.Fixes = matchFix(p, r)
			p.Add(d)
		})
	},
}

// endsInFile tells whether a target ends in the name of a page, or has a query or a fragment.
func endsInFile(target string) bool {
	if strings.HasSuffix(target, "=") || strings.HasSuffix(target, "/") {
		return false
	}
	if strings.ContainsAny(target, "?#") {
		return true
	}
	p := pathPart(target)
	switch strings.ToLower(path.Ext(p)) {
	case ".html", ".htm", ".php", ".asp", ".aspx", ".jsp", ".shtml", ".xhtml", ".php3", ".cgi", ".do", ".pdf":
		return strings.Contains(p, "/")
	}
	return false
}

// matchFix turns a Redirect into a RedirectMatch of the source and all below it.
func matchFix(p *lint.Pass, r *ir.Rule) []diag.Fix {
	if len(r.Args) < 2 || r.Keyword != ir.Redirect || strings.ContainsAny(r.Target.Text, `$\&`) || strings.ContainsAny(r.Path, " \t\"'\\") {
		return nil
	}
	source1 := r.Args[len(r.Args)-2].Span
	name := source.Span{Start: r.Span.Start, End: r.Span.Start + int32(len("Redirect"))}
	if !strings.EqualFold(raw(p, name), "Redirect") || raw(p, source1) != r.Path {
		return nil
	}
	edits := append(source.Insert(name.End, "Match"), source.Replace(source1, "^"+regexp.QuoteMeta(r.Path)+"(/.*)?$")...)
	return []diag.Fix{{Title: "use RedirectMatch", Safety: diag.Risky, Edits: edits}}
}
