package apache

import (
	"fmt"
	"strconv"
	"strings"

	"rewright/emit"
	"rewright/parser/ir"
)

// redirectTarget writes the address of a return. own tells that %1 is taken.
func (s *script) redirectTarget(r *ir.Rule, own bool) (v value, why string) {
	t, kept := s.w.withoutQueryMap(withoutQuery(r.Target))
	dropped := kept || t != nil && len(t.Parts) < len(r.Target.Parts)
	if v, why = s.expand(t, !own); why != "" {
		return v, why
	}
	if dropped && !v.query {
		v.query = true // httpd appends the query by itself
	}
	return s.absolute(r, v), ""
}

// absolute puts the server in front of a path where every request is sent there: httpd would repeat a port that the
// client wrote into its Host header. Elsewhere a path reads better, and only such a port tells the difference.
func (s *script) absolute(r *ir.Rule, v value) value {
	if !strings.HasPrefix(v.text, "/") {
		return v
	}
	// a virtual host without a name takes its port from its address and puts it into every Location
	if s.sc.Kind == ir.ScopeHost && r.Keyword == ir.NginxReturn || s.w.target.Server && !named(hostOf(s.sc)) {
		v.text = "%{REQUEST_SCHEME}://%{SERVER_NAME}" + v.text
	}
	return v
}

// named tells whether a server has a name that can be a ServerName.
func named(sc *ir.Scope) bool {
	for _, n := range serverNames(sc) {
		if !strings.HasPrefix(n, "~") && !strings.HasPrefix(n, ".") && !strings.Contains(n, "*") {
			return true
		}
	}
	return false
}

// withoutQuery is a template without the old query at its end: $is_args$args or ?$args, which httpd appends itself.
func withoutQuery(t *ir.Template) *ir.Template {
	if t == nil {
		return nil
	}
	n := len(t.Parts)
	isArgs := func(i int) bool {
		return i >= 0 && t.Parts[i].Kind == ir.Variable && (t.Parts[i].Name == "args" || t.Parts[i].Name == "query_string")
	}
	switch {
	case n >= 2 && isArgs(n-1) && t.Parts[n-2].Name == "is_args":
		return &ir.Template{Text: t.Text, Span: t.Span, Parts: t.Parts[:n-2]}
	case n >= 2 && isArgs(n-1) && t.Parts[n-2].Kind == ir.Literal && strings.HasSuffix(t.Parts[n-2].Text, "?") && strings.Count(t.Parts[n-2].Text, "?") == 1:
		parts := append([]ir.Part(nil), t.Parts[:n-1]...)
		parts[n-2].Text = strings.TrimSuffix(parts[n-2].Text, "?")
		if parts[n-2].Text == "" {
			parts = parts[:n-2]
		}
		return &ir.Template{Text: t.Text, Span: t.Span, Parts: parts}
	}
	return t
}

// withoutQueryMap is a template without a variable at its end that holds the query with its question mark: a map with
// the default $is_args$args that puts a bare question mark back. httpd appends what the client sent by itself, and
// refuses a question mark that comes out of a variable. Source: httpd mod_rewrite.c, AH10508.
func (w *writer) withoutQueryMap(t *ir.Template) (*ir.Template, bool) {
	if t == nil || len(t.Parts) < 2 || t.Parts[len(t.Parts)-1].Kind != ir.Variable {
		return t, false
	}
	m := w.maps[t.Parts[len(t.Parts)-1].Name]
	if m == nil || m.Kind != "map" || m.Incomplete != "" || m.Default == nil || strings.Contains(t.Text, "?$") {
		return t, false
	}
	d := m.Default.Parts
	if len(d) != 2 || d[0].Name != "is_args" || d[1].Name != "args" && d[1].Name != "query_string" {
		return t, false
	}
	for i := range m.Entries {
		if text, ok := m.Entries[i].Value.Constant(); !ok || text != "?" {
			return t, false
		}
	}
	w.note(m, nil, m.Kind, emit.Exact, "httpd appends the query by itself", "")
	return &ir.Template{Text: t.Text, Span: t.Span, Parts: t.Parts[:len(t.Parts)-1]}, true
}

