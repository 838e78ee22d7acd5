package rules

import (
	"fmt"
	"slices"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/probe"
	"rewright/parser/sim"
	"rewright/parser/source"
)

var capturesLostAfterIf = lint.Rule{
	Code: "RD115", ID: "captures-lost-after-if", Severity: diag.Error, For: lint.Nginx, Fix: diag.Risky, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a group of the location that another pattern has overwritten",
		Text: "nginx keeps one set of groups for a request. A regular expression that is tried in an `if` or a `rewrite` takes the place of " +
			"those of the location even when it does not match, one of a `map` when it does, and `$1` behind it is empty or something else. A named " +
			"group (`(?<id>…)`, used as `$id`) is a variable and stays.",
		Examples: []lint.Example{{Server: ir.Nginx,
			Before: "location ~ ^/u/(.+)$ {\n    if ($http_user_agent ~ Bot) { return 403; }\n    return 301 /n/$1;\n}\n",
			After:  "location ~ ^/u/(?<id>.+)$ {\n    if ($http_user_agent ~ Bot) { return 403; }\n    return 301 /n/$id;\n}\n"}},
		Source: "nginx ngx_http_variables.c, ngx_http_regex_exec; recorded answers of nginx 1.22.1",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		if g.Server != ir.Nginx {
			return
		}
		ev := newAsking()
		maps := regexMaps(g)
		eachScope(g, func(s *ir.Scope) {
			if s.Kind == ir.ScopeLocation && s.Pattern != nil && s.Pattern.Re != nil && s.Pattern.Re.Groups() > 0 {
				lostCaptures(p, ev, s, maps)
			}
		})
	},
}

// regexMaps are the variables of maps with regular expressions, and of server names with them.
func regexMaps(g *ir.Program) map[string]*ir.MapBlock {
	out := map[string]*ir.MapBlock{}
	eachScope(g, func(s *ir.Scope) {
		for _, item := range s.Items {
			if m, ok := item.(*ir.MapBlock); ok && m.Kind == "map" {
				for i := range m.Entries {
					if m.Entries[i].Pattern != nil {
						out[m.Variable] = m
						break
					}
				}
			}
		}
	})
	return out
}

// overwriting is what tried another pattern.
type overwriting struct {
	origin ir.Origin
	what   string
	header string // request header with the value below, without which no pattern matches
	value  string
}

// byMap is a map that is looked up.
func byMap(m *ir.MapBlock, o ir.Origin) *overwriting {
	by := &overwriting{origin: o, what: "the map of `$" + m.Variable + "`"}
	if m.Source != nil && len(m.Source.Parts) == 1 && m.Source.Parts[0].Kind == ir.Variable {
		if name, ok := strings.CutPrefix(m.Source.Parts[0].Name, "http_"); ok {
			by.header = strings.ReplaceAll(name, "_", "-")
			for i := range m.Entries {
				if e := m.Entries[i].Pattern; e != nil && e.Re != nil {
					if list := plainTexts(e.Re.Tree(), `^[!-~]*$`); len(list) > 0 {
						by.value = list[len(list)-1]
						break
					}
				}
			}
		}
	}
	return by
}

