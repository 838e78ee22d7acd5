package main

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// compareWith runs compare --against a server that runs, and gives the exit status and what was printed.
func compareWith(t *testing.T, text string, answer http.HandlerFunc) (int, string) {
	t.Helper()
	server := httptest.NewServer(answer)
	defer server.Close()
	file := filepath.Join(t.TempDir(), ".htaccess")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	a := &app{in: strings.NewReader(""), out: &out, err: &out, now: time.Now}
	status := a.run([]string{"compare", "--host", "example.com", "--against", server.URL, file})
	return status, out.String()
}

func TestCompareAgainst(t *testing.T) {
	const text = "Redirect 301 /a http://example.com/b\nRedirect 410 /gone\n"
	moved := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			rest, ok := strings.CutPrefix(r.URL.Path, "/a")
			switch {
			case r.Host != "example.com" && r.Host != "unheard-of.test":
				t.Errorf("asked as host %q", r.Host)
			case ok && (rest == "" || rest[0] == '/'):
				target := to + rest
				if r.URL.RawQuery != "" {
					target += "?" + r.URL.RawQuery
				}
				w.Header()["Location"] = []string{target}
				w.WriteHeader(301)
			case r.URL.Path == "/gone" || strings.HasPrefix(r.URL.Path, "/gone/"):
				w.WriteHeader(410)
			default:
				w.WriteHeader(404)
			}
		}
	}
	if status, out := compareWith(t, text, moved("http://example.com/b")); status != exitOK || !strings.Contains(out, "no change found") {
		t.Errorf("a server that does what the file says: status %d\n%s", status, out)
	}
	status, out := compareWith(t, text, moved("http://example.com/c"))
	if status != exitFindings || !strings.Contains(out, "- 301 http://example.com/b\n    + 301 http://example.com/c\n") {
		t.Errorf("a server that redirects elsewhere: status %d\n%s", status, out)
	}
	if strings.Contains(out, "gone") {
		t.Errorf("nothing changed for /gone:\n%s", out)
	}
}

func TestRunningPortStandsForTheDefaultOne(t *testing.T) {
	s, err := newRunning("http://127.0.0.1:8080")
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string]string{
		"http://example.com:8080/x?y": "http://example.com/x?y", "/x": "/x", "http://example.com:80801/": "http://example.com:80801/",
		"https://example.com:8080": "https://example.com", "http://example.com/a:8080": "http://example.com/a:8080",
	} {
		if got := s.logical(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}

// Answers that are none: what is wrong is said, with status 2, soon and without keeping what is sent.
func TestCompareAgainstNoServer(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(net.Conn)
		status int
		want   string
	}{
		{"garbage", func(c net.Conn) { io.WriteString(c, "\x00\xffhello\r\n\r\n") }, exitUsage, "malformed HTTP response"},
		{"half a head", func(c net.Conn) { io.WriteString(c, "HTTP/1.1 200 OK\r\nX-A: b") }, exitUsage, "closed in the middle of its head"},
		{"a head without end", func(c net.Conn) {
			io.WriteString(c, "HTTP/1.1 200 OK\r\n")
			for line := "X-A: " + strings.Repeat("a", 10_000) + "\r\n"; ; {
				if _, err := io.WriteString(c, line); err != nil {
					return
				}
			}
		}, exitUsage, "its head has more than"},
		{"nothing", func(c net.Conn) {}, exitFindings, "+ connection closed"},
		{"news before the answer", func(c net.Conn) {
			io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 301 Moved\r\nLocation: http://example.com/c\r\n\r\n")
		}, exitFindings, "+ 301 http://example.com/c"},
	} {
		t.Run(c.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					go func() {
						defer conn.Close()
						if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
							c.answer(conn)
						}
					}()
				}
			}()
			file := filepath.Join(t.TempDir(), ".htaccess")
			if err := os.WriteFile(file, []byte("Redirect 301 /a http://example.com/b\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			a := &app{in: strings.NewReader(""), out: &out, err: &out, now: time.Now}
			if status := a.run([]string{"compare", "--against", "http://" + l.Addr().String(), file}); status != c.status || !strings.Contains(out.String(), c.want) {
				t.Errorf("status %d, want %d and %q in\n%s", status, c.status, c.want, out.String())
			}
		})
	}
}

// A server that speaks TLS is asked about https, one at a port of its own about that port.
func TestCompareAgainstTLSAndPort(t *testing.T) {
	gone := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/a" {
			w.WriteHeader(410)
			return
		}
		w.WriteHeader(404)
	})
	plain, secure := httptest.NewServer(gone), httptest.NewTLSServer(gone)
	defer plain.Close()
	defer secure.Close()
	dir := t.TempDir()
	for _, c := range []struct{ name, url, text, want string }{
		{".htaccess", secure.URL, "RewriteEngine On\nRewriteRule ^a$ - [F]\n", "GET https://example.test/a: gets 410 instead of 403"},
		{"site.conf", plain.URL, "server { listen " + plain.URL[strings.LastIndexByte(plain.URL, ':')+1:] + "; location = /a { return 403; } }\n", "/a: gets 410 instead of 403"},
	} {
		file := filepath.Join(dir, c.name)
		if err := os.WriteFile(file, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		a := &app{in: strings.NewReader(""), out: &out, err: &out, now: time.Now}
		if status := a.run([]string{"compare", "--against", c.url, file}); status != exitFindings || !strings.Contains(out.String(), c.want) {
			t.Errorf("%s: status %d, want %q in\n%s", c.name, status, c.want, out.String())
		}
	}
}
