package httpd

import (
	"strconv"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/sim"
)

// serverEnv runs SetEnvIf of the host, before everything else. Source: mod_setenvif, post_read_request.
func (r *request) serverEnv() {
	if r.prev == nil && r.main == nil || true {
		r.setEnvIf(r.h.setEnvIf)
	}
}

// headerEnv runs what directories say of the environment before access control.
func (r *request) headerEnv(c *dirConf) {
	for _, l := range c.layers {
		r.setEnvIf(l.setEnvIf)
	}
	for _, l := range c.layers {
		for _, h := range l.reqHeaders {
			if n := len(h.Args); n > 0 && strings.EqualFold(h.Args[n-1].Text, "early") {
				r.doubt("RequestHeader early is not modelled")
			}
		}
	}
}

// setEnvIf runs a list of SetEnvIf and its kin. Source: mod_setenvif.c, match_headers.
func (r *request) setEnvIf(list []*ir.Setting) {
	for _, s := range list {
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
			} else if strings.ContainsAny(name, "^*[(.$+?\\") {
				o := pattern.Apache
				if re, err := pattern.Compile(name, o); err == nil {
					for _, h := range r.header {
						if ok, err := re.MatchBool(h[0]); err == nil && ok {
							val = h[1]
						}
					}
				}
			} else if v, ok := r.env[name]; ok {
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
		for _, a := range s.Args[regexAt+1:] {
			n, v, has := strings.Cut(a.Text, "=")
			if strings.HasPrefix(n, "!") {
				delete(r.env, n[1:])
				continue
			}
			if !has {
				v = "1"
			}
			r.env[n] = substitute(v, m)
			r.note(sim.Step{Kind: sim.StepSet, Origin: s.Origin, Name: s.Name, Input: n, Result: r.env[n]})
		}
	}
}

func substitute(t string, m pattern.Match) string {
	if strings.IndexByte(t, '$') < 0 {
		return t
	}
	out := ""
	for i := 0; i < len(t); i++ {
		switch {
		case t[i] == '$' && i+1 < len(t) && t[i+1] >= '0' && t[i+1] <= '9':
			out += m.Group(int(t[i+1] - '0'))
			i++
		case t[i] == '\\' && i+1 < len(t) && (t[i+1] == '$' || t[i+1] == '&'):
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
	r.runSetEnv()
	var table [2][][2]string // onsuccess, always
	table[1] = append(table[1], r.always...)
	if !r.errorResponse && len(r.vary) > 0 {
		v := ""
		for i, n := range r.vary {
			if i > 0 {
				v += ", "
			}
			v += n
		}
		table[0] = append(table[0], [2]string{"Vary", v})
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
	for _, t := range []int{0, 1} {
		if t == 0 && r.errorResponse {
			continue
		}
		for _, h := range list {
			r.headerAction(h, t, &table, status)
		}
	}
	if r.conf != nil {
		on := false
		for _, l := range r.conf.layers {
			if l.expiresOn != nil {
				on = *l.expiresOn
			}
		}
		_ = on
	}
	if r.location != nil && r.errorResponse {
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
				if status == 200 {
					out.Status = 302
				}
			}
		}
		out.Header = append(out.Header, table[0]...)
	}
	out.Header = append(out.Header, table[1]...)
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
				r.env[s.Arg(0)] = s.Arg(1)
			case "unsetenv":
				for _, a := range s.Args {
					delete(r.env, a.Text)
				}
			case "passenv":
				for _, a := range s.Args {
					if v, ok := r.s.world.Env[a.Text]; ok {
						r.env[a.Text] = v
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
			_, ok := r.env[strings.TrimPrefix(v, "!")]
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
				if !r.evalBool(h.Expr, nil) {
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
		value = r.headerFormat(args[0].Text)
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

// headerFormat expands the value of Header: %{NAME}e, %{NAME}s, %t, %D, %%; expr=… is an expression string.
func (r *request) headerFormat(text string) string {
	if strings.HasPrefix(text, "expr=") {
		return r.exprStringText(text[5:])
	}
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
				if v, ok := r.env[name]; ok {
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

var _ = strconv.Itoa
