package lint

import (
	"strings"

	"rewright/parser/ir"
)

// HostSource is where a host name comes from.
type HostSource uint8

const (
	// HostSaid is a name given from outside: --host, the configuration file, Input.Hosts.
	HostSaid HostSource = iota + 1
	// HostNamed is a name the server's configuration gives to a host: server_name, ServerName, ServerAlias.
	HostNamed
	// HostTested is a name that a condition on the Host header admits. The author expects requests for it to come
	// here; that they do is not said.
	HostTested
)

// Host is a name under which the configuration is reached.
type Host struct {
	// Name in lower case, without port and final dot. With Wildcard set it holds * or ? as ServerAlias does, or is
	// one of nginx's forms *.example.com, .example.com, www.example.*.
	Name     string
	Source   HostSource
	Wildcard bool
	// Exact: of a tested name, the condition admits it and nothing around it; "example\.com" without anchors
	// names a host too, but not exactly. Set for all others that are no wildcard.
	Exact  bool
	Origin ir.Origin // where it is written; no File when it was said from outside
}

// Hosts are the names under which the configuration is reached, each with where it comes from: the said ones first, then
// the named and the tested ones in reading order. Of a .htaccess the conditions of the files above count too.
// A name comes once for each source. Conditions that are negated, or that other than names the header, say nothing.
// The slice is shared: read it only.
func (u *Unit) Hosts() []Host {
	u.hostsOnce.Do(func() {
		u.hosts = u.findHosts()
		u.indexHosts()
	})
	return u.hosts
}

// ServesHost tells whether a name is one of the unit's own; source is the best that says so, 0 when none does.
func (u *Unit) ServesHost(name string) (source HostSource) {
	u.Hosts()
	name = plainHost(name)
	source = u.served[name]
	for _, h := range u.wildcards {
		if (source == 0 || h.Source < source) && wildcardMatches(h.Name, name) {
			source = h.Source
		}
	}
	return source
}

// indexHosts makes what ServesHost looks into: there may be as many hosts as rules.
func (u *Unit) indexHosts() {
	u.served = make(map[string]HostSource, len(u.hosts))
	for _, h := range u.hosts {
		if s := u.served[h.Name]; s == 0 || h.Source < s {
			u.served[h.Name] = h.Source
		}
		if h.Wildcard {
			u.wildcards = append(u.wildcards, h)
		}
	}
}

type hostKey struct {
	name   string
	source HostSource
}

type hostFinder struct {
	list []Host
	seen map[hostKey]bool
}

func (f *hostFinder) add(h Host) {
	h.Name = plainHost(h.Name)
	if h.Name == "" || h.Name == "_" || strings.ContainsAny(h.Name, "/$%{} ") {
		return
	}
	k := hostKey{h.Name, h.Source}
	if !f.seen[k] {
		f.seen[k] = true
		f.list = append(f.list, h)
	}
}

func (u *Unit) findHosts() []Host {
	f := &hostFinder{seen: map[hostKey]bool{}}
	for _, h := range u.Input.Hosts {
		f.add(Host{Name: h, Source: HostSaid, Wildcard: strings.ContainsAny(h, "*?") || strings.HasPrefix(h, "."), Exact: !strings.ContainsAny(h, "*?")})
	}
	for _, name := range hostDirectives(u) {
		for _, d := range u.Named(name) {
			if !d.Inactive && !d.Refused {
				f.named(d)
			}
		}
	}
	for _, p := range u.parents {
		f.tested(p.scope())
	}
	if g := u.Program(); g != nil {
		f.tested(g.Root)
		for _, s := range g.Htaccess {
			f.tested(s)
		}
	}
	return f.list
}

// hostDirectives are the spellings in use of the directives that name hosts, in reading order of the first of each.
func hostDirectives(u *Unit) []string {
	var out []string
	seen := map[string]bool{}
	for _, d := range u.Directives {
		if n := d.Name.Text; len(n) >= len("ServerName") && !seen[n] && d.Is("server_name", "ServerName", "ServerAlias") {
			seen[n] = true
			out = append(out, n)
		}
	}
	return out
}

// named takes the names of one server_name, ServerName or ServerAlias.
func (f *hostFinder) named(d *Directive) {
	for i, w := range d.Args {
		name := w.Text
		if d.Server == ir.Apache {
			if d.Is("ServerName") {
				if i > 0 {
					return
				}
				if _, rest, ok := strings.Cut(name, "://"); ok {
					name = rest
				}
			}
		} else if strings.HasPrefix(name, "~") {
			continue
		}
		wild := strings.ContainsAny(name, "*?") || strings.HasPrefix(name, ".")
		f.add(Host{Name: name, Source: HostNamed, Wildcard: wild, Exact: !wild, Origin: ir.Origin{File: d.File, Span: w.Span}})
	}
}

