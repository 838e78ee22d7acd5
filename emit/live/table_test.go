package live

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"rewright/emit"
	"rewright/emit/apache"
	"rewright/parser"
	"rewright/parser/ir"
	"rewright/parser/load"
	"rewright/parser/sim"
	"rewright/parser/sim/live/wire"
)

// TestTable converts a map of 5,000 lines to a virtual host: it becomes a RewriteMap in a file of its own, and the real
// nginx and the real httpd answer alike for all of it. The last line costs httpd what the first does: its two
// conditions are a lookup each.
func TestTable(t *testing.T) {
	t.Run("literal", func(t *testing.T) { table(t, "'/old/with space' /new/space;\n/shop https://shop.example.test/#top;\n") })
	t.Run("mixed", func(t *testing.T) {
		table(t, "'/old/with space' /new/space;\n/shop https://shop.example.test/#top;\n~^/old/list-([0-9]+)$ /new/list/$1;\n")
	})
}

// table converts the map with some entries more.
func table(t *testing.T, more string) {
	needServer(t, nginxBinary, apacheBinary, apacheModules)
	root := openFolder(t)
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := wire.WriteCertificate(root); err != nil {
		t.Fatal(err)
	}
	const size = 5000
	var entries strings.Builder
	var requests []sim.Request
	ask := func(target string) {
		requests = append(requests, sim.Request{Method: "GET", Scheme: "http", Host: "example.test", Target: target, Version: "1.1"})
	}
	for i := range size {
		query := ""
		if i%7 == 0 {
			query = "?from=old"
		}
		fmt.Fprintf(&entries, "/old/Page-%d.html /new/%d%s;\n", i, i, query)
		if i%10 == 0 || i < 20 || i > size-20 {
			ask(fmt.Sprintf("/old/page-%d.html?a=%d", i, i))
		}
	}
	entries.WriteString(more)
	for _, target := range []string{"/old/with%20space", "/shop", "/shop?x=1", "/old/list-12", "/old/page-5000.html", "/old/PAGE-3.html", "/old/p%61ge-3.html", "/OLD/page-7.html", "/none", "/"} {
		ask(target)
	}
	c := &nginxCase{}
	c.site = &site{name: "table", config: map[string]string{
		"http":   "map_hash_bucket_size 128; map_hash_max_size 20000;\nmap $uri $new {\n" + entries.String() + "}\nserver { listen __PORT__; server_name example.test; root __ROOT__; if ($new) { return 301 $new; } }\n",
		"server": "",
	}}
	c.requests = requests
	if err := c.place(filepath.Join(root, "table")); err != nil {
		t.Fatal(err)
	}
	text := func(port string) string {
		return strings.NewReplacer("__PORT__", port, "__ROOT__", c.docroot()).Replace(c.config["http"])
	}
	serveOnce(t, root, c, text)
	l, err := parser.LoadText(nil, "site.conf", []byte(text("127.0.0.1:80")), load.Options{Server: ir.Nginx, Context: ir.ContextHTTP})
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(root, "out")
	if err := os.Mkdir(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	c.root = c.docroot()
	c.result, err = apache.Target{Server: true}.Convert(l.Program, emit.Options{World: &sim.World{DocumentRoot: c.docroot()}, Folder: folder})
	if err != nil {
		t.Fatal(err)
	}
	tables := 0
	for _, f := range c.result.Files[1:] {
		if err := os.WriteFile(filepath.Join(folder, f.Name), f.Text, 0o644); err != nil {
			t.Fatal(err)
		}
		tables += strings.Count(string(f.Text), "\n")
	}
	conf := string(c.result.Files[0].Text)
	if tables < size || strings.Count(conf, "\n") > 60 {
		t.Errorf("%d lines of tables, want %d; the virtual host:\n%.3000s", tables, size, conf)
	}
	if err := serveTranslated(filepath.Join(root, "h"), root, []*nginxCase{c}, true); err != nil {
		t.Fatal(err)
	}
	redirects := 0
	for i := range requests {
		if c.want[i].Status == 301 {
			redirects++
		}
		if !sameAnswer(c.want[i], c.got[i], false) {
			t.Errorf("%s: nginx %v, httpd %v", requests[i].Target, c.want[i], c.got[i])
		}
	}
	if redirects < len(requests)-6 {
		t.Errorf("%d of %d requests were redirected", redirects, len(requests))
	}
	_, approximate, dropped := c.result.Count()
	t.Logf("%d requests alike, %d redirects; %d approximate, %d dropped", len(requests), redirects, approximate, dropped)
}

// serveOnce asks a real nginx with the inside of http {} that text gives for an address.
func serveOnce(t *testing.T, root string, c *nginxCase, text func(address string) string) {
	t.Helper()
	ports, err := wire.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	c.port, c.tlsPort, c.altPort = ports[0], -1, -1
	conf := fmt.Sprintf("daemon off; master_process off; pid nginx.pid; error_log error.log crit;\nevents { worker_connections 200; }\nhttp {\naccess_log off; port_in_redirect off;\n"+
		"client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;\n%s}\n", text(fmt.Sprintf("127.0.0.1:%d", c.port)))
	proc, err := startNginx(c.dir, conf)
	if err != nil {
		t.Fatal(err)
	}
	defer proc.Stop(syscall.SIGQUIT)
	for _, r := range c.requests {
		a, _, body := c.ask(r)
		c.want, c.bodies = append(c.want, a), append(c.bodies, body)
	}
}

// startNginx runs nginx with a configuration in dir, and comes back when it listens.
func startNginx(dir, conf string) (*wire.Process, error) {
	name := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(name, []byte(conf), 0o644); err != nil {
		return nil, err
	}
	cmd := nginxCommand(dir, name)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	proc, err := wire.Start(cmd)
	if err != nil {
		return nil, err
	}
	for range 1500 {
		if _, err := os.Stat(filepath.Join(dir, "nginx.pid")); err == nil || proc.HasExited() {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if proc.HasExited() {
		return nil, fmt.Errorf("nginx did not start: %s", stderr.String())
	}
	return proc, nil
}
