package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

// maxRefresh is the longest delay, in seconds, with which a refresh is taken for a redirect.
const maxRefresh = 5

var refreshRedirect = lint.Rule{
	Code: "RD314", ID: "refresh-redirect", Severity: diag.Warning, For: lint.Both, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "a Refresh header in place of a redirect",
		Text: "The page is sent and shown, and the browser goes on by itself: there is no status that says so, the back button leads back into it, " +
			"and search engines are slower to follow. 301 or 302 do it before anything is shown.",
		Silence: "A delay of more than five seconds reloads a page and is no redirect.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "Header set Refresh \"0; url=https://x.example/\"\n", After: "Redirect 302 / https://x.example/\n"},
			{Server: ir.Nginx, Before: "add_header Refresh \"0; url=https://x.example/\";\n", After: "return 302 https://x.example/;\n"},
		},
		Source: "HTML Standard, Refresh header; W3C WCAG technique F40",
	},
	Directive: func(p *lint.Pass, d *lint.Directive) {
		if d.Inactive || d.Refused {
			return
		}
		h, ok := setsHeader(d)
		if !ok || !strings.EqualFold(h.name, "Refresh") {
			return
		}
		delay, url, ok := readRefresh(h.value.Text)
		if !ok || delay > maxRefresh {
			return
		}
		p.Add(diag.Diagnostic{Span: h.value.Span, Help: "redirect with 301 or 302",
			Message: fmt.Sprintf("the page sends the browser on to %s after %d seconds, not the server: no status says so, and the back button leads back into it", quote(clip(url, 60)), delay)})
	},
}

// readRefresh takes the value of a Refresh header apart: "0; url=https://x.example/".
func readRefresh(value string) (delay int, url string, ok bool) {
	value = strings.TrimSpace(value)
	delay, rest := atoi(value)
	if rest == value {
		return 0, "", false
	}
	rest = strings.TrimLeft(rest, " .0123456789")
	rest = strings.TrimLeft(rest, ";, ")
	if len(rest) < 4 || !strings.EqualFold(rest[:3], "url") {
		return delay, "", false
	}
	rest = strings.TrimSpace(rest[3:])
	if !strings.HasPrefix(rest, "=") {
		return delay, "", false
	}
	url = strings.Trim(strings.TrimSpace(rest[1:]), "'\"")
	return delay, url, url != ""
}
