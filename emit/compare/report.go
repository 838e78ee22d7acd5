package compare

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/probe"
)

// Place is what a report says of a rule.
type Place struct {
	File      string `json:"file"`
	Line      int    `json:"line"`
	Directive string `json:"directive"` // as written, on one line
}

// PlaceOf is where a rule stands; nil for none.
func PlaceOf(r *ir.Rule) *Place {
	if r == nil || r.File == nil {
		return nil
	}
	return &Place{r.File.Name, r.Line(), oneLine(r.File.Slice(r.Span))}
}

func oneLine(s string) string {
	s = strings.Join(strings.Fields(strings.ReplaceAll(s, "\\\n", " ")), " ")
	if len(s) > 160 {
		s = s[:157] + "…"
	}
	return s
}

type jsonRequest struct {
	Method  string      `json:"method"`
	URL     string      `json:"url"`
	Headers [][2]string `json:"headers"`
	Exists  []string    `json:"exists"`  // below the document root; with a final slash a folder
	Missing []string    `json:"missing"` // the same
	Client  string      `json:"client,omitempty"`
}

type jsonAnswer struct {
	Rule     *Place  `json:"rule"` // the last rule that took effect; null: none
	Status   int     `json:"status"`
	Location *string `json:"location"`
	Path     string  `json:"path,omitempty"` // below the document root
	Query    string  `json:"query,omitempty"`
	PassedTo string  `json:"passed_to,omitempty"`
	End      string  `json:"end,omitempty"` // where redirects lead in the end
	Loops    bool    `json:"loops"`
}

type jsonChange struct {
	What    Aspect      `json:"what"`
	Verdict string      `json:"verdict"`
	Request jsonRequest `json:"request"`
	Before  jsonAnswer  `json:"before"`
	After   jsonAnswer  `json:"after"`
	More    int         `json:"more"` // further requests like this one
}

type jsonReason struct {
	Side    string `json:"side"` // "old" or "new"
	Reason  string `json:"reason"`
	Count   int    `json:"count"`   // requests
	Request string `json:"request"` // one of them
}

type jsonResult struct {
	Changes []jsonChange `json:"changes"`
	Untried struct {
		Old []*Place `json:"old"`
		New []*Place `json:"new"`
	} `json:"untried"`
	Unknown []jsonReason `json:"unknown"` // why answers are not known
	Summary struct {
		Compared int  `json:"compared"`
		Changed  int  `json:"changed"`
		Groups   int  `json:"groups"`
		Unknown  int  `json:"unknown"`
		Skipped  int  `json:"skipped"`
		Cut      bool `json:"cut"`
	} `json:"summary"`
}

// WriteJSON writes the result; its field names are stable. Docroot is the old side's.
func (r *Result) WriteJSON(w io.Writer, docroot string) error {
	out := jsonResult{Changes: []jsonChange{}}
	for i := range r.Changes {
		c := &r.Changes[i]
		p := &c.Probe
		j := jsonChange{What: c.What, Verdict: c.Verdict, More: c.More, Before: answerJSON(&c.Old), After: answerJSON(&c.New),
			Request: jsonRequest{Method: p.Request.Method, URL: probe.URL(p.Request), Headers: [][2]string{}, Exists: below(p.Exists, docroot),
				Missing: below(p.Missing, docroot), Client: p.Client}}
		j.Request.Headers = append(j.Request.Headers, p.Request.Header...)
		out.Changes = append(out.Changes, j)
	}
	out.Untried.Old, out.Untried.New = places(r.UntriedOld), places(r.UntriedNew)
	out.Unknown = []jsonReason{}
	for i := range r.Reasons {
		why := &r.Reasons[i]
		out.Unknown = append(out.Unknown, jsonReason{why.Side, why.Text, why.Count, request(&why.Probe, docroot)})
	}
	s := &out.Summary
	s.Compared, s.Changed, s.Groups, s.Unknown, s.Skipped, s.Cut = r.Compared, r.Changed, len(r.Changes), r.Unknown, r.Skipped, r.Cut
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	return e.Encode(out)
}

