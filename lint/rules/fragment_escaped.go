package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/pattern"
)

var fragmentEscaped = lint.Rule{
	Code: "RD604", ID: "fragment-escaped", Severity: diag.Error, For: lint.Apache, Fix: diag.Risky, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a # in the target of a RewriteRule without NE",
		Text: "httpd encodes the target of a redirect, so `/b#top` is sent as `/b%23top`, and the browser asks for a file of that name. NE " +
			"sends the `#` as it stands. With NE the groups of the pattern are sent as they stand, too.",
		Silence: "The `#` belongs to a value of the query and is meant to be sent as `%23`.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^a$ /b#top [R=301,L]\n", After: "RewriteEngine On\nRewriteRule ^a$ /b#top [R=301,L,NE]\n"},
		},
		Source: "httpd mod_rewrite.c, hook_fixup and escape_absolute_uri; manual, \"RewriteRule Flags\": NE",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		var w witnesses
		eachRule(p, g, func(_ *ir.Scope, r *ir.Rule) { escapedFragment(p, &w, r) })
	},
}

func escapedFragment(p *lint.Pass, w *witnesses, r *ir.Rule) {
	if r.Keyword != ir.RewriteRule || r.Escape.NoEscape || !sendsElsewhere(r) || !strings.Contains(r.Target.Text, "#") {
		return
	}
	list, _ := zones(r.Target)
	query := false
	for i := range list {
		x := &list[i]
		query = query || x.zone == zoneQuery
		if x.zone != zoneFragment || !x.literal() || x.text[0] != '#' {
			continue
		}
		d := diag.Diagnostic{Span: x.span(0, 1)}
		if query {
			d.Severity = diag.Warning
			d.Message = "without NE the # becomes %23 and is a part of the query: " + quote(clip(queryOf(list), 60))
		} else {
			d.Message = "without NE the # becomes %23: the browser asks for " + quote(clip(lastSegment(list), 60))
		}
		if edits, ok := addFlag(p, r, "NE"); ok {
			d.Fixes = []diag.Fix{{Title: "add NE", Safety: diag.Risky, Edits: edits}}
			if !plainGroups(r) {
				d.Help = "add NE; what the groups take from the request is then sent as it stands"
			}
		}
		w.attach(p, &d, r, located(func(to string) bool { return strings.Contains(to, "%23") }))
		p.Add(d)
		return
	}
}

// queryOf is the query of a target without NE, its # encoded.
func queryOf(list []piece) string {
	s := ""
	for i := range list {
		if x := &list[i]; x.zone >= zoneQuery {
			s += pieceText(x)
		}
	}
	return strings.Replace(s, "#", "%23", 1)
}

// lastSegment is the end of the path of a target behind its last slash, its # encoded.
func lastSegment(list []piece) string {
	s := ""
	for i := range list {
		if x := &list[i]; x.zone >= zonePath {
			s += pieceText(x)
		}
	}
	path, _, _ := strings.Cut(s, "#")
	return strings.Replace(s[strings.LastIndexByte(path, '/')+1:], "#", "%23", 1)
}

// pieceText is a piece as it is written.
func pieceText(x *piece) string {
	if x.literal() {
		return x.text
	}
	return x.part.Text
}

// plainGroups tells whether no group that the target uses can hold a byte that has to be encoded.
func plainGroups(r *ir.Rule) bool {
	for i := range r.Target.Parts {
		part := &r.Target.Parts[i]
		if part.Kind == ir.Literal {
			continue
		}
		if part.Kind != ir.RuleRef || part.N == 0 || r.Pattern == nil || r.Pattern.Re == nil {
			return false
		}
		plain := false
		pattern.Walk(r.Pattern.Re.Tree().Root, func(n pattern.Node) bool {
			if g, ok := n.(*pattern.Group); ok && g.Kind == pattern.Capturing && g.Number == part.N {
				plain = plainBytes(g.Body)
			}
			return true
		})
		if !plain {
			return false
		}
	}
	return true
}

// plainBytes tells whether a part of a pattern matches only letters, digits and -._/.
func plainBytes(n pattern.Node) bool {
	plain := true
	pattern.Walk(n, func(n pattern.Node) bool {
		switch n := n.(type) {
		case *pattern.Literal:
			for i := 0; i < len(n.Text); i++ {
				plain = plain && plainByte(n.Text[i])
			}
		case *pattern.Class:
			n.Set.Ranges(func(lo, hi byte) {
				for c := int(lo); c <= int(hi); c++ {
					plain = plain && plainByte(byte(c))
				}
			})
		case *pattern.Concat, *pattern.Alternation, *pattern.Repeat, *pattern.Group, *pattern.Anchor:
		default:
			plain = false
		}
		return plain
	})
	return plain
}

func plainByte(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || c == '-' || c == '.' || c == '_' || c == '/'
}
