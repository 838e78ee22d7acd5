package nginx

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"rewright/emit"
	"rewright/emit/check"
	"rewright/parser"
	"rewright/parser/load"
	"rewright/parser/probe"
	"rewright/parser/sim"
)

// Redirects with literal paths become one map although others stand between them, and the rules that take one of those
// paths first still do.
func TestRunsPassOtherRules(t *testing.T) {
	var b strings.Builder
	b.WriteString("RewriteEngine On\n")
	var paths []string
	for i := range 40 {
		fmt.Fprintf(&b, "RewriteRule ^shop/item-%d\\.html$ /new/%d [R=301,L]\nRewriteRule ^old-%d/([0-9]+)$ /page/%d [R=301,L]\n", i, i, i, i)
		paths = append(paths, fmt.Sprintf("/shop/item-%d.html", i), fmt.Sprintf("/old-%d/7", i))
	}
	b.WriteString("RewriteRule ^SHOP/late-([0-4]+)$ /taken [NC,R=302,L]\n")
	for i := range 10 {
		fmt.Fprintf(&b, "RewriteRule ^shop/late-%d$ /late/%d [R=301,L]\n", i, i)
		paths = append(paths, fmt.Sprintf("/shop/late-%d", i))
	}
	for i := range 40 {
		fmt.Fprintf(&b, "Redirect 301 /alias/%d /target/%d\nRedirectMatch 302 ^/alias/%d(-[a-z])$ /match/%d\n", i, i, i, i)
		paths = append(paths, fmt.Sprintf("/alias/%d", i), fmt.Sprintf("/alias/%d/x", i), fmt.Sprintf("/alias/%d-b", i))
	}
	const root = "/srv/www"
	site := fstest.MapFS{".htaccess": {Data: []byte(b.String()), Mode: 0o644}}
	l, err := parser.Load(site, ".", load.Options{Mount: root, DocumentRoot: root})
	if err != nil {
		t.Fatal(err)
	}
	c, err := newConversion(l.Program, emit.Options{World: &sim.World{DocumentRoot: root, Files: parser.FSFiles{FS: site, Mount: root}}})
	if err != nil {
		t.Fatal(err)
	}
	got := c.try(flat, nil)
	if got.refused != nil {
		t.Fatal(got.refused)
	}
	if n := strings.Count(got.http, "shop/item-"); n != 40 || strings.Contains(got.text, "shop/item-") {
		t.Errorf("%d of 40 literal paths are in a map", n)
	}
	for _, path := range paths {
		p := probe.Probe{Request: sim.Request{Host: probe.DefaultHost, Target: path}}
		before, after := c.before.Ask(p), got.after.Ask(p)
		if !before.Known || !after.Known || before.Location == nil || check.Differ(&before, &after) != "" {
			t.Errorf("%s: %s becomes %s", path, check.Describe(&before), check.Describe(&after))
		}
	}
}

// A rule that brings requests to the path of a later redirect is not passed.
func TestRunsStopAtRewrites(t *testing.T) {
	var b strings.Builder
	b.WriteString("RewriteEngine On\n")
	for i := range 20 {
		fmt.Fprintf(&b, "RewriteRule ^first/%d$ /a/%d [R=301,L]\n", i, i)
	}
	b.WriteString("RewriteRule ^detour/(.*)$ last/$1\n")
	for i := range 20 {
		fmt.Fprintf(&b, "RewriteRule ^last/%d$ /b/%d [R=301,L]\n", i, i)
	}
	const root = "/srv/www"
	site := fstest.MapFS{".htaccess": {Data: []byte(b.String()), Mode: 0o644}}
	l, err := parser.Load(site, ".", load.Options{Mount: root, DocumentRoot: root})
	if err != nil {
		t.Fatal(err)
	}
	r, err := Target{}.Convert(l.Program, emit.Options{World: &sim.World{DocumentRoot: root, Files: parser.FSFiles{FS: site, Mount: root}}})
	if err != nil {
		t.Fatal(err)
	}
	if s := text(r, HTTPFile); strings.Contains(s, "first/") {
		t.Errorf("20 redirects before a rewrite and 20 behind it are no run of 40:\n%s", s)
	}
}
