package compare

// Requests that no rule speaks of but a change may concern: hosts, sections, pages, folders.

import (
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
)

// Bounds of what is asked besides the rules.
const (
	samplesOf     = 3  // requests for the pattern of a section
	maxExtensions = 40 // name extensions of a configuration
)

// drawPlaces asks for what no rule speaks of: the hosts, the sections, a page that is there, one that is not, a folder.
func (c *comparison) drawPlaces(s *Side, isNew bool) error {
	all := addresses(s)
	at := all[0]
	root := s.Docroot
	var first error
	ask := func(method, target string, exists ...string) {
		if first == nil {
			r := sim.Request{Method: method, Scheme: at.scheme, Host: at.host, Port: at.port, Target: target}
			first = c.tryFrom(probe.Probe{Request: r, Exists: exists}, isNew)
		}
	}
	for i, a := range all {
		at = a
		ask("GET", "/")
		ask("GET", "/no/such-page?x=1")
		if i > 0 {
			continue
		}
		ask("GET", "/", root+"/index.html")
		ask("GET", "/", root+"/index.php")
		ask("GET", "/page.html", root+"/page.html")
		ask("GET", "/page.php?x=1", root+"/page.php")
		ask("POST", "/no/such-page")
		ask("GET", "/folder", root+"/folder/")
		ask("GET", "/folder/", root+"/folder/")
		ask("GET", "/folder/", root+"/folder/index.html")
		ask("GET", "/.git/config", root+"/.git/config")
		ask("GET", "/.htaccess", root+"/.htaccess")
	}
	at = all[0]
	extensions := map[string]bool{}
	var walk func(sc *ir.Scope)
	walk = func(sc *ir.Scope) {
		switch sc.Kind {
		case ir.ScopeHost:
			at = addressesOf(sc, all[0].host)[0]
		case ir.ScopeHtaccess:
			if rest, ok := strings.CutPrefix(sc.Dir, root); ok {
				ask("GET", rest+"/")
				ask("GET", rest+"/no-such-page")
				ask("GET", rest+"/page.html", sc.Dir+"/page.html")
				if rest != "" {
					ask("GET", rest)
				}
			}
		case ir.ScopeDirectory:
			if rest, ok := strings.CutPrefix(sc.Path, root); ok && !strings.ContainsAny(rest, "*?[") {
				rest = strings.TrimSuffix(rest, "/")
				ask("GET", rest+"/page.html", root+rest+"/page.html")
			}
		case ir.ScopeLocation, ir.ScopeLocationMatch:
			for _, t := range probe.Samples(sc.Pattern, samplesOf) {
				ask("GET", escaped(t))
				ask("GET", escaped(t), root+path.Clean(t))
			}
			if sc.Pattern == nil && strings.HasPrefix(sc.Path, "/") && !strings.ContainsAny(sc.Path, "*?[ ") {
				ask("GET", sc.Path)
				ask("GET", sc.Path, root+path.Clean(sc.Path))
				ask("GET", strings.TrimSuffix(sc.Path, "/")+"/no-such-page")
			}
		case ir.ScopeFilesMatch:
			for _, t := range probe.Names(sc.Pattern, samplesOf) {
				ask("GET", escaped("/"+t), root+"/"+t)
			}
		case ir.ScopeFiles:
			if name := sc.Path; name != "" && !strings.ContainsAny(name, "*?[ /") {
				ask("GET", "/"+name, root+"/"+name)
			}
		}
		for _, item := range sc.Items {
			switch it := item.(type) {
			case *ir.Scope:
				walk(it)
			case *ir.Setting:
				for _, ext := range extensionsOf(it) {
					if !extensions[ext] && len(extensions) < maxExtensions {
						extensions[ext] = true
						ask("GET", "/page."+ext, root+"/page."+ext)
					}
				}
			}
		}
	}
	if s.Program.Root != nil {
		walk(s.Program.Root)
	}
	for _, h := range s.Program.Htaccess {
		walk(h)
	}
	return first
}

// escaped is a path as a request line has it.
func escaped(path string) string { return (&url.URL{Path: path}).EscapedPath() }

// extensionsOf are name extensions that a setting makes a difference for.
func extensionsOf(set *ir.Setting) (out []string) {
	switch set.Name {
	case "AddType", "AddHandler", "AddEncoding", "AddCharset", "AddLanguage":
		for _, a := range set.Args[min(1, len(set.Args)):] {
			if ext := strings.TrimPrefix(a.Text, "."); ext != "" && !strings.ContainsAny(ext, "/ .") {
				out = append(out, ext)
			}
		}
	case "ExpiresByType":
		out = typeExtensions[strings.ToLower(set.Arg(0))]
	}
	return out
}

