package report

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"rewright/parser/diag"
)

// JUnit is the report of test runners: a suite for each file with findings, a test case for each finding, which fails when
// it is at or above Options.FailAt. Without findings one case passes, for an empty report is an error to many readers.
// Source: the Jenkins xUnit plugin's junit-10.xsd.
type JUnit struct {
	xmlWriter
	o      Options
	suites []junitSuite
}

type junitSuite struct {
	file     string
	cases    strings.Builder
	tests    int
	failures int
}

// NewJUnit makes a report on w; it is written at Close, for suites begin with their counts.
func NewJUnit(w io.Writer, o Options) *JUnit { return &JUnit{xmlWriter: xmlWriter{w: w}, o: o} }

func (j *JUnit) Write(d diag.Diagnostic) error {
	file := j.o.path(&d)
	if n := len(j.suites); n == 0 || j.suites[n-1].file != file {
		j.suites = append(j.suites, junitSuite{file: file})
	}
	s := &j.suites[len(j.suites)-1]
	s.tests++
	x := xmlWriter{w: &s.cases}
	place := d.File.Position(d.Span.Start)
	x.open("    ", "testcase", ">\n", "classname", file, "name", fmt.Sprintf("%s %s at %s", d.Code, d.Name, place), "file", file, "line", strconv.Itoa(place.Line))
	text := prose(&d)
	if j.o.FailAt != 0 && d.Severity >= j.o.FailAt {
		s.failures++
		x.open("      ", "failure", ">", "type", d.Severity.String(), "message", printable(d.Message))
		x.raw(xmlBody(fmt.Sprintf("%s:%s: %s\n", file, place, text)), "</failure>\n")
	} else {
		x.raw("      <system-out>", xmlBody(fmt.Sprintf("%s:%s: %s: %s\n", file, place, d.Severity, text)), "</system-out>\n")
	}
	x.raw("    </testcase>\n")
	return nil
}

// Close writes the document.
func (j *JUnit) Close() error {
	tests, failures := 0, 0
	for i := range j.suites {
		tests += j.suites[i].tests
		failures += j.suites[i].failures
	}
	if tests == 0 {
		j.suites = []junitSuite{{file: "rewright", tests: 1}}
		tests = 1
		x := xmlWriter{w: &j.suites[0].cases}
		x.open("    ", "testcase", "/>\n", "classname", "rewright", "name", "no findings, "+plural(j.o.Totals.Files, "file")+" checked")
	}
	j.raw(xmlHead)
	j.open("", "testsuites", ">\n", "name", "rewright", "tests", strconv.Itoa(tests), "failures", strconv.Itoa(failures), "errors", "0")
	for i := range j.suites {
		s := &j.suites[i]
		j.open("  ", "testsuite", ">\n", "name", s.file, "tests", strconv.Itoa(s.tests), "failures", strconv.Itoa(s.failures), "errors", "0", "skipped", "0")
		j.raw(s.cases.String(), "  </testsuite>\n")
	}
	j.raw("</testsuites>\n")
	return j.err
}
