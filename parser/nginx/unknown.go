package nginx

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"rewright/parser/diag"
	"rewright/parser/source"
)

// available tells whether the server in question has a directive.
func (r *reader) available(s *Spec) bool {
	return (s.Module == "" || r.loaded[s.Module]) && (s.Since == "" || !versionBefore(r.version, s.Since)) &&
		(s.Until == "" || r.version == AnyRelease || versionBefore(r.version, s.Until))
}

// dynamicModules are nginx's own modules that a package may build apart, by the name of their file, and what they
// are called in the table. stream and mail bring one block each, which is not looked into.
var dynamicModules = map[string]string{
	"ngx_http_geoip_module": "geoip", "ngx_http_image_filter_module": "image_filter", "ngx_http_perl_module": "perl",
	"ngx_http_xslt_filter_module": "xslt", "ngx_stream_module": "stream", "ngx_mail_module": "mail",
	"ngx_stream_geoip_module": "stream",
}

func (r *reader) load(cd *ConfigDirective) {
	if len(cd.Args) == 0 {
		return
	}
	base := strings.TrimSuffix(path.Base(cd.Args[0].Text), ".so")
	if m, ok := dynamicModules[base]; ok {
		r.loaded[m] = true
	} else {
		r.foreign = true
	}
}

// foreignDirectives are names, or with _ at an end their prefixes and suffixes, of modules that nginx does not bring.
var foreignDirectives = []struct{ name, module string }{
	{"_by_lua_block", "lua-nginx-module"}, {"_by_lua", "lua-nginx-module"}, {"_by_lua_file", "lua-nginx-module"}, {"lua_", "lua-nginx-module"},
	{"js_", "njs"}, {"more_set_headers", "headers-more"}, {"more_clear_headers", "headers-more"}, {"more_set_input_headers", "headers-more"},
	{"more_clear_input_headers", "headers-more"}, {"brotli", "ngx_brotli"}, {"brotli_", "ngx_brotli"}, {"zstd", "zstd-nginx-module"}, {"zstd_", "zstd-nginx-module"},
	{"geoip2", "ngx_http_geoip2_module"}, {"geoip2_", "ngx_http_geoip2_module"}, {"pagespeed", "ngx_pagespeed"}, {"modsecurity", "ModSecurity-nginx"},
	{"modsecurity_", "ModSecurity-nginx"}, {"ModSecurityEnabled", "ModSecurity"}, {"ModSecurityConfig", "ModSecurity"}, {"rtmp", "nginx-rtmp-module"},
	{"passenger_", "Passenger"}, {"upload_", "nginx-upload-module"}, {"set_escape_uri", "set-misc-nginx-module"}, {"set_unescape_uri", "set-misc-nginx-module"},
	{"echo", "echo-nginx-module"}, {"echo_", "echo-nginx-module"}, {"mruby_", "ngx_mruby"}, {"vhost_traffic_status_", "nginx-module-vts"},
	{"fancyindex", "ngx-fancyindex"}, {"fancyindex_", "ngx-fancyindex"}, {"stream", "ngx_stream_module"}, {"mail", "ngx_mail_module"},
	{"auth_jwt", "nginx Plus"}, {"auth_jwt_", "nginx Plus"}, {"status_zone", "nginx Plus"}, {"health_check", "nginx Plus"}, {"state", "nginx Plus"},
	{"queue", "nginx Plus"}, {"api", "nginx Plus"}, {"app_protect_", "nginx App Protect"},
}

func foreignModule(name string) string {
	for _, f := range foreignDirectives {
		if name == f.name || strings.HasSuffix(f.name, "_") && strings.HasPrefix(name, f.name) ||
			strings.HasPrefix(f.name, "_") && strings.HasSuffix(name, f.name) {
			return f.module
		}
	}
	return ""
}

// unknown says that no module of this nginx has the directive.
func (r *reader) unknown(cd *ConfigDirective) bool {
	name := cd.Name.Text
	if r.foreign || r.loaded[name] {
		if !r.loaded[name] {
			r.report(finding{line: r.line(cd), Diagnostic: diag.Diagnostic{Code: "RD999", Name: "not-analysed", Severity: diag.Info,
				File: cd.File, Span: cd.Name.Span, Message: fmt.Sprintf("`%s` is no directive of nginx; a loaded module may bring it", name)}})
		}
		return false
	}
	if strings.HasPrefix(name, "geoip_") {
		r.geoip = true
	}
	r.madeElsewhere(cd.Directive)
	what, help := "is no directive of "+r.release(), ""
	specs := Specs(name)
	switch {
	case len(specs) > 0 && specs[0].Module != "":
		what, help = "needs a module that is not loaded", fmt.Sprintf("load the module %s, if it is installed", specs[0].Module)
	case len(specs) > 0 && specs[0].Until != "" && !versionBefore(r.version, specs[0].Until):
		what = fmt.Sprintf("is gone since nginx %s", specs[0].Until)
	case len(specs) > 0 && specs[0].Since != "":
		what, help = fmt.Sprintf("came with nginx %s, and this is %s", specs[0].Since, r.version), "leave it out, or use a newer nginx"
	default:
		if m := foreignModule(name); m != "" {
			help = fmt.Sprintf("%s brings it; without that module nginx refuses it", m)
		}
	}
	r.refuse(cd, cd.Name.Span, "RD001", "unknown-directive", what, help, fmt.Sprintf(`unknown directive "%s"`, name))
	if r.version == AnyRelease && quietElsewhere(name) {
		last := &r.findings[len(r.findings)-1]
		last.Severity, last.Refuses, cd.Refused = diag.Info, false, false
	}
	return false
}

