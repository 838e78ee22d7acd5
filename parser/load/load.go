// Package load turns configuration files into programs.
//
// An fs.FS and a name go in; the configuration as its server would read it and its IR come out: which server
// and which context the text is for is found from name and text, includes are followed inside the given tree,
// and the .htaccess files of a document root are gathered. Nothing outside the fs.FS is opened, so the same
// code serves the shell, an editor and a browser. Text stays bytes: no encoding is assumed or changed.
package load

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"rewright/parser/apache"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/nginx"
	"rewright/parser/source"
)

// DefaultMaxSize is the largest file that is read when Options says nothing, in bytes. A million redirects take some 80 MB.
const DefaultMaxSize = 128 << 20

// maxLines bounds the lines of a file: each is a node of the tree, also an empty one.
const maxLines = 4_000_000

// Errors that Load and its kin wrap; the message names the file and says what would do.
var (
	ErrTooLarge        = errors.New("too large for a configuration file")
	ErrBinary          = errors.New("binary data, not configuration")
	ErrNoConfiguration = errors.New("no configuration found")
	ErrUnknownFormat   = errors.New("neither Apache nor nginx configuration by name or text")
	ErrNotRegular      = errors.New("not a regular file")
	// ErrOutside is given to an include that leaves the tree, or whose base folder is not known.
	// It does not wrap fs.ErrNotExist: the server may well have the file.
	ErrOutside = errors.New("outside of the configuration that was given")
)

// Options say what the text and its name cannot. The zero value finds everything out.
type Options struct {
	Server  ir.Server  // 0: found from name and text
	Context ir.Context // empty: found from name and text

	Defines   map[string]string      // Apache: Define and -D
	Environ   map[string]string      // Apache: environment of the server, for ${NAME}
	HasModule func(name string) bool // Apache: as apache.Env.HasModule; nil: all that httpd ships
	// Directive tells of nginx directives that third-party modules bring; nil: none.
	Directive func(name string) bool
	Version   string // of the server; empty: what any release of nginx known here takes; of httpd the one whose behaviour is modelled

	// Mount is the absolute path that the root of the fs.FS stands for; empty: "/". With it absolute names in
	// the configuration are found, and the Dir of .htaccess files is told.
	Mount string
	// Root is where relative includes begin, as a name in the fs.FS: Apache's ServerRoot, the folder of the
	// main nginx.conf. Empty: found from the text and from the files around it.
	Root string
	// Tree is the folder, as a name in the fs.FS, outside of which no include is read; "." allows everything.
	// Empty: Root, or the folder of the file, whichever is the outer.
	Tree string
	// DocumentRoot is absolute. A .htaccess file outside of it applies to the document root itself.
	// Empty: the folder of the .htaccess file, or the folder that was loaded.
	DocumentRoot string

	MaxSize int64                    // of one file, in bytes; 0: DefaultMaxSize
	Display func(name string) string // what people call a file of the fs.FS; nil: its name
}

// Loaded is a configuration that was read: syntax and meaning.
type Loaded struct {
	Program *ir.Program
	// Apache are the configurations that httpd reads on their own: the one file, or each .htaccess.
	Apache []*apache.Config
	Nginx  *nginx.Config // nil for Apache
	// Detected is what the files were taken for; Sure is set when the caller said so.
	Detected Detected
	// Docroot is the document root the .htaccess files were gathered for, absolute; empty for server files.
	Docroot string

	unread []diag.Diagnostic // folders that could not be listed
}

// Load reads a file, a document root with .htaccess files, or the folder of a server's configuration.
func Load(fsys fs.FS, name string, o Options) (*Loaded, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, o.wrap(name, err)
	}
	if !info.IsDir() {
		return File(fsys, name, o)
	}
	if o.Context == "" || o.Context == ir.ContextHtaccess {
		if _, err := fs.Stat(fsys, path.Join(name, ".htaccess")); err == nil {
			return Tree(fsys, name, o)
		}
	}
	for _, main := range mainFiles {
		if o.Server == ir.Apache && main.server != ir.Apache || o.Server == ir.Nginx && main.server != ir.Nginx || o.Context == ir.ContextHtaccess {
			continue
		}
		if info, err := fs.Stat(fsys, path.Join(name, main.name)); err == nil && info.Mode().IsRegular() {
			return File(fsys, path.Join(name, main.name), o)
		}
	}
	return Tree(fsys, name, o)
}

// mainFiles are the names under which servers keep their main file in a folder.
var mainFiles = []struct {
	name   string
	server ir.Server
}{
	{"nginx.conf", ir.Nginx}, {"apache2.conf", ir.Apache}, {"httpd.conf", ir.Apache},
	{"conf/nginx.conf", ir.Nginx}, {"conf/httpd.conf", ir.Apache},
}

// File reads one file and what it includes.
func File(fsys fs.FS, name string, o Options) (*Loaded, error) {
	text, err := o.read(fsys, name)
	if err != nil {
		return nil, err
	}
	return o.build(fsys, name, text)
}

