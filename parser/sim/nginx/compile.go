package nginx

import (
	"fmt"
	"strconv"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/sim"
)

// compiler turns a program into what requests are run on. It follows the file, because of two definitions of a
// variable the later one counts.
type compiler struct {
	s         *simulator
	registry  *registry
	templates []*template
	texts     map[string]*template
	patterns  map[*ir.Pattern]*regex
	wrapped   bool // the text is the inside of a server or location: its server has no Origin
	names     bool // a server_name needs the machine
	err       error
}

func newCompiler(s *simulator) *compiler {
	return &compiler{s: s, registry: newRegistry(), texts: map[string]*template{}, patterns: map[*ir.Pattern]*regex{}}
}

func (c *compiler) program(p *ir.Program) error {
	base := &inherited{absoluteRedirect: true, portInRedirect: true, defaultType: "text/plain", maxBody: 1 << 20,
		realIPHeader: "x-real-ip"}
	var walk func(s *ir.Scope)
	seen := false
	walk = func(s *ir.Scope) {
		for _, item := range s.Items {
			if sc, ok := item.(*ir.Scope); ok && sc.Kind == ir.ScopeHTTP {
				seen = true
				c.http(sc, base)
			} else if o, ok := item.(*ir.Opaque); ok && o.Name == "include" && !o.Harmless && !onlyTypes(o) {
				c.s.problem = "what stands in an included file is not known"
			}
		}
	}
	if p.Root != nil {
		walk(p.Root)
	}
	if !seen && c.s.problem == "" || seen && len(c.s.servers) == 0 && c.s.problem == "" {
		c.s.problem = "no server is configured"
	}
	if c.err != nil {
		return c.err
	}
	c.registry.resolve()
	for _, t := range c.templates {
		t.finish()
	}
	c.s.vars = c.registry.vars
	c.s.listen()
	return nil
}

// refuse records that nginx does not start.
func (c *compiler) refuse(o ir.Origin, format string, args ...any) {
	if c.err == nil {
		place := o.Place()
		if place != "" {
			place += ": "
		}
		c.err = fmt.Errorf("%s%s: %w", place, fmt.Sprintf(format, args...), sim.ErrRefused)
	}
}

func (c *compiler) http(scope *ir.Scope, base *inherited) {
	h := &conf{inherited: base, scope: scope}
	var defaults serverFlags = serverFlags{mergeSlashes: true, ignoreInvalid: true}
	// Values of http count for servers above them, too: nginx merges when the block is complete.
	for _, item := range scope.Items {
		if set, ok := item.(*ir.Setting); ok {
			defaults.apply(set)
		}
	}
	c.settings(h, scope)
	for _, item := range scope.Items {
		switch item := item.(type) {
		case *ir.MapBlock:
			c.mapBlock(item)
		case *ir.Scope:
			if item.Kind == ir.ScopeHost {
				c.server(item, h, defaults)
			}
		case *ir.Opaque:
			if item.Name == "include" && !item.Harmless && !onlyTypes(item) {
				c.s.problem = "what stands in an included file is not known"
			}
		}
	}
}

// onlyTypes tells whether an include that was not read is that of the table of media types.
func onlyTypes(o *ir.Opaque) bool {
	return o.Name == "include" && len(o.Args) == 1 && strings.HasSuffix("/"+o.Args[0].Text, "/mime.types")
}

// template compiles a string with variables.
func (c *compiler) template(t *ir.Template) *template {
	return c.compileTemplate(t, false)
}

// compileTemplate: splitArgs makes the first literal ? a part of its own, as in the target of an internal rewrite.
func (c *compiler) compileTemplate(t *ir.Template, splitArgs bool) *template {
	if t == nil {
		return &template{constant: true, source: &ir.Template{}}
	}
	if s, ok := t.Constant(); ok && !splitArgs {
		return &template{constant: true, fixed: s, source: t}
	}
	out := &template{source: t}
	for i := range t.Parts {
		p := &t.Parts[i]
		switch p.Kind {
		case ir.Literal:
			s := p.Text
			if q := strings.IndexByte(s, '?'); q >= 0 && splitArgs {
				splitArgs = false
				if q > 0 {
					out.parts = append(out.parts, part{kind: literalPart, s: s[:q]})
				}
				out.parts = append(out.parts, part{kind: argsPart})
				s = s[q+1:]
			}
			if s != "" {
				out.parts = append(out.parts, part{kind: literalPart, s: s})
			}
		case ir.RuleRef:
			out.parts = append(out.parts, part{kind: capturePart, n: p.N})
		case ir.Variable:
			out.parts = append(out.parts, part{kind: variablePart, v: c.registry.use(p.Name)})
		}
	}
	c.templates = append(c.templates, out)
	return out
}

// literal reports whether a template is a plain text.
func literal(t *ir.Template) string {
	s, _ := t.Constant()
	return s
}

// regex compiles a pattern whose named groups become variables.
func (c *compiler) regex(p *ir.Pattern, o ir.Origin) *regex {
	if p == nil {
		return nil
	}
	if re := c.patterns[p]; re != nil {
		return re
	}
	if p.Re == nil {
		c.refuse(o, "%v", p.Err)
		return nil
	}
	re := &regex{re: p.Re, text: p.Text, origin: o}
	for n, name := range p.Re.Names() {
		if name == "" {
			continue
		}
		name = asciiLower(name)
		d := c.registry.declare(name, false)
		d.get, d.block = getMissing, nil
		re.groups = append(re.groups, groupVariable{n, c.registry.use(name)})
	}
	c.patterns[p] = re
	return re
}

// ownRegex compiles a pattern of a setting: ~re or ~*re.
func (c *compiler) ownRegex(text string, o ir.Origin) *regex {
	opt := pattern.Nginx
	text = strings.TrimPrefix(text, "~")
	if strings.HasPrefix(text, "*") {
		opt.IgnoreCase, text = true, text[1:]
	}
	return c.regex(ir.NewPattern(text, ir.Origin{}.Span, opt), o)
}

func isOn(s *ir.Setting) bool { return strings.EqualFold(s.Arg(0), "on") }

// parseSize reads nginx's sizes: bytes, or with k, m or g.
func parseSize(s string) (int64, bool) {
	if s == "" {
		return 0, false
	}
	scale := int64(1)
	switch lower(s[len(s)-1]) {
	case 'k':
		scale = 1 << 10
	case 'm':
		scale = 1 << 20
	case 'g':
		scale = 1 << 30
	}
	if scale > 1 {
		s = s[:len(s)-1]
	}
	n, err := strconv.ParseUint(s, 10, 31)
	return int64(n) * scale, err == nil
}
