package apache

// Names of groups and of hosts, as nginx writes them and httpd needs them.

import (
	"regexp"
	"strings"

	"rewright/parser/ir"
)

var (
	// anything in front of a fixed end, as a group or bare: (.+)\.example\.com
	anySub = regexp.MustCompile(`^\^?(?:\((?:\?P?<\w+>|\?:)?(?:\.[+*]|\[[^\]]+\][+*]|\\[wd][+*])\)|\.[+*]|\[[^\]]+\][+*]|\\[wd][+*])((?:\\\.[A-Za-z0-9-]+)+)\$$`)
	// a fixed name, with a part in front that may be missing: (www\.)?example\.com
	maybeSub = regexp.MustCompile(`^\^(?:\((?:\?P?<\w+>|\?:)?([A-Za-z0-9-]+)\\\.\)\?)?([A-Za-z0-9-]+(?:\\\.[A-Za-z0-9-]+)*)\$$`)
	// one of some names in front of a fixed end: (a|b)\.example\.com
	oneOf = regexp.MustCompile(`^\^\((?:\?P?<\w+>|\?:)?([A-Za-z0-9-]+(?:\|[A-Za-z0-9-]+)*)\)((?:\\\.[A-Za-z0-9-]+)+)\$$`)
)

// asksFor tells whether anything in a scope asks for a group by its number, or by one of some names.
func asksFor(sc *ir.Scope, names map[string]int) (yes bool) {
	in := func(list ...*ir.Template) {
		for _, t := range list {
			for i := 0; t != nil && i < len(t.Parts); i++ {
				_, named := names[t.Parts[i].Name]
				yes = yes || t.Parts[i].Kind == ir.RuleRef || named && t.Parts[i].Kind == ir.Variable
			}
		}
	}
	for _, it := range sc.Items {
		switch it := it.(type) {
		case *ir.Rule:
			in(it.Target, it.Body)
		case *ir.Assign:
			in(it.Value)
		case *ir.Setting:
			in(it.Templates...)
		case *ir.Scope:
			if it.If != nil {
				in(it.If.Test, it.If.Operand)
			}
			yes = yes || asksFor(it, names)
		}
	}
	return yes
}

// aliasOfPattern says a regular expression for names of hosts with the wildcards of ServerAlias, where one of them
// takes the same names, or more of them.
func aliasOfPattern(re string) (names []string, ok bool) {
	plain := func(s string) string { return strings.ReplaceAll(s, `\.`, ".") }
	switch {
	case anySub.MatchString(re):
		return []string{"*" + plain(anySub.FindStringSubmatch(re)[1])}, true
	case maybeSub.MatchString(re):
		m := maybeSub.FindStringSubmatch(re)
		names = []string{plain(m[2])}
		if m[1] != "" {
			names = append(names, m[1]+"."+plain(m[2]))
		}
		return names, true
	case oneOf.MatchString(re):
		m := oneOf.FindStringSubmatch(re)
		for _, n := range strings.Split(m[1], "|") {
			names = append(names, n+plain(m[2]))
		}
		return names, true
	}
	return nil, false
}
