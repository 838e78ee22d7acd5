package nginx

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"sort"
	"strings"
	"syscall"

	"rewright/parser/diag"
)

// Limits of including, in files: nginx has none but its file descriptors, and dies of a cycle.
const (
	maxIncludeDepth = 100
	maxIncludes     = 20000
)

// include reads the files that an include names.
// Source: nginx src/core/ngx_conf_file.c, ngx_conf_include.
func (r *reader) include(cd *ConfigDirective, fr *frame) []*ConfigDirective {
	name := cd.Args[0].Text
	notRead := func(why string) []*ConfigDirective {
		r.missing = true
		r.report(finding{line: r.line(cd), Diagnostic: diag.Diagnostic{
			Code: "RD999", Name: "not-analysed", Severity: diag.Info, File: cd.File, Span: cd.Args[0].Span,
			Message: fmt.Sprintf("%q is not read: %s", name, strings.Replace(why, fmt.Sprintf("%q lies", name), "it lies", 1)),
		}})
		return nil
	}
	if r.env.Open == nil {
		return notRead("included files cannot be opened here")
	}
	names := []string{name}
	if strings.ContainsAny(name, "*?[") {
		if r.env.Glob == nil {
			return notRead("file names with wildcards cannot be looked up here")
		}
		var err error
		if names, err = r.env.Glob(name); err != nil {
			return notRead(err.Error())
		}
		sort.Strings(names)
	}
	cd.Included = true
	var out []*ConfigDirective
	for _, n := range names {
		if slices.Contains(r.names, n) || len(r.names) > maxIncludeDepth || r.count > maxIncludes {
			r.refuse(cd, cd.Args[0].Span, "RD029", "refused-argument",
				fmt.Sprintf("reads %q, which is being read already, without end", n), "remove the cycle",
				fmt.Sprintf(`open() "%s" failed (24: Too many open files)`, r.fullName(n)))
			return out
		}
		f, again := r.files[n]
		if !again {
			src, err := r.env.Open(n)
			if errors.Is(err, fs.ErrNotExist) {
				r.refuse(cd, cd.Args[0].Span, "RD029", "refused-argument", fmt.Sprintf("reads %q, which does not exist", n), "",
					fmt.Sprintf(`open() "%s" failed (2: No such file or directory)`, r.fullName(n)))
				r.missing = true
				continue
			}
			if errors.Is(err, syscall.EISDIR) {
				cd.Included = false
				r.missing = true
				r.lateRefuse(cd, cd.Args[0], fmt.Sprintf(`pread() "%s" failed (21: Is a directory)`, r.fullName(n)), fmt.Sprintf("reads %q, which is a folder", n))
				continue
			}
			if err != nil {
				cd.Included = false
				notRead(err.Error())
				continue
			}
			f = Parse(src)
			r.files[n] = f
			r.config.Files = append(r.config.Files, f)
		}
		r.count++
		r.names = append(r.names, n)
		out = append(out, r.file(f, again, fr)...)
		r.names = r.names[:len(r.names)-1]
	}
	return out
}

// fullName is an included name as nginx opens it: relative ones belong to the folder of the main file.
func (r *reader) fullName(name string) string {
	if path.IsAbs(name) {
		return name
	}
	return path.Join(path.Dir(r.names[0]), name)
}
