package nginx

import (
	"fmt"
	"hash/fnv"
	"strings"

	"rewright/parser/ir"
)

// findEnvironment sorts the variables of httpd's environment that rules ask for: those with one value for every
// request are written out where they are asked for, others become variables of nginx.
func (c *compiler) findEnvironment(a *area) {
	asked := map[string]bool{}
	c.onlyInRedirects, c.spelledEnv = map[string]bool{}, map[string]bool{}
	look := func(t *ir.Template) {
		if t == nil {
			return
		}
		for i := range t.Parts {
			if p := &t.Parts[i]; p.Kind == ir.Variable && p.Space == "ENV" {
				asked[strings.TrimPrefix(p.Name, "REDIRECT_")] = true
				if p.Name == "REDIRECT_STATUS" {
					c.usesRound = true
				}
			}
		}
	}
	for _, r := range a.rules {
		if r.Action == ir.ActionRedirect && r.Target != nil {
			for i := range r.Target.Parts {
				if p := &r.Target.Parts[i]; p.Kind == ir.Variable && p.Space == "ENV" && !asked[p.Name] {
					c.onlyInRedirects[p.Name] = true
				}
			}
		}
	}
	for _, r := range a.rules {
		for _, cnd := range r.Conditions {
			dropAsked(c.onlyInRedirects, cnd.Test)
		}
		for i := range r.Env {
			dropAsked(c.onlyInRedirects, r.Env[i].Value)
		}
		if r.Action != ir.ActionRedirect {
			dropAsked(c.onlyInRedirects, r.Target)
		}
	}
	for _, r := range a.rules {
		look(r.Target)
		for _, cnd := range r.Conditions {
			look(cnd.Test)
			lookInto(cnd.Expr, look, func(name string) { asked[name] = true })
		}
		for i := range r.Env {
			look(r.Env[i].Value)
		}
	}
	for _, name := range a.envAsked() {
		asked[name] = true
	}
	times, fixed, urls := map[string]int{}, map[string]string{}, map[string]bool{}
	schemes := map[string]bool{}
	assign := func(name, value string, constant, always bool) {
		times[name]++
		if times[name] == 1 {
			urls[name], schemes[name] = true, true
		}
		schemes[name] = schemes[name] && constant && (value == "http" || value == "https")
		urls[name] = urls[name] && constant && isURL(value)
		if constant && always {
			fixed[name] = value
		}
	}
	for _, s := range a.settings {
		for _, e := range assignments(s) {
			if from, known := fixed[e.attribute]; known && times[e.attribute] == 1 && s.Pattern != nil && s.Pattern.Re != nil && !e.unset {
				// made of a variable whose value is known
				if value, ok := substituted(s.Pattern, from, e.value); ok {
					assign(e.name, value, true, true)
					continue
				}
			}
			assign(e.name, e.value, !strings.Contains(e.value, "$"), e.always)
		}
	}
	for _, r := range a.rules {
		if base, known := c.findsBase(r); known {
			// the usual way to find out the path of the folder: it is known here
			for i := range r.Env {
				if base != "" {
					assign(r.Env[i].Name, base, true, true)
				}
			}
			continue
		}
		for i := range r.Env {
			value, constant := r.Env[i].Value.Constant()
			always := r.Action == ir.ActionNone && !r.Negated && r.Pattern != nil && r.Pattern.Re != nil && everything(r.Pattern) && len(r.Conditions) == 0 && !r.Chain && !r.Env[i].Unset
			assign(r.Env[i].Name, value, constant, always)
		}
	}
	c.fixed, c.urls, c.schemes = map[string]string{}, map[string]bool{}, map[string]bool{}
	for name := range asked {
		switch {
		case times[name] == 0:
		case times[name] == 1 && hasKey(fixed, name):
			c.fixed[name] = fixed[name]
		default:
			c.env[name] = "env_" + shortName(name)
			c.urls[name], c.schemes[name] = urls[name], schemes[name]
		}
	}
}

// dropAsked takes the variables that a template asks for out of a set.
func dropAsked(set map[string]bool, t *ir.Template) {
	if t == nil {
		return
	}
	for i := range t.Parts {
		if p := &t.Parts[i]; p.Kind == ir.Variable && p.Space == "ENV" {
			delete(set, p.Name)
		}
	}
}

func hasKey(m map[string]string, k string) bool { _, ok := m[k]; return ok }

