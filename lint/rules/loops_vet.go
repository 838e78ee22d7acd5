package rules

import (
	"path"
	"strings"

	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
)

// vet looks whether a trouble holds whatever is not known: which files exist, where a .htaccess lies, what proxies in front say
// and what the environment holds. What depends on it is dropped, made quieter, or says so.
func (f *follower) vet(l *loop) *loop {
	if l == nil {
		return nil
	}
	for i := range l.chain.Hops {
		if r := l.chain.Hops[i].Rule(); r != nil && f.changesOutside(r) {
			return nil
		}
	}
	if l.kind != internalLoop {
		if l = f.withTargets(l); l == nil {
			return nil
		}
	}
	if where := f.otherLocation(l); where != "" {
		l.severity, l.unless = diag.Info, "another file has a location for "+where
	}
	if f.mayLieElsewhere(l) {
		l.severity = diag.Info
		l.unless = "the file lies in the folder that its targets name"
	}
	return l
}

// withTargets asks again with everything that rules lead to in existence: a front controller, an error page, the target of
// a redirect are meant to be there.
func (f *follower) withTargets(l *loop) *loop {
	q := l.chain.Hops[0].Probe
	root := f.site.Root(l.rule)
	for i := range l.chain.Hops {
		h := &l.chain.Hops[i]
		if i > 0 || l.chain.End == probe.EndCycle {
			p := pathOf(&h.Probe)
			q.Exists = f.assume(q.Exists, &q, root, p)
		}
		if len(h.Outcome.Fired) > 1 {
			o := f.site.Trace(h.Probe)
			for _, file := range f.rewrittenTo(l.rule, &o) {
				q.Exists = f.assume(q.Exists, &q, "", file)
			}
		}
	}
	if len(q.Exists) == len(l.chain.Hops[0].Probe.Exists) {
		return l
	}
	c := f.site.Follow(q, maxHops)
	switch {
	case l.kind == growing && c.End == probe.EndLimit:
		return l
	case l.chain.End == probe.EndCycle && c.End == probe.EndCycle && c.Hops[c.Back].Rule() != nil:
		return l
	case l.kind == longChain && c.Redirects() > f.p.Unit.MaxHops() && c.End != probe.EndCycle:
		return l
	case l.kind == longChain || l.kind == growing:
		return nil
	}
	// It goes round only while nothing is there. That is so for every missing page when the rule sends each to itself.
	for i := range l.chain.Hops {
		h := &l.chain.Hops[i]
		r := h.Rule()
		if r == nil || !h.Redirects() {
			return nil
		}
		next, ok := probe.Redirected(h.Probe.Request, h.Outcome.Status, *h.Outcome.Location)
		if _, constant := r.Target.Constant(); !ok || constant {
			return nil
		}
		_, to, plain := expand(f.site, r, pathOf(&h.Probe))
		if !plain || to != pathOf(&probe.Probe{Request: next}) {
			return nil
		}
	}
	l.severity, l.unless = diag.Warning, "the file exists"
	return l
}

// assume adds what lies at a path to the files that exist.
func (f *follower) assume(list []string, q *probe.Probe, root, p string) []string {
	if p == "" || p == "/" || strings.ContainsAny(p, "%") || len(list) >= maxAssumed {
		return list
	}
	file := path.Join(root, p)
	if strings.HasSuffix(p, "/") {
		file += "/"
	}
	if file == f.site.Root(nil)+"/" || assumes(&probe.Probe{Exists: list, Missing: q.Missing}, file) {
		return list
	}
	return append(list[:len(list):len(list)], file)
}

// changesOutside tells whether what a rule does depends on what the browser does not decide: the environment of the server,
// headers that proxies set, cookies that the way may set, random and changing things.
func (f *follower) changesOutside(r *ir.Rule) bool {
	for _, name := range f.dependencies(r) {
		switch space, rest, _ := strings.Cut(name, ":"); space {
		case "ENV":
			if !f.setsEnv(rest) && !strings.HasPrefix(rest, "REDIRECT_") {
				return true
			}
		case "header":
			switch rest {
			case "host", "user-agent", "accept", "accept-language", "accept-encoding", "referer":
			default:
				return true
			}
		case "cookie", "unknown":
			return true
		}
	}
	return false
}

