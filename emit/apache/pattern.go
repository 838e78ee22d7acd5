package apache

import (
	"regexp"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
)

// subject is how a regular expression over nginx's $uri is put to httpd: over the path below the folder, which has no
// slash in front, or as a condition on the whole path.
type subject struct {
	pattern string   // of the RewriteRule
	conds   []string // RewriteCond arguments; the last one has the captures when byCond
	byCond  bool     // captures are %N, not $N
	slash   bool     // group 1 lacks its leading slash
	none    bool     // it cannot be said
}

// anything matches every path.
var anything = subject{pattern: "^"}

// subjectOf puts a pattern over. captures tells whether its groups are used.
func (w *writer) subjectOf(p *ir.Pattern, captures, stale bool) subject {
	text := p.Text
	if !fits(text) || p.Err != nil {
		return subject{none: true}
	}
	text = strings.ReplaceAll(text, "\t", `\t`)
	fold := p.Options.IgnoreCase
	if s, ok := belowFolder(text, captures); ok {
		if fold && s.pattern != "^" {
			s.pattern = "(?i)" + s.pattern
		}
		return s
	}
	test := "%{REQUEST_URI}"
	pat := "^"
	if stale {
		test, pat = "/$0", ".*"
	}
	var flags []string
	if fold {
		flags = append(flags, "NC")
	}
	return subject{pattern: pat, conds: []string{condition(test, guardBang(text), flags...)}, byCond: true}
}

// guardBang keeps a pattern from being taken for something else by RewriteCond: a negation, a comparison, a file test.
func guardBang(text string) string {
	if text == "" {
		return "^"
	}
	if strings.IndexByte("!=<>-", text[0]) >= 0 {
		return "(?:)" + text
	}
	return text
}

// belowFolder writes a pattern for the path without its leading slash, branch by branch.
func belowFolder(text string, captures bool) (s subject, ok bool) {
	switch text {
	case "", "^", ".*", "^.*", "^.*$", "^(?:.*)$", "^/", "/", ".", "^.", "^/.*", "^/.*$":
		return anything, true
	case "^(.*)$", "^(.+)$", "(.*)", "^(.*)", "(.*)$":
		return subject{pattern: "^(.*)$", slash: captures}, true
	}
	var out []string
	for _, branch := range branches(text) {
		rest, anchored := strings.CutPrefix(branch, "^")
		switch {
		case anchored && strings.HasPrefix(rest, "/") && !quantified(rest[1:]):
			out = append(out, "^"+rest[1:])
		case anchored && strings.HasPrefix(rest, "/?"):
			out = append(out, "^"+strings.TrimPrefix(rest[2:], "+"))
		case anchored && (strings.HasPrefix(rest, "/*") || strings.HasPrefix(rest, "/+")):
			out = append(out, "^"+rest[2:])
		case anchored:
			return s, false
		case strings.HasPrefix(rest, "/") && !quantified(rest[1:]):
			out = append(out, "(?:^|/)"+rest[1:])
		case plainStart(rest):
			out = append(out, rest)
		default:
			return s, false
		}
	}
	joined := strings.Join(out, "|")
	if joined == "^" || joined == "" {
		return anything, true
	}
	if strings.HasPrefix(joined, "!") {
		joined = `\` + joined
	}
	return subject{pattern: joined}, true
}

func quantified(s string) bool { return s != "" && strings.IndexByte("?*+{", s[0]) >= 0 }

var startsPlain = regexp.MustCompile(`^(?:[A-Za-z0-9_~@%:,;=-]|\\[.\-_]|\\\.)`)

// plainStart tells whether a branch begins with a byte that is no slash, so that the slash in front of the path cannot
// be part of a match that begins there.
func plainStart(s string) bool {
	m := startsPlain.FindString(s)
	if m == "" {
		return false
	}
	rest := s[len(m):]
	return !quantified(rest) || rest[0] == '+'
}

// branches splits a pattern at the bars outside of groups and classes.
func branches(s string) (out []string) {
	depth, class, start := 0, false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\':
			i++
		case class:
			class = c != ']'
		case c == '[':
			class = true
			if i+1 < len(s) && s[i+1] == '^' {
				i++
			}
			if i+1 < len(s) && s[i+1] == ']' {
				i++
			}
		case c == '(':
			depth++
		case c == ')':
			depth--
		case c == '|' && depth == 0:
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
}

// quoteMeta makes a text a pattern for itself.
func quoteMeta(s string) string { return regexp.QuoteMeta(s) }

// shortest gives a shortest subject of a pattern.
func shortest(p *ir.Pattern) (text string, ok, known bool) {
	s := pattern.NewSpace(5000)
	l, ok := s.Subjects(p.Re.Tree())
	if !ok {
		return "", false, false
	}
	return s.Shortest(s.And(l, s.Begins("/")))
}

// urlEscape percent-encodes a path for a request.
func urlEscape(s string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if c := s[i]; c > 0x20 && c < 0x7f && strings.IndexByte("\"<>\\^`{|}%?#", c) < 0 {
			b.WriteByte(c)
		} else {
			b.WriteString("%" + string(hex[c>>4]) + string(hex[c&15]))
		}
	}
	return b.String()
}
