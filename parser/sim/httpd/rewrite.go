package httpd

// A round of RewriteRules on one path.

import (
	"strconv"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/sim"
)

// Results of a rule list. Source: mod_rewrite.c, ACTION_*.
const (
	actionNone = iota
	actionNormal
	actionNoEscape
	actionStatus    // r.status holds a final status without target
	actionStatusSet // r.status holds an error
)

// defaultLineLimit is LimitRequestLine's default, in bytes. Source: httpd include/httpd.h, DEFAULT_LIMIT_REQUEST_LINE.
const defaultLineLimit = 8190

// ruleRun is what one pass over a rule list keeps. Source: mod_rewrite.c, rewrite_ctx.
type ruleRun struct {
	r        *request
	perDir   bool
	dir      string
	uri      string
	rule     pattern.Match
	ruleSrc  bool
	cond     pattern.Match
	condSrc  bool
	condLost bool // an expr condition left its captures undefined
	varyThis []string
	vary     []string

	file, info, joined string // file name and path info as put together last
}

// applyRules runs a rule list once. Source: apply_rewrite_list.
func (r *request) applyRules(rules []*ir.Rule, index *lazyIndex, perDir bool, dir string) int {
	ctx := &ruleRun{r: r, perDir: perDir, dir: dir}
	r.lastsub = nil
	changed, round := actionNone, 1
	at := sim.Cursor{Index: index.of(rules)}
	if at.Index != nil && at.Index.WantsHost() && !r.tracing() { // a trace tells of the conditions that fail
		at.Host, at.HostKnown = ctx.headerVariable("Host"), true
	}
	for i := 0; i < len(rules); i++ {
		if at.Index != nil {
			j := at.Next(i, len(rules), ctx.subject())
			if r.exhausted((j - i) / sim.SkippedPerWork) {
				return actionNone
			}
			ctx.passOver(rules[i:j])
			if i = j; i == len(rules) {
				break
			}
		}
		p := rules[i]
		if r.exhausted(1) {
			return actionNone
		}
		if r.main != nil && (p.NoSubrequest || hasRedirectFlag(p)) {
			continue
		}
		ctx.vary = nil
		rc := ctx.apply(p)
		if rc == ruleNoMatch {
			for i < len(rules) && rules[i].Chain {
				i++
			}
			continue
		}
		if p.Target != nil {
			r.lastsub = p
		}
		if limit := 2 * r.h.lineLimit; len(r.filename) > limit {
			r.logError("RewriteRule '" + p.Pattern.Text + "' and URI '" + r.uri + "' exceeded maximum length (" + strconv.Itoa(limit) + ")")
			r.status = 500
			return actionStatus
		}
		if len(ctx.vary) > 0 {
			r.vary = append(r.vary, ctx.vary...)
		}
		if rc == ruleStatusSet {
			return actionStatusSet
		}
		if p.Action == ir.ActionRespond {
			return actionStatus
		}
		if rc != ruleNoSub {
			changed = actionNormal
			if p.Escape.NoEscape {
				changed = actionNoEscape
			}
		}
		if p.PassThrough {
			r.filename = "passthrough:" + r.filename
			return actionNormal
		}
		if p.Flow == ir.FlowEnd {
			r.note(sim.Step{Kind: sim.StepFlow, Origin: p.Origin, Note: "END: no further rewriting for this request"})
			r.setEnd()
			return changed
		}
		if p.Action == ir.ActionProxy || p.Flow == ir.FlowLast {
			r.note(sim.Step{Kind: sim.StepFlow, Origin: p.Origin, Note: "this pass ends here"})
			return changed
		}
		if p.Flow == ir.FlowRestart {
			limit := p.MaxRestarts
			if round++; round >= limit {
				r.logError("AH02596: RewriteRule '" + p.Pattern.Text + "' and URI '" + r.uri + "' exceeded maximum number of rounds (" + strconv.Itoa(limit) + ") via the [N] flag")
				r.status = 500
				return actionStatus
			}
			i = -1
			continue
		}
		if p.Skip > 0 {
			i += p.Skip
		}
	}
	return changed
}

// hasRedirectFlag tells whether R is among the flags, whatever its code: subrequests skip such rules.
func hasRedirectFlag(p *ir.Rule) bool {
	for i := range p.Flags {
		if p.Flags[i].Name == "R" {
			return true
		}
	}
	return false
}

// statusNone is the status 0 that R=foo leaves: a redirect takes 302 for it, and a local result ends as 500.
const statusNone = -1

// isRedirectWord tells whether the last R has a value that is neither a number nor a word httpd knows.
func isRedirectWord(p *ir.Rule) bool {
	word := false
	for i := range p.Flags {
		if f := &p.Flags[i]; f.Name == "R" && f.Value != "" {
			switch lower(f.Value) {
			case "permanent", "temp", "seeother":
				word = false
			default:
				word = f.Value[0] < '0' || f.Value[0] > '9'
			}
		}
	}
	return word
}

func (r *request) setEnd() { r.end = true }

type ruleResult uint8

