package rules

import (
	"strconv"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/source"
)

var redirectCycle = lint.Rule{
	Code: "RD202", ID: "redirect-cycle", Severity: diag.Error, For: lint.Both, Fix: diag.Risky, Since: "0.1",
	Doc: lint.Doc{
		Title: "redirects that go round in a circle",
		Text: "One rule sends a URL on, another one sends the new URL back, across files and virtual hosts. Browsers follow some twenty times " +
			"and stop with ERR_TOO_MANY_REDIRECTS. The finding stands at the last rule of the circle and names the others.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "Redirect 301 /a /b\nRedirect 301 /b /a\n", After: "Redirect 301 /a /b\n"},
			{Server: ir.Nginx, Before: "location = /a { return 301 /b; }\nlocation = /b { return 302 /a; }\n", After: "location = /a { return 301 /b; }\nlocation = /b { return 200; }\n"},
		},
		Source: "RFC 9110 §15.4",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		reportLoops(p, longCycle, func(l *loop) diag.Diagnostic {
			d := diag.Diagnostic{Message: l.route() + ": the redirects go round in a circle", Help: "drop one of the rules", Fixes: againstCircle(p, l)}
			if l.skipped > 0 {
				d.Message += " of " + strconv.Itoa(len(l.chain.Hops)+l.skipped)
			}
			return d
		})
	},
}

// route is the way of a trouble, long ones without their middle.
func (l *loop) route() string { return routeOf(&l.chain, l.skipped) }

// oneFile is the file that all rules of a chain stand in; nil when there are several or none.
func oneFile(c *probe.Chain) (file *source.File) {
	for i := range c.Hops {
		r := c.Hops[i].Rule()
		if r == nil || r.File == nil {
			continue
		}
		if file != nil && r.File != file {
			return nil
		}
		file = r.File
	}
	return file
}

// placeIn is "line 3" in a file and "x.conf:3" elsewhere.
func placeIn(o ir.Origin, file *source.File) string {
	if o.File == file {
		return "line " + strconv.Itoa(o.Line())
	}
	return probe.PlaceOf(o)
}

// route is the way of a chain: "/a → /b (line 3) → /a (line 7)", with full URLs when the origin changes and file names when the
// rules stand in several files. A place is told once where it follows itself.
func route(c *probe.Chain) string { return routeOf(c, 0) }

// routeOf is route with a number of hops left out in the middle of a circle, at the end of a chain.
func routeOf(c *probe.Chain, skipped int) string {
	first := c.Hops[0].Probe.Request
	origin := strings.TrimSuffix(probe.URL(first), first.Target)
	one := strings.HasPrefix(c.Next, origin) || c.Next == "" || c.Next == "…"
	for i := range c.Hops {
		one = one && strings.HasPrefix(probe.URL(c.Hops[i].Probe.Request), origin+"/")
	}
	short := func(url string) string {
		if one {
			return strings.TrimPrefix(url, origin)
		}
		return url
	}
	file := oneFile(c)
	last := ""
	var b strings.Builder
	b.WriteString(short(probe.URL(first)))
	for i := range c.Hops {
		h := &c.Hops[i]
		if !h.Redirects() {
			break
		}
		to := c.Next
		if i+1 < len(c.Hops) {
			to = probe.URL(c.Hops[i+1].Probe.Request)
		}
		cut := skipped > 0 && (c.End == probe.EndCycle && i == len(c.Hops)/2-1 || c.End != probe.EndCycle && i == len(c.Hops)-1)
		if cut {
			b.WriteString(" → … " + strconv.Itoa(skipped) + " more …")
		}
		b.WriteString(" → " + short(to))
		if cut {
			continue
		}
		if r := h.Rule(); r != nil && r.File != nil {
			if place := placeIn(r.Origin, file); place != last {
				b.WriteString(" (" + place + ")")
				last = place
			}
		}
	}
	return b.String()
}
