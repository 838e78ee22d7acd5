package main

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
)

func TestDisk(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a/.htaccess", "b c/x", "plain"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := fstest.TestFS(disk(dir), "a/.htaccess", "b c/x", "plain"); err != nil {
		t.Error(err)
	}
	odd := filepath.Join(dir, "lat\xe9")
	if err := os.WriteFile(odd, []byte("x"), 0o644); err != nil {
		t.Skip(err) // not every file system takes such a name
	}
	if text, err := disk(dir).ReadFile("lat\xe9"); err != nil || string(text) != "x" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := disk(dir).Open("a/../plain"); err == nil {
		t.Error("a name with .. is taken")
	}
}
