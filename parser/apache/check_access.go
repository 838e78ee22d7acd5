package apache

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"rewright/parser/ir"
)

// accessChecks are those of access control. Source: httpd modules/aaa.
func accessChecks(m map[string]func(*check) *fault) {
	m["order"] = oneOf("unknown order", "allow,deny", "deny,allow", "mutual-failure")
	m["Satisfy"] = oneOf("Satisfy either 'any' or 'all'.", "any", "all")
	m["allow"], m["deny"] = checkAllow, checkAllow
	m["Require"] = checkRequire
	for _, name := range []string{"<RequireAll", "<RequireAny", "<RequireNone"} {
		m[name] = func(c *check) *fault {
			if len(c.d.Args) > 0 {
				return &fault{kind: "wrong-argument-count", span: c.at(0), server: c.spec.Name + "> directive doesn't take additional arguments"}
			}
			return nil
		}
	}
	m["AuthMerging"] = oneOf("AuthMerging must be one of: Off | And | Or", "off", "and", "or")
	m["AuthBasicProvider"], m["AuthDigestProvider"] = checkAuthnProvider, checkAuthnProvider
}

// subnetFault tells why an address or subnet is refused: "" when it is not, "host" when it is no address at all.
// Source: APR network_io/unix/sockaddr.c, apr_ipsubnet_create.
func subnetFault(address, mask string, masked bool) string {
	const badIP, badMask = "The specified IP address is invalid.", "The specified network mask is invalid."
	six := strings.Contains(address, ":")
	if address == "" || !six && strings.Trim(address, "0123456789.") != "" {
		return "host"
	}
	a, err := netip.ParseAddr(address)
	if err != nil || a.Zone() != "" {
		if six || masked {
			return badIP
		}
		// Leading octets stand for a network.
		parts := strings.Split(strings.TrimSuffix(address, "."), ".")
		if len(parts) > 4 {
			return badIP
		}
		for _, p := range parts {
			if n, err := strconv.Atoi(p); err != nil || n > 255 {
				return badIP
			}
		}
		return ""
	}
	if !masked {
		return ""
	}
	bits := 32
	if a.Is6() {
		bits = 128
	}
	if n, err := strconv.Atoi(mask); err == nil {
		if n > 0 && n <= bits {
			return ""
		}
		return badMask
	}
	if m, err := netip.ParseAddr(mask); err == nil && m.Is4() && a.Is4() {
		return ""
	}
	return badMask
}

func checkAllow(c *check) *fault {
	if !strings.EqualFold(c.arg(0), "from") {
		return c.bad(0, "allow and deny must be followed by 'from'")
	}
	for i := 1; i < len(c.d.Args); i++ {
		where := c.arg(i)
		lower := strings.ToLower(where)
		if where == "" {
			break
		}
		if strings.HasPrefix(lower, "env=") || lower == "all" {
			continue
		}
		address, mask, masked := strings.Cut(where, "/")
		switch fault := subnetFault(address, mask, masked); {
		case fault == "host" && masked:
			return c.bad(i, "An IP address was expected")
		case fault == "host" && strings.Contains(where, "#"):
			x := c.bad(i, "No comments are allowed here")
			x.kind, x.message = "text-after-flags", "httpd takes no comment on a directive's line"
			return x
		case fault != "" && fault != "host":
			return c.bad(i, fault)
		}
	}
	return nil
}

// authzProviders are the words that Require takes, with the modules that bring them.
var authzProviders = map[string]string{"all": "mod_authz_core.c", "env": "mod_authz_core.c", "method": "mod_authz_core.c",
	"expr": "mod_authz_core.c", "ip": "mod_authz_host.c", "host": "mod_authz_host.c", "forward-dns": "mod_authz_host.c",
	"local": "mod_authz_host.c", "user": "mod_authz_user.c", "valid-user": "mod_authz_user.c", "group": "mod_authz_groupfile.c",
	"file-group": "mod_authz_groupfile.c", "file-owner": "mod_authz_owner.c", "dbm-group": "mod_authz_dbm.c",
	"dbm-file-group": "mod_authz_dbm.c", "dbd-group": "mod_authz_dbd.c", "dbd-login": "mod_authz_dbd.c", "dbd-logout": "mod_authz_dbd.c",
	"ldap-user": "mod_authnz_ldap.c", "ldap-group": "mod_authnz_ldap.c", "ldap-dn": "mod_authnz_ldap.c", "ldap-search": "mod_authnz_ldap.c",
	"ldap-attribute": "mod_authnz_ldap.c", "ldap-filter": "mod_authnz_ldap.c", "ssl": "mod_ssl.c", "ssl-verify-client": "mod_ssl.c"}

