package nginx

import (
	"strings"

	"rewright/parser/ir"
)

// followed is a redirect after the rules behind it have had their turn: without L they see the address that it made.
// Where that never changes the outcome is known now. Source: mod_rewrite.c, apply_rewrite_list, which goes on with
// r->filename whatever it has become.
func (c *compiler) followed(r *ir.Rule) *ir.Rule {
	if r.Target == nil || r.Flow != ir.FlowNext || r.Action != ir.ActionRedirect && r.Action != ir.ActionRewrite || r.Chain || r.Skip > 0 || c.area == nil || len(c.area.rules) > mostFollowed {
		return r
	}
	url, constant := r.Target.Constant()
	if !constant || !isURL(url) || strings.ContainsAny(url, "?%#") {
		return r
	}
	first, status, later := url, r.Status, false
	for _, q := range c.area.rules {
		if q == r {
			later = true
			continue
		}
		if !later || q.Disabled {
			continue
		}
		if q.Pattern == nil || q.Pattern.Re == nil {
			return r
		}
		m, matched, err := q.Pattern.Re.Match(url)
		if err != nil || matched == q.Negated {
			if err != nil {
				return r
			}
			continue
		}
		if len(q.Conditions) > 0 || q.Negated || q.Chain || q.Skip > 0 || q.Target == nil || q.Action != ir.ActionRedirect && q.Action != ir.ActionRewrite {
			return r // that depends
		}
		to := ""
		for i := range q.Target.Parts {
			switch p := &q.Target.Parts[i]; p.Kind {
			case ir.Literal:
				to += p.Text
			case ir.RuleRef:
				to += m.Group(p.N)
			default:
				return r
			}
		}
		if !isURL(to) || strings.ContainsAny(to, "?%#") {
			return r
		}
		url = to
		if q.Action == ir.ActionRedirect {
			status = q.Status
		}
		if q.Flow == ir.FlowLast || q.Flow == ir.FlowEnd {
			break
		}
	}
	if url == first {
		return r
	}
	out := *r
	out.Action, out.Status = ir.ActionRedirect, status
	if status == 0 {
		out.Status = 302
	}
	out.Target = &ir.Template{Text: url, Span: r.Target.Span, Parts: []ir.Part{{Kind: ir.Literal, Text: url, Span: r.Target.Span}}}
	return &out
}

// unrolls tells whether a rule that starts the list over is written as often as it may (N=max): it is the first, so
// that starting over means to ask it again. Source: mod_rewrite.c, apply_rewrite_list, which answers 500 (AH02596)
// when the count that starts at 1 reaches max.
func unrolls(a *area, r *ir.Rule) bool {
	return r.Flow == ir.FlowRestart && r.Action == ir.ActionRewrite && r.MaxRestarts > 1 && r.MaxRestarts <= 10 && !a.server && len(a.rules) > 0 && a.rules[0] == r && len(r.Env) == 0
}
