package nginx

import (
	"fmt"
	"net/netip"
	"strings"

	"rewright/parser/ir"
)

// proxy passes requests on (P): inside a location, rewrite makes the path and proxy_pass names the server. The name
// stands in a variable, so that nginx starts when nobody knows the name yet; it is looked up when asked for.
func (b *builder) proxy() {
	r, c := b.r, b.c
	hand := reason{"requests that are passed on (P) want a location with proxy_pass", "write a location for these paths with proxy_pass " + clean(targetText(r))}
	if !c.inLoc || r.Negated || b.needPattern || r.Chain || r.Skip > 0 || !isAbsolute(r.Target) {
		panic(hand)
	}
	t := b.takeApart()
	if t.path[0].ref != nil {
		panic(hand)
	}
	scheme, rest, ok := strings.Cut(t.path[0].text, "://")
	if !ok || scheme != "http" && scheme != "https" {
		panic(hand)
	}
	host, below, slash := strings.Cut(rest, "/")
	if host == "" || !slash && len(t.path) > 1 || strings.ContainsAny(host, "$@ ") {
		panic(hand) // the server must not come from the request
	}
	parts := append([]part{{text: "/" + below}}, t.path[1:]...)
	pat := b.pattern()
	if b.matchesAll() && !ruleRefsIn(t) {
		pat = "^"
	}
	pieces := b.expand(parts, byNumber, func(s string) string { return decodeOnce(s, true) })
	text, dollar := value(pieces)
	if strings.Contains(text, "?") {
		panic(hand)
	}
	q, dollar2 := value(b.expand(t.query, byNumber, same))
	c.out.dollar = c.out.dollar || dollar || dollar2
	switch t.mode {
	case dropQuery:
		text += "?"
	case setQuery:
		text += "?" + q + "?"
	case appendQuery:
		text += "?" + q
	}
	server := host
	var lines []string
	name, _, _ := strings.Cut(host, ":")
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err != nil {
		server = fmt.Sprintf("$server%d", b.id)
		lines = append(lines, fmt.Sprintf("set %s %s; # looked up when asked for: say resolver in http {}", server, word(host)))
	}
	if r.Escape.NoEscape && hasRefs(parts) {
		// Source: mod_proxy_http.c, AH10415: blanks and control characters in an address that nobody escapes
		b.badQuery(b.withPattern())
	}
	b.u.caveat = "the other server answers; nginx has to know a resolver for its name"
	lines = append(lines, fmt.Sprintf("rewrite %s %s break;", pat, word(text)), fmt.Sprintf("proxy_pass %s://%s;", scheme, server))
	b.when(b.withPattern(), lines...)
	if len(b.withPattern()) == 0 {
		b.u.lines = append([]string{}, lines...)
	}
}

// wantsLocation tells whether rules can only be said in a location: those that pass requests on or start over.
func wantsLocation(areas []*area) bool {
	for _, a := range areas {
		for _, r := range a.rules {
			if (r.Action == ir.ActionProxy || r.Flow == ir.FlowRestart && r.Action == ir.ActionRewrite && !unrolls(a, r)) && a.engine {
				return true
			}
		}
	}
	return false
}
