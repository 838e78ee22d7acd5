package nginx

import (
	"slices"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// runs splits a list of rules into runs that become maps and single rules. each is called for single ones.
//
// Redirects with literal paths go into one map although other rules stand between them, as long as those cannot match
// such a path, nor bring a request to it: then nobody can tell in which order they are asked.
func (g *attempt) runs(c *compiler, rules []*ir.Rule, each func(r *ir.Rule) *unit) (list []*unit) {
	for i := 0; i < len(rules); {
		var run []entry
		inRun := 0 // rules
		var between []*ir.Rule
		var seen obstacles
		j := i
		for ; j < len(rules) && g.refused[rules[j]] == ""; j++ {
			r := rules[j]
			e, ok := c.bulkEntry(r)
			if ok {
				if all := e.each(); !slices.ContainsFunc(all, func(e entry) bool { return seen.before(&e, c.sub.prefix) }) {
					run = append(run, all...)
					inRun++
					continue
				}
			}
			head := e.path
			if !ok || len(e.more) > 0 {
				if head, ok = c.passable(r); !ok {
					break
				}
			}
			seen.add(head, r, c.sub)
			between = append(between, r)
		}
		single := rules[i:max(j, i+1)]
		if inRun >= bulkFrom {
			list, single = append(list, g.bulk(c, run)...), between
		}
		for _, r := range single {
			if u := each(r); u != nil {
				list = append(list, u)
			}
		}
		i = max(j, i+1)
	}
	return list
}

// passable tells whether a rule leaves requests alone whose path does not begin with head, and answers all others it
// matches or ends their rules.
func (c *compiler) passable(r *ir.Rule) (head string, ok bool) {
	if r.Negated || r.Chain || r.Skip > 0 || r.Disabled || len(c.guards) > 0 {
		return "", false
	}
	switch {
	case r.Keyword == ir.RewriteRule:
		switch r.Action {
		case ir.ActionRedirect, ir.ActionRespond, ir.ActionNone:
		default:
			return "", false
		}
		switch r.Flow {
		case ir.FlowLast, ir.FlowEnd, ir.FlowAnswer:
		default:
			return "", false
		}
		if !c.area.engine || r.Pattern == nil || r.Pattern.Re == nil {
			return "", false
		}
		head = sim.PatternKey(c.sub.tree(r.Pattern)).Text
		if c.sub.prefix != "" {
			head = strings.TrimPrefix(head, "/")
		}
		if head == "" {
			return "", false
		}
		return c.sub.prefix + head, true
	case r.Action != ir.ActionRedirect && r.Action != ir.ActionRespond:
		return "", false
	case r.Match == ir.MatchSegment:
		head = mergeSlashes(r.Path)
	case r.Match == ir.MatchRegex && r.Pattern != nil && r.Pattern.Re != nil:
		head = sim.PatternKey(subject{}.tree(r.Pattern)).Text
	}
	return head, head != "" && head != "/"
}
