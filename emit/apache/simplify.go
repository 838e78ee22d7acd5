package apache

import (
	"strings"
)

// written is a RewriteRule in its parts, as written.
type written struct{ pattern, target, flags string }

// readRule takes a line of rule() apart; ok is false for a RewriteCond.
func readRule(line string) (r written, ok bool) {
	rest, ok := strings.CutPrefix(line, "RewriteRule ")
	if !ok {
		return r, false
	}
	r.pattern, rest = splitCond(rest)
	r.target, rest = splitCond(rest)
	if rest != "" && (rest[0] == '"' || rest[0] == '\'') {
		rest = strings.Trim(rest, rest[:1])
	}
	r.flags = strings.TrimSuffix(strings.TrimPrefix(rest, "["), "]")
	return r, true
}

func (r written) String() string {
	line := "RewriteRule " + r.pattern + " " + r.target
	if r.flags != "" {
		line += " " + ruleWord("["+r.flags+"]")
	}
	return line
}

// flag tells whether a rule has a flag of that name.
func (r written) flag(name string) bool {
	for _, f := range strings.Split(r.flags, ",") {
		if f == name || strings.HasPrefix(f, name+"=") {
			return true
		}
	}
	return false
}

// ends tells whether no rule behind it runs.
func (r written) ends() bool {
	if r.flag("L") || r.flag("END") || r.flag("F") || r.flag("G") {
		return true
	}
	return strings.HasPrefix(r.flags, "R=4") || strings.HasPrefix(r.flags, "R=5")
}

// tidy leaves out what no request reaches: rules behind one that takes every path and ends. A last rule that only ends
// is joined with the one above it.
func (b *block) tidy() {
	for _, u := range b.units {
		for _, l := range u.lines {
			if r, ok := readRule(l); ok && r.flag("S") {
				return // skips count rules
			}
		}
	}
	closed, conds := false, false
	var last *unit
	for _, u := range b.units {
		if closed && u.rules > 0 {
			u.lines, u.rules = nil, 0
			continue
		}
		for i, l := range u.lines {
			r, ok := readRule(l)
			if !ok {
				conds = true
				continue
			}
			if l == "RewriteRule ^ - [L]" && last != nil && u.rules == 1 {
				at := len(last.lines) - 1
				if above, ok := readRule(last.lines[at]); ok && above.pattern == "^" && above.target == "-" && !above.ends() && (at == 0 || strings.HasPrefix(last.lines[at-1], "RewriteRule ")) {
					above.flags += ",L"
					last.lines[at] = above.String()
					u.lines, u.rules, closed = nil, 0, true
					break
				}
			}
			if r.pattern == "^" && !conds && r.ends() {
				closed = true
				u.lines = u.lines[:i+1]
				u.rules = countRules(u.lines)
				break
			}
			conds = false
		}
		if u.rules > 0 {
			last = u
		}
	}
}

// maxSpread is how many rules take the pattern of their location themselves, instead of standing behind a skip.
const maxSpread = 3

// spread gives every rule of a location the location's own pattern, so that no skip is needed. It is false when that
// cannot be: a rule has a pattern of its own, asks for its groups, or changes the path for the next.
func (b *block) spread(at subject) bool {
	n := b.rules()
	if n == 0 || n > maxSpread || len(at.conds) > 0 && n > 1 || strings.Contains(at.pattern, " ") {
		return false
	}
	for _, u := range b.units {
		for _, l := range u.lines {
			r, ok := readRule(l)
			if strings.Contains(l, "$") && refersToRule(l, r, ok) {
				return false
			}
			if ok && (r.pattern != "^" || r.flag("DPI")) {
				return false
			}
		}
	}
	for _, u := range b.units {
		for i, l := range u.lines {
			if r, ok := readRule(l); ok {
				r.pattern = at.pattern
				u.lines[i] = r.String()
			}
		}
		if len(at.conds) > 0 && u.rules > 0 {
			u.lines = append(rule(at.conds, "^", "-")[:len(at.conds)], u.lines...)
		}
	}
	return true
}

