package compare_test

import (
	"bytes"
	"strings"
	"testing"

	"rewright/emit/compare"
	"rewright/parser"
	"rewright/parser/ir"
	"rewright/parser/load"
	"rewright/parser/probe"
	"rewright/parser/sim"
)

// side makes one configuration ready, with its document root at a place of its own.
func side(t *testing.T, name, text, root string) *compare.Side {
	t.Helper()
	o := load.Options{DocumentRoot: root}
	if name == "site.conf" {
		o.Server, o.Context = ir.Nginx, ir.ContextServer
		if strings.Contains(text, "server {") {
			o.Context = ir.ContextHTTP
		}
	}
	l, err := parser.LoadText(nil, name, []byte(text), o)
	if err != nil {
		t.Fatal(err)
	}
	site, err := probe.New(l.Program, probe.Options{World: sim.World{DocumentRoot: root}})
	if err != nil {
		t.Fatal(err)
	}
	return &compare.Side{Program: l.Program, Site: site, Docroot: root}
}

func run(t *testing.T, old, new *compare.Side, o compare.Options) *compare.Result {
	t.Helper()
	r, err := compare.Run(old, new, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestVerdicts(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"temporary to permanent", "Redirect 302 /a /b\n", "Redirect 301 /a /b\n", "the redirect is permanent now: caches and search engines keep it"},
		{"method kept", "Redirect 301 /a /b\n", "Redirect 308 /a /b\n", "POST stays POST, with its body"},
		{"method lost", "Redirect 307 /a /b\n", "Redirect 302 /a /b\n", "POST becomes GET, and its body is lost"},
		{"elsewhere", "Redirect /a /b\n", "Redirect /a /c\n", "goes elsewhere"},
		{"gone", "Redirect /a /b\n", "", "is no longer redirected"},
		{"new", "", "Redirect /a /b\n", "is redirected now"},
		{"query lost", "RewriteEngine On\nRewriteCond %{QUERY_STRING} x\nRewriteRule ^a$ /b [R,L]\n", "RewriteEngine On\nRewriteCond %{QUERY_STRING} x\nRewriteRule ^a$ /b? [R,L]\n", "the query string is lost"},
		{"circle", "Redirect /a /b\n", "Redirect /a /b\nRedirect /b /a\n", "now goes round in circles; browsers give up"},
		{"loop inside", "RewriteEngine On\nRewriteRule ^a$ /b [L]\n", "RewriteEngine On\nRewriteRule ^(.*)a$ /x$1a [L]\n", "now fails inside the server"},
		{"forbidden", "", "RewriteEngine On\nRewriteRule \\.html$ - [F]\n", "is refused now (403)"},
		{"header lost", "Header set X-A 1\n", "", "header X-A is lost"},
		{"another file", "DirectoryIndex index.html\n", "DirectoryIndex index.php index.html\n", "is answered now (200 instead of 403)"},
		{"index file", "DirectoryIndex index.html\n", "DirectoryIndex index.php\n", "is refused now (403)"},
		{"comment only", "Redirect /a /b\n", "# moved in May\nRedirect /a /b\n", ""},
		{"order of independent rules", "Redirect /a /b\nRedirect /c /d\n", "Redirect /c /d\nRedirect /a /b\n", ""},
		{"order that matters", "Redirect /a/x /b\nRedirect /a /d\n", "Redirect /a /d\nRedirect /a/x /b\n", "goes elsewhere"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := run(t, side(t, ".htaccess", c.old, "/srv/old"), side(t, ".htaccess", c.new, "/srv/new"), compare.Options{})
			var all []string
			for i := range r.Changes {
				all = append(all, r.Changes[i].Verdict)
			}
			got := strings.Join(all, "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("found %q, want %q", got, c.want)
			}
			if r.Compared < 15 {
				t.Errorf("only %d requests were compared", r.Compared)
			}
		})
	}
}

// A file that a rule needs is assumed on both sides, wherever their document roots lie.
func TestAssumedFilesAreCarriedOver(t *testing.T) {
	const old = "RewriteEngine On\nRewriteCond %{REQUEST_FILENAME} !-f\nRewriteRule ^(.*)$ /index.php [L]\n"
	const same = "location / { try_files $uri /index.php; }\n"
	r := run(t, side(t, ".htaccess", old, "/srv/old"), side(t, "site.conf", same, "/usr/share/site"), compare.Options{})
	for i := range r.Changes {
		if p := r.Changes[i].Probe.Request.Target; p != "/.htaccess" && p != "/folder" && p != "/folder/" && p != "/" {
			t.Errorf("%s: %s", p, r.Changes[i].Verdict)
		}
	}
}

func TestLimitIsSaid(t *testing.T) {
	r := run(t, side(t, ".htaccess", "Redirect /a /b\n", "/srv/www"), side(t, ".htaccess", "Redirect /a /c\n", "/srv/www"), compare.Options{Requests: 3})
	var text bytes.Buffer
	if err := r.WriteText(&text, "/srv/www", compare.Style{}); err != nil {
		t.Fatal(err)
	}
	if !r.Cut || r.Compared > 3 || !strings.Contains(text.String(), "stopped at the limit of requests: more may change") {
		t.Errorf("cut %v after %d requests:\n%s", r.Cut, r.Compared, text.String())
	}
}

// Swapping the sides finds the same requests, seen from the other side.
func TestSwappedSides(t *testing.T) {
	const a, b = "Redirect 302 /a /b\nRedirect gone /x\n", "Redirect 301 /a /b\nRewriteEngine On\nRewriteRule ^y$ /z [R,L]\n"
	one := run(t, side(t, ".htaccess", a, "/srv/www"), side(t, ".htaccess", b, "/srv/www"), compare.Options{})
	two := run(t, side(t, ".htaccess", b, "/srv/www"), side(t, ".htaccess", a, "/srv/www"), compare.Options{})
	if one.Changed != two.Changed || len(one.Changes) != len(two.Changes) || one.Changed == 0 {
		t.Errorf("%d changes in %d groups one way, %d in %d the other", one.Changed, len(one.Changes), two.Changed, len(two.Changes))
	}
}
