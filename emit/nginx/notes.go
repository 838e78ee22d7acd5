package nginx

// What became of each rule and setting, in words.

import (
	"fmt"
	"sort"
	"strings"

	"rewright/emit"
	"rewright/emit/check"
	"rewright/parser/ir"
	"rewright/parser/probe"
)

// result puts files and notes together.
func (c *conversion) result(t *trial) *emit.Result {
	r := &emit.Result{Compared: t.compared, Remarks: t.remarks}
	r.Files = []emit.File{{Name: HTTPFile, Text: []byte(t.http)}, {Name: ServerFile, Text: []byte(t.text)}}
	r.Notes = c.notes(t)
	return r
}

// notes says what became of each rule and setting, in source order.
func (c *conversion) notes(t *trial) (out []emit.Note) {
	byRule := map[*ir.Rule][]*unit{}
	var order []*unit
	add := func(list []*unit) {
		for _, u := range list {
			if u.origin.File == nil {
				continue // made up, not carried over
			}
			if u.rule != nil {
				if len(byRule[u.rule]) == 0 {
					order = append(order, u)
				}
				byRule[u.rule] = append(byRule[u.rule], u)
				continue
			}
			order = append(order, u)
		}
	}
	add(t.server)
	for _, l := range t.locations {
		add(l.units)
	}
	alike := map[string]*ir.Rule{} // shapes of rules that are to blame, when not all were asked about
	if len(c.rules) > mostRules && t.parts == nil {
		for r := range t.blamed {
			if have := alike[shape(r)]; have == nil || c.ids[r] < c.ids[have] {
				alike[shape(r)] = r
			}
		}
	}
	odd, oddKinds := c.oddRules(t)
	for _, u := range order {
		n := emit.Note{Origin: u.origin, Directive: u.directive, Fidelity: emit.Exact}
		list := []*unit{u}
		if u.rule != nil {
			list = byRule[u.rule]
		}
		for _, v := range list {
			switch {
			case v.dropped != "":
				n.Fidelity, n.Reason, n.ByHand = emit.Dropped, v.dropped, v.byHand
			case v.caveat != "" && n.Fidelity == emit.Exact:
				n.Fidelity, n.Reason, n.ByHand = emit.Approximate, v.caveat, v.byHand
			}
		}
		if u.rule != nil && len(alike) > 0 && n.Fidelity == emit.Exact && t.blamed[u.rule] == nil {
			if other := alike[shape(u.rule)]; other != nil {
				n.Fidelity, n.Reason = emit.Approximate, fmt.Sprintf("of the same kind as the rule on line %d", other.Line())
			}
		}
		if d := t.blamed[u.rule]; u.rule != nil && d != nil && n.Fidelity != emit.Dropped {
			n.Fidelity = emit.Approximate
			if n.Reason == "" {
				n.Reason = reasonOf(d)
			}
			n.Witness = c.witness(d)
		}
		if d := odd[u.rule]; u.rule != nil && d != nil && n.Fidelity == emit.Exact {
			n.Fidelity, n.Reason, n.Witness = emit.Approximate, oddReason(d), c.witness(d)
		}
		if u.rule != nil && len(oddKinds) > 0 && n.Fidelity == emit.Exact {
			if other := oddKinds[shape(u.rule)]; other != nil {
				n.Fidelity, n.Reason = emit.Approximate, fmt.Sprintf("of the same kind as the rule on line %d: %s", other.Line(), oddReason(odd[other]))
			}
		}
		out = append(out, n)
	}
	if len(t.others) > 0 {
		// nobody's rule: the whole configuration is only nearly the same
		d := &t.others[0]
		for i := range out {
			if out[i].Fidelity == emit.Exact {
				out[i].Fidelity, out[i].Reason, out[i].Witness = emit.Approximate, reasonOf(d), c.witness(d)
				break
			}
		}
	}
	for i := range out {
		n := &out[i]
		if d := t.parts[n.Origin.File].other; d != nil && n.Fidelity == emit.Exact {
			n.Fidelity, n.Reason, n.Witness = emit.Approximate, reasonOf(d), c.witness(d)
			delete(t.parts, n.Origin.File)
		}
	}
	sortNotes(out)
	return out
}

// reasonOf is what differs, in words.
func reasonOf(d *check.Difference) string {
	switch d.What {
	case "status":
		return fmt.Sprintf("answers %d where httpd answers %d", d.After.Status, d.Before.Status)
	case "Location":
		return "another Location"
	case "path":
		return "another file"
	case "query":
		return "another query string"
	}
	return "another target"
}

func (c *conversion) witness(d *check.Difference) *emit.Witness {
	w := &emit.Witness{Method: d.Probe.Request.Method, URL: probe.URL(d.Probe.Request), Header: d.Probe.Request.Header,
		Before: c.relative(check.Describe(&d.Before)), After: c.relative(check.Describe(&d.After))}
	if w.Method == "" {
		w.Method = "GET"
	}
	for _, p := range d.Probe.Exists {
		w.Assume = append(w.Assume, c.before.Relative(p)+" exists")
	}
	for _, p := range d.Probe.Missing {
		w.Assume = append(w.Assume, c.before.Relative(p)+" does not exist")
	}
	if d.Probe.Client != "" {
		w.Assume = append(w.Assume, "the client is "+d.Probe.Client)
	}
	return w
}

// relative writes paths below the document root without it.
func (c *conversion) relative(s string) string {
	return strings.ReplaceAll(s, " "+c.root+"/", " the file /")
}

// sortNotes puts notes into source order: by file as they came first, then by line.
func sortNotes(list []emit.Note) {
	rank := map[string]int{}
	name := func(n *emit.Note) string {
		if n.Origin.File == nil {
			return ""
		}
		return n.Origin.File.Name
	}
	for i := range list {
		if _, ok := rank[name(&list[i])]; !ok {
			rank[name(&list[i])] = len(rank)
		}
	}
	sort.SliceStable(list, func(i, j int) bool {
		a, b := &list[i], &list[j]
		if x, y := rank[name(a)], rank[name(b)]; x != y {
			return x < y
		}
		return a.Origin.Span.Start < b.Origin.Span.Start
	})
}
