package nginx

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"rewright/parser/ir"
)

// knownStatus tells whether httpd has a status line for a code; others are answered with 500.
// Source: httpd modules/http/http_protocol.c, status_lines.
func knownStatus(n int) bool {
	switch {
	case n >= 100 && n <= 103, n >= 200 && n <= 208, n == 226, n >= 300 && n <= 308 && n != 306, n >= 400 && n <= 417, n >= 421 && n <= 426,
		n == 428, n == 429, n == 431, n == 451, n >= 500 && n <= 508, n == 510, n == 511:
		return true
	}
	return false
}

// none is "-" without a status.
func (b *builder) none() {
	if b.r.Flow != ir.FlowLast && b.r.Flow != ir.FlowEnd && !b.r.PassThrough {
		if len(b.u.lines) == 0 && len(b.r.Env) == 0 && !b.r.Chain && b.r.Skip == 0 {
			b.add("# does nothing: %s", clean(oneLine(b.r.Origin)))
		}
		if b.r.Flow == ir.FlowRestart {
			giveUp("a rule that changes nothing and starts over (N)")
		}
		return
	}
	b.when(b.withPattern(), "break;")
}

// respond is F, G and R with a status that is no redirect.
func (b *builder) respond() {
	if len(b.r.Env) > 0 {
		b.u.lines = nil // nobody sees them any more
	}
	b.when(b.withPattern(), statusLine(b.r.Status))
}

func statusLine(n int) string {
	switch {
	case !knownStatus(n):
		return "return 500;"
	case n == 200:
		return `return 200 "";`
	}
	return fmt.Sprintf("return %d;", n)
}

// queryMode is what becomes of the query string.
type queryMode uint8

const (
	keepQuery queryMode = iota
	dropQuery
	setQuery    // replaced
	appendQuery // new one, then the old one
)

// target is a substitution taken apart.
type target struct {
	path, query []part
	mode        queryMode
	merged      bool // QSA adds the query of the request to an empty one
}

// part is a literal or a reference.
type part struct {
	text string   // literal
	ref  *ir.Part // nil for a literal
	raw  bool     // a literal that is sent as it stands
}

// takeApart splits a substitution at its question mark.
func (b *builder) takeApart() target {
	r := b.r
	var out target
	split := false
	total := 0
	for i := range r.Target.Parts {
		if p := &r.Target.Parts[i]; p.Kind == ir.Literal {
			total += strings.Count(p.Text, "?")
		}
	}
	seen := 0
	add := func(p part) {
		if split {
			out.query = append(out.query, p)
		} else {
			out.path = append(out.path, p)
		}
	}
	for i := range r.Target.Parts {
		p := &r.Target.Parts[i]
		if p.Kind != ir.Literal {
			add(part{ref: p})
			continue
		}
		text := p.Text
		for !r.Query.None {
			k := strings.IndexByte(text, '?')
			if k < 0 || split {
				break
			}
			seen++
			if r.Query.SplitLast && seen < total && b.splitsAgain() {
				// the path is parsed as a URL again: the first question mark splits after all
			} else if r.Query.SplitLast && seen < total {
				add(part{text: text[:k+1]})
				text = text[k+1:]
				continue
			}
			add(part{text: text[:k]})
			text, split = text[k+1:], true
		}
		if text != "" {
			add(part{text: text})
		}
	}
	empty := true
	for _, p := range out.query {
		empty = empty && p.ref == nil && p.text == ""
	}
	switch {
	case r.Query.None:
		out.mode = dropQuery
	case !split && r.Query.Discard:
		out.mode = dropQuery
	case !split:
		out.mode = keepQuery
	case r.Query.Append && !r.Query.Discard && empty:
		out.mode, out.merged = keepQuery, true
	case r.Query.Append && !r.Query.Discard:
		out.mode = appendQuery
	case empty:
		out.mode = dropQuery
	default:
		out.mode = setQuery
	}
	if n := len(out.query); n > 0 && out.query[n-1].ref == nil && (out.mode == setQuery) {
		out.query[n-1].text = strings.TrimSuffix(out.query[n-1].text, "&")
	}
	if n := len(out.query); n > 0 && out.mode == appendQuery && out.query[n-1].ref == nil && strings.HasSuffix(out.query[n-1].text, "&") {
		// new&&old
		b.u.caveat = ""
	}
	if r.Query.None && r.Action == ir.ActionRewrite {
		for _, p := range out.path {
			if strings.Contains(p.text, "?") {
				giveUp("a question mark in the path of the result")
			}
		}
	}
	return out
}

