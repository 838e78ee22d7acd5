package httpd

import (
	"strings"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// segmentMatch compares a path with the source of Redirect or Alias: runs of slashes match runs of slashes, and the
// match ends at a segment. It gives the bytes matched, 0 for none. Source: alias_matches.
func segmentMatch(uri, fake string) int {
	u, f := 0, 0
	for f < len(fake) {
		if fake[f] == '/' {
			if u >= len(uri) || uri[u] != '/' {
				return 0
			}
			for f < len(fake) && fake[f] == '/' {
				f++
			}
			for u < len(uri) && uri[u] == '/' {
				u++
			}
			continue
		}
		if u >= len(uri) || uri[u] != fake[f] {
			return 0
		}
		u++
		f++
	}
	if len(fake) > 0 && fake[len(fake)-1] != '/' && u < len(uri) && uri[u] != '/' {
		return 0
	}
	return u
}

// tryRedirects runs mod_alias's redirects of a list. It gives the status of the first that matches, 0 for none.
// Source: try_alias_list, try_redirect.
func (r *request) tryRedirects(c *dirConf, list []*ir.Rule, index *lazyIndex) int {
	at := sim.Cursor{Index: index.of(list)}
	if strings.Contains(r.uri, "//") {
		at.Index = nil // a run of slashes counts as one
	}
	for i := 0; i < len(list); i++ {
		if at.Index != nil {
			j := at.Next(i, len(list), r.uri)
			for ; i < j && r.tracing(); i++ {
				r.note(sim.Step{Kind: sim.StepRule, Origin: list[i].Origin, Name: string(list[i].Keyword), Input: r.uri, Pattern: list[i].Path, Matched: truth(false)})
			}
			if i = j; i == len(list) {
				break
			}
		}
		p := list[i]
		loc, ok := "", false
		var st sim.Step
		if r.tracing() {
			st = sim.Step{Kind: sim.StepRule, Origin: p.Origin, Name: string(p.Keyword), Input: r.uri, Pattern: p.Path}
		}
		switch p.Match {
		case ir.MatchRegex:
			m, hit := r.match(p.Pattern, r.uri)
			ok = hit
			if hit {
				if st.Kind != "" {
					a, b := m.Span(0)
					st.Span = &[2]int{a, b}
				}
				if p.Target != nil {
					text := ""
					for i := range p.Target.Parts {
						if part := &p.Target.Parts[i]; part.Kind == ir.RuleRef {
							text += m.Group(part.N)
						} else {
							text += part.Text
						}
					}
					loc = escapeTarget(text)
				}
			}
		default:
			n := segmentMatch(r.uri, p.Path)
			ok = n > 0
			if ok && p.Target != nil {
				loc = p.Target.Text + escapePath(r.uri[n:])
				if st.Kind != "" {
					st.Span = &[2]int{0, n}
				}
			}
		}
		if st.Kind != "" {
			st.Matched = truth(ok)
			st.Result = loc
			r.note(st)
		}
		if ok {
			r.fired(p)
			return r.aliasAnswer(c, p, loc)
		}
	}
	return 0
}

// escapeTarget escapes the path of a target and keeps its query and fragment.
func escapeTarget(t string) string {
	cut := strings.IndexAny(t, "?#")
	rest := ""
	if cut >= 0 {
		t, rest = t[:cut], t[cut:]
	}
	head := ""
	if i := strings.Index(t, "://"); i > 0 && isURL(t) {
		j := strings.IndexByte(t[i+3:], '/')
		if j < 0 {
			return hidePassword(t) + rest
		}
		head, t = hidePassword(t[:i+3+j]), t[i+3+j:]
	} else if isURL(t) {
		k := strings.IndexByte(t, ':')
		head, t = t[:k+1], t[k+1:]
	}
	return head + escapePath(t) + rest
}

func hidePassword(authority string) string {
	i := strings.Index(authority, "://")
	at := strings.LastIndexByte(authority, '@')
	if i < 0 || at < i {
		return authority
	}
	user, _, has := strings.Cut(authority[i+3:at], ":")
	if !has {
		return authority
	}
	return authority[:i+3] + user + ":XXXXXXXX" + authority[at:]
}

// aliasAnswer answers with a redirect of mod_alias.
func (r *request) aliasAnswer(c *dirConf, p *ir.Rule, loc string) int {
	if p.Action != ir.ActionRedirect || p.Target == nil {
		return p.Status
	}
	if !isURL(loc) {
		if !strings.HasPrefix(loc, "/") {
			r.logError("AH00676: Invalid redirection URI '" + loc + "' returned")
			return 500
		}
		if !c.relative {
			loc = r.selfURL(loc)
		}
	}
	if r.args != nil && strings.IndexByte(loc, '?') < 0 {
		loc += "?" + *r.args
	}
	r.setLocation(loc)
	return p.Status
}

// unconditionalRedirect is Redirect without a path.
func (r *request) unconditionalRedirect(c *dirConf) int {
	p := c.unconditional
	if p == nil {
		return 0
	}
	r.fired(p)
	if p.Target == nil {
		if p.Action == ir.ActionRedirect {
			return 500
		}
		return p.Status
	}
	text := r.exprText(p.Target)
	r.note(sim.Step{Kind: sim.StepRule, Origin: p.Origin, Name: string(p.Keyword), Input: r.uri, Result: text, Matched: truth(true), Note: "redirects everything here"})
	if p.Keyword == ir.RedirectMatch {
		return 500
	}
	return r.aliasAnswer(c, p, escapeTarget(text))
}

// aliasTranslate runs redirects and aliases of the host. Source: translate_alias_redir.
func (r *request) aliasTranslate(c *dirConf) int {
	if !strings.HasPrefix(r.uri, "/") {
		return declined
	}
	if st := r.unconditionalRedirect(c); st != 0 {
		return st
	}
	if st := r.tryRedirects(c, r.h.redirects, &r.h.redirectsIndex); st != 0 {
		return st
	}
	list := r.h.aliasRules
	for i := len(c.layers) - 1; i >= 0; i-- {
		if s := c.layers[i].scope; s.Kind == ir.ScopeLocation || s.Kind == ir.ScopeLocationMatch {
			list = append(append([]*ir.Rule{}, c.layers[i].aliases...), list...)
		}
	}
	for _, p := range list {
		file, prefix, root := "", "", ""
		switch p.Match {
		case ir.MatchAll:
			file = r.exprText(p.Target)
			prefix = r.uri
			if l := c.layerOf(p); l != nil && l.preserve && l.scope.Kind == ir.ScopeLocation && strings.HasPrefix(r.uri, l.scope.Path) {
				prefix = l.scope.Path
				file += r.uri[len(prefix):]
			}
			root = file
		case ir.MatchRegex:
			m, ok := r.match(p.Pattern, r.uri)
			if !ok {
				continue
			}
			for i := range p.Target.Parts {
				if part := &p.Target.Parts[i]; part.Kind == ir.RuleRef {
					file += m.Group(part.N)
				} else {
					file += part.Text
				}
			}
		default:
			n := segmentMatch(r.uri, p.Path)
			if n == 0 {
				continue
			}
			file = p.Target.Text + r.uri[n:]
			prefix, root = p.Path, p.Target.Text
		}
		r.note(sim.Step{Kind: sim.StepRule, Origin: p.Origin, Name: string(p.Keyword), Input: r.uri, Pattern: p.Path, Result: file, Matched: truth(true)})
		r.filename, r.hasFile = file, true
		r.ctxPrefix, r.ctxRoot = strings.TrimSuffix(prefix, "/"), strings.TrimSuffix(root, "/")
		r.isAlias = p.Keyword == ir.ScriptAlias || p.Keyword == ir.ScriptAliasMatch
		return done
	}
	return declined
}

// layerOf is the section a rule stands in.
func (c *dirConf) layerOf(p *ir.Rule) *layer {
	for _, l := range c.layers {
		for _, q := range l.aliases {
			if q == p {
				return l
			}
		}
	}
	return nil
}

// aliasFixup runs the redirects of the directory. Source: fixup_redir.
func (r *request) aliasFixup(c *dirConf) int {
	if st := r.unconditionalRedirect(c); st != 0 {
		return st
	}
	return r.tryRedirects(c, c.redirects, c.redirectsIndex)
}
