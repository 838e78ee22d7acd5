package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var ifInLocation = lint.Rule{
	Code: "RD114", ID: "if-in-location", Severity: diag.Warning, For: lint.Nginx, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "an if that takes the place of its location",
		Text: "When the test of an `if` holds and its block does not answer, nginx goes on with the block as if it were the location: " +
			"`try_files` of the location does not run, its `add_header` lines are gone when the block has one, and of several such blocks " +
			"only the last that holds counts. `return` and a `rewrite` that leaves the location are free of this. A `map` whose value is used in " +
			"the location itself does the same without the trap.",
		Silence: "a block that sets what only this block should set, in a location without `try_files` and without headers of its own, is " +
			"reported as info",
		Examples: []lint.Example{{Server: ir.Nginx, Context: ir.ContextHTTP,
			Before: "server {\n    location / {\n        try_files $uri /index.html;\n        if ($arg_x) { add_header X-A 1; }\n    }\n}\n",
			After: "map $arg_x $xa { \"\" \"\"; default 1; }\nserver {\n    location / {\n        try_files $uri /index.html;\n" +
				"        add_header X-A $xa;\n    }\n}\n"}},
		Source: "nginx ngx_http_rewrite_module.c, ngx_http_rewrite_if; ngx_http_try_files_module.c; \"If is Evil\"",
	},
	Program: checkIfInLocation,
}

func checkIfInLocation(p *lint.Pass, g *ir.Program) {
	eachScope(g, func(s *ir.Scope) {
		if s.Kind != ir.ScopeLocation {
			return
		}
		for i, item := range s.Items {
			if block, ok := item.(*ir.Scope); ok && block.Kind == ir.ScopeIf && block.File != nil {
				p.File = block.File
				replacedLocation(p, s, i, block)
			}
		}
	})
}

// scriptOnly tells whether a block holds nothing but directives of the rewrite module, and whether it answers
// whenever it is entered.
func scriptOnly(block *ir.Scope) (other ir.Item, answers bool) {
	for _, item := range block.Items {
		switch item := item.(type) {
		case *ir.Rule:
			if item.Keyword == ir.NginxReturn {
				answers = true
			}
			if item.Keyword == ir.NginxRewrite && item.Flow != ir.FlowNext && item.Flow != ir.FlowEnd {
				answers = true // or its pattern does not match, which the author has in hand
			}
		case *ir.Assign:
		case *ir.Opaque:
			if !item.Harmless && other == nil {
				other = item
			}
		case *ir.Setting:
			if other == nil && !aloneInIf(item.Name) {
				other = item
			}
		default:
			if other == nil {
				other = item
			}
		}
	}
	return other, answers
}

// aloneInIf tells whether a directive is of the kind the manual itself puts into an if.
func aloneInIf(name string) bool {
	switch name {
	case "limit_rate", "error_log", "log_not_found", "set":
		return true
	}
	return false
}

func replacedLocation(p *lint.Pass, location *ir.Scope, at int, block *ir.Scope) {
	other, answers := scriptOnly(block)
	name := itemName(other)
	d := diag.Diagnostic{Span: block.Span}
	if answers {
		return // the request leaves the block
	}
	if try := settingOf(location, "try_files"); try != nil && !hasHandler(block) {
		d.Message = fmt.Sprintf("when this `if` holds nginx goes on with its block in place of the location, and its `%s` does not run",
			clip(settingText(try), 60))
		d.Related = []diag.Related{{File: try.File, Span: try.Span, Message: "does not run when the `if` holds"}}
		d.Help = "give the value by a `map` and set it in the location itself"
		p.Add(d)
		return
	}
	if other == nil {
		return
	}
	if later := laterIf(location, at, block); later != nil {
		d.Message = fmt.Sprintf("when this `if` and %s both hold only the later block counts, and `%s` here does nothing", headOf(later), name)
		d.Related = []diag.Related{{File: later.File, Span: later.Span, Message: "takes the place of the location, too"}}
		d.Help = "give the values by `map` and set them in the location itself"
		p.Add(d)
		return
	}
	d.Severity = diag.Info
	d.Message = fmt.Sprintf("when this `if` holds nginx goes on with its block in place of the location; `%s` is safer in the location itself, with its value from a `map`", name)
	p.Add(d)
}

