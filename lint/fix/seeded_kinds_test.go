package fix

import (
	"regexp"
	"strings"

	"rewright/parser/ir"
)

// seeded is one way to put a mistake into a line. It gives the mistaken lines at line i and whether there is a place for it.
// Lines have no endings.
type seeded struct {
	name   string
	server ir.Server // 0: both
	inject func(lines []string, i int, in corpusFile) (out []string, ok bool)
	// anywhere: the server itself cannot say where the mistake is, so a finding that names it may stand at any line; below
	// the line it may stand with.
	anywhere bool
	spread   int // lines below the mistaken one at which it may be found, too
}

// oneLine makes an injection of a change to one line.
func oneLine(f func(line string) (string, bool)) func([]string, int, corpusFile) ([]string, bool) {
	return func(lines []string, i int, _ corpusFile) ([]string, bool) {
		s, ok := f(lines[i])
		if !ok || s == lines[i] {
			return nil, false
		}
		out := append([]string(nil), lines...)
		out[i] = s
		return out, true
	}
}

// swap replaces the first match of a pattern, in lines that another one admits.
func swap(in, find, with string) func([]string, int, corpusFile) ([]string, bool) {
	admits, re := regexp.MustCompile(in), regexp.MustCompile(find)
	return oneLine(func(line string) (string, bool) {
		at := re.FindStringSubmatchIndex(line)
		if at == nil || !admits.MatchString(line) {
			return "", false
		}
		return line[:at[0]] + string(re.ExpandString(nil, with, line, at)) + line[at[1]:], true
	})
}

const (
	rule        = `(?i)^\s*RewriteRule\s+[^\s"]+\s+[^\s"]+\s+\[`
	redirecting = `(?i)^\s*(RewriteRule\s.*\[|Redirect(Match)?\s+30|return\s+30|rewrite\s.*(permanent|redirect);)`
	directive   = `^\s*[A-Za-z_]{5,}\s`
)

// seededKinds are the mistakes people make.
var seededKinds = []seeded{
	{name: "blank in the flags", server: ir.Apache, inject: swap(rule, `(\[[^\]\s]*,)([^\]\s]+\])`, "$1 $2")},
	{name: "digits of the status swapped", inject: swap(redirecting, `(R=|Redirect(?:Match)?\s+|return\s+)3(0)([1278])\b`, "${1}3${3}${2}")},
	{name: "L dropped", server: ir.Apache, inject: swap(rule, `,L\b|\bL,|\[L\]`, ""), spread: 40},
	{name: "slash doubled in the target", inject: swap(redirecting, `(\s(?:https?://[^\s/$]+)?/(?:[^\s/]+/)*)([A-Za-z0-9_-]+)`, "$1/$2")},
	{name: "wrong sigil", server: ir.Apache, inject: swap(rule, `(\s\S*)\$([1-9])(\S*\s+\[)`, "$1%$2$3")},
	{name: "backslash dropped", inject: swap(`(?i)^\s*(RewriteRule|RewriteCond|RedirectMatch|rewrite|location\s+~)`, `\\([.?+$])`, "$1")},
	{name: "catch-all first", server: ir.Apache, inject: swapRules, spread: 1},
	{name: "flags glued", server: ir.Apache, inject: swap(rule, `\s+(\[)`, "$1")},
	{name: "semicolon missing", server: ir.Nginx, inject: swap(`;\s*$`, `;\s*$`, "")},
	{name: "section not closed", inject: unclosed, anywhere: true},
	{name: "directive misspelt", inject: swap(directive, `^(\s*[A-Za-z_]{2})([A-Za-z])([A-Za-z])`, "$1$3$2")},
	{name: "variable misspelt", inject: swap(`[%$]`, `(%\{[A-Z]{3}|\$[a-z]{3})([A-Za-z])`, "$1$2$2")},
	{name: "one slash behind the scheme", inject: swap(redirecting, `(https?:)//`, "$1/")},
	{name: "curly quotes", inject: swap(`.`, `"([^"]*)"`, "“$1”")},
	{name: "no-break space", inject: swap(directive, `^(\s*[A-Za-z_]+) `, "$1\u00a0")},
	{name: "slash in front in .htaccess", server: ir.Apache, inject: leadingSlash},
	{name: "RewriteEngine On dropped", server: ir.Apache, inject: swap(`(?i)^\s*RewriteEngine\s+On`, `^.*$`, ""), anywhere: true},
	{name: "redirect to itself", inject: toItself},
	{name: "brackets dropped", server: ir.Apache, inject: swap(rule, `\s\[([^\]\s]*)\]`, " $1")},
	{name: "wrong separator of flags", server: ir.Apache, inject: swap(rule, `(\[[^\],\s]+),`, "$1;")},
}

var (
	plainRule = regexp.MustCompile(`(?i)^\s*RewriteRule\s`)
	condition = regexp.MustCompile(`(?i)^\s*RewriteCond\s`)
	literal   = regexp.MustCompile(`^(\s*)(RewriteRule\s+\^)([A-Za-z0-9_/-]+)(\$\s+)(\S+)(\s+\[[^\]]*\bR\b[^\]]*\])`)
	rewrite   = regexp.MustCompile(`^(\s*rewrite\s+\^)(/[A-Za-z0-9_/-]+)(\$\s+)(\S+)(\s+(?:permanent|redirect);)`)
	exact     = regexp.MustCompile(`^\s*location\s+=\s+(/\S*)\s*\{\s*$`)
	returns   = regexp.MustCompile(`^(\s*return\s+30[12378]\s+)(\S+);`)
	closing   = regexp.MustCompile(`(?i)^\s*(\}|</(IfModule|Directory|VirtualHost|Files|FilesMatch|Location)>)\s*$`)
)

// swapRules puts a rule in front of the one before it; neither has conditions.
func swapRules(lines []string, i int, _ corpusFile) ([]string, bool) {
	if i == 0 || i+1 >= len(lines) || !plainRule.MatchString(lines[i]) || !plainRule.MatchString(lines[i+1]) || condition.MatchString(lines[i-1]) {
		return nil, false
	}
	out := append([]string(nil), lines...)
	out[i], out[i+1] = out[i+1], out[i]
	return out, true
}

func unclosed(lines []string, i int, _ corpusFile) ([]string, bool) {
	if !closing.MatchString(lines[i]) {
		return nil, false
	}
	out := append([]string(nil), lines...)
	out[i] = ""
	return out, true
}

func leadingSlash(lines []string, i int, in corpusFile) ([]string, bool) {
	if in.input.Context != ir.ContextHtaccess {
		return nil, false
	}
	return swap(`(?i)^\s*RewriteRule\s`, `(?i)(RewriteRule\s+\^)([A-Za-z0-9])`, "$1/$2")(lines, i, in)
}

// toItself makes a redirect lead to where it came from.
func toItself(lines []string, i int, in corpusFile) ([]string, bool) {
	out := append([]string(nil), lines...)
	if m := literal.FindStringSubmatch(lines[i]); m != nil && in.input.Context == ir.ContextHtaccess {
		out[i] = m[1] + m[2] + m[3] + m[4] + "/" + strings.TrimPrefix(m[3], "/") + m[6]
		return out, true
	}
	if m := rewrite.FindStringSubmatch(lines[i]); m != nil {
		out[i] = m[1] + m[2] + m[3] + m[2] + m[5]
		return out, true
	}
	if i > 0 {
		if m, r := exact.FindStringSubmatch(lines[i-1]), returns.FindStringSubmatch(lines[i]); m != nil && r != nil {
			out[i] = r[1] + m[1] + ";"
			return out, true
		}
	}
	return nil, false
}
