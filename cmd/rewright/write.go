package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// errChanged is wrapped when a file is not what it was when it was read.
var errChanged = errors.New("changed since it was read; nothing is written, run again")

// errReadOnly is wrapped when nobody may write a file.
var errReadOnly = errors.New("read-only; nothing is written")

// replaceFile puts text in the place of what a file holds, at once or not at all: a new file beside it takes its name.
// Mode stays, and owner and group where the system lets them be set. A symbolic link is followed and stays a link.
// Of a file with several hard links only this name gets the new text, which the note says. Errors wrap errChanged when the
// file does not hold before any more, errReadOnly, or are the system's.
func replaceFile(name string, before, after []byte) (note string, err error) {
	path, err := filepath.EvalSymlinks(name)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s: not a regular file", name)
	}
	if info.Mode().Perm()&0o222 == 0 {
		return "", fmt.Errorf("%s: %w", name, errReadOnly) // root may, but was not meant
	}
	if f, err := os.OpenFile(path, os.O_WRONLY, 0); err != nil {
		return "", err // it may be replaced though not written where the folder is ours: it was not meant either
	} else {
		f.Close()
	}
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".rewright-*")
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			temp.Close()
			os.Remove(temp.Name())
		}
	}()
	if _, err = temp.Write(after); err != nil {
		return "", err
	}
	keepOwner(temp, info)
	// After the owner: giving a file away clears the bits for setting the user.
	if err = temp.Chmod(info.Mode()); err != nil {
		return "", err
	}
	if err = temp.Sync(); err != nil {
		return "", err
	}
	if err = temp.Close(); err != nil {
		return "", err
	}
	// As late as can be: what came in between is somebody's work.
	now, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if again, statErr := os.Stat(path); statErr != nil || !os.SameFile(info, again) || !bytes.Equal(now, before) {
		err = fmt.Errorf("%s: %w", name, errChanged)
		return "", err
	}
	if err = os.Rename(temp.Name(), path); err != nil {
		return "", err
	}
	if dir, openErr := os.Open(filepath.Dir(path)); openErr == nil {
		dir.Sync() // some file systems have no such thing for folders
		dir.Close()
	}
	if n := hardLinks(info); n > 1 {
		note = fmt.Sprintf("%s had %d names in the file system; the others keep the old text", name, n)
	}
	return note, nil
}
