package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
	"rewright/parser/value"
)

var hostSuffixInjection = lint.Rule{
	Code: "RD704", ID: "host-suffix-injection", Severity: diag.Error, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.2",
	YieldsTo: []string{"RD601"}, // its fix mends both, and what this one says goes along with it
	Doc: lint.Doc{
		Title: "what the client sends goes on with the host of the target",
		Text: "Nothing separates the host of the target from a group or variable behind it. A link to this site whose path goes on with " +
			"`.evil.test` or `@evil.test` then leads to a stranger's host. A slash between the two, or a group that begins with one, keeps them apart.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^ref(.*)$ https://x.example$1 [R=302,L]\n",
				After: "RewriteEngine On\nRewriteRule ^ref(/.*)?$ https://x.example$1 [R=302,L]\n"},
			{Server: ir.Nginx, Before: "location ~ ^/go(.*)$ {\n    return 301 https://x.example$1;\n}\n",
				After: "location ~ ^/go(/.*)?$ {\n    return 301 https://x.example$1;\n}\n"},
		},
		Source: "CWE-601; RFC 3986 §3.2",
	},
	Program: checkHostSuffix,
}

func checkHostSuffix(p *lint.Pass, g *ir.Program) {
	var a *asker
	ready := func() bool {
		if a == nil {
			a = newAsker(p)
		}
		return a != nil
	}
	v := value.New(g.Server, budgetOfConditions)
	pieces := map[*ir.Rule]*piece{}
	value.Walk(g, func(r *ir.Rule, at *value.Place) {
		if r.File == nil || r.Target == nil || r.Disabled {
			return
		}
		if x := behindHost(r); x != nil && mayLeaveHost(&v, g.Server, r, at, x) {
			pieces[r] = x
		}
	})
	eachRule(p, g, func(s *ir.Scope, r *ir.Rule) {
		if r.Match == ir.MatchSegment {
			if sendsElsewhere(r) && strings.HasSuffix(r.Path, "/") && endsWithHost(r.Target) && ready() {
				appendedToHost(p, a, r)
			}
			return
		}
		x := pieces[r]
		if x == nil || !ready() {
			return
		}
		texts := []string{"." + evilHost, "." + evilHost + "/", "@" + evilHost, "@" + evilHost + "/", ":80@" + evilHost + "/"}
		if prefix := r.Target.Prefix(); strings.HasSuffix(prefix, ".") {
			texts = []string{evilHost, evilHost + "/"} // the group is to name the domain
		}
		found := a.inject(s, r, x.part, texts,
			func(_ *probe.Probe, o *sim.Outcome) bool {
				return o.Location != nil && o.Status >= 300 && o.Status < 400 && foreign(*o.Location)
			})
		if found == nil {
			return
		}
		d := diag.Diagnostic{Span: x.part.Span, Witness: found.witness,
			Message: found.asked() + " is sent to " + found.location() + ": the link is yours, the site is someone else's",
			Help:    "put a slash between host and " + quote(x.part.Text) + ", or let the group begin with one"}
		if strings.HasSuffix(r.Target.Prefix(), ".") {
			d.Help = "let the group match the names that are meant and no others"
		}
		d.Fixes = a.apart(r, x.part, found, texts)
		p.Add(d)
	})
}

// behindHost is the reference that stands right behind the written host of a redirect; nil when there is none.
func behindHost(r *ir.Rule) *piece {
	if !sendsElsewhere(r) && r.Keyword != ir.NginxRewrite {
		return nil
	}
	list, absolute := zones(r.Target)
	if !absolute {
		return nil
	}
	for i := 1; i < len(list); i++ {
		x, before := &list[i], &list[i-1]
		if x.zone == zoneHost && !x.literal() && before.zone == zoneHost && before.literal() {
			return x
		}
	}
	return nil
}

// mayLeaveHost tells whether a reference can hold a text that goes on with a host: one that begins with neither slash,
// question mark nor number sign.
func mayLeaveHost(v **value.Values, server ir.Server, r *ir.Rule, at *value.Place, x *piece) bool {
	if (*v).Space.Exhausted() {
		*v = value.New(server, budgetOfConditions)
	}
	s := (*v).Space
	t := &ir.Template{Parts: []ir.Part{*x.part}}
	l, _, _ := (*v).Text(t, (*v).Groups(r, at))
	safe := s.Or(s.Text(""), s.Or(s.Begins("/"), s.Or(s.Begins("?"), s.Begins("#"))))
	_, some, known := s.Overlap(l, s.Not(safe))
	return some || !known
}

// endsWithHost tells whether a target is a scheme and a host and nothing more.
func endsWithHost(t *ir.Template) bool {
	text, ok := t.Constant()
	_, path, absolute := splitAddress(text)
	return ok && absolute && path == ""
}

// appendedToHost is a Redirect whose source ends with the slash that its target lacks: what follows goes to the host.
func appendedToHost(p *lint.Pass, a *asker, r *ir.Rule) {
	found := a.find(r, func(q probe.Probe) []probe.Probe { return []probe.Probe{withPath(q, r.Path+"."+evilHost)} },
		func(_ *probe.Probe, o *sim.Outcome) bool { return o.Location != nil && foreign(*o.Location) })
	if found == nil {
		return
	}
	p.Add(diag.Diagnostic{Span: r.TargetSpan, Witness: found.witness,
		Message: found.asked() + " is sent to " + found.location() + ": the link is yours, the site is someone else's",
		Help:    "end the target with a slash",
		Fixes:   a.endWithSlash(p, r, found)})
}
