package load

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/source"
)

// includer finds the files that a configuration includes.
type includer struct {
	fsys fs.FS
	o    Options
	root string // folder that relative names begin in, as a name in fsys
	tree string // nothing outside is read
	// placed is set when root is certain: a relative name that is missing below it is missing on the server.
	placed bool
	// homes are the folders that root may be on the server, absolute: a copy of /etc/nginx in a repository
	// includes /etc/nginx/conf.d/*.conf and means its own conf.d.
	homes   []string
	dirs    bool              // Apache: a folder's name stands for its files
	globbed map[string]string // names that glob handed out, and where they are
}

// Includes gives what the readers' Env wants for the configuration with this name and text: how it reaches the
// files it includes. Both functions follow the rules of apache.Env and nginx.Env for errors.
func Includes(fsys fs.FS, name string, text []byte, d Detected, o Options) (open func(string) (*source.File, error), glob func(string) ([]string, error)) {
	in := newIncluder(fsys, name, text, d, o)
	return in.open, in.glob
}

func newIncluder(fsys fs.FS, name string, text []byte, d Detected, o Options) *includer {
	in := &includer{fsys: fsys, o: o, dirs: d.Server == ir.Apache, globbed: map[string]string{}}
	folder := path.Dir(name)
	switch {
	case o.Root != "":
		in.root, in.placed = path.Clean(o.Root), true
	case d.Server == ir.Nginx:
		in.root, in.placed = in.nginxRoot(folder, d)
	default:
		in.root, in.placed = in.serverRoot(folder, text, d)
	}
	for _, h := range conventional[d.Server] {
		if h == o.absolute(in.root) {
			in.placed = true
		}
		in.homes = append(in.homes, h)
	}
	in.tree = o.Tree
	if in.tree == "" {
		in.tree = in.root
		if !within(in.root, folder) {
			in.tree = folder
		}
	}
	in.tree = path.Clean(in.tree)
	return in
}

// conventional are the folders in which packages and builds keep a server's configuration.
var conventional = map[ir.Server][]string{
	ir.Nginx:  {"/etc/nginx", "/usr/local/nginx/conf", "/usr/local/etc/nginx", "/usr/local/openresty/nginx/conf", "/opt/nginx/conf", "/opt/homebrew/etc/nginx"},
	ir.Apache: {"/etc/apache2", "/etc/httpd", "/usr/local/apache2", "/usr/local/etc/apache24", "/opt/homebrew/etc/httpd"},
}

// nginxRoot is the folder of the main file: the file's own for a whole nginx.conf, else the nearest above that holds one.
func (in *includer) nginxRoot(folder string, d Detected) (root string, certain bool) {
	if d.Context == ir.ContextMain {
		return folder, false
	}
	for dir := folder; ; dir = path.Dir(dir) {
		if info, err := fs.Stat(in.fsys, path.Join(dir, "nginx.conf")); err == nil && !info.IsDir() {
			return dir, false
		}
		if dir == "." || dir == "/" || strings.Count(folder, "/")-strings.Count(dir, "/") >= 3 {
			return folder, false
		}
	}
}

// serverRoot is Apache's ServerRoot: the one the text names when it lies here; else the folder of the main
// file, or the one above when that is called conf.
func (in *includer) serverRoot(folder string, text []byte, d Detected) (root string, certain bool) {
	if named := serverRootOf(text); named != "" {
		in.homes = append(in.homes, named)
		if name, ok := in.named(named); ok && within(name, folder) {
			return name, true
		}
	}
	for dir := folder; ; dir = path.Dir(dir) {
		for _, main := range []string{"apache2.conf", "httpd.conf"} {
			if info, err := fs.Stat(in.fsys, path.Join(dir, main)); err == nil && !info.IsDir() {
				if path.Base(dir) == "conf" {
					return path.Dir(dir), false
				}
				return dir, false
			}
		}
		if dir == "." || dir == "/" || strings.Count(folder, "/")-strings.Count(dir, "/") >= 3 {
			return folder, false
		}
	}
}

// serverRootOf is what a ServerRoot line of the text says, clean; empty when there is none that is absolute.
func serverRootOf(text []byte) string {
	found := ""
	for line := range bytes.Lines(text) {
		f := bytes.Fields(line)
		if len(f) == 2 && strings.EqualFold(string(f[0]), "ServerRoot") {
			if p := strings.Trim(string(f[1]), `"'`); path.IsAbs(p) {
				found = path.Clean(p)
			}
		}
	}
	return found
}

// named is the name in the fs.FS of an absolute path.
func (in *includer) named(abs string) (name string, ok bool) {
	mount := in.o.absolute(".")
	if !within(mount, abs) {
		return "", false
	}
	name = strings.TrimPrefix(strings.TrimPrefix(abs, mount), "/")
	if name == "" {
		name = "."
	}
	return name, true
}

// candidates are the places where a name as written may lie, the first the likeliest. certain tells that the
// server has nothing else in mind, so that a missing file is missing there too.
func (in *includer) candidates(name string) (list []string, certain bool) {
	clean := path.Clean(name)
	if !path.IsAbs(clean) {
		p := path.Join(in.root, clean)
		if strings.HasPrefix(p, "../") || p == ".." || !within(in.tree, p) {
			return nil, false
		}
		return []string{p}, in.placed
	}
	if p, ok := in.named(clean); ok && within(in.tree, p) {
		return []string{p}, true
	}
	for _, home := range in.homes {
		if within(home, clean) && clean != home {
			list = append(list, path.Join(in.root, strings.TrimPrefix(clean, home)))
		}
	}
	return list, false
}

