package rules

import (
	"path"
	"slices"
	"strings"

	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
)

// indexNames are the files that DirectoryIndex names, and those most sites have.
func (f *follower) indexNames() []string {
	if f.index == nil {
		f.index = []string{"index.html", "index.php"}
		eachScope(f.site.Program, func(s *ir.Scope) {
			for _, item := range s.Items {
				if set, ok := item.(*ir.Setting); ok && strings.EqualFold(set.Name, "DirectoryIndex") && len(f.index) < 12 {
					for _, a := range set.Args {
						if a.Text != "" && !strings.HasPrefix(a.Text, "/") && !strings.EqualFold(a.Text, "disabled") {
							f.index = append(f.index, a.Text)
						}
					}
				}
			}
		})
	}
	return f.index
}

// throughIndex looks whether a rule of httpd sends the index file of a folder to the folder, and the server, which looks
// for that file when the folder is asked for, meets the rule again; or whether every page that a front controller answers meets it.
func (f *follower) throughIndex(r *ir.Rule) bool {
	if f.p.Unit.Input.Server != ir.Apache || r.Action != ir.ActionRedirect {
		return false
	}
	for _, name := range f.indexNames() {
		below := f.site.Below(r)
		for _, folder := range f.indexFolders(r, below, name) {
			file := folder + name
			if !f.sources.matches(r, below, file) || f.sources.matches(r, below, folder) && r.Match != ir.MatchRegex {
				continue
			}
			_, to, ok := expand(f.site, r, file)
			if ok && strings.TrimSuffix(to, "/") != strings.TrimSuffix(folder, "/") {
				continue
			}
			if f.indexLoop(r, folder, name) || f.pagesGoHome(r, folder, name) {
				return true
			}
		}
	}
	return false
}

// indexFolders are the folders whose index file a rule may be about.
func (f *follower) indexFolders(r *ir.Rule, below, name string) []string {
	out := []string{below}
	for _, p := range f.sources.likely(r) {
		if dir, ok := strings.CutSuffix(p, "/"+name); ok && dir+"/" != below {
			out = append(out, dir+"/")
		}
	}
	return out
}

// ordinary is the request for a path that meets what a rule asks of host and scheme.
func (f *follower) ordinary(r *ir.Rule, target string) probe.Probe {
	q := probe.Probe{Request: sim.Request{Method: "GET", Scheme: "http", Host: probe.DefaultHost, Target: target, Version: "1.1"}}
	if hosts := f.site.Hosts(); len(hosts) > 0 {
		q.Request.Host = hosts[0]
	}
	if list := f.site.Requests(r, 1); len(list) > 0 && list[0].Reached {
		q.Request.Host, q.Request.Scheme, q.Request.Port = list[0].Request.Host, list[0].Request.Scheme, list[0].Request.Port
	}
	return q
}

func (f *follower) indexLoop(r *ir.Rule, folder, name string) bool {
	q := f.ordinary(r, folder)
	q.Exists = []string{path.Join(f.site.Root(r), folder, name)}
	c := f.site.Follow(q, maxHops)
	if c.End != probe.EndCycle || c.Back != 0 || len(c.Hops) != 1 {
		return false
	}
	// It has to be the look-up of the index that meets the rule, not the request for the folder itself.
	only := len(c.Hops[0].Outcome.Fired) > 0
	for _, x := range c.Hops[0].Outcome.Fired {
		only = only && (x.Rule == r && x.Subrequest || x.Rule != r)
	}
	fired := false
	for _, x := range c.Hops[0].Outcome.Fired {
		fired = fired || x.Rule == r
	}
	if !fired || !only && f.sources.matches(r, f.site.Below(r), folder) {
		return false
	}
	f.add(&loop{kind: indexLoop, rule: r, chain: c})
	return true
}

