package rules

import (
	"strings"

	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
	"rewright/parser/sim/httpd"
)

// sources tells which rules may take a path of the site: an index over what their patterns begin with, so that the
// target of each rule can be looked up. Conditions, methods and files are not looked at: what it finds is a
// proposal, and the simulator has the word.
type sources struct {
	site  *probe.Site
	rules []*ir.Rule // that redirect or rewrite
	froms []string   // URL prefix of the folder whose rules they are, with slashes; "/" in server context
	index *sim.Index
	left  int      // comparisons
	hosts []string // see hostsOf
	last  *ir.Rule // of likely
	paths []string
}

// sourceComparisons bounds the patterns one lookup table compares, over all look-ups.
const sourceComparisons = 20_000_000

// workAsComparisons is how many of them a unit of pattern.Regexp.Work takes the time of.
const workAsComparisons = 8

func newSources(site *probe.Site) *sources {
	t := &sources{site: site, left: sourceComparisons}
	for _, r := range site.Rules() {
		if moves(r) {
			t.rules = append(t.rules, r)
			t.froms = append(t.froms, site.Below(r))
		}
	}
	t.index = sim.NewIndex(len(t.rules), func(i int) sim.Key { return t.key(t.rules[i], t.froms[i]) })
	return t
}

// moves tells whether a rule sends a request somewhere: to another URL, or to another path inside the server.
func moves(r *ir.Rule) bool {
	return !r.Disabled && r.Target != nil && (r.Action == ir.ActionRedirect || r.Action == ir.ActionRewrite)
}

func (t *sources) key(r *ir.Rule, from string) sim.Key {
	k := sim.Key{}
	switch {
	case r.Negated:
	case r.Match == ir.MatchSegment:
		k.Text = r.Path
	case r.Match == ir.MatchRegex && r.Pattern != nil && r.Pattern.Re != nil:
		k = sim.PatternKey(r.Pattern.Re.Tree())
		if r.Subject == ir.SubjectDirectory {
			if k.Text == "" && !k.Exact {
				return sim.Key{Hosts: t.hostsWanted(r)}
			}
			if k.Caseless {
				k.Text = strings.ToLower(from) + k.Text
			} else {
				k.Text = from + k.Text
			}
		}
	case r.Keyword == ir.NginxReturn:
		k = t.location(t.site.Scope(r))
	}
	return k
}

// location is what the paths of a location begin with.
func (t *sources) location(sc *ir.Scope) sim.Key {
	for ; sc != nil; sc = sc.Parent {
		if sc.Kind != ir.ScopeLocation || sc.File == nil {
			continue
		}
		switch sc.Modifier {
		case ir.ExactLocation:
			return sim.Key{Text: sc.Path, Exact: true}
		case ir.NamedLocation:
			return sim.Key{}
		case ir.RegexLocation, ir.RegexLocationCI:
			if sc.Pattern != nil && sc.Pattern.Re != nil {
				k := sim.PatternKey(sc.Pattern.Re.Tree())
				k.Exact = false
				return k
			}
			return sim.Key{}
		}
		return sim.Key{Text: sc.Path}
	}
	return sim.Key{}
}

// hostsWanted are the hosts with one of which alone a rule of httpd does anything; nil when they are not known.
func (t *sources) hostsWanted(r *ir.Rule) []string {
	if r.Keyword != ir.RewriteRule {
		return nil
	}
	return httpd.HostsWanted(r)
}

// takes tells whether any rule may take a path in a request with one of some hosts; nil: whatever the host is.
func (t *sources) takes(hosts []string, path string) bool {
	return t.index.Any(hosts, path, func(i int32) bool {
		if t.left--; t.left < 0 {
			return false
		}
		if p := t.rules[i].Pattern; p != nil && p.Re != nil {
			t.left -= workAsComparisons * p.Re.Work(path, false)
		}
		return t.matches(t.rules[i], t.froms[i], path)
	})
}

// hostsOf are the hosts that requests for a rule have which nothing asks for another host; nil: any.
func (t *sources) hostsOf(r *ir.Rule) []string {
	for _, c := range r.Conditions {
		if !hostless(c) {
			return nil
		}
	}
	for sc := t.site.Scope(r); sc != nil; sc = sc.Parent {
		if sc.Kind == ir.ScopeHost || sc.If != nil || sc.Expr != nil {
			return nil
		}
	}
	if t.hosts == nil {
		t.hosts = append([]string{probe.DefaultHost}, t.site.Hosts()...)
		if len(t.hosts) > maxOwnHosts {
			t.hosts = []string{}
		}
	}
	if len(t.hosts) == 0 {
		return nil
	}
	return t.hosts
}

