package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/source"
	"rewright/parser/value"
)

var leadingDotStar = lint.Rule{
	Code: "RD805", ID: "leading-dot-star", Severity: diag.Info, For: lint.Both, Fix: diag.Safe, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "a .* at the start of a pattern that finds anyway",
		Text: "A pattern is looked for anywhere in the text. `^.*foo` first runs to the end and comes back byte by byte; `foo` finds the same " +
			"and is faster. The same goes for `.*` at the end. With no group in use, `^(.*)$` is `^`.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteCond %{HTTP_ACCEPT} ^.*text/turtle.*\nRewriteRule ^$ /o.ttl [R=303,L]\n",
				After: "RewriteEngine On\nRewriteCond %{HTTP_ACCEPT} text/turtle\nRewriteRule ^$ /o.ttl [R=303,L]\n"},
			{Server: ir.Nginx, Before: "location ~ ^.*\\.php$ {\n    return 404;\n}\n", After: "location ~ \\.php$ {\n    return 404;\n}\n"},
		},
		Source: "pcre2pattern(3)",
	},
	Program: checkLeadingDotStar,
}

func checkLeadingDotStar(p *lint.Pass, g *ir.Program) {
	var w witnesses
	eachUse(p, g, func(u *patternUse) {
		if !strings.HasPrefix(u.Text, ".*") && !strings.HasPrefix(u.Text, "^.*") && !strings.HasPrefix(u.Text, "^(.*)$") && u.Text != "(.*)" {
			return
		}
		fixed := withoutDotStar(u.Text)
		if fixed == u.Text || usesGroups(u, g.Server) {
			return
		}
		re, err := pattern.Compile(fixed, u.Options)
		if err != nil {
			return
		}
		v := value.New(g.Server, budgetOfPattern)
		s := v.Space
		a, ok := s.Subjects(u.Re.Tree())
		b, ok2 := s.Subjects(re.Tree())
		if !ok || !ok2 {
			return
		}
		safety := diag.Safe
		if !same(s, a, b) {
			if in := u.input(v); !same(s, s.And(a, in), s.And(b, in)) {
				// A newline in the text tells them apart where "." does not match one; nothing else may.
				line := s.Not(holding(s, "\n"))
				if !same(s, s.And(a, line), s.And(b, line)) {
					return
				}
				safety = diag.Risky
			}
		}
		d := diag.Diagnostic{Span: u.whole(), Message: fmt.Sprintf("%s finds what %s finds, faster", quote(shownPattern(fixed)), quote(clip(u.Text, 60)))}
		if _, ok := u.plain(); ok {
			d.Fixes = []diag.Fix{{Title: "write " + quote(fixed), Safety: safety, Edits: source.Replace(u.whole(), fixed)}}
		}
		if text, ok := re.Tree().Example(); ok {
			w.compared(p, &d, u, u.sample(text), true)
		}
		for _, matches := range []bool{true, false} {
			if d.Witness == nil {
				w.compared(p, &d, u, "", matches)
			}
		}
		if w.unshown(&d) {
			return // a pattern that is compared in no request slows nothing down
		}
		p.Add(d)
	})
}

func shownPattern(s string) string { return clip(s, 60) }

func same(s *pattern.Space, a, b pattern.Language) bool {
	yes, _, known := s.Includes(a, b)
	if !yes || !known {
		return false
	}
	yes, _, known = s.Includes(b, a)
	return yes && known
}

// withoutDotStar takes what finds everything from both ends of a pattern; what is left of one that is nothing else is "^".
func withoutDotStar(text string) string {
	out := text
	for _, front := range []string{"^.*", ".*"} {
		if rest, ok := strings.CutPrefix(out, front); ok && !strings.HasPrefix(rest, "?") && !strings.HasPrefix(rest, "+") {
			out = rest
			for _, end := range []string{".*$", ".*"} {
				if short, ok := strings.CutSuffix(out, end); ok && !strings.HasSuffix(short, `\`) {
					out = short
					break
				}
			}
			break
		}
	}
	switch out {
	case "", "$", "^(.*)$", "(.*)$", "(.*)":
		return "^"
	}
	return out
}

// usesGroups tells whether something may look at the groups of a pattern, or at what it matched as a whole: with another
// beginning of the match the groups may differ too.
func usesGroups(u *patternUse, server ir.Server) bool {
	if server == ir.Nginx {
		return u.Re.Groups() > 0 || u.entry != nil || u.rule != nil
	}
	if u.rule == nil {
		return u.Re.Groups() > 0 || u.scope != nil
	}
	found := false
	ref := ir.RuleRef
	if u.cond != nil {
		ref = ir.CondRef
	} else if u.Re.Groups() > 0 && conditionsCaptureNothing(u.rule) {
		eachPart(u.rule.Target, func(p *ir.Part) { found = found || p.Kind == ir.CondRef }) // %1 stands there for $1
	}
	look := func(t *ir.Template) { eachPart(t, func(p *ir.Part) { found = found || p.Kind == ref }) }
	r := u.rule
	look(r.Target)
	for i := range r.Env {
		look(r.Env[i].Value)
		look(r.Env[i].Raw)
	}
	for _, t := range r.Cookies {
		look(t)
	}
	look(r.Handler)
	look(r.MIMEType)
	for _, c := range r.Conditions {
		look(c.Test)
	}
	return found || r.Chain && u.cond != nil
}

// conditionsCaptureNothing tells whether no condition of a rule has a group for %1.
func conditionsCaptureNothing(r *ir.Rule) bool {
	for _, c := range r.Conditions {
		switch {
		case c.Kind == ir.CondExpr, c.Kind == ir.CondRegex && (c.Pattern == nil || c.Pattern.Re == nil):
			return false
		case c.Kind == ir.CondRegex && !c.Negated && c.Pattern.Re.Groups() > 0:
			return false
		}
	}
	return true
}
