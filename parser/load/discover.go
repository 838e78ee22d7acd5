package load

import (
	"io"
	"io/fs"
	"path"
)

// Found is a file that Discover takes for configuration.
type Found struct {
	Name string // in the fs.FS
	Detected
}

// skipFolders are not looked into: nobody edits configuration there.
var skipFolders = map[string]bool{".git": true, ".hg": true, ".svn": true, "node_modules": true, "vendor": true, ".terraform": true, "__pycache__": true}

// Discover lists the configuration files of a folder, by name: those that servers give a meaning to (.htaccess,
// httpd.conf, nginx.conf) and those whose text leaves no doubt. Folders of version control, node_modules and
// vendor are skipped, and so are template files, for what a server will read is not known there.
// A folder that cannot be listed is passed to skipped, which may be nil, and left out.
func Discover(fsys fs.FS, root string, skipped func(name string, err error)) ([]Found, error) {
	var out []Found
	err := fs.WalkDir(fsys, root, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			if name == root {
				return err
			}
			if skipped != nil {
				skipped(name, err)
			}
			if e != nil && e.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if e.IsDir() {
			if name != root && skipFolders[e.Name()] {
				return fs.SkipDir
			}
			return nil
		}
		if !e.Type().IsRegular() || !maybeConfiguration(name) {
			return nil
		}
		text, err := head(fsys, name)
		if err != nil {
			if skipped != nil {
				skipped(name, err)
			}
			return nil
		}
		if checkText(text) != nil {
			return nil
		}
		if d := Detect(name, text); d.Sure && d.Server != 0 {
			out = append(out, Found{name, d})
		}
		return nil
	})
	return out, err
}

// IsConfiguration tells whether a file is configuration of a server for certain: by a name that servers give a meaning to,
// or by its text. One that cannot be read is not passed over: reading it will say why.
func IsConfiguration(fsys fs.FS, name string) bool {
	text, err := head(fsys, name)
	if err != nil {
		return true
	}
	if checkText(text) != nil {
		return false
	}
	d := Detect(name, text)
	return d.Sure && d.Server != 0
}

// maybeConfiguration tells from the name alone whether a look inside is worth it.
func maybeConfiguration(name string) bool {
	base := path.Base(name)
	if isHtaccessName(base) {
		return true
	}
	switch path.Ext(base) {
	case ".conf", ".vhost", ".nginx", ".apache", ".apache2", ".inc", ".site":
		return true
	case "", ".com", ".org", ".net":
		switch path.Base(path.Dir(name)) {
		case "sites-available", "sites-enabled", "conf-available", "conf-enabled", "conf.d", "snippets", "vhosts", "vhosts.d":
			return true
		}
	}
	return base == "nginx"
}

// head is the part of a file that Detect looks at.
func head(fsys fs.FS, name string) ([]byte, error) {
	f, err := openRegular(fsys, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, detectLimit))
}
