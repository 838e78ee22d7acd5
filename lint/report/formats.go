package report

import (
	"io"
	"path/filepath"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
)

// Options are what formats need to know besides the findings.
type Options struct {
	Coloured bool                    // text: with colour
	All      bool                    // text: every finding in full, also many of one kind
	Totals   *Totals                 // read at Close; nil: none
	Rules    []*lint.Rule            // for formats that explain the rules they name
	Page     func(*lint.Rule) string // a rule's page in Markdown; nil: its text
	Version  string                  // of this program
	// Path is a file's name as other programs look for it: relative to the root of the repository, with slashes; an absolute
	// path when it lies elsewhere. nil: the name as people write it.
	Path func(shown string) string
	// FailAt is the least severity that counts as failure, for formats that know failure; 0: none does.
	FailAt diag.Severity
}

// Formats are the names of all formats, as help lists them.
var Formats = []string{"text", "json", "sarif", "github", "gitlab", "checkstyle", "junit", "rdjsonl"}

// New makes a report of a format on w; nil when there is no such format.
func New(format string, w io.Writer, o Options) Writer {
	if o.Totals == nil {
		o.Totals = &Totals{}
	}
	switch format {
	case "text":
		t := NewText(w, o.Coloured, o.Totals)
		t.All = o.All
		return t
	case "json":
		return NewJSON(w, o.Totals)
	case "sarif":
		return NewSARIF(w, o)
	case "github":
		return NewGitHub(w, o)
	case "gitlab":
		return NewGitLab(w, o)
	case "checkstyle":
		return NewCheckstyle(w, o)
	case "junit":
		return NewJUnit(w, o)
	case "rdjsonl":
		return NewRDJSONL(w, o)
	}
	return nil
}

// path is a file's name for other programs.
func (o *Options) path(d *diag.Diagnostic) string { return o.named(d.File.Name) }

func (o *Options) named(shown string) string {
	if o.Path != nil {
		shown = o.Path(shown)
	}
	return filepath.ToSlash(shown)
}

// prose is a finding in words, for formats that have one text: message, the server's words, the request that shows it, help.
// Lines are parted by newlines, the first is the message.
func prose(d *diag.Diagnostic) string {
	var b strings.Builder
	b.WriteString(printable(d.Message))
	if d.ServerMessage != "" {
		b.WriteString("\nthe server says: " + printable(d.ServerMessage))
	}
	if d.Witness != nil {
		b.WriteString("\ntry: " + strings.Join(witnessLines(d.Witness), "\n  "))
	}
	if d.Help != "" {
		b.WriteString("\nhelp: " + printable(d.Help))
	}
	return b.String()
}

func (o *Options) page(r *lint.Rule) string {
	if o.Page == nil {
		return r.Doc.Text
	}
	return o.Page(r)
}

// family is what the hundreds digit of a code stands for.
func family(code string) string {
	names := [...]string{"syntax", "context", "redirects", "status", "transport", "patterns", "targets", "security", "performance", "style"}
	if len(code) != len("RD000") || code[2] < '0' || code[2] > '9' {
		return ""
	}
	return names[code[2]-'0']
}

// fingerprinter gives findings their hashes one by one.
type fingerprinter struct{ seen map[lint.Fingerprint]int }

func (p *fingerprinter) hash(d *diag.Diagnostic, o *Options) string {
	f := lint.Fingerprints([]diag.Diagnostic{*d}, o.named)[0]
	if p.seen == nil {
		p.seen = map[lint.Fingerprint]int{}
	}
	p.seen[f]++
	f.N = p.seen[f]
	return f.Hash()
}

// Silencer is a report that also shows what is not told: findings silenced by comments or known to a baseline.
type Silencer interface {
	Silence(lint.Silenced) error
}
