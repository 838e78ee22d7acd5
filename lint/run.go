package lint

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"

	"rewright/parser/diag"
	"rewright/parser/source"
)

// Options say which rules run and how.
type Options struct {
	Rules  []*Rule  // all that exist; usually rules.All()
	Select []string // codes, beginnings of codes, names; empty: all rules that are not off
	Ignore []string // the same; beats Select
	// Severity gives rules, by code or name, another severity. What refuses a file stays an error.
	Severity map[string]diag.Severity
	Workers  int // files checked side by side; 0: as many as there are processors
	// Progress is called when an input has been checked, from several goroutines at once; nil: not.
	Progress func()
}

// Result is what a run found.
type Result struct {
	Findings   []diag.Diagnostic // sorted: file, start, longer first, code
	Files      int               // inputs checked
	Suppressed int               // findings silenced by comments
	Silenced   []Silenced        // those findings, in the same order

	checked map[string]*selection // rules that looked at each file, by its name
}

// Silenced is a finding that is not told.
type Silenced struct {
	diag.Diagnostic
	Reason   string // what the comment says behind --; may be empty
	Baseline bool   // a baseline knows it; else a comment silences it
}

// Checked tells whether a rule looked at a file, named as in findings.
func (r *Result) Checked(file, code string) bool {
	c := r.checked[file]
	return c != nil && c.on[code]
}

// CheckedFiles are the names of all files that were looked at, included ones among them, sorted.
func (r *Result) CheckedFiles() []string { return slices.Sorted(maps.Keys(r.checked)) }

// Worst is the highest severity among the findings, 0 when there are none.
func (r *Result) Worst() diag.Severity {
	worst := diag.Severity(0)
	for i := range r.Findings {
		worst = max(worst, r.Findings[i].Severity)
	}
	return worst
}

// Count is the number of findings of a severity.
func (r *Result) Count(s diag.Severity) int {
	n := 0
	for i := range r.Findings {
		if r.Findings[i].Severity == s {
			n++
		}
	}
	return n
}

// Fails tells whether any finding is at or above a severity (--fail-on).
func (r *Result) Fails(at diag.Severity) bool { return len(r.Findings) > 0 && r.Worst() >= at }

// Run checks inputs side by side; the result does not depend on the order in which they finish.
// Errors are a selection that names no rule, and the end of ctx.
func Run(ctx context.Context, o Options, inputs ...Input) (*Result, error) {
	chosen, err := o.choose()
	if err != nil {
		return nil, err
	}
	choices := map[*Choice]*selection{nil: chosen}
	for i := range inputs {
		if c := inputs[i].Choice; choices[c] == nil {
			if choices[c], err = chooseRules(o.Rules, c); err != nil {
				return nil, err
			}
		}
	}
	units := make([]*Unit, len(inputs))
	if err := newCrew(o.Workers).sideBySide(ctx, len(inputs), func(i int) { units[i] = Load(inputs[i]) }); err != nil {
		return nil, fmt.Errorf("lint: %w", err)
	}
	LinkSites(units)
	included := includedFiles(units)
	type outcome struct {
		findings []diag.Diagnostic
		silenced []Silenced
		files    []string
	}
	outcomes := make([]outcome, len(inputs))
	team := newCrew(o.Workers)
	err = team.sideBySide(ctx, len(inputs), func(i int) {
		if !included[i] && !inputs[i].Unchecked {
			f, s := choices[inputs[i].Choice].check(units[i], team)
			outcomes[i] = outcome{f, s, make([]string, len(units[i].Files))}
			for k, file := range units[i].Files {
				outcomes[i].files[k] = file.Name
			}
		}
		units[i] = nil
		if o.Progress != nil {
			o.Progress()
		}
	})
	if err != nil {
		return nil, fmt.Errorf("lint: %w", err)
	}
	r := &Result{checked: make(map[string]*selection, len(inputs))}
	for i := range inputs {
		if !inputs[i].Unchecked {
			r.Files++
		}
	}
	for i, out := range outcomes {
		r.Findings = append(r.Findings, out.findings...)
		r.Silenced = append(r.Silenced, out.silenced...)
		for _, name := range out.files {
			r.checked[name] = choices[inputs[i].Choice]
		}
	}
	r.Findings = dedupe(r.Findings)
	diag.Sort(r.Findings)
	slices.SortStableFunc(r.Silenced, func(a, b Silenced) int { return diag.Compare(&a.Diagnostic, &b.Diagnostic) })
	r.Suppressed = len(r.Silenced)
	return r, nil
}

