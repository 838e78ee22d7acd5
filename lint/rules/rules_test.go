package rules

import (
	"bytes"
	"errors"
	stdflag "flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

var update = stdflag.Bool("update", false, "rewrite the generated pages")

// check runs all rules over a text.
func check(t *testing.T, name, text string, server ir.Server, context ir.Context, codes ...string) []diag.Diagnostic {
	t.Helper()
	return checkInput(t, lint.Input{File: source.NewFile(name, []byte(text)), Server: server, Context: context}, codes...)
}

// today is the day of the check in tests.
var today = time.Date(2026, 6, 15, 12, 0, 0, 0, time.UTC)

// checkInput runs the rules over a configuration: those of codes, or all that are not off.
func checkInput(t *testing.T, in lint.Input, codes ...string) []diag.Diagnostic {
	t.Helper()
	return checkBelow(t, "", in, codes...)
}

// checkBelow runs the rules over a .htaccess in the folder /sub, with another one in the document root above it; with above
// empty over a configuration that stands alone.
func checkBelow(t *testing.T, above string, in lint.Input, codes ...string) []diag.Diagnostic {
	t.Helper()
	if in.Now.IsZero() {
		in.Now = today
	}
	if above != "" {
		in.Docroot, in.Dir = lint.DefaultDocroot, lint.DefaultDocroot+"/sub"
	}
	u := lint.Load(in)
	if above != "" {
		parent := lint.Input{File: source.NewFile("above/.htaccess", []byte(above)), Server: ir.Apache, Context: ir.ContextHtaccess,
			Docroot: lint.DefaultDocroot, Dir: lint.DefaultDocroot}
		lint.LinkSites([]*lint.Unit{lint.Load(parent), u})
	}
	list, err := lint.Check(lint.Options{Rules: All(), Select: codes}, u)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range list {
		if d.Refuses != saysRefused(d) {
			t.Errorf("refuses is %v, but the message says: %s", d.Refuses, describe(d))
		}
	}
	return list
}

// saysRefused tells whether a message says that the server refuses the file.
func saysRefused(d diag.Diagnostic) bool {
	for _, words := range []string{"will not start", "does not start", "do not start", "answers 500 for every URL", "every request is answered 500"} {
		if strings.Contains(d.Message, words) {
			return true
		}
	}
	return false
}

// describe is one finding in one line.
func describe(d diag.Diagnostic) string {
	return fmt.Sprintf("%s: %s %s %s: %s", d.File.Position(d.Span.Start), d.Severity, d.Code, d.Name, d.Message)
}

func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for i, r := range All() {
		if seen[r.Code] || seen[r.ID] {
			t.Errorf("%s %s is used twice", r.Code, r.ID)
		}
		seen[r.Code], seen[r.ID] = true, true
		if i > 0 && all[i-1].Code >= r.Code {
			t.Errorf("%s stands behind %s", r.Code, all[i-1].Code)
		}
		if !regexp.MustCompile(`^RD\d{3}$`).MatchString(r.Code) || !regexp.MustCompile(`^[a-z]+(-[a-z0-9]+)*$`).MatchString(r.ID) {
			t.Errorf("%q %q: not a code and a name", r.Code, r.ID)
		}
		if r.Doc.Title == "" || r.Doc.Text == "" || r.Doc.Source == "" || r.For == 0 || r.Severity == 0 || r.Since == "" {
			t.Errorf("%s: title, text, source, servers, severity or version are missing", r.ID)
		}
	}
}

// TestExamples runs the halves of every example: the rule fires on the first and is silent on the second.
func TestExamples(t *testing.T) {
	for _, r := range All() {
		shown := lint.Servers(0)
		for i, e := range r.Doc.Examples {
			if e.Server == ir.Nginx {
				shown |= lint.Nginx
			} else {
				shown |= lint.Apache
			}
			t.Run(fmt.Sprintf("%s/%d", r.ID, i), func(t *testing.T) {
				before := checkExample(t, r, e, e.Before)
				if !has(before, r.Code) {
					t.Errorf("silent on\n%s%s", e.Before, lines(before))
				}
				for _, d := range before {
					if d.Code != r.Code && d.Refuses {
						t.Errorf("another rule speaks as well: %s", describe(d))
					}
				}
				after := checkExample(t, r, e, e.After)
				if has(after, r.Code) {
					t.Errorf("fires on\n%s%s", e.After, lines(after))
				}
			})
		}
		if shown != r.For {
			t.Errorf("%s: examples for %s, but the rule is for %s", r.ID, shown, r.For)
		}
	}
}

