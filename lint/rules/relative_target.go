package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var relativeTarget = lint.Rule{
	Code: "RD613", ID: "relative-target", Severity: diag.Error, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a target without scheme or leading slash",
		Text: "`www.example.com/a` is a folder on the visitor's own site when `https://` is missing. nginx sends such a target as it stands " +
			"and the browser reads it relative to the page it came from; httpd refuses it in Redirect and takes it for a local path in a " +
			"RewriteRule. `//host/path` becomes a path of this host as well.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^a$ www.example.com/a [R=301,L]\n", After: "RewriteEngine On\nRewriteRule ^a$ https://www.example.com/a [R=301,L]\n"},
			{Server: ir.Apache, Before: "Redirect 301 /a www.example.com/a\n", After: "Redirect 301 /a https://www.example.com/a\n"},
			{Server: ir.Nginx, Before: "location = /a { return 301 new; }\n", After: "location = /a { return 301 /new; }\n"},
		},
		Source: "httpd mod_alias.c, add_redirect_internal; mod_rewrite.c, is_absolute_uri; nginx ngx_http_header_filter_module.c",
	},
	Explains: []string{"RD613", "RD029"}, Precedence: 5,
	Explain: func(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
		if at == nil || !strings.Contains(d.ServerMessage, "Redirect to non-URL") {
			return d, d.Code == "RD613"
		}
		t, ok := redirectTarget(p, at)
		if !ok || t.text == "" {
			return d, false
		}
		d.Message = "without https:// or a leading slash " + quote(clip(t.text, 60)) + " is no address; " + p.Refusal()
		d.Fixes = []diag.Fix{prefixed(t)}
		return d, true
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		var w witnesses
		eachRule(p, g, func(s *ir.Scope, r *ir.Rule) {
			if r.Target == nil || r.Disabled || r.Action != ir.ActionRedirect || len(r.Target.Parts) == 0 || r.Target.Parts[0].Kind != ir.Literal {
				return
			}
			text := r.Target.Text
			switch {
			case r.Keyword == ir.NginxReturn || r.Keyword == ir.NginxRewrite:
				nginxRelative(p, &w, s, r, text)
			case strings.HasPrefix(text, "//") && hostInFront(text[2:]):
				relativeFinding(p, &w, r, "httpd takes "+quote(clip(text, 60))+" for a path of this site", "https:")
			case r.Keyword == ir.RewriteRule && hostInFront(text):
				relativeFinding(p, &w, r, "without https:// "+quote(clip(text, 60))+" is a folder on your own site", "https://")
			}
		})
	},
}

func nginxRelative(p *lint.Pass, w *witnesses, s *ir.Scope, r *ir.Rule, text string) {
	switch {
	case strings.HasPrefix(text, "//"):
		if hostInFront(text[2:]) && !switchedOff(s, "absolute_redirect") {
			relativeFinding(p, w, r, "nginx puts its own address in front of "+quote(clip(text, 60))+", so it is a path of this site", "https:")
		}
	case text[0] != '.' && !isLetters(text[:1]) && !startsWithDigit(text) || schemeBegins(text):
	case hostInFront(text):
		relativeFinding(p, w, r, "without https:// "+quote(clip(text, 60))+" is a folder on your own site", "https://")
	default:
		relativeFinding(p, w, r, "nginx sends "+quote(clip(text, 60))+" as it stands, and browsers read it relative to the address they asked for", "/")
	}
}

func relativeFinding(p *lint.Pass, w *witnesses, r *ir.Rule, message, front string) {
	at := r.TargetSpan
	d := diag.Diagnostic{Span: at, Message: message}
	if text := raw(p, at); text != "" {
		at.End = at.Start
		if text[0] == '"' || text[0] == '\'' {
			at.Start, at.End = at.Start+1, at.End+1
		}
		d.Fixes = []diag.Fix{{Title: "put " + quote(front) + " in front", Safety: diag.Risky, Edits: write(diag.Risky, at, front).Edits}}
	}
	w.attach(p, &d, r, nil)
	p.Add(d)
}

// prefixed puts what is missing in front of a target: a scheme before a host, a slash before anything else.
func prefixed(t target) diag.Fix {
	front := "/"
	if hostInFront(t.text) {
		front = "https://"
	}
	at := within(t.word, 0, 0)
	return diag.Fix{Title: "put " + quote(front) + " in front", Safety: diag.Safe, Edits: write(diag.Safe, at, front).Edits}
}

// schemeBegins tells whether a text begins with a scheme and a colon, well written or not: that is for others to judge.
func schemeBegins(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case 'a' <= c|0x20 && c|0x20 <= 'z':
		case i > 0 && (c == ':' || c == '+' || c == '-' || '0' <= c && c <= '9'):
			if c == ':' {
				return true
			}
		default:
			n, _ := schemeSlip(s)
			return n > 0
		}
	}
	return false
}

// hostInFront tells whether a text begins with a host name and not with the name of a file: it begins with www. or
// its first segment ends in a top-level domain that is no file extension.
func hostInFront(s string) bool {
	end := strings.IndexAny(s, "/?#:")
	if end < 0 {
		end = len(s)
	}
	host := strings.ToLower(s[:end])
	if strings.Trim(host, "abcdefghijklmnopqrstuvwxyz0123456789-.") != "" || strings.HasPrefix(host, ".") || strings.Contains(host, "..") {
		return false
	}
	i := strings.LastIndexByte(host, '.')
	if i < 1 || i == len(host)-1 {
		return false
	}
	return strings.HasPrefix(host, "www.") && len(host) > len("www.") || plainTLD[host[i+1:]]
}

// plainTLD are the common top-level domains that no kind of file is named by.
var plainTLD = map[string]bool{"com": true, "net": true, "org": true, "info": true, "biz": true, "edu": true, "gov": true, "io": true,
	"eu": true, "de": true, "uk": true, "fr": true, "nl": true, "it": true, "es": true, "ch": true, "at": true, "be": true, "dk": true,
	"se": true, "fi": true, "cz": true, "ru": true, "jp": true, "cn": true, "in": true, "br": true, "au": true, "ca": true, "us": true,
	"dev": true, "shop": true, "online": true, "site": true, "example": true}
