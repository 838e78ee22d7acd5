package nginx

import "strings"

// askedBefore asks for the maps that stand beside numbered groups in a rewrite or return. A map whose pattern matches
// puts its own groups in the place of $1; what was asked for once keeps its value for the request.
// Source: nginx src/http/ngx_http_variables.c, ngx_http_regex_exec.
func (g *attempt) askedBefore() string {
	text := ""
	look := func(lines []string) {
		for _, l := range lines {
			grouped := false
			for i := 0; i+1 < len(l); i++ {
				grouped = grouped || l[i] == '$' && l[i+1] >= '1' && l[i+1] <= '9'
			}
			for _, v := range [...]string{"$host_port", queryPart} {
				if at := strings.Index(l, v); grouped && at >= 0 && (at+len(v) == len(l) || !wordByte(l[at+len(v)])) && !strings.Contains(text, v) {
					text += v
				}
			}
		}
	}
	for _, u := range g.server {
		look(u.lines)
	}
	for _, l := range g.locations {
		look(l.lines)
		for _, u := range l.units {
			look(u.lines)
		}
	}
	if text == "" {
		return ""
	}
	return "set $asked " + text + ";"
}
