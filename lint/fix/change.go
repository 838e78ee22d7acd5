package fix

import (
	"fmt"
	"slices"
	"strings"

	"rewright/parser/probe"
	"rewright/parser/sim"
)

// Change is a request that is answered otherwise than before.
type Change struct {
	Method, URL   string
	Header        [][2]string // beyond Host
	Given         string      // what is assumed of the document tree: "given that /a exists"; may be empty
	Before, After string      // the answers in a few words: "301 http://h/b"
	Note          string      // what that means: "the method is kept"; may be empty
}

// String is "POST http://h/a: 301 → 308, the method is kept". The host of a configuration that names none is left out.
func (c Change) String() string {
	const nameless = "http://" + probe.DefaultHost + "/"
	if strings.HasPrefix(c.URL, nameless) {
		for _, s := range []*string{&c.URL, &c.Before, &c.After} {
			*s = strings.ReplaceAll(*s, nameless, "/")
		}
	}
	var b strings.Builder
	b.WriteString(c.Method + " " + c.URL)
	for _, h := range c.Header {
		fmt.Fprintf(&b, " with %s: %s", h[0], h[1])
	}
	if c.Given != "" {
		b.WriteString(" (" + c.Given + ")")
	}
	b.WriteString(": " + c.Before + " → " + c.After)
	if c.Note != "" {
		b.WriteString(", " + c.Note)
	}
	return b.String()
}

// question is a request and its answers by two configurations.
type question struct {
	probe         probe.Probe
	before, after sim.Outcome
}

// asker asks two sites the same, each question once.
type asker struct {
	s0, s1 *probe.Site
	seen   map[string]bool
}

func (a *asker) ask(p probe.Probe) (q question, fresh bool) {
	p.Reached = false
	key := fmt.Sprintf("%q", []any{p.Request, p.Exists, p.Missing, p.Client})
	if a.seen[key] {
		return q, false
	}
	a.seen[key] = true
	q.probe = p
	if a.s0 != nil {
		q.before = a.s0.Ask(p)
	}
	if a.s1 != nil {
		q.after = a.s1.Ask(p)
	}
	return q, true
}

// same tells whether two outcomes are one answer to the client, and one request to what stands behind the server. Two that
// are not known are the same: nothing can be said.
func same(a, b *sim.Outcome) bool {
	if !a.Known || !b.Known {
		return a.Known == b.Known
	}
	if a.Status != b.Status || a.Closed != b.Closed || a.PassedTo != b.PassedTo || !samePointer(a.Location, b.Location) ||
		!samePointer(a.Body, b.Body) || !slices.Equal(a.Header, b.Header) || !slices.Equal(a.UnknownHeader, b.UnknownHeader) {
		return false
	}
	if a.Location != nil || a.Status >= 300 {
		return true
	}
	return a.File == b.File && a.URI == b.URI && a.Query == b.Query && a.PathInfo == b.PathInfo
}

func samePointer(a, b *string) bool { return a == b || a != nil && b != nil && *a == *b }

// newChange puts two answers into words. A word for an answer that no server gives, because it does not start, takes
// the place of the outcome; "" for none.
func newChange(s *probe.Site, q question, before, after string) Change {
	c := Change{Method: q.probe.Request.Method, URL: probe.URL(q.probe.Request), Header: q.probe.Request.Header, Before: before, After: after}
	if c.Method == "" {
		c.Method = "GET"
	}
	c.Given = given(s, q.probe)
	a, b := &q.before, &q.after
	if before == "" {
		c.Before = probe.Answer(a)
	}
	if after == "" {
		c.After = probe.Answer(b)
	}
	if before != "" || after != "" || !a.Known || !b.Known {
		return c
	}
	switch {
	case c.Before == c.After && a.Status < 300 && b.Status < 300 && a.Location == nil && b.Location == nil:
		c.Before, c.After = c.Before+" "+served(a), c.After+" "+served(b)
	case c.Before == c.After:
		c.Before, c.After = c.Before+" "+otherHeaders(a, b), c.After+" "+otherHeaders(b, a)
	case a.Location != nil && samePointer(a.Location, b.Location):
		c.Before, c.After = fmt.Sprint(a.Status), fmt.Sprint(b.Status)
	}
	if a.Location != nil && b.Location != nil && a.Status != b.Status {
		c.Note = statusNote(c.Method, a.Status, b.Status)
	}
	return c
}

// statusNote says what another redirect status means. Source: RFC 9110 §15.4.2, §15.4.3, §15.4.8, §15.4.9.
func statusNote(method string, from, to int) string {
	keeps := func(s int) bool { return s == 307 || s == 308 }
	permanent := func(s int) bool { return s == 301 || s == 308 }
	var notes []string
	if method != "GET" && method != "HEAD" {
		switch {
		case keeps(to) && !keeps(from):
			notes = append(notes, "the method is kept")
		case keeps(from) && !keeps(to):
			notes = append(notes, "the method may become GET")
		}
	}
	switch {
	case permanent(to) && !permanent(from):
		notes = append(notes, "permanent")
	case permanent(from) && !permanent(to):
		notes = append(notes, "temporary")
	}
	return strings.Join(notes, ", ")
}

// served is what a good answer is made of.
func served(o *sim.Outcome) string {
	text := o.URI
	if o.Query != "" {
		text += "?" + o.Query
	}
	if o.File != "" {
		text += " from " + o.File
	}
	return text
}

// otherHeaders are the headers and the text of an answer that another has not.
func otherHeaders(o, than *sim.Outcome) string {
	var parts []string
	for _, h := range o.Header {
		if !slices.Contains(than.Header, h) {
			parts = append(parts, h[0]+": "+h[1])
		}
	}
	if o.Body != nil && !samePointer(o.Body, than.Body) {
		parts = append(parts, fmt.Sprintf("%.40q", *o.Body))
	}
	if len(parts) == 0 {
		return "without"
	}
	return "with " + strings.Join(parts, ", ")
}

// given says what a probe assumes of the document tree and the client.
func given(s *probe.Site, p probe.Probe) string {
	var parts []string
	name := func(f string) string {
		if s == nil {
			return f
		}
		return s.Relative(f)
	}
	add := func(part string) {
		if !slices.Contains(parts, part) {
			parts = append(parts, part)
		}
	}
	for _, f := range p.Exists {
		add(name(f) + " exists")
	}
	for _, f := range p.Missing {
		add(name(f) + " does not exist")
	}
	if p.Client != "" {
		parts = append(parts, "the client is "+p.Client)
	}
	if len(parts) == 0 {
		return ""
	}
	return "given that " + strings.Join(parts, ", ")
}
