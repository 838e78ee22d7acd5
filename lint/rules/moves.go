package rules

import (
	"strings"

	"golang.org/x/net/publicsuffix"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
)

// moveKind is what a redirect turns out to do when it is asked.
type moveKind uint8

const (
	moveToHTTPS moveKind = iota + 1 // the same path on the same site, http becomes https
	moveToHost                      // the same path, www. comes or goes
	moveToSite                      // the same path on another registrable domain
	moveToForm                      // the same page under its normal address: slash, case, suffix, index
	moveToHTTP                      // https becomes http on the same site
)

// move is what a redirect does, proved on several requests.
type move struct {
	kind    moveKind
	what    string // of moveToForm: "the trailing slash", …
	from    string // URL of one request
	to      string // where it is sent
	witness *diag.Witness
}

type movesKey struct{}

// maxMoves bounds how many redirects of a unit are asked what they do.
const maxMoves = 200

// moveOf asks what a redirect does; ok is false when it is nothing of the kind, or cannot be told.
func moveOf(p *lint.Pass, r *redirect) (m move, ok bool) {
	u := p.Unit
	known := u.Memo(movesKey{}, func() any { return map[*redirect]*move{} }).(map[*redirect]*move)
	if found, asked := known[r]; asked {
		if found == nil {
			return m, false
		}
		return *found, true
	}
	if len(known) >= maxMoves {
		return m, false
	}
	known[r] = nil
	site := p.Site()
	if site == nil || !mayMove(r) {
		return m, false
	}
	base, reached := site.Reach(r.rule)
	if !reached {
		return m, false
	}
	for _, ask := range []func() (move, bool){
		func() (move, bool) { return askWhole(u, site, r, base) },
		func() (move, bool) { return askForm(site, r, base) },
	} {
		if m, ok = ask(); ok {
			if m.kind == moveToHTTPS && behindTLS(u, r) {
				m.kind = moveToHost // the client spoke https before
				if hostIn(m.from) == hostIn(m.to) {
					return move{}, false
				}
			}
			found := m
			known[r] = &found
			return m, true
		}
	}
	return m, false
}

// behindTLS tells whether a virtual host says that TLS ends in front of it: `ServerName https://example.com`.
// Source: httpd manual, core: ServerName.
func behindTLS(u *lint.Unit, r *redirect) bool {
	for _, s := range r.scopes {
		for _, set := range settingsOf(u, s) {
			if strings.EqualFold(set.Name, "ServerName") && strings.HasPrefix(strings.ToLower(set.Arg(0)), "https://") {
				return true
			}
		}
	}
	return false
}

// hostIn is the host of a URL, in lower case.
func hostIn(url string) string {
	_, rest, _ := strings.Cut(url, "://")
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		rest = rest[:i]
	}
	return strings.ToLower(rest)
}

// mayMove tells whether a target can keep the path at all: only then it is asked.
func mayMove(r *redirect) bool {
	if r.rule.Match == ir.MatchSegment {
		return r.rule.Path == "/"
	}
	return forwards(r)
}

// witnessPaths are what a redirect of a whole site is asked.
var witnessPaths = []string{"a/b.html?q=1", "zz", ""}

// askWhole asks whether a redirect takes every path and keeps it.
func askWhole(u *lint.Unit, site *probe.Site, r *redirect, base probe.Probe) (m move, ok bool) {
	prefix := "/"
	if rest, below := strings.CutPrefix(u.Dir(), u.Docroot()+"/"); below {
		prefix = "/" + rest + "/"
	}
	hosts := append(spokenHosts(u, base.Request.Host), base.Request.Host)
	if h, named := targetHost(r.rule); named && h != base.Request.Host && (u.ServesHost(h) != 0 || len(u.Hosts()) == 0) {
		hosts = append(hosts, h)
	}
	for _, host := range hosts {
		for _, scheme := range []string{"https", "http"} {
			q := base
			q.Request.Host, q.Request.Scheme, q.Request.Port = host, scheme, 0
			if m, ok = askPaths(u, site, r, q, prefix); ok && (m.kind != moveToSite || leaves(site, r, q, m)) {
				return m, true
			}
		}
	}
	return move{}, false
}

// spokenHosts are names the configuration tests for, when the host of a request that reaches a rule is none of them: an
// unescaped dot of a pattern stands for a dot.
func spokenHosts(u *lint.Unit, host string) []string {
	if u.ServesHost(host) != 0 {
		return nil
	}
	var out []string
	for _, h := range u.Hosts() {
		if !h.Wildcard && len(out) < 6 && len(h.Name) == len(host) {
			out = append(out, h.Name)
		}
	}
	return out
}

