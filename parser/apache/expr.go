package apache

import (
	"fmt"
	"strings"
	"sync"

	"github.com/alecthomas/participle/v2"
	"github.com/alecthomas/participle/v2/lexer"

	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/source"
)

// The grammar of expressions: or binds weakest, then and, then not. Words are what has a value.
type (
	orNode struct {
		Terms []*andNode `parser:"@@ ( Or @@ )*"`
	}
	andNode struct {
		Terms []*notNode `parser:"@@ ( And @@ )*"`
	}
	notNode struct {
		Not  *notNode    `parser:"  Not @@"`
		Test *simpleNode `parser:"| @@"`
	}
	simpleNode struct {
		True    bool         `parser:"  @True"`
		False   bool         `parser:"| @False"`
		Group   *orNode      `parser:"| Left @@ Right"`
		Unary   *lexer.Token `parser:"| ( @Unary"`
		Operand *wordNode    `parser:"    @@ )"`
		X       *wordNode    `parser:"| ( @@"`
		Rest    *restNode    `parser:"    @@ )"`
	}
	restNode struct {
		Compare *lexer.Token `parser:"  ( ( @Compare | @Binary )"`
		Y       *wordNode    `parser:"    @@ )"`
		Match   *lexer.Token `parser:"| ( @Match"`
		Regex   *lexer.Token `parser:"    ( @Regex | @RegexI ) )"`
		In      *listNode    `parser:"| In @@"`
	}
	listNode struct {
		Words []*wordNode `parser:"  LeftBrace @@ ( Comma @@ )* RightBrace"`
		Func  *funcNode   `parser:"| @@"`
	}
	wordNode struct {
		Parts []*atomNode `parser:"@@ ( Concat @@ )*"`
	}
	atomNode struct {
		Digit   *lexer.Token  `parser:"  @Digit"`
		Var     *varNode      `parser:"| @@"`
		Backref *lexer.Token  `parser:"| @Backref"`
		Func    *funcNode     `parser:"| @@"`
		Quote   *lexer.Token  `parser:"| ( @StrBegin"`
		Parts   []*stringNode `parser:"    @@*"`
		End     *lexer.Token  `parser:"    @StrEnd )"`
	}
	funcNode struct {
		Pos  lexer.Position
		Name string    `parser:"@ID Left"`
		Arg  *wordNode `parser:"@@ Right"`
	}
	stringNode struct {
		Text    *lexer.Token `parser:"  @String"`
		Var     *varNode     `parser:"| @@"`
		Backref *lexer.Token `parser:"| @Backref"`
	}
	varNode struct {
		Pos  lexer.Position
		Name string        `parser:"VarBegin @ID"`
		Arg  []*stringNode `parser:"( Colon @@+ )?"`
		End  lexer.Token   `parser:"@VarEnd"`
	}
	exprTemplateNode struct {
		Parts []*stringNode `parser:"@@*"`
	}
)

var exprParser = sync.OnceValue(func() *participle.Parser[orNode] {
	return participle.MustBuild[orNode](participle.Lexer(exprDefinition{}))
})

var exprStringParser = sync.OnceValue(func() *participle.Parser[exprTemplateNode] {
	return participle.MustBuild[exprTemplateNode](participle.Lexer(exprDefinition{template: true}))
})

// ExprOptions say where an expression stands.
type ExprOptions struct {
	Restricted bool // in a .htaccess file, where file() and filesize() are not to be had
}

// ParseExpr reads an httpd expression. The error is in httpd's own words. Parts get places of their own when span
// is as long as text.
// Source: httpd manual, "Expressions in Apache HTTP Server"; server/util_expr_parse.y.
func ParseExpr(text string, span source.Span, o ExprOptions) (ir.Expr, error) {
	tokens := exprTokens(exprDefinition{}, text)
	node, err := exprParser().ParseFromLexer(tokens.lexer())
	if err != nil {
		return nil, tokens.fault(o, false)
	}
	b := builder{at: exprPlace(text, span), o: o}
	e := b.or(node)
	return e, b.err
}

