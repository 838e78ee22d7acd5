package main

import (
	"fmt"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/spf13/pflag"

	"rewright/parser"
	"rewright/parser/apache"
	"rewright/parser/ir"
	"rewright/parser/load"
	"rewright/parser/sim"
)

// worldFlags are everything outside the configuration that an answer depends on, as written by a person.
type worldFlags struct {
	Docroot  string            `yaml:"docroot"`
	Exists   []string          `yaml:"exists"`
	Missing  []string          `yaml:"missing"`
	Env      map[string]string `yaml:"env"`
	Time     string            `yaml:"time"`
	Client   string            `yaml:"client"`
	Address  string            `yaml:"address"`
	Host     string            `yaml:"host"`
	User     string            `yaml:"user"`
	TLSPorts []int             `yaml:"tls-ports"`
	Define   map[string]string `yaml:"define"`
	Module   []string          `yaml:"module"`
	NoModule []string          `yaml:"no-module"`

	envList, defineList []string
	file                string
}

func (w *worldFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&w.Docroot, "docroot", "", "`FOLDER` that is the document root; default: the folder CONFIG lies in")
	fs.StringVar(&w.Host, "host", "", "`NAME` of the server around the text; default: the host of the URL, with --requests example.test")
	fs.StringArrayVar(&w.Exists, "exists", nil, "`PATH` that exists, relative to the document root, with // in front from /; with a final / a folder")
	fs.StringArrayVar(&w.Missing, "missing", nil, "`PATH` that does not exist, relative to the document root, with // in front from /")
	fs.StringArrayVar(&w.envList, "env", nil, "`NAME=VALUE` in the environment of the server, besides that of this process")
	fs.StringVar(&w.Time, "time", "", "`TIME` of the request, as 2026-12-31T23:59:59Z; default: now")
	fs.StringVar(&w.Client, "client", "", "`ADDRESS` of the client; default: 127.0.0.1")
	fs.StringVar(&w.Address, "address", "", "`ADDRESS` of the server; default: 127.0.0.1")
	fs.StringArrayVarP(&w.defineList, "define", "D", nil, "`NAME` or NAME=VALUE defined for Apache")
	fs.StringArrayVar(&w.Module, "module", nil, "`MODULE` of Apache that is loaded too (mod_php.c)")
	fs.StringArrayVar(&w.NoModule, "no-module", nil, "`MODULE` of Apache that is not loaded (mod_expires.c)")
	fs.StringVar(&w.file, "world", "", "`FILE`, YAML or JSON, with docroot, host, exists, missing, env, time, client, address, user, tls-ports, define, module, no-module")
}

// finish reads the world file, below which flags stand, and takes NAME=VALUE apart. environ is the environment
// of this process, which the server's is taken from.
func (w *worldFlags) finish(environ []string) error {
	if w.file != "" {
		text, err := os.ReadFile(w.file)
		if err != nil {
			return fmt.Errorf("read world: %w", plainPathError(err))
		}
		var base worldFlags
		if err := yaml.UnmarshalWithOptions(text, &base, yaml.Strict()); err != nil {
			return fmt.Errorf("%s: %s", w.file, strings.TrimSpace(yaml.FormatError(err, false, true)))
		}
		if base.Docroot != "" && !filepath.IsAbs(base.Docroot) {
			base.Docroot = filepath.Join(filepath.Dir(w.file), base.Docroot)
		}
		w.over(base)
	}
	said := w.Env
	w.Env = map[string]string{}
	for _, kv := range environ {
		if name, value, ok := strings.Cut(kv, "="); ok && name != "" {
			w.Env[name] = value
		}
	}
	maps.Copy(w.Env, said)
	for _, kv := range w.envList {
		name, value, ok := strings.Cut(kv, "=")
		if !ok || name == "" {
			return fmt.Errorf("--env wants NAME=VALUE, not %q", kv)
		}
		set(&w.Env, name, value)
	}
	for _, kv := range w.defineList {
		name, value, _ := strings.Cut(kv, "=")
		if name == "" {
			return fmt.Errorf("--define wants NAME or NAME=VALUE, not %q", kv)
		}
		set(&w.Define, name, value)
	}
	return nil
}

func set(m *map[string]string, name, value string) {
	if *m == nil {
		*m = map[string]string{}
	}
	(*m)[name] = value
}

// over takes from base what no flag said.
func (w *worldFlags) over(base worldFlags) {
	for _, p := range []struct{ flag, file *string }{
		{&w.Docroot, &base.Docroot}, {&w.Time, &base.Time}, {&w.Client, &base.Client}, {&w.Address, &base.Address}, {&w.Host, &base.Host},
		{&w.User, &base.User},
	} {
		if *p.flag == "" {
			*p.flag = *p.file
		}
	}
	w.Exists = append(base.Exists, w.Exists...)
	w.Missing = append(base.Missing, w.Missing...)
	w.Module = append(base.Module, w.Module...)
	w.NoModule = append(base.NoModule, w.NoModule...)
	w.TLSPorts, w.Env, w.Define = base.TLSPorts, base.Env, base.Define
}

// hasModule is what --module and --no-module say; nil when they say nothing.
func (w *worldFlags) hasModule() func(name string) bool {
	if len(w.Module) == 0 && len(w.NoModule) == 0 {
		return nil
	}
	yes, no := moduleSet(w.Module), moduleSet(w.NoModule)
	return func(name string) bool {
		file := apache.ModuleFile(name)
		return !no[file] && (yes[file] || apache.Ships(file))
	}
}

