package rules

import (
	"fmt"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/source"
)

var unescapedDot = lint.Rule{
	Code: "RD509", ID: "unescaped-dot", Severity: diag.Info, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.2",
	Doc: lint.Doc{
		Title: "a dot that is any byte",
		Text: "`^www.example.com$` also matches `wwwxexample.com`, and `.php$` matches `/aphp`. A dot that stands for itself is written `\\.`. Where " +
			"the pattern guards something, another host can pass.",
		Silence: "It does not matter what else matches.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteCond %{HTTP_HOST} ^www.example.com$\nRewriteRule ^old$ /new [R=301,L]\n",
				After: "RewriteEngine On\nRewriteCond %{HTTP_HOST} ^www\\.example\\.com$\nRewriteRule ^old$ /new [R=301,L]\n"},
			{Server: ir.Nginx, Before: "location ~ .php$ {\n    return 404;\n}\n", After: "location ~ \\.php$ {\n    return 404;\n}\n"},
		},
		Source: "pcre2pattern(3), full stop",
	},
	Program: checkUnescapedDots,
}

// extensions are endings of file names that a dot before them is meant for.
var extensions = func() map[string]bool {
	m := map[string]bool{}
	for _, e := range strings.Fields("php php3 php4 php5 phtml html htm xhtml shtml asp aspx jsp jsf do cgi pl py rb css js mjs map json jsonld xml xsl xslt rss atom " +
		"txt md csv tsv pdf doc docx xls xlsx ppt pptx odt zip gz tgz tar rar bz2 exe dmg iso png jpg jpeg gif svg webp avif ico bmp tif tiff " +
		"mp3 mp4 m4v webm ogg ogv avi mov flv swf woff woff2 ttf eot otf owl rdf ttl n3 nt nq trig shex omn obo yaml yml ini conf sql bak log sh inc htaccess htpasswd") {
		m[e] = true
	}
	return m
}

func checkUnescapedDots(p *lint.Pass, g *ir.Program) {
	isExtension := extensions()
	eachUse(p, g, func(u *patternUse) {
		if strings.IndexByte(u.Text, '.') < 0 {
			return
		}
		host := u.aboutHost()
		if !host && !u.onPath {
			return
		}
		var dots []source.Span
		visit := func(parts []pattern.Node) {
			for i, n := range parts {
				if a, ok := n.(*pattern.Any); ok && u.Text[a.Span().Start:a.Span().End] == "." && (meantAsDot(parts, i, host, isExtension) || inVersion(parts, i)) {
					dots = append(dots, a.Span())
				}
			}
		}
		eachSequence(u.Re.Tree().Root, visit)
		if len(dots) == 0 {
			return
		}
		other, ok := otherThanDot(u, dots)
		if !ok {
			return
		}
		at, _ := u.spanOf(dots[0])
		d := diag.Diagnostic{Span: at, Message: fmt.Sprintf("an unescaped dot is any byte: %s matches %s too", quote(clip(u.Text, 60)), quote(visibleText(u.shown(other))))}
		if u.guards() {
			d.Severity = diag.Warning
		}
		if base, ok := u.plain(); ok {
			fix := diag.Fix{Title: "escape the dot", Safety: diag.Risky}
			for _, dot := range dots {
				fix.Edits = append(fix.Edits, source.Edit{Span: source.Span{Start: base + dot.Start, End: base + dot.End}, Text: `\.`})
			}
			d.Fixes = []diag.Fix{fix}
		}
		p.Add(d)
	})
}

// aboutHost tells whether a pattern is compared with a host name, or a URL that has one.
func (u *patternUse) aboutHost() bool {
	switch name := variable(u.tested); name {
	case "HTTP_HOST", "SERVER_NAME", "host", "http_host", "HTTP_REFERER", "http_referer", "http_origin", "HTTP:Origin", "HTTP:Host", "HTTP:X-Forwarded-Host", "http_x_forwarded_host":
		return true
	}
	return false
}

