package live

import (
	"crypto/sha1"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"rewright/parser/sim"
)

// TestPasswords asks both real servers with no password, right and wrong ones, for what a folder says about users and
// addresses.
func TestPasswords(t *testing.T) {
	needServer(t, nginxBinary, apacheBinary, apacheModules)
	root := openFolder(t)
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	passwords := filepath.Join(root, "passwords")
	text := ""
	for _, user := range []string{"alice", "bob"} {
		sum := sha1.Sum([]byte("secret of " + user))
		text += user + ":{SHA}" + base64.StdEncoding.EncodeToString(sum[:]) + "\n"
	}
	if err := os.WriteFile(passwords, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	basic := "AuthType Basic\nAuthName \"Staff only\"\nAuthUserFile " + passwords + "\n"
	const here, elsewhere = "127.0.0.1", "192.0.2.1"
	table := []struct {
		name   string
		config map[string]string
		exact  bool // no rule of it answers before the password is asked for
	}{
		{"any user", map[string]string{".htaccess": basic + "Require valid-user\n"}, true},
		{"one user", map[string]string{".htaccess": basic + "Require user alice\n"}, true},
		{"two users, one unknown", map[string]string{".htaccess": basic + "Require user carol bob\n"}, true},
		{"user in a folder", map[string]string{"sub/.htaccess": basic + "Require valid-user\n"}, true},
		{"one user in a folder, another below", map[string]string{"sub/.htaccess": basic + "Require user alice\n", "sub/deep/.htaccess": "Require user bob\n"}, true},
		{"folder below inherits", map[string]string{".htaccess": basic + "Require valid-user\n", "sub/.htaccess": "DirectoryIndex page.html\n"}, true},
		{"folder below is open", map[string]string{".htaccess": basic + "Require valid-user\n", "sub/.htaccess": "Require all granted\n"}, true},
		{"user or this address", map[string]string{".htaccess": basic + "Require valid-user\nRequire ip " + here + "\n"}, true},
		{"user or another address", map[string]string{".htaccess": basic + "Require valid-user\nRequire ip " + elsewhere + "\n"}, true},
		{"RequireAny", map[string]string{".htaccess": basic + "<RequireAny>\nRequire user alice\nRequire ip " + elsewhere + "\n</RequireAny>\n"}, true},
		{"RequireAll, this address", map[string]string{"sub/.htaccess": basic + "<RequireAll>\nRequire valid-user\nRequire ip " + here + "\n</RequireAll>\n"}, true},
		{"RequireAll, another address", map[string]string{"sub/.htaccess": basic + "<RequireAll>\nRequire ip " + elsewhere + "\nRequire valid-user\n</RequireAll>\n"}, true},
		{"RequireAll of a user and any", map[string]string{".htaccess": basic + "<RequireAll>\nRequire valid-user\nRequire user bob\n</RequireAll>\n"}, true},
		{"Satisfy any, this address", map[string]string{".htaccess": basic + "Require valid-user\nOrder deny,allow\nDeny from all\nAllow from " + here + "\nSatisfy any\n"}, true},
		{"Satisfy any, another address", map[string]string{".htaccess": basic + "Require valid-user\nOrder deny,allow\nDeny from all\nAllow from " + elsewhere + "\nSatisfy any\n"}, true},
		{"Satisfy any, nobody denied", map[string]string{".htaccess": basic + "Require valid-user\nOrder deny,allow\nDeny from " + elsewhere + "\nSatisfy any\n"}, true},
		{"Satisfy any, all but one", map[string]string{".htaccess": basic + "Require valid-user\nOrder allow,deny\nAllow from all\nDeny from " + here + "\nSatisfy any\n"}, true},
		{"Satisfy all, this address", map[string]string{".htaccess": basic + "Require user alice\nOrder deny,allow\nDeny from all\nAllow from " + here + "\nSatisfy all\n"}, true},
		{"Satisfy all, another address", map[string]string{".htaccess": basic + "Require valid-user\nOrder deny,allow\nDeny from all\nAllow from " + elsewhere + "\n"}, true},
		{"open folder below one with addresses", map[string]string{".htaccess": basic + "<RequireAll>\nRequire valid-user\nRequire ip " + elsewhere + "\n</RequireAll>\n", "sub/.htaccess": "Require all granted\n"}, true},
		{"result inside", map[string]string{".htaccess": basic + "Require valid-user\nRewriteEngine On\nRewriteRule ^old$ /page.html [L]\n"}, true},
		{"redirect before the password", map[string]string{".htaccess": basic + "Require valid-user\nRewriteEngine On\nRewriteRule ^old$ /page.html [R=301,L]\n"}, false},
	}
	credentials := []string{"", "alice:secret of alice", "bob:secret of bob", "alice:secret of bob", "alice:", "carol:secret of alice", ":", "Alice:secret of alice"}
	var sites []*site
	loose := map[*site]bool{}
	for _, c := range table {
		s := &site{name: c.name, config: c.config, files: []string{"page.html", "index.html", "sub/page.html", "sub/deep/page.html"}}
		for _, target := range []string{"/page.html", "/", "/none", "/old", "/sub/", "/sub", "/sub/page.html", "/sub/deep/page.html", "/sub/deep", "/a%2fb"} {
			for _, pair := range credentials {
				r := sim.Request{Target: target, Host: "example.test"}
				if pair != "" {
					r.Header = [][2]string{{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(pair))}}
				}
				s.requests = append(s.requests, r)
			}
			s.requests = append(s.requests, sim.Request{Target: target, Host: "example.test", Header: [][2]string{{"Authorization", "Bearer x"}}})
		}
		loose[s] = !c.exact
		sites = append(sites, s)
	}
	hosts := hostsOf(t, root, sites, false)
	if len(hosts) != len(table) {
		t.Fatalf("%d of %d sites are accepted", len(hosts), len(table))
	}
	originals := make([]*host, len(hosts))
	for i, h := range hosts {
		originals[i] = &host{site: h.site}
	}
	runApache(t, root, originals)
	runNginx(t, root, hosts)
	asked, seen := 0, map[int]int{}
	for i, h := range hosts {
		if h.refused != "" {
			t.Errorf("%s: nginx refuses the result: %s", h.name, h.refused)
			continue
		}
		if h.allExact() == loose[h.site] {
			t.Errorf("%s: all called exact: %v\n%s", h.name, h.allExact(), notes(h.result))
		}
		for j, want := range originals[i].got {
			asked++
			seen[want.Status]++
			if got := h.got[j]; !alike(want, got) && !loose[h.site] {
				t.Errorf("%s: %s %v: httpd %v, nginx %v\n%s", h.name, h.requests[j].Target, h.requests[j].Header, want, got, strings.TrimSpace(h.text("server.conf")))
			}
		}
	}
	for _, status := range []int{200, 301, 401, 403, 404} {
		if seen[status] == 0 {
			t.Errorf("httpd never answers %d", status)
		}
	}
	t.Logf("%d requests to %d configurations; httpd answers %v", asked, len(hosts), seen)
}
