package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var percentInTarget = lint.Rule{
	Code: "RD603", ID: "percent-in-target", Severity: diag.Error, For: lint.Apache, Fix: diag.Safe, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a percent-encoded character in a RewriteRule target",
		Text: "In the target of a RewriteRule `%2` is group 2 of the last RewriteCond: `/my%20page` becomes `/my0page`. An escape that begins " +
			"with a letter, `%C3`, is no reference, but without NE httpd encodes its `%` once more, and the visitor is sent to `%25C3`. " +
			"`\\%20` with NE is sent as `%20`. Redirect and RedirectMatch do not have this trouble.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^a$ /my%20page [R=301,L]\n", After: "RewriteEngine On\nRewriteRule ^a$ /my\\%20page [R=301,L,NE]\n"},
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^a$ /caf%C3%A9 [R=301,L]\n", After: "RewriteEngine On\nRewriteRule ^a$ /caf%C3%A9 [R=301,L,NE]\n"},
		},
		Source: "httpd mod_rewrite.c, do_expand and escape_absolute_uri; manual, \"RewriteRule Flags\": NE",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		var w witnesses
		eachRule(p, g, func(_ *ir.Scope, r *ir.Rule) { checkPercent(p, &w, r) })
	},
}

// percentEscape is an escape of a target.
type percentEscape struct {
	at     source.Span // of the three bytes
	text   string      // "%20"
	ref    bool        // read as a group of a condition and a digit
	backed bool        // and a condition has that group
}

func checkPercent(p *lint.Pass, w *witnesses, r *ir.Rule) {
	if r.Keyword != ir.RewriteRule || r.Target == nil || r.Disabled || !strings.Contains(r.Target.Text, "%") {
		return
	}
	redirect := sendsElsewhere(r)
	list := percentEscapes(r)
	var first *percentEscape
	plain, backed := 0, false
	for i := range list {
		e := &list[i]
		if !e.ref {
			if plain++; !redirect || r.Escape.NoEscape {
				continue
			}
		}
		if first == nil || e.ref && !first.ref {
			first = e
		}
		backed = backed || e.ref && e.backed
	}
	if first == nil {
		return
	}
	d := diag.Diagnostic{Span: first.at, Fixes: percentFix(p, r, list, redirect)}
	switch {
	case first.ref && first.backed:
		d.Severity = diag.Warning
		d.Message = quote(first.text) + " is read as " + quote(first.text[:2]) + ", a group of a RewriteCond, and a `" + first.text[2:] +
			"`, not as an encoded character"
		d.Help = "if the encoded character is meant, write `\\" + first.text + "`; if the group is, put something between"
	case first.ref:
		d.Message = "in a RewriteRule target " + quote(first.text[:2]) + " means \"group " + first.text[1:2] + " of the last RewriteCond\", and none has it, so " +
			"visitors go to " + quote(withoutGroups(r.Target, list))
		if !redirect {
			d.Message = "in a RewriteRule target " + quote(first.text[:2]) + " means \"group " + first.text[1:2] + " of the last RewriteCond\", and none has it, so " +
				"the target becomes " + quote(withoutGroups(r.Target, list))
		}
		d.Help = "write `\\" + first.text + "` and add NE"
	default:
		d.Message = "without NE the % is encoded once more: visitors go to " + quote(strings.ReplaceAll(r.Target.Text, "%", "%25"))
		d.Help = "add NE"
	}
	w.attach(p, &d, r, nil)
	p.Add(d)
}

