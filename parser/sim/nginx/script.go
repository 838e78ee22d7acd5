package nginx

import (
	"strings"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// code is one directive of a rewrite script.
type code struct {
	kind   codeKind
	origin ir.Origin
	rule   *ir.Rule // break, return, rewrite

	variable *variable // set
	value    *template // set, return; right side or path of an if
	status   int       // return, rewrite
	text     bool      // return: an argument is given that may have text

	cond *ir.Condition // if
	left *variable     // if: variable compared
	leftCapture,
	leftNumber int
	pattern *regex // if, rewrite
	body    script
	conf    *conf // of an if in a location

	rewrite rewriteCode
}

type codeKind uint8

const (
	codeSet codeKind = iota
	codeIf
	codeReturn
	codeBreak
	codeRewrite
	codeUnknown
)

// script compiles the rewrite directives of a scope. In a location an if has a configuration of its own.
func (c *compiler) script(items []ir.Item, l *conf, inLocation bool) script {
	var out []code
	for _, item := range items {
		switch item := item.(type) {
		case *ir.Rule:
			out = append(out, c.rule(item))
		case *ir.Assign:
			d := c.registry.declare(item.Variable, true)
			if d.get == nil {
				d.get = getEmpty
			}
			out = append(out, code{kind: codeSet, origin: item.Origin, variable: c.registry.use(item.Variable), value: c.template(item.Value)})
		case *ir.Scope:
			if item.Kind == ir.ScopeIf {
				out = append(out, c.ifCode(item, l, inLocation))
			}
		}
	}
	return newScript(out)
}

func (c *compiler) rule(r *ir.Rule) code {
	out := code{origin: r.Origin, rule: r, status: r.Status}
	switch r.Keyword {
	case ir.NginxBreak:
		out.kind = codeBreak
	case ir.NginxReturn:
		out.kind = codeReturn
		t := r.Body
		if r.Action == ir.ActionRedirect {
			t = r.Target
		}
		out.value = c.template(t)
		out.text = !out.value.constant || out.value.fixed != ""
	default:
		out.kind = codeRewrite
		c.rewriteCode(&out, r)
	}
	return out
}

func (c *compiler) ifCode(s *ir.Scope, l *conf, inLocation bool) code {
	out := code{kind: codeIf, origin: s.Origin, cond: s.If}
	if s.If == nil {
		c.refuse(s.Origin, "invalid condition")
		return code{kind: codeUnknown, origin: s.Origin}
	}
	if t := s.If.Test; t != nil && s.If.Kind != ir.CondFile && len(t.Parts) == 1 {
		if p := &t.Parts[0]; p.Kind == ir.RuleRef {
			// nginx looks for a variable of that name, and there is none.
			c.refuse(s.Origin, "unknown %q variable", p.Text[1:])
		} else {
			out.left = c.registry.use(p.Name)
		}
	}
	switch s.If.Kind {
	case ir.CondString:
		out.value = c.template(s.If.Operand)
	case ir.CondFile:
		out.value = c.template(s.If.Test)
	case ir.CondRegex:
		out.pattern = c.regex(s.If.Pattern, s.Origin)
	}
	if !inLocation {
		out.body = c.script(s.Items, l, false)
		return out
	}
	in := &conf{inherited: l.inherited, scope: s, server: l.server, name: l.name, noName: true}
	c.settings(in, s)
	in.script = c.script(s.Items, in, true)
	out.conf, out.body = in, in.script
	return out
}

// limitExcept compiles a limit_except.
func (c *compiler) limitExcept(l *conf, s *ir.Scope) {
	in := &conf{inherited: l.inherited, scope: s, server: l.server, name: l.name, noName: true}
	c.settings(in, s)
	if in.handler == "" {
		for _, kind := range passKinds {
			if in.passes[kind] != nil {
				in.handler = kind
				break
			}
		}
	}
	l.limitExcept = in
	l.allowed = map[string]bool{}
	for _, a := range s.Args {
		method := strings.ToUpper(a.Text)
		l.allowed[method] = true
		if method == "GET" {
			l.allowed["HEAD"] = true
		}
	}
}

// engine is the state of one run of a script. Source: nginx src/http/ngx_http_script.h, ngx_http_script_engine_t.
type engine struct {
	quote  bool // captures are escaped
	exit   bool
	status int // declined: the request goes on
	sent   bool
}

// declined says that a script did not answer.
const declined = -1

// runScript runs the rewrite directives of a server or location. Source: ngx_http_rewrite_handler.
func (r *request) runScript(s script) (status int, sent bool) {
	e := engine{quote: true, status: declined}
	r.runCodes(s, &e)
	return e.status, e.sent
}

func (r *request) runCodes(s script, e *engine) {
	at := sim.Cursor{Index: s.indexed()}
	for i := 0; i < len(s.codes); i++ {
		if at.Index != nil {
			j := at.Next(i, len(s.codes), r.uri)
			r.passOver(s.codes[i:j])
			if i = j; i == len(s.codes) {
				return
			}
		}
		c := &s.codes[i]
		r.step()
		switch c.kind {
		case codeSet:
			t := r.eval(c.value, evalScript, e.quote)
			if r.trace {
				st := sim.Step{Kind: sim.StepSet, Origin: c.origin, Name: "set", Input: "$" + c.variable.name, Result: t.s}
				if t.why != "" {
					st.Note = "not known: " + t.why
				}
				r.note(st)
			}
			r.assign(c.variable, t)
		case codeIf:
			if !r.condition(c, e) {
				continue
			}
			if c.conf != nil {
				r.conf = c.conf
				r.updateConfig()
			}
			r.runCodes(c.body, e)
		case codeReturn:
			r.runReturn(c, e)
		case codeBreak:
			r.out.Fire(c.rule, false)
			if r.uriChanged {
				r.validLocation, r.uriChanged = false, false
			}
			if r.trace {
				r.note(sim.Step{Kind: sim.StepFlow, Origin: c.origin, Name: "break", Note: "the script ends"})
			}
			e.exit = true
		case codeRewrite:
			r.runRewrite(c, e)
		case codeUnknown:
			r.giveUp("a condition is not understood")
		}
		if e.exit {
			return
		}
	}
}

// runReturn is return. Source: ngx_http_script_return_code.
func (r *request) runReturn(c *code, e *engine) {
	e.exit = true
	r.out.Fire(c.rule, false)
	if c.status == 0 {
		r.giveUp("what return 0 sends is no response")
	}
	if c.status < 400 || c.text {
		e.status, e.sent = r.sendResponse(c)
		return
	}
	if r.trace {
		r.note(sim.Step{Kind: sim.StepRule, Origin: c.origin, Name: "return", Result: itoa(int64(c.status))})
	}
	e.status = c.status
}

// condition evaluates an if.
func (r *request) condition(c *code, e *engine) bool {
	cond := c.cond
	st := sim.Step{Kind: sim.StepCondition, Origin: c.origin, Name: "if"}
	result := false
	left := func() string {
		if c.left == nil {
			return ""
		}
		return r.must(r.flushed(c.left))
	}
	switch cond.Kind {
	case ir.CondTruth:
		v := left()
		result = v != "" && v != "0"
		st.Input = v
	case ir.CondString:
		v := left()
		want := r.must(r.eval(c.value, evalScript, e.quote))
		result = v == want
		st.Input, st.Pattern = v, want
	case ir.CondRegex:
		v := left()
		if r.trace {
			result = r.exec(c.pattern, v, &st)
		} else {
			result = r.exec(c.pattern, v, nil)
		}
		if !result {
			r.captured = false
		}
	case ir.CondFile:
		path := r.must(r.eval(c.value, evalScript, e.quote))
		result = r.fileTest(cond.Op, path)
		st.Input, st.Pattern = path, cond.Op
	default:
		r.giveUp("a condition is not understood")
	}
	if cond.Negated {
		result = !result
	}
	if r.trace {
		st.Matched = truth(result)
		if result && c.conf != nil {
			st.Note = "the configuration of the if is in force"
		}
		r.note(st)
	}
	return result
}
