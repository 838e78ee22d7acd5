package live

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"rewright/emit"
	"rewright/emit/apache"
	"rewright/emit/check"
	"rewright/parser"
	"rewright/parser/ir"
	"rewright/parser/load"
	"rewright/parser/sim"
	"rewright/parser/sim/live/recording"
	"rewright/parser/sim/live/wire"
)

// reverseFamilies are the recorded cases of nginx that are converted.
var reverseFamilies = []string{"idioms", "return", "rewrite", "if", "location-select", "map", "try-files", "query"}

// otherFamilies are converted, too: what differs there was not called exact.
var otherFamilies = []string{"error-page", "index", "headers", "set", "variables", "server-select", "proxy", "escaping", "more-error", "more-files",
	"more-location", "more-map", "more-request", "more-script"}

// nginxCase is a recorded configuration of nginx; its document root is docroot below dir, with the recorded files.
type nginxCase struct {
	host
	recorded recording.Case
	altPort  int    // stands for port 8080
	root     string // document root of the translation
	backend  string
	fastcgi  string
	want     []answer // nginx's
	bodies   []string // nginx's
	replied  func(wire.Response)
}

// nginxCases reads the cases that expect answers and places their files below root.
func nginxCases(t *testing.T, root string, families []string) (out []*nginxCase) {
	for _, family := range families {
		list, err := recording.Read(filepath.Join("../../testdata/sim/nginx", family+".json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range list {
			if c.Refused != "" || len(c.Requests) == 0 {
				continue
			}
			n := &nginxCase{recorded: c}
			n.site = &site{name: c.ID, config: c.Config, files: c.Files}
			for i := range c.Requests {
				q, err := c.Requests[i].Sim()
				if err != nil {
					t.Fatal(err)
				}
				n.requests = append(n.requests, q)
			}
			if err := n.place(fmt.Sprintf("%s/r%04d", root, len(out))); err != nil {
				t.Fatal(err)
			}
			out = append(out, n)
		}
	}
	return out
}

// source is the inside of http {} with the given addresses for the ports 80, 443 and 8080.
func (c *nginxCase) source(plain, tls, alt string) string {
	return c.recorded.Nginx(recording.Place{Root: c.docroot(), Dir: c.dir, Prefix: c.dir, Plain: plain, TLS: tls, Alt: alt, Upstream: c.backend, FastCGI: c.fastcgi})
}

// serveOriginal asks a real nginx that runs the original.
func (c *nginxCase) serveOriginal(root string) error {
	return withFreshPorts(func() error { return c.serveOriginalOnce(root) })
}

func (c *nginxCase) serveOriginalOnce(root string) error {
	ports, err := wire.FreePorts(3)
	if err != nil {
		return err
	}
	c.port, c.tlsPort, c.altPort = ports[0], ports[1], ports[2]
	at := func(n int) string { return fmt.Sprintf("127.0.0.1:%d", n) }
	for name, text := range c.config {
		if name != "server" && name != "location" && name != "http" {
			if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o644); err != nil {
				return err
			}
		}
	}
	conf := fmt.Sprintf(`daemon off; master_process off; pid nginx.pid; error_log error.log crit;
events { worker_connections 200; }
http {
log_format live escape=json '{"p":"$http_x_live_number","file":"$request_filename"}';
access_log access.log live; port_in_redirect off; lingering_close off;
client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
ssl_certificate %[1]s/cert.pem; ssl_certificate_key %[1]s/key.pem;
%[2]s}
`, root, c.source(at(c.port), at(c.tlsPort), at(c.altPort)))
	name := filepath.Join(c.dir, "nginx.conf")
	if err := os.WriteFile(name, []byte(conf), 0o644); err != nil {
		return err
	}
	cmd := exec.Command(nginxBinary, "-p", c.dir, "-c", name, "-e", "stderr")
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	proc, err := wire.Start(cmd)
	if err != nil {
		return err
	}
	for range 1500 {
		if _, err := os.Stat(filepath.Join(c.dir, "nginx.pid")); err == nil || proc.HasExited() {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if proc.HasExited() {
		said, _ := os.ReadFile(filepath.Join(c.dir, "error.log"))
		return errors.New("nginx did not start: " + stderr.String() + string(said) + conf)
	}
	var keys []string
	for _, r := range c.requests {
		a, key, body := c.ask(r)
		c.want, keys, c.bodies = append(c.want, a), append(keys, key), append(c.bodies, body)
	}
	proc.Stop(syscall.SIGQUIT)
	files, err := readLog(filepath.Join(c.dir, "access.log"))
	for i, key := range keys {
		c.want[i].Path = files[key].path
	}
	return err
}

// ask makes one request of the case; addresses come back with the ports that ours stand for.
func (c *nginxCase) ask(r sim.Request) (a answer, key, body string) {
	port := c.port
	switch {
	case r.Scheme == "https":
		port = c.tlsPort
	case r.Port == 8080:
		port = c.altPort
	}
	key = fmt.Sprint(asked.Add(1))
	r.Target = strings.ReplaceAll(r.Target, "__UPSTREAM__", c.backend)
	r.Header = append(r.Header[:len(r.Header):len(r.Header)], [2]string{"X-Live-Number", key})
	res, err := wire.Send(r, port)
	if err != nil {
		return answer{Status: -1, Location: err.Error()}, key, ""
	}
	a.Status = res.Status
	if c.replied != nil {
		c.replied(res)
	}
	if v := res.Values("Location"); len(v) > 0 {
		a.Location = withoutPort(logical(logical(logical(v[0], c.port, "80"), c.tlsPort, "443"), c.altPort, "8080"))
	}
	if v := res.Values("X-Live-File"); len(v) > 0 {
		a.Path = unescaped(v[0])
		if info := res.Values("X-Live-Info"); len(info) > 0 {
			a.Path += unescaped(info[0])
		}
	}
	return a, key, string(res.Body)
}

// usualPort is a port that a server leaves out where it listens there, as ours stand for.
var usualPort = regexp.MustCompile(`^(http://[^/?#]*):80\b|^(https://[^/?#]*):443\b`)

func withoutPort(location string) string { return usualPort.ReplaceAllString(location, "$1$2") }

// translate converts the original; what it says is for the ports 80, 443 and 8080.
func (c *nginxCase) translate(server bool) error {
	l, err := parser.LoadText(os.DirFS("/"), strings.TrimPrefix(c.dir, "/")+"/case.conf", []byte(c.source("127.0.0.1:80", "127.0.0.1:443", "127.0.0.1:8080")), load.Options{Server: ir.Nginx, Context: ir.ContextHTTP})
	if err != nil {
		return err
	}
	if c.root = apache.DocumentRoot(l.Program, c.docroot()); !strings.HasPrefix(c.root, c.dir+"/") {
		c.root = c.docroot() // the one that nginx was built with
	} else if err := os.MkdirAll(c.root, 0o755); err != nil {
		return err
	}
	world := &sim.World{DocumentRoot: c.docroot(), ServerName: "example.test", Prefix: c.dir}
	c.result, err = apache.Target{Server: server}.Convert(l.Program, emit.Options{World: world})
	return err
}

// simulate gives what Apache's simulator says about the translation.
func (c *nginxCase) simulate(server bool) (out []answer, err error) {
	o := load.Options{Server: ir.Apache, Context: ir.ContextHtaccess, DocumentRoot: c.root}
	if server {
		o.Context = ir.ContextServer
	}
	l, err := parser.LoadText(nil, c.result.Files[0].Name, c.result.Files[0].Text, o)
	if err != nil {
		return nil, err
	}
	s, err := parser.NewSimulator(l.Program, &sim.World{Files: parser.OSFiles{Known: []string{c.dir}}, DocumentRoot: c.root, ServerName: "example.test"})
	if err != nil {
		return nil, err
	}
	for _, r := range c.requests {
		o := s.Answer(r, false)
		a := answer{Status: o.Status, Path: o.File + o.PathInfo}
		if o.Location != nil {
			a.Location = *o.Location
		}
		if !o.Known || o.PassedTo != "" {
			a.Status = -1
		}
		out = append(out, a)
	}
	return out, nil
}

// ownModules are what a translation may need.
var ownModules = strings.Fields("mpm_event authn_core authn_file authz_core authz_user auth_basic authz_host access_compat alias autoindex dir env expires filter headers mime proxy proxy_http proxy_fcgi rewrite setenvif socache_shmcb ssl")

// serveTranslations runs the results in real httpds, many to a process, and gives what they answer.
func serveTranslations(t *testing.T, root string, cases []*nginxCase, server bool) {
	const batch = 80
	for n := 0; n < len(cases); n += batch {
		if err := serveTranslated(filepath.Join(root, fmt.Sprintf("h%03d%v", n, server)), root, cases[n:min(n+batch, len(cases))], server); err != nil {
			t.Fatal(err)
		}
	}
}

var virtualHost = regexp.MustCompile(`(?m)^<VirtualHost .*>$`)

func serveTranslated(prefix, root string, cases []*nginxCase, server bool) error {
	return withFreshPorts(func() error { return serveTranslatedOnce(prefix, root, cases, server) })
}

func serveTranslatedOnce(prefix, root string, cases []*nginxCase, server bool) error {
	if err := os.MkdirAll(prefix, 0o755); err != nil {
		return err
	}
	ports, err := wire.FreePorts(3 * len(cases))
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "ServerRoot %[1]q\nDefaultRuntimeDir %[1]q\nServerName live.invalid\nPidFile \"%[1]s/httpd.pid\"\nErrorLog \"%[1]s/error.log\"\nKeepAlive Off\nTimeout 20\n", prefix)
	for _, m := range ownModules {
		fmt.Fprintf(&b, "LoadModule %s_module %s/mod_%s.so\n", m, apacheModules, m)
	}
	if os.Geteuid() == 0 {
		if _, err := user.Lookup("www-data"); err == nil {
			b.WriteString("User www-data\nGroup www-data\n")
		}
	}
	b.WriteString("StartServers 1\nServerLimit 2\nThreadsPerChild 16\nMaxRequestWorkers 32\nTypesConfig /dev/null\n" +
		"Header always set X-Live-File \"expr=%{escape:%{REQUEST_FILENAME}}\"\nHeader always set X-Live-Info \"expr=%{escape:%{PATH_INFO}}\"\n" +
		fmt.Sprintf("SSLCertificateFile \"%[1]s/cert.pem\"\nSSLCertificateKeyFile \"%[1]s/key.pem\"\n", root) +
		"<Directory />\nAllowOverride None\nRequire all denied\n</Directory>\n<FilesMatch \"^\\.ht\">\nRequire all denied\n</FilesMatch>\n")
	for i, c := range cases {
		c.port, c.tlsPort, c.altPort = ports[3*i], ports[3*i+1], ports[3*i+2]
		real := map[string]int{"80": c.port, "443": c.tlsPort, "8080": c.altPort}
		fmt.Fprintf(&b, "Listen 127.0.0.1:%d http\nListen 127.0.0.1:%d https\nListen 127.0.0.1:%d http\n", c.port, c.tlsPort, c.altPort)
		text := string(c.result.Files[0].Text)
		if server {
			text = virtualHost.ReplaceAllStringFunc(text, func(head string) string {
				for logical, port := range real {
					head = regexp.MustCompile(`\*:`+logical+`\b`).ReplaceAllString(head, fmt.Sprintf("127.0.0.1:%d", port))
				}
				return head
			})
			b.WriteString(text)
			continue
		}
		if err := os.WriteFile(filepath.Join(c.root, ".htaccess"), []byte(text), 0o644); err != nil {
			return err
		}
		for logical, port := range real {
			fmt.Fprintf(&b, "<VirtualHost 127.0.0.1:%d>\nServerName example.test:%s\nDocumentRoot %q\n", port, logical, c.root)
			if logical == "443" {
				b.WriteString("SSLEngine on\n")
			}
			b.WriteString("</VirtualHost>\n")
		}
		fmt.Fprintf(&b, "<Directory %q>\nAllowOverride All\nOptions FollowSymLinks\nRequire all granted\n</Directory>\n", c.root)
	}
	proc, err := startApache(prefix, b.String(), cases[len(cases)-1].port)
	if err != nil {
		return err
	}
	defer proc.Stop(syscall.SIGTERM)
	wire.Parallel(len(cases), func(i int) {
		c := cases[i]
		c.got = nil
		for _, r := range c.requests {
			a, _, _ := c.ask(r)
			c.got = append(c.got, a)
		}
	})
	return nil
}

// otherParsing tells of requests that httpd takes apart in another way before any rule is asked: no translation of
// rules changes that. It answers 404 to %2F in a path where the server does not allow it, and 400 to # in a target and
// to a malformed Host; it repeats a port that stands in Host, sends files to every method it knows and answers 501 to
// others, and takes a target that is only a query for the front page. Without a Host it calls itself by its name.
func otherParsing(r *sim.Request) bool {
	if strings.HasPrefix(r.Target, "?") || r.Host == "" || r.NoHost || strings.Contains(r.Host, ":") {
		return true
	}
	target := strings.ToLower(r.Target)
	return strings.Contains(target, "%2f") || strings.Contains(target, "%00") || strings.Contains(target, "#") || r.Method != "" && r.Method != "GET" && r.Method != "HEAD"
}

// noPage tells of an error whose page is not there: nobody means what a server says then.
func (c *nginxCase) noPage(want answer) bool {
	if want.Status != 404 || !strings.Contains(c.config["server"], "error_page") {
		return false
	}
	_, err := os.Stat(want.Path)
	return err != nil && strings.Contains(c.config["server"], strings.TrimPrefix(want.Path, c.docroot()))
}

// sameAnswer compares status, Location and, for a file, its path. An answer with a text has none.
func sameAnswer(want, got answer, file bool) bool {
	a, b := sim.Outcome{Status: want.Status}, sim.Outcome{Status: got.Status}
	if want.Location != "" {
		a.Location = &want.Location
	}
	if got.Location != "" {
		b.Location = &got.Location
	}
	if file {
		a.File, b.File = want.Path, got.Path
	}
	return check.Differ(&a, &b) == ""
}

// TestReverse converts the recorded configurations of nginx to both forms of Apache's, and asks the real nginx with the
// original and the real httpd with the result the same requests.
func TestReverse(t *testing.T) { reverse(t, reverseFamilies, reverseLimit) }

// TestReverseOthers does the same with the families that are not counted.
func TestReverseOthers(t *testing.T) { reverse(t, otherFamilies, 0) }

func reverse(t *testing.T, families []string, limit float64) {
	needServer(t, nginxBinary, apacheBinary, apacheModules)
	root := openFolder(t)
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := wire.WriteCertificate(root); err != nil {
		t.Fatal(err)
	}
	echo := func(serve func(net.Listener) error) string {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go serve(l)
		return l.Addr().String()
	}
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprintln(w, "backend", r.Method) })
	backend := echo(func(l net.Listener) error { return http.Serve(l, hello) })
	fastcgi := echo(fastcgiHello)
	var cases []*nginxCase
	for _, c := range nginxCases(t, root, families) {
		if only := os.Getenv("REWRIGHT_CONVERT_ONLY"); only != "" && !strings.Contains(c.name, only) {
			continue
		}
		c.backend, c.fastcgi = backend, fastcgi
		cases = append(cases, c)
	}
	fails := make([]error, len(cases))
	wire.Parallel(len(cases), func(i int) { fails[i] = cases[i].serveOriginal(root) })
	for i, err := range fails {
		if err != nil {
			t.Fatalf("%s: %v", cases[i].name, err)
		}
	}
	for _, server := range []bool{false, true} {
		name := map[bool]string{false: "htaccess", true: "vhost"}[server]
		t.Run(name, func(t *testing.T) {
			wire.Parallel(len(cases), func(i int) { fails[i] = cases[i].translate(server) })
			for i, err := range fails {
				if err != nil {
					t.Fatalf("%s: %v", cases[i].name, err)
				}
			}
			for _, c := range cases {
				os.Remove(filepath.Join(c.root, ".htaccess"))
			}
			serveTranslations(t, root, cases, server)
			reportReverse(t, cases, server, limit)
		})
	}
}

