package nginx

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"rewright/parser/ir"
)

// accessOf compiles the directives of one scope that say who may come in. pattern is the test under which they hold;
// nil: for the whole area. They stand before the rules, because httpd asks first.
func (g *attempt) accessOf(c *compiler, a *area, settings []*ir.Setting, where *test) (list []*unit) {
	var all []*ir.Setting
	for _, s := range settings {
		switch strings.ToLower(s.Name) {
		case "require", "order", "allow", "deny", "satisfy", "authtype", "authname", "authuserfile", "authmerging", "authbasicprovider":
			all = append(all, s)
		}
	}
	if where == nil && c != nil {
		if p := g.passwordOf(a); p != nil {
			return g.askPassword(a, p, all)
		}
	}
	if len(all) == 0 {
		return nil
	}
	deny, known := closed(all)
	if t, ok := byEnvironment(c, all); ok && where == nil {
		for i, s := range all {
			u := &unit{origin: s.Origin, directive: s.Name}
			if i == len(all)-1 {
				u.lines = ifBlock(t, []string{"return 403;"})
			}
			list = append(list, u)
		}
		return list
	}
	if !known && where == nil {
		if lines, ok := addresses(all); ok {
			for i, s := range all {
				u := &unit{origin: s.Origin, directive: s.Name, kind: "access"}
				if i == len(all)-1 {
					u.lines = lines
				}
				if len(a.rules)+len(a.redirects) > 0 {
					u.caveat = "redirects and other answers of the rules come before allow and deny"
				}
				list = append(list, u)
			}
			return list
		}
	}
	for i, s := range all {
		u := &unit{origin: s.Origin, directive: s.Name}
		switch {
		case known && !deny:
			g.remark(s.Origin, s.Name, "everybody may come in, as in nginx anyway")
			continue
		case known && i == len(all)-1:
			if where == nil {
				u.lines = []string{"return 403;"}
			} else {
				u.lines = ifBlock(*where, []string{"return 403;"})
			}
		case known:
			u.lines = nil
		default:
			u.dropped = "access by address, user or environment"
			u.byHand = accessHint(s)
		}
		list = append(list, u)
	}
	return list
}

// byEnvironment is the usual way to shut out what SetEnvIf has marked: everybody but those, or nobody but those.
func byEnvironment(c *compiler, all []*ir.Setting) (t test, ok bool) {
	if c == nil {
		return t, false
	}
	order, name, verb := "deny,allow", "", ""
	allowAll, denyAll := false, false
	for _, s := range all {
		text := strings.ToLower(joinArgs(s))
		d := strings.ToLower(s.Name)
		switch d {
		case "order":
			order = strings.ReplaceAll(text, " ", "")
		case "allow", "deny":
			switch {
			case text == "from all":
				allowAll, denyAll = allowAll || d == "allow", denyAll || d == "deny"
			case strings.HasPrefix(text, "from env=") && len(s.Args) == 2 && name == "":
				name, verb = s.Args[1].Text[4:], d
			default:
				return t, false
			}
		default:
			return t, false
		}
	}
	v, known := c.env[name]
	if !known {
		return t, false
	}
	switch {
	case order == "allow,deny" && allowAll && !denyAll && verb == "deny", order == "deny,allow" && !denyAll && !allowAll && verb == "deny":
		return test{variable: "$" + v}, true
	case order == "deny,allow" && denyAll && !allowAll && verb == "allow", order == "allow,deny" && !denyAll && !allowAll && verb == "allow":
		return test{variable: "$" + v, negated: true}, true
	}
	return t, false
}

// closed tells whether the directives keep everybody out, when that can be told at a glance.
func closed(all []*ir.Setting) (deny, known bool) {
	verdict := ""
	order := "deny,allow"
	denyAll, allowAll := false, false
	for _, s := range all {
		text := strings.ToLower(joinArgs(s))
		switch strings.ToLower(s.Name) {
		case "require":
			switch text {
			case "all denied":
				verdict = "denied"
			case "all granted":
				verdict = "granted"
			default:
				return false, false
			}
		case "order":
			order = strings.ReplaceAll(text, " ", "")
		case "deny":
			if text != "from all" {
				return false, false
			}
			denyAll = true
		case "allow":
			if text != "from all" {
				return false, false
			}
			allowAll = true
		default:
			return false, false
		}
	}
	if verdict != "" {
		if denyAll || allowAll {
			return false, false
		}
		return verdict == "denied", true
	}
	switch order {
	case "deny,allow":
		return denyAll && !allowAll, true
	case "allow,deny", "mutual-failure":
		return denyAll || !allowAll, true
	}
	return false, false
}

