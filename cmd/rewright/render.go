package main

import (
	"bufio"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/fatih/color"

	"rewright/parser/ir"
	"rewright/parser/sim"
	"rewright/parser/source"
)

// printer writes traces for people: one line a step, the answer last.
type printer struct {
	w      *bufio.Writer
	t      *tracer
	all    bool // also rules that did not match, one by one
	places int  // width of the column of places
	folded bool // something was not shown one by one

	requests int // requests that steps began: the one asked, and internal redirects

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
	p.places, p.requests = 0, 0
	for i := range o.Steps {
		p.places = max(p.places, utf8.RuneCountInString(place(&o.Steps[i])))
	}
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
	name := s.Origin.File.Name
	if n := len(name); n > maxPlace { // the whole name stands below the answer
		return "…" + printable(name[n-maxPlace+1:]) + ":" + strconv.Itoa(s.Origin.Line())
	}
	return printable(name) + ":" + strconv.Itoa(s.Origin.Line())
}

// maxPlace is the longest file name that is shown before a step, in bytes.
const maxPlace = 28

// steps prints a trace. A rule that does not apply is told by what kept it from applying, and many of them in a
// row are told in one line; with all set, every comparison is shown.
func (p *printer) steps(list []sim.Step) {
	for i := 0; i < len(list); {
		if p.all {
			p.step(&list[i])
			i++
			continue
		}
		units, end := 0, i
		for n := idle(list[end:]); n > 0; n = idle(list[end:]) {
			units++
			end += n
		}
		switch {
		case units > maxIdle:
			p.line("", p.dim.Sprintf("· %d that do not apply%s", units, lines(list[i:end])))
			p.folded = true
			i = end
		case units > 0:
			n := idle(list[i:])
			p.idle(list[i : i+n])
			i += n
		default:
			p.step(&list[i])
			i++
		}
	}
}

// maxIdle is how many rules that do not apply are shown one by one before a run of them is folded.
const maxIdle = 4

// idle counts the steps at the start of a list that make up one rule that does not apply: its pattern does not
// match, or it does and then a condition fails. 0: the list starts with something else.
func idle(list []sim.Step) int {
	if len(list) == 0 || list[0].Matched == nil {
		return 0
	}
	first := &list[0]
	missed := !*first.Matched
	switch {
	case first.Kind == sim.StepCondition && missed && first.Name == "if", first.Kind == sim.StepRule && missed:
		return 1
	case first.Kind != sim.StepRule:
		return 0
	}
	n := 1
	for n < len(list) && list[n].Kind == sim.StepCondition && list[n].Matched != nil {
		n++
	}
	if n == 1 || *list[n-1].Matched || n < len(list) && list[n].Origin == first.Origin {
		return 0
	}
	return n
}

// idle prints a rule that does not apply by the comparison that decided so.
func (p *printer) idle(list []sim.Step) {
	last := list[len(list)-1]
	if len(list) > 1 && list[0].Origin.File == last.Origin.File {
		last.Note = words(last.Note, fmt.Sprintf("so not the rule on line %d", list[0].Origin.Line()))
	}
	p.step(&last)
}

// lines tells which lines of one file steps are about, as " (lines 3 to 17)"; empty when of several files.
func lines(list []sim.Step) string {
	var file *source.File
	from, to := 0, 0
	for i := range list {
		o := list[i].Origin
		if o.File == nil {
			continue
		}
		if file != nil && o.File != file {
			return ""
		}
		file = o.File
		n := o.Line()
		if from == 0 || n < from {
			from = n
		}
		to = max(to, n)
	}
	if file == nil {
		return ""
	}
	return fmt.Sprintf(", lines %d to %d", from, to)
}

func (p *printer) line(place, text string) {
	fmt.Fprintf(p.w, "  %s  %s\n", p.dim.Sprint(pad(place, p.places)), text)
}

func pad(s string, n int) string {
	return s + strings.Repeat(" ", max(0, n-utf8.RuneCountInString(s)))
}

func (p *printer) step(s *sim.Step) {
	switch s.Kind {
	case sim.StepAnswer:
		return
	case sim.StepRequest:
		if p.requests++; p.requests > 1 {
			fmt.Fprintln(p.w)
		}
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
		b = append(b, p.asked(s))
		if s.Matched != nil && (s.Input != "" || s.Span != nil || s.Kind == sim.StepCondition) {
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
	if s.Note != "" {
		b = append(b, p.dim.Sprint(note(printable(s.Note))))
	}
	p.line(place(s), words(append([]string{sign}, b...)...))
}

// asked is the line of the configuration that a rule or condition was read from; for those that have none, and
// for a section or block, what was compared.
func (p *printer) asked(s *sim.Step) string {
	if s.Origin.File != nil {
		if text := directive(s.Origin); len(text) <= 110 {
			if s.Kind == sim.StepCondition && s.Name != "if" {
				return "  " + text
			}
			return text
		}
	}
	return words(s.Name, printable(s.Pattern))
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
		if p.t.flags.world.Docroot == "" && slices.ContainsFunc(o.Unknown, func(why string) bool { return strings.Contains(why, "exist") }) {
			fmt.Fprintf(p.w, "  %s\n", p.dim.Sprint("--docroot FOLDER says where the files of the site are, --exists PATH that one is there"))
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
	if p.folded {
		fmt.Fprintf(p.w, "  %s\n", p.dim.Sprint("(--steps shows every comparison)"))
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
	var last *sim.Step
	for i := 0; i < len(steps); {
		if n := idle(steps[i:]); n > 0 {
			i += n
			continue
		}
		s := &steps[i]
		if s.Origin.File != nil && (s.Matched == nil || *s.Matched) && s.Kind != sim.StepSet && s.Kind != sim.StepCondition && s.Kind != sim.StepPhase {
			last = s
		}
		i++
	}
	return last
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
