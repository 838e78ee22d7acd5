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

var impossiblePattern = lint.Rule{
	Code: "RD515", ID: "impossible-pattern", Severity: diag.Error, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "a pattern that no text can match",
		Text: "`$` is the end of what is compared and `^` its beginning: nothing can follow the one or stand before the other. The usual " +
			"slip is a back reference in the pattern, `^term-$1`, where a group was meant.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^view-$1 /v/$1 [R=302,L]\n", After: "RewriteEngine On\nRewriteRule ^view-(.*)$ /v/$1 [R=302,L]\n"},
			{Server: ir.Nginx, Before: "rewrite ^/view-$1 /v/$1 permanent;\n", After: "rewrite ^/view-(.*)$ /v/$1 permanent;\n"},
		},
		Source: "pcre2pattern(3), circumflex and dollar",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		var w witnesses
		eachUse(p, g, func(u *patternUse) { checkImpossible(p, &w, u) })
	},
}

func checkImpossible(p *lint.Pass, w *witnesses, u *patternUse) {
	tree := u.Re.Tree()
	if !mayBeImpossible(tree) || otherFault.get().MatchString(u.Text) {
		return
	}
	if _, ok := tree.Example(); ok {
		return
	}
	s := pattern.NewSpace(budgetOfPattern)
	l, ok := s.Subjects(tree)
	if !ok {
		return
	}
	if _, some, known := s.Shortest(l); some || !known {
		return
	}
	d := diag.Diagnostic{Span: u.whole()}
	why := "no text can match it"
	if at, text := misplaced(tree); text != "" {
		d.Span, _ = u.spanOf(at)
		why = text
	}
	d.Message = fmt.Sprintf("%s never matches: %s", quote(clip(u.Text, 60)), why)
	if u.negated {
		d.Message = fmt.Sprintf("%s never matches, so its `!` is always true: %s", quote(clip(u.Text, 60)), why)
	}
	meant := unanchored(u.Text)
	if fixed := groupReference.get().ReplaceAllString(u.Text, "$1(.*)"); fixed != u.Text {
		// What stands behind the reference may be more literal text; without any the group goes to the end.
		if re, err := pattern.Compile(fixed, u.Options); err == nil {
			if l, ok := s.Subjects(re.Tree()); ok {
				if _, some, _ := s.Shortest(l); some {
					if text, ok := re.Tree().Example(); ok {
						meant = text
					}
					d.Help = fmt.Sprintf("did you mean %s?", quote(fixed))
					if _, ok := u.plain(); ok {
						d.Fixes = []diag.Fix{write(diag.Risky, u.whole(), fixed)}
					}
				}
			}
		}
	}
	switch {
	case u.cond != nil && u.negated:
		w.void(p, &d, u.rule, variable(u.tested), meant)
	case u.cond != nil:
		w.idle(p, &d, u.rule)
	case u.negated:
		w.attach(p, &d, u.rule, nil)
	case u.rule != nil || u.scope != nil:
		below := "/"
		if u.rule != nil && u.rule.Subject == ir.SubjectDirectory && w.open(p) != nil {
			below = w.a.site.Below(u.rule)
		}
		w.missed(p, &d, u.rule, u.scope, escapedPath(below+strings.TrimPrefix(meant, "/")))
	}
	p.Add(d)
}

// unanchored is what is left of a pattern without its anchors and escapes: what somebody may have wanted it to match.
func unanchored(text string) string {
	return strings.NewReplacer("^", "", "$", "", `\\`, "").Replace(text)
}

// otherFault is flags without a blank before them, or a blank that is none: other rules speak of it.
var otherFault = lazyRegexp(`\$\[[A-Za-z0-9=,]+\]$|\x{00a0}|\x{200b}|\x{feff}`)

// groupReference is a back reference as it is written in targets.
var groupReference = lazyRegexp(`(^|[^\\])\$[1-9]`)

// mayBeImpossible tells whether a pattern has what can contradict itself: an anchor in another place than its own end,
// a boundary, a look-around, an empty class.
func mayBeImpossible(t *pattern.Tree) bool {
	odd := false
	parts := partsOf(t.Root)
	pattern.Walk(t.Root, func(n pattern.Node) bool {
		switch n := n.(type) {
		case *pattern.Anchor:
			starts := n.Kind == pattern.SubjectStart || n.Kind == pattern.LineStart
			first := len(parts) > 0 && parts[0] == pattern.Node(n)
			last := len(parts) > 0 && parts[len(parts)-1] == pattern.Node(n)
			odd = odd || !(starts && first || !starts && last)
		case *pattern.Group:
			odd = odd || n.Kind.IsLookaround()
		case *pattern.Class:
			odd = odd || n.Set.Empty()
		case *pattern.Verb:
			odd = true
		}
		return !odd
	})
	return odd
}

// misplaced finds an anchor of the top level with something before "^" or behind "$".
func misplaced(t *pattern.Tree) (at source.Span, why string) {
	parts := partsOf(t.Root)
	for i, n := range parts {
		a, ok := n.(*pattern.Anchor)
		if !ok {
			continue
		}
		switch a.Kind {
		case pattern.SubjectEnd, pattern.SubjectEndOrNewline:
			if i+1 < len(parts) && takesBytes(parts[i+1:]) {
				return a.Span(), "`$` is the end of what is compared, nothing can follow it"
			}
		case pattern.SubjectStart:
			if i > 0 && takesBytes(parts[:i]) {
				return a.Span(), "`^` is the beginning of what is compared, nothing can stand before it"
			}
		}
	}
	return at, ""
}

// takesBytes tells whether some of the parts is sure to match at least one byte.
func takesBytes(parts []pattern.Node) bool {
	for _, n := range parts {
		switch n := n.(type) {
		case *pattern.Literal, *pattern.Any, *pattern.Class:
			return true
		case *pattern.Repeat:
			if n.Min > 0 && takesBytes([]pattern.Node{n.Body}) {
				return true
			}
		case *pattern.Group:
			if !n.Kind.IsLookaround() && takesBytes(partsOf(n.Body)) {
				return true
			}
		}
	}
	return false
}
