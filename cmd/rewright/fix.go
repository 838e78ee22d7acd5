package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/term"

	"rewright/emit/diff"
	"rewright/lint"
	"rewright/lint/fix"
	"rewright/lint/rules"
	"rewright/parser/diag"
	"rewright/parser/source"
)

const fixUsage = `rewright fix: repair what lint finds, and say what that changes

  rewright fix .
  rewright fix --write .htaccess
  rewright fix --unsafe nginx.conf | git apply

usage: rewright fix [flags] [PATH...]

PATH is as for rewright lint. A unified diff goes to standard output; the lines above each hunk name the rule and a request
whose answer changes. Only safe fixes are made: no answer changes but those of files that the server refuses and of
rules that never took effect. Each batch is proved by simulation, and a fix that breaks its word is left out.
Of standard input (-) the diff is shown, too; with --write the new text goes to standard output.

Exit status: 0 nothing to fix, or all is written; 1 fixes that are not written; 2 usage error, a file that cannot be
read or written, or fixes that do not come to rest.
`

// fixCommand is one run of rewright fix.
type fixCommand struct {
	a                          *app
	write, unsafe, interactive bool
	coloured                   bool
	stdin                      bool // the text came from standard input
}

func runFix(a *app, args []string) int {
	c := &fixCommand{a: a}
	set := &lintSource{rules: rules.All()}
	var colour string
	flags := a.flags("fix", fixUsage)
	flags.BoolVar(&c.write, "write", false, "write the files in place of showing a diff")
	flags.BoolVar(&c.unsafe, "unsafe", false, "make risky fixes, too: they change answers on purpose")
	flags.BoolVar(&c.interactive, "interactive", false, "ask about each fix, those a person must choose included; implies --write")
	set.register(flags)
	flags.StringVar(&colour, "color", "auto", "auto, always or never")
	if status, done := a.parse(flags, args); done {
		return status
	}
	c.coloured = colour == "always" || colour == "auto" && a.terminal && a.getenv("NO_COLOR") == ""
	for _, p := range flags.Args() {
		c.stdin = c.stdin || p == "-"
	}
	o := fix.Options{Lint: lint.Options{Rules: set.rules}, Unsafe: c.unsafe}
	if c.interactive {
		in, ok := a.in.(*os.File)
		switch {
		case c.stdin:
			return a.fail("--interactive reads answers from standard input; name a file in place of -")
		case !ok || !term.IsTerminal(int(in.Fd())):
			return a.fail("--interactive wants a terminal as standard input")
		}
		c.write = true
		o.Decide = c.decider(bufio.NewReader(in))
	}
	inputs, err := set.gather(a, flags.Args())
	if err != nil {
		return a.fail("%v", err)
	}
	o.Lint.Workers = set.workers
	files, err := fix.Apply(context.Background(), o, inputs...)
	if err != nil {
		return a.fail("%v", err)
	}
	status := c.finish(files)
	if set.unread {
		status = exitUsage
	}
	return status
}

// finish shows or writes the files, says what was left out, and gives the exit status.
func (c *fixCommand) finish(files []fix.File) int {
	status := exitOK
	worse := func(s int) { status = max(status, s) }
	changed, fixes := 0, 0
	for i := range files {
		f := &files[i]
		if f.Err != nil {
			worse(c.a.fail("%v; nothing is changed in it", f.Err))
			continue
		}
		if f.Changed() {
			done := exitFindings
			if c.write {
				done = c.save(f)
			} else if err := c.show(f); err != nil {
				return c.a.fail("write the diff: %v", err)
			}
			worse(done)
			if done != exitUsage { // else nothing is written
				changed++
				fixes += len(f.Applied)
			}
		} else if c.write && f.Name == "-" {
			worse(c.print(f))
		}
		for _, l := range f.Left {
			if l.Refused {
				fmt.Fprintf(c.a.err, "rewright: %s: left out %s\n", findingPlace(l.Finding), l.Reason)
			}
		}
	}
	c.summary(files, changed, fixes, status == exitUsage)
	return status
}

// show writes the diff of a file, each hunk under what is changed and why.
func (c *fixCommand) show(f *fix.File) error {
	return diff.Write(c.a.out, filepath.ToSlash(filepath.Clean(f.Name)), f.Before, f.After, diff.Options{Colour: c.coloured, Note: noter(f)})
}

// noter says of each hunk which fixes it holds.
func noter(f *fix.File) func(diff.Hunk) []string {
	before, after := source.NewFile(f.Name, f.Before), source.NewFile(f.Name, f.After)
	old, now := map[int][]int{}, map[int][]int{} // by line from 0: indexes of the fixes that touch it
	mark := func(lines map[int][]int, file *source.File, spans []source.Span, i int) {
		for _, s := range spans {
			for line := file.Line(s.Start); line <= file.Line(s.End); line++ {
				lines[line-1] = append(lines[line-1], i)
			}
		}
	}
	for i := range f.Applied {
		mark(old, before, f.Applied[i].Before, i)
		mark(now, after, f.Applied[i].After, i)
	}
	told := map[int]bool{}
	return func(h diff.Hunk) []string {
		in := map[int]bool{}
		for k := range h.BeforeLen {
			for _, i := range old[h.Before+k] {
				in[i] = true
			}
		}
		for k := range h.AfterLen {
			for _, i := range now[h.After+k] {
				in[i] = true
			}
		}
		var out []string
		for _, i := range slices.Sorted(maps.Keys(in)) {
			a := &f.Applied[i]
			out = append(out, fmt.Sprintf("%s:%d %s %s: %s (%s)", f.Name, a.Line, a.Code, a.Name, a.Title, a.Safety))
			if !told[i] {
				told[i] = true
				out = append(out, changeLines(a.Changes, a.Simulated, a.StillRefused)...)
			}
		}
		return out
	}
}