func checkRequire(c *check) *fault {
	l := line{text: c.d.ArgText.Text}
	name, i := l.nextWord(0)
	at, negated := 0, false
	if strings.EqualFold(name.Text, "not") {
		name, i = l.nextWord(i)
		at, negated = 1, true
	}
	if module, known := authzProviders[name.Text]; !known || !c.r.hasModule(module) {
		if c.r.foreign || c.r.aliases[name.Text] {
			return nil
		}
		x := c.badf(at, "Unknown Authz provider: %s", name.Text)
		if name.Text == "" {
			x.kind = "wrong-argument-count"
		}
		return x
	}
	rest := l.text[i:]
	words := c.d.Args[min(at+1, len(c.d.Args)):]
	switch name.Text {
	case "all":
		if !strings.EqualFold(rest, "granted") && !strings.EqualFold(rest, "denied") {
			return c.bad(at+1, "Argument for 'Require all' must be 'granted' or 'denied'")
		}
	case "ip":
		if len(words) == 0 {
			return c.bad(at, "'require ip' requires an argument")
		}
		for j, w := range words {
			address, mask, masked := strings.Cut(w.Text, "/")
			switch fault := subnetFault(address, mask, masked); fault {
			case "":
			case "host":
				return c.badf(at+1+j, "ip address '%s' appears to be invalid", w.Text)
			default:
				return c.badf(at+1+j, "ip address '%s' appears to be invalid: %s", w.Text, fault)
			}
		}
	case "method":
		for j, w := range words {
			dav := c.restricted() && (w.Text == "BIND" || w.Text == "SEARCH") // registered once the server runs
			if methodBits()[w.Text] == 0 && !dav {
				return c.badf(at+1+j, "Invalid Method '%s'", w.Text)
			}
		}
	case "expr":
		if n := len(rest); n > 1 && rest[0] == '"' && rest[n-1] == '"' {
			rest = rest[1 : n-1]
		}
		if _, err := ParseExpr(rest, c.at(at+1), ExprOptions{Restricted: c.restricted()}); err != nil {
			return c.badf(at+1, "Cannot parse expression in require line: %s", err)
		}
	case "ssl", "ssl-verify-client":
		if len(words) > 0 {
			x := c.badf(at+1, "'Require %s' does not take arguments", name.Text)
			x.kind = "wrong-argument-count"
			return x
		}
	case "host", "forward-dns", "user", "group", "dbm-group", "dbd-group", "ldap-user", "ldap-group", "ldap-dn", "ldap-attribute":
		for j, w := range words {
			if _, err := ParseExprString(w.Text, c.at(at+1+j), ExprOptions{Restricted: c.restricted()}); err != nil {
				return c.badf(at+1, "Cannot parse expression in require line: %s", err)
			}
		}
	}
	if negated {
		if in := authzSection(c.scope); in == "<RequireAny" || in == "<RequireNone" {
			return &fault{server: "negative Require directive has no effect in " + in + "> directive",
				message: fmt.Sprintf("Require not can only take effect in <RequireAll>, and this stands in %s>", in)}
		}
	}
	return nil
}

// authzSection is the section of authorization a Require stands in; <RequireAny> where there is none.
func authzSection(s *scope) string {
	for i := len(s.parents) - 1; i >= 0; i-- {
		switch name := s.parents[i].Known.Name; name {
		case "<RequireAll", "<RequireAny", "<RequireNone":
			return name
		case "<Limit", "<LimitExcept":
		default:
			return "<RequireAny"
		}
	}
	return "<RequireAny"
}

// requireSection is what httpd finds behind the body of <RequireAll> and its kin.
func (r *reader) requireSection(n *ConfigSection, s *scope) *fault {
	some, positive := false, false
	var look func(nodes []ConfigNode)
	look = func(nodes []ConfigNode) {
		for _, b := range nodes {
			switch b := b.(type) {
			case *ConfigDirective:
				if b.Known == nil || b.Known.Name == "Require" {
					some = true
					positive = positive || len(b.Args) == 0 || !strings.EqualFold(b.Args[0].Text, "not")
				}
			case *ConfigSection:
				switch {
				case b.Known == nil:
					some, positive = true, true
				case strings.HasPrefix(b.Known.Name, "<Require"):
					some = true
					positive = positive || b.Known.Name != "<RequireNone"
				case strings.HasPrefix(b.Known.Name, "<Limit"):
					look(b.Body)
				}
			}
		}
	}
	look(n.Body)
	name := n.Known.Name
	switch in := authzSection(s); {
	case !some:
		return &fault{server: name + "> directive contains no authorization directives"}
	case name == "<RequireNone" && in != "<RequireAll":
		return &fault{server: fmt.Sprintf("%s> directive has no effect in %s> directive", name, in),
			message: fmt.Sprintf("<RequireNone> can only take effect in <RequireAll>, and this stands in %s>", in)}
	case name == "<RequireAll" && !positive && r.env.Context != ir.ContextHtaccess:
		// httpd finds this after everything else.
		return &fault{server: "<RequireAll> directive contains only negative authorization directives"}
	}
	return nil
}

func checkAuthnProvider(c *check) *fault {
	for i, a := range c.d.Args {
		switch a.Text {
		case "file", "dbm", "dbd", "anon", "socache", "ldap", "fcgi":
		default:
			if c.r.foreign || c.r.aliases[a.Text] {
				continue
			}
			return c.badf(i, "Unknown Authn provider: %s", a.Text)
		}
	}
	return nil
}
