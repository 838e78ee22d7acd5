package apache

import (
	"fmt"
	"slices"
	"sort"
	"strings"

	"rewright/emit"
	"rewright/parser/ir"
	"rewright/parser/sim"
)

// headers writes add_header and expires.
func (w *writer) headers(sc *ir.Scope, set *ir.Setting) {
	var lines []string
	onlyIf := "" // an expression that must hold for the header
	drop := func(why string) {
		w.note(set, sc, set.Name, emit.Dropped, why, "")
		w.headNow().add(&unit{item: set, origin: set.Origin, dropped: why})
	}
	switch set.Name {
	case "add_header":
		if len(set.Args) < 2 || !fits(set.Arg(1)) {
			drop("a value with control characters")
			return
		}
		value := headerValue(set.Arg(1))
		if strings.Contains(set.Arg(1), "$") {
			var why string
			if value, onlyIf, why = w.headerExpression(sc, set); why != "" {
				drop("a value that depends on the request: " + why)
				return
			}
		}
		if set.Arg(1) == "" {
			w.remark(set.Origin, set.Name, "an empty value sends nothing")
			return
		}
		if !always(set) {
			w.aside(set, "httpd sends it with redirects only by \"always\", nginx without")
		}
		lines = append(w.replaced(sc, set), "Header "+w.tableIn(sc, set)+w.verb(sc, set)+" "+set.Arg(0)+" "+value+onlyIf)
	case "expires":
		lines = expires(set.Arg(0))
		for i, l := range lines {
			if rest, ok := strings.CutPrefix(l, "Header set Cache-Control "); ok && len(cacheControl(inherited(sc, "add_header"))) > 0 {
				lines[i] = "Header append Cache-Control " + rest
			}
		}
		if len(lines) > 0 && !strings.HasPrefix(lines[0], "Expires") && sc.Parent != nil && len(inherited(sc.Parent, "expires")) > 0 {
			lines = append([]string{"ExpiresActive Off"}, lines...)
		}
		if lines == nil || len(set.Args) != 1 {
			drop("a time that httpd cannot say")
			return
		}
	}
	if name := w.ifNames[sc]; name != "" {
		if set.Name == "expires" {
			// the condition of an <If> is asked before the rules run
			lines = nil
			for _, l := range expiresByHeader(set.Arg(0)) {
				lines = append(lines, l+" env="+name)
			}
		} else {
			for i := range lines {
				if onlyIf != "" && strings.HasSuffix(lines[i], onlyIf) {
					lines[i] = strings.TrimSuffix(lines[i], `"`) + ` && reqenv('` + name + `') == '1'"`
					continue
				}
				lines[i] += " env=" + name
			}
		}
	} else if sc.Kind == ir.ScopeLocation && !(sc.Path == "/" && sc.Modifier == ir.PrefixLocation) && sc.Modifier != ir.NamedLocation {
		lines = w.around(sc, lines...)
	}
	w.note(set, sc, set.Name, emit.Exact, "", "")
	w.headNow().add(&unit{item: set, origin: set.Origin, lines: lines})
}

// headNow is where settings of a whole folder go: that of the virtual host that is being written.
func (w *writer) headNow() *block {
	if w.target.Server && w.current != nil {
		return &w.current.head
	}
	return &w.head
}

// always tells whether a header goes with answers of every status.
func always(set *ir.Setting) bool {
	return len(set.Args) > 2 && strings.EqualFold(set.Arg(2), "always")
}

// table is the word for the table of headers that a header of nginx goes into.
func table(set *ir.Setting) string {
	if always(set) {
		return "always "
	}
	return ""
}

// inExpressions are nginx's variables by their names in expressions of httpd.
var inExpressions = map[string]string{"host": "SERVER_NAME", "http_host": "HTTP_HOST", "scheme": "REQUEST_SCHEME", "request_method": "REQUEST_METHOD",
	"remote_addr": "REMOTE_ADDR", "args": "QUERY_STRING", "query_string": "QUERY_STRING", "server_protocol": "SERVER_PROTOCOL", "server_port": "SERVER_PORT"}

