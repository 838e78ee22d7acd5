package pattern

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// The real library speaks through pcre2test (Debian: pcre2-utils). Patterns go in as hex and subjects as \x
// escapes, so neither can be mistaken for its own syntax.

// pair is one pattern with the subjects to try it on.
type pair struct {
	pattern  string
	options  Options
	subjects []string
}

// libraryAnswer is what pcre2test says of one pair.
type libraryAnswer struct {
	refused string // "" or "error 114 at offset 2: missing closing parenthesis"
	crashed bool
	results []string // by subject: "No match", or " 0: …" lines with what follows each group
}

// library finds pcre2test, or skips the test. REWRIGHT_REQUIRE_SERVERS=1 makes a missing one an error.
func library(t *testing.T) string {
	path, err := exec.LookPath("pcre2test")
	if err == nil {
		return path
	}
	if os.Getenv("REWRIGHT_REQUIRE_SERVERS") == "1" {
		t.Fatal("pcre2test is not installed, and REWRIGHT_REQUIRE_SERVERS=1 wants it")
	}
	t.Skip("pcre2test is not installed; nothing was compared with the real library")
	return ""
}

func modifiers(o Options) string {
	m := "allcaptures,allaftertext"
	if o.IgnoreCase {
		m += ",caseless"
	}
	if o.DotAll {
		m += ",dotall"
	}
	if o.DollarEndOnly {
		m += ",dollar_endonly"
	}
	if o.DuplicateNames {
		m += ",dupnames"
	}
	return m
}

func patternLine(p pair) string {
	if p.pattern == "" {
		return "//" + modifiers(p.options)
	}
	return fmt.Sprintf("/%x/hex,%s", p.pattern, modifiers(p.options))
}

func subjectLine(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		fmt.Fprintf(&b, `\x%02x`, s[i])
	}
	return b.String() + `\=callout_none,ovector=200`
}

// askLibrary runs pcre2test once over all pairs: first whether they compile, then, for those that do, their subjects.
func askLibrary(t *testing.T, path string, pairs []pair) []libraryAnswer {
	answers := make([]libraryAnswer, len(pairs))
	var in bytes.Buffer
	for _, p := range pairs {
		in.WriteString(patternLine(p) + "\n\n")
	}
	at := -1
	for _, line := range run(t, path, &in) {
		if strings.HasPrefix(line, "/") {
			at++
		} else if rest, ok := strings.CutPrefix(line, "Failed: "); ok {
			answers[at].refused = rest
		} else if strings.HasPrefix(line, "**") {
			t.Fatalf("pcre2test: %s (pattern %q)", line, pairs[at].pattern)
		}
	}
	if at != len(pairs)-1 {
		t.Fatalf("pcre2test answered for %d of %d patterns", at+1, len(pairs))
	}
	var asked []int
	for i := range pairs {
		if answers[i].refused != "" {
			continue
		}
		asked = append(asked, i)
	}
	for len(asked) > 0 {
		in.Reset()
		for _, i := range asked {
			in.WriteString(patternLine(pairs[i]) + "\n")
			for _, s := range pairs[i].subjects {
				in.WriteString(subjectLine(s) + "\n")
			}
			in.WriteString("\n")
		}
		done := readAnswers(run(t, path, &in), asked, answers)
		if done < len(asked) {
			answers[asked[done-1]].crashed = true // some patterns end the library with a fault of its own
		}
		asked = asked[done:]
	}
	return answers
}

