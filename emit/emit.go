// Package emit turns a configuration into another server's: the door to all targets.
//
// A program goes in; files, a note for every source rule and the number of requests on which both were compared
// come out. Nothing is lost silently: a rule that has no equal is dropped whole, with its guard, and stands in
// the output as a comment. Which text a target writes is its own package's business (emit/nginx …); whether
// both sides answer alike is emit/check's. Files and terminals belong to the caller.
package emit

import (
	"context"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// Fidelity says how well a rule was carried over.
type Fidelity string

const (
	Exact       Fidelity = "exact"       // every request that was compared has the same answer
	Approximate Fidelity = "approximate" // Note.Witness is answered differently
	Dropped     Fidelity = "dropped"     // not in the output but as a comment
)

// Note is what became of one directive that concerns requests.
type Note struct {
	Origin    ir.Origin
	Directive string // the directive's name: "RewriteRule"
	Fidelity  Fidelity
	Reason    string // what differs, or why it was dropped; empty when there is nothing to say
	ByHand    string // what a person can do about it; may be empty
	Witness   *Witness
}

// Remark is about a directive that does not concern requests, or one whose job the new server does by other means.
type Remark struct {
	Origin    ir.Origin
	Directive string
	Text      string
}

// Witness is a request that the two servers answer differently.
type Witness struct {
	Method string
	URL    string      // absolute, as the request was sent
	Header [][2]string // beyond Host
	Assume []string    // what the document root holds for it, in words; may be empty
	Before string      // the source's answer in words: "301 http://a.test/b"
	After  string      // the target's
}

// File is one file of the result.
type File struct {
	Name string // relative, with slashes
	Text []byte
}

// Result is a converted configuration.
type Result struct {
	Files    []File
	Notes    []Note   // one for each source rule and setting that concerns requests, in source order
	Remarks  []Remark // in source order
	Compared int      // requests that both sides answered
}

// Options are what every target understands. The zero value is usable.
type Options struct {
	// World is the world of the source: its document root and files. Nil: an empty document root.
	World *sim.World
	// Hosts are names the site is asked by; nil: what the configuration names.
	Hosts []string
	// Full asks for one file that the server can start with, instead of parts to include.
	Full bool
	// Folder is the absolute path of the folder that the files are written to, for files that name one another.
	// Empty: not known, so that no file names another.
	Folder string
	// Context stops a conversion early; nil: never.
	Context context.Context
}

// Target writes the configuration of one server.
type Target interface {
	// Name is what people call it: "nginx".
	Name() string
	// Convert turns a program into the target's text. The error says why nothing can be converted at all;
	// what cannot be said of single rules is in the notes.
	Convert(p *ir.Program, o Options) (*Result, error)
}

// Count tells how many notes have each fidelity.
func (r *Result) Count() (exact, approximate, dropped int) {
	for i := range r.Notes {
		switch r.Notes[i].Fidelity {
		case Exact:
			exact++
		case Approximate:
			approximate++
		default:
			dropped++
		}
	}
	return exact, approximate, dropped
}
