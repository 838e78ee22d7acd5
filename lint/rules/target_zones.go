package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/ir"
	"rewright/parser/source"
)

// zone is the part of an address that a piece of a target lands in.
type zone uint8

const (
	zoneScheme zone = iota + 1
	zoneHost        // user, host and port
	zonePath
	zoneQuery
	zoneFragment
)

// piece is a part of a target within one zone: a reference, or as much of a literal as lies in the zone.
type piece struct {
	zone  zone
	text  string // literal text; empty for a reference
	part  *ir.Part
	start int // where text begins in the part's own text
}

// literal tells whether the piece is text that stands for itself.
func (x *piece) literal() bool { return x.part.Kind == ir.Literal }

// span is the place of bytes a to b of a literal piece; the part's whole place where the spelling differs from what it says.
func (x *piece) span(a, b int) source.Span {
	s := x.part.Span
	if s.Len() != len(x.part.Text) {
		return s
	}
	return source.Span{Start: s.Start + int32(x.start+a), End: s.Start + int32(x.start+b)}
}

// zones cuts a target into its pieces. Without a scheme in front the target is a path of the same site; absolute
// tells that it has one. What a reference brings is not looked into, but for variables that hold a path or a query.
func zones(t *ir.Template) (list []piece, absolute bool) {
	if t == nil {
		return nil, false
	}
	at := zonePath
	if absolute = hasScheme(t); absolute {
		at = zoneScheme
	}
	for i := range t.Parts {
		part := &t.Parts[i]
		if part.Kind != ir.Literal {
			z := at
			switch {
			case z == zoneHost && pathVariable(part) && hostWritten(list), part.Kind == ir.Variable && z < zonePath && part.Name == "is_args":
				z, at = zonePath, zonePath
			}
			list = append(list, piece{zone: z, part: part})
			if part.Kind == ir.Variable && part.Name == "is_args" {
				at = zoneQuery
			}
			continue
		}
		text, from := part.Text, 0
		for from < len(text) {
			n, next := len(text)-from, at
			switch at {
			case zoneScheme:
				if k := strings.Index(text[from:], "://"); k >= 0 {
					n, next = k+3, zoneHost
				}
			case zoneHost:
				if k := strings.IndexAny(text[from:], "/?#"); k >= 0 {
					n, next = k, zonePath
				}
			case zonePath:
				if k := strings.IndexAny(text[from:], "?#"); k >= 0 {
					n, next = k, zoneQuery
					if text[from+k] == '#' {
						next = zoneFragment
					}
				}
			case zoneQuery:
				if k := strings.IndexByte(text[from:], '#'); k >= 0 {
					n, next = k, zoneFragment
				}
			}
			if n > 0 {
				list = append(list, piece{zone: at, text: text[from : from+n], part: part, start: from})
			}
			from, at = from+n, next
		}
	}
	return list, absolute
}

// hostWritten tells whether some of the host stands among the pieces.
func hostWritten(list []piece) bool {
	return len(list) > 0 && list[len(list)-1].zone == zoneHost
}

// hasScheme tells whether :// stands in a target before any slash, question mark or #.
func hasScheme(t *ir.Template) bool {
	for i := range t.Parts {
		part := &t.Parts[i]
		if part.Kind != ir.Literal {
			if pathVariable(part) {
				return false
			}
			continue
		}
		if k := strings.IndexAny(part.Text, "/?#"); k >= 0 {
			return k > 0 && strings.HasPrefix(part.Text[k-1:], "://") && (k > 1 || i > 0)
		}
	}
	return false
}

// pathVariable tells whether a variable holds the path of the request, with its leading slash.
func pathVariable(part *ir.Part) bool {
	if part.Kind != ir.Variable || part.Space != "" {
		return false
	}
	switch part.Name {
	case "request_uri", "uri", "document_uri", "REQUEST_URI":
		return true
	}
	return false
}

// hostIsWritten tells at a glance of most targets that nothing but literal text makes up their host: a path of the same
// site, or an address whose host ends in the first literal.
func hostIsWritten(t *ir.Template) bool {
	if t == nil || len(t.Parts) == 0 {
		return true
	}
	first := &t.Parts[0]
	if first.Kind != ir.Literal {
		return false
	}
	if len(t.Parts) == 1 {
		return true
	}
	if i := strings.Index(first.Text, "://"); i >= 0 {
		return strings.IndexAny(first.Text[i+3:], "/?#") >= 0
	}
	return len(first.Text) > 1 && first.Text[0] == '/' && first.Text[1] != '/'
}

