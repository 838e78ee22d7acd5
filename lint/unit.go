package lint

import (
	"cmp"
	"path"
	"sort"
	"sync"
	"time"

	"rewright/parser/apache"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/nginx"
	"rewright/parser/probe"
	"rewright/parser/sim"
	"rewright/parser/source"
)

// Input is one file to check and what is known of its surroundings.
type Input struct {
	File    *source.File
	Server  ir.Server
	Context ir.Context // what the text is the inside of

	// Open and Glob reach included files, by the name written; nil: no include can be read, which is no fault.
	Open func(name string) (*source.File, error)
	Glob func(pattern string) ([]string, error)

	Defines map[string]string // httpd: Define and -D
	// HasModule tells whether httpd has a module (apache.Env.HasModule); nil: all that it ships.
	HasModule func(name string) bool
	// Modules tells whether a directive comes from a third-party module that the server has; nil: it has none.
	Modules func(directive string) bool
	Version string // of the server; empty: the newest one known

	// Hosts are the names the configuration answers to, as far as said from outside; what it says itself comes on top.
	Hosts []string
	// Docroot is the absolute folder of the document root in the world of the server. Empty: the topmost folder with a
	// .htaccess among the inputs; where Dir is not known either, DefaultDocroot.
	Docroot string
	// Dir is the absolute folder of a .htaccess in that world, without a final slash. Empty: the document root, and
	// the file has no neighbours; with it the .htaccess files of one run are one site (LinkSites).
	Dir string
	// Unchecked files are loaded for what others inherit from them; nothing is reported of them.
	Unchecked bool
	// Files is the document tree, when it is known; nil: both answers are possible to whether a file exists.
	Files sim.FileSystem
	// Profile is what the site is, as far as said: "identifiers" for a registry of persistent identifiers; may be empty.
	Profile string
	// Choice says which rules look at this file and how loud they are; nil: as Options say. A pointer that many inputs
	// share is read once.
	Choice *Choice
	// MaxHops is how many redirects in a row are accepted before they are a finding; 0: one.
	MaxHops int
	// Thresholds replace the numbers at which rules begin to speak, by the rule's name; see Unit.Threshold.
	Thresholds map[string]int
	// Now is the day of the check, for dates in comments; zero: not known, and no rule speaks of them.
	Now time.Time
}

// Unit is one configuration while it is checked: the text and everything the parsers made of it.
type Unit struct {
	Input  Input
	Apache *apache.Config // nil for nginx
	Nginx  *nginx.Config  // nil for httpd
	Files  []*source.File // the file of Input first, then what it includes

	Diagnostics []diag.Diagnostic // the parsers', each fault once

	// Directives are all directives and section heads of all files as they are written, in file order;
	// also those the server skips.
	Directives []*Directive
	Comments   []*Comment

	heads map[*source.File][]*Directive // by start
	named map[string][]*Directive

	programOnce, siteOnce, scopeOnce, hostsOnce, askOnce, namedOnce sync.Once
	program, siteProgram                                            *ir.Program
	htaccess                                                        *ir.Scope
	parents, children                                               []*Unit
	docrootSaid                                                     bool
	hosts, wildcards                                                []Host
	served                                                          map[string]HostSource // best source of each name in hosts
	site                                                            *probe.Site
	intents                                                         intents
	memoLock                                                        sync.Mutex
	memo                                                            map[any]*memo
	blanks                                                          map[*source.File][]int32 // where blank lines begin
}

// MaxHops is how many redirects in a row are accepted.
func (u *Unit) MaxHops() int {
	if u.Input.MaxHops > 0 {
		return u.Input.MaxHops
	}
	return 1
}

// Threshold is the number at which a rule begins to speak: what was said, else otherwise.
func (u *Unit) Threshold(rule *Rule, otherwise int) int {
	if n, ok := u.Input.Thresholds[rule.ID]; ok {
		return n
	}
	return otherwise
}

// Word is one word of a directive.
type Word struct {
	Text         string      // as the server reads it: quotes and escapes gone
	Span         source.Span // as written, quotes included
	Quote        byte        // '"', '\'' or 0
	Unterminated bool
}

// Inner is the span of a word without its quotes.
func (w Word) Inner() source.Span {
	s := w.Span
	if w.Quote != 0 {
		s.Start++
		if !w.Unterminated && s.End > s.Start {
			s.End--
		}
	}
	return s
}