// refersToRule tells whether a line asks for the groups of its rule's pattern; in a pattern a $ is an anchor.
func refersToRule(line string, r written, isRule bool) bool {
	text := r.target + r.flags
	if !isRule {
		test, _ := splitCond(strings.TrimPrefix(line, "RewriteCond "))
		text = test
	}
	for i := 0; i+1 < len(text); i++ {
		if text[i] == '$' && text[i+1] >= '0' && text[i+1] <= '9' && (i == 0 || text[i-1] != '\\') {
			return true
		}
	}
	return false
}

// foldCase writes a pattern that ignores case with the flag that people know.
func foldCase(line string) string {
	r, ok := readRule(line)
	if !ok {
		return line
	}
	for _, head := range [...]string{"(?i)", "!(?i)", `"(?i)`, `"!(?i)`} {
		if rest, has := strings.CutPrefix(r.pattern, head); has {
			r.pattern = strings.TrimSuffix(head, "(?i)") + rest
			if !r.flag("NC") {
				r.flags = strings.TrimSuffix("NC,"+r.flags, ",")
			}
			return r.String()
		}
	}
	return line
}

// redirects writes the rules of a server as directives of mod_alias, which people know best, when all of them are plain
// redirects and statuses: the two modules are not mixed in one file, for their order is not that of the lines. It is
// false when some rule is more than that.
func (b *block) redirects() bool {
	out := make([][]string, len(b.units))
	for i, u := range b.units {
		for _, l := range u.lines {
			text, ok := redirectOf(l)
			if !ok {
				return false
			}
			out[i] = append(out[i], text)
		}
	}
	for i, u := range b.units {
		u.lines, u.rules = out[i], 0
	}
	return true
}

// redirectOf is one rule as Redirect or RedirectMatch.
func redirectOf(line string) (string, bool) {
	r, ok := readRule(line)
	path, anchored := strings.CutPrefix(r.pattern, "^")
	if !ok || !anchored || path == "" || strings.ContainsAny(r.pattern+r.target, "\"' %") || strings.Contains(path, "|") {
		return "", false
	}
	status, fold := "", ""
	for _, f := range strings.Split(r.flags, ",") {
		switch {
		case strings.HasPrefix(f, "R="):
			status = f[2:]
		case f == "F":
			status = "403"
		case f == "G":
			status = "410"
		case f == "NC":
			fold = "(?i)"
		case f == "L":
		default:
			return "", false
		}
	}
	if status == "" || len(status) != 3 {
		return "", false
	}
	if r.target == "-" {
		if status < "400" {
			return "", false
		}
		return "RedirectMatch " + status + " " + fold + "^/" + path, true
	}
	if status >= "400" || strings.Contains(r.target, "$0") {
		return "", false
	}
	if literal, below := strings.CutSuffix(path, "/(.*)$"); below && fold == "" && unquoted(literal) && strings.HasSuffix(r.target, "/$1") && strings.Count(r.target, "$") == 1 {
		return "Redirect " + status + " /" + strings.ReplaceAll(literal, `\`, "") + "/ " + strings.TrimSuffix(r.target, "$1"), true
	}
	return "RedirectMatch " + status + " " + fold + "^/" + path + " " + r.target, true
}

// unquoted tells whether a pattern is a text, but for quoted dots.
func unquoted(p string) bool {
	return !strings.ContainsAny(strings.ReplaceAll(p, `\.`, ""), `\.^$*+?()[]{}|`)
}

// guarded puts conditions in front of the only rule of a block; false when there are more.
func (b *block) guarded(conds []string) bool {
	if b.rules() != 1 {
		return false
	}
	for _, u := range b.units {
		if u.rules == 1 {
			u.lines = append(rule(conds, "^", "-")[:len(conds)], u.lines...)
		}
	}
	return true
}

// join puts the lines of sections with the same head into the first of them; comments stay where the first stands.
func (b *block) join() {
	first := map[string]*unit{}
	for _, u := range b.units {
		n := len(u.lines)
		if n < 3 || u.dropped != "" || u.lines[0][0] != '<' || strings.Contains(strings.Join(u.lines[1:n-1], ""), "\n") {
			continue
		}
		f := first[u.lines[0]]
		if f == nil {
			first[u.lines[0]] = u
			continue
		}
		shut := f.lines[len(f.lines)-1]
		f.lines = append(append(f.lines[:len(f.lines)-1:len(f.lines)-1], u.lines[1:n-1]...), shut)
		u.lines = nil
	}
}
