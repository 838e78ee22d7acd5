package apache

import (
	"fmt"
	"regexp"
	"strings"

	"rewright/emit"
	"rewright/parser/ir"
	"rewright/parser/source"
)

// forms are the ways in which a program can be written.
type forms struct {
	careful  map[ir.Item]bool // rules written so that odd requests are answered alike, too
	once     bool             // the server's own script is guarded against the rounds of a .htaccess
	remember bool             // variables are carried from one round into the next
	alias    bool             // directives of mod_alias where there is nothing but redirects
	fallback bool             // FallbackResource where there is nothing but a front controller
}

// unit is what one item of the source became: comments, a reason when it was dropped, lines.
type unit struct {
	item    ir.Item
	origin  ir.Origin
	dropped string
	byHand  string
	lines   []string
	rules   int // how many RewriteRules are among the lines
}

// block is a list of units behind a guard.
type block struct{ units []*unit }

func (b *block) add(u *unit) *unit {
	b.units = append(b.units, u)
	return u
}

// rules counts the RewriteRules of a block, which a skip must pass over.
func (b *block) rules() int {
	n := 0
	for _, u := range b.units {
		n += u.rules
	}
	return n
}

// writer writes one attempt.
type writer struct {
	*conversion
	root       string // document root of the server that is being written
	current    *vhost // that server; nil for what stands outside of all
	forms      forms
	head       block            // settings of the whole folder, before the rules
	prelude    map[string]*unit // variables that are made ready at the top of each round
	order      []string         // of prelude
	vhosts     []*vhost
	notes      []*emit.Note
	noted      map[ir.Item]*emit.Note
	itemOf     map[*emit.Note]ir.Item
	scopeOf    map[ir.Item]*ir.Scope
	remarks    []emit.Remark
	remarked   map[ir.Origin]bool
	maps       map[string]*ir.MapBlock
	unitAt     map[int]*unit     // by line of the output
	named1     map[string]string // named groups of a server's name, as text
	env        map[string]bool
	assigned   map[string]bool // variables that some set gives a value
	body       map[int]bool    // statuses that are answered with a text of their own
	written    map[string]bool // map variables that are in the prelude, and those being written
	tables     map[*ir.MapBlock]*emit.File
	files      []emit.File                   // of tables
	tableLines []string                      // RewriteMap directives
	outer      int                           // units of head that come from outside of the servers
	built      bool                          // the servers are written
	later      []func()                      // what is to be said then
	waiting    map[*ir.Setting]bool          // those that wait for the servers to be written
	pages      map[*ir.Setting]bool          // error_page directives that rules say
	pageOf     map[*ir.Scope]map[string]bool // statuses of ErrorDocument by scope
	ifNames    map[*ir.Scope]string          // variables that tell that an if held
}

// vhost is one server of the source.
type vhost struct {
	scope *ir.Scope
	root  string // its document root
	whole bool   // its own script answers every request

	guard []string // conditions that choose it inside a .htaccess, as RewriteCond arguments
	front block    // of a virtual host, outside of its folder
	head  block
	body  block
}

func newWriter(c *conversion, f forms) *writer {
	return &writer{conversion: c, root: c.root, forms: f, prelude: map[string]*unit{}, remarked: map[ir.Origin]bool{}, noted: map[ir.Item]*emit.Note{}, itemOf: map[*emit.Note]ir.Item{},
		scopeOf: map[ir.Item]*ir.Scope{}, maps: map[string]*ir.MapBlock{}, unitAt: map[int]*unit{}, env: map[string]bool{}, assigned: map[string]bool{}, named1: map[string]string{}, body: map[int]bool{}, written: map[string]bool{}, ifNames: map[*ir.Scope]string{},
		tables: map[*ir.MapBlock]*emit.File{}, waiting: map[*ir.Setting]bool{}, pages: map[*ir.Setting]bool{}, pageOf: map[*ir.Scope]map[string]bool{}}
}