// pagesGoHome looks whether every page that a front controller answers is redirected to the folder, because the rule meets
// the controller's own path in the next round.
func (f *follower) pagesGoHome(r *ir.Rule, folder, name string) bool {
	if r.Keyword != ir.RewriteRule || f.sources.matches(r, f.site.Below(r), folder+"some-page") {
		return false
	}
	q := f.ordinary(r, folder+"some-page")
	q.Exists = []string{path.Join(f.site.Root(r), folder, name)}
	c := f.site.Follow(q, maxHops)
	h := &c.Hops[0]
	if !h.Redirects() || h.Rule() != r || !probe.HasFired(&h.Outcome, r) || len(probe.Fired(&h.Outcome)) < 2 {
		return false
	}
	next, ok := probe.Redirected(q.Request, h.Outcome.Status, *h.Outcome.Location)
	if !ok || next.Target != folder {
		return false
	}
	l := &loop{kind: indexLoop, rule: r, chain: c}
	for _, other := range probe.Fired(&h.Outcome) {
		if other != r && moves(other) && len(l.others) == 0 {
			l.others = append(l.others, other)
		}
	}
	f.add(l)
	return true
}

// mayFightSlash tells whether a rule may take the final slash off a path.
func (f *follower) mayFightSlash(r *ir.Rule) bool {
	if r.Match != ir.MatchRegex || r.Negated || r.Pattern == nil || r.Pattern.Re == nil {
		return false
	}
	for _, p := range f.slashPaths(r) {
		if host, to, ok := expand(f.site, r, p); !ok || (host == "" || host == probe.DefaultHost || f.site.Serves(host)) && to == strings.TrimSuffix(p, "/") {
			return true
		}
	}
	return false
}

// slashPaths are paths with a final slash that a rule's pattern takes.
func (f *follower) slashPaths(r *ir.Rule) []string {
	var out []string
	below := f.site.Below(r)
	if f.p.Unit.Input.Server == ir.Nginx {
		for _, name := range f.proxiedFolders() {
			if f.sources.matches(r, below, name) {
				out = append(out, name)
			}
		}
	}
	for _, p := range append(slices.Clone(f.sources.likely(r)), below+"folder/") {
		if strings.HasSuffix(p, "/") && len(p) > len(below) && f.sources.matches(r, below, p) {
			out = append(out, p)
		}
	}
	return out
}

// proxiedFolders are nginx locations that redirect to their name with the slash.
func (f *follower) proxiedFolders() []string {
	if f.folders == nil {
		f.folders = []string{}
		eachScope(f.site.Program, func(s *ir.Scope) {
			if s.Kind == ir.ScopeLocation && s.Modifier == ir.PrefixLocation && strings.HasSuffix(s.Path, "/") && len(s.Path) > 1 && len(f.folders) < 64 && hasHandler(s) {
				f.folders = append(f.folders, s.Path)
			}
		})
	}
	return f.folders
}

// slashFight looks whether the server puts back the slash that a rule takes off.
func (f *follower) slashFight(r *ir.Rule) bool {
	for _, p := range f.slashPaths(r) {
		for _, exists := range []bool{false, true} {
			q := f.ordinary(r, p)
			l := &loop{kind: slashFight, rule: r}
			if exists {
				q.Exists = []string{path.Join(f.site.Root(r), p) + "/"}
				l.severity = f.folderSeverity(q.Exists[0])
			}
			c := f.site.Follow(q, maxHops)
			if c.End != probe.EndCycle || c.Back != 0 || len(c.Hops) != 2 || c.Hops[0].Rule() != r || c.Hops[1].Rule() != nil && c.Hops[1].Rule() != r && !onlySlashChanges(c) {
				continue
			}
			if !onlySlashChanges(c) {
				continue
			}
			l.chain = c
			if h := c.Hops[1].Rule(); h != nil && h != r {
				l.others = append(l.others, h)
			}
			f.add(l)
			return true
		}
	}
	return false
}

// folderSeverity is that of a fight over a folder: an error when some folder is known to be there.
func (f *follower) folderSeverity(folder string) diag.Severity {
	if files := f.p.Unit.Input.Files; files != nil {
		if info, known := files.Stat(strings.TrimSuffix(folder, "/")); known && info.Kind == sim.Directory {
			return diag.Error
		}
	}
	return diag.Warning
}
