package lint

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"rewright/parser/diag"
)

// Baseline are the findings of an old repository that are known and not to be told again: of each rule, file and line of
// text how many. Lines may move, be indented anew and be parted by others; a line that changes is a new one.
type Baseline struct {
	known map[Fingerprint]int // by fingerprints whose N is 0
}

// baselineVersion is the form of baseline files that this version reads and writes.
const baselineVersion = 1

// maxBaselineSize bounds a baseline file, in bytes.
const maxBaselineSize = 512 << 20

// BaselineEntry is one line of a baseline file.
type BaselineEntry struct {
	File  string `json:"file"` // relative to the folder of the baseline file, with slashes
	Rule  string `json:"rule"` // code
	Line  string `json:"line"` // text, as Fingerprint has it
	Count int    `json:"count"`
}

// ReadBaseline reads a baseline file. Errors of its text name the line.
func ReadBaseline(r io.Reader) (*Baseline, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxBaselineSize+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxBaselineSize {
		return nil, fmt.Errorf("more than %d MB are no baseline", maxBaselineSize>>20)
	}
	var file struct {
		Version  *int            `json:"rewright-baseline"`
		Findings []BaselineEntry `json:"findings"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		at := int64(len(text))
		var syntax *json.SyntaxError
		var kind *json.UnmarshalTypeError
		switch {
		case errors.As(err, &syntax):
			at = syntax.Offset
		case errors.As(err, &kind):
			at = kind.Offset
		}
		return nil, fmt.Errorf("line %d: no baseline: %w", 1+bytes.Count(text[:min(at, int64(len(text)))], []byte("\n")), err)
	}
	switch {
	case file.Version == nil:
		return nil, errors.New(`no baseline: "rewright-baseline" is missing`)
	case *file.Version != baselineVersion:
		return nil, fmt.Errorf("a baseline of form %d; this version reads form %d", *file.Version, baselineVersion)
	}
	b := &Baseline{known: make(map[Fingerprint]int, len(file.Findings))}
	for _, e := range file.Findings {
		if e.Count > 0 {
			b.known[Fingerprint{File: e.File, Code: e.Rule, Line: e.Line}] += e.Count
		}
	}
	return b, nil
}

// NewBaseline knows a list of findings. name gives a file's name as the baseline has it; nil: as it is.
func NewBaseline(list []diag.Diagnostic, name func(shown string) string) *Baseline {
	b := &Baseline{known: map[Fingerprint]int{}}
	for i := range list {
		b.known[lineFingerprint(&list[i], name)]++
	}
	return b
}

// Len is how many findings are known.
func (b *Baseline) Len() int {
	n := 0
	for _, k := range b.known {
		n += k
	}
	return n
}

// Split parts findings into new and known ones. stale are entries that nothing answers to any more, as far as checked says
// that the file and the rule were looked at.
func (b *Baseline) Split(list []diag.Diagnostic, name func(shown string) string, checked func(file, code string) bool) (fresh, known []diag.Diagnostic, stale []BaselineEntry) {
	left := make(map[Fingerprint]int, len(b.known))
	for f, n := range b.known {
		left[f] = n
	}
	for i := range list {
		f := lineFingerprint(&list[i], name)
		if left[f] > 0 {
			left[f]--
			known = append(known, list[i])
		} else {
			fresh = append(fresh, list[i])
		}
	}
	for f, n := range left {
		if n > 0 && checked(f.File, f.Code) {
			stale = append(stale, BaselineEntry{f.File, f.Code, f.Line, n})
		}
	}
	slices.SortFunc(stale, compareEntries)
	return fresh, known, stale
}

// Keep adds from an older baseline what was not looked at this time.
func (b *Baseline) Keep(old *Baseline, checked func(file, code string) bool) {
	for f, n := range old.known {
		if !checked(f.File, f.Code) {
			b.known[f] = n
		}
	}
}

func compareEntries(a, b BaselineEntry) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Line, b.Line))
}

// Write writes the file, one finding a line in an order that does not depend on anything else, so that versions of it can
// be compared and merged.
func (b *Baseline) Write(w io.Writer) error {
	list := make([]BaselineEntry, 0, len(b.known))
	for f, n := range b.known {
		list = append(list, BaselineEntry{f.File, f.Code, f.Line, n})
	}
	slices.SortFunc(list, compareEntries)
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "{\"rewright-baseline\": %d, \"findings\": [", baselineVersion)
	var line bytes.Buffer
	e := json.NewEncoder(&line)
	e.SetEscapeHTML(false)
	for i := range list {
		line.Reset()
		if err := e.Encode(&list[i]); err != nil {
			return err
		}
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteByte('\n')
		out.Write(bytes.TrimRight(line.Bytes(), "\n"))
	}
	out.WriteString("\n]}\n")
	return out.Flush()
}
