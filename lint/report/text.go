package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fatih/color"
	"github.com/rivo/uniseg"

	"rewright/parser/diag"
	"rewright/parser/source"
)

// Text is the report people read: place, rule, message, the line with its fault marked, what to do.
type Text struct {
	w      io.Writer
	totals *Totals
	counts counts
	err    error

	All    bool          // show every finding, also many of one kind
	shown  map[alike]int // of the file at hand
	folded []diag.Diagnostic

	severity [diag.Error + 1]func(...any) string
	strong   func(...any) string
	faint    func(...any) string
	good     func(...any) string
}

// maxColumns is the widest piece of a source line that is shown, in columns.
const maxColumns = 150

// maxFixLines is how many lines of a fixed text are shown.
const maxFixLines = 6

// NewText makes a report on w, with colour only when told. totals is read at Close; nil stands for none.
func NewText(w io.Writer, coloured bool, totals *Totals) *Text {
	paint := func(a ...color.Attribute) func(...any) string {
		c := color.New(a...)
		if coloured {
			c.EnableColor()
		} else {
			c.DisableColor()
		}
		return c.SprintFunc()
	}
	t := &Text{w: w, totals: totals, strong: paint(color.Bold), faint: paint(color.Faint), good: paint(color.FgGreen)}
	t.severity[diag.Error] = paint(color.FgRed, color.Bold)
	t.severity[diag.Warning] = paint(color.FgYellow, color.Bold)
	t.severity[diag.Info] = paint(color.FgCyan)
	t.severity[diag.Style] = paint(color.FgBlue)
	return t
}

func (t *Text) printf(format string, args ...any) {
	if t.err == nil {
		_, t.err = fmt.Fprintf(t.w, format, args...)
	}
}

func (t *Text) Write(d diag.Diagnostic) error {
	t.counts.add(&d)
	if t.folds(&d) {
		return t.err
	}
	paint := t.severity[d.Severity]
	t.printf("%s: %s %s %s: %s\n", t.strong(d.File.Name+":"+d.File.Position(d.Span.Start).String()),
		paint(d.Severity.String()), t.strong(d.Code), d.Name, printable(d.Message))
	width := len(fmt.Sprint(d.File.Line(d.Span.Start)))
	t.excerpt(d.File, d.Span, paint, width)
	if d.ServerMessage != "" && !strings.Contains(d.Message, strings.TrimRight(d.ServerMessage, ".")) {
		t.printf("  %s %s\n", t.faint("the server says:"), printable(d.ServerMessage))
	}
	for _, r := range d.Related {
		file := r.File
		if file == nil {
			file = d.File
		}
		t.printf("  %s:%s: %s\n", file.Name, file.Position(r.Span.Start), printable(r.Message))
		t.excerpt(file, r.Span, t.faint, width)
	}
	if d.Witness != nil {
		lines := witnessLines(d.Witness)
		t.printf("  %s %s\n", t.faint("try:"), lines[0])
		for _, l := range lines[1:] {
			t.printf("       %s\n", l)
		}
	}
	if d.Help != "" {
		t.printf("  %s %s\n", t.faint("help:"), printable(d.Help))
	}
	if len(d.Fixes) > 0 {
		t.fix(d.File, &d.Fixes[0], width)
	}
	return t.err
}

// maxAlike is how many findings of one rule in one file are shown in full, where they are no more than an info: what is true of fifty
// lines is read once.
const maxAlike = 3

// alike is a rule in a file.
type alike struct {
	file *source.File
	code string
}

// folds counts a finding, and tells whether it is one too many of its kind. What is folded of a file is told behind its last finding.
func (t *Text) folds(d *diag.Diagnostic) bool {
	if t.All || d.Severity > diag.Info {
		t.unfold(d.File)
		return false
	}
	t.unfold(d.File)
	k := alike{d.File, d.Code}
	if t.shown == nil {
		t.shown = map[alike]int{}
	}
	if t.shown[k]++; t.shown[k] <= maxAlike {
		return false
	}
	if t.shown[k] == maxAlike+1 {
		t.folded = append(t.folded, *d)
	}
	return true
}

// unfold says how much was left out of the file before, when another one begins; nil: no more follows.
func (t *Text) unfold(next *source.File) {
	if len(t.folded) == 0 || t.folded[0].File == next {
		return
	}
	for _, d := range t.folded {
		n := t.shown[alike{d.File, d.Code}] - maxAlike
		t.printf("%s: %s %s %s: %d more of this kind in the file; --all shows them\n", t.strong(d.File.Name),
			t.severity[d.Severity](d.Severity.String()), t.strong(d.Code), d.Name, n)
	}
	t.folded, t.shown = nil, nil
}

// maxWitnessSteps is how many steps of a witness are shown; the last ones say how it ends.
const maxWitnessSteps = 12

// witnessLines are a witness as a person would replay it: the request, its headers, what happens.
func witnessLines(w *diag.Witness) []string {
	lines := []string{printable(w.Method + " " + w.URL)}
	for _, name := range slices.Sorted(maps.Keys(w.Header)) {
		lines = append(lines, "-H '"+printable(name+": "+w.Header[name])+"'")
	}
	for i, s := range w.Steps {
		if left := len(w.Steps) - i; i == maxWitnessSteps-2 && left > 2 {
			lines = append(lines, fmt.Sprintf("… %d more", left-1), printable(w.Steps[len(w.Steps)-1]))
			break
		}
		lines = append(lines, printable(s))
	}
	return lines
}

