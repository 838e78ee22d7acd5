package report

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	stdflag "flag"

	"github.com/google/go-cmp/cmp"

	"rewright/parser/diag"
	"rewright/parser/source"
)

var update = stdflag.Bool("update", false, "rewrite the expected reports")

// list is the shared list of findings all formats are tested on: tabs, wide and combining characters, CR LF,
// bytes that are no UTF-8, a control character, an empty span at the end of the file, a span over lines, a line
// that is too long, a witness, related places, several fixes, a fix over lines, a name and a message that need escapes
// everywhere, a character beyond the basic plane, two findings alike.
func list() []diag.Diagnostic {
	a := source.NewFile("a/.htaccess", []byte("RewriteEngine On\r\n\tRewriteRule ^a$\t/b [R=301, L]\r\n# 漢字 e\u0301 x\r\nRedirect 301 /\xe4 /b\x1b[31m\r\n"))
	b := source.NewFile("b.conf", []byte("return 301 /x\n"+strings.Repeat("x", 300)+" here "+strings.Repeat("y", 300)))
	c := source.NewFile("c d/ü,:%<&>.conf", []byte("# \U0001F600 \xff\U0001F600 x\nreturn 301;\n"))
	at := func(f *source.File, text string) source.Span {
		i := strings.Index(string(f.Text), text)
		if i < 0 {
			panic("no " + text)
		}
		return source.NewSpan(i, i+len(text))
	}
	return []diag.Diagnostic{
		{Code: "RD003", Name: "space-in-flags", Severity: diag.Error, File: a, Span: at(a, "[R=301, L]"), Refuses: true,
			Message: "a blank ends the flag list here", ServerMessage: "RewriteRule: bad flag delimiters", Help: "remove the blank",
			Fixes: []diag.Fix{{Title: "write `[R=301,L]`", Safety: diag.Safe, Edits: source.Replace(at(a, "[R=301, L]"), "[R=301,L]")},
				{Title: "leave the flags out", Safety: diag.Shown, Edits: source.Replace(at(a, " [R=301, L]"), "")}}},
		{Code: "RD901", Name: "untidy", Severity: diag.Style, File: a, Span: at(a, "x\r"), Message: "a letter behind wide ones"},
		{Code: "RD015", Name: "invisible-character", Severity: diag.Warning, File: a, Span: at(a, "\x1b"), Message: "an escape \x1b[31m in the line",
			Related: []diag.Related{{Span: at(a, "/\xe4"), Message: "the path"}, {File: b, Span: at(b, "301"), Message: "and there"}}},
		{Code: "RD201", Name: "self-redirect", Severity: diag.Info, File: b, Span: at(b, "/x"), Message: "it goes to itself",
			Witness: &diag.Witness{Method: "GET", URL: "http://example.com/x", Header: map[string]string{"Accept": "text/html"},
				Steps: []string{"301 http://example.com/x", "301 http://example.com/x"}},
			Fixes: []diag.Fix{{Title: "insert `;` and a line", Safety: diag.Risky, Edits: source.Insert(at(b, "\n").Start, ";\nreturn 404;")}}},
		{Code: "RD001", Name: "unknown-directive", Severity: diag.Error, File: b, Span: at(b, "here"), Message: "in a long line"},
		{Code: "RD023", Name: "unclosed-section", Severity: diag.Error, File: b, Span: source.Span{Start: int32(len(b.Text)), End: int32(len(b.Text))},
			Message: "at the end of the file"},
		{Code: "RD026", Name: "wrong-argument-count", Severity: diag.Error, File: b, Span: at(b, "/x\nxxx"), Message: "over two lines"},
		{Code: "RD306", Name: "redirect-without-target", Severity: diag.Error, File: c, Span: at(c, "x\n"), Message: "100%, \"quoted\" <b>&amp; a, b: c"},
		{Code: "RD306", Name: "redirect-without-target", Severity: diag.Error, File: c, Span: at(c, "301"), Message: "alike"},
		{Code: "RD306", Name: "redirect-without-target", Severity: diag.Error, File: c, Span: at(c, "301"), Message: "alike", Refuses: true,
			Fixes:   []diag.Fix{{Title: "two edits", Safety: diag.Safe, Edits: append(source.Replace(at(c, "301"), "404"), source.Insert(0, "# é\n")...)}},
			Witness: &diag.Witness{Method: "GET", URL: "http://example.com/", Steps: []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "500"}}},
	}
}

func render(t *testing.T, make func(w *strings.Builder) Writer, list []diag.Diagnostic) string {
	t.Helper()
	var b strings.Builder
	if err := All(make(&b), list); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestText(t *testing.T) {
	totals := &Totals{Files: 3, Suppressed: 1}
	for _, c := range []struct {
		name, golden string
		colour       bool
		list         []diag.Diagnostic
	}{
		{"plain", "text.txt", false, list()},
		{"colour", "colour.txt", true, list()[:2]},
		{"nothing", "text-empty.txt", false, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := render(t, func(b *strings.Builder) Writer { return NewText(b, c.colour, totals) }, c.list)
			golden(t, c.golden, got)
			if !c.colour && strings.Contains(got, "\x1b") {
				t.Error("an escape character of the file reaches the terminal")
			}
		})
	}
}

func TestJSON(t *testing.T) {
	got := render(t, func(b *strings.Builder) Writer { return NewJSON(b, &Totals{Files: 3, Suppressed: 1}) }, list())
	golden(t, "report.json", got)
	var v struct {
		Findings []map[string]any `json:"findings"`
		Summary  map[string]any   `json:"summary"`
	}
	if err := json.Unmarshal([]byte(got), &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Findings) != len(list()) {
		t.Errorf("%d findings", len(v.Findings))
	}
	for _, key := range []string{"file", "code", "name", "severity", "message", "refuses", "start", "end", "fix", "witness", "related"} {
		if _, ok := v.Findings[1][key]; !ok {
			t.Errorf("a finding without %q", key)
		}
	}
	empty := render(t, func(b *strings.Builder) Writer { return NewJSON(b, nil) }, nil)
	golden(t, "empty.json", empty)
	if err := json.Unmarshal([]byte(empty), &v); err != nil || v.Findings == nil {
		t.Errorf("without findings: %v, %v", err, v.Findings)
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := "testdata/" + name
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}