const (
	ruleNoMatch ruleResult = iota
	ruleMatch
	ruleNoSub
	ruleStatusSet
)

// proxied tells whether what the rules of a directory see was handed to another server before.
func (ctx *ruleRun) proxied() bool {
	return ctx.perDir && ctx.r.proxied && strings.HasPrefix(ctx.r.filename, "proxy:")
}

// subject is what the next pattern is compared with.
func (ctx *ruleRun) subject() string {
	r := ctx.r
	uri := r.filename
	if ctx.perDir {
		if r.pathInfo != "" {
			// most passes compare the same path with many rules
			if ctx.file != r.filename || ctx.info != r.pathInfo || ctx.joined == "" {
				ctx.file, ctx.info, ctx.joined = r.filename, r.pathInfo, r.filename+r.pathInfo
			}
			uri = ctx.joined
		}
		if !ctx.proxied() && strings.HasPrefix(uri, ctx.dir) {
			uri = uri[len(ctx.dir):]
		}
	}
	return uri
}

// passOver notes rules that the index tells cannot match.
func (ctx *ruleRun) passOver(rules []*ir.Rule) {
	r := ctx.r
	if !r.tracing() {
		return
	}
	for _, p := range rules {
		if r.main == nil || !p.NoSubrequest && !hasRedirectFlag(p) {
			r.note(sim.Step{Kind: sim.StepRule, Origin: p.Origin, Name: "RewriteRule", Input: ctx.subject(), Pattern: p.Pattern.Text, Matched: truth(false)})
		}
	}
}

// apply runs one rule. Source: apply_rewrite_rule.
func (ctx *ruleRun) apply(p *ir.Rule) ruleResult {
	r := ctx.r
	proxied := ctx.proxied()
	ctx.uri = ctx.subject()
	m, ok := r.match(p.Pattern, ctx.uri)
	if r.tracing() {
		st := sim.Step{Kind: sim.StepRule, Origin: p.Origin, Name: "RewriteRule", Input: ctx.uri, Pattern: p.Pattern.Text, Matched: truth(ok != p.Negated)}
		if p.Negated {
			st.Pattern = "!" + st.Pattern
		} else if ok {
			a, b := m.Span(0)
			st.Span = &[2]int{a, b}
			for i := 1; i <= p.Pattern.Re.Groups() && i < 10; i++ {
				st.Captures = append(st.Captures, m.Group(i))
			}
		}
		r.note(st)
	}
	if ok == p.Negated {
		return ruleNoMatch
	}
	ctx.varyThis, ctx.condSrc, ctx.condLost = nil, false, false
	ctx.rule, ctx.ruleSrc = m, !p.Negated
	for i := 0; i < len(p.Conditions); i++ {
		c := p.Conditions[i]
		rc := ctx.condition(c)
		if c.NoVary {
			ctx.varyThis = nil
		}
		if c.Or {
			if !rc {
				ctx.varyThis = nil
				continue
			}
			for i < len(p.Conditions) && p.Conditions[i].Or {
				i++
			}
		} else if !rc {
			return ruleNoMatch
		}
		ctx.vary = append(ctx.vary, ctx.varyThis...)
		ctx.varyThis = nil
	}
	r.fired(p)
	newuri := ""
	if p.Target != nil {
		var unsafe bool
		newuri, unsafe = ctx.target(p)
		if unsafe && !p.Escape.Allow3F {
			r.logError("AH10508: Unsafe URL with %3f URL rewritten without UnsafeAllow3F")
			r.note(sim.Step{Kind: sim.StepFlow, Origin: p.Origin, Result: newuri, Note: "a ? from the request would split the query: 403"})
			r.status = 403
			return ruleStatusSet
		}
	}
	ctx.env(p)
	ctx.cookies(p)
	if p.Target == nil {
		ctx.force(p)
		if p.Action == ir.ActionRespond {
			r.status = p.Status
			r.note(sim.Step{Kind: sim.StepFlow, Origin: p.Origin, Result: strconv.Itoa(p.Status), Note: "the rule answers"})
		}
		return ruleNoSub
	}
	prefixed := false
	if !proxied && !strings.HasPrefix(newuri, "/") && absoluteURI(newuri) == 0 {
		if ctx.perDir {
			newuri, prefixed = ctx.dir+newuri, true
		} else if p.Action != ir.ActionProxy && p.Action != ir.ActionRedirect {
			newuri, prefixed = "/"+newuri, true
		}
	}
	r.filename = newuri
	if ctx.perDir && p.DiscardPath {
		r.pathInfo = ""
	}
	r.splitQuery(p)
	if r.tracing() {
		res := r.filename
		if r.args != nil {
			res += "?" + *r.args
		}
		r.note(sim.Step{Kind: sim.StepRewrite, Origin: p.Origin, Input: ctx.uri, Result: res})
	}
	if p.Action == ir.ActionProxy {
		r.qualify()
		r.filename = "proxy:" + r.filename
		return ruleMatch
	}
	if p.Action == ir.ActionRedirect {
		r.qualify()
		if r.status = p.Status; isRedirectWord(p) {
			r.status = statusNone
		}
		return ruleMatch
	}
	r.reduce()
	if absoluteURI(r.filename) > 0 {
		r.status = 302
		return ruleMatch
	}
	if !p.Escape.UNC && !prefixed && !strings.HasPrefix(p.Target.Text, "//") {
		for strings.HasPrefix(r.filename, "//") {
			r.filename = r.filename[1:]
		}
	}
	ctx.force(p)
	return ruleMatch
}

