// Package report writes findings for people and for programs.
//
// Findings (diag.Diagnostic) go in one by one, bytes of one format come out of the writer each format is given.
// Nothing is decided here: what is reported and in which order comes from lint.
package report

import (
	"rewright/parser/diag"
)

// Writer is one report in the making. Write is called once for each finding, in order; Close ends the report.
type Writer interface {
	Write(diag.Diagnostic) error
	Close() error
}

// Totals is what a report says at its end besides the findings themselves.
type Totals struct {
	Files      int // files checked
	Suppressed int // findings silenced by comments
	Known      int // findings that a baseline knows
}

// counts are the findings seen so far.
type counts struct {
	bySeverity [diag.Error + 1]int
	files      map[string]bool // with findings
	refused    map[string]bool
	fixable    int // with a safe fix
}

func (c *counts) add(d *diag.Diagnostic) {
	if c.files == nil {
		c.files, c.refused = map[string]bool{}, map[string]bool{}
	}
	c.bySeverity[d.Severity]++
	c.files[d.File.Name] = true
	if d.Refuses {
		c.refused[d.File.Name] = true
	}
	if len(d.Fixes) > 0 && d.Fixes[0].Safety == diag.Safe {
		c.fixable++
	}
}

func (c *counts) all() int {
	n := 0
	for _, k := range c.bySeverity {
		n += k
	}
	return n
}

// All writes a whole list and closes the report.
func All(w Writer, list []diag.Diagnostic) error {
	for _, d := range list {
		if err := w.Write(d); err != nil {
			return err
		}
	}
	return w.Close()
}
