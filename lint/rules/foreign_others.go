package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

// otherSyntax explains directives that neither httpd nor nginx has, by the program they belong to: lines of the
// _redirects file of Netlify and its kin, Caddy's redir, the elements of a web.config of IIS.
func otherSyntax(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
	if d.Code != "RD001" && d.Code != "RD019" && d.Code != "RD023" {
		return d, false
	}
	name := at.Name.Text
	switch {
	case redirectsLine(at):
		d.Span = at.Line
		status := strings.TrimSuffix(at.Arg(1), "!")
		if status == "" {
			status = "301"
		}
		d.Message = quote(clip(raw(p, at.Name.Span)+" "+at.Arg(0), 60)) + " is a line of a `_redirects` file; " + p.Refusal()
		if at.Server == ir.Apache {
			text := "Redirect " + status + " " + name + " " + at.Arg(0)
			d.Help = "httpd's form is " + quote(text)
			if strings.HasPrefix(name, "/") && !strings.ContainsAny(text, "*:\"'$\\") {
				d.Fixes = []diag.Fix{write(diag.Risky, at.Line, text)}
			}
		} else {
			d.Help = "nginx's form is " + quote("location = "+name+" { return "+status+" "+at.Arg(0)+"; }")
		}
		return d, true
	case name == "redir" && len(at.Args) > 0 && d.Code != "RD023":
		d.Span = at.Name.Span
		d.Message = "`redir` is a directive of Caddy; " + p.Refusal()
		d.Help = "httpd's form is `Redirect 301 /a /b`"
		if at.Server == ir.Nginx {
			d.Help = "nginx's form is `location = /a { return 301 /b; }`"
		}
		return d, true
	case iisElements[strings.ToLower(strings.Trim(name, "<>/"))] && (at.Section || strings.HasPrefix(name, "<")):
		d.Span = at.Name.Span
		d.Message = quote("<"+strings.Trim(name, "<>/")+">") + " is of a web.config of IIS; " + p.Refusal()
		return d, true
	}
	return d, false
}

// iisElements are elements of the rewrite module of IIS that are no sections of httpd, lower case.
var iisElements = map[string]bool{"rewrite": true, "rules": true, "rule": true, "configuration": true, "system.webserver": true,
	"httpredirect": true, "outboundrules": true, "rewritemaps": true}

// redirectsLine tells whether a directive is "/from /to 301".
func redirectsLine(at *lint.Directive) bool {
	n := len(at.Args)
	if at.Section || n < 1 || n > 2 || !strings.HasPrefix(at.Name.Text, "/") || !looksLikeAddress(at.Arg(0)) {
		return false
	}
	code, rest := atoi(at.Arg(1))
	return n == 1 || assigned[code] && (rest == "" || rest == "!")
}
