package fix

import (
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/probe"
	"rewright/parser/sim"
)

// headerProbes are requests that send what a rule's conditions look for in headers, also where they are negated: what a
// condition keeps a rule from is seen by no request that reaches it.
func headerProbes(s *probe.Site, r *ir.Rule) []probe.Probe {
	var out []probe.Probe
	for _, c := range r.Conditions {
		name, ok := header(c.Test)
		if !ok || c.Kind != ir.CondRegex || c.Pattern == nil || c.Pattern.Re == nil {
			continue
		}
		sp := pattern.NewSpace(5_000)
		l, ok := sp.Subjects(c.Pattern.Re.Tree())
		if !ok {
			continue
		}
		value, ok, known := sp.Shortest(l)
		if !ok || !known || strings.ContainsAny(value, "\r\n\x00") {
			continue
		}
		bases := s.Requests(r, 1)
		if len(bases) == 0 {
			bases = []probe.Probe{{Request: sim.Request{Method: "GET", Host: someHost(s), Target: "/"}}}
		}
		for _, p := range bases {
			p.Request.Header = append(append([][2]string(nil), p.Request.Header...), [2]string{name, value})
			out = append(out, p)
		}
	}
	return out
}

// header is the request header that a test string is, and nothing else, other than Host.
func header(t *ir.Template) (name string, ok bool) {
	if t == nil || len(t.Parts) != 1 || t.Parts[0].Kind != ir.Variable {
		return "", false
	}
	p := &t.Parts[0]
	switch {
	case strings.EqualFold(p.Space, "HTTP"):
		name = p.Name
	case p.Space == "" && strings.HasPrefix(strings.ToLower(p.Name), "http_"):
		name = strings.ReplaceAll(p.Name[len("http_"):], "_", "-")
	}
	return name, name != "" && !strings.EqualFold(name, "host")
}
