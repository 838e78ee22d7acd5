package compare_test

import (
	"bytes"
	"strings"
	"testing"

	"rewright/emit/compare"
	"rewright/parser/probe"
)

// Edits of one line whose change only a request made for it shows, and edits that change nothing.
func TestVersions(t *testing.T) {
	const front = "RewriteEngine On\nRewriteRule ^index\\.php$ - [L]\n%sRewriteRule . index.php [L]\n"
	apache := func(old, new string) [2]string { return [2]string{old, new} }
	with := func(cond string) string { return strings.Replace(front, "%s", cond, 1) }
	https := "RewriteEngine On\nRewriteCond %{HTTPS} !=on\n%sRewriteRule ^(.*)$ https://example.test/$1 [R=301,L]\n"
	httpsWith := func(cond string) string { return strings.Replace(https, "%s", cond, 1) }
	for _, c := range []struct {
		name, file string
		text       [2]string
		want       string // in the report; empty: no change
	}{
		{"a path is left out", ".htaccess", apache(httpsWith(""), httpsWith("RewriteCond %{REQUEST_URI} !^/\\.well-known/\n")),
			"GET http://example.test/.well-known/: is no longer redirected"},
		{"an agent is left out", ".htaccess", apache(httpsWith(""), httpsWith("RewriteCond %{HTTP_USER_AGENT} !Googlebot [NC]\n")), "is no longer redirected"},
		{"a query is left out", ".htaccess", apache(with(""), with("RewriteCond %{QUERY_STRING} !preview=true\n")), "preview=true"},
		{"a method is left out", ".htaccess", apache(httpsWith(""), httpsWith("RewriteCond %{REQUEST_METHOD} !=POST\n")), "POST http://example.test/"},
		{"a condition less", ".htaccess", apache(httpsWith("RewriteCond %{HTTP_HOST} ^www\\.\n"), httpsWith("")), "is redirected now"},
		{"a prefix is narrower", ".htaccess", apache("RewriteEngine On\nRewriteCond %{HTTP_HOST} ^(?:www?|m)\\.(.+)$\nRewriteRule ^(.*)$ http://%1/$1 [R=301,L]\n",
			"RewriteEngine On\nRewriteCond %{HTTP_HOST} ^(?<sub>www|m)\\.(.+)$\nRewriteRule ^(.*)$ http://%2/$1 [R=301,L]\n"), "GET http://ww."},
		{"an anchor less", ".htaccess", apache("RewriteEngine On\nRewriteRule ^a$ /b [R,L]\n", "RewriteEngine On\nRewriteRule ^a /b [R,L]\n"), "is redirected now"},
		{"letters alike", ".htaccess", apache("RewriteEngine On\nRewriteRule ^shop$ /b [R,L]\n", "RewriteEngine On\nRewriteRule ^shop$ /b [R,L,NC]\n"), "is redirected now"},
		{"a group gets a name", ".htaccess", apache("RewriteEngine On\nRewriteRule ^a/(.*)$ /b/$1 [R,L]\n", "RewriteEngine On\nRewriteRule ^a/(?<rest>.*)$ /b/$1 [R,L]\n"), ""},
		{"order that matters to few", ".htaccess", apache("RewriteEngine On\nRewriteRule ^[a-m]+x$ /1 [R,L]\nRewriteRule ^[k-z]+x$ /2 [R,L]\n",
			"RewriteEngine On\nRewriteRule ^[k-z]+x$ /2 [R,L]\nRewriteRule ^[a-m]+x$ /1 [R,L]\n"), "goes elsewhere"},
		{"order that matters to none", ".htaccess", apache("RewriteEngine On\nRewriteRule ^[a-m]+x$ /1 [R,L]\nRewriteRule ^[n-z]+$ /2 [R,L]\n",
			"RewriteEngine On\nRewriteRule ^[n-z]+$ /2 [R,L]\nRewriteRule ^[a-m]+x$ /1 [R,L]\n"), ""},
		{"a section's files", ".htaccess", apache("<FilesMatch \"\\.(env|bak)$\">\nRequire all denied\n</FilesMatch>\n", "<FilesMatch \"\\.(env)$\">\nRequire all denied\n</FilesMatch>\n"),
			"GET http://example.test/.bak (.bak exists): is answered now"},
		{"blanks and comments", ".htaccess", apache(httpsWith("RewriteCond %{REQUEST_URI} !^/a\n"), "# force TLS\n"+strings.ReplaceAll(httpsWith("  RewriteCond  %{REQUEST_URI}\t!^/a\n"), "RewriteRule ", "\tRewriteRule\t")), ""},

		{"an entry of a map", "site.conf", [2]string{mapped("/one /a;\n/two /b;"), mapped("/one /a;\n/two /c;")}, "GET http://example.test/two: goes elsewhere"},
		{"a map gets an entry", "site.conf", [2]string{mapped("/one /a;"), mapped("/one /a;\n~^/n[0-9]+$ /c;")}, "GET http://example.test/n1: is redirected now"},
		{"a location's pattern", "site.conf", [2]string{server("location ~ \\.(js|css)$ { add_header X-A 1; }"), server("location ~ \\.(js)$ { add_header X-A 1; }")},
			"header X-A is lost"},
		{"a rewrite that leads to nothing", "site.conf", [2]string{server("location / {\nrewrite ^/f-(\\w+)$ /f.php?f=$1 last;\nif (!-e $request_filename) { return 404; }\n}"),
			server("location / {\nif (!-e $request_filename) { return 404; }\n}")}, "(f.php exists)"},
		{"a port of its own", "site.conf", [2]string{"server { listen 8080; location /a { return 404; } }\n", "server { listen 8080; location /a { return 403; } }\n"},
			"GET http://example.test:8080/a: gets 403 instead of 404"},
		{"blanks in nginx", "site.conf", [2]string{server("rewrite ^/a$ /b permanent;"), "# x\n" + server("rewrite\t^/a$\n\t/b   permanent; # y")}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			old, new := "/srv/old", "/srv/new"
			if c.file == "site.conf" {
				old, new = probe.NginxRoot, probe.NginxRoot
			}
			r := run(t, side(t, c.file, c.text[0], old), side(t, c.file, c.text[1], new), compare.Options{})
			var out bytes.Buffer
			if err := r.WriteText(&out, old, compare.Style{}); err != nil {
				t.Fatal(err)
			}
			if c.want == "" && r.Changed > 0 || !strings.Contains(out.String(), c.want) {
				t.Errorf("want %q in\n%s", c.want, out.String())
			}
		})
	}
}

