package lint

import (
	"maps"
	"path"
	"slices"
	"strings"

	"rewright/parser/apache"
	"rewright/parser/diag"
	"rewright/parser/ir"
)

// Choice says which rules run and how loud they are. Words are codes, beginnings of codes, names, or "all".
type Choice struct {
	Select   []string // empty: all rules that are not off
	Ignore   []string // beats Select
	Severity map[string]diag.Severity
}

// Settings are what is known of files, and what is wanted of their check. The zero value knows and wants nothing.
type Settings struct {
	Server        ir.Server  // 0: found from name and text
	Context       ir.Context // what a file is the inside of; empty: found from name and text
	Hosts         []string
	Docroot       string // absolute folder
	Apache, Nginx string // versions: "2.4.62"; empty: the newest one known
	Profile       string // "" or ProfileIdentifiers
	// Modules are third-party modules that the server has: names of modules (headers-more, mod_pagespeed), names of
	// directives, or patterns of those (more_*). NoModules are modules of httpd that it has not.
	Modules, NoModules []string
	FilesComplete      bool // the document root holds all files the server has
	MaxHops            int
	Thresholds         map[string]int
	Choice             Choice
}

// ProfileIdentifiers is the profile of a registry of persistent identifiers (w3id.org, purl.org): its redirects lead to
// hosts of others and are to be asked anew each time, so 302 and 303 are wanted.
const ProfileIdentifiers = "identifiers"

// over lays what t says over s.
func (s *Settings) over(t *Settings) {
	if t.Hosts != nil {
		s.Hosts = t.Hosts
	}
	for _, p := range []struct{ to, from *string }{{&s.Docroot, &t.Docroot}, {&s.Apache, &t.Apache}, {&s.Nginx, &t.Nginx}, {&s.Profile, &t.Profile}} {
		if *p.from != "" {
			*p.to = *p.from
		}
	}
	if t.Server != 0 {
		s.Server = t.Server
	}
	if t.Context != "" {
		s.Context = t.Context
	}
	s.Modules = slices.Concat(s.Modules, t.Modules)
	s.NoModules = slices.Concat(s.NoModules, t.NoModules)
	s.FilesComplete = s.FilesComplete || t.FilesComplete
	if t.MaxHops > 0 {
		s.MaxHops = t.MaxHops
	}
	s.Thresholds = laid(s.Thresholds, t.Thresholds)
	if len(t.Choice.Select) > 0 {
		s.Choice.Select = t.Choice.Select
	}
	s.Choice.Ignore = slices.Concat(s.Choice.Ignore, t.Choice.Ignore)
	s.Choice.Severity = laid(s.Choice.Severity, t.Choice.Severity)
}

// Over gives s with what t says laid over it: hosts, selections and single values of t take the place of those in s, ignored
// rules and modules are added.
func (s Settings) Over(t *Settings) *Settings {
	s.over(t)
	return &s
}

func laid[V any](base, over map[string]V) map[string]V {
	if len(over) == 0 {
		return base
	}
	out := maps.Clone(base)
	if out == nil {
		out = make(map[string]V, len(over))
	}
	maps.Copy(out, over)
	return out
}

// Apply writes the settings into an input whose Server, Context and Dir are set. brings names the third-party module
// that brings a directive, "" for none (rules.ThirdParty). A document root that does not hold the input's Dir says nothing of it.
func (s *Settings) Apply(in *Input, brings func(server ir.Server, directive string) string) {
	in.Hosts = s.Hosts
	in.Profile = s.Profile
	in.MaxHops, in.Thresholds = s.MaxHops, s.Thresholds
	in.Choice = &s.Choice
	if s.Docroot != "" && (in.Dir == "" || within(trimSlash(s.Docroot), trimSlash(in.Dir))) {
		in.Docroot = s.Docroot
	}
	version := s.Apache
	if in.Server == ir.Nginx {
		version = s.Nginx
	}
	if version != "" {
		in.Version = version
	}
	if len(s.Modules) > 0 {
		server := in.Server
		in.Modules = func(directive string) bool { return s.brings(server, directive, brings) }
	}
	if in.Server == ir.Apache && len(s.Modules)+len(s.NoModules) > 0 {
		in.HasModule = s.hasModule
	}
}

// brings tells whether one of the third-party modules has a directive.
func (s *Settings) brings(server ir.Server, directive string, module func(ir.Server, string) string) bool {
	from := ""
	if module != nil {
		from = bareModule(module(server, directive))
	}
	if server == ir.Apache {
		directive = strings.ToLower(directive)
	}
	for _, m := range s.Modules {
		if from != "" && bareModule(m) == from {
			return true
		}
		if server == ir.Apache {
			m = strings.ToLower(m)
		}
		if ok, _ := path.Match(m, directive); ok {
			return true
		}
	}
	return false
}

func (s *Settings) hasModule(name string) bool {
	file := apache.ModuleFile(name)
	bare := bareModule(file)
	for _, m := range s.NoModules {
		if bareModule(m) == bare {
			return false
		}
	}
	if apache.Ships(file) {
		return true
	}
	for _, m := range s.Modules {
		if bareModule(m) == bare {
			return true
		}
	}
	return false
}

// bareModule is what is left of a module's name when all that the many spellings add is gone: "rewrite" of mod_rewrite.c,
// rewrite_module and rewrite; "headersmore" of headers-more, ngx_headers_more and headers-more-nginx-module.
func bareModule(name string) string {
	name = strings.ToLower(name)
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".so"), ".c")
	name = strings.NewReplacer("-", "_", " ", "_").Replace(name)
	for _, p := range []string{"mod_", "ngx_http_", "ngx_", "nginx_module_", "nginx_"} {
		if rest, ok := strings.CutPrefix(name, p); ok && rest != "" {
			name = rest
			break
		}
	}
	for _, p := range []string{"_nginx_module", "_module", "_filter", "_nginx"} {
		name = strings.TrimSuffix(name, p)
	}
	return strings.ReplaceAll(name, "_", "")
}