// reverseLimit is the share that must be alike, in percent.
const reverseLimit = 92

func reportReverse(t *testing.T, cases []*nginxCase, server bool, limit float64) {
	var log strings.Builder
	total, same, wrong, other := 0, 0, 0, 0
	for _, c := range cases {
		simulated, err := c.simulate(server)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		_, approximate, dropped := c.result.Count()
		for j := range c.requests {
			r, want, got := &c.requests[j], c.want[j], c.got[j]
			if want.Status < 0 && limit == 0 {
				continue // it listens elsewhere
			}
			if got.Status < 0 || want.Status < 0 {
				t.Errorf("%s: %s not answered: %v %v", c.name, r.Target, want, got)
				continue
			}
			if simulated[j].Status > 0 && !sameAnswer(got, simulated[j], false) {
				other++
				fmt.Fprintf(&log, "SIMULATOR %s: %s %s://%s%s %v\n   simulated %v\n   httpd     %v\n", c.name, r.Method, r.Scheme, r.Host, r.Target, r.Header, simulated[j], got)
			}
			total++
			if sameAnswer(want, got, strings.HasPrefix(c.bodies[j], "file:") && want.Status == 200) {
				same++
				continue
			}
			label := "warned"
			if approximate+dropped == 0 && !otherParsing(r) && !c.noPage(want) {
				label = "EXACT"
				wrong++
			}
			fmt.Fprintf(&log, "%s %s: %s %s://%s%s %v\n   nginx %v\n   httpd %v\n%s==>\n%s\n", label, c.name, r.Method, r.Scheme, r.Host, r.Target, r.Header, want, got,
				c.source("127.0.0.1:80", "127.0.0.1:443", "127.0.0.1:8080"), c.result.Files[0].Text)
		}
	}
	if name := os.Getenv("REWRIGHT_CONVERT_LOG"); name != "" {
		if server {
			name += ".vhost"
		}
		os.WriteFile(name, []byte(log.String()), 0o644)
	}
	share := 100 * float64(same) / float64(max(total, 1))
	t.Logf("%d of %d requests alike (%.2f %%), %d differ though all was called exact; the simulator differs from httpd in %d", same, total, share, wrong, other)
	if share < limit && os.Getenv("REWRIGHT_CONVERT_ONLY") == "" {
		t.Errorf("%.2f %% alike, want %v %%", share, limit)
	}
	if wrong > 0 {
		t.Errorf("%d requests differ though every rule was called exact", wrong)
	}
}