// hostless tells whether a condition says nothing of the host and the port of a request.
func hostless(c *ir.Condition) bool {
	if c.Test == nil || c.Kind == ir.CondExpr {
		return false
	}
	for i := range c.Test.Parts {
		p := &c.Test.Parts[i]
		if p.Kind == ir.Literal {
			continue
		}
		if p.Kind != ir.Variable || p.Space != "" {
			return false
		}
		switch p.Name {
		case "QUERY_STRING", "REQUEST_URI", "REQUEST_FILENAME", "SCRIPT_FILENAME", "REQUEST_METHOD", "HTTPS", "REQUEST_SCHEME",
			"HTTP_USER_AGENT", "HTTP_REFERER", "HTTP_COOKIE", "HTTP_ACCEPT", "REMOTE_ADDR":
		default:
			return false
		}
	}
	return true
}

// maxOwnHosts bounds the hosts that the index is asked for, for each path.
const maxOwnHosts = 8

func (t *sources) matches(r *ir.Rule, from, path string) bool {
	switch r.Match {
	case ir.MatchSegment:
		rest, ok := strings.CutPrefix(path, r.Path)
		return ok && (rest == "" || strings.HasSuffix(r.Path, "/") || rest[0] == '/')
	case ir.MatchRegex:
		if r.Subject == ir.SubjectDirectory {
			var ok bool
			if path, ok = strings.CutPrefix(path, from); !ok {
				return false
			}
		}
		if r.Pattern == nil || r.Pattern.Re == nil {
			return true
		}
		m, err := r.Pattern.Re.MatchBool(path)
		return err != nil || m != r.Negated
	}
	for sc := t.site.Scope(r); sc != nil; sc = sc.Parent {
		if sc.Kind == ir.ScopeLocation && sc.Pattern != nil && sc.Pattern.Re != nil {
			m, err := sc.Pattern.Re.MatchBool(path)
			return err != nil || m
		}
	}
	return true
}

// likely are paths a rule is likely to take. Asked again for the same rule they are at hand.
func (t *sources) likely(r *ir.Rule) []string {
	if t.last != r {
		t.last, t.paths = r, t.site.Likely(r, 4)
	}
	return t.paths
}

// mayGoOn tells whether the target of a rule may be taken by a rule of the site, its own or another.
func (t *sources) mayGoOn(r *ir.Rule) bool {
	for _, path := range t.likely(r) {
		if t.left < 0 {
			return false
		}
		if r.Pattern != nil && r.Pattern.Re != nil {
			t.left -= workAsComparisons * r.Pattern.Re.Work(path, true)
		}
		host, to, ok := expand(t.site, r, path)
		if !ok {
			return true
		}
		if host != "" && host != probe.DefaultHost && !t.site.Serves(host) {
			continue
		}
		hosts := t.hostsOf(r)
		if host != "" && host != probe.DefaultHost {
			hosts = []string{host}
		}
		if t.takes(hosts, to) {
			return true
		}
	}
	return false
}

// expand is where a rule sends a path: host (empty: the same) and path without query. ok is false when that needs more than
// the path.
func expand(site *probe.Site, r *ir.Rule, path string) (host, to string, ok bool) {
	text := ""
	if r.Match == ir.MatchSegment {
		text = r.Target.Text + strings.TrimPrefix(path, r.Path)
	} else {
		subject := path
		if r.Subject == ir.SubjectDirectory {
			subject = strings.TrimPrefix(path, site.Below(r))
		}
		for i := range r.Target.Parts {
			part := &r.Target.Parts[i]
			switch part.Kind {
			case ir.Literal:
				text += part.Text
			case ir.RuleRef:
				if r.Pattern == nil || r.Pattern.Re == nil {
					return "", "", false
				}
				m, _, err := r.Pattern.Re.Match(subject)
				if err != nil {
					return "", "", false
				}
				text += m.Group(part.N)
			case ir.Variable:
				switch part.Name {
				case "HTTP_HOST", "SERVER_NAME", "host", "http_host", "server_name":
					text += probe.DefaultHost
				case "REQUEST_URI", "uri", "document_uri", "request_uri":
					text += path
				case "REQUEST_SCHEME", "scheme":
					text += "http"
				case "QUERY_STRING", "args", "query_string", "is_args":
				default:
					return "", "", false
				}
			default:
				return "", "", false
			}
		}
	}
	if i := strings.IndexAny(text, "?#"); i >= 0 {
		text = text[:i]
	}
	if scheme, rest, absolute := strings.Cut(text, "://"); absolute && !strings.Contains(scheme, "/") {
		host, to, _ = strings.Cut(rest, "/")
		to = "/" + to
		if i := strings.LastIndexByte(host, ':'); i >= 0 {
			host = host[:i]
		}
		return strings.ToLower(host), to, host != ""
	}
	if !strings.HasPrefix(text, "/") {
		text = site.Below(r) + text
	}
	return "", text, true
}
