package rules

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rewright/parser/diag"
	"rewright/parser/ir"
)

// liveText is an example or a fixture that a real server is asked about.
type liveText struct {
	name, text string
	server     ir.Server
	context    ir.Context
}

func liveTexts(t *testing.T) []liveText {
	var out []liveText
	for _, r := range All() {
		for i, e := range r.Doc.Examples {
			out = append(out, liveText{fmt.Sprintf("%s/before%d", r.ID, i), e.Before, e.Server, e.Where()})
			if e.After != "" {
				out = append(out, liveText{fmt.Sprintf("%s/after%d", r.ID, i), e.After, e.Server, e.Where()})
			}
		}
	}
	for _, f := range fixtures(t) {
		out = append(out, liveText{f.rule + "/" + f.name, string(f.text), f.server, f.context})
	}
	return out
}

// knownLive are texts whose refusal hangs on something that is not in them.
var knownLive = map[string]string{
	"not-analysed": "it includes a file that is not there",
}

// program finds a server; a test without it is skipped, or fails when servers are required.
func program(t *testing.T, names ...string) string {
	t.Helper()
	for _, n := range names {
		for _, dir := range []string{"", "/usr/sbin/", "/usr/local/sbin/"} {
			if path, err := exec.LookPath(dir + n); err == nil {
				return path
			}
		}
	}
	if os.Getenv("REWRIGHT_REQUIRE_SERVERS") == "1" {
		t.Fatalf("none of %v is installed", names)
	}
	t.Skipf("none of %v is installed", names)
	return ""
}

// agree compares what the rules say with what the server did. Every fault of a text with its own rule counts.
func agree(t *testing.T, l liveText, refused bool, words string) {
	t.Helper()
	list := check(t, l.name, l.text, l.server, l.context)
	says := refusals(list) > 0
	if says != refused {
		t.Errorf("%s: the server refuses it: %v (%s); the rules say:\n%s%s", l.name, refused, words, lines(list), l.text)
	}
	if says && refused && !anyServerMessage(list, words) {
		t.Logf("%s: the server says %q, we say:\n%s", l.name, words, lines(list))
	}
}

func anyServerMessage(list []diag.Diagnostic, words string) bool {
	for _, d := range list {
		if d.ServerMessage != "" && strings.Contains(words, d.ServerMessage) {
			return true
		}
	}
	return false
}

