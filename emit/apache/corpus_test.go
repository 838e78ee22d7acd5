package apache_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"rewright/emit"
	"rewright/emit/apache"
	"rewright/parser"
	"rewright/parser/ir"
	"rewright/parser/load"
)

// contexts are what the files of a corpus are the inside of, by the words of nginx-accepts.tsv.
var contexts = map[string]ir.Context{"http": ir.ContextHTTP, "server": ir.ContextServer, "location": ir.ContextLocation,
	"main": ir.ContextMain, "main+events": ir.ContextMain}

// TestCorpus converts every nginx file of a corpus, when REWRIGHT_CORPUS names one, to both forms; httpd, where it is
// installed, must accept what comes out.
func TestCorpus(t *testing.T) {
	root := os.Getenv("REWRIGHT_CORPUS")
	if root == "" {
		t.Skip("REWRIGHT_CORPUS names no folder of configurations")
	}
	list, err := os.Open(filepath.Join(root, "nginx-accepts.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	defer list.Close()
	httpd := findServer()
	if httpd == "" {
		if os.Getenv("REWRIGHT_REQUIRE_SERVERS") != "" {
			t.Fatal("apache2 is not installed")
		}
		t.Log("apache2 is not installed: what comes out is read by our own parser only")
	}
	converted, refused, exact, approximate, dropped, tables := 0, 0, 0, 0, 0, 0
	lines := bufio.NewScanner(list)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		cells := strings.Split(lines.Text(), "\t")
		if len(cells) < 5 || cells[0] == "file" || contexts[cells[2]] == "" {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, cells[0]))
		if err != nil {
			t.Fatal(err)
		}
		if cells[2] == "main+events" {
			text = append(text, "\nevents {}\n"...)
		}
		for _, server := range []bool{false, true} {
			l, err := parser.LoadText(nil, "site.conf", text, load.Options{Server: ir.Nginx, Context: contexts[cells[2]]})
			if err != nil {
				t.Fatal(err)
			}
			for i := range l.Program.Diagnostics {
				l.Program.Diagnostics[i].Refuses = false
			}
			folder := t.TempDir()
			r, err := apache.Target{Server: server}.Convert(l.Program, emit.Options{Folder: folder})

			if err != nil {
				t.Errorf("%s: %v", cells[0], err)
				continue
			}
			converted++
			a, b, c := r.Count()
			exact, approximate, dropped = exact+a, approximate+b, dropped+c
			if httpd == "" {
				continue
			}
			for _, f := range r.Files[1:] {
				tables++
				if err := os.WriteFile(filepath.Join(folder, f.Name), f.Text, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if said := accepts(t, httpd, r.Files[0].Text, server); said != "" {
				refused++
				t.Errorf("%s (server %v): httpd refuses the translation: %s", cells[0], server, said)
			}
		}
	}
	t.Logf("%d conversions, %d refused by httpd; rules: %d exact, %d approximate, %d dropped; %d tables", converted, refused, exact, approximate, dropped, tables)
}

func findServer() string {
	for _, name := range []string{"apache2", "/usr/sbin/apache2", "httpd", "/usr/sbin/httpd"} {
		if p, err := exec.LookPath(name); err == nil {
			return p
		}
	}
	return ""
}

// accepts asks httpd whether it takes a text, and gives what it says when not. A .htaccess is read as the inside of a
// <Directory>, which allows the same.
func accepts(t *testing.T, httpd string, text []byte, server bool) string {
	dir := t.TempDir()
	var b bytes.Buffer
	fmt.Fprintf(&b, "ServerRoot %q\nServerName localhost\nListen 127.0.0.1:1\nPidFile pid\nErrorLog error.log\n", dir)
	for _, m := range strings.Fields("mpm_event authz_core authz_host authn_core authn_file auth_basic authz_user rewrite alias dir headers expires setenvif mime autoindex proxy proxy_http proxy_fcgi ssl access_compat socache_shmcb filter") {
		fmt.Fprintf(&b, "<IfModule !mod_%s.c>\nLoadModule %s_module /usr/lib/apache2/modules/mod_%s.so\n</IfModule>\n", m, m, m)
	}
	if server {
		out := string(text)
		for _, l := range strings.Split(out, "\n") {
			f := strings.Fields(l)
			if len(f) == 2 && strings.HasPrefix(f[0], "SSLCertificate") {
				out = strings.ReplaceAll(out, l, "") // the certificate is not here
			}
			if len(f) == 2 && f[0] == "SSLEngine" {
				out = strings.ReplaceAll(out, l, "")
			}
		}
		b.WriteString(out)
	} else {
		fmt.Fprintf(&b, "<Directory %q>\n%s\n</Directory>\n", dir, text)
	}
	conf := filepath.Join(dir, "httpd.conf")
	if err := os.WriteFile(conf, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(httpd, "-t", "-f", conf).CombinedOutput()
	if err != nil {
		return strings.TrimSpace(string(out))
	}
	return ""
}
