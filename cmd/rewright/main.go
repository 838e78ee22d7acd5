// Rewright reads Apache and nginx configuration and says what its redirects and rewrites do to a request.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/agext/levenshtein"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// app is what a subcommand has of the outside.
type app struct {
	in          io.Reader
	out, err    io.Writer
	environ     []string // NAME=VALUE
	now         func() time.Time
	terminal    bool // out is a terminal
	errTerminal bool // err is a terminal
	width       int  // columns of the terminal; 0: not known
}

func main() {
	easeCollector(os.Getenv("GOGC"))
	a := &app{in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.Environ(), now: time.Now}
	if fd := int(os.Stdout.Fd()); term.IsTerminal(fd) {
		a.terminal = true
		a.width, _, _ = term.GetSize(fd)
	}
	a.errTerminal = term.IsTerminal(int(os.Stderr.Fd()))
	os.Exit(a.run(os.Args[1:]))
}

// command is one subcommand.
type command struct {
	name, about string
	run         func(a *app, args []string) int
}

// commands are in the order of help.
func commands() []command {
	return []command{
		{"trace", "what the server answers to a request, step by step", runTrace},
		{"convert", "another server's configuration that gives the same answers", runConvert},
		{"lint", "what is wrong in a configuration, and how to repair it", runLint},
		{"fix", "repair what lint finds, and say what that changes", runFix},
		{"compare", "which requests two configurations answer differently", runCompare},
		{"rules", "the rules of lint, and the page of each", runRules},
	}
}

// run does what the arguments say and gives the exit status. A panic below it is a broken promise of this
// program: it is reported as such and never as the input's fault.
func (a *app) run(args []string) (status int) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(a.err, "rewright: internal error: %v\nplease report this with the input that shows it\n%s", r, debug.Stack())
			status = exitUsage
		}
	}()
	if len(args) == 0 {
		a.help(a.err)
		return exitUsage
	}
	switch args[0] {
	case "help", "--help", "-h":
		if args[0] == "help" && len(args) > 1 {
			return a.run([]string{args[1], "--help"})
		}
		a.help(a.out)
		return exitOK
	case "version", "--version", "-V":
		fmt.Fprintln(a.out, "rewright", version())
		return exitOK
	}
	names := []string{"help", "version"}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(a, args[1:])
		}
		names = append(names, c.name)
	}
	hint := ""
	if near := nearest(args[0], names); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return a.fail("unknown command %q%s\nrun rewright help for all commands", args[0], hint)
}

func (a *app) help(w io.Writer) {
	fmt.Fprint(w, `rewright reads Apache and nginx configuration and answers what the real server answers.

  rewright trace .htaccess https://example.com/old?id=7   what happens to this request
  rewright trace --follow nginx.conf http://example.com/  all the way through its redirects
  rewright lint .                                         what is wrong in the configuration below here
  rewright fix .                                          the repairs as a diff, and the answers they change

commands:
`)
	for _, c := range commands() {
		fmt.Fprintf(w, "  %-9s %s\n", c.name, c.about)
	}
	fmt.Fprint(w, `
Run rewright COMMAND --help for the flags of a command.
Exit status: 0 all is well, 1 findings, 2 usage error or input that cannot be used.
`)
}

// getenv is a variable of the environment, empty when there is none.
func (a *app) getenv(name string) string {
	for _, kv := range a.environ {
		if value, ok := strings.CutPrefix(kv, name+"="); ok {
			return value
		}
	}
	return ""
}

// fail says why nothing was done.
func (a *app) fail(format string, args ...any) int {
	fmt.Fprintf(a.err, "rewright: "+format+"\n", args...)
	return exitUsage
}

// flags makes the flag set of a subcommand; usage opens its help.
func (a *app) flags(name, usage string) *pflag.FlagSet {
	fs := pflag.NewFlagSet(name, pflag.ContinueOnError)
	fs.SortFlags = false
	fs.SetOutput(io.Discard)
	fs.Usage = func() {
		fmt.Fprintf(a.out, "%s\nflags:\n%s", usage, fs.FlagUsages())
	}
	return fs
}

// parse reads the arguments of a subcommand. With done set the caller returns status at once.
func (a *app) parse(fs *pflag.FlagSet, args []string) (status int, done bool) {
	err := fs.Parse(args)
	switch {
	case err == nil:
		return exitOK, false
	case errors.Is(err, pflag.ErrHelp):
		return exitOK, true // Usage has printed
	}
	text := err.Error()
	if rest, ok := strings.CutPrefix(text, "unknown flag: --"); ok {
		text = fmt.Sprintf("unknown flag %q", "--"+rest)
		var names []string
		fs.VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if near := nearest(rest, names); near != "" {
			text += fmt.Sprintf("; did you mean %q?", "--"+near)
		}
	}
	return a.fail("%s: %s", fs.Name(), text), true
}

// nearest is the name that a mistyped one most likely stands for; empty when none is near.
func nearest(word string, names []string) string {
	best, cost := "", max(len(word)/3, 1)+1
	for _, n := range names {
		if d := levenshtein.Distance(word, n, nil); d < cost {
			best, cost = n, d
		}
	}
	return best
}

// version is the module's version as the Go tool recorded it, or the commit for a build from a checkout.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown)"
	}
	v := info.Main.Version
	if v == "" || v == "(devel)" {
		v = "(devel)"
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				v = "devel-" + s.Value[:12]
			}
		}
	}
	return v + " " + info.GoVersion
}