// dependencies are the things besides path, query, method, host, scheme and port that decide about a rule or its target:
// "ENV:NAME", "header:name", "cookie:", "unknown:".
func (f *follower) dependencies(r *ir.Rule) []string {
	d := dependent{nginx: f.site.Program.Server == ir.Nginx, definitions: f.site}
	for _, c := range r.Conditions {
		d.condition(c)
	}
	d.template(r.Target)
	for sc := f.site.Scope(r); sc != nil; sc = sc.Parent {
		if sc.If != nil {
			d.condition(sc.If)
		}
		d.expr(sc.Expr)
	}
	return d.names
}

// setsEnv tells whether a rule of the configuration sets a variable of the environment.
func (f *follower) setsEnv(name string) bool {
	if f.env == nil {
		f.env = map[string]bool{}
		for _, r := range f.site.Rules() {
			for i := range r.Env {
				f.env[r.Env[i].Name] = true
			}
		}
	}
	return f.env[name]
}

// mayLieElsewhere tells whether a .htaccess of which no place is known seems to lie in the folder that all of its absolute targets
// begin with, so that a rule does not meet its own target.
func (f *follower) mayLieElsewhere(l *loop) bool {
	u := f.p.Unit
	if u.Input.Context != ir.ContextHtaccess || len(u.Parents()) > 0 || u.Input.Files != nil || f.site.Below(l.rule) != "/" {
		return false
	}
	concerned := false
	for i := range l.chain.Hops {
		if r := l.chain.Hops[i].Rule(); r != nil && r.Subject == ir.SubjectDirectory && folderOf(r) != "" {
			concerned = true
		}
	}
	if !concerned {
		return false
	}
	folder := ""
	for _, r := range f.sources.rules {
		if r.Keyword != ir.RewriteRule || r.Target.Prefix() == "" || strings.Contains(r.Target.Prefix(), "://") {
			continue
		}
		t := folderOf(r)
		if t == "" && strings.HasPrefix(r.Target.Prefix(), "/") || folder != "" && t != "" && t != folder {
			return false
		}
		if t != "" {
			folder = t
		}
	}
	return folder != ""
}

// folderOf is the first folder of an absolute target's path: "/akn/" of /akn/$1.html; empty when there is none.
func folderOf(r *ir.Rule) string {
	if r.Target == nil {
		return ""
	}
	p := r.Target.Prefix()
	if scheme := strings.TrimSuffix(p, "://"); (scheme == "http" || scheme == "https") && len(r.Target.Parts) > 2 && isHostVariable(&r.Target.Parts[1]) {
		p = r.Target.Parts[2].Text
	}
	if !strings.HasPrefix(p, "/") {
		return ""
	}
	if i := strings.IndexByte(p[1:], '/'); i > 0 {
		return p[:i+2]
	}
	return ""
}

// otherLocation looks whether a loop goes through the location of everything in a part of an nginx configuration: a location for
// the one address it leads to may stand in another file. It gives that address.
func (f *follower) otherLocation(l *loop) string {
	if f.p.Unit.Input.Server != ir.Nginx || !f.p.Fragment() || f.p.Unit.Input.Context == ir.ContextHTTP {
		return ""
	}
	text, constant := l.rule.Target.Constant()
	if l.rule.Keyword == ir.NginxReturn && !constant && len(l.rule.Target.Parts) > 0 {
		last := l.rule.Target.Parts[len(l.rule.Target.Parts)-1]
		text, constant = last.Text, last.Kind == ir.Literal
	}
	sc := f.site.Scope(l.rule)
	for sc != nil && sc.Kind != ir.ScopeLocation {
		sc = sc.Parent
	}
	if !constant || sc == nil || sc.Modifier != ir.PrefixLocation || sc.Path != "/" {
		return ""
	}
	return pathPart(text)
}