func lostCaptures(p *lint.Pass, ev *asking, s *ir.Scope, maps map[string]*ir.MapBlock) {
	var by *overwriting
	looksUp := func(t *ir.Template, o ir.Origin) {
		if t == nil || by != nil {
			return
		}
		for i := range t.Parts {
			if part := &t.Parts[i]; part.Kind == ir.Variable && maps[part.Name] != nil {
				by = byMap(maps[part.Name], o)
			}
		}
	}
	var walk func(items []ir.Item)
	walk = func(items []ir.Item) {
		for _, item := range items {
			switch item := item.(type) {
			case *ir.Scope:
				if item.Kind != ir.ScopeIf || item.If == nil {
					continue
				}
				looksUp(item.If.Test, item.Origin)
				if item.If.Kind == ir.CondRegex {
					if by == nil {
						by = &overwriting{origin: item.Origin, what: "the test " + headOf(item)}
					}
					continue // inside the groups are those of the test
				}
				walk(item.Items)
			case *ir.Assign:
				looksUp(item.Value, item.Origin)
			case *ir.Rule:
				switch {
				case item.Keyword == ir.NginxRewrite:
					if by == nil {
						by = &overwriting{origin: item.Origin, what: quote("rewrite " + clip(item.Args[0].Text, 40))}
					}
				case item.Action == ir.ActionRedirect && item.Target != nil:
					before := by
					if n := firstGroup(item.Target); n > 0 {
						for i := range item.Target.Parts[:n] {
							if part := &item.Target.Parts[i]; part.Kind == ir.Variable && maps[part.Name] != nil && before == nil {
								before = byMap(maps[part.Name], item.Origin)
							}
						}
						if before == nil {
							// the groups stand before what overwrites them
						} else if ev.open(p) {
							lostInRedirect(p, ev, s, item, before)
						}
					} else if n == 0 && before != nil && item.Target.Parts[0].Kind == ir.RuleRef && ev.open(p) {
						lostInRedirect(p, ev, s, item, before)
					}
				}
			}
		}
	}
	walk(s.Items)
	if by == nil {
		return
	}
	for _, item := range s.Items {
		set, ok := item.(*ir.Setting)
		if ok && (set.Name == "proxy_pass" || set.Name == "alias" || set.Name == "root") && len(set.Templates) > 0 &&
			firstGroup(set.Templates[0]) >= 0 && ev.open(p) {
			lostInSetting(p, ev, s, set, by)
		}
	}
}

// firstGroup is the index of the first $n of a template; -1 when it has none.
func firstGroup(t *ir.Template) int {
	if t != nil {
		for i := range t.Parts {
			if t.Parts[i].Kind == ir.RuleRef && t.Parts[i].N > 0 {
				return i
			}
		}
	}
	return -1
}

