package nginx

import (
	"fmt"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/source"
)

// alias compiles a redirect of mod_alias.
func (c *compiler) alias(r *ir.Rule, f form) (u unit) {
	u = unit{origin: r.Origin, directive: string(r.Keyword), rule: r, sees: true, wholeURL: true}
	defer u.dropOnReason()
	own := *c
	own.sub, own.server, own.guards, own.hasBase = subject{}, true, nil, false
	n, _, _ := own.normal(r)
	b := builder{c: &own, r: n, f: f, id: c.ids[r], u: &u, ruleRefs: map[int]bool{}, condRefs: map[int]bool{}, condName: map[int]string{}, condText: map[int]string{}, sub: subject{dotAll: c.dotAll[r]}}
	switch r.Match {
	case ir.MatchSegment:
		b.segment()
	case ir.MatchRegex:
		b.redirectMatch()
	default:
		b.unconditional()
	}
	return u
}

// mergeSlashes makes runs of slashes one.
func mergeSlashes(s string) string {
	for strings.Contains(s, "//") {
		s = strings.ReplaceAll(s, "//", "/")
	}
	return s
}

// segment is Redirect: whole path segments from the start, what follows them is appended.
func (b *builder) segment() {
	r := b.r
	if !strings.HasPrefix(r.Path, "/") {
		b.never()
		return
	}
	path := mergeSlashes(r.Path)
	folder := strings.HasSuffix(path, "/")
	if r.Action == ir.ActionRespond {
		re := "^" + quoteLiteral(path)
		if !folder {
			re += "(?:/|$)"
		}
		if path == "/" {
			b.when(nil, statusLine(r.Status))
			return
		}
		b.when([]group{{test{variable: "$uri", op: "~", operand: re}}}, statusLine(r.Status))
		return
	}
	text, _ := r.Target.Constant()
	loc := b.address(text)
	full, dollar := value([]piece{lit(loc)})
	if own := b.ownAddress(); strings.HasPrefix(loc, own) {
		full, dollar = value([]piece{lit(loc[len(own):])})
		full = own + full
	}
	b.c.out.dollar = b.c.out.dollar || dollar
	hasQuery := strings.Contains(text, "?")
	tail := queryPart
	if hasQuery {
		tail = ""
	}
	if path == "/" && !hasQuery && strings.HasSuffix(full, "/") {
		// all there is moves to another place
		if b.f == faithful && rewritable(r.Status) && redirects(full) && !strings.Contains(full, "%") {
			b.add("rewrite ^([^?]*)$ %s %s;", word(strings.TrimSuffix(full, "/")+"$1"+queryPart+"?"), flagOf(r.Status))
		}
		b.when(nil, b.answer(r.Status, strings.TrimSuffix(full, "/")+"$request_uri")...)
		return
	}
	decoded := "^" + quoteLiteral(path) + "(/.*)?$"
	if folder {
		decoded = "^" + quoteLiteral(path) + "(.*)$"
	}
	if b.sub.dotAll {
		decoded = "(?s)" + decoded
	}
	canRewrite := rewritable(r.Status) && redirects(full) && !strings.ContainsAny(text, "%?#")
	plainRewrite := fmt.Sprintf("rewrite %s %s %s;", word(decoded), word(full+"$1"+queryPart+"?"), flagOf(r.Status))
	if canRewrite && b.f == idiomatic {
		b.add("%s", plainRewrite)
		return
	}
	name := "rest"
	spelled := "^" + spelledLiteral(path) + "(?<" + name + `>/[^?]*)?(?:\?|$)`
	if folder {
		spelled = "^" + spelledLiteral(path) + "(?<" + name + `>[^?]*)`
	}
	b.when([]group{{b.spelledTest(spelled)}}, b.answer(r.Status, full+"$"+name+tail)...)
	if canRewrite {
		b.add("%s # other spellings of the same path", plainRewrite)
	}
}

// spelledTest compares the path as the client spelled it.
func (b *builder) spelledTest(re string) test {
	b.c.out.maps[spelledURI] = spelledMap
	return test{variable: "$" + spelledURI, op: "~", operand: re, capture: true}
}

// address is the target of a redirect with the server's own address before a path.
func (b *builder) address(text string) string {
	for i := 0; i < len(text); i++ {
		if text[i] < ' ' || text[i] == 0x7f {
			giveUp("a control character in the target")
		}
	}
	if strings.HasPrefix(text, "/") {
		return b.ownAddress() + text
	}
	return text
}

