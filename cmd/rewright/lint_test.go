package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// lintIn runs the lint command in a folder with files.
func lintIn(t *testing.T, files map[string]string, stdin string, args ...string) (status int, out, errs string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	var o, e bytes.Buffer
	a := &app{in: strings.NewReader(stdin), out: &o, err: &e, now: time.Now}
	status = a.run(append([]string{"lint"}, args...))
	return status, o.String(), e.String()
}

const spaced = "RewriteEngine On\nRewriteRule ^a$ /b [R=301, L]\n"

func TestLint(t *testing.T) {
	files := map[string]string{".htaccess": spaced, "sub/.htaccess": "RewriteEngine On # x\n", "notes.txt": "RewriteRule is nice\n",
		"nginx/nginx.conf": "events {}\nhttp {\n    server {\n        include part.conf;\n    }\n}\n", "nginx/part.conf": "return 301;\n"}
	for _, c := range []struct {
		name, stdin string
		args        []string
		status      int
		out, errs   string // a part of it
	}{
		{"a file", "", []string{".htaccess"}, 1, ".htaccess:2:20: error RD003 space-in-flags: ", ""},
		{"the folder at hand", "", nil, 1, "sub/.htaccess:1:18: info RD006 text-after-flags: ", ""},
		{"what is included", "", []string{"nginx"}, 1, "nginx/part.conf:1:8: error RD306 redirect-without-target: ", ""},
		{"info does not fail", "", []string{"sub/.htaccess"}, 0, "1 info in 1 file, 1 file checked\n", ""},
		{"unless told", "", []string{"--fail-on", "info", "sub/.htaccess"}, 1, "1 info", ""},
		{"never", "", []string{"--fail-on", "never", ".htaccess"}, 0, "RD003", ""},
		{"selected", "", []string{"--select", "RD306", ".htaccess"}, 0, "no findings, 1 file checked\n", ""},
		{"ignored", "", []string{"--ignore", "space-in-flags", ".htaccess"}, 0, "no findings", ""},
		{"standard input", "return 301;\n", []string{"--server", "nginx", "--context", "server", "-"}, 1, "-:1:8: error RD306", ""},
		{"context", "RewriteMap a int:tolower\n", []string{"--context", "htaccess", "-"}, 1, "-:1:1: error RD106", ""},
		{"no such rule", "", []string{"--select", "RD77", ".htaccess"}, 2, "", `no rule is called "RD77"`},
		{"no such file", "", []string{"nothing.conf"}, 2, "", "nothing.conf: no such file or directory"},
		{"neither server", "hello\n", []string{"-"}, 2, "", "say --server apache or --server nginx"},
		{"bad format", "", []string{"--format", "xml", ".htaccess"}, 2, "", `junit, rdjsonl, not "xml"`},
		{"bad severity", "", []string{"--fail-on", "bad", ".htaccess"}, 2, "", `--fail-on wants`},
		{"bad server", "", []string{"--server", "iis", ".htaccess"}, 2, "", `--server wants apache or nginx, not "iis"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, out, errs := lintIn(t, files, c.stdin, c.args...)
			if status != c.status || !strings.Contains(out, c.out) || !strings.Contains(errs, c.errs) {
				t.Errorf("status %d, want %d\nout: %s\nerr: %s", status, c.status, out, errs)
			}
			if strings.Contains(out, "\x1b") {
				t.Error("colour though the output is no terminal")
			}
		})
	}
}

func TestLintJSON(t *testing.T) {
	status, out, _ := lintIn(t, map[string]string{".htaccess": spaced}, "", "--format", "json", ".htaccess")
	var v struct {
		Findings []struct {
			File, Code, Name, Severity string
			Refuses                    bool
			Start                      struct{ Line, Column, Offset int }
			Fix                        struct {
				Safety string
				Edits  []struct{ Text string }
			}
		}
		Summary struct{ Files, Errors int }
	}
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatal(err)
	}
	if status != 1 || len(v.Findings) != 1 || v.Summary.Files != 1 || v.Summary.Errors != 1 {
		t.Fatalf("status %d, %s", status, out)
	}
	f := v.Findings[0]
	if f.File != ".htaccess" || f.Code != "RD003" || f.Name != "space-in-flags" || f.Severity != "error" || !f.Refuses ||
		f.Start.Line != 2 || f.Start.Column != 20 || f.Start.Offset != 36 || f.Fix.Safety != "safe" || f.Fix.Edits[0].Text != "[R=301,L]" {
		t.Errorf("%+v", f)
	}
}

func TestLintColour(t *testing.T) {
	_, out, _ := lintIn(t, map[string]string{".htaccess": spaced}, "", "--color", "always", ".htaccess")
	if !strings.Contains(out, "\x1b[") {
		t.Error("no colour though told")
	}
}

// What cannot be read in a folder is named, and the exit status says that not all was checked.
func TestLintUnread(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name, ".htaccess"), []byte("Redirect 301 /a http://example.com/b\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	closed := filepath.Join(dir, "b", ".htaccess")
	if err := os.Chmod(closed, 0); err != nil {
		t.Fatal(err)
	}
	if _, err := os.ReadFile(closed); err == nil {
		t.Skip("this user may read everything")
	}
	for _, command := range []string{"lint", "fix"} {
		var out, errs bytes.Buffer
		a := &app{in: strings.NewReader(""), out: &out, err: &errs, now: time.Now}
		if status := a.run([]string{command, dir}); status != exitUsage || !strings.Contains(errs.String(), "is left out: permission denied") {
			t.Errorf("%s: status %d\n%s%s", command, status, out.String(), errs.String())
		}
	}
}
