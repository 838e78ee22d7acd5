package nginx

import (
	"fmt"
	"strings"

	"rewright/parser/ir"
)

// front recognises a front controller: what is no file (and no folder) goes to one file. It is the last rule that
// matters; try_files says the same.
func (g *attempt) front(c *compiler, a *area, r *ir.Rule) (u unit, guards []locationBlock, ok bool) {
	u = unit{origin: r.Origin, directive: string(r.Keyword), rule: r, try: true}
	if r.Action != ir.ActionRewrite || r.Negated || r.Pattern == nil || r.Pattern.Re == nil || len(c.guards) > 0 || len(r.Env) > 0 || r.Chain || r.Skip > 0 || r.MIMEType != nil || len(r.Cookies) > 0 || r.Handler != nil || c.usesRound {
		return u, nil, false
	}
	if r.Flow == ir.FlowRestart || r.Escape.Backrefs || a.server || c.sub.prefix != a.prefix {
		return u, nil, false
	}
	if !everything(r.Pattern) && r.Pattern.Text != "." && !(r.Pattern.Text == "(.+)" || r.Pattern.Text == "^(.+)$" || r.Pattern.Text == "^.+$" || r.Pattern.Text == ".+") {
		return u, nil, false
	}
	defer func() {
		if e := recover(); e != nil {
			if _, is := e.(reason); !is {
				panic(e)
			}
			ok = false
		}
	}()
	n, _, _ := c.normal(r)
	b := builder{c: c, r: n, id: c.ids[r], u: &u, sub: c.sub, ruleRefs: map[int]bool{}, condRefs: map[int]bool{}, condName: map[int]string{}, condText: map[int]string{}}
	if !b.conditions() || b.needPattern || len(b.groups) != 1 || len(b.groups[0]) != 1 {
		return u, nil, false
	}
	t := b.groups[0][0]
	files := ""
	switch {
	case !t.negated || t.operand != "$request_filename":
		return u, nil, false
	case t.op == "-e":
		files = "$uri $uri/"
	case t.op == "-f":
		files = "$uri"
	default:
		return u, nil, false
	}
	tgt := b.takeApart()
	path := b.localPath(tgt.path)
	if hasRefs(path) {
		return u, nil, false
	}
	text := ""
	for _, p := range path {
		text += p.text
	}
	text = decodeOnce(text, false)
	if text == "" || strings.ContainsAny(text, "$?# ") || strings.HasSuffix(text, "/") {
		return u, nil, false
	}
	switch tgt.mode {
	case keepQuery:
		u.lines = []string{fmt.Sprintf("try_files %s %s;", files, word(text+"$is_args$args"))}
	case dropQuery:
		u.lines = []string{fmt.Sprintf("try_files %s %s;", files, word(text))}
	default:
		// what the pattern caught goes into the query: a named location rewrites, which adds the old query
		name := "@" + variableName(strings.TrimSuffix(strings.Trim(text, "/"), ".php"))
		query := b.expand(tgt.query, byNumber, same)
		q, dollar := value(query)
		g.out.dollar = g.out.dollar || dollar
		pat := b.pattern()
		if !ruleRefsIn(tgt) {
			pat = "^"
		}
		end := "?"
		if tgt.mode == appendQuery {
			end = ""
		}
		u.lines = []string{fmt.Sprintf("try_files %s %s;", files, name)}
		guards = append(guards, locationBlock{head: "location " + name, lines: []string{fmt.Sprintf("rewrite %s %s last;", pat, word(text+"?"+q+end))}})
		if g.named[name] {
			return u, nil, false
		}
		g.named[name] = true
	}
	guarded := false
	for _, q := range a.rules {
		if path, ok := guardOf(c, q); ok && path == text {
			guards, guarded = append(guards, locationBlock{head: "location = " + word(text)}), true
			break
		}
	}
	if !guarded && !c.loops[r] { // else nginx answers 500 as httpd does, when it has come back too often
		// httpd leaves a path alone that the rule would only make once more
		guards = append(guards, locationBlock{head: "location = " + word(text), lines: []string{"# not to be looked for once more when it is missing"}})
	}
	guards = append(guards, locationBlock{head: "location " + word(text+"/"), lines: []string{"return 404; # " + text + " is a file: what follows it is not looked for"}})
	return u, guards, true
}

// guardOf is the path of a rule that does nothing but end the rules for one file: ^index\.php$ - [L].
func guardOf(c *compiler, r *ir.Rule) (path string, ok bool) {
	if r.Action != ir.ActionNone || r.Flow != ir.FlowLast && r.Flow != ir.FlowEnd || len(r.Conditions) > 0 || r.Negated || r.Pattern == nil || r.Pattern.Re == nil || len(r.Env) > 0 || r.Chain {
		return "", false
	}
	return c.sub.exactPath(r.Pattern)
}

// absorbGuard takes the guard before a front controller out of the script: its location says it already.
func (g *attempt) absorbGuard(c *compiler, list []*unit) []*unit {
	n := len(list)
	if n < 2 || list[n-2].rule == nil || len(c.guards) > 0 {
		return list
	}
	path, ok := guardOf(c, list[n-2].rule)
	if !ok {
		return list
	}
	for i := range g.locations {
		if l := &g.locations[i]; l.head == "location = "+word(path) && len(l.units) == 0 && len(l.lines) == 0 {
			u := list[n-2]
			u.lines = []string{"# served as it is"}
			l.units = []*unit{u}
			return append(list[:n-2], list[n-1])
		}
	}
	return list
}
