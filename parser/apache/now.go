package apache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/source"
)

// maxNesting bounds sections that are decided while reading within each other, and files within files beyond what
// httpd allows: more would not fit httpd's own stack.
const maxNesting = 2000

// maxIncludeDepth is how deep files may include each other. Source: httpd server/core.c, AP_MAX_INCLUDE_DEPTH.
const maxIncludeDepth = 50

// maxFiles bounds how many files one configuration is read from: files that each include two others twice grow exponentially.
const maxFiles = 20000

// now carries out a directive that httpd carries out while reading. It gives what takes its place.
func (r *reader) now(f *frame, e *event, d *Directive, spec *Spec) []ConfigNode {
	keep := func() []ConfigNode {
		n := take(&r.nodes)
		n.File, n.Directive, n.Known = f.file.Source, d, spec
		return []ConfigNode{n}
	}
	switch spec.Name {
	case "<IfModule", "<IfDefine", "<IfFile", "<IfDirective", "<IfSection", "<IfVersion":
		return r.conditional(f, e, d, spec)
	case "<Macro":
		r.defineMacro(f, e, d)
		return nil
	}
	if e.section != nil {
		r.soak(f, e, true)
		return nil
	}
	if server := countFault(spec, d); server != "" {
		r.refuse(f, d.Line, "wrong-argument-count", server, "")
		return nil
	}
	arg := func(i int) string {
		if i < len(d.Args) {
			return d.Args[i].Text
		}
		return ""
	}
	switch spec.Name {
	case "Define", "UnDefine":
		if strings.Contains(arg(0), ":") {
			r.refuse(f, d.Args[0].Span, "refused-argument", "Variable name must not contain ':'", "")
			return nil
		}
		if spec.Name == "UnDefine" {
			delete(r.defines, arg(0))
			break
		}
		v := r.defines[arg(0)]
		if len(d.Args) > 1 && arg(1) != "" {
			v = define{arg(1), true}
		}
		r.defines[arg(0)] = v
	case "Include", "IncludeOptional":
		return r.include(f, d, spec, keep)
	case "Use":
		r.use(f, d)
		return nil
	case "UndefMacro":
		name := strings.ToLower(arg(0))
		if !r.macroSeen {
			r.refuse(f, d.Line, "refused-argument", "no macro defined before UndefMacro", "")
		} else if r.macros[name] == nil {
			r.refuse(f, d.Line, "refused-argument", fmt.Sprintf("cannot remove undefined macro '%s'", name), "")
		}
		delete(r.macros, name)
		return nil
	case "LoadModule":
		file := moduleFile(arg(0))
		r.loaded[file] = true
		if !shipped()[file] && file != "worker.c" && file != "prefork.c" {
			r.foreign = true
		}
	}
	return keep()
}

// conditional decides a section and reads or skips its body.
// Source: httpd server/core.c, start_cond_section; modules/metadata/mod_version.c, start_ifversion.
func (r *reader) conditional(f *frame, e *event, d *Directive, spec *Spec) []ConfigNode {
	name := spec.Name
	fail := func(kind, server string) []ConfigNode {
		r.refuse(f, d.Line, kind, server, "")
		r.soak(f, e, true)
		return nil
	}
	if e.section == nil {
		return fail("unclosed-section", name+"> directive missing closing '>'")
	}
	if e.section.HeadNoBracket {
		return fail("unclosed-section", name+"> directive missing closing '>'")
	}
	if f.depth >= maxNesting {
		return fail("refused-argument", "sections are nested too deeply")
	}
	var holds bool
	if name == "<IfVersion" {
		var server string
		if holds, server = r.ifVersion(d); server != "" {
			return fail("refused-argument", server)
		}
	} else {
		text := d.ArgText.Text
		not := strings.HasPrefix(text, "!")
		l := line{text: strings.TrimPrefix(text, "!")}
		w, _ := l.nextWord(0)
		if w.Text == "" {
			return fail("wrong-argument-count", name+"> directive requires additional arguments")
		}
		holds = r.test(name, w.Text) != not
	}
	if !holds {
		if e.section != nil {
			r.cfg.Inactive = append(r.cfg.Inactive, e.section)
		}
		r.soak(f, e, false)
		return nil
	}
	return r.frame(&frame{file: f.file, input: f.input, closer: name[1:], opener: e.section, depth: f.depth + 1})
}

