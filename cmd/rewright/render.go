package main

import (
	"bufio"
	"fmt"
	"strconv"
	"strings"

	"github.com/fatih/color"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// printer writes traces for people: one line a step, the answer last.
type printer struct {
	w      *bufio.Writer
	t      *tracer
	all    bool // also rules that did not match, one by one
	places int  // width of the column of places

	bold, dim, good, bad, mark *color.Color
	coloured                   bool
}

func (a *app) printer(t *tracer) *printer {
	p := &printer{w: bufio.NewWriter(a.out), t: t, all: t.flags.steps, coloured: a.terminal && a.getenv("NO_COLOR") == "" && a.getenv("TERM") != "dumb"}
	for _, c := range []struct {
		to **color.Color
		is []color.Attribute
	}{
		{&p.bold, []color.Attribute{color.Bold}}, {&p.dim, []color.Attribute{color.Faint}}, {&p.good, []color.Attribute{color.FgGreen}},
		{&p.bad, []color.Attribute{color.FgRed}}, {&p.mark, []color.Attribute{color.FgGreen, color.Underline}},
	} {
		*c.to = color.New(c.is...)
		if p.coloured {
			(*c.to).EnableColor()
		} else {
			(*c.to).DisableColor()
		}
	}
	return p
}

func (p *printer) flush() error { return p.w.Flush() }

// printable keeps terminals safe from bytes that steer them, and shows every byte.
func printable(s string) string {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] >= 0x7f {
			q := strconv.Quote(s)
			return strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`)
		}
	}
	return s
}

// request opens a trace: what is asked, and of what.
func (p *printer) request(r sim.Request, o *sim.Outcome) {
	d := p.t.loaded.Detected
	fmt.Fprintf(p.w, "%s  %s\n", p.bold.Sprint(r.Method+" "+printable(urlOf(r))), p.dim.Sprintf("%s, %s", d.Server, contextText(d.Server, d.Context)))
	p.places = 0
	for i := range o.Steps {
		p.places = max(p.places, len(place(&o.Steps[i])))
	}
	p.places = min(p.places, 40)
}

func contextText(s ir.Server, c ir.Context) string {
	switch c {
	case ir.ContextHtaccess:
		return ".htaccess"
	case ir.ContextVhost:
		return "inside of <VirtualHost>"
	case ir.ContextServer:
		if s == ir.Apache {
			return "server configuration"
		}
		return "inside of server {}"
	case ir.ContextHTTP:
		return "inside of http {}"
	case ir.ContextLocation:
		return "inside of location {}"
	}
	return "main file"
}

// place is file:line of a step, empty when it has none.
func place(s *sim.Step) string {
	if s.Origin.File == nil {
		return ""
	}
	return s.Origin.File.Name + ":" + strconv.Itoa(s.Origin.Line())
}

// steps prints a trace. Rules that do not match, one after the other, are told in one line.
func (p *printer) steps(list []sim.Step) {
	for i := 0; i < len(list); i++ {
		if !p.all {
			if n := misses(list[i:]); n > 3 {
				first, last := &list[i], &list[i+n-1]
				what := fmt.Sprintf("%d more that do not match", n)
				if a, b := first.Origin.Line(), last.Origin.Line(); first.Origin.File == last.Origin.File && first.Origin.File != nil {
					what = fmt.Sprintf("%d that do not match, lines %d to %d", n, min(a, b), max(a, b))
				}
				p.line("", p.dim.Sprint("· "+what))
				i += n - 1
				continue
			}
		}
		p.step(&list[i])
	}
}

// misses counts the steps at the start of a list that only say that a rule's pattern did not match.
func misses(list []sim.Step) int {
	n := 0
	for n < len(list) && list[n].Kind == sim.StepRule && list[n].Matched != nil && !*list[n].Matched {
		n++
	}
	return n
}

func (p *printer) line(place, text string) {
	fmt.Fprintf(p.w, "  %s  %s\n", p.dim.Sprint(pad(place, p.places)), text)
}

func pad(s string, n int) string {
	if len(s) >= n {
		return s
	}
	return s + strings.Repeat(" ", n-len(s))
}

func (p *printer) step(s *sim.Step) {
	switch s.Kind {
	case sim.StepAnswer:
		return
	case sim.StepRequest:
		p.line("", p.dim.Sprint(words("request", quoted(s.Result), s.Note)))
		return
	case sim.StepPhase:
		p.line(place(s), p.bold.Sprint(words("—", s.Name, printable(s.Input), printable(s.Result), note(s.Note))))
		return
	}
	sign := " "
	if s.Matched != nil {
		sign = p.bad.Sprint("✗")
		if *s.Matched {
			sign = p.good.Sprint("✓")
		}
	}
	var b []string
	switch s.Kind {
	case sim.StepRule, sim.StepCondition:
		b = append(b, s.Name)
		if s.Pattern != "" {
			b = append(b, printable(s.Pattern))
		}
		if s.Input != "" || s.Span != nil {
			b = append(b, p.dim.Sprint("on"), p.subject(s))
		}
		for i, c := range s.Captures {
			if c != "" {
				b = append(b, p.dim.Sprintf("$%d=", i+1)+printable(c))
			}
		}
		if s.Result != "" {
			b = append(b, "→", p.bold.Sprint(printable(s.Result)))
		}
	case sim.StepFile:
		found := "exists"
		if s.Matched != nil && !*s.Matched {
			found = "is not there"
		}
		b = append(b, s.Name)
		if s.Input != "" {
			b = append(b, printable(s.Input), p.dim.Sprint(found))
		}
		if s.Result != "" {
			b = append(b, "→", p.bold.Sprint(printable(s.Result)))
		}
	case sim.StepSet:
		b = append(b, s.Name, printable(s.Input), "=", quoted(s.Result))
	default:
		b = append(b, s.Name, printable(s.Input))
		if s.Result != "" {
			b = append(b, "→", p.bold.Sprint(printable(s.Result)))
		}
	}
	b = append(b, p.dim.Sprint(note(printable(s.Note))))
	p.line(place(s), words(append([]string{sign}, b...)...))
}

func note(s string) string {
	if s == "" {
		return ""
	}
	return "(" + s + ")"
}

func quoted(s string) string {
	if s == "" || strings.ContainsAny(s, " ") {
		return `"` + printable(s) + `"`
	}
	return printable(s)
}

// words joins what is not empty.
func words(list ...string) string {
	var b strings.Builder
	for _, s := range list {
		if s == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(s)
	}
	return b.String()
}

// subject is the text a pattern was held against, with the part that matched in colour, or in brackets.
func (p *printer) subject(s *sim.Step) string {
	if s.Span == nil || s.Span[0] < 0 || s.Span[1] > len(s.Input) || s.Span[0] > s.Span[1] {
		return quoted(s.Input)
	}
	before, hit, after := s.Input[:s.Span[0]], s.Input[s.Span[0]:s.Span[1]], s.Input[s.Span[1]:]
	if p.coloured {
		if hit == "" {
			return quoted(s.Input)
		}
		return printable(before) + p.mark.Sprint(printable(hit)) + printable(after)
	}
	return printable(before) + "[" + printable(hit) + "]" + printable(after)
}

// answer prints the end of a trace: the answer, and the line of the configuration that decided it.
func (p *printer) answer(r sim.Request, o *sim.Outcome) {
	fmt.Fprintln(p.w)
	if !o.Known {
		fmt.Fprintf(p.w, "%s\n", p.bold.Sprint("The answer is not known."))
		for _, why := range o.Unknown {
			fmt.Fprintf(p.w, "  %s\n", printable(why))
		}
		if o.Status != 0 {
			fmt.Fprintf(p.w, "  %s\n", p.dim.Sprintf("as far as it can be told: %s", summary(o)))
		}
		return
	}
	c := p.good
	if o.Status >= 400 || o.Closed {
		c = p.bad
	}
	fmt.Fprintln(p.w, c.Sprint(p.bold.Sprint(summary(o))))
	if o.Error != "" {
		fmt.Fprintf(p.w, "  %s\n", printable(o.Error))
	}
	if reason := decisive(o.Steps); reason != nil {
		fmt.Fprintf(p.w, "  %s  %s\n", reason.Origin.Place(), directive(reason.Origin))
	}
	for _, h := range o.Header {
		fmt.Fprintf(p.w, "  %s\n", p.dim.Sprint(printable(h[0]+": "+h[1])))
	}
}

// summary is an answer in one line.
func summary(o *sim.Outcome) string {
	switch {
	case o.Closed:
		return "the connection is closed without an answer"
	case o.PassedTo != "":
		return "passed on to " + printable(o.PassedTo)
	}
	s := strings.TrimSpace(strconv.Itoa(o.Status) + " " + statusText[o.Status])
	switch {
	case o.Location != nil:
		return s + " → " + printable(*o.Location)
	case o.Body != nil && *o.Body != "":
		body := printable(*o.Body)
		if len(body) > 60 {
			body = body[:57] + "..."
		}
		return s + ", " + strconv.Quote(body)
	case o.Status == 200 && o.File != "":
		return s + ", the file " + printable(o.File)
	case o.Status == 404 && o.URI != "":
		return s + ", nothing is there for " + printable(o.URI)
	}
	return s
}

// decisive is the last step that took place at a line of the configuration and was not in vain.
func decisive(steps []sim.Step) *sim.Step {
	for i := len(steps) - 1; i >= 0; i-- {
		s := &steps[i]
		if s.Origin.File == nil || s.Matched != nil && !*s.Matched || s.Kind == sim.StepSet || s.Kind == sim.StepCondition {
			continue
		}
		return s
	}
	return nil
}

// directive is the text at a place of the configuration, on one line.
func directive(o ir.Origin) string {
	text := strings.Join(strings.Fields(o.File.Slice(o.Span)), " ")
	if len(text) > 160 {
		text = text[:157] + "..."
	}
	return printable(text)
}

// oneLine is a request and its answer on one line, for --requests without --json.
func oneLine(r sim.Request, o *sim.Outcome) string {
	s := r.Method
	if s == "" {
		s = "GET"
	}
	s += " " + printable(urlOf(r)) + "  "
	if !o.Known {
		return s + "not known: " + printable(strings.Join(o.Unknown, "; "))
	}
	s += summary(o)
	if reason := decisive(o.Steps); reason != nil {
		s += "  " + reason.Origin.Place()
	}
	return s
}

// chain prints the hops of --follow.
func (p *printer) chain(c *chain) {
	for i := range c.hops {
		h := &c.hops[i]
		if p.all {
			if i > 0 {
				fmt.Fprintln(p.w)
			}
			p.request(h.request, &h.outcome)
			p.steps(h.outcome.Steps)
			p.answer(h.request, &h.outcome)
			continue
		}
		fmt.Fprintf(p.w, "%2d  %s\n", i+1, p.bold.Sprint(h.request.Method+" "+printable(urlOf(h.request))))
		if !h.outcome.Known {
			continue
		}
		col := p.good
		if h.outcome.Status >= 400 {
			col = p.bad
		}
		fmt.Fprintf(p.w, "    %s\n", col.Sprint(summary(&h.outcome)))
		if reason := decisive(h.outcome.Steps); reason != nil {
			fmt.Fprintf(p.w, "    %s\n", p.dim.Sprintf("%s  %s", reason.Origin.Place(), directive(reason.Origin)))
		}
	}
	fmt.Fprintln(p.w)
	last := &c.hops[len(c.hops)-1].outcome
	redirects := strconv.Itoa(len(c.hops)-1) + " redirects"
	if len(c.hops) == 2 {
		redirects = "1 redirect"
	}
	switch c.end {
	case endCycle:
		fmt.Fprintln(p.w, p.bad.Sprintf("The redirects go round in a circle: %s was request %d already.", printable(c.next), c.back))
	case endLeft:
		fmt.Fprintf(p.w, "Leaves this configuration for %s after %s.\n", printable(c.next), plural(len(c.hops), "redirect"))
	case endLimit:
		fmt.Fprintln(p.w, p.bad.Sprintf("Gave up after %d redirects; browsers do so after 20. The next would be %s.", len(c.hops), printable(c.next)))
	case endUnknown:
		fmt.Fprintf(p.w, "The answer to request %d is not known:\n", len(c.hops))
		for _, why := range last.Unknown {
			fmt.Fprintf(p.w, "  %s\n", printable(why))
		}
	default:
		fmt.Fprintf(p.w, "%s after %s.\n", p.bold.Sprint(summary(last)), redirects)
	}
}

func plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return strconv.Itoa(n) + " " + word + "s"
}

var statusText = map[int]string{
	200: "OK", 201: "Created", 202: "Accepted", 204: "No Content", 206: "Partial Content", 300: "Multiple Choices", 301: "Moved Permanently",
	302: "Found", 303: "See Other", 304: "Not Modified", 307: "Temporary Redirect", 308: "Permanent Redirect", 400: "Bad Request",
	401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable", 408: "Request Timeout",
	409: "Conflict", 410: "Gone", 413: "Content Too Large", 414: "URI Too Long", 415: "Unsupported Media Type", 421: "Misdirected Request",
	429: "Too Many Requests", 444: "No Response", 451: "Unavailable For Legal Reasons", 495: "SSL Certificate Error", 497: "HTTP Request Sent to HTTPS Port",
	500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout",
}
