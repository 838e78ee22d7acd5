package nginx

import (
	"fmt"
	"strings"
	"testing"

	"rewright/parser/ir"
	"rewright/parser/source"
)

// siteMove is the text of a server with n rules: locations with return, rewrites and a map, as a site move
// leaves them behind.
func siteMove(n int) string {
	var b strings.Builder
	b.WriteString("map $uri $new {\n    default \"\";\n")
	for i := range n / 3 {
		fmt.Fprintf(&b, "    /old/section-%d/page-%d.html /new/%d;\n", i%97, i, i)
	}
	b.WriteString("}\nserver {\n    listen 80;\n    server_name example.com www.example.com;\n\n")
	for i := range n / 3 {
		fmt.Fprintf(&b, "    # rule %d\n    location = /a/%d/index.html {\n        return 301 https://example.com/b/%d$is_args$args;\n    }\n", i, i, i)
	}
	for i := range n - 2*(n/3) {
		fmt.Fprintf(&b, "    rewrite \"^/c/%d/(.*)\\.php$\" /d/%d/$1? permanent;\n", i, i)
	}
	b.WriteString("}\n")
	return b.String()
}

func BenchmarkParse(b *testing.B) {
	for _, c := range []struct {
		name string
		text string
	}{{"minimal", "return 404;\n"}, {"60 lines", siteMove(36)}, {"100000 rules", siteMove(100000)}} {
		b.Run(c.name, func(b *testing.B) {
			text := []byte(c.text)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				Parse(source.NewFile("nginx.conf", text))
			}
		})
	}
}

func BenchmarkRead(b *testing.B) {
	text := []byte(siteMove(100000))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		Read(source.NewFile("http.conf", text), Env{Context: ir.ContextHTTP})
	}
}
