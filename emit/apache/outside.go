package apache

import (
	"strings"

	"rewright/emit"
	"rewright/parser/ir"
)

// outside writes a location whose files lie beside the document root as an Alias, which a virtual host may have: a
// prefix location that only sends files. It is false when the location is more than that.
func (w *writer) outside(v *vhost, sc *ir.Scope) bool {
	if !w.target.Server || sc.Modifier != ir.PrefixLocation && sc.Modifier != ir.NoRegexLocation || len(sc.Path) < 2 || !fits(sc.Path) || sc.Parent != v.scope {
		return false
	}
	var from *ir.Setting
	var inside []string
	var held []*ir.Setting
	for _, it := range sc.Items {
		set, ok := it.(*ir.Setting)
		if !ok {
			if o, is := it.(*ir.Opaque); is && o.Harmless {
				continue
			}
			return false
		}
		switch {
		case set.Name == "alias" || set.Name == "root":
			from = set
		case set.Name == "expires" && len(set.Args) == 1 && expires(set.Arg(0)) != nil:
			inside, held = append(inside, expires(set.Arg(0))...), append(held, set)
		case set.Name == "autoindex" && set.Arg(0) == "on":
			inside, held = append(inside, "Options +Indexes"), append(held, set)
		case set.Name == "autoindex", aside[set.Name]:
			held = append(held, set)
		default:
			return false
		}
	}
	if from == nil || !strings.HasPrefix(from.Arg(0), "/") || strings.Contains(from.Arg(0), "$") || !fits(from.Arg(0)) {
		return false
	}
	folder := from.Arg(0)
	if from.Name == "root" {
		folder = strings.TrimSuffix(folder, "/") + sc.Path
	}
	if _, below := w.below(folder); below || strings.HasSuffix(folder, "/") != strings.HasSuffix(sc.Path, "/") {
		return false
	}
	if sc.Modifier == ir.PrefixLocation && answersByRegex(v.scope) {
		return false // a regular expression may take a path below it
	}
	w.note(from, sc, from.Name, emit.Exact, "", "")
	for _, set := range held {
		if aside[set.Name] {
			w.remark(set.Origin, set.Name, "does not decide where a request goes; see what httpd has for it")
			continue
		}
		w.note(set, sc, set.Name, emit.Exact, "", "")
	}
	lines := []string{"Alias " + plainWord(sc.Path) + " " + plainWord(folder), "<Directory " + plainWord(strings.TrimSuffix(folder, "/")) + ">", "    Require all granted"}
	lines = append(append(lines, indented(inside)...), "</Directory>")
	v.front.add(&unit{item: from, origin: from.Origin, lines: lines})
	return true
}

// answersByRegex tells whether a server has a location by regular expression that does more than add to an answer.
func answersByRegex(host *ir.Scope) bool {
	for _, l := range locations(host) {
		if l.Modifier != ir.RegexLocation && l.Modifier != ir.RegexLocationCI {
			continue
		}
		for _, it := range l.Items {
			switch it := it.(type) {
			case *ir.Setting:
				if it.Name != "add_header" && it.Name != "expires" && !aside[it.Name] {
					return true
				}
			case *ir.Opaque:
				if !it.Harmless {
					return true
				}
			default:
				return true
			}
		}
	}
	return false
}
