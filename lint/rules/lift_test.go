package rules

import (
	"strings"
	"testing"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

// TestLift holds the fixes of rules and locations that never run against what they make of the text; none where something else
// would be answered otherwise.
func TestLift(t *testing.T) {
	for _, c := range []struct {
		name, code, text, want string
		server                 ir.Server
		context                ir.Context
	}{
		{"two behind one", "RD206",
			"RewriteEngine On\nRewriteRule ^a/ /all [R=302,L]\nRewriteRule ^b$ /bb [R=302,L]\nRewriteRule ^a/x$ /x [R=302,L]\nRewriteRule ^a/y$ /y [R=302,L]\n",
			"RewriteEngine On\nRewriteRule ^a/x$ /x [R=302,L]\nRewriteRule ^a/y$ /y [R=302,L]\nRewriteRule ^a/ /all [R=302,L]\nRewriteRule ^b$ /bb [R=302,L]\n", ir.Apache, ir.ContextHtaccess},
		{"prefix of a prefix", "RD206", "Redirect /a https://x.example/1\nRedirect /a/b https://x.example/2\n", "Redirect /a/b https://x.example/2\nRedirect /a https://x.example/1\n", ir.Apache, ir.ContextHtaccess},
		{"narrow ones first", "RD206", "Redirect /a https://x.example/1\nRedirect /a/ https://x.example/2\nRedirect /a/b https://x.example/3\n",
			"Redirect /a/b https://x.example/3\nRedirect /a/ https://x.example/2\nRedirect /a https://x.example/1\n", ir.Apache, ir.ContextHtaccess},
		{"one of them is as wide as the other", "RD206",
			"rewrite ^/a/(.*) https://x.example/ redirect;\nrewrite ^/a/b$ https://x.example/b redirect;\nrewrite ^/a/[^?]* https://x.example/c redirect;\n",
			"rewrite ^/a/b$ https://x.example/b redirect;\nrewrite ^/a/(.*) https://x.example/ redirect;\nrewrite ^/a/[^?]* https://x.example/c redirect;\n", ir.Nginx, ir.ContextServer},
		{"with its conditions", "RD206",
			"RewriteEngine On\nRewriteRule ^a/ /all [R=302,L]\nRewriteCond %{HTTPS} on\nRewriteRule ^a/x$ /x [R=302,L]\n",
			"RewriteEngine On\nRewriteCond %{HTTPS} on\nRewriteRule ^a/x$ /x [R=302,L]\nRewriteRule ^a/ /all [R=302,L]\n", ir.Apache, ir.ContextHtaccess},
		{"what the front controller makes of every path", "RD206",
			"RewriteEngine On\nRewriteRule ^(.*)$ /index.php [END]\nRewriteRule ^index\\.php$ /x [R=302,L]\n",
			"RewriteEngine On\nRewriteRule ^index\\.php$ /x [R=302,L]\nRewriteRule ^(.*)$ /index.php [END]\n", ir.Apache, ir.ContextHtaccess},
		{"it would take all in the next round", "RD206",
			"RewriteEngine On\nRewriteRule ^(.*)$ /index.php [L]\nRewriteRule ^index\\.php$ /x [R=302,L]\n", "", ir.Apache, ir.ContextHtaccess},
		{"nothing is left for the other", "RD206", "RewriteEngine On\nRewriteRule ^[ab]$ /b2 [R=302,L]\nRewriteRule ^(a|b)$ /c [R=302,L]\n", "", ir.Apache, ir.ContextHtaccess},
		{"rewrite", "RD206", "rewrite ^/old/ https://x.example/ permanent;\nrewrite ^/old/page$ https://x.example/page permanent;\n",
			"rewrite ^/old/page$ https://x.example/page permanent;\nrewrite ^/old/ https://x.example/ permanent;\n", ir.Nginx, ir.ContextServer},
		{"a return behind a return", "RD206", "return 301 https://x.example/;\nreturn 302 https://y.example/;\n", "", ir.Nginx, ir.ContextServer},
		{"locations below the return of a server", "RD206", "return 301 https://x.example;\nlocation = /health { return 200; }\nlocation /up/ { return 204; }\n",
			"location / { return 301 https://x.example; }\nlocation = /health { return 200; }\nlocation /up/ { return 204; }\n", ir.Nginx, ir.ContextServer},
		{"expressions below a wider one", "RD206",
			"location ~ ^/blog/ { return 301 /news; }\n# the feed\nlocation ~ ^/blog/feed$ {\n    return 301 /feed;\n}\nlocation ~ ^/blog/rss$ { return 301 /rss; }\n",
			"# the feed\nlocation ~ ^/blog/feed$ {\n    return 301 /feed;\n}\nlocation ~ ^/blog/rss$ { return 301 /rss; }\nlocation ~ ^/blog/ { return 301 /news; }\n", ir.Nginx, ir.ContextServer},
		{"a prefix of which an expression takes all", "RD206", "location ~ ^/a/ { return 301 /x; }\nlocation /a/b/ { return 301 /y; }\n",
			"location ~ ^/a/ { return 301 /x; }\nlocation ^~ /a/b/ { return 301 /y; }\n", ir.Nginx, ir.ContextServer},
		{"slash of a location that passes on", "RD211", "rewrite ^/(.*)/$ /$1 permanent;\nlocation /d/ { proxy_pass http://127.0.0.1:8080; }\n",
			"if (!-d $request_filename) { rewrite ^/(?!d/)(.*)/$ /$1 permanent; }\nlocation /d/ { proxy_pass http://127.0.0.1:8080; }\n", ir.Nginx, ir.ContextServer},
		{"slash of a location where no folder counts", "RD211", "rewrite ^/(.*)/$ /$1 permanent;\nlocation / { proxy_pass http://127.0.0.1:8080; }\nlocation /d/ { proxy_pass http://127.0.0.1:8080; }\n",
			"rewrite ^/(?!d/)(.*)/$ /$1 permanent;\nlocation / { proxy_pass http://127.0.0.1:8080; }\nlocation /d/ { proxy_pass http://127.0.0.1:8080; }\n", ir.Nginx, ir.ContextServer},
		{"group behind a host", "RD704", "RewriteEngine On\nRewriteRule ^ref(.*)$ https://x.example$1 [R=302,L]\n", "RewriteEngine On\nRewriteRule ^ref(/.*)?$ https://x.example$1 [R=302,L]\n", ir.Apache, ir.ContextHtaccess},
		{"group behind a host, without an end", "RD704", "RewriteEngine On\nRewriteRule ^ref(.*) https://x.example$1 [R=302,L]\n", "RewriteEngine On\nRewriteRule ^ref(/.*)?$ https://x.example$1 [R=302,L]\n", ir.Apache, ir.ContextHtaccess},
		{"group of a location behind a host", "RD704", "location ~ ^/go(.*)$ {\n    return 301 https://x.example$1;\n}\n", "location ~ ^/go(/.*)?$ {\n    return 301 https://x.example$1;\n}\n", ir.Nginx, ir.ContextServer},
		{"parameter behind a host", "RD704", "RewriteEngine On\nRewriteCond %{QUERY_STRING} ^to=(.+)$\nRewriteRule ^go$ https://y.example%1? [R=302,L]\n",
			"RewriteEngine On\nRewriteCond %{QUERY_STRING} ^to=(.+)$\nRewriteRule ^go$ https://y.example/%1? [R=302,L]\n", ir.Apache, ir.ContextHtaccess},
		{"group that names the host", "RD704", "RewriteEngine On\nRewriteRule ^([^/]+)/a$ https://www.$1/a [R=302,L]\n", "", ir.Apache, ir.ContextHtaccess},
		{"target without the slash of its source", "RD704", "Redirect 301 /ref/ https://x.example\n", "Redirect 301 /ref/ https://x.example/\n", ir.Apache, ir.ContextHtaccess},
		{"slash of folders", "RD211", "rewrite ^/(.+)/$ /$1 permanent;\n", "if (!-d $request_filename) { rewrite ^/(.+)/$ /$1 permanent; }\n", ir.Nginx, ir.ContextServer},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := lint.Input{File: source.NewFile("site", []byte(c.text)), Server: c.server, Context: c.context}
			var fix []diag.Fix
			found, without := 0, 0
			for _, d := range checkInput(t, in, c.code) {
				found++
				switch {
				case len(d.Fixes) == 0:
					without++
				case len(fix) > 0 && len(d.Fixes[0].Edits) != len(fix[0].Edits):
					t.Errorf("another fix than the first one: %v", d.Fixes)
				default:
					fix = d.Fixes
				}
			}
			if fix != nil && without != strings.Count(c.name, "one of them") {
				t.Errorf("%d findings have no fix", without)
			}
			if found == 0 {
				t.Fatal("nothing is found")
			}
			got := ""
			if len(fix) > 0 {
				out, err := source.Apply([]byte(c.text), fix[0].Edits)
				if err != nil {
					t.Fatal(err)
				}
				got = string(out)
				if shown := strings.HasPrefix(c.name, "parameter"); shown != (fix[0].Safety == diag.Shown) {
					t.Errorf("the fix is %v", fix[0].Safety)
				}
			}
			if got != c.want {
				t.Errorf("the fix makes\n%s\nwanted\n%s", strings.TrimSpace(got), c.want)
			}
		})
	}
}
