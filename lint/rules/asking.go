package rules

import (
	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
)

// asking asks the configuration for what a rule proposes, and stops when enough was asked of it: an answer costs what
// the configuration is long, and the whole is to stay near linear.
type asking struct {
	site *probe.Site
	left int
}

// maxAsked bounds the rules of one configuration that one lint rule looks into; large configurations have fewer.
const maxAsked = 400

func newAsking() *asking {
	return &asking{left: -1}
}

// open makes the configuration ready when first needed; false when it cannot answer or was asked enough.
func (e *asking) open(p *lint.Pass) bool {
	if e.left < 0 {
		e.site = p.Site()
		e.left = 0
		if e.site != nil {
			e.left = max(8, min(maxAsked, 1_000_000/(1+len(e.site.Rules()))))
		}
	}
	if e.left == 0 || e.site.Spent() {
		return false
	}
	e.left--
	return true
}

// shown is one request and its answer.
type shown struct {
	probe  probe.Probe
	answer sim.Outcome
}

// reaching are requests for which a rule takes effect, with their answers; those whose answer is not known are left out.
func (e *asking) reaching(r *ir.Rule, n int) []shown {
	var out []shown
	for _, q := range e.site.Requests(r, n) {
		if !q.Reached {
			continue
		}
		if o := e.site.Ask(q); o.Known && probe.HasFired(&o, r) {
			out = append(out, shown{q, o})
		}
	}
	return out
}

// witness is the request as a finding carries it.
func (e *asking) witness(s shown) *diag.Witness {
	return e.site.Witness(&probe.Chain{Hops: []probe.Hop{{Probe: s.probe, Outcome: s.answer}}, End: probe.EndAnswer})
}

// firedAfter are the rules that took effect behind a rule, in order.
func firedAfter(o *sim.Outcome, r *ir.Rule) []*ir.Rule {
	list := probe.Fired(o)
	for i, f := range list {
		if f == r {
			return list[i+1:]
		}
	}
	return nil
}
