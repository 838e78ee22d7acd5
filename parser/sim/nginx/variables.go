package nginx

import (
	"strings"

	"rewright/parser/sim"
)

// maxVariableDepth bounds how deep variables may need each other: a count; a deeper one is empty.
// Source: nginx src/http/ngx_http_variables.c, ngx_http_variable_depth.
const maxVariableDepth = 100

// value is what a request knows of a variable.
type value struct {
	text
	valid, notFound bool
	noCache         bool // evaluated anew at next use
}

// variable is a name that is used somewhere in the configuration.
type variable struct {
	name    string
	index   int
	get     func(r *request) value
	set     func(r *request, t text) // what set does instead of keeping a value: $args, $limit_rate
	noCache bool
	// regex is set when its evaluation may run a regular expression that replaces the captures.
	regex bool
	block *mapBlock
}

// declaration is a variable as the configuration or nginx defines it.
type declaration struct {
	get     func(r *request) value
	set     func(r *request, t text)
	noCache bool
	weak    bool // made by set only: a prefix variable of the name goes first
	block   *mapBlock
}

func found(s string) value        { return value{text: text{s: s}, valid: true} }
func unknownValue(w string) value { return value{text: text{why: w}, valid: true} }

var missing = value{notFound: true}

func getMissing(*request) value { return missing }
func getEmpty(*request) value   { return found("") }

// indexed gives a variable with its cached value, if it has one. Source: ngx_http_get_indexed_variable.
func (r *request) indexed(v *variable) text {
	x := &r.vars[v.index]
	if x.valid {
		return x.text
	}
	if x.notFound {
		return text{}
	}
	r.step()
	if r.depth == 0 {
		r.note(sim.Step{Kind: sim.StepFlow, Note: `cycle while evaluating variable "` + v.name + `"`})
		x.notFound = true
		return text{}
	}
	r.depth--
	got := v.get(r)
	r.depth++
	got.noCache = v.noCache
	*x = got
	return got.text
}

// flushed gives a variable, evaluated anew when it is not cacheable. Source: ngx_http_get_flushed_variable.
func (r *request) flushed(v *variable) text {
	if x := &r.vars[v.index]; x.noCache {
		x.valid, x.notFound = false, false
	}
	return r.indexed(v)
}

// assign is set. Source: ngx_http_script_set_var_code, ngx_http_script_var_set_handler_code.
func (r *request) assign(v *variable, t text) {
	if v.set != nil {
		v.set(r, t)
		return
	}
	r.vars[v.index] = value{text: t, valid: true}
}

// registry collects the variables of a configuration.
type registry struct {
	declared map[string]*declaration
	byName   map[string]*variable
	vars     []*variable
}

func newRegistry() *registry {
	return &registry{declared: map[string]*declaration{}, byName: map[string]*variable{}}
}

// use gives the variable of a name, in lower case, for a place that reads or sets it.
func (g *registry) use(name string) *variable {
	v := g.byName[name]
	if v == nil {
		v = &variable{name: name, index: len(g.vars)}
		g.byName[name] = v
		g.vars = append(g.vars, v)
	}
	return v
}

// declare gives the definition of a name, making one when there is none. weak is for set.
func (g *registry) declare(name string, weak bool) *declaration {
	d := g.declared[name]
	if d == nil {
		d = &declaration{weak: weak}
		if b, ok := builtins[name]; ok {
			*d = b
		}
		g.declared[name] = d
	}
	if !weak {
		d.weak = false
	}
	return d
}

// resolve finds the getter of every variable in use. Source: ngx_http_variables_init_vars.
func (g *registry) resolve() {
	for _, v := range g.vars {
		d := g.declared[v.name]
		if d == nil {
			if b, ok := builtins[v.name]; ok {
				d = &b
			}
		}
		if d != nil {
			v.get, v.set, v.noCache, v.block = d.get, d.set, d.noCache, d.block
			if d.get != nil && !d.weak {
				continue
			}
		}
		for i := range prefixVariables {
			p := &prefixVariables[i]
			if strings.HasPrefix(v.name, p.prefix) {
				get, name := p.get, v.name
				v.get = func(r *request) value { return get(r, name) }
				v.noCache = p.noCache
				break
			}
		}
		if v.get == nil {
			why := "$" + v.name + " is not modelled"
			v.get = func(*request) value { return unknownValue(why) }
		}
	}
	g.markRegex()
}

// markRegex finds the variables whose evaluation may replace the captures.
func (g *registry) markRegex() {
	for changed := true; changed; {
		changed = false
		for _, v := range g.vars {
			if v.regex || v.block == nil {
				continue
			}
			if v.block.runsRegex() {
				v.regex, changed = true, true
			}
		}
	}
}

// finish settles what could only be known when all variables were.
func (t *template) finish() {
	if len(t.parts) < 2 {
		return
	}
	others, regexes := 0, 0
	for i := range t.parts {
		switch p := &t.parts[i]; {
		case p.v != nil && p.v.regex:
			regexes++
		case p.kind != literalPart:
			others++
		}
	}
	t.twice = regexes > 0 && others+regexes > 1
}
