package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

// preloadAge is the least max-age, in seconds, that the preload list takes. Source: hstspreload.org, submission requirements.
const preloadAge = 31536000

var hstsPreloadIncomplete = lint.Rule{
	Code: "RD406", ID: "hsts-preload-incomplete", Severity: diag.Warning, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "a Strict-Transport-Security that does not do what it says",
		Text: "The preload list takes a site whose header has `preload`, `includeSubDomains` and a max-age of at least a year; with less it refuses, or throws the " +
			"site out later. A directive that is misspelt or written twice voids the header or is ignored, and in nginx a value without quotes " +
			"ends at its first `;`. Being on the list is hard to undo: it holds for every subdomain, too.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "Header always set Strict-Transport-Security \"max-age=86400; preload\"\n", After: "Header always set Strict-Transport-Security \"max-age=63072000; includeSubDomains; preload\"\n"},
			{Server: ir.Nginx, Before: "add_header Strict-Transport-Security \"max-age=86400; preload\" always;\n", After: "add_header Strict-Transport-Security \"max-age=63072000; includeSubDomains; preload\" always;\n"},
		},
		Source: "RFC 6797 §6.1; hstspreload.org, submission requirements",
	},
	Directive: func(p *lint.Pass, d *lint.Directive) {
		if d.Inactive {
			return
		}
		h, ok := setsHeader(d)
		if !ok || !strings.EqualFold(h.name, "Strict-Transport-Security") || strings.ContainsAny(h.value.Text, "$%") {
			return
		}
		if next := d.NextPtr; d.Server == ir.Nginx && next != nil && next.Is("includeSubDomains", "includeSubdomains", "preload") {
			p.Report(next.Name.Span, "without quotes the header ends at the first `;`, and "+quote(next.Name.Text)+" is a directive that nginx does not know")
			return
		}
		v := readHSTS(h.value.Text)
		switch {
		case v.unknown != "":
			f := diag.Diagnostic{Span: h.value.Span, Message: fmt.Sprintf("browsers do not know %s in Strict-Transport-Security and ignore it", quote(v.unknown))}
			if near := lint.Nearest(strings.ToLower(v.unknown), []string{"max-age", "includesubdomains", "preload"}); len(near) == 1 {
				name := map[string]string{"max-age": "max-age", "includesubdomains": "includeSubDomains", "preload": "preload"}[near[0]]
				f.Message += "; did you mean " + quote(name) + "?"
				if text, plain := plain(p, h.value); plain && strings.Count(text, v.unknown) == 1 {
					i := strings.Index(text, v.unknown)
					f.Fixes = []diag.Fix{write(diag.Risky, within(h.value, i, i+len(v.unknown)), name)}
				}
			}
			p.Add(f)
		case v.repeated != "":
			p.Report(h.value.Span, fmt.Sprintf("%s stands twice in Strict-Transport-Security, so browsers ignore the whole header", quote(v.repeated)))
		case v.age < 0:
			p.Report(h.value.Span, "Strict-Transport-Security has no max-age, so browsers ignore it")
		case v.preload && (v.age < preloadAge || !v.subdomains):
			var lack []string
			if v.age < preloadAge {
				lack = append(lack, fmt.Sprintf("a max-age of at least %d and not %d", preloadAge, v.age))
			}
			if !v.subdomains {
				lack = append(lack, "includeSubDomains")
			}
			f := diag.Diagnostic{Span: h.value.Span, Help: "leave `preload` out until the rest holds: being on the list is hard to undo",
				Message: "preload needs " + strings.Join(lack, " and ") + "; as it is the preload list refuses the site"}
			f.Fixes = []diag.Fix{write(diag.Risky, h.value.Inner(), fmt.Sprintf("max-age=%d; includeSubDomains; preload", max(v.age, 63072000)))}
			p.Add(f)
		}
	},
}

// hsts is the value of a Strict-Transport-Security header.
type hsts struct {
	age                 int // seconds; -1: none
	subdomains, preload bool
	unknown, repeated   string
}

// readHSTS takes a value apart. Source: RFC 6797 §6.1.
func readHSTS(value string) hsts {
	v := hsts{age: -1}
	seen := map[string]bool{}
	for _, part := range strings.Split(value, ";") {
		part = strings.TrimSpace(part)
		name, arg, _ := strings.Cut(part, "=")
		name = strings.TrimSpace(name)
		low := strings.ToLower(name)
		if low == "" {
			continue
		}
		if seen[low] {
			v.repeated = name
		}
		seen[low] = true
		switch low {
		case "max-age":
			arg = strings.Trim(strings.TrimSpace(arg), `"`)
			if n, rest := atoi(arg); rest == "" && arg != "" {
				v.age = n
			}
		case "includesubdomains":
			v.subdomains = true
		case "preload":
			v.preload = true
		default:
			v.unknown = name
		}
	}
	return v
}
