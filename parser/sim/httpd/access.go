package httpd

import (
	"net/netip"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// requireNode is a Require directive or a container of them.
type requireNode struct {
	kind  string // "all", "any", "none"; "" for a directive
	list  []*requireNode
	not   bool
	set   *ir.Setting
	limit *ir.Scope // <Limit> or <LimitExcept> it stands in; nil: every method
}

var grantedAll = &requireNode{kind: "any", list: []*requireNode{{set: &ir.Setting{Name: "Require", Args: []ir.Word{{Text: "all"}, {Text: "granted"}}}}}}

var deniedAll = &requireNode{kind: "any", list: []*requireNode{{set: &ir.Setting{Name: "Require", Args: []ir.Word{{Text: "all"}, {Text: "denied"}}}}}}

// limited is a directive of mod_access_compat with the <Limit> it stands in.
type limited struct {
	set   *ir.Setting
	limit *ir.Scope
}

func requireSetting(it *ir.Setting, limit *ir.Scope) *requireNode {
	n := &requireNode{set: it, limit: limit}
	if len(it.Args) > 0 && strings.EqualFold(it.Arg(0), "not") {
		n.not = true
	}
	return n
}

func requireScope(sc *ir.Scope, limit *ir.Scope) *requireNode {
	n := &requireNode{kind: strings.TrimPrefix(strings.ToLower(sc.Name), "require")}
	for _, it := range sc.Items {
		switch it := it.(type) {
		case *ir.Setting:
			if strings.EqualFold(it.Name, "Require") {
				n.list = append(n.list, requireSetting(it, limit))
			}
		case *ir.Scope:
			switch it.Kind {
			case ir.ScopeRequire:
				n.list = append(n.list, requireScope(it, limit))
			case ir.ScopeLimit, ir.ScopeLimitExcept:
				n.list = append(n.list, requireScope(&ir.Scope{Name: "RequireAny", Items: it.Items}, it).list...)
			}
		}
	}
	return n
}

// mergeRequires lays a layer's authorization over what held before. Source: mod_authz_core.c,
// merge_authz_core_dir_config.
func mergeRequires(base []*requireNode, l *layer) []*requireNode {
	if l.requires == nil && l.authMerging == "" {
		return base
	}
	switch {
	case l.authMerging != "and" && l.authMerging != "or":
		if l.requires == nil {
			return nil
		}
		return []*requireNode{l.requires}
	case l.requires == nil:
		return base
	case len(base) == 0:
		return []*requireNode{l.requires}
	}
	kind := "all"
	if l.authMerging == "or" {
		kind = "any"
	}
	return []*requireNode{{kind: kind, list: []*requireNode{base[0], l.requires}}}
}

// verdict of authorization: granted, denied, neutral, or denied for want of a user.
type verdict uint8

const (
	neutral verdict = iota
	granted
	denied
	needUser
)

func (r *request) clientAddr() netip.Addr {
	if r.s.world.ClientAddr.IsValid() {
		return r.s.world.ClientAddr
	}
	return netip.AddrFrom4([4]byte{127, 0, 0, 1})
}

// concerns tells whether a directive, or any inside a container, is for the method of the request.
func (r *request) concerns(n *requireNode) bool {
	if n.set != nil {
		return n.limit == nil || r.limitApplies(n.limit)
	}
	for _, c := range n.list {
		if r.concerns(c) {
			return true
		}
	}
	return len(n.list) == 0
}

// evalRequire decides a directive or container inside one that wants all (and) or any of its parts.
// Source: mod_authz_core.c, apply_authz_sections.
func (r *request) evalRequire(n *requireNode, and bool) verdict {
	if !r.concerns(n) {
		if and {
			return granted
		}
		return neutral
	}
	v := neutral
	if n.set != nil {
		v = r.requireDirective(n)
	} else {
		all := n.kind == "all"
	children:
		for _, c := range n.list {
			switch child := r.evalRequire(c, all); {
			case child == neutral:
			case all && child == denied, !all && child == granted:
				v = child
				break children
			case child == needUser && (all && v != denied || !all && v == denied), v == neutral:
				v = child
			}
		}
	}
	if n.not || n.kind == "none" {
		switch v {
		case granted:
			return denied
		case denied, needUser:
			return neutral
		}
	}
	return v
}

// requireDirective asks one provider. Source: mod_authz_core.c, mod_authz_host.c, mod_authz_user.c.
func (r *request) requireDirective(n *requireNode) verdict {
	args := n.set.Args
	if n.not {
		args = args[1:]
	}
	if len(args) == 0 {
		return denied
	}
	yes := func(b bool) verdict {
		if b {
			return granted
		}
		return denied
	}
	rest := args[1:]
	switch strings.ToLower(args[0].Text) {
	case "all":
		return yes(len(rest) > 0 && strings.EqualFold(rest[0].Text, "granted"))
	case "method":
		for _, a := range rest {
			if strings.EqualFold(a.Text, r.method) || r.method == "HEAD" && strings.EqualFold(a.Text, "GET") {
				return granted
			}
		}
		return denied
	case "env":
		for _, a := range rest {
			if _, ok := r.env.get(a.Text); ok {
				return granted
			}
		}
		return denied
	case "ip":
		for _, a := range rest {
			if ipMatches(a.Text, r.clientAddr()) {
				return granted
			}
		}
		return denied
	case "local":
		return yes(r.clientAddr().IsLoopback())
	case "expr":
		if n.set.Expr == nil {
			r.doubt("Require expr could not be read")
			return denied
		}
		return yes(r.evalBool(n.set.Expr))
	case "host", "forward-dns":
		r.doubt("Require host needs the name of the client")
		return denied
	case "user":
		if r.user() != "" {
			for _, a := range rest {
				if a.Text == r.user() {
					return granted
				}
			}
			return denied
		}
		return needUser
	case "valid-user", "group", "ldap-user", "ldap-group", "dbm-group", "file-owner", "file-group":
		switch {
		case r.user() == "":
			return needUser
		case strings.EqualFold(args[0].Text, "valid-user"):
			return granted
		}
		r.doubt("Require " + args[0].Text + " needs the groups of the user")
		return denied
	}
	r.doubt("Require " + args[0].Text + " is not modelled")
	return denied
}

// ipMatches compares an address with 10.1.2.3, 10.1, 10.0.0.0/8, 10.0.0.0/255.0.0.0.
func ipMatches(text string, a netip.Addr) bool {
	if p, err := netip.ParsePrefix(text); err == nil {
		return p.Masked().Contains(a)
	}
	if ip, err := netip.ParseAddr(text); err == nil {
		return ip == a
	}
	if base, mask, ok := strings.Cut(text, "/"); ok {
		b, err1 := netip.ParseAddr(base)
		m, err2 := netip.ParseAddr(mask)
		if err1 == nil && err2 == nil && b.Is4() && m.Is4() && a.Is4() {
			x, y, z := b.As4(), m.As4(), a.As4()
			for i := range x {
				if x[i]&y[i] != z[i]&y[i] {
					return false
				}
			}
			return true
		}
		return false
	}
	t := strings.TrimSuffix(text, ".")
	if t != "" && strings.Trim(t, "0123456789.") == "" {
		return strings.HasPrefix(a.String(), t+".")
	}
	return false
}

// user is who the world says is asking.
func (r *request) user() string { return r.s.world.RemoteUser }

// sameConf tells whether another request was under the very same sections: it is not asked for access again then.
func (r *request) sameConf(other *request) bool {
	if other == nil || other.conf == nil || !other.checked {
		return false
	}
	a, b := r.conf.layers, other.conf.layers
	if len(a) != len(b) || len(r.conf.requires) != len(other.conf.requires) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	for i, n := range r.conf.requires {
		if n != other.conf.requires[i] {
			return false
		}
	}
	return true
}

// access is the access, authentication and authorization phases. It gives 0, 401, 403 or 500.
// Source: httpd server/request.c, ap_process_request_internal.
func (r *request) access(c *dirConf) int {
	r.checked = true
	if r.sameConf(r.prev) || r.sameConf(r.main) {
		return 0
	}
	hostOK, satisfy := true, ""
	if a := c.access; a != nil {
		order := ""
		for _, o := range a.orders {
			if r.inLimit(o.limit) {
				order = lower(strings.Join(words(o.set.Args), ""))
			}
		}
		for _, o := range a.satisfy {
			if r.inLimit(o.limit) {
				satisfy = lower(o.set.Arg(0))
			}
		}
		hostOK = r.orderAllows(order, a.allow, a.deny)
	}
	if satisfy == "any" {
		if hostOK {
			return 0
		}
	} else if !hostOK {
		r.logError("AH01797: client denied by server configuration: " + r.filename)
		return r.deny()
	}
	if len(c.requires) == 0 {
		if c.authType != "" && !strings.EqualFold(c.authType, "none") {
			r.logError("AH01627: AuthType configured with no corresponding authorization directives")
			return 500
		}
		return 0
	}
	switch r.evalRequire(c.requires[0], true) {
	case needUser:
		return r.needUser(c)
	case granted:
		return 0
	}
	if r.user() != "" && c.authType != "" {
		r.doubt("whether the user may see this depends on who asks for the password")
	}
	return r.deny()
}

func (r *request) inLimit(s *ir.Scope) bool { return s == nil || r.limitApplies(s) }

func (r *request) deny() int {
	r.logError("AH01630: client denied by server configuration: " + r.filename)
	r.note(sim.Step{Kind: sim.StepFlow, Name: "access", Input: r.filename, Note: "denied: 403"})
	return 403
}

func (r *request) needUser(c *dirConf) int {
	if c.authType == "" || strings.EqualFold(c.authType, "none") {
		return 500
	}
	if r.headerValue("Authorization") != "" {
		r.doubt("whether the password is right is not known")
	}
	r.note(sim.Step{Kind: sim.StepFlow, Name: "access", Note: "a user is needed: 401"})
	return 401
}

func (r *request) limitApplies(s *ir.Scope) bool {
	in := false
	for _, a := range s.Args {
		if a.Text == r.method || a.Text == "GET" && r.method == "HEAD" {
			in = true
		}
	}
	return in == (s.Kind == ir.ScopeLimit)
}

// orderAllows is mod_access_compat.
func (r *request) orderAllows(order string, allow, deny []limited) bool {
	a, d := r.fromMatches(allow), r.fromMatches(deny)
	switch order {
	case "allow,deny":
		return a && !d
	case "mutual-failure":
		return a && !d
	}
	return a || !d
}

func (r *request) fromMatches(list []limited) bool {
	for _, l := range list {
		set := l.set
		if !r.inLimit(l.limit) {
			continue
		}
		for i, w := range set.Args {
			t := w.Text
			if i == 0 {
				continue
			}
			switch low := strings.ToLower(t); {
			case low == "all":
				return true
			case strings.HasPrefix(low, "env="):
				name := t[4:]
				neg := strings.HasPrefix(name, "!")
				_, ok := r.env.get(strings.TrimPrefix(name, "!"))
				if ok != neg {
					return true
				}
			case strings.Trim(t, "0123456789") == "", strings.Trim(t, "0123456789./:abcdefABCDEF") == "" && strings.ContainsAny(t, ".:") && t[0] != '.':
				if ipMatches(t, r.clientAddr()) {
					return true
				}
			default:
				r.doubt(set.Name + " from " + t + " needs the name of the client")
			}
		}
	}
	return false
}
