package nginx

import (
	"fmt"
	"sort"
	"strings"
)

// text writes http.conf and server.conf. lines tells which unit made which line of server.conf, from 1.
func (g *attempt) text() (http, server string, lines map[int]*unit) {
	lines = map[int]*unit{}
	var b strings.Builder
	line := 1
	put := func(indent, text string, u *unit) {
		if text == "" {
			b.WriteByte('\n')
		} else {
			b.WriteString(indent + text + "\n")
		}
		lines[line] = u
		line++
	}
	g.comments = map[string]*commentary{}
	g.findStarts()
	inside := false
	writeUnits := func(indent string, list []*unit) {
		blank := false
		for _, u := range list {
			if u.apart && !inside {
				continue
			}
			comments := g.commentsOf(u)
			if u.dropped == "" && len(u.lines) == 0 && len(comments) == 0 {
				continue
			}
			if blank && (len(comments) > 0 || len(u.lines) > 1 || u.dropped != "") {
				put(indent, "", nil)
			}
			for _, t := range comments {
				put(indent, t, nil)
			}
			if u.dropped != "" {
				put(indent, "# DROPPED: "+u.dropped, nil)
				if u.byHand != "" {
					put(indent, "# by hand: "+u.byHand, nil)
				}
				for _, t := range sourceLines(u) {
					put(indent, "# "+t, nil)
				}
			}
			for _, t := range u.lines {
				put(indent, t, u)
			}
			blank = true
		}
	}
	if t := g.askedBefore(); t != "" {
		put("", "# asked for before any pattern runs: the patterns of these maps would replace its groups", nil)
		put("", t, nil)
		put("", "", nil)
	}
	writeUnits("", g.server)
	for _, l := range g.locations {
		if line > 1 {
			put("", "", nil)
		}
		put("", l.head+" {", nil)
		inside = l.indirect()
		for _, t := range l.lines {
			put("    ", t, nil)
		}
		writeUnits("    ", l.units)
		put("", "}", nil)
	}
	var names []string
	written := b.String() + strings.Join(g.out.bulk, "\n")
	for n := range g.out.maps {
		if uses := written + usesOf(g.out.maps, n); strings.Contains(uses, "$"+n) || strings.Contains(uses, "${"+n+"}") {
			names = append(names, n)
		}
	}
	sort.Strings(names)
	var h strings.Builder
	h.WriteString(g.hashSizes())
	if g.out.dollar {
		h.WriteString("# nginx has no other way to write this character\ngeo $dollar {\n    default \"$\";\n}\n")
	}
	for _, n := range names {
		h.WriteString(g.out.maps[n] + "\n")
	}
	for _, text := range g.out.bulk {
		h.WriteString(text + "\n")
	}
	if len(g.expiryTimes) > 0 {
		h.WriteString("map $sent_http_content_type $expires {\n")
		for _, e := range g.expiryTimes {
			key := e[0]
			if len(key) > 40 { // longer ones do not fit into a bucket of the hash
				key = "~^" + quoteLiteral(key) + "$"
			}
			fmt.Fprintf(&h, "    %s %s;\n", word(key), e[1])
		}
		h.WriteString("}\n")
	}
	return h.String(), b.String(), lines
}
