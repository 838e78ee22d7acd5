package main

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"sort"
	"strings"

	"rewright/emit"
	"rewright/emit/apache"
	"rewright/emit/nginx"
	"rewright/parser"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/load"
	"rewright/parser/sim"
)

const convertUsage = `rewright convert: another server's configuration that gives the same answers

  rewright convert --to nginx .htaccess
  rewright convert --to apache --context server nginx.conf
  rewright convert --to nginx --out nginx/ /var/www/html
  rewright convert --to nginx --strict --out nginx/ --context vhost site.conf

usage: rewright convert --to nginx|apache [flags] PATH

PATH is a file, - for standard input, or a document root whose .htaccess files become one site.
With --out the folder gets http.conf (belongs into http {}), server.conf (belongs into server {}) and report.json;
with --full nginx.conf, a whole configuration, besides. Without --out the configuration goes to standard output.
To Apache it gets .htaccess, or with --context server vhost.conf, and report.json; a large map becomes a RewriteMap
with a file of its own beside vhost.conf, which names it by its path.
A summary goes to standard error: which rules are carried over exactly, which nearly, with a request that shows the
difference, and which not at all.

Exit status: 0 converted, 1 not every rule is exact (--strict), 2 usage error, unreadable or bad input.
`

// targets are what a configuration can be converted to.
var targets = map[string]emit.Target{"nginx": nginx.Target{}, "apache": apache.Target{}}

// convertFlags are the flags of convert.
type convertFlags struct {
	formatFlags
	world               worldFlags
	to, out, source     string
	full, strict, force bool
}

func runConvert(a *app, args []string) int {
	f := &convertFlags{}
	fs := a.flags("convert", convertUsage)
	fs.StringVar(&f.to, "to", "", "`TARGET`: nginx or apache")
	fs.StringVar(&f.out, "out", "", "`FOLDER` to write; it must not exist, or hold nothing but an earlier result")
	fs.BoolVar(&f.full, "full", false, "a whole configuration that the server can be started with")
	fs.BoolVar(&f.strict, "strict", false, "exit status 1 unless every rule is exact")
	fs.BoolVar(&f.force, "force", false, "convert in spite of syntax errors; the lines with errors are left out and named")
	f.formatFlags.register(fs)
	fs.StringVar(&f.source, "source-context", "", "`CONTEXT` that an nginx PATH is the inside of, for --context says what to write for Apache")
	f.world.register(fs)
	if status, done := a.parse(fs, args); done {
		return status
	}
	target := targets[f.to]
	if f.to == "apache" {
		switch f.context {
		case "server", "vhost":
			target = apache.Target{Server: true}
		case "", "htaccess":
		default:
			return a.fail("--context wants htaccess or server for Apache, not %q", f.context)
		}
		f.context = f.source
	}
	switch rest := fs.Args(); {
	case f.to == "":
		return a.fail("convert wants a target: rewright convert --to nginx .htaccess")
	case target == nil:
		hint := ""
		if near := nearest(f.to, []string{"nginx", "apache"}); near != "" {
			hint = fmt.Sprintf("; did you mean %q?", near)
		}
		return a.fail("--to wants nginx or apache, not %q%s", f.to, hint)
	case len(rest) == 0:
		return a.fail("convert wants a file or a document root: rewright convert --to nginx .htaccess")
	case len(rest) > 1:
		return a.fail("convert wants one file or document root, but found %q too", rest[1])
	}
	return a.convert(f, target, fs.Arg(0))
}

