package rules

import (
	"fmt"
	"strconv"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

// statusAt is a place where a directive names the status of its answer.
type statusAt struct {
	text   string
	span   source.Span
	target bool // an address follows
}

// writtenStatus finds the status a directive writes; ok is false when it writes none.
func writtenStatus(p *lint.Pass, d *lint.Directive) (s statusAt, ok bool) {
	switch {
	case d.Server == ir.Apache && d.Is("RewriteRule"):
		list, ok := readFlags(p, d)
		if !ok {
			return s, false
		}
		f, ok := hasFlag(ruleFlags, list, "R")
		if !ok || f.value == "" {
			return s, false
		}
		return statusAt{f.value, f.valSet, d.Arg(1) != "-"}, true
	case d.Server == ir.Apache && d.Is("Redirect", "RedirectMatch"):
		if len(d.Args) == 0 || !startsWithDigit(d.Arg(0)) {
			return s, false
		}
		return statusAt{d.Arg(0), d.Args[0].Inner(), len(d.Args) == 3}, true
	case d.Server == ir.Nginx && d.Is("return"):
		if len(d.Args) == 0 || !startsWithDigit(d.Arg(0)) {
			return s, false
		}
		return statusAt{d.Arg(0), d.Args[0].Inner(), len(d.Args) == 2 && looksLikeAddress(d.Arg(1))}, true
	}
	return s, false
}

// looksLikeAddress tells whether a text is a URL or a path, as a target is, and no message for people.
func looksLikeAddress(s string) bool {
	return !strings.ContainsAny(s, " \n{<") && (strings.HasPrefix(s, "/") || strings.HasPrefix(s, "http://") ||
		strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "$scheme://"))
}

// assigned are the status codes that RFC 9110, the IANA registry or common use know.
var assigned = func() map[int]bool {
	m := map[int]bool{}
	for _, r := range [][2]int{{100, 103}, {200, 208}, {226, 226}, {300, 308}, {400, 418}, {421, 426}, {428, 429}, {431, 431},
		{451, 451}, {500, 508}, {510, 511}} {
		for n := r[0]; n <= r[1]; n++ {
			m[n] = true
		}
	}
	return m
}()

// redirects are the codes a browser follows.
var redirects = []string{"301", "302", "303", "307", "308"}

// nearStatus is the redirect code that was most likely meant by a number that is none.
func nearStatus(text string) []string {
	fixed := strings.NewReplacer("O", "0", "o", "0", "l", "1", "I", "1", "-", "0").Replace(text)
	var exact []string
	for _, r := range redirects {
		if fixed == r {
			return []string{r}
		}
		if len(fixed) == 3 && sameDigits(fixed, r) {
			exact = append(exact, r)
		}
	}
	if len(exact) == 1 {
		return exact
	}
	var out []string
	best := 2
	for _, r := range redirects {
		if c := edits(fixed, r); c < best {
			best, out = c, []string{r}
		} else if c == best && c < 2 {
			out = append(out, r)
		}
	}
	return out
}

func sameDigits(a, b string) bool {
	var count [256]int
	for i := 0; i < len(a); i++ {
		count[a[i]]++
		count[b[i]]--
	}
	return count == [256]int{}
}

// edits is 1 when one digit is inserted, lost, replaced or swapped with its neighbour, and 2 for anything more.
func edits(a, b string) int {
	if a == b {
		return 0
	}
	if oneSlip(a, b) {
		return 1
	}
	return 2
}

var notARedirectStatus = lint.Rule{
	Code: "RD304", ID: "not-a-redirect-status", Severity: diag.Error, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a 3xx code that browsers do not follow",
		Text: "300, 304, 305 and 306 are no redirects: 304 means \"use your cached copy\", 305 and 306 are obsolete, 300 is a list of " +
			"choices. httpd sends them with a Location that nobody follows, nginx sends the address as the body.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "Redirect 304 /a /b\n", After: "Redirect 303 /a /b\n"},
			{Server: ir.Nginx, Before: "return 304 /b;\n", After: "return 303 /b;\n"},
		},
		Source: "RFC 9110 §15.4",
	},
	Explain: withRefusal,
	Directive: func(p *lint.Pass, d *lint.Directive) {
		s, ok := writtenStatus(p, d)
		if !ok || d.Refused || !s.target {
			return
		}
		n, _ := atoi(s.text)
		meaning := map[int]string{300: "300 is a list of choices", 304: "304 means \"use your cached copy\"",
			305: "305 is obsolete", 306: "306 is unused"}[n]
		if meaning == "" {
			return
		}
		p.Report(s.span, meaning+"; no browser follows it to "+quote(clip(d.Args[len(d.Args)-1].Text, 60)),
			diag.Fix{Title: "write `303`, or `302`", Safety: diag.Risky, Edits: source.Replace(s.span, "303")})
	},
}

