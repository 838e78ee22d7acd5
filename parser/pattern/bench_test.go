package pattern

import (
	"fmt"
	"strings"
	"testing"
)

func BenchmarkParse(b *testing.B) {
	for _, c := range []struct{ name, text string }{
		{"minimal", "^/a$"},
		{"typical", `^products/([^/]+)/(\d+)(?:\.html?)?$`},
		{"huge", "^(?:" + strings.Repeat(`(?:bot|crawler|[a-z0-9-]+\.example\.com)/(\d+)|`, 500) + ")$"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Parse(c.text, Apache); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkCompileRemembered(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Compile(`^blog/(\d+)/?$`, Apache); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	for _, c := range []struct{ name, pattern, subject string }{
		{"literal", "^/old-page-17$", "/old-page-17"},
		{"literal-misses", "^/old-page-17$", "/old-page-18"},
		{"capture", `^blog/(\d+)/?$`, "blog/1234/"},
		{"capture-misses", `^blog/(\d+)/?$`, "shop/1234/"},
		{"capture-misses-late", `^blog/(\d+)/?$`, "blog/about"},
		{"everything", "^(.*)$", "a/typical/path/of/some/length.html"},
		{"suffix", `\.(?:jpe?g|png|gif)$`, "/wp-content/uploads/2019/08/photo.jpeg"},
		{"suffix-misses", `\.(?:jpe?g|png|gif)$`, "/wp-content/uploads/2019/08/photo.webp"},
		{"look-ahead", `^(?!admin/)(.+)\.html$`, "news/today.html"},
		{"no-case", `(?i)^(www\.)?example\.com$`, "WWW.Example.com"},
	} {
		re, err := Compile(c.pattern, Apache)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := re.Match(c.subject); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkManyRules tries one path on 100,000 literal rules, as a site move leaves them.
func BenchmarkManyRules(b *testing.B) {
	rules := make([]*Regexp, 100_000)
	for i := range rules {
		rules[i], _ = Compile(fmt.Sprintf(`^old/page-%d\.html$`, i), Apache)
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, re := range rules {
			if ok, _ := re.MatchBool("old/page-99999.html"); ok && re != rules[99_999] {
				b.Fatal("matched too early")
			}
		}
	}
}
