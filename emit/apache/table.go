package apache

// Large maps of a virtual host become the table of a RewriteMap in a file of its own.

import (
	"io/fs"
	"path"
	"strings"

	"rewright/emit"
	"rewright/parser/ir"
	"rewright/parser/sim"
)

// tableSize is how many plain entries make a map one of its own file: httpd looks a RewriteMap up once, and runs
// conditions one by one.
const tableSize = 50

// tablePrefix begins the name of the file of a RewriteMap.
const tablePrefix = "map-"

// IsTable tells whether a file of a result is the table of a RewriteMap.
func IsTable(name string) bool {
	return strings.HasPrefix(name, tablePrefix) && strings.HasSuffix(name, ".txt")
}

// plainEntry tells whether an entry of a map can stand on a line of a RewriteMap: both are single words.
// Source: httpd mod_rewrite.c, lookup_map_txtfile.
func plainEntry(e *ir.MapEntry) (value string, ok bool) {
	value, constant := e.Value.Constant()
	if e.Pattern != nil || !constant || value == "" || e.Key == "" || e.Key[0] == '#' {
		return "", false
	}
	return value, !strings.ContainsFunc(e.Key+value, func(r rune) bool { return r <= ' ' || r == 0x7f })
}

// table makes the plain entries of a large map a RewriteMap, for a virtual host whose files lie in a folder that is
// known. It gives the lookup of a text; rest are the entries that are no part of it.
func (w *writer) table(m *ir.MapBlock) (lookup func(test string) string, rest []ir.MapEntry) {
	if !w.target.Server || w.options.Folder == "" || m.Kind != "map" || m.Hostnames || !fits(w.options.Folder) || strings.ContainsAny(w.options.Folder, `"`) {
		return nil, m.Entries
	}
	var lines []string
	seen := map[string]bool{}
	for i := range m.Entries {
		e := &m.Entries[i]
		key := strings.ToLower(e.Key)
		if value, ok := plainEntry(e); ok && !seen[key] {
			seen[key] = true
			lines = append(lines, key+" "+value)
			continue
		}
		rest = append(rest, *e)
	}
	if len(lines) < tableSize {
		return nil, m.Entries
	}
	file := emit.File{Name: tablePrefix + m.Variable + ".txt", Text: []byte(strings.Join(lines, "\n") + "\n")}
	if w.tables[m] == nil {
		w.tables[m] = &file
		w.files = append(w.files, file)
		w.tableLines = append(w.tableLines, "RewriteMap "+m.Variable+" "+plainWord("txt:"+path.Join(w.options.Folder, file.Name)))
	}
	return func(test string) string { return "${" + m.Variable + ":${lower:" + test + "}}" }, rest
}

// tableUnit declares the RewriteMaps of the virtual hosts; nil when there are none.
func (w *writer) tableUnit() *unit {
	if len(w.tableLines) == 0 {
		return nil
	}
	return &unit{lines: append([]string{
		"# nginx ignores the case of a key; httxt2dbm makes a hash file of a table of many thousand lines (dbm: for txt:)",
		"RewriteMap lower int:tolower",
	}, w.tableLines...)}
}

// withTables are the files of a world and those of a result.
type withTables struct {
	files  sim.FileSystem // may be nil
	root   string
	tables []emit.File
}

func (f withTables) ReadFile(name string) ([]byte, error) {
	for i := range f.tables {
		if name == path.Join(f.root, f.tables[i].Name) {
			return f.tables[i].Text, nil
		}
	}
	if f.files == nil {
		return nil, fs.ErrNotExist
	}
	return f.files.ReadFile(name)
}

func (f withTables) Stat(name string) (sim.FileInfo, bool) {
	if f.files == nil {
		return sim.FileInfo{}, false
	}
	return f.files.Stat(name)
}
