package nginx_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rewright/emit"
	"rewright/emit/nginx"
	"rewright/parser"
	"rewright/parser/load"
	"rewright/parser/sim"
)

var update = flag.Bool("update", false, "rewrite what the tests compare with")

// TestGolden converts the idioms of testdata/convert; a nginx expert would have written their translations so.
func TestGolden(t *testing.T) {
	folders, err := filepath.Glob("../../testdata/convert/*/in/.htaccess")
	if err != nil || len(folders) < 40 {
		t.Fatalf("%d idioms, want 40 at least: %v", len(folders), err)
	}
	for _, file := range folders {
		in := filepath.Dir(file)
		t.Run(filepath.Base(filepath.Dir(in)), func(t *testing.T) {
			const root = "/var/www/html"
			l, err := parser.Load(os.DirFS(in), ".", load.Options{Mount: root, DocumentRoot: root})
			if err != nil {
				t.Fatal(err)
			}
			files := parser.FSFiles{FS: os.DirFS(in), Mount: root}
			r, err := nginx.Target{}.Convert(l.Program, emit.Options{World: &sim.World{DocumentRoot: root, Files: files}})
			if err != nil {
				t.Fatal(err)
			}
			out := filepath.Join(filepath.Dir(in), "out", "nginx")
			if *update {
				if err := os.MkdirAll(out, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			for _, f := range append(r.Files, emit.File{Name: "summary.txt", Text: []byte(r.Table())}) {
				name := filepath.Join(out, f.Name)
				if *update {
					if len(f.Text) == 0 {
						os.Remove(name)
						continue
					}
					if err := os.WriteFile(name, f.Text, 0o644); err != nil {
						t.Fatal(err)
					}
					continue
				}
				want, err := os.ReadFile(name)
				if err != nil && len(f.Text) > 0 {
					t.Fatal(err)
				}
				if diff := cmp.Diff(string(want), string(f.Text)); diff != "" {
					t.Errorf("%s (-want +got):\n%s", f.Name, diff)
				}
			}
		})
	}
}
