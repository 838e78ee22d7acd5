package main

import (
	"bytes"
	"encoding/json"
	"path"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// answer is the JSON form of an outcome. Its names and meanings are stable.
type answer struct {
	Status   int     `json:"status"`   // 0: passed on to another server, which decides; or unknown
	Location *string `json:"location"` // null: no Location header
	// URI, Query and PathInfo belong to the request that was finally answered.
	URI      string `json:"uri"`
	Query    string `json:"query"`
	PathInfo string `json:"path_info"`
	// File is, for Apache, the file name the request was mapped to, whether or not it exists. For nginx it is
	// the file that is served with 200, below the document root without leading slash; null when none is.
	File     *string             `json:"file"`
	Filename string              `json:"filename,omitempty"` // nginx: $request_filename
	Headers  map[string][]string `json:"headers"`            // set by the configuration
	Body     *string             `json:"body"`               // text the configuration answers with
	Closed   bool                `json:"closed"`             // no response at all
	PassedTo *string             `json:"passed_to"`
	Via      []string            `json:"via"` // nginx: locations in the order they were used
	Known    bool                `json:"known"`
	Unknown  []string            `json:"unknown"` // why the answer is not known
	Error    *string             `json:"error"`   // what the server writes to its error log, or what was wrong with the request
	Steps    []step              `json:"steps"`
}

// step is the JSON form of sim.Step.
type step struct {
	sim.Step
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}

func newAnswer(o *sim.Outcome, server ir.Server, docroot string) *answer {
	text := func(s string) string { return shown(s, server) }
	maybe := func(s string) *string {
		if s == "" {
			return nil
		}
		s = text(s)
		return &s
	}
	a := &answer{Status: o.Status, URI: text(o.URI), Query: text(o.Query), PathInfo: text(o.PathInfo), Filename: text(o.Filename),
		Headers: map[string][]string{}, Closed: o.Closed, PassedTo: maybe(o.PassedTo), Via: []string{}, Known: o.Known,
		Unknown: []string{}, Error: maybe(o.Error), Steps: []step{}}
	if o.Location != nil {
		// CR LF in the value ends it, and what follows is a header of its own: that is what clients see.
		lines := strings.Split(*o.Location, "\r\n")
		s := text(lines[0])
		a.Location = &s
		for _, l := range lines[1:] {
			if name, value, ok := strings.Cut(l, ":"); ok {
				a.Headers[text(name)] = append(a.Headers[text(name)], text(strings.TrimSpace(value)))
			}
		}
	}
	if o.Body != nil {
		s := text(*o.Body)
		a.Body = &s
	}
	switch {
	case server == ir.Apache:
		if o.Location == nil {
			name := text(o.File)
			a.File = &name
		}
	case o.Status == 200 && o.File != "":
		a.File = maybe(belowRoot(docroot, o.File))
	}
	for _, h := range o.Header {
		a.Headers[text(h[0])] = append(a.Headers[text(h[0])], text(h[1]))
	}
	for _, v := range o.Via {
		a.Via = append(a.Via, text(v))
	}
	a.Unknown = append(a.Unknown, o.Unknown...)
	for _, s := range o.Steps {
		j := step{Step: s}
		j.Input, j.Pattern, j.Result, j.Note = text(s.Input), text(s.Pattern), text(s.Result), text(s.Note)
		j.Captures = nil
		for _, c := range s.Captures {
			j.Captures = append(j.Captures, text(c))
		}
		if s.Origin.File != nil {
			p := s.Origin.File.Position(s.Origin.Span.Start)
			j.File, j.Line, j.Column = s.Origin.File.Name, p.Line, p.Column
		}
		a.Steps = append(a.Steps, j)
	}
	return a
}

// belowRoot is a path as seen from the document root; one that lies elsewhere stays absolute.
func belowRoot(docroot, file string) string {
	clean := path.Clean(file)
	if rest, ok := strings.CutPrefix(clean, strings.TrimSuffix(docroot, "/")+"/"); ok {
		return rest
	}
	return clean
}

// failure is the answer to a request that cannot be asked.
func failure(err error) *answer {
	text := err.Error()
	return &answer{Headers: map[string][]string{}, Via: []string{}, Unknown: []string{text}, Error: &text, Steps: []step{}}
}

// encode writes a value as one line of JSON.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("an answer has a JSON form: " + err.Error())
	}
	return b.Bytes()
}
