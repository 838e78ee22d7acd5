// Package probe finds requests that reach rules, and asks the simulators what becomes of them.
//
// Programs go in; requests with the files they need, answers, and chains of redirects come out. Rules of package
// lint confirm with it what they propose, and emit holds a translation against its source. What a finding
// or a report says about the answers is left to those.
package probe

import (
	"bytes"
	"net/netip"
	"strings"

	"rewright/parser"
	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/sim"
)

// Options are what a Site knows from outside of the program.
type Options struct {
	// Hosts are names the configuration answers to, the first one preferred; what the program says comes on top.
	Hosts []string
	// World is where the program runs. Files nil: nothing exists in the document roots but what a Probe says.
	// What Files do not know is taken to be missing.
	World sim.World
	// Budget bounds the work of all questions together, counted in rules and conditions that simulations try, some
	// quarter of a microsecond each; 0: DefaultBudget. See Site.Spent.
	Budget int
}

// DefaultBudget is about a second of one processor.
const DefaultBudget = 4_000_000

// What else is work, in the unit of Options.Budget.
const (
	askWork        = 200 // of a question, whatever it meets
	stepWork       = 4   // of a step of a trace
	derivationWork = 5   // of an expression or derivative of a pattern.Space
)

// Probe is a request and what it assumes of the document tree.
type Probe struct {
	Request sim.Request
	// Exists and Missing are absolute paths in the world of the server: files; with a final slash folders. The
	// folders above what exists exist too. Whatever is named in neither is as the World says.
	Exists, Missing []string
	// Client is the address the request comes from; empty: the World's.
	Client string
	// Reached is set when the simulator was asked and the rule in question took effect.
	Reached bool
}

// Site is a program ready for questions: its simulator over a file system whose content a Probe chooses. It is for
// one goroutine; making it costs no more than the program itself, and what else it needs is built when first asked for.
type Site struct {
	Program *ir.Program

	world    sim.World
	files    *overlay
	hosts    *hostSet
	given    []string // Options.Hosts, names only
	client   netip.Addr
	nameless bool
	primary  sim.Simulator
	byName   map[string]sim.Simulator
	worlds   []*sim.World // of all simulators
	places   map[*ir.Rule]*place
	roots    map[*ir.Scope]string
	rules    []*ir.Rule
	known    map[*ir.Rule]knownRequests
	defs     map[string][]definition
	budget   int
	spent    int
}

// New makes a Site. The error wraps sim.ErrRefused when the server would not start with the program.
func New(p *ir.Program, o Options) (*Site, error) {
	s := &Site{Program: p, world: o.World, client: o.World.ClientAddr, budget: o.Budget, byName: map[string]sim.Simulator{}}
	if s.budget == 0 {
		s.budget = DefaultBudget
	}
	if s.world.DocumentRoot == "" {
		s.world.DocumentRoot = "/var/www/html"
		if len(p.Htaccess) > 0 && p.Htaccess[0].Dir != "" {
			s.world.DocumentRoot = p.Htaccess[0].Dir
		}
	}
	for _, h := range o.Hosts {
		if name := hostName(h); name != "" && !strings.HasPrefix(name, "*") {
			s.given = append(s.given, name)
		}
	}
	if s.world.ServerName == "" {
		s.world.ServerName = DefaultHost
		if len(s.given) > 0 {
			s.world.ServerName = s.given[0]
		}
	}
	if s.world.Prefix == "" {
		s.world.Prefix = defaultPrefix
	}
	s.files = &overlay{base: o.World.Files, folders: s.folders()}
	s.world.Files = s.files
	s.nameless = nameless(p)
	if s.nameless { // there will be several simulators
		s.world.Indexes = &sim.Indexes{}
	}
	sm, err := parser.NewSimulator(p, &s.world)
	if err != nil {
		return nil, err
	}
	s.primary, s.worlds = sm, []*sim.World{&s.world}
	return s, nil
}

// DefaultHost is the host of requests to a program that names none. RFC 6761 §6.2 keeps it free of real sites.
const DefaultHost = "example.test"

// NginxRoot is the document root of an nginx configuration that names none.
const NginxRoot = defaultPrefix + "/html"

// defaultPrefix is where relative folders of an nginx configuration are taken to be. Which one it is changes no answer
// while nothing is known of the files.
const defaultPrefix = "/usr/share/nginx"

// Spent tells whether the budget is used up: Requests gives nothing more then, and what was not asked is not known.
func (s *Site) Spent() bool { return s.spent > s.budget }

// nameless tells whether the text leaves the name of its server to its surroundings and can depend on it: by an
// absolute URL, which httpd takes apart when it names the server itself, or by asking for the name.
func nameless(p *ir.Program) bool {
	switch c := p.Context; {
	case c == ir.ContextHtaccess, c == ir.ContextVhost, c == ir.ContextLocation:
	case c == ir.ContextServer && p.Server == ir.Nginx:
	default:
		return false
	}
	for _, f := range p.Files {
		text := bytes.ToLower(f.Text)
		for _, sign := range []string{"://", "server_name", "usecanonicalname"} {
			if bytes.Contains(text, []byte(sign)) {
				return true
			}
		}
	}
	return false
}

// maxNames bounds the simulators kept for different names of the server around a text.
const maxNames = 8

// simulator is the one for a server called as the request calls it, when the text does not say it.
func (s *Site) simulator(r sim.Request) sim.Simulator {
	name := hostName(r.Host)
	if !s.nameless || name == "" || name == s.world.ServerName {
		return s.primary
	}
	if sm := s.byName[name]; sm != nil {
		return sm
	}
	if len(s.byName) >= maxNames {
		return s.primary
	}
	w := s.world
	w.ServerName = name
	sm, err := parser.NewSimulator(s.Program, &w)
	if err != nil {
		return s.primary
	}
	s.byName[name] = sm
	s.worlds = append(s.worlds, &w)
	return sm
}

// Ask gives the answer to a probe, without a trace.
func (s *Site) Ask(p Probe) sim.Outcome { return s.ask(p, false) }

// Trace gives the answer to a probe with every step that led to it.
func (s *Site) Trace(p Probe) sim.Outcome { return s.ask(p, true) }

func (s *Site) ask(p Probe, trace bool) sim.Outcome {
	s.spent += askWork
	s.files.declare(p.Exists, p.Missing)
	client := s.client
	if p.Client != "" {
		client, _ = netip.ParseAddr(p.Client)
	}
	for _, w := range s.worlds {
		w.ClientAddr = client
	}
	o := s.simulator(p.Request).Answer(p.Request, trace)
	s.spent += o.Work + stepWork*len(o.Steps)
	return o
}

// Fired are the rules that took effect in the request itself, in the order in which they ran.
func Fired(o *sim.Outcome) []*ir.Rule {
	var out []*ir.Rule
	for _, f := range o.Fired {
		if !f.Subrequest {
			out = append(out, f.Rule)
		}
	}
	return out
}

// HasFired tells whether a rule took effect in the request itself.
func HasFired(o *sim.Outcome, r *ir.Rule) bool {
	for _, f := range o.Fired {
		if f.Rule == r && !f.Subrequest {
			return true
		}
	}
	return false
}

// Assumed are the paths that the last question took to be missing without being told.
func (s *Site) Assumed() []string { return s.files.assumed }

// space makes a place to reason in; its budget bounds the memory of one question.
func space() *pattern.Space { return pattern.NewSpace(20_000) }