// Text reads configuration that is in memory, under a name; what it includes comes from fsys, which may be nil.
func Text(fsys fs.FS, name string, text []byte, o Options) (*Loaded, error) {
	if fsys == nil {
		fsys = emptyFS{}
	}
	if err := o.check(name, text); err != nil {
		return nil, err
	}
	return o.build(fsys, name, text)
}

func (o Options) build(fsys fs.FS, name string, text []byte) (*Loaded, error) {
	d, err := o.detect(name, text)
	if err != nil {
		return nil, err
	}
	file := source.NewFile(o.display(name), text)
	out := &Loaded{Detected: d}
	if d.Server == ir.Nginx {
		in := newIncluder(fsys, name, text, d, o)
		out.Nginx = nginx.Read(file, nginx.Env{Context: d.Context, Version: cmp.Or(o.Version, nginx.AnyRelease), Open: in.open, Glob: in.glob, Modules: o.Directive})
		out.Program = nginx.Lower(out.Nginx)
		return out, nil
	}
	config := o.readApache(fsys, name, file, d)
	out.Apache = []*apache.Config{config}
	if d.Context == ir.ContextHtaccess {
		dir := o.absolute(path.Dir(name))
		out.Docroot = o.DocumentRoot
		if out.Docroot == "" {
			out.Docroot = dir
		}
		if !within(out.Docroot, dir) {
			dir = out.Docroot
		}
		out.Program = apache.NewHtaccessProgram(apache.LowerHtaccess(config, dir))
		return out, nil
	}
	out.Program = apache.Lower(config)
	return out, nil
}

// AddHtaccess reads the .htaccess files of a document root along with a server configuration: root is a name
// in fsys, dir the absolute path where the server has it. Whether httpd heeds them is AllowOverride's business.
func (l *Loaded) AddHtaccess(fsys fs.FS, root, dir string, o Options) error {
	if len(l.Apache) > 0 {
		o.Defines = l.Apache[0].Defines
	}
	configs, scopes, unread, err := o.gather(fsys, root, dir, false)
	if err != nil {
		return err
	}
	l.Apache = append(l.Apache, configs...)
	l.Program.Htaccess = append(l.Program.Htaccess, scopes...)
	for _, s := range scopes {
		l.Program.Files = append(l.Program.Files, s.File)
	}
	l.unread = append(l.unread, unread...)
	return nil
}

func (o Options) readApache(fsys fs.FS, name string, file *source.File, d Detected) *apache.Config {
	env := apache.Env{Context: d.Context, HasModule: o.HasModule, Defines: o.Defines, Environ: o.Environ, Version: o.Version, Exists: o.exists(fsys)}
	if d.Context != ir.ContextHtaccess {
		in := newIncluder(fsys, name, file.Text, d, o)
		env.Open, env.Glob = in.open, in.glob
	}
	return apache.Read(apache.Parse(file), env)
}

// exists is for <IfFile>: whether the absolute path is there.
func (o Options) exists(fsys fs.FS) func(abs string) bool {
	in := &includer{o: o}
	return func(abs string) bool {
		name, ok := in.named(path.Clean(abs))
		if !ok {
			return false
		}
		_, err := fs.Stat(fsys, name)
		return err == nil
	}
}

func (o Options) detect(name string, text []byte) (Detected, error) {
	d := Detected{Server: o.Server, Context: o.Context, Sure: true}
	if d.Server != 0 && d.Context != "" {
		return d, validContext(d)
	}
	switch o.Context {
	case ir.ContextHtaccess, ir.ContextVhost:
		d.Server = orServer(o.Server, ir.Apache)
		return d, validContext(d)
	case ir.ContextLocation, ir.ContextHTTP, ir.ContextMain:
		d.Server = orServer(o.Server, ir.Nginx)
		return d, validContext(d)
	}
	found := Detect(name, text)
	if o.Server != 0 && found.Server != o.Server {
		s := scan(text)
		found = Detected{Server: o.Server, Context: s.nginxContext(path.Base(name))}
		if o.Server == ir.Apache {
			found.Context = s.apacheContext(path.Base(name))
		}
	}
	if o.Context != "" {
		found.Context = o.Context
	}
	if found.Server == 0 {
		return found, o.wrap(name, fmt.Errorf("%w; say --format apache or --format nginx", ErrUnknownFormat))
	}
	return found, nil
}

func orServer(said, other ir.Server) ir.Server {
	if said != 0 {
		return said
	}
	return other
}

func validContext(d Detected) error {
	apacheOnly := d.Context == ir.ContextHtaccess || d.Context == ir.ContextVhost
	if d.Server == ir.Apache && !apacheOnly && d.Context != ir.ContextServer {
		return fmt.Errorf("context %q is nginx's; Apache has htaccess, vhost and server", d.Context)
	}
	if d.Server == ir.Nginx && apacheOnly {
		return fmt.Errorf("context %q is Apache's; nginx has location, server, http and main", d.Context)
	}
	return nil
}

