package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"rewright/lint"
	"rewright/lint/report"
	"rewright/lint/rules"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/load"
	"rewright/parser/source"
)

const lintUsage = `rewright lint: what is wrong in a configuration, and how to repair it

  rewright lint .
  rewright lint --format json .htaccess
  rewright lint --select RD0 --fail-on error nginx.conf

usage: rewright lint [flags] [PATH...]

PATH is a file, - for standard input, or a folder, in which every file that is configuration for certain is
checked; default: the folder at hand. Rules are chosen by code, by the beginning of a code, or by name.
A comment on the line above silences a rule: # lint:ignore RD302 -- reason

Exit status: 0 no findings at or above --fail-on, 1 findings, 2 usage error or a file that cannot be read.
`

func runLint(a *app, args []string) int {
	var format, server, where, failOn, colour string
	o := lint.Options{Rules: rules.All()}
	flags := a.flags("lint", lintUsage)
	flags.StringVar(&format, "format", "text", "text or json")
	flags.StringSliceVar(&o.Select, "select", nil, "rules to run, separated by commas; default: all that are on")
	flags.StringSliceVar(&o.Ignore, "ignore", nil, "rules not to run; beats --select")
	flags.StringVar(&failOn, "fail-on", "warning", "least severity that makes the exit status 1: error, warning, info, style or never")
	flags.StringVar(&server, "server", "", "apache or nginx; default: found from name and text")
	flags.StringVar(&where, "context", "", "what a file is the inside of: htaccess, vhost or server for Apache; location, server, http or main for nginx")
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
	known := formatFlags{format: server, context: where}
	set, err := known.options()
	if err != nil {
		return a.fail("%s", strings.ReplaceAll(err.Error(), "--format", "--server"))
	}
	paths := flags.Args()
	if len(paths) == 0 {
		paths = []string{"."}
	}
	var inputs []lint.Input
	for _, p := range paths {
		more, err := a.lintInputs(p, set)
		if err != nil {
			return a.fail("%s", strings.ReplaceAll(plainPathError(err).Error(), "--format", "--server"))
		}
		inputs = append(inputs, more...)
	}
	inputs = append(inputs, a.parentsOf(inputs, set)...)
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

// lintInputs are the files that one argument names.
func (a *app) lintInputs(arg string, o load.Options) ([]lint.Input, error) {
	if arg == "-" {
		text, err := io.ReadAll(io.LimitReader(a.in, load.DefaultMaxSize+1))
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		abs, err := filepath.Abs("-")
		if err != nil {
			return nil, err
		}
		o.Display = displayer(arg, abs)
		file, d, err := load.SourceText(inRoot(abs), text, o)
		if err != nil {
			return nil, err
		}
		return []lint.Input{lintInput(nil, inRoot(abs), file, d, o)}, nil
	}
	abs, err := filepath.Abs(arg)
	if err != nil {
		return nil, err
	}
	fsys := os.DirFS("/")
	o.Display = displayer(arg, abs)
	info, err := os.Stat(arg)
	if err != nil {
		return nil, err
	}
	var found []load.Found
	if info.IsDir() {
		if found, err = load.Discover(fsys, inRoot(abs), func(name string, err error) {
			fmt.Fprintf(a.err, "rewright: %s is left out: %v\n", o.Display(name), plainPathError(err))
		}); err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: no Apache or nginx configuration in this folder or below", arg)
		}
	} else {
		found = []load.Found{{Name: inRoot(abs)}}
	}
	var inputs []lint.Input
	for _, f := range found {
		file, d, err := load.Source(fsys, f.Name, o)
		if err != nil {
			return nil, err
		}
		inputs = append(inputs, lintInput(fsys, f.Name, file, d, o))
	}
	return inputs, nil
}

// lintInput is one file with what is known of its surroundings. name is its path below /. fsys holds what it includes; nil: nothing.
func lintInput(fsys fs.FS, name string, file *source.File, d load.Detected, o load.Options) lint.Input {
	in := lint.Input{File: file, Server: d.Server, Context: d.Context, Defines: o.Defines,
		HasModule: o.HasModule, Modules: o.Directive, Version: o.Version}
	if d.Context == ir.ContextHtaccess {
		in.Dir = path.Join("/", path.Dir(name))
	}
	if fsys != nil && d.Context != ir.ContextHtaccess {
		in.Open, in.Glob = load.Includes(fsys, name, file.Text, d, o)
	}
	return in
}
