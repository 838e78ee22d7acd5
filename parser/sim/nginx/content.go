package nginx

import (
	"encoding/base64"
	"net/netip"
	"path"
	"strconv"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// accessPhase checks allow, deny and auth_basic. It gives the status of a refusal, 0 when the request may pass.
func (r *request) accessPhase() int {
	c := r.conf
	denied, decided := false, false
	if len(c.access) > 0 {
		a, _ := netip.ParseAddr(r.clientAddr())
		for _, rule := range c.access {
			if rule.prefix.bad {
				r.doubt("%s %s is not understood", rule.set.Name, rule.set.Arg(0))
			}
			if rule.prefix.contains(a) {
				denied, decided = rule.deny, true
				r.note(sim.Step{Kind: sim.StepRule, Origin: rule.set.Origin, Name: rule.set.Name, Input: a.String(),
					Pattern: rule.set.Arg(0), Matched: truth(true)})
				break
			}
		}
	}
	auth := false
	if c.authBasic != nil {
		realm := r.expand(c.authBasic)
		auth = realm != "off"
	}
	if !auth {
		if denied {
			r.note(sim.Step{Kind: sim.StepFlow, Note: "access forbidden by rule"})
			return 403
		}
		return 0
	}
	if denied && !c.satisfyAny {
		return 403
	}
	if c.satisfyAny && decided && !denied {
		return 0
	}
	if r.headerValue("authorization") == "" {
		r.note(sim.Step{Kind: sim.StepFlow, Note: "no user was given: 401"})
		return 401
	}
	r.doubt("whether the password is right is not known")
	return 0
}

func (r *request) basicUser() string {
	v := r.headerValue("authorization")
	if len(v) < 6 || !strings.EqualFold(v[:6], "Basic ") {
		return ""
	}
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(v[6:]))
	if err != nil {
		return ""
	}
	user, _, ok := strings.Cut(string(b), ":")
	if !ok {
		return ""
	}
	return user
}

// tryFiles looks for the files of try_files. It tells true when the request goes on elsewhere.
// Source: ngx_http_try_files_handler.
func (r *request) tryFiles(set *ir.Setting) bool {
	c := r.conf
	n := len(set.Args)
	for i := 0; i < n; i++ {
		last := i == n-1
		text := set.Args[i].Text
		if last && strings.HasPrefix(text, "=") {
			code, _ := strconv.Atoi(text[1:])
			r.note(sim.Step{Kind: sim.StepFile, Origin: set.Origin, Name: "try_files", Result: text})
			r.finalize(code)
			return true
		}
		_, constant := set.Templates[i].Constant()
		name := r.expand(set.Templates[i])
		dir := !last && strings.HasSuffix(text, "/")
		if dir {
			name = strings.TrimSuffix(name, "/")
		}
		root, ok := r.mapPath("")
		if c.alias && !c.aliasRegex {
			root, _ = r.rootPath()
		}
		if !ok {
			r.out.Error = `"alias" cannot be used in location "` + c.scope.Path + `" where URI was rewritten`
			r.finalize(500)
			return true
		}
		rel := name
		if c.alias && !c.aliasRegex && !constant && len(name) >= c.aliasLen && len(r.uri) >= c.aliasLen && name[:c.aliasLen] == r.uri[:c.aliasLen] {
			rel = name[c.aliasLen:]
		}
		if last {
			r.note(sim.Step{Kind: sim.StepFile, Origin: set.Origin, Name: "try_files", Result: rel, Note: "the last one is not tested"})
			if strings.HasPrefix(rel, "@") {
				r.namedLocation(rel, set.Origin)
			} else {
				uri, args, _ := strings.Cut(rel, "?")
				r.internalRedirect(uri, args, set.Origin)
			}
			return true
		}
		file := root + rel
		info, known := r.fileInfo(file)
		if !known {
			r.doubt("it is not known whether %q exists", file)
		}
		found := info.Kind == sim.Directory && dir || info.Kind == sim.Regular && !dir
		r.note(sim.Step{Kind: sim.StepFile, Origin: set.Origin, Name: "try_files", Input: file, Matched: truth(found)})
		if !found {
			continue
		}
		switch {
		case !c.alias:
			r.uri = rel
		case c.aliasRegex:
			if !dir {
				r.uri, r.addURIToAlias = rel, true
			}
		default:
			r.uri = r.uri[:min(c.aliasLen, len(r.uri))] + rel
		}
		return false
	}
	return false
}

