package rules

import (
	"fmt"
	"slices"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
	"rewright/parser/value"
)

var constantCondition = lint.Rule{
	Code: "RD501", ID: "constant-condition", Severity: diag.Error, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "a condition that is never or always true",
		Text: "`%{HTTPS}` is `on` or `off`, `%{REQUEST_URI}` begins with a slash and holds no query, methods are upper case, `$host` is lower case. " +
			"A condition that asks for something else is never true, with `!` always. What a variable can hold is compared with what the condition " +
			"wants, as sets; variables of the environment and headers can hold anything and are never reported.",
		Silence: "The condition is there to be false, or only to set `%1`.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteCond %{HTTPS} !=1\nRewriteRule ^ https://www.example.com%{REQUEST_URI} [R=301,L]\n",
				After: "RewriteEngine On\nRewriteCond %{HTTPS} !=on\nRewriteRule ^ https://www.example.com%{REQUEST_URI} [R=301,L]\n"},
			{Server: ir.Nginx, Before: "if ($request_method = post) {\n    return 307 /x;\n}\n", After: "if ($request_method = POST) {\n    return 307 /x;\n}\n"},
		},
		Source: "httpd mod_rewrite.c, lookup_variable; nginx ngx_http_variables.c",
	},
	Program: checkConstantConditions,
}

func checkConstantConditions(p *lint.Pass, g *ir.Program) {
	r := newReasoner(g.Server)
	if g.Server == ir.Apache && oddScheme(p) {
		return
	}
	value.Visit(g, value.Visitor{
		Rule: func(rule *ir.Rule, at *value.Place) {
			if len(rule.Conditions) == 0 || len(rule.Conditions) > maxConditions {
				return
			}
			for _, group := range rule.CNF() {
				for _, c := range group {
					constantConditionAt(p, r, c, rule, nil, len(group))
				}
			}
		},
		Scope: func(s *ir.Scope, at *value.Place) {
			if s.If != nil {
				constantConditionAt(p, r, s.If, nil, s, 1)
			}
		},
	})
}

// oddScheme tells whether a ServerName gives the server a scheme of its own, which %{REQUEST_SCHEME} then is.
func oddScheme(p *lint.Pass) bool {
	for _, d := range p.Unit.Named("ServerName") {
		if strings.Contains(d.Arg(0), "://") {
			return true
		}
	}
	return false
}

// constantConditionAt judges a condition of a rule, or of an if, of which the other is nil.
func constantConditionAt(p *lint.Pass, r *reasoner, c *ir.Condition, rule *ir.Rule, block *ir.Scope, size int) {
	if c.File == nil {
		return
	}
	j := r.judge(c)
	if j.verdict == sometimes {
		return
	}
	d := diag.Diagnostic{File: c.File, Span: conditionSpan(c)}
	if c.Kind == ir.CondRegex && mayBeImpossible(c.Pattern.Re.Tree()) && r.impossible(c.Pattern) {
		return // said of the pattern itself
	}
	everything := c.Kind == ir.CondRegex && c.Pattern.Re.Tree().MatchesEverything()
	if j.verdict == alwaysTrue {
		switch {
		case rule != nil && usesConditionGroups(rule):
			return // it is there for its groups
		case rule == nil && c.Pattern != nil && c.Pattern.Re != nil && c.Pattern.Re.Groups() > 0:
			return
		case !c.Negated || everything:
			d.Severity = diag.Info
		default:
			d.Severity = diag.Warning
		}
	}
	if everything && c.Negated && j.verdict == neverTrue {
		return // "!^" and the like are written to be false
	}
	if size > 1 && j.verdict == neverTrue {
		d.Severity = diag.Warning // the others it is joined with still count
	}
	d.Message = consequence(c, j, rule, size)
	if fact := factOf(c); fact != "" && !everything {
		d.Message = fact + "; " + d.Message
	}
	guarded := rule
	if block != nil {
		guarded = firstRule(block)
	}
	if j.verdict == neverTrue && size == 1 {
		r.w.idle(p, &d, guarded)
	} else if j.verdict == alwaysTrue {
		r.w.void(p, &d, guarded, variable(c.Test), wished(c))
	}
	if d.Witness == nil {
		r.w.tested(p, &d, c, rule, block, j.verdict == alwaysTrue)
	}
	if r.w.unshown(&d) {
		return
	}
	if f, ok := repairCondition(p, r, c, j); ok && !testedAgain(c, rule) {
		d.Fixes = []diag.Fix{f}
		d.Help = "did you mean " + f.Title[len("write "):] + "?"
	}
	p.Add(d)
}