// headerExpression writes a value with variables as an expression. nginx sends no header whose value is empty, which
// onlyIf says where the value is one variable. Source: httpd mod_headers, Header, expr=; util_expr_eval.c.
func (w *writer) headerExpression(sc *ir.Scope, set *ir.Setting) (value, onlyIf, why string) {
	s := &script{w: w, sc: sc, caps: noCaptures, ends: new([]jump), broke: new(bool)}
	text, last := "", ""
	for _, p := range set.Templates[1].Parts {
		switch {
		case p.Kind == ir.Literal:
			if strings.ContainsAny(p.Text, `%"'\{}`) {
				return "", "", "signs that an expression takes for its own"
			}
			text += p.Text
			continue
		case p.Kind != ir.Variable:
			return "", "", "a group"
		case inExpressions[p.Name] != "":
			last = "%{" + inExpressions[p.Name] + "}"
		default:
			said, _, why := s.variable(p.Name)
			if why != "" {
				return "", "", why
			}
			switch {
			case strings.HasPrefix(said, "%{ENV:"):
				last = "reqenv('" + strings.TrimSuffix(said[len("%{ENV:"):], "}") + "')"
				text += "%{reqenv:" + said[len("%{ENV:"):]
			case strings.HasPrefix(said, "%{HTTP:"):
				last = "req('" + strings.TrimSuffix(said[len("%{HTTP:"):], "}") + "')"
				text += "%{req:" + said[len("%{HTTP:"):]
			case strings.HasPrefix(said, "%{HTTP_"):
				last = said
				text += said
			default:
				return "", "", "$" + p.Name
			}
			continue
		}
		text += last
	}
	if len(set.Templates[1].Parts) == 1 {
		if strings.HasPrefix(last, "%") {
			last = "'" + last + "'"
		}
		onlyIf = ` "expr=-n ` + last + `"`
		if strings.HasPrefix(last, "'") {
			onlyIf = ` "expr=` + last + ` != ''"`
		}
	}
	return `"expr=` + text + `"`, onlyIf, ""
}

// verb is how a header is sent beside others of its name: nginx sends them all.
func (w *writer) verb(sc *ir.Scope, set *ir.Setting) string {
	if strings.EqualFold(set.Arg(0), "Cache-Control") {
		if list := inherited(sc, "expires"); len(list) > 0 && list[len(list)-1].Arg(0) != "off" {
			return "append"
		}
	}
	for _, before := range own(sc, "add_header") {
		if before == set {
			break
		}
		if strings.EqualFold(before.Arg(0), set.Arg(0)) && table(before) == table(set) {
			return "add"
		}
	}
	return "set"
}

func cacheControl(list []*ir.Setting) (out []*ir.Setting) {
	for _, set := range list {
		if strings.EqualFold(set.Arg(0), "Cache-Control") {
			out = append(out, set)
		}
	}
	return out
}

// tableIn is the table for a header of a scope: to httpd, what a return answers is an error or a redirect.
func (w *writer) tableIn(sc *ir.Scope, set *ir.Setting) string {
	if sc.Kind == ir.ScopeLocation {
		if r := w.only(sc); r != nil && r.Status < 400 && r.Status != 300 && r.Status != 305 && r.Status != 306 {
			return "always "
		}
	}
	return table(set)
}

// replaced are the lines that take away what a scope does not inherit: a scope with an add_header of its own has none of
// those around it. Source: nginx ngx_http_headers_filter_module.c, ngx_http_headers_merge_conf.
func (w *writer) replaced(sc *ir.Scope, set *ir.Setting) (lines []string) {
	list := own(sc, "add_header")
	if sc.Kind == ir.ScopeHTTP || sc.Kind == ir.ScopeMain || len(list) == 0 || list[0] != set || sc.Parent == nil {
		return nil
	}
	for _, outer := range inherited(sc.Parent, "add_header") {
		again := slices.ContainsFunc(list, func(s *ir.Setting) bool {
			return strings.EqualFold(s.Arg(0), outer.Arg(0)) && table(s) == table(outer)
		})
		line := "Header " + table(outer) + "unset " + outer.Arg(0)
		if !again && len(outer.Args) > 1 && !slices.Contains(lines, line) {
			lines = append(lines, line)
		}
	}
	return lines
}

