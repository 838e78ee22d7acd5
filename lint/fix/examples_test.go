package fix

import (
	"fmt"
	"testing"

	"rewright/lint"
	"rewright/lint/rules"
	"rewright/parser/diag"
	"rewright/parser/source"
)

// TestExamples makes every fix of every example of every rule, each alone: the rule must be silent afterwards, or have less to say
// where it speaks more than once, and a safe one must be taken by Apply.
func TestExamples(t *testing.T) {
	fixes := map[diag.Safety]int{}
	for _, r := range rules.All() {
		for i, e := range r.Doc.Examples {
			t.Run(fmt.Sprintf("%s/%d", r.ID, i), func(t *testing.T) {
				in := lint.Input{File: source.NewFile("example", []byte(e.Before)), Server: e.Server, Context: e.Where()}
				o := lint.Options{Rules: rules.All(), Select: []string{r.Code}}
				find := func(text []byte) []diag.Diagnostic {
					t.Helper()
					in := in
					in.File = source.NewFile("example", text)
					result, err := lint.Run(t.Context(), o, in)
					if err != nil {
						t.Fatal(err)
					}
					return result.Findings
				}
				before := find(in.File.Text)
				for _, d := range before {
					for _, f := range d.Fixes {
						fixes[f.Safety]++
						after, err := source.Apply(in.File.Text, f.Edits)
						if err != nil {
							t.Errorf("%q: %v", f.Title, err)
							continue
						}
						if left := find(after); len(left) >= len(before) && r.Code != lint.SuppressionProblem {
							t.Errorf("%q (%s) leaves it:\n%s\n%v", f.Title, f.Safety, after, left[0].Message)
						}
					}
				}
				file := apply(t, Options{Lint: o}, in)[0]
				if file.Err != nil {
					t.Error(file.Err)
				}
				for _, l := range file.Left {
					if l.Refused {
						t.Errorf("%q says it is safe and is not: %s", l.Fix.Title, l.Reason)
					}
				}
			})
		}
	}
	t.Logf("fixes made: %v", fixes)
}
