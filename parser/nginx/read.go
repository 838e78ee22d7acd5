package nginx

import (
	"fmt"
	"slices"
	"strings"

	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

// defaultVersion is the release that is meant when none is named: the one that was asked for every fact here.
const defaultVersion = "1.22.1"

// AnyRelease as Env.Version takes what any release from 1.22.1 on takes: for a text of which nobody has said which
// nginx reads it.
const AnyRelease = "any"

// finding is a diagnostic on its way into Config.Diagnostics.
type finding struct {
	diag.Diagnostic
	line int // that nginx names; 0: none
}

// Ranks of what nginx finds after it has read http {}, in its order.
const (
	rankMerge = iota
	rankLocations
	ranks
)

type reader struct {
	env      Env
	version  string
	config   *Config
	findings []finding
	late     [ranks][]finding
	seen     map[findingKey]bool
	files    map[string]*File // by name as opened
	names    []string         // files being read, outermost first
	count    int              // files included
	missing  bool             // some include could not be read: what it defines is unknown
	foreign  bool             // a module of others is loaded: what it brings is unknown
	geoip    bool             // a directive of the geoip module was refused: its variables go with it
	loaded   map[string]bool  // dynamic modules of nginx that are loaded

	defined  map[string]bool // variables that something makes, lower case
	used     map[string]variableUse
	useOrder []string

	addresses    map[string]*address
	addressOrder []*address
	upstreams    map[string]*ConfigDirective // by name, lower case
	portless     []*ConfigDirective
	inheritable  []*ConfigDirective // of http, compiled when a server has none of its own
	servers      []*frame           // server blocks that are read
	formats      map[string]bool    // log formats
	hashSize     map[string]int     // *_hash_bucket_size, bytes
	mapHashed    bool               // a map was built: its hash sizes are fixed
}

type findingKey struct {
	file    *source.File
	span    source.Span
	message string
}

// frame is a block being read: what may stand in it, and what stood in it so far.
type frame struct {
	context    string
	letter     byte
	head       *ConfigDirective // nil for the outermost text
	parent     *frame
	set        map[string]*ConfigDirective // first of each directive that may stand once
	sets       map[string]map[string]bool
	location   *locationHead               // of a location block
	locations  map[string]*ConfigDirective // in it, by kind and name
	server     *virtualServer
	keys       *hashKeys // of a map
	longestKey *ConfigDirective
	values     map[string]string // of geo and types
	percent    int               // of split_clients, in hundredths
}

func newFrame(context string, head *ConfigDirective, parent *frame) *frame {
	return &frame{context: context, letter: contextLetters[context], head: head, parent: parent,
		set: map[string]*ConfigDirective{}}
}

func (fr *frame) has(name string) bool { return fr.set[name] != nil }

// cursor follows the text faults of a file while its nodes are read.
type cursor struct {
	f     *File
	next  int
	quiet bool // the file was read before: its text faults are known
}

// Read makes the configuration that nginx would load: includes in place, and in Config.Diagnostics what
// nginx -t would say of it, in nginx's order. Reading goes on after a refusal, so that all faults are named.
func Read(f *source.File, env Env) *Config {
	if env.Context == "" {
		env.Context = ir.ContextMain
	}
	r := &reader{env: env, version: env.Version, config: &Config{Context: env.Context},
		seen: map[findingKey]bool{}, files: map[string]*File{}, loaded: map[string]bool{},
		defined: map[string]bool{}, used: map[string]variableUse{}, addresses: map[string]*address{},
		upstreams: map[string]*ConfigDirective{}, formats: map[string]bool{}, hashSize: map[string]int{}}
	if r.version == "" {
		r.version = defaultVersion
	}
	top := newFrame(string(env.Context), nil, nil)
	main := Parse(f)
	r.files[f.Name] = main
	r.config.Files = append(r.config.Files, main)
	r.names = append(r.names, f.Name)
	r.config.Nodes = r.file(main, false, top)
	if env.Context == ir.ContextMain {
		r.endMain(top)
	} else {
		r.endHTTP()
	}
	for i := range r.findings {
		r.config.Diagnostics = append(r.config.Diagnostics, r.findings[i].Diagnostic)
		r.config.lines = append(r.config.lines, r.findings[i].line)
	}
	return r.config
}

// file reads a whole file into fr.
func (r *reader) file(f *File, again bool, fr *frame) []*ConfigDirective {
	c := &cursor{f: f, quiet: again}
	out := r.nodes(c, f.Nodes, fr)
	r.flush(c, int32(len(f.Source.Text))+1)
	return out
}

// flush reports the text faults that nginx comes upon before offset.
func (r *reader) flush(c *cursor, before int32) {
	for c.next < len(c.f.faults) && c.f.faults[c.next].order < before {
		t := &c.f.faults[c.next]
		c.next++
		if !c.quiet {
			r.findings = append(r.findings, finding{Diagnostic: t.Diagnostic, line: c.f.Source.Line(t.line)})
		}
	}
}

func (r *reader) nodes(c *cursor, list []Node, fr *frame) []*ConfigDirective {
	out := make([]*ConfigDirective, 0, len(list))
	for _, n := range list {
		d, ok := n.(*Directive)
		if !ok {
			continue
		}
		end := d.End.Start
		if d.End.Len() == 0 {
			end = d.span.End // nginx stops before it handles the directive
			for int(end) < len(c.f.Source.Text) && isBlank(c.f.Source.Text[end]) {
				end++
			}
		}
		r.flush(c, end+1)
		if d.Name.Span.Len() == 0 {
			if d.Block != nil {
				r.nodes(c, d.Block.Nodes, newFrame("unknown", nil, fr))
			}
			continue
		}
		for d != nil {
			var read []*ConfigDirective
			read, d = r.directive(c, d, fr)
			out = append(out, read...)
		}
	}
	return out
}

// directive reads one directive; an include gives what stands in its files as well. rest is a directive that it
// has swallowed, still to be read.
func (r *reader) directive(c *cursor, d *Directive, fr *frame) (out []*ConfigDirective, rest *Directive) {
	cd := &ConfigDirective{File: c.f.Source, Directive: d, Context: fr.context}
	out = []*ConfigDirective{cd}
	switch {
	case entryBlock(fr.context):
		included := r.entry(cd, fr)
		r.body(c, cd, newFrame("unknown", cd, fr))
		return append(out, included...), nil
	case fr.context == "unknown" || r.env.Modules != nil && r.env.Modules(d.Name.Text):
		r.body(c, cd, newFrame("unknown", cd, fr))
		return out, nil
	}
	mark := len(r.findings)
	if r.check(cd, fr) {
		r.value(cd, fr)
		if head := heads[d.Name.Text]; head != nil && !cd.Refused {
			head(r, cd, fr)
		}
	}
	if first, rest := r.swallowed(cd, fr, mark); first != nil {
		out, _ = r.directive(c, first, fr)
		return out, rest
	}
	switch {
	case d.Name.Text == "include" && cd.Known != nil && !cd.Refused:
		return append(out, r.include(cd, fr)...), nil
	case d.Name.Text == "load_module" && cd.Known != nil:
		r.load(cd)
	case strings.HasSuffix(d.Name.Text, "_hash_bucket_size") && len(cd.Args) == 1:
		r.hashSize[d.Name.Text], _ = atoi(cd.Args[0].Text)
	}
	if cd.Block == nil {
		return out, nil
	}
	context := "unknown"
	if len(Specs(d.Name.Text)) > 0 {
		context = blockContext(d.Name.Text, fr.context)
	}
	inner := newFrame(context, cd, fr)
	inner.location = cd.location
	r.body(c, cd, inner)
	if d.Block.Closed {
		r.flush(c, d.Block.Close.Start+1)
	}
	if closer := closers[d.Name.Text]; closer != nil && cd.Known != nil && cd.Known.Block {
		closer(r, cd, fr, inner)
	}
	return out, nil
}

func (r *reader) body(c *cursor, cd *ConfigDirective, inner *frame) {
	if cd.Block != nil {
		cd.Body = r.nodes(c, cd.Block.Nodes, inner)
	}
}

// blockContext is the context inside a block directive.
func blockContext(name, outer string) string {
	switch name {
	case "if":
		if outer == "server" || outer == "location" {
			return "if-" + outer
		}
		if strings.HasPrefix(outer, "if-") {
			return outer
		}
	case "server":
		if outer == "http" || outer == "main" {
			return "server"
		}
	case "http", "location", "events", "upstream", "limit_except", "map", "geo", "split_clients", "types", "charset_map":
		return name
	}
	return "unknown"
}

// check finds what nginx says of a directive before it looks at its values: name, context, terminator and
// number of arguments. It tells whether the directive may be used.
// Source: nginx src/core/ngx_conf_file.c, ngx_conf_handler.
func (r *reader) check(cd *ConfigDirective, fr *frame) bool {
	name := cd.Name.Text
	found := false
	for _, s := range Specs(name) {
		if !r.available(s) {
			continue
		}
		found = true
		if s.Contexts != "*" && strings.IndexByte(s.Contexts, fr.letter) < 0 {
			continue
		}
		cd.Known = s
		hasBlock := cd.Block != nil || cd.IsRaw
		n := len(cd.Args)
		switch {
		case !s.Block && hasBlock:
			r.refuse(cd, cd.Head(), "RD029", "refused-argument", "is no block, but a `{` follows", "end it with `;`; quote a { that is meant as text",
				fmt.Sprintf(`directive "%s" is not terminated by ";"`, name))
			return false
		case s.Block && !hasBlock:
			r.refuse(cd, cd.Head(), "RD029", "refused-argument", "needs a block in braces", "write `{` and `}`",
				fmt.Sprintf(`directive "%s" has no opening "{"`, name))
			return false
		case n < s.Min || s.Max >= 0 && n > s.Max:
			r.refuse(cd, cd.Head(), "RD026", "wrong-argument-count", fmt.Sprintf("has %s, and takes %s", plural(n), s.takes()), "",
				fmt.Sprintf(`invalid number of arguments in "%s" directive`, name))
			return false
		}
		return true
	}
	if found {
		r.refuse(cd, cd.Name.Span, "RD106", "directive-not-allowed-here", "is not allowed in "+describeContext(fr.context), "",
			fmt.Sprintf(`"%s" directive is not allowed here`, name))
		return false
	}
	return r.unknown(cd)
}

// refuse reports that nginx refuses the file because of cd. what continues the sentence "`name` …".
func (r *reader) refuse(cd *ConfigDirective, span source.Span, code, name, what, help, server string) {
	r.refuseWith(cd, diag.Diagnostic{Code: code, Name: name, Span: span, Help: help, ServerMessage: server,
		Message: "`" + cd.Name.Text + "` " + what + "; nginx will not start"})
}

func (r *reader) refuseWith(cd *ConfigDirective, d diag.Diagnostic) {
	cd.Refused = true
	d.File, d.Severity, d.Refuses = cd.File, diag.Error, true
	if brace, ok := unquotedBrace(cd); ok {
		d.Code, d.Name, d.Span = "RD020", "unquoted-brace", brace
		d.Message = "this `{` ends the word it stands in, so nginx reads a block here; nginx will not start"
		d.Help = "put the whole regular expression into quotes"
	}
	r.report(finding{line: r.line(cd), Diagnostic: d})
}

// line is the line that nginx names for a directive: the one of its ; or {.
func (r *reader) line(cd *ConfigDirective) int {
	if cd.End.Len() == 0 {
		return cd.File.Line(cd.span.End)
	}
	return cd.File.Line(cd.End.Start)
}

// report keeps a finding, once: the same file may be included many times.
func (r *reader) report(f finding) {
	key := findingKey{f.File, f.Span, f.ServerMessage + f.Message}
	if r.seen[key] {
		return
	}
	r.seen[key] = true
	r.findings = append(r.findings, f)
}

// later keeps a finding for the end of http.
func (r *reader) later(rank int, f finding) { r.late[rank] = append(r.late[rank], f) }

// endHTTP reports what nginx finds when http {} is read, in the order of ngx_http_block.
func (r *reader) endHTTP() {
	for _, s := range r.servers {
		r.inherit(s)
	}
	r.missingPorts()
	for rank := range r.late {
		for _, f := range r.late[rank] {
			r.report(f)
		}
		r.late[rank] = nil
	}
	r.unknownVariables()
	r.useOrder = nil
	r.serverNames()
}

// endMain reports what nginx finds at the very end. Source: nginx src/event/ngx_event.c, ngx_event_init_conf.
func (r *reader) endMain(top *frame) {
	http := top.set["http"]
	if http == nil || top.has("events") || r.partial() {
		return
	}
	if r.env.Included {
		r.report(finding{Diagnostic: diag.Diagnostic{Code: "RD029", Name: "refused-argument", Severity: diag.Info, File: http.File, Span: http.Name.Span,
			Message: "no `events` block stands beside `http`: nginx starts with this file only where another one that has it includes it"}})
		return
	}
	r.lateRefuse(http, Word{Span: http.Name.Span}, `no "events" section in configuration`, "stands without an `events` block beside it")
}

// Refusal is nginx's own complaint: the message, and where it says the fault is. Line 0: nginx names no place.
type Refusal struct {
	Diagnostic *diag.Diagnostic
	Message    string
	File       *source.File
	Line       int // of the character that ended the directive, counted as nginx does
}

// Refusal is the complaint with which nginx stops; nil when it starts.
func (c *Config) Refusal() *Refusal {
	for i := range c.Diagnostics {
		if d := &c.Diagnostics[i]; d.Refuses {
			return &Refusal{d, d.ServerMessage, d.File, c.lines[i]}
		}
	}
	return nil
}

// contextsByWidth are the contexts that a file can be the inside of, the outermost first.
var contextsByWidth = []ir.Context{ir.ContextMain, ir.ContextHTTP, ir.ContextServer, ir.ContextLocation}

// DetectContext finds what the text of a file is the inside of, by the directives on its top level: the
// outermost context that allows most of them.
func DetectContext(f *File) ir.Context {
	contexts := contextsByWidth
	var votes [4]int
	for _, n := range f.Nodes {
		d, ok := n.(*Directive)
		if !ok || d.Name.Text == "include" {
			continue
		}
		for i, c := range contexts {
			if slices.ContainsFunc(Specs(d.Name.Text), func(s *Spec) bool {
				return s.Block == (d.Block != nil) && s.AllowedIn(string(c))
			}) {
				votes[i]++
			}
		}
	}
	best := 0
	for i := range votes {
		if votes[i] > votes[best] {
			best = i
		}
	}
	if votes[best] == 0 {
		return ir.ContextMain
	}
	return contexts[best]
}
