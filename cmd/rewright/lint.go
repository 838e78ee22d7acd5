package main

import (
	"context"

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
	var format, failOn, colour string
	o := lint.Options{Rules: rules.All()}
	set := &lintSource{rules: o.Rules}
	flags := a.flags("lint", lintUsage)
	flags.StringVar(&format, "format", "text", "text or json")
	flags.StringVar(&failOn, "fail-on", "warning", "least severity that makes the exit status 1: error, warning, info, style or never")
	set.register(flags)
	flags.StringVar(&colour, "color", "auto", "auto, always or never")
	if status, done := a.parse(flags, args); done {
		return status
	}
	limit, ok := diag.ParseSeverity(failOn)
	if !ok && failOn != "never" {
		return a.fail("--fail-on wants error, warning, info, style or never, not %q", failOn)
	}
	totals := &report.Totals{}
	var out report.Writer
	switch format {
	case "text":
		coloured := colour == "always" || colour == "auto" && a.terminal && a.getenv("NO_COLOR") == ""
		out = report.NewText(a.out, coloured, totals)
	case "json":
		out = report.NewJSON(a.out, totals)
	default:
		return a.fail("--format wants text or json, not %q", format)
	}
	inputs, err := set.gather(a, flags.Args())
	if err != nil {
		return a.fail("%v", err)
	}
	o.Workers = set.workers
	result, err := lint.Run(context.Background(), o, inputs...)
	if err != nil {
		return a.fail("%v", err)
	}
	totals.Files, totals.Suppressed = result.Files, result.Suppressed
	if err := report.All(out, result.Findings); err != nil {
		return a.fail("write the report: %v", err)
	}
	if ok && result.Fails(limit) {
		return exitFindings
	}
	return exitOK
}
