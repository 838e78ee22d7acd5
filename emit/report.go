package emit

import (
	"encoding/json"
	"fmt"
	"strings"
)

type jsonWitness struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers,omitempty"`
	Assume  []string          `json:"assume,omitempty"`
	Before  string            `json:"before"`
	After   string            `json:"after"`
}

type jsonRule struct {
	File      string       `json:"file"`
	Line      int          `json:"line"`
	Directive string       `json:"directive"`
	Fidelity  Fidelity     `json:"fidelity"`
	Reason    string       `json:"reason"`
	ByHand    string       `json:"by_hand,omitempty"`
	Witness   *jsonWitness `json:"witness"`
}

type jsonRemark struct {
	File      string `json:"file"`
	Line      int    `json:"line"`
	Directive string `json:"directive"`
	Text      string `json:"text"`
}

type jsonSummary struct {
	Rules       int `json:"rules"`
	Exact       int `json:"exact"`
	Approximate int `json:"approximate"`
	Dropped     int `json:"dropped"`
	Compared    int `json:"compared"` // requests both sides answered
}

type jsonReport struct {
	Rules   []jsonRule   `json:"rules"`
	Remarks []jsonRemark `json:"remarks"`
	Summary jsonSummary  `json:"summary"`
}

// Report is report.json. Its field names are stable.
func (r *Result) Report() []byte {
	out := jsonReport{Rules: []jsonRule{}, Remarks: []jsonRemark{}}
	for i := range r.Notes {
		n := &r.Notes[i]
		j := jsonRule{Line: n.Origin.Line(), Directive: n.Directive, Fidelity: n.Fidelity, Reason: n.Reason, ByHand: n.ByHand}
		if n.Origin.File != nil {
			j.File = n.Origin.File.Name
		}
		if w := n.Witness; w != nil {
			jw := &jsonWitness{Method: w.Method, URL: w.URL, Assume: w.Assume, Before: w.Before, After: w.After}
			for _, h := range w.Header {
				if jw.Headers == nil {
					jw.Headers = map[string]string{}
				}
				jw.Headers[h[0]] = h[1]
			}
			j.Witness = jw
		}
		out.Rules = append(out.Rules, j)
	}
	for _, m := range r.Remarks {
		j := jsonRemark{Line: m.Origin.Line(), Directive: m.Directive, Text: m.Text}
		if m.Origin.File != nil {
			j.File = m.Origin.File.Name
		}
		out.Remarks = append(out.Remarks, j)
	}
	s := &out.Summary
	s.Exact, s.Approximate, s.Dropped = r.Count()
	s.Rules, s.Compared = len(r.Notes), r.Compared
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(out); err != nil {
		panic(err) // only strings and numbers are in it
	}
	return []byte(b.String())
}

// maxRows is how many rules the table names of each kind that needs a person's eye.
const maxRows = 40

// Table is the summary for people: the counts, then each rule that is not exact and why.
func (r *Result) Table() string {
	var b strings.Builder
	exact, approximate, dropped := r.Count()
	fmt.Fprintf(&b, "%6d exact\n%6d approximate\n%6d dropped\n", exact, approximate, dropped)
	fmt.Fprintf(&b, "%d requests compared on both sides by simulation\n", r.Compared)
	for _, f := range []Fidelity{Dropped, Approximate} {
		rows := 0
		for i := range r.Notes {
			n := &r.Notes[i]
			if n.Fidelity != f {
				continue
			}
			if rows++; rows > maxRows {
				continue
			}
			fmt.Fprintf(&b, "\n%-11s  %s  %s\n", f, n.Origin.Place(), n.Directive)
			if n.Reason != "" {
				fmt.Fprintf(&b, "  %s\n", n.Reason)
			}
			if w := n.Witness; w != nil {
				method := w.Method
				if method == "" {
					method = "GET"
				}
				fmt.Fprintf(&b, "  %s %s", method, w.URL)
				for _, h := range w.Header {
					fmt.Fprintf(&b, "  [%s: %s]", h[0], h[1])
				}
				if len(w.Assume) > 0 {
					fmt.Fprintf(&b, "  (%s)", strings.Join(w.Assume, ", "))
				}
				fmt.Fprintf(&b, "\n    before  %s\n    after   %s\n", w.Before, w.After)
			}
			if n.ByHand != "" {
				fmt.Fprintf(&b, "  by hand: %s\n", n.ByHand)
			}
		}
		if rows > maxRows {
			fmt.Fprintf(&b, "\n%-11s  and %d more, all in report.json\n", f, rows-maxRows)
		}
	}
	return b.String()
}
