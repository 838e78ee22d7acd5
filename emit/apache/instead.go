package apache

import (
	"rewright/parser/ir"
)

// choiceOfIf is an if of a location whose settings hold instead of the location's own, when it was the last that held,
// and the variable that tells so. Source: nginx ngx_http_rewrite_module.c, ngx_http_script_if_code: an if is a
// location without a name; it has all of its location's settings but try_files.
type choiceOfIf struct {
	scope *ir.Scope
	name  string
}

// taken notes that an if held, where what is behind the script depends on it.
func (s *script) taken(sc *ir.Scope, conds []string) {
	if !s.deep || s.ifs == nil || !s.replaces(sc) {
		return
	}
	name := s.w.fresh("if")
	for i := range *s.ifs {
		// an if inside of an if shares its variable
		if (*s.ifs)[i].scope == sc {
			return
		}
	}
	*s.ifs = append(*s.ifs, choiceOfIf{sc, name})
	s.w.ifNames[sc] = name
	lines := rule(conds, whole("^", conds, ""), "-", "E="+name+":1")
	s.b.add(&unit{item: sc, origin: sc.From(), lines: lines, rules: countRules(lines)})
}

// replaces tells whether it makes a difference behind the script that an if held: it has settings, or the location has
// try_files, or an if above it has settings.
func (s *script) replaces(sc *ir.Scope) bool {
	settings := func(sc *ir.Scope) bool {
		for _, it := range sc.Items {
			if set, ok := it.(*ir.Setting); ok && !aside[set.Name] {
				return true
			}
		}
		return false
	}
	if settings(sc) {
		return true
	}
	for _, it := range sc.Items {
		if r, ok := it.(*ir.Rule); ok && r.Keyword == ir.NginxReturn {
			return false // nothing is behind it
		}
	}
	if len(own(s.sc, "try_files")) > 0 {
		return true
	}
	for _, other := range *s.ifs {
		if settings(other.scope) {
			return true
		}
	}
	return false
}

// contents writes what is behind the script: for each if with settings of its own, the last that held first, then
// for the location.
func (s *script) contents(v *vhost, at subject) (goesOn bool) {
	if s.ifs == nil {
		return s.content(v, at)
	}
	list := *s.ifs
	for i := len(list) - 1; i >= 0; i-- {
		inner := *s
		inner.sc, inner.b, inner.caps = list[i].scope, &block{}, noCaptures
		inner.ends, inner.ifs = new([]jump), nil
		if inner.content(v, at) {
			flag := "L"
			if *s.broke {
				flag = "END"
			}
			inner.b.add(&unit{origin: list[i].scope.From(), lines: rule(nil, "^", "-", flag), rules: 1})
		}
		n := inner.b.rules()
		lines := guardLines([]string{"%{ENV:" + list[i].name + "} =1"}, n)
		if n == 1 && len(inner.b.units) == 1 && len(inner.b.units[0].lines) == 1 {
			// one rule takes the condition itself
			u := inner.b.units[0]
			u.lines = append([]string{"RewriteCond %{ENV:" + list[i].name + "} =1"}, u.lines...)
		} else {
			s.b.add(&unit{item: list[i].scope, origin: list[i].scope.From(), lines: lines, rules: 1})
		}
		s.b.units = append(s.b.units, inner.b.units...)
	}
	return s.content(v, at)
}
