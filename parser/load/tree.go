package load

import (
	"fmt"
	"io/fs"
	"path"
	"strings"

	"rewright/parser/apache"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

// maxFolders bounds how many folders of a document root are looked into.
const maxFolders = 500_000

// Tree reads the .htaccess files of a document root, the outermost first. Folders that are symbolic links are
// followed once, as httpd follows them by path; a link inside of a linked folder is not.
// A folder that cannot be listed is a diagnostic without a file.
func Tree(fsys fs.FS, root string, o Options) (*Loaded, error) {
	if o.Server == ir.Nginx {
		return nil, o.wrap(root, fmt.Errorf("%w: no nginx.conf in it", ErrNoConfiguration))
	}
	out := &Loaded{Detected: Detected{Server: ir.Apache, Context: ir.ContextHtaccess, Sure: true}, Docroot: o.absolute(root)}
	dir := out.Docroot
	if o.DocumentRoot != "" {
		out.Docroot = o.DocumentRoot
		if !within(out.Docroot, dir) { // the files given stand for those of a document root elsewhere
			dir = out.Docroot
		}
	}
	configs, scopes, unread, err := o.gather(fsys, root, dir, true)
	if err != nil {
		return nil, err
	}
	if len(scopes) == 0 {
		return nil, o.wrap(root, fmt.Errorf("%w: no .htaccess file in it or below, and no nginx.conf, apache2.conf or httpd.conf", ErrNoConfiguration))
	}
	out.Apache, out.unread = configs, unread
	out.Program = apache.NewHtaccessProgram(scopes...)
	return out, nil
}

// gather reads the .htaccess files below root, which lies at the absolute path dir. One that cannot be read is an
// error when strict is set; else all that depends on it is not known.
func (o Options) gather(fsys fs.FS, root, dir string, strict bool) (configs []*apache.Config, scopes []*ir.Scope, unread []diag.Diagnostic, err error) {
	w := &walker{fsys: fsys, o: o}
	if err := w.folder(root, 0); err != nil {
		return nil, nil, nil, err
	}
	d := Detected{Server: ir.Apache, Context: ir.ContextHtaccess}
	for _, name := range w.found {
		below := path.Dir(name)
		if root != "." {
			below = strings.TrimPrefix(below, root)
		}
		at := path.Join(dir, below)
		text, err := o.read(fsys, name)
		if err != nil && strict {
			return nil, nil, nil, err
		}
		file := source.NewFile(o.display(name), text)
		if err != nil {
			scopes = append(scopes, unreadable(file, at))
			unread = append(unread, diag.Diagnostic{Severity: diag.Warning, Name: "unread-file",
				Message: fmt.Sprintf("%v; requests below %s are not known", err, at)})
			continue
		}
		config := o.readApache(fsys, name, file, d)
		configs = append(configs, config)
		scopes = append(scopes, apache.LowerHtaccess(config, at))
	}
	return configs, scopes, append(w.unread, unread...), nil
}

// unreadable stands for a .htaccess file of which nothing is known but that it is there.
func unreadable(file *source.File, dir string) *ir.Scope {
	origin := ir.Origin{File: file}
	s := &ir.Scope{Origin: origin, Kind: ir.ScopeHtaccess, Name: ".htaccess", Dir: dir}
	s.Items = []ir.Item{&ir.Opaque{Origin: origin, Name: "what stands in " + file.Name}}
	return s
}

type walker struct {
	fsys    fs.FS
	o       Options
	found   []string
	unread  []diag.Diagnostic
	folders int
}

func (w *walker) folder(dir string, links int) error {
	if w.folders++; w.folders > maxFolders {
		return w.o.wrap(dir, fmt.Errorf("more than %d folders", maxFolders))
	}
	entries, err := fs.ReadDir(w.fsys, dir)
	if err != nil {
		if w.folders == 1 {
			return w.o.wrap(dir, err)
		}
		w.unread = append(w.unread, diag.Diagnostic{Severity: diag.Warning, Name: "unread-folder",
			Message: fmt.Sprintf("%v; .htaccess files in it are not known", w.o.wrap(dir, err))})
		return nil
	}
	for _, e := range entries {
		if e.Name() == ".htaccess" && !e.IsDir() {
			w.found = append(w.found, path.Join(dir, e.Name()))
		}
	}
	for _, e := range entries {
		p, deeper := path.Join(dir, e.Name()), links
		if e.Type()&fs.ModeSymlink != 0 {
			info, err := fs.Stat(w.fsys, p)
			if err != nil || !info.IsDir() || links > 0 {
				continue
			}
			deeper++
		} else if !e.IsDir() {
			continue
		}
		if err := w.folder(p, deeper); err != nil {
			return err
		}
	}
	return nil
}
