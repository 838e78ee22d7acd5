package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"rewright/lint"
	"rewright/lint/rules"
	"rewright/parser"
	"rewright/parser/ir"
	"rewright/parser/load"
	"rewright/parser/source"
)

// lintSource is what flags say of the files to check: which they are, what is known of them, which rules look at them.
type lintSource struct {
	rules   []*lint.Rule
	workers int
	// skipUnknown passes over named files that are no configuration for certain, in silence: a hook names files by pattern.
	skipUnknown bool

	server, where string // --server, --context
	settings      settingsFlags
	configs       configFinder
	options       load.Options
	working       string // absolute folder at hand
	fsys          fs.FS
	seen          map[string]bool // names in fsys of the files read, for one that is named twice
	unread        bool            // something in a folder could not be read and was left out
}

func (s *lintSource) register(fs *pflag.FlagSet) {
	s.settings.register(fs)
	fs.StringVar(&s.server, "server", "", "apache or nginx; default: found from name and text")
	fs.StringVar(&s.where, "context", "", "what a file is the inside of: htaccess, vhost or server for Apache; location, server, http or main for nginx")
	fs.StringVar(&s.configs.file, "config", "", "`FILE` to read in place of the nearest .rewright.yaml above each file")
	fs.BoolVar(&s.configs.none, "no-config", false, "read no .rewright.yaml")
	fs.BoolVar(&s.skipUnknown, "skip-unknown", false, "pass over files that are no Apache or nginx configuration for certain, though they are named; for hooks")
	fs.IntVar(&s.workers, "workers", 0, "files checked side by side; default: as many as there are processors")
}

// gather reads the files that arguments name, with what flags and configuration files say of each. No argument is the folder at
// hand. The .htaccess files in the folders above come along unchecked.
func (s *lintSource) gather(a *app, paths []string) ([]lint.Input, error) {
	if len(paths) == 0 {
		paths = []string{"."}
	}
	var err error
	known := formatFlags{format: s.server, context: s.where}
	if s.options, err = known.options(); err != nil {
		return nil, sayServer(err)
	}
	if s.working, err = filepath.Abs("."); err != nil {
		return nil, err
	}
	if err := s.settings.finish(s.rules); err != nil {
		return nil, err
	}
	s.fsys = disk("/")
	s.configs.fsys, s.configs.rules, s.configs.over, s.configs.display = s.fsys, s.rules, &s.settings.said, s.display
	var inputs []lint.Input
	s.seen = map[string]bool{}
	for _, p := range paths {
		more, err := s.read(a, p)
		if err != nil {
			return nil, sayServer(plainPathError(err))
		}
		inputs = append(inputs, more...)
	}
	now := a.now()
	inputs, err = s.addParents(a, inputs)
	for i := range inputs {
		inputs[i].Now = now
	}
	return inputs, err
}

// sayServer names the flag of this command: elsewhere the server is said with --format.
func sayServer(err error) error {
	if text := err.Error(); strings.Contains(text, "--format") {
		return fmt.Errorf("%s", strings.ReplaceAll(text, "--format", "--server"))
	}
	return err
}

// display is a file of the machine as a person in the folder at hand would write it.
func (s *lintSource) display(name string) string {
	full := "/" + name
	if rel, err := filepath.Rel(s.working, full); err == nil && strings.Count(rel, "..") < 4 {
		return rel
	}
	return full
}