// envAsked are the variables that Allow, Deny and Require ask for.
func (a *area) envAsked() (out []string) {
	for _, s := range a.settings {
		switch strings.ToLower(s.Name) {
		case "allow", "deny":
			for _, w := range s.Args {
				if name, ok := strings.CutPrefix(strings.ToLower(w.Text), "env="); ok {
					out = append(out, strings.TrimPrefix(w.Text[len(w.Text)-len(name):], "!"))
				}
			}
		}
	}
	return out
}

// assignment is one variable of SetEnvIf and its kin.
type assignment struct {
	attribute, name, value string
	unset, always          bool
}

// assignments takes SetEnvIf, BrowserMatch and their caseless forms apart.
func assignments(s *ir.Setting) (out []assignment) {
	attribute, vars := "", s.Args
	switch strings.ToLower(s.Name) {
	case "setenvif", "setenvifnocase":
		if len(vars) < 3 {
			return nil
		}
		attribute, vars = vars[0].Text, vars[2:]
	case "browsermatch", "browsermatchnocase":
		if len(vars) < 2 {
			return nil
		}
		attribute, vars = "User-Agent", vars[1:]
	default:
		return nil
	}
	always := s.Pattern != nil && s.Pattern.Re != nil && everything(s.Pattern) && strings.EqualFold(attribute, "request_uri")
	for _, w := range vars {
		e := assignment{attribute: attribute, always: always}
		e.name, e.value, _ = strings.Cut(w.Text, "=")
		if !strings.Contains(w.Text, "=") {
			e.value = "1"
		}
		if rest, ok := strings.CutPrefix(e.name, "!"); ok {
			e.name, e.unset, e.value = rest, true, ""
		}
		out = append(out, e)
	}
	return out
}

// attributeVariables are the attributes of SetEnvIf that are no headers.
var attributeVariables = map[string]string{"request_uri": "uri", "remote_addr": "remote_addr", "remote_host": "remote_addr",
	"server_addr": "server_addr", "request_method": "request_method", "request_protocol": "server_protocol"}

// setEnvIf writes the assignments of one directive, before all rules.
func (c *compiler) setEnvIf(s *ir.Setting) (u unit, ok bool) {
	u = unit{origin: s.Origin, directive: s.Name, front: true}
	used := false
	for _, e := range assignments(s) {
		if _, fixed := c.fixed[e.name]; fixed {
			used = true
			continue
		}
		v, asked := c.env[e.name]
		if !asked {
			continue
		}
		used = true
		if s.Pattern == nil || s.Pattern.Re == nil || hasNames(s.Pattern) {
			u.dropped = "a pattern that nginx cannot take"
			return u, true
		}
		attribute, plain := attributeVariables[strings.ToLower(e.attribute)]
		if !plain {
			if other, is := c.env[e.attribute]; is {
				attribute = other
			} else {
				attribute = header(e.attribute)
			}
			for i := 0; i < len(e.attribute); i++ {
				if b := e.attribute[i]; !wordByte(b) && b != '-' {
					u.dropped = "a pattern for the name of a header"
					return u, true
				}
			}
		}
		if strings.Contains(e.value, "$") {
			lines, why := c.caughtValue(s, e, attribute, v)
			if why != "" {
				u.dropped, u.lines = why, nil
				return u, true
			}
			if !c.reset[v] {
				c.reset[v] = true
				u.lines = append(u.lines, fmt.Sprintf(`set $%s "";`, v))
			}
			u.lines = append(u.lines, lines...)
			continue
		}
		t := test{variable: "$" + attribute, op: "~", operand: s.Pattern.Text}
		if s.Pattern.Options.IgnoreCase {
			t.op = "~*"
		}
		if text, caseless, exact := s.Pattern.Re.Tree().Exact(); exact && !caseless && !strings.Contains(text, "$") {
			t.op, t.operand = "=", text
		}
		if !c.reset[v] {
			c.reset[v] = true
			u.lines = append(u.lines, fmt.Sprintf(`set $%s "";`, v))
		}
		line := fmt.Sprintf("set $%s %s;", v, word(e.value))
		if everything(s.Pattern) {
			u.lines = append(u.lines, line)
		} else {
			u.lines = append(u.lines, ifBlock(t, []string{line})...)
		}
	}
	return u, used
}

