package nginx

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"rewright/emit"
	"rewright/emit/check"
	"rewright/parser"
	"rewright/parser/ir"
	"rewright/parser/load"
	"rewright/parser/pattern"
	"rewright/parser/probe"
	"rewright/parser/sim"
	"rewright/parser/source"
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

// A rule that takes the path of a later redirect is found, whatever index it stands in.
func TestObstacles(t *testing.T) {
	patterns := []string{`^shop/([0-9]+)-1/?$`, `^shop/`, `^shop/?$`, `^shop/(a|b)?$`, `^shop/(?:[a-f]x|7)`, `^shop/[^/]+$`, `^shop/\d*\.html$`, `^shop/(.*)$`, `^shop/a\b`,
		`^shop/(?=q)`, `^shop(/|$)`, `^sh(op/q)+`, `(?i)^SHOP/Q`, `^(?i)shop/q`, `^shop/()z`, `^shop/(x*)y`, `^shop/\xfc`, `^/?shop/[k-m]`}
	paths := []string{"shop", "shop/", "shop/1-1", "shop/1-1/", "shop/a", "shop/b", "shop/ax", "shop/7", "shop/7.html", "shop/.html", "shop/q", "shop/qop/q", "SHOP/Q", "shop/y", "shop/xy",
		"shop/z", "shop/\xfc", "shop/ab", "shop/a b", "shop/k", "shop/n", "shoop/q", "sh"}
	var all obstacles
	program := func(p string) *ir.Rule {
		return &ir.Rule{Keyword: ir.RewriteRule, Pattern: ir.NewPattern(p, source.Span{}, pattern.Apache)}
	}
	taken := map[string]bool{}
	for _, text := range patterns {
		r := program(text)
		var o obstacles
		head := "/" + sim.PatternKey(subject{prefix: "/"}.tree(r.Pattern)).Text
		o.add(head, r, subject{prefix: "/"})
		if head != "/shop/" || text != `^shop/(.*)$` && text != `^shop/` && text != `^shop/[^/]+$` { // those would take all
			all.add(head, r, subject{prefix: "/"})
		}
		for _, path := range paths {
			want, err := r.Pattern.Re.MatchBool(path)
			if err != nil {
				t.Fatal(err)
			}
			if got := o.before(&entry{path: "/" + path, whole: true}, "/"); got != want {
				t.Errorf("%s takes %q: %v, want %v", text, path, got, want)
			}
			if want && !o.before(&entry{path: "/" + path}, "/") {
				t.Errorf("%s does not stand before Redirect /%s", text, path)
			}
			if want && (head != "/shop/" || text != `^shop/(.*)$` && text != `^shop/` && text != `^shop/[^/]+$`) {
				taken[path] = true
			}
		}
	}
	for _, path := range paths {
		if got := all.before(&entry{path: "/" + path, whole: true}, "/"); got != taken[path] {
			t.Errorf("%q is taken by one of all: %v, want %v", path, got, taken[path])
		}
	}
}

// nginx finds a number of buckets for the keys within the sizes that are written.
func TestHashSizes(t *testing.T) {
	keys := func(n, length int) (out []string) {
		for i := range n {
			out = append(out, fmt.Sprintf("/%0*d", length-1, i*7919))
		}
		return out
	}
	for _, c := range []struct{ many, length int }{{40, 20}, {3000, 12}, {3000, 60}, {100_000, 30}, {30, 300}} {
		g := &attempt{bulkKeys: [][]string{keys(c.many, c.length), keys(31, 10)}}
		text := g.hashSizes()
		bucket, size := 64, 2048
		for _, line := range strings.Split(text, "\n") {
			fmt.Sscanf(line, "map_hash_bucket_size %d;", &bucket)
			fmt.Sscanf(line, "map_hash_max_size %d;", &size)
		}
		if !nginxFits(g.bulkKeys[0], bucket, size) {
			t.Errorf("%d keys of %d bytes: no room with %q", c.many, c.length, text)
		}
		if c.many == 40 && text != "" {
			t.Errorf("40 short keys want %q", text)
		}
	}
}

// nginxFits searches as nginx does. Source: nginx src/core/ngx_hash.c, ngx_hash_init.
func nginxFits(keys []string, bucket, maxSize int) bool {
	bucket -= 8
	for _, k := range keys {
		if bucket < 8+(len(k)+2+7)/8*8 {
			return false
		}
	}
	start := max(len(keys)/(bucket/16), 1)
	if maxSize > 10000 && maxSize/len(keys) < 100 {
		start = maxSize - 1000
	}
	for size := start; size <= maxSize; size++ {
		used, fits := make([]int, size), true
		for _, k := range keys {
			var h uint64
			for _, c := range []byte(strings.ToLower(k)) {
				h = h*31 + uint64(c)
			}
			used[h%uint64(size)] += 8 + (len(k)+2+7)/8*8
			fits = fits && used[h%uint64(size)] <= bucket
		}
		if fits {
			return true
		}
	}
	return false
}
