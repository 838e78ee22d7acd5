package report

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/xeipuuv/gojsonschema"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/source"
)

// described are rules as reports describe them; findings of others are described by their names.
var described = []*lint.Rule{
	{Code: "RD003", ID: "space-in-flags", Severity: diag.Error, Doc: lint.Doc{Title: "a blank in a flag list", Text: "It ends there."}},
	{Code: "RD201", ID: "self-redirect", Severity: diag.Warning, Doc: lint.Doc{Title: "a redirect to itself", Text: "It never ends."}},
}

func options() Options {
	return Options{Totals: &Totals{Files: 4, Suppressed: 1, Known: 2}, Rules: described, Version: "1.2.3", FailAt: diag.Warning,
		Page: func(r *lint.Rule) string { return "## " + r.Code + "\n\n`" + r.ID + "`\n" },
		Path: func(shown string) string {
			if shown == "b.conf" {
				return "/elsewhere/b.conf"
			}
			return shown
		}}
}

// inFormat writes the shared list in a format, and one silenced finding of each kind where the format shows them.
func inFormat(t *testing.T, format string, list []diag.Diagnostic) string {
	t.Helper()
	var b strings.Builder
	w := New(format, &b, options())
	for _, d := range list {
		if err := w.Write(d); err != nil {
			t.Fatal(err)
		}
	}
	if s, ok := w.(Silencer); ok && len(list) > 0 {
		for i, known := range []bool{false, true} {
			if err := s.Silence(lint.Silenced{Diagnostic: list[i], Reason: "because", Baseline: known}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestFormats compares each format with its golden file, with findings and without, and reads it with another reader.
func TestFormats(t *testing.T) {
	read := map[string]func(t *testing.T, text string, findings int){
		"text": func(*testing.T, string, int) {}, "json": readJSON, "sarif": readSARIF, "github": readGitHub, "gitlab": readGitLab,
		"checkstyle": readXML, "junit": readXML, "rdjsonl": readRDJSONL,
	}
	for _, format := range Formats {
		t.Run(format, func(t *testing.T) {
			for _, c := range []struct {
				file string
				list []diag.Diagnostic
			}{{"all." + format, list()}, {"none." + format, nil}} {
				got := inFormat(t, format, c.list)
				shown := got
				if format == "sarif" || format == "gitlab" {
					shown = indented(t, got)
				}
				golden(t, c.file, shown)
				if strings.Contains(got, "\x1b") || !utf8.ValidString(got) {
					t.Error("a control character, or a byte that is no UTF-8, comes through")
				}
				read[format](t, got, len(c.list))
			}
		})
	}
	if New("xlsx", io.Discard, Options{}) != nil {
		t.Error("a format that is none")
	}
	for _, format := range Formats {
		if New(format, io.Discard, Options{}).Close() != nil {
			t.Errorf("%s without options fails", format)
		}
	}
}

func indented(t *testing.T, text string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	out, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out) + "\n"
}

func readJSON(t *testing.T, text string, findings int) {
	var v struct{ Findings []any }
	if err := json.Unmarshal([]byte(text), &v); err != nil || len(v.Findings) != findings || v.Findings == nil {
		t.Errorf("%d findings, %v", len(v.Findings), err)
	}
}

// sarifSchema is the JSON schema of SARIF 2.1.0 with errata 01. The module go-sarif ships it as a constant it keeps to itself
// (its own Validate looks at what it made of the report, not at the report), so it is taken out of its source.
var sarifSchema = sync.OnceValues(func() (*gojsonschema.Schema, error) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/owenrumney/go-sarif/v3").Output()
	if err != nil {
		return nil, err
	}
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(strings.TrimSpace(string(dir)), "pkg/report/v210/sarif/schema.go"), nil, 0)
	if err != nil {
		return nil, err
	}
	text := ""
	ast.Inspect(file, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING && len(l.Value) > 10_000 {
			text, _ = strconv.Unquote(l.Value)
		}
		return true
	})
	return gojsonschema.NewSchema(gojsonschema.NewStringLoader(text))
})

// faults is what the schema says of a report.
func faults(t *testing.T, text string) []gojsonschema.ResultError {
	t.Helper()
	schema, err := sarifSchema()
	if err != nil {
		t.Fatal(err)
	}
	r, err := schema.Validate(gojsonschema.NewStringLoader(text))
	if err != nil {
		t.Fatal(err)
	}
	return r.Errors()
}

