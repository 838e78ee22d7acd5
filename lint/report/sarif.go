package report

import (
	"encoding/json"
	"io"
	"net/url"
	"path"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/source"
)

// SARIF is the report of code scanning services: the Static Analysis Results Interchange Format, version 2.1.0 (OASIS, with
// errata 01). Silenced findings are in it as suppressed results. It is written at Close, for the rules it names come first.
type SARIF struct {
	w       io.Writer
	o       Options
	rules   []sarifRule
	index   map[string]int
	results []json.RawMessage
	prints  fingerprinter
	err     error
}

// NewSARIF makes a report on w.
func NewSARIF(w io.Writer, o Options) *SARIF {
	return &SARIF{w: w, o: o, index: map[string]int{}, results: []json.RawMessage{}}
}

type (
	sarifText struct {
		Text     string `json:"text"`
		Markdown string `json:"markdown,omitempty"`
	}
	sarifRule struct {
		ID            string          `json:"id"`
		Name          string          `json:"name"`
		Short         sarifText       `json:"shortDescription"`
		Full          sarifText       `json:"fullDescription"`
		Help          sarifText       `json:"help"`
		Configuration sarifLevel      `json:"defaultConfiguration"`
		Properties    sarifProperties `json:"properties"`
	}
	sarifLevel struct {
		Level string `json:"level"`
	}
	sarifProperties struct {
		Tags []string `json:"tags"`
	}
	sarifResult struct {
		RuleID       string             `json:"ruleId"`
		RuleIndex    int                `json:"ruleIndex"`
		Level        string             `json:"level"`
		Message      sarifText          `json:"message"`
		Locations    []sarifLocation    `json:"locations"`
		Related      []sarifLocation    `json:"relatedLocations,omitempty"`
		Fixes        []sarifFix         `json:"fixes,omitempty"`
		Fingerprints map[string]string  `json:"partialFingerprints"`
		Suppressions []sarifSuppression `json:"suppressions,omitempty"`
		Properties   map[string]any     `json:"properties,omitempty"`
	}
	sarifLocation struct {
		ID       int           `json:"id,omitempty"`
		Message  *sarifText    `json:"message,omitempty"`
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI  string `json:"uri"`
		Base string `json:"uriBaseId,omitempty"`
	}
	sarifRegion struct {
		StartLine   int        `json:"startLine"`
		StartColumn int        `json:"startColumn"`
		EndLine     int        `json:"endLine"`
		EndColumn   int        `json:"endColumn"`
		Snippet     *sarifText `json:"snippet,omitempty"`
	}
	sarifFix struct {
		Description sarifText      `json:"description"`
		Changes     []sarifChange  `json:"artifactChanges"`
		Properties  map[string]any `json:"properties,omitempty"`
	}
	sarifChange struct {
		Artifact     sarifArtifact      `json:"artifactLocation"`
		Replacements []sarifReplacement `json:"replacements"`
	}
	sarifReplacement struct {
		Deleted  sarifRegion `json:"deletedRegion"`
		Inserted sarifText   `json:"insertedContent"`
	}
	sarifSuppression struct {
		Kind          string `json:"kind"`
		Status        string `json:"status"`
		Justification string `json:"justification,omitempty"`
	}
)

var sarifLevels = [...]string{diag.Style: "note", diag.Info: "note", diag.Warning: "warning", diag.Error: "error"}

func (s *SARIF) Write(d diag.Diagnostic) error { return s.add(&d, nil) }

// Silence adds a finding that is not told otherwise.
func (s *SARIF) Silence(d lint.Silenced) error {
	kind := "inSource"
	if d.Baseline {
		kind = "external"
	}
	return s.add(&d.Diagnostic, []sarifSuppression{{kind, "accepted", printable(d.Reason)}})
}