// testedAgain tells whether another condition of the rule looks at the same thing: what this one was to add is not known.
func testedAgain(c *ir.Condition, rule *ir.Rule) bool {
	if rule == nil || c.Test == nil {
		return false
	}
	return slices.ContainsFunc(rule.Conditions, func(other *ir.Condition) bool {
		return other != c && other.Test != nil && strings.EqualFold(other.Test.Text, c.Test.Text)
	})
}

// conditionSpan is the place of what a condition compares with.
func conditionSpan(c *ir.Condition) source.Span {
	if c.PatternSpan.Len() > 0 {
		return c.PatternSpan
	}
	if c.Pattern != nil && c.Pattern.Span.Len() > 0 {
		return c.Pattern.Span
	}
	if c.Operand != nil && c.Operand.Span.Len() > 0 {
		return c.Operand.Span
	}
	return c.Span
}

// apacheCondition tells whether a condition is a RewriteCond, whose "=" is part of its second word.
func apacheCondition(c *ir.Condition) bool {
	return c.Test == nil || !strings.HasPrefix(c.Test.Text, "$")
}

// wanted is what a condition compares with, as it is written.
func wanted(c *ir.Condition) string {
	text := ""
	switch c.Kind {
	case ir.CondRegex:
		text = c.Pattern.Text
	case ir.CondString:
		text = c.Operand.Text
		if apacheCondition(c) {
			text = "=" + text
		}
	}
	if c.Negated {
		text = "!" + text
	}
	return quote(clip(text, 60))
}

// consequence says what becomes of the rule or block.
func consequence(c *ir.Condition, j judgement, rule *ir.Rule, size int) string {
	when := ""
	if j.usually {
		when = fmt.Sprintf(" (except for %s)", quote(visibleText(j.odd)))
	}
	subject := wanted(c)
	if c.Kind == ir.CondTruth {
		subject = "this condition"
	}
	switch {
	case j.verdict == neverTrue && rule == nil:
		return fmt.Sprintf("%s is never true%s and this block never runs", subject, when)
	case j.verdict == neverTrue && size > 1:
		return fmt.Sprintf("%s is never true%s", subject, when)
	case j.verdict == neverTrue:
		return fmt.Sprintf("%s is never true%s and this rule never runs", subject, when)
	case c.Negated:
		return fmt.Sprintf("%s is always true%s, so it exempts nothing", subject, when)
	case size > 1:
		return fmt.Sprintf("%s is always true%s, so the conditions joined with it by [OR] do not matter", subject, when)
	}
	return fmt.Sprintf("%s is always true%s and can go", subject, when)
}

// visibleText is a value for a message, controls escaped.
func visibleText(s string) string {
	if s == "" {
		return `""`
	}
	q := fmt.Sprintf("%q", s)
	return q[1 : len(q)-1]
}

// factOf says what the test string can be.
func factOf(c *ir.Condition) string {
	name := variable(c.Test)
	shown := quote(c.Test.Text)
	switch name {
	case "HTTPS", "IPV6":
		return shown + " is `on` or `off`"
	case "https":
		return shown + " is `on` or empty"
	case "REQUEST_SCHEME", "scheme":
		return shown + " is `http` or `https`"
	case "REQUEST_URI", "uri", "document_uri":
		if c.Kind == ir.CondRegex && c.Pattern.Re != nil {
			if text, _ := c.Pattern.Re.Tree().Required(); strings.ContainsAny(text, "?#") {
				return shown + " is the path alone, without query and fragment"
			}
		}
		return shown + " always begins with `/`"
	case "QUERY_STRING", "args", "query_string":
		return shown + " is what stands behind the `?`, without it"
	case "HTTP_HOST", "http_host":
		return shown + " is a name and perhaps a port, without scheme and path"
	case "host":
		return shown + " is a name in lower case, without scheme, port and path"
	case "REQUEST_METHOD", "request_method":
		return shown + " is upper case"
	case "THE_REQUEST", "request":
		return shown + " begins with the method, as in `GET /a HTTP/1.1`"
	case "SERVER_PORT", "server_port":
		return shown + " is a number"
	case "request_uri":
		return shown + " begins with `/`"
	}
	return ""
}

