package main

// The files of a conversion are written all at once, or not at all.

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"rewright/emit"
	"rewright/emit/apache"
	"rewright/emit/nginx"
)

// ownFiles are the names that a result may replace.
var ownFiles = map[string]bool{nginx.HTTPFile: true, nginx.ServerFile: true, nginx.FullFile: true,
	apache.HtaccessFile: true, apache.VhostFile: true, "report.json": true}

// writeResult writes a folder all at once: beside it first, then under its name, so that there is the earlier result or the new
// one whatever happens. A folder that holds anything but an earlier result, or something read-only, is left alone. A symbolic
// link stays one: what it leads to is replaced. Mode and owner of the folder stay.
func writeResult(out string, r *emit.Result) error {
	dir := filepath.Clean(out)
	if real, err := filepath.EvalSymlinks(dir); err == nil {
		dir = real
	} else if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("--out %s: a symbolic link that leads nowhere", out)
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("--out %w", err)
	}
	var old fs.FileInfo // nil: there is no folder yet
	entries, err := os.ReadDir(dir)
	switch {
	case err == nil:
		if old, err = os.Stat(dir); err != nil {
			return fmt.Errorf("--out %w", plainPathError(err))
		}
		if err := replaceable(out, old, entries); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("--out %s: %w", out, reason(err))
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return fmt.Errorf("--out %w", plainPathError(err))
	}
	temp, err := os.MkdirTemp(filepath.Dir(dir), "."+filepath.Base(dir)+"-")
	if err != nil {
		return fmt.Errorf("--out %s: a folder beside it cannot be made: %w", out, reason(err))
	}
	defer os.RemoveAll(temp) // the new one that failed, or the old one
	files := append(append([]emit.File(nil), r.Files...), emit.File{Name: "report.json", Text: r.Report()})
	for _, f := range files {
		if err := writeSynced(filepath.Join(temp, f.Name), f.Text); err != nil {
			return fmt.Errorf("--out %s: %s: %w; nothing is written", out, f.Name, reason(err))
		}
	}
	mode := fs.FileMode(0o755)
	if old != nil {
		mode = old.Mode().Perm()
		if d, err := os.Open(temp); err == nil {
			keepOwner(d, old)
			d.Close()
		}
	}
	if err := os.Chmod(temp, mode); err != nil {
		return fmt.Errorf("--out %s: %w", out, reason(err))
	}
	if old == nil {
		err = os.Rename(temp, dir)
	} else {
		err = exchange(temp, dir)
	}
	if err != nil {
		return fmt.Errorf("--out %s: it cannot be replaced: %w", out, reason(err))
	}
	return nil
}

// replaceable tells whether a folder may be replaced as a whole; the error says why not.
func replaceable(out string, info fs.FileInfo, entries []fs.DirEntry) error {
	for _, e := range entries {
		if !ownFiles[e.Name()] && !apache.IsTable(e.Name()) || !e.Type().IsRegular() {
			return fmt.Errorf("--out %s: holds %s, which is no part of an earlier result; name a new folder", out, e.Name())
		}
		if file, err := e.Info(); err == nil && file.Mode().Perm()&0o222 == 0 {
			return fmt.Errorf("--out %s: %s: %w", out, e.Name(), errReadOnly)
		}
	}
	if info.Mode().Perm()&0o222 == 0 {
		return fmt.Errorf("--out %s: %w", out, errReadOnly)
	}
	if here, err := os.Stat("."); err == nil && os.SameFile(here, info) {
		return fmt.Errorf("--out %s: the working folder cannot be replaced as a whole; name it from outside of it", out)
	}
	return nil
}

// writeSynced writes a new file and waits until it is on the disk.
func writeSynced(name string, text []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	if _, err = f.Write(text); err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	return err
}

// reason is what the system says, without the name of a file that nobody has heard of.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	var l *os.LinkError
	if errors.As(err, &l) {
		return l.Err
	}
	return err
}

// exchangeBySteps puts a folder in the place of another, which goes to the place of the first: for file systems that cannot
// do it in one step.
func exchangeBySteps(temp, dir string) error {
	aside := temp + ".old"
	if err := os.Rename(dir, aside); err != nil {
		return err
	}
	if err := os.Rename(temp, dir); err != nil {
		os.Rename(aside, dir)
		return err
	}
	return os.Rename(aside, temp)
}
