package rules

import (
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

// surroundings are a place of a configuration that the text of an example may stand at.
type surroundings struct {
	name          string
	server        ir.Server
	of            ir.Context // what the example's text is the inside of
	input         ir.Context // what the whole is the inside of
	before, after string     // what stands around the text
	slash         bool       // paths are compared with their first slash: patterns and relative targets get one
	include       bool       // the text stands in a file of its own, which before reads
}

const (
	openDirectory = "DocumentRoot " + lint.DefaultDocroot + "\n<Directory " + lint.DefaultDocroot + ">\n"
	openLocations = "location / {\nlocation ^~ / {\n"
)

// places are all surroundings. A section for every port says nothing of http and https, as a .htaccess file does not.
var places = []surroundings{
	{name: "IfModule", server: ir.Apache, of: ir.ContextHtaccess, input: ir.ContextHtaccess,
		before: "<IfModule mod_rewrite.c>\n", after: "\n</IfModule>\n"},
	{name: "IfModule in IfModule", server: ir.Apache, of: ir.ContextHtaccess, input: ir.ContextHtaccess,
		before: "<IfModule mod_alias.c>\n<IfModule mod_rewrite.c>\n", after: "\n</IfModule>\n</IfModule>\n"},
	{name: "Directory", server: ir.Apache, of: ir.ContextHtaccess, input: ir.ContextVhost, before: openDirectory, after: "\n</Directory>\n"},
	{name: "IfModule in Directory", server: ir.Apache, of: ir.ContextHtaccess, input: ir.ContextVhost,
		before: openDirectory + "<IfModule mod_rewrite.c>\n", after: "\n</IfModule>\n</Directory>\n"},
	{name: "vhost", server: ir.Apache, of: ir.ContextHtaccess, input: ir.ContextVhost, slash: true},
	{name: "VirtualHost", server: ir.Apache, of: ir.ContextHtaccess, input: ir.ContextServer, slash: true,
		before: "<VirtualHost *>\n", after: "\n</VirtualHost>\n"},
	{name: "IfModule in VirtualHost", server: ir.Apache, of: ir.ContextHtaccess, input: ir.ContextServer, slash: true,
		before: "<VirtualHost *>\n<IfModule mod_rewrite.c>\n", after: "\n</IfModule>\n</VirtualHost>\n"},
	{name: "VirtualHost", server: ir.Apache, of: ir.ContextVhost, input: ir.ContextServer,
		before: "<VirtualHost *>\n", after: "\n</VirtualHost>\n"},
	{name: "IfModule", server: ir.Apache, of: ir.ContextVhost, input: ir.ContextVhost,
		before: "<IfModule mod_rewrite.c>\n", after: "\n</IfModule>\n"},
	{name: "include", server: ir.Apache, of: ir.ContextVhost, input: ir.ContextServer, include: true,
		before: "<VirtualHost *>\nInclude part.conf\n", after: "</VirtualHost>\n"},

	{name: "whole file", server: ir.Nginx, of: ir.ContextServer, input: ir.ContextMain,
		before: "events {}\nhttp {\nserver {\nlisten 8080;\n", after: "\n}\n}\n"},
	{name: "location", server: ir.Nginx, of: ir.ContextServer, input: ir.ContextServer, before: "location / {\n", after: "\n}\n"},
	{name: "nested location", server: ir.Nginx, of: ir.ContextServer, input: ir.ContextServer, before: openLocations, after: "\n}\n}\n"},
	{name: "include", server: ir.Nginx, of: ir.ContextServer, input: ir.ContextServer, include: true, before: "include part.conf;\n"},
	{name: "include in location", server: ir.Nginx, of: ir.ContextServer, input: ir.ContextServer, include: true,
		before: "location / {\ninclude part.conf;\n", after: "}\n"},
	{name: "location", server: ir.Nginx, of: ir.ContextLocation, input: ir.ContextServer, before: "location / {\n", after: "\n}\n"},
	{name: "nested location", server: ir.Nginx, of: ir.ContextLocation, input: ir.ContextServer, before: openLocations, after: "\n}\n}\n"},
	{name: "whole file", server: ir.Nginx, of: ir.ContextHTTP, input: ir.ContextMain, before: "events {}\nhttp {\n", after: "\n}\n"},
	{name: "include", server: ir.Nginx, of: ir.ContextHTTP, input: ir.ContextHTTP, include: true, before: "include part.conf;\n"},
}

const (
	inServer   = "vhost|VirtualHost|IfModule in VirtualHost"
	inLocation = "location|nested location|include in location"
)

// meansOther are the places at which an example says something else than where it was written, by code of the rule and server,
// with what the server does there. The rule may speak there or not.
var meansOther = map[string]struct{ places, why string }{
	"RD102 apache": {inServer, "in the server's configuration the path has its slash, so the pattern matches"},
	"RD106 apache": {inServer, "RewriteMap is allowed in the server's configuration"},
	"RD107 apache": {inServer, "only per directory is the folder put before a relative target"},
	"RD109 apache": {inServer, "there mod_rewrite runs first, and mod_alias is not asked about what it has rewritten without PT"},
	"RD111 apache": {inServer, "the next rule sees the URL as it was written, which does not begin with the slash its pattern asks for"},
	"RD113 apache": {inServer, "Redirect needs a path there: httpd refuses the line"},
	"RD120 apache": {"Directory|IfModule in Directory|" + inServer, "the rule speaks of .htaccess files one below the other"},
	"RD203 apache": {inServer, "the rules run once there, not again on their result"},
	"RD206 nginx":  {inLocation, "a location does not inherit the return of the one around it, so the inner one answers"},
	"RD512 nginx":  {inLocation, "nginx refuses a location that does not lie below the one around it"},
}

var (
	patternWithoutSlash = regexp.MustCompile(`(?im)^(\s*RewriteRule\s+"?!?)(\^[^\s"]*)`)
	targetWithoutSlash  = regexp.MustCompile(`(?im)^(\s*RewriteRule\s+(?:"[^"]*"|\S+)\s+"?)([A-Za-z0-9_$][^\s":]*)(["\s]|$)`)
	hostAsTarget        = regexp.MustCompile(`^www\.`)
	fileAsked           = regexp.MustCompile(`%\{REQUEST_FILENAME\}(\s+!?-[dfs])`)
)

// slashed is the text of a .htaccess file as it says the same in the server's configuration. There the path that a rule looks
// at begins with a slash, a relative target is not completed, and REQUEST_FILENAME is not known yet.
func slashed(text string) string {
	text = patternWithoutSlash.ReplaceAllStringFunc(text, func(s string) string {
		m := patternWithoutSlash.FindStringSubmatch(s)
		return m[1] + slashedPattern(m[2])
	})
	text = targetWithoutSlash.ReplaceAllStringFunc(text, func(s string) string {
		m := targetWithoutSlash.FindStringSubmatch(s)
		if hostAsTarget.MatchString(m[2]) {
			return s
		}
		return m[1] + "/" + m[2] + m[3]
	})
	return fileAsked.ReplaceAllString(text, "%{DOCUMENT_ROOT}%{REQUEST_URI}$1")
}

// slashedPattern puts a slash before each alternative that stands in no group.
func slashedPattern(text string) string {
	if text == "^" || strings.HasPrefix(text, "^/") {
		return text
	}
	out := []byte("^/")
	depth := 0
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '(', '[':
			depth++
		case ')', ']':
			depth--
		}
		out = append(out, text[i])
		if text[i] == '|' && depth == 0 {
			out = append(out, '/')
		}
	}
	return string(out)
}