// rewrite writes a rewrite directive.
func (s *script) rewrite(r *ir.Rule, conds []string) {
	drop := func(why string) { s.w.drop(s.b, r, s.sc, "rewrite", why, "write the rule with what httpd knows") }
	if r.Pattern == nil || r.Pattern.Err != nil {
		drop("a regular expression that nginx refuses")
		return
	}
	refs := false
	for i := range targetParts(r) {
		refs = refs || r.Target.Parts[i].Kind == ir.RuleRef
	}
	at := s.w.subjectOf(r.Pattern, refs, s.stale)
	if at.none {
		drop("a regular expression that cannot be written here")
		return
	}
	conds = append(conds[:len(conds):len(conds)], at.conds...)
	inner := *s
	inner.caps = byRule(at, r.Pattern.Re.Groups(), namesOf(r.Pattern))
	t, kept := r.Target, false
	if r.Action == ir.ActionRedirect {
		t, kept = s.w.withoutQueryMap(t)
	}
	v, why := inner.expand(t, !at.byCond)
	if why != "" {
		drop(why)
		return
	}
	var flags []string
	hasQuery := t != nil && strings.Contains(t.Text, "?")
	switch {
	case r.Query.Append && hasQuery:
		flags = append(flags, "QSA")
	case !r.Query.Append && !hasQuery && !v.whole && !kept:
		flags = append(flags, "QSD")
	}
	if v.whole {
		conds = append(conds, requestLine)
	}
	pat := whole(at.pattern, conds, v.text)
	if refersToCond(append(conds, v.text)) && pat != ".*" {
		drop("$uri behind a rule that may have changed it")
		return
	}
	if r.Action == ir.ActionRedirect {
		if !strings.HasPrefix(v.text, "/") && !strings.HasPrefix(v.text, "%") && !strings.HasPrefix(v.text, "$") && !hasScheme.MatchString(v.text) {
			drop("httpd sends no relative Location: it would be a path of the file system")
			return
		}
		if v.raw || r.Query.Append && hasQuery && !decoded(r) {
			flags = append(flags, "NE") // httpd escapes a query once more where QSA brings it
		}
		if s.w.forms.careful[r] && !v.raw && holdsPath(r) {
			flags = append(flags, "NE")
		}
		v = s.absolute(r, v)
		flags = append([]string{"R=" + strconv.Itoa(r.Status)}, append(flags, "L")...)
		s.put(r, "rewrite", rule(conds, pat, v.text, flags...))
		s.caps = noCaptures
		return
	}
	if _, query, ok := strings.Cut(v.text, "?"); ok && strings.ContainsAny(query, "$%") {
		flags = append(flags, "B= #%&+;?", "BNP") // what nginx escapes in a query
	}
	if status := s.nowhere(r); status != 0 {
		s.put(r, "rewrite", rule(conds, whole(at.pattern, conds, ""), "-", fmt.Sprintf("R=%d", status), "L"))
		s.caps = noCaptures
		return
	}
	if v.text == "" || !strings.HasPrefix(v.text, "/") && !strings.HasPrefix(v.text, "$") && !strings.HasPrefix(v.text, "%") {
		drop("a path that does not begin with a slash")
		return
	}
	if !s.deep && s.w.hasInternal(hostOf(s.sc)) {
		flags = append(flags, "E="+moved+":1")
	}
	switch {
	case r.Flow == ir.FlowNext && !(s.deep && s.tail):
		// relative, so that the rules behind it see the path below the folder
		v.text = strings.TrimPrefix(v.text, "/")
		if v.text == "" {
			v.text = "./"
		}
		// DPI: httpd would put what it takes for path information behind the new path
		s.put(r, "rewrite", rule(conds, pat, v.text, append(flags, "DPI")...))
		s.stale = true
	case r.Flow == ir.FlowEnd && s.deep && s.aliased():
		// nginx ngx_http_core_module.c, ngx_http_map_uri_to_path: an alias cannot be used where the path was rewritten
		s.put(r, "rewrite", rule(conds, whole(at.pattern, conds, ""), "-", "R=500,L"))
	case r.Flow == ir.FlowEnd && s.deep && s.more():
		// what stands behind the script goes on with the new path, in this location
		s.put(r, "rewrite", rule(conds, pat, strings.TrimPrefix(v.text, "/"), append(flags, "DPI,S=end")...))
		s.stale, *s.broke = true, true
	case r.Flow == ir.FlowEnd && s.deep:
		s.put(r, "rewrite", rule(conds, pat, v.text, append(flags, "END")...))
	default:
		s.put(r, "rewrite", append(s.astray(r, conds, pat, v.text), rule(conds, pat, v.text, append(flags, "L")...)...))
	}
	s.caps = noCaptures
}

