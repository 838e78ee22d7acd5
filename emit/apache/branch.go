package apache

import (
	"fmt"
	"strings"

	"rewright/emit"
	"rewright/parser/ir"
)

// branch writes an if.
func (s *script) branch(sc *ir.Scope) {
	drop := func(why string) {
		s.w.note(sc, s.sc, "if", emit.Dropped, why, "say what it guards in <If> or in rules of its own")
		s.b.add(&unit{item: sc, origin: sc.From(), dropped: why})
		for _, it := range sc.Items {
			s.w.drop(s.b, it, sc, directiveOf(it), "its condition cannot be said: "+why, "")
		}
	}
	for _, it := range sc.Items {
		switch it := it.(type) {
		case *ir.Rule, *ir.Assign:
		case *ir.Opaque:
			if !it.Harmless {
				drop(it.Name + " in an if")
				return
			}
		case *ir.Setting:
		default:
			drop(directiveOf(it) + " in an if")
			return
		}
	}
	if s.bulk(sc) {
		return
	}
	conds, caps, why := s.test(sc.If)
	if why != "" {
		drop(why)
		return
	}
	inner := *s
	inner.sc = sc
	inner.caps = caps
	var items []ir.Item
	for _, it := range sc.Items {
		switch it := it.(type) {
		case *ir.Setting, *ir.Opaque:
		default:
			items = append(items, it)
		}
	}
	s.taken(sc, conds)
	if p := sc.If.Pattern; p != nil && p.Re != nil && !sc.If.Negated && len(namedGroups(p)) > 0 && !onlyReturn(items) {
		// named groups are variables, which every regular expression behind this one leaves alone
		var flags []string
		for n, name := range p.Re.Names() {
			if ref := caps.ref(n); name != "" && ref != "" {
				flags = append(flags, "E="+strings.ToLower(name)+":"+ref)
				s.w.env[strings.ToLower(name)] = true
			}
		}
		lines := rule(conds, whole("^", conds, ""), "-", flags...)
		s.b.add(&unit{item: sc, origin: sc.From(), lines: lines, rules: countRules(lines)})
	}
	if len(items) == 1 {
		if r, ok := items[0].(*ir.Rule); ok && r.Keyword != ir.NginxBreak && (r.Keyword == ir.NginxReturn || !refersToCond(conds)) {
			inner.rule(r, conds)
			s.after(sc, &inner)
			return
		}
		if a, ok := items[0].(*ir.Assign); ok {
			inner.assign(a, conds)
			s.after(sc, &inner)
			return
		}
	}
	if len(items) == 2 && s.inline(&inner, items, conds) {
		s.after(sc, &inner)
		return
	}
	// several: the groups into the environment, then skip unless the condition holds

	if caps.known && uses(sc.Items) && sc.If.Pattern != nil {
		prefix := s.w.fresh("if")
		groups := min(sc.If.Pattern.Re.Groups(), 9)
		var flags []string
		for n := 1; n <= groups; n++ {
			flags = append(flags, fmt.Sprintf("E=%s_%d:%%%d", prefix, n, n))
		}
		lines := rule(conds, "^", "-", flags...)
		s.b.add(&unit{item: sc, origin: sc.From(), lines: lines, rules: 1})
		inner.caps = byEnv(prefix, groups, caps.names)
	}
	if len(items) == 0 {
		s.w.note(sc, s.sc, "if", emit.Exact, "", "")
		return
	}
	body := &block{}
	inner.b = body
	inner.items(items)
	if n := body.rules(); n > 0 {
		lines := guardLines(conds, n)
		if strings.Contains(strings.Join(lines, ""), "$0") {
			lines = replacePattern(lines, ".*")
		}
		s.b.add(&unit{item: sc, origin: sc.From(), lines: lines, rules: 1})
	}
	s.b.units = append(s.b.units, body.units...)
	s.after(sc, &inner)
}

// inline writes a set and the one rule that uses its variable as one rule, whose groups are those of the condition:
// nginx needs the variable to carry a group past another regular expression, httpd has $1 and %1.
func (s *script) inline(inner *script, items []ir.Item, conds []string) bool {
	a, isSet := items[0].(*ir.Assign)
	r, isRule := items[1].(*ir.Rule)
	if !isSet || !isRule || r.Keyword != ir.NginxRewrite && r.Keyword != ir.NginxReturn || r.Body != nil || !inner.caps.known || refersToCond(conds) {
		return false
	}
	if s.w.used(a.Variable) != usesIn(r.Target, a.Variable) || usesIn(r.Target, "request_uri") > 0 || usesIn(a.Value, "") == 0 {
		return false
	}
	if r.Pattern != nil {
		if at := s.w.subjectOf(r.Pattern, true, s.stale); at.none || len(at.conds) > 0 {
			return false
		}
	}
	v, why := inner.expand(a.Value, false)
	if why != "" || v.raw || v.query || v.whole || strings.Contains(v.text, "$") {
		return false
	}
	s.w.named1[a.Variable] = v.text
	defer delete(s.w.named1, a.Variable)
	s.w.note(a, inner.sc, "set", "exact", "", "")
	inner.rule(r, conds)
	return true
}

// usesIn counts how often a template asks for a variable; with an empty name, for a group.
func usesIn(t *ir.Template, name string) (n int) {
	for i := 0; t != nil && i < len(t.Parts); i++ {
		if p := &t.Parts[i]; p.Kind == ir.Variable && p.Name == name || p.Kind == ir.RuleRef && name == "" {
			n++
		}
	}
	return n
}

// used counts how often the program asks for a variable.
func (w *writer) used(name string) (n int) {
	var walk func(s *ir.Scope)
	walk = func(s *ir.Scope) {
		if s.If != nil {
			n += usesIn(s.If.Test, name) + usesIn(s.If.Operand, name)
		}
		for _, it := range s.Items {
			switch it := it.(type) {
			case *ir.Scope:
				walk(it)
			case *ir.Rule:
				n += usesIn(it.Target, name) + usesIn(it.Body, name)
			case *ir.Assign:
				n += usesIn(it.Value, name)
			case *ir.Setting:
				for _, t := range it.Templates {
					n += usesIn(t, name)
				}
			case *ir.MapBlock:
				n += usesIn(it.Source, name) + usesIn(it.Default, name)
				for i := range it.Entries {
					n += usesIn(it.Entries[i].Value, name)
				}
			case *ir.Opaque:
				for _, a := range it.Args {
					if strings.Contains(a.Text, "$"+name) {
						n++
					}
				}
			}
		}
	}
	walk(w.program.Root)
	return n
}

// onlyReturn tells whether a body is one return, which sees the groups of the condition itself.
func onlyReturn(items []ir.Item) bool {
	if len(items) != 1 {
		return false
	}
	r, ok := items[0].(*ir.Rule)
	return ok && r.Keyword == ir.NginxReturn
}

// replacePattern gives the last rule another pattern that takes every path.
func replacePattern(lines []string, pattern string) []string {
	last := len(lines) - 1
	lines[last] = strings.Replace(lines[last], "RewriteRule ^ ", "RewriteRule "+pattern+" ", 1)
	return lines
}

// whole is the pattern of a rule whose text or conditions ask for the path as it is now, which is $0.
func whole(pattern string, conds []string, text string) string {
	if pattern == "^" && refersToCond(append(conds[:len(conds):len(conds)], text)) {
		return ".*"
	}
	return pattern
}

// refersToCond tells whether the conditions ask for the rule's own pattern.
func refersToCond(conds []string) bool { return strings.Contains(strings.Join(conds, " "), "$0") }
