package httpd

import (
	"path"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

func (r *request) stat(p string) sim.FileInfo {
	if strings.IndexByte(p, 0) >= 0 {
		return sim.FileInfo{}
	}
	info, ok := r.s.world.Files.Stat(p)
	if !ok {
		r.doubt("it is not known whether " + p + " exists")
	}
	return info
}

// statPath stats a path as the system would: a final slash asks for a directory, and a relative path is
// relative to the server's working directory, which is the root.
func (r *request) statPath(p string) sim.FileInfo {
	if p == "" {
		return sim.FileInfo{}
	}
	if p[0] != '/' {
		// a daemon works in the root, a server in the foreground wherever it was started
		if p = "/" + p; r.stat(path.Clean(p)).Kind != sim.NoFile {
			r.doubt("a relative path is looked for where the server was started: " + p[1:])
		}
	}
	slash := strings.HasSuffix(p, "/") || strings.HasSuffix(p, "/.")
	info := r.stat(path.Clean(p))
	if slash && info.Kind != sim.Directory {
		return sim.FileInfo{}
	}
	if info.Kind != sim.NoFile {
		// every segment before the last must be a directory
		for i, c := range path.Clean(p) {
			if c == '/' && i > 0 {
				if d := r.stat(path.Clean(p)[:i]); d.Kind != sim.Directory {
					return sim.FileInfo{}
				}
			}
		}
	}
	return info
}

// baseConf is the configuration before any section: what stands directly in the servers.
func (r *request) baseConf() *dirConf {
	c := *r.h.defaults
	return &c
}

// serverDefaults makes what baseConf hands out.
func (h *host) serverDefaults() *dirConf {
	c := &dirConf{slash: true, opts: optDefault, acceptPath: "default"}
	if h.main != nil {
		c.mergeServer(h.main.base)
	}
	c.mergeServer(h.base)
	if h.engine {
		c.engine = true
	}
	return c
}

// mergeServer lays what stands directly in a server under all directories. Its rules are not per-directory rules,
// and its headers, environment and redirects are kept by the host itself.
func (c *dirConf) mergeServer(l *layer) {
	m := *l
	m.rewrite, m.redirects, m.unconditional, m.headers, m.setEnvIf, m.aliases, m.proxyPass = false, nil, nil, nil, nil, nil, nil
	c.merge(&m)
	if l.engine != nil {
		c.engine = *l.engine
	}
	if l.optionsSet {
		c.serverOptions = &l.options
	}
}

// locationWalk merges the <Location> sections that match the URI.
func (r *request) locationWalk(c *dirConf) {
	uri := r.uri
	if !r.h.mergeSlash {
		for strings.Contains(uri, "//") {
			uri = strings.ReplaceAll(uri, "//", "/")
		}
	}
	for _, s := range r.h.locations {
		ok := false
		if s.scope.Pattern != nil {
			ok = r.matchSection(s.scope.Pattern, r.uri)
		} else {
			ok = locationMatches(s.scope.Path, uri)
		}
		if ok {
			r.noteSection(s.scope)
			c.merge(s.layer)
		}
	}
}

// matchSection compares a section's pattern; its named groups become MATCH_NAME in the environment.
func (r *request) matchSection(p *ir.Pattern, subject string) bool {
	m, ok := r.match(p, subject)
	if ok && p != nil && p.Re != nil {
		for i, n := range p.Re.Names() {
			if n != "" {
				r.env.set("MATCH_"+upper(n), m.Group(i))
			}
		}
	}
	return ok
}

func (r *request) noteSection(s *ir.Scope) {
	r.note(sim.Step{Kind: sim.StepPhase, Name: "<" + s.Name + ">", Origin: s.Origin, Note: "applies"})
}

// locationMatches compares a URL with the path of <Location>. Source: httpd server/request.c, ap_location_walk.
func locationMatches(loc, uri string) bool {
	if isWild(loc) {
		return fnmatch(loc, uri, true, false)
	}
	if !strings.HasPrefix(uri, loc) {
		return false
	}
	return strings.HasSuffix(loc, "/") || len(uri) == len(loc) || uri[len(loc)] == '/'
}

// directoryWalk reads the directories down to the file: sections and .htaccess files. It sets filename and
// path_info, and gives a status when the request ends here.
// Source: ap_directory_walk.
func (r *request) directoryWalk(c *dirConf) int {
	if !strings.HasPrefix(r.filename, "/") {
		r.logError("Module bug? Request filename is missing for URI " + r.uri)
		return 500
	}
	full := cleanFile(r.filename)
	fragment := r.h.scope.File == nil
	sections := r.h.directories
	cur := ""
	rest := full
	root := strings.TrimSuffix(r.h.docroot, "/")
	for {
		dir := cur
		if dir == "" {
			dir = "/"
		}
		info := r.stat(dir)
		if info.Kind != sim.Directory {
			r.finfo = info
			break
		}
		r.finfo = info
		if fragment {
			if dir == root {
				c.opts = optFollow
				c.override = &overrides{classes: map[string]bool{"all": true}}
				c.requires = []*requireNode{grantedAll}
			} else if dir == "/" {
				c.override = &overrides{none: true, classes: map[string]bool{}}
				c.requires = []*requireNode{deniedAll}
			}
		}
		for _, s := range sections {
			if s.scope.Kind == ir.ScopeDirectory && directoryMatches(s.scope.Path, dir) {
				r.noteSection(s.scope)
				c.merge(s.layer)
			}
		}
		if st := r.readHtaccess(c, dir); st != 0 {
			r.filename = strings.TrimSuffix(dir, "/") + "/"
			r.pathInfo = strings.TrimPrefix(full, strings.TrimSuffix(dir, "/"))
			return st
		}
		if rest == "" || rest == "/" {
			break
		}
		rest = strings.TrimPrefix(rest, "/")
		if rest == "" {
			break
		}
		seg, tail, more := strings.Cut(rest, "/")
		next := cur + "/" + seg
		info = r.stat(next)
		if more {
			tail = "/" + tail
		}
		r.filename, r.pathInfo = next, tail
		switch {
		case len(seg) > maxName || len(next) > maxPath:
			r.logError("AH00036: access to " + r.uri + " failed (filesystem path '" + next + "')")
			return 403
		case info.Link && info.Kind == sim.NoFile:
			r.logError("AH00037: Symbolic link not allowed or link target not accessible: " + next)
			return 403
		case info.Kind == sim.Special:
			r.logError("AH00038: Forbidden: " + next + " doesn't point to a file or directory")
			return 403
		}
		if info.Link && c.opts&optFollow == 0 {
			if c.opts&optOwner != 0 {
				r.doubt("SymLinksIfOwnerMatch: the owners of " + next + " are not known")
			} else {
				r.logError("AH00037: Symbolic link not allowed or link target not accessible: " + next)
				return 403
			}
		}
		if info.Unreadable && info.Kind == sim.Directory {
			return 403
		}
		r.finfo = info
		cur = next
		rest = tail
		if info.Kind != sim.Directory {
			break
		}
	}
	r.filename, r.pathInfo = cur, rest
	if r.finfo.Kind == sim.Directory {
		if r.filename == "" || rest == "/" || strings.HasSuffix(full, "/") {
			r.filename += "/"
		}
		r.pathInfo = ""
	}
	for _, s := range sections {
		if s.scope.Kind == ir.ScopeDirectoryMatch {
			if r.matchSection(s.scope.Pattern, r.filename) {
				r.noteSection(s.scope)
				c.merge(s.layer)
			}
		}
	}
	if c.serverOptions != nil && !c.optionsSet {
		c.options = *c.serverOptions // what the directories say is merged first, and laid over the server's then
	}
	return 0
}

// cleanFile merges slashes and resolves dot segments of a file name, keeping a final slash.
func cleanFile(f string) string {
	c := path.Clean(f)
	if strings.HasSuffix(f, "/") && c != "/" {
		c += "/"
	}
	return c
}

func (h *host) directorySections() []*section {
	var out []*section
	for _, s := range h.sections {
		if s.scope.Kind == ir.ScopeDirectory || s.scope.Kind == ir.ScopeDirectoryMatch {
			out = append(out, s)
		}
	}
	return out
}

// maxName and maxPath are limits of the file system, in bytes. Source: Linux limits.h, NAME_MAX and PATH_MAX.
const (
	maxName = 255
	maxPath = 4095
)

func directoryMatches(sec, dir string) bool {
	sec = strings.TrimSuffix(sec, "/") + "/"
	dir = strings.TrimSuffix(dir, "/") + "/"
	if isWild(sec) {
		return strings.Count(sec, "/") == strings.Count(dir, "/") && fnmatch(sec, dir, true, false)
	}
	return sec == dir
}

// readHtaccess merges the .htaccess of a directory. The status is 500 when httpd refuses it.
func (r *request) readHtaccess(c *dirConf, dir string) int {
	l := r.s.htaccess[dir]
	if l == nil {
		return 0
	}
	o := c.override
	if o == nil || o.none && len(o.list) == 0 || len(o.classes) == 0 && len(o.list) == 0 {
		return 0
	}
	if bad := r.s.refused[dir]; bad != nil {
		msg := bad.Refusal.ServerMessage
		if msg == "" {
			msg = bad.Refusal.Message
		}
		r.top.error = msg
		r.note(sim.Step{Kind: sim.StepFlow, Origin: ir.Origin{File: bad.Refusal.File, Span: bad.Refusal.Span}, Note: "the server refuses this .htaccess: " + msg})
		return 500
	}
	if !o.classes["all"] {
		var bad string
		if l, bad = r.s.allowed(l, o); bad != "" {
			r.top.error = bad + " not allowed here"
			return 500
		}
	}
	r.note(sim.Step{Kind: sim.StepPhase, Name: ".htaccess", Origin: ir.Origin{File: l.scope.File}, Input: dir})
	c.merge(l)
	return 0
}

// filtered is a .htaccess under one AllowOverride.
type filtered struct {
	layer *layer
	bad   string // directive that is not allowed and not forgiven
}

// allowed is what a .htaccess may say under an AllowOverride that is not All; bad is the first directive for which
// httpd answers 500.
func (s *simulator) allowed(l *layer, o *overrides) (out *layer, bad string) {
	type key struct {
		l *layer
		o *overrides
	}
	if v, ok := s.cache.Load(key{l, o}); ok {
		f := v.(filtered)
		return f.layer, f.bad
	}
	sc := *l.scope
	sc.Items = nil
	for _, it := range l.scope.Items {
		name := itemName(it)
		switch {
		case name == "" || o.allows(name) || o.list[strings.ToLower(name)]:
			sc.Items = append(sc.Items, it)
		case !o.nonfatal && bad == "":
			bad = name
		}
	}
	out = s.layer(&sc, l.dir)
	s.cache.Store(key{l, o}, filtered{out, bad})
	return out, bad
}

func itemName(it ir.Item) string {
	switch it := it.(type) {
	case *ir.Setting:
		return it.Name
	case *ir.Rule:
		return string(it.Keyword)
	case *ir.Opaque:
		return it.Name
	}
	return ""
}

// fileWalk merges the <Files> sections that match the file's name.
func (r *request) fileWalk(c *dirConf) {
	name := r.filename[strings.LastIndexByte(r.filename, '/')+1:]
	if name == "" {
		return
	}
	var list []*ir.Scope
	for _, s := range r.h.sections {
		if s.scope.Kind == ir.ScopeFiles || s.scope.Kind == ir.ScopeFilesMatch {
			list = append(list, s.scope)
		}
	}
	for _, l := range c.layers {
		if l.scope.Kind == ir.ScopeMain || l.scope.Kind == ir.ScopeHost {
			continue
		}
		list = append(list, l.files...)
	}
	if r.h.scope.File == nil && strings.HasPrefix(name, ".ht") {
		c.requires = []*requireNode{deniedAll}
	}
	for _, f := range list {
		ok := false
		if f.Pattern != nil {
			ok = r.matchSection(f.Pattern, name)
		} else if isWild(f.Path) {
			ok = fnmatch(f.Path, name, true, false)
		} else {
			ok = f.Path == name
		}
		if ok {
			r.noteSection(f)
			c.merge(r.s.sectionLayer(f))
		}
	}
}

func (s *simulator) sectionLayer(f *ir.Scope) *layer {
	if l, ok := s.cache.Load(f); ok {
		return l.(*layer)
	}
	// What httpd calls the directory of such a section is its argument; a relative target is put behind it.
	dir := f.Path
	switch {
	case f.Kind == ir.ScopeIf, f.Kind == ir.ScopeElseIf, f.Kind == ir.ScopeElse:
		dir = "*If"
	case f.Pattern != nil:
		dir = f.Pattern.Text
	}
	dir = strings.TrimSuffix(dir, "/") + "/"
	l := s.layer(f, dir)
	s.cache.Store(f, l)
	return l
}

// ifWalk merges the <If> sections whose expression holds, at last.
func (r *request) ifWalk(c *dirConf) {
	seen := map[*ir.Scope]bool{}
	for pass := 0; pass < 10; pass++ {
		again := false
		prev := false
		layers := c.layers
		for _, l := range layers {
			for _, s := range l.ifs {
				if s.Kind == ir.ScopeIf {
					prev = false
				}
				if seen[s] {
					continue
				}
				seen[s] = true
				ok := false
				switch {
				case s.Kind == ir.ScopeElse:
					ok = !prev
				case s.Kind == ir.ScopeElseIf && prev:
				default:
					if s.Expr == nil {
						r.doubt("<" + s.Name + "> could not be read")
					} else {
						ok = r.evalBool(s.Expr)
					}
				}
				if ok {
					prev = true
					r.noteSection(s)
					c.merge(r.s.sectionLayer(s))
					again = true
				}
			}
		}
		if !again {
			return
		}
	}
}
