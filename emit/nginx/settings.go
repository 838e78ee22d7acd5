package nginx

import (
	"fmt"
	"strconv"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// setting turns a directive that is no rule into one of nginx's. ok is false for directives that need no words: those
// of mod_rewrite itself.
func (g *attempt) setting(a *area, s *ir.Setting) (u unit, ok bool) {
	u = unit{origin: s.Origin, directive: s.Name}
	add := func(format string, args ...any) { u.lines = append(u.lines, fmt.Sprintf(format, args...)) }
	switch strings.ToLower(s.Name) {
	case "rewriteengine", "rewritebase":
		return u, false
	case "rewriteoptions":
		for _, w := range s.Args {
			switch strings.ToLower(w.Text) {
			case "allownoslash":
				if a.prefix == "/" || g.withoutSlash(g.compiler(a, true), a) != "" {
					continue
				}
				u.dropped = "nginx has nothing like RewriteOptions AllowNoSlash"
				return u, true
			case "allowanyuri", "ignorecontextinfo", "mergebase":
				u.dropped = "nginx has nothing like RewriteOptions " + w.Text
				return u, true
			}
		}
		return u, false
	case "mergeslashes":
		if !strings.EqualFold(s.Arg(0), "off") || !a.server {
			return u, false
		}
		if !a.seesPaths() {
			g.remark(s.Origin, s.Name, "nothing to do: files and what their folders say are found with runs of slashes merged")
			return u, false
		}
		add("merge_slashes off;")
		add("rewrite ^/+(/.*)$ $1; # those at the start are merged all the same")
	case "redirectrelative":
		if !strings.EqualFold(s.Arg(0), "on") {
			return u, false
		}
		add("absolute_redirect off;")
	case "allowencodedslashes":
		if strings.EqualFold(s.Arg(0), "nodecode") {
			u.dropped = "nginx always decodes %2F in paths"
			return u, true
		}
		return u, false
	case "usecanonicalname":
		return u, false
	case "directoryindex":
		if len(s.Args) == 0 || len(s.Args) == 1 && strings.EqualFold(s.Arg(0), "disabled") {
			u.dropped, u.byHand = "nginx cannot do without an index", "name an index file that does not exist"
			return u, true
		}
		var names []string
		for i, w := range s.Args {
			name := w.Text
			if strings.Contains(name, "$") {
				u.dropped = "a dollar sign in the name of an index"
				return u, true
			}
			if strings.HasPrefix(name, "/") && i+1 < len(s.Args) {
				continue // only the last may be absolute
			}
			names = append(names, word(name))
		}
		add("index %s;", strings.Join(names, " "))
	case "errordocument":
		return g.errorDocument(s, u), true
	case "options":
		if a.engine && !followsLinks(s) {
			// Source: mod_rewrite.c, hook_fixup, AH00670
			u.lines = []string{"return 403; # RewriteEngine is on without FollowSymLinks: httpd refuses everything"}
			return u, true
		}
		for _, w := range s.Args {
			switch strings.ToLower(w.Text) {
			case "indexes", "+indexes", "all":
				u.lines = []string{"autoindex on;"}
			case "-indexes", "none":
				u.lines = []string{"autoindex off;"}
			case "multiviews", "+multiviews":
				u.caveat = "nginx has no MultiViews: a file is not found without its extension"
				u.byHand = "try_files $uri $uri.html =404; finds pages without their extension"
			}
		}
		if len(u.lines) == 0 && u.caveat == "" {
			g.remark(s.Origin, s.Name, "nothing to do: nginx follows symbolic links and has no other options of this kind")
			return u, false
		}
	case "directoryslash":
		if strings.EqualFold(s.Arg(0), "on") {
			return u, false
		}
		u.dropped, u.byHand = "nginx always sends a folder without its slash on to the one with it", "serve such paths from a location with try_files"
	case "fallbackresource":
		if strings.EqualFold(s.Arg(0), "disabled") || !strings.HasPrefix(s.Arg(0), "/") {
			return u, false
		}
		add("try_files $uri $uri/ %s;", word(s.Arg(0)+"$is_args$args"))
		u.try = true
		if !a.says("DirectoryIndex") {
			// a folder without an index is answered by the same file
			g.server = append(g.server, &unit{lines: []string{"index index.html " + word(s.Arg(0)) + ";"}})
		}
	case "header":
		return g.header(s, u), true
	case "expiresactive", "expiresbytype", "expiresdefault":
		return g.expires(a, s, u)
	case "addtype", "forcetype", "removetype", "defaulttype", "adddefaultcharset":
		g.remark(s.Origin, s.Name, "media types stand in mime.types of nginx: types { … } or default_type for a location of its own")
		return u, false
	case "sethandler":
		if strings.EqualFold(s.Arg(0), "default-handler") {
			u.caveat = "httpd answers 404 for folders without an index page under this handler, nginx 403"
			return u, true
		}
		g.remark(s.Origin, s.Name, "handlers are locations in nginx: pass these files to their program with fastcgi_pass")
		return u, false
	case "addhandler", "removehandler", "action":
		g.remark(s.Origin, s.Name, "handlers are locations in nginx: pass these files to their program with fastcgi_pass")
		return u, false
	case "setenvif", "setenvifnocase", "browsermatch", "browsermatchnocase", "setenv", "unsetenv", "passenv", "setenvifexpr":
		return g.environmentSetting(s, u)
	case "require", "order", "allow", "deny", "satisfy", "authtype", "authname", "authuserfile", "authmerging", "authbasicprovider":
		return u, false // access() reads them together
	case "listen", "servername", "serveralias", "documentroot", "sslengine":
		return u, false // the server block has them
	case "allowoverride", "allowoverridelist", "accessfilename":
		return u, false // what it forbids is left out already
	default:
		g.remark(s.Origin, s.Name, "has no directive of its own in nginx")
		return u, false
	}
	return u, true
}

// seesPaths tells whether anything of a host looks at whole URL paths.
func (a *area) seesPaths() bool {
	if len(a.rules)+len(a.redirects)+len(a.mapped) > 0 || a.everything != nil {
		return true
	}
	for _, s := range a.sections {
		if s.Kind == ir.ScopeLocation || s.Kind == ir.ScopeLocationMatch {
			return true
		}
	}
	return false
}

// followsLinks tells whether Options leave FollowSymLinks or its kin on, which is how httpd starts out.
func followsLinks(s *ir.Setting) bool {
	on := true
	for i, w := range s.Args {
		text := strings.ToLower(w.Text)
		if i == 0 && text != "" && text[0] != '+' && text[0] != '-' {
			on = false
		}
		switch text {
		case "followsymlinks", "+followsymlinks", "symlinksifownermatch", "+symlinksifownermatch", "all":
			on = true
		case "-followsymlinks":
			on = false
		}
	}
	return on
}

// errorDocument is ErrorDocument.
func (g *attempt) errorDocument(s *ir.Setting, u unit) unit {
	code, err := strconv.Atoi(s.Arg(0))
	text := s.Arg(1)
	switch {
	case err != nil || code < 300 || code > 599 || code == 499:
		u.dropped = "nginx has no error page for " + s.Arg(0)
	case len(s.Args) < 2 || strings.EqualFold(text, "default"):
		u.dropped = "the built-in page is what nginx sends anyway"
		u.lines, u.dropped = []string{fmt.Sprintf("# %d: the built-in page", code)}, ""
	case strings.Contains(text, "%{"):
		u.dropped, u.byHand = "an expression in the text", "write the page as a file"
	case strings.HasPrefix(text, "/"):
		if strings.ContainsAny(text, "$ ") {
			u.dropped = "a dollar sign or blank in the address"
			return u
		}
		path, _, query := strings.Cut(text, "?")
		name := fmt.Sprintf("@error%d", code)
		if query && !g.named[name] && code >= 400 {
			// only when the page is there: else the answer is the error itself
			u.lines = []string{fmt.Sprintf("error_page %d %s;", code, name)}
			lines := ifBlock(test{op: "-f", operand: "$document_root" + path}, []string{fmt.Sprintf("rewrite ^ %s last;", word(text+"?"))})
			g.locations = append(g.locations, locationBlock{head: "location " + name, lines: append(lines, fmt.Sprintf("return %d;", code))})
			g.named[name] = true
			return u
		}
		if query || g.named[name] || code == 404 && (g.exists(path) || g.ruled(path)) {
			u.lines = []string{fmt.Sprintf("error_page %d %s;", code, word(text))}
			return u
		}
		// in a named location the page keeps its status when the file is missing, and no rule bars the way to it
		u.lines = []string{fmt.Sprintf("error_page %d %s;", code, name)}
		g.locations = append(g.locations, locationBlock{head: "location " + name, lines: []string{fmt.Sprintf("try_files %s =%d;", word(path), code)}})
		g.named[name] = true
	case isURL(text):
		if strings.Contains(text, "$") {
			u.dropped = "a dollar sign in the address"
			return u
		}
		u.lines = []string{fmt.Sprintf("error_page %d %s;", code, word(text))}
	default:
		text = strings.TrimPrefix(text, `"`)
		name := fmt.Sprintf("@error%d", code)
		if strings.Contains(text, "$") || g.named[name] {
			u.dropped = "a dollar sign in the text"
			return u
		}
		u.lines = []string{fmt.Sprintf("error_page %d %s;", code, name)}
		g.named[name] = true
		g.locations = append(g.locations, locationBlock{head: "location " + name, lines: []string{"default_type text/html;", fmt.Sprintf("return %d %s;", code, word(text))}})
	}
	return u
}

// ruled tells whether a rule leads a path to a file that is known to be there.
func (g *attempt) ruled(path string) bool {
	for _, a := range g.areas {
		below, ok := strings.CutPrefix(path, a.rulesPrefix)
		for _, r := range a.rules {
			if ok && a.engine && r.Action == ir.ActionRewrite && !r.Negated && len(r.Conditions) == 0 && r.Pattern != nil && r.Pattern.Re != nil && !everything(r.Pattern) {
				if takes, err := r.Pattern.Re.MatchBool(below); err == nil && takes {
					to, constant := r.Target.Constant()
					to, _, _ = strings.Cut(to, "?")
					if !strings.HasPrefix(to, "/") {
						to = a.rulesPrefix + to
					}
					return constant && g.exists(to)
				}
			}
		}
	}
	return false
}

// exists tells whether a file is known to lie in the document root.
func (g *attempt) exists(path string) bool {
	if g.files == nil {
		return false
	}
	info, known := g.files.Stat(g.docroot + path)
	return known && info.Kind == sim.Regular
}

func isURL(s string) bool {
	i := strings.IndexByte(s, ':')
	if i <= 0 {
		return false
	}
	for j := 0; j < i; j++ {
		if c := s[j]; !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || j > 0 && (c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.')) {
			return false
		}
	}
	return strings.HasPrefix(s[i:], "://")
}

// header is Header set and its kin.
func (g *attempt) header(s *ir.Setting, u unit) unit {
	args := s.Args
	always := ""
	if len(args) > 0 && (strings.EqualFold(args[0].Text, "always") || strings.EqualFold(args[0].Text, "onsuccess")) {
		if strings.EqualFold(args[0].Text, "always") {
			always = " always"
		}
		args = args[1:]
	}
	if len(args) < 2 {
		u.dropped = "not understood"
		return u
	}
	action, name := strings.ToLower(args[0].Text), strings.TrimSuffix(args[1].Text, ":")
	switch {
	case action == "unset":
		if strings.EqualFold(name, "etag") {
			u.lines = []string{"etag off;"}
			return u
		}
		u.lines = nil
		u.dropped, u.byHand = "nginx adds headers and takes none away", "for what a backend sends: proxy_hide_header or fastcgi_hide_header "+name
		return u
	case len(args) > 3 || len(args) < 3:
		u.dropped, u.byHand = "a header under a condition", "map the condition to a variable: add_header leaves out what is empty"
		return u
	case action != "set" && action != "add" && action != "append" && action != "merge" && action != "setifempty":
		u.dropped, u.byHand = "nginx cannot "+action+" a header", "a map of the header's value can do it"
		return u
	}
	value := args[2].Text
	if strings.ContainsAny(value, "$%\r\n") && (strings.Contains(value, "%{") || strings.ContainsAny(value, "$\r\n") || strings.Contains(strings.ReplaceAll(value, "%%", ""), "%")) {
		u.dropped, u.byHand = "a value that is made at run time", "add_header takes nginx's variables"
		return u
	}
	value = strings.ReplaceAll(value, "%%", "%")
	u.lines = []string{fmt.Sprintf("add_header %s %s%s;", word(name), word(value), always)}
	u.caveat = "add_header adds to what a backend sends, and is sent with redirects, too"
	u.kind = "add_header"
	return u
}

// environmentSetting is SetEnvIf and its kin, as far as rules ask for the variable.
func (g *attempt) environmentSetting(s *ir.Setting, u unit) (unit, bool) {
	g.remark(s.Origin, s.Name, "variables of the environment are fastcgi_param or map in nginx")
	return u, false
}

// expires is mod_expires: one map by media type.
func (g *attempt) expires(a *area, s *ir.Setting, u unit) (unit, bool) {
	switch strings.ToLower(s.Name) {
	case "expiresactive":
		return u, false
	}
	seconds, ok := expiry(s)
	if !ok {
		u.dropped = "a time that is not understood, or one since the file was changed"
		return u, true
	}
	key := "default"
	if strings.EqualFold(s.Name, "ExpiresByType") {
		key = strings.ToLower(s.Arg(0))
	}
	for _, e := range g.expiryTimes {
		if e[0] == key {
			g.remark(s.Origin, s.Name, "said again further down or in another folder; the first one counts")
			return u, false
		}
	}
	g.expiryTimes = append(g.expiryTimes, [2]string{key, seconds})
	u.caveat = "by the media types of nginx, which may differ for some extensions"
	u.kind = "expires"
	if len(g.expiryTimes) == 1 {
		u.lines = []string{"expires $expires;"}
	}
	return u, true
}

// expiry is the time of ExpiresByType as nginx writes it.
func expiry(s *ir.Setting) (string, bool) {
	var words []string
	for i, w := range s.Args {
		if i == 0 && strings.EqualFold(s.Name, "ExpiresByType") {
			continue
		}
		words = append(words, strings.Fields(strings.ToLower(w.Text))...)
	}
	if len(words) == 0 {
		return "", false
	}
	if code := words[0]; len(words) == 1 && len(code) > 1 && (code[0] == 'a' || code[0] == 'm') {
		n, err := strconv.Atoi(code[1:])
		return spellTime(n), err == nil && code[0] == 'a'
	}
	if words[0] != "access" && words[0] != "now" {
		return "", false
	}
	words = words[1:]
	if len(words) > 0 && words[0] == "plus" {
		words = words[1:]
	}
	total := 0
	for len(words) >= 2 {
		n, err := strconv.Atoi(words[0])
		unit, ok := map[string]int{"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800, "month": 2592000, "year": 31536000}[strings.TrimSuffix(words[1], "s")]
		if err != nil || !ok {
			return "", false
		}
		total += n * unit
		words = words[2:]
	}
	return spellTime(total), len(words) == 0
}

func spellTime(n int) string {
	for _, u := range []struct {
		size int
		name string
	}{{31536000, "y"}, {86400, "d"}, {3600, "h"}, {60, "m"}} {
		if n > 0 && n%u.size == 0 {
			return fmt.Sprint(n/u.size) + u.name
		}
	}
	return fmt.Sprint(n) + "s"
}