// percentEscapes finds what looks like encoded characters in a target. `%%03A` is a known trick for `%3A`, and left alone.
func percentEscapes(r *ir.Rule) (list []percentEscape) {
	parts := r.Target.Parts
	for i := range parts {
		part := &parts[i]
		switch {
		case part.Kind == ir.CondRef && i+1 < len(parts) && parts[i+1].Kind == ir.Literal && !parts[i+1].Escaped && hex(parts[i+1].Text, 0):
			if i > 0 && parts[i-1].Kind == ir.Literal && strings.HasSuffix(parts[i-1].Text, "%") {
				continue
			}
			text := part.Text + parts[i+1].Text[:1]
			if !wantsEscape(text) {
				continue
			}
			list = append(list, percentEscape{source.Span{Start: part.Span.Start, End: part.Span.Start + 3}, text, true, groupsOfConditions(r) >= part.N})
		case part.Kind == ir.Literal && !part.Escaped && (i == 0 || !parts[i-1].Escaped || !strings.HasSuffix(parts[i-1].Text, "%")):
			for k := strings.IndexByte(part.Text, '%'); k >= 0; {
				if k+2 < len(part.Text) && hex(part.Text, k+1) && hex(part.Text, k+2) {
					at := part.Span
					if at.Len() == len(part.Text) {
						at = source.Span{Start: at.Start + int32(k), End: at.Start + int32(k) + 3}
					}
					list = append(list, percentEscape{at: at, text: part.Text[k : k+3]})
				}
				n := strings.IndexByte(part.Text[k+1:], '%')
				if n < 0 {
					break
				}
				k += n + 1
			}
		}
	}
	return list
}

// wantsEscape tells whether %XY stands for a byte that has to be encoded in an address: then it is an escape and
// no group with a digit or a letter behind it, as in `https://%1example.net/`.
func wantsEscape(s string) bool {
	c := unhex(s[1])<<4 | unhex(s[2])
	switch {
	case c < ' ', '0' <= c && c <= '9', 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z':
		return false
	}
	return strings.IndexByte("-._~", c) < 0
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}

// groupsOfConditions is how many groups the condition of a rule with most of them has; 9 where it cannot be told.
func groupsOfConditions(r *ir.Rule) int {
	n := 0
	for _, c := range r.Conditions {
		switch {
		case c.Kind == ir.CondExpr:
			return 9
		case c.Kind == ir.CondRegex && !c.Negated && c.Pattern != nil && c.Pattern.Re != nil:
			n = max(n, c.Pattern.Re.Groups())
		}
	}
	return n
}

// withoutGroups is the target as it is read when no condition has a group.
func withoutGroups(t *ir.Template, list []percentEscape) string {
	s := t.Text
	for i := range list {
		if list[i].ref && !list[i].backed {
			s = strings.Replace(s, list[i].text, list[i].text[2:], 1)
		}
	}
	return clip(s, 100)
}

// percentFix escapes the percent signs that are read as references, and adds NE to a redirect. What the pattern brings
// is no longer encoded then, so only a constant target is safe to mend.
func percentFix(p *lint.Pass, r *ir.Rule, list []percentEscape, redirect bool) []diag.Fix {
	var edits []source.Edit
	query := strings.IndexByte(r.Target.Text, '?')
	constant := 0
	for i := range r.Target.Parts {
		if r.Target.Parts[i].Kind != ir.Literal {
			constant++
		}
	}
	for i := range list {
		e := &list[i]
		if raw(p, e.at) != e.text {
			return nil
		}
		if !e.ref {
			continue
		}
		constant--
		if e.backed || !redirect && (query < 0 || strings.Index(r.Target.Text, e.text) < query) {
			return nil // in a path of the file system the plain character is wanted
		}
		edits = append(edits, source.Insert(e.at.Start, `\`)...)
	}
	how := diag.Risky
	if constant == 0 && urlBytes(r.Target.Text) {
		how = diag.Safe
	}
	title := "write `\\%`"
	if redirect && !r.Escape.NoEscape {
		more, ok := addFlag(p, r, "NE")
		if !ok {
			return nil
		}
		if edits = append(edits, more...); len(edits) == len(more) {
			title = "add NE"
		} else {
			title += " and add NE"
		}
	}
	if len(edits) == 0 {
		return nil
	}
	return []diag.Fix{{Title: title, Safety: how, States: how == diag.Safe, Edits: edits}}
}

// urlBytes tells whether a text can be sent in a Location as it stands.
func urlBytes(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			return false
		}
	}
	return true
}
