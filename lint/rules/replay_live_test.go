package rules

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"rewright/lint"
	"rewright/parser/ir"
	"rewright/parser/source"
)

// TestLiveReplayApache puts the .htaccess files of the corpus into document roots of a real httpd and sends it the requests that the
// findings carry: every answer must be the one the witness says.
func TestLiveReplayApache(t *testing.T) {
	httpd := program(t, "apache2", "httpd")
	const modules = "/usr/lib/apache2/modules"
	if _, err := os.Stat(modules); err != nil {
		t.Skip(err)
	}
	texts := corpusTexts(t, "apache-accepts.tsv", 3)
	root := liveFolder(t)
	writeCertificate(t, root)
	var inputs []lint.Input
	docroots := map[string]string{}
	for i, c := range texts {
		if c.context != "htaccess" {
			continue
		}
		dir := filepath.Join(root, fmt.Sprintf("%04d", i))
		docroots[c.name] = dir
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir+"/.htaccess", c.text, 0o644); err != nil {
			t.Fatal(err)
		}
		inputs = append(inputs, lint.Input{File: source.NewFile(c.name, c.text), Server: ir.Apache, Context: ir.ContextHtaccess,
			Docroot: dir, Dir: dir, Files: diskFiles{}})
	}
	findings := witnessesOf(t, inputs)
	type host struct {
		file, name, scheme string
		port               int
	}
	ports := map[host]int{}
	pool := &portPool{}
	defer pool.close()
	var conf strings.Builder
	fmt.Fprintf(&conf, "ServerRoot %s\nServerName live.invalid\nPidFile %s/pid\nErrorLog %s/error.log\nLogLevel crit\n%s", root, root, root, httpdModules(modules))
	conf.WriteString("TypesConfig /dev/null\nAddType text/html .html .htm .php\nAddType text/css .css\nAddType text/plain .txt\nAddType image/jpeg .jpg\n" +
		"AddType image/png .png\nKeepAlive Off\nServerSignature Off\n<Directory />\nAllowOverride None\nRequire all denied\n</Directory>\n" +
		"<FilesMatch \"^\\.ht\">\nRequire all denied\n</FilesMatch>\n")
	for _, c := range texts {
		dir := docroots[c.name]
		if dir == "" || len(findings[c.name]) == 0 {
			continue
		}
		for _, x := range findings[c.name] {
			for i := range x.hops {
				h := &x.hops[i]
				name, _, _ := strings.Cut(h.host, ":")
				k := host{c.name, name, h.scheme, h.port}
				if ports[k] != 0 {
					continue
				}
				ports[k] = pool.next(t)
				fmt.Fprintf(&conf, "Listen 127.0.0.1:%d %s\n<VirtualHost 127.0.0.1:%d>\nServerName %s:%d\nDocumentRoot %s\n", ports[k], h.scheme, ports[k], name, h.port, dir)
				if h.scheme == "https" {
					fmt.Fprintf(&conf, "SSLEngine on\nSSLCertificateFile %s/cert.pem\nSSLCertificateKeyFile %s/key.pem\n", root, root)
				}
				fmt.Fprintf(&conf, "<Directory %s>\nAllowOverride All\nOptions FollowSymLinks\nRequire all granted\n</Directory>\n</VirtualHost>\n", dir)
			}
		}
	}
	pool.close()
	path := filepath.Join(root, "httpd.conf")
	if err := os.WriteFile(path, []byte(conf.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	any := 0
	for _, p := range ports {
		any = p
	}
	stop, err := serve(exec.Command(httpd, "-X", "-f", path), any)
	if err != nil {
		t.Fatal(err, errorLog(root))
	}
	defer stop()
	table := replayTable{}
	for _, c := range texts {
		for _, x := range findings[c.name] {
			replayOne(t, table, x, docroots[c.name], func(h *replayHop) int {
				name, _, _ := strings.Cut(h.host, ":")
				return ports[host{c.name, name, h.scheme, h.port}]
			})
		}
	}
	t.Logf("httpd\n%s", table)
	table.enough(t)
}

// replayOne replays one finding and counts it.
func replayOne(t *testing.T, table replayTable, x *replayed, docroot string, real func(h *replayHop) int) {
	n := table.of(x.code)
	if x.cannot == "" {
		x.cannot = withFiles(docroot, x, func() {
			n.replayed++
			if d := x.ask(real); d != "" {
				n.differ++
				t.Errorf("%s %s: exists %v, missing %v, %v\n\t%s", x.place, x.code, x.exists, x.missing, x.header, d)
			}
		})
	}
	if x.cannot != "" {
		n.cannot[x.cannot]++
	}
}

// portPool hands out different free ports: it holds on to them until it is closed.
type portPool struct{ held []net.Listener }

func (p *portPool) next(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.held = append(p.held, l)
	return l.Addr().(*net.TCPAddr).Port
}

func (p *portPool) close() {
	for _, l := range p.held {
		l.Close()
	}
	p.held = nil
}

// liveFolder is a temporary folder that the server's user can read.
func liveFolder(t *testing.T) string {
	dir := t.TempDir()
	for d := dir; d != "/" && d != "/tmp"; d = filepath.Dir(d) {
		os.Chmod(d, 0o755)
	}
	return dir
}

// httpdModules are LoadModule lines for all that can be loaded together.
func httpdModules(folder string) string {
	var b strings.Builder
	names, _ := filepath.Glob(folder + "/mod_*.so")
	for _, so := range names {
		id := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(so), "mod_"), ".so")
		if id == "mpm_event" || !strings.HasPrefix(id, "mpm_") && isShipped("mod_"+id+".c") && !neverLoaded[id] {
			fmt.Fprintf(&b, "LoadModule %s_module %s\n", id, so)
		}
	}
	return b.String()
}

// serve starts a server and waits until a port answers; stop ends it.
func serve(cmd *exec.Cmd, port int) (stop func(), err error) {
	var words strings.Builder
	cmd.Stderr = &words
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	exited := make(chan struct{})
	go func() { cmd.Wait(); close(exited) }()
	stop = func() { cmd.Process.Kill(); <-exited }
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			conn.Close()
			return stop, nil
		}
		select {
		case <-exited:
			return nil, errors.New("it does not start: " + words.String())
		default:
		}
	}
	stop()
	return nil, errors.New("it does not answer: " + words.String())
}
