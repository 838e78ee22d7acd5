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

var flagWithoutEffect = lint.Rule{
	Code: "RD112", ID: "flag-without-effect", Severity: diag.Info, For: lint.Apache, Fix: diag.Safe, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a flag that changes nothing",
		Text: "QSA joins queries and does nothing where the target has none; NC does nothing where no letter is compared; F, G and END end " +
			"the rules by themselves, so L adds nothing; of two R the last counts; P wins over R. It is noise, and at times a sign that " +
			"something else was meant: `[G,R=301]` sends a 301 without an address.",
		Examples: []lint.Example{{Server: ir.Apache,
			Before: "RewriteEngine On\nRewriteRule ^a$ /b [R=301,L,QSA]\n",
			After:  "RewriteEngine On\nRewriteRule ^a$ /b [R=301,L]\n"}},
		Source: "httpd manual, RewriteRule Flags; mod_rewrite.c, cmd_rewriterule_setflag, splitout_queryargs and apply_rewrite_rule",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		f := idleFlags{Pass: p}
		eachScope(g, func(s *ir.Scope) {
			if g.Server != ir.Apache {
				return
			}
			rules := rewriteRules(s)
			for i, r := range rules {
				if r.File == nil {
					continue
				}
				p.File = r.File
				if len(r.Flags) > 0 {
					f.ruleFlags(s, r, len(rules)-1-i)
				}
				for _, c := range r.Conditions {
					if c.IgnoreCase {
						p.File = c.File
						f.noCase(r, c.Flags, caseCounts(c), "this test does not compare letters")
					}
				}
			}
		})
	},
}

// idleFlags reports flags without effect, each with a request for which the rule runs.
type idleFlags struct {
	*lint.Pass
	w witnesses
}

func (p *idleFlags) add(r *ir.Rule, d diag.Diagnostic) {
	p.w.attach(p.Pass, &d, r, nil)
	if p.w.unshown(&d) {
		return // of a rule that no request meets there is more to say than that
	}
	p.Add(d)
}

// flagOf is the last flag of a name among those written; nil when there is none.
func flagOf(list []ir.Flag, name string) *ir.Flag {
	for i := len(list) - 1; i >= 0; i-- {
		if list[i].Name == name && list[i].Known {
			return &list[i]
		}
	}
	return nil
}

func (p *idleFlags) ruleFlags(s *ir.Scope, r *ir.Rule, behind int) {
	idle := func(f *ir.Flag, why string) {
		p.add(r, diag.Diagnostic{Span: f.Span, Message: quote(f.Text) + " does nothing: " + why, Fixes: dropWritten(p.Pass, f)})
	}
	if f := flagOf(r.Flags, "QSA"); f != nil && !r.Query.Discard {
		switch {
		case r.Target == nil:
			idle(f, "nothing is substituted, so the query stays as it is")
		case queryless(r.Target) && !r.Query.None:
			idle(f, "it joins two queries, and this target has none; the query of the request is kept anyway")
		}
	}
	if f := flagOf(r.Flags, "NE"); f != nil && r.Action == ir.ActionRedirect && r.Target != nil {
		if text, constant := r.Target.Constant(); constant && plainURL(text) {
			idle(f, "the target holds nothing that would be escaped")
		}
	}
	if f := flagOf(r.Flags, "NC"); f != nil && r.Pattern != nil && r.Pattern.Re != nil {
		p.noCase(r, r.Flags, patternCares(r.Pattern), "the pattern compares no letter")
	}
	idleEnds(s, r, idle)
	p.status(r, idle)
	if f := flagOf(r.Flags, "S"); f != nil && r.Skip > behind && strings.Trim(f.Value, "0123456789") == "" && !readsMoreApache(s) {
		p.add(r, diag.Diagnostic{Span: f.Span, Message: fmt.Sprintf("%s skips more rules than follow (%d in this section): it skips all of them", quote(f.Text), behind)})
	}
}

// readsMoreApache tells whether rules of a scope may come from elsewhere.
func readsMoreApache(s *ir.Scope) bool {
	for _, item := range s.Items {
		switch item := item.(type) {
		case *ir.Opaque:
			if strings.EqualFold(item.Name, "Include") || strings.EqualFold(item.Name, "IncludeOptional") || strings.EqualFold(item.Name, "Use") {
				return true
			}
		case *ir.Setting:
			if item.Name == "RewriteOptions" {
				return true // inherited rules may follow
			}
		}
	}
	return false
}

// idleEnds looks at flags that end the rules where another one does already.
func idleEnds(s *ir.Scope, r *ir.Rule, idle func(*ir.Flag, string)) {
	end := flagOf(r.Flags, "END")
	if l := flagOf(r.Flags, "L"); l != nil && !r.Chain && r.Skip == 0 {
		switch {
		case end != nil:
			idle(l, "END ends these rules and all that would follow")
		case r.Action == ir.ActionRespond && r.Status >= 400:
			idle(l, fmt.Sprintf("a rule that answers %d ends the rules", r.Status))
		}
	}
	if pt := flagOf(r.Flags, "PT"); pt != nil && belowDirectory(s) && r.Target != nil && (r.Flow == ir.FlowLast || r.Flow == ir.FlowEnd) {
		where := "a .htaccess"
		if s.Kind != ir.ScopeHtaccess {
			where = "<Directory>"
		}
		idle(pt, "in "+where+" the result is looked up as a URL anyway")
	}
}

