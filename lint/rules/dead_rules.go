package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/ir"
	"rewright/parser/probe"
)

// dead is a rule that never runs because an earlier one of its list takes all it would.
type dead struct {
	rule, by *ir.Rule
	twin     bool         // both match the same
	shown    *probe.Chain // a request for it that the other answers
}

// deadOf finds the rules of a unit that never run, and makes sure of each by a request.
func deadOf(p *lint.Pass) []dead {
	type key struct{}
	return p.Unit.Memo(key{}, func() any {
		site := p.Site()
		if site == nil {
			return []dead(nil)
		}
		b := &burier{p: p, site: site}
		eachScope(p.Unit.Program(), func(s *ir.Scope) {
			if p.Unit.Input.Server == ir.Nginx {
				b.script(s)
				return
			}
			b.rewrites(s)
			b.redirects(s)
		})
		return b.list
	}).([]dead)
}

type burier struct {
	p    *lint.Pass
	site *probe.Site
	list []dead
}

// rewrites looks at the RewriteRules of a scope.
func (b *burier) rewrites(s *ir.Scope) {
	list := rewriteRules(s)
	if len(list) < 2 {
		return
	}
	c := newCover()
	skipped := 0 // rules that an S=n before may jump over
	for i, r := range list {
		inChain := r.Chain || i > 0 && list[i-1].Chain
		if !inChain {
			if by, twin := c.of(r); by != nil {
				b.bury(r, by, twin)
			}
		}
		may := skipped > 0
		skipped = max(skipped-1, r.Skip)
		switch {
		case may || inChain:
			if changesURL(r) {
				c.forget()
			}
		case ends(r):
			c.keep(r)
		case changesURL(r) || r.Flow == ir.FlowRestart:
			c.forget()
		}
	}
}

// changesURL tells whether the rules behind see another URL after this one.
func changesURL(r *ir.Rule) bool { return r.Target != nil || r.DiscardPath }

// redirects looks at the redirects of mod_alias in a scope.
func (b *burier) redirects(s *ir.Scope) {
	c := newCover()
	for _, item := range s.Items {
		r, ok := item.(*ir.Rule)
		if !ok || r.Disabled || r.Flow != ir.FlowAnswer || r.Keyword == ir.RewriteRule || r.Match == ir.MatchAll {
			continue
		}
		if by, twin := c.of(r); by != nil {
			b.bury(r, by, twin)
		}
		c.keep(r)
	}
}

// script looks at the rewrite directives of one block of nginx.
func (b *burier) script(s *ir.Scope) {
	c := newCover()
	var last *ir.Rule // a return that everything before it in the block leads to
	for _, item := range s.Items {
		switch it := item.(type) {
		case *ir.Scope:
			if it.Kind != ir.ScopeIf {
				continue
			}
			for _, in := range it.Items {
				r, ok := in.(*ir.Rule)
				if ok && last != nil {
					b.bury(r, last, false)
				}
				if ok && r.Keyword == ir.NginxRewrite && r.Flow == ir.FlowNext {
					c.forget()
				}
			}
		case *ir.Rule:
			if last != nil {
				b.bury(it, last, false)
				continue
			}
			switch it.Keyword {
			case ir.NginxReturn:
				last = it
			case ir.NginxRewrite:
				if by, twin := c.of(it); by != nil {
					b.bury(it, by, twin)
				}
				if it.Flow == ir.FlowNext {
					c.forget()
				} else {
					c.keep(it)
				}
			}
		}
	}
}

// bury keeps a rule as dead when a request for it shows that the other one answers, and none is found that reaches it.
func (b *burier) bury(r, by *ir.Rule, twin bool) {
	if r.File == nil || by.File == nil || r.Keyword == ir.NginxBreak || b.site.Spent() {
		return // a break behind a return is idle, no mistake
	}
	try := func(list []probe.Probe) (done bool) {
		for _, q := range list {
			o := b.site.Ask(q)
			if q.Reached || !o.Known || probe.HasFired(&o, r) {
				return true
			}
			if probe.HasFired(&o, by) {
				b.list = append(b.list, dead{r, by, twin, &probe.Chain{Hops: []probe.Hop{{Probe: q, Outcome: o}}, End: probe.EndAnswer}})
				return true
			}
		}
		return false
	}
	// What is plain needs no search; the search for a request that reaches a dead rule is long.
	if len(r.Conditions) == 0 && try(b.site.Plain(r, 2)) {
		return
	}
	try(b.site.Requests(r, 4))
}

// lineOf is "line 12", with the file when it is another one.
func lineOf(r, from *ir.Rule) string {
	if r.File != from.File {
		return probe.PlaceOf(r.Origin)
	}
	place := probe.PlaceOf(r.Origin)
	return "line " + place[strings.LastIndexByte(place, ':')+1:]
}
