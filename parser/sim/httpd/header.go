package httpd

import (
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/sim"
)

// serverEnv runs SetEnvIf of the host, before everything else. Source: mod_setenvif, post_read_request.
func (r *request) serverEnv() { r.setEnvIf(r.h.setEnvIf) }

// headerEnv runs SetEnvIf of directories and sections, after all of them are merged: <If> does not see it.
// Source: mod_setenvif, header_parser.
func (r *request) headerEnv(c *dirConf) {
	for _, l := range c.layers {
		r.setEnvIf(l.setEnvIf)
	}
}

// requestHeaders changes the headers of the request as RequestHeader says: late in the fixups, so that only what
// comes behind them sees it, or early, before everything else. Source: mod_headers.c, ap_headers_fixup and
// ap_headers_early.
func (r *request) requestHeaders(c *dirConf, early bool) {
	var tables [2][][2]string
	copied := false
	for _, l := range c.layers {
		for _, h := range l.reqHeaders {
			n := len(h.Args)
			if n < 2 || strings.EqualFold(h.Args[n-1].Text, "early") != early {
				continue
			}
			if name := strings.TrimSuffix(h.Arg(1), ":"); equalFold(name, "Host") {
				r.doubt("RequestHeader " + h.Arg(0) + " Host is not modelled")
				continue
			}
			if !copied {
				copied = true
				tables[0] = append(tables[0], r.header...)
			}
			r.headerAction(h, 0, &tables, r.status)
		}
	}
	if copied {
		r.header = tables[0]
	}
}

// setEnvIf runs a list of SetEnvIf and its kin. Source: mod_setenvif.c, match_headers.
func (r *request) setEnvIf(list []*ir.Setting) {
	for _, s := range list {
		if strings.EqualFold(s.Name, "SetEnvIfExpr") {
			r.setEnvIfExpr(s)
			continue
		}
		name, regexAt := s.Arg(0), 1
		if strings.HasPrefix(strings.ToLower(s.Name), "browser") {
			name, regexAt = "User-Agent", 0
		}
		if regexAt >= len(s.Args) {
			continue
		}
		val := ""
		switch strings.ToLower(name) {
		case "remote_addr", "remote_host":
			val = r.clientAddr().String()
		case "server_addr":
			val = addr(r.s.world.ServerAddr.IsValid(), r.s.world.ServerAddr.String())
		case "request_method":
			val = r.method
		case "request_protocol":
			val = r.theRequest[strings.LastIndexByte(r.theRequest, ' ')+1:]
		case "request_uri":
			val = r.uri
		default:
			if h, ok := r.lookHeader(name); ok {
				val = h
			} else if re := r.s.headerPattern(name); re != nil {
				for _, h := range r.header {
					if ok, err := re.MatchBool(h[0]); err == nil && ok {
						val = h[1]
					}
				}
			} else if v, ok := r.env.get(name); ok {
				val = v
			}
		}
		if s.Pattern == nil || s.Pattern.Re == nil {
			continue
		}
		m, ok := r.match(s.Pattern, val)
		if !ok {
			continue
		}
		r.setVariables(s, s.Args[regexAt+1:], &m)
	}
}

// setEnvIfExpr sets variables when an expression holds.
func (r *request) setEnvIfExpr(s *ir.Setting) {
	if s.Expr == nil {
		r.doubt("the expression of " + s.Name + " could not be read")
		return
	}
	e := &evaluator{r: r}
	if !e.decide(s.Expr) || len(s.Args) == 0 {
		return
	}
	var m *pattern.Match
	switch {
	case e.hasLast:
		m = &e.last
	case !e.captured:
		for _, a := range s.Args[1:] {
			if strings.Contains(a.Text, "$") {
				r.doubt("captures behind an expression without groups are undefined in httpd")
			}
		}
	}
	r.setVariables(s, s.Args[1:], m)
}

// setVariables carries out name, name=value and !name; with m, $N in a value is what was captured.
func (r *request) setVariables(s *ir.Setting, list []ir.Word, m *pattern.Match) {
	for _, a := range list {
		n, v, has := strings.Cut(a.Text, "=")
		if strings.HasPrefix(n, "!") {
			r.env.unset(n[1:])
			continue
		}
		if !has {
			v = "1"
		}
		if m != nil {
			v = substitute(v, *m)
		}
		if r.tooLong(v) {
			return
		}
		r.env.set(n, v)
		r.note(sim.Step{Kind: sim.StepSet, Origin: s.Origin, Name: s.Name, Input: n, Result: v})
	}
}

