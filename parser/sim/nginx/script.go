package nginx

import (
	"strings"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// answer is how a script ended the request: with a status, or with a response already sent.
type answer struct {
	status int
	sent   bool
}

// scriptState is what one run of a rewrite script keeps.
// Source: nginx src/http/ngx_http_script.c, ngx_http_script_engine_t.
type scriptState struct {
	quote bool // captures are escaped
	stop  bool
}

// runScript runs the rewrite directives of a server or location. done tells that the request is answered.
func (r *request) runScript(ops []op) (answer, bool) {
	if len(ops) == 0 {
		return answer{}, false
	}
	e := &scriptState{quote: true}
	a, done := r.runOps(ops, e)
	return a, done
}

func (r *request) runOps(ops []op, e *scriptState) (answer, bool) {
	for i := range ops {
		o := &ops[i]
		r.steps++
		if r.steps > maxSteps {
			r.doubt("the request needs more than %d steps", maxSteps)
			return answer{sent: true}, true
		}
		switch o.kind {
		case opOpaque:
			r.doubt("%s is not modelled", o.opaque.Name)
		case opSet:
			v := r.scriptValue(o.assign.Value, e)
			r.assign(o.assign.Variable, v)
			r.note(sim.Step{Kind: sim.StepSet, Origin: o.assign.Origin, Name: "set", Input: "$" + o.assign.Variable, Result: v})
		case opIf:
			if !r.condition(o.cond, e) {
				continue
			}
			if o.conf != nil {
				r.conf = o.conf
				r.updateConf()
			}
			if a, done := r.runOps(o.body, e); done || e.stop {
				return a, done
			}
		case opRule:
			switch o.rule.Keyword {
			case ir.NginxBreak:
				if r.uriChanged {
					// ngx_http_script_break_code: the location no longer fits the URI.
					r.validLocation, r.uriChanged = false, false
				}
				e.stop = true
				r.note(sim.Step{Kind: sim.StepFlow, Origin: o.rule.Origin, Name: "break", Note: "the script ends"})
				return answer{}, false
			case ir.NginxReturn:
				e.stop = true
				return r.runReturn(o.rule), true
			case ir.NginxRewrite:
				if a, done := r.runRewrite(o, e); done || e.stop {
					return a, done
				}
			}
		}
	}
	return answer{}, false
}

func (r *request) runReturn(rule *ir.Rule) answer {
	st := sim.Step{Kind: sim.StepRule, Origin: rule.Origin, Name: "return"}
	if rule.Action == ir.ActionRedirect {
		loc := r.expand(rule.Target)
		r.setLocation(loc)
		st.Result = loc
		r.note(st)
		return answer{status: rule.Status}
	}
	if rule.Body == nil && len(rule.Args) < 2 || rule.Body != nil && rule.Body.Text == "" {
		if rule.Status >= 400 {
			r.note(st)
			return answer{status: rule.Status}
		}
	}
	body := r.expand(rule.Body)
	st.Result = body
	r.note(st)
	r.sendResponse(rule.Status, body)
	return answer{sent: true}
}

// sendResponse sends a text of the configuration. Source: ngx_http_send_response.
func (r *request) sendResponse(status int, body string) {
	r.send(status, &body)
}

func (r *request) assign(name, value string) {
	if name == "args" {
		r.args, r.unparsed = value, false
		return
	}
	r.setVar(name, value)
}

// condition evaluates an if.
func (r *request) condition(s *ir.Scope, e *scriptState) bool {
	c := s.If
	st := sim.Step{Kind: sim.StepCondition, Origin: s.Origin, Name: "if"}
	result := false
	switch c.Kind {
	case ir.CondTruth:
		v := r.value(c.Test)
		result = v != "" && v != "0"
		st.Input = v
	case ir.CondString:
		v := r.value(c.Test)
		want := r.scriptValue(c.Operand, e)
		result = v == want
		st.Input, st.Pattern = v, want
	case ir.CondRegex:
		v := r.value(c.Test)
		if c.Pattern == nil || c.Pattern.Re == nil {
			r.doubt("a pattern does not compile")
		} else {
			if result = r.match(c.Pattern.Re, v, &st); !result {
				r.captures = nil
			}
		}
	case ir.CondFile:
		path := r.scriptValue(c.Test, e)
		info, ok := r.stat(path)
		if !ok {
			r.doubt("it is not known whether %q exists", path)
		}
		switch c.Op {
		case "-f":
			result = info.Kind == sim.Regular
		case "-d":
			result = info.Kind == sim.Directory
		case "-e":
			result = info.Kind != sim.NoFile
		case "-x":
			result = info.Kind == sim.Directory || info.Executable
		}
		st.Input, st.Pattern = path, c.Op
	}
	if c.Negated {
		result = !result
	}
	st.Matched = truth(result)
	r.note(st)
	return result
}

func (r *request) stat(path string) (sim.FileInfo, bool) {
	if !strings.HasPrefix(path, "/") {
		return sim.FileInfo{}, false
	}
	return r.s.world.Files.Stat(strings.TrimRight(path, "/") + strings.Repeat("/", b2i(strings.Trim(path, "/") == "")))
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// scriptValue evaluates a value of set, = and the file tests: captures are escaped until a rewrite has
// matched in the same script.
func (r *request) scriptValue(t *ir.Template, e *scriptState) string {
	return r.evaluate(t, func(string) bool { return e.quote })
}

// expand evaluates a value with captures as they are.
func (r *request) expand(t *ir.Template) string {
	return r.evaluate(t, nil)
}

// value evaluates the variable of an if.
func (r *request) value(t *ir.Template) string { return r.evaluate(t, nil) }

// evaluate expands a template; escape tells whether a capture is escaped, given what stands before it.
func (r *request) evaluate(t *ir.Template, escape func(before string) bool) string {
	if t == nil {
		return ""
	}
	if len(t.Parts) == 1 {
		return r.part(&t.Parts[0], "", escape)
	}
	var b strings.Builder
	for i := range t.Parts {
		b.WriteString(r.part(&t.Parts[i], "", escape))
	}
	return b.String()
}

func (r *request) part(p *ir.Part, before string, escape func(string) bool) string {
	switch p.Kind {
	case ir.Literal:
		return p.Text
	case ir.RuleRef:
		v := r.capture(p.N)
		if (r.quoted || r.plus) && escape != nil && escape(before) {
			v = escapeArgs(v)
		}
		return v
	case ir.Variable:
		return r.variable(p.Name)
	}
	return ""
}

func (r *request) capture(n int) string {
	if n < len(r.captures) {
		return r.captures[n]
	}
	return ""
}

// runRewrite runs one rewrite. Source: ngx_http_script_regex_start_code, _end_code.
func (r *request) runRewrite(o *op, e *scriptState) (answer, bool) {
	rule := o.rule
	st := sim.Step{Kind: sim.StepRule, Origin: rule.Origin, Name: "rewrite"}
	ok := r.match(rule.Pattern.Re, r.uri, &st)
	if !ok {
		r.captures = nil
		r.note(st)
		return answer{}, false
	}
	redirect := rule.Action == ir.ActionRedirect
	e.quote = redirect
	if !redirect {
		r.internal, r.unparsed = true, false
		if rule.Flow == ir.FlowEnd {
			r.validLocation, r.uriChanged = false, false
		} else {
			r.uriChanged = true
		}
	}
	if redirect {
		text := unescapeRedirect(r.evaluate(rule.Target, func(string) bool { return true }))
		if rule.Query.Append && r.args != "" {
			if o.hasQuestion {
				text += "&" + r.args
			} else {
				text += "?" + r.args
			}
		}
		e.quote = false
		r.setLocation(text)
		st.Result = text
		r.note(st)
		e.stop = true
		return answer{status: rule.Status}, true
	}
	uri, args, split := r.splitTarget(o)
	e.quote = false
	if split {
		if rule.Query.Append && r.args != "" {
			args += "&" + r.args
		}
		r.args = args
	} else if !rule.Query.Append {
		r.args = ""
	}
	st.Result = join(uri, r.args)
	if uri == "" {
		r.out.Error = "the rewritten URI has a zero length"
		st.Note = r.out.Error
		r.note(st)
		r.uri = ""
		e.stop = true
		return answer{status: 500}, true
	}
	r.uri = uri
	switch rule.Flow {
	case ir.FlowLast:
		st.Note = "last: the script ends and a location is searched"
		e.stop = true
	case ir.FlowEnd:
		st.Note = "break: the script ends, the location stays"
		e.stop = true
	}
	r.note(st)
	return answer{}, false
}

// splitTarget expands the target of an internal rewrite; the first literal ? ends the path, and captures behind
// it are escaped.
func (r *request) splitTarget(o *op) (uri, args string, split bool) {
	t := o.rule.Target
	var a, b strings.Builder
	for i := range t.Parts {
		p := &t.Parts[i]
		switch {
		case i < o.questionPart || o.questionPart < 0:
			a.WriteString(r.part(p, "", nil))
		case i == o.questionPart:
			a.WriteString(p.Text[:o.questionByte])
			b.WriteString(p.Text[o.questionByte+1:])
		default:
			b.WriteString(r.part(p, "", func(string) bool { return true }))
		}
	}
	return a.String(), b.String(), o.questionPart >= 0
}