// convert reads, converts and writes.
func (a *app) convert(f *convertFlags, target emit.Target, arg string) int {
	if err := f.world.finish(a.environ); err != nil {
		return a.fail("%v", err)
	}
	o, err := f.options()
	if err != nil {
		return a.fail("%v", err)
	}
	o.Defines, o.Environ, o.HasModule = f.world.Define, f.world.Env, f.world.hasModule()
	l, folder, err := a.readConfig(arg, f.world.Docroot, o)
	if err != nil {
		return a.fail("%v", err)
	}
	faults := refusals(l)
	if len(faults) > 0 && !f.force {
		for i := range faults {
			fmt.Fprintf(a.err, "%s: %s\n", placeOf(&faults[i]), faults[i].Message)
		}
		if len(faults) == 1 {
			return a.fail("the server refuses 1 line; mend it, or say --force to leave it out")
		}
		return a.fail("the server refuses %d lines; mend them, or say --force to leave them out", len(faults))
	}
	forgive(l)
	root := l.Docroot
	if root == "" {
		root = folder
	}
	if f.world.Docroot != "" {
		if root, err = filepath.Abs(f.world.Docroot); err != nil {
			return a.fail("%v", err)
		}
	}
	var hosts []string
	if f.world.Host != "" {
		hosts = []string{f.world.Host}
	}
	world := &sim.World{Files: parser.OSFiles{Known: []string{root}}, DocumentRoot: filepath.ToSlash(root), ServerName: f.world.Host, Env: f.world.Env, HasModule: f.world.hasModule(), Time: a.now()}
	out := ""
	if f.out != "" {
		if out, err = filepath.Abs(f.out); err != nil {
			return a.fail("%v", err)
		}
	}
	result, err := target.Convert(l.Program, emit.Options{World: world, Hosts: hosts, Full: f.full, Folder: filepath.ToSlash(out)})
	if errors.Is(err, sim.ErrRefused) {
		fmt.Fprintf(a.err, "%v\n", err)
		return exitUsage
	}
	if err != nil {
		return a.fail("%s: %v", arg, err)
	}
	leftOut(result, faults)
	for i := range faults {
		d := &faults[i]
		result.Notes = append(result.Notes, emit.Note{Origin: ir.Origin{File: d.File, Span: d.Span}, Directive: directiveAt(d), Fidelity: emit.Dropped,
			Reason: "the server refuses this line: " + d.Message})
	}
	sort.SliceStable(result.Notes, func(i, j int) bool {
		x, y := &result.Notes[i].Origin, &result.Notes[j].Origin
		return x.File == y.File && x.File != nil && x.Span.Start < y.Span.Start
	})
	if f.out != "" {
		if err := writeResult(f.out, result); err != nil {
			return a.fail("%v", err)
		}
	} else {
		for _, file := range result.Files {
			if f.to == "nginx" && f.full != (file.Name == nginx.FullFile) || len(bytes.TrimSpace(file.Text)) == 0 {
				continue
			}
			head := ""
			if f.to == "nginx" && !f.full {
				where := "server {}"
				if file.Name == nginx.HTTPFile {
					where = "http {}"
				}
				head = fmt.Sprintf("# %s: belongs into %s\n", file.Name, where)
			}
			if _, err := fmt.Fprintf(a.out, "%s%s", head, file.Text); err != nil {
				return a.written(err)
			}
		}
	}
	fmt.Fprint(a.err, result.Table())
	if exact, _, _ := result.Count(); f.strict && exact < len(result.Notes) {
		return exitFindings
	}
	return exitOK
}

// leftOut writes the lines that the server refuses as comments at the head of the result.
func leftOut(r *emit.Result, faults []diag.Diagnostic) {
	if len(faults) == 0 {
		return
	}
	var b strings.Builder
	b.WriteString("# DROPPED, for the server refuses these lines:\n")
	for i := range faults {
		if i == maxLeftOut {
			fmt.Fprintf(&b, "#   and %d more\n", len(faults)-i)
			break
		}
		fmt.Fprintf(&b, "#   %s:  %s\n", commentText(placeOf(&faults[i])), commentText(lineOf(&faults[i])))
	}
	b.WriteString("\n")
	for i := range r.Files {
		if f := &r.Files[i]; f.Name != nginx.HTTPFile {
			f.Text = append([]byte(b.String()), f.Text...)
		}
	}
}

// maxLeftOut is how many lines that the server refuses stand in the output.
const maxLeftOut = 1000

// lineOf is the beginning of the line that a diagnostic is about, as much of it as a comment holds.
func lineOf(d *diag.Diagnostic) string {
	if d.File == nil {
		return ""
	}
	line := d.File.LineSpan(d.File.Line(d.Span.Start))
	line.End = min(line.End, line.Start+maxComment+1)
	return d.File.Slice(line)
}

// maxComment bounds a line of a comment, in bytes.
const maxComment = 300

// commentText makes text fit for a comment of either server: no control characters, and no backslash at the end, behind which
// httpd reads the next line as comment.
func commentText(s string) string {
	s = strings.TrimRight(strings.TrimSpace(s), "\\")
	if len(s) > maxComment {
		s = s[:maxComment] + "…"
	}
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
}

// refusals are the faults for which the server refuses a file, in the order of their places.
func refusals(l *load.Loaded) (out []diag.Diagnostic) {
	defer func() {
		sort.SliceStable(out, func(i, j int) bool {
			return out[i].File == out[j].File && out[i].Span.Start < out[j].Span.Start
		})
	}()
	if l.Nginx != nil {
		for _, d := range l.Program.Diagnostics {
			if d.Refuses {
				out = append(out, d)
			}
		}
		return out
	}
	for _, c := range l.Apache {
		for _, d := range c.Diagnostics {
			if d.Refuses {
				out = append(out, d)
			}
		}
	}
	return out
}

// forgive lets the program run without the lines that the server refuses.
func forgive(l *load.Loaded) {
	for _, s := range l.Program.Htaccess {
		s.Refusal = nil
	}
	for i := range l.Program.Diagnostics {
		l.Program.Diagnostics[i].Refuses = false
	}
}

func placeOf(d *diag.Diagnostic) string { return ir.Origin{File: d.File, Span: d.Span}.Place() }

// directiveAt is the first word of the line a diagnostic is about.
func directiveAt(d *diag.Diagnostic) string {
	words := strings.Fields(lineOf(d))
	if len(words) == 0 {
		return ""
	}
	return words[0]
}