// quietElsewhere tells whether a directive is of a common module that nginx does not ship, and changes neither status nor Location:
// compression. Where no release is named such a module is taken to be there.
func quietElsewhere(name string) bool {
	for _, module := range []string{"brotli", "zstd"} {
		if name == module || strings.HasPrefix(name, module+"_") {
			return true
		}
	}
	return name == "more_clear_headers" || name == "more_set_headers"
}

// madeElsewhere notes the variables that a directive of another module may make: those it names, and those that begin the lines of its
// block (geoip2, js_set, set_escape_uri). Their use is no second mistake.
func (r *reader) madeElsewhere(d *Directive) {
	for _, w := range append([]Word{d.Name}, d.Args...) {
		if name, ok := strings.CutPrefix(w.Text, "$"); ok && name != "" {
			r.defined[strings.ToLower(name)] = true
		}
	}
	if d.Block == nil {
		return
	}
	for _, n := range d.Block.Nodes {
		if in, ok := n.(*Directive); ok {
			r.madeElsewhere(in)
		}
	}
}

// release is the nginx that is meant, in words.
func (r *reader) release() string {
	if r.version == AnyRelease {
		return "nginx"
	}
	return "nginx " + r.version
}

func plural(n int) string {
	switch n {
	case 0:
		return "no argument"
	case 1:
		return "1 argument"
	}
	return strconv.Itoa(n) + " arguments"
}

// takes says how many arguments a directive takes.
func (s *Spec) takes() string {
	switch {
	case s.Max == 0:
		return "none"
	case s.Max < 0:
		return fmt.Sprintf("%d or more", s.Min)
	case s.Min == s.Max:
		return strconv.Itoa(s.Min)
	}
	return fmt.Sprintf("%d to %d", s.Min, s.Max)
}

func describeContext(context string) string {
	switch context {
	case "main":
		return "the main context"
	case "if-server":
		return "an `if` of a server"
	case "if-location":
		return "an `if` of a location"
	}
	return "`" + context + "`"
}

// unquotedBrace finds a regular expression such as a{2} without quotes: its { opens a block. cd is the
// directive that it opens, or the first in that block.
func unquotedBrace(cd *ConfigDirective) (source.Span, bool) {
	text := cd.File.Text
	quantifier := func(at int32) (source.Span, bool) {
		if at < 1 || int(at) >= len(text) || text[at] != '{' || isBlank(text[at-1]) || text[at-1] == '"' || text[at-1] == '\'' {
			return source.Span{}, false
		}
		for i := at + 1; int(i) < len(text); i++ {
			switch c := text[i]; {
			case c == '}' && i > at+1:
				return source.Span{Start: at, End: i + 1}, true
			case c != ',' && (c < '0' || c > '9'):
				return source.Span{}, false
			}
		}
		return source.Span{}, false
	}
	if cd.End.Len() > 0 && text[cd.End.Start] == '{' {
		if s, ok := quantifier(cd.End.Start); ok {
			return s, true
		}
	}
	return quantifier(cd.Name.Span.Start - 1)
}

// swallowed looks whether the arguments of a refused directive contain the directives of the lines below it,
// because its semicolon is missing. It then says so in place of what was found since mark, and gives the
// directives that were meant. When nginx takes the words as arguments it warns only.
func (r *reader) swallowed(cd *ConfigDirective, fr *frame, mark int) (meant, rest *Directive) {
	f := cd.File
	at := -1
	before := cd.Name
	line := func(offset int32) int { return f.Line(offset) }
	for i, w := range cd.Args {
		if w.Quote == 0 && r.beginsDirective(cd, i, fr) && line(before.Span.End) < line(w.Span.Start) {
			at = i
			break
		}
		before = w
	}
	if at < 0 {
		return nil, nil
	}
	last := cd.Name
	if at > 0 {
		last = cd.Args[at-1]
	}
	d := diag.Diagnostic{Code: "RD019", Name: "missing-semicolon", Severity: diag.Warning, File: f,
		Span:    source.Span{Start: last.Span.End, End: last.Span.End},
		Message: fmt.Sprintf("`%s` has no `;` at the end of its line, so nginx reads `%s` as its argument", cd.Name.Text, cd.Args[at].Text),
		Help:    "end the directive with `;`",
		Fixes:   []diag.Fix{{Title: "insert `;`", Safety: diag.Risky, Edits: source.Insert(last.Span.End, ";")}}}
	if !cd.Refused {
		r.report(finding{Diagnostic: d})
		return nil, nil
	}
	server := ""
	for i := mark; i < len(r.findings); i++ {
		if r.findings[i].Refuses {
			server = r.findings[i].ServerMessage
			break
		}
	}
	r.findings = r.findings[:mark]
	d.Severity, d.Refuses, d.ServerMessage = diag.Error, true, server
	d.Message += "; nginx will not start"
	d.Fixes[0].Safety = diag.Safe
	d.Related = []diag.Related{{File: f, Span: cd.End, Message: "nginx notices it here"}}
	r.report(finding{line: r.line(cd), Diagnostic: d})
	first, second := *cd.Directive, *cd.Directive
	first.Args, first.Block, first.End, first.IsRaw = slices.Clip(cd.Args[:at]), nil, source.Span{}, false
	first.span.End, first.Comments = last.Span.End, nil
	second.Name, second.Args = cd.Args[at], cd.Args[at+1:]
	second.span.Start = second.Name.Span.Start
	return &first, &second
}

// beginsDirective tells whether argument i and what follows read as a directive of this context.
func (r *reader) beginsDirective(cd *ConfigDirective, i int, fr *frame) bool {
	n := len(cd.Args) - i - 1
	for _, s := range Specs(cd.Args[i].Text) {
		if r.available(s) && s.Contexts != "*" && strings.IndexByte(s.Contexts, fr.letter) >= 0 && n >= s.Min {
			return true
		}
	}
	return false
}
