package apache

import (
	"slices"
	"strconv"
	"strings"

	"rewright/emit"
	"rewright/parser/ir"
)

// errorPage is an error_page directive in its parts.
// Source: nginx ngx_http_core_module.c, ngx_http_core_error_page.
type errorPage struct {
	set    *ir.Setting
	codes  []string
	change bool         // "=" or "=code": the answer has another status than the error
	code   int          // after "="; 0: that of the page itself
	target *ir.Template // path, @name or address
	text   string
}

func readErrorPage(set *ir.Setting) (p errorPage, ok bool) {
	n := len(set.Args)
	if n < 2 || len(set.Templates) < n {
		return p, false
	}
	p = errorPage{set: set, target: set.Templates[n-1], text: set.Args[n-1].Text}
	codes := set.Args[:n-1]
	if last := codes[len(codes)-1].Text; strings.HasPrefix(last, "=") {
		p.change = true
		if last != "=" {
			code, err := strconv.Atoi(last[1:])
			if err != nil {
				return p, false
			}
			p.code = code
		}
		codes = codes[:len(codes)-1]
	}
	for _, c := range codes {
		p.codes = append(p.codes, c.Text)
	}
	return p, len(codes) > 0
}

// address tells whether the page is somewhere else: the client is redirected there.
func (p *errorPage) address() bool {
	return hasScheme.MatchString(p.text) || strings.HasPrefix(p.text, "$scheme://")
}

// entered tells whether a named location goes on with the request, with a status of its own.
func (p *errorPage) entered() bool {
	return strings.HasPrefix(p.text, "@") && p.change && (p.code == 0 || p.code == 200)
}

// byRules tells whether ErrorDocument cannot say it: it keeps the status, redirects by 302 only, and knows no
// variables of nginx.
func (p *errorPage) byRules() bool {
	return p.change && !(p.address() && p.code == 302) || strings.Contains(p.text, "$")
}

// document is what ErrorDocument is given for a page: a path, an address, or a text in quotes. fixed are items of a named
// location that it stands for.
func (w *writer) document(sc *ir.Scope, p *errorPage) (text string, fixed []ir.Item, why string) {
	switch {
	case strings.Contains(p.text, "$"):
		return "", nil, "an error document whose name holds a variable"
	case strings.HasPrefix(p.text, "/"):
		if r := w.textAt(hostOf(sc), p.text); r != nil {
			return documentText(constantText(r.Body)), nil, ""
		}
		return plainWord(p.text), nil, ""
	case p.address():
		return plainWord(p.text), nil, ""
	case !strings.HasPrefix(p.text, "@"):
		return "", nil, "an error document that is no path"
	}
	named := w.named(hostOf(sc), p.text)
	if named == nil {
		return "", nil, "there is no location " + p.text
	}
	var said ir.Item
	for _, it := range named.Items {
		switch it := it.(type) {
		case *ir.Rule:
			if said != nil {
				return "", nil, "the location " + p.text + " does more than name a page"
			}
			said = it
		case *ir.Setting:
			switch {
			case it.Name == "internal" || aside[it.Name]:
			case it.Name == "try_files" && said == nil:
				said = it
			default:
				return "", nil, "the location " + p.text + " does more than name a page"
			}
		case *ir.Opaque:
			if !it.Harmless {
				return "", nil, "the location " + p.text + " does more than name a page"
			}
		default:
			return "", nil, "the location " + p.text + " does more than name a page"
		}
	}
	switch it := said.(type) {
	case *ir.Setting: // try_files /page =404
		page, constant := it.Templates[0].Constant()
		end, fixedEnd := it.Templates[len(it.Templates)-1].Constant()
		if len(it.Templates) == 2 && constant && fixedEnd && strings.HasPrefix(page, "/") && !strings.HasSuffix(page, "/") && strings.HasPrefix(end, "=") && fits(page) {
			return plainWord(page), []ir.Item{it}, ""
		}
	case *ir.Rule:
		if body, constant := it.Body.Constant(); it.Keyword == ir.NginxReturn && it.Body != nil && constant && it.Action != ir.ActionRedirect && body != "" && fits(body) && !strings.Contains(body, "%") {
			return documentText(body), []ir.Item{it}, ""
		}
		page, constant := "", false
		if it.Target != nil {
			page, constant = it.Target.Constant()
		}
		if it.Keyword == ir.NginxRewrite && it.Flow == ir.FlowEnd && it.Action != ir.ActionRedirect && constant && strings.HasPrefix(page, "/") && fits(page) && takesEverything(it.Pattern) {
			return plainWord(page), []ir.Item{it}, ""
		}
	}
	return "", nil, "the location " + p.text + " does more than name a page"
}

// documentText is a text as ErrorDocument takes it.
func documentText(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(text) + `"`
}