// repairCondition looks for the small change that makes a condition mean something.
func repairCondition(p *lint.Pass, r *reasoner, c *ir.Condition, j judgement) (diag.Fix, bool) {
	at, text, ok := operandPlace(p, c)
	if !ok {
		return diag.Fix{}, false
	}
	for _, better := range suggestions(variable(c.Test), c, text) {
		if better == text {
			continue
		}
		trial := *c
		if c.Kind == ir.CondString {
			trial.Operand = ir.LiteralTemplate(better, source.Span{})
		} else {
			trial.Pattern = ir.NewPattern(better, source.Span{}, c.Pattern.Options)
			if trial.Pattern.Re == nil {
				continue
			}
		}
		if r.judge(&trial).verdict == sometimes {
			return write(diag.Risky, at, better), true
		}
	}
	return diag.Fix{}, false
}

// operandPlace is where the text stands that a condition compares with; ok is false when it is not written as it is read.
func operandPlace(p *lint.Pass, c *ir.Condition) (at source.Span, text string, ok bool) {
	switch {
	case c.Kind == ir.CondString && c.Operand != nil:
		at, text = c.Operand.Span, c.Operand.Text
	case c.Kind == ir.CondRegex:
		u := patternUse{Pattern: c.Pattern, file: c.File}
		if _, ok := u.plain(); !ok {
			return at, "", false
		}
		at, text = u.whole(), c.Pattern.Text
	default:
		return at, "", false
	}
	written := c.File.Slice(at)
	if written != text && len(written) == len(text)+2 && written[1:len(written)-1] == text {
		at.Start, at.End = at.Start+1, at.End-1
		written = text
	}
	return at, text, written == text && text != ""
}

// suggestions are other texts a condition may have been meant to compare with.
func suggestions(name string, c *ir.Condition, text string) []string {
	word := strings.Trim(text, "^$()")
	put := func(w string) string { return strings.Replace(text, word, w, 1) }
	var out []string
	switch name {
	case "HTTPS":
		switch strings.ToLower(word) {
		case "1", "on", "true", "yes", "https":
			out = append(out, put("on"))
		case "0", "off", "false", "no", "":
			out = append(out, "off")
			if c.Kind == ir.CondRegex {
				out = []string{"^off$"}
			}
		}
	case "https":
		switch strings.ToLower(word) {
		case "1", "on", "true":
			out = append(out, put("on"))
		case "0", "off", "false":
			out = append(out, "")
		}
	case "REQUEST_METHOD", "request_method":
		out = append(out, strings.ToUpper(text))
	case "REQUEST_SCHEME", "scheme", "host":
		out = append(out, lowerLiterals(text))
	case "REQUEST_URI", "uri", "document_uri", "request_uri":
		if rest, ok := strings.CutPrefix(text, "^"); ok {
			out = append(out, "^/"+rest)
		} else if c.Kind == ir.CondString {
			out = append(out, "/"+text)
		}
	case "QUERY_STRING", "args", "query_string":
		if rest, ok := strings.CutPrefix(text, `^\?`); ok {
			out = append(out, "^"+rest)
		} else if rest, ok := strings.CutPrefix(text, `\?`); ok {
			out = append(out, "^"+rest)
		}
	case "HTTP_HOST", "http_host":
		for _, scheme := range []string{"^https?://", "^http(s)?://", "^https://", "^http://"} {
			if rest, ok := strings.CutPrefix(text, scheme); ok && !strings.Contains(scheme, "(") {
				out = append(out, "^"+rest)
			}
		}
	}
	return out
}

// lowerLiterals is a pattern or text with its letters in lower case; escapes keep theirs.
func lowerLiterals(text string) string {
	b := []byte(text)
	for i := range b {
		if b[i] >= 'A' && b[i] <= 'Z' && (i == 0 || b[i-1] != '\\') {
			b[i] |= 0x20
		}
	}
	return string(b)
}
