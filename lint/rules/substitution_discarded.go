package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var substitutionDiscarded = lint.Rule{
	Code: "RD108", ID: "substitution-discarded", Severity: diag.Warning, For: lint.Both, Fix: diag.Safe, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "an address that the status makes the server ignore",
		Text: "With F, G or a status that is no redirect httpd answers at once and never looks at the substitution: " +
			"`RewriteRule ^(.*)$ /406.html [R=406,L]` shows the built-in page, not 406.html. The page of a status is named by " +
			"ErrorDocument. nginx sends the address behind `return 404` as the text of the answer.",
		Silence: "a dummy such as `index.php [F]` does no harm and is reported as info only",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^(.*)$ /406.html [R=406,L]\n",
				After: "ErrorDocument 406 /406.html\nRewriteEngine On\nRewriteRule ^(.*)$ - [R=406,L]\n"},
			{Server: ir.Nginx, Before: "return 404 https://x.example/nf;\n", After: "return 404;\n"},
		},
		Source: "httpd mod_rewrite.c, cmd_rewriterule (RULEFLAG_STATUS); nginx ngx_http_core_module.c, ngx_http_send_response",
	},
	Program: checkDiscarded,
}

func checkDiscarded(p *lint.Pass, g *ir.Program) {
	var pages map[string]string // ErrorDocument by status, made when first needed
	eachScope(g, func(s *ir.Scope) {
		for _, item := range s.Items {
			r, ok := item.(*ir.Rule)
			if !ok || r.File == nil || r.Disabled {
				continue
			}
			p.File = r.File
			switch {
			case r.Keyword == ir.RewriteRule && r.Discarded && r.Status != 0 && r.Status/100 != 3:
				if pages == nil {
					pages = errorDocuments(g)
				}
				discardedTarget(p, r, pages)
			case r.Keyword == ir.NginxReturn && r.Body != nil:
				addressAsBody(p, r)
			}
		}
	})
}

// errorDocuments are the addresses of ErrorDocument by status.
func errorDocuments(g *ir.Program) map[string]string {
	out := map[string]string{}
	eachScope(g, func(s *ir.Scope) {
		for _, item := range s.Items {
			if d, ok := item.(*ir.Setting); ok && d.Name == "ErrorDocument" {
				out[d.Arg(0)] = d.Arg(1)
			}
		}
	})
	return out
}

func discardedTarget(p *lint.Pass, r *ir.Rule, pages map[string]string) {
	if len(r.Args) < 2 {
		return
	}
	text := r.Args[1].Text
	flag := answerFlag(r)
	if flag == "" || text == "" {
		return
	}
	status := fmt.Sprint(r.Status)
	page, set := pages[status]
	d := diag.Diagnostic{Span: r.TargetSpan, Fixes: []diag.Fix{write(diag.Safe, r.TargetSpan, "-")}}
	switch {
	case set && sameAddress(page, text):
		d.Severity = diag.Info
		d.Message = fmt.Sprintf("with %s httpd ignores the address; that %s is shown is the work of ErrorDocument %s", quote(flag), quote(text), status)
	case set:
		d.Message = fmt.Sprintf("with %s httpd ignores the address; visitors get what ErrorDocument %s names, %s, not %s",
			quote(flag), status, quote(clip(page, 60)), quote(clip(text, 80)))
	default:
		d.Message = fmt.Sprintf("with %s httpd ignores the address; visitors get the page of status %s, not %s", quote(flag), status, quote(clip(text, 80)))
		if dummyTarget(text) || !strings.HasPrefix(flag, "R") && !strings.HasPrefix(flag, "r") && !strings.ContainsAny(text, "./") {
			d.Severity = diag.Info
		}
	}
	if strings.HasPrefix(text, "/") && !set && !strings.ContainsAny(text, "$%") {
		d.Help = fmt.Sprintf("write `ErrorDocument %s %s` to show that page, and `-` here", status, text)
	}
	p.Add(d)
}

// answerFlag is the flag that makes a rule answer with its status: the last F, G or R that is no redirect.
func answerFlag(r *ir.Rule) string {
	out := ""
	for _, f := range r.Flags {
		switch f.Name {
		case "F", "G":
			out = f.Text
		case "R":
			if n, _ := atoi(f.Value); n == r.Status {
				out = f.Text
			}
		}
	}
	return out
}

// sameAddress tells whether an ErrorDocument names the address a rule names.
func sameAddress(page, target string) bool {
	page, _, _ = strings.Cut(page, "?")
	target, _, _ = strings.Cut(target, "?")
	return strings.TrimPrefix(page, "/") == strings.TrimPrefix(target, "/")
}

// dummyTarget tells whether a target is one of those that are written where none is wanted.
func dummyTarget(text string) bool {
	switch strings.TrimPrefix(text, "/") {
	case "", ".", "index.php", "index.html", "index.htm", "$1", "$0", "%{REQUEST_URI}", "F":
		return true
	}
	return false
}

// addressAsBody speaks of `return 404 https://…`, whose address is sent as text.
func addressAsBody(p *lint.Pass, r *ir.Rule) {
	text := r.Body.Text
	if r.Status < 200 || r.Status >= 300 && r.Status < 400 || len(r.Args) < 2 || strings.ContainsAny(text, " \n<{\"") {
		return
	}
	address := strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://") || strings.HasPrefix(text, "$scheme://")
	path := strings.HasPrefix(text, "/") && r.Status >= 400
	if !address && !path {
		return
	}
	head := fmt.Sprintf("`return %d` takes a text, no address: visitors see the words %s", r.Status, quote(clip(text, 80)))
	span := source.Span{Start: r.Args[0].Span.End, End: r.Args[1].Span.End}
	d := diag.Diagnostic{Span: r.Args[1].Span, Message: head}
	if r.Status >= 400 {
		d.Fixes = []diag.Fix{{Title: "drop the address", Safety: diag.Risky, Edits: source.Replace(span, "")}}
		d.Help = fmt.Sprintf("`error_page %d` names the page of a status", r.Status)
	}
	p.Add(d)
}