func joinArgs(s *ir.Setting) string {
	var w []string
	for _, a := range s.Args {
		w = append(w, a.Text)
	}
	return strings.Join(w, " ")
}

func accessHint(s *ir.Setting) string {
	switch strings.ToLower(s.Name) {
	case "authtype", "authname", "authuserfile", "authbasicprovider":
		return "auth_basic and auth_basic_user_file in the location"
	}
	return "allow and deny in the location: " + clean(joinArgs(s))
}

// section compiles a section of an area.
func (g *attempt) section(a *area, s *ir.Scope, done map[ir.Item]bool) (list []*unit) {
	var settings []*ir.Setting
	var others []ir.Item
	for _, it := range s.Items {
		if set, ok := it.(*ir.Setting); ok && isAccess(set.Name) {
			settings = append(settings, set)
			continue
		}
		others = append(others, it)
	}
	if s.Kind == ir.ScopeRequire && g.passwordOf(a) != nil {
		for _, set := range settings { // said with the others
			list = append(list, &unit{origin: set.Origin, directive: set.Name})
		}
		return list
	}
	where := filesTest(a, s)
	if where != nil && len(settings) > 0 {
		if deny, known := closed(settings); known && deny {
			// the unit comes with the first directive, so that the comment above the section is found
			u := &unit{origin: s.Origin, directive: s.Name, front: true, lines: ifBlock(*where, []string{"return 403;"}),
				caveat: "answers 403, not 404, to such names in folders that do not exist"}
			list = append(list, u)
		} else if known {
			g.remark(s.Origin, s.Name, "everybody may come in, as in nginx anyway")
		} else {
			list = append(list, g.accessOf(nil, a, settings, where)...)
		}
	} else {
		for _, set := range settings {
			list = append(list, &unit{origin: set.Origin, directive: set.Name, dropped: fmt.Sprintf("access in <%s>", s.Name), byHand: accessHint(set)})
		}
	}
	for _, it := range others {
		if done[it] {
			continue
		}
		list = append(list, g.inSection(s, it)...)
	}
	return list
}

func isAccess(name string) bool {
	switch strings.ToLower(name) {
	case "require", "order", "allow", "deny", "satisfy", "authtype", "authname", "authuserfile", "authmerging", "authbasicprovider":
		return true
	}
	return false
}

// filesTest asks whether a path is of a <Files> or <FilesMatch>; nil for others.
func filesTest(a *area, s *ir.Scope) (where *test) {
	switch s.Kind {
	case ir.ScopeFiles:
		if strings.ContainsAny(s.Path, "*?[") {
			where = &test{variable: "$uri", op: "~", operand: "^" + quoteLiteral(a.prefix) + "(?:.*/)?" + globPattern(s.Path) + "$"}
		} else {
			where = &test{variable: "$uri", op: "~", operand: "/" + quoteLiteral(s.Path) + "$"}
		}
	case ir.ScopeFilesMatch:
		if s.Pattern != nil && s.Pattern.Re != nil && !hasNames(s.Pattern) {
			where = &test{variable: "$uri", op: "~", operand: filesPattern(s.Pattern)}
			if s.Pattern.Options.IgnoreCase {
				where.op = "~*"
			}
		}
	}
	return where
}

// inSection is for what stands in a section and is not carried over.
func (g *attempt) inSection(s *ir.Scope, it ir.Item) (list []*unit) {
	head := "<" + s.Name + ">"
	switch it := it.(type) {
	case *ir.Rule:
		return []*unit{{origin: it.Origin, directive: string(it.Keyword), rule: it, dropped: "a rule in " + head, byHand: "write it into a location for these paths"}}
	case *ir.Setting:
		switch strings.ToLower(it.Name) {
		case "rewriteengine":
			if strings.EqualFold(it.Arg(0), "off") {
				return []*unit{{origin: it.Origin, directive: it.Name, dropped: "rules switched off in " + head, byHand: "add a location for these paths and leave the rules out of it"}}
			}
			return nil
		case "rewritebase", "rewriteoptions", "listen", "servername", "serveralias", "documentroot", "sslengine", "allowoverride", "allowoverridelist":
			return nil
		}
		g.remark(it.Origin, it.Name, "stands in "+head+": a location for these files can say it in nginx")
		return nil
	case *ir.Opaque:
		g.remark(it.Origin, it.Name, "does not concern requests")
	case *ir.Scope:
		for _, in := range it.Items {
			list = append(list, g.inSection(it, in)...)
		}
	}
	return list
}

