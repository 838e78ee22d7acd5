package apache_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rewright/emit"
	"rewright/emit/apache"
	"rewright/parser"
	"rewright/parser/ir"
	"rewright/parser/load"
	"rewright/parser/sim"
)

var update = flag.Bool("update", false, "rewrite what the tests compare with")

// TestGolden converts the recipes of testdata/convert/nginx-*, the inside of http {}, to a .htaccess and to virtual
// hosts; somebody who knows httpd would have written their translations so.
func TestGolden(t *testing.T) {
	recipes, err := filepath.Glob("../../testdata/convert/nginx-*/in/site.conf")
	if err != nil || len(recipes) < 30 {
		t.Fatalf("%d recipes, want 30 at least: %v", len(recipes), err)
	}
	for _, file := range recipes {
		folder := filepath.Dir(filepath.Dir(file))
		t.Run(filepath.Base(folder), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			out := filepath.Join(folder, "out", "apache")
			if *update {
				if err := os.MkdirAll(out, 0o755); err != nil {
					t.Fatal(err)
				}
			}
			for _, server := range []bool{false, true} {
				l, err := parser.LoadText(nil, "site.conf", text, load.Options{Server: ir.Nginx, Context: ir.ContextHTTP})
				if err != nil {
					t.Fatal(err)
				}
				r, err := apache.Target{Server: server}.Convert(l.Program, emit.Options{World: &sim.World{DocumentRoot: "/var/www/html"}, Folder: "/etc/apache2/example.com"})
				if err != nil {
					t.Fatal(err)
				}
				f := r.Files[0]
				for _, f := range append(r.Files, emit.File{Name: f.Name + ".summary.txt", Text: []byte(r.Table())}) {
					name := filepath.Join(out, f.Name)
					if *update {
						if err := os.WriteFile(name, f.Text, 0o644); err != nil {
							t.Fatal(err)
						}
						continue
					}
					want, err := os.ReadFile(name)
					if err != nil {
						t.Fatal(err)
					}
					if diff := cmp.Diff(string(want), string(f.Text)); diff != "" {
						t.Errorf("%s (-want +got):\n%s", f.Name, diff)
					}
				}
			}
		})
	}
}
