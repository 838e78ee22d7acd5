package probe

import (
	"io/fs"
	"path"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// overlay is a file system whose content a probe declares. What neither the probe nor the base knows is missing;
// the folders that the program calls document roots are there.
type overlay struct {
	base    sim.FileSystem // nil: nothing is known
	folders map[string]bool
	exists  map[string]sim.FileInfo
	missing []string
	assumed []string
}

// declare replaces what the last probe declared.
func (o *overlay) declare(exists, missing []string) {
	clear(o.exists)
	o.assumed = o.assumed[:0]
	o.missing = missing
	if o.exists == nil {
		o.exists = map[string]sim.FileInfo{}
	}
	for _, p := range exists {
		info := sim.FileInfo{Kind: sim.Regular, Size: 1}
		if strings.HasSuffix(p, "/") {
			info = sim.FileInfo{Kind: sim.Directory}
		}
		p = path.Clean("/" + p)
		o.exists[p] = info
		for p != "/" {
			if p = path.Dir(p); o.exists[p].Kind == sim.Directory {
				break
			}
			o.exists[p] = sim.FileInfo{Kind: sim.Directory}
		}
	}
}

// Stat always knows an answer.
func (o *overlay) Stat(name string) (sim.FileInfo, bool) {
	name = path.Clean(name)
	if info, ok := o.exists[name]; ok {
		return info, true
	}
	for _, m := range o.missing {
		if m = strings.TrimSuffix(m, "/"); name == m {
			return sim.FileInfo{}, true
		}
	}
	if o.base != nil {
		if info, known := o.base.Stat(name); known {
			return info, true
		}
	}
	if o.folders[name] {
		return sim.FileInfo{Kind: sim.Directory}, true
	}
	if len(o.assumed) < 64 {
		o.assumed = append(o.assumed, name)
	}
	return sim.FileInfo{}, true
}

// ReadFile reads from the base only.
func (o *overlay) ReadFile(name string) ([]byte, error) {
	if o.base == nil {
		return nil, fs.ErrNotExist
	}
	return o.base.ReadFile(name)
}

// folders are the document roots of a program, and what lies above them.
func (s *Site) folders() map[string]bool {
	p := s.Program
	out := map[string]bool{"/": true}
	add := func(dir string) {
		for dir = path.Clean(dir); dir != "/" && dir != "." && !out[dir]; dir = path.Dir(dir) {
			out[dir] = true
		}
	}
	add(s.world.DocumentRoot)
	if p.Server == ir.Nginx {
		add(s.world.Prefix + "/html")
	}
	for _, h := range p.Htaccess {
		if h.Dir != "" {
			add(h.Dir)
		}
	}
	var walk func(s *ir.Scope)
	walk = func(sc *ir.Scope) {
		if sc.Kind == ir.ScopeDirectory && strings.HasPrefix(sc.Path, "/") && !strings.ContainsAny(sc.Path, "*?[") {
			add(sc.Path)
		}
		for _, item := range sc.Items {
			switch it := item.(type) {
			case *ir.Scope:
				walk(it)
			case *ir.Setting:
				if (it.Name == "root" || it.Name == "alias" || it.Name == "DocumentRoot") && !strings.Contains(it.Arg(0), "$") {
					add(s.absolute(it.Arg(0)))
				}
			}
		}
	}
	if p.Root != nil {
		walk(p.Root)
	}
	return out
}
