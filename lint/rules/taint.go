package rules

import (
	"regexp"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/probe"
	"rewright/parser/sim"
)

// A carrier puts a text of the client's choice where a reference of a target takes it from: into the path, the query
// or a header of a request. ok is false when the text cannot get there.
type carrier func(q probe.Probe, text string) (probe.Probe, bool)

// holder is a carrier for the whole text of a variable; shape is a regular expression of the texts it can take.
type holder struct {
	put   carrier
	shape func(q *probe.Probe) string
}

// sendableShape is the shape of texts without blanks and controls.
func sendableShape(*probe.Probe) string { return `^[!-~]*$` }

// evilHost is the host of witnesses; RFC 6761 keeps it free of real sites.
const evilHost = "evil.test"

// carriers are the ways in which a client fills a part of a target of a rule, or of a directive without one (r nil).
func carriers(a *asker, s *ir.Scope, r *ir.Rule, part *ir.Part, depth int) []carrier {
	if depth > 4 {
		return nil
	}
	nginx := a.site.Program.Server == ir.Nginx
	switch part.Kind {
	case ir.RuleRef:
		if c := groupCarrier(a, s, r, part.N); c != nil {
			return []carrier{c}
		}
	case ir.CondRef:
		if c := conditionOf(r, part.N); c != nil && c.Test != nil && len(c.Test.Parts) == 1 {
			if h := variableHolder(&c.Test.Parts[0]); h.put != nil {
				return []carrier{groupFiller(c.Pattern, part.N, h)}
			}
		}
	case ir.Variable:
		if h := variableHolder(part); h.put != nil {
			return []carrier{h.put}
		}
		if nginx {
			return a.variable(s, part.Name, depth)
		}
	case ir.Lookup:
		var out []carrier
		if m := a.site.Program.Maps[part.Map]; m != nil && m.Type == "int" && part.Key != nil && len(part.Key.Parts) == 1 {
			out = append(out, carriers(a, s, r, &part.Key.Parts[0], depth+1)...)
		}
		if part.Default != nil && len(part.Default.Parts) > 0 {
			out = append(out, carriers(a, s, r, &part.Default.Parts[0], depth+1)...)
		}
		return out
	}
	return nil
}

// variable are the carriers of a variable of nginx that set or map makes of what the client sends.
func (a *asker) variable(s *ir.Scope, name string, depth int) (out []carrier) {
	for outer := s; outer != nil; outer = outer.Parent {
		for _, item := range outer.Items {
			switch item := item.(type) {
			case *ir.Assign:
				if item.Variable == name && item.Value != nil && len(item.Value.Parts) > 0 {
					out = append(out, carriers(a, outer, nil, &item.Value.Parts[0], depth+1)...)
				}
			case *ir.MapBlock:
				if item.Variable == name && item.Default != nil && len(item.Default.Parts) > 0 {
					out = append(out, carriers(a, outer, nil, &item.Default.Parts[0], depth+1)...)
				}
			}
		}
	}
	return out
}

// variableHolder is variableCarrier with the texts the variable can take.
func variableHolder(part *ir.Part) holder {
	h := holder{variableCarrier(part), sendableShape}
	if part.Space == "" && part.Name == "THE_REQUEST" {
		h.shape = func(q *probe.Probe) string {
			return `^GET ` + regexp.QuoteMeta(pathOf(q)) + `(?:\?[!-~]*)? HTTP/1\.1$`
		}
	}
	return h
}