func (s *SARIF) add(d *diag.Diagnostic, suppressions []sarifSuppression) error {
	if s.err != nil {
		return s.err
	}
	r := sarifResult{RuleID: d.Code, RuleIndex: s.rule(d), Level: sarifLevels[d.Severity], Message: sarifText{Text: prose(d)},
		Locations: []sarifLocation{{Physical: s.physical(d.File, d.Span, true)}}, Suppressions: suppressions}
	for i, rel := range d.Related {
		file := rel.File
		if file == nil {
			file = d.File
		}
		r.Related = append(r.Related, sarifLocation{ID: i + 1, Message: &sarifText{Text: printable(rel.Message)}, Physical: s.physical(file, rel.Span, true)})
	}
	for _, fix := range d.Fixes {
		if len(fix.Edits) == 0 {
			continue
		}
		change := sarifChange{Artifact: s.artifact(d.File)}
		for _, e := range fix.Edits {
			change.Replacements = append(change.Replacements, sarifReplacement{s.region(d.File, e.Span, false), sarifText{Text: valid(e.Text)}})
		}
		r.Fixes = append(r.Fixes, sarifFix{sarifText{Text: printable(fix.Title)}, []sarifChange{change}, map[string]any{"safety": fix.Safety}})
	}
	r.Fingerprints = map[string]string{"rewrightLine/v1": s.prints.hash(d, &s.o)}
	if w := d.Witness; w != nil {
		r.Properties = map[string]any{"witness": newJSONWitness(w)}
	}
	text, err := compact(r)
	s.err = err
	s.results = append(s.results, json.RawMessage(text))
	return err
}

// rule is the index of a finding's rule, which is described when it is met first.
func (s *SARIF) rule(d *diag.Diagnostic) int {
	if i, ok := s.index[d.Code]; ok {
		return i
	}
	out := sarifRule{ID: d.Code, Name: d.Name, Short: sarifText{Text: d.Name}, Full: sarifText{Text: d.Name}, Help: sarifText{Text: d.Name},
		Configuration: sarifLevel{sarifLevels[d.Severity]}, Properties: sarifProperties{Tags: []string{}}}
	for _, r := range s.o.Rules {
		if r.Code == d.Code {
			out.Short.Text, out.Full.Text = r.Doc.Title, r.Doc.Text
			out.Help = sarifText{Text: r.Doc.Text, Markdown: s.o.page(r)}
			out.Configuration.Level = sarifLevels[r.Severity]
			if f := family(r.Code); f != "" {
				out.Properties.Tags = append(out.Properties.Tags, f)
			}
		}
	}
	s.index[d.Code] = len(s.rules)
	s.rules = append(s.rules, out)
	return len(s.rules) - 1
}

func (s *SARIF) physical(f *source.File, span source.Span, snippet bool) sarifPhysical {
	return sarifPhysical{s.artifact(f), s.region(f, span, snippet)}
}

// artifact is a file as a URI: below the root of the sources where it lies there.
func (s *SARIF) artifact(f *source.File) sarifArtifact {
	name := s.o.named(f.Name)
	u := url.URL{Path: path.Clean(name)}
	if path.IsAbs(name) {
		u.Scheme = "file"
		return sarifArtifact{URI: u.String()}
	}
	return sarifArtifact{URI: u.String(), Base: "%SRCROOT%"}
}

// maxSnippet is the longest text of a region that is shown along, in bytes.
const maxSnippet = 400

func (s *SARIF) region(f *source.File, span source.Span, snippet bool) sarifRegion {
	from, to := position16(f, span.Start), position16(f, span.End)
	r := sarifRegion{StartLine: from.line, StartColumn: from.column, EndLine: to.line, EndColumn: to.column}
	if text := f.Slice(span); snippet && text != "" && len(text) <= maxSnippet {
		r.Snippet = &sarifText{Text: valid(text)}
	}
	return r
}

// valid is text as JSON can hold it: bytes that are no UTF-8 become U+FFFD one by one.
func valid(text string) string { return strings.Map(func(r rune) rune { return r }, text) }

// Close writes the report.
func (s *SARIF) Close() error {
	if s.err != nil {
		return s.err
	}
	if s.rules == nil {
		s.rules = []sarifRule{}
	}
	driver := map[string]any{"name": "rewright", "rules": s.rules}
	if s.o.Version != "" {
		driver["version"] = s.o.Version
	}
	report := map[string]any{
		"$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
		"version": "2.1.0",
		"runs": []any{map[string]any{
			"tool":        map[string]any{"driver": driver},
			"columnKind":  "utf16CodeUnits",
			"invocations": []any{map[string]any{"executionSuccessful": true}},
			"originalUriBaseIds": map[string]any{"%SRCROOT%": map[string]any{
				"description": sarifText{Text: "the folder rewright was run in"}}},
			"results": s.results,
		}},
	}
	text, err := compact(report)
	if err == nil {
		_, err = io.WriteString(s.w, text+"\n")
	}
	return err
}