// globPattern is httpd's file name pattern as a regular expression.
func globPattern(glob string) string {
	var b strings.Builder
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; c {
		case '*':
			b.WriteString("[^/]*")
		case '?':
			b.WriteString("[^/]")
		case '[':
			if end := strings.IndexByte(glob[i:], ']'); end > 0 {
				b.WriteString(glob[i : i+end+1])
				i += end
				continue
			}
			b.WriteString(`\[`)
		default:
			b.WriteString(quoteLiteral(string(c)))
		}
	}
	return b.String()
}

// filesPattern makes of a pattern for the last segment one for the whole path.
func filesPattern(p *ir.Pattern) string {
	text := p.Text
	t := p.Re.Tree()
	if rest, ok := strings.CutPrefix(text, "^"); ok && len(branches(t.Root)) == 1 {
		return "/" + strings.Replace(rest, ".*$", "[^/]*$", 1)
	}
	if strings.HasSuffix(text, "$") && !strings.Contains(text, "^") && len(branches(t.Root)) == 1 {
		return text
	}
	text, _ = innerStart(t, text, "(?<=/)")
	return "/[^/]*?(?:" + text + ")[^/]*$"
}

// addresses writes Order, Allow and Deny, or Require ip, as allow and deny. ok is false for all but addresses.
func addresses(all []*ir.Setting) (lines []string, ok bool) {
	order := "deny,allow"
	var allow, deny, require []string
	allowAll, denyAll := false, false
	for _, s := range all {
		var words []string
		for _, w := range s.Args {
			words = append(words, w.Text)
		}
		name := strings.ToLower(s.Name)
		switch name {
		case "order":
			order = strings.ToLower(strings.ReplaceAll(strings.Join(words, ""), " ", ""))
		case "allow", "deny":
			if len(words) < 2 || !strings.EqualFold(words[0], "from") {
				return nil, false
			}
			for _, w := range words[1:] {
				if strings.EqualFold(w, "all") {
					allowAll, denyAll = allowAll || name == "allow", denyAll || name == "deny"
					continue
				}
				net, fine := network(w)
				if !fine {
					return nil, false
				}
				if name == "allow" {
					allow = append(allow, net)
				} else {
					deny = append(deny, net)
				}
			}
		case "require":
			if len(words) < 2 || !strings.EqualFold(words[0], "ip") {
				return nil, false
			}
			for _, w := range words[1:] {
				net, fine := network(w)
				if !fine {
					return nil, false
				}
				require = append(require, net)
			}
		default:
			return nil, false
		}
	}
	put := func(verb string, list []string) {
		for _, n := range list {
			lines = append(lines, verb+" "+n+";")
		}
	}
	if len(require) > 0 {
		if len(allow)+len(deny) > 0 || allowAll || denyAll {
			return nil, false
		}
		put("allow", require)
		return append(lines, "deny all;"), true
	}
	switch order {
	case "deny,allow": // what is in neither list may come in; allow wins
		if allowAll {
			return []string{"allow all;"}, true
		}
		put("allow", allow)
		put("deny", deny)
		if denyAll {
			lines = append(lines, "deny all;")
		}
	case "allow,deny", "mutual-failure": // what is in neither list may not; deny wins
		if denyAll {
			return []string{"deny all;"}, true
		}
		put("deny", deny)
		if allowAll {
			return lines, true
		}
		put("allow", allow)
		lines = append(lines, "deny all;")
	default:
		return nil, false
	}
	return lines, true
}

// network is an address of httpd as nginx writes it: 10.1 stands for 10.1.0.0/16.
func network(w string) (string, bool) {
	if p, err := netip.ParsePrefix(w); err == nil {
		return p.String(), true
	}
	if a, err := netip.ParseAddr(w); err == nil {
		return a.String(), true
	}
	parts := strings.Split(strings.TrimSuffix(w, "."), ".")
	if len(parts) > 3 {
		return "", false
	}
	for _, p := range parts {
		if n, err := strconv.Atoi(p); err != nil || n < 0 || n > 255 {
			return "", false
		}
	}
	bits := 8 * len(parts)
	for len(parts) < 4 {
		parts = append(parts, "0")
	}
	return fmt.Sprintf("%s/%d", strings.Join(parts, "."), bits), true
}
