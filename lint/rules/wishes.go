package rules

// Requests that bring what the conditions of a rule ask for: what a finding about one needs to be shown.

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
)

// A wish is the value that the author of a condition had in mind. A request that brings it, as near as a request can, is the
// one to show that the condition never lets a rule run, or that it exempts nothing.

// wished is a text that a condition asks for; empty when none is found.
func wished(c *ir.Condition) string {
	switch {
	case c.Kind == ir.CondRegex && c.Pattern != nil && c.Pattern.Re != nil:
		text, _ := c.Pattern.Re.Tree().Example()
		return text
	case c.Kind == ir.CondString && c.Operand != nil && (c.Op == "=" || c.Op == ""):
		text, _ := c.Operand.Constant()
		return text
	}
	return ""
}

// grant gives a request a value of a variable, as a client can send it; what no client can is left out.
func grant(q *probe.Probe, name, value string) {
	switch name {
	case "HTTPS", "https", "REQUEST_SCHEME", "scheme":
		switch strings.ToLower(value) {
		case "on", "1", "true", "yes", "https":
			q.Request.Scheme = "https"
		case "off", "0", "false", "no", "http":
			q.Request.Scheme = "http"
		}
	case "REQUEST_METHOD", "request_method":
		switch m := strings.ToUpper(value); m {
		case "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS":
			q.Request.Method = m
		}
	case "REQUEST_URI", "uri", "document_uri", "request_uri":
		path, query, asked := strings.Cut(value, "?")
		path = escapedPath("/" + strings.TrimPrefix(path, "/"))
		if asked {
			path += "?" + query
		}
		if sendable(path) {
			q.Request.Target = path
		}
	case "QUERY_STRING", "args", "query_string":
		path, _, _ := strings.Cut(q.Request.Target, "?")
		if query := strings.TrimPrefix(value, "?"); query != "" && sendable("/"+query) {
			path += "?" + query
		}
		q.Request.Target = path
	case "HTTP_HOST", "http_host", "host", "SERVER_NAME":
		if _, rest, ok := strings.Cut(value, "://"); ok {
			value = rest
		}
		value, _, _ = strings.Cut(value, "/")
		if isHostName(value) {
			q.Request.Host = strings.ToLower(value)
		}
	case "HTTP_USER_AGENT", "HTTP_REFERER", "HTTP_COOKIE", "HTTP_FORWARDED", "HTTP_ACCEPT":
		if changed, ok := headerCarrier(headerOfName(name))(*q, value); ok {
			*q = changed
		}
	default:
		if header, ok := strings.CutPrefix(name, "http_"); ok && header != "" && header != "host" {
			if changed, ok := headerCarrier(strings.ReplaceAll(header, "_", "-"))(*q, value); ok {
				*q = changed
			}
		}
	}
	q.Reached = false
}

// headerOfName is the header that a variable of httpd holds: Accept for HTTP_ACCEPT.
func headerOfName(name string) string {
	words := strings.Split(strings.ToLower(strings.TrimPrefix(name, "HTTP_")), "_")
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, "-")
}

// isHostName tells whether a text can stand in a Host header as a name.
func isHostName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c|0x20 < 'a' || c|0x20 > 'z' {
			if (c < '0' || c > '9') && c != '-' && c != '.' {
				return false
			}
		}
	}
	return s != "" && s[0] != '.' && s[0] != '-'
}

// maxWishes bounds the requests tried for one finding.
const maxWishes = 4

// idle gives a finding that says that a rule never runs a request that its pattern and its conditions want, and in which the
// simulator says that the rule takes no effect.
func (w *witnesses) idle(p *lint.Pass, d *diag.Diagnostic, r *ir.Rule) {
	if w.open(p) == nil || r == nil || r.Disabled || !w.a.may() {
		return
	}
	paths := w.a.site.Likely(r, maxWishes)
	if len(paths) == 0 {
		paths = []string{w.a.site.Below(r)}
	}
	for _, path := range paths {
		q := w.a.visit(w.a.site.Scope(r))
		q.Request.Target = escapedPath(path)
		for _, c := range r.Conditions {
			if name := variable(c.Test); !c.Negated && name != "REQUEST_URI" {
				grant(&q, name, wished(c))
			}
		}
		for s := w.a.site.Scope(r); s != nil; s = s.Parent {
			if c := s.If; c != nil && !c.Negated {
				grant(&q, variable(c.Test), wished(c))
			}
		}
		if !sendable(q.Request.Target) {
			continue
		}
		if o := w.a.site.Ask(q); o.Known && !probe.HasFired(&o, r) {
			d.Witness = w.a.site.Witness(&probe.Chain{Hops: []probe.Hop{{Probe: q, Outcome: o}}, End: probe.EndAnswer})
			d.Witness.Steps = append(d.Witness.Steps, probe.PlaceOf(r.Origin)+" takes no effect")
			return
		}
	}
}

// void gives a finding that says that a condition exempts nothing a request with what it wants to exempt, for which the rule
// takes effect all the same; when none is found, any request for which it does.
func (w *witnesses) void(p *lint.Pass, d *diag.Diagnostic, r *ir.Rule, name, value string) {
	if w.open(p) == nil || r == nil || r.Disabled {
		return
	}
	any := func(*probe.Probe, *sim.Outcome) bool { return true }
	x := w.a.find(r, func(q probe.Probe) []probe.Probe {
		exempt := q
		grant(&exempt, name, value)
		return []probe.Probe{exempt}
	}, any)
	if x == nil {
		x = w.a.find(r, nil, any)
	}
	if x != nil {
		d.Witness = x.witness
	}
}

// open makes the asker when it is first needed; nil when nothing can be asked.
func (w *witnesses) open(p *lint.Pass) *asker {
	if !w.tried {
		w.tried, w.a = true, newAsker(p)
	}
	return w.a
}

// may counts a question and tells whether it may be asked.
func (a *asker) may() bool {
	if a.left <= 0 || a.site.Spent() {
		return false
	}
	a.left--
	return true
}

// firstRule is the first rule of a block, below the ifs in it too; nil when it has none.
func firstRule(s *ir.Scope) *ir.Rule {
	for _, item := range s.Items {
		switch it := item.(type) {
		case *ir.Rule:
			return it
		case *ir.Scope:
			if it.If != nil {
				if r := firstRule(it); r != nil {
					return r
				}
			}
		}
	}
	return nil
}
