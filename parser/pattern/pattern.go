// Package pattern reads, matches and reasons about regular expressions as httpd 2.4 and nginx 1.22 use them:
// the PCRE2 dialect over 8-bit bytes, without UTF mode, in the C locale, newline LF.
//
// Text goes in; out come a tree with byte spans, the errors pcre2_compile would report, and matches.
// How a server combines patterns, negates them or expands what they captured is left to others.
//
// Behaviour follows PCRE2 10.42: pcre2pattern(3), pcre2syntax(3), and the library's own pcre2_compile.c
// where the manual is silent (error offsets, the order in which faults are found).
package pattern

// Options are what a server asks of pcre2_compile for one pattern. The zero value is what nginx asks for ~.
type Options struct {
	IgnoreCase     bool // PCRE2_CASELESS: ASCII letters only, as in the C locale
	DotAll         bool // PCRE2_DOTALL: "." matches a newline too
	DollarEndOnly  bool // PCRE2_DOLLAR_ENDONLY: "$" only at the very end, not before a final newline
	DuplicateNames bool // PCRE2_DUPNAMES: two groups may share a name
}

// Apache is what httpd 2.4 compiles with: RegexDefaultOptions is DOTALL DOLLAR_ENDONLY,
// and ap_regcomp always adds DUPNAMES (server/util_pcre.c).
var Apache = Options{DotAll: true, DollarEndOnly: true, DuplicateNames: true}

// Nginx is what nginx compiles with: nothing beside the case flag (src/core/ngx_regex.c).
var Nginx = Options{}

// Tree is one parsed pattern.
type Tree struct {
	Text    string
	Options Options
	Root    Node
	Groups  int      // highest group number
	Names   []string // by group number; "" is unnamed; Names[0] is always ""
	Start   []Verb   // settings such as (*UTF) before the pattern proper

	newlineCRLFOnly bool // (*BSR_ANYCRLF): \R does not match VT, FF, NEL
	foreign         bool // a start setting changes the meaning of bytes or newlines: not evaluated here
	utf             bool // (*UTF): evaluated only where everything is ASCII, where it changes nothing

	known *known // of a tree that Compile made
}

// known is what indexes over many rules ask again and again of a tree.
type known struct {
	shape          shape
	prefix         string
	prefixCaseless bool
}

// Parse reads PCRE2 syntax. Spans in the tree are byte offsets in text.
// The error, if any, is a *SyntaxError: what pcre2_compile answers for the same text and options.
func Parse(text string, o Options) (*Tree, error) {
	p := parser{text: text, options: o}
	t, err := p.parse()
	if err != nil {
		return nil, err
	}
	return t, nil
}
