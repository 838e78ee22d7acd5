package main

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"rewright/parser/probe"
	"rewright/parser/sim"
)

// askTimeout bounds one question to a running server.
const askTimeout = 10 * time.Second

// maxAnswer bounds what is read of an answer, in bytes: its head is all that is wanted.
const maxAnswer = 1 << 20

// running is a server that runs somewhere and is asked over the network. Its requests are sent as they are
// written, with the Host header of the probe, to the one address that was said.
type running struct {
	scheme, address, host string
	port                  int
}

// newRunning reads the address of a server. The error says what an address looks like.
func newRunning(text string) (*running, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" {
		return nil, fmt.Errorf("%q is no address of a server; write one like http://127.0.0.1:8080", text)
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return nil, fmt.Errorf("%q has no usable port", text)
	}
	return &running{scheme: u.Scheme, address: net.JoinHostPort(u.Hostname(), port), host: u.Hostname(), port: n}, nil
}

// ask sends one request. A request of the other scheme or to another port cannot be put to this server. For a request to the
// default port of its scheme the server's own stands for that in the answer, as it does when a server behind a load balancer is
// asked directly.
func (s *running) ask(p probe.Probe) (o sim.Outcome, ok bool, err error) {
	r := &p.Request
	if (r.Scheme == "https") != (s.scheme == "https") || r.Port != 0 && r.Port != s.port {
		return o, false, nil
	}
	conn, err := net.DialTimeout("tcp", s.address, askTimeout)
	if err != nil {
		return o, false, fmt.Errorf("ask the running server: %w", err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(askTimeout)); err != nil {
		return o, false, fmt.Errorf("ask the running server: %w", err)
	}
	if s.scheme == "https" {
		// Which certificate it shows is not the question here.
		conn = tls.Client(conn, &tls.Config{ServerName: r.Host, InsecureSkipVerify: true})
	}
	method, version := r.Method, r.Version
	if method == "" {
		method = "GET"
	}
	if version == "" {
		version = "1.1"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/%s\r\n", method, r.Target, version)
	if !r.NoHost {
		fmt.Fprintf(&b, "Host: %s\r\n", r.Host)
	}
	length := false
	for _, h := range r.Header {
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
		length = length || strings.EqualFold(h[0], "Content-Length")
	}
	if !length && (r.Body != "" || method == "POST" || method == "PUT" || method == "PATCH") {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(r.Body))
	}
	b.WriteString("Connection: close\r\n\r\n" + r.Body)
	if _, err := io.WriteString(conn, b.String()); err != nil {
		return o, false, fmt.Errorf("ask the running server: %w", err)
	}
	limited := &io.LimitedReader{R: conn, N: maxAnswer}
	in := bufio.NewReader(limited)
	res, err := http.ReadResponse(in, &http.Request{Method: method})
	for err == nil && res.StatusCode/100 == 1 && res.StatusCode != http.StatusSwitchingProtocols {
		res, err = http.ReadResponse(in, &http.Request{Method: method}) // that was news of the answer to come
	}
	if err != nil {
		nothing := limited.N == maxAnswer
		switch {
		case nothing && (err == io.EOF || err == io.ErrUnexpectedEOF || errors.Is(err, syscall.ECONNRESET)):
			return sim.Outcome{Closed: true, Known: true}, true, nil
		case limited.N <= 0:
			err = fmt.Errorf("its head has more than %d bytes", maxAnswer)
		case err == io.ErrUnexpectedEOF:
			err = errors.New("the connection is closed in the middle of its head")
		}
		return o, false, fmt.Errorf("read the running server's answer to %s %s: %w", method, probe.URL(*r), err)
	}
	res.Body.Close()
	o = sim.Outcome{Status: res.StatusCode, Known: true}
	if v, has := res.Header["Location"]; has && len(v) > 0 {
		where := v[0]
		if r.Port == 0 {
			where = s.logical(where)
		}
		o.Location = &where
	}
	return o, true, nil
}

// logical takes the real port out of a URL of an answer.
func (s *running) logical(location string) string {
	for _, scheme := range []string{"http", "https"} {
		rest, ok := strings.CutPrefix(location, scheme+"://")
		if !ok {
			continue
		}
		authority, tail := rest, ""
		if i := strings.IndexAny(rest, "/?#"); i >= 0 {
			authority, tail = rest[:i], rest[i:]
		}
		if host, ok := strings.CutSuffix(authority, ":"+strconv.Itoa(s.port)); ok {
			return scheme + "://" + host + tail
		}
	}
	return location
}
