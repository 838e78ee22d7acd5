package live

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"rewright/emit"
	"rewright/emit/apache"
	"rewright/parser"
	"rewright/parser/ir"
	"rewright/parser/load"
	"rewright/parser/sim"
	"rewright/parser/sim/live/wire"
)

// sending is the inside of http {} whose headers are compared.
const sending = `map $http_origin $cors { default ""; "~^https://([a-z]+\.)?example\.com$" $http_origin; }
add_header X-Http h;
server { listen __PORT__; server_name example.test; root __ROOT__;
 set $who me;
 add_header X-One 1; add_header X-One 2; add_header X-Two 1 always; expires 1h;
 location / { add_header X-Root 1; add_header X-Host "$scheme://$host" always; try_files $uri $uri/ =404; }
 location /vary/ { add_header Access-Control-Allow-Origin $cors; add_header X-Agent $http_user_agent; add_header X-Who $who; add_header X-Lang $http_accept_language always; }
 location ~ \.txt$ { add_header X-One 3; expires max; add_header Cache-Control public; }
 location /deep/ { add_header X-Deep 1 always; location /deep/er/ { expires off; } }
 location = /text { add_header X-Text 1; return 200 "t"; }
 location = /moved { add_header X-Moved 1 always; return 301 /f.html; }
}
`

// TestHeaders converts a server whose locations send headers, and holds the headers of the real nginx against those of
// the real httpd.
func TestHeaders(t *testing.T) {
	needServer(t, nginxBinary, apacheBinary, apacheModules)
	root := openFolder(t)
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := wire.WriteCertificate(root); err != nil {
		t.Fatal(err)
	}
	c := &nginxCase{}
	c.site = &site{name: "headers", config: map[string]string{"http": sending}, files: []string{"f.html", "f.txt", "vary/f.html", "vary/f.txt", "deep/f.html", "deep/er/f.html", "deep/er/f.txt"}}
	for _, target := range []string{"/f.html", "/f.txt", "/vary/f.html", "/vary/f.txt", "/vary/none", "/deep/f.html", "/deep/er/f.html", "/deep/er/f.txt", "/deep/none", "/none", "/none.txt", "/text", "/moved"} {
		for _, header := range [][][2]string{nil, {{"Origin", "https://www.example.com"}, {"User-Agent", "a b"}}, {{"Origin", "https://example.org"}, {"Accept-Language", "de"}}} {
			c.requests = append(c.requests, sim.Request{Method: "GET", Scheme: "http", Host: "example.test", Target: target, Version: "1.1", Header: header})
		}
	}
	if err := c.place(filepath.Join(root, "headers")); err != nil {
		t.Fatal(err)
	}
	text := func(port string) string {
		return strings.NewReplacer("__PORT__", port, "__ROOT__", c.docroot()).Replace(sending)
	}
	var said []wire.Response
	c.replied = func(r wire.Response) { said = append(said, r) }
	serveOnce(t, root, c, text)
	want := said
	l, err := parser.LoadText(nil, "site.conf", []byte(text("127.0.0.1:80")), load.Options{Server: ir.Nginx, Context: ir.ContextHTTP})
	if err != nil {
		t.Fatal(err)
	}
	c.root = c.docroot()
	for _, server := range []bool{false, true} {
		c.result, err = apache.Target{Server: server}.Convert(l.Program, emit.Options{World: &sim.World{DocumentRoot: c.docroot()}})
		if err != nil {
			t.Fatal(err)
		}
		said = nil
		if err := serveTranslated(filepath.Join(root, fmt.Sprintf("h%v", server)), root, []*nginxCase{c}, server); err != nil {
			t.Fatal(err)
		}
		os.Remove(filepath.Join(c.root, ".htaccess"))
		bad := 0
		for i := range c.requests {
			if want[i].Status != said[i].Status {
				t.Errorf("%s: nginx %d, httpd %d", c.requests[i].Target, want[i].Status, said[i].Status)
				continue
			}
			for _, name := range []string{"X-Http", "X-One", "X-Two", "X-Root", "X-Host", "X-Agent", "X-Who", "X-Lang", "X-Deep", "X-Text", "X-Moved", "Access-Control-Allow-Origin", "Cache-Control"} {
				if a, b := parts(&want[i], name), parts(&said[i], name); !slices.Equal(a, b) {
					bad++
					t.Errorf("%s %v: %s of nginx %q, of httpd %q", c.requests[i].Target, c.requests[i].Header, name, a, b)
				}
			}
		}
		if bad > 0 {
			t.Logf("%s\n%s", c.result.Files[0].Text, c.result.Table())
		}
	}
}

// parts are what headers of one name say, in order of the alphabet.
func parts(r *wire.Response, name string) (out []string) {
	for _, v := range r.Values(name) {
		for _, p := range strings.Split(v, ",") {
			out = append(out, strings.TrimSpace(p))
		}
	}
	sort.Strings(out)
	return out
}
