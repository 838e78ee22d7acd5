package httpd

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// target expands a rule's target. unsafe tells that a ? that would split the query came out of an expansion.
// Source: do_expand with unsafe_qmark.
func (ctx *ruleRun) target(p *ir.Rule) (text string, unsafe bool) {
	tracking := true
	var b strings.Builder
	for i := range p.Target.Parts {
		part := &p.Target.Parts[i]
		s := ctx.part(part, p)
		b.WriteString(s)
		if !tracking || part.Escaped && part.Kind == ir.Literal || strings.IndexByte(s, '?') < 0 {
			continue
		}
		unsafe = part.Kind != ir.Literal
		if !p.Query.SplitLast {
			tracking = false
		}
	}
	return b.String(), unsafe
}

func (ctx *ruleRun) expand(t *ir.Template, p *ir.Rule) string {
	if t == nil {
		return ""
	}
	if len(t.Parts) == 1 {
		return ctx.part(&t.Parts[0], p)
	}
	var b strings.Builder
	for i := range t.Parts {
		b.WriteString(ctx.part(&t.Parts[i], p))
	}
	return b.String()
}

func (ctx *ruleRun) part(part *ir.Part, p *ir.Rule) string {
	switch part.Kind {
	case ir.Literal:
		return part.Text
	case ir.RuleRef:
		if !ctx.ruleSrc {
			return ""
		}
		return escapeRef(ctx.rule.Group(part.N), p)
	case ir.CondRef:
		if ctx.condLost {
			ctx.r.doubt("%" + strconv.Itoa(part.N) + " behind an expr condition is undefined in httpd")
			return ""
		}
		if !ctx.condSrc {
			return ""
		}
		return escapeRef(ctx.cond.Group(part.N), p)
	case ir.Variable:
		return ctx.variable(part)
	case ir.Lookup:
		v, ok := ctx.r.lookMap(part.Map, ctx.expand(part.Key, p))
		if !ok && part.Default != nil {
			return ctx.expand(part.Default, p)
		}
		return v
	}
	return part.Text
}