// read gives the bytes of a file that can be configuration.
func (o Options) read(fsys fs.FS, name string) ([]byte, error) {
	f, err := openRegular(fsys, name)
	if err != nil {
		return nil, o.wrap(name, err)
	}
	defer f.Close()
	limit := o.maxSize()
	if info, err := f.Stat(); err == nil && info.Size() > limit {
		return nil, o.wrap(name, tooLarge(info.Size(), limit))
	}
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, o.wrap(name, err)
	}
	return text, o.check(name, text)
}

// check refuses text that no server would be given.
func (o Options) check(name string, text []byte) error {
	if size, limit := int64(len(text)), o.maxSize(); size > limit {
		return o.wrap(name, tooLarge(size, limit))
	}
	if n := bytes.Count(text, []byte{'\n'}); n > maxLines {
		return o.wrap(name, fmt.Errorf("%d lines and more are %w (limit %d)", n, ErrTooLarge, maxLines))
	}
	if err := checkText(text); err != nil {
		return o.wrap(name, err)
	}
	return nil
}

// openRegular asks what a file is before it opens it: opening a named pipe would wait for ever.
func openRegular(fsys fs.FS, name string) (fs.File, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, fmt.Errorf("a folder, %w", ErrNotRegular)
	}
	if !info.Mode().IsRegular() {
		return nil, ErrNotRegular
	}
	return fsys.Open(name)
}

func tooLarge(size, limit int64) error {
	return fmt.Errorf("%d MB and more are %w (limit %d MB)", size>>20, ErrTooLarge, limit>>20)
}

func (o Options) maxSize() int64 {
	if o.MaxSize > 0 {
		return min(o.MaxSize, source.MaxSize)
	}
	return DefaultMaxSize
}

func (o Options) display(name string) string {
	if o.Display != nil {
		return o.Display(name)
	}
	return name
}

// wrap says which file an error is about, once.
func (o Options) wrap(name string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return fmt.Errorf("%s: %w", o.display(name), err)
}

// absolute is the path of a name in the fs.FS in the world that Mount places it in.
func (o Options) absolute(name string) string {
	mount := o.Mount
	if mount == "" {
		mount = "/"
	}
	return path.Join(mount, name)
}

// within tells whether path p is dir or lies below it; both are clean and of one kind.
func within(dir, p string) bool {
	return dir == p || dir == "/" || dir == "." || strings.HasPrefix(p, dir) && p[len(dir)] == '/'
}

// checkText tells binary data from text. A few NUL bytes are left to the servers' own readers.
func checkText(text []byte) error {
	for _, m := range magics {
		if bytes.HasPrefix(text, []byte(m.bytes)) {
			return fmt.Errorf("%s: %w", m.name, ErrBinary)
		}
	}
	head := text[:min(len(text), 8192)]
	if n := bytes.Count(head, []byte{0}); n > 0 && n*50 > len(head) {
		return ErrBinary
	}
	return nil
}

var magics = []struct{ bytes, name string }{
	{"\x7fELF", "an ELF program"}, {"\x89PNG\r\n", "a PNG image"}, {"\xff\xd8\xff", "a JPEG image"}, {"GIF8", "a GIF image"},
	{"%PDF-", "a PDF document"}, {"PK\x03\x04", "a ZIP archive"}, {"\x1f\x8b", "gzip data"}, {"BZh", "bzip2 data"},
	{"\xfd7zXZ", "xz data"}, {"\x28\xb5\x2f\xfd", "zstd data"}, {"SQLite format 3", "an SQLite database"}, {"\xca\xfe\xba\xbe", "a compiled program"},
	{"\xff\xfe", "UTF-16 text, which no server reads"}, {"\xfe\xff", "UTF-16 text, which no server reads"}, {"MZ\x90", "a Windows program"},
}

// Diagnostics are all that reading found, in the order of reports.
func (l *Loaded) Diagnostics() []diag.Diagnostic {
	list := append([]diag.Diagnostic(nil), l.unread...)
	for _, c := range l.Apache {
		list = append(list, c.Diagnostics...)
	}
	if l.Nginx != nil {
		list = append(list, l.Nginx.Diagnostics...)
	}
	diag.Sort(list)
	return list
}

// emptyFS has no files.
type emptyFS struct{}

func (emptyFS) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: ErrOutside}
}

// Source reads one file, with the limits and errors of File, and tells what it is without parsing it.
func Source(fsys fs.FS, name string, o Options) (*source.File, Detected, error) {
	text, err := o.read(fsys, name)
	if err != nil {
		return nil, Detected{}, err
	}
	d, err := o.detect(name, text)
	return source.NewFile(o.display(name), text), d, err
}

// SourceText is Source for text that is in memory.
func SourceText(name string, text []byte, o Options) (*source.File, Detected, error) {
	if err := o.check(name, text); err != nil {
		return nil, Detected{}, err
	}
	d, err := o.detect(name, text)
	return source.NewFile(o.display(name), text), d, err
}
