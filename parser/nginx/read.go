package nginx

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strings"

	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

// Limits of including, in files: nginx has none but its file descriptors, and dies of a cycle.
const (
	maxIncludeDepth = 100
	maxIncludes     = 20000
)

// finding is a diagnostic on its way into Config.Diagnostics.
type finding struct {
	diag.Diagnostic
	line int  // that nginx names; 0: none
	late bool // found after the whole text was read
}

type reader struct {
	env      Env
	version  string
	config   *Config
	findings []finding
	seen     map[findingKey]bool
	files    map[string]*File // by name as opened
	names    []string         // files being read, outermost first
	count    int              // files included
	missing  bool             // some include could not be read: what it defines is unknown
}

type findingKey struct {
	file    *source.File
	span    source.Span
	message string
}

// frame is a block being read: what may stand in it, and what stood in it so far.
type frame struct {
	context string
	letter  byte
	head    *ConfigDirective // nil for the outermost text
	parent  *frame
	set     map[string]*ConfigDirective // first of each simple directive
}

func newFrame(context string, head *ConfigDirective, parent *frame) *frame {
	return &frame{context: context, letter: contextLetters[context], head: head, parent: parent,
		set: map[string]*ConfigDirective{}}
}

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
		seen: map[findingKey]bool{}, files: map[string]*File{}}
	if r.version == "" {
		r.version = "1.22.1"
	}
	top := newFrame(string(env.Context), nil, nil)
	main := Parse(f)
	r.files[f.Name] = main
	r.config.Files = append(r.config.Files, main)
	r.names = append(r.names, f.Name)
	r.config.Nodes = r.file(main, false, top)
	r.deliver()
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
	var out []*ConfigDirective
	for _, n := range list {
		d, ok := n.(*Directive)
		if !ok {
			continue
		}
		end := d.End.Start
		if d.End.Len() == 0 {
			end = d.span.End
		}
		r.flush(c, end+1)
		if d.Name.Span.Len() == 0 {
			if d.Block != nil {
				r.nodes(c, d.Block.Nodes, newFrame("unknown", nil, fr))
			}
			continue
		}
		out = append(out, r.directive(c, d, fr)...)
		if d.Block != nil && d.Block.Closed {
			r.flush(c, d.Block.Close.Start+1)
		}
	}
	return out
}

// directive reads one directive; an include gives what stands in its files.
func (r *reader) directive(c *cursor, d *Directive, fr *frame) []*ConfigDirective {
	cd := &ConfigDirective{File: c.f.Source, Directive: d, Context: fr.context}
	out := []*ConfigDirective{cd}
	if fr.context == "unknown" {
		if d.Name.Text == "include" && len(d.Args) == 1 && d.Block == nil && takesInclude(fr.head) {
			return append(out, r.include(cd, fr)...)
		}
		r.body(c, cd, fr, "unknown")
		return out
	}
	if r.env.Modules != nil && r.env.Modules(d.Name.Text) {
		r.body(c, cd, fr, "unknown")
		return out
	}
	if !r.check(cd, fr) {
		r.body(c, cd, fr, blockContext(d.Name.Text, fr.context))
		return out
	}
	if d.Name.Text == "include" {
		return append(out, r.include(cd, fr)...)
	}
	r.body(c, cd, fr, blockContext(d.Name.Text, fr.context))
	return out
}

// takesInclude tells whether include is read inside a block whose lines are no directives.
func takesInclude(head *ConfigDirective) bool {
	if head == nil {
		return false
	}
	switch head.Name.Text {
	case "map", "geo", "types", "charset_map":
		return true
	}
	return false
}

func (r *reader) body(c *cursor, cd *ConfigDirective, fr *frame, context string) {
	if cd.Block != nil {
		cd.Body = r.nodes(c, cd.Block.Nodes, newFrame(context, cd, fr))
	}
}

// blockContext is the context inside a block directive.
func blockContext(name, outer string) string {
	switch name {
	case "if":
		return "if-" + outer
	case "http", "server", "location", "events", "upstream", "limit_except":
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
			r.refuse(cd, cd.Head(), "RD029", "refused-argument", "is no block", "end it with `;`",
				fmt.Sprintf(`directive "%s" is not terminated by ";"`, name))
			return false
		case s.Block && !hasBlock:
			r.refuse(cd, cd.Head(), "RD029", "refused-argument", "needs a block in braces", "write `{` and `}`",
				fmt.Sprintf(`directive "%s" has no opening "{"`, name))
			return false
		case n < s.Min || s.Max >= 0 && n > s.Max:
			r.refuse(cd, cd.Head(), "RD026", "wrong-argument-count", fmt.Sprintf("has %d arguments", n), "",
				fmt.Sprintf(`invalid number of arguments in "%s" directive`, name))
			return false
		}
		return true
	}
	if found {
		r.refuse(cd, cd.Name.Span, "RD106", "directive-not-allowed-here", "is not allowed in "+fr.context, "",
			fmt.Sprintf(`"%s" directive is not allowed here`, name))
		return false
	}
	r.refuse(cd, cd.Name.Span, "RD001", "unknown-directive", "is no directive of nginx "+r.version,
		"", fmt.Sprintf(`unknown directive "%s"`, name))
	return false
}

