// Package parser is the door to everything rewright knows about a configuration.
//
// Load reads a file, a document root with .htaccess files or a server's configuration folder from an fs.FS and
// gives its syntax, its meaning (package ir) and what is wrong with it. NewSimulator answers requests as the
// server that reads the configuration does. Judging a configuration is package lint's, turning it into
// another server's is package emit's.
package parser

import (
	"fmt"
	"io/fs"

	"rewright/parser/ir"
	"rewright/parser/load"
	"rewright/parser/sim"
	"rewright/parser/sim/httpd"
	"rewright/parser/sim/nginx"
)

// Load reads the configuration that name stands for in fsys: a file, a document root, or the folder of a
// server's configuration. What the options leave out is found from name and text.
// Errors wrap fs.ErrNotExist, fs.ErrPermission or one of load's: a configuration that can be read gives no
// error, however wrong it is; see Program.Diagnostics.
func Load(fsys fs.FS, name string, o load.Options) (*load.Loaded, error) {
	return load.Load(fsys, name, o)
}

// LoadText reads configuration that is in memory. The name says where it would lie, which decides about
// relative includes and, for a .htaccess, its folder; fsys holds what it includes and may be nil.
func LoadText(fsys fs.FS, name string, text []byte, o load.Options) (*load.Loaded, error) {
	return load.Text(fsys, name, text, o)
}

// NewSimulator makes the simulator of the server that reads the program. The error wraps sim.ErrRefused when
// that server would not start with it; a refused .htaccess is no error but answers 500.
// World.Files nil means an empty document root.
func NewSimulator(p *ir.Program, w *sim.World) (sim.Simulator, error) {
	if w == nil {
		w = &sim.World{}
	}
	if w.DocumentRoot == "" || w.Files == nil {
		own := *w
		if own.DocumentRoot == "" {
			own.DocumentRoot = "/var/www/html"
		}
		if own.Files == nil {
			own.Files = sim.NoFiles{Root: own.DocumentRoot}
		}
		w = &own
	}
	switch p.Server {
	case ir.Apache:
		return httpd.New(p, w)
	case ir.Nginx:
		return nginx.New(p, w)
	}
	return nil, fmt.Errorf("program of unknown server %d", p.Server)
}
