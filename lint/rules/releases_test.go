package rules

import (
	"strings"
	"testing"

	"rewright/lint"
	"rewright/parser/ir"
	"rewright/parser/source"
)

// TestReleases checks that what a newer nginx takes is refused only where an older one is named.
func TestReleases(t *testing.T) {
	for _, c := range []struct {
		name    string
		context ir.Context
		text    string
		want    string // of the finding with nginx 1.22.1
	}{
		{"directive", ir.ContextServer, "listen 443 ssl;\nhttp2 on;\n", "needs nginx 1.25.1"},
		{"parameter of listen", ir.ContextServer, "listen 443 ssl;\nlisten 443 quic;\n", "since nginx 1.25.0"},
		{"parameter of an upstream's server", ir.ContextHTTP, "upstream pool {\n    zone pool 64k;\n    server a.example service=_http._tcp resolve;\n}\n", "since nginx 1.27.3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in := lint.Input{File: source.NewFile("site.conf", []byte(c.text)), Server: ir.Nginx, Context: c.context}
			for _, d := range checkInput(t, in) {
				if d.Refuses {
					t.Errorf("no release is named, and yet: %s", describe(d))
				}
			}
			in.Version = "1.22.1"
			said := false
			for _, d := range checkInput(t, in) {
				said = said || d.Refuses && strings.Contains(d.Message, c.want)
			}
			if !said {
				t.Errorf("nothing says %q of nginx 1.22.1", c.want)
			}
		})
	}
}

// TestWithoutEvents checks that a file that another one may include needs no events block, and that nginx.conf needs one.
func TestWithoutEvents(t *testing.T) {
	const text = "http {\n    server {\n        return 204;\n    }\n}\n"
	for name, refused := range map[string]bool{"nginx.conf": true, "sites.conf": false} {
		for _, d := range checkInput(t, lint.Input{File: source.NewFile(name, []byte(text)), Server: ir.Nginx, Context: ir.ContextMain}, "RD029") {
			if d.Refuses != refused {
				t.Errorf("%s: %s", name, describe(d))
			}
		}
	}
}
