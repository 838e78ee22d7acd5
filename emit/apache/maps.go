package apache

import (
	"sort"
	"strings"

	"rewright/emit"
	"rewright/parser/ir"
)

// mapped writes a map, geo into the prelude, so that its variable stands in the environment. Later assignments win, so
// what nginx prefers comes last. Source: nginx ngx_http_map_module.c, ngx_http_variables.c, ngx_http_map_find.
func (w *writer) mapped(s *script, m *ir.MapBlock) (why string) {
	if w.written["map "+m.Variable] {
		return "the map of $" + m.Variable + " asks for itself"
	}
	w.written["map "+m.Variable] = true
	fail := func(why string) string {
		w.note(m, nil, m.Kind, emit.Dropped, why, "")
		w.prepare(m.Variable, nil)
		w.prelude[m.Variable].origin, w.prelude[m.Variable].item, w.prelude[m.Variable].dropped = m.Origin, m, why
		return "the map of $" + m.Variable + ": " + why
	}
	if m.Kind == "split_clients" {
		return fail("httpd has no split_clients")
	}
	if m.Incomplete != "" {
		return fail(m.Incomplete)
	}
	top := &script{w: w, sc: s.sc, caps: noCaptures, ends: new([]jump), broke: new(bool)}
	test := "%{REMOTE_ADDR}"
	if m.Source != nil {
		v, why := top.expand(m.Source, false)
		if why != "" {
			return fail(why)
		}
		test = v.text
	}
	var lines []string
	set := func(conds []string, t *ir.Template, caps captures) string {
		in := *top
		in.caps = caps
		v, why := in.expand(t, false)
		if why != "" {
			return why
		}
		lines = append(lines, assignment(conds, "^", m.Variable, v.text)...)
		return ""
	}
	if why := set(nil, m.Default, noCaptures); why != "" {
		return fail(why)
	}
	if m.Kind == "geo" {
		if why := w.geo(m, test, set); why != "" {
			return fail(why)
		}
	} else if why := w.entries(m, test, set); why != "" {
		return fail(why)
	}
	w.note(m, nil, m.Kind, emit.Exact, "", "")
	w.env[m.Variable] = true
	w.prepare(m.Variable, lines)
	w.prelude[m.Variable].origin, w.prelude[m.Variable].item = m.Origin, m
	return ""
}

type setter func(conds []string, t *ir.Template, caps captures) string

func (w *writer) entries(m *ir.MapBlock, test string, set setter) string {
	lookup, entries := w.table(m)
	for i := len(entries) - 1; i >= 0; i-- {
		e := &entries[i]
		if e.Pattern == nil {
			continue
		}
		if e.Pattern.Err != nil || !fits(e.Pattern.Text) {
			return "a regular expression that cannot be written here"
		}
		var flags []string
		if e.Pattern.Options.IgnoreCase {
			flags = []string{"NC"}
		}
		groups := e.Pattern.Re.Groups()
		caps := captures{true, func(n int) string { return condRef(n, groups) }, namesOf(e.Pattern)}
		if why := set([]string{condition(test, guardBang(e.Pattern.Text), flags...)}, e.Value, caps); why != "" {
			return why
		}
	}
	var wild []*ir.MapEntry
	for i := range m.Entries {
		if e := &m.Entries[i]; e.Pattern == nil && m.Hostnames && (strings.HasPrefix(e.Key, "*.") || strings.HasPrefix(e.Key, ".") || strings.HasSuffix(e.Key, ".*")) {
			wild = append(wild, e)
		}
	}
	// a.* below *.a, the longer name last
	sort.SliceStable(wild, func(i, j int) bool {
		a, b := strings.HasSuffix(wild[i].Key, ".*"), strings.HasSuffix(wild[j].Key, ".*")
		if a != b {
			return a
		}
		return len(wild[i].Key) < len(wild[j].Key)
	})
	if lookup != nil {
		set([]string{condition(lookup(test), "(.+)")}, &ir.Template{Parts: []ir.Part{{Kind: ir.RuleRef, N: 1}}}, captures{true, func(n int) string { return condRef(n, 1) }, nil})
	}
	for _, e := range wild {
		if why := set([]string{condition(test, "^"+namePattern(e.Key)+"$", "NC")}, e.Value, noCaptures); why != "" {
			return why
		}
	}
	for i := range entries {
		e := &entries[i]
		if e.Pattern != nil || m.Hostnames && (strings.HasPrefix(e.Key, "*.") || strings.HasPrefix(e.Key, ".") || strings.HasSuffix(e.Key, ".*")) {
			continue
		}
		if !fits(e.Key) {
			return "a key with control characters"
		}
		cond := condition(test, "="+e.Key, "NC")
		if e.Key == "" {
			cond = condition(test, "^$")
		}
		if why := set([]string{cond}, e.Value, noCaptures); why != "" {
			return why
		}
	}
	return ""
}

// geo assigns the wider networks first.
func (w *writer) geo(m *ir.MapBlock, test string, set setter) string {
	if m.Ranges {
		return "ranges of addresses"
	}
	if test != "%{REMOTE_ADDR}" {
		return "addresses from elsewhere than the connection"
	}
	list := append([]ir.MapEntry(nil), m.Entries...)
	bits := func(key string) int {
		_, n, ok := strings.Cut(key, "/")
		if !ok {
			return 128
		}
		b := 0
		for _, c := range n {
			b = b*10 + int(c-'0')
		}
		return b
	}
	sort.SliceStable(list, func(i, j int) bool { return bits(list[i].Key) < bits(list[j].Key) })
	for i := range list {
		e := &list[i]
		if why := set([]string{condition("expr", test+" -ipmatch '"+e.Key+"'")}, e.Value, noCaptures); why != "" {
			return why
		}
	}
	return ""
}

