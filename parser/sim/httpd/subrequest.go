package httpd

// Subrequests: look-ups of a path or file, with no answer of their own.

import "strings"

// subrequest makes the request of a look-up; nil when too many nest.
func (r *request) subrequest() *request {
	if r.tooDeep() || r.exhausted(subrequestWork) {
		return nil
	}
	nr := r.derive()
	nr.main, nr.method = r, "GET"
	nr.env = r.env.clone()
	nr.hostPort = 0 // the port is kept with the parsed URL, and that is new
	return nr
}

// subrequestURI looks a URL up without answering it; nil when too many look-ups nest.
// Source: ap_sub_req_lookup_uri.
func (r *request) subrequestURI(target string) *request {
	nr := r.subrequest()
	if nr == nil {
		return nil
	}
	r.top.quiet++
	defer func() { r.top.quiet-- }()
	if !strings.HasPrefix(target, "/") {
		target = escapePath(r.uri[:strings.LastIndexByte(r.uri, '/')+1]) + target
	}
	if st := nr.setTarget(target); st != 0 {
		nr.status = st
		return nr
	}
	if st := nr.phases(); st != 0 && st != done {
		nr.status = st
	}
	return nr
}

// subrequestFile looks a file up; nil when too many look-ups nest. Its URL is known only when the file lies beside
// that of the request. Source: ap_sub_req_lookup_file.
func (r *request) subrequestFile(name string) *request {
	nr := r.subrequest()
	if nr == nil {
		return nil
	}
	r.top.quiet++
	defer func() { r.top.quiet-- }()
	dir := r.filename[:strings.LastIndexByte(r.filename, '/')+1]
	if !strings.HasPrefix(name, "/") {
		name = dir + name
	}
	name = mergeFilePath(name)
	nr.filename, nr.hasFile = name, true
	if rest, ok := strings.CutPrefix(name, dir); ok && dir != "" && rest != "" && strings.IndexByte(rest, '/') < 0 {
		nr.uri = r.uri[:strings.LastIndexByte(r.uri, '/')+1] + rest
	}
	c := nr.baseConf()
	nr.conf = c
	st := nr.directoryWalk(c)
	if st == 0 {
		nr.fileWalk(c)
		st = nr.finish(c)
	}
	if st != 0 && st != done {
		nr.status = st
	}
	return nr
}
