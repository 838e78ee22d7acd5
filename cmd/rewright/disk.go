package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// disk is the file system of the machine below a folder. It is like os.DirFS but for names that are not UTF-8, which fs.ValidPath
// refuses and old sites have.
type disk string

// path is where a name lies, relative and with slashes, as fs.FS has it; the error wraps fs.ErrInvalid.
func (d disk) path(op, name string) (string, error) {
	for part := range strings.SplitSeq(name, "/") {
		if name != "." && (part == "" || part == "." || part == "..") || strings.IndexByte(part, 0) >= 0 {
			return "", &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
		}
	}
	return filepath.Join(string(d), filepath.FromSlash(name)), nil
}

// Open implements fs.FS.
func (d disk) Open(name string) (fs.File, error) {
	path, err := d.path("open", name)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err // no nil *os.File in an fs.File
	}
	return f, nil
}

// ReadFile implements fs.ReadFileFS.
func (d disk) ReadFile(name string) ([]byte, error) {
	path, err := d.path("read", name)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

// ReadDir implements fs.ReadDirFS.
func (d disk) ReadDir(name string) ([]fs.DirEntry, error) {
	path, err := d.path("readdir", name)
	if err != nil {
		return nil, err
	}
	return os.ReadDir(path)
}

// Stat implements fs.StatFS.
func (d disk) Stat(name string) (fs.FileInfo, error) {
	path, err := d.path("stat", name)
	if err != nil {
		return nil, err
	}
	return os.Stat(path)
}

// Lstat implements fs.ReadLinkFS.
func (d disk) Lstat(name string) (fs.FileInfo, error) {
	path, err := d.path("lstat", name)
	if err != nil {
		return nil, err
	}
	return os.Lstat(path)
}

// ReadLink implements fs.ReadLinkFS.
func (d disk) ReadLink(name string) (string, error) {
	path, err := d.path("readlink", name)
	if err != nil {
		return "", err
	}
	return os.Readlink(path)
}
