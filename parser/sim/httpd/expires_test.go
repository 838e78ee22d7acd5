package httpd_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"rewright/parser/apache"
	"rewright/parser/ir"
	"rewright/parser/sim"
	"rewright/parser/sim/httpd"
	"rewright/parser/source"
)

type pages struct{ sim.NoFiles }

func (p pages) Stat(path string) (sim.FileInfo, bool) {
	if strings.HasPrefix(path, "/srv/x.") {
		return sim.FileInfo{Kind: sim.Regular, Size: 3}, true
	}
	return p.NoFiles.Stat(path)
}

// TestExpires: what httpd 2.4.71 sent for the same files and lines.
func TestExpires(t *testing.T) {
	for _, c := range []struct{ name, text, path, want string }{
		{"redirect", "ExpiresActive On\nExpiresDefault \"access plus 1 year\"\nRedirect 302 /r /b\n", "/r",
			"302 Cache-Control: max-age=31536000 | Expires: Wed, 24 Nov 2027 16:09:50 GMT"},
		{"gone", "ExpiresActive On\nExpiresDefault A100\nRedirect gone /g\n", "/g", "410"},
		{"missing", "ExpiresActive On\nExpiresDefault A100\n", "/none", "404"},
		{"forbidden", "ExpiresActive On\nExpiresDefault A100\nRewriteEngine On\nRewriteRule ^f$ - [F]\n", "/f", "403"},
		{"page", "ExpiresActive On\nExpiresDefault A100\n", "/x.html", "200 Cache-Control: max-age=100 | Expires: Tue, 24 Nov 2026 16:11:30 GMT"},
		{"not active", "ExpiresDefault A100\n", "/x.html", "200"},
		{"redirect is HTML", "ExpiresActive On\nExpiresByType text/html \"access plus 1 day\"\nRewriteEngine On\nRewriteRule ^w$ /x [R=301,L]\n", "/w",
			"301 Cache-Control: max-age=86400 | Expires: Wed, 25 Nov 2026 16:09:50 GMT"},
		{"type", "ExpiresActive On\nExpiresDefault A100\nExpiresByType text/css A60\n", "/x.css", "200 Cache-Control: max-age=60 | Expires: Tue, 24 Nov 2026 16:10:50 GMT"},
		{"major type", "ExpiresActive On\nExpiresDefault A100\nExpiresByType text/* A50\n", "/x.css", "200 Cache-Control: max-age=50 | Expires: Tue, 24 Nov 2026 16:10:40 GMT"},
		{"no type of its own", "ExpiresActive On\nExpiresByType text/css A60\n", "/x.html", "200"},
		{"type that depends on the table", "ExpiresActive On\nExpiresByType text/css A60\n", "/x.js", "200 ?Cache-Control ?Expires"},
		{"Header replaces on success", "ExpiresActive On\nExpiresDefault A100\nHeader set Cache-Control no-store\n", "/x.html",
			"200 Expires: Tue, 24 Nov 2026 16:11:30 GMT | Cache-Control: no-store"},
		{"and not on a redirect", "ExpiresActive On\nExpiresDefault A100\nHeader set Cache-Control no-store\nRedirect 302 /r /d\n", "/r",
			"302 Cache-Control: max-age=100 | Expires: Tue, 24 Nov 2026 16:11:30 GMT"},
		{"always stands beside", "ExpiresActive On\nExpiresDefault A50\nHeader always set Cache-Control no-store\nRedirect 302 /r /d\n", "/r",
			"302 Cache-Control: no-store | Cache-Control: max-age=50 | Expires: Tue, 24 Nov 2026 16:10:40 GMT"},
		{"unset", "ExpiresActive On\nExpiresDefault A100\nHeader unset Expires\nHeader unset Cache-Control\n", "/x.html", "200"},
		{"file time, redirect", "ExpiresActive On\nExpiresDefault M100\nRedirect 302 /r /d\n", "/r", "302"},
		{"file time", "ExpiresActive On\nExpiresDefault M100\n", "/x.html", "200 ?Cache-Control ?Expires"},
	} {
		t.Run(c.name, func(t *testing.T) {
			conf := apache.Read(apache.Parse(source.NewFile(".htaccess", []byte(c.text))), apache.Env{Context: ir.ContextHtaccess})
			w := sim.World{Files: pages{sim.NoFiles{Root: "/srv"}}, DocumentRoot: "/srv", Time: time.Date(2026, 11, 24, 16, 9, 50, 0, time.UTC)}
			s, err := httpd.New(apache.NewHtaccessProgram(apache.LowerHtaccess(conf, "/srv")), &w)
			if err != nil {
				t.Fatal(err)
			}
			o := s.Answer(sim.Request{Host: "example.test", Target: c.path}, false)
			got := fmt.Sprint(o.Status)
			var fields []string
			for _, h := range o.Header {
				fields = append(fields, h[0]+": "+h[1])
			}
			if len(fields) > 0 {
				got += " " + strings.Join(fields, " | ")
			}
			slices.Sort(o.UnknownHeader)
			for _, h := range o.UnknownHeader {
				got += " ?" + h
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
