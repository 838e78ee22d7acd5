package httpd

import (
	"net/netip"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// requireNode is a Require directive or a container of them.
type requireNode struct {
	kind string // "all", "any", "none"; "" for a directive
	list []*requireNode
	not  bool
	set  *ir.Setting
	// limit is the <Limit> it stands in: for other methods it is neutral. nil: for all methods.
	limit *ir.Scope
}

var deniedAll = &requireNode{kind: "any", list: []*requireNode{{set: &ir.Setting{Name: "Require", Args: []ir.Word{{Text: "all"}, {Text: "denied"}}}}}}

func (s *simulator) requireSetting(it *ir.Setting) *requireNode {
	n := &requireNode{set: it}
	if len(it.Args) > 0 && strings.EqualFold(it.Arg(0), "not") {
		n.not = true
	}
	return n
}

func (s *simulator) requireScope(sc *ir.Scope) *requireNode {
	n := &requireNode{kind: strings.TrimPrefix(strings.ToLower(sc.Name), "require")}
	for _, it := range sc.Items {
		switch it := it.(type) {
		case *ir.Setting:
			if strings.EqualFold(it.Name, "Require") {
				n.list = append(n.list, s.requireSetting(it))
			}
		case *ir.Scope:
			if it.Kind == ir.ScopeRequire {
				n.list = append(n.list, s.requireScope(it))
			}
		}
	}
	return n
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

func (r *request) evalRequire(n *requireNode) verdict {
	if !r.limitApplies(n.limit) {
		return neutral
	}
	if n.set != nil {
		v := r.requireDirective(n)
		if n.not {
			switch v {
			case granted:
				return denied
			case denied, needUser:
				return neutral
			}
		}
		return v
	}
	result := neutral
	for _, c := range n.list {
		v := r.evalRequire(c)
		switch n.kind {
		case "any":
			if v == granted {
				return granted
			}
			if v == needUser || v == denied && result != needUser {
				result = v
			}
		case "none":
			if v == granted {
				return denied
			}
		default:
			if v == denied {
				return denied
			}
			if v == needUser {
				result = needUser
			} else if v == granted && result == neutral {
				result = granted
			}
		}
	}
	return result
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
			if _, ok := r.env[a.Text]; ok {
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
		return yes(r.evalBool(n.set.Expr, nil))
	case "host", "forward-dns":
		r.doubt("Require host needs the name of the client")
		return denied
	case "valid-user", "user", "group", "ldap-user", "ldap-group", "dbm-group", "file-owner", "file-group":
		if r.s.world.RemoteUser != "" && strings.EqualFold(args[0].Text, "valid-user") {
			return granted
		}
		return needUser
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

// access is the access, authentication and authorization phases. It gives 0, 403 or 401.
func (r *request) access(c *dirConf) int {
	hostOK, hostSaid := true, c.access
	if hostSaid {
		order := ""
		for _, o := range c.order {
			if r.limitApplies(o.limit) {
				order = strings.ToLower(strings.Join(words(o.Args), ""))
			}
		}
		hostOK = r.orderAllows(order, c.allow, c.deny)
	}
	v := granted
	for _, n := range c.requires {
		// What is neutral throughout stands in a <Limit> for other methods: nothing is required of this one.
		if v = r.evalRequire(n); v == neutral {
			v = granted
		}
	}
	if c.satisfy == "any" && hostSaid {
		if hostOK || len(c.requires) > 0 && v == granted {
			return 0
		}
	} else if !hostOK {
		return r.deny()
	}
	switch v {
	case needUser:
		return r.needUser(c)
	case granted:
		return 0
	}
	return r.deny()
}

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

// limitApplies tells whether what stands in a <Limit> or <LimitExcept> is for the method of this request.
func (r *request) limitApplies(s *ir.Scope) bool {
	if s == nil {
		return true
	}
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
	for _, set := range list {
		if !r.limitApplies(set.limit) {
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
				_, ok := r.env[strings.TrimPrefix(name, "!")]
				if ok != neg {
					return true
				}
			case strings.Trim(t, "0123456789./:abcdefABCDEF") == "" && strings.ContainsAny(t, ".:") && t[0] != '.':
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
