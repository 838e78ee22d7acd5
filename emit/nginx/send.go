package nginx

import (
	"fmt"
	"strings"

	"rewright/parser/ir"
)

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
		forReturn, forRewrite = loc+b.oldQuery(d), loc+b.oldQuery(d)+"?"
	case dropQuery:
		forReturn, forRewrite = loc, loc+"?"
	case setQuery:
		mark := b.questionMark(d.query, q)
		forReturn, forRewrite = loc+mark+q, loc+mark+q+"?"
	case appendQuery:
		forRewrite = loc + "?" + q
		forReturn = loc + "?" + q + "$and_args"
	}
	return loc, forReturn, forRewrite, append(path, query...)
}

// oldQuery is the query of the request with its question mark. Where QSA adds it to an empty one, a question mark with
// nothing behind it is lost.
func (b *builder) oldQuery(d destination) string {
	if d.merged {
		return "$is_args$args"
	}
	return queryPart
}

// questionMark stands before a new query q; httpd sends none when the query turns out to be empty.
func (b *builder) questionMark(parts []part, q string) string {
	for _, p := range parts {
		if p.ref == nil && p.text != "" {
			return "?"
		}
	}
	if q == "$args" {
		return "$is_args"
	}
	if b.f == idiomatic || strings.ContainsAny(q, "\"\\") || !strings.Contains(q, "$c") {
		return "?"
	}
	name := fmt.Sprintf("mark%d", b.id)
	b.c.out.maps[name] = fmt.Sprintf("map %s $%s {\n    default ?;\n    \"\" \"\";\n}", word(q), name)
	return "$" + name
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
	return strings.HasPrefix(loc, "/") || strings.HasPrefix(loc, "http://") || strings.HasPrefix(loc, "https://") || strings.HasPrefix(loc, "$scheme")
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
	if last.ref.Kind == ir.RuleRef && b.f == faithful && (b.c.stale || b.c.runsAgain()) {
		return false // the path may be another by now
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
		case rewritable(status) && redirects(loc) && b.r.Keyword != ir.RedirectMatch && b.r.Keyword != ir.RewriteRule && len(groups) == 0:
			// what mod_alias expands is no longer escaped: an encoded question mark begins the query
			b.add("rewrite ^([^?]*)\\?(.*)$ %s %s;", word(loc+"$1?$2?"), flagOf(status))
			b.add("rewrite ^(.*)$ %s %s;", word(loc+"$1"+queryPart+"?"), flagOf(status))
			return true
		case rewritable(status) && redirects(loc) && b.r.Keyword != ir.RedirectMatch:
			b.when(groups, fmt.Sprintf("rewrite ^([^?]*)$ %s %s;", word(loc+"$1"+queryPart+"?"), flagOf(status)), fmt.Sprintf("return %d %s;", status, word(loc+"$request_uri")))
			return true
		case d.unsafe:
			b.refuse(test{variable: "$uri", op: "~", operand: `\?`}, "return 403;", groups)
		}
	}
	b.when(groups, fmt.Sprintf("return %d %s;", status, word(loc+"$request_uri")))
	return true
}

// optionalSlashWhole is ^/?(.*)$.
func (b *builder) optionalSlashWhole() bool {
	return b.r.Pattern.Text == "^/?(.*)$" || b.r.Pattern.Text == "^/?(.*)" || b.r.Pattern.Text == "^/(.*)$" && b.sub.prefix == ""
}
