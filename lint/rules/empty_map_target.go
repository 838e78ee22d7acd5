package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var emptyMapTarget = lint.Rule{
	Code: "RD617", ID: "empty-map-target", Severity: diag.Error, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a target that is empty when the map has no entry",
		Text: "A map without a default gives an empty text for what it does not list. `return 301 $new` then sends an empty Location, and " +
			"`${m:$1}` of httpd leaves a hole in the target. An `if ($new)`, a RewriteCond on the map or a default keeps the redirect to what the map knows.",
		Examples: []lint.Example{
			{Server: ir.Apache, Context: ir.ContextVhost, Before: "RewriteEngine On\nRewriteMap moved txt:/dev/null\nRewriteRule ^/p/(.*)$ ${moved:$1} [R=301,L]\n",
				After: "RewriteEngine On\nRewriteMap moved txt:/dev/null\nRewriteCond ${moved:$1} .\nRewriteRule ^/p/(.*)$ ${moved:$1} [R=301,L]\n"},
			{Server: ir.Nginx, Context: ir.ContextHTTP, Before: "map $uri $new { /q /w; }\nserver { return 301 $new; }\n",
				After: "map $uri $new { /q /w; }\nserver { if ($new) { return 301 $new; } }\n"},
		},
		Source: "nginx ngx_http_map_module: default; httpd mod_rewrite.c, lookup_map",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		if g.Server == ir.Nginx {
			nginxEmptyMap(p, g)
			return
		}
		eachRule(p, g, func(_ *ir.Scope, r *ir.Rule) { httpdEmptyMap(p, g, r) })
	},
}

func httpdEmptyMap(p *lint.Pass, g *ir.Program, r *ir.Rule) {
	if !sendsElsewhere(r) || r.Keyword != ir.RewriteRule {
		return
	}
	for i := range r.Target.Parts {
		part := &r.Target.Parts[i]
		if part.Kind != ir.Lookup || part.Default != nil {
			continue
		}
		m := g.Maps[part.Map]
		if m == nil || m.Type != "txt" && m.Type != "rnd" && m.Type != "dbm" {
			continue // int: has a value for everything, and what a program answers is not known
		}
		for _, c := range r.Conditions {
			for k := range templateParts(c.Test) {
				if c.Test.Parts[k].Kind == ir.Lookup && c.Test.Parts[k].Map == part.Map {
					return
				}
			}
			if c.Kind == ir.CondExpr {
				return
			}
		}
		rest := strings.Replace(r.Target.Text, part.Text, "", 1)
		message := "what " + quote(part.Map) + " does not list is sent to " + quote(clip(rest, 80))
		if rest == "" {
			message = "what " + quote(part.Map) + " does not list has an empty target"
		}
		p.Add(diag.Diagnostic{Span: part.Span, Message: message,
			Help: "give a default, `${" + part.Map + ":" + part.Key.Text + "|/}`, or put `RewriteCond ${" + part.Map + ":" + part.Key.Text + "} .` above the rule"})
	}
}

// templateParts are the parts of a template that may be nil.
func templateParts(t *ir.Template) []ir.Part {
	if t == nil {
		return nil
	}
	return t.Parts
}

func nginxEmptyMap(p *lint.Pass, g *ir.Program) {
	maps := map[string]*ir.MapBlock{}
	assigned := map[string]bool{}
	for _, item := range g.Root.Within() {
		switch item := item.(type) {
		case *ir.MapBlock:
			maps[item.Variable] = item
		case *ir.Assign:
			assigned[item.Variable] = true
		}
	}
	if len(maps) == 0 {
		return
	}
	var w witnesses
	eachRule(p, g, func(s *ir.Scope, r *ir.Rule) {
		if r.Keyword != ir.NginxReturn || !sendsElsewhere(r) || len(r.Target.Parts) != 1 || r.Target.Parts[0].Kind != ir.Variable {
			return
		}
		name := r.Target.Parts[0].Name
		m := maps[name]
		if m == nil || assigned[name] || m.Kind == "split_clients" || m.Incomplete != "" || m.Default != nil && m.Default.Text != "" || listsAll(m) || guarded(s, name) ||
			listed(s, m) {
			return
		}
		d := diag.Diagnostic{Span: r.Target.Parts[0].Span, Message: "what the map of " + quote("$"+name) + " does not list is answered with an empty Location",
			Help: "put the return into `if ($" + name + ") { … }`, or give the map a default"}
		if len(s.Items) > 0 && r.Line() > 0 {
			text := raw(p, r.Span)
			d.Fixes = []diag.Fix{write(diag.Risky, r.Span, "if ($"+name+") { "+strings.TrimRight(text, " \t\r\n")+" }")}
		}
		w.attach(p, &d, r, located(func(to string) bool { return to == "" }))
		p.Add(d)
	})
}

// listsAll tells whether an entry of a map is for every value.
func listsAll(m *ir.MapBlock) bool {
	for i := range m.Entries {
		e := &m.Entries[i]
		if e.Pattern != nil && e.Pattern.Re != nil {
			if a, _ := e.Pattern.Re.MatchBool("/"); a {
				if b, _ := e.Pattern.Re.MatchBool("/q7"); b {
					return true
				}
			}
		}
	}
	return false
}

// listed tells whether what reaches a scope is all in a map: a location of one path, a server with its names.
func listed(s *ir.Scope, m *ir.MapBlock) bool {
	if m.Source == nil || len(m.Source.Parts) != 1 || m.Source.Parts[0].Kind != ir.Variable {
		return true // put together from several values: which there are is not known
	}
	keys := map[string]bool{}
	for i := range m.Entries {
		if m.Entries[i].Pattern != nil {
			continue
		}
		keys[m.Entries[i].Key] = true
	}
	switch m.Source.Parts[0].Name {
	case "uri", "document_uri", "request_uri":
		for ; s != nil && s.Kind != ir.ScopeHost; s = s.Parent {
			if s.Kind == ir.ScopeLocation && s.Modifier != ir.PrefixLocation && s.Modifier != ir.NoRegexLocation {
				return s.Modifier != ir.ExactLocation || keys[s.Path]
			}
		}
		return false
	case "host", "http_host", "server_name", "ssl_server_name", "ssl_preread_server_name":
		host := hostOf(s)
		for _, set := range ownSettings(host, "server_name") {
			for _, a := range set.Args {
				if !keys[a.Text] && !m.Hostnames {
					return false
				}
			}
		}
		return true
	}
	return true
}

// guarded tells whether an if around a scope, or before it in a scope around it, asks for a variable.
func guarded(s *ir.Scope, name string) bool {
	for ; s != nil; s = s.Parent {
		if asksFor(s.If, name) {
			return true
		}
		for _, item := range s.Items {
			if in, ok := item.(*ir.Scope); ok && asksFor(in.If, name) {
				return true
			}
		}
	}
	return false
}

func asksFor(c *ir.Condition, name string) bool {
	if c == nil {
		return false
	}
	for _, part := range templateParts(c.Test) {
		if part.Kind == ir.Variable && part.Name == name {
			return true
		}
	}
	return false
}
