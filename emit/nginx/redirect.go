package nginx

import (
	"fmt"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
)

// self is the server's own address as the client called it: Apache keeps the port of the Host header.
const self = "$scheme://$host$host_port"

const hostPortMap = `# The port as the client wrote it, unless it is the usual one.
map "$scheme $http_host" $host_port {
    default "";
    "~^http .*(?<http_port_written>:(?!80$)[0-9]+)$" $http_port_written;
    "~^https .*(?<https_port_written>:(?!443$)[0-9]+)$" $https_port_written;
}`

// queryPart is the query with its question mark, which httpd keeps when nothing follows it.
const queryPart = "$query"

const queryMap = `# The query with its question mark, also one with nothing behind it.
map $request_uri $query {
    default $is_args$args;
    "~^[^?]*[?]$" "?";
}`

// ownAddress is what the server calls itself in redirects: UseCanonicalName On takes the name it is configured with.
func (b *builder) ownAddress() string {
	if b.c.area != nil {
		for _, s := range b.c.area.settings {
			if strings.EqualFold(s.Name, "UseCanonicalName") && strings.EqualFold(s.Arg(0), "on") {
				return "$scheme://$server_name"
			}
		}
	}
	return self
}

// sendsLocation tells whether nginx takes the text of return as a Location for this status.
// Source: nginx src/http/ngx_http_core_module.c, ngx_http_send_response.
func sendsLocation(status int) bool {
	switch status {
	case 301, 302, 303, 307, 308:
		return true
	}
	return false
}

// destination is the Location of a redirect before its references are written.
type destination struct {
	head   string // scheme, host and what else is sent as it stands
	known  bool   // the head is a variable that holds an address
	host   []part // rest of the host, when it has references to the pattern; sent as it stands
	path   []part // escaped when not raw
	raw    bool   // NE
	query  []part
	mode   queryMode
	unsafe bool // httpd answers 403 when a question mark gets into the path
}

// redirect is an external redirect of mod_rewrite.
func (b *builder) redirect() {
	r, c := b.r, b.c
	status := r.Status
	if status == 0 {
		status = 302
	}
	t := b.takeApart()
	d := destination{raw: r.Escape.NoEscape, query: t.query, mode: t.mode, path: t.path}
	d.unsafe = hasRefs(t.path) && !r.Escape.Allow3F && !r.Escape.Backrefs && !r.Negated
	if r.Escape.Backrefs && (hasRefs(t.path) || hasRefs(t.query)) {
		b.u.caveat = "nginx escapes references its own way where B asks for it"
	}
	switch {
	case isAbsolute(r.Target):
		// the host is sent as written, up to the first slash behind it
		if first := t.path[0]; first.ref != nil {
			text, _ := value(b.expand(t.path[:1], byName, same))
			d.head, d.path, d.known = "${"+strings.TrimPrefix(text, "$")+"}", t.path[1:], true
			if len(d.path) > 0 && strings.HasPrefix(d.path[0].text, "://") {
				d.head += "://"
				d.path = append([]part{{text: d.path[0].text[3:]}}, d.path[1:]...)
			}
			d.path = b.hostParts(&d)
			break
		}
		if len(t.path) > 2 && t.path[1].ref != nil && strings.HasPrefix(t.path[2].text, "://") && !strings.Contains(t.path[0].text, ":") {
			// http%1://
			text, _ := value(append([]piece{lit(t.path[0].text)}, b.expand(t.path[1:2], byName, same)...))
			d.head, d.path = text+"://", append([]part{{text: t.path[2].text[3:]}}, t.path[3:]...)
			d.path = b.hostParts(&d)
			break
		}
		if !strings.Contains(t.path[0].text, "://") { // mailto: and the like
			d.head, d.path = "", t.path
			if i := strings.IndexByte(d.path[0].text, ':'); i >= 0 {
				d.head, d.path = d.path[0].text[:i+1], append([]part{{text: d.path[0].text[i+1:]}}, d.path[1:]...)
			}
			break
		}
		i := strings.Index(t.path[0].text, "://") + 3
		d.head, d.path = strings.Replace(t.path[0].text[:i], schemeMark, "$scheme", 1), append([]part{{text: t.path[0].text[i:]}}, t.path[1:]...)
		d.path = b.hostParts(&d)
	default:
		d.head = b.ownAddress()
		d.path = b.redirectPath(t.path)
	}
	if !sendsLocation(status) {
		if !knownStatus(status) {
			b.when(b.withPattern(), "return 500;")
			return
		}
		panic(reason{fmt.Sprintf("nginx sends a Location with 301, 302, 303, 307 and 308 only, not with %d", status), "use one of these, or add_header Location in a location of its own"})
	}
	_ = c
	b.send(status, d)
}

