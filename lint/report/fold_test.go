package report

import (
	"strings"
	"testing"

	"rewright/parser/diag"
	"rewright/parser/source"
)

// TestFold checks that many findings of one kind are told once they are more than a reader wants, and that nothing above an info is left out.
func TestFold(t *testing.T) {
	f := source.NewFile("a.conf", []byte(strings.Repeat("x\n", 10)))
	g := source.NewFile("b.conf", []byte("x\n"))
	var list []diag.Diagnostic
	at := func(f *source.File, line int, code string, s diag.Severity) {
		list = append(list, diag.Diagnostic{Code: code, Name: "kind-" + code, Severity: s, File: f, Span: f.LineSpan(line), Message: "told of line"})
	}
	for line := 1; line <= 6; line++ {
		at(f, line, "RD509", diag.Info)
		at(f, line, "RD206", diag.Warning)
	}
	at(g, 1, "RD509", diag.Info)
	for _, c := range []struct {
		all         bool
		infos, warn int
		summary     string
	}{
		{false, 4, 6, "a.conf: info RD509 kind-RD509: 3 more of this kind in the file; --all shows them\nb.conf:1:1: info RD509"},
		{true, 7, 6, ""},
	} {
		got := render(t, func(b *strings.Builder) Writer {
			w := NewText(b, false, nil)
			w.All = c.all
			return w
		}, list)
		if n := strings.Count(got, "info RD509 kind-RD509: told"); n != c.infos {
			t.Errorf("all %v: %d infos are shown, not %d:\n%s", c.all, n, c.infos, got)
		}
		if n := strings.Count(got, "warning RD206"); n != c.warn {
			t.Errorf("all %v: %d warnings are shown, not %d", c.all, n, c.warn)
		}
		if !strings.Contains(got, c.summary) || c.all && strings.Contains(got, "more of this kind") {
			t.Errorf("all %v: the summary is not as wanted:\n%s", c.all, got)
		}
		if !strings.Contains(got, "6 warnings, 7 info in 2 files") {
			t.Errorf("all %v: folded findings do not count:\n%s", c.all, got)
		}
	}
}
