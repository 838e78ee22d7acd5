package live

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"rewright/parser/sim/live/wire"
)

// nginxServer runs sites as servers of real nginx processes, each with ports of its own.
type nginxServer struct{ binary string }

func newNginx(t *testing.T) *nginxServer {
	n := &nginxServer{binary: cmp.Or(os.Getenv("REWRIGHT_NGINX"), "/usr/sbin/nginx")}
	needServer(t, "nginx", n.binary)
	return n
}

// maxBody is the length, in bytes, from which a body is not compared.
const maxBody = 500

// nginxBatch is how many sites share a process.
const nginxBatch = 100

type nginxHost struct {
	*site
	index int
}

// nginxMain says the default root of Debian's build, which would follow -p otherwise, and port_in_redirect off,
// which is what the default does on the ports that ours stand for.
const nginxMain = `daemon off; master_process off; pid nginx.pid; error_log error.log error;
events { worker_connections 2000; }
http {
log_format live escape=json '{"p":"$remote_port>$server_port","s":"$status","uri":"$uri","query":"$args","file":"$request_filename"}';
access_log access.log live; port_in_redirect off; lingering_close off; root /usr/share/nginx/html;
client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;
ssl_certificate %[1]s/cert.pem; ssl_certificate_key %[1]s/key.pem;
map_hash_bucket_size 128; variables_hash_max_size 8192; map_hash_max_size 8192;
%[2]s
}
`

// run asks every site's requests. An error is about the machinery, never about a site.
func (n *nginxServer) run(sites []*site) ([]reply, error) {
	root, err := os.MkdirTemp("", "rewright-nginx-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(root)
	if err := os.Chmod(root, 0o755); err != nil {
		return nil, err
	}
	if err := wire.WriteCertificate(root); err != nil {
		return nil, err
	}
	replies := make([]reply, len(sites))
	hosts := make([]*nginxHost, len(sites))
	errs := make([]error, len(sites))
	for i, s := range sites {
		hosts[i] = &nginxHost{site: s, index: i}
	}
	if err := choosePorts(hosts); err != nil {
		return nil, err
	}
	for i, s := range sites {
		if err := s.place(filepath.Join(root, fmt.Sprintf("c%05d", i))); err != nil {
			return nil, err
		}
	}
	wire.Parallel(len(sites), func(i int) { replies[i].Refused, errs[i] = n.test(root, hosts[i]) })
	var group []*nginxHost
	flush := func() error {
		if len(group) == 0 {
			return nil
		}
		defer func() { group = nil }()
		return n.serve(root, group, replies)
	}
	for i, h := range hosts {
		if errs[i] != nil {
			return nil, errs[i]
		}
		if replies[i].Refused != "" {
			continue
		}
		if h.Alone {
			if err := n.serve(root, []*nginxHost{h}, replies); err != nil {
				return nil, err
			}
			continue
		}
		if group = append(group, h); len(group) == nginxBatch {
			if err := flush(); err != nil {
				return nil, err
			}
		}
	}
	return replies, flush()
}

func choosePorts(hosts []*nginxHost) error {
	ports, err := wire.FreePorts(2 * len(hosts))
	if err != nil {
		return err
	}
	for i, h := range hosts {
		h.port, h.tlsPort = ports[2*i], ports[2*i+1]
	}
	return nil
}

// block is the site's text at http level, with the ports to listen on.
func (s *site) block(port, tlsPort int) string {
	var b strings.Builder
	if _, ok := s.Config["http"]; ok {
		fmt.Fprintf(&b, "include %s/http.conf;\n", s.dir)
	}
	fmt.Fprintf(&b, "server {\nlisten 127.0.0.1:%d;\n", port)
	if s.needsTLS() {
		fmt.Fprintf(&b, "listen 127.0.0.1:%d ssl;\n", tlsPort)
	}
	b.WriteString("server_name example.test;\n")
	if !ownRoot.MatchString(s.Config["server"]) {
		fmt.Fprintf(&b, "root %s;\n", s.docroot())
	}
	fmt.Fprintf(&b, "include %s/server.conf;\n}\n", s.dir)
	return b.String()
}

// ownRoot finds a root directive of the server's own: one at the start of a line.
var ownRoot = regexp.MustCompile(`(?m)^root\s`)

func (n *nginxServer) command(ctx context.Context, prefix string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, n.binary, append([]string{"-p", prefix, "-c", filepath.Join(prefix, "nginx.conf"), "-e", "stderr"}, args...)...)
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC"}
	return cmd
}

func writeNginx(root, prefix string, hosts []*nginxHost) error {
	if err := os.MkdirAll(prefix, 0o755); err != nil {
		return err
	}
	var b strings.Builder
	for _, h := range hosts {
		b.WriteString(h.block(h.port, h.tlsPort))
	}
	return os.WriteFile(filepath.Join(prefix, "nginx.conf"), fmt.Appendf(nil, nginxMain, root, b.String()), 0o644)
}