// read reads the files that one argument names.
func (s *lintSource) read(a *app, arg string) ([]lint.Input, error) {
	o := s.options
	if arg == "-" {
		text, err := io.ReadAll(io.LimitReader(a.in, load.DefaultMaxSize+1))
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		name := inRoot(filepath.Join(s.working, "-"))
		o.Display = func(string) string { return "-" }
		if o, err = s.known(name, o); err != nil {
			return nil, err
		}
		file, d, err := load.SourceText(name, text, o)
		if err != nil {
			return nil, err
		}
		in, err := s.input(name, file, d, o)
		return []lint.Input{in}, err
	}
	abs, err := filepath.Abs(arg)
	if err != nil {
		return nil, err
	}
	o.Display = displayer(arg, abs)
	info, err := os.Stat(arg)
	if err != nil {
		return nil, err
	}
	found := []load.Found{{Name: inRoot(abs)}}
	if info.IsDir() {
		if found, err = load.Discover(s.fsys, inRoot(abs), func(name string, err error) {
			s.unread = true
			fmt.Fprintf(a.err, "rewright: %s is left out: %v\n", o.Display(name), reason(err))
		}); err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: no Apache or nginx configuration in this folder or below", arg)
		}
	}
	inputs := make([]lint.Input, 0, len(found))
	for _, f := range found {
		if s.seen[f.Name] {
			continue
		}
		s.seen[f.Name] = true
		c, err := s.configs.of(path.Dir(f.Name))
		if err != nil {
			return nil, err
		}
		excluded := info.IsDir() && c != nil && c.Excludes(f.Name)
		if excluded && path.Base(f.Name) != ".htaccess" {
			continue
		}
		if s.skipUnknown && !info.IsDir() && !load.IsConfiguration(s.fsys, f.Name) {
			continue
		}
		known, err := s.known(f.Name, o)
		if err != nil {
			return nil, err
		}
		file, d, err := load.Source(s.fsys, f.Name, known)
		if err != nil {
			return nil, err
		}
		in, err := s.input(f.Name, file, d, o)
		if err != nil {
			return nil, err
		}
		in.Unchecked = excluded // others inherit from it all the same
		inputs = append(inputs, in)
	}
	return inputs, nil
}

// known adds to load's options what a configuration file says of the server and the context of a file; flags win.
func (s *lintSource) known(name string, o load.Options) (load.Options, error) {
	set, err := s.configs.settings(name)
	if err != nil {
		return o, err
	}
	if o.Server == 0 && o.Context == "" {
		o.Server, o.Context = set.Server, set.Context
	}
	return o, nil
}

// input is one file with what is known of it. name is its path below /.
func (s *lintSource) input(name string, file *source.File, d load.Detected, o load.Options) (lint.Input, error) {
	in := lint.Input{File: file, Server: d.Server, Context: d.Context, Defines: o.Defines}
	if d.Context == ir.ContextHtaccess {
		in.Dir = path.Join("/", path.Dir(name))
	} else if file.Name != "-" {
		in.Open, in.Glob = load.Includes(s.fsys, name, file.Text, d, o)
	}
	set, err := s.configs.settings(name)
	if err != nil {
		return in, err
	}
	set.Apply(&in, rules.ThirdParty)
	if set.FilesComplete && in.Docroot != "" {
		in.Files = parser.OSFiles{Known: []string{in.Docroot}}
	}
	return in, nil
}

// addParents adds the .htaccess files in the folders above those that are checked, as far as they are not checked
// themselves: what they say is inherited. Nothing above a document root that was said, or above the folder of a
// repository, is looked at.
func (s *lintSource) addParents(a *app, inputs []lint.Input) ([]lint.Input, error) {
	have, visited := map[string]bool{}, map[string]bool{}
	for i := range inputs {
		if in := &inputs[i]; in.Dir != "" && path.Base(in.File.Name) == ".htaccess" {
			have[in.Dir] = true
		}
	}
	o := s.options
	o.Server, o.Context, o.Display = ir.Apache, ir.ContextHtaccess, s.display
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
			name := inRoot(path.Join(dir, ".htaccess"))
			if have[dir] {
				continue
			}
			file, d, err := load.Source(s.fsys, name, o)
			if err != nil {
				if !errors.Is(err, fs.ErrNotExist) {
					fmt.Fprintf(a.err, "rewright: %v; what it says is inherited, and is not known\n", err)
				}
				continue
			}
			have[dir] = true
			parent, err := s.input(name, file, d, o)
			if err != nil {
				return nil, err
			}
			parent.Unchecked = true
			inputs = append(inputs, parent)
			in = &inputs[i]
		}
	}
	return inputs, nil
}