// hostParts moves the host of an absolute target to the head: literal text and references up to the first slash.
func (b *builder) hostParts(d *destination) []part {
	parts := d.path
	add := func(p part) {
		if len(d.host) > 0 {
			d.host = append(d.host, p)
			return
		}
		if p.ref == nil {
			text, dollar := value([]piece{lit(p.text)})
			b.c.out.dollar = b.c.out.dollar || dollar
			d.head += text
			return
		}
		d.host = append(d.host, p)
	}
	for len(parts) > 0 {
		p := parts[0]
		if p.ref == nil {
			if i := strings.IndexByte(p.text, '/'); i >= 0 {
				if i > 0 {
					add(part{text: p.text[:i], raw: true})
				}
				return append([]part{{text: p.text[i:]}}, parts[1:]...)
			}
			add(part{text: p.text, raw: true})
			parts = parts[1:]
			continue
		}
		if p.ref.Kind == ir.Variable && (p.ref.Name == "REQUEST_URI" || p.ref.Name == "REQUEST_FILENAME") {
			return parts // it begins with the slash
		}
		add(p)
		parts = parts[1:]
	}
	return nil
}

func wordByte(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// redirectPath is the path of a redirect to this server.
func (b *builder) redirectPath(parts []part) []part {
	c := b.c
	if len(parts) == 0 {
		if c.server || c.hasBase {
			return []part{{text: c.base}}
		}
		return []part{{ref: docrootPart}, {text: c.sub.prefix}}
	}
	first := parts[0]
	if first.ref != nil {
		if first.ref.Kind == ir.Variable && first.ref.Space == "" {
			switch first.ref.Name {
			case "REQUEST_URI":
				return parts
			case "REQUEST_FILENAME", "SCRIPT_FILENAME", "DOCUMENT_ROOT":
				if c.server && first.ref.Name != "DOCUMENT_ROOT" {
					return parts
				}
				if c.hasBase {
					return b.localPath(parts)
				}
				// without RewriteBase the path in the file system is sent
				if first.ref.Name != "DOCUMENT_ROOT" {
					return append([]part{{ref: docrootPart}}, parts...)
				}
				return parts
			}
		}
		if b.beginsPath(first.ref) {
			return parts
		}
		if c.server {
			return append([]part{{text: "/"}}, parts...)
		}
		return append(b.relativeHead(), parts...)
	}
	if strings.HasPrefix(first.text, "/") {
		if root := c.area.docroot; root != "" && c.hasBase {
			if below, ok := strings.CutPrefix(first.text, root+c.sub.prefix); ok {
				return append([]part{{text: c.base + below}}, parts[1:]...)
			}
		}
		return parts
	}
	if c.server {
		return append([]part{{text: "/" + first.text}}, parts[1:]...)
	}
	return append(b.relativeHead(), parts...)
}

// beginsPath tells whether a group of the pattern holds the beginning of the whole path, with its slash.
func (b *builder) beginsPath(p *ir.Part) bool {
	return p.Kind == ir.RuleRef && p.N == 1 && b.sub.prefix == "" && (strings.HasPrefix(b.r.Pattern.Text, "(") || strings.HasPrefix(b.r.Pattern.Text, "^("))
}

var docrootPart = &ir.Part{Kind: ir.Variable, Name: "DOCUMENT_ROOT", Text: "%{DOCUMENT_ROOT}"}

// relativeHead is what stands before a relative target: RewriteBase, or the directory's path in the file system.
func (b *builder) relativeHead() []part {
	if b.c.hasBase {
		return []part{{text: b.c.base}}
	}
	return []part{{ref: docrootPart}, {text: b.c.sub.prefix}}
}

// condIsRaw tells whether a group of a condition was taken from what the client sent, not from a decoded path, or
// can hold nothing that would need an escape.
func (b *builder) condIsRaw(p *ir.Part) bool {
	return p.Kind != ir.CondRef || b.rawBefore(len(b.r.Conditions), p.N)
}

// rawBefore looks at the condition that %n refers to before condition number end.
func (b *builder) rawBefore(end, n int) bool {
	for i := end - 1; i >= 0; i-- {
		cnd := b.r.Conditions[i]
		if cnd.Kind != ir.CondRegex || cnd.Negated {
			continue
		}
		raw := true
		for j := range cnd.Test.Parts {
			q := &cnd.Test.Parts[j]
			switch {
			case q.Kind == ir.RuleRef:
				raw = raw && q.N > 0 && b.groupIsTame(b.r.Pattern, q.N)
			case q.Kind == ir.CondRef:
				raw = raw && b.rawBefore(i, q.N)
			case q.Kind == ir.Variable && (q.Name == "REQUEST_URI" || q.Name == "REQUEST_FILENAME" || q.Name == "SCRIPT_FILENAME" || q.Space == "ENV"):
				raw = false
			}
		}
		raw = raw || b.groupIsTame(cnd.Pattern, n)
		if raw && i > 0 && b.r.Conditions[i-1].Or {
			return b.rawBefore(i, n) // the one before may be the one that matched
		}
		return raw
	}
	return true
}

// groupIsTame tells whether a group can hold only bytes that stand in a header and in a path as they are.
func (b *builder) groupIsTame(p *ir.Pattern, n int) bool {
	if n == 0 {
		return tame(p.Re.Tree().Root)
	}
	found, ok := false, true
	pattern.Walk(p.Re.Tree().Root, func(node pattern.Node) bool {
		if g, is := node.(*pattern.Group); is && g.Kind == pattern.Capturing && g.Number == n {
			found = true
			ok = ok && tame(g.Body)
		}
		return true
	})
	return found && ok
}

// tame tells whether all a node can match is bytes that need no escape.
func tame(n pattern.Node) bool {
	ok := true
	pattern.Walk(n, func(n pattern.Node) bool {
		switch n := n.(type) {
		case *pattern.Literal:
			for i := 0; i < len(n.Text); i++ {
				ok = ok && keptInPath(n.Text[i]) && n.Text[i] != '+' && n.Text[i] != '&' && n.Text[i] != ';'
			}
		case *pattern.Class:
			n.Set.Ranges(func(lo, hi byte) {
				for c := int(lo); c <= int(hi); c++ {
					ok = ok && keptInPath(byte(c)) && c != '+' && c != '&' && c != ';'
				}
			})
		case *pattern.Any, *pattern.Newline, *pattern.Grapheme, *pattern.BackReference, *pattern.Recursion, *pattern.Conditional:
			ok = false
		}
		return ok
	})
	return ok
}

// allTame tells whether every group of the pattern that parts use is tame.
func (b *builder) allTame(parts []part) bool {
	for _, p := range parts {
		if p.ref != nil && p.ref.Kind == ir.RuleRef && p.ref.N <= b.r.Pattern.Re.Groups() && !b.groupIsTame(b.r.Pattern, p.ref.N) {
			return false
		}
	}
	return true
}

// send writes the redirect.
func (b *builder) send(status int, d destination) {
	escape := escapePath
	if d.raw {
		escape = same
	}
	queryEscape := escape
	ruleRefs := false
	wholeOnly := true
	for _, list := range [][]part{d.host, d.path, d.query} {
		for _, p := range list {
			if p.ref != nil && p.ref.Kind == ir.RuleRef && !b.r.Negated && p.ref.N <= b.r.Pattern.Re.Groups() {
				ruleRefs = true
				wholeOnly = wholeOnly && (p.ref.N == 1 && b.wholeGroup(1) || p.ref.N == 0 && b.wholeMatch())
			}
		}
	}
	if b.needPattern && ruleRefs {
		b.sendNamed(status, d, escape, queryEscape)
		return
	}
	if b.sendWhole(status, d, escape, queryEscape) {
		return
	}
	switch {
	case !ruleRefs:
		b.sendConstant(status, d, escape, queryEscape)
	case b.allTame(d.host) && b.allTame(d.path) && b.allTame(d.query):
		b.sendTame(status, d, escape, queryEscape)
	default:
		b.sendSpelled(status, d, escape, queryEscape)
	}
}

// rewritable tells whether the rewrite directive can send this status.
func rewritable(status int) bool { return status == 301 || status == 302 }

func flagOf(status int) string {
	if status == 301 {
		return "permanent"
	}
	return "redirect"
}

// texts writes the Location up to the query, and the query of return and of rewrite.
func (b *builder) texts(d destination, style refStyle, escape, queryEscape func(string) string) (loc, forReturn, forRewrite string, pieces []piece) {
	host := b.expand(d.host, style, same)
	path := append(host, b.expand(d.path, style, escape)...)
	query := b.expand(d.query, style, queryEscape)
	loc, dollar := value(path)
	q, dollar2 := value(query)
	b.c.out.dollar = b.c.out.dollar || dollar || dollar2
	loc = d.head + loc
	switch d.mode {
	case keepQuery:
		forReturn, forRewrite = loc+queryPart, loc+queryPart+"?"
	case dropQuery:
		forReturn, forRewrite = loc, loc+"?"
	case setQuery:
		forReturn, forRewrite = loc+"?"+q, loc+"?"+q+"?"
	case appendQuery:
		forRewrite = loc + "?" + q
		forReturn = loc + "?" + q + "$and_args"
	}
	return loc, forReturn, forRewrite, append(path, query...)
}

func (b *builder) needAndArgs(text string) string {
	if strings.Contains(text, "$and_args") {
		b.c.out.maps["and_args"] = "map $args $and_args {\n    \"\" \"\";\n    default &$args;\n}"
	}
	return text
}

// injects tells whether a piece would bring decoded bytes into a header.
func injects(pieces []piece, allowed func(string) bool) bool {
	for _, p := range pieces {
		if p.variable != "" && p.decoded && !allowed(p.variable) {
			return true
		}
	}
	return false
}

// sendConstant is a Location without groups of the pattern.
func (b *builder) sendConstant(status int, d destination, escape, queryEscape func(string) string) {
	loc, forReturn, forRewrite, pieces := b.texts(d, byName, escape, queryEscape)
	rawConds := func(name string) bool { return strings.HasPrefix(name, "c") && b.condsRaw(d) }
	if injects(pieces, rawConds) {
		b.sendDecoded(status, d, escape, queryEscape)
		return
	}
	if strings.HasPrefix(loc, "$") && !strings.HasPrefix(loc, "$scheme") && !d.known {
		giveUp("the redirect begins with a variable")
	}
	// rewrite unescapes the text before the query: only return sends it as it stands
	asRewrite := rewritable(status) && !strings.Contains(loc, "%") && !strings.Contains(loc, "#") && redirects(loc) && !b.r.Negated && !b.needPattern && !b.r.Chain && b.r.Skip == 0 && !usesConds(d)
	if asRewrite && b.patternIsWorthIt() {
		b.when(b.groups, fmt.Sprintf("rewrite %s %s %s;", b.pattern(), word(forRewrite), flagOf(status)))
		return
	}
	b.when(b.withPattern(), fmt.Sprintf("return %d %s;", status, word(b.needAndArgs(forReturn))))
}

// redirects tells whether rewrite takes a replacement for a redirect by its beginning.
func redirects(loc string) bool {
	return strings.HasPrefix(loc, "http://") || strings.HasPrefix(loc, "https://") || strings.HasPrefix(loc, "$scheme")
}

func usesConds(d destination) bool {
	for _, list := range [][]part{d.host, d.path, d.query} {
		for _, p := range list {
			if p.ref != nil {
				return true
			}
		}
	}
	return false
}

// patternIsWorthIt tells whether a rewrite is shorter than an if with return.
func (b *builder) patternIsWorthIt() bool {
	if b.matchesAll() {
		return false
	}
	if _, ok := b.sub.exactPath(b.r.Pattern); ok && len(b.groups) == 0 {
		return false
	}
	return true
}

func (b *builder) condsRaw(d destination) bool {
	for _, list := range [][]part{d.host, d.path, d.query} {
		for _, p := range list {
			if p.ref != nil && p.ref.Kind == ir.CondRef && !b.condIsRaw(p.ref) {
				return false
			}
		}
	}
	return true
}

// sendWhole is a redirect that keeps the whole path: return with $request_uri. It tells whether that was the case.
func (b *builder) sendWhole(status int, d destination, escape, queryEscape func(string) string) bool {
	if d.raw || b.r.Negated || len(d.path) == 0 || b.needPattern || b.c.stale && rewritable(status) {
		return false
	}
	last := d.path[len(d.path)-1]
	if last.ref == nil {
		return false
	}
	before := append([]part{}, d.path[:len(d.path)-1]...)
	switch {
	case last.ref.Kind == ir.Variable && last.ref.Name == "REQUEST_URI" && last.ref.Space == "":
	case last.ref.Kind == ir.RuleRef && (last.ref.N == 1 && b.wholeGroup(1) || last.ref.N == 0 && b.wholeMatch() || last.ref.N == 1 && b.optionalSlashWhole()):
		if b.sub.prefix == "/" {
			n := len(before)
			if n == 0 || before[n-1].ref != nil || !strings.HasSuffix(before[n-1].text, "/") {
				return false
			}
			before[n-1].text = strings.TrimSuffix(before[n-1].text, "/")
		} else if b.sub.prefix != "" {
			return false
		}
		if strings.Contains(b.r.Pattern.Text, "+") && b.sub.prefix != "" {
			// .+ does not match the root itself
			break
		}
	default:
		return false
	}
	for _, p := range append(d.host[:len(d.host):len(d.host)], before...) {
		if p.ref != nil && p.ref.Kind == ir.RuleRef {
			return false
		}
	}
	pieces := append(b.expand(d.host, byName, same), b.expand(before, byName, escape)...)
	if injects(pieces, func(name string) bool { return strings.HasPrefix(name, "c") && b.condsRaw(d) }) {
		return false
	}
	text, dollar := value(pieces)
	b.c.out.dollar = b.c.out.dollar || dollar
	loc := d.head + text
	groups := b.withPattern()
	if d.mode != keepQuery {
		if b.f != faithful || !rewritable(status) || !redirects(loc) || !d.unsafe {
			return false
		}
		q, dollar := value(b.expand(d.query, byName, queryEscape))
		b.c.out.dollar = b.c.out.dollar || dollar
		text := loc + "$1?"
		switch d.mode {
		case setQuery:
			text += q + "?"
		case appendQuery:
			text += q
		}
		for _, p := range d.query {
			if p.ref != nil && p.ref.Kind != ir.CondRef {
				return false
			}
		}
		b.when(groups, fmt.Sprintf("rewrite ^([^?]*)$ %s %s;", word(text), flagOf(status)), `return 403; # an encoded "?" in the path`)
		return true
	}
	if b.f == faithful {
		switch {
		case rewritable(status) && redirects(loc) && d.unsafe:
			b.when(groups, fmt.Sprintf("rewrite ^([^?]*)$ %s %s;", word(loc+"$1"+queryPart+"?"), flagOf(status)), `return 403; # an encoded "?" in the path`)
			return true
		case rewritable(status) && redirects(loc) && b.r.Keyword != ir.RedirectMatch:
			b.when(groups, fmt.Sprintf("rewrite ^([^?]*)$ %s %s;", word(loc+"$1"+queryPart+"?"), flagOf(status)), fmt.Sprintf("return %d %s;", status, word(loc+"$request_uri")))
			return true
		case d.unsafe:
			b.when(append([]group{{test{variable: "$uri", op: "~", operand: `\?`}}}, groups...), "return 403;")
		}
	}
	b.when(groups, fmt.Sprintf("return %d %s;", status, word(loc+"$request_uri")))
	return true
}

// optionalSlashWhole is ^/?(.*)$.
func (b *builder) optionalSlashWhole() bool {
	return b.r.Pattern.Text == "^/?(.*)$" || b.r.Pattern.Text == "^/?(.*)" || b.r.Pattern.Text == "^/(.*)$" && b.sub.prefix == ""
}

// sendTame is a Location with groups that hold nothing to escape.
func (b *builder) sendTame(status int, d destination, escape, queryEscape func(string) string) {
	loc, forReturn, forRewrite, pieces := b.texts(d, byNumber, escape, queryEscape)
	if injects(pieces, func(name string) bool {
		return len(name) == 1 || strings.HasPrefix(name, "c") && b.condsRaw(d)
	}) {
		giveUp("decoded text of the request would get into a header")
	}
	if rewritable(status) && redirects(loc) && !strings.Contains(loc, "%") {
		b.when(b.groups, fmt.Sprintf("rewrite %s %s %s;", b.pattern(), word(forRewrite), flagOf(status)))
		return
	}
	if len(b.groups) == 0 {
		t := b.numberedTest()
		b.when([]group{{t}}, fmt.Sprintf("return %d %s;", status, word(b.needAndArgs(forReturn))))
		return
	}
	b.sendNamed(status, d, escape, queryEscape)
}

func (b *builder) numberedTest() test {
	t := test{variable: "$uri", op: "~", operand: b.sub.located(b.r.Pattern)}
	if b.r.Pattern.Options.IgnoreCase {
		t.op = "~*"
	}
	return t
}

// sendNamed is a Location with tame groups that were caught under names.
func (b *builder) sendNamed(status int, d destination, escape, queryEscape func(string) string) {
	_, forReturn, _, _ := b.texts(d, byName, escape, queryEscape)
	if b.needPattern {
		// the test of the pattern stands among the groups already; it must catch these, too
		if !(b.allTame(d.host) && b.allTame(d.path) && b.allTame(d.query)) {
			b.sendSpelledNamed(status, d, escape, queryEscape)
			return
		}
		b.when(b.groups, fmt.Sprintf("return %d %s;", status, word(b.needAndArgs(forReturn))))
		return
	}
	used := map[int]bool{}
	for n := range b.ruleRefs {
		used[n] = true
	}
	t := b.patternTest(used)
	b.when(append([]group{{t}}, b.groups...), fmt.Sprintf("return %d %s;", status, word(b.needAndArgs(forReturn))))
}

// sendSpelledNamed is for rules whose conditions look at the pattern's groups: the groups of the Location come from
// the path as the client spelled it.
func (b *builder) sendSpelledNamed(status int, d destination, escape, queryEscape func(string) string) {
	raw := func(n int) string { return fmt.Sprintf("raw_%d", n) }
	text, ok := b.sub.spelled(b.r.Pattern, b.usedIn(d), raw)
	if !ok {
		giveUp("what the pattern catches would get into a header decoded")
	}
	t := b.spelledTest(text)
	if b.r.Pattern.Options.IgnoreCase {
		t.op = "~*"
	}
	forReturn := b.rawTexts(d, raw, escape, queryEscape)
	b.when(append(b.groups, group{t}), fmt.Sprintf("return %d %s;", status, word(b.needAndArgs(forReturn))))
}

func (b *builder) usedIn(d destination) map[int]bool {
	used := map[int]bool{}
	for _, list := range [][]part{d.host, d.path, d.query} {
		for _, p := range list {
			if p.ref != nil && p.ref.Kind == ir.RuleRef {
				used[p.ref.N] = true
			}
		}
	}
	return used
}

// rawTexts writes the Location for return with groups of the spelled path.
func (b *builder) rawTexts(d destination, raw func(int) string, escape, queryEscape func(string) string) string {
	old := b.ruleVarName
	b.ruleVarName = raw
	defer func() { b.ruleVarName = old }()
	_, forReturn, _, pieces := b.texts(d, byName, escape, queryEscape)
	if injects(pieces, func(name string) bool {
		return strings.HasPrefix(name, "raw") || strings.HasPrefix(name, "c") && b.condsRaw(d)
	}) {
		giveUp("decoded text of the request would get into a header")
	}
	return forReturn
}

// sendSpelled is a Location with groups that can hold anything: from the path as the client spelled it, or escaped by
// rewrite.
func (b *builder) sendSpelled(status int, d destination, escape, queryEscape func(string) string) {
	raw := func(n int) string { return fmt.Sprintf("raw_%d", n) }
	loc, _, forRewrite, pieces := b.texts(d, byNumber, escape, queryEscape)
	decodedConds := injects(pieces, func(name string) bool {
		return len(name) == 1 || strings.HasPrefix(name, "c") && b.condsRaw(d)
	})
	canRewrite := rewritable(status) && redirects(loc) && !decodedConds && !strings.Contains(strings.ReplaceAll(loc, "%20", ""), "%")
	plainRewrite := fmt.Sprintf("rewrite %s %s %s;", b.pattern(), word(forRewrite), flagOf(status))
	if canRewrite && (b.f == idiomatic || b.c.stale) {
		if d.unsafe && b.f == faithful {
			b.unsafeQuestion(target{path: d.path}, b.groups)
		}
		b.when(b.groups, plainRewrite)
		return
	}
	text, ok := b.sub.spelled(b.r.Pattern, b.usedIn(d), raw)
	if d.raw && b.f == faithful {
		b.sendRaw(status, d)
		return
	}
	if !ok {
		if !canRewrite {
			giveUp("what the pattern catches would get into a header decoded")
		}
		if d.unsafe && b.f == faithful {
			b.unsafeQuestion(target{path: d.path}, b.groups)
		}
		b.when(b.groups, plainRewrite)
		return
	}
	t := b.spelledTest(text)
	if b.r.Pattern.Options.IgnoreCase {
		t.op = "~*"
	}
	if d.unsafe {
		b.unsafeQuestion(target{path: d.path}, b.groups)
	}
	forReturn := b.rawTexts(d, raw, escape, queryEscape)
	groups := append([]group{}, b.groups...)
	if anyLive(groups) {
		// the rules may run again for another path: then what the client sent says nothing
		groups = append(groups, group{b.patternTest(nil)})
	}
	b.when(append(groups, group{t}), fmt.Sprintf("return %d %s;", status, word(b.needAndArgs(forReturn))))
	if canRewrite {
		if d.unsafe {
			plainRewrite = strings.ReplaceAll(plainRewrite, "(.*)", "([^?]*)")
		}
		b.when(b.groups, plainRewrite+" # other spellings of the same path")
	}
}

func anyLive(groups []group) bool {
	for _, g := range groups {
		for _, t := range g {
			if live(t) {
				return true
			}
		}
	}
	return false
}

// sendRaw is a Location that httpd sends unescaped (NE): decoded text gets into the header as it is. Control
// characters never do; httpd answers 500 for them. Source: httpd modules/http/http_filters.c, AH02430.
func (b *builder) sendRaw(status int, d destination) {
	used := b.usedIn(d)
	t := b.patternTest(used)
	t.operand = "(?s)" + t.operand // line feeds, too
	groups := append([]group{{t}}, b.groups...)
	_, forReturn, _, pieces := b.texts(d, byName, same, same)
	if injects(pieces, func(name string) bool {
		return strings.HasPrefix(name, "r_") || strings.HasPrefix(name, "c") && b.condsRaw(d)
	}) {
		giveUp("decoded text of the request would get into a header")
	}
	b.when(append([]group{{test{variable: "$uri", op: "~", operand: `[\x00-\x1f\x7f]`}}}, groups...), "return 500;")
	if d.unsafe {
		b.unsafeQuestion(target{path: d.path}, b.groups)
	}
	b.when(groups, fmt.Sprintf("return %d %s;", status, word(b.needAndArgs(forReturn))))
}

// sendDecoded is a Location with the decoded path or what a condition caught of it: rewrite has to escape it.
func (b *builder) sendDecoded(status int, d destination, escape, queryEscape func(string) string) {
	// the path is caught anew, for rewrite escapes what it catches itself
	uris := 0
	for _, list := range [][]part{d.host, d.path, d.query} {
		for _, p := range list {
			if p.ref == nil {
				continue
			}
			if p.ref.Kind == ir.Variable && (p.ref.Name == "REQUEST_URI" || p.ref.Name == "REQUEST_FILENAME" || p.ref.Name == "SCRIPT_FILENAME") {
				uris++
			} else if p.ref.Kind == ir.CondRef && !b.condIsRaw(p.ref) {
				giveUp("what a condition caught of the decoded path would get into a header")
			}
		}
	}
	if uris == 0 || !rewritable(status) {
		if uris > 0 {
			b.sendRequestPath(status, d, escape, queryEscape)
			return
		}
		giveUp("decoded text of the request would get into a header")
	}
	write := func(list []part, esc func(string) string) (out []piece) {
		for _, p := range list {
			if p.ref != nil && p.ref.Kind == ir.Variable && (p.ref.Name == "REQUEST_URI" || p.ref.Name == "REQUEST_FILENAME" || p.ref.Name == "SCRIPT_FILENAME") {
				out = append(out, variable("1"))
				continue
			}
			out = append(out, b.expand([]part{p}, byName, esc)...)
		}
		return out
	}
	loc, dollar := value(append(b.expand(d.host, byName, same), write(d.path, escape)...))
	q, dollar2 := value(write(d.query, queryEscape))
	b.c.out.dollar = b.c.out.dollar || dollar || dollar2
	text := d.head + loc
	if !redirects(text) {
		giveUp("a redirect whose address begins with a variable")
	}
	switch d.mode {
	case keepQuery:
		text += queryPart + "?"
	case dropQuery:
		text += "?"
	case setQuery:
		text += "?" + q + "?"
	case appendQuery:
		text += "?" + q
	}
	groups := b.withPattern()
	if d.unsafe && b.f == faithful {
		b.when(append([]group{{test{variable: "$uri", op: "~", operand: `\?`}}}, groups...), "return 403;")
	}
	b.when(groups, fmt.Sprintf("rewrite ^(.*)$ %s %s;", word(text), flagOf(status)))
}

// requestPath is no variable of httpd: it stands for the path as the client spelled it.
const requestPath = "*request_path"

// sendRequestPath is a Location with the path as the client spelled it somewhere in it, for statuses that rewrite cannot send.
func (b *builder) sendRequestPath(status int, d destination, escape, queryEscape func(string) string) {
	b.c.out.maps["request_path"] = "map $request_uri $request_path {\n    \"~^(?<request_path_only>[^?]*)\" $request_path_only;\n}"
	for _, list := range [][]part{d.host, d.path, d.query} {
		for i, p := range list {
			if p.ref != nil && p.ref.Kind == ir.Variable && p.ref.Space == "" && (p.ref.Name == "REQUEST_URI" || p.ref.Name == "REQUEST_FILENAME") {
				list[i] = part{ref: &ir.Part{Kind: ir.Variable, Name: requestPath}}
			}
		}
	}
	_, forReturn, _, pieces := b.texts(d, byName, escape, queryEscape)
	if injects(pieces, func(name string) bool { return strings.HasPrefix(name, "c") && b.condsRaw(d) }) {
		giveUp("decoded text of the request would get into a header")
	}
	groups := b.withPattern()
	if d.unsafe && b.f == faithful {
		b.when(append([]group{{test{variable: "$uri", op: "~", operand: `\?`}}}, groups...), "return 403;")
	}
	b.when(groups, fmt.Sprintf("return %d %s;", status, word(b.needAndArgs(forReturn))))
}