// textAt is the return of the location that answers a path with a text that is the same for every request; nil when the
// path is answered otherwise.
func (w *writer) textAt(host *ir.Scope, path string) *ir.Rule {
	if host == nil {
		return nil
	}
	var best *ir.Scope
	for _, l := range locations(host) {
		switch l.Modifier {
		case ir.ExactLocation:
			if l.Path == path {
				best = l
			}
		case ir.PrefixLocation, ir.NoRegexLocation:
			if strings.HasPrefix(path, l.Path) && (best == nil || best.Modifier != ir.ExactLocation && len(l.Path) > len(best.Path)) {
				best = l
			}
		case ir.RegexLocation, ir.RegexLocationCI:
			if best == nil || best.Modifier != ir.ExactLocation {
				return nil
			}
		}
	}
	if best == nil {
		return nil
	}
	r := w.only(best)
	if r == nil || r.Body == nil || r.Action == ir.ActionRedirect || len(locations(best)) > 0 {
		return nil
	}
	if body, constant := r.Body.Constant(); !constant || body == "" || !fits(body) || strings.Contains(body, "%") {
		return nil
	}
	return r
}

// enterPage goes on in the named location that error_page names for a status. ok is false when it names none.
func (s *script) enterPage(status int, conds []string) (ok bool) {
	p := s.pageFor(status)
	if p == nil || !p.entered() {
		return false
	}
	name := s.w.named(hostOf(s.sc), p.text)
	if name == nil || s.sc == name {
		return false
	}
	s.w.pages[p.set] = true
	s.w.note(p.set, s.w.holderOf(s.sc, p.set), "error_page", emit.Exact, "", "")
	if s.enter(s.w.current, name, conds, p.set) {
		s.b.add(&unit{item: p.set, origin: p.set.Origin, lines: rule(conds, whole("^", conds, ""), "-", "L"), rules: 1})
	}
	return true
}

// hasPage tells whether an ErrorDocument is in force for a status, and which return it has its text from.
func (s *script) hasPage(status int) (text *ir.Rule, ok bool) {
	for _, set := range inherited(s.sc, "error_page") {
		if p, ok := readErrorPage(set); ok && !p.byRules() && slices.Contains(p.codes, strconv.Itoa(status)) {
			return s.w.textAt(hostOf(s.sc), p.text), true
		}
	}
	return nil, false
}

// takesEverything tells whether a pattern takes every path, by its usual spellings.
func takesEverything(p *ir.Pattern) bool {
	if p == nil {
		return false
	}
	switch p.Text {
	case "^", ".*", "^.*", "^.*$", "(.*)", "^(.*)", "^(.*)$", "^/", "^/.*", "^/.*$", "^/(.*)$", "^/(.*)", "/", ".", "$", "^(.+)$":
		return true
	}
	return false
}

// errorPage writes error_page as ErrorDocument. What ErrorDocument cannot say is left to the rules: see caught.
func (w *writer) errorPage(v *vhost, sc *ir.Scope, set *ir.Setting) {
	drop := func(why, byHand string) { w.drop(&v.head, set, sc, set.Name, why, byHand) }
	p, ok := readErrorPage(set)
	if !ok {
		drop("its words cannot be read", "")
		return
	}
	if p.byRules() {
		if !w.built {
			// the rules of the locations may say it
			if !w.waiting[set] {
				w.waiting[set] = true
				w.later = append(w.later, func() { w.errorPage(v, sc, set) })
			}
			return
		}
		if w.pages[set] {
			return
		}
		drop("httpd keeps the status of an error document, and its name is a fixed one", "say what leads to the error in a RewriteRule of its own")
		return
	}
	text, fixed, why := w.document(sc, &p)
	if why != "" {
		drop(why, "name the page itself: ErrorDocument "+p.codes[0]+" /page.html")
		return
	}
	var lines []string
	for _, c := range p.codes {
		code, err := strconv.Atoi(c)
		if err != nil || code < 400 || !knownStatus[code] {
			drop("httpd has no error document for "+c, "")
			return
		}
		if w.pageOf[sc] == nil {
			w.pageOf[sc] = map[string]bool{}
		}
		if w.pageOf[sc][c] {
			continue // the first one counts
		}
		w.pageOf[sc][c] = true
		lines = append(lines, "ErrorDocument "+c+" "+text)
	}
	w.note(set, sc, set.Name, emit.Exact, "", "")
	for _, it := range fixed {
		w.note(it, w.named(hostOf(sc), p.text), directiveOf(it), emit.Exact, "", "")
	}
	if strings.HasPrefix(text, `"`) && !strings.HasPrefix(p.text, "/") {
		w.noted[set].Reason = "the text is sent as text/html"
	}
	if sc.Kind == ir.ScopeLocation && !(sc.Path == "/" && sc.Modifier == ir.PrefixLocation) {
		w.headNow().add(&unit{item: set, origin: set.Origin, lines: w.around(sc, lines...)})
		return
	}
	v.head.add(&unit{item: set, origin: set.Origin, lines: lines})
}

