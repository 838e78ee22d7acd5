package live

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// longList is a .htaccess of redirects that grew for years: literal paths, paths with a query, patterns of several
// kinds below the same folders, rules that take what later ones would, and others that take what is left.
func longList(seed uint64, n int) string {
	r := rand.New(rand.NewPCG(seed, 5))
	words := []string{"shop", "blog", "team", "Press", "docs", "a-b", "über"}
	word := func() string { return words[r.IntN(len(words))] }
	var b strings.Builder
	b.WriteString("RewriteEngine On\n")
	for i := range n {
		x, y := word(), word()
		switch r.IntN(20) {
		case 0:
			fmt.Fprintf(&b, "Redirect 301 /%s/%s-%d.html /new/%s/%d\n", x, y, i, y, i)
		case 1:
			fmt.Fprintf(&b, "RewriteRule ^%s/%s-%d\\.html$ /new/%s/%d [R=301,L]\n", x, y, i, y, i)
		case 2:
			fmt.Fprintf(&b, "RewriteRule ^%s/%d/(.*)$ /%s/%d/$1 [R=301,L]\n", x, i%40, y, i)
		case 3:
			fmt.Fprintf(&b, "RewriteRule ^%s/([0-9]+)-%d/?$ /%s/%d/$1 [R=302,L]\n", x, i%40, y, i)
		case 4:
			fmt.Fprintf(&b, "RedirectMatch 301 ^/%s/%d/page(\\d+)$ /p/%d/$1\n", x, i%40, i)
		case 5:
			fmt.Fprintf(&b, "RewriteCond %%{QUERY_STRING} ^id=%d$\nRewriteRule ^item\\.php$ /item/%d? [R=301,L]\n", i%90, i)
		case 6:
			fmt.Fprintf(&b, "RewriteCond %%{QUERY_STRING} ^Q=%s&n=%d$\nRewriteRule ^find$ https://h%d.test/%d [R=301,L]\n", strings.Trim(x, "ü"), i%30, i%5, i)
		case 7:
			fmt.Fprintf(&b, "RewriteRule ^old-%d/ /was/%d [R=301,L]\n", i%60, i)
		case 8:
			fmt.Fprintf(&b, "RewriteRule ^gone-%d$ - [G]\n", i)
		case 9:
			fmt.Fprintf(&b, "RewriteCond %%{HTTP_USER_AGENT} bot%d [NC]\nRewriteRule ^%s/%d(/|$) - [F]\n", i%9, x, i%40)
		case 10:
			fmt.Fprintf(&b, "RewriteRule ^%s/%s-%d$ /find?id=%d&a=b [R=301,L]\n", x, y, i, i)
		case 11:
			fmt.Fprintf(&b, "Redirect 302 /%s/%s/%d http://h.test/x?id=%d\n", x, y, i%40, i)
		case 12:
			fmt.Fprintf(&b, "RewriteRule ^%s/%s/%d/[a-c]+\\.(html|php)$ /%d.$1 [R=303,L]\n", x, y, i%20, i)
		default:
			fmt.Fprintf(&b, "RewriteRule ^/?arch-%d/([a-z]+)$ /archive/%d/$1 [R=301,L]\n", i%200, i)
		case 14:
			fmt.Fprintf(&b, "RedirectMatch 301 ^/%s/%s-%d/?$ /slash/%d\n", x, y, i, i)
		case 15:
			fmt.Fprintf(&b, "RewriteRule ^/?%s/%s/%d(?:\\.php|/)?$ https://w.test/%d [R=301,L]\n", x, y, i%40, i)
		case 16:
			fmt.Fprintf(&b, "RedirectMatch 302 ^/%s/%s/%d$ /exact/%d?x\n", x, y, i%40, i)
		case 13:
			fmt.Fprintf(&b, "RewriteRule ^%s/upper-%d$ /lower/%d [NC,R=301,L]\n", x, i, i)
		}
	}
	return b.String()
}

// TestLongLists holds long lists to the real Apache: maps, and locations of first segments, must keep what rules that
// stand in each other's way would answer.
func TestLongLists(t *testing.T) {
	needServer(t, nginxBinary, apacheBinary, apacheModules)
	root := openFolder(t)
	var sites []*site
	const front = "RewriteBase /\nRewriteRule ^index\\.php$ - [L]\nRewriteCond %{REQUEST_FILENAME} !-f\nRewriteCond %{REQUEST_FILENAME} !-d\nRewriteRule . /index.php [L]\n"
	const rest = "RewriteRule ^(.*)$ https://rest.test/$1 [R=302,L]\nErrorDocument 404 /missing.html\n"
	for seed, behind := range []string{"", front, rest} {
		sites = append(sites, &site{name: fmt.Sprintf("long%d", seed), files: []string{"index.php", "blog/", "blog/file.html"},
			config: map[string]string{".htaccess": longList(uint64(seed), 900+seed*400) + behind}})
	}
	hosts := hostsOf(t, root, sites, true)
	var originals []*host
	index := map[*host]*host{}
	for _, h := range hosts {
		var some = h.requests[:0:0]
		for i, r := range h.requests {
			if i%9 == 0 {
				some = append(some, r)
			}
		}
		h.requests = some
		o := &host{site: h.site}
		originals, index[h] = append(originals, o), o
		if h.name != "long2" && strings.Count(h.text("server.conf"), "\nlocation ") < 50 || !strings.Contains(h.text("http.conf"), "$target1") {
			t.Errorf("%s: neither maps nor locations", h.name)
		}
	}
	runApache(t, root, originals)
	runNginx(t, root, hosts)
	report(t, hosts, func(h *host, j int) (answer, bool) {
		w := index[h].got[j]
		return w, w.Status > 0
	}, 99)
}
