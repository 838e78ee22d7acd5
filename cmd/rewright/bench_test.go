package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// rulesFile writes a .htaccess of n guarded redirects, two lines each.
func rulesFile(tb testing.TB, n int) string {
	var b strings.Builder
	b.WriteString("RewriteEngine On\n")
	for i := range n {
		fmt.Fprintf(&b, "RewriteCond %%{HTTP_HOST} ^h%d\\.example\\.com$ [NC]\nRewriteRule ^p%d/(.*)$ /q%d/$1 [R=301,L]\n", i, i, i)
	}
	name := filepath.Join(tb.TempDir(), ".htaccess")
	writeFile(tb, name, b.String())
	return name
}

func writeFile(tb testing.TB, name, text string) {
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkRequests measures trace --json --requests: one iteration is 1000 requests.
func BenchmarkRequests(b *testing.B) {
	for _, rules := range []int{1, 30, 1000} {
		b.Run(fmt.Sprintf("rules=%d", rules), func(b *testing.B) {
			config := rulesFile(b, rules)
			var lines bytes.Buffer
			for i := range 1000 {
				n := i % rules
				fmt.Fprintf(&lines, `{"method":"GET","scheme":"https","host":"h%d.example.com","target":"/p%d/x?y=%d","headers":{"Accept":"text/html"}}`+"\n", n, n, i)
			}
			b.SetBytes(int64(lines.Len()))
			b.ReportAllocs()
			for b.Loop() {
				var errs bytes.Buffer
				a := &app{in: bytes.NewReader(lines.Bytes()), out: io.Discard, err: &errs, now: time.Now}
				if status := a.run([]string{"trace", "--json", "--requests", "-", config}); status != exitOK {
					b.Fatalf("status %d: %s", status, errs.String())
				}
			}
			b.ReportMetric(float64(1000*b.N)/b.Elapsed().Seconds(), "requests/s")
		})
	}
}

// BenchmarkStart measures whole processes. They are this test binary, which is larger than rewright is.
func BenchmarkStart(b *testing.B) {
	config := rulesFile(b, 30)
	for _, args := range [][]string{{"--version"}, {"lint", config}, {"trace", config, "https://h29.example.com/p29/x"}} {
		b.Run(strings.TrimPrefix(args[0], "--"), func(b *testing.B) {
			for b.Loop() {
				c := exec.Command(os.Args[0], args...)
				c.Env = append(os.Environ(), asProgram+"=1")
				if out, err := c.CombinedOutput(); err != nil {
					b.Fatalf("%v: %s", err, out)
				}
			}
		})
	}
}
