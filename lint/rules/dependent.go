package rules

import (
	"slices"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/probe"
)

// dependent collects what conditions and templates depend on besides path, query, method, host, scheme and port: "ENV:NAME",
// "header:name", "cookie:name", and "unknown:name" for what neither the client nor the configuration decides.
type dependent struct {
	nginx       bool
	definitions *probe.Site
	names       []string
	depth       int
}

func (d *dependent) add(name string) {
	if !slices.Contains(d.names, name) {
		d.names = append(d.names, name)
	}
}

func (d *dependent) condition(c *ir.Condition) {
	d.template(c.Test)
	d.template(c.Operand)
	d.expr(c.Expr)
}

func (d *dependent) template(t *ir.Template) {
	if t == nil {
		return
	}
	for i := range t.Parts {
		p := &t.Parts[i]
		switch {
		case p.Kind == ir.Lookup:
			d.template(p.Key)
			d.template(p.Default)
		case p.Kind == ir.EnvRef:
			d.add("ENV:" + p.Name)
		case p.Kind != ir.Variable:
		case d.nginx:
			d.nginxVariable(p.Name)
		default:
			d.apacheVariable(p)
		}
	}
}

func (d *dependent) apacheVariable(p *ir.Part) {
	switch p.Space {
	case "ENV":
		d.add("ENV:" + p.Name)
		return
	case "HTTP":
		name := strings.ToLower(p.Name)
		if name == "cookie" {
			d.add("cookie:")
			return
		}
		d.add("header:" + name)
		return
	case "SSL", "LA-U", "LA-F":
		if !strings.EqualFold(p.Name, "HTTPS") && p.Space == "SSL" {
			d.add("unknown:" + p.Name)
		}
		return
	}
	switch p.Name {
	case "HTTP_COOKIE":
		d.add("cookie:")
	case "HTTP_USER_AGENT", "HTTP_REFERER", "HTTP_ACCEPT", "HTTP_FORWARDED", "HTTP_PROXY_CONNECTION":
		d.add("header:" + strings.ReplaceAll(strings.ToLower(p.Name[5:]), "_", "-"))
	case "REMOTE_USER", "AUTH_TYPE", "REMOTE_IDENT", "REMOTE_PORT", "SERVER_ADDR", "SERVER_SOFTWARE", "API_VERSION":
		d.add("unknown:" + p.Name)
	default:
		if strings.HasPrefix(p.Name, "TIME") {
			d.add("unknown:" + p.Name)
		}
	}
}

func (d *dependent) nginxVariable(name string) {
	switch {
	case strings.HasPrefix(name, "cookie_"), name == "http_cookie":
		d.add("cookie:" + strings.TrimPrefix(name, "cookie_"))
		return
	case strings.HasPrefix(name, "http_"):
		d.add("header:" + strings.ReplaceAll(name[5:], "_", "-"))
		return
	}
	switch name {
	case "request_id", "msec", "time_local", "time_iso8601", "connection", "remote_user", "remote_port", "hostname", "pid", "geoip_country_code":
		d.add("unknown:" + name)
		return
	}
	if d.depth > 4 {
		return
	}
	d.depth++
	defer func() { d.depth-- }()
	d.definitions.Definitions(name, func(sc *ir.Scope, value *ir.Template, block *ir.MapBlock) {
		if block != nil {
			if block.Kind == "map" {
				d.template(block.Source)
				return
			}
			d.add("unknown:" + name)
			return
		}
		d.template(value)
		for ; sc != nil; sc = sc.Parent {
			if sc.If != nil {
				d.condition(sc.If)
			}
		}
	})
}

func (d *dependent) expr(e ir.Expr) {
	switch e := e.(type) {
	case *ir.ExprOr:
		d.expr(e.X)
		d.expr(e.Y)
	case *ir.ExprAnd:
		d.expr(e.X)
		d.expr(e.Y)
	case *ir.ExprNot:
		d.expr(e.X)
	case *ir.ExprCompare:
		d.expr(e.X)
		d.expr(e.Y)
	case *ir.ExprMatch:
		d.expr(e.X)
	case *ir.ExprIn:
		d.expr(e.X)
		for _, x := range e.List {
			d.expr(x)
		}
	case *ir.ExprUnary:
		d.expr(e.X)
	case *ir.ExprConcat:
		d.expr(e.X)
		d.expr(e.Y)
	case *ir.ExprString:
		d.template(e.Template)
	case *ir.ExprCall:
		switch e.Name {
		case "http", "req", "req_novary":
			if s, ok := e.X.(*ir.ExprString); ok {
				if text, ok := s.Template.Constant(); ok {
					d.add("header:" + strings.ToLower(text))
					return
				}
			}
			d.add("unknown:header")
		case "env", "osenv", "reqenv", "note":
			d.add("unknown:" + e.Name)
		default:
			d.expr(e.X)
		}
	}
}