// locationHeaders lets the headers of a location in its careful form go by a variable that tells that the location was
// chosen, or one inside of it that has none of its own.
func (s *script) locationHeaders() {
	w := s.w
	var flags []string
	for _, kind := range [...]string{"add_header", "expires"} {
		holder := s.sc
		for holder != nil && holder.Kind == ir.ScopeLocation && len(own(holder, kind)) == 0 {
			holder = holder.Parent
		}
		if holder == nil || holder.Kind != ir.ScopeLocation || !slices.ContainsFunc(own(holder, kind), func(set *ir.Setting) bool { return w.forms.careful[set] }) {
			continue
		}
		if w.ifNames[holder] == "" {
			w.ifNames[holder] = w.fresh("in")
		}
		if flag := "E=" + w.ifNames[holder] + ":1"; !slices.Contains(flags, flag) {
			flags = append(flags, flag)
		}
	}
	if len(flags) > 0 {
		s.b.add(&unit{origin: s.sc.From(), lines: rule(nil, "^", "-", flags...), rules: 1})
	}
}

// headerNames are the names of headers that the program sends, in lower case.
func headerNames(p *ir.Program) (names []string) {
	seen := map[string]bool{}
	for _, item := range p.Root.Within() {
		it, ok := item.(*ir.Setting)
		if !ok {
			continue
		}
		name := ""
		switch {
		case it.Name == "add_header" && len(it.Args) > 1:
			name = strings.ToLower(it.Arg(0))
		case it.Name == "expires":
			name = "cache-control"
		}
		if name != "" && !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}

// differentHeader names a header that two answers do not share; empty: none. Redirects are left out: nginx sends with
// them what httpd sends only when it is told "always".
func differentHeader(names []string, a, b *sim.Outcome) string {
	if a.Location != nil || a.PassedTo != "" {
		return ""
	}
	for _, name := range names {
		unknown := func(n string) bool { return strings.EqualFold(n, name) }
		if slices.ContainsFunc(a.UnknownHeader, unknown) || slices.ContainsFunc(b.UnknownHeader, unknown) {
			continue
		}
		if !slices.Equal(headerParts(a, name), headerParts(b, name)) {
			return name
		}
	}
	return ""
}

// headerParts are the parts of all headers of one name, in order of the alphabet.
func headerParts(o *sim.Outcome, name string) (out []string) {
	for _, h := range o.Header {
		if strings.EqualFold(h[0], name) {
			for _, part := range strings.Split(h[1], ",") {
				out = append(out, strings.TrimSpace(part))
			}
		}
	}
	sort.Strings(out)
	return out
}

// headerWhat begins what differs when a header does.
const headerWhat = "header "

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

// expiresByHeader says a time of nginx with Header, which can ask for a variable. A time from now has no Expires beside
// its max-age, which overrules it (RFC 9111, section 5.3).
func expiresByHeader(text string) (lines []string) {
	lines = expires(text)
	if len(lines) > 0 && !strings.HasPrefix(lines[0], "Expires") {
		return lines
	}
	if text == "off" {
		return []string{"Header unset Cache-Control", "Header unset Expires"}
	}
	units := map[byte]int{'s': 1, 'm': 60, 'h': 3600, 'd': 86400, 'w': 7 * 86400, 'M': 30 * 86400, 'y': 365 * 86400}
	seconds, n := 0, 0
	for i := 0; i < len(text); i++ {
		if c := text[i]; c >= '0' && c <= '9' {
			n = n*10 + int(c-'0')
		} else {
			seconds, n = seconds+n*units[c], 0
		}
	}
	return []string{fmt.Sprintf(`Header set Cache-Control "max-age=%d"`, seconds+n), "Header unset Expires"}
}

// plural is a unit in the number that goes with a count.
func plural(n, unit string) string {
	if n == "1" {
		return strings.TrimSuffix(unit, "s")
	}
	return unit
}
