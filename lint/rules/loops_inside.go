package rules

import (
	"path"
	"strings"

	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
)

// maxAssumed bounds how many rewritten paths are taken to be files before a loop inside the server is called one.
const maxAssumed = 24

// inside makes sure of a loop inside the server: what rules rewrite to is meant to be there, so each path that the URI
// is rewritten to is taken for a file that exists, and only a loop that remains then is one.
func (f *follower) inside(r *ir.Rule, q probe.Probe) *loop {
	for len(q.Exists) < maxAssumed {
		o := f.site.Trace(q)
		if !loopsInside(&o) {
			return nil
		}
		before := len(q.Exists)
		for _, file := range f.rewrittenTo(r, &o) {
			if len(q.Exists) < maxAssumed && !assumes(&q, file) {
				q.Exists = append(q.Exists[:len(q.Exists):len(q.Exists)], file)
			}
		}
		if len(q.Exists) == before {
			break
		}
	}
	o := f.site.Ask(q)
	if !loopsInside(&o) {
		return nil
	}
	// The request is shown without the files that change nothing.
	bare := q
	bare.Exists = nil
	if o := f.site.Ask(bare); loopsInside(&o) && probe.HasFired(&o, r) {
		q = bare
	}
	l := &loop{kind: internalLoop, rule: r, chain: f.site.Follow(q, 0)}
	for _, other := range probe.Fired(&o) {
		if other != r && moves(other) && (len(l.others) == 0 || l.others[len(l.others)-1] != other) && len(l.others) < 3 {
			l.others = append(l.others, other)
		}
	}
	// the rule that goes round, not one that only leads there
	if n := len(o.Fired); n > 0 && !firesAgain(&o, r) {
		return nil
	}
	f.childMayAnswer(l)
	return l
}

// firesAgain tells whether a rule took effect in more than one round.
func firesAgain(o *sim.Outcome, r *ir.Rule) bool {
	n := 0
	for _, x := range o.Fired {
		if x.Rule == r && !x.Subrequest {
			n++
		}
	}
	return n > 1
}

func assumes(q *probe.Probe, file string) bool {
	for _, e := range q.Exists {
		if strings.TrimSuffix(e, "/") == strings.TrimSuffix(file, "/") {
			return true
		}
	}
	for _, e := range q.Missing {
		if e == file {
			return true
		}
	}
	return false
}

// rewrittenTo are the paths in the file system that a traced answer rewrote the request to.
func (f *follower) rewrittenTo(r *ir.Rule, o *sim.Outcome) []string {
	var out []string
	for i := range o.Steps {
		st := &o.Steps[i]
		name := st.Result
		if st.Kind == sim.StepRewrite || st.Kind == sim.StepRule && st.Name == "rewrite" && st.Matched != nil && *st.Matched {
			if i := strings.IndexByte(name, '?'); i >= 0 {
				name = name[:i]
			}
			root := f.site.Root(r)
			if strings.HasPrefix(name, "/") && !strings.HasPrefix(name, root+"/") {
				name = root + name
			}
			if !strings.HasPrefix(name, "/") || name == root+"/" || name == root {
				continue
			}
			out = append(out, name)
		}
	}
	return out
}

// childMayAnswer looks whether the loop goes through a folder below: a .htaccess there that turns the engine on takes the place of
// these rules, and it is not known to be missing.
func (f *follower) childMayAnswer(l *loop) {
	u := f.p.Unit
	if u.Input.Server != ir.Apache || l.rule.Subject != ir.SubjectDirectory {
		return
	}
	_, to, ok := expand(f.site, l.rule, f.site.Below(l.rule)+"x")
	folder := ""
	if ok {
		rest := strings.TrimPrefix(to, f.site.Below(l.rule))
		if i := strings.IndexByte(rest, '/'); i > 0 {
			folder = rest[:i]
		}
	}
	if folder == "" {
		return
	}
	file := path.Join(f.site.Root(l.rule), f.site.Below(l.rule), folder, ".htaccess")
	if u.Input.Files != nil {
		if info, known := u.Input.Files.Stat(file); known && info.Kind == sim.NoFile {
			return
		}
	}
	l.severity, l.unless = diag.Info, "/"+strings.TrimPrefix(path.Join(f.site.Below(l.rule), folder), "/")+" has a .htaccess of its own that turns RewriteEngine on"
}