// test answers what a section asks.
func (r *reader) test(name, arg string) bool {
	switch name {
	case "<IfModule":
		if !strings.HasSuffix(arg, ".c") && !strings.HasSuffix(arg, "_module") {
			return false
		}
		file := moduleFile(arg)
		if file == "core.c" || r.loaded[file] {
			return true
		}
		if r.env.HasModule != nil {
			return r.env.HasModule(arg)
		}
		return shipped()[file]
	case "<IfDefine":
		_, ok := r.defines[arg]
		return ok
	case "<IfFile":
		if r.env.Exists != nil {
			return r.env.Exists(arg)
		}
		if r.env.Open == nil {
			return false
		}
		_, err := r.env.Open(arg)
		return err == nil
	case "<IfDirective":
		return r.lookup(arg) != nil
	}
	return r.lookup("<"+arg) != nil
}

// ifVersion answers <IfVersion [[!]op] version>.
func (r *reader) ifVersion(d *Directive) (holds bool, server string) {
	var op, version string
	switch len(d.Args) {
	case 0:
		op = "="
	case 1:
		op, version = "=", d.Args[0].Text
	default:
		op, version = d.Args[0].Text, d.Args[1].Text
	}
	if len(d.Args) > 2 {
		return false, "<IfVersion> directive missing closing '>'"
	}
	bare := op
	not := strings.HasPrefix(bare, "!")
	if not && len(bare) > 1 {
		bare = bare[1:]
	}
	match := func(text string) string {
		p, err := pattern.Compile(text, pattern.Apache)
		if err != nil {
			return "Unable to compile regular expression"
		}
		holds, _ = p.MatchBool(r.version())
		return ""
	}
	switch bare {
	case "=", "==":
		if text, ok := strings.CutPrefix(version, "/"); ok {
			if text, ok = strings.CutSuffix(text, "/"); !ok {
				return false, "Missing delimiting / of regular expression."
			}
			server = match(text)
			break
		}
		var c int
		c, server = compareVersions(r.version(), version)
		holds = c == 0
	case "~":
		server = match(version)
	case "<", "<=", ">", ">=":
		var c int
		c, server = compareVersions(r.version(), version)
		holds = c < 0 && bare[0] == '<' || c > 0 && bare[0] == '>' || c == 0 && len(bare) > 1
	default:
		return false, "unrecognized operator '" + op + "'"
	}
	return holds != not, server
}

func (r *reader) version() string {
	if r.env.Version != "" {
		return r.env.Version
	}
	return "2.4.71"
}

func compareVersions(have, want string) (int, string) {
	const bad = "Version appears to be invalid. It must have the format major[.minor[.patch]] where major, minor and patch are numbers."
	parse := func(s string) (v [3]int, ok bool) {
		parts := strings.Split(s, ".")
		if len(parts) > 3 || s == "" || s[0] < '0' || s[0] > '9' {
			return v, false
		}
		for i, p := range parts {
			if p == "" {
				continue
			}
			n, err := strconv.Atoi(p)
			if err != nil {
				return v, false
			}
			v[i] = n
		}
		return v, true
	}
	a, _ := parse(have)
	b, ok := parse(want)
	if !ok {
		return 0, bad
	}
	return slices.Compare(a[:], b[:]), ""
}