var noSuchStatus = lint.Rule{
	Code: "RD305", ID: "no-such-status", Severity: diag.Error, For: lint.Both, Fix: diag.Safe, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "there is no such status",
		Text: "httpd refuses `R=310` and `R=3-7`, but takes `Redirect 310 /a /b` and answers 500 for that path. nginx takes every " +
			"number up to 999 and sends it; no browser follows `HTTP/1.1 031`.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^a$ /b [R=031,L]\n", After: "RewriteEngine On\nRewriteRule ^a$ /b [R=301,L]\n"},
			{Server: ir.Nginx, Before: "return 310 /b;\n", After: "return 301 /b;\n"},
		},
		Source: "httpd mod_rewrite.c, cmd_rewriterule_setflag; nginx ngx_http_rewrite_module.c, ngx_http_rewrite_return",
	},
	Explains: []string{"RD305", "RD029", "RD009"}, Precedence: 15,
	Explain: func(p *lint.Pass, d diag.Diagnostic, at *lint.Directive) (diag.Diagnostic, bool) {
		own := d.Code == "RD305"
		if at == nil {
			return d, own
		}
		s, ok := writtenStatus(p, at)
		if !ok || !own && !strings.Contains(d.ServerMessage, "return code") && !strings.Contains(d.ServerMessage, "response code") {
			if own {
				return withRefusal(p, d, at)
			}
			return d, false
		}
		d.Span = s.span
		d.Message = "there is no status " + quote(s.text) + "; " + p.Refusal()
		near := nearStatus(s.text)
		if len(near) > 0 {
			d.Message = "there is no status " + quote(s.text) + "; did you mean " + either(near) + "? " + p.Refusal()
		}
		if len(near) == 1 {
			d.Fixes = []diag.Fix{write(diag.Safe, s.span, near[0])}
		}
		return d, true
	},
	Directive: func(p *lint.Pass, d *lint.Directive) {
		s, ok := writtenStatus(p, d)
		if !ok || d.Refused {
			return
		}
		n, rest := atoi(s.text)
		known := assigned[n] && rest == "" && len(s.text) == 3
		switch {
		case known, d.Is("RewriteRule"): // what httpd does not know it refuses in a RewriteRule
			return
		case d.Server == ir.Nginx:
			if n >= 400 || len(s.text) == 3 && (n == 299 || n == 0) || rest != "" {
				return // private codes are common, 444 and 499 mean something to nginx
			}
		case rest != "" && assigned[n]:
			return // atoi stops there, and the number is good
		}
		message := fmt.Sprintf("there is no status %s; nginx sends it, and no browser follows it", s.text)
		if d.Server == ir.Apache {
			message = fmt.Sprintf("there is no status %s; httpd takes it and answers 500 for %s", s.text, quote(clip(d.Arg(1), 60)))
		}
		near := nearStatus(s.text)
		var fixes []diag.Fix
		if len(near) > 0 {
			message += ". Did you mean " + either(near) + "?"
		}
		if len(near) == 1 {
			fixes = append(fixes, write(diag.Risky, s.span, near[0]))
		}
		p.Report(s.span, message, fixes...)
	},
}

var redirectWithoutTarget = lint.Rule{
	Code: "RD306", ID: "redirect-without-target", Severity: diag.Error, For: lint.Both, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a redirect that goes nowhere",
		Text: "In a RewriteRule `-` means that nothing is substituted, and without a new address httpd ignores `R=301`: the request " +
			"goes on unchanged. `return 301;` of nginx sends an empty Location.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^a$ - [R=301,L]\n", After: "RewriteEngine On\nRewriteRule ^a$ /b [R=301,L]\n"},
			{Server: ir.Nginx, Before: "return 301;\n", After: "return 301 /b;\n"},
		},
		Source: "httpd mod_rewrite.c, apply_rewrite_rule; nginx ngx_http_script_return_code",
	},
	Explain: withRefusal,
	Directive: func(p *lint.Pass, d *lint.Directive) {
		if d.Refused {
			return
		}
		switch {
		case d.Server == ir.Nginx && d.Is("return") && len(d.Args) == 1 && isNginxRedirect(d.Arg(0)):
			goesNowhere(p, d, diag.Diagnostic{Span: d.Args[0].Span, Message: "`return " + d.Arg(0) + "` without an address sends an empty Location, which browsers do not follow"})
		case d.Server == ir.Apache && d.Is("RewriteRule") && d.Arg(1) == "-":
			list, ok := readFlags(p, d)
			if !ok {
				return
			}
			f, ok := hasFlag(ruleFlags, list, "R")
			if !ok || forbids(list) {
				return
			}
			n := 302
			if startsWithDigit(f.value) {
				n, _ = strconv.Atoi(f.value[:min(3, len(f.value))])
			}
			if n >= 300 && n < 400 {
				goesNowhere(p, d, diag.Diagnostic{Span: d.Args[1].Span, Message: "\"-\" means no new address, so " + quote(f.text) + " is ignored and the request goes on unchanged"})
			}
		}
	},
}

// goesNowhere reports a redirect without an address, with a request that shows it.
func goesNowhere(p *lint.Pass, at *lint.Directive, d diag.Diagnostic) {
	if r := ruleAt(p, at); r != nil {
		var w witnesses
		w.attach(p, &d, r, nil)
	}
	p.Add(d)
}

// forbids tells whether F or G is among the flags.
func forbids(list []flag) bool {
	_, f := hasFlag(ruleFlags, list, "F")
	_, g := hasFlag(ruleFlags, list, "G")
	return f || g
}
