// Package nginx simulates how nginx answers a request.
//
// A program and a world go in; the outcome of a request, with the steps that led to it, comes out. The order of
// phases, the choice of server and location, the rewrite scripts, the caching of variables and the building of
// Location follow the source of nginx 1.22.1 with the patches of its Debian package. What a backend answers and what
// sub-requests, scripting languages and third-party modules do is left out, and makes the outcome unknown where it
// could matter.
package nginx

import (
	"fmt"
	"strconv"
	"sync"
	"time"

	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/sim"
)

// simulator answers for one program. After New nothing in it changes but backend.
type simulator struct {
	program *ir.Program
	world   *sim.World
	servers []*server
	ports   map[int][]*address
	// anywhere are the servers of a wrapped text without listen: they answer on every port.
	anywhere *address
	vars     []*variable // by index
	backend  func(Passed) *Response
	problem  string // why nothing can be said at all
	pool     sync.Pool
}

// New makes a simulator. The error wraps sim.ErrRefused when nginx would not start.
func New(p *ir.Program, w *sim.World) (sim.Simulator, error) {
	for i := range p.Diagnostics {
		if d := &p.Diagnostics[i]; d.Refuses {
			place := ""
			if d.File != nil {
				place = d.File.Name + ":" + d.File.Position(d.Span.Start).String() + ": "
			}
			msg := d.ServerMessage
			if msg == "" {
				msg = d.Message
			}
			return nil, fmt.Errorf("%s%s: %w", place, msg, sim.ErrRefused)
		}
	}
	if w == nil {
		w = &sim.World{}
	}
	if w.Files == nil {
		copied := *w
		copied.Files = sim.NoFiles{Root: w.DocumentRoot}
		w = &copied
	}
	s := &simulator{program: p, world: w}
	c := newCompiler(s)
	if err := c.program(p); err != nil {
		return nil, err
	}
	s.pool.New = func() any { return &request{s: s, vars: make([]value, len(s.vars))} }
	return s, nil
}

// SetBackend is Backends'.
func (s *simulator) SetBackend(f func(Passed) *Response) { s.backend = f }

// Limits of one request's work; nginx has none of them. What needs more is unknown.
const (
	maxSteps = 1 << 21 // directives run, patterns tried and variables evaluated
	maxText  = 1 << 20 // bytes of one value
	maxTime  = 2 * time.Second
)

// unknown ends a simulation whose answer could depend on something that is not known. It is thrown by giveUp and
// caught by Answer.
type unknown struct{ reason string }

// giveUp ends the simulation.
func (r *request) giveUp(format string, args ...any) {
	if len(args) > 0 {
		format = fmt.Sprintf(format, args...)
	}
	panic(unknown{format})
}

// must gives a text that the answer depends on.
func (r *request) must(t text) string {
	if t.why != "" {
		r.giveUp("%s", t.why)
	}
	return t.s
}

// step counts work.
func (r *request) step() {
	if r.steps++; r.steps > maxSteps {
		r.giveUp("the request needs more than %d steps", maxSteps)
	}
}

// Answer simulates one request.
func (s *simulator) Answer(in sim.Request, trace bool) (out sim.Outcome) {
	if s.problem != "" {
		return sim.Outcome{Unknown: []string{s.problem}}
	}
	r := s.pool.Get().(*request)
	r.reset(&in, &out, trace)
	out.Known = true
	defer func() {
		if e := recover(); e != nil {
			u, ok := e.(unknown)
			if !ok {
				panic(e)
			}
			out.Known = false
			out.Unknown = append(out.Unknown, u.reason)
			r.note(sim.Step{Kind: sim.StepFlow, Note: "not known: " + u.reason})
		}
		out.Work = r.steps + r.extra
		r.in, r.out = nil, nil
		s.pool.Put(r)
	}()
	r.run()
	if trace {
		result := strconv.Itoa(out.Status)
		switch {
		case out.Closed:
			result = "the connection is closed"
		case out.Location != nil:
			result += " " + *out.Location
		case out.PassedTo != "" && out.Status == 0:
			result = "passed on to " + out.PassedTo
		}
		r.note(sim.Step{Kind: sim.StepAnswer, Result: result, Note: out.Error})
	}
	if r.server != nil {
		r.where()
	}
	return out
}

// reset prepares a request that may have been used before.
func (r *request) reset(in *sim.Request, out *sim.Outcome, trace bool) {
	vars := r.vars
	clear(vars)
	*r = request{s: r.s, in: in, out: out, trace: trace, vars: vars, header: r.header[:0],
		uriChanges: maxURIChanges + 1, depth: maxVariableDepth}
}

func (r *request) note(st sim.Step) {
	if r.trace {
		r.out.Steps = append(r.out.Steps, st)
	}
}

// fail records what nginx writes to its error log.
func (r *request) fail(message string) {
	r.out.Error = message
	r.note(sim.Step{Kind: sim.StepFlow, Note: message})
}

func truth(b bool) *bool { return &b }

// regex is a pattern with the variables that its named groups set.
type regex struct {
	re     *pattern.Regexp
	text   string
	origin ir.Origin
	groups []groupVariable
}

type groupVariable struct {
	n int
	v *variable
}

// exec runs a regular expression. When it matches, what it captured replaces the captures of the request, and its
// named groups become variables; otherwise nothing changes. st, if any, learns how it went.
// Source: nginx src/http/ngx_http_variables.c, ngx_http_regex_exec.
func (r *request) exec(re *regex, subject string, st *sim.Step) bool {
	r.step()
	if r.execs++; r.execs&7 == 0 {
		// Each match has a budget of its own; many that nearly use it up would still take minutes.
		if now := time.Now(); r.started.IsZero() {
			r.started = now
		} else if now.Sub(r.started) > maxTime {
			r.giveUp("the patterns take longer than %v", maxTime)
		}
	}
	r.extra += re.re.Work(subject, true)
	m, ok, err := re.re.Match(subject)
	if err != nil {
		r.giveUp("pattern %q: %v", re.text, err)
	}
	if st != nil {
		st.Input, st.Pattern, st.Matched = subject, re.text, truth(ok)
		if ok {
			a, b := m.Span(0)
			st.Span = &[2]int{a, b}
			for i := 1; i <= re.re.Groups(); i++ {
				st.Captures = append(st.Captures, m.Group(i))
			}
		}
	}
	if !ok {
		return false
	}
	for _, g := range re.groups {
		r.vars[g.v.index] = value{text: text{s: m.Group(g.n)}, valid: true}
	}
	r.captures, r.captured = m, true
	return true
}

// capture is $n of the regular expression that matched last.
func (r *request) capture(n int) string {
	if !r.captured {
		return ""
	}
	return r.captures.Group(n)
}
