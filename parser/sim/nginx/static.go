package nginx

import (
	"path"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// fullName makes a path absolute as nginx does with its prefix, which the world may not know.
func (r *request) fullName(t text) text {
	if t.why != "" || strings.HasPrefix(t.s, "/") || t.s == "" && r.conf.root != nil && r.conf.rootText == "/" {
		return t
	}
	if p := r.s.world.Prefix; p != "" {
		return text{s: strings.TrimSuffix(p, "/") + "/" + t.s}
	}
	return text{s: t.s, why: "the folder of " + quoteShort(t.s) + " depends on nginx's prefix"}
}

// rootPath is the root or alias in force.
func (r *request) rootPath() text {
	t := r.conf.root
	if t == nil {
		if c := r.s.program.Context; c == ir.ContextServer || c == ir.ContextLocation {
			return text{s: r.s.world.DocumentRoot}
		}
		return r.fullName(text{s: "html"})
	}
	if t.constant {
		return r.fullName(text{s: t.fixed})
	}
	return r.fullName(r.eval(t, evalRun, false))
}

func (r *request) documentRoot() value {
	return value{text: r.rootPath(), valid: true}
}

// mapPath turns the URI into a file name. ok is false where alias cannot be used because the URI was rewritten, also
// while a script that rewrote it is still running. Source: ngx_http_map_uri_to_path with Debian's CVE-2026-15176.patch.
func (r *request) mapPath() (t text, ok bool) {
	l := r.conf
	if l.alias != noAlias && (!r.validLocation || r.uriChanged) {
		return text{}, false
	}
	root := r.rootPath()
	switch l.alias {
	case aliasWhole:
		if r.addURIToAlias {
			root.s += r.uri
		}
	case aliased:
		if len(r.uri) < l.aliasLen {
			// nginx counts below zero here; patched builds refuse.
			return text{}, false
		}
		root.s += r.uri[l.aliasLen:]
	default:
		root.s += r.uri
	}
	return root, true
}

func (r *request) aliasRefused() next {
	r.fail(`"alias" cannot be used in location "` + r.conf.name + `" where URI was rewritten`)
	return r.finalize(500)
}

// stat asks the world for a path as it stands: a slash at its end asks for a directory.
func (r *request) stat(p string) sim.FileInfo {
	if strings.IndexByte(p, 0) >= 0 {
		p = p[:strings.IndexByte(p, 0)]
	}
	if !strings.HasPrefix(p, "/") {
		r.giveUp("%q is looked up in the working directory of nginx", p)
	}
	if strings.Contains(p, "/../") || strings.HasSuffix(p, "/..") {
		// The folder before .. has to exist.
		if i := strings.Index(p, "/.."); i > 0 {
			before := r.stat(p[:i])
			if before.Link {
				r.giveUp("where %q leads is not known", p)
			}
			if before.Kind != sim.Directory {
				return sim.FileInfo{}
			}
		}
	}
	clean := path.Clean(p)
	info, ok := r.s.world.Files.Stat(clean)
	if !ok {
		r.giveUp("whether %q exists is not known", clean)
	}
	if info.Kind != sim.Directory && (strings.HasSuffix(p, "/") || strings.HasSuffix(p, "/.")) {
		return sim.FileInfo{}
	}
	return info
}

// fileTest is -f, -d, -e and -x of if. Source: ngx_http_script_file_code.
func (r *request) fileTest(op, p string) bool {
	if p == "" {
		return false
	}
	info := r.stat(p)
	switch op {
	case "-f":
		return info.Kind == sim.Regular
	case "-d":
		return info.Kind == sim.Directory
	case "-e":
		return info.Kind == sim.Regular || info.Kind == sim.Directory || info.Link && info.Kind != sim.NoFile
	case "-x":
		return info.Executable || info.Kind == sim.Directory
	}
	return false
}

// answer makes the response: by a handler of the location, the index, or a file.
// Source: ngx_http_core_content_phase; the modules run in the order random_index, index, autoindex, dav, gzip_static, static.
func (r *request) answer() next {
	if len(r.conf.content) > 0 {
		r.giveUp("%s", r.conf.content[0])
	}
	if r.handler != "" {
		return r.handle()
	}
	slash := r.endsInSlash()
	readable := r.method == "GET" || r.method == "HEAD" || r.method == "POST"
	if slash && readable {
		if n, answered := r.index(); answered {
			return n
		}
	}
	if slash && r.conf.autoindex && (r.method == "GET" || r.method == "HEAD") {
		return r.autoindex()
	}
	if !readable {
		r.flow("files answer GET, HEAD and POST only")
		return r.finalize(405)
	}
	if slash {
		r.flow("the directory has no index")
		return r.finalize(403)
	}
	return r.static()
}

// endsInSlash looks at the last byte of the URI. Of an empty URI that try_files found nginx looks at the byte in front of
// it, which is the last one of the alias.
func (r *request) endsInSlash() bool {
	if r.uri != "" {
		return strings.HasSuffix(r.uri, "/")
	}
	if r.conf.alias != aliasWhole || !r.addURIToAlias {
		r.giveUp("what nginx does with an empty URI is not known")
	}
	return strings.HasSuffix(r.must(r.rootPath()), "/")
}

func (r *request) flow(note string) {
	if r.trace {
		r.note(sim.Step{Kind: sim.StepFlow, Note: note})
	}
}

// handle runs the handler that the location or an if in it set.
func (r *request) handle() next {
	switch r.handler {
	case "proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass", "memcached_pass":
		if r.handler == "memcached_pass" && r.method != "GET" && r.method != "HEAD" {
			return r.finalize(405)
		}
		return r.passOn(r.handler)
	case "empty_gif", "stub_status":
		if r.method != "GET" && r.method != "HEAD" {
			return r.finalize(405)
		}
		r.status, r.contentType = 200, "image/gif"
		if r.handler == "stub_status" {
			r.contentType = "text/plain"
		}
		return r.send(nil)
	}
	r.giveUp("%s is not modelled", r.handler)
	return done
}

// static serves a file, or redirects to a directory's name with a slash. Source: ngx_http_static_handler.
func (r *request) static() next {
	t, ok := r.mapPath()
	if !ok {
		return r.aliasRefused()
	}
	p := r.must(t)
	if z := r.conf.gzipStatic; z == "always" || z == "on" && strings.Contains(r.accepts(), "gzip") {
		if info, known := r.s.world.Files.Stat(path.Clean(p + ".gz")); !known || info.Kind != sim.NoFile {
			r.giveUp("gzip_static is not modelled")
		}
	}
	info := r.stat(p)
	if r.trace {
		r.note(sim.Step{Kind: sim.StepFile, Input: p, Matched: truth(info.Kind != sim.NoFile)})
	}
	switch {
	case info.Kind == sim.NoFile:
		return r.finalize(404)
	case info.Unreadable:
		return r.finalize(403)
	case info.Kind == sim.Directory:
		r.flow("a directory is redirected to its name with a slash")
		r.setLocation(text{s: withArgs(escapeURI(r.uri)+"/", r.args)})
		return r.finalize(301)
	case info.Kind != sim.Regular:
		return r.finalize(404)
	case r.method == "POST":
		return r.finalize(405)
	}
	r.conditional("if-modified-since", "if-none-match", "if-match", "if-unmodified-since", "range")
	r.status = 200
	r.contentLength, r.hasLength = info.Size, info.Size > 0
	r.setContentType()
	r.out.File = p
	return r.send(nil)
}

// conditional gives up when the request has a header that asks for something else than the whole answer.
func (r *request) conditional(names ...string) {
	if r.errStatus != 0 && r.errStatus != 200 {
		return
	}
	for _, name := range names {
		if r.findHeader(name) != nil {
			r.giveUp("conditional requests and ranges are not modelled (%s)", name)
		}
	}
}

func (r *request) accepts() string {
	if h := r.findHeader("accept-encoding"); h != nil {
		return h.value
	}
	return ""
}

func (r *request) autoindex() next {
	t, ok := r.mapPath()
	if !ok {
		return r.aliasRefused()
	}
	p := r.must(t)
	if len(p) > 1 {
		p = strings.TrimSuffix(p, "/")
	}
	info := r.stat(p)
	switch {
	case info.Kind != sim.Directory:
		return r.finalize(404)
	case info.Unreadable:
		return r.finalize(403)
	}
	r.flow("the directory is listed")
	r.status, r.contentType = 200, "text/html"
	return r.send(nil)
}

var defaultIndex = []*template{constant("index.html")}

// index looks for the index of a directory; answered is false when there is none. Source: ngx_http_index_handler.
func (r *request) index() (n next, answered bool) {
	list := r.conf.inherited.index
	if list == nil {
		list = defaultIndex
	}
	tested := false
	for _, t := range list {
		if t.constant && strings.HasPrefix(t.fixed, "/") {
			return r.internalRedirect(t.fixed, r.args, ir.Origin{}, "index"), true
		}
		name := r.must(r.eval(t, evalIndexed, false))
		dir, ok := r.mapPath()
		if !ok {
			return r.aliasRefused(), true
		}
		if strings.HasPrefix(name, "/") {
			return r.internalRedirect(name, r.args, ir.Origin{}, "index"), true
		}
		file := r.must(dir) + name
		info := r.stat(file)
		if r.trace {
			r.note(sim.Step{Kind: sim.StepFile, Name: "index", Input: file, Matched: truth(info.Kind != sim.NoFile)})
		}
		if info.Kind != sim.NoFile {
			return r.internalRedirect(r.uri+name, r.args, ir.Origin{}, "index"), true
		}
		if tested {
			continue
		}
		tested = true
		// The folder is looked at once, without the slash at its end.
		d := orElse(strings.TrimSuffix(dir.s, "/"), "/")
		if info := r.stat(d); info.Kind != sim.Directory {
			if info.Kind != sim.NoFile && !strings.HasSuffix(dir.s, "/") {
				r.fail(`"` + d + `" is not a directory`)
				return r.finalize(500), true
			}
			if r.trace {
				r.note(sim.Step{Kind: sim.StepFile, Name: "index", Input: d, Matched: truth(false), Note: "there is no such directory"})
			}
			return r.finalize(404), true
		}
	}
	return done, false
}