// note says what became of an item; the first thing said of it stands, unless it was dropped later.
func (w *writer) note(it ir.Item, sc *ir.Scope, directive string, fidelity emit.Fidelity, reason, byHand string) {
	o := it.From()
	if o.File == nil {
		return
	}
	if n := w.noted[it]; n != nil {
		if fidelity == emit.Dropped && n.Fidelity != emit.Dropped {
			n.Fidelity, n.Reason, n.ByHand = fidelity, reason, byHand
		}
		return
	}
	n := &emit.Note{Origin: o, Directive: directive, Fidelity: fidelity, Reason: reason, ByHand: byHand}
	w.notes = append(w.notes, n)
	w.noted[it], w.itemOf[n], w.scopeOf[it] = n, it, sc
}

func (w *writer) remark(o ir.Origin, directive, text string) {
	if o.File != nil {
		w.remarks = append(w.remarks, emit.Remark{Origin: o, Directive: directive, Text: text})
		w.remarked[o] = true
	}
}

// aside says a word about a directive of which there is a note, too.
func (w *writer) aside(set *ir.Setting, text string) {
	w.remarks = append(w.remarks, emit.Remark{Origin: set.Origin, Directive: set.Name, Text: text})
}

// drop makes a unit of an item that cannot be said.
func (w *writer) drop(b *block, it ir.Item, sc *ir.Scope, directive, reason, byHand string) {
	w.note(it, sc, directive, emit.Dropped, reason, byHand)
	b.add(&unit{item: it, origin: it.From(), dropped: reason, byHand: byHand})
}

// rule renders a RewriteRule with its conditions.
func rule(conds []string, pattern, target string, flags ...string) []string {
	out := make([]string, 0, len(conds)+1)
	for _, c := range conds {
		out = append(out, "RewriteCond "+c)
	}
	line := "RewriteRule " + ruleWord(pattern) + " " + ruleWord(target)
	if len(flags) > 0 {
		line += " " + ruleWord("["+strings.Join(flags, ",")+"]")
	}
	return append(out, line)
}

// ruleWord writes a word for the line splitter of RewriteRule and RewriteCond, which knows no escape for a quote inside
// of quotes and keeps the backslash before a blank.
func ruleWord(s string) string {
	switch {
	case s == "":
		return `""`
	case !strings.ContainsAny(s, " \t") && s[0] != '"' && s[0] != '\'':
		return s
	case !strings.Contains(s, `"`) && !strings.Contains(s, `\ `):
		return `"` + s + `"`
	case !strings.Contains(s, `'`) && !strings.Contains(s, `\ `):
		return `'` + s + `'`
	}
	return strings.ReplaceAll(strings.ReplaceAll(s, `\ `, " "), " ", `\ `)
}

// plainWord writes a word for the general line splitter.
func plainWord(s string) string {
	if s != "" && !strings.ContainsAny(s, " \t\"'\\") {
		return s
	}
	// a backslash is only one before a quote or another backslash
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '"' || s[i] == '\\' && (i+1 == len(s) || s[i+1] == '"' || s[i+1] == '\\') {
			b.WriteByte('\\')
		}
		b.WriteByte(s[i])
	}
	return `"` + b.String() + `"`
}

// condition renders the arguments of a RewriteCond.
func condition(test, pattern string, flags ...string) string {
	line := ruleWord(test) + " " + ruleWord(pattern)
	if len(flags) > 0 {
		line += " [" + strings.Join(flags, ",") + "]"
	}
	return line
}

var notFit = regexp.MustCompile(`[\x00-\x1f\x7f]`)

