package rules

import (
	"fmt"
	"path"
	"strings"

	"rewright/lint"
	"rewright/parser/apache"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
	"rewright/parser/source"
)

var parentRulesReplaced = lint.Rule{
	Code: "RD120", ID: "parent-rules-replaced", Severity: diag.Info, For: lint.Apache, Fix: diag.Risky, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "rewrite directives that switch off those of the folder above",
		Text: "A `.htaccess` with any directive of mod_rewrite, be it `RewriteEngine On` alone, replaces the rules of the folders above for everything " +
			"below it: the redirect to https of the document root no longer takes place there. `RewriteOptions InheritBefore` runs the rules of " +
			"the folder above first; they then see paths below this folder.",
		Silence: "the folder is a site of its own",
		Examples: []lint.Example{{Server: ir.Apache,
			Above:  "RewriteEngine On\nRewriteCond %{HTTPS} off\nRewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R=301,L]\n",
			Before: "RewriteEngine On\nRewriteRule ^a$ b [L]\n",
			After:  "RewriteEngine On\nRewriteOptions InheritBefore\nRewriteRule ^a$ b [L]\n"}},
		Source: "httpd manual, RewriteOptions; mod_rewrite.c, config_perdir_merge",
	},
	Program: checkReplaced,
}

// rewriteDirective is the first directive of mod_rewrite of a scope; it takes the place of all rules of the folders above.
func rewriteDirective(s *ir.Scope) (o ir.Origin, ok bool) {
	for _, item := range s.Items {
		switch item := item.(type) {
		case *ir.Setting:
			if item.Name == "RewriteEngine" || item.Name == "RewriteBase" || item.Name == "RewriteOptions" {
				return item.Origin, true
			}
		case *ir.Rule:
			if item.Keyword == ir.RewriteRule {
				return item.Origin, true
			}
		}
	}
	return o, false
}

func checkReplaced(p *lint.Pass, g *ir.Program) {
	u := p.Unit
	parents := u.Parents()
	if !p.Htaccess() || len(parents) == 0 || len(g.Htaccess) != 1 {
		return
	}
	own := g.Htaccess[0]
	at, ok := rewriteDirective(own)
	prefix, below := strings.CutPrefix(u.Dir(), u.Docroot())
	if !ok || at.File == nil || !below || strings.ContainsAny(prefix, "%?# ") {
		return
	}
	var scopes []*ir.Scope
	var nearest *ir.Scope
	for _, up := range parents {
		pg := up.Program()
		if pg == nil || len(pg.Htaccess) != 1 {
			return
		}
		scopes = append(scopes, pg.Htaccess[0])
		if _, ok := rewriteDirective(pg.Htaccess[0]); ok {
			nearest = pg.Htaccess[0]
		}
	}
	if nearest == nil || len(rewriteRules(nearest)) == 0 {
		return
	}
	without, err := probe.New(apache.NewHtaccessProgram(scopes...), probe.Options{Hosts: u.Input.Hosts,
		World: sim.World{DocumentRoot: u.Docroot(), Files: u.Input.Files, Time: u.Input.Now, HasModule: u.Input.HasModule}})
	site := p.Site()
	if err != nil || site == nil {
		return
	}
	p.File = at.File
	if d, ok := replacedRule(without, site, nearest, prefix, u.Docroot()); ok {
		d.Span = at.Span
		d.Fixes = []diag.Fix{{Title: "run the rules above first", Safety: diag.Risky,
			Edits: source.Insert(at.Span.Start, "RewriteOptions InheritBefore"+newline(at.File, at.Span.Start)+indentation(at.File, at.Span.Start))}}
		p.Add(d)
	}
}

// maxReplaced bounds the rules of the folder above that are tried.
const maxReplaced = 40

// replacedRule looks for a request below a folder that a rule of the folder above would take and no longer does: a
// redirect best, for it is missed; any other rule else.
func replacedRule(without, site *probe.Site, above *ir.Scope, prefix, docroot string) (best diag.Diagnostic, ok bool) {
	tried := 0
	for _, r := range rewriteRules(above) {
		redirect := r.Action == ir.ActionRedirect || r.Action == ir.ActionRespond
		if r.Target == nil && !redirect || ok && !redirect {
			continue
		}
		if tried++; tried > maxReplaced {
			break
		}
		for _, q := range without.Requests(r, 2) {
			if target, _, _ := strings.Cut(q.Request.Target, "?"); !strings.HasPrefix(target, prefix+"/") {
				name := path.Base("/" + target)
				if name == "/" {
					name = "x"
				}
				q.Request.Target = prefix + "/" + name
			}
			q.Exists = append(q.Exists, docroot+prefix+"/")
			before := without.Ask(q)
			now := site.Ask(q)
			if !before.Known || !now.Known || !probe.HasFired(&before, r) || probe.HasFired(&now, r) || now.Location != nil {
				continue
			}
			if redirect != (before.Location != nil || before.Status == r.Status && r.Action == ir.ActionRespond) || redirect && before.Status == now.Status {
				continue
			}
			d := diag.Diagnostic{Severity: diag.Info, Related: []diag.Related{{File: r.File, Span: r.Span, Message: "does not run below this folder"}},
				Witness: site.Witness(&probe.Chain{Hops: []probe.Hop{{Probe: q, Outcome: now}}, End: probe.EndAnswer})}
			what := quote("RewriteRule " + clip(r.Args[0].Text, 40))
			if redirect {
				if everyPath(r) {
					d.Severity = diag.Warning
				}
				d.Message = fmt.Sprintf("rewrite directives here replace those of the folder above: %s does not run, and %s is answered %s, not %s",
					what, probe.URL(q.Request), probe.Answer(&now), probe.Answer(&before))
				return d, true
			}
			d.Message = fmt.Sprintf("rewrite directives here replace those of the folder above: %s does not run for %s", what, probe.URL(q.Request))
			best, ok = d, true
			break
		}
	}
	return best, ok
}

// everyPath tells whether a rule asks nothing of the path: a redirect to https or to another host, which is missed where it
// does not run. A rule for certain paths may match one below another folder by chance.
func everyPath(r *ir.Rule) bool {
	if r.Pattern == nil || r.Pattern.Re == nil || r.Negated {
		return false
	}
	t := r.Pattern.Re.Tree()
	return t.MatchesEverything() || t.Text == "." || t.Text == "(.+)" || t.Text == "^(.+)$" || t.Text == ".+"
}
