package probe

import (
	"regexp"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
)

// Names of what a request consists of. "h:" and a lower-case name is a request header.
const (
	varPath   = "path"   // decoded path, with its leading slash
	varQuery  = "query"  // without the ?
	varHost   = "host"   // of the Host header
	varMethod = "method" // GET
	varTarget = "target" // raw path and query
	varLine   = "line"   // the whole request line
	varScheme = "scheme" // http, https
	varPort   = "port"
	varProto  = "proto"  // HTTP/1.1, HTTP/1.0
	varClient = "client" // IP address
)

// fileWish is a test of the file system, decided when the path is known.
type fileWish struct {
	name *ir.Template
	op   string // -f -d -e -s …
	not  bool
	rule *ir.Rule // whose groups the name refers to
}

// want is what a request has to be like.
type want struct {
	vars  map[string]pattern.Language
	files []fileWish
}

func (w *want) clone() *want {
	n := &want{vars: make(map[string]pattern.Language, len(w.vars)+1), files: w.files[:len(w.files):len(w.files)]}
	for k, v := range w.vars {
		n.vars[k] = v
	}
	return n
}

// solver finds requests for one rule.
type solver struct {
	s     *Site
	sp    *pattern.Space
	rule  *ir.Rule // nil: for what is no rule
	scope *ir.Scope
	host  *ir.Scope
	root  string
	// of per-directory rules
	perDir bool
	dir    string // with its final slash
	prefix string // URL path of dir
	texts  map[string]pattern.Language
	steps  int
	// proposals are likely paths where there is no rule to take them from.
	proposals []string
}

// and adds a demand; nil when nothing can meet all of them.
func (v *solver) and(w *want, name string, l pattern.Language) *want {
	n := w.clone()
	if old, ok := n.vars[name]; ok {
		l = v.sp.And(old, l)
	}
	if l == (v.sp.Not(v.sp.All())) {
		return nil
	}
	n.vars[name] = l
	return n
}

// re is the language of a pattern of our own.
func (v *solver) re(text string) pattern.Language {
	if l, ok := v.texts[text]; ok {
		return l
	}
	l := v.sp.All()
	if t, err := pattern.Parse(text, pattern.Apache); err == nil {
		if sub, ok := v.sp.Subjects(t); ok {
			l = sub
		}
	}
	v.texts[text] = l
	return l
}

// subjects is the language of a pattern of the program; without ok it is not known.
func (v *solver) subjects(p *ir.Pattern) (pattern.Language, bool) {
	if p == nil || p.Re == nil {
		return v.sp.All(), false
	}
	return v.sp.Subjects(p.Re.Tree())
}

// value is the language of one text, compared as the condition compares.
func (v *solver) value(text string, ignoreCase bool) pattern.Language {
	if !ignoreCase {
		return v.sp.Text(text)
	}
	return v.re(`(?i)^` + regexp.QuoteMeta(text) + `$`)
}

// truthy is what nginx takes for true.
func (v *solver) truthy() pattern.Language {
	return v.sp.Not(v.sp.Or(v.sp.Text(""), v.sp.Text("0")))
}

// headerName turns nginx's http_accept_language into accept-language.
func headerName(name string) string { return strings.ReplaceAll(strings.ToLower(name), "_", "-") }
