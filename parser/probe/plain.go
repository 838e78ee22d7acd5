package probe

import (
	"strings"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// isPlain tells whether nothing but the path decides about a rule: it has no conditions, and no section or server around it
// asks for anything. Most rules of long lists are like that, and need no reasoning.
func (s *Site) isPlain(r *ir.Rule) bool {
	if len(r.Conditions) > 0 || r.Negated {
		return false
	}
	for sc := s.Scope(r); sc != nil; sc = sc.Parent {
		switch sc.Kind {
		case ir.ScopeHtaccess, ir.ScopeMain, ir.ScopeHTTP:
		case ir.ScopeHost:
			if sc.File != nil {
				return false
			}
		case ir.ScopeLocation:
			if s.Program.Server != ir.Nginx {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// isExact tells whether a rule takes a single path.
func isExact(r *ir.Rule) bool {
	if r.Match != ir.MatchRegex || r.Negated || r.Pattern == nil || r.Pattern.Re == nil {
		return false
	}
	_, caseless, ok := r.Pattern.Re.Tree().Exact()
	return ok && !caseless
}

// plainRequests are the likely requests of a plain rule that reach it.
func (s *Site) plainRequests(r *ir.Rule, max int) (reached []Probe) {
	host := s.world.ServerName
	if list := s.Hosts(); len(list) > 0 {
		host = list[0]
	}
	for _, path := range s.Likely(r, max) {
		if !isPlainPath(path) {
			continue
		}
		p := Probe{Request: sim.Request{Method: "GET", Scheme: "http", Host: host, Target: escape(path, ""), Version: "1.1"}}
		if o := s.Ask(p); HasFired(&o, r) {
			p.Reached = true
			reached = append(reached, p)
		}
		if s.Spent() {
			break
		}
	}
	return reached
}

// isPlainPath is plainPath without dot segments and doubled slashes, by hand.
func isPlainPath(path string) bool {
	for i := 0; i < len(path); i++ {
		c := path[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("._~!$&'()*+,;=:@/ %-", c) >= 0) {
			return false
		}
	}
	return strings.HasPrefix(path, "/") && !strings.Contains(path, "//") && !strings.Contains(path, "/.")
}

// Plain are requests with paths that the pattern of a rule is likely to match, without looking at anything else: for a rule
// that is thought never to run. None for a rule whose section or server asks for more.
func (s *Site) Plain(r *ir.Rule, max int) []Probe {
	if !s.isPlain(r) {
		return nil
	}
	host := s.world.ServerName
	if list := s.Hosts(); len(list) > 0 {
		host = list[0]
	}
	var out []Probe
	for _, path := range s.Likely(r, max) {
		if isPlainPath(path) {
			out = append(out, Probe{Request: sim.Request{Method: "GET", Scheme: "http", Host: host, Target: escape(path, ""), Version: "1.1"}})
		}
	}
	return out
}

// Samples are subjects that a pattern matches, the plainest first, at most max.
func Samples(p *ir.Pattern, max int) []string {
	var out []string
	if p == nil || p.Re == nil {
		return nil
	}
	for t := range samples(p.Re.Tree()) {
		if len(out) >= max {
			break
		}
		for _, text := range [...]string{t, "/" + t, "/x" + t} {
			if m, err := p.Re.MatchBool(text); err == nil && m && (strings.HasPrefix(text, "/") || text != t) {
				out = append(out, text)
				break
			}
		}
	}
	return out
}

// Names are names of files that a pattern matches, at most max.
func Names(p *ir.Pattern, max int) []string {
	var out []string
	if p == nil || p.Re == nil {
		return nil
	}
	for t := range samples(p.Re.Tree()) {
		if len(out) >= max {
			break
		}
		for _, text := range [...]string{t, "x" + t} {
			if text == "" || text == "." || text == ".." || strings.Contains(text, "/") {
				continue
			}
			if m, err := p.Re.MatchBool(text); err == nil && m {
				out = append(out, text)
				break
			}
		}
	}
	return out
}
