package fix

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"rewright/lint"
	"rewright/lint/rules"
)

// BenchmarkApply fixes a long list in which every tenth line has something to fix.
func BenchmarkApply(b *testing.B) {
	var text strings.Builder
	text.WriteString("RewriteEngine On\n")
	for i := range 20_000 {
		switch {
		case i%10 == 3:
			fmt.Fprintf(&text, "RewriteRule ^a%d$ /b%d [R=404,L]\n", i, i)
		case i%1000 == 5:
			fmt.Fprintf(&text, "RewriteRule ^c%d$ /d%d [R=301, L]\n", i, i)
		default:
			fmt.Fprintf(&text, "Redirect 301 /o%d /n%d\n", i, i)
		}
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		files, err := Apply(context.Background(), Options{Lint: lint.Options{Rules: rules.All()}}, htaccess(".htaccess", text.String()))
		if err != nil || len(files[0].Applied) < 4000 {
			b.Fatal(err, len(files[0].Applied))
		}
	}
}
