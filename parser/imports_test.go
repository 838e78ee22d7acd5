package parser_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// arrows are the imports inside the project that each package may have; a name that ends in /... stands for
// everything below it. Arrows go one way: cmd → {lint, emit} → parser, and inside of parser
// load → {apache, nginx} → ir → pattern → diag → source, and sim → ir.
var arrows = map[string][]string{
	"parser/source":             {},
	"parser/diag":               {"parser/source"},
	"parser/pattern":            {"parser/diag", "parser/source"},
	"parser/ir":                 {"parser/pattern", "parser/diag", "parser/source"},
	"parser/value":              {"parser/ir", "parser/pattern", "parser/diag", "parser/source"},
	"parser/apache":             {"parser/ir", "parser/pattern", "parser/diag", "parser/source"},
	"parser/nginx":              {"parser/ir", "parser/pattern", "parser/diag", "parser/source"},
	"parser/sim":                {"parser/ir", "parser/pattern", "parser/diag", "parser/source"},
	"parser/sim/httpd":          {"parser/sim", "parser/ir", "parser/pattern", "parser/diag", "parser/source"},
	"parser/sim/nginx":          {"parser/sim", "parser/ir", "parser/pattern", "parser/diag", "parser/source"},
	"parser/sim/live":           {},             // tests only
	"parser/sim/live/recording": {"parser/sim"}, // for tests
	"parser/sim/live/wire":      {"parser/sim"}, // for tests
	"parser/probe":              {"parser", "parser/load", "parser/sim/...", "parser/ir", "parser/pattern", "parser/diag", "parser/source"},
	"parser/load":               {"parser/apache", "parser/nginx", "parser/ir", "parser/pattern", "parser/diag", "parser/source"},
	"parser": {"parser/load", "parser/apache", "parser/nginx", "parser/sim/...", "parser/ir", "parser/pattern", "parser/diag",
		"parser/source"},
	"lint/...": {"lint/...", "parser/..."},
	"emit/...": {"emit/...", "parser/..."},
	"cmd/...":  {"cmd/...", "lint/...", "emit/...", "parser/..."},
}

func TestImportsGoOneWay(t *testing.T) {
	files, found := imports(t, "..")
	for file, list := range files {
		pkg := path.Dir(file)
		allowed, ok := rule(pkg)
		if !ok {
			t.Errorf("%s: package %s has no place in the table of arrows", file, pkg)
			continue
		}
		for _, to := range list {
			if !slices.ContainsFunc(allowed, func(a string) bool { return covers(a, to) }) {
				t.Errorf("%s: %s must not import %s", file, pkg, to)
			}
		}
	}
	for pkg := range arrows {
		if !strings.HasPrefix(pkg, "emit") && !found[strings.TrimSuffix(pkg, "/...")] && pkg != "cmd/..." {
			t.Errorf("the table of arrows names %s, which is not there", pkg)
		}
	}
}

// The check itself: an arrow that turns back is seen.
func TestArrows(t *testing.T) {
	for _, c := range []struct {
		from, to string
		allowed  bool
	}{
		{"parser/apache", "parser/ir", true},
		{"parser/ir", "parser/apache", false},
		{"parser/apache", "parser/nginx", false},
		{"parser/sim/httpd", "parser/apache", false},
		{"parser/source", "parser/diag", false},
		{"parser/load", "lint", false},
		{"lint/rules", "parser/sim/httpd", true},
		{"lint/rules", "emit", false},
		{"emit/nginx", "lint", false},
		{"parser", "cmd/rewright", false},
		{"cmd/rewright", "lint/report", true},
	} {
		allowed, ok := rule(c.from)
		if !ok {
			t.Fatalf("no rule for %s", c.from)
		}
		if got := slices.ContainsFunc(allowed, func(a string) bool { return covers(a, c.to) }); got != c.allowed {
			t.Errorf("%s may import %s: %v, want %v", c.from, c.to, got, c.allowed)
		}
	}
}

func rule(pkg string) ([]string, bool) {
	if list, ok := arrows[pkg]; ok {
		return list, true
	}
	for name, list := range arrows {
		if covers(name, pkg) {
			return list, true
		}
	}
	return nil, false
}

func covers(name, pkg string) bool {
	if prefix, ok := strings.CutSuffix(name, "/..."); ok {
		return pkg == prefix || strings.HasPrefix(pkg, prefix+"/")
	}
	return name == pkg
}

// imports are the project's imports in each of its files that is no test, and the packages there are. Tests may
// reach across: they hold packages against each other.
func imports(t *testing.T, root string) (files map[string][]string, packages map[string]bool) {
	files, packages = map[string][]string{}, map[string]bool{}
	fset := token.NewFileSet()
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && (e.Name() == "testdata" || strings.HasPrefix(e.Name(), ".") && name != ".") {
			return fs.SkipDir
		}
		if e.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(fset, filepath.Join(root, name), nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		packages[path.Dir(name)] = true
		files[name] = nil
		for _, i := range f.Imports {
			p, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			if rest, ok := strings.CutPrefix(p, "rewright/"); ok {
				files[name] = append(files[name], rest)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 20 {
		t.Fatalf("%d files were found below %s: too few to be the project", len(files), root)
	}
	return files, packages
}