// tested takes the names that conditions in a scope admit.
func (f *hostFinder) tested(s *ir.Scope) {
	if s == nil {
		return
	}
	if s.If != nil {
		f.condition(s.If)
	}
	f.expression(s.Expr, s.Origin)
	for _, item := range s.Items {
		switch item := item.(type) {
		case *ir.Scope:
			f.tested(item)
		case *ir.Rule:
			for _, c := range item.Conditions {
				f.condition(c)
			}
		case *ir.MapBlock:
			f.mapBlock(item)
		}
	}
}

func (f *hostFinder) condition(c *ir.Condition) {
	if c.Kind == ir.CondExpr {
		if !c.Negated {
			f.expression(c.Expr, c.Origin)
		}
		return
	}
	if c.Negated || !isHostHeader(c.Test) {
		return
	}
	switch c.Kind {
	case ir.CondRegex:
		f.pattern(c.Pattern, c.Origin)
	case ir.CondString:
		if text, ok := c.Operand.Constant(); ok && c.Op == "=" {
			f.add(Host{Name: text, Source: HostTested, Exact: true, Origin: c.Origin})
		}
	}
}

func (f *hostFinder) pattern(p *ir.Pattern, o ir.Origin) {
	if p == nil || p.Re == nil {
		return
	}
	names, exact := hostNames(p.Re.Tree())
	for _, n := range names {
		f.add(Host{Name: n, Source: HostTested, Exact: exact, Origin: o})
	}
}

// expression takes the names of httpd's %{HTTP_HOST} == 'name' and =~ /pattern/ that are not negated.
func (f *hostFinder) expression(e ir.Expr, o ir.Origin) {
	switch e := e.(type) {
	case *ir.ExprOr:
		f.expression(e.X, o)
		f.expression(e.Y, o)
	case *ir.ExprAnd:
		f.expression(e.X, o)
		f.expression(e.Y, o)
	case *ir.ExprCompare:
		if e.Op != "==" && e.Op != "=" {
			return
		}
		x, y := exprTemplate(e.X), exprTemplate(e.Y)
		if isHostHeader(y) {
			x, y = y, x
		}
		if text, ok := y.Constant(); ok && isHostHeader(x) {
			f.add(Host{Name: text, Source: HostTested, Exact: true, Origin: o})
		}
	case *ir.ExprMatch:
		if !e.Negated && isHostHeader(exprTemplate(e.X)) {
			f.pattern(e.Pattern, o)
		}
	case *ir.ExprIn:
		if isHostHeader(exprTemplate(e.X)) {
			for _, y := range e.List {
				if text, ok := exprTemplate(y).Constant(); ok {
					f.add(Host{Name: text, Source: HostTested, Exact: true, Origin: o})
				}
			}
		}
	}
}

func exprTemplate(e ir.Expr) *ir.Template {
	if s, ok := e.(*ir.ExprString); ok {
		return s.Template
	}
	return nil
}

// mapBlock takes the literal keys of nginx's map $host.
func (f *hostFinder) mapBlock(m *ir.MapBlock) {
	if m.Kind != "map" || !isHostHeader(m.Source) {
		return
	}
	for i := range m.Entries {
		e := &m.Entries[i]
		if e.Pattern != nil {
			f.pattern(e.Pattern, e.Origin)
			continue
		}
		wild := m.Hostnames && (strings.Contains(e.Key, "*") || strings.HasPrefix(e.Key, "."))
		if wild || strings.Contains(e.Key, ".") {
			f.add(Host{Name: e.Key, Source: HostTested, Wildcard: wild, Exact: !wild, Origin: e.Origin})
		}
	}
}

// isHostHeader tells whether a template is the Host header, or the name httpd and nginx make of it, and nothing else.
func isHostHeader(t *ir.Template) bool {
	if t == nil || len(t.Parts) != 1 || t.Parts[0].Kind != ir.Variable {
		return false
	}
	p := &t.Parts[0]
	switch p.Name {
	case "HTTP_HOST", "SERVER_NAME", "host", "http_host":
		return p.Space == ""
	}
	return p.Space == "HTTP" && strings.EqualFold(p.Name, "host")
}

// plainHost is a name in lower case, without port and final dot.
func plainHost(name string) string {
	name = strings.ToLower(name)
	if i := strings.LastIndexByte(name, ':'); i >= 0 && strings.Trim(name[i+1:], "0123456789*") == "" && !strings.HasSuffix(name[:i], ":") {
		name = name[:i]
	}
	return strings.TrimSuffix(name, ".")
}

// wildcardMatches tells whether a name is one of those a wildcard stands for. A leading dot stands for the name
// itself and all below it, * for anything, ? for one byte.
func wildcardMatches(pattern, name string) bool {
	if strings.HasPrefix(pattern, ".") {
		return name == pattern[1:] || strings.HasSuffix(name, pattern) && len(name) > len(pattern)
	}
	star, mark := -1, 0
	i, j := 0, 0
	for j < len(name) {
		switch {
		case i < len(pattern) && (pattern[i] == '?' || pattern[i] == name[j] && pattern[i] != '*'):
			i, j = i+1, j+1
		case i < len(pattern) && pattern[i] == '*':
			star, mark = i, j
			i++
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(pattern) && pattern[i] == '*' {
		i++
	}
	return i == len(pattern)
}
