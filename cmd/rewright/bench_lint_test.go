package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Words that the addresses of the measured configurations are made of.
var siteWords = []string{"news", "shop", "products", "about", "team", "blog", "archive", "support", "docs", "media", "events",
	"jobs", "press", "brand", "item", "guide"}

// mixedHtaccess is a .htaccess of n rules as a large site has them after some moves: Redirect, RedirectMatch, RewriteRule
// with groups and without, with conditions and without.
func mixedHtaccess(n int) string {
	var b strings.Builder
	b.WriteString("RewriteEngine On\n")
	r := rand.New(rand.NewPCG(7, 7))
	word := func() string { return siteWords[r.IntN(len(siteWords))] }
	for i := range n {
		x, y := word(), word()
		switch i % 10 {
		case 0, 1:
			fmt.Fprintf(&b, "Redirect 301 /%s/%s-%d.html /new/%s/%d/\n", x, y, i, y, i)
		case 2:
			fmt.Fprintf(&b, "Redirect permanent /go/%d https://partner.example.org/%s/%d\n", i, x, i)
		case 3, 4:
			fmt.Fprintf(&b, "RewriteRule ^%s/%d/%s\\.html$ https://www.example.com/%s/%d [R=301,L]\n", x, i, y, y, i)
		case 5:
			fmt.Fprintf(&b, "RewriteRule ^old-%s-%d/(.*)$ /%s/%d/$1 [R=301,L]\n", x, i, y, i)
		case 6:
			fmt.Fprintf(&b, "RewriteRule ^%s/([0-9]+)-%d/?$ /%s/%d?page=$1 [R=301,L,QSA]\n", x, i, y, i)
		case 7:
			fmt.Fprintf(&b, "RedirectMatch 301 ^/%s/%d/page(\\d+)$ /p/%d/$1\n", x, i, i)
		case 8:
			fmt.Fprintf(&b, "RewriteCond %%{QUERY_STRING} ^id=%d$\nRewriteRule ^item\\.php$ /item/%d? [R=301,L]\n", i, i)
		default:
			fmt.Fprintf(&b, "RewriteCond %%{HTTP_HOST} ^(www\\.)?%s%d\\.example\\.com$ [NC]\nRewriteCond %%{REQUEST_URI} !^/%s/\n"+
				"RewriteRule ^(.*)$ https://www.example.com/%s/%d/$1 [R=301,L]\n", x, i, y, y, i)
		}
	}
	return b.String()
}

// mixedNginx is an nginx.conf of n rules: entries of a map, exact and regular locations, returns and rewrites.
func mixedNginx(n int) string {
	var maps, server strings.Builder
	r := rand.New(rand.NewPCG(7, 7))
	word := func() string { return siteWords[r.IntN(len(siteWords))] }
	for i := range n {
		x, y := word(), word()
		switch i % 10 {
		case 0, 1:
			fmt.Fprintf(&maps, "    /%s/%s-%d.html /new/%s/%d/;\n", x, y, i, y, i)
		case 2:
			fmt.Fprintf(&maps, "    ~^/%s-%d/(?<rest>.*)$ /%s/%d/$rest;\n", x, i, y, i)
		case 3, 4:
			fmt.Fprintf(&server, "    location = /%s/%s-%d.html { return 301 /%s/%d/; }\n", x, y, i, y, i)
		case 5:
			fmt.Fprintf(&server, "    location ~ ^/%s/%d/page([0-9]+)$ { return 301 /p/%d/$1; }\n", x, i, i)
		case 6:
			fmt.Fprintf(&server, "    location /%s/%d/ { rewrite ^/%s/%d/(.*)$ /%s/%d/$1 permanent; }\n", x, i, x, i, y, i)
		case 7, 8:
			fmt.Fprintf(&server, "    rewrite ^/%s/%d/%s\\.html$ https://www.example.com/%s/%d permanent;\n", x, i, y, y, i)
		default:
			fmt.Fprintf(&server, "    rewrite ^/old-%s-%d/(.*)$ /%s/%d/$1 permanent;\n", x, i, y, i)
		}
	}
	return "events {}\nhttp {\n  map_hash_bucket_size 256;\n  map $uri $moved {\n    default \"\";\n" + maps.String() +
		"  }\n  server {\n    listen 80;\n    server_name www.example.com;\n    root /srv/www;\n    if ($moved) { return 301 $moved; }\n" + server.String() + "  }\n}\n"
}

// benchmarkLint runs rewright lint on paths, findings and all.
func benchmarkLint(b *testing.B, bytesRead int, paths ...string) {
	b.SetBytes(int64(bytesRead))
	b.ReportAllocs()
	for b.Loop() {
		var errs bytes.Buffer
		a := &app{in: strings.NewReader(""), out: io.Discard, err: &errs, now: time.Now}
		if status := a.run(append([]string{"lint", "--format", "json"}, paths...)); status != exitOK && status != exitFindings {
			b.Fatalf("status %d: %s", status, errs.String())
		}
	}
}

func benchmarkMixed(b *testing.B, rules int) {
	for _, c := range []struct{ server, name, text string }{
		{"apache", ".htaccess", mixedHtaccess(rules)}, {"nginx", "nginx.conf", mixedNginx(rules)},
	} {
		b.Run(c.server, func(b *testing.B) {
			name := filepath.Join(b.TempDir(), c.name)
			if out := os.Getenv("REWRIGHT_BENCH_OUT"); out != "" { // keeps the files, for runs of the whole process
				name = filepath.Join(out, fmt.Sprint(rules), c.name)
				if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
					b.Fatal(err)
				}
			}
			writeFile(b, name, c.text)
			benchmarkLint(b, len(c.text), name)
		})
	}
}

// BenchmarkLint60 checks files of about 60 lines, what a repository usually has.
func BenchmarkLint60(b *testing.B) { benchmarkMixed(b, 45) }

// BenchmarkLint100000 checks the rules of large site moves.
func BenchmarkLint100000(b *testing.B) { benchmarkMixed(b, 100_000) }

// BenchmarkLint1000000 shows that ten times as many rules take about ten times as long. It needs minutes and some gigabytes,
// so it runs only when REWRIGHT_BENCH_MILLION is set.
func BenchmarkLint1000000(b *testing.B) {
	if os.Getenv("REWRIGHT_BENCH_MILLION") == "" || testing.Short() {
		b.Skip("REWRIGHT_BENCH_MILLION is not set")
	}
	benchmarkMixed(b, 1_000_000)
}

// BenchmarkLintCorpus checks a folder of real files in one run.
func BenchmarkLintCorpus(b *testing.B) {
	folder := os.Getenv("REWRIGHT_CORPUS")
	if folder == "" {
		b.Skip("REWRIGHT_CORPUS names no folder of real files")
	}
	size := 0
	err := filepath.Walk(folder, func(_ string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			size += int(info.Size())
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	benchmarkLint(b, size, folder)
}
