package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var noPortableEquivalent = lint.Rule{
	Code: "RD903", ID: "no-portable-equivalent", Severity: diag.Info, Off: true, For: lint.Both, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "something the other server has no word for",
		Text: "It is to be selected before a move from one server to the other: programs and databases behind RewriteMap, look-ahead and sub-request tests, " +
			"flags that set handlers, types and cookies, and inherited rules have no counterpart in nginx; chains of `set`, variables of the GeoIP modules and " +
			"captured errors have none in httpd.",
		Examples: []lint.Example{
			{Server: ir.Apache, Context: ir.ContextServer, Before: "RewriteMap r prg:/bin/cat\n", After: "RewriteMap r int:tolower\n"},
			{Server: ir.Nginx, Before: "set $f A;\nset $f \"${f}B\";\nif ($f = AB) { return 301 /x; }\n", After: "if ($arg_f = AB) { return 301 /x; }\n"},
		},
		Source: "httpd manual, mod_rewrite; nginx manual, ngx_http_rewrite_module",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		eachScope(g, func(s *ir.Scope) {
			for _, item := range s.Items {
				o := item.From()
				if o.File == nil {
					continue
				}
				p.File = o.File
				if g.Server == ir.Nginx {
					withoutHttpd(p, s, item)
				} else {
					withoutNginx(p, s, item)
				}
			}
		})
	},
}

func notPortable(p *lint.Pass, at source.Span, what, nearest string) {
	p.Add(diag.Diagnostic{Span: at, Message: what, Help: nearest})
}

func withoutNginx(p *lint.Pass, s *ir.Scope, item ir.Item) {
	switch item := item.(type) {
	case *ir.RewriteMap:
		switch item.Type {
		case "prg", "dbd", "fastdbd", "dbm", "rnd":
			notPortable(p, item.Span, "nginx has no map of type "+quote(item.Type), "write the pairs into a `map`, or ask a program through `auth_request` or a script module")
		}
	case *ir.Setting:
		if item.Name != "RewriteOptions" {
			return
		}
		for _, a := range item.Args {
			if strings.HasPrefix(strings.ToLower(a.Text), "inherit") {
				notPortable(p, item.Span, "nginx inherits no rules of `rewrite` into inner blocks", "repeat the rules, or `include` them in both places")
			}
		}
	case *ir.Rule:
		ruleWithoutNginx(p, item)
	}
}

func ruleWithoutNginx(p *lint.Pass, r *ir.Rule) {
	for i := range r.Flags {
		f := &r.Flags[i]
		switch f.Name {
		case "T":
			notPortable(p, f.Span, "nginx gives no type to a single rewritten address", "a location of its own with `default_type` and an empty `types`")
		case "H":
			notPortable(p, f.Span, "nginx has no handlers", "a location of its own with `fastcgi_pass` or `proxy_pass`")
		case "CO":
			notPortable(p, f.Span, "a rewrite of nginx sets no cookies", "`add_header Set-Cookie …` in the location that answers")
		case "N":
			notPortable(p, f.Span, "nginx does not run its rules again until none matches", "ten rounds through `last` in a location at most")
		}
	}
	templateWithoutNginx(p, r.Target)
	for _, c := range r.Conditions {
		p.File = c.File
		if c.Kind == ir.CondFile && (c.Op == "-U" || c.Op == "-F") {
			notPortable(p, c.Span, fmt.Sprintf("nginx makes no sub-request for a test as %s does", quote(c.Op)), "`auth_request`, or a plain test of the file")
		}
		templateWithoutNginx(p, c.Test)
	}
}

func templateWithoutNginx(p *lint.Pass, t *ir.Template) {
	if t == nil {
		return
	}
	for i := range t.Parts {
		part := &t.Parts[i]
		if part.Kind != ir.Variable || part.Span.Len() == 0 {
			continue
		}
		switch part.Space {
		case "LA-U", "LA-F":
			notPortable(p, part.Span, "nginx cannot look ahead as "+quote(part.Text)+" does", "a test in the location that the request reaches in the end")
		case "SSL":
			notPortable(p, part.Span, quote(part.Text)+" has a variable of nginx only for some names", "`$ssl_protocol`, `$ssl_cipher`, `$ssl_client_s_dn` and their kin")
		}
	}
}

func withoutHttpd(p *lint.Pass, s *ir.Scope, item ir.Item) {
	switch item := item.(type) {
	case *ir.Assign:
		for i := range item.Value.Parts {
			if part := &item.Value.Parts[i]; part.Kind == ir.Variable && part.Name == item.Variable {
				notPortable(p, item.Span, "a variable that grows step by step has no counterpart in httpd", "one RewriteRule with a RewriteCond for each test")
				return
			}
		}
	case *ir.Setting:
		switch {
		case item.Name == "merge_slashes" && item.Arg(0) == "off":
			notPortable(p, item.Span, "in a `.htaccess` httpd cannot leave the slashes of a URL alone", "`MergeSlashes Off` in the server's configuration")
		case item.Name == "error_page" && len(item.Args) > 2 && strings.HasPrefix(item.Arg(len(item.Args)-2), "="):
			notPortable(p, item.Span, "ErrorDocument does not replace the status of an answer", "a script behind ErrorDocument that sends another")
		}
		for _, t := range item.Templates {
			geoip(p, t)
		}
	case *ir.Rule:
		geoip(p, item.Target)
	case *ir.MapBlock:
		if item.Kind == "split_clients" {
			notPortable(p, item.Span, "httpd has no `split_clients`", "RewriteMap of type rnd, which does not remember the client")
		}
	case *ir.Scope:
		if item.If != nil {
			geoip(p, item.If.Test)
		}
	}
}

func geoip(p *lint.Pass, t *ir.Template) {
	if t == nil {
		return
	}
	for i := range t.Parts {
		if part := &t.Parts[i]; part.Kind == ir.Variable && strings.HasPrefix(part.Name, "geoip") && part.Span.Len() > 0 {
			notPortable(p, part.Span, quote(part.Text)+" comes from a module that httpd does not ship", "mod_maxminddb sets the environment, `%{ENV:…}`")
		}
	}
}