// splitsAgain tells whether the result is a URL path of a directory's rules, which is parsed once more.
func (b *builder) splitsAgain() bool {
	return !b.c.server && b.r.Action == ir.ActionRewrite && !isAbsolute(b.r.Target)
}

// own tells whether groups of the pattern may be written $1: the pattern is the last regular expression that runs.
type refStyle uint8

const (
	byNumber refStyle = iota // $1 of the rewrite directive's own pattern
	byName                   // named groups
)

// expand makes pieces of parts. escape is applied to literals.
func (b *builder) expand(parts []part, style refStyle, escape func(string) string) (out []piece) {
	for i, p := range parts {
		if p.ref == nil {
			if p.raw {
				out = append(out, lit(p.text))
				continue
			}
			out = append(out, lit(escape(p.text)))
			continue
		}
		switch p.ref.Kind {
		case ir.RuleRef:
			switch {
			case b.r.Negated || p.ref.N > b.r.Pattern.Re.Groups():
			case p.ref.N == 0 && style == byNumber:
				if b.wholeGroup(1) {
					out = append(out, decodedVar("1"))
				} else {
					giveUp("$0, all that the pattern matched")
				}
			case style == byNumber && !b.needPattern:
				out = append(out, decodedVar(fmt.Sprint(p.ref.N)))
			default:
				b.ruleRefs[p.ref.N] = true
				out = append(out, decodedVar(b.ruleVar(p.ref.N)))
			}
		case ir.CondRef:
			if text, constant := b.condText[p.ref.N]; constant {
				out = append(out, lit(escape(text)))
			} else if name, ok := b.condName[p.ref.N]; ok {
				out = append(out, decodedVar(name))
			}
		case ir.Variable:
			if i == 0 && (p.ref.Name == "REQUEST_FILENAME" || p.ref.Name == "SCRIPT_FILENAME") && p.ref.Space == "" {
				out = append(out, decodedVar("uri"))
				continue
			}
			v, why := b.c.variableOf(p.ref)
			if why != "" {
				giveUp("%s", why)
			}
			if (p.ref.Space == "ENV" || p.ref.Space == "HTTP") && len(v) == 1 && strings.HasPrefix(v[0].variable, "env_") {
				v[0].decoded = !b.c.spelledEnv[v[0].variable] && !b.c.plainEnv(p.ref.Name)
			}
			out = append(out, v...)
		case ir.Lookup:
			giveUp("RewriteMap %s", p.ref.Map)
		default:
			giveUp("%s in the target", p.ref.Text)
		}
	}
	return out
}

func same(s string) string { return s }

// localPath makes the URL path of a local result out of the parts of a substitution.
func (b *builder) localPath(parts []part) []part {
	c := b.c
	if len(parts) == 0 {
		return []part{{text: c.base}}
	}
	first := parts[0]
	if first.ref != nil {
		if first.ref.Kind == ir.Variable && first.ref.Space == "" {
			switch first.ref.Name {
			case "DOCUMENT_ROOT", "CONTEXT_DOCUMENT_ROOT":
				if len(parts) > 1 {
					return parts[1:]
				}
				return []part{{text: "/"}}
			case "REQUEST_FILENAME", "SCRIPT_FILENAME", "REQUEST_URI":
				return parts
			}
		}
		if c.server {
			return append([]part{{text: "/"}}, parts...)
		}
		return append([]part{{text: c.base}}, parts...)
	}
	text := first.text
	rest := parts[1:]
	if root := c.area.docroot; root != "" {
		if below, ok := strings.CutPrefix(text, root); ok && strings.HasPrefix(below, "/") {
			return append([]part{{text: below}}, rest...)
		}
	}
	switch {
	case strings.HasPrefix(text, "/"):
		for strings.HasPrefix(text, "//") {
			text = text[1:]
		}
	case c.server:
		text = "/" + text
	default:
		text = c.base + text
	}
	return append([]part{{text: text}}, rest...)
}