// includedFiles tells of each unit whether another one includes its file: it is checked there, for alone its
// context is a guess. Of files that include each other one is kept.
func includedFiles(units []*Unit) []bool {
	by := map[string]bool{} // files that some other unit includes
	for _, u := range units {
		for _, f := range u.Files[1:] {
			if f.Name != u.Input.File.Name {
				by[f.Name] = true
			}
		}
	}
	out := make([]bool, len(units))
	done := map[string]bool{}
	keep := func(u *Unit) {
		for _, f := range u.Files[1:] {
			done[f.Name] = true
		}
	}
	for _, u := range units {
		if !by[u.Input.File.Name] {
			keep(u)
		}
	}
	for i, u := range units {
		name := u.Input.File.Name
		if !by[name] {
			continue
		}
		if out[i] = done[name]; !out[i] {
			keep(u)
		}
	}
	return out
}

// Check runs the chosen rules over one configuration that is already loaded. Findings come sorted.
func Check(o Options, u *Unit) ([]diag.Diagnostic, error) {
	chosen, err := o.choose()
	if err != nil {
		return nil, err
	}
	list, _ := chosen.check(u, alone(o.Workers))
	return list, nil
}

// place is what makes two findings the same: one file can be read through several includes.
type place struct {
	name string
	span source.Span
	code string
}

// dedupe keeps one finding of a rule for a place, the one that refuses the file before others.
func dedupe(list []diag.Diagnostic) []diag.Diagnostic {
	seen := make(map[place]int, len(list))
	out := list[:0:0]
	for _, d := range list {
		k := place{d.File.Name, d.Span, d.Code}
		if i, ok := seen[k]; ok {
			if d.Refuses && !out[i].Refuses {
				out[i] = d
			}
			continue
		}
		seen[k] = len(out)
		out = append(out, d)
	}
	return out
}

// check runs the rules over one unit; of a large one several at a time, as far as the crew has anybody idle.
func (c *selection) check(u *Unit, team *crew) (findings []diag.Diagnostic, silenced []Silenced) {
	report := func(d diag.Diagnostic) {
		if c.on[d.Code] {
			findings = append(findings, c.withSeverity(d))
		}
	}
	c.explainAll(u, report)
	for _, found := range c.runRules(u, team) {
		findings = append(findings, found...)
	}
	if r := c.byName[NotAnalysed]; r != nil && u.SiteSpent() {
		report(diag.Diagnostic{Code: r.Code, Name: r.ID, Severity: diag.Info, File: u.Input.File,
			Message: "this configuration would need more requests than are asked in one run: rules that prove what they say with a request have not looked at all of it"})
	}
	findings = c.yield(dedupe(findings))
	findings, silenced = c.suppress(u, findings)
	diag.Sort(findings)
	return findings, silenced
}

// withSeverity gives a finding the severity that was asked for its rule.
func (c *selection) withSeverity(d diag.Diagnostic) diag.Diagnostic {
	if s, ok := c.severity[d.Code]; ok && !d.Refuses {
		d.Severity = s
	}
	return d
}

// maxExplained bounds the diagnostics of a unit that rules look into: each may look at its whole line, and a file that has more
// is no configuration.
const maxExplained = 10_000

// explainAll turns every diagnostic of the parsers into the finding of one rule.
func (c *selection) explainAll(u *Unit, report func(diag.Diagnostic)) {
	for i := range u.Diagnostics {
		d := u.Diagnostics[i]
		at := u.At(d.File, d.Span.Start)
		taken := false
		for _, r := range c.explainers[d.Code] {
			if !r.For.Has(u.Input.Server) {
				continue
			}
			given := d
			given.Severity = severityOf(r, &d)
			if r.Explain == nil {
				given.Code, given.Name = r.Code, r.ID
				report(given)
				taken = true
				break
			}
			if i >= maxExplained {
				continue // the rule for what the server refuses says it in its words
			}
			p := &Pass{Rule: r, Unit: u, File: d.File, report: report}
			if out, ok := r.Explain(p, given, at); ok {
				if out.Severity != 0 {
					out.Code, out.Name = r.Code, r.ID
					report(out)
				}
				taken = true
				break
			}
		}
		if !taken {
			if r := c.catchAll; r != nil && d.Refuses {
				d.Code, d.Name, d.Severity = r.Code, r.ID, diag.Error
			}
			report(d)
		}
	}
}

