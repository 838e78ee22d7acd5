package main

import (
	"net/url"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// maxHops bounds how many redirects are followed; browsers stop at 20.
const maxHops = 20

// Why following ended.
const (
	endAnswer  = "answer"  // an answer that is no redirect
	endCycle   = "cycle"   // a request that was made before
	endLeft    = "left"    // a host that this configuration does not serve
	endLimit   = "limit"   // more than maxHops redirects
	endUnknown = "unknown" // an answer that is not known
)

// hop is one request of a chain and its answer.
type hop struct {
	request sim.Request
	outcome sim.Outcome
}

// chain is what following found.
type chain struct {
	hops []hop
	end  string
	next string // the URL that was not asked: endCycle, endLeft, endLimit
	back int    // endCycle: the hop, from 1, whose request would be made again
}

// walk follows redirects as a browser does.
func (t *tracer) walk(r sim.Request) chain {
	served := servedHosts(t.loaded.Program, t.world.ServerName, hostName(r.Host))
	seen := map[string]int{}
	var c chain
	for {
		seen[key(r)] = len(c.hops) + 1
		o := t.answer(r, true)
		c.hops = append(c.hops, hop{r, o})
		if !o.Known {
			c.end = endUnknown
			return c
		}
		if o.Location == nil || o.Status < 300 || o.Status > 399 || o.Status == 304 {
			c.end = endAnswer
			return c
		}
		next, absolute, ok := redirected(r, o.Status, *o.Location)
		c.next = absolute
		if !ok || !served(hostName(next.Host)) {
			c.end = endLeft
			return c
		}
		if n, again := seen[key(next)]; again {
			c.end, c.back = endCycle, n
			return c
		}
		if len(c.hops) > maxHops {
			c.end = endLimit
			return c
		}
		r = next
	}
}

func key(r sim.Request) string { return r.Method + " " + urlOf(r) }

// redirected is the request a client makes after a redirect, and its URL; ok is false for a URL that is not http.
// The method follows RFC 9110 §15.4 and what browsers do: 303 asks with GET, 301 and 302 turn POST into GET.
func redirected(r sim.Request, status int, location string) (next sim.Request, absolute string, ok bool) {
	base, err := url.Parse(urlOf(r))
	if err != nil {
		base = &url.URL{Scheme: r.Scheme, Host: r.Host, Path: "/"}
	}
	absolute = location
	switch {
	case strings.Contains(location, "://") && !strings.HasPrefix(location, "/"):
	case strings.HasPrefix(location, "//"):
		absolute = base.Scheme + ":" + location
	case strings.HasPrefix(location, "/"):
		absolute = base.Scheme + "://" + base.Host + location
	default:
		ref, err := url.Parse(location)
		if err != nil {
			return next, location, false
		}
		absolute = base.ResolveReference(ref).String()
	}
	next, err = splitURL(absolute)
	if err != nil {
		return next, absolute, false
	}
	next.Method, next.Header, next.Version, next.Body = r.Method, r.Header, r.Version, r.Body
	if status == 303 && r.Method != "HEAD" || (status == 301 || status == 302) && r.Method == "POST" {
		next.Method, next.Body = "GET", ""
	}
	return next, absolute, true
}

// servedHosts tells which hosts the configuration answers for: the one that was asked first, with and without
// www; names of its virtual hosts; and hosts that its rules test for.
func servedHosts(p *ir.Program, names ...string) func(host string) bool {
	exact := map[string]bool{}
	var suffixes []string
	var patterns []*ir.Pattern
	add := func(name string) {
		name = strings.ToLower(name)
		switch {
		case strings.HasPrefix(name, "*."):
			suffixes = append(suffixes, name[1:])
		case strings.HasPrefix(name, "."):
			suffixes = append(suffixes, name)
			exact[name[1:]] = true
		case name != "" && !strings.HasPrefix(name, "~"):
			exact[hostName(strings.TrimPrefix(strings.TrimPrefix(name, "https://"), "http://"))] = true
		}
	}
	for _, n := range names {
		add(n)
		add("www." + n)
		add(strings.TrimPrefix(n, "www."))
	}
	var walk func(s *ir.Scope)
	condition := func(c *ir.Condition) {
		if c == nil || c.Test == nil || !testsHost(c.Test) {
			return
		}
		if c.Pattern != nil && c.Pattern.Re != nil && !c.Negated {
			patterns = append(patterns, c.Pattern)
		}
		if text, ok := c.Operand.Constant(); ok && c.Kind == ir.CondString && c.Op == "=" {
			add(text)
		}
	}
	walk = func(s *ir.Scope) {
		condition(s.If)
		for _, item := range s.Items {
			switch it := item.(type) {
			case *ir.Scope:
				walk(it)
			case *ir.Rule:
				for _, c := range it.Conditions {
					condition(c)
				}
			case *ir.Setting:
				switch it.Name {
				case "ServerName", "ServerAlias", "server_name":
					for _, w := range it.Args {
						add(w.Text)
					}
				}
			}
		}
	}
	if p.Root != nil {
		walk(p.Root)
	}
	for _, s := range p.Htaccess {
		walk(s)
	}
	return func(host string) bool {
		if exact[host] {
			return true
		}
		for _, s := range suffixes {
			if strings.HasSuffix(host, s) {
				return true
			}
		}
		for _, re := range patterns {
			if m, err := re.Re.MatchBool(host); err == nil && m && !matchesAnyHost(re) {
				return true
			}
		}
		return false
	}
}

// matchesAnyHost tells patterns like "." and "^(.+)$" apart, which say nothing about the hosts that are served.
func matchesAnyHost(p *ir.Pattern) bool {
	m, err := p.Re.MatchBool("some-other-host.invalid")
	return err != nil || m
}

func testsHost(t *ir.Template) bool {
	return len(t.Parts) == 1 && (t.Parts[0].Name == "HTTP_HOST" || t.Parts[0].Name == "SERVER_NAME" || t.Parts[0].Name == "host" ||
		t.Parts[0].Name == "http_host")
}

// hopAnswer is the JSON form of a hop.
type hopAnswer struct {
	Method   string  `json:"method"`
	URL      string  `json:"url"`
	Status   int     `json:"status"`
	Location *string `json:"location"`
	Steps    []step  `json:"steps"`
}

// followAnswer is the JSON form of a chain: the last answer, and how it came to it.
type followAnswer struct {
	*answer
	Hops []hopAnswer `json:"hops"`
	End  string      `json:"end"` // answer, cycle, left, limit or unknown
	Next *string     `json:"next"`
}

func (a *app) follow(t *tracer, r sim.Request) int {
	c := t.walk(r)
	status := exitOK
	if c.end == endCycle {
		status = exitFindings
	}
	if t.flags.json {
		server := t.loaded.Program.Server
		last := &c.hops[len(c.hops)-1].outcome
		out := followAnswer{answer: newAnswer(last, server, t.world.DocumentRoot), End: c.end}
		if c.next != "" && c.end != endAnswer && c.end != endUnknown {
			s := shown(c.next, server)
			out.Next = &s
		}
		for i := range c.hops {
			h := newAnswer(&c.hops[i].outcome, server, t.world.DocumentRoot)
			out.Hops = append(out.Hops, hopAnswer{c.hops[i].request.Method, shown(urlOf(c.hops[i].request), server), h.Status, h.Location, h.Steps})
		}
		if s := a.written(second(a.out.Write(encode(out)))); s != exitOK {
			return s
		}
		return status
	}
	p := a.printer(t)
	p.chain(&c)
	if s := a.written(p.flush()); s != exitOK {
		return s
	}
	return status
}

func second(_ int, err error) error { return err }
