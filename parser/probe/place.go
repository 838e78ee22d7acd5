package probe

import (
	"strings"

	"rewright/parser/ir"
)

// place is where a rule stands.
type place struct {
	scope *ir.Scope // that holds it
	index int       // among the items of the scope
	order int       // among all rules
}

// Rules are all rules of the program in the order they are written, included files where the include stands.
func (s *Site) Rules() []*ir.Rule {
	s.locate()
	return s.rules
}

// Scope is the section or block that a rule stands in.
func (s *Site) Scope(r *ir.Rule) *ir.Scope {
	s.locate()
	if p := s.places[r]; p != nil {
		return p.scope
	}
	return nil
}

// Order is the place of a rule among Rules.
func (s *Site) Order(r *ir.Rule) int {
	s.locate()
	if p := s.places[r]; p != nil {
		return p.order
	}
	return -1
}

func (s *Site) locate() {
	if s.places != nil {
		return
	}
	s.places = map[*ir.Rule]*place{}
	var walk func(sc *ir.Scope)
	walk = func(sc *ir.Scope) {
		for i, item := range sc.Items {
			switch it := item.(type) {
			case *ir.Scope:
				walk(it)
			case *ir.Rule:
				s.places[it] = &place{sc, i, len(s.rules)}
				s.rules = append(s.rules, it)
			}
		}
	}
	if s.Program.Root != nil {
		walk(s.Program.Root)
	}
	for _, sc := range s.Program.Htaccess {
		walk(sc)
	}
}

// directory is the folder whose rules the scope holds, without a final slash; ok is false in server context.
// What a wildcard or a pattern stands for is not known: known is false.
func directory(sc *ir.Scope) (dir string, ok, known bool) {
	for ; sc != nil; sc = sc.Parent {
		switch sc.Kind {
		case ir.ScopeHtaccess:
			return strings.TrimSuffix(sc.Dir, "/"), true, true
		case ir.ScopeDirectory:
			return strings.TrimSuffix(sc.Path, "/"), true, !strings.ContainsAny(sc.Path, "*?[$")
		case ir.ScopeDirectoryMatch, ir.ScopeLocation, ir.ScopeLocationMatch, ir.ScopeFiles, ir.ScopeFilesMatch:
			return "", true, false
		}
	}
	return "", false, true
}

// hostOf is the virtual host or server block around a scope; nil when there is none.
func hostOf(sc *ir.Scope) *ir.Scope {
	for ; sc != nil; sc = sc.Parent {
		if sc.Kind == ir.ScopeHost {
			return sc
		}
	}
	return nil
}

// rootOf is the document root in force for a scope, without a final slash.
func (s *Site) rootOf(sc *ir.Scope) string {
	if root, ok := s.roots[sc]; ok {
		return root
	}
	if s.roots == nil {
		s.roots = map[*ir.Scope]string{}
	}
	root := s.findRoot(sc)
	s.roots[sc] = root
	return root
}

func (s *Site) findRoot(sc *ir.Scope) string {
	for ; sc != nil; sc = sc.Parent {
		for _, item := range sc.Items {
			if set, ok := item.(*ir.Setting); ok && (set.Name == "root" || set.Name == "DocumentRoot") && !strings.Contains(set.Arg(0), "$") {
				return s.absolute(set.Arg(0))
			}
		}
	}
	if c := s.Program.Context; s.Program.Server == ir.Nginx && c != ir.ContextServer && c != ir.ContextLocation {
		return s.absolute("html")
	}
	return strings.TrimSuffix(s.world.DocumentRoot, "/")
}

// absolute is a folder of the configuration, without a final slash. Nginx's are relative to its prefix.
func (s *Site) absolute(dir string) string {
	dir = strings.TrimSuffix(dir, "/")
	if s.Program.Server == ir.Nginx && !strings.HasPrefix(dir, "/") && dir != "" {
		return s.world.Prefix + "/" + dir
	}
	return dir
}

// urlPrefix is the URL path of a folder, with slashes at both ends; ok is false when it lies outside the root.
func urlPrefix(root, dir string) (string, bool) {
	if dir == root {
		return "/", true
	}
	rest, ok := strings.CutPrefix(dir, root+"/")
	return "/" + rest + "/", ok
}

// Below is the URL path of the folder whose rules a rule belongs to, with slashes at both ends; "/" in server context
// and where the folder is not known.
func (s *Site) Below(r *ir.Rule) string {
	if s.Program.Server != ir.Apache {
		return "/"
	}
	sc := s.Scope(r)
	if dir, perDir, known := directory(sc); perDir && known {
		if prefix, ok := urlPrefix(s.rootOf(sc), dir); ok {
			return prefix
		}
	}
	return "/"
}

// Likely are paths that a rule's pattern, or the location it stands in, is likely to match, at most max. Nothing is
// asked and no condition looked at; it costs little.
func (s *Site) Likely(r *ir.Rule, max int) []string {
	v := &solver{s: s, rule: r, scope: s.Scope(r), prefix: "/"}
	if r.Subject == ir.SubjectDirectory {
		v.perDir, v.prefix = true, s.Below(r)
	}
	var out []string
	v.likely(func(path string) bool {
		if strings.HasPrefix(path, "/") && v.matchesPath(path) {
			out = append(out, path)
		}
		return len(out) < max
	})
	return out
}

// matchesPath tells whether the rule's own pattern matches a path.
func (v *solver) matchesPath(path string) bool {
	r := v.rule
	if r.Match != ir.MatchRegex || r.Pattern == nil || r.Pattern.Re == nil {
		return true
	}
	if v.perDir {
		var ok bool
		if path, ok = strings.CutPrefix(path, v.prefix); !ok {
			return false
		}
	}
	m, err := r.Pattern.Re.MatchBool(path)
	return err == nil && m != r.Negated
}

// Root is the document root in force for a rule, that of the World for nil; without a final slash.
func (s *Site) Root(r *ir.Rule) string {
	if r == nil {
		return strings.TrimSuffix(s.world.DocumentRoot, "/")
	}
	return s.rootOf(s.Scope(r))
}
