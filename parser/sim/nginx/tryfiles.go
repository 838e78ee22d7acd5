package nginx

import (
	"strings"

	"rewright/parser/sim"
)

// tryFiles looks for the files of try_files. answered is false when one of them is served in this location.
// Source: nginx src/http/modules/ngx_http_try_files_module.c, ngx_http_try_files_handler.
func (r *request) tryFiles() (n next, answered bool) {
	l := r.conf
	files := l.tryFiles
	for i := range files {
		f := &files[i]
		last := i == len(files)-1
		name := r.eval(f.name, evalScript, false)
		if l.alias != noAlias && !r.validLocation {
			return r.aliasRefused(), true
		}
		if l.alias == aliased && len(r.uri) < l.aliasLen {
			return r.aliasRefused(), true
		}
		if last && f.code >= 0 {
			r.tried(f, "="+itoa(int64(f.code)), nil, "nothing was found")
			return r.finalize(f.code), true
		}
		rest := r.must(name)
		if !f.name.constant && l.alias == aliased && strings.HasPrefix(rest, r.uri[:l.aliasLen]) {
			// nginx takes the name of the location off values with variables, the fallback included.
			rest = rest[l.aliasLen:]
		}
		if last {
			r.tried(f, rest, nil, "the last one is not tested")
			if strings.HasPrefix(rest, "@") {
				return r.namedLocation(rest), true
			}
			uri, args, _ := strings.Cut(rest, "?")
			return r.internalRedirect(uri, args, l.tryOrigin, "try_files"), true
		}
		file := r.must(r.rootPath()) + rest
		info := r.stat(file)
		hit := info.Kind != sim.NoFile && (info.Kind == sim.Directory) == f.dir
		r.tried(f, file, truth(hit), "")
		if !hit {
			continue
		}
		switch l.alias {
		case noAlias:
			r.uri = rest
		case aliasWhole:
			if !f.dir {
				r.uri, r.addURIToAlias = rest, true
			}
		default:
			r.uri = r.uri[:l.aliasLen] + rest
		}
		return done, false
	}
	return done, false
}

func (r *request) tried(f *tryFile, what string, hit *bool, note string) {
	if r.trace {
		st := sim.Step{Kind: sim.StepFile, Origin: r.conf.tryOrigin, Name: "try_files", Input: what, Matched: hit, Note: note}
		if hit == nil {
			st.Input, st.Result = "", what
		}
		r.note(st)
	}
}