// fits tells whether a text can stand on one line of configuration.
func fits(s string) bool { return !notFit.MatchString(s) && !strings.HasSuffix(s, `\`) }

// render writes the file and notes which unit made which line.
func (w *writer) render() string {
	var b strings.Builder
	n := 1
	w.head.join()
	for _, v := range w.vhosts {
		v.head.join()
	}

	empty := true
	put := func(text string, u *unit) {
		if text == "" && empty {
			return
		}
		empty = text == ""
		b.WriteString(text + "\n")
		w.unitAt[n] = u
		n++
	}
	comments := map[*source.File]map[int]bool{}
	starts := w.starts()
	units := func(indent string, list []*unit) {
		blank := false
		for _, u := range list {
			lines := w.commentsAbove(u, comments, starts)
			if u.dropped != "" {
				lines = append(lines, "# DROPPED: "+u.dropped)
				if u.byHand != "" {
					lines = append(lines, "# by hand: "+u.byHand)
				}
				for _, t := range strings.Split(u.origin.File.Slice(u.origin.Span), "\n") {
					lines = append(lines, "# "+clean(strings.TrimSpace(t)))
				}
			}
			if blank && (len(lines) > 0 || len(u.lines) > 2) {
				put("", nil)
			}
			for _, t := range lines {
				put(indent+strings.TrimSuffix(t, `\`), nil)
			}
			for _, t := range u.lines {
				put(indent+foldCase(t), u)
			}
			blank = true
		}
	}
	if w.forms.alias && len(w.vhosts) == 1 && len(w.order) == 0 && !w.forms.once && !w.forms.remember {
		w.vhosts[0].body.redirects()
	}
	if !w.target.Server {
		multiple := len(w.vhosts) > 1
		front := w.head.units[:w.outer:w.outer]
		for _, v := range w.vhosts {
			front = append(front, v.head.units...)
		}
		front = append(front, w.head.units[w.outer:]...)

		units("", front)
		if w.hasRules() {
			if len(front) > 0 {
				put("", nil)
			}
			put("RewriteEngine On", nil)
			put("", nil)
			units("", w.preludeUnits())
		}
		for _, v := range w.vhosts {
			if count := v.body.rules(); count > 0 && multiple && len(v.guard) > 0 && !v.body.guarded(v.guard) {
				put("", nil)
				for _, t := range guardLines(v.guard, count) {
					put(t, nil)
				}
			}
			units("", v.body.units)
		}
		return b.String()
	}
	first := true
	for _, v := range w.vhosts {
		for _, head := range w.vhostHeads(v) {
			if !first {
				put("", nil)
			}
			first = false
			for _, t := range head {
				put(t, nil)
			}
			front := v.front.units
			if u := w.tableUnit(); u != nil && v.body.rules() > 0 {
				front = append([]*unit{u}, front...)
			}
			if len(front) > 0 {
				put("", nil)
				units("    ", front)
			}
			put("", nil)
			if w.short(v) {
				put("    RewriteEngine On", nil)
				put("", nil)
				units("    ", w.preludeUnits())
				units("    ", v.body.units)
				put("</VirtualHost>", nil)
				continue
			}
			put("    <Directory "+plainWord(v.root)+">", nil)

			put("        Require all granted", nil)
			units("        ", append(w.head.units[:len(w.head.units):len(w.head.units)], v.head.units...))

			if v.body.rules() > 0 {
				put("", nil)
				put("        RewriteEngine On", nil)
				put("", nil)
				units("        ", w.preludeUnits())
				units("        ", v.body.units)
			}
			put("    </Directory>", nil)
			put("</VirtualHost>", nil)
		}
	}
	return b.String()
}

// short tells whether a virtual host needs no folder: its rules answer every request, whatever its path is.
func (w *writer) short(v *vhost) bool {
	if !v.whole || len(w.head.units) > 0 || len(v.head.units) > 0 {
		return false
	}
	for _, u := range append(w.preludeUnits(), v.body.units...) {
		for _, l := range u.lines {
			if r, ok := readRule(l); ok && r.pattern != "^" || strings.Contains(l, "REDIRECT_") || strings.Contains(l, "$0") {
				return false
			}
		}
	}
	return true
}

func (w *writer) hasRules() bool {
	for _, v := range w.vhosts {
		if v.body.rules() > 0 {
			return true
		}
	}
	return false
}

func (w *writer) preludeUnits() (out []*unit) {
	for _, name := range w.order {
		out = append(out, w.prelude[name])
	}
	return out
}

// guardLines skip count rules unless all conditions hold.
func guardLines(conds []string, count int) []string {
	// not (a and b) is (not a) or (not b)
	var list []string
	for i, c := range conds {
		c = negate(c)
		if i+1 < len(conds) {
			c = withFlag(c, "OR")
		}
		list = append(list, c)
	}
	return rule(list, "^", "-", fmt.Sprintf("S=%d", count))
}

// negate turns the arguments of a RewriteCond into those of its opposite.
func negate(c string) string {
	test, pattern := splitCond(c)
	if pattern[0] == '"' || pattern[0] == '\'' {
		if pattern[1] == '!' {
			return test + " " + pattern[:1] + pattern[2:]
		}
		return test + " " + pattern[:1] + "!" + pattern[1:]
	}
	if pattern[0] == '!' {
		return test + " " + pattern[1:]
	}
	return test + " !" + pattern
}

// splitCond parts the test string from the rest.
func splitCond(c string) (test, rest string) {
	if c[0] == '"' || c[0] == '\'' {
		i := strings.IndexByte(c[1:], c[0]) + 2
		return c[:i], strings.TrimLeft(c[i:], " ")
	}
	for i := 0; i < len(c); i++ {
		if c[i] == '\\' {
			i++
		} else if c[i] == ' ' {
			return c[:i], c[i+1:]
		}
	}
	return c, ""
}

// withFlag adds a flag to the arguments of a RewriteCond.
func withFlag(c, flag string) string {
	if strings.HasSuffix(c, "]") {
		if i := strings.LastIndex(c, " ["); i > 0 && isFlags(c[i+2:len(c)-1]) {
			return c[:len(c)-1] + "," + flag + "]"
		}
	}
	return c + " [" + flag + "]"
}

func isFlags(s string) bool {
	for _, f := range strings.Split(s, ",") {
		if f != "NC" && f != "OR" && f != "NV" {
			return false
		}
	}
	return true
}

// starts are the lines on which units begin, by file.
func (w *writer) starts() map[*source.File]map[int]bool {
	out := map[*source.File]map[int]bool{}
	add := func(list []*unit) {
		for _, u := range list {
			if f := u.origin.File; f != nil {
				if out[f] == nil {
					out[f] = map[int]bool{}
				}
				out[f][u.origin.Line()] = true
			}
		}
	}
	add(w.head.units)
	for _, v := range w.vhosts {
		add(v.head.units)
		add(v.body.units)
	}
	return out
}

// maxComments bounds how many lines of comment one unit brings along: the nearest ones.
const maxComments = 12

// commentsAbove are the comments right above a unit in the source, each once.
func (w *writer) commentsAbove(u *unit, done map[*source.File]map[int]bool, starts map[*source.File]map[int]bool) (out []string) {
	f := u.origin.File
	if f == nil {
		return nil
	}
	if done[f] == nil {
		done[f] = map[int]bool{}
	}
	first := u.origin.Line()
	n := first - 1
	for n > 0 && first-n <= maxComments && !starts[f][n] {
		t := strings.TrimSpace(f.Slice(f.LineSpan(n)))
		// the head of a section may stand between a comment and its first directive
		if !strings.HasPrefix(t, "#") && !(strings.HasSuffix(t, "{") && n == first-1) {
			break
		}
		n--
	}
	for n++; n < first; n++ {
		t := strings.TrimSpace(f.Slice(f.LineSpan(n)))
		if strings.HasPrefix(t, "#") && !done[f][n] {
			done[f][n] = true
			out = append(out, clean(t))
		}
	}
	return out
}

// clean makes text fit for a comment.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}
