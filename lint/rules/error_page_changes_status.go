package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var errorPageChangesStatus = lint.Rule{
	Code: "RD311", ID: "error-page-changes-status", Severity: diag.Warning, For: lint.Both, Fix: diag.Risky, Since: "0.2",
	Doc: lint.Doc{
		Title: "an error page that hides the error",
		Text: "With an absolute address as error document the server redirects to it with 302: crawlers see a page that moved and then a page that is fine, " +
			"and never the 404. nginx's `=200` sends the error page as if it were the page that was asked for.",
		Silence: "When the page is the application itself, as with `error_page 404 =200 /index.html`.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "ErrorDocument 404 https://example.com/404.html\n", After: "ErrorDocument 404 /404.html\n"},
			{Server: ir.Nginx, Before: "error_page 404 =200 /404.html;\n", After: "error_page 404 /404.html;\n"},
		},
		Source: "httpd manual, core: ErrorDocument; nginx ngx_http_core_module, error_page",
	},
	Directive: func(p *lint.Pass, d *lint.Directive) {
		if d.Inactive || d.Refused {
			return
		}
		if d.Server == ir.Nginx {
			checkErrorPage(p, d)
			return
		}
		if !d.Is("ErrorDocument") || len(d.Args) < 2 || !errorStatuses[d.Arg(0)] {
			return
		}
		text := d.Arg(1)
		if !hasHTTP(text) || strings.ContainsAny(text, " \n") {
			return
		}
		path := "/"
		if i := strings.IndexByte(text[8:], '/'); i >= 0 {
			path = text[8+i:]
		}
		f := diag.Diagnostic{Span: d.Args[1].Span, Help: "name the page by its path",
			Message: fmt.Sprintf("an absolute address has httpd answer 302 in place of %s: crawlers never see the %s", d.Arg(0), d.Arg(0))}
		if d.Args[1].Quote == 0 && !strings.Contains(path, "%{") && ownPage(p, text) {
			f.Fixes = []diag.Fix{write(diag.Risky, d.Args[1].Span, path)}
		}
		f.Witness = hiddenError(p, d.Arg(0), text)
		p.Add(f)
	},
}

// ownPage tells whether an address is of the site itself, so that its path alone names the same page.
func ownPage(p *lint.Pass, address string) bool {
	host, _, _ := splitAddress(address)
	return host != "" && p.Unit.ServesHost(host) != 0
}

// errorStatuses are those whose loss hides a fault. 401 is not among them: httpd ignores an address for it.
var errorStatuses = map[string]bool{"400": true, "403": true, "404": true, "410": true, "500": true, "502": true, "503": true, "504": true}

func hasHTTP(s string) bool {
	s = strings.ToLower(s)
	return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://")
}

func checkErrorPage(p *lint.Pass, d *lint.Directive) {
	if !d.Is("error_page") || len(d.Args) < 2 {
		return
	}
	last := d.Args[len(d.Args)-1]
	codes := d.Args[:len(d.Args)-1]
	equal := -1
	if strings.HasPrefix(codes[len(codes)-1].Text, "=") {
		equal = len(codes) - 1
		codes = codes[:equal]
	}
	code := ""
	for _, c := range codes {
		if errorStatuses[c.Text] && (code == "" || c.Text == "404") {
			code = c.Text
		}
		if c.Text == "405" || c.Text == "497" || c.Text == "418" || c.Text == "401" {
			return // tricks with their own purpose
		}
	}
	if code == "" {
		return
	}
	switch {
	case equal < 0 && (hasHTTP(last.Text) || strings.HasPrefix(last.Text, "$scheme://")):
		f := diag.Diagnostic{Span: last.Span, Help: "name the page by its path",
			Message: fmt.Sprintf("an absolute address has nginx answer 302 in place of %s: crawlers never see the %s", code, code)}
		if hasHTTP(last.Text) && last.Quote == 0 && !strings.Contains(last.Text, "$") && ownPage(p, last.Text) {
			path := "/"
			if i := strings.IndexByte(last.Text[8:], '/'); i >= 0 {
				path = last.Text[8+i:]
			}
			f.Fixes = []diag.Fix{write(diag.Risky, last.Span, path)}
		}
		f.Witness = hiddenError(p, code, last.Text)
		p.Add(f)
	case equal >= 0 && d.Args[equal].Text == "=200" && !strings.HasPrefix(last.Text, "@"):
		severity := diag.Warning
		name := last.Text[strings.LastIndexByte(last.Text, '/')+1:]
		if name == "" || strings.HasPrefix(name, "index.") || strings.HasPrefix(name, "app.") || strings.Contains(last.Text, "$") || strings.Contains(name, "?") ||
			strings.HasSuffix(name, ".gif") || strings.HasSuffix(name, ".json") || strings.HasSuffix(name, ".png") {
			severity = diag.Info // the application itself, or what stands in for an image or an answer
		}
		p.Add(diag.Diagnostic{Span: d.Args[equal].Span, Severity: severity, Witness: hiddenError(p, code, last.Text),
			Message: fmt.Sprintf("a request that fails with %s is answered 200 with %s: crawlers never see the %s", code, quote(clip(last.Text, 60)), code),
			Help:    "leave `=200` out and the page keeps its status",
			Fixes:   []diag.Fix{{Title: "remove `=200`", Safety: diag.Risky, Edits: source.Replace(source.Span{Start: d.Args[equal].Span.Start, End: last.Span.Start}, "")}}})
	}
}
