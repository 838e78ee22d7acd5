package fix

import (
	"strings"
	"testing"

	"rewright/lint"
	"rewright/lint/rules"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/source"
)

// TestLoopFixes mends loops with the fixes that are applied when risky ones are allowed: the text they make is what a person would
// have written, lint has nothing more to say of loops, and the request that went round comes to an answer.
func TestLoopFixes(t *testing.T) {
	for _, c := range []struct {
		name, in, want string
		server         ir.Server
		context        ir.Context
		hosts          []string
		asked          string
	}{
		{"its own spelling", "RewriteEngine On\nRewriteRule ^about$ /about [R=301,NC,L]\n",
			"RewriteEngine On\nRewriteCond %{REQUEST_URI} !^/about$\nRewriteRule ^about$ /about [R=301,NC,L]\n", ir.Apache, ir.ContextHtaccess, nil, "http://example.test/about"},
		{"nothing but a loop", "Redirect 301 /a /a\nRedirect 301 /b /c\n", "Redirect 301 /b /c\n", ir.Apache, ir.ContextHtaccess, nil, "http://example.test/a"},
		{"the whole site to https of itself", "Redirect 301 / https://example.com/\n",
			"RewriteEngine On\nRewriteCond %{HTTPS} off\nRewriteRule ^ https://example.com%{REQUEST_URI} [R=301,L]\n", ir.Apache, ir.ContextHtaccess, []string{"example.com"}, "https://example.com/x"},
		{"a location without case", "location ~* ^/about$ { return 301 /about; }\n", "location ~* ^(?!(?-i:/about$))/about$ { return 301 /about; }\n", ir.Nginx, ir.ContextServer, nil, "http://example.test/about"},
		{"a location above its target", "location /old { return 301 /old/new; }\n", "location = /old { return 301 /old/new; }\n", ir.Nginx, ir.ContextServer, nil, "http://example.test/old/new"},
		{"the temporary one of two", "Redirect 301 /a /b\nRedirect 302 /b /a\n", "Redirect 301 /a /b\n", ir.Apache, ir.ContextHtaccess, nil, "http://example.test/a"},
		{"a prefix of its target", "Redirect 301 /blog /blog/new\n", "RedirectMatch 301 ^/blog/?$ /blog/new\n", ir.Apache, ir.ContextHtaccess, nil, "http://example.test/blog"},
		{"a rewrite into what it takes", "rewrite ^/old(.*)$ /old/new$1 permanent;\n", "rewrite ^(?!/old/new)/old(.*)$ /old/new$1 permanent;\n", ir.Nginx, ir.ContextServer, nil, "http://example.test/old"},
		{"an index", "Redirect 301 /index.html /\n",
			"RewriteEngine On\nRewriteCond %{THE_REQUEST} \\s/+index\\.html[?\\s]\nRewriteRule ^index\\.html$ / [R=301,L]\n", ir.Apache, ir.ContextHtaccess, nil, "http://example.test/"},
		{"redirects below a front controller", "RewriteEngine On\nRewriteCond %{REQUEST_FILENAME} !-f\nRewriteRule . /index.php [L]\nRewriteRule ^old$ /new [R=301,L]\nRewriteRule ^x$ /y [R=301,L]\n",
			"RewriteEngine On\nRewriteRule ^old$ /new [R=301,L]\nRewriteRule ^x$ /y [R=301,L]\nRewriteCond %{REQUEST_FILENAME} !-f\nRewriteRule . /index.php [L]\n", ir.Apache, ir.ContextHtaccess, nil, ""},
		{"HTTPS behind a proxy", "RewriteEngine On\nRewriteCond %{HTTP:X-Forwarded-Proto} =https\nRewriteRule ^ - [E=SECURE:1]\nRewriteCond %{HTTPS} off\nRewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R=301,L]\n",
			"RewriteEngine On\nRewriteCond %{HTTP:X-Forwarded-Proto} =https\nRewriteRule ^ - [E=SECURE:1]\nRewriteCond %{HTTPS} off\nRewriteCond %{HTTP:X-Forwarded-Proto} !=https\nRewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R=301,L]\n", ir.Apache, ir.ContextHtaccess, nil, ""},
		{"HTTPS behind a proxy, nginx", "set_real_ip_from 10.0.0.0/8;\nif ($scheme = http) { return 301 https://$host$request_uri; }\n",
			"set_real_ip_from 10.0.0.0/8;\nif ($http_x_forwarded_proto = http) { return 301 https://$host$request_uri; }\n", ir.Nginx, ir.ContextServer, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := lint.Input{File: source.NewFile("site", []byte(c.in)), Server: c.server, Context: c.context, Hosts: c.hosts}
			f := apply(t, Options{Unsafe: true, Lint: lint.Options{Rules: rules.All(), Select: []string{"RD2"}, Workers: 1}}, in)[0]
			if f.Err != nil || string(f.After) != c.want {
				t.Fatalf("%v: got\n%swant\n%s", f.Err, f.After, c.want)
			}
			in.File = source.NewFile("site", f.After)
			result, err := lint.Run(t.Context(), lint.Options{Rules: rules.All(), Select: []string{"RD2"}}, in)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range result.Findings {
				t.Errorf("left: %s %s", d.Code, d.Message)
			}
			if c.asked == "" {
				return
			}
			req, err := probe.ParseURL(c.asked)
			if err != nil {
				t.Fatal(err)
			}
			req.Method = "GET"
			q := probe.Probe{Request: req}
			if strings.Contains(c.in, "index.html") {
				q.Exists = []string{lint.DefaultDocroot + "/index.html"}
			}
			before := in
			before.File = source.NewFile("site", []byte(c.in))
			if end := lint.Load(before).Site().Follow(q, 20).End; end != probe.EndCycle && end != probe.EndLimit {
				t.Errorf("%s did not go round before: %s", c.asked, end)
			}
			if end := lint.Load(in).Site().Follow(q, 20).End; end != probe.EndAnswer {
				t.Errorf("%s comes to no answer: %s", c.asked, end)
			}
		})
	}
}
