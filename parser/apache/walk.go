package apache

import (
	"fmt"
	"strings"

	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

// scope is where a directive stands, as far as it decides what httpd lets it be.
type scope struct {
	override Override
	parents  []*ConfigSection // outermost first
	vhost    bool             // inside <VirtualHost>
	perDir   bool             // in a per-directory context: .htaccess, <Directory>, <Files>, <Location>, <If> …
	methods  uint64           // what <Limit> and <LimitExcept> leave; authorization sections count too
	afterIf  bool             // an <If> or <ElseIf> came before in the same section
}

// walk checks places and arguments of what is in force, in file order.
func (r *reader) walk() {
	s := scope{override: r.outerOverride(), perDir: r.env.Context == ir.ContextHtaccess, vhost: r.env.Context == ir.ContextVhost, methods: anyMethod}
	r.nodesIn(r.cfg.Nodes, s)
}

func (r *reader) nodesIn(nodes []ConfigNode, s scope) {
	for _, n := range nodes {
		switch n := n.(type) {
		case *ConfigDirective:
			r.directive(n, &s)
		case *ConfigSection:
			r.section(n, &s)
			if n.Known != nil {
				switch n.Known.Name {
				case "<If", "<ElseIf":
					s.afterIf = true
				case "<Else":
					s.afterIf = false
				}
			}
		}
	}
}

// fault is something httpd refuses about one directive.
type fault struct {
	kind    string // name in the catalogue; empty: refused-argument
	span    source.Span
	server  string
	message string
	help    string
}

func (r *reader) report(f *source.File, at source.Span, x *fault) {
	if x.kind == "" {
		x.kind = "refused-argument"
	}
	if x.span == (source.Span{}) {
		x.span = at
	}
	d := refusal(f, x.span, x.kind, x.server, x.message)
	d.Help = x.help
	r.cfg.Diagnostics = append(r.cfg.Diagnostics, d)
}

func (r *reader) directive(n *ConfigDirective, s *scope) {
	if n.Known == nil {
		n.Refused = r.unknown(n.File, n.Directive, n.Name.Text, s)
		return
	}
	if n.Known.Override&onRead != 0 {
		return
	}
	if n.Name.Text != n.Known.Name { // the tree keeps what is written
		d := *n.Directive
		d.Name.Text = n.Known.Name
		n.Directive = &d
	}
	x, skip := r.misplaced(n.Known, n.Name.Span, s)
	if skip {
		n.Refused = true
		return
	}
	if x == nil {
		if server := countFault(n.Known, n.Directive); server != "" {
			x = &fault{kind: "wrong-argument-count", server: server}
			if strings.HasSuffix(server, "must be On or Off") {
				x.kind = "refused-argument"
				if len(n.Args) == 0 {
					x.kind = "wrong-argument-count"
				} else {
					x.span = n.Args[0].Span
				}
			}
		}
	}
	if x == nil {
		x = forbidden(n.Known, s)
	}
	if x == nil {
		if c := checks()[n.Known.Name]; c != nil {
			x = c(&check{r: r, d: n.Directive, spec: n.Known, scope: s})
		}
	}
	if x != nil {
		n.Refused = true
		r.report(n.File, n.Line, x)
	}
}

func (r *reader) unknown(f *source.File, d *Directive, name string, s *scope) bool {
	if o := r.env.Override; o != nil && o.Unknown && r.env.Context == ir.ContextHtaccess {
		return true
	}
	if (r.foreign || r.env.Directive != nil && r.env.Directive(name)) && LookupSpec(name) == nil {
		// A module from elsewhere is loaded, and this may be its own.
		return false
	}
	x := &fault{kind: "unknown-directive", span: d.Name.Span,
		server:  fmt.Sprintf("Invalid command '%s', perhaps misspelled or defined by a module not included in the server configuration", name),
		message: fmt.Sprintf("no module of httpd knows the directive %q", name)}
	if spec := LookupSpec(name); spec != nil {
		x.message = fmt.Sprintf("%s belongs to %s, which is not loaded", spec.Name, spec.Module)
		x.help = fmt.Sprintf("load the module, or put the directive into <IfModule %s>", spec.Module)
	} else {
		x.help = "if a module from elsewhere brings it, load that module or put the directive into its <IfModule>"
	}
	if i := strings.IndexFunc(name, func(c rune) bool { return c == '\ufeff' || c == '\u00a0' || c == '\u200b' }); i >= 0 {
		x.kind = "invisible-character"
		x.message = fmt.Sprintf("an invisible character belongs to the directive's name for httpd: %+q", name)
	}
	r.report(f, d.Line, x)
	if r.env.Anywhere && quietElsewhere(name) {
		last := &r.cfg.Diagnostics[len(r.cfg.Diagnostics)-1]
		last.Severity, last.Refuses = diag.Info, false
		return false
	}
	return true
}

// quietElsewhere tells whether a directive is of a common module that httpd does not ship, and changes neither status nor Location:
// settings of PHP. Source: PHP manual, "How to change configuration settings".
func quietElsewhere(name string) bool {
	switch strings.ToLower(name) {
	case "php_value", "php_flag", "php_admin_value", "php_admin_flag":
		return true
	}
	return false
}

// escapeLog writes bytes as httpd's error log does. Source: httpd server/util.c, ap_escape_errorlog_item.
func escapeLog(s string) string {
	if strings.IndexFunc(s, func(c rune) bool { return c < 0x20 || c >= 0x7f || c == '\\' }) < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if j := strings.IndexByte("\b\n\r\t\v\\", c); j >= 0 {
			b.WriteByte('\\')
			b.WriteByte("bnrtv\\"[j])
		} else if c < 0x20 || c >= 0x7f {
			fmt.Fprintf(&b, "\\x%02x", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// misplaced checks the place of a directive; skip: httpd passes over it with a warning.
// Source: httpd server/config.c, invoke_cmd.
func (r *reader) misplaced(spec *Spec, name source.Span, s *scope) (x *fault, skip bool) {
	if spec.Override&s.override != 0 || r.listed(spec) {
		return nil, false
	}
	if o := r.env.Override; o != nil && o.Nonfatal && r.env.Context == ir.ContextHtaccess {
		return nil, true
	}
	x = &fault{kind: "directive-not-allowed-here", span: name, server: spec.Name + " not allowed here"}
	if n := len(s.parents); n > 0 {
		x.server = fmt.Sprintf("%s not allowed in <%s> context", spec.Name, s.parents[n-1].Head.Name.Text)
	}
	bare := strings.TrimPrefix(spec.Name, "<")
	switch {
	case r.env.Context == ir.ContextHtaccess && spec.Override&All != 0:
		x.message = fmt.Sprintf("AllowOverride does not let a .htaccess file hold %s", bare)
	case r.env.Context == ir.ContextHtaccess:
		x.message = fmt.Sprintf("%s belongs into the server configuration; in a .htaccess file every request is answered 500", bare)
	case len(s.parents) > 0:
		x.message = fmt.Sprintf("%s may not stand in <%s>", bare, s.parents[len(s.parents)-1].Head.Name.Text)
	default:
		x.message = fmt.Sprintf("%s may stand in <Directory>, <Location>, <Files> and .htaccess only", bare)
	}
	return x, false
}

// forbidden checks what a directive itself asks of its place.
// Source: httpd server/core.c, ap_check_cmd_context.
func forbidden(spec *Spec, s *scope) *fault {
	not := spec.nowhere
	if not == 0 {
		return nil
	}
	gt := ""
	if spec.Name[0] == '<' {
		gt = ">"
	}
	at := func(where string) *fault {
		return &fault{kind: "directive-not-allowed-here", server: spec.Name + gt + " cannot occur within " + where}
	}
	if not&notInVhost != 0 && s.vhost {
		return at("<VirtualHost> section")
	}
	if not&notInDirContext != 0 && s.methods != anyMethod {
		return at("<Limit> or <LimitExcept> section")
	}
	if not&notInHtaccess != 0 && s.override&InServer == 0 && s.override&InDirectory == 0 {
		return at("htaccess files")
	}
	if not&notInDirLocFile == notInDirLocFile && s.perDir {
		return at("directory context")
	}
	for i := len(s.parents) - 1; i >= 0; i-- {
		p := s.parents[i].Head.Name.Text
		var where place
		switch strings.ToLower(p) {
		case "directory", "directorymatch":
			where = notInDirectory
		case "location", "locationmatch":
			where = notInLocation
		case "files", "filesmatch", "if", "elseif", "else":
			where = notInFiles
		case "proxy", "proxymatch":
			where = notInProxy
		}
		if not&where != 0 {
			return at("<" + p + "> section")
		}
	}
	return nil
}

// countFault says what httpd says of a wrong number of arguments; empty when it is right.
// Source: httpd server/config.c, invoke_cmd. A first word that is empty counts as missing; so do other empty ones
// where that function looks at them.
func countFault(spec *Spec, d *Directive) string {
	n := len(d.Args)
	has := func(i int) bool { return i < n && d.Args[i].Text != "" }
	bad, words, help := false, "", true
	switch spec.Kind {
	case NoArgs:
		bad, words, help = n > 0, " takes no arguments", false
	case Take1:
		bad, words = !has(0) || n > 1, " takes one argument"
	case Take2:
		bad, words = !has(0) || !has(1) || n > 2, " takes two arguments"
	case Take12:
		bad, words = !has(0) || n > 2, " takes 1-2 arguments"
	case Take3:
		bad, words = !has(0) || !has(1) || !has(2) || n > 3, " takes three arguments"
	case Take23:
		bad, words = !has(0) || !has(1) || n > 3, " takes two or three arguments"
	case Take123:
		bad, words = !has(0) || n > 3, " takes one, two or three arguments"
	case Take13:
		bad, words = !has(0) || n > 3 || n == 2 && has(1), " takes one or three arguments"
	case Iterate:
		bad, words = !has(0), " requires at least one argument"
	case Iterate2:
		bad, words = !has(0) || n < 2, " requires at least two arguments"
	case Flag:
		bad = !has(0) || !strings.EqualFold(d.Args[0].Text, "on") && !strings.EqualFold(d.Args[0].Text, "off")
		words, help = " must be On or Off", false
	}
	if !bad {
		return ""
	}
	if help && spec.Help != "" {
		words += ", " + spec.Help
	}
	return spec.Name + words
}

func (r *reader) section(n *ConfigSection, s *scope) {
	name := "<" + n.Head.Name.Text
	if n.Known == nil {
		n.Refused = r.unknown(n.File, &n.Head, name, s)
		return
	}
	n.Head.Name.Text = n.Known.Name[1:]
	x, skip := r.misplaced(n.Known, n.Head.Name.Span, s)
	if skip {
		n.Refused = true
		return
	}
	if x == nil {
		x = forbidden(n.Known, s)
	}
	if x == nil && n.Source != nil && n.Source.HeadNoBracket {
		x = &fault{kind: "unclosed-section", server: n.Known.Name + "> directive missing closing '>'",
			message: fmt.Sprintf("%s has no closing \">\"", n.Known.Name)}
	}
	if x == nil && len(n.Head.Args) == 0 && needsArgument(n.Known.Name) {
		x = &fault{kind: "wrong-argument-count", server: n.Known.Name + "> directive requires additional arguments"}
	}
	if x == nil {
		if c := checks()[n.Known.Name]; c != nil {
			x = c(&check{r: r, d: &n.Head, spec: n.Known, scope: s})
		}
	}
	if x != nil {
		n.Refused = true
		r.report(n.File, n.Head.Line, x)
	}
	if len(s.parents) > maxNesting {
		return
	}
	in := scope{override: s.override, vhost: s.vhost, perDir: s.perDir, methods: s.methods,
		parents: append(s.parents[:len(s.parents):len(s.parents)], n)}
	server := r.env.Context != ir.ContextHtaccess
	switch n.Known.Name {
	case "<VirtualHost":
		in.vhost = true
	case "<Directory", "<DirectoryMatch", "<Location", "<LocationMatch", "<Proxy", "<ProxyMatch":
		in.override, in.perDir = All|InDirectory, true
	case "<RequireAll", "<RequireAny", "<RequireNone":
		in.override = AuthConfig
		in.methods &^= 1 << 63
	case "<Files", "<FilesMatch", "<If", "<ElseIf", "<Else":
		if server && !s.perDir {
			in.override = All | InDirectory
		}
		in.perDir = true
	case "<Limit", "<LimitExcept":
		in.methods &= limitMethods(n.Known.Name, n.Head.Args)
	case "<AuthnProviderAlias", "<AuthzProviderAlias":
		if len(n.Head.Args) > 1 {
			r.aliases[n.Head.Args[1].Text] = true
		}
		in.override, in.perDir = AuthConfig|InDirectory, true
	}
	r.nodesIn(n.Body, in)
	if x := r.behindSection(n, s); x != nil && !n.Refused {
		n.Refused = true
		r.report(n.File, n.Head.Line, x)
	}
}

// needsArgument tells whether a section's head must say something.
func needsArgument(section string) bool {
	switch section {
	case "<Else", "<RequireAll", "<RequireAny", "<RequireNone":
		return false
	}
	return true
}
