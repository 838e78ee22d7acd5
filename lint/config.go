package lint

import (
	"path"
	"strings"
	"sync"

	"github.com/bmatcuk/doublestar/v4"
)

// ConfigName is the file that says what is known and wanted of the configurations in its folder and below.
const ConfigName = ".rewright.yaml"

// Config is one configuration file of this tool. ReadConfig and ParseConfig make it.
type Config struct {
	File string // as people name it
	Dir  string // folder that its paths begin in, as a name in the fs.FS; "." is its root

	base    Settings
	exclude []string
	paths   []override

	mu    sync.Mutex
	known map[string]*Settings // by the overrides that fit
}

// override is one entry of paths: settings for the files that patterns fit.
type override struct {
	files []string
	set   Settings
}

// For gives the settings of a file, named in the fs.FS like Dir. Entries of paths that fit are laid over each other in
// their order. Files for which the same holds share one value, which is not to be changed.
func (c *Config) For(name string) *Settings {
	rel, ok := c.relative(name)
	fits := make([]byte, len(c.paths))
	for i := range c.paths {
		if ok && fitsAny(c.paths[i].files, rel) {
			fits[i] = 1
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.known[string(fits)]; s != nil {
		return s
	}
	s := c.base
	for i := range c.paths {
		if fits[i] == 1 {
			s.over(&c.paths[i].set)
		}
	}
	if c.known == nil {
		c.known = map[string]*Settings{}
	}
	c.known[string(fits)] = &s
	return &s
}

// Excludes tells whether a file is not to be checked when a folder is.
func (c *Config) Excludes(name string) bool {
	rel, ok := c.relative(name)
	return ok && fitsAny(c.exclude, rel)
}

// relative is a name seen from the folder of the file; ok is false outside of it.
func (c *Config) relative(name string) (string, bool) {
	if c.Dir == "." || c.Dir == "" {
		return name, true
	}
	return strings.CutPrefix(name, c.Dir+"/")
}

// fitsAny tells whether one of the patterns fits a path. A pattern without a slash fits the name in every folder, one
// that ends in a slash all that lies below.
func fitsAny(patterns []string, name string) bool {
	for _, p := range patterns {
		if fits(p, name) {
			return true
		}
	}
	return false
}

func fits(pattern, name string) bool {
	if below, ok := strings.CutSuffix(pattern, "/"); ok {
		pattern = below + "/**"
	}
	rooted := strings.TrimPrefix(strings.TrimPrefix(pattern, "./"), "/")
	if !strings.Contains(pattern, "/") {
		return doublestar.MatchUnvalidated(pattern, path.Base(name))
	}
	return doublestar.MatchUnvalidated(rooted, name)
}