// test is nginx -t: the first error, or "".
func (n *nginxServer) test(root string, h *nginxHost) (string, error) {
	prefix := h.dir + "/t"
	if err := writeNginx(root, prefix, []*nginxHost{h}); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := n.command(ctx, prefix, "-t").CombinedOutput()
	if err == nil {
		return "", nil
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "[emerg]") || strings.Contains(line, "[alert]") {
			return strings.TrimSpace(h.clean(line)), nil
		}
	}
	return cmp.Or(strings.TrimSpace(string(out)), err.Error()), nil
}

func (n *nginxServer) serve(root string, hosts []*nginxHost, replies []reply) error {
	prefix, err := os.MkdirTemp(root, "p")
	if err != nil {
		return err
	}
	os.Chmod(prefix, 0o755)
	var proc *wire.Process
	if err = writeNginx(root, prefix, hosts); err != nil {
		return err
	}
	for range 5 { // a port may be taken for a moment by somebody's outgoing connection
		if proc, err = n.start(prefix); err == nil {
			break
		}
		time.Sleep(time.Second)
	}
	if err != nil {
		return err
	}
	keys := make([][]string, len(hosts))
	wire.Parallel(len(hosts), func(i int) {
		h := hosts[i]
		for _, r := range h.Requests {
			port := h.port
			if r.Scheme == "https" {
				port = h.tlsPort
			}
			res, err := wire.Send(r, port)
			one := answer{Status: res.Status, Closed: err != nil || res.Status == 0}
			if v := res.Values("Location"); len(v) > 0 {
				v[0] = h.logical(v[0])
				one.Location = &v[0]
			}
			body := h.logical(string(res.Body))
			if len(body) < maxBody && !strings.Contains(body, "<center>nginx") && r.Method != "HEAD" {
				one.Body = &body
			}
			if len(h.Show) > 0 {
				one.Header = map[string][]string{}
				for _, name := range h.Show {
					for _, v := range res.Values(name) {
						one.Header[name] = append(one.Header[name], h.logical(v))
					}
				}
			}
			replies[h.index].Answers = append(replies[h.index].Answers, one)
			keys[i] = append(keys[i], fmt.Sprintf("%d>%d", res.LocalPort, port))
		}
	})
	proc.Stop(syscall.SIGQUIT)
	log, err := readAccessLog(filepath.Join(prefix, "access.log"))
	if err != nil {
		return err
	}
	for i, h := range hosts {
		for j, key := range keys[i] {
			one := &replies[h.index].Answers[j]
			line, ok := log[key]
			if one.Closed {
				one.Died, one.Closed = !ok, ok
				fmt.Sscan(line.Status, &one.Status)
			}
			if ok && one.Location == nil && line.URI != "" {
				one.Seen, one.URI, one.Query, one.File = true, h.logical(line.URI), h.logical(line.Query), h.logical(line.File)
			}
		}
	}
	text, _ := os.ReadFile(filepath.Join(prefix, "error.log"))
	if len(hosts) == 1 {
		replies[hosts[0].index].Log = hosts[0].clean(string(text))
	}
	return nil
}

func (h *nginxHost) logical(text string) string {
	return replacePort(replacePort(text, h.port, 80), h.tlsPort, 443)
}

type accessLine struct {
	Key    string `json:"p"`
	Status string `json:"s"`
	URI    string `json:"uri"`
	Query  string `json:"query"`
	File   string `json:"file"`
}

// readAccessLog reads the log by connection; bytes that are no UTF-8 come out as they were.
func readAccessLog(path string) (map[string]accessLine, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines := map[string]accessLine{}
	scan := bufio.NewScanner(f)
	scan.Buffer(nil, 1<<24)
	for scan.Scan() {
		// encoding/json would replace bytes that are no UTF-8: carry every high byte through as its own code point.
		var b strings.Builder
		for _, c := range scan.Bytes() {
			b.WriteRune(rune(c))
		}
		var line accessLine
		if err := json.Unmarshal([]byte(b.String()), &line); err != nil {
			continue
		}
		for _, s := range []*string{&line.URI, &line.Query, &line.File} {
			var raw []byte
			for _, r := range *s {
				raw = append(raw, byte(r))
			}
			*s = string(raw)
		}
		if _, seen := lines[line.Key]; !seen {
			lines[line.Key] = line
		}
	}
	return lines, scan.Err()
}

func (n *nginxServer) start(prefix string) (*wire.Process, error) {
	cmd := n.command(context.Background(), prefix)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	proc, err := wire.Start(cmd)
	if err != nil {
		return nil, err
	}
	for range 1500 { // the pid file comes after the last listen()
		if _, err := os.Stat(filepath.Join(prefix, "nginx.pid")); err == nil {
			return proc, nil
		}
		if proc.HasExited() {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	proc.Stop(syscall.SIGQUIT)
	return nil, fmt.Errorf("nginx did not start: %s", stderr.String())
}
