package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/pattern"
)

var alternationEscapesAnchor = lint.Rule{
	Code: "RD511", ID: "alternation-escapes-anchor", Severity: diag.Warning, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "an anchor that holds for one alternative only",
		Text: "`|` binds less than everything else: in `^spec|ark$` the `^` belongs to `spec` and the `$` to `ark`, so `special` and `aardvark` match " +
			"too. A group makes the anchors hold for both: `^(?:spec|ark)$`.",
		Silence: "The alternatives are meant to differ in where they stand.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^spec|ark$ /s [R=302,L]\n", After: "RewriteEngine On\nRewriteRule ^(?:spec|ark)$ /s [R=302,L]\n"},
			{Server: ir.Nginx, Before: "location ~ ^/spec|/ark$ {\n    return 404;\n}\n", After: "location ~ ^(?:/spec|/ark)$ {\n    return 404;\n}\n"},
		},
		Source: "pcre2pattern(3), vertical bar",
	},
	Program: checkEscapingAlternation,
}

func checkEscapingAlternation(p *lint.Pass, g *ir.Program) {
	var w witnesses
	eachUse(p, g, func(u *patternUse) {
		if strings.IndexByte(u.Text, '|') < 0 {
			return
		}
		branches := u.Re.Tree().Branches()
		if len(branches) < 2 || !u.pathOrName() {
			return
		}
		starts, ends := 0, 0
		for i, b := range branches {
			if len(partsOf(b)) == 0 || leadsWithAny(b) {
				return // an empty alternative, or one that is meant to stand anywhere
			}
			if startsHere(b) {
				starts |= 1 << min(i, 30)
			}
			if endsHere(b) {
				ends |= 1 << min(i, 30)
			}
		}
		if len(branches) > 30 {
			return
		}
		last := 1 << (len(branches) - 1)
		switch {
		case starts > 1, ends != 0 && ends != last, starts == 0 && ends == 0:
			return
		case !alike(branches):
			return // a folder and an extension, ^app/|\.ini$, are anchored each as it needs
		}
		// The same without the anchors that are there, and all of them around the whole.
		body := u.Text
		prefix, suffix := "", ""
		if starts == 1 {
			body, prefix = strings.TrimPrefix(body, "^"), "^"
		}
		if ends == last {
			body, suffix = strings.TrimSuffix(body, "$"), "$"
		}
		fixed := prefix + "(?:" + body + ")" + suffix
		meant, err := pattern.Compile(fixed, u.Options)
		if err != nil || prefix != "" && body == u.Text || meant.Groups() != u.Re.Groups() {
			return
		}
		word, ok := "", false
		if prefix != "" {
			if half, err := pattern.Compile(prefix+"(?:"+body+")", u.Options); err == nil {
				word, ok = u.differs(g.Server, half)
			}
		}
		if !ok {
			word, ok = u.differs(g.Server, meant)
		}
		if !ok {
			return
		}
		what := "`^` holds for the first alternative only"
		switch {
		case prefix == "":
			what = "`$` holds for the last alternative only"
		case suffix != "":
			what = "`^` holds for the first alternative only and `$` for the last"
		}
		d := diag.Diagnostic{Span: u.whole(), Message: fmt.Sprintf("%s: %s matches %s too", what, quote(clip(u.Text, 60)), quote(visibleText(u.shown(word))))}
		if _, ok := u.plain(); ok {
			d.Fixes = []diag.Fix{write(diag.Risky, u.whole(), fixed)}
		}
		if u.onPath && u.tested == nil {
			w.taken(p, &d, u.rule, u.scope, escapedPath(u.urlOf(word)))
		}
		if d.Witness == nil {
			w.compared(p, &d, u, word, true)
		}
		p.Add(d)
	})
}

// pathOrName tells whether a pattern is compared with a path, a host or a query: of headers with prose in them an
// alternative is often meant to stand anywhere.
func (u *patternUse) pathOrName() bool {
	if u.onPath {
		return true
	}
	switch variable(u.tested) {
	case "HTTP_HOST", "SERVER_NAME", "host", "http_host", "QUERY_STRING", "args", "query_string", "request_uri", "REQUEST_METHOD", "request_method", "REQUEST_FILENAME":
		return true
	}
	return false
}