// typeExtensions are usual name extensions of media types. Source: httpd docs/conf/mime.types.
var typeExtensions = map[string][]string{
	"text/html": {"html"}, "text/css": {"css"}, "text/javascript": {"js"}, "application/javascript": {"js"}, "text/plain": {"txt"},
	"text/xml": {"xml"}, "application/xml": {"xml"}, "application/json": {"json"}, "application/pdf": {"pdf"},
	"image/gif": {"gif"}, "image/jpeg": {"jpg"}, "image/png": {"png"}, "image/svg+xml": {"svg"}, "image/webp": {"webp"}, "image/x-icon": {"ico"},
	"font/woff": {"woff"}, "font/woff2": {"woff2"}, "video/mp4": {"mp4"},
}

// address is where requests go to.
type address struct {
	host, scheme string
	port         int // 0: the scheme's own
}

// maxAddresses bounds how many addresses of a configuration are asked.
const maxAddresses = 150

// addresses are those at which a configuration answers, each of its hosts at each of its ports, and a host that it does not
// name; there is at least one.
func addresses(s *Side) (out []address) {
	seen := map[address]bool{}
	add := func(a address) {
		if !seen[a] && len(out) < maxAddresses {
			seen[a] = true
			out = append(out, a)
		}
	}
	hosts := s.Site.Hosts()
	if len(hosts) == 0 {
		hosts = []string{probe.DefaultHost}
	}
	named := map[string]bool{}
	var ports []address // without hosts
	for _, item := range s.Program.Root.Within() {
		in, ok := item.(*ir.Scope)
		if !ok || in.Kind != ir.ScopeHost || in.File == nil {
			continue
		}
		for _, a := range addressesOf(in, hosts[0]) {
			add(a)
			named[a.host] = true
			a.host = ""
			if !slices.Contains(ports, a) && len(ports) < 4 {
				ports = append(ports, a)
			}
		}
	}
	if len(ports) == 0 {
		ports = []address{{scheme: "http"}, {scheme: "https"}}
	}
	for _, h := range append(hosts[:min(len(hosts), 50):min(len(hosts), 50)], "unheard-of.test") {
		if named[h] {
			continue
		}
		for _, a := range ports {
			a.host = h
			add(a)
		}
	}
	return out
}

// listens tells whether a configuration says at which addresses it answers.
func listens(s *Side) bool {
	var inside func(sc *ir.Scope) bool
	inside = func(sc *ir.Scope) bool {
		return slices.ContainsFunc(sc.Items, func(item ir.Item) bool {
			in, ok := item.(*ir.Scope)
			return ok && (in.Kind == ir.ScopeHost && in.File != nil || inside(in))
		})
	}
	return s.Program.Root != nil && inside(s.Program.Root)
}

// addressesOf are those of a server block or virtual host, under a name that stands for it when it has none; at least one.
func addressesOf(sc *ir.Scope, name string) (out []address) {
	var names []string
	var listens []address
	tls := false
	listen := func(text string, secure bool) {
		if strings.HasPrefix(text, "unix:") {
			return
		}
		port, err := strconv.Atoi(text[strings.LastIndexByte(text, ':')+1:])
		a := address{scheme: "http"}
		if secure || err == nil && port == 443 {
			a.scheme = "https"
		}
		if err == nil && port != map[string]int{"http": 80, "https": 443}[a.scheme] {
			a.port = port
		}
		if !slices.Contains(listens, a) {
			listens = append(listens, a)
		}
	}
	for _, item := range sc.Items {
		set, ok := item.(*ir.Setting)
		if !ok {
			continue
		}
		switch set.Name {
		case "ServerName", "ServerAlias", "server_name":
			for _, w := range set.Args {
				n := w.Text
				if set.Name == "ServerName" {
					n = n[strings.Index(n, "://")+1:]
					n, _, _ = strings.Cut(strings.TrimPrefix(n, "//"), ":")
				}
				n = strings.TrimPrefix(n, ".")
				if n != "" && !strings.ContainsAny(n, "*~_$?/ ") {
					names = append(names, strings.ToLower(n))
				}
			}
		case "SSLEngine":
			tls = strings.EqualFold(set.Arg(0), "on")
		case "listen":
			listen(set.Arg(0), slices.ContainsFunc(set.Args, func(w ir.Word) bool { return w.Text == "ssl" }))
		}
	}
	if sc.Name == "VirtualHost" {
		for _, w := range sc.Args {
			listen(w.Text, tls)
		}
	}
	if len(listens) == 0 {
		listens = []address{{scheme: "http"}}
	}
	if len(names) == 0 {
		names = []string{name}
	}
	for _, n := range names {
		for _, a := range listens {
			a.host = n
			out = append(out, a)
		}
	}
	return out
}