// readSARIF validates a report, and reads it as a program would.
func readSARIF(t *testing.T, text string, findings int) {
	r, err := sarif.FromString(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range faults(t, text) {
		t.Errorf("not valid: %v", f)
	}
	if n := len(r.Runs[0].Results); findings > 0 && n != findings+2 || findings == 0 && n != 0 {
		t.Errorf("%d results of %d findings", n, findings)
	}
	prints := map[string]bool{}
	for _, res := range r.Runs[0].Results {
		if res.Suppressions == nil {
			print := res.PartialFingerprints["rewrightLine/v1"]
			if prints[print] {
				t.Errorf("two results with the fingerprint %s", print)
			}
			prints[print] = true
		}
		if rule := r.Runs[0].Tool.Driver.Rules[res.RuleIndex]; *rule.ID != *res.RuleID {
			t.Errorf("%s points to the rule %s", *res.RuleID, *rule.ID)
		}
	}
	for _, broken := range [][2]string{{`"version":"2.1.0"`, `"version":"2.0"`}, {`"columnKind":"utf16CodeUnits"`, `"columnKind":"bytes"`}, {`"results":`, `"rezults":`}} {
		if len(faults(t, strings.Replace(text, broken[0], broken[1], 1))) == 0 {
			t.Errorf("%s passes the schema", broken[1])
		}
	}
}

// TestColumns16 holds columns against the UTF-16 text that readers make of the file.
func TestColumns16(t *testing.T) {
	f := source.NewFile("f", []byte("a\U0001F600b\xff\u00e9c\r\n\U0001F600\nx"))
	for offset := range len(f.Text) + 1 {
		if !utf8.RuneStart(append(f.Text, 'x')[offset]) && f.Text[offset] != 0xff {
			continue
		}
		p := f.Position(int32(offset))
		line := string(f.Text[offset-p.Column+1 : offset])
		want := len(utf16.Encode([]rune(line))) + 1
		if got := position16(f, int32(offset)); got.line != p.Line || got.column != want {
			t.Errorf("offset %d: %v, want %d:%d", offset, got, p.Line, want)
		}
	}
}

// readGitHub takes the commands apart as the runner does.
func readGitHub(t *testing.T, text string, findings int) {
	lines := strings.SplitAfter(text, "\n")
	if len(lines)-1 != findings {
		t.Errorf("%d lines", len(lines)-1)
	}
	for i, line := range lines[:len(lines)-1] {
		rest, ok := strings.CutPrefix(line, "::")
		command, message, ok2 := strings.Cut(rest, "::")
		_, properties, ok3 := strings.Cut(command, " ")
		if !ok || !ok2 || !ok3 {
			t.Fatalf("no command: %q", line)
		}
		got := map[string]string{}
		for _, p := range strings.Split(properties, ",") {
			name, value, _ := strings.Cut(p, "=")
			got[name] = strings.NewReplacer("%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%").Replace(value)
		}
		d := list()[i]
		o := options()
		if got["file"] != o.path(&d) || got["title"] != d.Code+" "+d.Name {
			t.Errorf("%q: %v", line, got)
		}
		message = strings.NewReplacer("%0D", "\r", "%0A", "\n", "%25", "%").Replace(strings.TrimSuffix(message, "\n"))
		if message != prose(&d) {
			t.Errorf("message %q, want %q", message, prose(&d))
		}
	}
}

func readGitLab(t *testing.T, text string, findings int) {
	var v []struct{ Description, Fingerprint, Severity string }
	if err := json.Unmarshal([]byte(text), &v); err != nil || len(v) != findings {
		t.Errorf("%d issues, %v", len(v), err)
	}
	seen := map[string]bool{}
	for _, i := range v {
		if seen[i.Fingerprint] {
			t.Errorf("GitLab drops the second issue with the fingerprint %s", i.Fingerprint)
		}
		seen[i.Fingerprint] = true
	}
}

func readXML(t *testing.T, text string, findings int) {
	d := xml.NewDecoder(strings.NewReader(text))
	n := 0
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := tok.(xml.StartElement); ok && (e.Name.Local == "error" || e.Name.Local == "testcase") {
			n++
			if e.Name.Local == "error" && findings == 0 {
				t.Error("an error without a finding")
			}
		}
	}
	if findings > 0 && n != findings {
		t.Errorf("%d elements of %d findings", n, findings)
	}
}

func readRDJSONL(t *testing.T, text string, findings int) {
	d := json.NewDecoder(strings.NewReader(text))
	n := 0
	for d.More() {
		var v struct {
			Message     string
			Location    struct{ Path string }
			Suggestions []struct{ Text string }
		}
		if err := d.Decode(&v); err != nil {
			t.Fatal(err)
		}
		if v.Message == "" || v.Location.Path == "" {
			t.Errorf("%+v", v)
		}
		n++
	}
	if n != findings {
		t.Errorf("%d diagnostics", n)
	}
}

func TestStatistics(t *testing.T) {
	for name, asJSON := range map[string]bool{"statistics.txt": false, "statistics.json": true} {
		var b strings.Builder
		if err := All(NewStatistics(&b, asJSON, options()), list()); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.String())
	}
	var b strings.Builder
	if err := NewStatistics(&b, true, options()).Close(); err != nil || b.String() != "[]\n" {
		t.Errorf("without findings: %q, %v", b.String(), err)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, os.ErrClosed }

func TestWriteError(t *testing.T) {
	writers := map[string]Writer{"statistics": NewStatistics(broken{}, false, Options{})}
	for _, f := range Formats {
		writers[f] = New(f, broken{}, options())
	}
	for name, w := range writers {
		if err := All(w, list()); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: the error of the writer is lost: %v", name, err)
		}
	}
}
