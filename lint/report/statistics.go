package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"

	"rewright/parser/diag"
)

// Statistics is a report of how often each rule has something to say, the most frequent first, in place of what it says.
type Statistics struct {
	w    io.Writer
	o    Options
	json bool
	by   map[string]*statistic
}

type statistic struct {
	Code     string `json:"code"`
	Name     string `json:"name"`
	Severity string `json:"severity"` // the worst
	Count    int    `json:"count"`
	Files    int    `json:"files"`
	Fixable  int    `json:"fixable"` // with a safe fix
	worst    diag.Severity
	files    map[string]bool
}

// NewStatistics makes a report on w: a table, or one JSON array.
func NewStatistics(w io.Writer, asJSON bool, o Options) *Statistics {
	if o.Totals == nil {
		o.Totals = &Totals{}
	}
	return &Statistics{w: w, o: o, json: asJSON, by: map[string]*statistic{}}
}

func (s *Statistics) Write(d diag.Diagnostic) error {
	one := s.by[d.Code]
	if one == nil {
		one = &statistic{Code: d.Code, Name: d.Name, files: map[string]bool{}}
		s.by[d.Code] = one
	}
	one.Count++
	one.worst = max(one.worst, d.Severity)
	one.files[d.File.Name] = true
	if len(d.Fixes) > 0 && d.Fixes[0].Safety == diag.Safe {
		one.Fixable++
	}
	return nil
}

// Close writes the table.
func (s *Statistics) Close() error {
	list := make([]*statistic, 0, len(s.by))
	for _, one := range s.by {
		one.Files, one.Severity = len(one.files), one.worst.String()
		list = append(list, one)
	}
	slices.SortFunc(list, func(a, b *statistic) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code)) })
	if s.json {
		text, err := compact(list)
		if err == nil {
			_, err = io.WriteString(s.w, text+"\n")
		}
		return err
	}
	total, width := 0, 0
	for _, one := range list {
		total += one.Count
		width = max(width, len(fmt.Sprint(one.Count)))
	}
	for _, one := range list {
		fixable := ""
		if one.Fixable > 0 {
			fixable = fmt.Sprintf(", %d with a safe fix", one.Fixable)
		}
		if _, err := fmt.Fprintf(s.w, "%*d %s %s (%s, %s%s)\n", width, one.Count, one.Code, one.Name, one.Severity, plural(one.Files, "file"), fixable); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(s.w, "%s of %s, %s checked%s\n", plural(total, "finding"), plural(len(list), "rule"), plural(s.o.Totals.Files, "file"), suppressed(s.o.Totals))
	return err
}
