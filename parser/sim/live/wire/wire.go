// Package wire starts real servers and talks to them byte by byte, for tests that hold the project to what they answer.
package wire

import (
	"bytes"
	"cmp"
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
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"rewright/parser/sim"
)

// FreePorts finds n ports of 127.0.0.1 that nobody listens on at the moment.
func FreePorts(n int) ([]int, error) {
	var ports []int
	var held []net.Listener
	defer func() {
		for _, l := range held {
			l.Close()
		}
	}()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		held = append(held, l)
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// Response is one raw HTTP response. Status 0: none came.
type Response struct {
	Status    int
	Header    [][2]string
	Body      []byte
	LocalPort int // port of our end, by which log lines are found
}

// Values are the values of a header field, in order.
func (r *Response) Values(name string) []string {
	var out []string
	for _, h := range r.Header {
		if strings.EqualFold(h[0], name) {
			out = append(out, h[1])
		}
	}
	return out
}

var statusLine = regexp.MustCompile(`^HTTP/\d\.\d (\d+)`)
var plainHost = regexp.MustCompile(`^[A-Za-z0-9.-]+$`)

// rawRequest is what goes over the wire; every request closes its connection.
func rawRequest(r sim.Request) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/%s\r\n", cmp.Or(r.Method, "GET"), cmp.Or(r.Target, "/"), cmp.Or(r.Version, "1.1"))
	if !r.NoHost {
		fmt.Fprintf(&b, "Host: %s\r\n", r.Host)
	}
	for _, h := range r.Header {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	if r.Body != "" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(r.Body))
	}
	b.WriteString("Connection: close\r\n\r\n")
	b.WriteString(r.Body)
	return b.Bytes()
}

// Send makes one exchange; a connection that breaks is a response with status 0.
func Send(r sim.Request, port int) (Response, error) {
	var out Response
	conn, err := net.DialTimeout("tcp", fmt.Sprintf("127.0.0.1:%d", port), 10*time.Second)
	if err != nil {
		return out, err
	}
	defer conn.Close()
	out.LocalPort = conn.LocalAddr().(*net.TCPAddr).Port
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	if r.Scheme == "https" {
		name, _, _ := strings.Cut(r.Host, ":")
		name = strings.TrimSuffix(name, ".")
		if !plainHost.MatchString(name) || r.NoHost {
			name = ""
		}
		tc := tls.Client(conn, &tls.Config{ServerName: name, InsecureSkipVerify: true})
		conn = tc
	}
	var data []byte
	if _, err = conn.Write(rawRequest(r)); err == nil {
		data, _ = io.ReadAll(conn)
	}
	head, body, _ := bytes.Cut(data, []byte("\r\n\r\n"))
	lines := strings.Split(string(head), "\r\n")
	m := statusLine.FindStringSubmatch(lines[0])
	if m == nil {
		return out, nil
	}
	out.Status, _ = strconv.Atoi(m[1])
	chunked := false
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		out.Header = append(out.Header, [2]string{name, value})
		chunked = chunked || strings.EqualFold(name, "Transfer-Encoding") && value == "chunked"
	}
	for chunked && len(body) > 0 {
		size, rest, _ := bytes.Cut(body, []byte("\r\n"))
		n, err := strconv.ParseInt(string(size), 16, 32)
		if err != nil || n > int64(len(rest)) {
			break
		}
		out.Body = append(out.Body, rest[:n]...)
		body = rest[min(int(n)+2, len(rest)):]
	}
	if !chunked {
		out.Body = body
	}
	return out, nil
}

// WriteCertificate puts cert.pem and key.pem for example.test into dir.
func WriteCertificate(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "example.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(48 * time.Hour), DNSNames: []string{"example.test"}}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(filepath.Join(dir, "cert.pem"), cert, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "key.pem"),
		pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}), 0o600)
}

// Process is a server we started and alone may end.
type Process struct {
	cmd    *exec.Cmd
	exited chan struct{}
}

// Start runs a command.
func Start(cmd *exec.Cmd) (*Process, error) {
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &Process{cmd, make(chan struct{})}
	go func() { cmd.Wait(); close(p.exited) }()
	return p, nil
}

// HasExited tells whether it has ended.
func (p *Process) HasExited() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// Stop ends the server through its own handle: politely, then by force.
func (p *Process) Stop(sig syscall.Signal) {
	p.cmd.Process.Signal(sig)
	select {
	case <-p.exited:
	case <-time.After(10 * time.Second):
		p.cmd.Process.Kill()
		<-p.exited
	}
}

// Parallel runs f for 0 … n-1 with a few workers.
func Parallel(n int, f func(int)) {
	var wg sync.WaitGroup
	next := make(chan int)
	for range 6 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range next {
				f(i)
			}
		}()
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}