// caughtValue writes SetEnvIf with $1 in the value. When only redirects ask for the variable it holds the path as the
// client spelled it, for decoded text must not get into a header.
func (c *compiler) caughtValue(s *ir.Setting, e assignment, attribute, v string) (lines []string, why string) {
	t := substitution(e.value)
	name := func(n int) string { return fmt.Sprintf("%s_%d_%d", v, s.Line(), n) }
	used := map[int]bool{}
	var pieces []piece
	for _, p := range t {
		if p.variable == "" {
			pieces = append(pieces, p)
			continue
		}
		n := int(p.variable[0] - '0')
		if n == 0 || n > s.Pattern.Re.Groups() {
			if n == 0 {
				return nil, "$0 in the value"
			}
			continue
		}
		used[n] = true
		pieces = append(pieces, variable(name(n)))
	}
	text, dollar := value(pieces)
	c.out.dollar = c.out.dollar || dollar
	line := fmt.Sprintf("set $%s %s;", v, word(text))
	cond := test{variable: "$" + attribute, op: "~", operand: nameGroups(s.Pattern.Text, used, name)}
	if attribute == "uri" && c.onlyInRedirects[e.name] {
		if re, ok := (subject{}).spelled(s.Pattern, used, name); ok {
			c.out.maps[spelledURI] = spelledMap
			cond.variable, cond.operand = "$"+spelledURI, re
			c.spelledEnv[v] = true
		}
	}
	if attribute != "uri" {
		c.spelledEnv[v] = true // as the client sent it
	}
	if s.Pattern.Options.IgnoreCase {
		cond.op = "~*"
	}
	return ifBlock(cond, []string{line}), ""
}

// substituted is what SetEnvIf makes of a value when the attribute is this text.
func substituted(p *ir.Pattern, attribute, value string) (string, bool) {
	m, ok, err := p.Re.Match(attribute)
	if err != nil || !ok {
		return "", false
	}
	out := ""
	for _, piece := range substitution(value) {
		if piece.variable == "" {
			out += piece.text
		} else {
			out += m.Group(int(piece.variable[0] - '0'))
		}
	}
	return out, true
}

// substitution takes $0 to $9 out of a text.
func substitution(text string) (out []piece) {
	lit0 := ""
	for i := 0; i < len(text); i++ {
		if text[i] == '$' && i+1 < len(text) && text[i+1] >= '0' && text[i+1] <= '9' {
			if lit0 != "" {
				out = append(out, lit(lit0))
				lit0 = ""
			}
			out = append(out, variable(text[i+1:i+2]))
			i++
			continue
		}
		lit0 += text[i : i+1]
	}
	if lit0 != "" {
		out = append(out, lit(lit0))
	}
	return out
}

// plainEnv tells whether a variable only ever gets constant values.
func (c *compiler) plainEnv(name string) bool {
	for _, s := range c.area.settings {
		for _, e := range assignments(s) {
			if e.name == name && strings.Contains(e.value, "$") {
				return false
			}
		}
	}
	for _, r := range c.area.rules {
		for i := range r.Env {
			if r.Env[i].Name == name {
				if _, constant := r.Env[i].Value.Constant(); !constant {
					return false
				}
			}
		}
	}
	return true
}

// findsBase recognises the rule of many frameworks that finds the path of its folder, from how REQUEST_URI ends:
//
//	RewriteCond %{REQUEST_URI}::$0 ^(/.+)/(.*)::\2$
//	RewriteRule .* - [E=BASE:%1]
//
// The path is that of the directory, without its final slash; at the root of the site the condition never holds.
func (c *compiler) findsBase(r *ir.Rule) (base string, known bool) {
	if c.server || len(r.Conditions) != 1 || len(r.Env) != 1 || r.Action != ir.ActionNone || r.Negated || r.Pattern == nil || r.Pattern.Re == nil || !everything(r.Pattern) {
		return "", false
	}
	cnd := r.Conditions[0]
	if cnd.Kind != ir.CondRegex || cnd.Negated || cnd.Pattern == nil || len(cnd.Test.Parts) != 3 {
		return "", false
	}
	p := cnd.Test.Parts
	if p[0].Name != "REQUEST_URI" || p[1].Text != "::" || p[2].Kind != ir.RuleRef || p[2].N > 1 {
		return "", false
	}
	if t := cnd.Pattern.Text; t != `^(/.+)/(.*)::\2$` && t != `^(/.+)(.*)::\2$` && t != `^(/.+?)?/(.*)::\2$` {
		return "", false
	}
	if v := r.Env[0].Value; v == nil || len(v.Parts) != 1 || v.Parts[0].Kind != ir.CondRef || v.Parts[0].N != 1 {
		return "", false
	}
	return strings.TrimSuffix(c.sub.prefix, "/"), true
}

// shortName is a name that leaves room for numbers: PCRE takes names of 32 bytes at most.
func shortName(name string) string {
	s := variableName(name)
	if len(s) <= 16 {
		return s
	}
	h := fnv.New32a()
	h.Write([]byte(name))
	return fmt.Sprintf("%s_%x", s[:8], h.Sum32()&0xfffffff)
}
