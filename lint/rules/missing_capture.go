package rules

import (
	"fmt"
	"strconv"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var missingCapture = lint.Rule{
	Code: "RD609", ID: "missing-capture", Severity: diag.Error, For: lint.Both, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a reference to a group that the pattern does not have",
		Text: "`$2` of a pattern with one group is empty, so all the requests that the group was to tell apart go to one address. A negated " +
			"pattern has no groups at all, and neither has an nginx location without a regular expression.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^class/(.*)$ /classes/$2 [R=303,L]\n", After: "RewriteEngine On\nRewriteRule ^class/(.*)$ /classes/$1 [R=303,L]\n"},
			{Server: ir.Nginx, Before: "location = /a { return 301 /b/$1; }\n", After: "location ~ ^/a/(.*)$ { return 301 /b/$1; }\n"},
		},
		Source: "httpd mod_rewrite.c, do_expand; httpd util.c, ap_pregsub; nginx ngx_http_script.c, ngx_http_script_copy_capture_code",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		var w witnesses
		if g.Server == ir.Nginx {
			nginxCaptures(p, &w, g)
			return
		}
		eachRule(p, g, func(_ *ir.Scope, r *ir.Rule) { httpdCaptures(p, &w, r) })
	},
}

// httpdCaptures looks at the references of a RewriteRule, its conditions included, or of a RedirectMatch.
func httpdCaptures(p *lint.Pass, w *witnesses, r *ir.Rule) {
	if r.Match != ir.MatchRegex || r.Pattern == nil || r.Pattern.Re == nil || r.Disabled {
		return
	}
	n := r.Pattern.Re.Groups()
	if strings.Contains(r.Pattern.Text, "$1") {
		return // the pattern itself is wrong: it can never match
	}
	if t := r.Target; t != nil {
		for _, part := range references(t) {
			if part.N <= n && !r.Negated {
				continue
			}
			if groupsOfConditions(r) >= part.N && (n == 0 || r.Negated) && part.N > 0 && r.Keyword == ir.RewriteRule {
				continue // % was meant: another rule says so
			}
			captureFinding(p, w, r, part, n, "so "+withoutCapture(r, t, part))
		}
	}
	for _, c := range r.Conditions {
		for _, part := range references(c.Test) {
			if part.N > n || r.Negated {
				captureFinding(p, w, r, part, n, "so the condition tests "+quote(clip(strings.ReplaceAll(c.Test.Text, part.Text, ""), 80)))
			}
		}
	}
}

// references are the groups of the rule's pattern that a template refers to, each once, keys of maps included.
func references(t *ir.Template) (list []*ir.Part) {
	var seen [10]bool
	var walk func(t *ir.Template)
	walk = func(t *ir.Template) {
		if t == nil {
			return
		}
		for i := range t.Parts {
			part := &t.Parts[i]
			if part.Kind == ir.RuleRef && part.N < len(seen) && !seen[part.N] {
				seen[part.N] = true
				list = append(list, part)
			}
			walk(part.Key)
			walk(part.Default)
		}
	}
	walk(t)
	return list
}

func captureFinding(p *lint.Pass, w *witnesses, r *ir.Rule, part *ir.Part, n int, so string) {
	at := part.Span
	if text := raw(p, at); text != part.Text {
		if i := strings.Index(text, part.Text); i >= 0 && strings.Count(text, part.Text) == 1 {
			at.Start += int32(i)
			at.End = at.Start + int32(len(part.Text))
		}
	}
	has := fmt.Sprintf("the pattern has %d groups", n)
	help := ""
	switch {
	case r.Negated:
		has = "a negated pattern has no groups"
	case n == 0:
		has = "the pattern has no group"
	case n == 1:
		has, help = "the pattern has 1 group", "the group is `$1`"
	default:
		help = fmt.Sprintf("the groups are `$1` to `$%d`", n)
	}
	if n > 0 && !r.Negated && r.Target != nil && strings.Contains(r.Target.Text, "$"+strconv.Itoa(n)) {
		help = "take " + quote(part.Text) + " out" // the last group is in use already
	}
	d := diag.Diagnostic{Span: at, Message: has + "; " + quote(part.Text) + " is empty, " + so, Help: help}
	w.attach(p, &d, r, nil)
	p.Add(d)
}

// withoutCapture says where a rule leads without a group.
func withoutCapture(r *ir.Rule, t *ir.Template, part *ir.Part) string {
	to := quote(clip(strings.ReplaceAll(t.Text, part.Text, ""), 80))
	if to == "``" {
		to = "an empty address"
	}
	if sendsElsewhere(r) {
		return "visitors go to " + to
	}
	return "the target is " + to
}

