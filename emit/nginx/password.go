package nginx

import (
	"fmt"
	"slices"
	"strings"

	"rewright/parser/ir"
)

// password is who may see a folder by user and password, and from which addresses.
type password struct {
	lines     []string
	caveat    string
	inherited bool // server {} says it already
	open      bool // everybody may come in, other than above
}

// passwordOf reads what the .htaccess of a folder and those above it say about users. nil: they ask for none, or not
// in a way that nginx can. Source: httpd mod_authz_core.c, merge_authz_core_dir_config: Require of a folder replaces
// those above it, each of AuthType, AuthName and AuthUserFile is inherited by itself.
func (g *attempt) passwordOf(a *area) *password {
	if p, known := g.passwords[a]; known {
		return p
	}
	if g.passwords == nil {
		g.passwords = map[*area]*password{}
	}
	p := g.findPassword(a)
	g.passwords[a] = p
	return p
}

func (g *attempt) findPassword(a *area) *password {
	if a.server || a.scope == nil {
		return nil
	}
	kind, realm, file, provider := "", "", "", ""
	var who *required
	above := false // folders above have addresses or users of their own
	for _, up := range g.areas {
		if !strings.HasPrefix(a.prefix, up.prefix) || up.server || up.scope == nil {
			continue
		}
		if up != a && up.prefix == "/" {
			g.passwordOf(up)
		}
		own := requiredOf(up)
		if own == nil {
			return nil
		}
		above = above || who != nil && len(who.users) > 0
		if own.said {
			who = own
		}
		for _, s := range up.settings {
			switch strings.ToLower(s.Name) {
			case "authtype":
				kind = strings.ToLower(s.Arg(0))
			case "authname":
				realm = s.Arg(0)
			case "authuserfile":
				file = s.Arg(0)
			case "authbasicprovider":
				provider = strings.ToLower(joinArgs(s))
			case "authmerging":
				return nil
			}
		}
	}
	switch {
	case who == nil:
		return nil
	case who.everybody && above:
		p := &password{lines: []string{"auth_basic off;"}, open: true}
		if g.addressed {
			p.lines = append(p.lines, "allow all;")
		}
		return p
	case len(who.users) == 0 || who.everybody:
		return nil
	case kind != "basic" || provider != "" && provider != "file" || realm == "" || strings.EqualFold(realm, "off") || file == "" || strings.ContainsAny(realm+file, "$\r\n"):
		return nil
	}
	p := &password{inherited: a.prefix != "/" && !requiredOf(a).said && g.onlyRootAsks(a)}
	if !strings.HasPrefix(file, "/") {
		p.caveat = "the password file is looked for beside nginx.conf, in httpd below ServerRoot"
	}
	switch {
	case who.any && len(who.addresses) > 0:
		p.lines = append(p.lines, "satisfy any;")
		g.eitherSaid = g.eitherSaid || a.prefix == "/"
	case g.eitherSaid:
		p.lines = append(p.lines, "satisfy all;")
	}
	if len(who.addresses) > 0 {
		g.addressed = g.addressed || a.prefix == "/"
		p.lines = append(p.lines, who.addresses...)
	} else if g.addressed {
		p.lines = append(p.lines, "allow all;")
	}
	p.lines = append(p.lines, "auth_basic "+word(realm)+";")
	if who.valid {
		p.lines = append(p.lines, "auth_basic_user_file "+word(file)+";")
	} else {
		// only these users: for others the file is empty
		name := "passwords"
		if a.prefix != "/" {
			name += "_" + shortName(strings.Trim(a.prefix, "/"))
		}
		text := "# Users who may come in, by the file with their passwords; for others it is an empty one.\nmap $remote_user $" + name + " {\n    default /dev/null;\n"
		for _, u := range who.users {
			text += fmt.Sprintf("    %s %s;\n", word("~^"+quoteLiteral(u)+"$"), word(file))
		}
		g.out.maps[name] = text + "}"
		p.lines = append(p.lines, "auth_basic_user_file $"+name+";")
	}
	if why := g.beforePassword(a); why != "" {
		p.caveat = why
	}
	return p
}

// beforePassword says which rules of a folder answer before nginx asks for a password; empty: none.
func (g *attempt) beforePassword(a *area) string {
	for _, r := range slices.Concat(a.rules, a.redirects) {
		switch {
		case r.Disabled || r.Action == ir.ActionNone || !a.engine && r.Keyword == ir.RewriteRule:
		case r.Action == ir.ActionRewrite && !isAbsolute(r.Target):
			if a.prefix != "/" {
				return "a rule that leads out of the folder passes by its password in nginx"
			}
		default:
			return "redirects and other answers of the rules come before the password is asked for"
		}
	}
	if a.everything != nil {
		return "redirects and other answers of the rules come before the password is asked for"
	}
	return ""
}

