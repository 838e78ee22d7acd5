package nginx

import (
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
		var between []*ir.Rule
		var seen obstacles
		j := i
		for ; j < len(rules) && g.refused[rules[j]] == ""; j++ {
			r := rules[j]
			e, ok := c.bulkEntry(r)
			if ok && !seen.before(&e, c.sub.prefix) {
				run = append(run, e)
				continue
			}
			head := e.path
			if !ok {
				if head, ok = c.passable(r); !ok {
					break
				}
			}
			seen.add(head, r)
			between = append(between, r)
		}
		single := rules[i:max(j, i+1)]
		if len(run) >= bulkFrom {
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
		head = sim.PatternKey(r.Pattern.Re.Tree()).Text
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
		head = sim.PatternKey(r.Pattern.Re.Tree()).Text
	}
	return head, head != "" && head != "/"
}

// obstacles are rules that stand between redirects, by the beginnings of the paths that they take.
type obstacles struct {
	rules   map[string][]*ir.Rule // by whole beginnings, in lower case
	stems   map[string]bool       // what those begin with
	whole   [maxHead + 1]bool     // lengths in rules
	matches int                   // patterns that were tried
}

const (
	maxHead    = 64        // bytes that are kept of a beginning
	mostTrials = 4_000_000 // patterns tried; what is not tried counts as an obstacle
)

func (o *obstacles) add(head string, r *ir.Rule) {
	if o.rules == nil {
		o.rules, o.stems = map[string][]*ir.Rule{}, map[string]bool{}
	}
	head = headOf(head)
	o.rules[head] = append(o.rules[head], r)
	o.whole[len(head)] = true
	for i := len(head); i > 0 && !o.stems[head[:i]]; i-- {
		o.stems[head[:i]] = true
	}
}

// before tells whether a rule that was added may take a request that the redirect takes. prefix is the directory that
// patterns of mod_rewrite are relative to.
func (o *obstacles) before(e *entry, prefix string) bool {
	if o.rules == nil {
		return false
	}
	head := headOf(e.path)
	if o.stems[head] && (!e.whole || len(e.path) > maxHead) {
		return true // it may take what lies below the path
	}
	for i := 1; i <= len(head); i++ {
		if !o.whole[i] {
			continue
		}
		for _, r := range o.rules[head[:i]] {
			if o.matches++; !e.whole || r.Keyword != ir.RewriteRule || o.matches > mostTrials {
				return true
			}
			if _, matched, err := r.Pattern.Re.Match(strings.TrimPrefix(e.path, prefix)); matched || err != nil {
				return true
			}
		}
	}
	return false
}

// headOf is the beginning of a path, without regard to the case of letters.
func headOf(path string) string { return strings.ToLower(path[:min(len(path), maxHead)]) }