// fileInfo asks for a path as nginx builds it: a final slash asks for a directory.
func (r *request) fileInfo(p string) (sim.FileInfo, bool) {
	if strings.IndexByte(p, 0) >= 0 {
		return sim.FileInfo{}, true
	}
	if !strings.HasPrefix(p, "/") {
		return sim.FileInfo{}, false
	}
	clean := path.Clean(p)
	info, ok := r.s.world.Files.Stat(clean)
	if ok && strings.HasSuffix(p, "/") && info.Kind == sim.Regular {
		return sim.FileInfo{}, true
	}
	// a file in the middle of the path is not found
	return info, ok
}

// content makes the response: a handler of the location, the index, or a file.
func (r *request) content() {
	if r.handler != nil {
		r.handle(r.handler)
		return
	}
	get := r.method == "GET" || r.method == "HEAD" || r.method == "POST"
	slash := strings.HasSuffix(r.uri, "/")
	if slash && get {
		if r.indexFile() {
			return
		}
	}
	if slash && r.conf.autoindex && (r.method == "GET" || r.method == "HEAD") {
		p, ok := r.mapPath(r.uri)
		if !ok {
			r.finalize(500)
			return
		}
		info, known := r.fileInfo(p)
		if !known {
			r.doubt("it is not known whether %q exists", p)
		}
		if info.Kind != sim.Directory {
			r.finalize(404)
			return
		}
		r.note(sim.Step{Kind: sim.StepFlow, Note: "the directory is listed"})
		r.send(200, nil)
		return
	}
	if !get {
		r.note(sim.Step{Kind: sim.StepFlow, Note: "files answer GET, HEAD and POST only: 405"})
		r.finalize(405)
		return
	}
	if slash {
		if _, ok := r.mapPath(r.uri); !ok {
			r.aliasFault()
			return
		}
		r.note(sim.Step{Kind: sim.StepFlow, Note: "the directory has no index: 403"})
		r.finalize(403)
		return
	}
	p, ok := r.mapPath(r.uri)
	if !ok {
		r.aliasFault()
		return
	}
	info, known := r.fileInfo(p)
	if !known {
		r.doubt("it is not known whether %q exists", p)
	}
	r.note(sim.Step{Kind: sim.StepFile, Input: p, Matched: truth(info.Kind != sim.NoFile)})
	switch {
	case info.Kind == sim.NoFile:
		r.finalize(404)
	case info.Unreadable:
		r.finalize(403)
	case info.Kind == sim.Directory:
		loc := escapeURI(r.uri) + "/"
		if r.args != "" {
			loc += "?" + r.args
		}
		r.note(sim.Step{Kind: sim.StepFlow, Note: "a directory without its slash is redirected to it"})
		r.setLocation(loc)
		r.finalize(301)
	case info.Kind != sim.Regular:
		r.finalize(404)
	case r.method == "POST":
		r.finalize(405)
	default:
		r.send(200, nil)
		if r.out.Status == 200 {
			r.out.File = p
		}
	}
}

func (r *request) aliasFault() {
	r.out.Error = `"alias" cannot be used in location "` + r.conf.scope.Path + `" where URI was rewritten`
	r.finalize(500)
}

var defaultIndex = []*ir.Template{{Text: "index.html", Parts: []ir.Part{{Kind: ir.Literal, Text: "index.html"}}}}

// indexFile looks for the index of a directory. It tells true when the request is answered.
// Source: ngx_http_index_handler.
func (r *request) indexFile() bool {
	list := r.conf.index
	if list == nil {
		list = defaultIndex
	}
	tested := false
	for _, t := range list {
		name := r.expand(t)
		if strings.HasPrefix(name, "/") {
			r.internalRedirect(name, r.args, ir.Origin{})
			return true
		}
		dir, ok := r.mapPath(r.uri)
		if !ok {
			r.aliasFault()
			return true
		}
		info, known := r.fileInfo(dir + name)
		if !known {
			r.doubt("it is not known whether %q exists", dir+name)
		}
		r.note(sim.Step{Kind: sim.StepFile, Name: "index", Input: dir + name, Matched: truth(info.Kind == sim.Regular)})
		if info.Kind == sim.Regular || info.Kind == sim.Directory {
			r.internalRedirect(r.uri+name, r.args, ir.Origin{})
			return true
		}
		if !tested {
			tested = true
			d, known := r.fileInfo(dir)
			if !known {
				r.doubt("it is not known whether %q exists", dir)
			}
			if d.Kind != sim.Directory {
				r.note(sim.Step{Kind: sim.StepFile, Name: "index", Input: dir, Matched: truth(false), Note: "no such directory: 404"})
				r.finalize(404)
				return true
			}
		}
	}
	return false
}