func server(body string) string { return "server {\n" + body + "\n}\n" }

func mapped(entries string) string {
	return "map $uri $to {\n" + entries + "\n}\nserver {\nif ($to) { return 301 $to; }\n}\n"
}

// What one line of a header's setting changes for every answer is said once.
func TestHeadersAreOneGroup(t *testing.T) {
	rules := "RewriteEngine On\nRewriteRule ^a$ /b [R,L]\nRewriteRule ^c$ /d [R,L]\nRewriteRule ^e$ /f [R,L]\n"
	r := run(t, side(t, ".htaccess", rules+"Header always set X-A 1\n", "/srv/www"), side(t, ".htaccess", rules+"Header always set X-A 2\nHeader always set X-B 3\n", "/srv/www"), compare.Options{})
	var out bytes.Buffer
	if err := r.WriteText(&out, "/srv/www", compare.Style{}); err != nil {
		t.Fatal(err)
	}
	if len(r.Changes) != 1 || !strings.Contains(out.String(), "X-A: 1\n") || !strings.Contains(out.String(), "X-A: 2  X-B: 3\n") {
		t.Errorf("%d groups:\n%s", len(r.Changes), out.String())
	}
}

// Why answers are not known is said.
func TestReasons(t *testing.T) {
	r := run(t, side(t, "site.conf", server("include /nowhere/rules.conf;\nreturn 404;"), "/srv/www"), side(t, "site.conf", server("return 404;"), "/srv/www"), compare.Options{})
	var out bytes.Buffer
	if err := r.WriteText(&out, "/srv/www", compare.Style{}); err != nil {
		t.Fatal(err)
	}
	if r.Unknown == 0 || !strings.Contains(out.String(), "not known on the old side for") || !strings.Contains(out.String(), "included file") {
		t.Errorf("%d not known:\n%s", r.Unknown, out.String())
	}
}
