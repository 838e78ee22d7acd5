package httpd

import (
	"crypto/md5"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"net/netip"
	"strconv"
	"strings"

	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/sim"
)

// evaluator runs an expression. Source: httpd server/util_expr_eval.c.
type evaluator struct {
	r      *request
	novary bool
	vary   []string
	// last are the captures of the last pattern with groups; captured tells that there was such a pattern and
	// hasLast that it matched.
	last              pattern.Match
	captured, hasLast bool
}

// evalBool decides an expression.
func (r *request) evalBool(e ir.Expr) bool {
	ev := &evaluator{r: r}
	return ev.decide(e)
}

// decide evaluates an expression; the headers it asked for go into Vary, whatever the result.
// Source: ap_expr_exec_ctx.
func (e *evaluator) decide(x ir.Expr) bool {
	ok := e.truth(x)
	if !e.novary {
		e.r.vary = append(e.r.vary, e.vary...)
	}
	return ok
}

func (e *evaluator) truth(x ir.Expr) bool {
	switch x := x.(type) {
	case *ir.ExprOr:
		return e.truth(x.X) || e.truth(x.Y)
	case *ir.ExprAnd:
		return e.truth(x.X) && e.truth(x.Y)
	case *ir.ExprNot:
		return !e.truth(x.X)
	case *ir.ExprBool:
		return x.Value
	case *ir.ExprMatch:
		v := e.text(x.X)
		if x.Pattern == nil || x.Pattern.Re == nil {
			e.r.doubt("an expression's pattern does not compile")
			return false
		}
		m, ok := e.r.match(x.Pattern, v)
		if x.Pattern.Re.Groups() > 0 {
			e.captured, e.hasLast, e.last = true, ok, m
		}
		return ok != x.Negated
	case *ir.ExprIn:
		v := e.text(x.X)
		for _, l := range x.List {
			if e.text(l) == v {
				return true
			}
		}
		return false
	case *ir.ExprCompare:
		return e.compare(x)
	case *ir.ExprUnary:
		return e.unary(x)
	}
	v := e.text(x)
	return v != ""
}

func (e *evaluator) compare(x *ir.ExprCompare) bool {
	a, b := e.text(x.X), e.text(x.Y)
	switch x.Op {
	case "==", "=":
		return a == b
	case "!=":
		return a != b
	case "<", "lt":
		return a < b
	case "<=", "le":
		return a <= b
	case ">", "gt":
		return a > b
	case ">=", "ge":
		return a >= b
	}
	m, n := atoi(a), atoi(b)
	switch strings.TrimPrefix(x.Op, "-") {
	case "eq":
		return m == n
	case "ne":
		return m != n
	case "lt":
		return m < n
	case "le":
		return m <= n
	case "gt":
		return m > n
	case "ge":
		return m >= n
	case "ipmatch":
		ip, err := netip.ParseAddr(a)
		return err == nil && ipMatches(b, ip)
	case "strmatch":
		return wildcard(b, a, false)
	case "strcmatch":
		return wildcard(b, a, true)
	case "fnmatch":
		return fnmatch(b, a, true, false)
	}
	e.r.doubt("operator " + x.Op + " is not modelled")
	return false
}

func (e *evaluator) unary(x *ir.ExprUnary) bool {
	v := e.text(x.X)
	r := e.r
	switch x.Op {
	case "-z":
		return v == ""
	case "-n":
		return v != ""
	case "-T":
		return v != "" && v != "0" && !strings.EqualFold(v, "off") && !strings.EqualFold(v, "false") && !strings.EqualFold(v, "no")
	case "-R":
		return ipMatches(v, r.clientAddr())
	case "-f":
		return r.statPath(v).Kind == sim.Regular
	case "-d":
		return r.statPath(v).Kind == sim.Directory
	case "-e":
		return r.statPath(v).Kind != sim.NoFile
	case "-s":
		i := r.statPath(v)
		return i.Kind == sim.Regular && i.Size > 0
	case "-L", "-h":
		return r.statLink(v)
	case "-x":
		return r.statPath(v).Executable
	case "-F":
		if sub := r.subrequestFile(v); sub != nil {
			return sub.status < 300 && r.statPath(sub.filename).Kind != sim.NoFile
		}
		return false
	case "-U", "-A":
		if r.main != nil && r.main.uri == r.uri {
			return false
		}
		if sub := r.subrequestURI(v); sub != nil {
			return sub.status < 400
		}
		return false
	}
	r.doubt("operator " + x.Op + " is not modelled")
	return false
}

