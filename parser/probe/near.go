package probe

import (
	"strings"

	"rewright/parser/ir"
)

// NearMisses are requests just outside of what a rule takes: like a request that reaches it, with one thing
// changed, so that the rule takes no effect any more. At most max (0: 8) are given; none when the rule cannot be reached.
func (s *Site) NearMisses(r *ir.Rule, max int) []Probe {
	if max <= 0 {
		max = 8
	}
	var out []Probe
	seen := map[string]bool{}
	for _, base := range s.Requests(r, 2) {
		if !base.Reached {
			break
		}
		for _, p := range neighbours(base) {
			if len(out) >= max || s.Spent() {
				return out
			}
			if k := key(p); seen[k] {
				continue
			} else {
				seen[k] = true
			}
			if o := s.Ask(p); !HasFired(&o, r) {
				out = append(out, p)
			}
		}
	}
	return out
}

// neighbours are probes that differ from one in a single thing.
func neighbours(p Probe) []Probe {
	p.Reached = false
	var out []Probe
	change := func(f func(q *Probe)) {
		q := p
		q.Request.Header = append([][2]string(nil), p.Request.Header...)
		f(&q)
		out = append(out, q)
	}
	path, query, has := strings.Cut(p.Request.Target, "?")
	tail := ""
	if has {
		tail = "?" + query
	}
	target := func(t string) { change(func(q *Probe) { q.Request.Target = t }) }
	target(path + "x" + tail)
	if strings.HasSuffix(path, "/") && path != "/" {
		target(strings.TrimSuffix(path, "/") + tail)
	} else {
		target(path + "/" + tail)
	}
	if len(path) > 2 {
		target(path[:len(path)-1] + tail)
		target("/x" + path + tail)
	}
	if upper := strings.ToUpper(path); upper != path && !strings.Contains(path, "%") {
		target(upper + tail)
	}
	if has {
		target(path)
		target(path + "?x" + query)
	} else {
		target(path + "?x=1")
	}
	if p.Request.Port == 0 { // a port of its own speaks one of the two
		change(func(q *Probe) {
			if q.Request.Scheme == "https" {
				q.Request.Scheme = "http"
			} else {
				q.Request.Scheme = "https"
			}
		})
	}
	change(func(q *Probe) {
		if name, ok := strings.CutPrefix(q.Request.Host, "www."); ok {
			q.Request.Host = name
		} else {
			q.Request.Host = "www." + q.Request.Host
		}
	})
	change(func(q *Probe) {
		if q.Request.Method == "GET" {
			q.Request.Method = "POST"
		} else {
			q.Request.Method = "GET"
		}
	})
	for i := range p.Request.Header {
		change(func(q *Probe) { q.Request.Header = append(q.Request.Header[:i:i], q.Request.Header[i+1:]...) })
	}
	for i := range p.Exists {
		change(func(q *Probe) { q.Exists = append(append([]string(nil), p.Exists[:i]...), p.Exists[i+1:]...) })
	}
	for i := range p.Missing {
		change(func(q *Probe) {
			q.Missing = append(append([]string(nil), p.Missing[:i]...), p.Missing[i+1:]...)
			q.Exists = append(append([]string(nil), p.Exists...), p.Missing[i])
		})
	}
	return out
}
