package probe

// Sections, virtual hosts and locations around a rule, and what they ask of a request.

import (
	"strconv"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/sim"
)

// sections adds what the sections around the rule ask of the request.
func (v *solver) sections(ways []*want) []*want {
	var inner *ir.Scope
	for sc := v.scope; sc != nil; inner, sc = sc, sc.Parent {
		if v.s.Program.Server == ir.Nginx {
			ways = v.nginxSection(ways, sc, inner)
			continue
		}
		switch sc.Kind {
		case ir.ScopeHtaccess, ir.ScopeDirectory:
			if v.prefix != "/" {
				ways = v.each(ways, func(w *want) []*want { return v.set(w, varPath, v.sp.Concat(v.sp.Text(v.prefix), v.sp.All())) })
			}
		case ir.ScopeLocation:
			if !strings.ContainsAny(sc.Path, "*?[") {
				l := v.sp.Concat(v.sp.Text(strings.TrimSuffix(sc.Path, "/")), v.re(`^(?:/|$)`))
				ways = v.each(ways, func(w *want) []*want { return v.set(w, varPath, l) })
			}
		case ir.ScopeLocationMatch:
			if l, ok := v.subjects(sc.Pattern); ok {
				ways = v.each(ways, func(w *want) []*want { return v.set(w, varPath, l) })
			}
		case ir.ScopeIf:
			ways = v.each(ways, func(w *want) []*want { return v.expr(w, sc.Expr, true, 0) })
		case ir.ScopeHost:
			ways = v.virtualHost(ways, sc)
		}
	}
	return ways
}

func (v *solver) virtualHost(ways []*want, sc *ir.Scope) []*want {
	var names []string
	tls := false
	for _, item := range sc.Items {
		if set, ok := item.(*ir.Setting); ok {
			switch set.Name {
			case "ServerName", "ServerAlias":
				for _, a := range set.Args {
					names = append(names, a.Text)
				}
			case "SSLEngine":
				tls = strings.EqualFold(set.Arg(0), "on")
			}
		}
	}
	for _, a := range sc.Args {
		if i := strings.LastIndexByte(a.Text, ':'); i >= 0 && a.Text[i+1:] != "*" {
			port := a.Text[i+1:]
			ways = v.each(ways, func(w *want) []*want { return v.set(w, varPort, v.sp.Text(port)) })
			tls = tls || port == "443"
			break
		}
	}
	if tls {
		ways = v.each(ways, func(w *want) []*want { return v.set(w, varScheme, v.sp.Text("https")) })
	}
	return v.named(ways, names)
}

// named demands one of the names of a server.
func (v *solver) named(ways []*want, names []string) []*want {
	l := v.sp.Not(v.sp.All())
	for _, n := range names {
		n = strings.ToLower(n)
		if i := strings.Index(n, "://"); i >= 0 {
			n = n[i+3:]
		}
		if strings.HasPrefix(n, "~") {
			if t, err := pattern.Parse(n[1:], pattern.Options{IgnoreCase: true}); err == nil {
				if sub, ok := v.sp.Subjects(t); ok {
					l = v.sp.Or(l, sub)
				}
			}
			continue
		}
		if n != "" && n != "_" {
			l = v.sp.Or(l, v.hostKey(hostName(n)))
		}
	}
	if l == v.sp.Not(v.sp.All()) {
		return ways
	}
	return v.each(ways, func(w *want) []*want { return v.set(w, varHost, l) })
}

