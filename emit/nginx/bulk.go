package nginx

import (
	"fmt"
	"sort"
	"strings"
	"unicode"

	"rewright/parser/ir"
)

// bulkFrom is how many redirects in a row become maps: looked up at once however many there are, where as many
// directives would be tried one by one.
const bulkFrom = 30

// entry is one redirect of a bulk: a literal path and where it leads.
type entry struct {
	rule   *ir.Rule
	path   string // decoded, slashes merged
	folder bool   // path ends in a slash: only what lies below it
	head   string // "http://", "https://", or self
	target string // what follows head
	status int
	whole  bool // RewriteRule: the path and nothing below it
	keep   bool // the query is kept
	fixed  bool // rewrite would change the target: it has escapes or a query
	asked  bool // only with the query
	query  string
}

// key is what the map is asked for.
func (e *entry) key() string {
	if e.asked {
		return e.path + "?" + e.query
	}
	return e.path
}

// segments is how many segments a path has.
func segments(path string) int { return strings.Count(strings.TrimSuffix(path, "/"), "/") }

// bulkEntry takes a redirect for a bulk; ok is false for those that have to be written on their own.
func (c *compiler) bulkEntry(r *ir.Rule) (e entry, ok bool) {
	e = entry{rule: r, status: r.Status, keep: true}
	if !sendsLocation(r.Status) || r.Target == nil {
		return e, false
	}
	text, constant := r.Target.Constant()
	if !constant || strings.ContainsAny(text, "$#\"\\ \t{};'") || strings.IndexFunc(text, unicode.IsControl) >= 0 {
		return e, false
	}
	switch {
	case r.Keyword == ir.RewriteRule:
		if strings.Contains(text, "%") {
			return e, false
		}
		if len(r.Conditions) > 0 {
			if e.query, e.asked = askedQuery(r.Conditions); !e.asked {
				return e, false
			}
		}
		if r.Action != ir.ActionRedirect || r.Negated || r.Pattern == nil || r.Pattern.Re == nil || r.Flow == ir.FlowNext || r.Chain || r.Skip > 0 || len(r.Env) > 0 || len(r.Cookies) > 0 ||
			r.Query.Append || r.Escape.NoEscape || len(c.guards) > 0 || r.Disabled || !c.area.engine || c.stale {
			return e, false
		}
		if e.path, ok = c.sub.exactPath(r.Pattern); !ok {
			return e, false
		}
		if e.asked && strings.Contains(e.path, "?") {
			return e, false
		}
		e.whole = true
		e.keep = !r.Query.None && !r.Query.Discard
		if !isAbsolute(r.Target) {
			if !strings.HasPrefix(text, "/") {
				if !c.hasBase && !c.server {
					return e, false
				}
				text = c.base + strings.TrimPrefix(text, "/")
			}
		}
		text, query, split := strings.Cut(text, "?")
		if text = escapeBehindHost(text); strings.Contains(text, "%") {
			return e, false
		}
		if split {
			if r.Query.None || query == "" || strings.HasSuffix(query, "&") || escapePath(query) != query {
				return e, false
			}
			text, e.keep = text+"?"+query, false
		}
		return e.to(text)
	case r.Match == ir.MatchSegment && r.Action == ir.ActionRedirect && strings.HasPrefix(r.Path, "/") && r.Path != "/":
		e.path = mergeSlashes(r.Path)
		e.folder = strings.HasSuffix(e.path, "/")
		if segments(e.path) > 12 {
			return e, false
		}
		e.fixed = strings.ContainsAny(text, "%?")
		e.keep = !strings.Contains(text, "?")
		return e.to(text)
	}
	return e, false
}

// to sets where the redirect leads; ok is false when it has to be written on its own.
func (e entry) to(text string) (_ entry, ok bool) {
	if strings.ContainsAny(e.path, "$\"\\\x00\r\n") || len(e.key()) > 600 {
		return e, false
	}
	for _, head := range []string{"http://", "https://"} {
		if rest, is := strings.CutPrefix(text, head); is {
			e.head, e.target = head, rest
			return e, rest != ""
		}
	}
	if strings.HasPrefix(text, "/") {
		e.head, e.target = self, text
		return e, true
	}
	return e, false
}

