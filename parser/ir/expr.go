package ir

import "rewright/parser/source"

// Expr is httpd's expression language (ap_expr): <If>, RewriteCond expr, Require expr, expr= of Header.
// The members are *ExprOr, *ExprAnd, *ExprNot, *ExprBool, *ExprCompare, *ExprMatch, *ExprIn, *ExprUnary,
// *ExprString, *ExprCall, *ExprConcat.
// Source: httpd manual, "Expressions in Apache HTTP Server".
type Expr interface{ expr() }

type (
	// ExprOr is a || b.
	ExprOr struct{ X, Y Expr }
	// ExprAnd is a && b.
	ExprAnd struct{ X, Y Expr }
	// ExprNot is ! a.
	ExprNot struct{ X Expr }
	// ExprBool is true or false.
	ExprBool struct{ Value bool }
	// ExprCompare is a comparison of words; Op one of == != < <= > >= -eq -ne -lt -le -gt -ge,
	// or a named binary operator: -ipmatch -strmatch -strcmatch -fnmatch.
	ExprCompare struct {
		Op   string
		X, Y Expr
	}
	// ExprMatch is =~ or !~.
	ExprMatch struct {
		X       Expr
		Pattern *Pattern
		Negated bool
	}
	// ExprIn is word in { list } or word in listfunction(word).
	ExprIn struct {
		X    Expr
		List []Expr
	}
	// ExprUnary is a unary test of a word: -f -d -e -s -L -h -F -U -A -n -z -T -R.
	ExprUnary struct {
		Op string
		X  Expr
	}
	// ExprString is a literal, a variable or a back reference, or several of them, as a template.
	ExprString struct{ Template *Template }
	// ExprCall is a function of one word: http(…), tolower(…), …; Name in lower case.
	ExprCall struct {
		Name string
		X    Expr
		Span source.Span
	}
	// ExprConcat is a . b.
	ExprConcat struct{ X, Y Expr }
)

func (*ExprOr) expr()      {}
func (*ExprAnd) expr()     {}
func (*ExprNot) expr()     {}
func (*ExprBool) expr()    {}
func (*ExprCompare) expr() {}
func (*ExprMatch) expr()   {}
func (*ExprIn) expr()      {}
func (*ExprUnary) expr()   {}
func (*ExprString) expr()  {}
func (*ExprCall) expr()    {}
func (*ExprConcat) expr()  {}