// status looks at R beside R, P, F and G.
func (p *idleFlags) status(r *ir.Rule, idle func(*ir.Flag, string)) {
	last := flagOf(r.Flags, "R")
	if last == nil {
		return
	}
	if r.Action == ir.ActionRespond && r.Status >= 300 && r.Status < 400 {
		f := flagOf(r.Flags, "G")
		if f == nil {
			f = flagOf(r.Flags, "F")
		}
		if f != nil {
			p.add(r, diag.Diagnostic{Severity: diag.Error, Span: last.Span,
				Message: fmt.Sprintf("%s behind %s makes the answer a %d without an address, which browsers cannot follow", quote(last.Text), quote(f.Text), r.Status),
				Fixes:   riskily(dropWritten(p.Pass, last))})
		}
		return
	}
	for i := range r.Flags {
		f := &r.Flags[i]
		if f.Name != "R" || !f.Known {
			continue
		}
		n, rest := atoi(f.Value)
		redirect := f.Value == "" || rest == "" && n >= 300 && n < 400
		switch {
		case !redirect:
		case r.Action == ir.ActionProxy:
			idle(f, "P hands the request on, and no redirect is sent")
		case r.Action == ir.ActionRespond && (flagOf(r.Flags, "F") != nil || flagOf(r.Flags, "G") != nil):
			idle(f, fmt.Sprintf("the rule answers %d", r.Status))
		case r.Action == ir.ActionRedirect && f != last && f.Value == "":
			idle(f, fmt.Sprintf("%s says the status", quote(last.Text)))
		case r.Action == ir.ActionRedirect && f != last && last.Value != "" && f.Value != "":
			idle(f, fmt.Sprintf("of two R the last counts, and the status is %d", r.Status))
		}
	}
}

func riskily(fixes []diag.Fix) []diag.Fix {
	for i := range fixes {
		fixes[i].Safety = diag.Risky
	}
	return fixes
}

func (p *idleFlags) noCase(r *ir.Rule, flags []ir.Flag, cares bool, why string) {
	if f := flagOf(flags, "NC"); f != nil && !cares {
		p.add(r, diag.Diagnostic{Span: f.Span, Message: quote(f.Text) + " does nothing: " + why, Fixes: dropWritten(p.Pass, f)})
	}
}

// caseCounts tells whether NC can make a difference to a condition.
func caseCounts(c *ir.Condition) bool {
	switch c.Kind {
	case ir.CondFile, ir.CondNumber:
		return false
	case ir.CondRegex:
		return c.Pattern == nil || c.Pattern.Re == nil || patternCares(c.Pattern)
	case ir.CondString:
		text, ok := c.Operand.Constant()
		return !ok || c.Op != "=" || hasLetter(text)
	}
	return true
}

// patternCares tells whether letter case can make a difference to a pattern; true when it is not known.
func patternCares(p *ir.Pattern) bool {
	if !hasLetter(unescapedText(p.Text)) && !strings.Contains(p.Text, "[") {
		return false
	}
	t, err := pattern.Parse(p.Text, pattern.Apache)
	if err != nil {
		return true
	}
	cares := false
	pattern.Walk(t.Root, func(n pattern.Node) bool {
		switch n := n.(type) {
		case *pattern.Literal:
			cares = cares || hasLetter(n.Text)
		case *pattern.Class:
			for c := byte('a'); c <= 'z'; c++ {
				cares = cares || n.Set.Has(c) != n.Set.Has(c-0x20)
			}
		case *pattern.BackReference, *pattern.InlineFlags, *pattern.Conditional:
			cares = true
		}
		return !cares
	})
	return cares
}

// unescapedText is a pattern without the letters that stand behind a backslash.
func unescapedText(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && strings.IndexByte("dDwWsSbB", s[i+1]) >= 0 {
			i++
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func hasLetter(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i] | 0x20; c >= 'a' && c <= 'z' {
			return true
		}
	}
	return false
}

// queryless tells whether a target can bring no query of its own.
func queryless(t *ir.Template) bool {
	for i := range t.Parts {
		part := &t.Parts[i]
		switch part.Kind {
		case ir.Literal:
			if strings.Contains(part.Text, "?") {
				return false
			}
		case ir.RuleRef:
		case ir.Variable:
			// a value that may hold a "?": older servers take it for the start of the query
			if part.Space != "" || part.Name == "THE_REQUEST" || part.Name == "HTTP_REFERER" {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// plainURL tells whether a URL holds only what no escaping touches.
func plainURL(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("/:.-_~=&?", c) >= 0 {
			continue
		}
		return false
	}
	return strings.Count(s, "?") < 2
}

// dropWritten takes a flag and its comma out of the list it stands in; without another flag the list itself.
func dropWritten(p *lint.Pass, f *ir.Flag) []diag.Fix {
	text := p.File.Text
	span := f.Span
	if span.Len() == 0 || int(span.End) > len(text) || string(text[span.Start:span.End]) != f.Text {
		return nil
	}
	next, prev := span.End, span.Start-1
	for int(next) < len(text) && (text[next] == ' ' || text[next] == '\t') {
		next++
	}
	for prev >= 0 && (text[prev] == ' ' || text[prev] == '\t') {
		prev--
	}
	if int(next) >= len(text) || prev < 0 {
		return nil
	}
	switch {
	case text[prev] == ',':
		span.Start = prev
	case text[next] == ',':
		span.End = next + 1
		for int(span.End) < len(text) && (text[span.End] == ' ' || text[span.End] == '\t') {
			span.End++
		}
	case text[prev] == '[' && text[next] == ']':
		span = source.Span{Start: prev, End: next + 1}
		if span.Start > 0 && text[span.Start-1] == '"' {
			span.Start--
			span.End++
		}
		for span.Start > 0 && (text[span.Start-1] == ' ' || text[span.Start-1] == '\t') {
			span.Start--
		}
	default:
		return nil
	}
	return []diag.Fix{{Title: "drop " + quote(f.Text), Safety: diag.Safe, Edits: source.Replace(span, "")}}
}
