package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"rewright/lint"
)

// maxStale is how many entries of a baseline that are gone are listed one by one.
const maxStale = 10

// baselineFlags are --baseline and --write-baseline.
type baselineFlags struct {
	file  string
	write bool
}

func (b *baselineFlags) register(fs *pflag.FlagSet) {
	fs.StringVar(&b.file, "baseline", "", "`FILE` of known findings, which are not told again")
	fs.BoolVar(&b.write, "write-baseline", false, "write the findings of now into the file of --baseline, and exit 0")
}

// apply takes known findings out of a result, or writes them down. known is how many are not told.
func (b *baselineFlags) apply(a *app, r *lint.Result) (known int, err error) {
	if b.file == "" {
		if b.write {
			return 0, errors.New("--write-baseline wants the file: --baseline FILE")
		}
		return 0, nil
	}
	abs, err := filepath.Abs(b.file)
	if err != nil {
		return 0, err
	}
	dir := filepath.Dir(abs)
	name := func(shown string) string { // relative to the folder of the baseline, wherever the command runs
		if shown == "-" {
			return shown
		}
		full, err := filepath.Abs(shown)
		if err != nil {
			return shown
		}
		rel, err := filepath.Rel(dir, full)
		if err != nil {
			return filepath.ToSlash(full)
		}
		return filepath.ToSlash(rel)
	}
	shown := map[string]string{}
	for _, file := range r.CheckedFiles() {
		shown[name(file)] = file
	}
	checked := func(file, code string) bool {
		if s, ok := shown[file]; ok {
			return r.Checked(s, code)
		}
		_, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(file)))
		return file != "-" && errors.Is(err, fs.ErrNotExist) // the file is gone
	}
	old, err := readBaseline(b.file)
	if err != nil && !(b.write && errors.Is(err, fs.ErrNotExist)) {
		return 0, err
	}
	if b.write {
		now := lint.NewBaseline(r.Findings, name)
		if old != nil {
			now.Keep(old, checked)
		}
		var text strings.Builder
		if err := now.Write(&text); err != nil {
			return 0, err
		}
		if err := writeWhole(abs, []byte(text.String())); err != nil {
			return 0, fmt.Errorf("write the baseline: %w", plainPathError(err))
		}
		fmt.Fprintf(a.err, "rewright: %s: %d known findings\n", b.file, now.Len())
		r.Findings = nil
		return 0, nil
	}
	fresh, silent, stale := old.Split(r.Findings, name, checked)
	for i, e := range stale {
		if i == maxStale {
			fmt.Fprintf(a.err, "rewright: info: %s: %d more known findings are gone\n", b.file, len(stale)-i)
			break
		}
		times := ""
		if e.Count > 1 {
			times = fmt.Sprintf(" (%d times)", e.Count)
		}
		fmt.Fprintf(a.err, "rewright: info: %s: this known finding is gone: %s %s%s: %s\n", b.file, e.File, e.Rule, times, e.Line)
	}
	if len(stale) > 0 {
		fmt.Fprintf(a.err, "rewright: info: --write-baseline forgets what is gone\n")
	}
	r.Findings = fresh
	for _, d := range silent {
		r.Silenced = append(r.Silenced, lint.Silenced{Diagnostic: d, Reason: "known: " + filepath.Base(b.file), Baseline: true})
	}
	return len(silent), nil
}

func readBaseline(name string) (*lint.Baseline, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read the baseline: %w", plainPathError(err))
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read the baseline: %s: not a regular file", name)
	}
	b, err := lint.ReadBaseline(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return b, nil
}

// writeWhole writes a file whole or not at all: readers meet the old text or the new one. A file that is there keeps its mode.
func writeWhole(name string, text []byte) error {
	if real, err := filepath.EvalSymlinks(name); err == nil {
		name = real
	}
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(name); err == nil {
		if !info.Mode().IsRegular() { // a device or a pipe: /dev/stdout
			return os.WriteFile(name, text, mode)
		}
		mode = info.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".rewright-*")
	if err != nil {
		var p *fs.PathError
		if errors.As(err, &p) {
			p.Path = name // nobody asked for the file beside it
		}
		return err
	}
	defer os.Remove(f.Name())
	if _, err := f.Write(text); err != nil {
		f.Close()
		return err
	}
	if err := errors.Join(f.Chmod(mode), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}
