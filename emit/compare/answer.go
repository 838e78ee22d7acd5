package compare

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"rewright/parser/probe"
	"rewright/parser/sim"
)

// Aspect is what differs between two answers; the empty one: nothing.
type Aspect string

const (
	Status   Aspect = "status"
	Location Aspect = "location"
	Path     Aspect = "path"    // another file is served, or looked for
	Query    Aspect = "query"   // the same program gets another query
	Passed   Aspect = "passed"  // passed on to another place, or no longer
	Headers  Aspect = "headers" // headers that the configuration sets
	Body     Aspect = "body"    // text that the configuration answers with
)

// differ is the first aspect, by weight, in which two answers differ. Seen says that the new one is a running
// server's, whose file and upstream nobody knows.
func differ(a, b *Answer, headers, seen bool) Aspect {
	x, y := &a.Outcome, &b.Outcome
	if seen && (x.PassedTo != "" || x.Location == nil && y.Location == nil && fileDecides(a) && y.Status < 500) {
		return "" // which of the two depends on files and programs that are there
	}
	switch {
	case x.Closed != y.Closed:
		return Status
	case (x.PassedTo != "") != (y.PassedTo != ""):
		return Passed
	case x.Status != y.Status:
		return Status
	case (x.Location != nil) != (y.Location != nil), x.Location != nil && *x.Location != *y.Location:
		return Location
	case x.PassedTo != y.PassedTo:
		return Passed
	case a.Path != b.Path && (a.Path != "" && b.Path != "" || x.Status >= 200 && x.Status < 300):
		return Path // an error is an error, whether a rule answers it or nothing is there
	case a.Query != b.Query:
		return Query
	}
	if headers && !sameHeaders(x, y) {
		return Headers
	}
	if headers && text(x.Body) != text(y.Body) {
		return Body
	}
	return ""
}

