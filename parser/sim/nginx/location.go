package nginx

import (
	"sort"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// locationTree holds the exact and prefix locations of one level. A look-up takes a binary search, and then as many
// steps as names are prefixes of one another.
type locationTree struct {
	byName map[string]*locationNode
	sorted []*locationNode
	auto   bool // some location redirects to its name with the slash
}

type locationNode struct {
	name             string
	exact, inclusive *conf
	prefix           *locationNode // the longest other name that this one begins with and that is inclusive
	long             bool          // its length does not fit into nginx's tree
}

// locations compiles the locations that stand directly in a scope.
func (c *compiler) locations(l *conf, scope *ir.Scope) {
	var tree *locationTree
	for _, item := range scope.Items {
		sc, ok := item.(*ir.Scope)
		if !ok || sc.Kind != ir.ScopeLocation {
			continue
		}
		in := c.location(l, sc)
		switch sc.Modifier {
		case ir.RegexLocation, ir.RegexLocationCI:
			if in.pattern != nil {
				l.regexes = append(l.regexes, in)
			}
		case ir.NamedLocation:
			if l.server.named == nil {
				l.server.named = map[string]*conf{}
			}
			if l.server.named[in.name] == nil {
				l.server.named[in.name] = in
			}
		default:
			if tree == nil {
				tree = &locationTree{byName: map[string]*locationNode{}}
			}
			n := tree.byName[in.name]
			if n == nil {
				n = &locationNode{name: in.name}
				tree.byName[in.name] = n
				tree.sorted = append(tree.sorted, n)
			}
			tree.auto = tree.auto || in.autoRedirect
			if in.exact {
				n.exact = in
			} else {
				n.inclusive = in
			}
		}
	}
	if tree != nil {
		tree.link()
	}
	l.static = tree
}

// location compiles one location and what stands in it.
func (c *compiler) location(outer *conf, sc *ir.Scope) *conf {
	l := &conf{inherited: outer.inherited, scope: sc, server: outer.server, name: sc.Path,
		exact: sc.Modifier == ir.ExactLocation, named: sc.Modifier == ir.NamedLocation, noRegex: sc.Modifier == ir.NoRegexLocation}
	if sc.Modifier == ir.RegexLocation || sc.Modifier == ir.RegexLocationCI {
		l.pattern = c.regex(sc.Pattern, sc.Origin)
	}
	c.settings(l, sc)
	l.script = c.script(sc.Items, l, true)
	for _, item := range sc.Items {
		if in, ok := item.(*ir.Scope); ok && in.Kind == ir.ScopeLimitExcept {
			c.limitExcept(l, in)
		}
	}
	c.locations(l, sc)
	return l
}

func (t *locationTree) link() {
	sort.Slice(t.sorted, func(i, j int) bool { return t.sorted[i].name < t.sorted[j].name })
	var stack []*locationNode
	for _, n := range t.sorted {
		for len(stack) > 0 {
			top := stack[len(stack)-1]
			if len(top.name) < len(n.name) && n.name[:len(top.name)] == top.name {
				break
			}
			stack = stack[:len(stack)-1]
		}
		outer := 0
		if len(stack) > 0 {
			n.prefix = stack[len(stack)-1]
			outer = len(n.prefix.name)
		}
		// nginx 1.22 keeps a name's length behind its prefix in one byte.
		n.long = len(n.name)-outer > 255
		if n.inclusive != nil {
			stack = append(stack, n)
		}
	}
}

// longest is the longest inclusive location whose name uri begins with.
func (t *locationTree) longest(uri string) *locationNode {
	i := sort.Search(len(t.sorted), func(i int) bool { return t.sorted[i].name > uri }) - 1
	if i < 0 {
		return nil
	}
	for n := t.sorted[i]; n != nil; n = n.prefix {
		if n.inclusive != nil && len(n.name) <= len(uri) && uri[:len(n.name)] == n.name {
			return n
		}
	}
	return nil
}

// foundState is how a search ended. Source: ngx_http_core_find_location.
type foundState uint8

const (
	foundNone   foundState = iota // NGX_DECLINED
	foundPrefix                   // NGX_AGAIN
	foundFinal                    // NGX_OK: exact or regular expression
	foundAuto                     // NGX_DONE: redirect to the name with its slash
)

// findLocation searches the locations inside r.conf and leaves what it finds there.
func (r *request) findLocation() foundState {
	level := r.conf
	noRegex := false
	state := r.findStatic(level.static)
	if state == foundPrefix {
		noRegex = r.conf.noRegex
		state = r.findLocation()
	}
	if state == foundFinal || state == foundAuto {
		return state
	}
	if noRegex {
		return state
	}
	for _, l := range level.regexes {
		hit := false
		if r.trace {
			st := sim.Step{Kind: sim.StepRule, Origin: l.scope.Origin, Name: "location"}
			hit = r.exec(l.pattern, r.uri, &st)
			r.note(st)
		} else {
			hit = r.exec(l.pattern, r.uri, nil)
		}
		if hit {
			// Whatever is found inside counts as a match: there is no redirect to a name with a slash.
			r.conf = l
			r.findLocation()
			return foundFinal
		}
	}
	return state
}

func (r *request) findStatic(t *locationTree) foundState {
	if t == nil {
		return foundNone
	}
	r.step()
	if n := t.byName[r.uri]; n != nil {
		r.tooLong(n)
		if n.exact != nil {
			r.conf = n.exact
			return foundFinal
		}
		r.conf = n.inclusive
		return foundPrefix
	}
	if n := t.slash(r.uri); n != nil {
		l := n.exact
		if l == nil {
			l = n.inclusive
		}
		r.conf = l
		return foundAuto
	}
	n := t.longest(r.uri)
	if n == nil {
		return foundNone
	}
	r.tooLong(n)
	r.conf = n.inclusive
	return foundPrefix
}

// slash is the location that uri with a slash names, when it redirects to that name. Of an exact and a prefix location
// of one name either makes the redirect.
func (t *locationTree) slash(uri string) *locationNode {
	if !t.auto {
		return nil
	}
	i := sort.Search(len(t.sorted), func(i int) bool {
		name := t.sorted[i].name
		if len(name) > len(uri) && name[:len(uri)] == uri {
			return name[len(uri):] >= "/"
		}
		return name > uri
	})
	if i == len(t.sorted) {
		return nil
	}
	n := t.sorted[i]
	if len(n.name) != len(uri)+1 || n.name[:len(uri)] != uri || n.name[len(uri)] != '/' {
		return nil
	}
	if n.exact != nil && n.exact.autoRedirect || n.inclusive != nil && n.inclusive.autoRedirect {
		return n
	}
	return nil
}

func (r *request) tooLong(n *locationNode) {
	if n.long {
		r.giveUp("nginx 1.22 finds wrong locations where names are longer than 255 bytes")
	}
}

// findConfig is the phase that chooses the location. Source: ngx_http_core_find_config_phase.
func (r *request) findConfig() next {
	r.handler = ""
	r.uriChanged = false
	state := r.findLocation()
	l := r.conf
	if !r.internal && l.internal {
		r.noteLocation(l, "internal: answered 404 from outside")
		return r.finalize(404)
	}
	if l.exact {
		r.via("=" + l.name)
	} else {
		r.via(l.name)
	}
	r.noteLocation(l, "")
	r.updateConfig()
	if max := r.conf.maxBody; max > 0 && r.contentLengthIn > max {
		r.fail("client intended to send too large body: " + itoa(r.contentLengthIn) + " bytes")
		return r.finalize(413)
	}
	if state == foundAuto {
		to := escapeURI(r.conf.name)
		if r.args != "" {
			to += "?" + r.args
		}
		if r.trace {
			r.note(sim.Step{Kind: sim.StepFlow, Origin: l.scope.Origin, Result: to,
				Note: "a location that passes requests on redirects to its name with the slash"})
		}
		r.setLocation(text{s: to})
		return r.finalize(301)
	}
	return locationRewrite
}

func (r *request) via(name string) { r.out.Via = append(r.out.Via, name) }

func (r *request) noteLocation(l *conf, note string) {
	if r.trace {
		r.note(sim.Step{Kind: sim.StepPhase, Name: "location", Origin: l.scope.Origin, Input: r.uri, Result: describe(l), Note: note})
	}
}

func describe(l *conf) string {
	if l.scope.Kind != ir.ScopeLocation {
		return "the server itself"
	}
	modifier := map[ir.LocationModifier]string{ir.ExactLocation: "= ", ir.NoRegexLocation: "^~ ", ir.RegexLocation: "~ ",
		ir.RegexLocationCI: "~* "}[l.scope.Modifier]
	return "location " + modifier + l.name
}

// updateConfig takes the configuration into use that was chosen. Source: ngx_http_update_location_config.
func (r *request) updateConfig() {
	l := r.conf
	if l.limitExcept != nil && !l.allowed[r.method] {
		l = l.limitExcept
		r.conf = l
		if r.trace {
			r.note(sim.Step{Kind: sim.StepFlow, Origin: l.scope.Origin, Name: "limit_except", Input: r.method, Note: "the method is not among those listed"})
		}
	}
	if l.handler != "" {
		r.handler = l.handler
	}
	if len(l.early) > 0 {
		r.giveUp("%s", l.early[0])
	}
}
