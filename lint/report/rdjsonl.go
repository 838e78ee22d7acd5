package report

import (
	"io"

	"rewright/parser/diag"
	"rewright/parser/source"
)

// RDJSONL is the report of reviewdog: one diagnostic of its format a line, with suggestions. Columns count bytes, as the
// format wants them.
// Source: reviewdog, proto/rdf/reviewdog.proto.
type RDJSONL struct {
	w io.Writer
	o Options
}

// NewRDJSONL makes a report on w.
func NewRDJSONL(w io.Writer, o Options) *RDJSONL { return &RDJSONL{w, o} }

type (
	rdDiagnostic struct {
		Message     string         `json:"message"`
		Location    rdLocation     `json:"location"`
		Severity    string         `json:"severity"`
		Source      rdSource       `json:"source"`
		Code        rdCode         `json:"code"`
		Suggestions []rdSuggestion `json:"suggestions,omitempty"`
		Related     []rdRelated    `json:"related_locations,omitempty"`
	}
	rdLocation struct {
		Path  string  `json:"path"`
		Range rdRange `json:"range"`
	}
	rdRange struct {
		Start rdPosition `json:"start"`
		End   rdPosition `json:"end"`
	}
	rdPosition struct {
		Line   int `json:"line"`
		Column int `json:"column"`
	}
	rdSource struct {
		Name string `json:"name"`
	}
	rdCode struct {
		Value string `json:"value"`
	}
	rdSuggestion struct {
		Range rdRange `json:"range"`
		Text  string  `json:"text"`
	}
	rdRelated struct {
		Message  string     `json:"message"`
		Location rdLocation `json:"location"`
	}
)

var rdSeverities = [...]string{diag.Style: "INFO", diag.Info: "INFO", diag.Warning: "WARNING", diag.Error: "ERROR"}

func (r *RDJSONL) Write(d diag.Diagnostic) error {
	out := rdDiagnostic{Message: prose(&d), Location: rdLocation{r.o.path(&d), rdRangeOf(d.File, d.Span)}, Severity: rdSeverities[d.Severity],
		Source: rdSource{"rewright"}, Code: rdCode{d.Code + " " + d.Name}}
	if len(d.Fixes) > 0 {
		if span, text, ok := oneEdit(d.File, d.Fixes[0].Edits); ok {
			out.Suggestions = []rdSuggestion{{rdRangeOf(d.File, span), valid(text)}}
		}
	}
	for _, rel := range d.Related {
		file := rel.File
		if file == nil {
			file = d.File
		}
		out.Related = append(out.Related, rdRelated{printable(rel.Message), rdLocation{r.o.named(file.Name), rdRangeOf(file, rel.Span)}})
	}
	text, err := compact(out)
	if err == nil {
		_, err = io.WriteString(r.w, text+"\n")
	}
	return err
}

func rdRangeOf(f *source.File, s source.Span) rdRange {
	from, to := f.Position(s.Start), f.Position(s.End)
	return rdRange{rdPosition{from.Line, from.Column}, rdPosition{to.Line, to.Column}}
}

// oneEdit makes one edit of several: suggestions are accepted one by one, and these belong together.
func oneEdit(f *source.File, edits []source.Edit) (span source.Span, text string, ok bool) {
	if len(edits) == 0 {
		return span, "", false
	}
	span = edits[0].Span
	for _, e := range edits {
		span = span.Join(e.Span)
	}
	shifted := make([]source.Edit, len(edits))
	for i, e := range edits {
		shifted[i] = source.Edit{Span: e.Span.Shift(-int(span.Start)), Text: e.Text}
	}
	out, err := source.Apply([]byte(f.Slice(span)), shifted)
	return span, string(out), err == nil
}

// Close has nothing to write.
func (r *RDJSONL) Close() error { return nil }