// readAnswers takes the results for the patterns asked and tells how many of them were begun.
func readAnswers(lines []string, asked []int, answers []libraryAnswer) int {
	at := -1
	var a *libraryAnswer
	for _, line := range lines {
		switch {
		case strings.HasPrefix(line, "/"):
			at++
			a = &answers[asked[at]]
		case strings.HasPrefix(line, `\`):
			a.results = append(a.results, "")
		case line != "" && a != nil && len(a.results) > 0:
			a.results[len(a.results)-1] += line + "\n"
		}
	}
	return at + 1
}

func run(t *testing.T, path string, in *bytes.Buffer) []string {
	cmd := exec.Command(path)
	cmd.Stdin = in
	out, err := cmd.Output()
	if err != nil && len(out) == 0 {
		t.Fatalf("pcre2test: %v", err)
	}
	lines := strings.Split(string(out), "\n")
	return lines[1:] // the version
}

// printable writes bytes as pcre2test does.
func printable(s string, utf bool) string {
	escape := `\x%02x`
	if utf {
		escape = `\x{%02x}`
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x20 && s[i] < 0x7f {
			b.WriteByte(s[i])
		} else {
			fmt.Fprintf(&b, escape, s[i])
		}
	}
	return b.String()
}

// asLibrary writes our answer in the library's form.
func asLibrary(re *Regexp, subject string, m Match, ok bool) string {
	if !ok {
		return "No match\n"
	}
	var b strings.Builder
	for n := 0; n <= re.Groups(); n++ {
		start, end := m.Span(n)
		if start < 0 {
			fmt.Fprintf(&b, "%2d: <unset>\n", n)
			continue
		}
		fmt.Fprintf(&b, "%2d: %s\n%2d+ %s\n", n, printable(subject[start:end], re.tree.utf), n, printable(subject[end:], re.tree.utf))
	}
	return b.String()
}

var lookbehinds = regexp.MustCompile(`(?s)\(\?<[=!*].*(\(\?<[=!*]|\(\*(na|n)?plb|\(\*nlb)|\(\*(na|n)?[pn]lb`)

var references = regexp.MustCompile(`\\[gk1-9]|\(\?([0-9&+-]|P[>=])`)

type tally struct {
	patterns, refused, matched, unmatched, unsupported, budget, limits int
	quirks, faults                                                     int
}

func (c *tally) String() string {
	return fmt.Sprintf("%d patterns (%d refused by both), %d matches and %d non-matches alike, %d not evaluated, %d over our budget, %d over the library's limits, %d known quirks, %d differences",
		c.patterns, c.refused, c.matched, c.unmatched, c.unsupported, c.budget, c.limits, c.quirks, c.faults)
}

// compare holds our answers against the library's.
func (c *tally) compare(t *testing.T, pairs []pair, answers []libraryAnswer) {
	for i, p := range pairs {
		c.patterns++
		a := answers[i]
		re, err := Compile(p.pattern, p.options)
		ours := ""
		if e, ok := err.(*SyntaxError); ok {
			ours = fmt.Sprintf("error %d at offset %d: %s", 100+e.Code, e.Offset, e.Msg)
		}
		if strings.HasPrefix(p.pattern, "(*LIMIT") && ours != "" && a.refused != "" {
			c.refused++ // the library may point beyond the end; our offsets stay inside
			continue
		}
		if strings.HasPrefix(ours, "error 125") && a.refused != ours && lookbehinds.MatchString(p.pattern) && references.MatchString(p.pattern) {
			// A lookbehind refers to a group that holds a lookbehind with branches: on its second visit
			// set_lookbehind_lengths no longer knows its own ALT and takes the group for fixed.
			c.quirks++
			continue
		}
		if ours != a.refused {
			c.fault(t, "%q %+v\n  library: %s\n  ours:    %s", p.pattern, p.options, orAccepted(a.refused), orAccepted(ours))
			continue
		}
		if ours != "" {
			c.refused++
			continue
		}
		if a.crashed {
			c.limits++
			continue
		}
		if len(a.results) != len(p.subjects) {
			c.fault(t, "%q: pcre2test answered %d of %d subjects", p.pattern, len(a.results), len(p.subjects))
			continue
		}
		for j, s := range p.subjects {
			if strings.HasPrefix(a.results[j], "Failed:") {
				c.limits++
				continue
			}
			m, ok, err := re.Match(s)
			switch err {
			case ErrUnsupported:
				c.unsupported++
				continue
			case ErrBudget:
				c.budget++
				continue
			}
			if got := asLibrary(re, s, m, ok); got != a.results[j] {
				c.fault(t, "%q %+v on %q\n library:\n%s ours:\n%s", p.pattern, p.options, s, a.results[j], got)
				continue
			}
			if b, err := re.MatchBool(s); err == nil && b != ok {
				c.fault(t, "%q %+v on %q: Match says %v, MatchBool %v", p.pattern, p.options, s, ok, b)
			}
			if ok {
				c.matched++
			} else {
				c.unmatched++
			}
		}
	}
}

func orAccepted(s string) string {
	if s == "" {
		return "accepted"
	}
	return s
}

func (c *tally) fault(t *testing.T, format string, args ...any) {
	t.Helper()
	if c.faults++; c.faults <= 20 {
		t.Errorf(format, args...)
	}
}
