package nginx

import (
	"fmt"
	"strings"

	"rewright/parser/ir"
)

// slashFirst sends a folder without its slash on to the path that has it, with the query of the result: in httpd that
// goes before what a .htaccess makes of the path. original is the rule as the source has it. Source: mod_dir.c,
// fixup_dir, which runs behind mod_rewrite and takes what it left in r->args.
func (b *builder) slashFirst(original *ir.Rule, t target) {
	if b.c.server || b.f != faithful || b.needPattern || !b.c.slashes[original] || !b.allTame(t.query) {
		return
	}
	path, about := b.c.sub.exactPath(original.Pattern)
	about = about && !original.Negated && !strings.HasSuffix(path, "/") && !strings.Contains(path, ".")
	for _, g := range b.groups {
		for _, t := range g {
			about = about || len(g) == 1 && t.op == "-d" && !t.negated
		}
	}
	if !about {
		return // it is made for files: nobody gives folders such names
	}
	used := map[int]bool{}
	for _, p := range t.query {
		if p.ref != nil && p.ref.Kind == ir.RuleRef {
			used[p.ref.N] = true
		} else if p.ref != nil {
			return
		}
	}
	groups := b.withPattern()
	if len(used) > 0 {
		if b.r.Negated {
			return
		}
		groups = append([]group{{b.patternTest(used)}}, b.groups...)
	}
	q, dollar := value(b.expand(t.query, byName, same))
	b.c.out.dollar = b.c.out.dollar || dollar
	query := ""
	switch t.mode {
	case keepQuery:
		query = queryPart + "?"
	case dropQuery:
		query = "?"
	case setQuery:
		query = "?" + q + "?"
	case appendQuery:
		query = "?" + q
	}
	b.when(append(append([]group{}, groups...), group{test{op: "-d", operand: "$request_filename"}}),
		fmt.Sprintf("rewrite ^(.*[^/])$ %s permanent; # a folder gets its slash first", word(b.ownAddress()+"$1/"+query)))
}

// bareFilename is $request_filename without slashes at its end.
const bareFilename = "bare_filename"

// besideFolder makes of "REQUEST_FILENAME.html" a test that also finds the file beside a path that ends in a slash:
// httpd leaves the slash behind a name that is nothing it knows out of the name. nil: the plain test says it all.
func (b *builder) besideFolder(pieces []piece, negated, alone bool) []test {
	if b.f != faithful || negated || !alone || len(pieces) < 2 || pieces[0].variable != "request_filename" || pieces[1].variable != "" || strings.HasPrefix(pieces[1].text, "/") {
		return nil
	}
	b.c.out.maps[bareFilename] = "map $request_filename $bare_filename {\n    \"~^(?<bare_filename_>.*[^/])/*$\" $bare_filename_;\n}"
	text, _ := value(pieces)
	bare, dollar := value(append([]piece{decodedVar(bareFilename)}, pieces[1:]...))
	b.c.out.dollar = b.c.out.dollar || dollar
	name := fmt.Sprintf("beside%d", b.id)
	there, not := []string{fmt.Sprintf("set $%s 1;", name)}, []string{fmt.Sprintf(`set $%s "";`, name)}
	lines := append([]string{}, not...)
	lines = append(lines, ifBlock(test{op: "-f", operand: bare}, there)...)
	lines = append(lines, ifBlock(test{op: "-d", operand: "$request_filename"}, not)...)
	lines = append(lines, ifBlock(test{op: "-f", operand: text}, there)...)
	return []test{{variable: "$" + name, prepare: lines}}
}

// wholePath keeps the slash of an absolute result for the rules that follow: in httpd they see it, for the path does
// not begin with the folder's name. A second slash stands for it until they are through.
func (b *builder) wholePath(text, flag string, parts []part) string {
	c := b.c
	path := constantPath(parts)
	if c.server || flag != "" || !strings.HasPrefix(path, "/") || !strings.HasPrefix(text, "/") || b.r.Target == nil || !strings.HasPrefix(b.r.Target.Prefix(), "/") || c.sub.prefix != "/" || len(c.area.rules) > mostFollowed {
		return text
	}
	later := false
	for _, q := range c.area.rules {
		if q == b.source {
			later = true
			continue
		}
		if !later || q.Pattern == nil || q.Pattern.Re == nil {
			continue
		}
		as, err := q.Pattern.Re.MatchBool(path)
		without, err2 := q.Pattern.Re.MatchBool(path[1:])
		if err == nil && err2 == nil && as != without {
			c.twoSlashes = true
			return "/" + text
		}
	}
	return text
}