func places(rules []*ir.Rule) []*Place {
	out := []*Place{}
	for _, r := range rules {
		out = append(out, PlaceOf(r))
	}
	return out
}

func below(paths []string, root string) []string {
	out := []string{}
	for _, p := range paths {
		out = append(out, strings.TrimPrefix(p, root+"/"))
	}
	return out
}

func answerJSON(a *Answer) jsonAnswer {
	o := &a.Outcome
	return jsonAnswer{Rule: PlaceOf(a.Rule), Status: o.Status, Location: o.Location, Path: a.Path, Query: a.Query, PassedTo: o.PassedTo, End: a.End, Loops: a.Loops}
}

// Style marks parts of the text for a terminal; the zero value marks nothing.
type Style struct{ Old, New, Head, Dim func(string) string }

func (s Style) apply(f func(string) string, text string) string {
	if f == nil {
		return text
	}
	return f(text)
}

// maxReasons is how many reasons for not knowing the text names.
const maxReasons = 5

// maxUntried is how many rules without a request the text names.
const maxUntried = 10

// WriteText writes the result as a reviewer reads it: grouped by rules, one request a group.
func (r *Result) WriteText(w io.Writer, docroot string, s Style) error {
	var b strings.Builder
	var head string
	for i := range r.Changes {
		c := &r.Changes[i]
		if h := heading(c, s); h != head {
			if head != "" {
				b.WriteString("\n")
			}
			b.WriteString(h)
			head = h
		}
		fmt.Fprintf(&b, "  %s: %s\n", request(&c.Probe, docroot), c.Verdict)
		before, after := c.words()
		fmt.Fprintf(&b, "    %s\n    %s\n", s.apply(s.Old, "- "+before), s.apply(s.New, "+ "+after))
		if c.More > 0 {
			var also []string
			for j := range c.Others {
				if q := &c.Others[j]; len(q.Exists)+len(q.Missing) == len(c.Probe.Exists)+len(c.Probe.Missing) && len(also) < 2 {
					also = append(also, q.Request.Method+" "+probe.URL(q.Request))
				}
			}
			line := fmt.Sprintf("    and %s like it", count(c.More, "request"))
			if len(also) > 0 {
				line += ": " + strings.Join(also, ", ")
				if c.More > len(also) {
					line += " …"
				}
			}
			b.WriteString(s.apply(s.Dim, line) + "\n")
		}
	}
	if len(r.Changes) > 0 {
		b.WriteString("\n")
	}
	switch {
	case r.Changed == 0:
		fmt.Fprintf(&b, "no change found: %s alike", count(r.Compared, "request"))
	default:
		fmt.Fprintf(&b, "%d of %s change their answer, in %s", r.Changed, count(r.Compared, "request"), count(len(r.Changes), "group"))
	}
	if r.Unknown > 0 {
		fmt.Fprintf(&b, "; %d not known", r.Unknown)
	}
	if r.Skipped > 0 {
		fmt.Fprintf(&b, "; %d not asked, for they need files, clients, ports or a scheme that the running server has not", r.Skipped)
	}
	b.WriteString("\n")
	for i, why := range r.Reasons {
		if i == maxReasons {
			fmt.Fprintf(&b, "  … and %s more\n", count(len(r.Reasons)-i, "reason"))
			break
		}
		fmt.Fprintf(&b, "  not known on the %s side for %s, as %s: %s\n", why.Side, count(why.Count, "request"), request(&why.Probe, docroot), why.Text)
	}
	if r.Cut {
		b.WriteString("stopped at the limit of requests: more may change\n")
	}
	r.writeUntried(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

// spaced is a text with single blanks.
func spaced(s string) string { return strings.Join(strings.Fields(s), " ") }

// writeUntried names the rules of which nothing is known; one that stands in both versions is named once.
func (r *Result) writeUntried(b *strings.Builder) {
	inBoth := map[string]int{}
	for _, rule := range r.UntriedNew {
		inBoth[spaced(textOf(r.new, rule))]++
	}
	var both, old, new []*ir.Rule
	gone := map[string]int{}
	for _, rule := range r.UntriedOld {
		if text := spaced(textOf(r.old, rule)); inBoth[text] > gone[text] {
			gone[text]++
			both = append(both, rule)
		} else {
			old = append(old, rule)
		}
	}
	for _, rule := range r.UntriedNew {
		if text := spaced(textOf(r.new, rule)); gone[text] > 0 {
			gone[text]--
		} else {
			new = append(new, rule)
		}
	}
	for _, u := range []struct {
		name  string
		rules []*ir.Rule
	}{{"the old configuration", old}, {"the new configuration", new}, {"both configurations", both}} {
		if len(u.rules) == 0 {
			continue
		}
		fmt.Fprintf(b, "no request was found that reaches %s of %s:\n", count(len(u.rules), "rule"), u.name)
		for i, rule := range u.rules {
			if i == maxUntried {
				fmt.Fprintf(b, "  … and %d more\n", len(u.rules)-i)
				break
			}
			if p := PlaceOf(rule); p != nil {
				fmt.Fprintf(b, "  %s:%d  %s\n", p.File, p.Line, p.Directive)
			}
		}
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}

// heading names the rules that decide, on the old side and on the new one.
func heading(c *Change, s Style) string {
	if c.What == Headers {
		return s.apply(s.Head, "headers") + "\n"
	}
	old, new := PlaceOf(c.Old.Rule), PlaceOf(c.New.Rule)
	line := func(mark string, f func(string) string, p *Place) string {
		if p == nil {
			return s.apply(f, mark+" no rule") + "\n"
		}
		return s.apply(f, fmt.Sprintf("%s %s:%d  %s", mark, p.File, p.Line, p.Directive)) + "\n"
	}
	if old == nil && new == nil {
		return s.apply(s.Head, "no rule takes part: sections, files and settings decide") + "\n"
	}
	if old != nil && new != nil && old.Directive == new.Directive {
		return s.apply(s.Head, fmt.Sprintf("= %s:%d, %s:%d  %s", old.File, old.Line, new.File, new.Line, old.Directive)) + "\n"
	}
	return line("-", s.Old, old) + line("+", s.New, new)
}

func request(p *probe.Probe, docroot string) string {
	text := p.Request.Method + " " + probe.URL(p.Request)
	for _, h := range p.Request.Header {
		text += fmt.Sprintf(" [%s: %s]", h[0], h[1])
	}
	var given []string
	for _, f := range below(p.Exists, docroot) {
		given = append(given, f+" exists")
	}
	for _, f := range below(p.Missing, docroot) {
		given = append(given, f+" does not exist")
	}
	if p.Client != "" {
		given = append(given, "client "+p.Client)
	}
	if len(given) > 0 {
		text += " (" + strings.Join(given, ", ") + ")"
	}
	return text
}

// words are the two answers of a change.
func (c *Change) words() (before, after string) {
	if c.What == Headers {
		before, after = probe.Answer(&c.Old.Outcome), probe.Answer(&c.New.Outcome)
		for _, h := range headerChanges(&c.Old.Outcome, &c.New.Outcome) {
			before, after = join(before, h.old), join(after, h.new)
		}
		return before, after
	}
	return words(&c.Old, c.What), words(&c.New, c.What)
}

func join(text, more string) string {
	if more == "" {
		return text
	}
	return text + "  " + more
}

func words(a *Answer, what Aspect) string {
	o := &a.Outcome
	text := probe.Answer(o)
	switch {
	case what == Body && o.Body != nil:
		text += "  " + strconv.Quote(*o.Body)
	case a.Path != "" && o.PassedTo == "":
		text += "  " + a.Path
		if a.Query != "" {
			text += "?" + a.Query
		}
	}
	if a.Loops {
		text += "  (a circle)"
	} else if a.Hops > 1 && a.End != "" {
		text += "  … → " + a.End
	}
	return text
}
