package live

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"rewright/parser/sim"
	"rewright/parser/sim/live/wire"
)

// needServer skips a test whose server is not installed, or fails it when REWRIGHT_REQUIRE_SERVERS is 1.
func needServer(t *testing.T, paths ...string) {
	t.Helper()
	for _, path := range paths {
		if _, err := os.Stat(path); err != nil {
			if os.Getenv("REWRIGHT_REQUIRE_SERVERS") == "1" {
				t.Fatalf("no server: %v", err)
			}
			t.Skipf("skipped, no server: %v", err)
		}
	}
}

var (
	nginxBinary   = cmp.Or(os.Getenv("REWRIGHT_NGINX"), "/usr/sbin/nginx")
	apacheBinary  = cmp.Or(os.Getenv("REWRIGHT_APACHE"), "/usr/sbin/apache2")
	apacheModules = cmp.Or(os.Getenv("REWRIGHT_APACHE_MODULES"), "/usr/lib/apache2/modules")
)

// nginxCommand is nginx with a configuration, in a folder.
func nginxCommand(dir, conf string, args ...string) *exec.Cmd {
	cmd := exec.Command(nginxBinary, append([]string{"-p", dir, "-c", conf, "-e", "stderr"}, args...)...)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	return cmd
}

// host is a site with the ports that stand for 80 and 443.
type host struct {
	*site
	port, tlsPort int
	got           []answer
	seen          func(sim.Request, *wire.Response) // is shown every answer of nginx; may be nil
	refused       string
}

// block is a map or geo of http {}, by the variable it makes.
var block = regexp.MustCompile(`(?ms)^(?:map|geo) [^{]*\$(\w+) \{\n.*?^\}\n`)

// maps gives the blocks of a site's http.conf by variable.
func (s *site) maps() map[string]string {
	out := map[string]string{}
	for _, m := range block.FindAllStringSubmatch(s.text("http.conf"), -1) {
		out[m[1]] = m[0]
	}
	return out
}

// runNginx serves converted sites with the real nginx, as many as can share a process at a time. It sets got and,
// for what nginx does not start with, refused.
func runNginx(t *testing.T, root string, hosts []*host) {
	left := hosts
	for n := 0; len(left) > 0; n++ {
		shared := map[string]string{}
		var group, rest []*host
		for _, h := range left {
			maps := h.maps()
			fits := len(group) < 120
			for name, text := range maps {
				if have, ok := shared[name]; ok && have != text {
					fits = false
				}
			}
			if !fits {
				rest = append(rest, h)
				continue
			}
			for name, text := range maps {
				shared[name] = text
			}
			group = append(group, h)
		}
		if err := serveNginx(filepath.Join(root, fmt.Sprintf("n%03d", n)), root, group, shared); err != nil {
			t.Fatal(err)
		}
		left = rest
	}
}

// withFreshPorts starts servers again, with other ports, when somebody else has taken one of theirs meanwhile.
func withFreshPorts(serve func() error) (err error) {
	for range 5 {
		if err = serve(); err == nil || !strings.Contains(err.Error(), "Address already in use") {
			return err
		}
	}
	return err
}

func serveNginx(prefix, root string, hosts []*host, maps map[string]string) error {
	return withFreshPorts(func() error { return serveNginxOnce(prefix, root, hosts, maps) })
}

