package rules

import (
	"strings"
	"sync"

	"rewright/lint"
	"rewright/lint/intent"
	"rewright/parser/ir"
)

// redirect is a rule that sends the client to another address, with what stands around it.
type redirect struct {
	rule    *ir.Rule
	at      *lint.Directive
	scopes  []*ir.Scope // around it, the outermost first
	status  int         // that is sent
	written bool        // the text says so
	comment intent.Reading
	heading *intent.Reading // the comment above the run of redirects this one stands in; nil: it has its own, or there is none

	from, to  []string // segments of the path it takes and the path it leads to; see paths
	pathsOnce sync.Once
	index     int    // among the redirects of its unit
	host      string // see leadsTo
	hostOnce  sync.Once
	commented bool // a comment stands above it alone
	evidence  []evidence
	weighOnce sync.Once
}

type redirectKey struct{}

// redirectsOf are the redirects of a unit's own text in reading order, collected once.
func redirectsOf(u *lint.Unit) []*redirect {
	return u.Memo(redirectKey{}, func() any { return collectRedirects(u) }).([]*redirect)
}

func collectRedirects(u *lint.Unit) []*redirect {
	g := u.Program()
	if g == nil {
		return nil
	}
	x := commentsOf(u)
	var out []*redirect
	var stack []*ir.Scope
	var walk func(s *ir.Scope)
	walk = func(s *ir.Scope) {
		if s == nil || s.Name == "stream" || s.Name == "mail" {
			return // nginx: a return there sends a text
		}
		stack = append(stack, s)
		for _, item := range s.Items {
			switch item := item.(type) {
			case *ir.Scope:
				walk(item)
			case *ir.Rule:
				status, written, ok := sends(item)
				if !ok || item.File == nil || item.Disabled {
					continue
				}
				d := u.At(item.File, item.Span.Start)
				if d == nil {
					continue
				}
				r := &redirect{rule: item, at: d, scopes: append([]*ir.Scope(nil), stack...), status: status, written: written, index: len(out)}
				lines := x.commentOn(d)
				if len(lines) > 0 {
					r.commented = true
					r.comment = intent.Read(lines)
				}
				if n := len(out); n > 0 && len(lines) == 0 {
					r.heading = inherited(out[n-1], r)
				}
				out = append(out, r)
			}
		}
		stack = stack[:len(stack)-1]
	}
	walk(g.Root)
	for _, s := range g.Htaccess {
		walk(s)
	}
	return out
}

// inherited is the comment above the run of redirects that r continues: it stands on the lines behind prev, in the same
// section, without a blank line between them.
func inherited(prev, r *redirect) *intent.Reading {
	if prev.at.File != r.at.File || prev.at.Parent != r.at.Parent {
		return nil
	}
	first := r.at
	for first.PrevPtr != nil && first.PrevPtr.Is("RewriteCond") && first.PrevPtr.Parent == r.at.Parent {
		first = first.PrevPtr
	}
	if first.PrevPtr != prev.at || r.at.File.Line(headStart(first)) != r.at.File.Line(prev.at.Line.End)+1 {
		return nil
	}
	if prev.heading != nil {
		return prev.heading
	}
	if prev.comment.Many {
		return &prev.comment
	}
	return nil
}

// sends tells whether a rule answers with a redirect to an address, with which status, and whether that is written.
// A RewriteRule with an absolute URL redirects without R, unless the URL names the server itself.
// Source: httpd mod_rewrite.c, apply_rewrite_rule and fully_qualify_uri.
func sends(r *ir.Rule) (status int, written, ok bool) {
	switch {
	case r.Target == nil:
	case r.Action == ir.ActionRedirect:
		return r.Status, r.StatusWritten, r.Status >= 300 && r.Status <= 399
	case r.Keyword == ir.RewriteRule && r.Action == ir.ActionRewrite && isAbsolute(r.Target.Prefix()):
		return 302, false, true
	}
	return 0, false, false
}

// isAbsolute tells whether a target begins with a scheme that mod_rewrite redirects to.
// Source: httpd mod_rewrite.c, is_absolute_uri.
func isAbsolute(s string) bool {
	scheme, _, ok := strings.Cut(s, "://")
	if !ok {
		return false
	}
	switch strings.ToLower(scheme) {
	case "http", "https", "ftp", "gopher", "ldap", "nntp":
		return true
	}
	return false
}

// permanent tells whether a status is kept for good.
func permanent(status int) bool { return status == 301 || status == 308 }

// keepsMethod tells whether a status has the request sent again as it was.
func keepsMethod(status int) bool { return status == 307 || status == 308 }

// paths are the segments of the path a redirect takes, as far as it is spelt out, and of the one it leads to.
func (r *redirect) paths() (from, to []string) {
	r.pathsOnce.Do(r.findPaths)
	return r.from, r.to
}