// available tells whether the server in question has a directive.
func (r *reader) available(s *Spec) bool {
	return s.Module == "" && (s.Since == "" || !versionBefore(r.version, s.Since)) &&
		(s.Until == "" || versionBefore(r.version, s.Until))
}

// refuse reports that nginx refuses the file because of cd. what continues the sentence "`name` …".
func (r *reader) refuse(cd *ConfigDirective, span source.Span, code, name, what, help, server string) {
	cd.Refused = true
	r.report(finding{line: r.line(cd), Diagnostic: diag.Diagnostic{
		Code: code, Name: name, Severity: diag.Error, File: cd.File, Span: span,
		Message: "`" + cd.Name.Text + "` " + what + "; nginx will not start", Help: help, Refuses: true, ServerMessage: server,
	}})
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

// deliver orders the findings: what nginx says while it reads, then what it says after.
func (r *reader) deliver() {
	slices.SortStableFunc(r.findings, func(a, b finding) int {
		switch {
		case a.late == b.late:
			return 0
		case b.late:
			return -1
		}
		return 1
	})
	for i := range r.findings {
		r.config.Diagnostics = append(r.config.Diagnostics, r.findings[i].Diagnostic)
		r.config.lines = append(r.config.lines, r.findings[i].line)
	}
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

// include reads the files that an include names.
// Source: nginx src/core/ngx_conf_file.c, ngx_conf_include.
func (r *reader) include(cd *ConfigDirective, fr *frame) []*ConfigDirective {
	name := cd.Args[0].Text
	notRead := func(why string) []*ConfigDirective {
		r.missing = true
		r.report(finding{line: r.line(cd), Diagnostic: diag.Diagnostic{
			Code: "RD999", Name: "not-analysed", Severity: diag.Info, File: cd.File, Span: cd.Args[0].Span,
			Message: fmt.Sprintf("%q is not read: %s", name, why),
		}})
		return nil
	}
	if r.env.Open == nil {
		return notRead("included files cannot be opened here")
	}
	names := []string{name}
	if strings.ContainsAny(name, "*?[") {
		if r.env.Glob == nil {
			return notRead("file names with wildcards cannot be looked up here")
		}
		var err error
		if names, err = r.env.Glob(name); err != nil {
			return notRead(err.Error())
		}
		sort.Strings(names)
	}
	cd.Included = true
	var out []*ConfigDirective
	for _, n := range names {
		if slices.Contains(r.names, n) || len(r.names) > maxIncludeDepth || r.count > maxIncludes {
			r.refuse(cd, cd.Args[0].Span, "RD029", "refused-argument",
				fmt.Sprintf("reads %q, which is being read already, without end", n), "remove the cycle",
				fmt.Sprintf(`open() "%s" failed (24: Too many open files)`, r.fullName(n)))
			return out
		}
		f, again := r.files[n]
		if !again {
			src, err := r.env.Open(n)
			if errors.Is(err, fs.ErrNotExist) {
				r.refuse(cd, cd.Args[0].Span, "RD029", "refused-argument", fmt.Sprintf("reads %q, which does not exist", n), "",
					fmt.Sprintf(`open() "%s" failed (2: No such file or directory)`, r.fullName(n)))
				r.missing = true
				continue
			}
			if err != nil {
				cd.Included = false
				notRead(err.Error())
				continue
			}
			f = Parse(src)
			r.files[n] = f
			r.config.Files = append(r.config.Files, f)
		}
		r.count++
		r.names = append(r.names, n)
		out = append(out, r.file(f, again, fr)...)
		r.names = r.names[:len(r.names)-1]
	}
	return out
}

// fullName is an included name as nginx opens it: relative ones belong to the folder of the main file.
func (r *reader) fullName(name string) string {
	if path.IsAbs(name) {
		return name
	}
	return path.Join(path.Dir(r.names[0]), name)
}

// DetectContext finds what the text of a file is the inside of, by the directives on its top level: the
// outermost context that allows most of them.
func DetectContext(f *File) ir.Context {
	contexts := []ir.Context{ir.ContextMain, ir.ContextHTTP, ir.ContextServer, ir.ContextLocation}
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