// guards tells whether a condition decides about an answer that refuses: an exact host or referer lets others in with an
// unescaped dot only.
func (u *patternUse) guards() bool {
	if !u.aboutHost() || !u.negated || u.rule == nil || u.rule.Action != ir.ActionRespond || u.rule.Status != 403 {
		return false
	}
	parts := partsOf(u.Re.Tree().Root)
	if len(parts) == 0 || !u.Re.Tree().Anchored() {
		return false
	}
	a, ok := parts[len(parts)-1].(*pattern.Anchor)
	return ok && (a.Kind == pattern.SubjectEnd || a.Kind == pattern.SubjectEndOrNewline)
}

// meantAsDot tells whether the byte at i of a sequence stands where a host name or a file name has its dot.
func meantAsDot(parts []pattern.Node, i int, host bool, isExtension map[string]bool) bool {
	after := ""
	if i+1 < len(parts) {
		if l, ok := parts[i+1].(*pattern.Literal); ok {
			after = l.Text
		}
	}
	word := leadingWord(after)
	whole := len(word) == len(after)
	if whole && i+2 < len(parts) {
		switch parts[i+2].(type) {
		case *pattern.Repeat, *pattern.Class:
			whole = false // the word goes on
		}
	}
	if host {
		before := ""
		if i > 0 {
			if l, ok := parts[i-1].(*pattern.Literal); ok {
				before = l.Text
			}
		}
		return word != "" && before != "" && isWordByte(before[len(before)-1]) && endsInDomain(parts, i)
	}
	if !isExtension[strings.ToLower(word)] || !whole && len(word) == len(after) {
		return false
	}
	// Something stands before it, or the pattern begins with it, and nothing but its end or a query of other parts follows.
	if rest := after[len(word):]; rest != "" && rest[0] != '/' {
		return false
	}
	if i == 0 {
		return endsAfter(parts, i+2) && len(after) == len(word)
	}
	switch before := parts[i-1].(type) {
	case *pattern.Literal:
		return isWordByte(before.Text[len(before.Text)-1]) && (endsAfter(parts, i+2) || len(after) > len(word))
	case *pattern.Group, *pattern.Class, *pattern.Repeat:
		return endsAfter(parts, i+2) && len(after) == len(word)
	}
	return false
}

// inVersion tells whether the byte at i of a sequence stands between two numbers, as a dot does that is written \. between other
// numbers of the same sequence: \d+.\d+\.\d+.
func inVersion(parts []pattern.Node, i int) bool {
	if i == 0 || i+1 >= len(parts) || !isNumber(parts[i-1]) || !isNumber(parts[i+1]) {
		return false
	}
	for k := 1; k+1 < len(parts); k++ {
		if l, ok := parts[k].(*pattern.Literal); ok && l.Text == "." && isNumber(parts[k-1]) && isNumber(parts[k+1]) {
			return true
		}
	}
	return false
}

// isNumber tells whether a node is digits and nothing else: [0-9]+, \d{1,3}, (\d+).
func isNumber(n pattern.Node) bool {
	switch n := n.(type) {
	case *pattern.Group:
		return !n.Kind.IsLookaround() && isNumber(n.Body)
	case *pattern.Repeat:
		return isNumber(n.Body)
	case *pattern.Class:
		var digits pattern.ByteSet
		digits.AddRange('0', '9')
		return !n.Set.Empty() && n.Set.And(digits.Not()).Empty()
	}
	return false
}

// endsAfter tells whether a sequence ends at i, or with "$" there.
func endsAfter(parts []pattern.Node, i int) bool {
	if i >= len(parts) {
		return true
	}
	a, ok := parts[i].(*pattern.Anchor)
	return ok && (a.Kind == pattern.SubjectEnd || a.Kind == pattern.SubjectEndOrNewline)
}

func isWordByte(c byte) bool {
	return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_' || c == '-'
}

