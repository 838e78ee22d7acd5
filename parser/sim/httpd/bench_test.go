package httpd_test

import (
	"fmt"
	"strings"
	"testing"

	"rewright/parser/apache"
	"rewright/parser/ir"
	"rewright/parser/sim"
	"rewright/parser/sim/httpd"
	"rewright/parser/source"
)

// BenchmarkAnswer measures one request to a .htaccess of 50 and of 1000 rules; the last rule matches.
func BenchmarkAnswer(b *testing.B) {
	for _, n := range []int{50, 1000} {
		b.Run(fmt.Sprintf("%d_rules", n), func(b *testing.B) {
			var text strings.Builder
			text.WriteString("RewriteEngine On\n")
			for i := 0; i < n/5; i++ {
				fmt.Fprintf(&text, "RewriteRule ^old/page-%d$ /new/page-%d [R=301,L]\n", i, i)
				fmt.Fprintf(&text, "RewriteRule ^blog/%d/(.*)$ /archive/%d/$1 [R=302,L,NE]\n", i, i)
				fmt.Fprintf(&text, "RewriteCond %%{HTTP_HOST} ^www%d\\.\nRewriteRule ^(.*)$ https://h%d.example/$1 [R=301,L]\n", i, i)
				fmt.Fprintf(&text, "RewriteRule ^p/([0-9]+)/x%d$ /q?id=$1 [L,QSA]\n", i)
				fmt.Fprintf(&text, "Redirect 301 /moved-%d https://example.com/m%d\n", i, i)
			}
			c := &recorded{Files: []string{"index.html", "new/"}}
			w := world(c)
			cfg := apache.Read(apache.Parse(source.NewFile(".htaccess", []byte(text.String()))), apache.Env{Context: ir.ContextHtaccess})
			s, err := httpd.New(apache.NewHtaccessProgram(apache.LowerHtaccess(cfg, docroot)), w)
			if err != nil {
				b.Fatal(err)
			}
			q := sim.Request{Host: "example.test", Target: fmt.Sprintf("/moved-%d/x?y=1", n/5-1)}
			if o := s.Answer(q, false); o.Status != 301 {
				b.Fatal(o.Status)
			}
			b.ReportAllocs()
			for b.Loop() {
				s.Answer(q, false)
			}
		})
	}
}
