package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
)

// asker asks the simulator whether what a rule of the linter proposes is so. Its questions are limited, so that a
// configuration with very many rules costs no more than a few of them each.
type asker struct {
	p    *lint.Pass
	site *probe.Site
	left int // questions
}

// askedRules bounds the questions of one asker, counted in rules of the program that each has to pass.
const askedRules = 2_000_000

// newAsker makes an asker; nil when the server would not start with the configuration.
func newAsker(p *lint.Pass) *asker {
	site := p.Site()
	if site == nil {
		return nil
	}
	return &asker{p: p, site: site, left: max(12, min(2000, askedRules/max(1, len(site.Rules()))))}
}

// proof is a request and the answer that shows something.
type proof struct {
	probe   probe.Probe
	outcome sim.Outcome
	witness *diag.Witness
}

// location is the Location of the answer; empty when there is none.
func (x *proof) location() string {
	if x.outcome.Location == nil {
		return ""
	}
	return *x.outcome.Location
}

// url is the address asked for.
func (x *proof) url() string { return probe.URL(x.probe.Request) }

// path is the request target asked for.
func (x *proof) path() string { return x.probe.Request.Target }

// asked is the path asked for, and the header that the answer hangs on if it names the host of witnesses.
func (x *proof) asked() string {
	text := clip(x.path(), 100)
	for _, h := range x.probe.Request.Header {
		if strings.Contains(h[1], evilHost) {
			text += " with " + h[0] + ": " + h[1]
		}
	}
	return text
}

// find looks for a request for which a rule takes effect and whose answer shows what is proposed. The requests that reach the
// rule are tried, as they are or as change makes others of them; nil: as they are.
func (a *asker) find(r *ir.Rule, change func(q probe.Probe) []probe.Probe, shows func(q *probe.Probe, o *sim.Outcome) bool) *proof {
	if a == nil || a.left <= 0 || a.site.Spent() {
		return nil
	}
	a.left--
	if r.Match == ir.MatchSegment && strings.HasPrefix(r.Path, "/") {
		// Most often the plain request for the source will do.
		q := a.visit(a.site.Scope(r))
		q.Request.Target = escapedPath(r.Path)
		list := []probe.Probe{q}
		if change != nil {
			list = change(q)
		}
		for _, q := range list {
			if sendable(q.Request.Target) {
				if x := a.ask(r, q, shows); x != nil {
					return x
				}
			}
		}
	}
	seen := map[string]bool{}
	for i, q := range a.site.Requests(r, 4) {
		if i > 0 && !q.Reached && change == nil {
			continue
		}
		list := []probe.Probe{q}
		if change != nil {
			list = change(q)
		}
		for _, q := range list {
			if k := q.Request.Method + " " + probe.URL(q.Request); seen[k] || !sendable(q.Request.Target) {
				continue
			} else {
				seen[k] = true
			}
			a.left--
			if x := a.ask(r, q, shows); x != nil {
				return x
			}
		}
	}
	return nil
}

// always tells whether the answers to all requests that are found for a rule and reach it show something.
func (a *asker) always(r *ir.Rule, shows func(q *probe.Probe, o *sim.Outcome) bool) bool {
	for _, q := range a.site.Requests(r, 6) {
		if !q.Reached {
			continue
		}
		if o := a.site.Ask(q); !o.Known || !shows(&q, &o) {
			return false
		}
	}
	return true
}

// ask asks one request and gives the proof when the rule takes effect in it and the answer shows what is proposed.
func (a *asker) ask(r *ir.Rule, q probe.Probe, shows func(q *probe.Probe, o *sim.Outcome) bool) *proof {
	o := a.site.Ask(q)
	if !o.Known || !probe.HasFired(&o, r) || !shows(&q, &o) {
		return nil
	}
	return &proof{q, o, a.site.Witness(&probe.Chain{Hops: []probe.Hop{{Probe: q, Outcome: o}}, End: probe.EndAnswer})}
}

// witnesses gives findings that need no proof a request that shows them.
type witnesses struct {
	a     *asker
	tried bool
}

// attach gives a finding the witness of a request for which the rule takes effect and whose answer shows something; nil: any.
func (w *witnesses) attach(p *lint.Pass, d *diag.Diagnostic, r *ir.Rule, shows func(q *probe.Probe, o *sim.Outcome) bool) {
	if !w.tried {
		w.tried, w.a = true, newAsker(p)
	}
	if shows == nil {
		shows = func(*probe.Probe, *sim.Outcome) bool { return true }
	}
	if x := w.a.find(r, nil, shows); x != nil {
		d.Witness = x.witness
	}
}

// located makes a test of answers of one of their Location.
func located(shows func(location string) bool) func(q *probe.Probe, o *sim.Outcome) bool {
	return func(_ *probe.Probe, o *sim.Outcome) bool { return o.Location != nil && shows(*o.Location) }
}

// sendable tells whether a request target has only bytes that may stand in one.
func sendable(target string) bool {
	for i := 0; i < len(target); i++ {
		if c := target[i]; c <= ' ' || c >= 0x7f || c == '#' {
			return false
		}
	}
	return strings.HasPrefix(target, "/")
}

// withPath is a probe with another path; the query stays.
func withPath(q probe.Probe, path string) probe.Probe {
	_, query, has := strings.Cut(q.Request.Target, "?")
	q.Request.Target = path
	if has {
		q.Request.Target += "?" + query
	}
	q.Reached = false
	return q
}

// pathOf is the path of a request target, as sent.
func pathOf(q *probe.Probe) string {
	path, _, _ := strings.Cut(q.Request.Target, "?")
	return path
}

// withQuery is a probe with one more parameter.
func withQuery(q probe.Probe, parameter string) probe.Probe {
	if strings.Contains(q.Request.Target, "?") {
		q.Request.Target = strings.TrimSuffix(q.Request.Target, "&") + "&" + parameter
	} else {
		q.Request.Target += "?" + parameter
	}
	q.Reached = false
	return q
}

// extended gives probes whose paths go on behind the path of another one.
func extended(more ...string) func(q probe.Probe) []probe.Probe {
	return func(q probe.Probe) []probe.Probe {
		var out []probe.Probe
		path := pathOf(&q)
		for _, m := range more {
			n := path + m
			if strings.HasSuffix(path, "/") && strings.HasPrefix(m, "/") {
				n = path + m[1:]
			}
			out = append(out, withPath(q, n))
		}
		return out
	}
}

// splitAddress takes an absolute address apart; ok is false for a relative one.
func splitAddress(s string) (authority, path string, ok bool) {
	_, rest, ok := strings.Cut(s, "://")
	if !ok {
		return "", s, false
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		return rest[:i], rest[i:], true
	}
	return rest, "", true
}

// pathPart is the path of an address, without query and fragment.
func pathPart(s string) string {
	_, path, _ := splitAddress(s)
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		path = path[:i]
	}
	return path
}
