package apache

import (
	"strings"

	"rewright/emit"
	"rewright/parser/ir"
)

// headers writes add_header and expires.
func (w *writer) headers(sc *ir.Scope, set *ir.Setting) {
	var lines []string
	drop := func(why string) {
		w.note(set, sc, set.Name, emit.Dropped, why, "")
		w.head.add(&unit{item: set, origin: set.Origin, dropped: why})
	}
	switch set.Name {
	case "add_header":
		if len(set.Args) < 2 || strings.Contains(set.Arg(1), "$") || !fits(set.Arg(1)) {
			drop("a value that depends on the request")
			return
		}
		when := "Header set "
		if strings.Contains(strings.ToLower(set.Arg(len(set.Args)-1)), "always") && len(set.Args) > 2 {
			when = "Header always set "
		}
		if set.Arg(1) == "" {
			w.remark(set.Origin, set.Name, "an empty value sends nothing")
			return
		}
		lines = []string{when + set.Arg(0) + " " + headerValue(set.Arg(1))}
	case "expires":
		lines = expires(set.Arg(0))
		if lines == nil || len(set.Args) != 1 {
			drop("a time that httpd cannot say")
			return
		}
	}
	if name := w.ifNames[sc]; name != "" && sc.Kind == ir.ScopeIf {
		if set.Name == "expires" {
			lines = append([]string{`<If "reqenv('` + name + `') == '1'">`}, append(indented(lines), "</If>")...)
		} else {
			lines[0] += " env=" + name
		}
	} else if sc.Kind == ir.ScopeLocation && !(sc.Path == "/" && sc.Modifier == ir.PrefixLocation) && sc.Modifier != ir.NamedLocation {
		lines = w.around(sc, lines...)
	}
	w.note(set, sc, set.Name, emit.Exact, "", "")
	w.head.add(&unit{item: set, origin: set.Origin, lines: lines})
}

// headerValue quotes a value of Header, in which % begins a variable.
func headerValue(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `%`, `%%`).Replace(s) + `"`
}

// expires writes a time of nginx as mod_expires does.
func expires(text string) []string {
	switch text {
	case "off":
		return []string{"ExpiresActive Off"}
	case "epoch", "-1":
		return []string{`Header set Cache-Control "no-cache"`, `Header set Expires "Thu, 01 Jan 1970 00:00:01 GMT"`}
	case "max":
		return []string{`Header set Cache-Control "max-age=315360000"`, `Header set Expires "Thu, 31 Dec 2037 23:55:55 GMT"`}
	}
	units := map[byte]string{'s': "seconds", 'm': "minutes", 'h': "hours", 'd': "days", 'w': "weeks", 'M': "months", 'y': "years"}
	var words []string
	num := ""
	for i := 0; i < len(text); i++ {
		c := text[i]
		if c >= '0' && c <= '9' {
			num += string(c)
			continue
		}
		if units[c] == "" || num == "" {
			return nil
		}
		words = append(words, num, plural(num, units[c]))
		num = ""
	}
	if num != "" {
		words = append(words, num, plural(num, "seconds"))
	}
	if len(words) == 0 {
		return nil
	}
	return []string{"ExpiresActive On", `ExpiresDefault "access plus ` + strings.Join(words, " ") + `"`}
}

// plural is a unit in the number that goes with a count.
func plural(n, unit string) string {
	if n == "1" {
		return strings.TrimSuffix(unit, "s")
	}
	return unit
}
