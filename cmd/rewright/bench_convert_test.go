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

// siteMove is a .htaccess of literal redirects and rules with patterns. Between them, the latter stand among the
// former, as they do in files that grew; otherwise they stand behind them.
func siteMove(literal, patterned int, between bool) string {
	var b, behind strings.Builder
	b.WriteString("RewriteEngine On\n")
	r := rand.New(rand.NewPCG(7, 7))
	word := func() string { return siteWords[r.IntN(len(siteWords))] }
	pattern := func(w io.Writer, i int) {
		x, y := word(), word()
		switch i % 4 {
		case 0:
			fmt.Fprintf(w, "RewriteRule ^old-%s-%d/(.*)$ /%s/%d/$1 [R=301,L]\n", x, i, y, i)
		case 1:
			fmt.Fprintf(w, "RewriteRule ^%s/([0-9]+)-%d/?$ /%s/%d?page=$1 [R=301,L,QSA]\n", x, i, y, i)
		case 2:
			fmt.Fprintf(w, "RedirectMatch 301 ^/%s/%d/page(\\d+)$ /p/%d/$1\n", x, i, i)
		default:
			fmt.Fprintf(w, "RewriteCond %%{QUERY_STRING} ^id=%d$\nRewriteRule ^item\\.php$ /item/%d? [R=301,L]\n", i, i)
		}
	}
	done := 0
	for i := range literal {
		x, y := word(), word()
		if i%2 == 0 {
			fmt.Fprintf(&b, "Redirect 301 /%s/%s-%d.html /new/%s/%d/\n", x, y, i, y, i)
		} else {
			fmt.Fprintf(&b, "RewriteRule ^%s/%s-%d\\.html$ /new/%s/%d/ [R=301,L]\n", x, y, i, y, i)
		}
		for ; done*literal < i*patterned; done++ {
			if between {
				pattern(&b, done)
			} else {
				pattern(&behind, done)
			}
		}
	}
	return b.String() + behind.String()
}

// BenchmarkConvert110000 translates the rules of a large site move, check included. The files that
// REWRIGHT_BENCH_OUT keeps serve to measure the whole process and nginx on the result.
func BenchmarkConvert110000(b *testing.B) {
	for _, c := range []struct {
		name    string
		between bool
	}{{"apart", false}, {"between", true}} {
		b.Run(c.name, func(b *testing.B) {
			dir := b.TempDir()
			if out := os.Getenv("REWRIGHT_BENCH_OUT"); out != "" {
				dir = filepath.Join(out, c.name)
			}
			text := siteMove(100_000, 10_000, c.between)
			if err := os.MkdirAll(dir, 0o755); err != nil {
				b.Fatal(err)
			}
			writeFile(b, filepath.Join(dir, ".htaccess"), text)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				var errs bytes.Buffer
				a := &app{in: strings.NewReader(""), out: io.Discard, err: &errs, now: time.Now}
				if status := a.run([]string{"convert", "--to", "nginx", "--out", filepath.Join(dir, "nginx"), filepath.Join(dir, ".htaccess")}); status != exitOK {
					b.Fatalf("status %d: %s", status, errs.String())
				}
			}
		})
	}
}
