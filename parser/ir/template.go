package ir

import "rewright/parser/source"

// PartKind says what a piece of a template stands for.
type PartKind uint8

const (
	Literal  PartKind = iota // Text, escapes resolved
	RuleRef                  // $N: group N of the rule's (nginx: of the last) pattern
	CondRef                  // %N: group N of the last matched condition (httpd)
	Variable                 // httpd %{NAME}; nginx $name ${name}
	Lookup                   // httpd ${map:key|default}
	ExprPart                 // httpd %{expr…} in expression strings
	EnvRef                   // httpd %{NAME}e of Header, ${NAME} left over
)

// Part is a piece of a template.
type Part struct {
	Kind PartKind
	Span source.Span
	Text string // Literal: decoded text. Others: as written
	// Escaped is set on a literal that was written with a backslash (httpd "\?", "\%").
	Escaped bool
	N       int    // RuleRef, CondRef
	Space   string // httpd variable's name space: "", "HTTP", "ENV", "SSL", "LA-U", "LA-F"; others keep their own word
	Name    string // Variable: upper case for httpd, lower case for nginx; header or variable name behind Space as written
	Map     string // Lookup: map name
	Key     *Template
	Default *Template // nil: none
	Expr    Expr
}

// Template is text with references in it: a substitution, a test string, an nginx value.
type Template struct {
	Text  string // as the server reads it, before expansion
	Span  source.Span
	Parts []Part
}

// Constant tells whether the template has no references, and its text if so. Nil is the empty text.
func (t *Template) Constant() (string, bool) {
	if t == nil {
		return "", true
	}
	s := ""
	for i := range t.Parts {
		if t.Parts[i].Kind != Literal {
			return "", false
		}
		s += t.Parts[i].Text
	}
	return s, true
}

// Prefix is the literal text a template begins with.
func (t *Template) Prefix() string {
	s := ""
	if t != nil {
		for i := range t.Parts {
			if t.Parts[i].Kind != Literal {
				break
			}
			s += t.Parts[i].Text
		}
	}
	return s
}

// LiteralTemplate is a template without references.
func LiteralTemplate(text string, span source.Span) *Template {
	t := &Template{Text: text, Span: span}
	if text != "" {
		t.Parts = []Part{{Kind: Literal, Text: text, Span: span}}
	}
	return t
}