// throughQuestion lets an encoded question mark of the path begin the query of the result (UnsafeAllow3F).
func (b *builder) throughQuestion(text, flag string, t target) {
	if !b.r.Escape.Allow3F || b.r.Negated || b.needPattern || t.mode != keepQuery && t.mode != dropQuery || len(b.groups) > 0 {
		return
	}
	pat := b.pattern()
	if strings.Count(pat, "(.*)") != 1 || strings.Count(strings.ReplaceAll(pat, "(?s)", ""), "(") != 1 || !strings.HasSuffix(strings.TrimSuffix(text, "?"), "$1") {
		return
	}
	b.add("rewrite %s %s%s;", word(strings.Replace(pat, "(.*)", `([^?]*)\?(.*)`, 1)), word(strings.TrimSuffix(text, "?")+"?$2?"), flag)
}

// withoutSlash is what the rules of a folder answer to its path without the slash (RewriteOptions AllowNoSlash): they see
// the whole path of the file system then, which is known here. Empty: they say nothing about it, or it depends.
func (g *attempt) withoutSlash(c *compiler, a *area) string {
	if !a.options()["allownoslash"] || a.docroot == "" || !a.engine {
		return ""
	}
	path := a.docroot + strings.TrimSuffix(a.prefix, "/")
	for _, r := range a.rules {
		if r.Disabled || r.Pattern == nil || r.Pattern.Re == nil {
			return ""
		}
		m, matched, err := r.Pattern.Re.Match(path)
		if err != nil {
			return ""
		}
		if matched == r.Negated {
			continue
		}
		if len(r.Conditions) > 0 || r.Negated || r.Chain || r.Skip > 0 {
			return ""
		}
		switch {
		case r.Action == ir.ActionRespond:
			return statusLine(r.Status)
		case r.Action == ir.ActionRedirect && sendsLocation(r.Status) && isAbsolute(r.Target):
			to := ""
			for i := range r.Target.Parts {
				switch p := &r.Target.Parts[i]; p.Kind {
				case ir.Literal:
					to += p.Text
				case ir.RuleRef:
					to += escapePath(m.Group(p.N))
				default:
					return ""
				}
			}
			if strings.ContainsAny(to, "$?%") {
				return ""
			}
			return fmt.Sprintf("return %d %s;", r.Status, word(to+queryPart))
		}
		return ""
	}
	return ""
}

// pathInfo is what follows the first name below the folder in the path: where nothing goes by that name, it is no part
// of the file's name for httpd but goes with it as path info.
const pathInfo = "path_info"

func pathInfoLines(prefix string) []string {
	t := test{variable: "$uri", op: "~", operand: "^" + quoteLiteral(prefix) + "[^/]+(?<path_info_asked>/.*)$"}
	return append([]string{`set $` + pathInfo + ` "";`}, ifBlock(t, []string{"set $" + pathInfo + " $path_info_asked;"})...)
}

// keepsPathInfo tells whether the rules behind this one see the path info once more behind its result, as httpd puts it
// there for each of them (unless DPI drops it): only where one of them is sure to answer, for the result alone is what
// is looked for in the end. Source: mod_rewrite.c, apply_rewrite_rule, "add path-info postfix".
func (b *builder) keepsPathInfo() bool {
	c := b.c
	if c.server || b.f != faithful || b.r.DiscardPath || b.source == nil || len(c.area.rules) > mostFollowed {
		return false
	}
	later := false
	for _, q := range c.area.rules {
		if q == b.source {
			later = true
			continue
		}
		if later && !q.Disabled && !q.Negated && len(q.Conditions) == 0 && q.Pattern != nil && q.Pattern.Re != nil && everything(q.Pattern) && q.Target != nil &&
			(q.Action == ir.ActionRedirect || q.Action == ir.ActionRewrite && isAbsolute(q.Target)) {
			c.usesPathInfo = true
			return true
		}
	}
	return false
}