// unescaped undoes the escapes of a header.
func unescaped(s string) string {
	var b []byte
	for i := 0; i < len(s); i++ {
		var c byte
		if n, err := fmt.Sscanf(s[i:min(i+3, len(s))], "%%%02x", &c); n == 1 && err == nil && s[i] == '%' {
			b = append(b, c)
			i += 2
			continue
		}
		b = append(b, s[i])
	}
	return string(b)
}

// fastcgiHello answers every FastCGI request, whatever its parameters: nginx sends only those it is told to, and
// net/http/fcgi wants more. Source: FastCGI specification 1.0, section 3.
func fastcgiHello(l net.Listener) error {
	record := func(kind byte, id uint16, content string) []byte {
		head := []byte{1, kind, byte(id >> 8), byte(id), byte(len(content) >> 8), byte(len(content)), 0, 0}
		return append(head, content...)
	}
	serve := func(conn net.Conn) {
		defer conn.Close()
		in := bufio.NewReader(conn)
		for {
			var head [8]byte
			if _, err := io.ReadFull(in, head[:]); err != nil {
				return
			}
			id, size := binary.BigEndian.Uint16(head[2:]), int(binary.BigEndian.Uint16(head[4:]))
			if _, err := in.Discard(size + int(head[6])); err != nil {
				return
			}
			if head[1] == 5 && size == 0 { // the end of the body
				out := record(6, id, "Content-Type: text/plain\r\n\r\nbackend\n")
				out = append(append(out, record(6, id, "")...), record(3, id, "\x00\x00\x00\x00\x00\x00\x00\x00")...)
				conn.Write(out)
				return
			}
		}
	}
	for {
		conn, err := l.Accept()
		if err != nil {
			return err
		}
		go serve(conn)
	}
}