func (v *solver) nginxSection(ways []*want, sc, inner *ir.Scope) []*want {
	switch sc.Kind {
	case ir.ScopeLocation:
		if l, ok := v.location(sc); ok {
			ways = v.each(ways, func(w *want) []*want { return v.set(w, varPath, l) })
		}
	case ir.ScopeIf:
		ways = v.each(ways, func(w *want) []*want { return v.condition(w, sc.If, true, nil, 0) })
	case ir.ScopeHost:
		var names []string
		var ports []string
		tls := false
		for _, item := range sc.Items {
			set, ok := item.(*ir.Setting)
			if !ok {
				continue
			}
			switch set.Name {
			case "server_name":
				for _, a := range set.Args {
					names = append(names, a.Text)
				}
			case "listen":
				a := set.Arg(0)
				port := a[strings.LastIndexByte(a, ':')+1:]
				if _, err := strconv.Atoi(port); err != nil {
					port = "80"
				}
				for _, word := range set.Args[min(1, len(set.Args)):] {
					tls = tls || word.Text == "ssl"
				}
				if strings.HasPrefix(a, "unix:") {
					continue
				}
				ports = append(ports, port)
			}
		}
		if len(ports) > 0 {
			l := v.sp.Not(v.sp.All())
			for _, p := range ports {
				l = v.sp.Or(l, v.sp.Text(p))
			}
			ways = v.each(ways, func(w *want) []*want { return v.set(w, varPort, l) })
			if tls && len(ports) == 1 {
				ways = v.each(ways, func(w *want) []*want { return v.set(w, varScheme, v.sp.Text("https")) })
			}
		} else if sc.File != nil {
			ways = v.each(ways, func(w *want) []*want { return v.set(w, varPort, v.sp.Text("80")) })
		}
		return v.named(ways, names)
	}
	return ways
}

// location is the set of paths that a location's own name allows; ok is false when any path may come there.
func (v *solver) location(sc *ir.Scope) (pattern.Language, bool) {
	switch sc.Modifier {
	case ir.ExactLocation:
		return v.sp.Text(sc.Path), true
	case ir.RegexLocation, ir.RegexLocationCI:
		return v.subjects(sc.Pattern)
	case ir.NamedLocation:
		return v.sp.All(), false
	}
	return v.sp.Concat(v.sp.Text(sc.Path), v.sp.All()), sc.File != nil
}

// around gives other wants after an answer in which the rule took no effect: without what took its place.
func (v *solver) around(w *want, o *sim.Outcome) []*want {
	var out []*want
	if v.s.Program.Server == ir.Nginx {
		out = append(out, v.aroundLocation(w, o)...)
	}
	fired := Fired(o)
	if len(fired) == 0 {
		return out
	}
	b := fired[0]
	for _, r := range fired {
		if r.Action != ir.ActionNone {
			b = r
			break
		}
	}
	if v.s.places[b] != nil && v.s.places[b].scope == v.scope || v.s.Program.Server == ir.Nginx {
		if b.Match != ir.MatchAll {
			out = append(out, v.matches(w, b, false)...)
		}
	}
	for _, group := range b.CNF() {
		ways := []*want{w}
		for _, c := range group {
			ways = v.each(ways, func(w *want) []*want { return v.condition(w, c, false, b, 0) })
		}
		out = append(out, ways...)
	}
	for sc := v.s.Scope(b); sc != nil; sc = sc.Parent {
		if sc.If != nil && !within(v.scope, sc) {
			out = append(out, v.condition(w, sc.If, false, nil, 0)...)
		}
	}
	return bounded(out)
}

func within(sc, outer *ir.Scope) bool {
	for ; sc != nil; sc = sc.Parent {
		if sc == outer {
			return true
		}
	}
	return false
}

// aroundLocation keeps out of the location that was chosen instead.
func (v *solver) aroundLocation(w *want, o *sim.Outcome) []*want {
	if len(o.Via) == 0 || v.host == nil {
		return nil
	}
	name := strings.TrimPrefix(o.Via[0], "=")
	var out []*want
	var walk func(sc *ir.Scope)
	walk = func(sc *ir.Scope) {
		for _, item := range sc.Items {
			in, ok := item.(*ir.Scope)
			if !ok || in.Kind != ir.ScopeLocation || len(out) > 0 {
				continue
			}
			if in.Path == name && !within(v.scope, in) {
				if l, ok := v.location(in); ok {
					out = v.set(w, varPath, v.sp.Not(l))
				}
			}
			walk(in)
		}
	}
	walk(v.host)
	return out
}
