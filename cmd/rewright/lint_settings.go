package main

import (
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"rewright/lint"
	"rewright/parser/diag"
)

// settingsFlags are the flags that say what a .rewright.yaml says too.
type settingsFlags struct {
	said               lint.Settings
	docroot            string
	severity           []string
	thresholds         []string
	filesComplete      bool
	hosts, mods, nomod []string
}

func (s *settingsFlags) register(fs *pflag.FlagSet) {
	fs.StringSliceVar(&s.said.Choice.Select, "select", nil, "rules to run, separated by commas: codes, beginnings of codes, names, all; default: all that are on")
	fs.StringSliceVar(&s.said.Choice.Ignore, "ignore", nil, "rules not to run; beats --select")
	fs.StringSliceVar(&s.severity, "severity", nil, "`RULE=LEVEL`: error, warning, info or style in place of the rule's own")
	fs.StringSliceVar(&s.hosts, "host", nil, "`NAMES` that the files serve, separated by commas; *.example.com for all below")
	fs.StringVar(&s.docroot, "docroot", "", "`FOLDER` that is the document root; default: the topmost folder with a .htaccess")
	fs.BoolVar(&s.filesComplete, "complete", false, "the document root holds all files of the site: what is not there is missing")
	fs.StringVar(&s.said.Apache, "apache", "", "`VERSION` of Apache httpd; default: the newest one known")
	fs.StringVar(&s.said.Nginx, "nginx", "", "`VERSION` of nginx")
	fs.StringSliceVar(&s.mods, "module", nil, "`MODULE` from elsewhere that the server has: headers-more, mod_pagespeed, or a pattern of directives")
	fs.StringSliceVar(&s.nomod, "no-module", nil, "`MODULE` of Apache that is not loaded")
	fs.StringVar(&s.said.Profile, "profile", "", "identifiers: a registry of persistent identifiers, where 302 and 303 are wanted")
	fs.IntVar(&s.said.MaxHops, "max-hops", 0, "redirects in a row that are accepted; default: 1")
	fs.StringSliceVar(&s.thresholds, "threshold", nil, "`RULE=NUMBER` at which a rule that counts begins to speak")
}

// finish checks what was said.
func (s *settingsFlags) finish(list []*lint.Rule) error {
	if len(s.hosts) > 0 {
		s.said.Hosts = s.hosts
	}
	s.said.Modules, s.said.NoModules, s.said.FilesComplete = s.mods, s.nomod, s.filesComplete
	for _, h := range s.hosts {
		if fault := lint.HostFault(h); fault != "" {
			return fmt.Errorf("--host: %s", fault)
		}
	}
	if s.docroot != "" {
		abs, err := filepath.Abs(s.docroot)
		if err != nil {
			return err
		}
		s.said.Docroot = filepath.ToSlash(abs)
	}
	for _, v := range []struct{ flag, text, example string }{{"apache", s.said.Apache, "2.4.62"}, {"nginx", s.said.Nginx, "1.22.1"}} {
		if v.text != "" && !lint.IsVersion(v.text) {
			return fmt.Errorf("--%s wants a version like %s, not %q", v.flag, v.example, v.text)
		}
	}
	if p := s.said.Profile; p != "" && p != lint.ProfileIdentifiers {
		return fmt.Errorf("--profile wants %s, not %q", lint.ProfileIdentifiers, p)
	}
	if s.said.MaxHops < 0 {
		return fmt.Errorf("--max-hops wants a number from 1")
	}
	for _, text := range s.severity {
		rule, level, _ := strings.Cut(text, "=")
		severity, ok := diag.ParseSeverity(level)
		if !ok {
			return fmt.Errorf("--severity wants RULE=error, warning, info or style, not %q", text)
		}
		if s.said.Choice.Severity == nil {
			s.said.Choice.Severity = map[string]diag.Severity{}
		}
		s.said.Choice.Severity[rule] = severity
	}
	for _, text := range s.thresholds {
		rule, number, _ := strings.Cut(text, "=")
		n, err := strconv.Atoi(number)
		if err != nil || n < 0 {
			return fmt.Errorf("--threshold wants RULE=NUMBER, not %q", text)
		}
		id := ""
		for _, r := range list {
			if r.Code == rule || r.ID == rule {
				id = r.ID
			}
		}
		if id == "" {
			return fmt.Errorf("--threshold: no rule is called %q", rule)
		}
		if s.said.Thresholds == nil {
			s.said.Thresholds = map[string]int{}
		}
		s.said.Thresholds[id] = n
	}
	return nil
}

// configFinder finds the configuration file of each file, and reads each once.
type configFinder struct {
	file string // --config
	none bool   // --no-config

	fsys    fs.FS
	rules   []*lint.Rule
	over    *lint.Settings // what flags say
	display func(name string) string

	folders map[string]string // of a folder the name of its configuration file, "" for none
	read    map[string]*lint.Config
	merged  map[*lint.Settings]*lint.Settings // with the flags laid over
}

// of is the configuration of the files in a folder of the file system; nil when there is none.
func (c *configFinder) of(dir string) (*lint.Config, error) {
	if c.none {
		return nil, nil
	}
	if c.file != "" {
		abs, err := filepath.Abs(c.file)
		if err != nil {
			return nil, err
		}
		return c.load(inRoot(abs), c.file)
	}
	name := c.find(dir)
	if name == "" {
		return nil, nil
	}
	return c.load(name, c.display(name))
}

func (c *configFinder) find(dir string) string {
	if c.folders == nil {
		c.folders = map[string]string{}
	}
	if name, ok := c.folders[dir]; ok {
		return name
	}
	name := ""
	if lint.HasConfig(c.fsys, dir) {
		name = path.Join(dir, lint.ConfigName)
	} else if dir != "." {
		name = c.find(path.Dir(dir))
	}
	c.folders[dir] = name
	return name
}

func (c *configFinder) load(name, display string) (*lint.Config, error) {
	if cfg := c.read[name]; cfg != nil {
		return cfg, nil
	}
	cfg, err := lint.ReadConfig(c.fsys, name, display, c.rules)
	if err != nil {
		return nil, err
	}
	if c.read == nil {
		c.read = map[string]*lint.Config{}
	}
	c.read[name] = cfg
	return cfg, nil
}

// settings are what holds for a file: its configuration, and the flags over it. Files for which the same holds share one value.
func (c *configFinder) settings(name string) (*lint.Settings, error) {
	cfg, err := c.of(path.Dir(name))
	if err != nil {
		return nil, err
	}
	if cfg == nil {
		return c.over, nil
	}
	set := cfg.For(name)
	if c.merged == nil {
		c.merged = map[*lint.Settings]*lint.Settings{}
	}
	if c.merged[set] == nil {
		c.merged[set] = set.Over(c.over)
	}
	return c.merged[set], nil
}
