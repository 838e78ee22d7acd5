package fix

import (
	"fmt"
	"maps"
	"math/rand"
	"os"
	"strconv"
	"strings"
	"testing"

	"rewright/lint"
	"rewright/lint/rules"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/source"
)

// TestSeededCorpus puts one mistake at a time into real configurations of which no rule has anything to say, and counts how many are
// found at their line and how many are mended by the fix that is offered. A change that the server answers alike is no mistake
// and is put elsewhere. REWRIGHT_SEED_FILES is the number of files; REWRIGHT_SEED_OUT a file for what was missed.
func TestSeededCorpus(t *testing.T) {
	files := corpus(t)
	n := 12
	if said, _ := strconv.Atoi(os.Getenv("REWRIGHT_SEED_FILES")); said > 0 {
		n = said
	}
	clean := probe.Spread(cleanFiles(t, files), n)
	var missed strings.Builder
	var table strings.Builder
	injectedAll, foundAll, unsafeAll := 0, 0, 0
	for _, kind := range seededKinds {
		var injected, found, loud, offered, mended, unsafe, shown int
		for i, f := range clean {
			if kind.server != 0 && f.input.Server != kind.server {
				continue
			}
			m, ok := seed(f, kind, rand.New(rand.NewSource(int64(i))))
			if !ok {
				continue
			}
			injected++
			tell := func(what string) {
				fmt.Fprintf(&missed, "%s\t%s:%d\t%s\t%s\t%s\n", kind.name, f.name, m.line, strings.TrimSpace(m.old), strings.TrimSpace(m.now), what)
			}
			d, ok := m.finding(t, kind)
			if !ok {
				tell("not found")
				continue
			}
			found++
			if d.Severity >= diag.Warning {
				loud++
			}
			if len(d.Fixes) == 0 {
				continue
			}
			if d.Fixes[0].Safety == diag.Shown {
				shown++
				continue
			}
			offered++
			switch why := m.restored(t, d); {
			case why == "":
				mended++
			case d.Fixes[0].Safety == diag.Safe:
				unsafe++
				tell(d.Code + ", safe: " + why)
			default:
				tell(d.Code + ": " + why)
			}
		}
		injectedAll, foundAll = injectedAll+injected, foundAll+found
		fmt.Fprintf(&table, "%-30s %4d made %4d found %4d warnings or worse %4d with a fix %4d restored by it %3d not by a safe one %3d with one to choose\n",
			kind.name, injected, found, loud, offered, mended, unsafe, shown)
		unsafeAll += unsafe
	}
	t.Logf("%d files, %d mistakes, %d found\n%s", len(clean), injectedAll, foundAll, table.String())
	if path := os.Getenv("REWRIGHT_SEED_OUT"); path != "" {
		if err := os.WriteFile(path, []byte(missed.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if injectedAll > 0 && foundAll*100 < injectedAll*80 {
		t.Errorf("%d of %d mistakes are found, fewer than 80 of 100", foundAll, injectedAll)
	}
}

// cleanFiles are those that the server takes and of which no rule that is on says more than an info.
func cleanFiles(t *testing.T, files []corpusFile) []corpusFile {
	inputs := make([]lint.Input, len(files))
	for i := range files {
		inputs[i] = files[i].input
	}
	result, err := lint.Run(t.Context(), lint.Options{Rules: rules.All()}, inputs...)
	if err != nil {
		t.Fatal(err)
	}
	spoken := map[string]bool{}
	for _, d := range result.Findings {
		if d.Severity >= diag.Warning {
			spoken[d.File.Name] = true
		}
	}
	var out []corpusFile
	for _, f := range files {
		// Lines with CR would hide what an injection did to their end.
		if f.accepted && !spoken[f.name] && len(f.input.File.Text) < 20_000 && !strings.Contains(string(f.input.File.Text), "\r") {
			out = append(out, f)
		}
	}
	return out
}

// mistake is a configuration with one.
type mistake struct {
	file     corpusFile
	input    lint.Input // with the mistake
	line     int        // from 1
	old, now string     // the line
	asked    []probe.Probe
	before   map[any]int // findings of the file without the mistake, by code and line
}

// seed puts a mistake of a kind into a file, at a place where it matters.
func seed(f corpusFile, kind seeded, r *rand.Rand) (mistake, bool) {
	lines := strings.Split(string(f.input.File.Text), "\n")
	u0 := lint.Load(f.input)
	tries := 0
	for _, i := range r.Perm(len(lines)) {
		if s := strings.TrimSpace(lines[i]); s == "" || s[0] == '#' {
			continue
		}
		out, ok := kind.inject(lines, i, f)
		if !ok {
			continue
		}
		if tries++; tries > 6 {
			break
		}
		m := mistake{file: f, input: f.input, line: i + 1, old: lines[i], now: out[i]}
		m.input.File = source.NewFile(f.name, []byte(strings.Join(out, "\n")))
		u1 := lint.Load(m.input)
		if refusalCount(u1) > refusalCount(u0) || u0.Site() != nil && u1.Site() == nil {
			return m, true
		}
		if u0.Site() != nil && m.matters(u0, u1) {
			return m, true
		}
	}
	return mistake{}, false
}

// matters tells whether a request that is tried is answered otherwise with the mistake.
func (m *mistake) matters(u0, u1 *lint.Unit) bool {
	a := &asker{s0: u0.Site(), s1: u1.Site(), seen: map[string]bool{}}
	for _, u := range []*lint.Unit{u0, u1} {
		span := u.Input.File.LineSpan(m.line)
		for _, r := range probe.Spread(rulesAt(u.Site(), map[string][]source.Span{m.file.name: {span}}), 6) {
			list := append(append(u.Site().Requests(r, 6), headerProbes(u.Site(), r)...), u.Site().NearMisses(r, 12)...)
			for _, p := range list {
				m.asked = append(m.asked, p)
				for i := 0; i < len(p.Request.Target); i++ { // where a dot stood any byte may
					if p.Request.Target[i] == '.' {
						q := p
						q.Request.Target = p.Request.Target[:i] + "x" + p.Request.Target[i+1:]
						m.asked = append(m.asked, q)
						break
					}
				}
			}
		}
	}
	m.asked = append(m.asked, general(u0, nil)...)
	for _, p := range m.asked {
		if q, fresh := a.ask(p); fresh && q.before.Known && q.after.Known && !same(&q.before, &q.after) {
			return true
		}
	}
	return false
}

// news are the findings of the mistaken text, and of what became of it, that the file did not have.
func (m *mistake) news(t *testing.T, text []byte) []diag.Diagnostic {
	t.Helper()
	run := func(in lint.Input) []diag.Diagnostic {
		result, err := lint.Run(t.Context(), lint.Options{Rules: rules.All(), Workers: 1}, in)
		if err != nil {
			t.Fatal(err)
		}
		return result.Findings
	}
	type said struct{ code, line string }
	key := func(d diag.Diagnostic) said {
		return said{d.Code, strings.TrimSpace(d.File.Slice(d.File.LineSpan(d.File.Line(d.Span.Start))))}
	}
	if m.before == nil {
		m.before = map[any]int{}
		for _, d := range run(m.file.input) {
			m.before[key(d)]++
		}
	}
	before := maps.Clone(m.before)
	in := m.input
	in.File = source.NewFile(m.file.name, text)
	var out []diag.Diagnostic
	for _, d := range run(in) {
		if k := key(d); before[k] > 0 {
			before[k]--
			continue
		}
		out = append(out, d)
	}
	return out
}

// finding is what lint says at the mistake and did not say before it was made.
func (m *mistake) finding(t *testing.T, kind seeded) (diag.Diagnostic, bool) {
	t.Helper()
	best, ok := diag.Diagnostic{}, false
	for _, d := range m.news(t, m.input.File.Text) {
		first, last := d.File.Line(d.Span.Start), d.File.Line(max(d.Span.Start, d.Span.End-1))
		at := kind.anywhere || first <= m.line+kind.spread && last >= m.line
		for _, r := range d.Related { // the other half of what two lines do together
			at = at || r.File == d.File && r.File.Line(r.Span.Start) == m.line
		}
		if at && (!ok || d.Severity > best.Severity || d.Severity == best.Severity && len(best.Fixes) == 0) {
			best, ok = d, true
		}
	}
	return best, ok
}

// restored says which answer is not the one that the file had when the fix of a finding is made, and the fixes that follow at
// its line, the worst first; "" as soon as all that is tried are. Fixes that a person has to choose are left alone.
func (m *mistake) restored(t *testing.T, found diag.Diagnostic) string {
	t.Helper()
	text := m.input.File.Text
	fix, why := found.Fixes[0], ""
	for range 4 {
		next, err := source.Apply(text, fix.Edits)
		if err != nil {
			t.Fatal(err)
		}
		text = next
		if why = m.differs(text); why == "" {
			return ""
		}
		worst := diag.Severity(0)
		for _, d := range m.news(t, text) {
			if len(d.Fixes) > 0 && d.Fixes[0].Safety != diag.Shown && d.File.Line(d.Span.Start) == m.line && d.Severity > worst {
				worst, fix = d.Severity, d.Fixes[0]
			}
		}
		if worst < diag.Warning {
			break
		}
	}
	return why
}

// differs says which answer of a text is not the one that the file gave, "" when all that is tried are.
func (m *mistake) differs(text []byte) string {
	if string(text) == string(m.file.input.File.Text) {
		return ""
	}
	in := m.input
	in.File = source.NewFile(m.file.name, text)
	u0, u1 := lint.Load(m.file.input), lint.Load(in)
	if refusalCount(u1) > refusalCount(u0) {
		return "the server refuses it"
	}
	if u0.Site() == nil || u1.Site() == nil {
		return "it cannot be asked"
	}
	a := &asker{s0: u0.Site(), s1: u1.Site(), seen: map[string]bool{}}
	list := append(append([]probe.Probe(nil), m.asked...), general(u0, nil)...)
	var rules []*ir.Rule = u0.Site().Rules()
	for _, r := range probe.Spread(rules, 20) {
		list = append(list, u0.Site().Requests(r, 3)...)
	}
	for _, p := range list {
		if q, fresh := a.ask(p); fresh && !same(&q.before, &q.after) {
			return newChange(u0.Site(), q, "", "").String() + "\t" + firstDifference(m.file.input.File.Text, text)
		}
	}
	return ""
}

// firstDifference is the first line of two texts that is not the same.
func firstDifference(a, b []byte) string {
	x, y := strings.Split(string(a), "\n"), strings.Split(string(b), "\n")
	for i := range min(len(x), len(y)) {
		if x[i] != y[i] {
			return strings.TrimSpace(x[i]) + " ⇒ " + strings.TrimSpace(y[i])
		}
	}
	return "the number of lines"
}