// variableCarrier puts a text into a variable that holds what the client sends; nil for others. The Host header is not
// among them: no link makes a browser send a foreign one.
func variableCarrier(part *ir.Part) carrier {
	if part.Kind != ir.Variable {
		return nil
	}
	name := part.Name
	switch part.Space {
	case "":
	case "HTTP":
		return headerCarrier(name)
	default:
		return nil
	}
	switch name {
	case "QUERY_STRING", "args", "query_string":
		return func(q probe.Probe, text string) (probe.Probe, bool) {
			q.Request.Target = pathOf(&q) + "?" + text
			return q, sendable(q.Request.Target)
		}
	case "REQUEST_URI", "uri", "document_uri":
		return func(q probe.Probe, text string) (probe.Probe, bool) {
			return withPath(q, escapedPath(text)), strings.HasPrefix(text, "/")
		}
	case "request_uri":
		return func(q probe.Probe, text string) (probe.Probe, bool) {
			q.Request.Target = text
			return q, sendable(text)
		}
	case "THE_REQUEST":
		return func(q probe.Probe, text string) (probe.Probe, bool) {
			f := strings.Split(text, " ")
			if len(f) != 3 || f[0] != "GET" || f[2] != "HTTP/1.1" {
				return q, false
			}
			q.Request.Target = f[1]
			return q, sendable(f[1])
		}
	case "HTTP_REFERER":
		return headerCarrier("Referer")
	case "http_host":
		return nil
	}
	if key, ok := strings.CutPrefix(name, "arg_"); ok {
		return func(q probe.Probe, text string) (probe.Probe, bool) {
			_, query, _ := strings.Cut(q.Request.Target, "?")
			q.Request.Target = pathOf(&q) + "?" + key + "=" + text // the first of a name counts
			for _, other := range strings.Split(query, "&") {
				if name, _, _ := strings.Cut(other, "="); other != "" && !strings.EqualFold(name, key) {
					q.Request.Target += "&" + other
				}
			}
			return q, sendable(q.Request.Target)
		}
	}
	if header, ok := strings.CutPrefix(name, "http_"); ok {
		return headerCarrier(strings.ReplaceAll(header, "_", "-"))
	}
	return nil
}

func headerCarrier(name string) carrier {
	if strings.EqualFold(name, "host") {
		return nil
	}
	name = strings.ToUpper(name[:1]) + name[1:]
	return func(q probe.Probe, text string) (probe.Probe, bool) {
		list := make([][2]string, 0, len(q.Request.Header)+1)
		for _, h := range q.Request.Header {
			if !strings.EqualFold(h[0], name) {
				list = append(list, h)
			}
		}
		q.Request.Header = append(list, [2]string{name, text})
		return q, !strings.ContainsAny(text, "\r\n")
	}
}

// groupCarrier fills a group of the pattern that is in force for a rule or a directive.
func groupCarrier(a *asker, s *ir.Scope, r *ir.Rule, n int) carrier {
	path := func(prefix string) holder {
		return holder{func(q probe.Probe, text string) (probe.Probe, bool) {
			text = prefix + text
			return withPath(q, escapedPath(text)), strings.HasPrefix(text, "/")
		}, sendableShape}
	}
	if r != nil && r.Match == ir.MatchRegex {
		if r.Negated {
			return nil
		}
		prefix := ""
		if r.Subject == ir.SubjectDirectory {
			prefix = strings.TrimPrefix(a.p.Unit.Dir(), a.p.Unit.Docroot()) + "/"
		}
		return groupFiller(r.Pattern, n, path(prefix))
	}
	for ; s != nil && s.Kind != ir.ScopeHost; s = s.Parent {
		if s.If != nil && s.If.Kind == ir.CondRegex && !s.If.Negated && len(templateParts(s.If.Test)) == 1 {
			if h := variableHolder(&s.If.Test.Parts[0]); h.put != nil {
				return groupFiller(s.If.Pattern, n, h)
			}
			return nil
		}
		if s.Kind == ir.ScopeLocation && s.Pattern != nil {
			return groupFiller(s.Pattern, n, path(""))
		}
	}
	return nil
}

