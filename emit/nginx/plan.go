package nginx

import (
	"path"
	"sort"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/sim/httpd"
)

// area is a directory with a configuration of its own, or a host's server context: what httpd has merged for it.
type area struct {
	prefix  string // URL path with a slash at both ends; "/" is the root of the site
	docroot string // absolute, no final slash; empty: not known
	server  bool   // server context
	scope   *ir.Scope

	rules       []*ir.Rule // of mod_rewrite, in the order in which they run
	rulesPrefix string     // of the directory they are relative to
	engine      bool
	base        string // RewriteBase; empty: none
	ownRules    bool   // the scope itself says something to mod_rewrite
	redirects   []*ir.Rule
	mapped      []*ir.Rule // Alias and its kin
	everything  *ir.Rule   // Redirect without a path
	settings    []*ir.Setting
	sections    []*ir.Scope
	opaque      []*ir.Opaque
	dir         string             // of the file system, when the area is reached by an alias
	aliased     map[*ir.Rule]*area // folders that aliases lead to
	forbidden   []*unit            // what AllowOverride does not let it say
}

// overriding finds what <Directory> sections of a host say about its document root: a scope that stands before the
// .htaccess of the same folder, and whether .htaccess files count at all.
func overriding(host *area, docroot string) (scopes []*ir.Scope, rest []*ir.Scope, htaccess bool) {
	htaccess = true
	listed := false
	for _, s := range host.sections {
		dir := path.Clean(s.Path)
		if s.Kind != ir.ScopeDirectory || dir != docroot && !strings.HasPrefix(dir, docroot+"/") || strings.ContainsAny(dir, "*?[") {
			rest = append(rest, s)
			continue
		}
		own := *s
		own.Dir = dir
		scopes = append(scopes, &own)
		for _, it := range s.Items {
			if set, ok := it.(*ir.Setting); ok && strings.EqualFold(set.Name, "AllowOverride") && dir == docroot {
				htaccess = !strings.EqualFold(set.Arg(0), "none")
			}
			if set, ok := it.(*ir.Setting); ok && strings.EqualFold(set.Name, "AllowOverrideList") && !strings.EqualFold(set.Arg(0), "none") {
				listed = true
			}
		}
	}
	return scopes, rest, htaccess || listed
}

// allowed leaves out of .htaccess files what AllowOverride of the sections around them forbids. A file that httpd
// refuses for it says nothing but that.
func allowed(scopes, sections []*ir.Scope) (out []*ir.Scope) {
	for _, s := range scopes {
		var around []*ir.Scope
		for _, sec := range sections {
			if sec.Dir == path.Clean(s.Dir) || strings.HasPrefix(path.Clean(s.Dir), sec.Dir+"/") {
				around = append(around, sec)
			}
		}
		bad, fatal := httpd.NotAllowed(s, around)
		if len(bad) == 0 {
			out = append(out, s)
			continue
		}
		forbidden := map[ir.Item]bool{}
		for _, it := range bad {
			forbidden[it] = true
		}
		own := *s
		own.Items = nil
		for _, it := range s.Items {
			switch {
			case fatal && it == bad[0]:
				own.Items = append(own.Items, &notAllowed{Item: it, fatal: true})
			case fatal || forbidden[it]:
				own.Items = append(own.Items, &notAllowed{Item: it})
			default:
				own.Items = append(own.Items, it)
			}
		}
		out = append(out, &own)
	}
	return out
}

// notAllowed is an item of a .htaccess that AllowOverride forbids, or that stands in a file that httpd refuses.
type notAllowed struct {
	ir.Item
	fatal bool // httpd answers 500 because of it
}

// unit says so in the output.
func (n *notAllowed) unit() *unit {
	u := &unit{}
	switch it := n.Item.(type) {
	case *ir.Rule:
		u.origin, u.directive, u.rule = it.Origin, string(it.Keyword), it
	case *ir.Setting:
		u.origin, u.directive = it.Origin, it.Name
	case *ir.Opaque:
		u.origin, u.directive = it.Origin, it.Name
	default:
		return nil
	}
	if n.fatal {
		u.lines = []string{"return 500; # httpd refuses this .htaccess: AllowOverride does not let it say " + u.directive}
	} else {
		u.lines = []string{"# without effect, AllowOverride: " + clean(oneLine(u.origin))}
	}
	return u
}

// isRewrite tells whether a setting is mod_rewrite's.
func isRewrite(name string) bool {
	switch strings.ToLower(name) {
	case "rewriteengine", "rewritebase", "rewriteoptions":
		return true
	}
	return false
}

// areaOf reads one scope.
func areaOf(s *ir.Scope, prefix, docroot string) *area {
	a := &area{prefix: prefix, docroot: docroot, scope: s}
	a.items(s.Items)
	return a
}