// ParseExprString reads text with %{…} and $N in it, as expr= of Header and the address of an unconditional
// Redirect have it: a string of the expression language.
func ParseExprString(text string, span source.Span, o ExprOptions) (*ir.Template, error) {
	tokens := exprTokens(exprDefinition{template: true}, text)
	node, err := exprStringParser().ParseFromLexer(tokens.lexer())
	if err != nil {
		return nil, tokens.fault(o, true)
	}
	b := builder{at: exprPlace(text, span), o: o}
	t := b.template(node.Parts, 0, len(text))
	t.Text = text
	return t, b.err
}

func exprPlace(text string, span source.Span) wordPlace {
	p := wordPlace{whole: span, start: int(span.Start), exact: span.Len() == len(text)}
	if span.Len() == len(text)+2 {
		p.start, p.exact = p.start+1, true
	}
	return p
}

// builder makes ir of the grammar's nodes.
type builder struct {
	at  wordPlace
	o   ExprOptions
	err error
}

// fail keeps the last fault, as httpd does.
func (b *builder) fail(format string, args ...any) { b.err = fmt.Errorf(format, args...) }

func (b *builder) or(n *orNode) ir.Expr {
	var e ir.Expr
	for i, t := range n.Terms {
		x := b.and(t)
		if i == 0 {
			e = x
		} else {
			e = &ir.ExprOr{X: e, Y: x}
		}
	}
	return e
}

func (b *builder) and(n *andNode) ir.Expr {
	var e ir.Expr
	for i, t := range n.Terms {
		x := b.not(t)
		if i == 0 {
			e = x
		} else {
			e = &ir.ExprAnd{X: e, Y: x}
		}
	}
	return e
}

func (b *builder) not(n *notNode) ir.Expr {
	if n.Not != nil {
		return &ir.ExprNot{X: b.not(n.Not)}
	}
	return b.simple(n.Test)
}

// exprUnaries are the tests of one word. Source: httpd server/util_expr_eval.c, unary_op_providers.
const exprUnaries = "nzRTdefsLhxFUA"

func (b *builder) simple(n *simpleNode) ir.Expr {
	switch {
	case n.True || n.False:
		return &ir.ExprBool{Value: n.True}
	case n.Group != nil:
		return b.or(n.Group)
	case n.Unary != nil:
		if !strings.Contains(exprUnaries, n.Unary.Value) {
			b.fail("Unary operator '-%s' does not exist", n.Unary.Value)
		}
		if n.Unary.Value == "R" {
			b.subnet("R", n.Operand)
		}
		return &ir.ExprUnary{Op: "-" + n.Unary.Value, X: b.word(n.Operand)}
	}
	x, rest := b.word(n.X), n.Rest
	switch {
	case rest.Compare != nil:
		op := rest.Compare.Value
		if rest.Compare.Type == exprBinary {
			switch op {
			case "ipmatch", "fnmatch", "strmatch", "strcmatch":
			default:
				b.fail("Binary operator '-%s' does not exist", op)
			}
			if op == "ipmatch" {
				b.subnet(op, rest.Y)
			}
			op = "-" + op
		}
		return &ir.ExprCompare{Op: op, X: x, Y: b.word(rest.Y)}
	case rest.Match != nil:
		o := pattern.Apache
		o.IgnoreCase = rest.Regex.Type == exprRegexI
		from := rest.Regex.Pos.Offset
		p := ir.NewPattern(rest.Regex.Value, b.at.span(from, from+len(rest.Regex.Value)), o)
		if p.Err != nil {
			b.fail("Failed to compile regular expression")
		}
		return &ir.ExprMatch{X: x, Pattern: p, Negated: rest.Match.Value == "!~"}
	}
	in := &ir.ExprIn{X: x}
	if f := rest.In.Func; f != nil {
		if !strings.EqualFold(f.Name, "PeerExtList") {
			b.fail("List-returning function '%s' does not exist", f.Name)
		}
		in.List = []ir.Expr{&ir.ExprCall{Name: strings.ToLower(f.Name), X: b.word(f.Arg), Span: b.at.span(f.Pos.Offset, f.Pos.Offset+len(f.Name))}}
		return in
	}
	for _, w := range rest.In.Words {
		in.List = append(in.List, b.word(w))
	}
	return in
}