// Directive is a directive, or the head of a section or block, of either server.
type Directive struct {
	File     *source.File
	Server   ir.Server
	Name     Word // without the < of a section
	Args     []Word
	Section  bool        // the head of a section (httpd) or block (nginx)
	Line     source.Span // httpd: the logical line without blanks around it; nginx: from the name to the ; or { inclusive
	Body     source.Span // of a section: everything between head and end
	Parent   *Directive  // the section it stands in; nil at the top of a file
	Inactive bool        // in a section the server skips
	Refused  bool        // the server refuses the file because of it
	Extra    source.Span // httpd: what is ignored behind the last argument
	Tail     source.Span // httpd: everything behind the name
	NoEnd    bool        // nginx: the ; or { is missing
	NextPtr  *Directive  // the next directive or head of the same file, in reading order
	PrevPtr  *Directive

	Apache *apache.Directive // one of these two
	Nginx  *nginx.Directive
}

// Is tells whether the directive has one of the names, compared as its server compares.
func (d *Directive) Is(names ...string) bool {
	for _, n := range names {
		if d.Name.Text == n || d.Server == ir.Apache && equalFold(d.Name.Text, n) {
			return true
		}
	}
	return false
}

// Arg is the text of argument i, empty when there is none.
func (d *Directive) Arg(i int) string {
	if i < len(d.Args) {
		return d.Args[i].Text
	}
	return ""
}

// In tells whether the directive stands in a section of one of the names, at any depth.
func (d *Directive) In(names ...string) bool {
	for p := d.Parent; p != nil; p = p.Parent {
		if p.Is(names...) {
			return true
		}
	}
	return false
}

func equalFold(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		x, y := a[i], b[i]
		if x != y && (x|0x20 != y|0x20 || x|0x20 < 'a' || x|0x20 > 'z') {
			return false
		}
	}
	return true
}

// Comment is one comment of either server.
type Comment struct {
	File *source.File
	Span source.Span // from # to the end of its text; httpd: with the lines it swallows
	Own  bool        // nothing but blanks stands before it on its line
}

// Load parses an input.
func Load(in Input) *Unit {
	u := &Unit{Input: in, heads: map[*source.File][]*Directive{}}
	switch in.Server {
	case ir.Nginx:
		u.loadNginx()
	default:
		u.loadApache()
	}
	for f, list := range u.heads {
		sort.SliceStable(list, func(i, j int) bool { return list[i].Name.Span.Start < list[j].Name.Span.Start })
		for i := 1; i < len(list); i++ {
			list[i].PrevPtr, list[i-1].NextPtr = list[i-1], list[i]
		}
		u.heads[f] = list
	}
	u.Diagnostics = unique(u.Diagnostics)
	for i := range u.Diagnostics {
		if d := &u.Diagnostics[i]; d.Refuses {
			if at := u.At(d.File, d.Span.Start); at != nil {
				at.Refused = true
			}
		}
	}
	return u
}

// unique drops diagnostics that say the same of the same place: an included file is read once for each include.
func unique(list []diag.Diagnostic) []diag.Diagnostic {
	type key struct {
		file          *source.File
		span          source.Span
		code, message string
	}
	seen := make(map[key]bool, len(list))
	out := list[:0:0]
	for _, d := range list {
		k := key{d.File, d.Span, d.Code, d.Message}
		if !seen[k] {
			seen[k] = true
			out = append(out, d)
		}
	}
	return out
}

// At is the directive or section head that holds the byte at offset; nil when none does.
func (u *Unit) At(f *source.File, offset int32) *Directive {
	list := u.heads[f]
	i := sort.Search(len(list), func(i int) bool { return start(list[i]) > offset }) - 1
	if i < 0 || offset > list[i].Line.End {
		return nil
	}
	return list[i]
}

func start(d *Directive) int32 { return min(d.Line.Start, d.Name.Span.Start) }

// Named are the directives of one name as written, in reading order. The slice is shared: read it only.
func (u *Unit) Named(name string) []*Directive {
	u.namedOnce.Do(func() {
		u.named = make(map[string][]*Directive)
		for _, d := range u.Directives {
			u.named[d.Name.Text] = append(u.named[d.Name.Text], d)
		}
	})
	return u.named[name]
}

// Program is the IR of the configuration's own text, made when first asked for. Of a .htaccess file among others see
// SiteProgram.
func (u *Unit) Program() *ir.Program {
	u.programOnce.Do(func() { u.program = u.lower() })
	return u.program
}

func (u *Unit) add(d *Directive) {
	u.Directives = append(u.Directives, d)
	u.heads[d.File] = append(u.heads[d.File], d)
}

