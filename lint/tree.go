package lint

import (
	"path"
	"slices"
	"strings"

	"rewright/parser/apache"
	"rewright/parser/ir"
)

// DefaultDocroot is the document root in the world of the server when nothing is said of it.
const DefaultDocroot = "/var/www/html"

// Docroot is the absolute folder of the document root in the world of the server, without a final slash.
func (u *Unit) Docroot() string {
	switch {
	case u.Input.Docroot != "":
		return trimSlash(u.Input.Docroot)
	case u.Input.Dir != "":
		return trimSlash(u.Input.Dir)
	}
	return DefaultDocroot
}

// DocrootSaid tells whether the document root was said, and not taken to be the topmost folder with a .htaccess.
func (u *Unit) DocrootSaid() bool { return u.docrootSaid }

// Dir is the absolute folder a .htaccess lies in, without a final slash; of any other configuration the document root.
func (u *Unit) Dir() string {
	if u.Input.Dir != "" {
		return trimSlash(u.Input.Dir)
	}
	return u.Docroot()
}

func trimSlash(dir string) string {
	if dir = path.Clean(dir); dir == "/" {
		return ""
	}
	return dir
}

// Parents are the .htaccess files of the folders above, the outermost first: httpd merges each with those before.
func (u *Unit) Parents() []*Unit { return u.parents }

// Children are the .htaccess files of the folders below, by folder. What stands in them is merged over this one's
// for the requests that lead there; rewrite rules of theirs take the place of this one's.
func (u *Unit) Children() []*Unit { return u.children }

// Owns tells whether a node was written in the unit's own text, that is, not in a .htaccess of another folder. A
// rule reports in own text only: what stands elsewhere is checked there.
func (u *Unit) Owns(o ir.Origin) bool {
	for _, f := range u.Files {
		if f == o.File {
			return true
		}
	}
	return false
}

// SiteProgram is the IR of the site a .htaccess belongs to as far as it concerns it: the files of its parents, its
// own and those below in Program.Htaccess, the outermost first, each with its Dir. Which of them counts for a request is for
// the simulator to say: rewrite rules of a parent are replaced by those of a child, RewriteEngine is inherited.
// For anything else, and for a .htaccess of which no neighbour is known, it is Program itself.
func (u *Unit) SiteProgram() *ir.Program {
	u.siteOnce.Do(func() {
		if len(u.parents)+len(u.children) == 0 {
			u.siteProgram = u.Program()
			return
		}
		scopes := make([]*ir.Scope, 0, len(u.parents)+1+len(u.children))
		for _, p := range u.parents {
			scopes = append(scopes, p.scope())
		}
		scopes = append(scopes, u.scope())
		for _, c := range u.children {
			scopes = append(scopes, c.scope())
		}
		u.siteProgram = apache.NewHtaccessProgram(scopes...)
	})
	return u.siteProgram
}

// scope is the one scope of a .htaccess, made when first asked for; units of a site share it.
func (u *Unit) scope() *ir.Scope {
	u.scopeOnce.Do(func() { u.htaccess = apache.LowerHtaccess(u.Apache, u.Dir()) })
	return u.htaccess
}

// inTree tells whether a unit is a .htaccess whose folder is known.
func (u *Unit) inTree() bool {
	return u.Apache != nil && u.Input.Context == ir.ContextHtaccess && u.Input.Dir != ""
}

// LinkSites makes sites of those units that are .htaccess files of known folders: each learns of the files above and below
// it. A file of another name (htaccess.txt, .htaccess.bak) learns of them as if it stood in its folder, and they do not
// learn of it. Where no document root is said it is the topmost folder that has one of the files. It is to be called once,
// before the first question; Run does so.
func LinkSites(units []*Unit) {
	byDir := map[string]*Unit{}
	for _, u := range units {
		if u.inTree() && byDir[u.Dir()] == nil && path.Base(u.Input.File.Name) == ".htaccess" {
			byDir[u.Dir()] = u
		}
	}
	for _, u := range units {
		u.docrootSaid = u.Input.Docroot != ""
		if !u.inTree() || u.docrootSaid {
			continue
		}
		top := u.Dir()
		for dir := above(top); ; dir = above(dir) {
			if p := byDir[dir]; p != nil {
				top = dir
				if p.Input.Docroot != "" { // said, or found before
					if within(p.Docroot(), dir) {
						top = p.Docroot()
					}
					break
				}
			}
			if dir == "" {
				break
			}
		}
		u.Input.Docroot = slashed(top)
	}
	for _, u := range sortedByDir(units) {
		if !u.inTree() {
			continue
		}
		root := u.Docroot()
		if !within(root, u.Dir()) {
			continue // it does not lie in its document root: it stands alone
		}
		for dir := u.Dir(); dir != root; {
			dir = above(dir)
			if p := byDir[dir]; p != nil && p.Docroot() == root {
				u.parents = append(u.parents, p)
				if byDir[u.Dir()] == u {
					p.children = append(p.children, u)
				}
			}
		}
		for i, j := 0, len(u.parents)-1; i < j; i, j = i+1, j-1 {
			u.parents[i], u.parents[j] = u.parents[j], u.parents[i]
		}
	}
}

// above is the folder that holds dir; "" is the root, above which is nothing.
func above(dir string) string {
	i := strings.LastIndexByte(dir, '/')
	if i < 0 {
		return ""
	}
	return dir[:i]
}

func slashed(dir string) string {
	if dir == "" {
		return "/"
	}
	return dir
}

// within tells whether folder p is dir or lies below it.
func within(dir, p string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }

// sortedByDir are the units by folder; those of one folder stay in their order.
func sortedByDir(units []*Unit) []*Unit {
	list := slices.Clone(units)
	slices.SortStableFunc(list, func(a, b *Unit) int { return strings.Compare(a.Input.Dir, b.Input.Dir) })
	return list
}