// subnet checks the address of -R and -ipmatch, which httpd reads once and for all.
func (b *builder) subnet(op string, n *wordNode) {
	text, constant := "", len(n.Parts) == 1
	if constant {
		switch a := n.Parts[0]; {
		case a.Digit != nil:
			text = a.Digit.Value
		case a.Quote != nil && len(a.Parts) == 0:
		case a.Quote != nil && len(a.Parts) == 1 && a.Parts[0].Text != nil:
			text = a.Parts[0].Text.Value
		default:
			constant = false
		}
	}
	if !constant {
		b.fail("-%s requires subnet/netmask as constant argument", op)
		return
	}
	address, mask, masked := strings.Cut(text, "/")
	if subnetFault(address, mask, masked) != "" {
		b.fail("parsing of subnet/netmask failed")
	}
}

func (b *builder) word(n *wordNode) ir.Expr {
	var e ir.Expr
	for i, a := range n.Parts {
		x := b.atom(a)
		if i == 0 {
			e = x
		} else {
			e = &ir.ExprConcat{X: e, Y: x}
		}
	}
	return e
}

func (b *builder) atom(n *atomNode) ir.Expr {
	one := func(p ir.Part, from, to int) ir.Expr {
		return &ir.ExprString{Template: &ir.Template{Text: p.Text, Span: b.at.span(from, to), Parts: []ir.Part{p}}}
	}
	switch {
	case n.Digit != nil:
		from := n.Digit.Pos.Offset
		return &ir.ExprString{Template: ir.LiteralTemplate(n.Digit.Value, b.at.span(from, from+len(n.Digit.Value)))}
	case n.Var != nil:
		p := b.variable(n.Var)
		if p.Kind == ir.ExprPart {
			return p.Expr
		}
		return one(p, n.Var.Pos.Offset, n.Var.End.Pos.Offset+1)
	case n.Backref != nil:
		return one(b.backref(n.Backref), n.Backref.Pos.Offset, n.Backref.Pos.Offset+2)
	case n.Func != nil:
		return b.call(n.Func.Name, n.Func.Pos.Offset, b.word(n.Func.Arg))
	}
	return &ir.ExprString{Template: b.template(n.Parts, n.Quote.Pos.Offset+1, n.End.Pos.Offset)}
}

func (b *builder) backref(t *lexer.Token) ir.Part {
	at := t.Pos.Offset
	return ir.Part{Kind: ir.RuleRef, N: int(t.Value[0] - '0'), Text: "$" + t.Value, Span: b.at.span(at, at+2)}
}

// template makes a string of the parts that lie at bytes from to to of the expression.
func (b *builder) template(parts []*stringNode, from, to int) *ir.Template {
	t := &ir.Template{Span: b.at.span(from, to)}
	var text strings.Builder
	for i, n := range parts {
		switch {
		case n.Text != nil:
			end := to
			if i+1 < len(parts) {
				end = parts[i+1].offset()
			}
			if n.Text.Value != "" {
				t.Parts = append(t.Parts, ir.Part{Kind: ir.Literal, Text: n.Text.Value, Span: b.at.span(n.Text.Pos.Offset, end)})
			}
			text.WriteString(n.Text.Value)
		case n.Backref != nil:
			t.Parts = append(t.Parts, b.backref(n.Backref))
			text.WriteString("$" + n.Backref.Value)
		default:
			p := b.variable(n.Var)
			t.Parts = append(t.Parts, p)
			text.WriteString(p.Text)
		}
	}
	t.Text = text.String()
	return t
}