// headerPattern compiles the first argument of SetEnvIf when it is a pattern for names of headers; nil when it is a
// name. Source: mod_setenvif.c, is_header_regex.
func (s *simulator) headerPattern(name string) *pattern.Regexp {
	plain := true
	for i := 0; i < len(name); i++ {
		if c := name[i]; !isAlnum(c) && c != '-' && c != '_' {
			plain = false
		}
	}
	if plain {
		return nil
	}
	if re, ok := s.cache.Load(name); ok {
		return re.(*pattern.Regexp)
	}
	re, err := pattern.Compile(name, pattern.Apache)
	if err != nil {
		re = nil
	}
	s.cache.Store(name, re)
	return re
}

func substitute(t string, m pattern.Match) string {
	if strings.IndexByte(t, '$') < 0 && strings.IndexByte(t, '\\') < 0 {
		return t
	}
	out := ""
	for i := 0; i < len(t); i++ {
		switch {
		case t[i] == '$' && i+1 < len(t) && t[i+1] >= '0' && t[i+1] <= '9':
			out += m.Group(int(t[i+1] - '0'))
			i++
		case t[i] == '\\' && i+1 < len(t):
			i++
			out += t[i : i+1]
		default:
			out += t[i : i+1]
		}
	}
	return out
}

// sendHeaders puts the headers of the configuration into the outcome: on an error or redirect the table "always"
// only. Source: mod_headers.c, ap_headers_output_filter and ap_headers_error_filter.
func (r *request) sendHeaders(status int) {
	out := r.top.out
	var table [2][][2]string // onsuccess, always
	expires := r.expiresFields(status)
	table[1] = append(table[1], r.always...)
	if !r.errorResponse && len(r.vary) > 0 {
		var names []string
	vary:
		for _, n := range r.vary {
			for _, old := range names {
				if equalFold(old, n) {
					continue vary
				}
			}
			names = append(names, n)
		}
		table[0] = append(table[0], [2]string{"Vary", strings.Join(names, ",")})
	}
	if !r.errorResponse {
		table[0] = append(table[0], expires...)
	}
	var list []*ir.Setting
	list = append(list, r.h.headers...)
	if r.conf != nil {
		for _, l := range r.conf.layers {
			if k := l.scope.Kind; k != ir.ScopeMain && k != ir.ScopeHost {
				list = append(list, l.headers...)
			}
		}
	}
	for _, t := range []int{1, 0} {
		if t == 0 && r.errorResponse {
			continue
		}
		for _, h := range list {
			r.headerAction(h, t, &table, status)
		}
	}
	if r.errorResponse {
		for i := range table[1] {
			if strings.EqualFold(table[1][i][0], "Location") {
				v := table[1][i][1]
				r.location = &v
			}
		}
	}
	if !r.errorResponse {
		for _, h := range table[0] {
			if strings.EqualFold(h[0], "Location") {
				v := h[1]
				r.location = &v
			}
		}
	}
	out.Header = append(out.Header, table[1]...)
	if r.errorResponse {
		out.Header = append(out.Header, expires...)
	} else {
		out.Header = append(out.Header, table[0]...)
	}
}

// runSetEnv applies SetEnv, UnsetEnv and PassEnv, which come after rewriting.
func (r *request) runSetEnv() {
	if r.conf == nil {
		return
	}
	for _, l := range r.conf.layers {
		for _, s := range l.setEnv {
			switch strings.ToLower(s.Name) {
			case "setenv":
				r.env.set(s.Arg(0), s.Arg(1))
			case "unsetenv":
				for _, a := range s.Args {
					r.env.unset(a.Text)
				}
			case "passenv":
				for _, a := range s.Args {
					if v, ok := r.s.world.Env[a.Text]; ok {
						r.env.set(a.Text, v)
					}
				}
			}
		}
	}
}

