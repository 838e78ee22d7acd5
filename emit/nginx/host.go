package nginx

import (
	"fmt"
	"strings"

	"rewright/parser/ir"
)

// What is said of results in the server context of httpd: a result is the path of a file from then on, while the path
// of the request stays what the client asked for.

// ownTarget tells whether an absolute target without R names this very host: httpd takes scheme and host off and goes
// on inside the server. scheme is what the request must have for that. Source: mod_rewrite.c, reduce_uri.
func (b *builder) ownTarget() (local *ir.Template, scheme string, ok bool) {
	t := b.r.Target
	if !b.c.server || len(t.Parts) == 0 || t.Parts[0].Kind != ir.Literal {
		return nil, "", false
	}
	text := t.Parts[0].Text
	i := strings.Index(text, "://")
	if i < 0 {
		return nil, "", false
	}
	scheme = strings.ToLower(text[:i])
	usual := map[string]string{"http": "80", "https": "443"}[scheme]
	host, below := text[i+3:], "/"
	if j := strings.IndexByte(host, '/'); j >= 0 {
		host, below = host[:j], host[j:]
	} else if len(t.Parts) > 1 {
		return nil, "", false // the host goes on
	}
	name, port, has := strings.Cut(host, ":")
	if usual == "" || has && port != usual || strings.ContainsAny(host, "?#") || !b.c.named(strings.ToLower(name)) {
		return nil, "", false
	}
	local = &ir.Template{Text: below, Span: t.Span, Parts: append([]ir.Part{{Kind: ir.Literal, Text: below}}, t.Parts[1:]...)}
	return local, scheme, true
}

// named tells whether the host goes by a name.
func (c *compiler) named(name string) bool {
	for _, n := range c.names {
		if n == name || strings.HasPrefix(n, "*.") && strings.HasSuffix(name, n[1:]) {
			return true
		}
	}
	return false
}

// inside writes a rule whose absolute target names this host.
func (b *builder) inside(local *ir.Template, scheme string) {
	own := *b.r
	own.Target = local
	in := *b
	in.r, in.reduced = &own, true
	in.groups = append([]group{{test{variable: "$scheme", op: "=", operand: scheme}}}, b.groups...)
	in.rewrite()
	b.redirect() // what comes by the other scheme is sent there
}

// fileOfSystem answers for a result that httpd takes for a path of the file system, which nobody may see. It tells
// whether that is the whole rule. Source: mod_rewrite.c, hook_uri2file, prefix_stat.
func (b *builder) fileOfSystem(parts []part) bool {
	c := b.c
	options := c.area.options()
	always := b.r.Escape.PrefixStat || options["unsafeprefixstat"]
	if !c.server || b.r.PassThrough || len(parts) == 0 || parts[0].ref != nil || b.reduced && !(always && options["legacyprefixdocroot"]) {
		return false
	}
	for _, s := range c.area.sections {
		if s.Kind == ir.ScopeDirectory && s.Path != "/" {
			return false // something of the file system may be open
		}
	}
	if systemFolder(parts[0].text) && strings.Count(parts[0].text, "/") > 1 {
		b.when(b.withPattern(), "return 403; # httpd takes this for a path of the file system, which is closed")
		return true
	}
	if parts[0].text == "/" && len(parts) == 2 && parts[1].ref != nil && parts[1].ref.Kind == ir.RuleRef && always && !b.needPattern && !b.r.Negated {
		// the request names the folder
		n := parts[1].ref.N
		t := b.patternTest(map[int]bool{n: true})
		folder := test{variable: "$" + b.ruleVar(n), op: "~", operand: "^(?:" + strings.Join(systemFolders, "|") + ")/"}
		b.when(append([]group{{t}, {folder}}, b.groups...), "return 403; # a path of the file system, which is closed")
		b.u.caveat = ""
	}
	return false
}

// folder answers for a result that is a folder: httpd puts the missing slash behind the path of the request, not
// behind the result, and shows no folder whose result lacks it. Source: mod_dir.c, fixup_dir, which looks at r->uri.
func (b *builder) folder(parts []part, t target) {
	if !b.c.server || b.r.PassThrough || len(parts) != 1 || parts[0].ref != nil || b.needPattern || b.r.Negated {
		return
	}
	asked, exact := b.sub.exactPath(b.r.Pattern)
	path := parts[0].text
	if !exact || strings.ContainsAny(asked+path, "$?%") {
		return
	}
	groups := b.withPattern()
	if path != "/" {
		groups = append(append([]group{}, groups...), group{test{op: "-d", operand: "$document_root" + path}})
	}
	switch {
	case !strings.HasSuffix(asked, "/"):
		q, dollar := value(b.expand(t.query, byName, same))
		b.c.out.dollar = b.c.out.dollar || dollar
		query := ""
		switch t.mode {
		case keepQuery:
			query = queryPart
		case setQuery:
			query = "?" + q
		case appendQuery:
			query = b.needAndArgs("?" + q + "$and_args")
		}
		b.when(groups, fmt.Sprintf("return 301 %s;", word(b.ownAddress()+escapePath(asked)+"/"+query)))
	case !strings.HasSuffix(path, "/"):
		b.when(groups, "return 403;")
	}
}

// mostFollowed is how many rules a list may have whose later rules are looked at for each of them.
const mostFollowed = 500

