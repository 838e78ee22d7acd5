package rules

import (
	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var missingSlashInServerRule = lint.Rule{
	Code: "RD103", ID: "missing-slash-in-server-rule", Severity: diag.Error, For: lint.Apache, Fix: diag.Safe, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a pattern without the slash every path begins with",
		Text: "In the server's configuration and in `<VirtualHost>` a RewriteRule sees the whole path of the URL, which begins with a " +
			"slash: `^old$` matches nothing there. It is `^/old$`, or `^/?old$` for both places.",
		Examples: []lint.Example{{Server: ir.Apache, Context: ir.ContextServer,
			Before: "<VirtualHost *:80>\nRewriteEngine On\nRewriteRule ^old$ /new [R=301,L]\n</VirtualHost>\n",
			After:  "<VirtualHost *:80>\nRewriteEngine On\nRewriteRule ^/old$ /new [R=301,L]\n</VirtualHost>\n"}},
		Source: "httpd manual, mod_rewrite: What is matched; mod_rewrite.c, hook_uri2file",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		eachScope(g, func(s *ir.Scope) {
			if s.Kind == ir.ScopeHost || s.Kind == ir.ScopeMain {
				missingSlashes(p, s)
			}
		})
	},
}

func missingSlashes(p *lint.Pass, s *ir.Scope) {
	var before earlier
	var found []*ir.Rule
	serverText := s.File != nil || p.Unit.Input.Context == ir.ContextVhost // certain to be no piece of a .htaccess
	for _, item := range s.Items {
		if inner, ok := item.(*ir.Scope); ok && inner.Kind == ir.ScopeHost {
			serverText = true
		}
		if set, ok := item.(*ir.Setting); ok && (set.Name == "Listen" || set.Name == "ServerName" || set.Name == "DocumentRoot") {
			serverText = true
		}
		r, ok := item.(*ir.Rule)
		if !ok || r.Keyword != ir.RewriteRule || r.Disabled {
			continue
		}
		first := pathStart(r.Pattern)
		if first.known && first.slash && !first.other {
			serverText = true
		}
		if first.known && first.other && !first.slash && !before.other && r.File != nil && !specialURL(r.Pattern) {
			found = append(found, r)
			if !r.Negated {
				continue
			}
		}
		if r.Target != nil && !ends(r) && r.Action != ir.ActionRedirect && plainRelative(r.Target) {
			before.slash = true // httpd puts the slash before it
			continue
		}
		before.see(r)
	}
	if !serverText {
		return
	}
	var w witnesses
	for _, r := range found {
		p.File = r.File
		message := "in the server's configuration the path begins with `/`; " + quote(clip(r.Pattern.Text, 80)) + " can never match"
		if r.Negated {
			message = "in the server's configuration the path begins with `/`; " + quote("!"+clip(r.Pattern.Text, 80)) + " is always true"
		}
		d := diag.Diagnostic{Span: r.Pattern.Span, Message: message, Fixes: missingSlashFix(p, r)}
		if r.Negated {
			w.compared(p, &d, &patternUse{Pattern: r.Pattern, negated: true, onPath: true, rule: r}, "", false)
		} else {
			w.missed(p, &d, r, nil, w.expected(p, r))
		}
		p.Add(d)
	}
}

// plainRelative tells whether a target begins with text that is neither a slash nor the scheme of a URL.
func plainRelative(t *ir.Template) bool {
	text := t.Prefix()
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == ':':
			return false
		case c == '/' || c == '.' || c == '?':
			return i > 0
		}
	}
	return false
}

// specialURL tells whether a pattern matches what httpd has for requests that are no path: those of a forward proxy,
// OPTIONS * and CONNECT.
func specialURL(p *ir.Pattern) bool {
	for _, text := range []string{"*", "proxy:http://a.example/", "proxy:https://a.example/", "http://a.example/", "https://a.example/", "a.example:443"} {
		if hit, err := p.Re.MatchBool(text); hit || err != nil {
			return true
		}
	}
	if text, _ := p.Re.Tree().Prefix(); len(text) >= 4 && (text[:4] == "http" || text[:4] == "prox") {
		return true
	}
	return false
}

func missingSlashFix(p *lint.Pass, r *ir.Rule) []diag.Fix {
	raw := p.File.Slice(r.Pattern.Span)
	if raw != r.Pattern.Text || len(raw) < 2 || raw[0] != '^' {
		return nil
	}
	if c := raw[1] | 0x20; (c < 'a' || c > 'z') && raw[1] != '(' && raw[1] != '$' && (raw[1] < '0' || raw[1] > '9') {
		return nil
	}
	if len(r.Pattern.Re.Tree().Branches()) > 1 || raw[1] == '(' && len(raw) > 2 && raw[2] == '?' {
		return nil
	}
	return []diag.Fix{{Title: "write " + quote("^/"+raw[1:]), Safety: diag.Safe, Edits: source.Insert(r.Pattern.Span.Start+1, "/")}}
}