// constantHost is the host of an absolute target when it is written out, without user and port, in lower case.
func constantHost(t *ir.Template) (host string, ok bool) {
	if t != nil && len(t.Parts) > 0 && t.Parts[0].Kind == ir.Literal {
		text := t.Parts[0].Text
		i := strings.Index(text, "://")
		if i < 0 && strings.HasPrefix(text, "/") {
			return "", false
		}
		if i > 0 && strings.IndexAny(text[:i], "/?#") < 0 {
			if k := strings.IndexAny(text[i+3:], "/?#"); k > 0 {
				return bareHost(text[i+3 : i+3+k]), true
			}
		}
	}
	list, absolute := zones(t)
	if !absolute {
		return "", false
	}
	for i := range list {
		switch x := &list[i]; {
		case x.zone == zoneScheme:
		case x.zone > zoneHost:
			return bareHost(host), host != ""
		case !x.literal():
			return "", false
		default:
			host += x.text
		}
	}
	return bareHost(host), host != ""
}

// bareHost is a host without user and port, in lower case.
func bareHost(s string) string {
	s = s[strings.LastIndexByte(s, '@')+1:]
	if i := strings.LastIndexByte(s, ':'); i > strings.LastIndexByte(s, ']') {
		s = s[:i]
	}
	return strings.ToLower(strings.TrimSuffix(s, "."))
}

// sendsElsewhere tells whether a rule answers with a redirect: it says so, or it is a RewriteRule whose target is absolute.
func sendsElsewhere(r *ir.Rule) bool {
	if r.Target == nil || r.Disabled {
		return false
	}
	switch r.Action {
	case ir.ActionRedirect:
		return r.Status >= 300 && r.Status <= 399
	case ir.ActionRewrite:
		if r.Keyword != ir.RewriteRule {
			return false
		}
		text := strings.ToLower(r.Target.Prefix())
		return strings.HasPrefix(text, "http://") || strings.HasPrefix(text, "https://")
	}
	return false
}

// eachRule calls f for the rules of a configuration with the scopes they stand in, the file at hand set.
func eachRule(p *lint.Pass, g *ir.Program, f func(s *ir.Scope, r *ir.Rule)) {
	var walk func(s *ir.Scope)
	walk = func(s *ir.Scope) {
		for _, item := range s.Items {
			switch item := item.(type) {
			case *ir.Scope:
				if item.Kind != ir.ScopeOther || item.Name != "stream" && item.Name != "mail" {
					walk(item) // a return of stream {} is no answer of HTTP
				}
			case *ir.Rule:
				if item.File != nil {
					p.File = item.File
					f(s, item)
				}
			}
		}
	}
	if g.Root != nil {
		walk(g.Root)
	}
	for _, s := range g.Htaccess {
		walk(s)
	}
}

// settings are the directives of one name that are in force in a scope: those of the innermost scope that has any.
func settings(s *ir.Scope, name string) []*ir.Setting {
	for ; s != nil; s = s.Parent {
		if list := ownSettings(s, name); len(list) > 0 {
			return list
		}
	}
	return nil
}

// ownSettings are the directives of one name that stand in a scope itself.
func ownSettings(s *ir.Scope, name string) (list []*ir.Setting) {
	for _, item := range s.Items {
		if set, ok := item.(*ir.Setting); ok && set.Name == name {
			list = append(list, set)
		}
	}
	return list
}

// switchedOff tells whether a directive that takes on and off says off where it stands or above; the default is on.
func switchedOff(s *ir.Scope, name string) bool {
	list := settings(s, name)
	return len(list) > 0 && strings.EqualFold(list[0].Arg(0), "off")
}

// hostOf is the server {} or <VirtualHost> that a scope lies in; the main server of httpd where there is none.
func hostOf(s *ir.Scope) *ir.Scope {
	for ; s != nil; s = s.Parent {
		if s.Kind == ir.ScopeHost || s.Parent == nil {
			return s
		}
	}
	return nil
}

// addFlag is the edit that gives a RewriteRule one more flag; ok is false where the flags are not a plain list.
func addFlag(p *lint.Pass, r *ir.Rule, name string) (edits []source.Edit, ok bool) {
	if len(r.Args) < 3 {
		at := source.Span{Start: r.TargetSpan.End, End: r.TargetSpan.End}
		return source.Replace(at, " ["+name+"]"), len(r.Args) == 2
	}
	s := r.Args[2].Span
	text := raw(p, s)
	i := strings.LastIndexByte(text, ']')
	if i < 1 || !strings.Contains(text, "[") || strings.ContainsAny(text, "\n") {
		return nil, false
	}
	at := source.Span{Start: s.Start + int32(i), End: s.Start + int32(i)}
	if inner := strings.Trim(text[:i], "[\"' \t"); inner == "" {
		return source.Replace(at, name), true
	}
	return source.Replace(at, ","+name), true
}