// takes tells whether a later rule of the list may take effect on a path; one that hangs on more than its pattern may.
func (c *compiler) takes(r *ir.Rule, path string) bool {
	if len(c.area.rules) > mostFollowed {
		return true
	}
	later := false
	for _, q := range c.area.rules {
		if q == r {
			later = true
			continue
		}
		if !later || q.Disabled {
			continue
		}
		if q.Negated || q.Pattern == nil || q.Pattern.Re == nil {
			return true
		}
		if ok, err := q.Pattern.Re.MatchBool(path); ok || err != nil {
			return true
		}
	}
	return false
}

// switchedOff are the <Location> sections that switch mod_rewrite off for the host's own rules.
func (g *attempt) switchedOff(a *area, done map[ir.Item]bool) (list []*unit) {
	if !a.server || len(a.rules) == 0 || len(a.redirects)+len(a.mapped) > 0 || a.everything != nil {
		return nil
	}
	for _, s := range a.sections {
		if s.Kind != ir.ScopeLocation || strings.ContainsAny(s.Path, "*?[") || !strings.HasPrefix(s.Path, "/") || len(s.Items) != 1 {
			continue
		}
		set, ok := s.Items[0].(*ir.Setting)
		if !ok || !strings.EqualFold(set.Name, "RewriteEngine") || !strings.EqualFold(set.Arg(0), "off") {
			continue
		}
		done[set] = true
		list = append(list, &unit{origin: set.Origin, directive: set.Name, lines: ifBlock(below(s.Path), []string{"break;"})})
	}
	return list
}

// below asks whether a path is a folder or lies in it.
func below(path string) test {
	re := "^" + quoteLiteral(path)
	if !strings.HasSuffix(path, "/") {
		re += "(?:/|$)"
	}
	return test{variable: "$uri", op: "~", operand: re}
}

// pastAlias marks a result that Alias is not asked about: it is a path of the document root, though an alias goes by the
// same name. Only PT hands a result on to mod_alias.
func (b *builder) pastAlias(lines []string, parts []part) []string {
	c := b.c
	if !c.server || b.r.PassThrough || b.f != faithful || len(parts) == 0 || parts[0].ref != nil || c.area.docroot == "" {
		return lines
	}
	for _, m := range c.area.mapped {
		if m.Match == ir.MatchSegment && strings.HasPrefix(parts[0].text, strings.TrimSuffix(mergeSlashes(m.Path), "/")+"/") {
			if c.past == nil {
				c.past = map[*ir.Rule]bool{}
			}
			c.past[m] = true
			return append([]string{"set $no_alias 1;"}, lines...)
		}
	}
	return lines
}

// beforeAliases keeps the redirects of mod_alias from a result that they do not see: httpd asks them only about paths
// that no rule has made a file of, or that PT hands on.
func (b *builder) beforeAliases(lines []string, flag string, parts []part) []string {
	c := b.c
	switch {
	case flag != "":
		return lines
	case b.r.PassThrough:
		if path := constantPath(parts); path != "" && !c.takes(b.r, path) {
			return lines
		}
		b.add(`set $passed "";`)
		c.guards = append(c.guards, guard{test{variable: "$passed", op: "=", operand: ""}, len(c.area.rules)})
		return append([]string{"set $passed 1;"}, lines...)
	}
	c.rewritten = true
	return append([]string{"set $rewritten 1;"}, lines...)
}

// constantPath is a path without references; empty when it has some.
func constantPath(parts []part) string {
	if len(parts) != 1 || parts[0].ref != nil {
		return ""
	}
	return parts[0].text
}

// answersFirst moves rules that answer a request before those that only lead it elsewhere in the server, as far as
// they can never meet: the redirects of mod_alias stand between the two.
func answersFirst(rules []*unit, redirects bool, c *compiler) []*unit {
	if !redirects {
		return rules
	}
	for _, u := range rules {
		if u.rule == nil || u.rule.Chain || u.rule.Skip > 0 || u.rule.Pattern == nil || u.rule.Pattern.Re == nil || u.rule.Negated {
			return rules
		}
	}
	var first, rest []*unit
	passed := map[string]bool{} // paths of the rules that stay behind
	open := false               // one of them may take any path
	for _, u := range rules {
		path, exact := c.sub.exactPath(u.rule.Pattern)
		if !goesOn(u.rule) && u.rule.Action != ir.ActionNone && (len(rest) == 0 || exact && !open && !passed[path]) {
			first = append(first, u)
			continue
		}
		rest = append(rest, u)
		passed[path] = true
		open = open || !exact
	}
	return append(first, rest...)
}

// hostFits tells whether the rules of a host can stand in "location /", before those of the root's .htaccess: there
// they run again whenever a result goes through the server once more, as they do in httpd.
func hostFits(host *area, areas []*area) bool {
	if !host.engine || len(host.rules) == 0 || len(host.mapped)+len(host.redirects)+len(host.sections)+len(host.opaque) > 0 || host.everything != nil {
		return false
	}
	if len(areas) > 1 || len(areas) == 1 && (areas[0].prefix != "/" || len(areas[0].rules) == 0) {
		return false
	}
	for _, s := range host.settings {
		switch strings.ToLower(s.Name) {
		case "rewriteengine", "rewriteoptions", "servername", "serveralias", "documentroot", "sslengine":
		default:
			return false
		}
	}
	return true
}
