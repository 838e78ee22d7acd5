package parser

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"
	"syscall"

	"rewright/parser/sim"
)

// OSFiles answers from this machine's file system.
//
// Inside Known the machine is the world: what is not there does not exist. Elsewhere a file that is there is
// taken as the server's too, but one that is missing says nothing, because the configuration may be another
// machine's; only the first segment of a path (/etc, /old) is always known, from what every Unix has.
type OSFiles struct {
	Known []string // absolute, clean folders: the document root, the folder of the configuration
}

// unixFolders stand in the root of every Unix file system.
var unixFolders = map[string]bool{
	"/bin": true, "/boot": true, "/dev": true, "/etc": true, "/home": true, "/lib": true, "/media": true, "/mnt": true, "/opt": true,
	"/proc": true, "/root": true, "/run": true, "/sbin": true, "/srv": true, "/sys": true, "/tmp": true, "/usr": true, "/var": true,
}

// Stat follows symbolic links. The second result is false when the machine cannot stand for the server.
func (o OSFiles) Stat(name string) (sim.FileInfo, bool) {
	clean := path.Clean(name)
	info, err := os.Lstat(name)
	link := err == nil && info.Mode()&fs.ModeSymlink != 0
	if link {
		info, err = os.Stat(name)
	}
	if err == nil {
		return sim.FileInfo{Kind: kind(info.Mode()), Size: info.Size(), Executable: info.Mode()&0o111 != 0, Link: link}, true
	}
	if strings.Count(clean, "/") == 1 && clean != "/" {
		if unixFolders[clean] {
			return sim.FileInfo{Kind: sim.Directory}, true
		}
		return sim.FileInfo{Link: link}, true
	}
	missing := errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ELOOP) ||
		errors.Is(err, syscall.ENAMETOOLONG) || errors.Is(err, syscall.EINVAL)
	return sim.FileInfo{Link: link}, missing && o.knows(clean)
}

func (o OSFiles) knows(clean string) bool {
	for _, k := range o.Known {
		if k == "/" || clean == k || strings.HasPrefix(clean, k) && clean[len(k)] == '/' {
			return true
		}
	}
	// A folder that is here is taken for the server's, with what is missing in it; the system's own are not.
	parent := path.Dir(clean)
	if strings.Count(parent, "/") < 3 && !strings.HasPrefix(parent, "/tmp/") {
		return false
	}
	info, err := os.Stat(parent)
	return err == nil && info.IsDir()
}

// ReadFile reads map and password files.
func (o OSFiles) ReadFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errors.New("not a regular file")}
	}
	return os.ReadFile(name)
}

func kind(m fs.FileMode) sim.FileKind {
	switch {
	case m.IsRegular():
		return sim.Regular
	case m.IsDir():
		return sim.Directory
	}
	return sim.Special
}

// FSFiles answers from an fs.FS that is mounted at an absolute path; outside of it nothing exists but the
// folders on the way to it. Names that are no valid fs.FS names (bytes that are no UTF-8) do not exist.
type FSFiles struct {
	FS    fs.FS
	Mount string // absolute, clean; empty: "/"
}

func (f FSFiles) name(p string) (name string, above bool) {
	mount, clean := path.Clean("/"+f.Mount), path.Clean(p)
	if clean == mount {
		return ".", false
	}
	if mount == "/" {
		return strings.TrimPrefix(clean, "/"), false
	}
	if rest, ok := strings.CutPrefix(clean, mount+"/"); ok {
		return rest, false
	}
	return "", clean == "/" || strings.HasPrefix(mount, clean+"/")
}

// Stat always knows an answer.
func (f FSFiles) Stat(p string) (sim.FileInfo, bool) {
	name, above := f.name(p)
	if above {
		return sim.FileInfo{Kind: sim.Directory}, true
	}
	if name == "" {
		return sim.FileInfo{}, true
	}
	info, err := fs.Stat(f.FS, name)
	if err != nil || strings.HasSuffix(p, "/") && !info.IsDir() {
		return sim.FileInfo{}, true
	}
	out := sim.FileInfo{Kind: kind(info.Mode()), Size: info.Size(), Executable: info.Mode()&0o111 != 0}
	if l, err := fs.Lstat(f.FS, name); err == nil {
		out.Link = l.Mode()&fs.ModeSymlink != 0
	}
	return out, true
}

// ReadFile reads a file below the mount.
func (f FSFiles) ReadFile(p string) ([]byte, error) {
	name, _ := f.name(p)
	if name == "" {
		return nil, &fs.PathError{Op: "open", Path: p, Err: fs.ErrNotExist}
	}
	return fs.ReadFile(f.FS, name)
}

// Declared is a file system in memory over another one: files that are said to exist, or said to be missing.
// The zero value declares nothing and has nothing below it. Not safe for writing while simulators read.
type Declared struct {
	Base sim.FileSystem // asked for what is not declared; nil: nothing else exists

	files map[string]declaredFile
}

type declaredFile struct {
	info    sim.FileInfo
	content []byte
}

// AddFile declares a regular file with a content, and the folders above it.
func (d *Declared) AddFile(p string, content []byte) {
	d.add(p, declaredFile{sim.FileInfo{Kind: sim.Regular, Size: int64(len(content))}, content})
}

// AddFolder declares a folder and those above it.
func (d *Declared) AddFolder(p string) {
	d.add(p, declaredFile{info: sim.FileInfo{Kind: sim.Directory}})
}

// AddMissing declares that nothing is at a path, nor below it, unless declared otherwise.
func (d *Declared) AddMissing(p string) {
	d.put(path.Clean(p), declaredFile{})
}

func (d *Declared) add(p string, f declaredFile) {
	p = path.Clean("/" + p)
	d.put(p, f)
	for dir := path.Dir(p); ; dir = path.Dir(dir) {
		if have, ok := d.files[dir]; ok && have.info.Kind == sim.Directory {
			break
		}
		d.put(dir, declaredFile{info: sim.FileInfo{Kind: sim.Directory}})
		if dir == "/" {
			break
		}
	}
}

func (d *Declared) put(p string, f declaredFile) {
	if d.files == nil {
		d.files = map[string]declaredFile{}
	}
	d.files[p] = f
}

// Stat knows what was declared and asks Base for the rest. Below a declared file there is nothing.
func (d *Declared) Stat(p string) (sim.FileInfo, bool) {
	clean := path.Clean(p)
	if f, ok := d.files[clean]; ok {
		if strings.HasSuffix(p, "/") && f.info.Kind != sim.Directory {
			return sim.FileInfo{}, true
		}
		return f.info, true
	}
	for dir := path.Dir(clean); dir != "/" && dir != "."; dir = path.Dir(dir) {
		if f, ok := d.files[dir]; ok && f.info.Kind != sim.Directory {
			return sim.FileInfo{}, true
		}
	}
	if d.Base == nil {
		return sim.FileInfo{}, true
	}
	return d.Base.Stat(p)
}

// ReadFile gives the declared content, or asks Base.
func (d *Declared) ReadFile(p string) ([]byte, error) {
	if f, ok := d.files[path.Clean(p)]; ok {
		if f.info.Kind != sim.Regular {
			return nil, &fs.PathError{Op: "open", Path: p, Err: fs.ErrNotExist}
		}
		return f.content, nil
	}
	if d.Base == nil {
		return nil, &fs.PathError{Op: "open", Path: p, Err: fs.ErrNotExist}
	}
	return d.Base.ReadFile(p)
}