// holdsPath tells whether a target holds the path as a variable, which a rewrite does not escape, and no group, which it does.
func holdsPath(r *ir.Rule) (yes bool) {
	for _, p := range targetParts(r) {
		if p.Kind == ir.RuleRef {
			return false
		}
		yes = yes || p.Kind == ir.Variable && (p.Name == "uri" || p.Name == "document_uri")
	}
	return yes
}

// astray are the rules for a new path of the careful form that may turn out to be empty or to begin with no slash.
func (s *script) astray(r *ir.Rule, conds []string, pattern, text string) (lines []string) {
	if !s.w.forms.careful[r] || s.stale || !strings.HasPrefix(text, "$") && !strings.HasPrefix(text, "%{ENV:") {
		return nil
	}
	lines = rule(append(conds[:len(conds):len(conds)], condition(text, "^$")), pattern, "-", "R=500,L")
	host := hostOf(s.sc)
	if host == nil || s.w.serverContent(host) {
		return lines
	}
	for _, l := range locations(host) {
		if l.Modifier == ir.RegexLocation || l.Modifier == ir.RegexLocationCI || l.Path == "" || l.Path[0] != '/' && l.Modifier != ir.NamedLocation {
			return lines
		}
	}
	return append(lines, rule(append(conds[:len(conds):len(conds)], condition(text, "!^/")), pattern, "-", "R=404,L")...)
}

// moved is set where the server's own script has changed the path: internal locations are open to it then.
const moved = "moved"

// hasInternal tells whether a server has locations that are closed to clients.
func (w *writer) hasInternal(sc *ir.Scope) bool {
	if sc == nil {
		return false
	}
	for _, l := range locations(sc) {
		if len(own(l, "internal")) > 0 || w.hasInternal(l) {
			return true
		}
	}
	return false
}

// nowhere is the status of a rewrite inside the server whose new path is empty or does not begin with a slash: no
// prefix takes it, and it names a file beside the document root. 0: the path may be a good one. Source: nginx
// ngx_http_script.c, "the rewritten URI has a zero length".
func (s *script) nowhere(r *ir.Rule) int {
	if len(targetParts(r)) == 0 {
		return 500
	}
	parts := s.w.settled(r.Target)
	first := &parts[0]
	switch {
	case first.Kind == ir.Literal && (first.Text == "" || first.Text[0] == '?'):
		return 500
	case first.Kind == ir.Literal && first.Text[0] != '/', first.Kind == ir.Variable && first.Name == "scheme":
	default:
		return 0
	}
	host := hostOf(s.sc)
	if host == nil || s.deep && r.Flow == ir.FlowEnd || r.Flow == ir.FlowNext {
		return 0
	}
	for _, l := range locations(host) {
		if l.Modifier == ir.RegexLocation || l.Modifier == ir.RegexLocationCI || l.Path == "" || l.Path[0] != '/' && l.Modifier != ir.NamedLocation {
			return 0
		}
	}
	if w := s.w; w.serverContent(host) {
		return 0
	}
	return 404
}

// more tells whether a location does anything behind its script but send the file.
func (s *script) more() bool {
	for sc := s.sc; sc != nil; sc = sc.Parent {
		for _, it := range sc.Items {
			if set, ok := it.(*ir.Setting); ok {
				switch set.Name {
				case "try_files", "proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "alias":
					return true
				case "root":
					if sc.Kind == ir.ScopeLocation {
						return true
					}
				}
			}
		}
		if sc.Kind != ir.ScopeIf {
			break
		}
	}
	_, rooted := s.folderOf()
	return rooted
}

// aliased tells whether files come by an alias.
func (s *script) aliased() bool {
	return len(own(s.holder("alias", "root"), "alias")) > 0 && !s.passes()
}

func targetParts(r *ir.Rule) []ir.Part {
	if r.Target == nil {
		return nil
	}
	return r.Target.Parts
}

func namedGroups(p *ir.Pattern) (names []string) {
	for _, n := range p.Re.Names() {
		if n != "" {
			names = append(names, n)
		}
	}
	return names
}