// severityOf is the rule's own severity for what refuses a file; the parser's where it knows better.
func severityOf(r *Rule, d *diag.Diagnostic) diag.Severity {
	if d.Refuses || d.Severity == 0 {
		return max(r.Severity, diag.Error)
	}
	return d.Severity
}

// selection is Options made ready: which rules are on and who explains which code.
type selection struct {
	rules      []*Rule
	on         map[string]bool
	severity   map[string]diag.Severity
	explainers map[string][]*Rule
	catchAll   *Rule // explains refusals whose code no rule has
	suppressor *Rule // says what is wrong with suppressions
	byName     map[string]*Rule
}

func (o *Options) choose() (*selection, error) {
	return chooseRules(o.Rules, &Choice{o.Select, o.Ignore, o.Severity})
}

// newNames knows the rules by their names, and nothing of a choice.
func newNames(rules []*Rule) *selection {
	c := &selection{rules: rules, byName: make(map[string]*Rule, 2*len(rules))}
	for _, r := range rules {
		c.byName[r.Code], c.byName[r.ID] = r, r
	}
	return c
}

func chooseRules(rules []*Rule, o *Choice) (*selection, error) {
	c := newNames(rules)
	c.on, c.severity, c.explainers = map[string]bool{}, map[string]diag.Severity{}, map[string][]*Rule{}
	for _, r := range rules {
		c.on[r.Code] = !r.Off && len(o.Select) == 0
		switch r.Code {
		case CatchAll:
			c.catchAll = r
		case SuppressionProblem:
			c.suppressor = r
		}
		codes := r.Explains
		if len(codes) == 0 {
			codes = []string{r.Code}
		}
		for _, code := range codes {
			c.explainers[code] = append(c.explainers[code], r)
		}
	}
	for code, list := range c.explainers {
		sort.SliceStable(list, func(i, j int) bool {
			a, b := list[i], list[j]
			if (a.Code == code) != (b.Code == code) {
				return b.Code == code // the owner last
			}
			return a.Precedence > b.Precedence
		})
	}
	for _, word := range o.Select {
		if err := c.each(word, func(r *Rule) { c.on[r.Code] = true }); err != nil {
			return nil, err
		}
	}
	for _, word := range o.Ignore {
		if err := c.each(word, func(r *Rule) { c.on[r.Code] = false }); err != nil {
			return nil, err
		}
	}
	for _, word := range leastToMost(o.Severity) {
		s := o.Severity[word]
		if err := c.each(word, func(r *Rule) { c.severity[r.Code] = s }); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// leastToMost orders the words of a selection from those that stand for many rules to the names of one.
func leastToMost[V any](m map[string]V) []string {
	rank := func(word string) int {
		switch {
		case word == "all":
			return 0
		case len(word) <= len("RD999"):
			return len(word)
		}
		return 100
	}
	return slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a, b))
	})
}

// Codes the engine itself needs to know.
const (
	CatchAll           = "RD029"
	SuppressionProblem = "RD990"
	NotAnalysed        = "RD999"
)

// each calls f for the rules a word of a selection stands for: a name, a code, the beginning of codes, or "all".
func (c *selection) each(word string, f func(*Rule)) error {
	if r := c.byName[word]; r != nil {
		f(r)
		return nil
	}
	found := false
	for _, r := range c.rules {
		if word == "all" || len(word) >= 2 && len(word) <= len(r.Code) && equalFold(r.Code[:len(word)], word) {
			f(r)
			found = true
		}
	}
	if !found {
		return fmt.Errorf("no rule is called %q, and no code begins with it", word)
	}
	return nil
}