// include puts files in the place of an Include or IncludeOptional. Where one cannot be read the directive itself
// stays: what it brings is not known.
func (r *reader) include(f *frame, d *Directive, spec *Spec, keep func() []ConfigNode) []ConfigNode {
	name, optional := d.Args[0].Text, spec.Name == "IncludeOptional"
	span := d.Args[0].Span
	if len(r.opening) > maxIncludeDepth {
		r.recursion = true
		r.refuse(f, span, "refused-argument", fmt.Sprintf("Exceeded maximum include depth of %d, There appears to be a recursion.",
			maxIncludeDepth), fmt.Sprintf("more than %d files include each other", maxIncludeDepth))
		return nil
	}
	unread := func(name string, err error) []ConfigNode {
		r.unreadable(f, span, name, err)
		return keep()
	}
	if r.recursion {
		return keep()
	}
	if r.env.Open == nil {
		r.cfg.Diagnostics = append(r.cfg.Diagnostics, diag.Diagnostic{Name: "unread-include", Severity: diag.Info,
			File: f.file.Source, Span: span, Message: fmt.Sprintf("%q is not read: included files are not at hand", name)})
		return keep()
	}
	var names []string
	var err error
	if r.env.Glob != nil {
		names, err = r.env.Glob(name)
	}
	if !strings.ContainsAny(name, "*?[") {
		if err != nil || len(names) == 0 {
			names = []string{name}
		}
	} else {
		if err != nil {
			return unread(name, err)
		}
		if len(names) == 0 && !optional {
			dir, last := "", name
			if i := strings.LastIndexByte(name, '/'); i >= 0 {
				dir, last = name[:i], name[i+1:]
			}
			r.refuse(f, span, "refused-argument", fmt.Sprintf("Include/IncludeOptional: No matches for the wildcard '%s' in '%s', failing",
				last, dir), fmt.Sprintf("no file matches %q", name))
			return nil
		}
	}
	var out []ConfigNode
	for _, n := range names {
		src, err := r.env.Open(n)
		switch {
		case err != nil && optional && errors.Is(err, fs.ErrNotExist):
		case err != nil && errors.Is(err, fs.ErrNotExist):
			r.refuse(f, span, "refused-argument", fmt.Sprintf("Could not open configuration file %s: No such file or directory", n),
				fmt.Sprintf("the file %q does not exist", n))
		case err != nil:
			out = append(out, unread(n, err)...)
		case slices.Contains(r.opening, src.Name):
			r.recursion = true
			r.refuse(f, span, "refused-argument", fmt.Sprintf("Exceeded maximum include depth of %d, There appears to be a recursion.",
				maxIncludeDepth), fmt.Sprintf("%q includes itself", n))
		default:
			if len(r.cfg.Files) >= maxFiles {
				out = append(out, unread(n, errors.New("too many files are included"))...)
				r.recursion = true
				return out
			}
			r.opening = append(r.opening, src.Name)
			tree := Parse(src)
			out = append(out, r.file(tree)...)
			r.opening = r.opening[:len(r.opening)-1]
		}
	}
	return out
}

// unreadable reports a file that the caller could not or would not open, which says nothing about the server.
func (r *reader) unreadable(f *frame, span source.Span, name string, err error) {
	reason := err.Error()
	if e := (*os.PathError)(nil); errors.As(err, &e) {
		reason = e.Err.Error()
	}
	r.cfg.Diagnostics = append(r.cfg.Diagnostics, diag.Diagnostic{Name: "unread-include", Severity: diag.Warning,
		File: f.file.Source, Span: span, Message: fmt.Sprintf("%q is not read: %s", name, strings.Replace(reason, fmt.Sprintf("%q lies", name), "it lies", 1))})
}