// checkExample runs the rules over one half of an example; a rule that is off runs alone.
func checkExample(t *testing.T, r *lint.Rule, e lint.Example, text string) []diag.Diagnostic {
	t.Helper()
	in := lint.Input{File: source.NewFile("site", []byte(text)), Server: e.Server, Context: e.Where(), Version: e.Version}
	return checkBelow(t, e.Above, in, alone(r)...)
}

// alone selects a rule that is off; nothing for the others.
func alone(r *lint.Rule) []string {
	if r != nil && r.Off {
		return []string{r.Code}
	}
	return nil
}

func has(list []diag.Diagnostic, code string) bool {
	for _, d := range list {
		if d.Code == code {
			return true
		}
	}
	return false
}

func lines(list []diag.Diagnostic) string {
	var b strings.Builder
	for _, d := range list {
		b.WriteString(describe(d) + "\n")
	}
	return b.String()
}

// TestFixes applies the first fix of every finding of every example and fixture: the text it makes must not
// have the finding any more, and a safe fix must not leave a refusal where there was one.
func TestFixes(t *testing.T) {
	for _, r := range All() {
		for i, e := range r.Doc.Examples {
			t.Run(fmt.Sprintf("%s/%d", r.ID, i), func(t *testing.T) {
				tryFixes(t, []byte(e.Before), func(text string) []diag.Diagnostic { return checkExample(t, r, e, text) })
			})
		}
	}
	for _, f := range fixtures(t) {
		t.Run(f.rule+"/"+f.name, func(t *testing.T) {
			tryFixes(t, f.text, func(text string) []diag.Diagnostic { return f.check(t, text) })
		})
	}
}

func tryFixes(t *testing.T, text []byte, check func(text string) []diag.Diagnostic) {
	t.Helper()
	list := check(string(text))
	for _, d := range list {
		if len(d.Fixes) == 0 {
			continue
		}
		out, err := source.Apply(text, d.Fixes[0].Edits)
		if err != nil {
			t.Errorf("%s: %v", describe(d), err)
			continue
		}
		if bytes.Equal(out, text) {
			t.Errorf("%s: the fix %q changes nothing", describe(d), d.Fixes[0].Title)
		}
		after := check(string(out))
		if d.Code != lint.SuppressionProblem && count(after, d.Code) >= count(list, d.Code) {
			t.Errorf("%s: the fix %q leaves it:\n%s%s", describe(d), d.Fixes[0].Title, out, lines(after))
		}
		if d.Fixes[0].Safety == diag.Safe && refusals(after) > refusals(list) {
			t.Errorf("%s: the fix %q makes other refusals:\n%s%s", describe(d), d.Fixes[0].Title, out, lines(after))
		}
	}
}

func count(list []diag.Diagnostic, code string) int {
	n := 0
	for _, d := range list {
		if d.Code == code {
			n++
		}
	}
	return n
}

func refusals(list []diag.Diagnostic) int {
	n := 0
	for _, d := range list {
		if d.Refuses {
			n++
		}
	}
	return n
}

// fixture is one file under testdata/rules.
type fixture struct {
	rule, name string
	text       []byte
	server     ir.Server
	context    ir.Context
	version    string // of the server: what stands between @ and the last extension, as in firing@1.22.1.nginx
	above      string // of a .htaccess: what stands in the folder above, from the file of the same name in the folder "above"
}

// check runs the rules over a text in the place of the fixture; a rule that is off runs alone on its own fixtures.
func (f *fixture) check(t *testing.T, text string) []diag.Diagnostic {
	t.Helper()
	in := lint.Input{File: source.NewFile(f.name, []byte(text)), Server: f.server, Context: f.context, Version: f.version}
	return checkBelow(t, f.above, in, alone(Find(f.rule))...)
}

const fixtureRoot = "../../testdata/rules"

