package rules

import (
	"strings"
	"sync"

	"rewright/lint"
	"rewright/parser/ir"
)

// header is a response header that a directive sets.
type header struct {
	name   string
	value  lint.Word
	always bool
	action string    // httpd: set, add, append, merge, setifempty; empty for nginx
	after  lint.Word // httpd: the condition behind the value; nginx: always
	at     lint.Word // the word that names the header
}

// setsHeader reads Header and add_header; ok is false for those that take a header away, and for all else.
func setsHeader(d *lint.Directive) (h header, ok bool) {
	if d.Server == ir.Nginx {
		if !d.Is("add_header") || len(d.Args) < 2 {
			return h, false
		}
		h = header{name: d.Arg(0), value: d.Args[1], at: d.Args[0], always: d.Arg(2) == "always"}
		return h, true
	}
	if !d.Is("Header") {
		return h, false
	}
	args := d.Args
	if len(args) > 0 && (strings.EqualFold(args[0].Text, "always") || strings.EqualFold(args[0].Text, "onsuccess")) {
		h.always = strings.EqualFold(args[0].Text, "always")
		args = args[1:]
	}
	if len(args) < 3 {
		return h, false
	}
	h.action = strings.ToLower(args[0].Text)
	switch h.action {
	case "set", "add", "append", "merge", "setifempty":
	default:
		return h, false
	}
	h.at, h.name, h.value = args[1], strings.TrimSuffix(args[1].Text, ":"), args[2]
	if len(args) > 3 {
		h.after = args[3]
	}
	return h, true
}

type scopeSettingsKey struct{}

// settingsOf are the settings of a section that say something of headers, ages and the name of its server, collected once: a
// section can hold a hundred thousand rules.
func settingsOf(u *lint.Unit, s *ir.Scope) []*ir.Setting {
	known := u.Memo(scopeSettingsKey{}, func() any { return &sync.Map{} }).(*sync.Map)
	if list, ok := known.Load(s); ok {
		return list.([]*ir.Setting)
	}
	var list []*ir.Setting
	for _, item := range s.Items {
		if set, is := item.(*ir.Setting); is {
			switch strings.ToLower(set.Name) {
			case "header", "add_header", "expiresactive", "expiresdefault", "expiresbytype", "servername":
				list = append(list, set)
			}
		}
	}
	known.Store(s, list)
	return list
}
