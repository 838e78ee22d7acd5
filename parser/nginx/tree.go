// Package nginx reads nginx configuration.
//
// Bytes go in; a lossless tree, the configuration nginx would load from it (includes put in place) with the
// faults nginx -t would name, and its IR come out. Files arrive through the caller; nothing here opens one.
package nginx

import (
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

// File is one parsed file. Every byte of the source lies in exactly one node or between the words of one.
type File struct {
	Source      *source.File
	Nodes       []Node
	Tail        source.Span       // blanks after the last node
	Diagnostics []diag.Diagnostic // faults of the text alone: stray } and ;, unfinished directives and blocks, bad quotes

	faults []fault // Diagnostics in the order in which nginx comes upon them
}

// Node is a piece of a file. The members are *Directive and *Comment.
type Node interface {
	// Span runs from the first byte of the first word (or #) to the end of ; or } (or of the comment's line),
	// without blanks around it.
	Span() source.Span
	node()
}

// Word is one token of a directive.
type Word struct {
	Text  string      // as nginx stores it: quotes gone, \" \' \\ \t \r \n resolved, other backslashes kept
	Span  source.Span // as written, quotes included
	Quote byte        // '"', '\'' or 0
}

// Directive is a simple directive (`root /x;`) or a block directive (`server { … }`). A ; { or } that
// belongs to nothing is a Directive without a name: Name.Span is empty and End is the character.
type Directive struct {
	span     source.Span
	Name     Word
	Args     []Word
	Comments []*Comment  // comments between the words of this directive
	Block    *Block      // nil for a simple directive
	End      source.Span // the ; or, for a block, its {; empty when missing
	Raw      source.Span // the body of a Lua block, between the braces; empty otherwise
	IsRaw    bool        // Raw is in use (Block is nil): *_by_lua_block and the like
}

// Block is what stands between braces.
type Block struct {
	Nodes  []Node
	Close  source.Span // the }; empty when missing
	Closed bool
}

// Comment is # to the end of the line.
type Comment struct{ span source.Span }

func (d *Directive) Span() source.Span { return d.span }
func (c *Comment) Span() source.Span   { return c.span }

func (*Directive) node() {}
func (*Comment) node()   {}

// Env is what reading a configuration depends on besides its text.
type Env struct {
	Context ir.Context // main, http, server or location: what the text is the inside of
	Version string     // "1.22.1"; empty: that; AnyRelease: not known
	// Open reads an included file by its name as written (relative names are relative to the main file's
	// folder); nil: no includes can be read, and each is a diagnostic that does not refuse. Glob lists the names
	// a wildcard stands for, sorted; none is no error.
	// An error that wraps fs.ErrNotExist says that the server has no such file either, so nginx refuses.
	// Every other error says that the file cannot be read from here: a diagnostic that does not refuse, and an
	// Opaque in the IR, because what stands in the file is not known.
	Open func(name string) (*source.File, error)
	Glob func(pattern string) ([]string, error)
	// Fragment says that the text is a part of a configuration whose rest is not known: what is made elsewhere
	// (variables, upstreams, log formats) is not missed.
	Fragment bool
	// Included says that another file may include the text: it need not be complete (`events` may stand elsewhere).
	Included bool
	// Modules are directive names that a third-party module brings; they are accepted anywhere with any arguments.
	Modules func(directive string) bool
}

// Config is a configuration as nginx loads it: includes in place.
type Config struct {
	Context ir.Context
	Files   []*File // the first is the one that was asked for
	Nodes   []*ConfigDirective
	// Diagnostics are in the order in which nginx meets them; nginx stops at the first with Refuses set.
	Diagnostics []diag.Diagnostic

	lines []int // parallel to Diagnostics: the line nginx names, 0 for none
}

// ConfigDirective is a directive in force.
type ConfigDirective struct {
	File *source.File
	*Directive
	Known    *Spec              // nil: unknown to the tables
	Body     []*ConfigDirective // of a block, includes in place
	Context  string             // context it stands in: "main", "http", "server", "location", "if-server", "if-location", …
	Refused  bool               // a diagnostic with Refuses was made for it
	Included bool               // of an include: its files were read and follow it

	location *locationHead // of a location directive that was not refused
}