// leaves tells whether a move to another host leaves the site for certain: asked there, the rule would go in circles, or the
// site knows its names and that one is not among them.
func leaves(site *probe.Site, r *redirect, q probe.Probe, m move) bool {
	if len(site.Hosts()) > 0 {
		return true
	}
	next, ok := probe.Redirected(q.Request, r.status, m.to)
	if !ok {
		return false
	}
	q.Request = next
	o := site.Ask(q)
	return probe.HasFired(&o, r.rule)
}

func askPaths(u *lint.Unit, site *probe.Site, r *redirect, base probe.Probe, prefix string) (m move, ok bool) {
	for i, path := range witnessPaths {
		q := base
		q.Request.Target = prefix + path
		c := chainOf(site, q)
		o := &c.Hops[0].Outcome
		if !o.Known || o.Location == nil || !probe.HasFired(o, r.rule) {
			if path == "" && i > 0 {
				continue // the root itself may be left out
			}
			return m, false
		}
		next, valid := probe.Redirected(q.Request, o.Status, *o.Location)
		if !valid || next.Target != q.Request.Target {
			return m, false
		}
		kind := kindOf(u, q.Request, next)
		if kind == 0 || i > 0 && kind != m.kind {
			return m, false
		}
		if i == 0 {
			m = move{kind: kind, from: probe.URL(q.Request), to: *o.Location, witness: site.Witness(&c)}
		}
	}
	return m, true
}

// kindOf compares two requests for the same path.
func kindOf(u *lint.Unit, a, b sim.Request) moveKind {
	x, y := strings.ToLower(a.Host), strings.ToLower(b.Host)
	same := x == y || "www."+x == y || x == "www."+y || x != "" && u.ServesHost(x) != 0 && u.ServesHost(y) != 0 && registrable(x) == registrable(y)
	switch {
	case same && a.Scheme != "https" && b.Scheme == "https":
		return moveToHTTPS
	case same && a.Scheme == "https" && b.Scheme != "https":
		return moveToHTTP
	case same && x != y:
		return moveToHost
	case !same && registrable(x) != registrable(y):
		return moveToSite
	}
	return 0
}

// registrable is the domain of a host that someone can own, the host itself where there is none.
func registrable(host string) string {
	if d, err := publicsuffix.EffectiveTLDPlusOne(host); err == nil {
		return d
	}
	return host
}

// askForm asks whether a redirect leads pages to their normal addresses.
func askForm(site *probe.Site, r *redirect, base probe.Probe) (m move, ok bool) {
	for i, q := range append([]probe.Probe{base}, site.Requests(r.rule, 4)...) {
		c := chainOf(site, q)
		o := &c.Hops[0].Outcome
		if !o.Known || o.Location == nil || !probe.HasFired(o, r.rule) {
			continue
		}
		next, valid := probe.Redirected(q.Request, o.Status, *o.Location)
		if !valid || !strings.EqualFold(next.Host, q.Request.Host) {
			return m, false
		}
		a, _, _ := strings.Cut(q.Request.Target, "?")
		b, _, _ := strings.Cut(next.Target, "?")
		what := normalised(a, b)
		if what == "" {
			return m, false
		}
		q.Request = next
		if o := site.Ask(q); probe.HasFired(&o, r.rule) {
			return m, false // it does not come to rest
		}
		if i == 0 {
			m = move{kind: moveToForm, what: what, from: probe.URL(c.Hops[0].Probe.Request), to: *o.Location, witness: site.Witness(&c)}
			ok = true
		}
	}
	return m, ok
}

// normalised says in which way path b is path a under its normal address; empty: in none.
func normalised(a, b string) string {
	switch {
	case a == b:
		return ""
	case strings.TrimSuffix(a, "/") == b && len(b) > 1:
		return "without the slash at its end"
	case a+"/" == b:
		return "with a slash at its end"
	case strings.ToLower(a) == b:
		return "in lower case"
	}
	for _, suffix := range []string{".html", ".htm", ".php"} {
		if strings.TrimSuffix(a, suffix) == b && len(b) > 1 || strings.TrimSuffix(a, suffix)+"/" == b {
			return "without " + suffix
		}
	}
	for _, index := range []string{"index.html", "index.htm", "index.php"} {
		if dir, found := strings.CutSuffix(a, index); found && (dir == b || dir == b+"/") {
			return "without " + index
		}
		if strings.Replace(a, "/"+index, "", 1) == b {
			return "without " + index
		}
	}
	if squeeze(a) == b {
		return "without double slashes"
	}
	return ""
}

func squeeze(s string) string {
	for strings.Contains(s, "//") {
		s = strings.ReplaceAll(s, "//", "/")
	}
	return s
}