// TestLiveNginx holds the rules against nginx -t.
func TestLiveNginx(t *testing.T) {
	nginx := program(t, "nginx")
	dir := t.TempDir()
	path := filepath.Join(dir, "nginx.conf")
	for _, l := range liveTexts(t) {
		rule, _, _ := strings.Cut(l.name, "/")
		if l.server != ir.Nginx || knownLive[rule] != "" {
			continue
		}
		text := l.text
		if l.context != ir.ContextMain {
			switch l.context {
			case ir.ContextLocation:
				text = "server {\nlisten 127.0.0.1:18099;\nlocation / {\n" + text + "\n}\n}"
			case ir.ContextServer:
				text = "server {\nlisten 127.0.0.1:18099;\n" + text + "\n}"
			}
			if strings.Contains(text, "ssl") && !strings.Contains(text, "ssl_certificate") {
				text = certificate(t, dir) + text
			}
			text = "pid " + dir + "/pid;\nevents {}\nhttp {\n" + text + "\n}\n"
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(nginx, "-t", "-q", "-p", dir, "-e", dir+"/error.log", "-c", path).CombinedOutput()
		agree(t, l, err != nil, strings.TrimSpace(string(out)))
	}
}

// certificate are the directives that give all servers of a configuration a certificate, made when first asked for.
func certificate(t *testing.T, dir string) string {
	t.Helper()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	if _, err := os.Stat(cert); err != nil {
		private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		template := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
		public, err := x509.CreateCertificate(rand.Reader, &template, &template, &private.PublicKey, private)
		if err != nil {
			t.Fatal(err)
		}
		secret, err := x509.MarshalECPrivateKey(private)
		if err != nil {
			t.Fatal(err)
		}
		for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: public}, key: {Type: "EC PRIVATE KEY", Bytes: secret}} {
			if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return "ssl_certificate " + cert + ";\nssl_certificate_key " + key + ";\n"
}

// TestLiveApache holds the rules against httpd: server configuration by -t, .htaccess files by a request each.
func TestLiveApache(t *testing.T) {
	httpd := program(t, "apache2", "httpd")
	modules := "/usr/lib/apache2/modules"
	if _, err := os.Stat(modules); err != nil {
		if os.Getenv("REWRIGHT_REQUIRE_SERVERS") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for d := dir; d != "/" && d != "/tmp"; d = filepath.Dir(d) {
		os.Chmod(d, 0o755)
	}
	port := freePort(t)
	var conf strings.Builder
	fmt.Fprintf(&conf, "ServerRoot %s\nServerName www.example.com\nPidFile %s/pid\nErrorLog %s/error.log\nListen 127.0.0.1:%d\n", dir, dir, dir, port)
	names, _ := filepath.Glob(modules + "/mod_*.so")
	for _, so := range names {
		id := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(so), "mod_"), ".so")
		switch {
		case id == "mpm_event" || !strings.HasPrefix(id, "mpm_") && isShipped("mod_"+id+".c") && !neverLoaded[id]:
			fmt.Fprintf(&conf, "LoadModule %s_module %s\n", id, so)
		}
	}
	conf.WriteString("TypesConfig /dev/null\n")
	base := conf.String()
	var folders []liveText
	root := filepath.Join(dir, "root")
	for _, l := range liveTexts(t) {
		rule, _, _ := strings.Cut(l.name, "/")
		if l.server != ir.Apache || knownLive[rule] != "" {
			continue
		}
		if l.context == ir.ContextHtaccess {
			folder := filepath.Join(root, fmt.Sprint(len(folders)))
			if err := os.MkdirAll(folder, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(folder+"/.htaccess", []byte(l.text), 0o644); err != nil {
				t.Fatal(err)
			}
			folders = append(folders, l)
			continue
		}
		text := l.text
		if l.context == ir.ContextVhost {
			text = "<VirtualHost *:80>\n" + text + "\n</VirtualHost>\n"
		}
		path := filepath.Join(dir, "part.conf")
		if err := os.WriteFile(path, []byte(base+text), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(httpd, "-t", "-f", path).CombinedOutput()
		agree(t, l, err != nil, strings.TrimSpace(string(out)))
	}
	path := filepath.Join(dir, "httpd.conf")
	fmt.Fprintf(&conf, "DocumentRoot %s\n<Directory %s>\nAllowOverride All\nOptions FollowSymLinks\nRequire all granted\n</Directory>\n", root, root)
	if err := os.WriteFile(path, []byte(conf.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	server := exec.Command(httpd, "-X", "-f", path)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		server.Process.Kill()
		server.Wait()
	}()
	client := &http.Client{Timeout: 5 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for i, l := range folders {
		before := errorLog(dir)
		var status int
		for try := range 50 {
			res, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d/%d/probe.txt", port, i))
			if err == nil {
				status = res.StatusCode
				res.Body.Close()
				break
			}
			if try == 49 {
				t.Fatalf("%s: %v\n%s", l.name, err, errorLog(dir))
			}
			time.Sleep(100 * time.Millisecond)
		}
		words := strings.TrimPrefix(errorLog(dir), before)
		agree(t, l, status == 500 && strings.Contains(words, ".htaccess: "), fmt.Sprint(status, " ", strings.TrimSpace(words)))
	}
}

// neverLoaded are modules that do not load beside the others or want a setup of their own.
var neverLoaded = map[string]bool{"bucketeer": true, "case_filter": true, "case_filter_in": true, "privileges": true, "example_hooks": true}

func errorLog(dir string) string {
	text, _ := os.ReadFile(filepath.Join(dir, "error.log"))
	return string(text)
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
