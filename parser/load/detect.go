package load

import (
	"bytes"
	"path"
	"strings"

	"rewright/parser/ir"
)

// detectLimit bounds how much of a file is looked at to tell what it is, in bytes.
const detectLimit = 256 << 10

// Detected is what a file seems to be.
type Detected struct {
	Server  ir.Server
	Context ir.Context
	// Sure is set when the text itself, or a name that servers give a meaning to, says that this is
	// configuration. A file somebody named on the command line need not be sure; Discover takes no other.
	Sure bool
}

// Detect tells from name and text which server reads a file and as the inside of what.
// Server is 0 when nothing speaks for either.
func Detect(name string, text []byte) Detected {
	base := path.Base(name)
	s := scan(text)
	if s.placeholders > 0 && !isHtaccessName(base) {
		// Jinja, ERB and their kin: what the server will read is not known.
		return Detected{}
	}
	apache, nginx := s.score()
	var d Detected
	switch {
	case isHtaccessName(base) && !s.isServersOwn(base):
		d = Detected{ir.Apache, ir.ContextHtaccess, true}
		if base != ".htaccess" && !(s.apacheHits > 0 && apache >= nginx) {
			d.Sure = false
		}
		return d
	case apache > nginx:
		d.Server = ir.Apache
	case nginx > apache:
		d.Server = ir.Nginx
	case strings.HasPrefix(base, "nginx"):
		d.Server = ir.Nginx
	case base == "httpd.conf" || base == "apache2.conf":
		d.Server = ir.Apache
	default:
		return Detected{}
	}
	if d.Server == ir.Apache {
		d.Context = s.apacheContext(base)
		d.Sure = s.strongApache > 0 && s.apacheHits*10 >= s.lines*6 || strings.HasPrefix(base, "httpd.conf") && s.apacheHits > 0
		return d
	}
	d.Context = s.nginxContext(base)
	d.Sure = s.strongNginx > 0 && s.nginxHits*10 >= s.nginxLines*6 || base == "nginx.conf" && s.nginxHits > 0
	return d
}

// isHtaccessName tells whether a file is, by its name, a .htaccess file or a copy of one.
func isHtaccessName(base string) bool {
	lower := strings.ToLower(base)
	return strings.HasPrefix(lower, ".htaccess") || strings.HasPrefix(lower, "_htaccess") || strings.HasPrefix(lower, "_.htaccess") ||
		strings.HasSuffix(lower, ".htaccess") || strings.HasSuffix(lower, "_htaccess") || strings.HasSuffix(lower, "-htaccess") ||
		lower == "htaccess" || strings.HasPrefix(lower, "htaccess.")
}

// isServersOwn tells whether a text is for the server, whatever its name has of a .htaccess: it ends in .conf, and what
// stands in it outside of sections is refused in a folder.
func (s *scanned) isServersOwn(base string) bool {
	if path.Ext(base) != ".conf" {
		return false
	}
	for name := range s.names {
		if kind := apacheWords()[name]; kind == serverOnly || kind == hostToo || name == "<virtualhost" {
			return true
		}
	}
	return false
}

// scanned is what a look at the lines of a file finds.
type scanned struct {
	lines, nginxLines         int // logical lines with a directive; for nginx, statements
	apacheHits, nginxHits     int // of them, how many begin with a directive of the server and end as one does
	strongApache, strongNginx int // those that nothing but the server's configuration says
	endings                   int // lines that end in ; { or }
	sections                  int // lines that look like <Name …> or </Name>
	placeholders              int // lines with {{ … }}, {% … %} or <% … %>

	// inIf counts directives that an if of a location takes and an if of a server does not, in ifs of nginx that stand
	// outside of any other block.
	inIf int
	isIf bool // the last block outside of any other is an if

	open  string         // the directive of the line before, which may have its { on the next
	names map[string]int // directives outside of any section or block, lower case for Apache's sections: "<virtualhost"
	// slashed and bare count RewriteRule patterns that begin with ^/ or /, and those that begin with a plain character.
	slashed, bare int
}