// resolve replaces ${NAME} in a line and takes it apart again.
// Source: httpd server/core.c, ap_resolve_env.
func (r *reader) resolve(f *frame, d *Directive, section bool) *Directive {
	l := d.logical(f)
	out := line{start: l.start, end: l.end}
	var b strings.Builder
	s, from := l.text, 0
	changed := false
	keep := func(to int) {
		if l.pieces == nil && from < to {
			out.pieces = append(out.pieces, piece{b.Len(), l.start + from, -1})
		}
		for k := l.pieceIndex(from); l.pieces != nil && from < to && k < len(l.pieces) && l.pieces[k].at < to; k++ {
			p := l.pieces[k]
			at := max(p.at, from)
			if p.width < 0 {
				p.from += at - p.at
			}
			out.pieces = append(out.pieces, piece{b.Len() + at - from, p.from, p.width})
		}
		b.WriteString(s[from:to])
		from = to
	}
	last := strings.LastIndexByte(s, '}')
	for i := 0; i < len(s); {
		j := strings.Index(s[i:], "${")
		if j < 0 || i+j+2 > last {
			break
		}
		i += j
		n := strings.IndexByte(s[i+2:], '}')
		if n < 0 {
			break
		}
		name := s[i+2 : i+2+n]
		value, ok := r.variable(name)
		if !ok {
			if !strings.Contains(name, ":") {
				r.cfg.Diagnostics = append(r.cfg.Diagnostics, diag.Diagnostic{Name: "undefined-variable", Severity: diag.Warning,
					File: f.file.Source, Span: l.span(i, i+n+3), Message: fmt.Sprintf("${%s} is not defined, so the text stays as it is", name)})
			}
			i += n + 3
			continue
		}
		if r.given += len(value); r.given > maxGiven {
			r.refuse(f, l.span(i, i+n+3), "refused-argument", "variables give more text than can be held", "")
			return d
		}
		changed = true
		keep(i)
		if value != "" {
			span := l.span(i, i+n+3)
			out.pieces = append(out.pieces, piece{b.Len(), int(span.Start), span.Len()})
			b.WriteString(value)
		}
		i += n + 3
		from = i
	}
	if !changed {
		return d
	}
	keep(len(s))
	out.text = b.String()
	if len(out.pieces) == 0 {
		out.pieces = []piece{{0, l.start, l.end - l.start}}
	}
	n := &Directive{span: d.span}
	p := parser{file: &File{Source: f.file.Source}}
	if section {
		sec := &Section{}
		p.head(&out, sec)
		*n = sec.Head
		n.span = d.span
	} else {
		p.directive(&out, n)
	}
	n.Line = d.Line
	return n
}

// variable is the value of ${NAME}; ok is false when there is none.
func (r *reader) variable(name string) (string, bool) {
	if v := r.defines[name]; v.hasValue {
		return v.value, true
	}
	v, ok := r.env.Environ[name]
	return v, ok
}

// logical is the directive's line once more; that of a macro's line is one piece at the Use.
func (d *Directive) logical(f *frame) line {
	if d.macroLine != "" {
		return line{text: d.macroLine, start: int(d.Line.Start), end: int(d.Line.End),
			pieces: []piece{{0, int(d.Line.Start), d.Line.Len()}}}
	}
	raw := f.file.Source.Text[d.span.Start:d.span.End]
	l := readLine(string(raw), 0)
	l.start, l.end = l.start+int(d.span.Start), l.end+int(d.span.Start)
	for i := range l.pieces {
		l.pieces[i].from += int(d.span.Start)
	}
	return l
}

// allowed checks that a directive that is carried out while reading may be there at all.
func (r *reader) allowed(f *frame, spec *Spec, d *Directive, _ *ConfigSection) bool {
	o := r.outerOverride()
	if spec.Override&o != 0 || r.listed(spec) {
		if r.env.Context == ir.ContextHtaccess && spec.nowhere&notInHtaccess != 0 {
			r.refuse(f, d.Line, "directive-not-allowed-here", spec.Name+" cannot occur within htaccess files", "")
			return false
		}
		return true
	}
	if r.env.Override != nil && r.env.Override.Nonfatal && r.env.Context == ir.ContextHtaccess {
		return false
	}
	r.refuse(f, d.Name.Span, "directive-not-allowed-here", spec.Name+" not allowed here", "")
	return false
}

// outerOverride is what may stand outside of all sections.
func (r *reader) outerOverride() Override {
	if r.env.Context != ir.ContextHtaccess {
		return (InServer | All) &^ (AuthConfig | Limit)
	}
	if r.env.Override != nil {
		return r.env.Override.Classes
	}
	return All
}

// listed tells whether AllowOverrideList names the directive.
func (r *reader) listed(spec *Spec) bool {
	if r.env.Context != ir.ContextHtaccess || r.env.Override == nil {
		return false
	}
	return slices.ContainsFunc(r.env.Override.Names, func(n string) bool { return strings.EqualFold(n, spec.Name) })
}
