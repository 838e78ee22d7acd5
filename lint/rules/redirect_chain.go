package rules

import (
	"strconv"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/source"
)

var redirectChain = lint.Rule{
	Code: "RD205", ID: "redirect-chain", Severity: diag.Warning, For: lint.Both, Fix: diag.Risky, Since: "0.1",
	Doc: lint.Doc{
		Title: "a redirect that leads to another redirect",
		Text: "Each hop costs a round trip; crawlers follow only a few, and a link keeps its worth best when it is sent to its final address at once. " +
			"A first hop that only changes scheme or host is left alone: HSTS asks for it. Chains whose hops stand in different files " +
			"are an info, for they may belong to different people. How many redirects in a row are accepted is `max-hops`, 1 by default.",
		Silence: "A registry of persistent identifiers chains on purpose; `profile: identifiers` makes it an info.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "Redirect 301 /a /b\nRedirect 301 /b /c\n", After: "Redirect 301 /a /c\nRedirect 301 /b /c\n"},
			{Server: ir.Nginx, Before: "location = /a { return 301 /b; }\nlocation = /b { return 301 /c; }\n", After: "location = /a { return 301 /c; }\nlocation = /b { return 301 /c; }\n"},
		},
		Source: "RFC 9110 §15.4; Google Search Central, Redirects and Google Search",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		reportLoops(p, longChain, func(l *loop) diag.Diagnostic {
			n := l.chain.Redirects() + l.skipped
			d := diag.Diagnostic{Message: l.route() + " takes " + strconv.Itoa(n) + " redirects"}
			if n > browserHops {
				d.Message += ", and browsers stop after " + strconv.Itoa(browserHops)
			}
			if mixed := mixedPermanence(&l.chain); mixed != "" {
				d.Message += ", " + mixed
			}
			d.Fixes = shortcut(p, l)
			if to := finalURL(&l.chain); len(d.Fixes) == 0 && to != "" {
				first := l.chain.Hops[0].Probe.Request
				if path, ok := strings.CutPrefix(to, strings.TrimSuffix(probe.URL(first), first.Target)); ok && strings.HasPrefix(path, "/") {
					to = path
				}
				d.Help = "send it straight to " + to
			}
			return d
		})
	},
}

// mixedPermanence says that permanent and temporary redirects alternate, which decides what browsers ask again.
func mixedPermanence(c *probe.Chain) string {
	permanent, temporary := "", ""
	first := 0
	for i := range c.Hops {
		if !c.Hops[i].Redirects() {
			continue
		}
		s := c.Hops[i].Outcome.Status
		if first == 0 {
			first = s
		}
		if s == 301 || s == 308 {
			permanent = strconv.Itoa(s)
		} else {
			temporary = strconv.Itoa(s)
		}
	}
	switch {
	case permanent == "" || temporary == "":
		return ""
	case first == 301 || first == 308:
		return "permanent (" + permanent + ") first and temporary (" + temporary + ") later"
	}
	return "temporary (" + temporary + ") first and permanent (" + permanent + ") later"
}

// finalURL is where a chain ends.
func finalURL(c *probe.Chain) string {
	switch c.End {
	case probe.EndAnswer:
		return probe.URL(c.Hops[len(c.Hops)-1].Probe.Request)
	case probe.EndLeft, probe.EndLimit:
		return c.Next
	}
	return ""
}

// shortcut points the first rule at the end of the chain, where both its source and its target are one address.
func shortcut(p *lint.Pass, l *loop) []diag.Fix {
	r := l.rule
	text, constant := r.Target.Constant()
	to := finalURL(&l.chain)
	exact := r.Match == ir.MatchRegex && r.Pattern.Re != nil
	if exact {
		_, _, exact = r.Pattern.Re.Tree().Exact()
	}
	if sc := p.Site().Scope(r); r.Keyword == ir.NginxReturn && sc != nil && sc.Kind == ir.ScopeLocation && sc.Modifier == ir.ExactLocation {
		exact = true
	}
	if r.Match == ir.MatchSegment {
		exact = true // what is behind the source stays behind the target
	}
	if l.skipped > 0 || !constant || !exact || to == "" || strings.ContainsAny(to+text, "?#%$\\\"' ") || mixedPermanence(&l.chain) != "" {
		return nil
	}
	if !strings.Contains(text, "://") {
		first := l.chain.Hops[0].Probe.Request
		if rest, ok := strings.CutPrefix(to, strings.TrimSuffix(probe.URL(first), first.Target)); ok {
			to = rest
		}
	}
	if r.Match == ir.MatchSegment {
		asked := strings.TrimPrefix(l.chain.Hops[0].Probe.Request.Target, r.Path)
		if asked != "" {
			return nil
		}
	}
	return []diag.Fix{{Title: "point it at " + to, Safety: diag.Risky, Edits: source.Replace(inner(r.TargetSpan, raw(p, r.TargetSpan)), to)}}
}

// inner is a span without the quotes its text has.
func inner(s source.Span, text string) source.Span {
	if len(text) > 1 && (text[0] == '"' || text[0] == '\'') && text[len(text)-1] == text[0] {
		return source.Span{Start: s.Start + 1, End: s.End - 1}
	}
	return s
}
