package live

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"rewright/parser/sim/live/wire"
)

// apacheServer runs sites as name-less virtual hosts of real httpd processes, each host with ports of its own.
type apacheServer struct {
	binary, modules string
	load            []string // modules by short name
}

// apacheModules are loaded for generated sites: what a plain installation has, and no proxy.
var apacheModules = []string{"mpm_event", "authz_core", "authz_host", "access_compat", "alias", "autoindex", "dir",
	"env", "headers", "mime", "negotiation", "rewrite", "setenvif", "socache_shmcb", "ssl"}

func newApache(t *testing.T) *apacheServer {
	a := &apacheServer{binary: cmp.Or(os.Getenv("REWRIGHT_APACHE"), "/usr/sbin/apache2"),
		modules: cmp.Or(os.Getenv("REWRIGHT_APACHE_MODULES"), "/usr/lib/apache2/modules"), load: apacheModules}
	needServer(t, "Apache httpd", a.binary, a.modules)
	return a
}

// apacheBatch is how many sites share a process.
const apacheBatch = 150

// run asks every site's requests. An error is about the machinery, never about a site.
func (a *apacheServer) run(sites []*site) ([]reply, error) {
	replies := make([]reply, len(sites))
	for at := 0; at < len(sites); at += apacheBatch {
		end := min(at+apacheBatch, len(sites))
		if err := a.batch(sites[at:end], replies[at:end], true); err != nil {
			return nil, err
		}
	}
	return replies, nil
}

type apacheHost struct {
	*site
	index int
}

func (a *apacheServer) batch(sites []*site, replies []reply, again bool) error {
	root, err := os.MkdirTemp("", "rewright-apache-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	if err := os.Chmod(root, 0o755); err != nil {
		return err
	}
	if err := wire.WriteCertificate(root); err != nil {
		return err
	}
	var hosts []*apacheHost
	for i, s := range sites {
		if err := s.place(filepath.Join(root, fmt.Sprintf("c%04d", i))); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(s.dir, "error.log"), nil, 0o666); err != nil {
			return err
		}
		os.Chmod(filepath.Join(s.dir, "error.log"), 0o666)
		hosts = append(hosts, &apacheHost{site: s, index: i})
	}
	var proc *wire.Process
	for range 5 { // a port may be taken between choosing and binding it
		if hosts, err = a.dropRefused(root, hosts, replies); err != nil {
			return err
		}
		if len(hosts) == 0 {
			return nil
		}
		if proc, err = a.start(root, hosts[len(hosts)-1].port); err == nil {
			break
		}
	}
	if err != nil {
		return err
	}
	wire.Parallel(len(hosts), func(i int) {
		h := hosts[i]
		replies[h.index].Answers = a.ask(h)
	})
	proc.Stop(syscall.SIGTERM)
	for _, h := range hosts {
		log, _ := os.ReadFile(filepath.Join(h.dir, "error.log"))
		replies[h.index].Log = h.clean(string(log))
	}
	if !again {
		return nil
	}
	// A site that crashes a process takes its neighbours' answers along: those are asked again, alone.
	for i := range sites {
		for _, one := range replies[i].Answers {
			if one.Died {
				if err := a.batch(sites[i:i+1], replies[i:i+1], false); err != nil {
					return err
				}
				break
			}
		}
	}
	return nil
}

func (a *apacheServer) host(root string, h *apacheHost, tls bool) string {
	var b strings.Builder
	port, logical := h.port, 80
	if tls {
		port, logical = h.tlsPort, 443
	}
	fmt.Fprintf(&b, "<VirtualHost 127.0.0.1:%d>\nServerName example.test:%d\nDocumentRoot %q\nErrorLog %q\nLogLevel warn ssl:error\n",
		port, logical, h.docroot(), filepath.Join(h.dir, "error.log"))
	for _, v := range []string{"URI REQUEST_URI", "Query QUERY_STRING", "File REQUEST_FILENAME", "Info PATH_INFO"} {
		name, variable, _ := strings.Cut(v, " ")
		fmt.Fprintf(&b, "Header always set X-Live-%s \"expr=%%{escape:%%{%s}}\"\n", name, variable)
	}
	if tls {
		fmt.Fprintf(&b, "SSLEngine on\nSSLCertificateFile \"%s/cert.pem\"\nSSLCertificateKeyFile \"%s/key.pem\"\n", root, root)
	}
	fmt.Fprintf(&b, "<Directory %q>\nAllowOverride All\nOptions FollowSymLinks\nRequire all granted\n</Directory>\n", h.docroot())
	if _, ok := h.Config["vhost"]; ok {
		fmt.Fprintf(&b, "Include \"%s/vhost.conf\"\n", h.dir)
	}
	b.WriteString("</VirtualHost>\n")
	return b.String()
}