// rewrite is a result inside the server.
func (b *builder) rewrite() {
	r, c := b.r, b.c
	t := b.takeApart()
	parts := b.localPath(t.path)
	if r.Escape.Backrefs && (hasRefs(t.path) || hasRefs(t.query)) {
		b.u.caveat = "nginx escapes references its own way where B asks for it"
	}
	if r.NoSubrequest {
		b.askedByName()
	}
	if b.fileOfSystem(parts) {
		return
	}
	flag := ""
	switch {
	case r.PassThrough && c.aliases:
	case r.Flow == ir.FlowLast && c.goesOn && (c.last || constantPath(parts) != "" && !c.takes(r, constantPath(parts))):
		// what follows in the script are the rules of .htaccess files, which run all the same
	case r.Flow == ir.FlowLast, r.PassThrough:
		flag = " last"
	case r.Flow == ir.FlowEnd:
		flag = " break"
		if !c.inLoc {
			flag = " last"
		}
	case b.source != nil && unrolls(c.area, b.source):
	case r.Flow == ir.FlowRestart:
		if !c.inLoc {
			flag = " last"
			b.u.caveat = "the rules are not started over (N)"
		} else {
			flag = " last"
		}
	case c.goesOn:
	case c.last, c.aliases && constantPath(parts) != "" && !c.takes(r, constantPath(parts)):
		flag = " last"
	}
	style := byNumber
	pat := b.pattern()
	groups := b.groups
	if b.f == faithful && !r.Escape.Backrefs && !b.needPattern && !r.Negated && !r.Chain && r.Skip == 0 && hasRuleRefs(t.query) && !b.allTame(t.query) {
		// by name they go into the query as they are; by number nginx would escape them
		used := map[int]bool{}
		for _, list := range [][]part{parts, t.query} {
			for _, p := range list {
				if p.ref != nil && p.ref.Kind == ir.RuleRef {
					used[p.ref.N] = true
				}
			}
		}
		named := b.patternTest(used)
		named.operand = "(?s)" + named.operand // line feeds, too
		groups = append([]group{{named}}, groups...)
		b.needPattern = true
		b.badQuery(groups)
	}
	if r.Negated || b.needPattern {
		style, pat = byName, "^"
		if r.Negated {
			groups = append([]group{{b.patternTest(nil)}}, groups...)
		}
	} else if b.matchesAll() && !ruleRefsIn(t) {
		pat = "^"
	}
	literal := func(s string) string { return decodeOnce(s, c.server) }
	if !c.server && len(parts) == 1 && parts[0].ref == nil && strings.Contains(parts[0].text, "/.") {
		parts[0].text = cleanPath(parts[0].text)
	}
	pieces := b.expand(parts, style, literal)
	query := b.expand(t.query, style, same)
	if (r.Chain || r.Skip > 0) && pat != "^" {
		// the pattern is asked again, for its groups
		_ = pat
	}
	c.stale = c.stale || flag == ""
	text, dollar := value(pieces)
	if strings.Contains(text, "?") {
		giveUp("a question mark in the path of the result")
	}
	if flag == "" && b.keepsPathInfo() {
		text += "$" + pathInfo
	}
	if b.f == faithful && hasRefs(parts) && !r.Escape.Allow3F && !r.Escape.Backrefs && !r.Negated {
		pat = strings.ReplaceAll(pat, "(.*)", "([^?]*)") // what holds one was answered above
	}
	if c.server && (r.Escape.PrefixStat || strings.HasPrefix(text, "/~")) {
		b.u.caveat = "the result may be a path of the file system for httpd"
	}
	if c.server && len(parts) > 0 && parts[0].ref == nil && systemFolder(parts[0].text) {
		b.u.caveat = "httpd takes the result for a path of the file system"
	}
	for _, p := range parts {
		if p.ref != nil && p.ref.Kind == ir.Variable && p.ref.Space == "HTTP" {
			// Source: mod_rewrite.c, AH10508
			b.refuse(test{variable: "$" + header(p.ref.Name), op: "~", operand: `\?`}, "return 403;", b.withPattern())
		}
	}
	for _, p := range pieces {
		if strings.Contains(p.text, "#") && !c.server {
			text = text[:strings.IndexByte(text, '#')] // it is parsed as a URL again, and this ends it
			break
		}
	}
	q, d := value(query)
	c.out.dollar = c.out.dollar || dollar || d
	switch t.mode {
	case dropQuery:
		text += "?"
	case setQuery:
		text += "?" + q + "?"
	case appendQuery:
		text += "?" + q
	}
	line := fmt.Sprintf("rewrite %s %s%s;", pat, word(text), flag)
	lines := []string{line}
	if c.usesRound {
		lines = []string{"set $redirect_status 200;", line}
	}
	if b.f == faithful {
		b.slashFirst(b.source, t)
		b.unsafeQuestion(t, groups)
		if r.Query.SplitLast && hasRuleRefs(t.query) {
			b.unsafeQuestion(target{path: t.query}, groups)
		}
		b.folder(parts, t)
		b.throughQuestion(text, flag, t)
		if text2 := b.wholePath(text, flag, parts); text2 != text {
			lines[len(lines)-1] = fmt.Sprintf("rewrite %s %s%s;", pat, word(text2), flag)
		}
	}
	lines = b.pastAlias(lines, parts)
	if c.aliases {
		lines = b.beforeAliases(lines, flag, parts)
	}
	groups = append(groups, b.ownResult(parts)...)
	if len(lines) > 1 && len(groups) == 0 {
		groups = b.withPattern()
	}
	if b.c.loops[b.source] {
		groups = b.withPattern()
		b.missingLoops(parts, groups)
	}
	if b.source != nil && unrolls(c.area, b.source) {
		for range r.MaxRestarts - 2 {
			b.when(groups, lines...)
		}
		if len(groups) == 0 {
			groups = b.withPattern()
		}
		b.when(groups, "return 500; # once too often for "+"N="+fmt.Sprint(r.MaxRestarts))
		return
	}
	b.when(groups, lines...)
}

