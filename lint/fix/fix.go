// Package fix applies what rules offer to repair, and proves what it changes.
//
// The inputs of a check go in; new text comes out, with each fix that was applied, the rule that asked for it, and a
// request that shows what it changes. Fixes are chosen by their safety, or by whoever decides; those that overlap wait
// for the next round, and rounds go on until nothing is left to do. After each batch the server must not refuse what it
// took before, and a batch of safe fixes must give every request that is tried the answer it had: where it does not,
// the guilty ones are found and left out. Files are neither read nor written here.
package fix

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/source"
)

// Options say which fixes are applied.
type Options struct {
	Lint   lint.Options // which rules run
	Unsafe bool         // risky fixes too, which change answers on purpose
	// Decide is asked about every fix, those of class shown included, and its word counts alone; nil: the class decides.
	// Files are asked about in order, the fixes of a file by place.
	Decide func(Candidate) Decision
}

// Decision is what becomes of one fix.
type Decision uint8

const (
	Skip      Decision = iota // not this one
	Accept                    // this one
	AcceptAll                 // this one and all others of its rule
	Quit                      // neither this one nor any that follows
)

// Candidate is a fix that waits for a decision.
type Candidate struct {
	Finding       diag.Diagnostic
	Fix           diag.Fix
	Before, After []byte   // the file as it stands now, and with this fix alone
	Changes       []Change // what the fix alone changes; empty when no request that was tried is answered otherwise
	StillRefused  bool     // the server refuses the file with and without the fix, because of something else
}

// Applied is a fix that stands in the new text.
type Applied struct {
	Code, Name string
	Severity   diag.Severity
	Safety     diag.Safety
	Title      string // of the fix
	Message    string // of the finding
	Line       int    // in the text as it was, from 1
	// Before and After are the bytes that the edits took away from the old text and put into the new one, as spans of
	// whole files; what other fixes did in between is counted in.
	Before, After []source.Span
	// Changes are requests whose answers differ between the old and the new text because of the place the fix edits, the
	// telling one first. Empty with Simulated set: no request that was tried is answered otherwise.
	Changes      []Change
	Simulated    bool // false: there were too many fixes in the file to try each
	StillRefused bool // the server refuses the new text, too, because of what is left in it
	States       bool // the fix states that it changes answers of the rules it edits
}

// Left is a fix that was not applied.
type Left struct {
	Finding diag.Diagnostic // in the new text
	Fix     diag.Fix
	// Refused is set when the fix was to be applied and broke its word; Reason says how. Otherwise Reason says what
	// it waits for.
	Refused bool
	Reason  string
}

// File is what became of one input.
type File struct {
	Name          string
	Before, After []byte
	Applied       []Applied // in the order of their places
	Left          []Left
	Rounds        int   // batches that were applied
	Err           error // wraps ErrNoRest; After is Before then
}

// Changed tells whether the text is another one.
func (f *File) Changed() bool { return string(f.Before) != string(f.After) }

// ErrNoRest is wrapped when fixes still follow from fixes after MaxRounds rounds; the message names the rules.
var ErrNoRest = errors.New("fixes do not come to rest")

// MaxRounds bounds how often fixes are applied to what fixes have made. A count of rounds.
const MaxRounds = 10

// Apply fixes the inputs; Unchecked ones and files that are only included by them are left as they are. There is one File for
// each input, in their order, without the unchecked. Errors are those of lint.Run.
func Apply(ctx context.Context, o Options, inputs ...lint.Input) ([]File, error) {
	r := newRun(o, inputs)
	if err := r.rounds(ctx); err != nil {
		return nil, err
	}
	return r.result(), nil
}

// noRest makes the error of a file whose fixes do not end.
func noRest(file string, codes []string) error {
	slices.Sort(codes)
	return fmt.Errorf("%s: %w after %d rounds: %s", file, ErrNoRest, MaxRounds, strings.Join(slices.Compact(codes), ", "))
}
