package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
)

// maxHSTSHosts bounds the servers that are asked over http and over https.
const maxHSTSHosts = 20

// httpBesideHSTS looks for servers that send HSTS over TLS while the same name is served over http, without a redirect to
// https. Both must stand in the configuration: what another server does in front of this one is not known.
func httpBesideHSTS(p *lint.Pass, g *ir.Program) {
	if p.Unit.Input.Context != ir.ContextServer && p.Unit.Input.Context != ir.ContextHTTP && p.Unit.Input.Context != ir.ContextMain ||
		p.Unit.Input.Server == ir.Nginx && p.Unit.Input.Context == ir.ContextServer {
		return // the inside of one server: where else it listens is not said
	}
	header, value := "add_header", 1
	if g.Server == ir.Apache {
		header, value = "Header", 0
	}
	var hsts []*lint.Directive
	for _, d := range p.Unit.Named(header) {
		if h, ok := setsHeader(d); ok && !d.Refused && !d.Inactive && strings.EqualFold(h.name, "Strict-Transport-Security") && len(d.Args) > value && !strings.Contains(h.value.Text, "max-age=0") {
			hsts = append(hsts, d)
		}
	}
	if len(hsts) == 0 {
		return
	}
	site := p.Site()
	if site == nil {
		return
	}
	asked := 0
	said := map[*lint.Directive]bool{}
	eachScope(g, func(s *ir.Scope) {
		name := plainServerName(s)
		if s.Kind != ir.ScopeHost || name == "" || asked >= maxHSTSHosts || !namedPort(s, "443") {
			return
		}
		asked++
		by := hstsIn(hsts, s)
		if by == nil || said[by] {
			return
		}
		root := site.Root(nil)
		set := settingOf(s, "root")
		if g.Server == ir.Apache {
			set = settingOf(s, "DocumentRoot")
		}
		if set != nil && strings.HasPrefix(set.Arg(0), "/") && !strings.Contains(set.Arg(0), "$") {
			root = strings.TrimSuffix(set.Arg(0), "/")
		} else if g.Server == ir.Nginx {
			root = probe.NginxRoot
		}
		q := probe.Probe{Request: sim.Request{Method: "GET", Scheme: "https", Host: name, Port: 443, Target: "/some-page.html", Version: "1.1"}, Exists: []string{root + "/some-page.html"}}
		o := site.Ask(q)
		if !o.Known || o.Host != s || !sendsHeader(&o, "Strict-Transport-Security") && (o.PassedTo == "" || g.Server == ir.Apache || by.Parent.Is("location") && by.Parent.Arg(0) != "/") {
			return
		}
		q.Request.Scheme, q.Request.Port = "http", 80
		plain := site.Ask(q)
		if !plain.Known || plain.Location != nil || plain.Closed || plain.Host == nil || !namedPort(plain.Host, "80") || plain.Status != 200 && (plain.Status != 0 || plain.PassedTo == "") {
			return
		}
		front := q
		front.Request.Target, front.Exists = "/", nil
		if o := site.Ask(front); !o.Known || o.Location != nil {
			return // the front page at least is sent on
		}
		said[by] = true
		d := diag.Diagnostic{File: by.File, Span: by.Line, Help: "send http to https with 301",
			Witness: site.Witness(&probe.Chain{Hops: []probe.Hop{{Probe: q, Outcome: plain}}, End: probe.EndAnswer}),
			Message: "HSTS alone does not move visitors of " + quote(probe.URL(front.Request)) + ": browsers learn of it over https only, and http is answered without a redirect"}
		if h, ok := setsHeader(by); ok {
			d.Span = h.at.Span
		}
		if plain.Host != s {
			d.Related = []diag.Related{{File: plain.Host.File, Span: plain.Host.Span, Message: "answers over http"}}
		}
		p.Add(d)
	})
}

// plainServerName is the first name of a server that is one name; empty when it has none.
func plainServerName(s *ir.Scope) string {
	for _, set := range append(ownSettings(s, "server_name"), ownSettings(s, "ServerName")...) {
		for _, arg := range set.Args {
			if name, _, _ := strings.Cut(arg.Text, ":"); isHostName(name) && strings.Contains(name, ".") {
				return strings.ToLower(name)
			}
		}
	}
	return ""
}

// namedPort tells whether a server says that it listens on a port.
func namedPort(s *ir.Scope, port string) bool {
	for _, set := range ownSettings(s, "listen") {
		if at := set.Arg(0); at == port || strings.HasSuffix(at, ":"+port) {
			return true
		}
	}
	for _, arg := range s.Args {
		if s.Name == "VirtualHost" && strings.HasSuffix(arg.Text, ":"+port) {
			return true
		}
	}
	return false
}

// hstsIn is the directive of a list that stands in a server, or in a location of it, or above all servers.
func hstsIn(list []*lint.Directive, s *ir.Scope) *lint.Directive {
	var above *lint.Directive
	for _, d := range list {
		inside := false
		for parent := d.Parent; parent != nil; parent = parent.Parent {
			inside = inside || parent.File == s.File && parent.Line.Start == s.Span.Start
		}
		if inside {
			return d
		}
		if d.Parent == nil || d.Parent.Is("http") {
			above = d
		}
	}
	return above
}
