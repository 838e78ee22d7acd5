package rules

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"testing"
	"time"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/sim"
)

// A replay sends the requests of a finding's witness to a real server that has the configuration, and compares the
// answers with what the witness says.

// replayed is one finding and what its witness says.
type replayed struct {
	code    string
	place   string // file:line:column
	hops    []replayHop
	exists  []string // paths below the document root; with a final slash folders
	missing []string
	header  map[string]string
	cannot  string // why it cannot be replayed; empty when it can
}

// replayHop is one request of a witness and its answer.
type replayHop struct {
	method, scheme, host, target string
	port                         int // logical
	status                       int
	location                     *string
	closed                       bool
	line                         string // of the witness
}

var hopLine = regexp.MustCompile(`(?s)^([A-Z]+) (https?)://([^/?#\s]+)(\S*) → (.*)$`)
var hopPlace = regexp.MustCompile(` \([^()]*:\d+\)$`)

// readWitness takes a witness apart.
func readWitness(d diag.Diagnostic) *replayed {
	x := &replayed{code: d.Code, place: d.File.Name + ":" + d.File.Position(d.Span.Start).String(), header: d.Witness.Header}
	for _, step := range d.Witness.Steps {
		if given, ok := strings.CutPrefix(step, "given that "); ok {
			for _, part := range strings.Split(given, ", ") {
				switch {
				case strings.HasSuffix(part, " does not exist"):
					x.missing = append(x.missing, strings.TrimSuffix(part, " does not exist"))
				case strings.HasSuffix(part, " exists"):
					x.exists = append(x.exists, strings.TrimSuffix(part, " exists"))
				default:
					x.cannot = "it asks for a client's address"
				}
			}
			continue
		}
		m := hopLine.FindStringSubmatch(step)
		if m == nil {
			continue
		}
		h := replayHop{method: m[1], scheme: m[2], host: m[3], target: m[4], port: 80, line: step}
		if h.target == "" || h.target[0] != '/' {
			h.target = "/" + h.target
		}
		if h.scheme == "https" {
			h.port = 443
		}
		if _, port, ok := strings.Cut(h.host, ":"); ok {
			h.port, _ = atoi(port)
		}
		answer := hopPlace.ReplaceAllString(m[5], "")
		n, rest := atoi(answer)
		switch {
		case answer == "connection closed":
			h.closed = true
		case n >= 100 && rest == "":
			h.status = n
		case n >= 100 && rest[0] == ' ':
			to := rest[1:]
			h.status, h.location = n, &to
		default:
			if len(x.hops) == 0 {
				x.cannot = "its answer comes from elsewhere"
			}
			return x // what follows hangs on another server
		}
		x.hops = append(x.hops, h)
	}
	if len(x.hops) == 0 && x.cannot == "" {
		x.cannot = "its witness has no request"
	}
	return x
}

// replayCount is what became of the findings of one rule.
type replayCount struct {
	replayed, differ int
	cannot           map[string]int
}

// replayTable counts by rule.
type replayTable map[string]*replayCount

func (c replayTable) of(code string) *replayCount {
	if c[code] == nil {
		c[code] = &replayCount{cannot: map[string]int{}}
	}
	return c[code]
}

func (c replayTable) String() string {
	var codes []string
	for code := range c {
		codes = append(codes, code)
	}
	sort.Strings(codes)
	var b strings.Builder
	fmt.Fprintf(&b, "%-6s %8s %8s %8s  %s\n", "rule", "replayed", "agree", "differ", "not replayable")
	all, differ, cannot := 0, 0, 0
	for _, code := range codes {
		n := c[code]
		var why []string
		for w, k := range n.cannot {
			why = append(why, fmt.Sprintf("%d: %s", k, w))
			cannot += k
		}
		sort.Strings(why)
		fmt.Fprintf(&b, "%-6s %8d %8d %8d  %s\n", code, n.replayed, n.replayed-n.differ, n.differ, strings.Join(why, "; "))
		all, differ = all+n.replayed, differ+n.differ
	}
	fmt.Fprintf(&b, "%-6s %8d %8d %8d  %d", "all", all, all-differ, differ, cannot)
	return b.String()
}

// enough fails a test in which most of what was found could not be replayed.
func (c replayTable) enough(t *testing.T) {
	t.Helper()
	all, cannot := 0, 0
	for _, n := range c {
		all += n.replayed
		for _, k := range n.cannot {
			cannot += k
		}
	}
	if all == 0 || all < cannot {
		t.Errorf("%d findings were replayed, %d could not be", all, cannot)
	}
}

// corpusText is one file of the corpus that its server accepts.
type corpusText struct {
	name, context string
	text          []byte
}

// corpusTexts reads a list of the corpus; context is the column that tells what a text is the inside of.
func corpusTexts(t *testing.T, list string, column int) (out []corpusText) {
	root := os.Getenv("REWRIGHT_CORPUS")
	if root == "" {
		t.Skip("REWRIGHT_CORPUS names no folder of configurations")
	}
	f, err := os.Open(filepath.Join(root, list))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		cells := strings.Split(lines.Text(), "\t")
		if len(cells) < 5 || cells[1] != "ok" || !strings.Contains(cells[0], os.Getenv("REWRIGHT_CORPUS_ONLY")) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, cells[0]))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, corpusText{cells[0], cells[column], text})
	}
	return out
}