func moduleSet(names []string) map[string]bool {
	m := map[string]bool{}
	for _, n := range names {
		if !strings.HasSuffix(n, ".c") && !strings.HasSuffix(n, "_module") {
			n = strings.TrimPrefix(n, "mod_") + "_module"
		}
		m[apache.ModuleFile(n)] = true
	}
	return m
}

// build makes the world of a configuration. folder is absolute: where the configuration lies.
func (w *worldFlags) build(l *load.Loaded, folder string, now time.Time) (*sim.World, error) {
	root := l.Docroot
	if root == "" {
		root = folder
	}
	if w.Docroot != "" {
		abs, err := filepath.Abs(w.Docroot)
		if err != nil {
			return nil, err
		}
		info, err := os.Stat(abs)
		if err != nil {
			return nil, fmt.Errorf("--docroot %w", plainPathError(err))
		}
		if !info.IsDir() {
			return nil, fmt.Errorf("--docroot %s: not a folder", w.Docroot)
		}
		root = filepath.ToSlash(abs)
	}
	world := &sim.World{DocumentRoot: root, ServerName: w.Host, Env: w.Env, Time: now, RemoteUser: w.User, TLSPorts: w.TLSPorts, HasModule: w.hasModule()}
	if w.Time != "" {
		t, err := time.Parse(time.RFC3339, w.Time)
		if err != nil {
			return nil, fmt.Errorf("--time wants a form like 2026-12-31T23:59:59Z, not %q", w.Time)
		}
		world.Time = t
	}
	for _, p := range []struct {
		flag, text string
		to         *netip.Addr
	}{{"client", w.Client, &world.ClientAddr}, {"address", w.Address, &world.ServerAddr}} {
		if p.text == "" {
			continue
		}
		a, err := netip.ParseAddr(p.text)
		if err != nil {
			return nil, fmt.Errorf("--%s wants an IP address, not %q", p.flag, p.text)
		}
		*p.to = a
	}
	var files sim.FileSystem = parser.OSFiles{Known: []string{root, folder}}
	at, declaredIn := foreignRoot(l.Program, root), root
	if at != "" && w.Docroot == "" {
		declaredIn = at // nobody said where the files of that root are, so only what is declared is there
	}
	if len(w.Exists)+len(w.Missing) > 0 {
		d := &parser.Declared{Base: files}
		for _, p := range w.Missing {
			d.AddMissing(below(declaredIn, p))
		}
		for _, p := range w.Exists {
			if strings.HasSuffix(p, "/") {
				d.AddFolder(below(declaredIn, p))
			} else {
				d.AddFile(below(declaredIn, p), nil)
			}
		}
		files = d
	}
	if at != "" && w.Docroot != "" {
		files = mounted{files, mount{at, root}}
	}
	world.Files = files
	return world, nil
}

// below is a declared path in the server's world: below a document root, but for one with two slashes in front.
func below(root, p string) string {
	if strings.HasPrefix(p, "//") {
		return p[1:]
	}
	if strings.HasPrefix(p, root+"/") {
		return p
	}
	return strings.TrimSuffix(root, "/") + "/" + strings.TrimPrefix(p, "/")
}

// namedRoots are the document roots that the configuration names, absolute and constant, each once.
func namedRoots(p *ir.Program) []string {
	var roots []string
	var walk func(s *ir.Scope)
	walk = func(s *ir.Scope) {
		for _, item := range s.Items {
			switch it := item.(type) {
			case *ir.Scope:
				walk(it)
			case *ir.Setting:
				if (it.Name == "root" || it.Name == "DocumentRoot") && strings.HasPrefix(it.Arg(0), "/") && !strings.Contains(it.Arg(0), "$") {
					roots = append(roots, filepath.Clean(it.Arg(0)))
				}
			}
		}
	}
	if p.Root != nil {
		walk(p.Root)
	}
	slices.Sort(roots)
	return slices.Compact(roots)
}

// foreignRoot is the one document root that the configuration names when it is not on this machine: --docroot
// stands for it then. Empty when there is none, or more than one.
func foreignRoot(p *ir.Program, docroot string) string {
	roots := namedRoots(p)
	if len(roots) != 1 || roots[0] == docroot {
		return ""
	}
	if _, err := os.Stat(roots[0]); err == nil {
		return ""
	}
	return roots[0]
}

// mount is a folder of this machine, and where the server has it.
type mount struct{ at, from string }

// mounted shows a file system with one folder at the place where the server has it.
type mounted struct {
	sim.FileSystem
	mount
}

func (m mounted) path(p string) string {
	if p == m.at || strings.HasPrefix(p, m.at+"/") {
		return m.from + p[len(m.at):]
	}
	return p
}

func (m mounted) Stat(p string) (sim.FileInfo, bool) {
	if strings.HasPrefix(m.at, strings.TrimSuffix(p, "/")+"/") {
		return sim.FileInfo{Kind: sim.Directory}, true
	}
	return m.FileSystem.Stat(m.path(p))
}

func (m mounted) ReadFile(p string) ([]byte, error) { return m.FileSystem.ReadFile(m.path(p)) }