// conditionOf is the condition that %n of a rule is taken from; nil when that is open.
func conditionOf(r *ir.Rule, n int) *ir.Condition {
	if r == nil {
		return nil
	}
	if c := lastRegex(r); c != nil && c.Pattern != nil && c.Pattern.Re != nil && c.Pattern.Re.Groups() >= n {
		return c
	}
	return nil
}

// groupFiller makes a carrier for group n of a pattern of one for the text the pattern is compared with.
func groupFiller(p *ir.Pattern, n int, h holder) carrier {
	return func(q probe.Probe, text string) (probe.Probe, bool) {
		subject, ok := subjectWith(p, n, text, h.shape(&q))
		if !ok {
			return q, false
		}
		return h.put(q, subject)
	}
}

// subjectWith is a shortest text of a shape that a pattern matches and of which group n holds a given value.
func subjectWith(p *ir.Pattern, n int, value, shape string) (string, bool) {
	if p == nil || p.Re == nil || len(p.Text) > 2000 {
		return "", false
	}
	holds := func(subject string) bool {
		m, ok, err := p.Re.Match(subject)
		return err == nil && ok && m.Group(n) == value
	}
	if n == 0 {
		return value, holds(value)
	}
	var group *pattern.Group
	pattern.Walk(p.Re.Tree().Root, func(x pattern.Node) bool {
		if g, ok := x.(*pattern.Group); ok && g.Kind == pattern.Capturing && g.Number == n && group == nil {
			group = g
		}
		return group == nil
	})
	if group == nil {
		return "", false
	}
	at := group.Span()
	fixed := p.Text[:at.Start] + "(" + regexp.QuoteMeta(value) + ")" + p.Text[at.End:]
	t, err := pattern.Parse(fixed, p.Options)
	if err != nil {
		return "", false
	}
	space := pattern.NewSpace(20_000)
	l, ok := space.Subjects(t)
	if !ok {
		return "", false
	}
	if plain, err := pattern.Parse(shape, pattern.Options{}); err == nil {
		if clean, ok := space.Subjects(plain); ok {
			l = space.And(l, clean)
		}
	}
	subject, ok, known := space.Shortest(l)
	if !ok || !known {
		return "", false
	}
	if !holds(subject) && strings.HasPrefix(p.Text, "^/") != strings.HasPrefix(subject, "/") {
		subject = "/" + subject
	}
	return subject, holds(subject)
}

// escapedPath is a path as it is sent for the server to read it as text.
func escapedPath(text string) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c > ' ' && c < 0x7f && strings.IndexByte("\"#%<>?[\\]^`{|}", c) < 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteString("%" + string(digits[c>>4]) + string(digits[c&15]))
	}
	return b.String()
}

// foreign tells whether an address leads to the host of witnesses, as a browser reads it.
func foreign(address string) bool {
	address = strings.ReplaceAll(strings.TrimLeft(address, " \t"), `\`, "/")
	rest := ""
	switch i := strings.Index(address, "://"); {
	case strings.HasPrefix(address, "//"):
		rest = address[2:]
	case i > 0 && strings.Trim(strings.ToLower(address[:i]), "abcdefghijklmnopqrstuvwxyz") == "":
		rest = address[i+3:]
	default:
		return false
	}
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	host := bareHost(rest)
	return host == evilHost || strings.HasSuffix(host, "."+evilHost)
}

// inject tries texts in the place of a part of a rule's target, and gives the proof that one of them leads where it should not.
func (a *asker) inject(s *ir.Scope, r *ir.Rule, part *ir.Part, texts []string, shows func(q *probe.Probe, o *sim.Outcome) bool) *proof {
	ways := carriers(a, s, r, part, 0)
	if len(ways) == 0 {
		return nil
	}
	return a.find(r, func(q probe.Probe) []probe.Probe {
		var out []probe.Probe
		for _, way := range ways {
			for _, text := range texts {
				if n, ok := way(q, text); ok {
					n.Reached = false
					out = append(out, n)
				}
			}
		}
		return out
	}, shows)
}
