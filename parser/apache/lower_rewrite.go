package apache

import (
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/source"
)

// inside is the span of a word without its quotes.
func inside(w Word) source.Span {
	if w.Quote != 0 && w.Span.Len() > 1 {
		return source.Span{Start: w.Span.Start + 1, End: w.Span.End - 1}
	}
	return w.Span
}

// inner is a piece of a word that was written as it is read.
func inner(text string, span source.Span) Word { return Word{Text: text, Span: span} }

// rewriteRule lowers one rule. Source: mod_rewrite.c, cmd_rewriterule and cmd_rewriterule_setflag.
func (l *lowerer) rewriteRule(s *ir.Scope, o ir.Origin, n *ConfigDirective, args []ir.Word) *ir.Rule {
	if len(n.Args) < 1 {
		return nil
	}
	r := &ir.Rule{Origin: o, Keyword: ir.RewriteRule, Args: args, Match: ir.MatchRegex, Action: ir.ActionRewrite}
	if s.Kind != ir.ScopeMain && s.Kind != ir.ScopeHost {
		r.Subject = ir.SubjectDirectory
	}
	text, span := n.Args[0].Text, n.Args[0].Span
	if n.Args[0].Quote != 0 {
		span = source.Span{Start: span.Start + 1, End: span.End - 1}
	}
	opts := pattern.Apache
	if strings.HasPrefix(text, "!") {
		r.Negated, text = true, text[1:]
		span.Start++
	}
	target := ""
	if len(n.Args) > 1 {
		target, r.TargetSpan = n.Args[1].Text, n.Args[1].Span
	}
	status := 0 // STATUS flag: an answer without target
	redirect := false
	if len(n.Args) > 2 {
		flags, _ := ParseFlags(n.Args[2], false)
		for i := range flags {
			f := &flags[i]
			if !f.Known {
				continue
			}
			switch f.Name {
			case "B":
				r.Escape.Backrefs = true
				r.Escape.Only = f.Value
			case "BNP":
				r.Escape.NoPlus = true // without B it does nothing
			case "BCTLS":
				r.Escape.Backrefs, r.Escape.Controls = true, true
			case "BNE":
				r.Escape.Except = f.Value // without B it does nothing
			case "C":
				r.Chain = true
			case "CO":
				r.Cookies = append(r.Cookies, ParseTemplate(inner(f.Value, valueSpan(f))))
			case "DPI":
				r.DiscardPath = true
			case "E":
				name, value, has := strings.Cut(f.Value, ":")
				e := ir.EnvEffect{Name: name, Raw: ParseTemplate(inner(f.Value, valueSpan(f)))}
				if strings.HasPrefix(name, "!") && !has {
					e.Unset, e.Name = true, name[1:]
				} else if has {
					e.Value = ParseTemplate(inner(value, valueSpan(f)))
				}
				r.Env = append(r.Env, e)
			case "END":
				r.Flow = ir.FlowEnd
			case "F":
				status = 403
			case "G":
				status = 410
			case "H":
				r.Handler = ParseTemplate(inner(f.Value, valueSpan(f)))
			case "L":
				if r.Flow != ir.FlowEnd {
					r.Flow = ir.FlowLast
				}
			case "N":
				if r.Flow == ir.FlowNext {
					r.Flow = ir.FlowRestart
				}
				r.MaxRestarts = 32000
				if f.HasValue {
					r.MaxRestarts = atoi(f.Value)
				}
			case "NC":
				opts.IgnoreCase = true
			case "NE":
				r.Escape.NoEscape = true
			case "NS":
				r.NoSubrequest = true
			case "P":
				r.Action = ir.ActionProxy
			case "PT":
				r.PassThrough = true
			case "QSA":
				r.Query.Append = true
			case "QSD":
				r.Query.Discard = true
			case "QSL":
				r.Query.SplitLast = true
			case "R":
				redirect = true
				code, word := 302, false
				switch v := strings.ToLower(f.Value); {
				case v == "permanent":
					code = 301
				case v == "temp":
					code = 302
				case v == "seeother":
					code = 303
				case v != "" && v[0] >= '0' && v[0] <= '9':
					code = atoi(v)
					r.StatusWritten = true
				default:
					word = true
				}
				if f.Value != "" {
					r.StatusWritten = true
				}
				switch {
				case f.Value == "":
					if r.Status == 0 {
						r.Status = code
					}
				case word && status != 0:
					status = noStatus
				case code < 300 || code > 399 || status != 0:
					status = code
				default:
					r.Status = code
				}
			case "S":
				r.Skip = atoi(f.Value)
			case "T":
				r.MIMEType = ParseTemplate(inner(f.Value, valueSpan(f)))
			case "UnsafeAllow3F":
				r.Escape.Allow3F = true
			case "UnsafePrefixStat":
				r.Escape.PrefixStat = true
			case "UNC":
				r.Escape.UNC = true
			}
		}
		r.Flags = flags
	}
	r.Pattern = ir.NewPattern(text, span, opts)
	switch {
	case status == noStatus:
		r.Action, r.Status, r.Discarded = ir.ActionRespond, 0, target != "-"
	case status != 0:
		r.Action, r.Status = ir.ActionRespond, status
		r.Discarded = target != "-"
	case target == "-":
		if r.Action == ir.ActionRewrite {
			r.Action = ir.ActionNone
		}
	default:
		if len(n.Args) > 1 {
			w := n.Args[1]
			if r.Query.Append && strings.HasSuffix(w.Text, "?") {
				r.Query.SplitLast = true // the final ? is the one that splits
			}
			if !r.Query.Append && strings.HasSuffix(w.Text, "?") {
				r.Query.None = true
				w.Text = w.Text[:len(w.Text)-1]
				if w.Quote == 0 {
					w.Span.End--
				}
			} else if r.Query.Discard && !strings.Contains(w.Text, "?") {
				r.Query.None = true
			}
			r.Target = ParseTemplate(w)
		} else {
			r.Target = ir.LiteralTemplate("", n.Line)
		}
		if redirect && r.Action != ir.ActionProxy {
			r.Action = ir.ActionRedirect
			if r.Status == 0 {
				r.Status = 302
			}
		}
	}
	return r
}

