package main

import (
	"bytes"
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