// excerpt shows the line a span begins in, with the span marked below.
func (t *Text) excerpt(f *source.File, s source.Span, paint func(...any) string, width int) {
	line := f.Line(s.Start)
	ls := f.LineSpan(line)
	text := f.Slice(ls)
	from, to := int(s.Start-ls.Start), int(s.End-ls.Start)
	from = min(max(from, 0), len(text))
	to = min(max(to, from), len(text))
	text, from, to = clip(text, from, to)
	before, marked := show(text[:from]), show(text[from:to])
	after := show(text[to:])
	pad := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return -1
	}, before)
	if pad == "" {
		pad = strings.Repeat(" ", uniseg.StringWidth(before))
	} else {
		pad = indent(before)
	}
	n := max(1, uniseg.StringWidth(strings.ReplaceAll(marked, "\t", " ")))
	t.printf(" %*d | %s%s%s\n", width, line, before, marked, after)
	t.printf(" %*s | %s%s\n", width, "", pad, paint(strings.Repeat("^", n)))
}

// indent is blanks and tabs that take as many columns as text does.
func indent(text string) string {
	var b strings.Builder
	for i, part := range strings.Split(text, "\t") {
		if i > 0 {
			b.WriteByte('\t')
		}
		b.WriteString(strings.Repeat(" ", uniseg.StringWidth(part)))
	}
	return b.String()
}

// clip cuts a long line down to what lies around the span.
func clip(text string, from, to int) (string, int, int) {
	if len(text) <= maxColumns {
		return text, from, to
	}
	a := max(0, from-maxColumns/3)
	b := min(len(text), a+maxColumns)
	for a > 0 && !utf8.RuneStart(text[a]) {
		a--
	}
	for b < len(text) && !utf8.RuneStart(text[b]) {
		b++
	}
	out, shift := text[a:b], -a
	if a > 0 {
		out, shift = "…"+out, shift+len("…")
	}
	from, to = from+shift, min(to+shift, len(out))
	if b < len(text) {
		out += "…"
	}
	return out, from, max(from, to)
}

// show is text as a terminal may get it: control characters as their pictures, bytes that are no UTF-8 as U+FFFD.
func show(text string) string { return clean(text, true) }

// printable is one line of prose as a terminal may get it.
func printable(text string) string { return clean(text, false) }

func clean(text string, tabs bool) string {
	ok := utf8.ValidString(text)
	for i := 0; ok && i < len(text); i++ {
		c := text[i]
		ok = c >= ' ' && c != 0x7f && c != 0xc2 || c == '\t' && tabs
	}
	if ok {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\t' && tabs:
			b.WriteRune(r)
		case r < ' ':
			b.WriteRune('␀' + r)
		case r == 0x7f:
			b.WriteRune('␡')
		case r > 0x7f && r < 0xa0:
			b.WriteRune('\uFFFD')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// fix shows the lines as they would be.
func (t *Text) fix(f *source.File, fix *diag.Fix, width int) {
	t.printf("  %s %s\n", t.faint("fix ("+string(fix.Safety)+"):"), printable(fix.Title))
	if len(fix.Edits) == 0 {
		return
	}
	span := fix.Edits[0].Span
	for _, e := range fix.Edits {
		span = span.Join(e.Span)
	}
	first, last := f.Line(span.Start), f.Line(max(span.Start, span.End))
	whole := source.Span{Start: f.LineSpan(first).Start, End: f.LineSpan(last).End}
	whole.End = max(whole.End, span.End) // an edit may take the line end along
	edits := make([]source.Edit, len(fix.Edits))
	for i, e := range fix.Edits {
		edits[i] = source.Edit{Span: e.Span.Shift(int(-whole.Start)), Text: e.Text}
	}
	out, err := source.Apply([]byte(f.Slice(whole)), edits)
	if err != nil {
		return
	}
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(out) == 0 {
		lines = nil
	}
	for i, l := range lines {
		if i == maxFixLines {
			t.printf(" %*s | …\n", width, "")
			break
		}
		l, _, _ = clip(strings.TrimSuffix(l, "\r"), min(len(l)-1, max(0, int(fix.Edits[0].Span.Start-whole.Start))), len(l))
		t.printf(" %*d | %s\n", width, first+i, t.good(show(l)))
	}
}

// Close writes the summary line.
func (t *Text) Close() error {
	t.unfold(nil)
	c := &t.counts
	totals := t.totals
	if totals == nil {
		totals = &Totals{Files: len(c.files)}
	}
	var parts []string
	for s := diag.Error; s >= diag.Style; s-- {
		if n := c.bySeverity[s]; n > 0 {
			parts = append(parts, t.severity[s](count(n, s)))
		}
	}
	checked := plural(totals.Files, "file") + " checked"
	if len(parts) == 0 {
		t.printf("no findings, %s%s\n", checked, suppressed(totals))
		return t.err
	}
	t.printf("%s in %s, %s%s\n", strings.Join(parts, ", "), plural(len(c.files), "file"), checked, suppressed(totals))
	if n := len(c.refused); n > 0 {
		t.printf("%s refused by the server\n", plural(n, "file"))
	}
	if c.fixable > 0 {
		have := "have"
		if c.fixable == 1 {
			have = "has"
		}
		t.printf("%s %s a safe fix\n", plural(c.fixable, "finding"), have)
	}
	return t.err
}

func suppressed(t *Totals) string {
	out := ""
	if t.Suppressed > 0 {
		out = ", " + plural(t.Suppressed, "finding") + " suppressed"
	}
	if t.Known > 0 {
		out += ", " + plural(t.Known, "known finding") + " not told"
	}
	return out
}

// count is "1 error", "2 errors"; info and style have no plural.
func count(n int, s diag.Severity) string {
	if s <= diag.Info {
		return fmt.Sprintf("%d %s", n, s)
	}
	return plural(n, s.String())
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
