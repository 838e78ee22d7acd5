package nginx

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"rewright/emit/check"
	"rewright/parser/ir"
	"rewright/parser/pattern"
)

// subject is what an Apache pattern sees of the URL path: the text behind prefix. Prefix is the path of the directory with a
// slash at both ends in .htaccess, empty in server context, where patterns see the whole path.
type subject struct {
	prefix string
	dotAll bool // "." has to match line feeds, as it does in httpd
}

// located makes of an Apache pattern one that says the same of the whole $uri.
func (s subject) located(p *ir.Pattern) string {
	text := s.placed(p)
	if s.dotAll && check.HasDot(p) {
		return "(?s)" + text
	}
	return text
}

func (s subject) placed(p *ir.Pattern) string {
	t := p.Re.Tree()
	text := p.Text
	if s.prefix == "" {
		return text
	}
	if parts := branches(t.Root); len(parts) == 1 {
		if rest, ok := strings.CutPrefix(text, "^"); ok {
			rest = dropOptionalSlash(rest)
			return "^" + quoteLiteral(s.prefix) + rest
		}
	} else if starts, all := strippedBranches(text, parts); all {
		return "^" + quoteLiteral(s.prefix) + "(?:" + strings.Join(starts, "|") + ")"
	}
	if inner, any := innerStart(t, text, "(?<=^"+quoteLiteral(s.prefix)+")"); any {
		return "^" + quoteLiteral(s.prefix) + ".*?(?:" + inner + ")"
	}
	if s.prefix == "/" {
		if neverSlash(t.Root) {
			return text // the slash before it cannot be part of a match, nor can it make one
		}
		switch text {
		case ".*", "(.*)", ".+", "(.+)", ".":
			return "^/" + text
		}
	} else if text == ".*" || text == "(.*)" || text == ".+" || text == "(.+)" || text == "." {
		return "^" + quoteLiteral(s.prefix) + text
	}
	return "^" + quoteLiteral(s.prefix) + ".*?(?:" + text + ")"
}

// innerStart puts other text in the place of every anchor for the start of the subject.
func innerStart(t *pattern.Tree, text, with string) (out string, any bool) {
	var at []int
	pattern.Walk(t.Root, func(n pattern.Node) bool {
		if a, ok := n.(*pattern.Anchor); ok && a.Kind == pattern.SubjectStart {
			at = append(at, int(a.Span().Start))
		}
		return true
	})
	for i := len(at) - 1; i >= 0; i-- {
		if text[at[i]] == '^' {
			text = text[:at[i]] + with + text[at[i]+1:]
		}
	}
	return text, len(at) > 0
}

// whole puts what a located pattern matches behind the directory into a group of its own.
func (s subject) whole(located, name string) string {
	if rest, ok := strings.CutPrefix(located, "(?s)"); ok && s.dotAll {
		return "(?s)" + s.whole(rest, name)
	}
	head := "^" + quoteLiteral(s.prefix)
	if s.prefix == "" {
		return "(?<" + name + ">" + located + ")"
	}
	if rest, ok := strings.CutPrefix(located, head); ok {
		if inner, ok := strings.CutPrefix(rest, ".*?(?:"); ok {
			return head + ".*?(?<" + name + ">" + inner
		}
		return head + "(?<" + name + ">" + rest + ")"
	}
	return "(?<" + name + ">" + located + ")"
}

// dropOptionalSlash takes off the /? of ^/?: no path below a directory begins with a slash.
func dropOptionalSlash(rest string) string {
	if r, ok := strings.CutPrefix(rest, "/?"); ok && !strings.HasPrefix(r, "?") && !strings.HasPrefix(r, "+") {
		return r
	}
	return rest
}

func branches(n pattern.Node) []pattern.Node {
	if a, ok := n.(*pattern.Alternation); ok {
		return a.Branches
	}
	return []pattern.Node{n}
}

