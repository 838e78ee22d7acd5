package rules

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rewright/lint"
	"rewright/parser/ir"
	"rewright/parser/source"
)

// TestBesideOrder checks a file large enough for its rules to run side by side, with findings of many kinds: they are those
// of one worker, in the same order.
func TestBesideOrder(t *testing.T) {
	for _, c := range []struct {
		name    string
		server  ir.Server
		context ir.Context
		block   string
	}{
		{".htaccess", ir.Apache, ir.ContextHtaccess, "RewriteEngine On\n# 307 for now\nRedirect 301 /a%[1]d /b%[1]d\nRedirect 301 /b%[1]d /a%[1]d\n" +
			"RewriteCond %%{HTTP_HOST} ^www.x%[1]d.example$ [NC]\nRewriteRule ^/p%[1]d.html$ /q%[1]d?x=1 [R=303]\nRewriteRule ^c%[1]d$ /d [R=301 ,L]\n" +
			"RewriteCond %%{QUERY_STRING} (a+)+$ [OR]\nRewriteRule ^(e%[1]d)/$ http://x.example/$2%%1 [R,L,NE]\nRedirectMatch ^/f%[1]d /g%[1]d?y\n"},
		{"nginx.conf", ir.Nginx, ir.ContextServer, "location /a%[1]d { rewrite ^/a%[1]d/(.*)$ /b%[1]d/$2 permanent; }\nlocation /b%[1]d { return 301 /a%[1]d; }\n" +
			"if ($host = www.x%[1]d.example) { return 302 http://x.example$request_uri; }\nrewrite ^/c%[1]d.html$ http//d redirect;\n" +
			"location ~ ^/(e|e%[1]d)+$ { rewrite ^ /f%[1]d last; }\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b strings.Builder
			for i := range 250 {
				fmt.Fprintf(&b, c.block, i)
			}
			run := func(workers int) []string {
				in := lint.Input{File: source.NewFile(c.name, []byte(b.String())), Server: c.server, Context: c.context}
				r, err := lint.Run(context.Background(), lint.Options{Rules: All(), Workers: workers}, in)
				if err != nil {
					t.Fatal(err)
				}
				out := make([]string, len(r.Findings))
				for i := range r.Findings {
					d := &r.Findings[i]
					out[i] = fmt.Sprint(d.Code, d.Span, d.Severity, d.Message, d.Fixes)
					for _, rel := range d.Related {
						out[i] += fmt.Sprint(rel.Span, rel.Message)
					}
					if d.Witness != nil {
						out[i] += fmt.Sprintf("%+v", *d.Witness)
					}
				}
				return out
			}
			one := run(1)
			if len(one) < 1000 {
				t.Errorf("only %d findings", len(one))
			}
			if diff := cmp.Diff(one, run(4)); diff != "" {
				t.Errorf("-one worker +four\n%s", diff)
			}
		})
	}
}
