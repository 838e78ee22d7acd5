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

var rewriteEngineOff = lint.Rule{
	Code: "RD101", ID: "rewrite-engine-off", Severity: diag.Error, For: lint.Apache, Fix: diag.Risky, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "rewrite rules where the engine is off",
		Text: "Without `RewriteEngine On` httpd reads RewriteRule and does nothing with it. The switch is inherited: by a `.htaccess` from those of " +
			"the folders above, by a virtual host from the server. Where they are known and none turns it on this is an error; where they are not " +
			"it is reported as info. The last RewriteEngine of a file counts, wherever it stands.",
		Silence: "the server's configuration, or a file that includes this one, turns the engine on",
		Examples: []lint.Example{{Server: ir.Apache,
			Before: "RewriteRule ^a$ /b [R=301,L]\n",
			After:  "RewriteEngine On\nRewriteRule ^a$ /b [R=301,L]\n"}},
		Source: "httpd manual, RewriteEngine; mod_rewrite.c, config_perdir_merge and config_server_merge",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		if g.Server != ir.Apache {
			return
		}
		if p.Htaccess() {
			for _, s := range g.Htaccess {
				engineOfHtaccess(p, s)
			}
			return
		}
		engineOfServer(p, g)
	},
}

// engineSwitch is the RewriteEngine of a scope that counts: the last one; nil when it has none.
func engineSwitch(s *ir.Scope) (last *ir.Setting, on bool) {
	for _, item := range s.Items {
		if set, ok := item.(*ir.Setting); ok && set.Name == "RewriteEngine" && len(set.Args) > 0 {
			last, on = set, strings.EqualFold(set.Arg(0), "on")
		}
	}
	return last, on
}

func engineOfHtaccess(p *lint.Pass, s *ir.Scope) {
	rules := rewriteRules(s)
	set, on := engineSwitch(s)
	if len(rules) == 0 || on || rules[0].File == nil || includes(s) {
		return
	}
	if s.Refusal != nil {
		return // nothing of it runs, and what is missing may be in the refused line
	}
	d := diag.Diagnostic{Severity: diag.Info}
	u := p.Unit
	if set == nil {
		parents := u.Parents()
		for i := len(parents) - 1; i >= 0; i-- {
			g := parents[i].Program()
			if g == nil || len(g.Htaccess) == 0 {
				return // it is not known what it says
			}
			above, inherited := engineSwitch(g.Htaccess[0])
			if inherited {
				return
			}
			if above != nil {
				d.Related = append(d.Related, diag.Related{File: above.File, Span: above.Span, Message: "turns it off for this folder, too"})
				break
			}
		}
		if u.Input.Dir != "" && (u.Dir() != u.Docroot() || u.DocrootSaid()) {
			d.Severity = diag.Error
		}
	}
	reportEngine(p, d, rules, set, "and no folder above turns it on")
}

// includes tells whether a scope takes in files that are not read.
func includes(s *ir.Scope) bool {
	for _, item := range s.Items {
		if o, ok := item.(*ir.Opaque); ok && (strings.EqualFold(o.Name, "Include") || strings.EqualFold(o.Name, "IncludeOptional") || strings.EqualFold(o.Name, "Use")) {
			return true
		}
	}
	return false
}

func engineOfServer(p *lint.Pass, g *ir.Program) {
	whole, anywhere, more := false, false, false
	eachScope(g, func(s *ir.Scope) {
		_, on := engineSwitch(s)
		anywhere = anywhere || on
		more = more || includes(s)
		for _, item := range s.Items {
			if s.Kind == ir.ScopeMain {
				switch item := item.(type) {
				case *ir.Opaque:
					whole = whole || item.Name == "ServerRoot" || item.Name == "LoadModule"
				case *ir.Setting:
					whole = whole || item.Name == "Listen"
				}
			}
		}
	})
	_, main := engineSwitch(g.Root)
	if main || more {
		return
	}
	eachScope(g, func(s *ir.Scope) {
		rules := rewriteRules(s)
		set, on := engineSwitch(s)
		if len(rules) == 0 || on || rules[0].File == nil {
			return
		}
		d := diag.Diagnostic{Severity: diag.Info}
		switch {
		case s.Kind == ir.ScopeHost || s.Kind == ir.ScopeMain:
			if s.Kind == ir.ScopeMain && !whole {
				return // a piece of a configuration
			}
			if whole && set == nil && p.Unit.Input.Context == ir.ContextServer {
				d.Severity = diag.Error
			}
		case !belowDirectory(s) || anywhere:
			return // which sections are merged into one another is not looked into
		}
		p.File = rules[0].File
		reportEngine(p, d, rules, set, "and the server around does not turn it on")
	})
}

func reportEngine(p *lint.Pass, d diag.Diagnostic, rules []*ir.Rule, set *ir.Setting, why string) {
	first := rules[0]
	these := "this rule never runs"
	if len(rules) > 1 {
		these = fmt.Sprintf("these %d rules never run", len(rules))
	}
	switch {
	case set != nil:
		d.File, d.Span = set.File, set.Span
		d.Message = "RewriteEngine is off here: " + these
		d.Related = append(d.Related, diag.Related{File: first.File, Span: first.Span, Message: "never runs"})
		p.Add(d)
		return
	case d.Severity == diag.Error:
		d.Message = "there is no `RewriteEngine On` here, " + why + ": " + these
	default:
		d.Message = "there is no `RewriteEngine On` in this file: " + these + " unless it is turned on around it"
	}
	d.Span = first.Span
	at := first.Span.Start
	if c := first.Conditions; len(c) > 0 && c[0].File == first.File {
		at = c[0].Span.Start
	}
	d.Fixes = []diag.Fix{{Title: "turn the engine on", Safety: diag.Risky,
		Edits: source.Insert(at, "RewriteEngine On"+newline(first.File, at)+indentation(first.File, at))}}
	if d.Severity == diag.Error {
		if site := p.Site(); site != nil {
			for _, q := range site.Requests(first, 1) {
				o := site.Ask(q)
				if probe.HasFired(&o, first) {
					return // it is on after all
				}
				d.Witness = site.Witness(&probe.Chain{Hops: []probe.Hop{{Probe: q, Outcome: o}}, End: probe.EndAnswer})
			}
		}
	}
	p.Add(d)
}
