package rules

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestBeside reads the code of the rules: one that says it may run beside others leads to nothing that asks the site while others
// wait for what it makes (Unit.Memo), not even on a way that no example takes. They would wait for each other.
func TestBeside(t *testing.T) {
	fset := token.NewFileSet()
	packages, err := parser.ParseDir(fset, ".", func(f fs.FileInfo) bool { return !strings.HasSuffix(f.Name(), "_test.go") }, 0)
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, f := range packages["rules"].Files {
		files = append(files, f)
	}
	for name := range packages["rules"].Files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "p.Unit.Site") {
			t.Errorf("%s asks p.Unit.Site, out of turn: p.Site is meant", name)
		}
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}}
	list, err := exec.Command("go", "list", "-export", "-deps", "-f", "{{.ImportPath}} {{.Export}}", ".").Output()
	if err != nil {
		t.Skipf("go list: %v", err)
	}
	exports := map[string]string{}
	for line := range strings.Lines(string(list)) {
		name, file, _ := strings.Cut(strings.TrimSpace(line), " ")
		exports[name] = file
	}
	conf := types.Config{Importer: importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })}
	pkg, err := conf.Check("rewright/lint/rules", fset, files, info)
	if err != nil {
		t.Fatal(err)
	}
	uses := map[types.Object][]types.Object{} // of the package's functions and variables
	collect := func(of types.Object, in ast.Node) {
		ast.Inspect(in, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				if o := info.Uses[id]; o != nil {
					uses[of] = append(uses[of], o)
				}
			}
			return true
		})
	}
	for _, f := range files {
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Body != nil {
					collect(info.Defs[d.Name], d.Body)
				}
			case *ast.GenDecl:
				for _, s := range d.Specs {
					if v, ok := s.(*ast.ValueSpec); ok {
						for i, name := range v.Names {
							if i < len(v.Values) {
								collect(info.Defs[name], v.Values[i])
							}
						}
					}
				}
			}
		}
	}
	asks := func(o types.Object) bool {
		f, ok := o.(*types.Func)
		return ok && f.Name() == "Site" && f.Pkg() != nil && f.Pkg().Path() == "rewright/lint"
	}
	memo := func(o types.Object) bool {
		f, ok := o.(*types.Func)
		return ok && f.Name() == "Memo" && f.Pkg() != nil && f.Pkg().Path() == "rewright/lint"
	}
	// way is how one gets from an object to something; empty: not at all
	var way func(o types.Object, is func(types.Object) bool, seen map[types.Object]bool) string
	way = func(o types.Object, is func(types.Object) bool, seen map[types.Object]bool) string {
		seen[o] = true
		for _, next := range uses[o] {
			if is(next) {
				return o.Name() + " > " + next.Name()
			}
			if !seen[next] && next.Pkg() == pkg {
				if w := way(next, is, seen); w != "" {
					return o.Name() + " > " + w
				}
			}
		}
		return ""
	}
	bad := map[types.Object]bool{} // remembers what it asks
	for o, list := range uses {
		if _, isFunc := o.(*types.Func); isFunc && slices.ContainsFunc(list, memo) {
			bad[o] = way(o, asks, map[types.Object]bool{}) != ""
		}
	}
	beside := map[string]bool{}
	for _, r := range All() {
		if r.Beside {
			beside[r.ID] = true
		}
	}
	ids := map[types.Object]string{}
	for _, f := range files {
		ruleIDs(f, info, ids)
	}
	ruleType := pkg.Scope().Lookup("parentRulesReplaced").Type()
	n := 0
	for _, name := range pkg.Scope().Names() {
		o, ok := pkg.Scope().Lookup(name).(*types.Var)
		if !ok || !types.Identical(o.Type(), ruleType) {
			continue
		}
		n++
		w := way(o, func(o types.Object) bool { return bad[o] }, map[types.Object]bool{})
		id := ids[o]
		switch {
		case id == "":
			t.Errorf("no ID is found of %s", name)
		case w != "" && beside[id]:
			t.Errorf("%s says that it may run beside others and remembers what it asks: %s", id, w)
		case w == "" && !beside[id]:
			t.Logf("%s could run beside others", id)
		}
	}
	if n != len(All()) {
		t.Errorf("%d rules are written as variables, %d are in the families", n, len(All()))
	}
}

// ruleIDs finds the IDs of the rules that are written as composite literals in a file.
func ruleIDs(f *ast.File, info *types.Info, ids map[types.Object]string) {
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || len(v.Values) != 1 {
			return true
		}
		lit, ok := v.Values[0].(*ast.CompositeLit)
		if !ok {
			return true
		}
		for _, e := range lit.Elts {
			kv, ok := e.(*ast.KeyValueExpr)
			if !ok {
				continue
			}
			if key, ok := kv.Key.(*ast.Ident); ok && key.Name == "ID" {
				if text, ok := kv.Value.(*ast.BasicLit); ok {
					ids[info.Defs[v.Names[0]]] = strings.Trim(text.Value, "\"")
				}
			}
		}
		return true
	})
}
