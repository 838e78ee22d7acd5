package apache

import (
	"fmt"
	"strings"
	"testing"

	"rewright/parser/ir"
	"rewright/parser/source"
)

// manyRules is a site move of n rules, as they are generated from spreadsheets.
func manyRules(n int) []byte {
	var b strings.Builder
	b.WriteString("RewriteEngine On\n")
	for i := range n {
		switch i % 4 {
		case 0:
			fmt.Fprintf(&b, "Redirect 301 /old/section-%d/page-%d.html https://www.example.com/new/page-%d/\n", i%97, i, i)
		case 1:
			fmt.Fprintf(&b, "RewriteRule ^old/section-%d/page-%d\\.html$ /new/page-%d/ [R=301,L]\n", i%97, i, i)
		case 2:
			fmt.Fprintf(&b, "RewriteCond %%{QUERY_STRING} ^id=%d$\nRewriteRule ^index\\.php$ /item/%d? [R=301,L,NC]\n", i, i)
		default:
			fmt.Fprintf(&b, "RedirectMatch permanent ^/shop/%d/(.*)$ https://shop.example.com/%d/$1\n", i, i)
		}
	}
	return []byte(b.String())
}

const typicalFile = `# Front controller
<IfModule mod_rewrite.c>
    RewriteEngine On
    RewriteBase /
    RewriteCond %{HTTPS} off [OR]
    RewriteCond %{HTTP_HOST} !^www\.example\.com$ [NC]
    RewriteRule ^(.*)$ https://www.example.com/$1 [R=301,L]
    RewriteRule ^index\.php$ - [L]
    RewriteCond %{REQUEST_FILENAME} !-f
    RewriteCond %{REQUEST_FILENAME} !-d
    RewriteRule . /index.php [L]
</IfModule>

<IfModule mod_expires.c>
    ExpiresActive on
    ExpiresByType image/png "access plus 1 month"
    ExpiresByType text/css "access plus 1 year"
</IfModule>

<FilesMatch "\.(bak|sql|log)$">
    Require all denied
</FilesMatch>

ErrorDocument 404 /404.html
Redirect 301 /old /new
`

func benchmarkFiles(b *testing.B, run func(b *testing.B, text []byte)) {
	for _, f := range []struct {
		name string
		text []byte
	}{
		{"minimal", []byte("RewriteEngine On\n")},
		{"typical", []byte(strings.Repeat(typicalFile, 2))},
		{"100000rules", manyRules(100000)},
	} {
		b.Run(f.name, func(b *testing.B) {
			b.SetBytes(int64(len(f.text)))
			b.ReportAllocs()
			run(b, f.text)
		})
	}
}

func BenchmarkParse(b *testing.B) {
	benchmarkFiles(b, func(b *testing.B, text []byte) {
		for b.Loop() {
			Parse(source.NewFile(".htaccess", text))
		}
	})
}

func BenchmarkRead(b *testing.B) {
	benchmarkFiles(b, func(b *testing.B, text []byte) {
		tree := Parse(source.NewFile(".htaccess", text))
		for b.Loop() {
			cfg := Read(tree, Env{Context: ir.ContextHtaccess})
			if len(cfg.Nodes) == 0 || firstRefusal(cfg) != nil {
				b.Fatal("httpd takes this")
			}
		}
	})
}