// noStatus marks F, G or R=404 that an R with a word like R=foo follows: the target stays dropped, and the number is
// 0, so httpd goes on with the request as it was.
const noStatus = -1

func valueSpan(f *ir.Flag) source.Span {
	return source.Span{Start: f.Span.End - int32(len(f.Value)), End: f.Span.End}
}

// rewriteCond lowers one condition. Source: mod_rewrite.c, cmd_rewritecond.
func (l *lowerer) rewriteCond(o ir.Origin, n *ConfigDirective) *ir.Condition {
	if len(n.Args) < 1 {
		return nil
	}
	c := &ir.Condition{Origin: o, Test: ParseTemplate(n.Args[0])}
	text, span := "", source.Span{}
	if len(n.Args) > 1 {
		text, span = n.Args[1].Text, inside(n.Args[1])
		c.PatternSpan = n.Args[1].Span
	}
	if len(n.Args) > 2 {
		flags, _ := ParseFlags(n.Args[2], true)
		for i := range flags {
			switch flags[i].Name {
			case "NC":
				c.IgnoreCase = true
			case "OR":
				c.Or = true
			case "NV":
				c.NoVary = true
			}
		}
		c.Flags = flags
	}
	if strings.HasPrefix(text, "!") {
		c.Negated, text = true, text[1:]
		span.Start++
	}
	operand := func(n int) {
		c.Op = text[:n]
		c.Operand = ir.LiteralTemplate(text[n:], source.Span{Start: span.Start + int32(n), End: span.End})
	}
	switch {
	case strings.EqualFold(n.Args[0].Text, "expr"):
		c.Kind = ir.CondExpr
		if e, err := ParseExpr(text, span, ExprOptions{}); err == nil {
			c.Expr = e
		}
		return c
	case len(text) == 2 && text[0] == '-' && strings.IndexByte("fdslLhxUF", text[1]) >= 0:
		c.Kind, c.Op = ir.CondFile, text
		return c
	case len(text) >= 4 && text[0] == '-':
		switch text[:3] {
		case "-eq", "-ne", "-lt", "-le", "-gt", "-ge":
			c.Kind = ir.CondNumber
			operand(3)
			return c
		}
	case len(text) >= 2 && strings.IndexByte("<>=", text[0]) >= 0:
		c.Kind = ir.CondString
		k := 1
		if text[0] != '=' && text[1] == '=' {
			k = 2
		}
		operand(k)
		if text[0] == '=' && text[1:] == `""` {
			c.Operand = ir.LiteralTemplate("", span)
		}
		return c
	}
	opts := pattern.Apache
	opts.IgnoreCase = c.IgnoreCase
	c.Kind, c.Pattern = ir.CondRegex, ir.NewPattern(text, span, opts)
	return c
}