func (r *redirect) findPaths() {
	var source strings.Builder
	for _, s := range r.scopes {
		if s.Kind == ir.ScopeLocation || s.Kind == ir.ScopeLocationMatch {
			if s.Pattern != nil {
				source.WriteString(spelt(s.Pattern.Text) + "/")
			} else if s.Modifier != ir.NamedLocation {
				source.WriteString(s.Path + "/")
			}
		}
	}
	switch {
	case r.rule.Pattern != nil && !r.rule.Negated:
		source.WriteString(spelt(r.rule.Pattern.Text))
	case r.rule.Match == ir.MatchSegment:
		source.WriteString(r.rule.Path)
	}
	for _, c := range r.conditions() {
		if c.Pattern != nil && !c.Negated && isPathVariable(c.Test) {
			source.WriteString("/" + spelt(c.Pattern.Text))
		}
	}
	r.from = intent.Segments(source.String())
	var target strings.Builder
	for i := range r.rule.Target.Parts {
		if p := &r.rule.Target.Parts[i]; p.Kind == ir.Literal {
			target.WriteString(p.Text)
		} else {
			target.WriteString("*")
		}
	}
	r.to = intent.Segments(target.String())
}

// isPathVariable tells whether a test string is the path of the request.
func isPathVariable(t *ir.Template) bool {
	if t == nil || len(t.Parts) != 1 || t.Parts[0].Kind != ir.Variable {
		return false
	}
	switch t.Parts[0].Name {
	case "REQUEST_URI", "THE_REQUEST", "uri", "request_uri", "document_uri":
		return true
	}
	return false
}

// spelt is a pattern with all that is no letter, digit, dot, hyphen or slash taken out: the names it spells.
func spelt(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && i+1 < len(text):
			i++
			if n := text[i]; !isAlnum(n) {
				b.WriteByte(n)
			} else {
				b.WriteByte('*')
			}
		case isAlnum(c) || c == '/' || c == '-' || c == '_':
			b.WriteByte(c)
		case c == '(' || c == ')' || c == '^' || c == '$' || c == '?':
		case c == '|':
			b.WriteByte('/')
		default:
			b.WriteByte('*')
		}
	}
	return b.String()
}

func isAlnum(c byte) bool { return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' }

// conditions are all conditions a redirect stands under: its own and those of nginx's if blocks around it.
func (r *redirect) conditions() []*ir.Condition {
	var out []*ir.Condition
	for _, s := range r.scopes {
		if s.If != nil {
			out = append(out, s.If)
		}
	}
	return append(out, r.rule.Conditions...)
}

// takesAll tells whether a redirect takes every path of its host or folder.
func (r *redirect) takesAll() bool {
	for _, s := range r.scopes {
		switch s.Kind {
		case ir.ScopeLocation:
			if s.Pattern != nil || s.Modifier == ir.ExactLocation || s.Modifier == ir.NamedLocation || s.Path != "/" {
				return false
			}
		case ir.ScopeLocationMatch, ir.ScopeFiles, ir.ScopeFilesMatch:
			return false
		}
	}
	switch r.rule.Match {
	case ir.MatchAll:
		return true
	case ir.MatchSegment:
		return r.rule.Path == "/"
	}
	return !r.rule.Negated && r.rule.Pattern != nil && matchesAll(r.rule.Pattern.Text)
}

// matchesAll tells whether a pattern is one of the usual ways to say: everything.
func matchesAll(text string) bool {
	switch strings.TrimSuffix(text, "$") {
	case "", "^", ".*", "(.*)", "^.*", "^(.*)", "^/(.*)", "^/.*", "^/?(.*)", "/(.*)", ".?", "^/", "^/?", ".", "(.+)", "^(.+)", ".+", "^.+", "/.*", "(/.*)", "^(/.*)":
		return true
	}
	return false
}

// stated tells whether the author stated that a redirect is as it is, in a comment `# lint:intent`.
func (r *redirect) stated(u *lint.Unit, kinds ...lint.IntentKind) bool {
	for _, k := range kinds {
		if u.Intent(r.at.File, r.at.Name.Span.Start, k) != nil {
			return true
		}
	}
	return false
}

// targetText is the target as written.
func (r *redirect) targetText() string { return r.at.File.Slice(r.rule.TargetSpan) }

// source names what a redirect takes, for messages: the path, or the pattern.
func (r *redirect) source() string {
	switch {
	case r.rule.Pattern != nil:
		return r.rule.Pattern.Text
	case r.rule.Path != "":
		return r.rule.Path
	}
	for i := len(r.scopes) - 1; i >= 0; i-- {
		if s := r.scopes[i]; s.Kind == ir.ScopeLocation && s.Path != "" {
			return s.Path
		}
	}
	return "/"
}
