package rules

import (
	"math"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

var credentialsInTarget = lint.Rule{
	Code: "RD710", ID: "credentials-in-target", Severity: diag.Error, For: lint.Both, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a password or key in the target of a redirect",
		Text: "A redirect is sent to every visitor: a user and password in front of the host, or a key in the query, is in their address bar, " +
			"in the logs of proxies and in the Referer of the next request. It has to be taken for known and replaced.",
		Silence: "The key is meant for the public, as those of maps and analytics are.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "Redirect 302 /data https://bob:s3cret@files.example.net/\n", After: "Redirect 302 /data https://files.example.net/\n"},
			{Server: ir.Nginx, Before: "return 302 https://files.example.net/?token=9f8a7b6c5d4e3f2a;\n", After: "return 302 https://files.example.net/;\n"},
		},
		Source: "RFC 9110 §4.2.4; CWE-200",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		var w witnesses
		eachRule(p, g, func(_ *ir.Scope, r *ir.Rule) {
			if d, ok := secretOf(r); ok {
				w.attach(p, &d, r, nil)
				p.Add(d)
			}
		})
	},
}

// secretOf finds a password or key that a redirect sends.
func secretOf(r *ir.Rule) (d diag.Diagnostic, ok bool) {
	if !sendsElsewhere(r) || !strings.ContainsAny(r.Target.Text, "@=") {
		return d, false
	}
	list, _ := zones(r.Target)
	for i := range list {
		x := &list[i]
		if !x.literal() {
			continue
		}
		switch x.zone {
		case zoneHost:
			at := strings.LastIndexByte(x.text, '@')
			user, password, ok := strings.Cut(x.text[:max(at, 0)], ":")
			if at > 0 && ok && user != "" && password != "" {
				return diag.Diagnostic{Span: x.span(0, at), Message: "every visitor is sent the password of " + quote(user)}, true
			}
		case zoneQuery, zoneFragment:
			if key, from, to := secretIn(x.text); key != "" {
				return diag.Diagnostic{Span: x.span(from, to), Message: "every visitor is sent the " + key + " `" + clip(x.text[from:to], 4) + "`"}, true
			}
		}
	}
	return d, false
}

// secretIn finds a parameter whose name and value are those of a secret; from and to are the place of the value.
func secretIn(query string) (key string, from, to int) {
	for at := 0; at < len(query); {
		end := at + strings.IndexAny(query[at:]+"&", "&;?#")
		if end == at {
			at++
			continue
		}
		name, value, ok := strings.Cut(query[at:end], "=")
		if ok && secretNames[strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(name))] && random(value) {
			return name, end - len(value), end
		}
		at = end + 1
	}
	return "", 0, 0
}

var secretNames = map[string]bool{"token": true, "accesstoken": true, "authtoken": true, "key": true, "apikey": true, "secret": true,
	"clientsecret": true, "password": true, "passwd": true, "pwd": true, "sig": true, "signature": true}

// random tells whether a value looks drawn by chance: 12 characters or more, of letters and digits mixed, with little repetition.
func random(s string) bool {
	if len(s) < 12 || strings.ContainsAny(s, " /%") {
		return false
	}
	var count [256]int
	digits, letters, changes := 0, 0, 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		count[c]++
		digit := '0' <= c && c <= '9'
		if digit {
			digits++
		} else if c|0x20 >= 'a' && c|0x20 <= 'z' {
			letters++
		}
		if i > 0 && digit != ('0' <= s[i-1] && s[i-1] <= '9') {
			changes++
		}
	}
	bits := 0.0
	for _, n := range count {
		if n > 0 {
			f := float64(n) / float64(len(s))
			bits -= f * math.Log2(f)
		}
	}
	return digits > 1 && letters > 1 && changes > 2 && bits > 2.8
}