// laterIf is a later block of the same location that can hold together with this one, and that loses what this one sets.
func laterIf(location *ir.Scope, at int, block *ir.Scope) *ir.Scope {
	for _, item := range location.Items[at+1:] {
		later, ok := item.(*ir.Scope)
		if !ok || later.Kind != ir.ScopeIf || later.File == nil {
			continue
		}
		if other, answers := scriptOnly(later); other != nil && !answers && !exclude(block.If, later.If) && losesSettings(block, later) {
			return later
		}
	}
	return nil
}

// losesSettings tells whether the first block sets something that the later one does not set again.
func losesSettings(block, later *ir.Scope) bool {
	for _, item := range block.Items {
		s, ok := item.(*ir.Setting)
		if !ok || aloneInIf(s.Name) {
			continue
		}
		again := false
		for _, o := range later.Items {
			t, ok := o.(*ir.Setting)
			if ok && t.Name == s.Name && (s.Name != "add_header" && s.Name != "proxy_set_header" && s.Name != "fastcgi_param" ||
				strings.EqualFold(t.Arg(0), s.Arg(0))) {
				again = true
			}
		}
		if !again {
			return true
		}
	}
	return false
}

// exclude tells whether two tests of nginx cannot both hold: the same variable compared with different texts, or one
// the opposite of the other.
func exclude(a, b *ir.Condition) bool {
	if a == nil || b == nil || a.Test == nil || b.Test == nil || a.Test.Text != b.Test.Text {
		return false
	}
	same := a.Kind == b.Kind && conditionText(a) == conditionText(b)
	if same && a.Negated != b.Negated {
		return true
	}
	if a.Kind == ir.CondString && b.Kind == ir.CondString && !a.Negated && !b.Negated {
		x, xc := a.Operand.Constant()
		y, yc := b.Operand.Constant()
		return xc && yc && x != y
	}
	// `= text` against a pattern that does not match it
	if b.Kind == ir.CondString && a.Kind == ir.CondRegex {
		a, b = b, a
	}
	if a.Kind == ir.CondString && b.Kind == ir.CondRegex && !a.Negated {
		if text, ok := a.Operand.Constant(); ok && b.Pattern != nil && b.Pattern.Re != nil {
			hit, err := b.Pattern.Re.MatchBool(text)
			return err == nil && hit == b.Negated
		}
	}
	return false
}

// conditionText is what a condition compares with, as text.
func conditionText(c *ir.Condition) string {
	switch {
	case c.Pattern != nil:
		return c.Pattern.Text
	case c.Operand != nil:
		return c.Op + c.Operand.Text
	}
	return c.Op
}

// hasHandler tells whether a block says itself what serves the request.
func hasHandler(s *ir.Scope) bool {
	for _, item := range s.Items {
		if set, ok := item.(*ir.Setting); ok {
			switch set.Name {
			case "proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass", "empty_gif", "stub_status":
				return true
			}
		}
	}
	return false
}

// settingOf is the first directive of a name in a scope itself; nil when it has none.
func settingOf(s *ir.Scope, name string) *ir.Setting {
	for _, item := range s.Items {
		if set, ok := item.(*ir.Setting); ok && set.Name == name {
			return set
		}
	}
	return nil
}

// settingText is a directive as its name and decoded arguments.
func settingText(s *ir.Setting) string {
	text := s.Name
	for _, a := range s.Args {
		text += " " + a.Text
	}
	return text
}

// itemName is the directive an item was written with.
func itemName(item ir.Item) string {
	switch item := item.(type) {
	case *ir.Setting:
		return item.Name
	case *ir.Opaque:
		return item.Name
	case *ir.Scope:
		return item.Name
	}
	return ""
}
