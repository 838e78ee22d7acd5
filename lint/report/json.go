package report

import (
	"bytes"
	"encoding/json"
	"io"

	"rewright/parser/diag"
	"rewright/parser/source"
)

// JSON is the report other programs read: one object with findings and summary. Its fields are stable;
// new ones may be added.
type JSON struct {
	w      io.Writer
	totals *Totals
	counts counts
	err    error
}

// NewJSON makes a report on w. totals is read at Close; nil stands for none.
func NewJSON(w io.Writer, totals *Totals) *JSON { return &JSON{w: w, totals: totals} }

type jsonFinding struct {
	File     string          `json:"file"`
	Code     string          `json:"code"`
	Name     string          `json:"name"`
	Severity string          `json:"severity"`
	Message  string          `json:"message"`
	Refuses  bool            `json:"refuses"`
	Start    source.Position `json:"start"`
	End      source.Position `json:"end"`
	Help     string          `json:"help,omitempty"`
	Server   string          `json:"server_message,omitempty"`
	Fix      *jsonFix        `json:"fix"`
	Fixes    []jsonFix       `json:"other_fixes,omitempty"`
	Witness  *jsonWitness    `json:"witness"`
	Related  []jsonRelated   `json:"related"`
}

type jsonFix struct {
	Safety string     `json:"safety"`
	Title  string     `json:"title"`
	Edits  []jsonEdit `json:"edits"`
}

type jsonEdit struct {
	Start source.Position `json:"start"`
	End   source.Position `json:"end"`
	Text  string          `json:"text"`
}

type jsonWitness struct {
	Method  string            `json:"method"`
	URL     string            `json:"url"`
	Headers map[string]string `json:"headers"`
	Steps   []string          `json:"steps"`
}

func newJSONWitness(w *diag.Witness) *jsonWitness {
	out := &jsonWitness{Method: w.Method, URL: w.URL, Headers: w.Header, Steps: w.Steps}
	if out.Headers == nil {
		out.Headers = map[string]string{}
	}
	if out.Steps == nil {
		out.Steps = []string{}
	}
	return out
}

type jsonRelated struct {
	File    string          `json:"file"`
	Message string          `json:"message"`
	Start   source.Position `json:"start"`
	End     source.Position `json:"end"`
}

func (j *JSON) Write(d diag.Diagnostic) error {
	if j.err != nil {
		return j.err
	}
	opening := ",\n"
	if j.counts.all() == 0 {
		opening = "{\"findings\":[\n"
	}
	j.counts.add(&d)
	f := jsonFinding{File: d.File.Name, Code: d.Code, Name: d.Name, Severity: d.Severity.String(), Message: d.Message,
		Refuses: d.Refuses, Start: d.File.Position(d.Span.Start), End: d.File.Position(d.Span.End), Help: d.Help,
		Server: d.ServerMessage, Related: []jsonRelated{}}
	for i, fix := range d.Fixes {
		out := jsonFix{Safety: string(fix.Safety), Title: fix.Title, Edits: []jsonEdit{}}
		for _, e := range fix.Edits {
			out.Edits = append(out.Edits, jsonEdit{d.File.Position(e.Span.Start), d.File.Position(e.Span.End), e.Text})
		}
		if i == 0 {
			f.Fix = &out
		} else {
			f.Fixes = append(f.Fixes, out)
		}
	}
	if d.Witness != nil {
		f.Witness = newJSONWitness(d.Witness)
	}
	for _, r := range d.Related {
		file := r.File
		if file == nil {
			file = d.File
		}
		f.Related = append(f.Related, jsonRelated{file.Name, r.Message, file.Position(r.Span.Start), file.Position(r.Span.End)})
	}
	text, err := compact(f)
	if err == nil {
		_, err = io.WriteString(j.w, opening+text)
	}
	j.err = err
	return err
}

// Close writes the summary.
func (j *JSON) Close() error {
	if j.err != nil {
		return j.err
	}
	opening := "\n],"
	if j.counts.all() == 0 {
		opening = "{\"findings\":[],"
	}
	t := j.totals
	if t == nil {
		t = &Totals{}
	}
	c := &j.counts
	text, err := compact(struct {
		Files      int `json:"files"`
		Findings   int `json:"findings"`
		Errors     int `json:"errors"`
		Warnings   int `json:"warnings"`
		Info       int `json:"info"`
		Style      int `json:"style"`
		Refused    int `json:"files_refused"`
		Fixable    int `json:"fixable"`
		Suppressed int `json:"suppressed"`
		Known      int `json:"known"`
	}{t.Files, c.all(), c.bySeverity[diag.Error], c.bySeverity[diag.Warning], c.bySeverity[diag.Info],
		c.bySeverity[diag.Style], len(c.refused), c.fixable, t.Suppressed, t.Known})
	if err == nil {
		_, err = io.WriteString(j.w, opening+"\"summary\":"+text+"}\n")
	}
	j.err = err
	return err
}

// compact is v as JSON on one line, with <, > and & as they are.
func compact(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return "", err
	}
	return string(bytes.TrimRight(b.Bytes(), "\n")), nil
}