// escapeRef is the B family of flags. Source: escape_backref.
func escapeRef(s string, p *ir.Rule) string {
	if p == nil || !p.Escape.Backrefs || s == "" {
		return s
	}
	e := &p.Escape
	const hex = "0123456789abcdef"
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		escape := false
		if e.Controls {
			escape = c <= 0x20 || c == 0x7f
		} else {
			escape = e.Only == ""
		}
		escape = escape || e.Only != "" && strings.IndexByte(e.Only, c) >= 0
		if e.Except != "" && strings.IndexByte(e.Except, c) >= 0 {
			escape = false
		}
		switch {
		case !escape || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
			b.WriteByte(c)
		case c == ' ' && !e.NoPlus:
			b.WriteByte('+')
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}

func (ctx *ruleRun) variable(part *ir.Part) string {
	r := ctx.r
	switch part.Space {
	case "HTTP":
		return ctx.headerVariable(part.Name)
	case "ENV":
		return r.getenv(part.Name)
	case "SSL":
		return r.sslVariable(part.Name)
	case "LA-U", "LA-F":
		return ctx.lookAhead(part)
	}
	switch part.Name {
	case "HTTP_USER_AGENT", "HTTP_REFERER", "HTTP_COOKIE", "HTTP_FORWARDED", "HTTP_HOST", "HTTP_PROXY_CONNECTION", "HTTP_ACCEPT":
		return ctx.headerVariable(headerNames[part.Name])
	}
	v, _ := r.serverVariable(part.Name)
	return v
}

// sslVariable is a variable of mod_ssl.
func (r *request) sslVariable(name string) string {
	switch {
	case equalFold(name, "HTTPS"):
		return onOff(r.tls)
	case r.tls:
		r.doubt("the TLS variable " + name + " is not known")
	}
	return ""
}

// headerVariable is a request header; one that was sent goes into Vary when the rule matches.
// Source: lookup_header.
func (ctx *ruleRun) headerVariable(name string) string {
	v, ok := ctx.r.lookHeader(name)
	if ok && !equalFold(name, "Host") {
		ctx.varyThis = append(ctx.varyThis, name)
	}
	return v
}

// headerNames are the request headers that are variables of their own.
var headerNames = map[string]string{"HTTP_USER_AGENT": "User-Agent", "HTTP_REFERER": "Referer", "HTTP_COOKIE": "Cookie",
	"HTTP_FORWARDED": "Forwarded", "HTTP_HOST": "Host", "HTTP_PROXY_CONNECTION": "Proxy-Connection", "HTTP_ACCEPT": "Accept"}

func onOff(b bool) string {
	if b {
		return "on"
	}
	return "off"
}

// getenv finds an environment variable of the request, then of the process.
func (r *request) getenv(name string) string {
	if v, ok := r.env.get(name); ok {
		return v
	}
	return r.s.world.Env[name]
}

// serverVariable is a variable without name space; ok is false for an unknown one.
// Source: mod_rewrite.c, lookup_variable.
func (r *request) serverVariable(name string) (string, bool) {
	switch name {
	case "REQUEST_METHOD":
		return r.method, true
	case "THE_REQUEST":
		return r.theRequest, true
	case "REQUEST_URI":
		return r.uri, true
	case "REQUEST_FILENAME", "SCRIPT_FILENAME":
		return r.filename, true
	case "PATH_INFO":
		return r.pathInfo, true
	case "QUERY_STRING":
		if r.args == nil {
			return "", true
		}
		return *r.args, true
	case "DOCUMENT_ROOT":
		return r.h.docroot, true
	case "CONTEXT_PREFIX":
		return r.ctxPrefix, true
	case "CONTEXT_DOCUMENT_ROOT":
		if r.ctxRoot != "" {
			return r.ctxRoot, true
		}
		return r.h.docroot, true
	case "SERVER_NAME":
		return r.serverName(), true
	case "SERVER_PORT":
		return strconv.Itoa(r.serverPort()), true
	case "SERVER_PROTOCOL":
		if r.main != nil {
			return "INCLUDED", true
		}
		return r.theRequest[strings.LastIndexByte(r.theRequest, ' ')+1:], true
	case "SERVER_ADDR":
		return addr(r.s.world.ServerAddr.IsValid(), r.s.world.ServerAddr.String()), true
	case "REMOTE_ADDR", "CONN_REMOTE_ADDR", "REMOTE_HOST":
		return addr(r.s.world.ClientAddr.IsValid(), r.s.world.ClientAddr.String()), true
	case "REMOTE_USER":
		return r.s.world.RemoteUser, true
	case "REMOTE_IDENT", "AUTH_TYPE":
		return "", true
	case "REQUEST_SCHEME":
		return r.scheme(), true
	case "HTTPS":
		return onOff(r.tls), true
	case "IPV6":
		return onOff(false), true
	case "IS_SUBREQ":
		return strconv.FormatBool(r.main != nil), true
	case "SERVER_ADMIN":
		return "[no address given]", true
	case "SERVER_SOFTWARE", "API_VERSION", "REMOTE_PORT", "SCRIPT_USER", "SCRIPT_GROUP":
		r.doubt("%{" + name + "} is not known")
		return "", true
	}
	if strings.HasPrefix(name, "TIME") {
		t := r.s.world.Time
		switch name {
		case "TIME", "TIME_YEAR", "TIME_MON", "TIME_DAY", "TIME_HOUR", "TIME_MIN", "TIME_SEC", "TIME_WDAY":
			if t.IsZero() {
				r.doubt("%{" + name + "}: the time is not known")
				return "", true
			}
		}
		switch name {
		case "TIME":
			return t.Format("20060102150405"), true
		case "TIME_YEAR":
			return t.Format("2006"), true
		case "TIME_MON":
			return t.Format("01"), true
		case "TIME_DAY":
			return t.Format("02"), true
		case "TIME_HOUR":
			return t.Format("15"), true
		case "TIME_MIN":
			return t.Format("04"), true
		case "TIME_SEC":
			return t.Format("05"), true
		case "TIME_WDAY":
			return strconv.Itoa(int(t.Weekday())), true
		}
	}
	return "", false
}

func addr(ok bool, s string) string {
	if ok {
		return s
	}
	return "127.0.0.1"
}

// lookAhead is %{LA-U:…} and %{LA-F:…}: the variable as a subrequest would see it.
func (ctx *ruleRun) lookAhead(part *ir.Part) string {
	r := ctx.r
	if r.filename == "" {
		return ""
	}
	if !r.subreqOK() {
		return ""
	}
	var sub *request
	if part.Space == "LA-U" {
		target := ctx.uri
		if ctx.perDir {
			if !strings.HasPrefix(target, "/") {
				target = r.laURL(ctx)
			}
		}
		sub = r.subrequestURI(target)
	} else if name := ctx.uri; ctx.perDir && strings.HasPrefix(name, "/") {
		sub = r.subrequestURI(name)
	} else {
		if ctx.perDir {
			name = ctx.dir + name
		}
		sub = r.subrequestFile(name)
	}
	if sub == nil {
		return ""
	}
	c := &ruleRun{r: sub}
	p := *part
	p.Space = ""
	if space, name, ok := strings.Cut(part.Name, ":"); ok {
		p.Space, p.Name = space, name
	}
	v := c.variable(&p)
	return v
}

// laURL is the URL that LA-U looks up: in a directory the path below it behind RewriteBase or the directory.
// Source: la_u.
func (r *request) laURL(ctx *ruleRun) string {
	c := r.conf
	if c.base != nil {
		return *c.base + ctx.uri
	}
	return ctx.dir + ctx.uri
}

// env sets and unsets the variables of E. Source: do_expand_env.
func (ctx *ruleRun) env(p *ir.Rule) {
	for i := range p.Env {
		text := ctx.expand(p.Env[i].Raw, p)
		if ctx.r.tooLong(text) {
			return
		}
		if strings.HasPrefix(text, "!") {
			ctx.r.env.unset(text[1:])
			ctx.r.note(sim.Step{Kind: sim.StepSet, Origin: p.Origin, Name: "E", Input: text[1:], Note: "unset"})
			continue
		}
		name, value, _ := strings.Cut(text, ":")
		ctx.r.env.set(name, value)
		ctx.r.note(sim.Step{Kind: sim.StepSet, Origin: p.Origin, Name: "E", Input: name, Result: value})
	}
}

// cookies sets the cookies of CO. Source: add_cookie.
func (ctx *ruleRun) cookies(p *ir.Rule) {
	// A cookie is set in the request that the client made, also by a subrequest (add_cookie).
	main := ctx.r
	for main.main != nil {
		main = main.main
	}
	for _, t := range p.Cookies {
		text := ctx.expand(t, p)
		if text == "" {
			ctx.r.doubt("a CO flag that expands to nothing crashes httpd")
			continue
		}
		sep := ":"
		if text[0] == ';' {
			sep, text = ";", text[1:]
		}
		f := strings.FieldsFunc(text, func(c rune) bool { return string(c) == sep })
		if len(f) < 3 {
			continue
		}
		for len(f) < 8 {
			f = append(f, "")
		}
		if main.cookieSet(f[0]) {
			continue
		}
		v := f[0] + "=" + f[1] + "; path="
		if f[4] != "" {
			v += f[4]
		} else {
			v += "/"
		}
		v += "; domain=" + f[2]
		if n := atoi(f[3]); f[3] != "" && n != 0 {
			if ctx.r.s.world.Time.IsZero() {
				v += "; expires=?"
			} else {
				v += "; expires=" + ctx.r.s.world.Time.UTC().Add(time.Duration(n)*time.Minute).Format("Mon, 02-Jan-2006 15:04:05 GMT")
			}
		}
		if s := lower(f[5]); s == "true" || s == "1" || s == "secure" {
			v += "; secure"
		}
		if s := lower(f[6]); s == "true" || s == "1" || s == "httponly" {
			v += "; HttpOnly"
		}
		if f[7] != "" && f[7] != "false" && f[7] != "0" {
			v += "; SameSite=" + f[7]
		}
		main.always = append(main.always, [2]string{"Set-Cookie", v})
	}
}

func (r *request) cookieSet(name string) bool {
	for _, c := range r.always {
		if c[0] == "Set-Cookie" && strings.HasPrefix(c[1], name+"=") {
			return true
		}
	}
	return false
}

// condition evaluates a RewriteCond. Source: apply_rewrite_cond.
func (ctx *ruleRun) condition(c *ir.Condition) bool {
	r := ctx.r
	input := ""
	if c.Kind != ir.CondExpr {
		input = ctx.expand(c.Test, nil)
	}
	st := sim.Step{Kind: sim.StepCondition, Origin: c.Origin, Name: "RewriteCond", Input: input}
	ok := false
	switch c.Kind {
	case ir.CondRegex:
		if c.Pattern == nil || c.Pattern.Re == nil {
			r.doubt("a condition's pattern does not compile")
			return false
		}
		m, hit := r.match(c.Pattern, input)
		ok = hit
		st.Pattern = c.Pattern.Text
		if hit && !c.Negated {
			ctx.cond, ctx.condSrc, ctx.condLost = m, true, false
			if r.tracing() {
				a, b := m.Span(0)
				st.Span = &[2]int{a, b}
				for i := 1; i <= c.Pattern.Re.Groups() && i < 10; i++ {
					st.Captures = append(st.Captures, m.Group(i))
				}
			}
		}
	case ir.CondString:
		text, _ := c.Operand.Constant()
		st.Pattern = c.Op + text
		cmp := 0
		if c.IgnoreCase {
			cmp = strings.Compare(lower(input), lower(text))
		} else {
			cmp = lexicography(input, text)
		}
		switch c.Op {
		case "=":
			ok = cmp == 0
		case "<":
			ok = cmp < 0
		case "<=":
			ok = cmp <= 0
		case ">":
			ok = cmp > 0
		case ">=":
			ok = cmp >= 0
		}
	case ir.CondNumber:
		text, _ := c.Operand.Constant()
		st.Pattern = c.Op + text
		a, b := atoi(input), atoi(text)
		switch c.Op {
		case "-eq":
			ok = a == b
		case "-ne":
			ok = a != b
		case "-lt":
			ok = a < b
		case "-le":
			ok = a <= b
		case "-gt":
			ok = a > b
		case "-ge":
			ok = a >= b
		}
	case ir.CondFile:
		st.Pattern = c.Op
		switch c.Op {
		case "-U":
			if input != "" && r.subreqOK() {
				if sub := r.subrequestURI(input); sub != nil {
					ok = sub.status < 400
				}
			}
		case "-F":
			if input != "" && r.subreqOK() {
				if sub := r.subrequestFile(input); sub != nil {
					ok = sub.status < 300 && r.statPath(sub.filename).Kind != sim.NoFile
				}
			}
		default:
			info := r.statPath(input)
			switch c.Op {
			case "-f":
				ok = info.Kind == sim.Regular
			case "-s":
				ok = info.Kind == sim.Regular && info.Size > 0
			case "-d":
				ok = info.Kind == sim.Directory
			case "-x":
				ok = info.Executable || info.Kind == sim.Directory
			default:
				ok = r.statLink(input)
			}
		}
	case ir.CondExpr:
		if c.Expr == nil {
			r.doubt("an expression could not be read")
			return false
		}
		e := &evaluator{r: r, novary: c.NoVary}
		ok = e.decide(c.Expr)
		if ok && !c.Negated {
			ctx.cond, ctx.condSrc, ctx.condLost = e.last, e.hasLast, !e.captured
		}
		st.Input, st.Pattern = "expr", c.Test.Text
	}
	if c.Negated {
		ok = !ok
		st.Pattern = "!" + st.Pattern
	}
	st.Matched = truth(ok)
	r.note(st)
	return ok
}

func (r *request) statLink(p string) bool {
	if !strings.HasPrefix(p, "/") {
		p = "/" + p
	}
	if strings.HasSuffix(p, "/") {
		return false
	}
	return r.stat(p).Link
}

// lexicography compares as mod_rewrite does: the longer text is greater. Source: compare_lexicography.
func lexicography(a, b string) int {
	if len(a) != len(b) {
		if len(a) > len(b) {
			return 1
		}
		return -1
	}
	return strings.Compare(a, b)
}

// subreqOK keeps a rule from asking for its own URL for ever. Source: subreq_ok.
func (r *request) subreqOK() bool { return r.main == nil || r.main.uri != r.uri }

type textMap struct {
	entries map[string]string
	err     bool
}

// lookMap looks a key up in a RewriteMap; ok is false when there is no such key or map.
func (r *request) lookMap(name, key string) (string, bool) {
	m := r.s.program.Maps[name]
	if m == nil {
		return "", false
	}
	switch m.Type {
	case "int":
		switch m.Source {
		case "tolower":
			return lower(key), true
		case "toupper":
			return upper(key), true
		case "escape":
			return escapePath(key), true
		case "unescape":
			v, _ := unescapeURL(key, 0)
			return v, true
		}
	case "txt", "rnd":
		v, ok := r.s.textMap(m)
		if !ok {
			r.doubt(fmt.Sprintf("RewriteMap %s: %s cannot be read", name, m.Source))
			return "", false
		}
		val, found := v.entries[key]
		if found && m.Type == "rnd" {
			alts := strings.Split(val, "|")
			for _, a := range alts[1:] {
				if a != alts[0] {
					r.doubt("RewriteMap " + name + " chooses at random")
				}
			}
			val = alts[0]
		}
		return val, found
	}
	r.doubt("RewriteMap " + name + " of type " + m.Type + " is not modelled")
	return "", false
}

func (s *simulator) textMap(m *ir.RewriteMap) (*textMap, bool) {
	if v, ok := s.mapOnce.Load(m); ok {
		t := v.(*textMap)
		return t, !t.err
	}
	t := &textMap{entries: map[string]string{}}
	b, err := s.world.Files.ReadFile(m.Source)
	if err != nil {
		t.err = true
	}
	for _, line := range strings.Split(string(b), "\n") {
		if line == "" || line[0] == '#' || isSpace(line[0]) {
			continue
		}
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		if _, dup := t.entries[f[0]]; !dup {
			t.entries[f[0]] = f[1]
		}
	}
	s.mapOnce.Store(m, t)
	return t, !t.err
}
