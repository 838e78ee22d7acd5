// Package apache reads Apache httpd 2.4 configuration: .htaccess and server files.
//
// Bytes go in; a lossless tree, the configuration httpd would read from it (modules, defines, includes and
// macros resolved) and its IR come out. Files arrive through the caller; nothing here opens one.
package apache

import (
	"rewright/parser/diag"
	"rewright/parser/source"
)

// File is one parsed file. Every byte of the source lies in exactly one node.
type File struct {
	Source *source.File
	Nodes  []Node
	// Diagnostics are faults of the text alone (unclosed sections, stray ends). What a directive may say is
	// checked when the configuration is read, because that depends on modules, defines and context.
	Diagnostics []diag.Diagnostic
}

// Node is a piece of a file. The members are *Directive, *Section, *Comment and *Blank.
type Node interface {
	// Span covers the whole logical line, leading blanks and line end included; of a Section everything
	// up to and including its end line.
	Span() source.Span
	node()
}

// Word is one word of a directive.
type Word struct {
	Text         string      // as the server reads it: continuations gone, quotes removed, escapes resolved
	Span         source.Span // as written, quotes included
	Quote        byte        // '"', '\'' or 0
	Unterminated bool        // the closing quote is missing: the word runs to the end of the line
}

// Directive is one logical line: name, arguments, and how it was written.
type Directive struct {
	span    source.Span
	Name    Word
	Args    []Word      // split as httpd splits this directive's line (RewriteRule and RewriteCond have their own way)
	ArgText Word        // everything behind the name as one text, trimmed; Text is the logical line's
	Extra   source.Span // what httpd ignores behind the last argument (words after RewriteRule's flags); empty: none
	Fault   string      // "bad argument line" and the like when splitting itself fails
	// macroLine is the logical line of a directive that a macro gave; its spans are those of the Use.
	macroLine string
	Line      source.Span // the line without leading blanks, trailing blanks and line end
}

// Section is <Name args> … </Name>.
type Section struct {
	span          source.Span
	Head          Directive // Name without <; the last > and text behind it are not among the arguments
	HeadNoBracket bool      // the closing > is missing
	Body          []Node
	End           source.Span // the end line without blanks; empty when the section is never closed
	Closed        bool
}

// Comment is a line whose first character is #, with the lines it swallows through a final backslash.
type Comment struct {
	span source.Span
	Line source.Span // without leading blanks and line end
}

// Blank is an empty line, or the blanks at the end of a file.
type Blank struct{ span source.Span }

func (d *Directive) Span() source.Span { return d.span }
func (s *Section) Span() source.Span   { return s.span }
func (c *Comment) Span() source.Span   { return c.span }
func (b *Blank) Span() source.Span     { return b.span }

func (*Directive) node() {}
func (*Section) node()   {}
func (*Comment) node()   {}
func (*Blank) node()     {}
