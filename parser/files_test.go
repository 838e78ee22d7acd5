package parser_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"rewright/parser"
	"rewright/parser/sim"
)

func TestOSFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("hello"), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("page", 0o644)
	write("run.cgi", 0o755)
	write("caf\xe9", 0o644) // no UTF-8
	for _, link := range [][2]string{{"page", "link"}, {"nowhere", "dangling"}, {"loop", "loop"}} {
		if err := os.Symlink(link[0], filepath.Join(dir, link[1])); err != nil {
			t.Fatal(err)
		}
	}
	files := parser.OSFiles{Known: []string{dir}}
	for _, c := range []struct {
		name, path string
		want       sim.FileInfo
		known      bool
	}{
		{"file", dir + "/page", sim.FileInfo{Kind: sim.Regular, Size: 5}, true},
		{"executable", dir + "/run.cgi", sim.FileInfo{Kind: sim.Regular, Size: 5, Executable: true}, true},
		{"link", dir + "/link", sim.FileInfo{Kind: sim.Regular, Size: 5, Link: true}, true},
		{"dangling link", dir + "/dangling", sim.FileInfo{Link: true}, true},
		{"link to itself", dir + "/loop", sim.FileInfo{Link: true}, true},
		{"bytes that are no UTF-8", dir + "/caf\xe9", sim.FileInfo{Kind: sim.Regular, Size: 5}, true},
		{"missing inside", dir + "/no/such", sim.FileInfo{}, true},
		{"below a file", dir + "/page/x", sim.FileInfo{}, true},
		{"file with a slash", dir + "/page/", sim.FileInfo{}, true},
		{"NUL in the name", dir + "/a\x00b", sim.FileInfo{}, true},
		{"too long a name", dir + "/" + string(make([]byte, 300)), sim.FileInfo{}, true},
		{"missing elsewhere", "/srv/no-such-site/public/x", sim.FileInfo{}, false},
		{"first segment", "/no-such-folder", sim.FileInfo{}, true},
	} {
		got, known := files.Stat(c.path)
		if got != c.want || known != c.known {
			t.Errorf("%s: %+v %v, want %+v %v", c.name, got, known, c.want, c.known)
		}
	}
	for _, folder := range []string{dir, "/", "/etc"} {
		if got, known := files.Stat(folder); got.Kind != sim.Directory || !known {
			t.Errorf("%s is a folder, not %+v %v", folder, got, known)
		}
	}
	if text, err := files.ReadFile(dir + "/page"); err != nil || string(text) != "hello" {
		t.Errorf("ReadFile: %q %v", text, err)
	}
	if _, err := files.ReadFile(dir + "/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("ReadFile of a missing file: %v", err)
	}
	if _, err := files.ReadFile(dir); err == nil {
		t.Error("a folder was read")
	}
}

func TestFSFiles(t *testing.T) {
	files := parser.FSFiles{FS: fstest.MapFS{"a/b.html": {Data: []byte("x")}}, Mount: "/srv/www"}
	for _, c := range []struct {
		path string
		want sim.FileKind
	}{
		{"/", sim.Directory}, {"/srv", sim.Directory}, {"/srv/www", sim.Directory}, {"/srv/www/a", sim.Directory}, {"/srv/www/a/", sim.Directory},
		{"/srv/www/a/b.html", sim.Regular}, {"/srv/www/a/b.html/", sim.NoFile}, {"/srv/www/a/../a/b.html", sim.Regular},
		{"/srv/wwwa", sim.NoFile}, {"/etc/passwd", sim.NoFile}, {"/srv/www/caf\xe9", sim.NoFile},
	} {
		if got, known := files.Stat(c.path); got.Kind != c.want || !known {
			t.Errorf("%s: kind %d known %v, want %d", c.path, got.Kind, known, c.want)
		}
	}
	if _, err := files.ReadFile("/etc/passwd"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("outside of the mount: %v", err)
	}
}

func TestDeclared(t *testing.T) {
	base := parser.FSFiles{FS: fstest.MapFS{"real": {}, "gone/x": {}}, Mount: "/w"}
	d := &parser.Declared{Base: base}
	d.AddMissing("/w/gone")
	d.AddFile("/w/new/deep/file", []byte("text"))
	d.AddFolder("/w/folder/")
	for _, c := range []struct {
		name, path string
		want       sim.FileKind
	}{
		{"declared file", "/w/new/deep/file", sim.Regular},
		{"folder above it", "/w/new/deep", sim.Directory},
		{"below a declared file", "/w/new/deep/file/x", sim.NoFile},
		{"file with a slash", "/w/new/deep/file/", sim.NoFile},
		{"declared folder", "/w/folder", sim.Directory},
		{"real file", "/w/real", sim.Regular},
		{"declared missing", "/w/gone", sim.NoFile},
		{"below what is missing", "/w/gone/x", sim.NoFile},
		{"neither", "/w/none", sim.NoFile},
	} {
		if got, known := d.Stat(c.path); got.Kind != c.want || !known {
			t.Errorf("%s: kind %d known %v, want %d", c.name, got.Kind, known, c.want)
		}
	}
	if text, err := d.ReadFile("/w/new/deep/file"); err != nil || string(text) != "text" {
		t.Errorf("ReadFile: %q %v", text, err)
	}
	if _, err := (&parser.Declared{}).ReadFile("/x"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("nothing is declared: %v", err)
	}
}
