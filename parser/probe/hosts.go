package probe

import (
	"strings"

	"rewright/parser/ir"
)

// hostSet is what is known of the hosts that a program answers for.
type hostSet struct {
	exact    map[string]bool
	order    []string // of exact, as found
	suffixes []string
	patterns []*ir.Pattern
	asked    map[string]bool // what Serves said
}

func (h *hostSet) add(name string) {
	name = strings.ToLower(name)
	if _, bare, ok := strings.Cut(name, "://"); ok { // ServerName https://a.example
		name = bare
	}
	switch {
	case strings.HasPrefix(name, "*."):
		h.suffixes = append(h.suffixes, name[1:])
	case strings.HasPrefix(name, "."):
		h.suffixes = append(h.suffixes, name)
		h.add(name[1:])
	case name == "" || name == "_" || strings.ContainsAny(name, "~*$/ "):
	default:
		name = hostName(name)
		if !h.exact[name] {
			h.exact[name] = true
			h.order = append(h.order, name)
		}
	}
}

func (h *hostSet) condition(c *ir.Condition) {
	if c == nil || c.Test == nil || len(c.Test.Parts) != 1 {
		return
	}
	switch c.Test.Parts[0].Name {
	case "HTTP_HOST", "SERVER_NAME", "host", "http_host", "server_name":
	case "Host", "host:":
		if c.Test.Parts[0].Space != "HTTP" {
			return
		}
	default:
		return
	}
	if c.Pattern != nil && c.Pattern.Re != nil && namesHosts(c.Pattern) {
		h.patterns = append(h.patterns, c.Pattern)
	}
	if text, ok := c.Operand.Constant(); ok && c.Kind == ir.CondString && c.Op == "=" {
		h.add(text)
	}
}

// strangers are hosts that no pattern names; one that matches any of them is about all hosts of a form.
var strangers = []string{"some-other-host.invalid", "www.some-other-host.invalid", "www.xn--q7ce6a.com", "m.another.org", "sub.www.third.net",
	"localhost", "fourth.co.uk", "a", "192.0.2.7"}

// namesHosts tells whether a pattern is about certain hosts, not about all that begin with www or have a dot.
func namesHosts(p *ir.Pattern) bool {
	for _, host := range strangers {
		if m, err := p.Re.MatchBool(host); err != nil || m {
			return false
		}
	}
	return true
}

// maxHostPatterns bounds how many patterns a host is compared with.
const maxHostPatterns = 256

// ownHosts are the hosts of the program: those said from outside, names of its virtual hosts, and hosts that its
// rules test for, whether to let them be or to send them elsewhere.
func (s *Site) ownHosts() *hostSet {
	if s.hosts != nil {
		return s.hosts
	}
	h := &hostSet{exact: map[string]bool{}}
	for _, n := range s.given {
		h.add(n)
	}
	var walk func(s *ir.Scope)
	walk = func(s *ir.Scope) {
		h.condition(s.If)
		for _, item := range s.Items {
			switch it := item.(type) {
			case *ir.Scope:
				walk(it)
			case *ir.Rule:
				for _, c := range it.Conditions {
					if len(h.patterns) < maxHostPatterns {
						h.condition(c)
					}
				}
			case *ir.Setting:
				switch it.Name {
				case "ServerName", "ServerAlias", "server_name":
					for _, w := range it.Args {
						h.add(w.Text)
					}
				}
			}
		}
	}
	if s.Program.Root != nil {
		walk(s.Program.Root)
	}
	for _, sc := range s.Program.Htaccess {
		walk(sc)
	}
	s.hosts = h
	return h
}

// Serves tells whether a host, with or without port, is known to be one of the program's own.
func (s *Site) Serves(host string) bool {
	h, name := s.ownHosts(), hostName(host)
	served, known := h.asked[name]
	if !known {
		served = h.has(name)
		if len(h.asked) >= maxAskedHosts || h.asked == nil {
			h.asked = map[string]bool{}
		}
		h.asked[name] = served
	}
	return served
}

// maxAskedHosts bounds the answers of Serves that are kept.
const maxAskedHosts = 4096

func (h *hostSet) has(name string) bool {
	if h.exact[name] {
		return true
	}
	for _, suffix := range h.suffixes {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	for _, p := range h.patterns {
		if m, err := p.Re.MatchBool(name); err == nil && m {
			return true
		}
	}
	return false
}

// Hosts are the names that are said or written, in that order; none when the program does not know its host.
func (s *Site) Hosts() []string { return s.ownHosts().order }
