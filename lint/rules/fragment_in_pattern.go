package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/source"
)

var fragmentInPattern = lint.Rule{
	Code: "RD507", ID: "fragment-in-pattern", Severity: diag.Error, For: lint.Both, Fix: diag.Safe, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "a fragment in a pattern",
		Text: "Browsers keep what stands behind `#` to themselves; the server never sees it. A pattern that needs a `#` matches nothing " +
			"people can ask for, and an alternative with one is dead.",
		Silence: "The paths really hold a number sign, sent as `%23`.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^doc#(.+)$ /doc.html#$1 [R=303,NE,L]\n",
				After: "RewriteEngine On\nRewriteRule ^doc/(.+)$ /doc.html#$1 [R=303,NE,L]\n"},
			{Server: ir.Nginx, Before: "rewrite \"^/doc#(.+)$\" /d/$1 permanent;\n", After: "rewrite ^/doc/(.+)$ /d/$1 permanent;\n"},
		},
		Source: "RFC 9110 §4.2.5; RFC 3986 §3.5",
	},
	Program: checkFragment,
}

func checkFragment(p *lint.Pass, g *ir.Program) {
	var w witnesses
	eachUse(p, g, func(u *patternUse) {
		if !u.onPath || u.negated || strings.IndexByte(u.Text, '#') < 0 || !literally(u.Re.Tree(), "#") {
			return
		}
		if word, yes := requires(u, "#"); yes {
			d := diag.Diagnostic{Span: u.whole(), Message: fmt.Sprintf("the part from # on stays in the browser: %s never matches %s, only %s", quote(clip(u.Text, 60)),
				quote(visibleText(u.urlOf(word))), quote(visibleText(strings.Replace(u.urlOf(word), "#", "%23", 1))))}
			if path, _, _ := strings.Cut(u.urlOf(word), "#"); u.tested == nil {
				w.missed(p, &d, u.rule, u.scope, path)
			}
			p.Add(d)
			return
		}
		dead := deadParts(u.Re.Tree())
		if len(dead) == 0 {
			return
		}
		at, _ := u.spanOf(dead[0].node)
		d := diag.Diagnostic{Severity: diag.Info, Span: at,
			Message: "the part from # on stays in the browser: no request brings " + quote(clip(u.Text[dead[0].node.Start:dead[0].node.End], 40)) + " here"}
		if base, ok := u.plain(); ok {
			fix := diag.Fix{Title: "take what is dead out", Safety: diag.Safe}
			fixed := u.Text
			for i := len(dead) - 1; i >= 0; i-- {
				c := dead[i]
				if c.groups {
					fix.Edits = nil
					break
				}
				fixed = fixed[:c.cut.Start] + fixed[c.cut.End:]
				fix.Edits = append(fix.Edits, source.Edit{Span: source.Span{Start: base + c.cut.Start, End: base + c.cut.End}})
			}
			if re, err := pattern.Compile(fixed, u.Options); err == nil && len(fix.Edits) > 0 && re.Groups() == u.Re.Groups() && sameWithout(u, re, "#") {
				d.Fixes = []diag.Fix{fix}
			}
		}
		// What does bring something here.
		if text, ok := u.Re.Tree().Example(); ok && !strings.Contains(text, "#") {
			w.compared(p, &d, u, text, true)
		}
		if d.Witness == nil && u.rule != nil {
			w.attach(p, &d, u.rule, nil)
		}
		p.Add(d)
	})
}

// sameWithout proves that two patterns match the same subjects among those that do not hold a piece.
func sameWithout(u *patternUse, re *pattern.Regexp, piece string) bool {
	s := pattern.NewSpace(budgetOfPattern)
	a, ok := s.Subjects(u.Re.Tree())
	b, ok2 := s.Subjects(re.Tree())
	if !ok || !ok2 {
		return false
	}
	free := s.Not(holding(s, piece))
	a, b = s.And(a, free), s.And(b, free)
	yes, _, known := s.Includes(a, b)
	back, _, known2 := s.Includes(b, a)
	return yes && back && known && known2
}

// deadPart is a part of a pattern that needs a "#" and can be left out.
type deadPart struct {
	node   source.Span
	cut    source.Span // node with the "|" beside it
	groups bool        // it captures, so cutting it would number the others anew
}

// deadParts are branches of alternations and optional parts every word of which holds a "#", outermost first, in order.
func deadParts(t *pattern.Tree) []deadPart {
	var out []deadPart
	s := pattern.NewSpace(budgetOfPattern)
	dead := func(n pattern.Node) bool {
		yes, _, known := s.Includes(holding(s, "#"), s.Words(n))
		return yes && known
	}
	captures := func(n pattern.Node) bool {
		found := false
		pattern.Walk(n, func(n pattern.Node) bool {
			g, ok := n.(*pattern.Group)
			found = found || ok && g.Kind == pattern.Capturing
			return !found
		})
		return found
	}
	pattern.Walk(t.Root, func(n pattern.Node) bool {
		switch n := n.(type) {
		case *pattern.Alternation:
			alive := false // a branch before this one stays
			for _, b := range n.Branches {
				if !dead(b) {
					alive = true
					continue
				}
				cut := b.Span()
				if alive {
					cut.Start--
				} else {
					cut.End++
				}
				out = append(out, deadPart{b.Span(), cut, captures(b)})
			}
		case *pattern.Repeat:
			if n.Min == 0 && dead(n.Body) {
				out = append(out, deadPart{n.Span(), n.Span(), captures(n)})
				return false
			}
		case *pattern.Class:
			if at := strings.IndexByte(t.Text[n.Span().Start:n.Span().End], '#'); n.Bracket && !n.Negated && n.Set.Has('#') && n.Set.Len() > 1 && n.Set.Len() <= 8 && at > 0 {
				start := n.Span().Start + int32(at)
				cut := source.Span{Start: start, End: start + 1}
				if t.Text[start-1] == '\\' {
					cut.Start--
				}
				out = append(out, deadPart{cut, cut, false})
			}
		}
		return true
	})
	kept := out[:0]
	for _, d := range out {
		if n := len(kept); n == 0 || d.node.Start >= kept[n-1].cut.End {
			kept = append(kept, d)
		}
	}
	return kept
}
