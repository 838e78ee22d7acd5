package main

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// fixIn runs the fix command in a folder with one .htaccess.
func fixIn(t *testing.T, text string, args ...string) (status int, after, out, errs string) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.WriteFile(".htaccess", []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	var o, e bytes.Buffer
	a := &app{in: strings.NewReader(""), out: &o, err: &e, now: time.Now}
	status = a.run(append([]string{"fix"}, args...))
	b, err := os.ReadFile(".htaccess")
	if err != nil {
		t.Fatal(err)
	}
	return status, string(b), o.String(), e.String()
}

// Bytes that no edit touches stay: line ends, byte order marks, Latin-1, NUL, a missing final newline.
func TestFixKeepsBytes(t *testing.T) {
	for _, c := range []struct{ name, before, after string }{
		{"crlf", "RewriteEngine On\r\nRewriteRule ^a$ /b [R=301, L]\r\n# end\r\n", "RewriteEngine On\r\nRewriteRule ^a$ /b [R=301,L]\r\n# end\r\n"},
		{"mixed line ends", "# a\r\n# b\nRewriteRule ^a$ /b [R=301, L]\n# c\r\n", "# a\r\n# b\nRewriteRule ^a$ /b [R=301,L]\n# c\r\n"},
		{"latin-1", "# gr\xfc\xdfe\nRewriteRule ^caf\xe9$ /b [R=301, L]\n", "# gr\xfc\xdfe\nRewriteRule ^caf\xe9$ /b [R=301,L]\n"},
		{"no final newline", "RewriteRule ^a$ /b [R=301, L]", "RewriteRule ^a$ /b [R=301,L]"},
		{"trailing blanks", "# a  \t\nRewriteRule ^a$ /b [R=301, L]  \n\n\n", "# a  \t\nRewriteRule ^a$ /b [R=301,L]  \n\n\n"},
		{"new line in a crlf file", "RewriteEngine On\r\nRewriteRule ^a$ /b [R=301,L] # moved\r\n", "RewriteEngine On\r\n# moved\r\nRewriteRule ^a$ /b [R=301,L]\r\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, after, _, errs := fixIn(t, c.before, "--write", ".htaccess")
			if status != 0 || after != c.after {
				t.Errorf("status %d\ngot  %q\nwant %q\n%s", status, after, c.after, errs)
			}
		})
	}
}

func TestFixColour(t *testing.T) {
	const bad = "RewriteRule ^a$ /b [R=301, L]\n"
	if _, _, out, _ := fixIn(t, bad, "--color", "always"); !strings.Contains(out, "\x1b[31m-") {
		t.Errorf("no colour though told: %q", out)
	}
	if _, _, out, _ := fixIn(t, bad); strings.Contains(out, "\x1b") {
		t.Errorf("colour though the output is no terminal: %q", out)
	}
}

func TestReplaceFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "f")
	write := func(text string, mode os.FileMode) {
		t.Helper()
		os.Remove(name)
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	holds := func(text string) {
		t.Helper()
		if b, err := os.ReadFile(name); err != nil || string(b) != text {
			t.Errorf("holds %q, %v, want %q", b, err, text)
		}
		if list, _ := os.ReadDir(dir); len(list) != 1 {
			t.Errorf("%d files in the folder, want one", len(list))
		}
	}
	write("a", 0o640|os.ModeSetgid)
	if _, err := replaceFile(name, []byte("a"), []byte("b")); err != nil {
		t.Error(err)
	}
	holds("b")
	if info, _ := os.Stat(name); info.Mode() != 0o640|os.ModeSetgid {
		t.Errorf("mode %v", info.Mode())
	}
	write("somebody's work", 0o644)
	if _, err := replaceFile(name, []byte("a"), []byte("b")); !errors.Is(err, errChanged) {
		t.Errorf("a file that changed: %v", err)
	}
	holds("somebody's work")
	write("a", 0o444)
	if _, err := replaceFile(name, []byte("a"), []byte("b")); !errors.Is(err, errReadOnly) {
		t.Errorf("a read-only file: %v", err)
	}
	holds("a")
	if _, err := replaceFile(filepath.Join(dir, "none"), nil, []byte("b")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := replaceFile(dir, nil, []byte("b")); err == nil {
		t.Error("a folder was replaced")
	}
	holds("a")
}
