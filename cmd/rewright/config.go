package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"rewright/parser"
	"rewright/parser/ir"
	"rewright/parser/load"
)

// formatFlags say what the configuration is when its text does not.
type formatFlags struct{ format, context, root string }

func (f *formatFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&f.format, "format", "", "`FORMAT`, apache or nginx; default: found from name and text")
	fs.StringVar(&f.context, "context", "", "`CONTEXT` that CONFIG is the inside of: htaccess, vhost or server for Apache; location, server, http or main for nginx")
	fs.StringVar(&f.root, "root", "", "`FOLDER` that relative includes begin in: ServerRoot, or where nginx.conf lies")
}

// options turns the flags into load's.
func (f *formatFlags) options() (o load.Options, err error) {
	switch f.format {
	case "":
	case "apache":
		o.Server = ir.Apache
	case "nginx":
		o.Server = ir.Nginx
	default:
		return o, fmt.Errorf("--format wants apache or nginx, not %q", f.format)
	}
	switch c := ir.Context(f.context); c {
	case "", ir.ContextHtaccess, ir.ContextVhost, ir.ContextServer, ir.ContextLocation, ir.ContextHTTP, ir.ContextMain:
		o.Context = c
	default:
		names := []string{"htaccess", "vhost", "server", "location", "http", "main"}
		hint := ""
		if near := nearest(f.context, names); near != "" {
			hint = fmt.Sprintf("; did you mean %q?", near)
		}
		return o, fmt.Errorf("--context wants one of %s, not %q%s", strings.Join(names, ", "), f.context, hint)
	}
	if f.root != "" {
		abs, err := filepath.Abs(f.root)
		if err != nil {
			return o, err
		}
		o.Root = inRoot(abs)
	}
	return o, nil
}

// readConfig loads what the argument names: a file, a folder, or "-" for standard input. folder is the
// absolute folder it lies in. docroot may be empty.
func (a *app) readConfig(arg, docroot string, o load.Options) (l *load.Loaded, folder string, err error) {
	if docroot != "" {
		if o.DocumentRoot, err = filepath.Abs(docroot); err != nil {
			return nil, "", err
		}
	}
	abs := "-"
	if arg != "-" {
		abs = arg
	}
	if abs, err = filepath.Abs(abs); err != nil {
		return nil, "", err
	}
	o.Display = displayer(arg, abs)
	fsys := disk("/")
	if arg == "-" {
		text, err := io.ReadAll(io.LimitReader(a.in, load.DefaultMaxSize+1))
		if err != nil {
			return nil, "", fmt.Errorf("read standard input: %w", err)
		}
		l, err = parser.LoadText(fsys, inRoot(abs), text, o)
		return l, filepath.Dir(abs), err
	}
	folder = filepath.Dir(abs)
	if info, err := os.Stat(abs); err == nil && info.IsDir() {
		folder = abs
	}
	l, err = parser.Load(fsys, inRoot(abs), o)
	if err != nil || l.Program.Server != ir.Apache || l.Docroot != "" {
		return l, folder, err
	}
	for _, root := range documentRoots(l.Program, docroot, folder) {
		if err := l.AddHtaccess(fsys, inRoot(root.from), root.at, o); err != nil {
			return nil, "", err
		}
	}
	return l, folder, nil
}

// documentRoots are the folders whose .htaccess files belong to a server configuration: the one that was said
// or those that the configuration names, and what it has an alias for, as far as they are here; else the folder
// of the file when it has a .htaccess.
func documentRoots(p *ir.Program, docroot, folder string) []mount {
	var list []mount
	add := func(m mount) {
		for _, have := range list {
			if m.at == have.at || strings.HasPrefix(m.at, have.at+"/") {
				return
			}
		}
		if info, err := os.Stat(m.from); err == nil && info.IsDir() && m.from != "/" {
			list = append(list, m)
		}
	}
	if docroot != "" {
		if abs, err := filepath.Abs(docroot); err == nil {
			at := foreignRoot(p, abs)
			if at == "" {
				at = abs
			}
			add(mount{at, abs})
		}
	}
	for _, r := range namedRoots(p) {
		add(mount{r, r})
	}
	if _, err := os.Stat(filepath.Join(folder, ".htaccess")); err == nil && len(list) == 0 {
		add(mount{folder, folder})
	}
	walkRules(p.Root, func(r *ir.Rule) {
		if r.Keyword == ir.Alias {
			if to, ok := r.Target.Constant(); ok && filepath.IsAbs(to) {
				add(mount{filepath.Clean(to), filepath.Clean(to)})
			}
		}
	})
	return list
}

// walkRules calls f for each rule in a scope and those in it.
func walkRules(s *ir.Scope, f func(r *ir.Rule)) {
	if s == nil {
		return
	}
	for _, item := range s.Items {
		switch it := item.(type) {
		case *ir.Scope:
			walkRules(it, f)
		case *ir.Rule:
			f(it)
		}
	}
}

// inRoot is the name of an absolute path in the file system of the whole machine.
func inRoot(abs string) string {
	name := strings.TrimPrefix(filepath.ToSlash(abs), "/")
	if name == "" {
		return "."
	}
	return name
}

// displayer spells the files of a configuration as the person who named it would.
func displayer(arg, abs string) func(name string) string {
	base, shownBase := filepath.Dir(abs), filepath.Dir(arg)
	if info, err := os.Stat(abs); err == nil && info.IsDir() {
		base, shownBase = abs, arg
	}
	return func(name string) string {
		full := "/" + name
		if full == abs {
			return arg
		}
		if rest, ok := strings.CutPrefix(full, strings.TrimSuffix(base, "/")+"/"); ok {
			return filepath.Join(shownBase, rest)
		}
		if rel, err := filepath.Rel(base, full); err == nil && !filepath.IsAbs(arg) {
			return filepath.Join(shownBase, rel)
		}
		return full
	}
}

// plainPathError drops the name of the system call, which no user asked about.
func plainPathError(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return fmt.Errorf("%s: %w", p.Path, p.Err)
	}
	return err
}