func (a *area) items(list []ir.Item) {
	for _, it := range list {
		switch it := it.(type) {
		case *ir.Rule:
			switch {
			case it.Keyword == ir.RewriteRule:
				a.rules = append(a.rules, it)
				a.ownRules = true
			case it.Action == ir.ActionMap:
				a.mapped = append(a.mapped, it)
			case it.Match == ir.MatchAll:
				a.everything = it
			default:
				a.redirects = append(a.redirects, it)
			}
		case *ir.Setting:
			a.settings = append(a.settings, it)
			switch strings.ToLower(it.Name) {
			case "rewriteengine":
				a.engine, a.ownRules = strings.EqualFold(it.Arg(0), "on"), true
			case "rewritebase":
				a.base, a.ownRules = it.Arg(0), true
			case "rewriteoptions":
				a.ownRules = true
			}
		case *ir.Scope:
			a.sections = append(a.sections, it)
		case *notAllowed:
			if u := it.unit(); u != nil {
				a.forbidden = append(a.forbidden, u)
			}
		case *ir.Opaque:
			a.opaque = append(a.opaque, it)
		}
	}
}

// options are the words of RewriteOptions in a scope, lower case.
func (a *area) options() map[string]bool {
	out := map[string]bool{}
	for _, s := range a.settings {
		if strings.EqualFold(s.Name, "RewriteOptions") {
			for _, w := range s.Args {
				out[strings.ToLower(w.Text)] = true
			}
		}
	}
	return out
}

func (a *area) says(name string) bool {
	for _, s := range a.settings {
		if strings.EqualFold(s.Name, name) {
			return true
		}
	}
	return false
}

// directories gives the areas of the .htaccess files, merged from the root down, outermost first.
func directories(list []*ir.Scope, docroot string, engine bool) []*area {
	sort.SliceStable(list, func(i, j int) bool { return len(list[i].Dir) < len(list[j].Dir) })
	byDir := map[string]*area{}
	var out []*area
	for _, s := range list {
		dir := path.Clean(s.Dir)
		below, ok := strings.CutPrefix(dir, path.Clean(docroot))
		if !ok {
			continue
		}
		a := areaOf(s, below+"/", path.Clean(docroot))
		a.rulesPrefix = a.prefix
		var parent *area
		if parent = byDir[dir]; parent != nil { // <Directory> of the same folder
			a.inherit(parent, engine)
			a.settings = append(parent.settings[:len(parent.settings):len(parent.settings)], a.settings...)
			a.sections = append(parent.sections[:len(parent.sections):len(parent.sections)], a.sections...)
			*parent = *a
			continue
		}
		for up := dir; up != "/" && up != "." && len(up) > len(path.Clean(docroot)); {
			up = path.Dir(up)
			if parent = byDir[up]; parent != nil {
				break
			}
		}
		a.inherit(parent, engine)
		byDir[dir] = a
		out = append(out, a)
	}
	return out
}

// inherit merges what the directory above says. Source: mod_rewrite.c, config_perdir_merge; mod_alias.c, merge_alias_dir_config.
func (a *area) inherit(parent *area, engine bool) {
	if parent == nil {
		if !a.says("RewriteEngine") {
			a.engine = engine
		}
		return
	}
	if !a.says("RewriteEngine") {
		a.engine = parent.engine
	}
	o := a.options()
	switch {
	case !a.ownRules:
		a.rules, a.rulesPrefix, a.base = parent.rules, parent.rulesPrefix, parent.base
	case o["inherit"]:
		a.rules = append(a.rules[:len(a.rules):len(a.rules)], parent.rules...)
	case o["inheritbefore"]:
		a.rules = append(parent.rules[:len(parent.rules):len(parent.rules)], a.rules...)
	case !o["ignoreinherit"] && parent.options()["inheritdown"]:
		a.rules = append(a.rules[:len(a.rules):len(a.rules)], parent.rules...)
	case !o["ignoreinherit"] && parent.options()["inheritdownbefore"]:
		a.rules = append(parent.rules[:len(parent.rules):len(parent.rules)], a.rules...)
	}
	a.redirects = append(a.redirects[:len(a.redirects):len(a.redirects)], parent.redirects...)
	if a.everything == nil {
		a.everything = parent.everything
	}
}

// findAliased reads the .htaccess files of folders that the aliases of a host lead to: their rules run below the path
// of the alias.
func (a *area) findAliased(list []*ir.Scope) {
	for _, r := range a.mapped {
		if r.Match != ir.MatchSegment || r.Target == nil || !strings.HasPrefix(r.Path, "/") {
			continue
		}
		folder, constant := r.Target.Constant()
		if !constant {
			continue
		}
		for _, s := range list {
			if path.Clean(s.Dir) != path.Clean(folder) {
				continue
			}
			prefix := strings.TrimSuffix(mergeSlashes(r.Path), "/") + "/"
			sub := areaOf(s, prefix, a.docroot)
			sub.rulesPrefix, sub.dir = prefix, path.Clean(folder)
			sub.inherit(nil, a.engine)
			if a.aliased == nil {
				a.aliased = map[*ir.Rule]*area{}
			}
			a.aliased[r] = sub
		}
	}
}
