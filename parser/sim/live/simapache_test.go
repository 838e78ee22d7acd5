package live

import (
	"errors"
	"path"
	"slices"
	"strings"

	"rewright/parser/apache"
	"rewright/parser/ir"
	"rewright/parser/sim"
	"rewright/parser/sim/httpd"
	"rewright/parser/source"
)

func simulateApache(s *site) reply { return simulateApacheWith(apacheModules)(s) }

// simulateApacheWith asks the simulator of an httpd that has loaded these modules.
func simulateApacheWith(modules []string) func(*site) reply {
	hasModule := func(name string) bool {
		name = strings.TrimSuffix(strings.TrimPrefix(strings.TrimSuffix(name, "_module"), "mod_"), ".c")
		return slices.Contains(modules, name) || slices.Contains(builtinModules, name)
	}
	return func(s *site) reply {
		return guarded(s, func() (sim.Simulator, error) { return apacheSimulator(s, hasModule) }, apacheAnswer)
	}
}

// builtinModules are linked into Debian's binary (apache2 -l).
var builtinModules = []string{"core", "so", "watchdog", "http_core", "http", "log_config", "logio", "version", "unixd"}

func apacheSimulator(s *site, hasModule func(string) bool) (sim.Simulator, error) {
	files := newSiteFiles(s)
	environ := map[string]string{"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
	read := func(context ir.Context, name, text string) *apache.Config {
		env := apache.Env{Context: context, HasModule: hasModule, Environ: environ,
			Open: func(name string) (*source.File, error) {
				text, err := files.ReadFile(name)
				if err != nil {
					return nil, err
				}
				return source.NewFile(name, text), nil
			},
			Exists: func(name string) bool {
				info, _ := files.Stat(name)
				return info.Kind != sim.NoFile
			}}
		return apache.Read(apache.Parse(source.NewFile(name, []byte(s.fill(text)))), env)
	}
	var scopes []*ir.Scope
	for _, name := range sortedNames(s.Config) {
		if path.Base(name) == ".htaccess" {
			scopes = append(scopes, apache.LowerHtaccess(read(ir.ContextHtaccess, name, s.Config[name]), path.Dir(path.Join(s.docroot(), name))))
		}
	}
	world := &sim.World{Files: files, DocumentRoot: s.docroot(), ServerName: "example.test", Env: environ, HasModule: hasModule}
	vhost, ok := s.Config["vhost"]
	if !ok {
		return httpd.New(apache.NewHtaccessProgram(scopes...), world)
	}
	program := apache.Lower(read(ir.ContextVhost, "vhost.conf", vhost))
	program.Htaccess = scopes
	for _, d := range program.Diagnostics {
		if d.Refuses {
			return nil, errors.New(d.Message)
		}
	}
	return httpd.New(program, world)
}

// apacheAnswer turns an outcome into what could be seen of it.
func apacheAnswer(s *site, r sim.Request, o sim.Outcome) answer {
	return answer{Status: o.Status, Location: o.Location, Closed: o.Closed, URI: o.URI, Query: o.Query, File: o.File, PathInfo: o.PathInfo,
		Header: shown(s, o)}
}
