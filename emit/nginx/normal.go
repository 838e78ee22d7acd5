package nginx

import (
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
)

// normal brings a rule into a shape that is easier to say: names of groups and what is always empty are taken out,
// $0 becomes a group, and a redirect that is made of what a condition caught of the path catches it itself. sub is
// what the pattern of the result sees; extra is the original pattern when it has to be asked beside the new one.
func (c *compiler) normal(r *ir.Rule) (out *ir.Rule, sub subject, extra *ir.Pattern) {
	sub = c.sub
	n := *c.followed(r)
	n.Conditions = append([]*ir.Condition(nil), r.Conditions...)
	if r.Pattern != nil && r.Pattern.Re != nil {
		n.Pattern = unnamed(r.Pattern)
	}
	for i, cnd := range n.Conditions {
		if test := c.fold(cnd.Test); len(test.Parts) != len(cnd.Test.Parts) || len(test.Parts) > 0 && test.Parts[0].Kind != cnd.Test.Parts[0].Kind {
			own := *cnd
			own.Test = c.foldEnv(cnd.Test)
			n.Conditions[i], cnd = &own, &own
		}
		if cnd.Pattern != nil && cnd.Pattern.Re != nil {
			own := *cnd
			own.Pattern = unnamed(cnd.Pattern)
			n.Conditions[i] = &own
		}
	}
	n.Target = c.fold(n.Target)
	if uses(n.Target, ir.RuleRef, 0) && !n.Negated && n.Pattern != nil && n.Pattern.Re != nil {
		if p := wrapped(n.Pattern); p != nil {
			n.Pattern, n.Target = p, shifted(n.Target)
			for i, cnd := range n.Conditions {
				own := *cnd
				own.Test = shifted(cnd.Test)
				n.Conditions[i] = &own
			}
			n.Env = append([]ir.EnvEffect(nil), n.Env...)
			for i := range n.Env {
				n.Env[i].Value = shifted(n.Env[i].Value)
			}
		}
	}
	if k := c.caught(&n); k >= 0 {
		cnd := n.Conditions[k]
		extra = n.Pattern
		if everything(extra) {
			extra = nil
		}
		n.Pattern, sub = cnd.Pattern, subject{}
		n.Conditions = append(n.Conditions[:k:k], n.Conditions[k+1:]...)
		n.Target = asRuleRefs(n.Target)
		if uses(n.Target, ir.RuleRef, 0) {
			p := wrapped(n.Pattern)
			if p == nil {
				giveUp("%%0, all that a condition matched of the path")
			}
			n.Pattern, n.Target = p, shifted(n.Target)
		}
	}
	return &n, sub, extra
}

// unnamed takes the names of groups away; nginx would make variables of the server of them.
func unnamed(p *ir.Pattern) *ir.Pattern {
	if !hasNames(p) {
		return p
	}
	text := p.Text
	var cuts []*pattern.Group
	bad := false
	pattern.Walk(p.Re.Tree().Root, func(n pattern.Node) bool {
		switch n := n.(type) {
		case *pattern.Group:
			if n.Kind == pattern.Capturing && n.Name != "" {
				cuts = append(cuts, n)
			}
		case *pattern.BackReference:
			bad = bad || n.Name != ""
		case *pattern.Recursion, *pattern.Conditional:
			bad = true
		}
		return true
	})
	if bad {
		return p
	}
	for i := len(cuts) - 1; i >= 0; i-- {
		start := int(cuts[i].Span().Start)
		end := strings.IndexAny(text[start+2:], ">'")
		if text[start+2] == '\'' || end < 0 {
			return p
		}
		text = text[:start+1] + text[start+2+end+1:]
	}
	return ir.NewPattern(text, p.Span, p.Options)
}

// fold takes out of a target what is always empty, and joins its literals.
func (c *compiler) fold(t *ir.Template) *ir.Template {
	if t == nil {
		return nil
	}
	out := &ir.Template{Text: t.Text, Span: t.Span}
	for i := range t.Parts {
		p := t.Parts[i]
		if p.Kind == ir.Variable && p.Space == "ENV" {
			if value, ok := c.fixed[p.Name]; ok {
				p = ir.Part{Kind: ir.Literal, Text: value}
			} else if len(out.Parts) == 0 && (c.urls[p.Name] || c.schemes[p.Name] && i+1 < len(t.Parts) && t.Parts[i+1].Kind == ir.Literal && strings.HasPrefix(t.Parts[i+1].Text, "://")) {
				p.Escaped = true
			}
		}
		if p.Kind == ir.Variable {
			if v, why := c.variableOf(&p); why == "" && len(v) == 0 {
				continue
			}
			if p.Space == "" && p.Name == "REQUEST_SCHEME" && len(out.Parts) == 0 {
				p = ir.Part{Kind: ir.Literal, Text: schemeMark}
			}
		}
		if n := len(out.Parts); n > 0 && p.Kind == ir.Literal && out.Parts[n-1].Kind == ir.Literal {
			out.Parts[n-1].Text += p.Text
			continue
		}
		out.Parts = append(out.Parts, p)
	}
	return out
}

