package apache

import (
	"strings"
	"testing"

	"rewright/parser"
	"rewright/parser/ir"
	"rewright/parser/load"
)

func TestRuleWord(t *testing.T) {
	for in, want := range map[string]string{
		"":        `""`,
		"^a$":     "^a$",
		"a b":     `"a b"`,
		`a"b`:     `a"b`,
		`a "b`:    `'a "b'`,
		`"a`:      `'"a'`,
		`a "b' c`: `a\ "b'\ c`,
	} {
		if got := ruleWord(in); got != want {
			t.Errorf("ruleWord(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestNegate(t *testing.T) {
	for in, want := range map[string]string{
		"%{HTTPS} =on":               "%{HTTPS} !=on",
		"%{HTTPS} !=on":              "%{HTTPS} =on",
		"%{HTTP_HOST} ^a$ [NC]":      "%{HTTP_HOST} !^a$ [NC]",
		`%{HTTP_USER_AGENT} "a b"`:   `%{HTTP_USER_AGENT} "!a b"`,
		`%{HTTP_USER_AGENT} "!a b"`:  `%{HTTP_USER_AGENT} "a b"`,
		`"%{REQUEST_URI} x" ^a [NC]`: `"%{REQUEST_URI} x" !^a [NC]`,
		"%{REQUEST_FILENAME} -f":     "%{REQUEST_FILENAME} !-f",
	} {
		got := negate(in)
		if got != want {
			t.Errorf("negate(%q) = %q, want %q", in, got, want)
		}
		if back := negate(got); back != in {
			t.Errorf("negate(%q) = %q, want %q again", got, back, in)
		}
	}
}

func TestGuardLines(t *testing.T) {
	got := strings.Join(guardLines([]string{"%{HTTPS} =on", "%{HTTP_HOST} ^a$ [NC]"}, 3), "\n")
	want := "RewriteCond %{HTTPS} !=on [OR]\nRewriteCond %{HTTP_HOST} !^a$ [NC]\nRewriteRule ^ - [S=3]"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestOrder holds the list of locations against nginx's choice: equal names, the longest prefix that forbids regular
// expressions, regular expressions in file order, the longest prefix.
func TestOrder(t *testing.T) {
	for text, want := range map[string]string{
		"location / {} location /ab {} location /a {}":                           "/ab /a /",
		"location / {} location ~ x {} location ~ y {}":                          "x y /",
		"location / {} location ~ x {} location = /e {}":                         "/e x /",
		"location ^~ /s {} location ~ x {} location /a {}":                       "/s x /a",
		"location ^~ /s {} location /s/long {} location ~ x {}":                  "/s-/s/long x /s/long",
		"location /o { location ~ in {} location /o/p {} } location ~ x {}":      "in x /o/p /o",
		"location /o { location = /o/e {} } location ~ x {}":                     "/o/e x /o",
		"location /o { location ~ in {} } location /o/deeper {} location ~ x {}": "in-/o/deeper x /o/deeper /o",
		"location @named {} location / {}":                                       "/",
	} {
		l, err := parser.LoadText(nil, "t.conf", []byte("server { "+text+" }"), load.Options{Server: ir.Nginx, Context: ir.ContextHTTP})
		if err != nil {
			t.Fatal(err)
		}
		var host *ir.Scope
		var walk func(s *ir.Scope)
		walk = func(s *ir.Scope) {
			if s.Kind == ir.ScopeHost {
				host = s
			}
			for _, it := range s.Items {
				if in, ok := it.(*ir.Scope); ok {
					walk(in)
				}
			}
		}
		walk(l.Program.Root)
		var got []string
		for _, c := range order(locations(host), nil) {
			name := c.scope.Path
			for _, e := range c.except {
				name += "-" + e
			}
			got = append(got, name)
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: %q, want %q", text, s, want)
		}
	}
}