func (ctx *ruleRun) force(p *ir.Rule) {
	if p.MIMEType != nil {
		if v := ctx.expand(p.MIMEType, p); v != "" {
			ctx.r.forcedType = lower(v)
		}
	}
	if p.Handler != nil {
		if v := ctx.expand(p.Handler, p); v != "" {
			ctx.r.forcedHandler = lower(v)
		}
	}
}

// schemes that make a result absolute: the text, and whether a query makes sense there.
var schemes = []struct {
	text  string
	query bool
}{{"ajp://", true}, {"balancer://", true}, {"ftp://", false}, {"fcgi://", true}, {"gopher://", false}, {"http://", true}, {"https://", true},
	{"h2://", true}, {"h2c://", true}, {"ldap://", false}, {"mailto:", true}, {"news:", false}, {"nntp://", false}, {"scgi://", true},
	{"ws://", true}, {"wss://", true}, {"unix:", true}}

// absoluteURI gives the length of the scheme of an absolute URI, 0 for others. Source: is_absolute_uri.
func absoluteURI(u string) int {
	n, _ := absoluteScheme(u)
	return n
}

func absoluteScheme(u string) (n int, query bool) {
	if len(u) <= 5 || u[0] == '/' {
		return 0, false
	}
	for _, s := range schemes {
		if len(u) >= len(s.text) && strings.EqualFold(u[:len(s.text)], s.text) {
			if s.text == "unix:" && strings.HasPrefix(u[5:], "//") {
				return 7, true
			}
			return len(s.text), s.query
		}
	}
	return 0, false
}

// splitQuery takes the query out of a result. Source: splitout_queryargs and the QSNONE logic of cmd_rewriterule.
func (r *request) splitQuery(p *ir.Rule) {
	q := p.Query
	if q.None {
		r.args = nil
		return
	}
	skip, hasQuery := absoluteScheme(r.filename)
	if skip > 0 && !hasQuery {
		r.args = nil
		return
	}
	if q.Discard {
		r.args = nil
	}
	rest := r.filename[skip:]
	i := strings.IndexByte(rest, '?')
	if q.SplitLast {
		i = strings.LastIndexByte(rest, '?')
	}
	if i < 0 {
		return
	}
	args := rest[i+1:]
	r.filename = r.filename[:skip+i]
	if q.Append {
		if args != "" {
			args += "&"
			if r.args != nil {
				args += *r.args
			}
			r.args = &args
		}
	} else {
		r.args = &args
	}
	if r.args != nil {
		if r.tooLong(*r.args) {
			r.args = nil
			return
		}
		switch a := *r.args; {
		case a == "":
			r.args = nil
		case a[len(a)-1] == '&':
			a = a[:len(a)-1]
			r.args = &a
		}
	}
}

// qualify puts scheme and host before a result that has none. Source: fully_qualify_uri.
func (r *request) qualify() {
	if absoluteURI(r.filename) > 0 {
		return
	}
	f := r.filename
	if !strings.HasPrefix(f, "/") {
		f = "/" + f
	}
	r.filename = r.selfURL(f)
}

// reduce strips scheme and host when they are this host's own. Source: reduce_uri.
func (r *request) reduce() {
	sch := r.scheme() + "://"
	f := r.filename
	if len(f) <= len(sch) || !strings.EqualFold(f[:len(sch)], sch) {
		return
	}
	rest := f[len(sch):]
	i := strings.IndexAny(rest, "/:")
	host, port, url := rest, r.defaultPort(), "/"
	if i >= 0 {
		host = rest[:i]
		if rest[i] == ':' {
			j := strings.IndexByte(rest[i:], '/')
			if j < 0 {
				port = int(uint16(atoi(rest[i+1:])))
			} else {
				port, url = int(uint16(atoi(rest[i+1:i+j]))), rest[i+j:]
			}
		} else {
			url = rest[i:]
		}
	}
	if port != r.ownPort() {
		return
	}
	host = lower(host)
	own := host == r.h.name
	for _, a := range r.h.aliases {
		own = own || wildcard(a, host, true)
	}
	if own {
		r.filename, r.reduced = url, true
		r.note(sim.Step{Kind: sim.StepFlow, Result: url, Note: "the host is this one: handled inside"})
	}
}

// ownPort is the port of the virtual host itself, whatever the Host header says.
func (r *request) ownPort() int {
	if r.tls {
		return 443
	}
	for _, p := range r.h.ports {
		if p != 0 {
			return p
		}
	}
	if r.h.port != 0 {
		return r.h.port
	}
	return r.port
}