// changeLines says what a fix changes, one request a line.
func changeLines(changes []fix.Change, simulated, refused bool) []string {
	var out []string
	for _, ch := range changes {
		out = append(out, "  "+ch.String())
	}
	switch {
	case len(out) > 0 || !simulated:
	case refused:
		out = append(out, "  the server refuses the file still, because of what else is wrong in it")
	default:
		out = append(out, "  no request that was tried is answered otherwise")
	}
	return out
}

// save writes a file and says what was done.
func (c *fixCommand) save(f *fix.File) int {
	if f.Name == "-" {
		return c.print(f)
	}
	note, err := replaceFile(f.Name, f.Before, f.After)
	if err != nil {
		return c.a.fail("%v", plainPathError(err))
	}
	if note != "" {
		fmt.Fprintf(c.a.err, "rewright: %s\n", note)
	}
	c.tell(c.a.out, f)
	return exitOK
}

// print writes the new text of standard input to standard output.
func (c *fixCommand) print(f *fix.File) int {
	if _, err := c.a.out.Write(f.After); err != nil {
		return c.a.fail("write standard output: %v", err)
	}
	if f.Changed() {
		c.tell(c.a.err, f)
	}
	return exitOK
}

// tell lists what was applied to a file.
func (c *fixCommand) tell(w io.Writer, f *fix.File) {
	for i := range f.Applied {
		a := &f.Applied[i]
		fmt.Fprintf(w, "%s:%d fixed %s %s: %s\n", f.Name, a.Line, a.Code, a.Name, a.Title)
		for _, line := range changeLines(a.Changes, a.Simulated, a.StillRefused) {
			fmt.Fprintln(w, line)
		}
	}
}

// summary goes to standard error: how much was or can be done, and what waits for whom.
func (c *fixCommand) summary(files []fix.File, changed, fixes int, failed bool) {
	risky, shown, checked := 0, 0, 0
	for i := range files {
		checked++
		for _, l := range files[i].Left {
			switch {
			case l.Refused:
			case l.Fix.Safety == diag.Risky:
				risky++
			case l.Fix.Safety == diag.Shown:
				shown++
			}
		}
	}
	var parts []string
	switch {
	case fixes == 0 && failed:
		parts = append(parts, "nothing is fixed")
	case fixes == 0:
		parts = append(parts, "nothing to fix in "+count(checked, "file"))
	case c.write:
		parts = append(parts, count(fixes, "fix")+" made in "+count(changed, "file"))
	default:
		parts = append(parts, count(fixes, "fix")+" in "+count(changed, "file")+", not written: --write does")
	}
	if !c.interactive {
		if risky > 0 && !c.unsafe {
			parts = append(parts, count(risky, "risky fix")+" left: --unsafe")
		}
		if shown > 0 {
			parts = append(parts, count(shown, "fix")+" to choose from: --interactive")
		}
	}
	fmt.Fprintln(c.a.err, strings.Join(parts, "; "))
}

// count is "1 fix" or "2 fixes".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if strings.HasSuffix(what, "x") {
		what += "e"
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// findingPlace is "file:line RD003 name".
func findingPlace(d diag.Diagnostic) string {
	return fmt.Sprintf("%s:%d %s %s", d.File.Name, d.File.Line(d.Span.Start), d.Code, d.Name)
}

// decider asks a person about each fix. The end of input is quit.
func (c *fixCommand) decider(in *bufio.Reader) func(fix.Candidate) fix.Decision {
	return func(w fix.Candidate) fix.Decision {
		out := c.a.out
		fmt.Fprintf(out, "%s: %s\n", findingPlace(w.Finding), w.Finding.Message)
		fmt.Fprintf(out, "%s (%s)\n", w.Fix.Title, w.Fix.Safety)
		for _, line := range changeLines(w.Changes, true, w.StillRefused) {
			fmt.Fprintln(out, line)
		}
		diff.Write(out, filepath.ToSlash(filepath.Clean(w.Finding.File.Name)), w.Before, w.After, diff.Options{Colour: c.coloured})
		for {
			fmt.Fprintf(out, "make this fix? (y)es, (n)o, (a)ll of %s, (q)uit: ", w.Finding.Code)
			line, err := in.ReadString('\n')
			switch strings.ToLower(strings.TrimSpace(line)) {
			case "y", "yes":
				return fix.Accept
			case "n", "no":
				return fix.Skip
			case "a", "all":
				return fix.AcceptAll
			case "q", "quit":
				return fix.Quit
			}
			if err != nil {
				if !errors.Is(err, io.EOF) {
					c.a.fail("read the answer: %v", err)
				}
				return fix.Quit
			}
		}
	}
}
