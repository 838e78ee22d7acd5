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
	path   string   // decoded, slashes merged
	more   []string // further paths, as of ^old/page/?$
	folder bool     // path ends in a slash: only what lies below it
	head   string   // "http://", "https://", or self
	target string   // what follows head
	status int
	whole  bool // RewriteRule: the path and nothing below it
	keep   bool // the query is kept
	fixed  bool // rewrite would change the target: it has escapes or a query
	asked  bool // only with the query
	query  string
}

// each gives one entry for each path.
func (e entry) each() []entry {
	list := make([]entry, 0, 1+len(e.more))
	for _, path := range e.more {
		one := e
		one.path, one.more = path, nil
		list = append(list, one)
	}
	e.more = nil
	return append(list, e)
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
		if !e.paths(c.sub.wordPaths(r.Pattern)) {
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
	case r.Match == ir.MatchRegex && r.Keyword == ir.RedirectMatch && r.Action == ir.ActionRedirect && r.Pattern != nil && r.Pattern.Re != nil:
		path, query, split := strings.Cut(text, "?")
		if strings.ContainsAny(text, "%@") || escapeBehindHost(path) != path || split && query == "" || !e.paths(subject{}.wordPaths(r.Pattern)) {
			return e, false
		}
		e.whole, e.keep = true, !split
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

// mostWords is how many paths a pattern may stand for in a map.
const mostWords = 4

// paths sets the paths of the redirect; false when there are none, or not all can be keys of a map.
func (e *entry) paths(list []string) bool {
	for _, p := range list {
		if !strings.HasPrefix(p, "/") || e.asked && strings.Contains(p, "?") || !keyable(p) {
			return false
		}
	}
	if len(list) == 0 {
		return false
	}
	e.path, e.more = list[0], list[1:]
	return true
}

// keyable tells whether a path can be the key of a map.
func keyable(path string) bool {
	return !strings.ContainsAny(path, "$\"\\\x00\r\n") && len(path) <= 600
}

// to sets where the redirect leads; ok is false when it has to be written on its own.
func (e entry) to(text string) (_ entry, ok bool) {
	if !keyable(e.path) || len(e.key()) > 600 {
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
	below := map[string]bool{} // paths of Redirect: they take what is below, too
	covered := func(path string) bool {
		for i := 1; i < len(path); i++ {
			if path[i] == '/' && (below[path[:i]] || below[path[:i+1]]) {
				return true
			}
		}
		return below[path]
	}
	groups := map[bulkKind][]entry{}
	visible := map[*unit]bool{}
	var first *unit
	for i, e := range run {
		if i == 0 || run[i-1].rule != e.rule {
			list = append(list, &unit{origin: e.rule.Origin, directive: string(e.rule.Keyword), rule: e.rule})
		}
		u := list[len(list)-1]
		if first == nil {
			first = u
		}
		if e.whole && (seen[e.path] || seen[e.key()]) || covered(e.path) {
			continue
		}
		visible[u] = true
		key := e.key()
		if e.whole {
			seen[key] = true
		} else {
			below[key] = true
		}
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
				if v := own(e.rule, faithful); len(u.after) == 0 {
					u.after = append(u.after, v.lines...)
				}
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
		case a.whole != b.whole:
			return a.whole // as those of Redirect
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
		if !visible[u] {
			u.after = append(u.after, "# hidden by one above: "+clean(oneLine(u.origin)))
		}
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
