package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var addHeaderNotInherited = lint.Rule{
	Code: "RD117", ID: "add-header-not-inherited", Severity: diag.Warning, For: lint.Nginx, Fix: diag.Risky, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "an add_header that cancels those of the block around it",
		Text: "nginx inherits `add_header` only into blocks that have none of their own. One line for one header in a location takes away " +
			"Strict-Transport-Security, Content-Security-Policy and the rest of what the server sets, from redirects, too.",
		Silence: "the headers are not wanted there; `add_header_inherit merge` (nginx 1.29.3) keeps them",
		Examples: []lint.Example{{Server: ir.Nginx,
			Before: "add_header Strict-Transport-Security \"max-age=31536000\" always;\nlocation /a {\n    add_header X-A 1;\n    return 301 /b;\n}\n",
			After: "add_header Strict-Transport-Security \"max-age=31536000\" always;\nlocation /a {\n    add_header X-A 1;\n" +
				"    add_header Strict-Transport-Security \"max-age=31536000\" always;\n    return 301 /b;\n}\n"}},
		Source: "nginx ngx_http_headers_module.c, ngx_http_headers_merge_conf",
	},
	Program: checkAddHeader,
}

// guardHeaders are headers, in lower case, whose loss is a loss of protection, and caching that was asked for.
var guardHeaders = map[string]bool{
	"strict-transport-security": true, "content-security-policy": true, "x-frame-options": true, "x-content-type-options": true,
	"referrer-policy": true, "permissions-policy": true, "cross-origin-opener-policy": true, "cross-origin-embedder-policy": true,
	"cross-origin-resource-policy": true, "cache-control": true,
}

// addHeaders are the add_header directives of a scope itself.
func addHeaders(s *ir.Scope) []*ir.Setting {
	var out []*ir.Setting
	for _, item := range s.Items {
		if set, ok := item.(*ir.Setting); ok && set.Name == "add_header" && len(set.Args) >= 2 {
			out = append(out, set)
		}
	}
	return out
}

func checkAddHeader(p *lint.Pass, g *ir.Program) {
	// outer are the headers in force around a scope, merge whether they are kept beside its own.
	var walk func(s *ir.Scope, outer []*ir.Setting, merge bool)
	walk = func(s *ir.Scope, outer []*ir.Setting, merge bool) {
		if s == nil {
			return
		}
		if word := inheritWord(s); word != "" {
			merge = word != "on" // merge and off both say that it is known
		}
		own := addHeaders(s)
		if len(own) > 0 {
			if len(outer) > 0 && !merge && !readsMore(s) {
				lostHeaders(p, s, own, outer)
			}
			outer = own
		}
		for _, item := range s.Items {
			if inner, ok := item.(*ir.Scope); ok {
				walk(inner, outer, merge)
			}
		}
	}
	walk(g.Root, nil, false)
}

// inheritWord is what add_header_inherit says in a scope itself; empty when it says nothing.
func inheritWord(s *ir.Scope) string {
	for _, item := range s.Items {
		if o, ok := item.(*ir.Opaque); ok && o.Name == "add_header_inherit" && len(o.Args) > 0 {
			return o.Args[0].Text
		}
	}
	return ""
}

// readsMore tells whether a scope takes in a file that could not be read.
func readsMore(s *ir.Scope) bool {
	for _, item := range s.Items {
		if o, ok := item.(*ir.Opaque); ok && o.Name == "include" && !o.Harmless {
			return true
		}
	}
	return false
}

func lostHeaders(p *lint.Pass, s *ir.Scope, own, outer []*ir.Setting) {
	set := map[string]bool{}
	for _, h := range own {
		set[strings.ToLower(h.Arg(0))] = true
	}
	if settingOf(s, "expires") != nil {
		set["cache-control"] = true
	}
	var lost []*ir.Setting
	seen := map[string]bool{}
	for _, h := range outer {
		name := strings.ToLower(h.Arg(0))
		if guardHeaders[name] && !set[name] && !seen[name] && h.Arg(1) != "" {
			seen[name] = true
			lost = append(lost, h)
		}
	}
	first := own[0]
	if len(lost) == 0 || first.File == nil || len(own) == 1 && own[0].Arg(0) == "" {
		return // `add_header "" ""` is the way to say that none are wanted
	}
	p.File = first.File
	quiet := staticFiles(s)
	var names []string
	d := diag.Diagnostic{Span: first.Span}
	at := indentation(first.File, first.Span.Start)
	text := ""
	for _, h := range lost {
		names = append(names, h.Arg(0))
		quiet = quiet && pageHeader(strings.ToLower(h.Arg(0)))
		d.Related = append(d.Related, diag.Related{File: h.File, Span: h.Args[0].Span, Message: "this is not sent from there"})
		line := strings.TrimSpace(h.File.Slice(h.Span))
		text += newline(first.File, first.Span.Start) + at + strings.TrimSuffix(line, ";") + ";"
	}
	d.Message = fmt.Sprintf("`add_header %s` here cancels what is inherited: %s is not sent from %s", first.Arg(0), enumerate(names), headOf(s))
	if quiet {
		d.Severity = diag.Info
	}
	if len(names) > 1 {
		d.Message = fmt.Sprintf("`add_header %s` here cancels what is inherited: %s are not sent from %s", first.Arg(0), enumerate(names), headOf(s))
	}
	if s.File == first.File && !strings.Contains(text, "\n#") {
		d.Fixes = []diag.Fix{{Title: "repeat the inherited headers", Safety: diag.Risky, Edits: source.Insert(first.Span.End, text)}}
	}
	d.Help = "repeat the headers here, put them into a file that both places include, or write `add_header_inherit merge` (nginx 1.29.3)"
	p.Add(d)
}

// pageHeader tells whether a header says something of pages only; on a picture or a script nobody reads it.
func pageHeader(name string) bool {
	switch name {
	case "x-frame-options", "referrer-policy", "permissions-policy", "content-security-policy", "cross-origin-opener-policy",
		"cross-origin-embedder-policy":
		return true
	}
	return false
}

// staticFiles tells whether a location is one of endings that are no pages: its pattern matches none of theirs.
func staticFiles(s *ir.Scope) bool {
	if s.Kind != ir.ScopeLocation || s.Pattern == nil || s.Pattern.Re == nil || !strings.Contains(s.Pattern.Text, `\.`) {
		return false
	}
	for _, page := range []string{"/", "/a", "/a/", "/a.html", "/a.htm", "/a.php", "/index.html", "/index.php", "/a.svg.html"} {
		if hit, err := s.Pattern.Re.MatchBool(page); hit || err != nil {
			return false
		}
	}
	return true
}

// headOf names a block in a message.
func headOf(s *ir.Scope) string {
	if s.File == nil {
		return "here"
	}
	return quote(clip(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(s.File.Slice(s.Span)), "{")), 60))
}

// enumerate joins names for "… are not sent".
func enumerate(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}