// required is who a folder lets in.
type required struct {
	said      bool     // it says something about it
	everybody bool     // Require all granted
	any       bool     // an address or a user is enough
	valid     bool     // any user of the file
	users     []string // names; with valid a single "*"
	addresses []string // allow and deny
}

// requiredOf reads Require, the sections around it, and Order, Allow, Deny and Satisfy. nil: nginx cannot say it.
func requiredOf(a *area) *required {
	w := &required{any: true}
	var compat []*ir.Setting
	var nets []string
	satisfyAny, granted := false, false
	leaves := 0
	leaf := func(s *ir.Setting) bool {
		leaves++
		w.said = true
		if len(s.Args) == 0 {
			return false
		}
		switch strings.ToLower(s.Arg(0)) {
		case "valid-user":
			w.valid = true
			w.users = append(w.users, "*")
		case "user":
			if !w.any && len(w.users) > 0 && !w.valid {
				return false
			}
			for _, u := range s.Args[1:] {
				w.users = append(w.users, u.Text)
			}
		case "ip":
			if !w.any && len(nets) > 0 {
				return false
			}
			for _, u := range s.Args[1:] {
				n, fine := network(u.Text)
				if !fine {
					return false
				}
				nets = append(nets, n)
			}
		case "all":
			if !strings.EqualFold(s.Arg(1), "granted") {
				return false
			}
			granted = true
		default:
			return false
		}
		return true
	}
	for _, it := range a.scope.Items {
		switch it := it.(type) {
		case *ir.Setting:
			switch strings.ToLower(it.Name) {
			case "require":
				if !leaf(it) {
					return nil
				}
			case "order", "allow", "deny":
				compat = append(compat, it)
			case "satisfy":
				satisfyAny = strings.EqualFold(it.Arg(0), "any")
			}
		case *ir.Scope:
			if it.Kind != ir.ScopeRequire {
				continue
			}
			if leaves > 0 || !strings.EqualFold(it.Name, "RequireAny") && !strings.EqualFold(it.Name, "RequireAll") {
				return nil
			}
			w.any = strings.EqualFold(it.Name, "RequireAny")
			for _, in := range it.Items {
				s, ok := in.(*ir.Setting)
				if !ok || !leaf(s) {
					return nil
				}
			}
			leaves = 1000 // nothing may follow
		}
	}
	switch {
	case leaves > 1000 || granted && leaves > 1 && leaves < 1000:
		return nil
	case granted:
		w.everybody = len(w.users) == 0 && len(nets) == 0 && len(compat) == 0
		if !w.everybody {
			return nil
		}
	case len(compat) > 0 && len(w.users) > 0:
		if len(nets) > 0 {
			return nil
		}
		lines, ok := addresses(compat)
		if !ok {
			return nil
		}
		if satisfyAny && (len(lines) == 0 || lines[len(lines)-1] != "deny all;") {
			lines = append(lines, "allow all;")
		}
		w.addresses, w.any = lines, satisfyAny
	case len(nets) > 0 && len(w.users) > 0:
		for _, n := range nets {
			w.addresses = append(w.addresses, "allow "+n+";")
		}
		w.addresses = append(w.addresses, "deny all;")
	}
	if w.valid && !w.any && len(w.users) > 1 {
		// a user of the file who is one of these
		w.valid = false
		w.users = slices.DeleteFunc(w.users, func(u string) bool { return u == "*" })
	}
	return w
}

// askPassword puts the lines in their place: those of the root of the site stand in server {}, for all its locations.
func (g *attempt) askPassword(a *area, p *password, all []*ir.Setting) (list []*unit) {
	for _, s := range all {
		list = append(list, &unit{origin: s.Origin, directive: s.Name, caveat: p.caveat})
	}
	if p.inherited {
		return list
	}
	if len(list) == 0 {
		list = []*unit{{}}
	}
	list[0].lines = p.lines
	if a.prefix == "/" {
		g.server = append(g.server, list...)
		return nil
	}
	return list
}

// onlyRootAsks tells whether no folder between the root of the site and this one says who may come in.
func (g *attempt) onlyRootAsks(a *area) bool {
	for _, up := range g.areas {
		if up != a && up.prefix != "/" && strings.HasPrefix(a.prefix, up.prefix) && up.scope != nil {
			if own := requiredOf(up); own == nil || own.said {
				return false
			}
		}
	}
	return true
}
