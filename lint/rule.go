// Package lint checks configurations and says what is wrong with them.
//
// Parsed files go in, findings (diag.Diagnostic values with places, fixes and witnesses) come out. What is
// wrong with a configuration is known by rules, one value each (package lint/rules); this package runs them,
// lets them explain what the parsers refused, honours suppressions and selections, and orders the result.
// Rendering is left to lint/report, applying fixes to lint/fix.
package lint

import (
	"strings"

	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/source"
)

// Servers is a set of servers a rule speaks of.
type Servers uint8

const (
	Apache Servers = 1 << iota
	Nginx
	Both = Apache | Nginx
)

// Has tells whether s is in the set.
func (set Servers) Has(s ir.Server) bool {
	switch s {
	case ir.Apache:
		return set&Apache != 0
	case ir.Nginx:
		return set&Nginx != 0
	}
	return false
}

func (set Servers) String() string {
	var names []string
	if set&Apache != 0 {
		names = append(names, "httpd")
	}
	if set&Nginx != 0 {
		names = append(names, "nginx")
	}
	return strings.Join(names, ", ")
}

// Rule is one kind of finding. The zero hooks are not called; a rule may have several.
type Rule struct {
	Code     string        // "RD003"; never given to another rule
	ID       string        // "space-in-flags": names the bad thing, never the remedy
	Severity diag.Severity // of a finding that does not say otherwise
	Off      bool          // runs only when selected by code or name
	For      Servers
	Fix      diag.Safety // the best fix the rule can offer; empty: none
	Since    string      // version of this tool
	Doc      Doc

	// Explains lists the codes of parser diagnostics that this rule may turn into its own finding, its own code
	// always among them. Explain is asked for each of those, at the directive they lie in (nil when in none).
	// d comes as the parser made it, with its code; what is returned with true is the finding, under this rule's code and name.
	// With severity 0 there is none: what the parser could not know is no fault. With false the next rule is asked. Rules of higher Precedence are asked first; the owner of the code last.
	// A nil Explain takes its own code as it stands.
	Explains   []string
	Explain    func(p *Pass, d diag.Diagnostic, at *Directive) (diag.Diagnostic, bool)
	Precedence int

	// YieldsTo are the codes of rules before which this one keeps silent when both speak of the very same text: one finding
	// for one fault.
	YieldsTo []string

	// Beside is set when the rule asks little or nothing of the site (Pass.Site), and nothing within Unit.Memo: on a large file it
	// runs beside others, and asks when it is its turn. Rules without it run one after another and ask first.
	Beside bool

	File      func(p *Pass)                  // each file, p.File
	Comment   func(p *Pass, c *Comment)      // each comment
	Directive func(p *Pass, d *Directive)    // each directive and section head that the server reads
	Section   func(p *Pass, d *Directive)    // each section or block, by its head, decided sections included
	Rule      func(p *Pass, r *ir.Rule)      // each rewrite rule, redirect, alias, return
	Condition func(p *Pass, c *ir.Condition) // each RewriteCond and nginx if
	Program   func(p *Pass, g *ir.Program)   // the whole configuration
}

// Doc is what people read about a rule. The page under lint/rules, `rewright rules` and the help of
// report formats come from it.
type Doc struct {
	Title    string // one line, lower case: what is wrong
	Text     string // why it is bad, in whole sentences; Markdown
	Silence  string // when to leave it as it is; may be empty
	Examples []Example
	Source   string // where the behaviour is written
}

// Example is a text on which the rule fires and the same text as it should be. There is one for each
// server a rule speaks of; a test runs both halves.
type Example struct {
	Server  ir.Server
	Context ir.Context // empty: a .htaccess file; the inside of an nginx server {}
	Version string     // of the server, for rules that speak of certain ones only; may be empty
	Before  string
	After   string // the rule is silent on it; "" when there is no good form
	Above   string // what stands in the .htaccess of the folder above, when the rule speaks of that
}

// Where is the context the example stands in.
func (e Example) Where() ir.Context {
	switch {
	case e.Context != "":
		return e.Context
	case e.Server == ir.Nginx:
		return ir.ContextServer
	}
	return ir.ContextHtaccess
}

// Pass is one rule at work on one configuration.
type Pass struct {
	Rule   *Rule
	Unit   *Unit
	File   *source.File // file of the node at hand
	report func(diag.Diagnostic)
	turn   func() // waits until the rule may ask the site; nil: it may
}

// Site is Unit.Site, once it is the rule's turn to ask: it has the site for itself until it is done.
func (p *Pass) Site() *probe.Site {
	if p.turn != nil {
		p.turn()
	}
	return p.Unit.Site()
}

// SiteSpent is Unit.SiteSpent as it is when all that ask before the rule are done.
func (p *Pass) SiteSpent() bool {
	if p.turn != nil {
		p.turn()
	}
	return p.Unit.SiteSpent()
}

// Report makes a finding of the rule's own severity in the file at hand.
func (p *Pass) Report(at source.Span, message string, fixes ...diag.Fix) {
	p.Add(diag.Diagnostic{Span: at, Message: message, Fixes: fixes})
}

// Add makes a finding; code, name, severity and file are filled in where they are not set.
func (p *Pass) Add(d diag.Diagnostic) {
	d.Code, d.Name = p.Rule.Code, p.Rule.ID
	if d.Severity == 0 {
		d.Severity = p.Rule.Severity
	}
	if d.File == nil {
		d.File = p.File
	}
	p.report(d)
}

// Htaccess tells whether the file at hand is a .htaccess file.
func (p *Pass) Htaccess() bool { return p.Unit.Input.Context == ir.ContextHtaccess }

// Fragment tells whether the text is only a part of a configuration: names it uses may be defined in another file.
// A .htaccess file is whole in this sense; so is a configuration whose includes were all read.
func (p *Pass) Fragment() bool {
	if p.Unit.Input.Server == ir.Nginx {
		return p.Unit.Input.Context != ir.ContextMain
	}
	return p.Unit.Input.Context == ir.ContextVhost
}

// Refusal says what the server does with a file it refuses, as the end of a message: "httpd answers 500 …".
func (p *Pass) Refusal() string {
	switch {
	case p.Unit.Input.Server == ir.Nginx:
		return "nginx will not start"
	case p.Htaccess():
		return "httpd answers 500 for every URL under this directory"
	}
	return "httpd will not start"
}

// Server is the name of the server in messages: "httpd" or "nginx".
func (p *Pass) Server() string {
	if p.Unit.Input.Server == ir.Nginx {
		return "nginx"
	}
	return "httpd"
}