func (u *Unit) loadApache() {
	in := u.Input
	file := apache.Parse(in.File)
	u.Apache = apache.Read(file, apache.Env{Context: in.Context, Defines: in.Defines, HasModule: in.HasModule,
		Directive: in.Modules, Anywhere: true, Version: in.Version, Open: in.Open, Glob: in.Glob})
	skipped := make(map[*apache.Section]bool, len(u.Apache.Inactive))
	for _, s := range u.Apache.Inactive {
		skipped[s] = true
	}
	seen := map[*source.File]bool{}
	for _, f := range u.Apache.Files {
		if seen[f.Source] {
			continue
		}
		seen[f.Source] = true
		u.Files = append(u.Files, f.Source)
		u.walkApache(f.Source, f.Nodes, nil, false, skipped)
	}
	u.Diagnostics = u.Apache.Diagnostics
}

func (u *Unit) walkApache(f *source.File, nodes []apache.Node, parent *Directive, inactive bool, skipped map[*apache.Section]bool) {
	for _, n := range nodes {
		switch n := n.(type) {
		case *apache.Directive:
			d := fromApache(f, n, parent)
			d.Inactive = inactive
			u.add(d)
		case *apache.Section:
			d := fromApache(f, &n.Head, parent)
			d.Section, d.Inactive = true, inactive
			end := n.Span().End
			if n.Closed {
				end = n.End.Start
			}
			d.Body = source.Span{Start: n.Head.Span().End, End: max(end, n.Head.Span().End)}
			u.add(d)
			u.walkApache(f, n.Body, d, inactive || skipped[n], skipped)
		case *apache.Comment:
			u.Comments = append(u.Comments, &Comment{File: f, Span: n.Line, Own: true})
		}
	}
}

func fromApache(f *source.File, n *apache.Directive, parent *Directive) *Directive {
	d := &Directive{File: f, Server: ir.Apache, Parent: parent, Line: n.Line, Extra: n.Extra,
		Tail: n.ArgText.Span, Apache: n}
	d.Name = Word{Text: n.Name.Text, Span: n.Name.Span}
	d.Args = make([]Word, len(n.Args))
	for i, a := range n.Args {
		d.Args[i] = Word{Text: a.Text, Span: a.Span, Quote: a.Quote, Unterminated: a.Unterminated}
	}
	return d
}

func (u *Unit) loadNginx() {
	in := u.Input
	u.Nginx = nginx.Read(in.File, nginx.Env{Context: in.Context, Version: cmp.Or(in.Version, nginx.AnyRelease),
		Included: path.Base(in.File.Name) != "nginx.conf", Modules: in.Modules,
		Open: in.Open, Glob: in.Glob})
	seen := map[*source.File]bool{}
	for _, f := range u.Nginx.Files {
		if seen[f.Source] {
			continue
		}
		seen[f.Source] = true
		u.Files = append(u.Files, f.Source)
		u.walkNginx(f.Source, f.Nodes, nil)
	}
	u.Diagnostics = u.Nginx.Diagnostics
}

func (u *Unit) walkNginx(f *source.File, nodes []nginx.Node, parent *Directive) {
	for _, n := range nodes {
		switch n := n.(type) {
		case *nginx.Directive:
			d := &Directive{File: f, Server: ir.Nginx, Parent: parent, Nginx: n,
				Name: Word{Text: n.Name.Text, Span: n.Name.Span, Quote: n.Name.Quote}}
			d.Args = make([]Word, len(n.Args))
			end := n.Name.Span.End
			for i, a := range n.Args {
				d.Args[i] = Word{Text: a.Text, Span: a.Span, Quote: a.Quote}
				end = max(end, a.Span.End)
			}
			d.NoEnd = n.End.Len() == 0
			d.Line = source.Span{Start: n.Name.Span.Start, End: max(end, n.End.End)}
			for _, c := range n.Comments {
				u.addNginxComment(f, c)
			}
			if n.IsRaw {
				d.Section, d.Body = true, n.Raw
			}
			u.add(d)
			if n.Block != nil {
				d.Section = true
				end := n.Span().End
				if n.Block.Closed {
					end = n.Block.Close.Start
				}
				d.Body = source.Span{Start: d.Line.End, End: max(end, d.Line.End)}
				u.walkNginx(f, n.Block.Nodes, d)
			}
		case *nginx.Comment:
			u.addNginxComment(f, n)
		}
	}
}

func (u *Unit) addNginxComment(f *source.File, c *nginx.Comment) {
	own := true
	for i := c.Span().Start - 1; i >= 0 && f.Text[i] != '\n'; i-- {
		if b := f.Text[i]; b != ' ' && b != '\t' && b != '\r' {
			own = false
			break
		}
	}
	u.Comments = append(u.Comments, &Comment{File: f, Span: c.Span(), Own: own})
}

// lower makes the IR.
func (u *Unit) lower() *ir.Program {
	switch {
	case u.Nginx != nil:
		return nginx.Lower(u.Nginx)
	case u.Input.Context == ir.ContextHtaccess:
		return apache.NewHtaccessProgram(u.scope())
	}
	return apache.Lower(u.Apache)
}
