package apache

import (
	"fmt"
	"strings"

	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

// Read reads a tree as httpd does: first the sections that are decided while reading and the directives that are
// carried out at once, then, over what is left, the arguments and places of all directives.
// Faults are diagnostics; reading goes on behind them as well as it can.
// Source: httpd server/config.c, ap_build_config and ap_walk_config.
func Read(f *File, env Env) *Config {
	r := &reader{env: env, cfg: &Config{Context: env.Context}, macros: map[string]*macro{}, defines: map[string]define{},
		loaded: map[string]bool{}, aliases: map[string]bool{}}
	for name, value := range env.Defines {
		r.defines[name] = define{value: value, hasValue: value != ""}
	}
	r.opening = []string{f.Source.Name}
	r.cfg.Nodes = r.file(f)
	r.walk()
	r.cfg.Defines = map[string]string{}
	for name, d := range r.defines {
		r.cfg.Defines[name] = d.value
	}
	return r.cfg
}

type reader struct {
	env       Env
	cfg       *Config
	defines   map[string]define
	macros    map[string]*macro // by name in lower case
	loaded    map[string]bool   // source files of modules that LoadModule named
	opening   []string          // names of the files that are being read, outermost first
	foreign   bool              // a module that httpd does not ship was loaded
	aliases   map[string]bool   // providers that <AuthnProviderAlias> and <AuthzProviderAlias> make
	macroSeen bool
	recursion bool // files include each other endlessly, or nearly so: no more are read
	given     int  // bytes that macros and variables have given so far
	refused   bool // reading has met what httpd stops at

	nodes slab[ConfigDirective]
}

// define is a name from Define or -D; without a value it serves <IfDefine> only.
type define struct {
	value    string
	hasValue bool
}

// event is one logical line that is no comment, in file order.
type event struct {
	directive *Directive // nil for the end of section
	section   *Section   // the section that the line opens or ends
	end       source.Span
	text      string // the end line, of a macro's lines only
}

// stretch is a run of events; macros put theirs before what is left of the file's.
type stretch struct {
	events []event
	at     int
	macro  string // name of the macro the lines come from, in lower case; empty: the file itself
}

// frame is a stretch of lines that httpd reads in one go: a file, or the body of a section that is decided while
// reading. Sections within it must end within it.
type frame struct {
	file   *File
	input  *[]stretch // innermost last; shared with the frames around this one in the same file
	closer string     // what ends the frame: "IfModule"; empty for a file
	opener *Section   // the section that the frame is the body of, where the tree has it
	open   []*ConfigSection
	depth  int
}

// next gives the next line; nil at the end of the file.
func (f *frame) next() *event {
	for in := *f.input; len(in) > 0; in = *f.input {
		top := &in[len(in)-1]
		if top.at < len(top.events) {
			top.at++
			return &top.events[top.at-1]
		}
		*f.input = in[:len(in)-1]
	}
	return nil
}

// events flattens a tree, iteratively: sections nest as deep as the text says.
func events(nodes []Node) []event {
	type level struct {
		nodes []Node
		i     int
		owner *Section
	}
	out := make([]event, 0, len(nodes))
	stack := []level{{nodes: nodes}}
	for len(stack) > 0 {
		top := &stack[len(stack)-1]
		if top.i == len(top.nodes) {
			if s := top.owner; s != nil && s.Closed {
				out = append(out, event{section: s, end: s.End})
			}
			stack = stack[:len(stack)-1]
			continue
		}
		n := top.nodes[top.i]
		top.i++
		switch n := n.(type) {
		case *Directive:
			out = append(out, event{directive: n})
		case *Section:
			out = append(out, event{directive: &n.Head, section: n})
			stack = append(stack, level{nodes: n.Body, owner: n})
		}
	}
	return out
}

// file reads a file from its beginning.
func (r *reader) file(f *File) []ConfigNode {
	r.cfg.Files = append(r.cfg.Files, f)
	fr := &frame{file: f}
	fr.input = &[]stretch{{events: r.limit(fr, events(f.Nodes))}}
	return r.frame(fr)
}

// maxHtaccessLine is how many bytes a logical line of a .htaccess file may have before its line feed, one more at
// the end of the file. Source: httpd include/httpd.h, HUGE_STRING_LEN.
const maxHtaccessLine = 8191

// maxServerLine is the same for server configuration. Source: httpd server/config.c, VARBUF_MAX_LEN.
const maxServerLine = 16*1024*1024 - 1

// limit reports the first logical line that is too long and gives the events before it: httpd reads no further.
func (r *reader) limit(f *frame, all []event) []event {
	most := maxServerLine
	if r.env.Context == ir.ContextHtaccess {
		most = maxHtaccessLine
	}
	if len(f.file.Source.Text) <= most {
		return all
	}
	var long source.Span
	text := ""
	f.file.leaves(func(s source.Span) {
		if s.Len() <= most || long.Len() > 0 {
			return
		}
		if text == "" {
			text = string(f.file.Source.Text)
		}
		l := readLine(text, int(s.Start))
		if l.length > most+1 || l.length > most && l.lineFeed {
			long = s
		}
	})
	if long.Len() == 0 {
		return all
	}
	for i := range all {
		start := all[i].end.Start
		if d := all[i].directive; d != nil {
			start = d.span.Start
		}
		if start >= long.Start {
			all = all[:i]
			break
		}
	}
	last := long.End
	if last > long.Start && f.file.Source.Text[last-1] == '\n' {
		last--
	}
	r.refuse(f, long, "refused-argument", fmt.Sprintf("Error reading %s at line %d: Line too long",
		f.file.Source.Name, f.file.Source.Line(last)),
		fmt.Sprintf("the line has more than %d bytes, continuations included", most))
	return all
}

// frame reads lines until the end of the frame and gives what they put into force.
func (r *reader) frame(f *frame) []ConfigNode {
	var out []ConfigNode
	add := func(n ConfigNode) {
		if top := len(f.open); top > 0 {
			f.open[top-1].Body = append(f.open[top-1].Body, n)
			return
		}
		out = append(out, n)
	}
	for e := f.next(); e != nil; e = f.next() {
		if e.directive == nil || strings.HasPrefix(e.directive.Name.Text, "</") {
			if r.close(f, e) {
				return out
			}
			continue
		}
		d, section := e.directive, e.section
		if strings.Contains(d.ArgText.Text, "${") || strings.Contains(d.Name.Text, "${") {
			d = r.resolve(f, d, section != nil)
		}
		name := d.Name.Text
		if section != nil {
			name = "<" + name
		}
		spec := r.lookup(name)
		if spec != nil && spec.Override&onRead != 0 {
			if !r.allowed(f, spec, d, nil) {
				if section != nil {
					r.soak(f, e, true)
				}
				continue
			}
			for _, n := range r.now(f, e, d, spec) {
				add(n)
			}
			continue
		}
		if section != nil {
			s := &ConfigSection{File: f.file.Source, Head: *d, Known: spec, Source: section}
			add(s)
			f.open = append(f.open, s)
			continue
		}
		n := take(&r.nodes)
		n.File, n.Directive, n.Known = f.file.Source, d, spec
		add(n)
	}
	r.endOfFile(f)
	return out
}

// endOfFile says what httpd says of sections that are still open.
func (r *reader) endOfFile(f *frame) {
	if f.closer != "" {
		// httpd takes this silently, whatever is still open inside.
		if f.opener != nil {
			r.note(f, f.opener.Head.Line, "unclosed-section", "RD023", fmt.Sprintf(
				"<%s> is never closed; httpd takes the end of the file for its end", f.opener.Head.Name.Text))
		}
		return
	}
	if len(f.open) == 0 {
		return
	}
	var message strings.Builder
	for i := len(f.open) - 1; i >= 0; i-- {
		s := f.open[i]
		if message.Len() > 0 {
			message.WriteByte('\n')
		}
		fmt.Fprintf(&message, "%s:%d: <%s> was not closed.", f.file.Source.Name, f.lastLine(&s.Head), s.Head.Name.Text)
	}
	outer := f.open[0]
	r.refuse(f, outer.Head.Line, "unclosed-section", message.String(),
		fmt.Sprintf("<%s> opened on line %d is never closed", outer.Head.Name.Text, f.file.Source.Line(outer.Head.Line.Start)))
	for i, s := range f.open {
		s.Refused = i == 0
	}
}

// lastLine is the number httpd gives a directive: that of its last physical line.
func (f *frame) lastLine(d *Directive) int {
	return f.file.Source.Line(max(d.Line.End-1, d.Line.Start))
}

// close handles an end line; true: it ends the frame.
func (r *reader) close(f *frame, e *event) bool {
	span := e.end
	if e.directive != nil {
		span = e.directive.Line
	}
	text := f.endText(e)
	if f.closer != "" && len(f.open) == 0 && strings.HasPrefix(text, "</") && strings.EqualFold(text[2:], f.closer+">") {
		return true
	}
	l := line{text: text}
	w, _ := l.nextWord(0)
	name := w.Text
	if len(f.open) == 0 {
		r.refuse(f, span, "unclosed-section", fmt.Sprintf("%s without matching <%s section", name, strings.TrimPrefix(name, "</")),
			r.endFault(f, e, text))
		return e.section != nil && e.section == f.opener
	}
	top := f.open[len(f.open)-1]
	switch bare, ok := strings.CutSuffix(name, ">"); {
	case !ok:
		r.refuse(f, span, "unclosed-section", name+"> directive missing closing '>'", r.endFault(f, e, text))
	case !strings.EqualFold(strings.TrimPrefix(bare, "</"), top.Head.Name.Text):
		r.refuse(f, span, "unclosed-section", fmt.Sprintf("Expected </%s> but saw %s>", top.Head.Name.Text, bare),
			r.endFault(f, e, text))
	default:
		f.open = f.open[:len(f.open)-1]
		return false
	}
	// Go on as the tree reads it.
	for i := len(f.open) - 1; i >= 0 && e.section != nil; i-- {
		if f.open[i].Source == e.section {
			f.open = f.open[:i]
			return false
		}
	}
	return e.section != nil && e.section == f.opener
}

// endText is the logical line of an end line.
func (f *frame) endText(e *event) string {
	if e.directive != nil {
		text := e.directive.Name.Text
		if e.directive.ArgText.Text != "" {
			text += " " + e.directive.ArgText.Text
		}
		return text
	}
	if e.text != "" {
		return e.text
	}
	raw := f.file.Source.Slice(e.end)
	if strings.ContainsAny(raw, "\n\x00") {
		l := readLine(raw, 0)
		return l.text
	}
	return raw
}

func (r *reader) endFault(f *frame, e *event, text string) string {
	switch {
	case e.section != nil && strings.EqualFold(strings.Join(strings.Fields(text), ""), "</"+e.section.Head.Name.Text+">"):
		return fmt.Sprintf("httpd takes only </%s> itself for the end of a section, without blanks", e.section.Head.Name.Text)
	case e.section != nil && e.section == f.opener:
		return fmt.Sprintf("httpd takes only </%s> itself for the end of a section, with nothing behind it", e.section.Head.Name.Text)
	case len(f.open) > 0:
		return fmt.Sprintf("%q does not end <%s>, which is open here", text, f.open[len(f.open)-1].Head.Name.Text)
	}
	return fmt.Sprintf("%q ends a section that is not open here", text)
}

// soak skips the body of a section as httpd skips that of a false one; e is its head. quiet: say nothing of what
// httpd would, because it has stopped already.
// Source: httpd server/config.c, ap_soak_end_container.
func (r *reader) soak(f *frame, e *event, quiet bool) {
	names := []string{"<" + e.directive.Name.Text}
	for in := f.next(); in != nil; in = f.next() {
		if in.directive != nil && in.section != nil {
			names = append(names, "<"+in.directive.Name.Text)
			continue
		}
		if in.directive != nil && !strings.HasPrefix(in.directive.Name.Text, "</") {
			continue
		}
		l := line{text: f.endText(in)}
		w, _ := l.nextWord(0)
		name := w.Text[:len(w.Text)-1]
		top := names[len(names)-1]
		if strings.EqualFold(strings.TrimPrefix(name, "</"), top[1:]) {
			if names = names[:len(names)-1]; len(names) == 0 {
				return
			}
			continue
		}
		if !quiet {
			r.refuse(f, e.directive.Line, "unclosed-section", fmt.Sprintf("Expected </%s> but saw %s>", top[1:], name),
				fmt.Sprintf("%q on line %d does not end <%s>", l.text, f.line(in), top[1:]))
			quiet = true
		}
		for len(names) > 0 && in.section != nil && !strings.EqualFold(names[len(names)-1][1:], in.section.Head.Name.Text) {
			names = names[:len(names)-1]
		}
		if len(names) > 0 && in.section != nil {
			names = names[:len(names)-1]
		}
		if len(names) == 0 || in.section != nil && in.section == e.section {
			return
		}
	}
	if !quiet {
		r.refuse(f, e.directive.Line, "unclosed-section", fmt.Sprintf("Expected </%s> before end of configuration", names[len(names)-1][1:]),
			fmt.Sprintf("<%s> opened on line %d is never closed", e.directive.Name.Text, f.line(e)))
	}
}

func (f *frame) line(e *event) int {
	if e.directive != nil {
		return f.file.Source.Line(e.directive.Line.Start)
	}
	return f.file.Source.Line(e.end.Start)
}

// lookup finds a directive of a module that is loaded.
func (r *reader) lookup(name string) *Spec {
	spec := LookupSpec(name)
	if spec != nil && !r.hasModule(spec.Module) {
		return nil
	}
	return spec
}

// hasModule tells whether a module is loaded; file is its source file.
func (r *reader) hasModule(file string) bool {
	if file == "core.c" || r.loaded[file] {
		return true
	}
	if r.env.HasModule != nil {
		return r.env.HasModule(file) || r.env.HasModule(ModuleIdentifier(file))
	}
	return shipped()[file]
}

// refuse reports what httpd stops at while reading.
func (r *reader) refuse(f *frame, span source.Span, name, server, message string) {
	r.refused = true
	r.cfg.Diagnostics = append(r.cfg.Diagnostics, refusal(f.file.Source, span, name, server, message))
}

func (r *reader) note(f *frame, span source.Span, name, code, message string) {
	r.cfg.Diagnostics = append(r.cfg.Diagnostics, diag.Diagnostic{Code: code, Name: name, Severity: diag.Warning,
		File: f.file.Source, Span: span, Message: message})
}

// codes of the catalogue by name, for what reading refuses.
var codes = map[string]string{
	"unknown-directive": "RD001", "unknown-flag": "RD002", "space-in-flags": "RD003", "bad-flag-brackets": "RD005",
	"text-after-flags": "RD006", "unknown-status-word": "RD009", "invisible-character": "RD015", "unclosed-section": "RD023",
	"wrong-argument-count": "RD026", "refused-argument": "RD029", "directive-not-allowed-here": "RD106",
	"not-a-redirect-status": "RD304", "no-such-status": "RD305", "redirect-without-target": "RD306", "invalid-regex": "RD514",
}

// refusal is a diagnostic of something httpd refuses. An empty message stands for the server's own, which is given as
// the error log shows it.
func refusal(f *source.File, span source.Span, name, server, message string) diag.Diagnostic {
	if message == "" {
		message = server
	}
	return diag.Diagnostic{Code: codes[name], Name: name, Severity: diag.Error, File: f, Span: span,
		Message: message, Refuses: true, ServerMessage: escapeLog(server)}
}
