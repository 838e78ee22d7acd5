package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var headerMissingOnRedirect = lint.Rule{
	Code: "RD405", ID: "header-missing-on-redirect", Severity: diag.Warning, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "Strict-Transport-Security is left out where `always` is missing",
		Text: "Without `always` httpd puts a header on answers of 2xx only: the redirect from example.com to www.example.com and every error go out without it, and a " +
			"visitor of example.com alone never gets it. nginx puts it on redirects, and leaves it out of 404 and 500.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "Header set Strict-Transport-Security \"max-age=31536000\"\nRedirect 301 /a /b\n", After: "Header always set Strict-Transport-Security \"max-age=31536000\"\nRedirect 301 /a /b\n"},
			{Server: ir.Nginx, Before: "add_header Strict-Transport-Security \"max-age=31536000\";\nlocation /a { return 404; }\n", After: "add_header Strict-Transport-Security \"max-age=31536000\" always;\nlocation /a { return 404; }\n"},
		},
		Source: "httpd manual, mod_headers: Header; nginx ngx_http_headers_module, add_header",
	},
	Program: func(p *lint.Pass, _ *ir.Program) {
		if p.Unit.Input.Server == ir.Nginx {
			missingOnErrors(p)
			return
		}
		said := map[ir.Origin]bool{}
		asked := 0
		for _, r := range redirectsOf(p.Unit) {
			set := headerOver(p.Unit, r, "Strict-Transport-Security")
			if set == nil || said[set.Origin] || asked >= 20 {
				continue
			}
			asked++
			site := p.Site()
			if site == nil {
				return
			}
			q, ok := site.Reach(r.rule)
			if !ok {
				continue
			}
			q.Request.Scheme, q.Request.Port = "https", 0
			c := chainOf(site, q)
			o := &c.Hops[0].Outcome
			if !o.Known || o.Status != r.status || sendsHeader(o, "Strict-Transport-Security") {
				continue
			}
			d := directiveAt(p, set.Origin)
			if d == nil {
				continue
			}
			said[set.Origin] = true
			f := diag.Diagnostic{File: d.File, Span: d.Args[0].Span, Witness: site.Witness(&c), Help: "write `Header always set`",
				Message: fmt.Sprintf("without `always` httpd leaves Strict-Transport-Security out of redirects and errors, such as this %d to %s", r.status, quote(clip(*o.Location, 60))),
				Related: []diag.Related{{File: r.at.File, Span: r.at.Line, Message: "this redirect goes without it"}}}
			if strings.EqualFold(d.Arg(0), "onsuccess") {
				f.Fixes = []diag.Fix{write(diag.Risky, d.Args[0].Span, "always")}
			} else {
				f.Fixes = []diag.Fix{{Title: "write `always`", Safety: diag.Risky, Edits: source.Insert(d.Args[0].Span.Start, "always ")}}
			}
			p.Add(f)
		}
	},
}

// headerOver is the Header directive without always that sets a header in a section around a redirect, when none there
// sets it always.
func headerOver(u *lint.Unit, r *redirect, name string) *ir.Setting {
	var found *ir.Setting
	for _, s := range r.scopes {
		for _, set := range settingsOf(u, s) {
			if !strings.EqualFold(set.Name, "Header") || set.File == nil {
				continue
			}
			args := set.Args
			always := len(args) > 0 && strings.EqualFold(args[0].Text, "always")
			if len(args) > 0 && (always || strings.EqualFold(args[0].Text, "onsuccess")) {
				args = args[1:]
			}
			if len(args) < 3 || !strings.EqualFold(strings.TrimSuffix(args[1].Text, ":"), name) || !strings.EqualFold(args[0].Text, "set") && !strings.EqualFold(args[0].Text, "add") {
				continue
			}
			if always {
				return nil
			}
			found = set
		}
	}
	return found
}

// missingOnErrors is the rule for nginx: a server that answers errors itself, and whose header is not on them. A block with an
// add_header of its own inherits none.
func missingOnErrors(p *lint.Pass) {
	without := map[*lint.Directive]*lint.Directive{} // the header without always, by the block it stands in
	own := map[*lint.Directive]bool{}
	for _, d := range p.Unit.Named("add_header") {
		own[d.Parent] = true
		if h, ok := setsHeader(d); ok && !h.always && !d.Refused && strings.EqualFold(h.name, "Strict-Transport-Security") && len(d.Args) == 2 {
			without[d.Parent] = d
		}
	}
	if len(without) == 0 {
		return
	}
	for _, name := range []string{"return", "try_files"} {
		for _, e := range p.Unit.Named(name) {
			if !answersError(e) {
				continue
			}
			s := e.Parent
			for s != nil && !own[s] {
				s = s.Parent
			}
			d := without[s]
			if d == nil || d.File != e.File {
				continue
			}
			delete(without, s)
			p.Add(diag.Diagnostic{File: d.File, Span: d.Args[0].Span, Help: "write `always` behind the value",
				Message: "without `always` nginx leaves Strict-Transport-Security out of 4xx and 5xx, which " + quote(clip(e.File.Slice(e.Line), 60)) + " sends",
				Related: []diag.Related{{File: e.File, Span: e.Line, Message: "this answer goes without it"}},
				Fixes:   []diag.Fix{{Title: "write `always`", Safety: diag.Risky, Edits: source.Insert(d.Args[1].Span.End, " always")}}})
		}
	}
}

// answersError tells whether a directive of nginx answers an error by itself: return 404, try_files … =404.
func answersError(e *lint.Directive) bool {
	if e.Refused || len(e.Args) == 0 {
		return false
	}
	if e.Is("try_files") {
		last := e.Arg(len(e.Args) - 1)
		return strings.HasPrefix(last, "=4") || strings.HasPrefix(last, "=5")
	}
	code := e.Arg(0)
	return len(code) == 3 && (code[0] == '4' || code[0] == '5') && code != "444"
}
