package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"path/filepath"
	"strings"

	"rewright/lint"
	"rewright/lint/report"
	"rewright/lint/rules"
	"rewright/parser/diag"
)

const lintUsage = `rewright lint: what is wrong in a configuration, and how to repair it

  rewright lint .
  rewright lint --format json .htaccess
  rewright lint --select RD0 --fail-on error nginx.conf

usage: rewright lint [flags] [PATH...]

PATH is a file, - for standard input, or a folder, in which every file that is configuration for certain is
checked; default: the folder at hand. Rules are chosen by code, by the beginning of a code, or by name.
A comment on the line above silences a rule: # lint:ignore RD302 -- reason
What is known of the files (hosts, document root, versions) and wanted of the check stands in the nearest .rewright.yaml
above each file; flags say the same for all files and win.

Exit status: 0 no findings at or above --fail-on, 1 findings, 2 usage error or a file that cannot be read.
`

func runLint(a *app, args []string) int {
	var format, failOn, colour, output string
	var statistics, all bool
	var base baselineFlags
	o := lint.Options{Rules: rules.All()}
	set := &lintSource{rules: o.Rules}
	flags := a.flags("lint", lintUsage)
	flags.StringVar(&format, "format", "text", strings.Join(report.Formats, ", "))
	flags.StringVarP(&output, "output", "o", "", "`FILE` for the report; default: standard output")
	flags.BoolVar(&statistics, "statistics", false, "how often each rule speaks, in place of what it says; text or json")
	flags.BoolVar(&all, "all", false, "show every info and style finding; else the text shows three of one kind a file and counts the others")
	flags.StringVar(&failOn, "fail-on", "warning", "least severity that makes the exit status 1: error, warning, info, style or never")
	base.register(flags)
	set.register(flags)
	flags.StringVar(&colour, "color", "auto", "auto, always or never")
	if status, done := a.parse(flags, args); done {
		return status
	}
	limit, ok := diag.ParseSeverity(failOn)
	if !ok && failOn != "never" {
		return a.fail("--fail-on wants error, warning, info, style or never, not %q", failOn)
	}
	switch colour {
	case "auto", "always", "never":
	default:
		return a.fail("--color wants auto, always or never, not %q", colour)
	}
	totals := &report.Totals{}
	shape := report.Options{Totals: totals, Rules: o.Rules, Page: rules.Page, Version: version(), FailAt: limit, Path: relativePath, All: all,
		Coloured: colour == "always" || colour == "auto" && a.terminal && output == "" && a.getenv("NO_COLOR") == ""}
	var text bytes.Buffer
	var sink io.Writer = a.out
	if output != "" {
		sink = &text
	}
	buffered := bufio.NewWriterSize(sink, 64<<10)
	out := report.New(format, buffered, shape)
	switch {
	case out == nil:
		return a.fail("--format wants one of %s, not %q", strings.Join(report.Formats, ", "), format)
	case statistics && format != "text" && format != "json":
		return a.fail("--statistics is told as text or json, not as %s", format)
	case statistics:
		out = report.NewStatistics(buffered, format == "json", shape)
	}
	inputs, err := set.gather(a, flags.Args())
	if err != nil {
		return a.fail("%v", err)
	}
	o.Workers = set.workers
	o.Progress = a.progress("lint", len(inputs))
	result, err := lint.Run(context.Background(), o, inputs...)
	if err != nil {
		return a.fail("%v", err)
	}
	totals.Files, totals.Suppressed = result.Files, result.Suppressed
	if totals.Known, err = base.apply(a, result); err != nil {
		return a.fail("%v", err)
	}
	if base.write {
		return exitOK
	}
	err = writeReport(out, result)
	if e := buffered.Flush(); err == nil {
		err = e
	}
	if err == nil && output != "" {
		err = writeWhole(output, text.Bytes())
	}
	if err != nil {
		return a.fail("write the report: %v", plainPathError(err))
	}
	switch {
	case set.unread:
		return exitUsage
	case ok && result.Fails(limit):
		return exitFindings
	}
	return exitOK
}

// writeReport hands findings to a report, and what is silenced where the report shows that.
func writeReport(out report.Writer, r *lint.Result) error {
	for _, d := range r.Findings {
		if err := out.Write(d); err != nil {
			return err
		}
	}
	if s, ok := out.(report.Silencer); ok {
		for _, d := range r.Silenced {
			if err := s.Silence(d); err != nil {
				return err
			}
		}
	}
	return out.Close()
}

// relativePath is a file's name for programs that look for it from the folder at hand: relative when it lies below, else
// absolute.
func relativePath(shown string) string {
	if shown == "-" {
		return shown
	}
	working, err := filepath.Abs(".")
	if err != nil {
		return shown
	}
	abs, err := filepath.Abs(shown)
	if err != nil {
		return shown
	}
	if rel, err := filepath.Rel(working, abs); err == nil && filepath.IsLocal(rel) {
		return rel
	}
	return abs
}