// nginxCaptures looks at the references of rewrites, which are to their own pattern, and at those of a return where no
// regular expression of the server can have matched before.
func nginxCaptures(p *lint.Pass, w *witnesses, g *ir.Program) {
	leaks := map[*ir.Scope]bool{} // hosts where a regular expression may be in force anywhere
	anywhere := regexInHTTP(g.Root)
	eachRule(p, g, func(s *ir.Scope, r *ir.Rule) {
		if r.Target == nil || r.Disabled {
			return
		}
		refs := references(r.Target)
		if len(refs) == 0 {
			return
		}
		if r.Keyword == ir.NginxRewrite {
			if r.Pattern == nil || r.Pattern.Re == nil || strings.Contains(r.Pattern.Text, "$1") {
				return
			}
			n := r.Pattern.Re.Groups()
			for _, part := range refs {
				if part.N > n {
					captureFinding(p, w, r, part, n, "so "+withoutCapture(r, r.Target, part))
				}
			}
			return
		}
		host := hostOf(s)
		if host == nil || host.Kind != ir.ScopeHost || anywhere || host.File == nil && g.Context != ir.ContextServer {
			return
		}
		leak, known := leaks[host]
		if !known {
			leak = regexLeaks(host)
			leaks[host] = leak
		}
		if leak || regexAround(s, host) {
			return
		}
		for _, part := range refs {
			d := diag.Diagnostic{Span: part.Span, Message: "no regular expression has matched here; " + quote(part.Text) + " is empty, so " +
				withoutCapture(r, r.Target, part), Help: "name the location by a regular expression with the group: `location ~ ^/old/(.*)$`"}
			w.attach(p, &d, r, nil)
			p.Add(d)
		}
	})
}

// regexInHTTP tells whether a map has regular expressions: with its variable it sets the captures of a request.
func regexInHTTP(s *ir.Scope) bool {
	if s == nil {
		return false
	}
	for _, item := range s.Items {
		switch item := item.(type) {
		case *ir.Scope:
			if item.Kind == ir.ScopeHTTP && regexInHTTP(item) {
				return true
			}
		case *ir.MapBlock:
			if item.Incomplete != "" {
				return true
			}
			for i := range item.Entries {
				if item.Entries[i].Pattern != nil {
					return true
				}
			}
		}
	}
	return false
}

// regexLeaks tells whether a regular expression of a server may stay in force where its own block ends: one of the
// server's name or of the server level, or one in a location that sends requests on to others inside the server.
func regexLeaks(host *ir.Scope) bool {
	for _, set := range ownSettings(host, "server_name") {
		for _, a := range set.Args {
			if strings.HasPrefix(a.Text, "~") {
				return true
			}
		}
	}
	found := false
	var walk func(s *ir.Scope, regex bool)
	walk = func(s *ir.Scope, regex bool) {
		regex = regex || s.Modifier == ir.RegexLocation || s.Modifier == ir.RegexLocationCI
		for _, item := range s.Items {
			switch item := item.(type) {
			case *ir.Scope:
				if item.If != nil && item.If.Kind == ir.CondRegex {
					found = found || s == host
				}
				walk(item, regex || item.If != nil && item.If.Kind == ir.CondRegex)
			case *ir.Rule:
				if item.Keyword == ir.NginxRewrite && (s == host || item.Flow == ir.FlowLast || item.Flow == ir.FlowNext) {
					found = true
				}
			case *ir.Setting:
				switch item.Name {
				case "try_files", "error_page", "index", "auth_request", "mirror", "post_action":
					found = found || regex || s == host && item.Name != "index" && item.Name != "try_files"
				}
			case *ir.Opaque:
				found = found || !item.Harmless
			}
		}
	}
	walk(host, false)
	return found
}

// regexAround tells whether a regular expression stands around a scope or before its end.
func regexAround(s, host *ir.Scope) bool {
	for ; s != nil && s != host.Parent; s = s.Parent {
		if s.Modifier == ir.RegexLocation || s.Modifier == ir.RegexLocationCI || s.Modifier == ir.NamedLocation ||
			s.If != nil && s.If.Kind == ir.CondRegex {
			return true
		}
		for _, item := range s.Items {
			switch item := item.(type) {
			case *ir.Scope:
				if item.If != nil && item.If.Kind == ir.CondRegex {
					return true
				}
			case *ir.Rule:
				if item.Keyword == ir.NginxRewrite {
					return true
				}
			}
		}
	}
	return false
}