// fixtureKinds maps the last extension of a fixture's name to where its text belongs.
var fixtureKinds = map[string]struct {
	server  ir.Server
	context ir.Context
}{
	".htaccess": {ir.Apache, ir.ContextHtaccess}, ".vhost": {ir.Apache, ir.ContextVhost}, ".httpd": {ir.Apache, ir.ContextServer},
	".nginx": {ir.Nginx, ir.ContextServer}, ".location": {ir.Nginx, ir.ContextLocation}, ".http": {ir.Nginx, ir.ContextHTTP},
	".main": {ir.Nginx, ir.ContextMain},
}

func fixtures(t *testing.T) []fixture {
	t.Helper()
	var out []fixture
	names, err := filepath.Glob(fixtureRoot + "/*/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range names {
		if filepath.Base(path) == "above" {
			continue
		}
		kind, ok := fixtureKinds[filepath.Ext(path)]
		if !ok {
			t.Errorf("%s: no kind of fixture ends like that", path)
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, version, _ := strings.Cut(strings.TrimSuffix(filepath.Base(path), filepath.Ext(path)), "@")
		above, err := os.ReadFile(filepath.Join(filepath.Dir(path), "above", filepath.Base(path)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		out = append(out, fixture{filepath.Base(filepath.Dir(path)), filepath.Base(path), text, kind.server, kind.context, version, string(above)})
	}
	return out
}

// expectation is one annotation: a finding at a place.
type expectation struct {
	line, column, width int // column in characters; width 1: any
	rule, message       string
	found               bool
}

// elsewhere is an annotation that cannot stand below its text: column and line are written, lines counted without
// those that are annotations.
var elsewhere = regexp.MustCompile(`^\s*#@(\d+):(\d+) (untidy|[a-z]+(?:-[a-z0-9]+)+)(?:: (.*))?$`)

var annotation = regexp.MustCompile(`^\s*#[ \t^]*\^[ \t]*(untidy|[a-z]+(?:-[a-z0-9]+)+)(?::[ \t]*(.*))?$`)

// expectations reads the annotations of a fixture: carets under the text of the line above.
func expectations(text []byte) []*expectation {
	var out []*expectation
	last := 0
	var plain []int // line in the file of each line that is no annotation
	for i, line := range strings.Split(string(text), "\n") {
		if !annotation.MatchString(line) && !elsewhere.MatchString(line) {
			plain = append(plain, i+1)
		}
	}
	for i, line := range strings.Split(string(text), "\n") {
		if m := elsewhere.FindStringSubmatch(line); m != nil {
			e := &expectation{width: 1, rule: m[3], message: m[4]}
			if n, _ := strconv.Atoi(m[1]); n >= 1 && n <= len(plain) {
				e.line = plain[n-1]
			}
			e.column, _ = strconv.Atoi(m[2])
			out = append(out, e)
			continue
		}
		m := annotation.FindStringSubmatch(line)
		if m == nil {
			last = i + 1
			continue
		}
		marks := line[:strings.LastIndexByte(line[:len(line)-len(strings.TrimLeft(line, "# \t^"))], '^')+1]
		column := 0
		for j := 0; j < len(marks); {
			column++
			if marks[j] != '^' {
				_, size := utf8.DecodeRuneInString(marks[j:])
				j += size
				continue
			}
			k := j
			for k < len(marks) && marks[k] == '^' {
				k++
			}
			out = append(out, &expectation{last, column, k - j, m[1], m[2], false})
			column += k - j - 1
			j = k
		}
	}
	return out
}

// TestFixtures compares findings with annotations. Every rule has a firing and a silent fixture for each server.
func TestFixtures(t *testing.T) {
	type kind struct {
		rule   string
		server ir.Server
		firing bool
	}
	seen := map[kind]bool{}
	for _, f := range fixtures(t) {
		t.Run(f.rule+"/"+f.name, func(t *testing.T) {
			r := Find(f.rule)
			if r == nil {
				t.Fatalf("no rule is called %s", f.rule)
			}
			firing := strings.HasPrefix(f.name, "firing")
			if !firing && !strings.HasPrefix(f.name, "silent") {
				t.Fatal("the name begins neither with firing nor with silent")
			}
			seen[kind{f.rule, f.server, firing}] = true
			if *update {
				annotate(t, f)
				return
			}
			want := expectations(f.text)
			list := f.check(t, string(f.text))
			for _, d := range list {
				if !firing && d.Code != r.Code && !d.Refuses {
					continue
				}
				line, column, width := place(d)
				found := false
				for _, e := range want {
					if e.line == line && e.column == column && e.rule == d.Name && !e.found &&
						(e.width == 1 || e.width == width) && strings.Contains(d.Message, e.message) {
						e.found, found = true, true
						break
					}
				}
				if !found && (d.Code == r.Code || d.Refuses) { // what other rules say of it is theirs to test
					t.Errorf("not expected: %s (column %d, %d wide)", describe(d), column, width)
				}
			}
			hits := 0
			for _, e := range want {
				if !e.found {
					t.Errorf("missing: line %d column %d %s %s", e.line, e.column, e.rule, e.message)
				}
				if e.rule == f.rule {
					hits++
				}
			}
			if firing && hits == 0 {
				t.Errorf("the fixture is said to fire and has no annotation for %s", f.rule)
			}
			if !firing && hits > 0 {
				t.Errorf("the fixture is said to be silent and has an annotation for %s", f.rule)
			}
		})
	}
	for _, r := range All() {
		for _, s := range []ir.Server{ir.Apache, ir.Nginx} {
			for _, firing := range []bool{true, false} {
				if r.For.Has(s) && !seen[kind{r.ID, s, firing}] {
					t.Errorf("%s: no fixture for %s with firing=%v", r.ID, s, firing)
				}
			}
		}
	}
}

// TestPages compares README.md with the rules; -update writes it.
func TestPages(t *testing.T) {
	want := Pages(measured(t))
	if *update {
		if err := os.WriteFile("README.md", want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("README.md is not what the rules say; run go generate ./lint/rules")
	}
}

// measured reads the counts of testdata/rules.tsv: rule, findings, files.
func measured(t *testing.T) map[string]Measure {
	t.Helper()
	text, err := os.ReadFile("../../testdata/rules.tsv")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]Measure{}
	for _, line := range strings.Split(string(text), "\n") {
		var code string
		var m Measure
		if n, _ := fmt.Sscanf(line, "%s\t%d\t%d", &code, &m.Findings, &m.Files); n == 3 {
			out[code] = m
		}
	}
	return out
}

// sortedCodes is for messages of the corpus test.
func sortedCodes(m map[string]int) []string {
	var out []string
	for c := range m {
		out = append(out, c)
	}
	sort.Strings(out)
	return out
}

// annotate writes the findings of a fixture into it. What it writes is to be read before it is believed.
func annotate(t *testing.T, f fixture) {
	t.Helper()
	var kept []string
	for _, line := range strings.SplitAfter(string(f.text), "\n") {
		if bare := strings.TrimRight(line, "\r\n"); !elsewhere.MatchString(bare) && !annotation.MatchString(bare) {
			kept = append(kept, line)
		}
	}
	text := strings.Join(kept, "")
	below := map[int][]string{}
	var end []string
	for _, d := range f.check(t, text) {
		if !strings.HasPrefix(f.name, "firing") && d.Name != f.rule && !d.Refuses {
			continue
		}
		line, column, width := place(d)
		blank := strings.TrimRight(kept[line-1], " \t\r\n")
		if column < 3 || strings.HasSuffix(blank, "\\") || utf8.RuneCountInString(blank) < column+width-2 {
			end = append(end, fmt.Sprintf("#@%d:%d %s: %s", line, column, d.Name, d.Message))
			continue
		}
		below[line] = append(below[line], "#"+strings.Repeat(" ", column-2)+strings.Repeat("^", max(1, width))+" "+d.Name+": "+d.Message)
	}
	var b strings.Builder
	for i, line := range kept {
		b.WriteString(line)
		for _, a := range below[i+1] {
			b.WriteString(a + "\n")
		}
	}
	for _, a := range end {
		b.WriteString(a + "\n")
	}
	if err := os.WriteFile(filepath.Join(fixtureRoot, f.rule, f.name), []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// place is line, column and width of a finding, in characters from 1.
func place(d diag.Diagnostic) (line, column, width int) {
	pos := d.File.Position(d.Span.Start)
	before := d.File.Slice(source.Span{Start: d.File.LineSpan(pos.Line).Start, End: d.Span.Start})
	return pos.Line, utf8.RuneCountInString(before) + 1, utf8.RuneCountInString(d.File.Slice(d.Span))
}