// pageFor is the error_page in force for a status, when rules say it.
func (s *script) pageFor(status int) *errorPage {
	for _, set := range inherited(s.sc, "error_page") {
		p, ok := readErrorPage(set)
		if !ok {
			continue
		}
		for _, c := range p.codes {
			if c == strconv.Itoa(status) {
				if p.byRules() {
					return &p
				}
				return nil
			}
		}
	}
	return nil
}

// caught writes what an error of a status leads to where ErrorDocument cannot say it. ok is false when there is no such
// error_page, or it cannot be said by a rule either. Source: nginx ngx_http_special_response.c,
// ngx_http_send_error_page: the page is asked for without the query.
func (s *script) caught(status int, conds []string, pattern string) (lines []string, ok bool) {
	p := s.pageFor(status)
	if p == nil {
		return nil, false
	}
	done := func(l []string) ([]string, bool) {
		s.w.pages[p.set] = true
		s.w.note(p.set, s.w.holderOf(s.sc, p.set), "error_page", emit.Exact, "", "")
		return l, true
	}
	if strings.HasPrefix(p.text, "@") {
		return nil, false
	}
	v, why := s.expand(p.target, false)
	if why != "" || v.whole {
		return nil, false
	}
	pat := whole(pattern, conds, v.text)
	if p.address() {
		code := p.code
		switch {
		case !p.change:
			code = 302
		case code == 301 || code == 302 || code == 303 || code == 307 || code == 308:
		default:
			return nil, false
		}
		flags := []string{"R=" + strconv.Itoa(code)}
		if v.raw || s.w.forms.careful[p.set] && decoded(&ir.Rule{Target: p.target}) {
			flags = append(flags, "NE")
		}
		if !v.query {
			flags = append(flags, "QSD")
		}
		return done(rule(conds, pat, v.text, append(flags, "L")...))
	}
	if !strings.HasPrefix(p.text, "/") {
		return nil, false
	}
	switch {
	case !p.change:
		return nil, false
	case p.code == 0 || p.code == 200:
		if !strings.Contains(v.text, "?") {
			return done(rule(conds, pat, v.text, "QSD", "L"))
		}
		return done(rule(conds, pat, v.text, "L"))
	case knownStatus[p.code] && p.code >= 400:
		// another error with the same page
		for _, set := range inherited(s.sc, "error_page") {
			q, ok := readErrorPage(set)
			if !ok || q.byRules() || q.text != p.text {
				continue
			}
			for _, c := range q.codes {
				if c == strconv.Itoa(p.code) {
					return done(rule(conds, pattern, "-", "R="+c+",L"))
				}
			}
		}
	}
	return nil, false
}

// holderOf is the scope around that holds a setting.
func (w *writer) holderOf(sc *ir.Scope, set *ir.Setting) *ir.Scope {
	for at := sc; at != nil; at = at.Parent {
		for _, it := range at.Items {
			if it == ir.Item(set) {
				return at
			}
		}
	}
	return sc
}

// missing writes what a request for a file that is not there leads to, where ErrorDocument cannot say it.
func (s *script) missing() {
	s.closedFolder()
	p := s.pageFor(404)
	if p == nil {
		return
	}
	conds := []string{condition(s.filename(""), "!-f"), condition(s.filename(""), "!-d")}
	if p.entered() {
		s.enterPage(404, conds)
		return
	}
	lines, ok := s.caught(404, conds, "^")
	if ok {
		lines = s.settle(lines)
		s.b.add(&unit{item: p.set, origin: p.set.Origin, lines: lines, rules: countRules(lines)})
	}
}

// closedFolder writes what a request for a folder without an index leads to, where ErrorDocument cannot say it.
func (s *script) closedFolder() {
	p := s.pageFor(403)
	if list := inherited(s.sc, "autoindex"); p == nil || len(list) > 0 && list[0].Arg(0) == "on" {
		return
	}
	folder := s.filename("")
	conds := []string{condition(folder, "-d"), "%{REQUEST_URI} /$"}
	names := []string{"index.html"}
	if list := inherited(s.sc, "index"); len(list) > 0 {
		names = nil
		for _, set := range list {
			for _, a := range set.Args {
				if strings.ContainsAny(a.Text, "$/") || !fits(a.Text) {
					return
				}
				names = append(names, a.Text)
			}
		}
	}
	for _, n := range names {
		conds = append(conds, condition(s.filename(escapeLiteral(n)), "!-f"))
	}
	if s.enterPage(403, conds) {
		return
	}
	if lines, ok := s.caught(403, conds, "^"); ok {
		lines = s.settle(lines)
		s.b.add(&unit{item: p.set, origin: p.set.Origin, lines: lines, rules: countRules(lines)})
	}
}