func leadingWord(s string) string {
	i := 0
	for i < len(s) && isWordByte(s[i]) {
		i++
	}
	return s[:i]
}

// endsInDomain tells whether the plain text around i, dots of either sort in it, ends like a domain: with two labels or
// more, the last of them a top-level domain.
func endsInDomain(parts []pattern.Node, i int) bool {
	text := ""
	for k := i; k >= 0; k-- {
		piece, ok := dotted(parts[k])
		if !ok {
			break
		}
		text = piece + text
	}
	for k := i + 1; k < len(parts); k++ {
		piece, ok := dotted(parts[k])
		if !ok {
			break
		}
		text += piece
	}
	if _, rest, ok := strings.Cut(text, "://"); ok {
		text = rest
	}
	if k := strings.IndexAny(text, "/:"); k >= 0 {
		text = text[:k]
	}
	k := strings.LastIndexByte(text, '.')
	return k > 0 && topLevel(text[k+1:])
}

// dotted is the text of a literal, or a dot for "any byte" that stands alone.
func dotted(n pattern.Node) (string, bool) {
	switch n := n.(type) {
	case *pattern.Literal:
		return n.Text, true
	case *pattern.Any:
		return ".", true
	}
	return "", false
}

// topLevel tells whether a label is a top-level domain: two letters, or one of those in common use.
// Source: IANA root zone; RFC 6761 for the reserved ones.
func topLevel(label string) bool {
	if len(label) == 2 && isLetters(label) {
		return true
	}
	switch strings.ToLower(label) {
	case "com", "org", "net", "edu", "gov", "mil", "int", "info", "biz", "name", "pro", "mobi", "asia", "cat", "jobs", "tel", "travel", "xxx", "arpa",
		"app", "dev", "shop", "blog", "online", "site", "store", "tech", "cloud", "page", "agency", "xyz", "club", "live", "news", "world", "eus", "gal",
		"example", "test", "local", "localhost", "invalid", "internal", "onion", "berlin", "hamburg", "wien", "london", "paris", "bzh", "museum", "coop", "aero":
		return true
	}
	return false
}

// otherThanDot gives a text that the pattern matches and the one with escaped dots does not.
func otherThanDot(u *patternUse, dots []source.Span) (string, bool) {
	fixed, from := "", int32(0)
	for _, d := range dots {
		fixed += u.Text[from:d.Start] + `\.`
		from = d.End
	}
	fixed += u.Text[from:]
	re, err := pattern.Compile(fixed, u.Options)
	if err != nil {
		return "", false
	}
	if _, _, ok := u.Re.Tree().Exact(); !ok && simpleDots(u) {
		// The plainest case needs no reasoning: put a letter for each dot.
		word := strings.NewReplacer("^", "", "$", "", `\`, "").Replace(replaceAt(u.Text, dots, "x"))
		a, err := u.Re.MatchBool(u.sampleFor(word))
		b, err2 := re.MatchBool(u.sampleFor(word))
		if a && !b && err == nil && err2 == nil {
			return u.sampleFor(word), true
		}
	}
	return u.differs(serverOf(u), re)
}

// simpleDots tells whether a pattern is plain text but for anchors and dots.
func simpleDots(u *patternUse) bool { return !strings.ContainsAny(u.Text, "*+?[](){}|") }

func replaceAt(text string, spans []source.Span, with string) string {
	out, from := "", int32(0)
	for _, s := range spans {
		out += text[from:s.Start] + with
		from = s.End
	}
	return out + text[from:]
}

// sampleFor is a text as the pattern would be given it.
func (u *patternUse) sampleFor(word string) string {
	if u.onPath {
		return u.sample(word)
	}
	return word
}

// serverOf is the server whose options a pattern was compiled with.
func serverOf(u *patternUse) ir.Server {
	if u.Options.DollarEndOnly {
		return ir.Apache
	}
	return ir.Nginx
}
