package main

import (
	"os"
	"path"
	"path/filepath"

	"rewright/lint"
	"rewright/parser/ir"
	"rewright/parser/load"
)

// parentsOf are the .htaccess files in the folders above those that are checked, as far as they are not checked
// themselves: what they say is inherited. Nothing above a document root that was said, or above the folder of a
// repository, is looked at.
func (a *app) parentsOf(inputs []lint.Input, o load.Options) []lint.Input {
	have, visited := map[string]bool{}, map[string]bool{}
	for i := range inputs {
		if in := &inputs[i]; in.Dir != "" && path.Base(in.File.Name) == ".htaccess" {
			have[in.Dir] = true
		}
	}
	o.Server, o.Context = ir.Apache, ir.ContextHtaccess
	fsys := os.DirFS("/")
	working, err := filepath.Abs(".")
	if err != nil {
		return nil
	}
	o.Display = func(name string) string {
		if rel, err := filepath.Rel(working, "/"+name); err == nil {
			return rel
		}
		return "/" + name
	}
	var out []lint.Input
	for i := range inputs {
		in := &inputs[i]
		if in.Dir == "" {
			continue
		}
		for dir := in.Dir; dir != "/" && dir != in.Docroot && !visited[dir]; {
			visited[dir] = true
			if _, err := os.Lstat(path.Join(dir, ".git")); err == nil {
				break
			}
			dir = path.Dir(dir)
			name := path.Join(dir, ".htaccess")
			if have[dir] {
				continue
			}
			file, d, err := load.Source(fsys, inRoot(name), o)
			if err != nil {
				continue // there is none, or nobody can say what it holds
			}
			have[dir] = true
			parent := lintInput(fsys, inRoot(name), file, d, o)
			parent.Docroot, parent.Unchecked = in.Docroot, true
			out = append(out, parent)
		}
	}
	return out
}