// redirectMatch is RedirectMatch: a regular expression on the whole path.
func (b *builder) redirectMatch() {
	r := b.r
	if r.Pattern == nil || r.Pattern.Re == nil {
		giveUp("the pattern is not valid")
	}
	if hasNames(r.Pattern) {
		giveUp("the pattern has named groups, which nginx would make variables of the server of")
	}
	if r.Action == ir.ActionRespond {
		b.when(b.withPattern(), statusLine(r.Status))
		return
	}
	b.sendTarget()
}

// sendTarget sends the expanded target of RedirectMatch: its path escaped, query and fragment as they stand.
func (b *builder) sendTarget() {
	r := b.r
	d := destination{mode: keepQuery}
	var parts []part
	split := false
	for i := range r.Target.Parts {
		p := &r.Target.Parts[i]
		if p.Kind != ir.Literal {
			if split {
				d.query = append(d.query, part{ref: p})
			} else {
				parts = append(parts, part{ref: p})
			}
			continue
		}
		text := p.Text
		if k := strings.IndexAny(text, "?#"); k >= 0 && !split {
			if text[k] == '#' {
				giveUp("a fragment in the target")
			}
			parts, text, split, d.mode = append(parts, part{text: text[:k]}), text[k+1:], true, setQuery
		}
		if split {
			d.query = append(d.query, part{text: text, raw: true})
		} else {
			parts = append(parts, part{text: text})
		}
	}
	if len(parts) == 0 || parts[0].ref != nil && (!startsWithSlash(parts[0].ref) || parts[0].ref.Kind == ir.RuleRef && !strings.HasPrefix(r.Pattern.Text, "^(")) {
		b.u.caveat = "the beginning of the redirect comes from the request: httpd answers 500 unless it is a URL"
		if p := parts[0].ref; p != nil && len(parts) == 1 && len(d.query) == 0 && p.Kind == ir.RuleRef && sendsLocation(r.Status) {
			used := map[int]bool{p.N: true}
			t := b.patternTest(used)
			head := "(?<" + b.ruleVar(p.N) + ">"
			if text := strings.Replace(t.operand, head+".*)", head+"[A-Za-z][-+.A-Za-z0-9]*:"+plainBytes+"*)", 1); text != t.operand {
				t.operand = text
				b.when(append([]group{{t}}, b.groups...), fmt.Sprintf("return %d $%s;", r.Status, b.ruleVar(p.N)))
			}
		}
		b.when(b.withPattern(), "return 500;")
		return
	}
	d.path = parts
	if parts[0].ref == nil {
		text := parts[0].text
		switch i := strings.Index(text, "://"); {
		case strings.HasPrefix(text, "/"):
			d.head = b.ownAddress()
		case i > 0:
			d.head, d.path = text[:i+3], append([]part{{text: text[i+3:]}}, parts[1:]...)
			d.path = b.hostParts(&d)
			d.head = hidePassword(d.head)
		default:
			k := strings.IndexByte(text, ':')
			if k <= 0 {
				b.when(b.withPattern(), "return 500; # the target is neither a URL nor a path")
				return
			}
			d.head, d.path = text[:k+1], append([]part{{text: text[k+1:]}}, parts[1:]...)
		}
	} else {
		d.head = b.ownAddress()
	}
	if !sendsLocation(r.Status) {
		b.sendByHeader(r.Status, d)
		return
	}
	b.send(r.Status, d)
}

// hidePassword writes an address as httpd sends it on. Source: apr_uri_unparse, which blots the password out.
func hidePassword(head string) string {
	start := strings.Index(head, "://") + 3
	at := strings.IndexByte(head[start:], '@')
	if at < 0 {
		return head
	}
	name, _, has := strings.Cut(head[start:start+at], ":")
	if !has {
		return head
	}
	return head[:start] + name + ":XXXXXXXX" + head[start+at:]
}

func startsWithSlash(p *ir.Part) bool {
	return p.Kind == ir.Variable && p.Name == "REQUEST_URI" || p.Kind == ir.RuleRef && p.N == 1
}

// unconditional is Redirect without a path: for everything in the directory.
func (b *builder) unconditional() {
	r := b.r
	if r.Action == ir.ActionRespond {
		b.when(b.groups, statusLine(r.Status))
		return
	}
	if r.Target == nil || r.Keyword == ir.RedirectMatch {
		b.when(b.groups, "return 500;")
		return
	}
	all := *r
	all.Pattern = ir.NewPattern("^", source.Span{}, pattern.Apache)
	b.r = &all
	b.sendTarget()
}