func scan(text []byte) *scanned {
	if len(text) > detectLimit {
		text = text[:detectLimit]
	}
	s := &scanned{names: map[string]int{}}
	depth, nest, fresh := 0, 0, true // nginx braces, Apache sections, a statement begins here
	for len(text) > 0 {
		line := text
		if i := bytes.IndexByte(text, '\n'); i >= 0 {
			line, text = text[:i], text[i+1:]
		} else {
			text = nil
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		s.line(string(line), &depth, &nest, &fresh)
	}
	return s
}

func (s *scanned) line(line string, depth, nest *int, fresh *bool) {
	s.lines++
	if line[0] == '{' && s.open != "" { // the brace of the line before
		if s.names[s.open]--; s.names[s.open] == 0 {
			delete(s.names, s.open)
		}
		s.names[s.open+"{"]++
	}
	s.open = ""
	if isPlaceholder(line) {
		s.placeholders++
	}
	word := line
	if i := strings.IndexAny(line, " \t{;"); i > 0 {
		word = line[:i]
	}
	if n := len(word); n > 2 && word[0] == '"' && word[n-1] == '"' && nginxWords()[word[1:n-1]] != 0 && line[len(line)-1] != '>' {
		line = word[1:n-1] + line[n:] // nginx takes a name in quotes
		word = word[1 : n-1]
	}
	rest := strings.TrimSpace(line[len(word):])
	code := line
	if i := strings.Index(line, " #"); i > 0 {
		code = strings.TrimSpace(line[:i])
	}
	ends := strings.HasSuffix(code, ";") || strings.HasSuffix(code, "{") || strings.HasSuffix(code, "}")
	if ends {
		s.endings++
	}

	// nginx: a statement begins behind ; { or }, maybe on a later line than the one before.
	if *fresh {
		s.nginxLines++
		if ends && (nginxWords()[word] != 0 || code == "}") {
			s.nginxHits++
			if isStrongNginx(word, code) {
				s.strongNginx++
			}
		} else if nginxWords()[word] != 0 && !strings.ContainsAny(word, "<>") && line[len(line)-1] != '\\' {
			s.nginxHits++ // goes on on the next line
		} else if *depth > 0 && ends {
			s.nginxHits++ // entries of map, types, geo
		}
		if *depth == 0 {
			s.isIf = word == "if"
		} else if *depth == 1 && s.isIf && nginxWords()[word] != 0 && !ofScript[word] {
			s.inIf++
		}
		if *depth == 0 && nginxWords()[word] != 0 {
			key := word
			if strings.HasSuffix(code, "{") || strings.Contains(code, "{") && word != "if" {
				key += "{"
			}
			s.names[key]++
			if !ends && key == word {
				s.open = word
			}
		}
	}
	*fresh = ends
	*depth = max(*depth+strings.Count(code, "{")-strings.Count(code, "}"), 0) // ${name} cancels itself out

	// Apache: one directive a line.
	lower := strings.ToLower(word)
	switch {
	case strings.HasPrefix(lower, "</"):
		s.sections++
		if kind := apacheSections()[strings.TrimRight(lower[2:], ">")]; kind != 0 {
			s.apacheHits++
			if kind == enclosing {
				*nest = max(*nest-1, 0)
			}
		}
		return
	case strings.HasPrefix(lower, "<"):
		s.sections++
		name := strings.TrimRight(lower[1:], ">")
		kind := apacheSections()[name]
		if kind == 0 {
			return
		}
		s.apacheHits++
		s.strongApache++
		if kind != transparent {
			if *nest == 0 {
				s.names["<"+name]++
			}
			*nest++
		}
		return
	}
	kind := apacheWords()[lower]
	if kind == 0 || ends && strings.HasSuffix(code, ";") && nginxWords()[word] != 0 {
		return
	}
	s.apacheHits++
	if kind != anywhere || rest == "" {
		if *nest == 0 {
			s.names[lower]++
		}
	}
	if kind != anywhere && rest != "" && !(word == lower && plainWords()[word] != 0) {
		s.strongApache++
	}
	if lower == "rewriterule" && *nest == 0 {
		pattern := strings.TrimLeft(rest, `"'!`)
		switch {
		case strings.HasPrefix(pattern, "^/?"):
		case strings.HasPrefix(pattern, "^/"), strings.HasPrefix(pattern, "/"), strings.HasPrefix(pattern, "^(/"):
			s.slashed++
		case strings.HasPrefix(pattern, "^(.*)"), strings.HasPrefix(pattern, "^"+"."), strings.HasPrefix(pattern, "^ "), strings.HasPrefix(pattern, "."), strings.HasPrefix(pattern, "("):
		case strings.HasPrefix(pattern, "^"):
			s.bare++
		}
	}
}

// isPlaceholder tells whether a line holds marks of a template language that no server reads.
func isPlaceholder(line string) bool {
	if i := strings.Index(line, "{{"); i >= 0 && strings.Contains(line[i:], "}}") {
		return true
	}
	return strings.HasPrefix(line, "{%") || strings.Contains(line, "<%=") || strings.HasPrefix(line, "<%") || strings.HasPrefix(line, "<?php")
}

func isStrongNginx(word, code string) bool {
	switch word {
	case "server", "http", "events", "upstream":
		return strings.HasSuffix(code, "{")
	case "location", "map", "geo", "limit_except":
		return strings.Contains(code, "{") && strings.ContainsAny(code, " \t")
	case "if":
		return strings.Contains(code, "{") && strings.Contains(code, "$")
	case "return": // a status or a URL, where C has values
		arg := strings.TrimLeft(code[len(word):], " \t")
		return strings.HasPrefix(arg, "$") || strings.HasPrefix(arg, "http") ||
			len(arg) > 3 && arg[0] >= '1' && arg[0] <= '5' && arg[1] >= '0' && arg[1] <= '9' && (arg[3] == ';' || arg[3] == ' ')
	case "rewrite", "proxy_pass", "fastcgi_pass", "server_name", "listen", "try_files", "error_page", "add_header",
		"alias", "proxy_set_header", "include", "error_log", "access_log", "ssl_certificate":
		return strings.HasSuffix(code, ";")
	}
	return false
}

// score weighs the two servers against each other.
func (s *scanned) score() (apache, nginx int) {
	apache = 2*s.apacheHits + 3*s.sections
	nginx = 2*s.nginxHits + s.endings
	if s.apacheHits == 0 {
		apache = 0
	}
	if s.strongNginx == 0 && s.nginxHits == 0 {
		nginx = 0
	}
	return apache, nginx
}

// apacheContext tells what an Apache text that is no .htaccess by name is the inside of.
func (s *scanned) apacheContext(base string) ir.Context {
	if base == "httpd.conf" || base == "apache2.conf" || s.names["<virtualhost"] > 0 {
		return ir.ContextServer
	}
	host := false
	for name := range s.names {
		switch apacheWords()[name] {
		case serverOnly:
			return ir.ContextServer
		case hostToo:
			host = true
		}
		switch name {
		case "<directory", "<directorymatch", "<location", "<locationmatch", "<proxy", "<proxymatch":
			host = true
		}
	}
	if s.names["<macro"] > 0 { // used anywhere in the server's configuration
		return ir.ContextServer
	}
	if host || s.slashed > s.bare {
		return ir.ContextVhost
	}
	if s.bare > 0 {
		return ir.ContextHtaccess
	}
	if path.Ext(base) == ".txt" || path.Ext(base) == "" {
		return ir.ContextHtaccess
	}
	return ir.ContextVhost
}

// ofScript are the directives that an if of a server takes.
var ofScript = map[string]bool{"set": true, "break": true, "return": true, "rewrite": true, "if": true}

// hasServerWords tells whether something outside of any block stands in server {} only.
func (s *scanned) hasServerWords() bool {
	for name := range s.names {
		if word := strings.TrimSuffix(name, "{"); nginxWords()[word] == nginxServer && !ofScript[word] && word != "location" && word != "try_files" {
			return true
		}
	}
	return false
}

// nginxContext tells what an nginx text is the inside of.
func (s *scanned) nginxContext(base string) ir.Context {
	if s.names["http{"] > 0 || s.names["events{"] > 0 || s.names["stream{"] > 0 || s.names["mail{"] > 0 {
		return ir.ContextMain
	}
	if s.names["server{"] > 0 || s.names["upstream{"] > 0 {
		return ir.ContextHTTP
	}
	inServer, http, location, main := 0, 0, 0, 0
	for name := range s.names {
		switch nginxWords()[strings.TrimSuffix(name, "{")] {
		case nginxHTTP:
			http++
		case nginxServer:
			inServer++
		case nginxLocation:
			location++
		case nginxMain:
			main++
		}
	}
	if s.inIf > 0 && !s.hasServerWords() {
		return ir.ContextLocation
	}
	switch {
	case inServer > 0:
		return ir.ContextServer
	case location > 0 && http == 0:
		return ir.ContextLocation
	case http > 0:
		return ir.ContextHTTP
	case main > 0 && base == "nginx.conf":
		return ir.ContextMain
	}
	return ir.ContextServer
}