// text evaluates a word.
func (e *evaluator) text(x ir.Expr) string {
	switch x := x.(type) {
	case nil:
		return ""
	case *ir.ExprString:
		return e.template(x.Template)
	case *ir.ExprConcat:
		return e.text(x.X) + e.text(x.Y)
	case *ir.ExprCall:
		return e.call(x.Name, e.text(x.X))
	case *ir.ExprBool:
		return strconv.FormatBool(x.Value)
	}
	return ""
}

func (e *evaluator) template(t *ir.Template) string {
	if t == nil {
		return ""
	}
	out := ""
	for i := range t.Parts {
		p := &t.Parts[i]
		switch p.Kind {
		case ir.Literal:
			out += p.Text
		case ir.RuleRef:
			if e.hasLast {
				out += e.last.Group(p.N)
			}
		case ir.Variable:
			if p.Space != "" {
				out += e.call(strings.ToLower(p.Space), p.Name)
			} else {
				out += e.variable(p.Name)
			}
		case ir.ExprPart:
			out += e.text(p.Expr)
		default:
			out += p.Text
		}
	}
	return out
}

// variable is %{NAME} of an expression. Source: util_expr_eval.c, request_var_fn and its kin.
func (e *evaluator) variable(name string) string {
	r := e.r
	switch n := strings.ToUpper(name); n {
	case "REQUEST_STATUS":
		if r.status == 0 {
			return ""
		}
		return strconv.Itoa(r.status)
	case "HANDLER":
		switch {
		case r.handler != "" || r.conf == nil:
			return r.handler
		case r.handlerName(r.conf) != "":
			return r.handlerName(r.conf)
		}
		t := r.contentType()
		if t == "" {
			r.doubt("%{HANDLER}: the type of the file is not known")
		}
		return t
	case "REMOTE_IDENT":
		return ""
	case "DOCUMENT_URI":
		if v, ok := r.env.get("DOCUMENT_URI"); ok {
			return v
		}
		return r.uri
	case "HTTP2", "H2PUSH":
		return "off"
	case "CONTENT_TYPE", "LOG_ID", "CONN_LOG_ID", "SERVER_PROTOCOL_VERSION", "CONN_REMOTE_PORT":
		r.doubt("%{" + n + "} is not modelled in expressions")
		return ""
	case "REQUEST_LOG_ID":
		return ""
	case "HTTP_ACCEPT", "HTTP_COOKIE", "HTTP_FORWARDED", "HTTP_HOST", "HTTP_PROXY_CONNECTION", "HTTP_REFERER", "HTTP_USER_AGENT":
		return e.header(headerNames[n])
	case "REQUEST_FILENAME", "SCRIPT_FILENAME":
		return r.filename
	default:
		v, ok := r.serverVariable(n)
		if !ok {
			r.doubt("%{" + name + "} is not known in expressions")
		}
		return v
	}
}

// header is a request header; one that a condition reads goes into Vary when the rule matches.
func (e *evaluator) header(name string) string {
	if !equalFold(name, "Host") {
		e.vary = append(e.vary, name)
	}
	return e.r.headerValue(name)
}

func (e *evaluator) call(name, arg string) string {
	r := e.r
	switch name {
	case "req_novary":
		return r.headerValue(arg)
	case "http", "req":
		return e.header(arg)
	case "file":
		b, err := r.s.world.Files.ReadFile(arg)
		if err != nil {
			r.doubt("file(): " + arg + " cannot be read")
		}
		return string(b)
	case "filesize":
		return strconv.FormatInt(r.statPath(arg).Size, 10)
	case "env":
		return r.getenv(arg)
	case "reqenv":
		v, _ := r.env.get(arg)
		return v
	case "md5":
		sum := md5.Sum([]byte(arg))
		return hex.EncodeToString(sum[:])
	case "sha1":
		sum := sha1.Sum([]byte(arg))
		return hex.EncodeToString(sum[:])
	case "osenv":
		return r.s.world.Env[arg]
	case "note", "resp":
		if name == "resp" {
			r.doubt("resp() is not modelled")
		}
		return ""
	case "tolower":
		return lower(arg)
	case "toupper":
		return upper(arg)
	case "escape":
		return escapePath(arg)
	case "unescape":
		v, status := unescapeURL(arg, forbidSlashes)
		if status != 0 {
			return ""
		}
		return v
	case "base64":
		return base64.StdEncoding.EncodeToString([]byte(arg))
	case "unbase64":
		b, _ := base64.StdEncoding.DecodeString(arg)
		return string(b)
	case "ssl":
		return r.sslVariable(arg)
	}
	r.doubt(name + "() is not modelled")
	return ""
}

// exprText evaluates an expression string of ErrorDocument or Redirect.
func (r *request) exprText(t *ir.Template) string {
	e := &evaluator{r: r}
	return e.template(t)
}