func (n *stringNode) offset() int {
	switch {
	case n.Text != nil:
		return n.Text.Pos.Offset
	case n.Backref != nil:
		return n.Backref.Pos.Offset
	}
	return n.Var.Pos.Offset
}

// variable makes the part of %{NAME} or %{func:arg}.
func (b *builder) variable(n *varNode) ir.Part {
	from, to := n.Pos.Offset, n.End.Pos.Offset+1
	p := ir.Part{Kind: ir.Variable, Name: strings.ToUpper(n.Name), Span: b.at.span(from, to), Text: "%{" + n.Name + "}"}
	if n.Arg == nil {
		if !exprVariables()[p.Name] && !strings.HasPrefix(p.Name, "SSL_") {
			b.fail("Variable '%s' does not exist", n.Name)
		}
		return p
	}
	arg := b.template(n.Arg, n.Arg[0].offset(), to-1)
	p.Kind, p.Name, p.Text = ir.ExprPart, "", "%{"+n.Name+":"+arg.Text+"}"
	p.Expr = b.call(n.Name, from+2, &ir.ExprString{Template: arg})
	return p
}

// call makes a call of a function that returns a string.
func (b *builder) call(name string, from int, arg ir.Expr) ir.Expr {
	lower := strings.ToLower(name)
	restricted, known := exprFunctions[lower]
	switch {
	case !known:
		b.fail("Function '%s' does not exist", name)
	case restricted && b.o.Restricted:
		b.fail("%s not available in restricted context", name)
	}
	return &ir.ExprCall{Name: lower, X: arg, Span: b.at.span(from, from+len(name))}
}

// exprFunctions are the functions that return strings; true: not in .htaccess files.
// Source: httpd server/util_expr_eval.c, string_func_providers; mod_ssl brings SSL.
var exprFunctions = map[string]bool{"osenv": false, "env": false, "resp": false, "req": false, "http": false, "note": false,
	"reqenv": false, "req_novary": false, "tolower": false, "toupper": false, "escape": false, "unescape": false, "file": true,
	"filesize": true, "base64": false, "unbase64": false, "sha1": false, "md5": false, "ldap": false, "ssl": false}

// exprVariables are the names that %{…} knows. Source: httpd server/util_expr_eval.c, *_var_names; mod_proxy_hcheck
// brings HC_BODY where its own expressions stand.
var exprVariables = sync.OnceValue(func() map[string]bool {
	m := map[string]bool{}
	for _, name := range strings.Fields(`HTTPS IPV6 CONN_LOG_ID CONN_REMOTE_ADDR HTTP2 REQUEST_METHOD REQUEST_SCHEME REQUEST_URI
		REQUEST_FILENAME REMOTE_HOST REMOTE_IDENT REMOTE_USER SERVER_ADMIN SERVER_NAME SERVER_PORT SERVER_PROTOCOL SCRIPT_FILENAME
		PATH_INFO QUERY_STRING IS_SUBREQ DOCUMENT_ROOT AUTH_TYPE THE_REQUEST CONTENT_TYPE HANDLER REQUEST_LOG_ID SCRIPT_USER
		SCRIPT_GROUP DOCUMENT_URI LAST_MODIFIED CONTEXT_PREFIX CONTEXT_DOCUMENT_ROOT REQUEST_STATUS REMOTE_ADDR REMOTE_PORT
		HTTP_USER_AGENT HTTP_PROXY_CONNECTION HTTP_REFERER HTTP_COOKIE HTTP_FORWARDED HTTP_HOST HTTP_ACCEPT TIME_YEAR
		TIME_MON TIME_DAY TIME_HOUR TIME_MIN TIME_SEC TIME_WDAY TIME SERVER_SOFTWARE API_VERSION HC_BODY`) {
		m[name] = true
	}
	return m
})