// writeConfig gives every host ports and writes the server's configuration.
func (a *apacheServer) writeConfig(root string, hosts []*apacheHost) error {
	ports, err := wire.FreePorts(2 * len(hosts))
	if err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "ServerRoot %q\nDefaultRuntimeDir %q\nServerName live.invalid\nPidFile \"%s/httpd.pid\"\nErrorLog \"%s/error.log\"\n",
		root, root, root, root)
	b.WriteString("ErrorLogFormat \"%l\\t%M\"\nKeepAlive Off\nTimeout 20\nServerSignature Off\n")
	for _, m := range a.load {
		fmt.Fprintf(&b, "LoadModule %s_module %s/mod_%s.so\n", m, a.modules, m)
	}
	if os.Geteuid() == 0 {
		name, group := "nobody", "nogroup"
		if _, err := user.Lookup("www-data"); err == nil {
			name, group = "www-data", "www-data"
		}
		fmt.Fprintf(&b, "User %s\nGroup %s\n", name, group)
	}
	b.WriteString("StartServers 1\nServerLimit 2\nThreadsPerChild 16\nMaxRequestWorkers 32\n" +
		"TypesConfig /dev/null\nAddType text/html .html .htm .php\nAddType text/css .css\nAddType text/plain .txt\n" +
		"AddType image/jpeg .jpg\nAddType image/png .png\n" +
		"<Directory />\nAllowOverride None\nRequire all denied\n</Directory>\n" +
		"<FilesMatch \"^\\.ht\">\nRequire all denied\n</FilesMatch>\n")
	for i, h := range hosts {
		h.port, h.tlsPort = ports[2*i], ports[2*i+1]
		fmt.Fprintf(&b, "Listen 127.0.0.1:%d http\n", h.port)
		if h.needsTLS() {
			fmt.Fprintf(&b, "Listen 127.0.0.1:%d https\n", h.tlsPort)
		}
	}
	for _, h := range hosts {
		b.WriteString(a.host(root, h, false))
		if h.needsTLS() {
			b.WriteString(a.host(root, h, true))
		}
	}
	return os.WriteFile(filepath.Join(root, "httpd.conf"), []byte(b.String()), 0o644)
}

func (a *apacheServer) command(ctx context.Context, root string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, a.binary, append([]string{"-d", root, "-f", filepath.Join(root, "httpd.conf")}, args...)...)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	return cmd
}

var apacheSyntaxError = regexp.MustCompile(`Syntax error on line (\d+) of (\S+?):`)

// dropRefused finds the hosts whose text the server refuses, notes why, and returns the others.
func (a *apacheServer) dropRefused(root string, hosts []*apacheHost, replies []reply) ([]*apacheHost, error) {
	for len(hosts) > 0 {
		if err := a.writeConfig(root, hosts); err != nil {
			return nil, err
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		out, err := a.command(ctx, root, "-t").CombinedOutput()
		cancel()
		if err == nil {
			return hosts, nil
		}
		bad := -1
		for _, m := range apacheSyntaxError.FindAllSubmatch(out, -1) {
			for i, h := range hosts {
				if strings.HasPrefix(string(m[2]), h.dir+"/") {
					bad = i
				}
			}
		}
		if bad < 0 { // errors found after reading name the host's files in other ways
			for i, h := range hosts {
				if bytes.Contains(out, []byte(h.dir+"/")) {
					bad = i
				}
			}
		}
		if bad < 0 {
			return nil, fmt.Errorf("a startup failure that no site owns: %w\n%s", err, out)
		}
		h := hosts[bad]
		replies[h.index].Refused = strings.TrimSpace(h.clean(string(out)))
		hosts = append(hosts[:bad:bad], hosts[bad+1:]...)
	}
	return nil, nil
}

func (a *apacheServer) start(root string, port int) (*wire.Process, error) {
	cmd := a.command(context.Background(), root, "-DFOREGROUND")
	stderr, err := os.Create(filepath.Join(root, "stderr.log"))
	if err != nil {
		return nil, err
	}
	defer stderr.Close()
	cmd.Stdout, cmd.Stderr = stderr, stderr
	proc, err := wire.Start(cmd)
	if err != nil {
		return nil, err
	}
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			conn.Close()
			return proc, nil
		}
		if proc.HasExited() {
			break
		}
	}
	proc.Stop(syscall.SIGTERM)
	text, _ := os.ReadFile(filepath.Join(root, "stderr.log"))
	log, _ := os.ReadFile(filepath.Join(root, "error.log"))
	return nil, errors.New("httpd did not start: " + string(text) + string(log))
}

func (a *apacheServer) ask(h *apacheHost) []answer {
	var out []answer
	for _, r := range h.Requests {
		port := h.port
		if r.Scheme == "https" {
			port = h.tlsPort
		}
		res, err := wire.Send(r, port)
		if err != nil {
			out = append(out, answer{Died: true})
			continue
		}
		one := answer{Status: res.Status, Died: res.Status == 0}
		if v := res.Values("Location"); len(v) > 0 {
			one.Location = &v[0]
		} else if res.Values("X-Live-Uri") != nil {
			one.Seen = true
			for _, f := range []struct {
				name string
				to   *string
			}{{"X-Live-Uri", &one.URI}, {"X-Live-Query", &one.Query}, {"X-Live-File", &one.File}, {"X-Live-Info", &one.PathInfo}} {
				if v := res.Values(f.name); len(v) > 0 {
					if text, err := url.PathUnescape(v[0]); err == nil {
						*f.to = text
					}
				}
			}
		}
		if len(h.Show) > 0 {
			one.Header = map[string][]string{}
			for _, name := range h.Show {
				one.Header[name] = timeless(res.Values(name))
			}
		}
		out = append(out, one)
	}
	return out
}