func serveNginxOnce(prefix, root string, hosts []*host, maps map[string]string) error {
	if err := os.MkdirAll(prefix, 0o755); err != nil {
		return err
	}
	ports, err := wire.FreePorts(2 * len(hosts))
	if err != nil {
		return err
	}
	for i, h := range hosts {
		h.port, h.tlsPort = ports[2*i], ports[2*i+1]
	}
	write := func(list []*host) error {
		var b strings.Builder
		fmt.Fprintf(&b, `daemon off; master_process off; pid nginx.pid; error_log error.log crit;
events { worker_connections 2000; }
http {
log_format live escape=json '{"p":"$http_x_live_number","file":"$request_filename","passed":"$proxy_host","uri":"$uri$is_args$args"}';
access_log access.log live; port_in_redirect off; lingering_close off;
client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
ssl_certificate %[1]s/cert.pem; ssl_certificate_key %[1]s/key.pem;
variables_hash_max_size 65536; map_hash_bucket_size 256;
`, root)
		for _, text := range maps {
			b.WriteString(text)
		}
		for _, h := range list {
			conf := filepath.Join(h.dir, "server.conf")
			if err := os.WriteFile(conf, []byte(h.text("server.conf")), 0o644); err != nil {
				return err
			}
			fmt.Fprintf(&b, "server {\nlisten 127.0.0.1:%d;\nlisten 127.0.0.1:%d ssl;\nserver_name example.test;\nroot %s;\ninclude %s;\n}\n",
				h.port, h.tlsPort, h.docroot(), conf)
		}
		b.WriteString("}\n")
		return os.WriteFile(filepath.Join(prefix, "nginx.conf"), []byte(b.String()), 0o644)
	}
	command := func(args ...string) *exec.Cmd {
		cmd := exec.Command(nginxBinary, append([]string{"-p", prefix, "-c", filepath.Join(prefix, "nginx.conf"), "-e", "stderr"}, args...)...)
		cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
		return cmd
	}
	list := hosts
	for {
		if err := write(list); err != nil {
			return err
		}
		out, err := command("-t").CombinedOutput()
		if err == nil {
			break
		}
		bad := -1
		for i, h := range list {
			if strings.Contains(string(out), h.dir+"/") {
				bad = i
			}
		}
		if bad < 0 {
			return fmt.Errorf("nginx -t: %s", out)
		}
		list[bad].refused = string(out)
		list = append(list[:bad:bad], list[bad+1:]...)
	}
	if len(list) == 0 {
		return nil
	}
	os.Remove(filepath.Join(prefix, "nginx.pid")) // -t makes one
	cmd := command()
	var stderr strings.Builder
	cmd.Stderr = &stderr
	proc, err := wire.Start(cmd)
	if err != nil {
		return err
	}
	for range 1500 {
		if _, err := os.Stat(filepath.Join(prefix, "nginx.pid")); err == nil || proc.HasExited() {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if proc.HasExited() {
		said, _ := os.ReadFile(filepath.Join(prefix, "error.log"))
		return errors.New("nginx did not start: " + stderr.String() + string(said))
	}
	keys := make([][]string, len(list))
	wire.Parallel(len(list), func(i int) {
		h := list[i]
		for _, r := range h.requests {
			a, key := ask(h, r)
			h.got = append(h.got, a)
			keys[i] = append(keys[i], key)
		}
	})
	proc.Stop(syscall.SIGQUIT)
	files, err := readLog(filepath.Join(prefix, "access.log"))
	if err != nil {
		return err
	}
	for i, h := range list {
		for j, key := range keys[i] {
			h.got[j].Path, h.got[j].Passed = files[key].path, files[key].passed
		}
	}
	return nil
}

// ask makes one request; addresses come back with the ports that ours stand for.
func ask(h *host, r sim.Request) (answer, string) {
	port := h.port
	if r.Scheme == "https" {
		port = h.tlsPort
	}
	number := fmt.Sprint(asked.Add(1))
	r.Header = append(r.Header[:len(r.Header):len(r.Header)], [2]string{"X-Live-Number", number})
	res, err := wire.Send(r, port)
	if err != nil {
		return answer{Status: -1, Location: err.Error()}, ""
	}
	if h.seen != nil {
		h.seen(r, &res)
	}
	a := answer{Status: res.Status}
	if v := res.Values("Location"); len(v) > 0 {
		a.Location = logical(logical(v[0], h.port, "80"), h.tlsPort, "443")
	}
	if v := res.Values("X-Live-File"); len(v) > 0 {
		a.Path, _ = url.PathUnescape(v[0])
		if info := res.Values("X-Live-Info"); len(info) > 0 {
			text, _ := url.PathUnescape(info[0])
			a.Path += text
		}
	}
	return a, number
}

// asked counts requests: each carries its number, by which its line in the log is found.
var asked atomic.Int64

func logical(text string, port int, name string) string {
	return regexp.MustCompile(`\b`+strconv.Itoa(port)+`\b`).ReplaceAllString(text, name)
}

// logged is what nginx wrote about a request.
type logged struct {
	path   string // of the file
	passed string // where it was passed on to
}

// readLog gives the files that requests were about, by connection.
func readLog(path string) (map[string]logged, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out := map[string]logged{}
	scan := bufio.NewScanner(f)
	scan.Buffer(nil, 1<<24)
	for scan.Scan() {
		var wide strings.Builder
		for _, c := range scan.Bytes() {
			wide.WriteRune(rune(c))
		}
		var line struct{ P, File, Passed, URI string }
		if json.Unmarshal([]byte(wide.String()), &line) != nil {
			continue
		}
		if _, seen := out[line.P]; !seen {
			one := logged{path: latin1(line.File)}
			if line.Passed != "" {
				one.passed = "http://" + line.Passed + latin1(line.URI)
			}
			out[line.P] = one
		}
	}
	return out, scan.Err()
}

// runApache serves the originals with the real httpd, one virtual host each.
func runApache(t *testing.T, root string, hosts []*host) {
	const batch = 120
	for at := 0; at < len(hosts); at += batch {
		if err := serveApache(filepath.Join(root, fmt.Sprintf("a%03d", at)), root, hosts[at:min(at+batch, len(hosts))]); err != nil {
			t.Fatal(err)
		}
	}
}

func serveApache(prefix, root string, hosts []*host) error {
	return withFreshPorts(func() error { return serveApacheOnce(prefix, root, hosts) })
}

func serveApacheOnce(prefix, root string, hosts []*host) error {
	if err := os.MkdirAll(prefix, 0o755); err != nil {
		return err
	}
	ports, err := wire.FreePorts(2 * len(hosts))
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "ServerRoot %[1]q\nDefaultRuntimeDir %[1]q\nServerName live.invalid\nPidFile \"%[1]s/httpd.pid\"\nErrorLog \"%[1]s/error.log\"\nKeepAlive Off\nTimeout 20\n", prefix)
	for _, m := range []string{"mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_basic", "authz_host", "access_compat", "alias", "autoindex", "deflate", "dir", "env", "expires", "filter", "headers", "mime", "negotiation", "rewrite", "setenvif", "socache_shmcb", "ssl"} {
		fmt.Fprintf(&b, "LoadModule %s_module %s/mod_%s.so\n", m, apacheModules, m)
	}
	if os.Geteuid() == 0 {
		if _, err := user.Lookup("www-data"); err == nil {
			b.WriteString("User www-data\nGroup www-data\n")
		}
	}
	b.WriteString("StartServers 1\nServerLimit 2\nThreadsPerChild 16\nMaxRequestWorkers 32\nTypesConfig /dev/null\n" +
		"<Directory />\nAllowOverride None\nRequire all denied\n</Directory>\n<FilesMatch \"^\\.ht\">\nRequire all denied\n</FilesMatch>\n")
	for i, h := range hosts {
		h.port, h.tlsPort = ports[2*i], ports[2*i+1]
		fmt.Fprintf(&b, "Listen 127.0.0.1:%d http\nListen 127.0.0.1:%d https\n", h.port, h.tlsPort)
		for _, tls := range []bool{false, true} {
			port, name := h.port, 80
			if tls {
				port, name = h.tlsPort, 443
			}
			fmt.Fprintf(&b, "<VirtualHost 127.0.0.1:%d>\nServerName example.test:%d\nDocumentRoot %q\nErrorLog \"%s/error.log\"\n", port, name, h.docroot(), prefix)
			b.WriteString("Header always set X-Live-File \"expr=%{escape:%{REQUEST_FILENAME}}\"\nHeader always set X-Live-Info \"expr=%{escape:%{PATH_INFO}}\"\n")
			if tls {
				fmt.Fprintf(&b, "SSLEngine on\nSSLCertificateFile \"%[1]s/cert.pem\"\nSSLCertificateKeyFile \"%[1]s/key.pem\"\n", root)
			}
			fmt.Fprintf(&b, "<Directory %q>\nAllowOverride All\nOptions FollowSymLinks\nRequire all granted\n</Directory>\n</VirtualHost>\n", h.docroot())
		}
	}
	proc, err := startApache(prefix, b.String(), hosts[len(hosts)-1].port)
	if err != nil {
		return err
	}
	defer proc.Stop(syscall.SIGTERM)
	wire.Parallel(len(hosts), func(i int) {
		h := hosts[i]
		for _, r := range h.requests {
			a, _ := ask(h, r)
			h.got = append(h.got, a)
		}
	})
	return nil
}

// startApache runs httpd with a configuration below prefix, and comes back when it answers on port.
func startApache(prefix, config string, port int) (*wire.Process, error) {
	conf := filepath.Join(prefix, "httpd.conf")
	if err := os.WriteFile(conf, []byte(config), 0o644); err != nil {
		return nil, err
	}
	cmd := exec.Command(apacheBinary, "-d", prefix, "-f", conf, "-DFOREGROUND")
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	log, err := os.Create(filepath.Join(prefix, "stderr.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	proc, err := wire.Start(cmd)
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			conn.Close()
			return proc, nil
		}
		if proc.HasExited() || time.Now().After(end) {
			proc.Stop(syscall.SIGTERM)
			said, _ := os.ReadFile(filepath.Join(prefix, "stderr.log"))
			more, _ := os.ReadFile(filepath.Join(prefix, "error.log"))
			return nil, fmt.Errorf("httpd did not start: %s%s", said, more)
		}
	}
}