// askedQuery is the one query string with which conditions hold, when they are of that form.
func askedQuery(list []*ir.Condition) (query string, ok bool) {
	if len(list) != 1 {
		return "", false
	}
	c := list[0]
	if c.Kind != ir.CondRegex || c.Negated || c.Or || c.Pattern == nil || c.Pattern.Re == nil || len(c.Test.Parts) != 1 {
		return "", false
	}
	if p := &c.Test.Parts[0]; p.Kind != ir.Variable || p.Space != "" || p.Name != "QUERY_STRING" {
		return "", false
	}
	query, caseless, ok := c.Pattern.Re.Tree().Exact()
	// "?" would be taken for the end of a path that has one
	if !ok || caseless || query == "" || strings.ContainsAny(query, "$?\"\\ ;{}'") || strings.IndexFunc(query, unicode.IsControl) >= 0 {
		return "", false
	}
	return query, true
}

// escapeBehindHost escapes the path of an address.
func escapeBehindHost(text string) string {
	i := strings.Index(text, "://")
	if i < 0 {
		return escapePath(text)
	}
	j := strings.IndexByte(text[i+3:], '/')
	if j < 0 {
		return text
	}
	return text[:i+3+j] + escapePath(text[i+3+j:])
}

// bulkKind is what entries of one map share.
type bulkKind struct {
	whole  bool
	depth  int
	folder bool
	mixed  bool // upper-case letters: maps do not look at case, so the source is compared again
	status int
	head   string
	keep   bool
	fixed  bool
	asked  bool
}

// bulk writes a run of redirects as maps. The unit of the first holds the directives; those that an earlier one hides
// are named.
func (g *attempt) bulk(c *compiler, run []entry) (list []*unit) {
	seen := map[string]bool{}
	hidden := func(e entry) bool {
		if seen[e.path] || seen[e.key()] {
			return true
		}
		if e.whole {
			return false
		}
		for i := 1; i < len(e.path); i++ {
			if e.path[i] == '/' && (seen[e.path[:i]] || seen[e.path[:i+1]]) {
				return true
			}
		}
		return false
	}
	groups := map[bulkKind][]entry{}
	var first *unit
	for _, e := range run {
		u := &unit{origin: e.rule.Origin, directive: string(e.rule.Keyword), rule: e.rule}
		list = append(list, u)
		if first == nil {
			first = u
		}
		if hidden(e) {
			u.after = append(u.after, "# hidden by one above: "+clean(oneLine(e.rule.Origin)))
			continue
		}
		key := e.key()
		seen[key] = true
		k := bulkKind{whole: e.whole, folder: e.folder, mixed: strings.ToLower(key) != key, status: e.status, head: e.head, keep: e.keep, fixed: e.fixed, asked: e.asked}
		if !e.whole {
			k.depth = segments(e.path)
		}
		if k.mixed {
			// one of two that differ in case only stands alone
			if seen["\x00"+strings.ToLower(key)] {
				own := c.rule
				if e.rule.Keyword != ir.RewriteRule {
					own = c.alias
				}
				v := own(e.rule, faithful)
				u.after = append(u.after, v.lines...)
				continue
			}
			seen["\x00"+strings.ToLower(key)] = true
		}
		groups[k] = append(groups[k], e)
	}
	kinds := make([]bulkKind, 0, len(groups))
	for k := range groups {
		kinds = append(kinds, k)
	}
	sort.Slice(kinds, func(i, j int) bool {
		a, b := kinds[i], kinds[j]
		switch {
		case a.asked != b.asked:
			return a.asked // a redirect of the path alone comes later, or hides it
		case a.depth != b.depth:
			return a.depth > b.depth // the longer path first
		case a.folder != b.folder:
			return a.folder
		case a.status != b.status:
			return a.status < b.status
		case a.head != b.head:
			return a.head < b.head
		case a.keep != b.keep:
			return a.keep
		case a.fixed != b.fixed:
			return a.fixed
		}
		return !a.mixed && b.mixed
	})
	first.entries = run
	for _, k := range kinds {
		g.bulkMap(first, k, groups[k])
	}
	for _, u := range list {
		u.lines = append(u.lines, u.after...)
	}
	return list
}