// open is the Open of both readers' Env.
func (in *includer) open(name string) (*source.File, error) {
	list, certain := []string{in.globbed[name]}, true
	if list[0] == "" {
		list, certain = in.candidates(name)
	}
	for _, p := range list {
		text, err := in.o.read(in.fsys, p)
		if err == nil {
			return source.NewFile(in.o.display(p), text), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		if certain {
			return nil, err
		}
	}
	if text, ok := shipped(name); ok && !in.dirs {
		return source.NewFile(name, []byte(text)), nil
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%q lies %w", name, ErrOutside)
	}
	return nil, fmt.Errorf("%q is not here, and where the server looks for it is %w", name, ErrOutside)
}

// shipped is the text of files that come with every nginx and that no answer depends on as far as it is
// modelled: types by extension and parameters for other servers. Repositories rarely hold them.
func shipped(name string) (text string, ok bool) {
	dir, base := path.Split(name)
	if dir != "" && !slices.Contains(conventional[ir.Nginx], path.Clean(dir)) {
		return "", false
	}
	switch base {
	case "mime.types":
		return "types {\n    text/html html htm shtml;\n    text/css css;\n    text/plain txt;\n    image/png png;\n    image/jpeg jpeg jpg;\n    image/gif gif;\n    application/javascript js;\n}\n", true
	case "fastcgi_params", "fastcgi.conf", "scgi_params", "uwsgi_params", "koi-utf", "koi-win", "win-utf":
		return "# as nginx ships it\n", true
	}
	return "", false
}

// glob is the Glob of both readers' Env.
func (in *includer) glob(pattern string) ([]string, error) {
	list, certain := in.candidates(pattern)
	if len(list) == 0 {
		return nil, fmt.Errorf("%q lies %w", pattern, ErrOutside)
	}
	for _, p := range list {
		names, seen, err := in.match(p)
		if err != nil {
			return nil, err
		}
		// Nothing here may be something there: only httpd cares that there is nothing, nginx that there is more.
		if len(names) == 0 && !certain && (in.dirs || !seen && path.IsAbs(pattern)) {
			continue
		}
		out := make([]string, len(names))
		for i, n := range names {
			out[i] = in.written(pattern, n)
			in.globbed[out[i]] = n
		}
		return out, nil
	}
	return nil, fmt.Errorf("%q lies %w", pattern, ErrOutside)
}

// match lists the files that a pattern, or for Apache a folder, stands for, in the order they are read.
// seen tells whether the folder before the first wildcard is there at all.
func (in *includer) match(p string) (names []string, seen bool, err error) {
	if info, err := fs.Stat(in.fsys, p); err == nil && info.IsDir() && in.dirs && !strings.ContainsAny(p, "*?[") {
		names, err := in.below(p, 0)
		return names, true, err
	}
	fixed := p
	for strings.ContainsAny(fixed, "*?[") {
		fixed = path.Dir(fixed)
	}
	if info, err := fs.Stat(in.fsys, fixed); err == nil && info.IsDir() {
		seen = true
	}
	found, err := fs.Glob(in.fsys, p)
	if err != nil {
		return nil, seen, fmt.Errorf("%q is no pattern: %w", p, err)
	}
	slices.Sort(found)
	for _, n := range found {
		if hiddenMatch(p, n) {
			continue
		}
		if info, err := fs.Stat(in.fsys, n); err == nil && info.IsDir() && in.dirs {
			more, err := in.below(n, 0)
			if err != nil {
				return nil, seen, err
			}
			names = append(names, more...)
			continue
		}
		names = append(names, n)
	}
	return names, seen, nil
}

// hiddenMatch tells whether a wildcard stands for the dot of a hidden name, which neither server lets it do.
func hiddenMatch(pattern, name string) bool {
	ps, ns := strings.Split(pattern, "/"), strings.Split(name, "/")
	for i := range ns {
		if i < len(ps) && strings.HasPrefix(ns[i], ".") && strings.ContainsAny(ps[i][:min(1, len(ps[i]))], "*?[") {
			return true
		}
	}
	return false
}

// below lists all files of a folder and of those in it, by name as httpd does.
// Source: httpd, server/config.c, ap_process_resource_config; its limit of nested folders is 20.
func (in *includer) below(dir string, depth int) ([]string, error) {
	if depth > 20 {
		return nil, fmt.Errorf("folders below %q are nested more than 20 deep", dir)
	}
	entries, err := fs.ReadDir(in.fsys, dir)
	if err != nil {
		return nil, in.o.wrap(dir, err)
	}
	var out []string
	for _, e := range entries {
		p := path.Join(dir, e.Name())
		info, err := fs.Stat(in.fsys, p)
		if err != nil {
			return nil, in.o.wrap(p, err)
		}
		if !info.IsDir() {
			out = append(out, p)
			continue
		}
		more, err := in.below(p, depth+1)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// written is a found name spelled the way its pattern was: absolute or relative to the root.
func (in *includer) written(pattern, name string) string {
	if path.IsAbs(pattern) {
		return in.o.absolute(name)
	}
	if in.root == "." {
		return name
	}
	return strings.TrimPrefix(strings.TrimPrefix(name, in.root), "/")
}