// foldEnv writes out variables that have one value only.
func (c *compiler) foldEnv(t *ir.Template) *ir.Template {
	out := &ir.Template{Text: t.Text, Span: t.Span, Parts: append([]ir.Part(nil), t.Parts...)}
	for i := range out.Parts {
		if p := &out.Parts[i]; p.Kind == ir.Variable && p.Space == "ENV" {
			if value, ok := c.fixed[p.Name]; ok {
				*p = ir.Part{Kind: ir.Literal, Text: value}
			}
		}
	}
	return out
}

// schemeMark stands in a literal for the scheme of the request.
const schemeMark = "\x00scheme"

func uses(t *ir.Template, kind ir.PartKind, n int) bool {
	if t == nil {
		return false
	}
	for i := range t.Parts {
		if t.Parts[i].Kind == kind && (n < 0 || t.Parts[i].N == n) {
			return true
		}
	}
	return false
}

// wrapped puts all that a pattern matches into a first group; nil when that cannot be done by its text.
func wrapped(p *ir.Pattern) *ir.Pattern {
	if backReference(p.Text) || len(branches(p.Re.Tree().Root)) > 1 {
		return nil
	}
	text := p.Text
	head, tail := "", ""
	if rest, ok := strings.CutPrefix(text, "^"); ok {
		head, text = "^", rest
	}
	if rest, ok := strings.CutSuffix(text, "$"); ok && !strings.HasSuffix(rest, `\`) {
		tail, text = "$", rest
	}
	q := ir.NewPattern(head+"("+text+")"+tail, p.Span, p.Options)
	if q.Err != nil {
		return nil
	}
	return q
}

// shifted makes $N of a template $N+1.
func shifted(t *ir.Template) *ir.Template {
	if t == nil {
		return nil
	}
	out := &ir.Template{Text: t.Text, Span: t.Span, Parts: append([]ir.Part(nil), t.Parts...)}
	for i := range out.Parts {
		if p := &out.Parts[i]; p.Kind == ir.RuleRef {
			p.N++
		}
	}
	return out
}

// asRuleRefs makes %N of a template $N.
func asRuleRefs(t *ir.Template) *ir.Template {
	out := &ir.Template{Text: t.Text, Span: t.Span, Parts: append([]ir.Part(nil), t.Parts...)}
	for i := range out.Parts {
		if p := &out.Parts[i]; p.Kind == ir.CondRef {
			p.Kind = ir.RuleRef
		}
	}
	return out
}

// caught is the number of the condition on REQUEST_URI whose groups make the redirect, when that condition can take
// the place of the rule's pattern; -1 when there is none.
func (c *compiler) caught(r *ir.Rule) int {
	if r.Target == nil || r.Negated || r.Chain || r.Skip > 0 || len(r.Env) > 0 || r.Action != ir.ActionRedirect && !(r.Action == ir.ActionRewrite && isAbsolute(r.Target)) {
		return -1
	}
	if !uses(r.Target, ir.CondRef, -1) || uses(r.Target, ir.RuleRef, -1) {
		return -1
	}
	for i := len(r.Conditions) - 1; i >= 0; i-- {
		cnd := r.Conditions[i]
		if uses(cnd.Test, ir.CondRef, -1) {
			return -1
		}
		if cnd.Kind != ir.CondRegex || cnd.Negated {
			continue
		}
		if cnd.Or || i > 0 && r.Conditions[i-1].Or || len(cnd.Test.Parts) != 1 || cnd.Pattern == nil || cnd.Pattern.Re == nil {
			return -1
		}
		if p := &cnd.Test.Parts[0]; p.Kind != ir.Variable || p.Space != "" || p.Name != "REQUEST_URI" {
			return -1
		}
		return i
	}
	return -1
}