// headerAction runs one Header directive on the table it names. Source: mod_headers.c, do_headers_fixup.
func (r *request) headerAction(h *ir.Setting, t int, tables *[2][][2]string, status int) {
	args := h.Args
	where := 0
	if len(args) > 0 {
		switch strings.ToLower(args[0].Text) {
		case "always":
			where, args = 1, args[1:]
		case "onsuccess":
			args = args[1:]
		}
	}
	if where != t || len(args) < 2 {
		return
	}
	action, name := strings.ToLower(args[0].Text), strings.TrimSuffix(args[1].Text, ":")
	args = args[2:]
	if n := len(args); n > 0 {
		last := args[n-1].Text
		switch {
		case strings.HasPrefix(last, "env="):
			v := last[4:]
			neg := strings.HasPrefix(v, "!")
			_, ok := r.env.get(strings.TrimPrefix(v, "!"))
			if ok == neg {
				return
			}
			args = args[:n-1]
		case strings.HasPrefix(last, "expr="):
			if action == "unset" || n > 1 {
				if h.Expr == nil {
					r.doubt("an expression of Header could not be read")
					return
				}
				if !r.evalBool(h.Expr) {
					return
				}
				args = args[:n-1]
			}
		case strings.EqualFold(last, "early"):
			args = args[:n-1]
		}
	}
	list := &tables[t]
	value := ""
	if len(args) > 0 && action != "edit" && action != "edit*" {
		value = r.headerValueOf(h, args[0])
	}
	find := func() int {
		for i, e := range *list {
			if strings.EqualFold(e[0], name) {
				return i
			}
		}
		return -1
	}
	remove := func() {
		kept := (*list)[:0:0]
		for _, e := range *list {
			if !strings.EqualFold(e[0], name) {
				kept = append(kept, e)
			}
		}
		*list = kept
	}
	switch action {
	case "set":
		remove()
		*list = append(*list, [2]string{name, value})
	case "setifempty":
		if find() < 0 {
			*list = append(*list, [2]string{name, value})
		}
	case "add":
		*list = append(*list, [2]string{name, value})
	case "append", "merge":
		i := find()
		switch {
		case i < 0:
			*list = append(*list, [2]string{name, value})
		case action == "append" || !hasToken((*list)[i][1], value):
			(*list)[i][1] += ", " + value
		}
	case "unset":
		remove()
	case "edit", "edit*":
		if len(args) < 2 {
			return
		}
		re, err := pattern.Compile(args[0].Text, pattern.Apache)
		if err != nil {
			return
		}
		for i := range *list {
			if strings.EqualFold((*list)[i][0], name) {
				(*list)[i][1] = editHeader(re, (*list)[i][1], args[1].Text, action == "edit*")
			}
		}
	case "echo", "note":
		r.doubt("Header " + action + " is not modelled")
		return
	}
	r.note(sim.Step{Kind: sim.StepSet, Origin: h.Origin, Name: "Header", Input: name, Result: value, Note: action})
}

func hasToken(list, v string) bool {
	for _, p := range strings.Split(list, ",") {
		if strings.TrimSpace(p) == v {
			return true
		}
	}
	return false
}

func editHeader(re *pattern.Regexp, v, repl string, all bool) string {
	out := ""
	for {
		m, ok, err := re.Match(v)
		if err != nil || !ok {
			return out + v
		}
		a, b := m.Span(0)
		out += v[:a] + substitute(repl, m)
		if !all || b == a {
			return out + v[b:]
		}
		v = v[b:]
	}
}

// headerValueOf expands the value of a Header directive: expr=… is an expression string.
func (r *request) headerValueOf(h *ir.Setting, w ir.Word) string {
	for i := range h.Args {
		if i < len(h.Templates) && h.Args[i].Span == w.Span && h.Templates[i] != nil {
			return r.exprText(h.Templates[i])
		}
	}
	if strings.HasPrefix(w.Text, "expr=") {
		r.doubt("an expression of Header could not be read")
	}
	return r.headerFormat(w.Text)
}

// headerFormat expands the value of Header: %{NAME}e, %{NAME}s, %t, %D, %%; expr=… is an expression string.
func (r *request) headerFormat(text string) string {
	if strings.IndexByte(text, '%') < 0 && strings.IndexByte(text, '\\') < 0 {
		return text
	}
	out := ""
	for i := 0; i < len(text); i++ {
		if text[i] != '%' || i+1 >= len(text) {
			out += text[i : i+1]
			continue
		}
		switch text[i+1] {
		case '%':
			out += "%"
			i++
		case '{':
			end := strings.IndexByte(text[i:], '}')
			if end < 0 || i+end+1 >= len(text) {
				out += text[i:]
				return out
			}
			name, kind := text[i+2:i+end], text[i+end+1]
			switch kind {
			case 'e':
				if v, ok := r.env.get(name); ok {
					out += v
				} else {
					out += "(null)"
				}
			case 's':
				if strings.EqualFold(name, "HTTPS") {
					out += onOff(r.tls)
				} else {
					r.doubt("%{" + name + "}s is not known")
				}
			}
			i += end + 1
		case 't', 'D', 'l', 'i', 'b':
			r.doubt("%" + text[i+1:i+2] + " of Header is not known")
			i++
		default:
			out += text[i : i+1]
		}
	}
	return out
}