// contentType is the type that a response of this URI gets from its extension.
func (r *request) contentType() string {
	base := r.uri[strings.LastIndexByte(r.uri, '/')+1:]
	ext := ""
	if i := strings.LastIndexByte(base, '.'); i > 0 || i == 0 && len(base) > 1 {
		ext = asciiLower(base[i+1:])
	}
	types := r.conf.types
	if types == nil {
		types = map[string]string{"html": "text/html", "gif": "image/gif", "jpg": "image/jpeg"}
	}
	if t := types[ext]; ext != "" && t != "" {
		return t
	}
	return r.conf.defaultType
}

// addHeaders puts the headers of add_header and expires into the outcome.
func (r *request) addHeaders(status int) {
	c := r.conf
	ok := false
	switch status {
	case 200, 201, 204, 206, 301, 302, 303, 304, 307, 308:
		ok = true
	}
	if c.expires != nil && ok {
		r.expires(c.expires)
	}
	for i := range c.headers {
		h := &c.headers[i]
		if !ok && !h.always {
			continue
		}
		v := r.expand(h.value)
		if v == "" {
			continue
		}
		r.note(sim.Step{Kind: sim.StepSet, Origin: h.origin, Name: "add_header", Input: h.name, Result: v})
		if strings.EqualFold(h.name, "Location") {
			// a second Location is sent as it is
			if r.location == nil {
				r.out.Location = &v
				continue
			}
		}
		if strings.EqualFold(h.name, "Last-Modified") || strings.EqualFold(h.name, "ETag") {
			kept := r.out.Header[:0]
			for _, o := range r.out.Header {
				if !strings.EqualFold(o[0], h.name) {
					kept = append(kept, o)
				}
			}
			r.out.Header = kept
		}
		r.out.Header = append(r.out.Header, [2]string{h.name, v})
	}
}

// expires sets Expires and Cache-Control. The date is given only when the world has a time.
func (r *request) expires(set *ir.Setting) {
	text := r.expand(set.Templates[0])
	if text == "modified" && len(set.Templates) > 1 {
		r.out.Header = append(r.out.Header, [2]string{"Cache-Control", "modified"})
		r.doubt("expires modified is not modelled")
		return
	}
	add := func(k, v string) { r.out.Header = append(r.out.Header, [2]string{k, v}) }
	switch text {
	case "off", "":
		return
	case "epoch":
		add("Expires", "Thu, 01 Jan 1970 00:00:01 GMT")
		add("Cache-Control", "no-cache")
		return
	case "max":
		add("Expires", "Thu, 31 Dec 2037 23:55:55 GMT")
		add("Cache-Control", "max-age=315360000")
		return
	}
	if strings.HasPrefix(text, "@") {
		r.doubt("expires at a time of day depends on the time")
		return
	}
	neg := strings.HasPrefix(text, "-")
	secs, ok := seconds(strings.TrimLeft(text, "+-"))
	if !ok {
		return
	}
	if !r.s.world.Time.IsZero() {
		t := r.s.world.Time.Unix() + secs
		if neg {
			t = r.s.world.Time.Unix() - secs
		}
		_ = t
	}
	if neg || secs == 0 && neg {
		add("Cache-Control", "no-cache")
		return
	}
	add("Cache-Control", "max-age="+strconv.FormatInt(secs, 10))
}

// seconds reads nginx's time syntax: "1h30m", "10d", "30".
func seconds(s string) (int64, bool) {
	var total, n int64
	digits := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			n, digits = n*10+int64(c-'0'), true
			continue
		case c == ' ':
			continue
		case !digits:
			return 0, false
		case c == 'y':
			total += n * 365 * 86400
		case c == 'M':
			total += n * 30 * 86400
		case c == 'w':
			total += n * 7 * 86400
		case c == 'd':
			total += n * 86400
		case c == 'h':
			total += n * 3600
		case c == 'm':
			total += n * 60
		case c == 's':
			total += n
		default:
			return 0, false
		}
		n, digits = 0, false
	}
	return total + n, true
}