// differs gives a text that may be compared and that the pattern matches, but not the one that was meant.
func (u *patternUse) differs(server ir.Server, meant *pattern.Regexp) (string, bool) {
	r := newReasoner(server)
	v := r.values
	v.Usual = true
	s := v.Space
	wide, ok := s.Subjects(u.Re.Tree())
	narrow, ok2 := s.Subjects(meant.Tree())
	if !ok || !ok2 {
		return "", false
	}
	word, some, known := s.Overlap(s.And(wide, u.input(v)), s.Not(narrow))
	if !some || !known {
		return "", false
	}
	a, err := u.Re.MatchBool(word)
	b, err2 := meant.MatchBool(word)
	return word, a && !b && err == nil && err2 == nil
}

// shown is a subject as a person sees it: the path of a request for rules, else the text itself.
func (u *patternUse) shown(word string) string {
	if u.onPath && u.tested == nil {
		return u.urlOf(word)
	}
	return word
}

// startsHere tells whether a branch begins with "^".
func startsHere(n pattern.Node) bool {
	parts := partsOf(n)
	for len(parts) > 0 {
		switch first := parts[0].(type) {
		case *pattern.InlineFlags:
			parts = parts[1:]
			continue
		case *pattern.Anchor:
			return first.Kind == pattern.SubjectStart || first.Kind == pattern.LineStart
		case *pattern.Group:
			if first.Kind.IsLookaround() {
				return false
			}
			if a, ok := first.Body.(*pattern.Alternation); ok {
				for _, b := range a.Branches {
					if !startsHere(b) {
						return false
					}
				}
				return true
			}
			return startsHere(first.Body)
		}
		return false
	}
	return false
}

// endsHere tells whether a branch ends with "$".
func endsHere(n pattern.Node) bool {
	parts := partsOf(n)
	if len(parts) == 0 {
		return false
	}
	switch last := parts[len(parts)-1].(type) {
	case *pattern.Anchor:
		return last.Kind == pattern.SubjectEnd || last.Kind == pattern.SubjectEndOrNewline
	case *pattern.Group:
		if last.Kind.IsLookaround() {
			return false
		}
		if a, ok := last.Body.(*pattern.Alternation); ok {
			for _, b := range a.Branches {
				if !endsHere(b) {
					return false
				}
			}
			return true
		}
		return endsHere(last.Body)
	}
	return false
}

// leadsWithAny tells whether a branch begins with ".*".
func leadsWithAny(n pattern.Node) bool {
	parts := partsOf(n)
	for len(parts) > 0 {
		switch first := parts[0].(type) {
		case *pattern.Repeat:
			_, any := first.Body.(*pattern.Any)
			return any && first.Max < 0
		case *pattern.Group:
			if first.Kind.IsLookaround() {
				return false
			}
			parts = partsOf(first.Body)
			continue
		}
		return false
	}
	return false
}

// alike tells whether all branches are of one kind: they begin with a letter or digit, or all with the same sign, and
// either all or none of them end with a slash.
func alike(branches []pattern.Node) bool {
	kind, slash := byte(0), -1
	for _, b := range branches {
		first, last := edges(b)
		if first == 0 || kind != 0 && first != kind {
			return false
		}
		kind = first
		ends := 0
		if last == '/' {
			ends = 1
		}
		if slash >= 0 && ends != slash {
			return false
		}
		slash = ends
	}
	return true
}

// edges are the first and the last plain byte of a branch, 'a' for every letter and digit; 0 when it begins otherwise.
func edges(n pattern.Node) (first, last byte) {
	plain := func(c byte) byte {
		if c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' {
			return 'a'
		}
		return c
	}
	open := true
	pattern.Walk(n, func(n pattern.Node) bool {
		switch n := n.(type) {
		case *pattern.Literal:
			if n.Text != "" {
				if open {
					first = plain(n.Text[0])
				}
				open, last = false, plain(n.Text[len(n.Text)-1])
			}
		case *pattern.Group:
			return !n.Kind.IsLookaround()
		case *pattern.Any, *pattern.Class, *pattern.Repeat:
			open, last = false, 0
			return false
		}
		return true
	})
	return first, last
}