// bulk writes a list of redirects: map $uri $to { … } with if ($to) { return 301 $to; }, one rule for each entry.
func (s *script) bulk(sc *ir.Scope) bool {
	w := s.w
	c := sc.If
	if len(sc.Items) != 1 || c == nil || c.Test == nil || len(c.Test.Parts) != 1 || c.Test.Parts[0].Kind != ir.Variable {
		return false
	}
	truth := c.Kind == ir.CondTruth && !c.Negated
	if c.Kind == ir.CondString && c.Negated {
		text, ok := c.Operand.Constant()
		truth = ok && text == ""
	}
	m := w.maps[c.Test.Parts[0].Name]
	r, ok := sc.Items[0].(*ir.Rule)
	if !truth || m == nil || m.Kind != "map" || m.Hostnames || m.Incomplete != "" || !ok || r.Keyword != ir.NginxReturn || r.Action != ir.ActionRedirect || s.stale || w.env[m.Variable] {
		return false
	}
	if m.Source == nil || len(m.Source.Parts) != 1 || m.Source.Parts[0].Name != "uri" {
		return false
	}
	if text, constant := m.Default.Constant(); !constant || text != "" {
		return false
	}
	at := -1
	for i := range targetParts(r) {
		if p := &r.Target.Parts[i]; p.Kind == ir.Variable && p.Name == m.Variable {
			if at >= 0 {
				return false
			}
			at = i
		}
	}
	if at < 0 {
		return false
	}
	var lines []string
	seen := map[string]bool{}
	one := func(text string) (v value, flags []string, why string) {
		parts := append([]ir.Part(nil), r.Target.Parts...)
		parts[at] = ir.Part{Kind: ir.Literal, Text: text}
		return s.listed(sc, r, parts)
	}
	lookup, entries := w.table(m)
	if lookup != nil && !isAddressList(m, r, at) {
		return false
	}
	for i := range entries {
		e := &entries[i]
		text, constant := e.Value.Constant()
		key := strings.ToLower(e.Key)
		if e.Pattern != nil || !constant || text == "" || text == "0" || !strings.HasPrefix(e.Key, "/") || !fits(e.Key) || seen[key] {
			return false
		}
		seen[key] = true
		v, flags, why := one(text)
		if why != "" {
			return false
		}
		var conds []string
		if v.whole {
			conds = []string{requestLine}
		}
		lines = append(lines, rule(conds, "^"+quoteMeta(e.Key[1:])+"$", v.text, append(append([]string{"NC"}, flags...), "L")...)...)
	}
	if lookup != nil {
		v, flags, why := one(tableValue)
		if why != "" || v.whole || at == 0 && !strings.HasPrefix(v.text, tableValue) {
			return false
		}
		if !v.raw {
			flags = append(flags, "NE") // the table holds addresses as they are sent
		}
		found := lookup("%{REQUEST_URI}")
		first := rule([]string{condition(found, "(.+)")}, "^", strings.Replace(v.text, tableValue, "%1", 1), append(flags, "L")...)
		if withQuery(m) {
			// httpd takes a question mark for the query's only where the rule itself has it
			first = append(rule([]string{condition(found, `^([^?]*)\?(.*)$`)}, "^", strings.Replace(v.text, tableValue, "%1?%2", 1), flags[0], "NE", "L"), first...)
		}
		lines = append(first, lines...)
	}
	reason := ""
	if len(m.Entries) >= 10*tableSize && lookup == nil {
		reason = "httpd reads a .htaccess for every request and tries its rules one by one; for virtual hosts, written to a folder, this becomes a RewriteMap"
	}
	w.note(m, nil, "map", emit.Exact, reason, "")
	s.b.add(&unit{item: m, origin: m.Origin})
	inner := *s
	inner.sc = sc
	inner.put(r, "return", lines)
	return true
}

// tableValue stands for what a table holds, until it is written as %1. It begins as an address does.
const tableValue = "/:table:"

// listed is a target with one entry of a list in it, and the flags for it.
func (s *script) listed(sc *ir.Scope, r *ir.Rule, parts []ir.Part) (v value, flags []string, why string) {
	one := *r
	one.Target = &ir.Template{Parts: parts}
	inner := *s
	inner.sc = sc
	if v, why = inner.redirectTarget(&one, false); why != "" {
		return v, nil, why
	}
	flags = []string{"R=" + r.Args[0].Text}
	if v.raw {
		flags = append(flags, "NE")
	}
	if !v.query {
		flags = append(flags, "QSD")
	}
	return v, flags, ""
}

// withQuery tells whether a value of a list has a query.
func withQuery(m *ir.MapBlock) bool {
	for i := range m.Entries {
		if text, _ := m.Entries[i].Value.Constant(); strings.Contains(text, "?") {
			return true
		}
	}
	return false
}

// isAddressList tells whether every value of a map is an address where it stands in a target, and brings a query of its
// own only where nothing stands behind it.
func isAddressList(m *ir.MapBlock, r *ir.Rule, at int) bool {
	for i := range m.Entries {
		text, constant := m.Entries[i].Value.Constant()
		if !constant || text == "0" {
			return false
		}
		if at == 0 && !strings.HasPrefix(text, "/") && !hasScheme.MatchString(text) {
			return false
		}
		if strings.Contains(text, "?") && at < len(r.Target.Parts)-1 {
			return false
		}
	}
	return true
}