// groupText is the text of a template up to and with its first $n, with the groups of the location; without ok it is not
// known, or the group is empty anyway.
func groupText(s *ir.Scope, t *ir.Template, uri string) (text string, ok bool) {
	m, hit, err := s.Pattern.Re.Match(uri)
	if !hit || err != nil {
		return "", false
	}
	at := firstGroup(t)
	group := m.Group(t.Parts[at].N)
	if len(group) == 0 || strings.Trim(group, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != "" {
		return "", false // what is escaped on the way is not compared
	}
	if at > 0 && t.Parts[at-1].Kind == ir.Literal {
		return t.Parts[at-1].Text + group, true
	}
	return group, true
}

func lostInRedirect(p *lint.Pass, ev *asking, s *ir.Scope, r *ir.Rule, by *overwriting) {
	for _, q := range ev.reaching(r, 6) {
		if by.value != "" && !hasHeader(q.probe.Request.Header, by.header) {
			q.probe.Request.Header = append(slices.Clone(q.probe.Request.Header), [2]string{by.header, by.value})
			if q.answer = ev.site.Ask(q.probe); !q.answer.Known || !probe.HasFired(&q.answer, r) {
				continue
			}
		}
		text, ok := groupText(s, r.Target, decodedPath(&q))
		if !ok || q.answer.Location == nil || strings.Contains(*q.answer.Location, text) {
			continue
		}
		part := &r.Target.Parts[firstGroup(r.Target)]
		reportLost(p, ev, s, q, r.File, spanOf(part, r.TargetSpan), r.Target, by, fmt.Sprintf("is sent to %s", quote(clip(*q.answer.Location, 80))))
		return
	}
}

func lostInSetting(p *lint.Pass, ev *asking, s *ir.Scope, set *ir.Setting, by *overwriting) {
	host := s.Parent
	for host != nil && host.Kind != ir.ScopeHost {
		host = host.Parent
	}
	names := append(ev.site.Hosts(), probe.DefaultHost)
	for _, target := range plainPaths(s.Pattern.Re.Tree()) {
		q := probe.Probe{Request: sim.Request{Method: "GET", Scheme: "http", Host: names[0], Target: target, Version: "1.1"}}
		o := ev.site.Ask(q)
		if !o.Known || o.Host != host || !slices.Contains(o.Via, s.Path) {
			continue
		}
		at := shown{q, o}
		text, ok := groupText(s, set.Templates[0], decodedPath(&at))
		got := o.PassedTo
		if set.Name != "proxy_pass" {
			got = o.Filename
		}
		if !ok || got == "" || strings.Contains(got, text) {
			continue
		}
		part := &set.Templates[0].Parts[firstGroup(set.Templates[0])]
		reportLost(p, ev, s, at, set.File, spanOf(part, set.Args[0].Span), set.Templates[0], by, "becomes "+quote(clip(got, 80)))
		return
	}
}

// plainPaths are some paths that a pattern matches, of letters and digits where it leaves the choice.
func plainPaths(t *pattern.Tree) []string { return plainTexts(t, `^/[a-z0-9/._-]*$`) }

// plainTexts are the shortest subjects of a pattern that another one admits.
func plainTexts(t *pattern.Tree, of string) []string {
	sp := pattern.NewSpace(10_000)
	l, ok := sp.Subjects(t)
	if !ok {
		return nil
	}
	plain, err := pattern.Parse(of, pattern.Apache)
	if err != nil {
		panic(err)
	}
	only, _ := sp.Subjects(plain)
	l = sp.And(l, only)
	var out []string
	for range 3 {
		text, ok, known := sp.Shortest(l)
		if !ok || !known {
			break
		}
		out = append(out, text)
		l = sp.And(l, sp.Not(sp.Text(text)))
	}
	return out
}

func spanOf(part *ir.Part, whole source.Span) source.Span {
	if part.Span.Len() > 0 {
		return part.Span
	}
	return whole
}

// decodedPath is the path of a request as the location saw it.
func decodedPath(q *shown) string {
	path, _, _ := strings.Cut(q.probe.Request.Target, "?")
	if strings.Contains(path, "%") {
		return ""
	}
	return path
}

func reportLost(p *lint.Pass, ev *asking, s *ir.Scope, q shown, file *source.File, at source.Span, t *ir.Template, by *overwriting, effect string) {
	part := &t.Parts[firstGroup(t)]
	d := diag.Diagnostic{File: file, Span: at, Witness: ev.witness(q),
		Message: fmt.Sprintf("%s overwrites %s before it is used here: %s %s", by.what, quote(part.Text), quote(clip(q.probe.Request.Target, 60)), effect),
		Related: []diag.Related{{File: by.origin.File, Span: by.origin.Span, Message: "tries a pattern of its own"}},
		Help:    "name the group in the location, `(?<name>…)`, and use `$name`"}
	d.Fixes = nameGroups(s, file, t)
	p.Add(d)
}

// nameGroups gives the groups of a location that a text uses names, and uses those.
func nameGroups(s *ir.Scope, file *source.File, t *ir.Template) []diag.Fix {
	text := s.Pattern.Text
	if s.File != file || file.Slice(s.Pattern.Span) != text {
		return nil
	}
	starts, names := map[int]int32{}, map[int]string{}
	pattern.Walk(s.Pattern.Re.Tree().Root, func(node pattern.Node) bool {
		if g, ok := node.(*pattern.Group); ok && g.Kind == pattern.Capturing {
			starts[g.Number], names[g.Number] = g.Span().Start, g.Name
		}
		return true
	})
	var edits []source.Edit
	named := map[int]bool{}
	for i := range t.Parts {
		part := &t.Parts[i]
		if part.Kind != ir.RuleRef || part.N == 0 {
			continue
		}
		start, ok := starts[part.N]
		if !ok || file.Slice(part.Span) != fmt.Sprintf("$%d", part.N) {
			return nil
		}
		name := names[part.N]
		if name == "" {
			name = fmt.Sprintf("part%d", part.N)
			if strings.Contains(text, name) || text[start] != '(' {
				return nil
			}
			if !named[part.N] {
				named[part.N] = true
				edits = append(edits, source.Insert(s.Pattern.Span.Start+start+1, "?<"+name+">")...)
			}
		}
		edits = append(edits, source.Replace(part.Span, "${"+name+"}")...)
	}
	return []diag.Fix{{Title: "use names for the groups", Safety: diag.Risky, Edits: edits}}
}