// check runs the rules over a text at a place.
func (s *surroundings) check(t *testing.T, r *lint.Rule, e lint.Example, text string) []diag.Diagnostic {
	t.Helper()
	if s.slash {
		text = slashed(text)
	}
	in := lint.Input{Server: e.Server, Context: s.input, Version: e.Version}
	if !s.include {
		in.File = source.NewFile("site", []byte(s.before+text+s.after))
		return checkBelow(t, e.Above, in, alone(r)...)
	}
	in.File = source.NewFile("site", []byte(s.before+s.after))
	in.Open = func(name string) (*source.File, error) {
		switch {
		case strings.HasSuffix(name, "part.conf"):
			return source.NewFile("part.conf", []byte(text)), nil
		case name == "/dev/null":
			return source.NewFile(name, nil), nil
		}
		return nil, fmt.Errorf("%s: %w", name, fs.ErrPermission)
	}
	return checkBelow(t, e.Above, in, alone(r)...)
}

// TestExamplesAtPlaces puts both halves of every example at each place that takes its directives: the rule fires on the first
// and is silent on the second there, too.
func TestExamplesAtPlaces(t *testing.T) {
	tried := map[string]int{}
	refused := 0
	used := map[string]bool{}
	for _, r := range All() {
		for i, e := range r.Doc.Examples {
			other := meansOther[r.Code+" "+e.Server.String()]
			for _, s := range places {
				if s.server != e.Server || s.of != e.Where() {
					continue
				}
				if slices.Contains(strings.Split(other.places, "|"), s.name) {
					used[r.Code+" "+e.Server.String()] = true
					continue
				}
				before, after := s.check(t, r, e, e.Before), s.check(t, r, e, e.After)
				if r.Code != "RD106" && (has(before, "RD106") || has(after, "RD106")) {
					refused++
					continue
				}
				tried[s.server.String()+", "+s.name]++
				if !has(before, r.Code) {
					t.Errorf("%s, example %d in %s: silent on\n%s%s", r.ID, i, s.name, e.Before, lines(before))
				}
				if has(after, r.Code) {
					t.Errorf("%s, example %d in %s: fires on\n%s%s", r.ID, i, s.name, e.After, lines(after))
				}
			}
		}
	}
	for key := range meansOther {
		if !used[key] {
			t.Errorf("%s: no example is left out for it", key)
		}
	}
	t.Logf("examples by place: %v; %d times a directive is not allowed there", tried, refused)
	for _, s := range places {
		if tried[s.server.String()+", "+s.name] == 0 {
			t.Errorf("no example was put into %s", s.name)
		}
	}
	if refused > 20 {
		t.Errorf("%d times a directive was not allowed, more than 20", refused)
	}
}