// fileDecides tells whether an answer is what it is because of what lies in the document root.
func fileDecides(a *Answer) bool {
	s := a.Outcome.Status
	return s == 200 || s == 404 || s == 403 && a.Rule == nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func sameHeaders(x, y *sim.Outcome) bool { return headersOf(x) == headersOf(y) }

func headersOf(o *sim.Outcome) string {
	var list []string
	for _, h := range o.Header {
		list = append(list, strings.ToLower(h[0])+": "+h[1])
	}
	sort.Strings(list)
	return strings.Join(list, "\n")
}

func permanent(status int) bool { return status == 301 || status == 308 }

func redirects(o *sim.Outcome) bool {
	return o.Location != nil && o.Status >= 300 && o.Status <= 399 && o.Status != 304
}

// verdict says what a change means for the client. Source of the statuses' meanings: RFC 9110 §15.4.
func verdict(p probe.Probe, a, b *Answer, what Aspect) string {
	x, y := &a.Outcome, &b.Outcome
	switch {
	case b.Loops && !a.Loops:
		return "now goes round in circles; browsers give up"
	case a.Loops && !b.Loops:
		return "no longer goes round in circles"
	case x.Status != 500 && y.Status == 500:
		return "now fails inside the server"
	case x.Status == 500 && y.Status != 500:
		return "no longer fails inside the server"
	}
	switch what {
	case Status:
		switch {
		case redirects(x) && redirects(y):
			return statusVerdict(p, a, b)
		case redirects(y):
			return "is redirected now"
		case redirects(x):
			return "is no longer redirected"
		case y.Closed:
			return "gets no answer now: the connection is closed"
		case x.Status < 400 && y.Status >= 400:
			return fmt.Sprintf("is refused now (%d)", y.Status)
		case x.Status >= 400 && y.Status < 400:
			return fmt.Sprintf("is answered now (%d instead of %d)", y.Status, x.Status)
		}
		return fmt.Sprintf("gets %d instead of %d", y.Status, x.Status)
	case Location:
		return locationVerdict(a, b)
	case Path:
		if x.Status == 404 {
			return "another file is looked for"
		}
		return "another file is served"
	case Query:
		return "the program behind it gets another query string"
	case Passed:
		switch {
		case x.PassedTo == "":
			return "is passed on to another server now"
		case y.PassedTo == "":
			return "is no longer passed on"
		}
		return "is passed on to another place"
	case Headers:
		return headerVerdict(x, y)
	}
	return "another text is sent"
}

func statusVerdict(p probe.Probe, a, b *Answer) string {
	x, y := &a.Outcome, &b.Outcome
	var parts []string
	if permanent(x.Status) != permanent(y.Status) {
		if permanent(y.Status) {
			parts = append(parts, "the redirect is permanent now: caches and search engines keep it")
		} else {
			parts = append(parts, "the redirect is temporary now: it is asked for again each time")
		}
	}
	keeps := func(s int) bool { return s == 307 || s == 308 }
	if keeps(x.Status) != keeps(y.Status) {
		if keeps(y.Status) {
			parts = append(parts, "POST stays POST, with its body")
		} else {
			parts = append(parts, "POST becomes GET, and its body is lost")
		}
	}
	if *x.Location != *y.Location {
		parts = append(parts, locationVerdict(a, b))
	}
	if len(parts) == 0 {
		return fmt.Sprintf("the redirect has status %d instead of %d", y.Status, x.Status)
	}
	return strings.Join(parts, "; ")
}

func locationVerdict(a, b *Answer) string {
	x, y := *a.Outcome.Location, *b.Outcome.Location
	xb, xq, _ := strings.Cut(x, "?")
	yb, yq, _ := strings.Cut(y, "?")
	switch {
	case xb == yb && yq == "":
		return "the query string is lost"
	case xb == yb && xq == "":
		return "a query string is sent along now"
	case xb == yb:
		return "the query string differs"
	case a.End != "" && a.End == b.End:
		return fmt.Sprintf("ends at the same place, %s, after %s instead of %s", a.End, times(b.Hops), times(a.Hops))
	}
	return "goes elsewhere"
}

func times(n int) string {
	if n == 1 {
		return "1 redirect"
	}
	return fmt.Sprintf("%d redirects", n)
}

// headerVerdict says which headers differ.
func headerVerdict(x, y *sim.Outcome) string {
	var parts []string
	for _, h := range headerChanges(x, y) {
		switch {
		case h.new == "":
			parts = append(parts, h.name+" is lost")
		case h.old == "":
			parts = append(parts, h.name+" is sent now")
		default:
			parts = append(parts, h.name+" differs")
		}
	}
	if len(parts) == 0 {
		return "the order of headers differs"
	}
	return "header " + strings.Join(parts, ", ")
}

// aHeader is a header that differs: its values on both sides, each with the name, joined by two blanks; empty: not sent.
type aHeader struct{ name, old, new string }

// headerChanges are the headers that differ, those that the old side sends first.
func headerChanges(x, y *sim.Outcome) (out []aHeader) {
	at := map[string]int{}
	for side, o := range []*sim.Outcome{x, y} {
		for _, h := range o.Header {
			k := strings.ToLower(h[0])
			i, ok := at[k]
			if !ok {
				i = len(out)
				at[k] = i
				out = append(out, aHeader{name: h[0]})
			}
			text := &out[i].old
			if side == 1 {
				text = &out[i].new
			}
			if *text != "" {
				*text += "  "
			}
			*text += h[0] + ": " + h[1]
		}
	}
	return slices.DeleteFunc(out, func(h aHeader) bool { return h.old == h.new })
}

// headerChange tells changes of headers apart; values that belong to one request only, such as dates, are left out.
func headerChange(x, y *sim.Outcome) string {
	text := ""
	for _, h := range headerChanges(x, y) {
		if strings.EqualFold(h.name, "Expires") {
			h.old, h.new = "", ""
		}
		text += h.name + "\n" + h.old + "\n" + h.new + "\n"
	}
	return text
}