// unsafeQuestion answers 403 where an encoded question mark of the path would become part of the result.
// Source: mod_rewrite.c, AH10508.
func (b *builder) unsafeQuestion(t target, groups []group) {
	r := b.r
	if r.Escape.Allow3F || r.Escape.Backrefs || !hasRefs(t.path) || r.Negated {
		return
	}
	pat := b.sub.located(r.Pattern)
	if rest, ok := strings.CutPrefix(pat, "^"); ok && len(branches(r.Pattern.Re.Tree().Root)) == 1 {
		pat = `^(?=.*\?)` + rest
	} else {
		pat = `^(?=.*\?).*?(?:` + pat + ")"
	}
	if b.matchesAll() {
		pat = `\?`
	}
	op := "~"
	if r.Pattern.Options.IgnoreCase {
		op = "~*"
	}
	b.refuse(test{variable: "$uri", op: op, operand: pat}, "return 403;", groups)
}

// systemFolder tells whether a path begins with a folder that stands in the root of every Unix file system: then it
// is a path of the file system for httpd's server context. Source: mod_rewrite.c, prefix_stat.
func systemFolder(p string) bool {
	first, _, _ := strings.Cut(strings.TrimPrefix(p, "/"), "/")
	return slices.Contains(systemFolders, first)
}

var systemFolders = []string{"bin", "boot", "dev", "etc", "home", "lib", "media", "mnt", "opt", "proc", "root", "run", "sbin", "srv", "sys", "tmp", "usr", "var"}

// badQuery answers 403 where a blank or control character of the path would get into the query.
// Source: mod_rewrite.c, AH10411.
func (b *builder) badQuery(groups []group) {
	b.refuse(test{variable: "$uri", op: "~", operand: `[\x00-\x20\x7f]`}, "return 403;", groups)
}

func hasRuleRefs(parts []part) bool {
	for _, p := range parts {
		if p.ref != nil && p.ref.Kind == ir.RuleRef {
			return true
		}
	}
	return false
}

func hasRefs(parts []part) bool {
	for _, p := range parts {
		if p.ref != nil {
			return true
		}
	}
	return false
}

func ruleRefsIn(t target) bool {
	for _, list := range [][]part{t.path, t.query} {
		for _, p := range list {
			if p.ref != nil && p.ref.Kind == ir.RuleRef {
				return true
			}
		}
	}
	return false
}

// decodeOnce decodes a literal as the second parsing of a per-directory result does.
func decodeOnce(s string, server bool) string {
	if server || !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			hi, lo := hex(s[i+1]), hex(s[i+2])
			if hi < 0 || lo < 0 {
				giveUp("a percent sign in the target that is no escape")
			}
			b.WriteByte(byte(hi<<4 | lo))
			i += 2
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// cleanPath takes dot segments out, as the second parsing of a per-directory result does.
func cleanPath(s string) string {
	clean := path.Clean(s)
	if strings.HasSuffix(s, "/") && clean != "/" {
		clean += "/"
	}
	return clean
}

func hex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}