// strippedBranches are the texts of branches without the ^ that all of them begin with.
func strippedBranches(text string, list []pattern.Node) (out []string, all bool) {
	for _, b := range list {
		span := b.Span()
		rest, ok := strings.CutPrefix(text[span.Start:span.End], "^")
		if !ok {
			return nil, false
		}
		out = append(out, dropOptionalSlash(rest))
	}
	return out, true
}

// neverSlash tells whether every match begins with a literal byte other than a slash.
func neverSlash(n pattern.Node) bool {
	switch n := n.(type) {
	case *pattern.Literal:
		return n.Text != "" && n.Text[0] != '/'
	case *pattern.Class:
		return !n.Set.Has('/') && !n.Set.Empty()
	case *pattern.Group:
		return (n.Kind == pattern.Capturing || n.Kind == pattern.NonCapturing) && neverSlash(n.Body)
	case *pattern.Repeat:
		return n.Min > 0 && neverSlash(n.Body)
	case *pattern.Concat:
		return len(n.Parts) > 0 && neverSlash(n.Parts[0])
	case *pattern.Alternation:
		for _, b := range n.Branches {
			if !neverSlash(b) {
				return false
			}
		}
		return true
	}
	return false
}

// exactPath is the one path a pattern matches, when it is of that shape and looks at case.
func (s subject) exactPath(p *ir.Pattern) (string, bool) {
	text, caseless, ok := p.Re.Tree().Exact()
	if !ok || caseless {
		return "", false
	}
	if s.prefix != "" {
		text = strings.TrimPrefix(text, "/")
	}
	return s.prefix + text, true
}

// tree is what the beginning of a pattern is read from: a slash that may stand first is there when the subject begins with
// one, and is not when it does not.
func (s subject) tree(p *ir.Pattern) *pattern.Tree {
	t := p.Re.Tree()
	if !strings.HasPrefix(p.Text, "^/?") || len(branches(t.Root)) != 1 {
		return t
	}
	rest := dropOptionalSlash(p.Text[1:])
	if rest == p.Text[1:] {
		return t
	}
	if s.prefix == "" {
		rest = "/" + rest
	}
	own, err := pattern.Parse("^"+rest, p.Options)
	if err != nil {
		return t
	}
	return own
}