// witnessesOf lints the inputs and gives the findings that have a witness, by file.
func witnessesOf(t *testing.T, inputs []lint.Input) map[string][]*replayed {
	r, err := lint.Run(context.Background(), lint.Options{Rules: All()}, inputs...)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]*replayed{}
	for _, d := range r.Findings {
		if d.Witness != nil {
			out[d.File.Name] = append(out[d.File.Name], readWitness(d))
		}
	}
	return out
}

// diskFiles is the disk: the document roots of a replay lie there while the linter looks at their files.
type diskFiles struct{}

func (diskFiles) Stat(path string) (sim.FileInfo, bool) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return sim.FileInfo{}, true
	case info.IsDir():
		return sim.FileInfo{Kind: sim.Directory}, true
	}
	return sim.FileInfo{Kind: sim.Regular, Size: info.Size()}, true
}

func (diskFiles) ReadFile(path string) ([]byte, error) { return os.ReadFile(path) }

// withFiles makes the files that a witness assumes, calls f, and takes them away again; why it cannot is the result.
func withFiles(docroot string, x *replayed, f func()) (cannot string) {
	var made []string
	defer func() {
		for i := len(made) - 1; i >= 0; i-- {
			os.Remove(made[i])
		}
	}()
	folder := func(dir string) bool {
		for _, part := range parentsOf(dir) {
			if _, err := os.Stat(part); err == nil {
				continue
			}
			if os.Mkdir(part, 0o755) != nil {
				return false
			}
			made = append(made, part)
		}
		return true
	}
	for _, name := range x.exists {
		path := filepath.Join(docroot, name)
		if strings.HasPrefix(name, "//") || !strings.HasPrefix(path, docroot+"/") {
			return "it needs a file outside of the document root"
		}
		if strings.HasSuffix(name, "/") {
			if !folder(path) {
				return "its files cannot be made"
			}
			continue
		}
		if _, err := os.Stat(path); err == nil {
			continue
		}
		if !folder(filepath.Dir(path)) || os.WriteFile(path, []byte("file\n"), 0o644) != nil {
			return "its files cannot be made"
		}
		made = append(made, path)
	}
	f()
	return ""
}

// parentsOf are a folder and those above it, the outermost first.
func parentsOf(dir string) (out []string) {
	for ; dir != "/" && dir != "."; dir = filepath.Dir(dir) {
		out = append([]string{dir}, out...)
	}
	return out
}

// ask sends the requests of a witness to the real ports and tells where an answer differs.
func (x *replayed) ask(real func(h *replayHop) int) (difference string) {
	for i := range x.hops {
		h := &x.hops[i]
		port := real(h)
		status, location, closed := exchange(h, x.header, port)
		if location != nil {
			to := regexp.MustCompile(`:`+fmt.Sprint(port)+`\b`).ReplaceAllString(*location, map[bool]string{true: fmt.Sprintf(":%d", h.port)}[h.port != 80 && h.port != 443])
			location = &to
		}
		said := fmt.Sprint(h.status)
		got := fmt.Sprint(status)
		if h.location != nil {
			said += " " + *h.location
		}
		if location != nil {
			got += " " + *location
		}
		if h.closed != closed || !closed && said != got {
			return fmt.Sprintf("%s\n\tthe server answers %s (closed: %v)", h.line, got, closed)
		}
	}
	return ""
}

// exchange sends one request as it stands; closed tells that no answer came.
func exchange(h *replayHop, header map[string]string, port int) (status int, location *string, closed bool) {
	conn, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), 5*time.Second)
	if err != nil {
		return 0, nil, true
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	if h.scheme == "https" {
		name, _, _ := strings.Cut(h.host, ":")
		conn = tls.Client(conn, &tls.Config{ServerName: name, InsecureSkipVerify: true})
	}
	fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: %s\r\n", h.method, h.target, h.host)
	for name, value := range header {
		fmt.Fprintf(conn, "%s: %s\r\n", name, value)
	}
	io.WriteString(conn, "Connection: close\r\n\r\n")
	in := bufio.NewScanner(conn)
	in.Buffer(nil, 1<<20)
	for n := 0; in.Scan(); n++ {
		line := strings.TrimSuffix(in.Text(), "\r")
		switch {
		case n == 0:
			if _, rest, ok := strings.Cut(line, " "); ok {
				status, _ = atoi(rest)
			}
		case line == "":
			return status, location, status == 0
		case location == nil && len(line) > 9 && strings.EqualFold(line[:9], "location:"):
			to := strings.TrimPrefix(line[9:], " ")
			location = &to
		case location != nil && strings.HasPrefix(line, strings.TrimPrefix(injected, "\r\n")):
			to := *location + "\r\n" + line // the header that the witness smuggles in behind it
			location = &to
		}
	}
	return status, location, status == 0
}

// writeCertificate writes cert.pem and key.pem into a folder.
func writeCertificate(t *testing.T, dir string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "example.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(48 * time.Hour), DNSNames: []string{"example.test"}}
	der, err := x509.CreateCertificate(rand.Reader, &c, &c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "EC PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}
