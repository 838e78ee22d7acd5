package httpd_test

import (
	"strings"
	"testing"
	"time"

	"rewright/parser/apache"
	"rewright/parser/ir"
	"rewright/parser/sim"
	"rewright/parser/sim/httpd"
	"rewright/parser/source"
)

// FuzzAnswer states that no configuration and no request makes the simulator panic or take long, that a trace does
// not change the answer, and that without one no steps are kept.
func FuzzAnswer(f *testing.F) {
	for _, s := range [][3]string{
		{"RewriteEngine On\nRewriteCond %{HTTP_HOST} ^(www\\.)?(.*)$ [NC]\nRewriteRule ^a/(.*)$ http://%2/$1?x=%{REQUEST_URI} [R=301,L,NE,QSA]", "/a/b%20c?d=e", "www.example.test"},
		{"RewriteEngine On\nRewriteRule ^(.*)$ /x/$1 [N=9]\nRewriteRule . - [E=A:%{LA-U:REQUEST_FILENAME}]", "/a", "h"},
		{"<If \"%{REQUEST_URI} =~ m#^/(a)#\">\nRedirect 301 /b\n</If>\n<Else>\nHeader always set X \"expr=%{escape:%{QUERY_STRING}}\"\n</Else>", "/b?a b", "h"},
		{"ErrorDocument 404 /e\nFallbackResource /f\nDirectoryIndex a b /c\nOptions +Indexes -FollowSymLinks", "/d/../e/", "h:81"},
		{"<Limit GET>\nRequire valid-user\n</Limit>\nOrder Deny,Allow\nDeny from all\nSatisfy Any\nAuthType Basic", "/", "h"},
		{"SetEnvIf X-* (.+) A=$1 !B\nSetEnvIfExpr \"-n req('Y')\" C=$0\nRedirectMatch (?<n>.)(.*) /$2$1", "//x//y/%2e%2e/z", "h"},
		{"RewriteEngine On\nRewriteRule (a+)+$ - [F]\nRewriteRule ^ /index.html [L]", "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "h"},
		{"RewriteEngine On\nRewriteCond %{REQUEST_URI} -U\nRewriteCond $0 -F [OR]\nRewriteRule (.*) /p/$0 [S=2,C,CO=a:b:c:1]", "/q", "h"},
	} {
		f.Add(s[0], s[1], s[2])
	}
	f.Fuzz(func(t *testing.T, text, target, host string) {
		if len(text) > 4096 || len(target) > 2048 || len(host) > 256 {
			return
		}
		w := world(&recorded{Files: []string{"index.html", "a/b.html", "d/", "x.cgi*", "l -> a"}})
		htaccess := apache.Read(apache.Parse(source.NewFile(".htaccess", []byte(text))), apache.Env{Context: ir.ContextHtaccess, HasModule: w.HasModule})
		vhost := apache.Read(apache.Parse(source.NewFile("vhost", []byte(text))), apache.Env{Context: ir.ContextVhost, HasModule: w.HasModule})
		for _, p := range []*ir.Program{apache.NewHtaccessProgram(apache.LowerHtaccess(htaccess, docroot)), apache.Lower(vhost)} {
			s, err := httpd.New(p, w)
			if err != nil {
				continue
			}
			for _, method := range []string{"GET", "POST"} {
				q := sim.Request{Method: method, Host: host, Target: target, Header: [][2]string{{"X-A", host}}}
				start := time.Now()
				plain := s.Answer(q, false)
				if took := time.Since(start); took > 20*time.Second {
					t.Fatalf("answered after %s", took)
				}
				if plain.Steps != nil {
					t.Fatal("steps without a trace")
				}
				if !plain.Known {
					continue
				}
				traced := s.Answer(q, true)
				if traced.Status != plain.Status || traced.URI != plain.URI || len(traced.Steps) == 0 || !sameText(traced.Location, plain.Location) {
					t.Fatalf("a trace changes the answer: %d %q, %d %q", plain.Status, plain.URI, traced.Status, traced.URI)
				}
				if plain.Location != nil && strings.ContainsAny(*plain.Location, "\r\n") {
					t.Fatalf("line end in Location %q", *plain.Location)
				}
			}
		}
	})
}

func sameText(a, b *string) bool { return a == b || a != nil && b != nil && *a == *b }