// wordPaths are the paths a pattern matches, when there are a few that look at case; nil: they are not known.
func (s subject) wordPaths(p *ir.Pattern) []string {
	if path, ok := s.exactPath(p); ok {
		return []string{path}
	}
	words, caseless, ok := p.Re.Tree().Words(mostWords)
	if !ok || caseless {
		return nil
	}
	for i, w := range words {
		if s.prefix != "" {
			w = strings.TrimPrefix(w, "/")
		}
		words[i] = s.prefix + w
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// everything tells whether a pattern matches whatever it sees.
func everything(p *ir.Pattern) bool {
	switch p.Text {
	case "^", "^(.*)$", "(.*)", ".*", "^.*$", "^.*", "^(.*)", "(.*)$", ".*$", "$", "":
		return true
	}
	return p.Re.Tree().MatchesEverything()
}

// named gives the capturing groups of a pattern's text names: prefix and the number. text holds the pattern at offset.
func named(text string, p *ir.Pattern, used map[int]bool, name func(int) string) string {
	at := strings.Index(text, p.Text)
	if at < 0 || p.Text == "" { // a leading ^ was moved: find the rest
		return nameGroups(text, used, name)
	}
	return text[:at] + nameGroups(p.Text, used, name) + text[at+len(p.Text):]
}

// nameGroups puts names into the numbered groups of a pattern text.
func nameGroups(text string, used map[int]bool, name func(int) string) string {
	t, err := pattern.Parse(text, pattern.Nginx)
	if err != nil {
		return text
	}
	type insert struct {
		at   int
		text string
	}
	var list []insert
	pattern.Walk(t.Root, func(n pattern.Node) bool {
		if g, ok := n.(*pattern.Group); ok && g.Kind == pattern.Capturing && g.Name == "" && used[g.Number] {
			list = append(list, insert{int(g.Span().Start) + 1, "?<" + name(g.Number) + ">"})
		}
		return true
	})
	sort.Slice(list, func(i, j int) bool { return list[i].at > list[j].at })
	for _, i := range list {
		text = text[:i.at] + i.text + text[i.at:]
	}
	return text
}

// hasNames tells whether the pattern has groups with names of its own, which nginx would make variables of.
func hasNames(p *ir.Pattern) bool {
	for _, n := range p.Re.Names() {
		if n != "" {
			return true
		}
	}
	return false
}

// keptInPath are the bytes that Apache leaves as they are in the path of a Location.
// Source: httpd server/util.c, ap_os_escape_path.
func keptInPath(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("$-_.+!*'(),:;@&=/~", c) >= 0
}

// escapePath escapes text as Apache does in the path of a Location.
func escapePath(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if c := text[i]; keptInPath(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02x", c)
		}
	}
	return b.String()
}

// spelledLiteral is a regular expression for text as clients spell it in a path: the digits of escapes in either case.
func spelledLiteral(text string) string {
	var b strings.Builder
	for i := range len(text) {
		one := escapePath(text[i : i+1])
		switch {
		case len(one) == 1:
			b.WriteString(quoteLiteral(one))
		case one == strings.ToUpper(one):
			b.WriteString(one)
		default:
			b.WriteString("%(?i:" + one[1:] + ")")
		}
	}
	return b.String()
}

// spelled makes of an Apache pattern one for $spelled_uri, which holds the path as the client spelled it and the query behind a
// question mark. It covers paths that are spelled without needless escapes, "//" or dot segments; ok is false when
// the pattern cannot be carried over.
func (s subject) spelled(p *ir.Pattern, used map[int]bool, name func(int) string) (text string, ok bool) {
	t := p.Re.Tree()
	w := speller{used: used, name: name}
	body, ok := w.node(t.Root, true)
	if !ok {
		return "", false
	}
	start := "^" + spelledLiteral(s.prefix)
	if !t.Anchored() {
		start += "[^?]*?"
	}
	if w.anchorsInside {
		return "", false
	}
	return start + body, true
}

// spelledURI is $request_uri, but empty for paths that nginx and httpd clean up ("//", "/./", "/../").
const spelledURI = "spelled_uri"

const spelledMap = `# The request as the client spelled it; empty when the path is cleaned up or escaped anew ("//", "/../", "%41").
map $request_uri $spelled_uri {
    default $request_uri;
    "~^[^?]*(?:/(?:/|\.\.?(?:[/?]|$))|%(?:2[146-9A-Fa-f]|3[0-9ABDabd]|4[0-9A-Fa-f]|5[0-9AFaf]|6[1-9A-Fa-f]|7[0-9AEae])|[][\x22<>\\\\^\x60{|}\x7f-\xff])" "";
}`

type speller struct {
	used          map[int]bool
	name          func(int) string
	anchorsInside bool
}

// node writes one node. top is set along the top level, where anchors may stand.
func (w *speller) node(n pattern.Node, top bool) (string, bool) {
	switch n := n.(type) {
	case *pattern.Literal:
		text := ""
		for i := 0; i < len(n.Text); i++ {
			c := n.Text[i]
			if c == '?' || c == '%' {
				return "", false
			}
			text += spelledLiteral(n.Text[i : i+1])
		}
		if n.Caseless {
			text = "(?i:" + text + ")"
		}
		return text, true
	case *pattern.Any:
		return `(?:%[0-9A-Fa-f]{2}|[^?])`, true
	case *pattern.Class:
		if n.Set.Has('%') { // an open class: all but some plain bytes
			left := n.Set.Not()
			text := ""
			for c := 0; c < 256; c++ {
				if !left.Has(byte(c)) || c == '?' {
					continue
				}
				if !keptInPath(byte(c)) {
					if c <= ' ' || c == 0x7f {
						return "", false
					}
					return "", false
				}
				text += classByte(byte(c))
			}
			if strings.ContainsAny(text, "0123456789abcdefABCDEF") {
				return "", false
			}
			return "(?:%[0-9A-Fa-f]{2}|[^?" + text + "])", true
		}
		text, open := "", false
		n.Set.Ranges(func(lo, hi byte) {
			for c := int(lo); c <= int(hi); c++ {
				open = open || !keptInPath(byte(c))
			}
			if lo == hi {
				text += classByte(lo)
			} else {
				text += classByte(lo) + "-" + classByte(hi)
			}
		})
		if open || text == "" {
			return "", false
		}
		return "[" + text + "]", true
	case *pattern.Anchor:
		if !top {
			return "", false
		}
		switch n.Kind {
		case pattern.SubjectStart:
			return "", true
		case pattern.SubjectEnd, pattern.SubjectEndOrNewline:
			return `(?:\?|$)`, true
		}
		return "", false
	case *pattern.Group:
		if n.Kind != pattern.Capturing && n.Kind != pattern.NonCapturing || n.Name != "" {
			return "", false
		}
		body, ok := w.node(n.Body, false)
		if !ok {
			return "", false
		}
		if n.Kind == pattern.Capturing && w.used[n.Number] {
			return "(?<" + w.name(n.Number) + ">" + body + ")", true
		}
		return "(?:" + body + ")", true
	case *pattern.Concat:
		text := ""
		for i, p := range n.Parts {
			if a, isAnchor := p.(*pattern.Anchor); isAnchor && top {
				if a.Kind == pattern.SubjectStart && i > 0 || a.Kind != pattern.SubjectStart && i+1 < len(n.Parts) {
					return "", false
				}
			}
			one, ok := w.node(p, top && len(n.Parts) > 0)
			if !ok {
				return "", false
			}
			text += one
		}
		return text, true
	case *pattern.Alternation:
		var list []string
		for _, b := range n.Branches {
			one, ok := w.node(b, false)
			if !ok {
				return "", false
			}
			list = append(list, one)
		}
		return "(?:" + strings.Join(list, "|") + ")", true
	case *pattern.Repeat:
		body, ok := w.node(n.Body, false)
		if !ok {
			return "", false
		}
		if rest, open := strings.CutPrefix(body, "(?:%[0-9A-Fa-f]{2}|["); open && n.Max < 0 && n.Min <= 1 {
			body = "[" + strings.TrimSuffix(rest, ")")
		} else if len(body) > 1 && body[0] != '[' && !strings.HasPrefix(body, "(") {
			body = "(?:" + body + ")"
		}
		quantifier := ""
		switch {
		case n.Min == 0 && n.Max < 0:
			quantifier = "*"
		case n.Min == 1 && n.Max < 0:
			quantifier = "+"
		case n.Min == 0 && n.Max == 1:
			quantifier = "?"
		case n.Max < 0:
			quantifier = fmt.Sprintf("{%d,}", n.Min)
		case n.Min == n.Max:
			quantifier = fmt.Sprintf("{%d}", n.Min)
		default:
			quantifier = fmt.Sprintf("{%d,%d}", n.Min, n.Max)
		}
		switch n.Mode {
		case pattern.Lazy:
			quantifier += "?"
		case pattern.Possessive:
			quantifier += "+"
		}
		return body + quantifier, true
	case *pattern.InlineFlags:
		return "", n.Set.On&(pattern.Extended|pattern.ExtendedMore) == 0 // what they say is in the nodes behind them
	}
	return "", false
}

func classByte(c byte) string {
	if strings.IndexByte(`\]^-[`, c) >= 0 {
		return `\` + string(c)
	}
	return string(c)
}
