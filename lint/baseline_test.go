package lint_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"rewright/lint"
	"rewright/lint/rules"
)

func run(t *testing.T, o lint.Options, inputs ...lint.Input) *lint.Result {
	t.Helper()
	o.Rules = rules.All()
	if len(o.Select) == 0 {
		o.Ignore = append(slices.Clip(o.Ignore), "RD101") // the texts are pieces of a .htaccess
	}
	r, err := lint.Run(t.Context(), o, inputs...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

const old = "RewriteEngine On\nRewriteRule ^a$ /b[L]\nRewriteRule ^a$ /b[L]\nRewriteRule ^b$ - [R=301]\n"

func TestBaseline(t *testing.T) {
	first := run(t, lint.Options{}, htaccess("f", old))
	var text strings.Builder
	if err := lint.NewBaseline(first.Findings, nil).Write(&text); err != nil {
		t.Fatal(err)
	}
	want := `{"rewright-baseline": 1, "findings": [
{"file":"f","rule":"RD004","line":"RewriteRule ^a$ /b[L]","count":2},
{"file":"f","rule":"RD306","line":"RewriteRule ^b$ - [R=301]","count":1}
]}
`
	if diff := cmp.Diff(want, text.String()); diff != "" {
		t.Fatal(diff)
	}
	for _, c := range []struct {
		name, text   string
		o            lint.Options
		fresh, stale string
	}{
		{"as it was", old, lint.Options{}, "", ""},
		{"lines moved and indented", "# new\n\n" + strings.ReplaceAll(old, "RewriteRule ", "  RewriteRule\t "), lint.Options{}, "", ""},
		{"one more", old + "RewriteRule ^a$ /b[L]\n", lint.Options{}, "f:5 RD004", ""},
		{"one gone", "RewriteRule ^a$ /b[L]\nRewriteRule ^b$ - [R=301]\n", lint.Options{}, "", "f RD004 RewriteRule ^a$ /b[L] 1"},
		{"changed", strings.Replace(old, "^b$", "^c$", 1), lint.Options{}, "f:4 RD306", "f RD306 RewriteRule ^b$ - [R=301] 1"},
		{"rule not chosen", "", lint.Options{Select: []string{"RD001"}}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := lint.ReadBaseline(strings.NewReader(text.String()))
			if err != nil {
				t.Fatal(err)
			}
			r := run(t, c.o, htaccess("f", c.text))
			fresh, known, stale := b.Split(r.Findings, nil, r.Checked)
			var gone []string
			for _, e := range stale {
				gone = append(gone, fmt.Sprintf("%s %s %s %d", e.File, e.Rule, e.Line, e.Count))
			}
			if codes(fresh) != c.fresh || strings.Join(gone, ", ") != c.stale || len(fresh)+len(known) != len(r.Findings) {
				t.Errorf("new %q, want %q; gone %q, want %q", codes(fresh), c.fresh, gone, c.stale)
			}
		})
	}
}

func TestBaselineKeep(t *testing.T) {
	a, b := run(t, lint.Options{}, htaccess("a", old)), run(t, lint.Options{}, htaccess("b", old))
	both := lint.NewBaseline(a.Findings, nil)
	both.Keep(lint.NewBaseline(b.Findings, nil), a.Checked)
	if both.Len() != 6 {
		t.Errorf("%d findings are known, want 6: what was not checked stays", both.Len())
	}
	again := lint.NewBaseline(nil, nil)
	again.Keep(both, func(file, code string) bool { return true })
	if again.Len() != 0 {
		t.Error("what was checked and is gone stays")
	}
}

func TestReadBaselineErrors(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "line 1: no baseline"},
		{"no JSON", "{\"rewright-baseline\": 1, \"findings\": [\n{\"file\": x}\n]}", "line 2: no baseline"},
		{"another kind", "{\"rewright-baseline\": 1, \"findings\": [\n{\"file\": 3}\n]}", "line 2: no baseline"},
		{"another file", "{\"findings\": []}", `"rewright-baseline" is missing`},
		{"a later form", "{\"rewright-baseline\": 2, \"findings\": []}", "form 2"},
	} {
		if _, err := lint.ReadBaseline(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestBaselineHuge: many findings, and lines as long as they come.
func TestBaselineHuge(t *testing.T) {
	var text strings.Builder
	for i := range 20_000 {
		fmt.Fprintf(&text, "RewriteRule ^%d$ /b[L]\n", i)
	}
	fmt.Fprintf(&text, "RewriteRule ^%s\xff$ /b[L]\n", strings.Repeat("x", 1<<20))
	r := run(t, lint.Options{Select: []string{"RD004"}}, htaccess("f", text.String()))
	var file strings.Builder
	if err := lint.NewBaseline(r.Findings, nil).Write(&file); err != nil {
		t.Fatal(err)
	}
	if file.Len() > 4<<20 {
		t.Errorf("the baseline has %d bytes", file.Len())
	}
	b, err := lint.ReadBaseline(strings.NewReader(file.String()))
	if err != nil {
		t.Fatal(err)
	}
	fresh, known, stale := b.Split(r.Findings, nil, r.Checked)
	if len(fresh)+len(stale) != 0 || len(known) < 20_001 {
		t.Errorf("%d new, %d known, %d gone", len(fresh), len(known), len(stale))
	}
}

func TestFingerprints(t *testing.T) {
	name := func(shown string) string { return "x/" + shown }
	a := lint.Fingerprints(run(t, lint.Options{}, htaccess("f", old)).Findings, name)
	b := lint.Fingerprints(run(t, lint.Options{}, htaccess("f", "# moved\n"+old)).Findings, name)
	if diff := cmp.Diff(a, b); diff != "" {
		t.Error(diff)
	}
	seen := map[string]bool{}
	for _, f := range a {
		if seen[f.Hash()] || f.File != "x/f" || len(f.Hash()) != 32 {
			t.Errorf("%+v", f)
		}
		seen[f.Hash()] = true
	}
}
