package nginx

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"rewright/parser/ir"
)

// Locations with groups of the pattern.

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
	groups := b.groups
	if plain := b.decodedBesides(d); len(plain) > 0 {
		groups = append(groups[:len(groups):len(groups)], b.onlyPlain(plain)...)
	}
	b.when(append(groups, group{t}), fmt.Sprintf("return %d %s;", status, word(b.needAndArgs(forReturn))))
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
	plain := b.decodedBesides(d) // the caller asks what they hold
	if injects(pieces, func(name string) bool {
		return strings.HasPrefix(name, "raw") || strings.HasPrefix(name, "c") && b.condsRaw(d) || plain[name]
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
	if canRewrite && b.f == faithful {
		b.sendQuestion(status, d, loc)
	}
	if !d.raw && (canRewrite && b.f == faithful && hasRuleRefs(d.query) || !canRewrite && (b.c.stale || b.c.runsAgain())) {
		b.sendPlain(status, d, escape, queryEscape, plainBytes)
	}
	text, ok := b.sub.spelled(b.r.Pattern, b.usedIn(d), raw)
	if d.raw && b.f == faithful {
		b.sendRaw(status, d, same)
		return
	}
	if b.f == faithful && hasRuleRefs(d.host) && !hasRefs(d.path) && !hasRefs(d.query) {
		b.sendRaw(status, d, escape) // the host is never escaped
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
	if plain := b.decodedBesides(d); len(plain) > 0 {
		groups = append(groups, b.onlyPlain(plain)...)
	}
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
	} else if b.f == faithful && !d.raw && !b.c.stale && !b.c.runsAgain() {
		b.sendPlain(status, d, escape, queryEscape, sendableBytes)
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
func (b *builder) sendRaw(status int, d destination, escape func(string) string) {
	used := b.usedIn(d)
	t := b.patternTest(used)
	t.operand = "(?s)" + t.operand // line feeds, too
	groups := append([]group{{t}}, b.groups...)
	_, forReturn, _, pieces := b.texts(d, byName, escape, escape)
	if injects(pieces, func(name string) bool {
		return strings.HasPrefix(name, "r_") || strings.HasPrefix(name, "c") && b.condsRaw(d)
	}) {
		giveUp("decoded text of the request would get into a header")
	}
	b.noControls(groups)
	if d.unsafe {
		b.unsafeQuestion(target{path: d.path}, b.groups)
	}
	b.when(groups, fmt.Sprintf("return %d %s;", status, word(b.needAndArgs(forReturn))))
}

// noControls answers 500 to control characters that would get into a header as they are.
// Source: httpd modules/http/http_filters.c, AH02430.
func (b *builder) noControls(groups []group) {
	b.refuse(test{variable: "$uri", op: "~", operand: `[\x00-\x1f\x7f]`}, "return 500;", groups)
}

// sendDecoded is a Location with the decoded path or what a condition caught of it: rewrite has to escape it.
func (b *builder) sendDecoded(status int, d destination, escape, queryEscape func(string) string) {
	// the path is caught anew, for rewrite escapes what it catches itself
	uris := 0
	plain := map[string]bool{} // decoded groups of conditions, and variables that hold decoded text
	for _, list := range [][]part{d.host, d.path, d.query} {
		for _, p := range list {
			if p.ref == nil {
				continue
			}
			if p.ref.Kind == ir.Variable && (p.ref.Name == "REQUEST_URI" || p.ref.Name == "REQUEST_FILENAME" || p.ref.Name == "SCRIPT_FILENAME") {
				uris++
			} else if p.ref.Kind == ir.CondRef && !b.condIsRaw(p.ref) {
				name, ok := b.condName[p.ref.N]
				if !ok {
					giveUp("what a condition caught of the decoded path would get into a header")
				}
				plain[name] = true
			} else if name := b.decodedEnv(p.ref); name != "" {
				plain[name] = true
			}
		}
	}
	if len(plain) > 0 {
		if uris > 0 {
			giveUp("what a condition caught of the decoded path would get into a header")
		}
		_, forReturn, _, pieces := b.texts(d, byName, escape, queryEscape)
		if injects(pieces, func(name string) bool { return strings.HasPrefix(name, "c") || plain[name] }) {
			giveUp("decoded text of the request would get into a header")
		}
		groups := append(append([]group{}, b.withPattern()...), b.onlyPlain(plain)...)
		b.when(groups, fmt.Sprintf("return %d %s;", status, word(b.needAndArgs(forReturn))))
		return
	}
	if uris > 0 && d.raw && b.f == faithful && !hasRuleRefs(d.path) && !hasRuleRefs(d.host) && !hasRuleRefs(d.query) {
		_, forReturn, _, pieces := b.texts(d, byName, same, same)
		if injects(pieces, func(name string) bool {
			return name == "uri" || name == "request_filename" || strings.HasPrefix(name, "c") && b.condsRaw(d)
		}) {
			giveUp("decoded text of the request would get into a header")
		}
		groups := b.withPattern()
		b.noControls(groups)
		if d.unsafe {
			b.refuse(test{variable: "$uri", op: "~", operand: `\?`}, "return 403;", groups)
		}
		b.when(groups, fmt.Sprintf("return %d %s;", status, word(b.needAndArgs(forReturn))))
		return
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
		b.refuse(test{variable: "$uri", op: "~", operand: `\?`}, "return 403;", groups)
	}
	b.when(groups, fmt.Sprintf("rewrite ^(.*)$ %s %s;", word(text), flagOf(status)))
}

// decodedEnv is nginx's variable for one of httpd's environment that may hold decoded text; empty: it holds none.
func (b *builder) decodedEnv(p *ir.Part) string {
	if p.Kind != ir.Variable || p.Space != "ENV" {
		return ""
	}
	v, why := b.c.variableOf(p)
	if why != "" || len(v) != 1 || !strings.HasPrefix(v[0].variable, "env_") || b.c.spelledEnv[v[0].variable] || b.c.plainEnv(p.Name) {
		return ""
	}
	return v[0].variable
}

// onlyPlain lets a rule take effect only when the variables hold what can stand in a header as it is.
func (b *builder) onlyPlain(names map[string]bool) (groups []group) {
	b.u.caveat = "only for paths whose bytes need no escape: nginx cannot escape what a condition caught"
	for _, name := range slices.Sorted(maps.Keys(names)) {
		groups = append(groups, group{test{variable: "$" + name, op: "~", operand: "^" + plainBytes + "*$"}})
	}
	return groups
}

// decodedBesides are the variables of a Location that hold decoded text and are no groups of the pattern.
func (b *builder) decodedBesides(d destination) map[string]bool {
	names := map[string]bool{}
	for _, list := range [][]part{d.host, d.path, d.query} {
		for _, p := range list {
			if p.ref == nil {
				continue
			}
			if name, ok := b.condName[p.ref.N]; ok && p.ref.Kind == ir.CondRef && !b.condIsRaw(p.ref) {
				names[name] = true
			} else if name := b.decodedEnv(p.ref); name != "" {
				names[name] = true
			}
		}
	}
	return names
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
		b.refuse(test{variable: "$uri", op: "~", operand: `\?`}, "return 403;", groups)
	}
	b.when(groups, fmt.Sprintf("return %d %s;", status, word(b.needAndArgs(forReturn))))
}

// sendQuestion is for redirects that let an encoded question mark of the path through: what follows it is the query
// then, and that of the request is lost.
func (b *builder) sendQuestion(status int, d destination, loc string) {
	if b.r.Keyword != ir.RedirectMatch && !b.r.Escape.Allow3F || d.mode != keepQuery || len(b.groups) > 0 || b.needPattern {
		return
	}
	pat := b.pattern()
	if strings.Count(pat, "(.*)") != 1 || strings.Count(strings.ReplaceAll(pat, "(?s)", ""), "(") != 1 || !strings.HasSuffix(loc, "$1") {
		return
	}
	b.add("rewrite %s %s %s; # an encoded question mark", word(strings.Replace(pat, "(.*)", `([^?]*)\?(.*)`, 1)), word(loc+"?$2?"), flagOf(status))
}

// plainBytes is a class of the bytes that httpd leaves in a Location as they are.
const plainBytes = `[-A-Za-z0-9$_.+!*'(),:;@&=/~]`

// sendableBytes are those and the ones that clients send without an escape though they need one, which is a remark of every
// result: no controls, and nothing that would mean something else in a Location.
const sendableBytes = `[^\x00-\x20\x22#%<>?\x5c^\x60{|}\x7f]`

// sendPlain is a redirect with groups that hold bytes of a class only, which need no escape. It holds also where the path
// is no longer what the client sent, and httpd leaves "&" and "+" in a query as they are, which rewrite would escape.
func (b *builder) sendPlain(status int, d destination, escape, queryEscape func(string) string, class string) {
	if b.r.Escape.Backrefs || b.needPattern || b.r.Negated {
		return
	}
	used := b.usedIn(d)
	t := b.patternTest(used)
	groups := append([]group{{}}, b.groups...)
	for _, n := range slices.Sorted(maps.Keys(used)) {
		head := "(?<" + b.ruleVar(n) + ">"
		if !strings.Contains(t.operand, head) {
			return
		}
		for _, quantifier := range []string{"*", "+"} {
			t.operand = strings.Replace(t.operand, head+"."+quantifier+")", head+class+quantifier+")", 1)
		}
		if !strings.Contains(t.operand, head+class) && !b.groupIsTame(b.r.Pattern, n) {
			groups = append(groups, group{test{variable: "$" + b.ruleVar(n), op: "~", operand: "^" + class + "*$"}})
		}
	}
	groups[0] = group{t}
	_, forReturn, _, pieces := b.texts(d, byName, escape, queryEscape)
	if injects(pieces, func(name string) bool {
		return strings.HasPrefix(name, "r_") || strings.HasPrefix(name, "c") && b.condsRaw(d)
	}) {
		return
	}
	b.when(groups, fmt.Sprintf("return %d %s;", status, word(b.needAndArgs(forReturn))))
}

// runsAgain tells whether the rules may be asked about a path that one of them has made.
func (c *compiler) runsAgain() bool {
	if !c.inLoc || c.area == nil {
		return false
	}
	if c.again == nil {
		again := slices.ContainsFunc(c.area.rules, func(r *ir.Rule) bool {
			return !r.Disabled && r.Action == ir.ActionRewrite && goesOn(r)
		})
		c.again = &again
	}
	return *c.again
}
