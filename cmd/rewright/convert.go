package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"

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
To Apache it gets .htaccess, or with --context server vhost.conf, and report.json.
A summary goes to standard error: which rules are carried over exactly, which nearly, with a request that shows the
difference, and which not at all.

Exit status: 0 converted, 1 not every rule is exact (--strict), 2 usage error, unreadable or bad input.
`

// targets are what a configuration can be converted to.
var targets = map[string]emit.Target{"nginx": nginx.Target{}, "apache": apache.Target{}}

// convertFlags are the flags of convert.
type convertFlags struct {
	formatFlags
	world                     worldFlags
	to, out, source           string
	full, strict, force, json bool
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
	result, err := target.Convert(l.Program, emit.Options{World: world, Hosts: hosts, Full: f.full})
	if errors.Is(err, sim.ErrRefused) {
		fmt.Fprintf(a.err, "%v\n", err)
		return exitUsage
	}
	if err != nil {
		return a.fail("%s: %v", arg, err)
	}
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
			if f.to == "nginx" && !f.full {
				where := "server {}"
				if file.Name == nginx.HTTPFile {
					where = "http {}"
				}
				fmt.Fprintf(a.out, "# %s: belongs into %s\n", file.Name, where)
			}
			a.out.Write(file.Text)
		}
	}
	fmt.Fprint(a.err, result.Table())
	if exact, _, _ := result.Count(); f.strict && exact < len(result.Notes) {
		return exitFindings
	}
	return exitOK
}

// refusals are the faults for which the server refuses a file.
func refusals(l *load.Loaded) (out []diag.Diagnostic) {
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
	if d.File == nil {
		return ""
	}
	words := bytes.Fields([]byte(d.File.Slice(d.File.LineSpan(d.File.Line(d.Span.Start)))))
	if len(words) == 0 {
		return ""
	}
	return string(words[0])
}

// ownFiles are the names that a result may replace.
var ownFiles = map[string]bool{nginx.HTTPFile: true, nginx.ServerFile: true, nginx.FullFile: true,
	apache.HtaccessFile: true, apache.VhostFile: true, "report.json": true}

// writeResult writes a folder all at once: beside it first, then under its name. A folder that holds anything but an
// earlier result is left alone. A symbolic link stays one: what it leads to is replaced.
func writeResult(dir string, r *emit.Result) error {
	dir = filepath.Clean(dir)
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	} else if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("--out %s: a symbolic link that leads nowhere", dir)
	}
	entries, err := os.ReadDir(dir)
	switch {
	case err == nil:
		for _, e := range entries {
			if !ownFiles[e.Name()] || !e.Type().IsRegular() {
				return fmt.Errorf("--out %s: holds %s, which is no part of an earlier result; name a new folder", dir, e.Name())
			}
		}
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("--out %w", plainPathError(err))
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("--out %w", plainPathError(err))
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+"-")
	if err != nil {
		return fmt.Errorf("--out %w", plainPathError(err))
	}
	defer os.RemoveAll(temp)
	files := append(append([]emit.File(nil), r.Files...), emit.File{Name: "report.json", Text: r.Report()})
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(temp, f.Name), f.Text, 0o644); err != nil {
			return fmt.Errorf("--out %w", plainPathError(err))
		}
	}
	mode := fs.FileMode(0o755)
	if info, err := os.Stat(dir); err == nil {
		mode = info.Mode().Perm()
	}
	if err := os.Chmod(temp, mode); err != nil {
		return fmt.Errorf("--out %w", plainPathError(err))
	}
	if entries != nil {
		old := temp + ".old"
		if err := os.Rename(dir, old); err != nil {
			return fmt.Errorf("--out %w", plainPathError(err))
		}
		defer os.RemoveAll(old)
		if err := os.Rename(temp, dir); err != nil {
			os.Rename(old, dir)
			return fmt.Errorf("--out %w", plainPathError(err))
		}
		return nil
	}
	os.Remove(dir) // an empty folder
	if err := os.Rename(temp, dir); err != nil {
		return fmt.Errorf("--out %w", plainPathError(err))
	}
	return nil
}
