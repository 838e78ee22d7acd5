package rules

import (
	"path"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var placeholderTarget = lint.Rule{
	Code: "RD618", ID: "placeholder-target", Severity: diag.Warning, For: lint.Both, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a target on a host that stands for another",
		Text: "`yourdomain.com`, `example.com`, `localhost` or an address of a private network in a redirect was left behind from a template or a " +
			"development machine: visitors cannot reach it, or land on a stranger's page.",
		Silence: "The configuration is a template, or runs on a development machine.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "Redirect 301 / https://yourdomain.com/\n", After: "Redirect 301 / https://www.shop.example/\n"},
			{Server: ir.Nginx, Before: "return 301 http://localhost:3000$request_uri;\n", After: "return 301 https://www.shop.example$request_uri;\n"},
		},
		Source: "RFC 2606; RFC 6761; RFC 1918",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		if isSample(p.Unit.Input.File.Name) {
			return
		}
		checked, own := false, false // whether the configuration itself is for such a host
		var w witnesses
		seen := map[string]string{} // what is wrong with hosts that were met
		var last *source.File
		sample := false
		real := 0 // whether it names any host of the world; 0: not looked yet
		eachRule(p, g, func(_ *ir.Scope, r *ir.Rule) {
			if !sendsElsewhere(r) {
				return
			}
			if r.File != last {
				last, sample = r.File, isSample(r.File.Name)
			}
			if sample {
				return
			}
			host, ok := constantHost(r.Target)
			if !ok {
				return
			}
			why, known := seen[host]
			if !known {
				why = placeholder(host)
				if len(seen) < 10_000 {
					seen[host] = why
				}
			}
			if why == reserved {
				if real == 0 {
					real = realHosts(p, g)
				}
				if real < 0 {
					return // all its hosts are such: it is written to show something
				}
			}
			if why == "" {
				why = stagingOf(p, host)
			}
			if why == "" {
				return
			}
			if !checked {
				checked, own = true, servesPlaceholder(p)
			}
			if own {
				return
			}
			list, _ := zones(r.Target)
			for i := range list {
				if x := &list[i]; x.zone == zoneHost {
					d := diag.Diagnostic{Span: x.span(0, len(x.text)), Message: "visitors are sent to " + quote(clip(host, 60)) + ", " + why}
					w.attach(p, &d, r, nil)
					p.Add(d)
					return
				}
			}
		})
	},
}

// reserved is what placeholder says of example.com and its kin.
const reserved = "which is reserved for documentation"

// realHosts is 1 when a configuration serves or redirects to a host that is not of those RFC 2606 and RFC 6761 keep for
// examples, -1 when it does not.
func realHosts(p *lint.Pass, g *ir.Program) int {
	real := -1
	look := func(host string) {
		host = strings.TrimLeft(host, "*.")
		if i := strings.LastIndexByte(host, '.'); i > 0 && placeholder(host) == "" {
			switch host[i+1:] {
			case "example", "test", "invalid", "localhost":
			default:
				real = 1
			}
		}
	}
	for _, h := range p.Unit.Hosts() {
		look(h.Name)
	}
	file := p.File
	eachRule(p, g, func(_ *ir.Scope, r *ir.Rule) {
		if host, ok := constantHost(r.Target); ok {
			look(host)
		}
	})
	p.File = file
	return real
}

// placeholder says what is wrong with a host as the target of a redirect; empty when nothing is.
func placeholder(host string) string {
	switch {
	case strings.HasPrefix(host, "<") || strings.Contains(host, "{{") || strings.HasPrefix(host, "%%"):
		return "which is a placeholder"
	case host == "localhost" || strings.HasSuffix(host, ".localhost") || strings.HasPrefix(host, "127.") || host == "[::1]":
		return "which is their own machine"
	case privateAddress(host):
		return "which is an address of a private network"
	case strings.HasSuffix(host, ".local") || strings.HasSuffix(host, ".test"):
		return "a name that is not in the public DNS"
	}
	labels := strings.Split(strings.TrimPrefix(host, "www."), ".")
	if len(labels) < 2 {
		return ""
	}
	switch name := labels[len(labels)-2]; withoutMarks.Replace(name) {
	case "example":
		if tld := labels[len(labels)-1]; tld == "com" || tld == "org" || tld == "net" {
			return reserved
		}
	case "yourdomain", "yoursite", "yourwebsite", "mydomain", "yourdomainname", "mysite", "yournewdomain", "yournewsite", "yourhost", "domainname":
		return "which is a placeholder"
	}
	return ""
}

// privateAddress tells whether a host is an IPv4 address of RFC 1918.
func privateAddress(host string) bool {
	n := strings.Split(host, ".")
	if len(n) != 4 {
		return false
	}
	var b [4]int
	for i, s := range n {
		v, rest := atoi(s)
		if s == "" || rest != "" || v > 255 {
			return false
		}
		b[i] = v
	}
	return b[0] == 10 || b[0] == 192 && b[1] == 168 || b[0] == 172 && b[1] >= 16 && b[1] <= 31
}

// stagingOf says that a host is a staging host of a domain that the configuration serves.
func stagingOf(p *lint.Pass, host string) string {
	for _, front := range []string{"staging.", "dev.", "stage."} {
		if rest, ok := strings.CutPrefix(host, front); ok && p.Unit.ServesHost(host) == 0 {
			if p.Unit.ServesHost(rest) != 0 || p.Unit.ServesHost("www."+rest) != 0 {
				return "a host for tries of " + quote(rest)
			}
		}
	}
	return ""
}

// servesPlaceholder tells whether the configuration is written for such hosts: a template, or a development machine.
func servesPlaceholder(p *lint.Pass) bool {
	for _, h := range p.Unit.Hosts() {
		if placeholder(strings.TrimPrefix(strings.TrimPrefix(h.Name, "*"), ".")) != "" || !strings.Contains(h.Name, ".") {
			return true
		}
	}
	return false
}

// isSample tells whether a file is named as an example, a test or a template, or lies among such.
func isSample(name string) bool {
	name = strings.ToLower(strings.ReplaceAll(name, `\`, "/"))
	switch path.Ext(name) {
	case ".j2", ".tmpl", ".tpl", ".template", ".erb", ".dist", ".sample", ".example", ".mustache", ".in", ".md":
		return true
	}
	folders := strings.Split(name, "/")
	base := folders[len(folders)-1]
	if strings.Contains(base, "example") || strings.Contains(base, "sample") {
		return true
	}
	for _, folder := range folders[:len(folders)-1] {
		switch folder {
		case "example", "examples", "testdata", "tests", "fixtures", "docs", "sample", "samples", "templates":
			return true
		}
	}
	return false
}

// withoutMarks takes - and _ out of a name.
var withoutMarks = strings.NewReplacer("-", "", "_", "")