// bulkMap writes one map and the directive that asks it.
func (g *attempt) bulkMap(u *unit, k bulkKind, entries []entry) {
	g.bulks++
	n := g.bulks
	target := fmt.Sprintf("target%d", n)
	source := "$uri"
	if k.asked {
		source = askedSource
	}
	rest := ""
	if !k.whole {
		// the beginning of the path, as many segments as the sources have
		name := fmt.Sprintf("first%d", k.depth)
		re := fmt.Sprintf("~^(?<%s_>(?:/[^/]+){%d})(?:/|$)", name, k.depth)
		if k.folder {
			name += "_slash"
			re = fmt.Sprintf("~^(?<%s_>(?:/[^/]+){%d}/)", name, k.depth)
		}
		g.out.maps[name] = fmt.Sprintf("map $uri $%s {\n    \"%s\" $%s_;\n}", name, re, name)
		source = "$" + name
		rest = fmt.Sprintf("(?:/[^/]+){%d}(/.*)?", k.depth)
		if k.folder {
			rest = fmt.Sprintf("(?:/[^/]+){%d}/(.*)", k.depth)
		}
	}
	var b strings.Builder
	keys := make([]string, 0, len(entries))
	key := func(e entry) string {
		p := e.key()
		keys = append(keys, p)
		if strings.HasPrefix(p, "~") || p == "default" {
			p = `\` + p
		}
		return word(p)
	}
	name := target
	if k.mixed {
		name = "named_" + target
	}
	fmt.Fprintf(&b, "# %d redirects\nmap %s $%s {\n", len(entries), word(lowerOnly(g, k, source)), name)
	for _, e := range entries {
		if k.mixed {
			fmt.Fprintf(&b, "    %s %s;\n", key(e), word(e.key()+" "+e.target))
			continue
		}
		fmt.Fprintf(&b, "    %s %s;\n", key(e), word(e.target))
	}
	b.WriteString("}")
	g.bulkKeys = append(g.bulkKeys, keys)
	if k.mixed {
		// maps do not look at case: the value repeats the path
		fmt.Fprintf(&b, "\nmap \"%s $%s\" $%s {\n    \"~^(.+) \\1 (?<%s_>[^ ]*)$\" $%s_;\n}", source, name, target, target, target)
	}
	g.out.bulk = append(g.out.bulk, b.String())
	query := ""
	if k.keep {
		query = queryPart
	}
	if k.whole {
		u.lines = append(u.lines, ifBlock(test{variable: "$" + target}, []string{fmt.Sprintf("return %d %s;", k.status, word(k.head+"$"+target+query))})...)
		return
	}
	g.out.maps[spelledURI] = spelledMap
	clean := "clean_" + target
	below := fmt.Sprintf("below%d", k.depth)
	re := fmt.Sprintf("~^(?:/[^/?]+){%d}(?<%s_>/[^?]*)", k.depth, below)
	if k.folder {
		below += "_slash"
		re = fmt.Sprintf("~^(?:/[^/?]+){%d}/(?<%s_>[^?]*)", k.depth, below)
	}
	g.out.maps[below] = fmt.Sprintf("map $spelled_uri $%s {\n    \"%s\" $%s_;\n}", below, re, below)
	whole := fmt.Sprintf("whole%d", k.depth)
	re = fmt.Sprintf("~^(?:/[^/]+){%d}$", k.depth)
	if k.folder {
		whole += "_slash"
		re = fmt.Sprintf("~^(?:/[^/]+){%d}/$", k.depth)
	}
	g.out.maps[whole] = fmt.Sprintf("map $uri $%s {\n    \"%s\" 1;\n}", whole, re)
	g.out.bulk = append(g.out.bulk, fmt.Sprintf("map $%s$spelled_uri $%s {\n    default $%s;\n    \"\" \"\";\n}", whole, clean, target))
	u.lines = append(u.lines, ifBlock(test{variable: "$" + clean}, []string{fmt.Sprintf("return %d %s;", k.status, word(k.head+"$"+target+"$"+below+query))})...)
	if rewritable(k.status) && !k.fixed {
		u.lines = append(u.lines, ifBlock(test{variable: "$" + target}, []string{fmt.Sprintf("rewrite %s %s %s;", word("^"+rest+"$"), word(k.head+"$"+target+"$1"+query+"?"), flagOf(k.status))})...)
	}
}

// askedSource are a path and its query: what a map of redirects with queries is asked for.
const askedSource = "$uri?$args"

// lowerOnly is the source of a map whose keys have no upper-case letters: empty for a path that has some.
func lowerOnly(g *attempt, k bulkKind, source string) string {
	if k.mixed {
		return source
	}
	name := "lower_" + strings.TrimPrefix(source, "$")
	if k.asked {
		name = "lower_asked"
	}
	g.out.maps[name] = fmt.Sprintf("map %s $%s {\n    \"~^(?<%s_>[^A-Z]+)$\" $%s_;\n}", source, name, name, name)
	return "$" + name
}
