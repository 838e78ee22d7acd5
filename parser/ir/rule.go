package ir

import (
	"rewright/parser/pattern"
	"rewright/parser/source"
)

// Pattern is a regular expression where it was written.
type Pattern struct {
	Text    string // as the server compiles it, without a leading ! or ~
	Span    source.Span
	Options pattern.Options
	Re      *pattern.Regexp // nil when Err is set
	Err     error           // *pattern.SyntaxError: the server refuses it
}

// NewPattern compiles text; a syntax error is kept in Err.
func NewPattern(text string, span source.Span, o pattern.Options) *Pattern {
	p := &Pattern{Text: text, Span: span, Options: o}
	p.Re, p.Err = pattern.Compile(text, o)
	return p
}

// Keyword is the directive a rule was written with.
type Keyword string

const (
	Redirect          Keyword = "Redirect"
	RedirectPermanent Keyword = "RedirectPermanent"
	RedirectTemp      Keyword = "RedirectTemp"
	RedirectMatch     Keyword = "RedirectMatch"
	RewriteRule       Keyword = "RewriteRule"
	Alias             Keyword = "Alias"
	AliasMatch        Keyword = "AliasMatch"
	ScriptAlias       Keyword = "ScriptAlias"
	ScriptAliasMatch  Keyword = "ScriptAliasMatch"
	NginxReturn       Keyword = "return"
	NginxRewrite      Keyword = "rewrite"
	NginxBreak        Keyword = "break"
)

// MatchKind says how a rule compares the request with what was written.
type MatchKind uint8

const (
	MatchAll     MatchKind = iota // every request: return, break, Redirect without a path
	MatchSegment                  // whole path segments from the start: Redirect, Alias
	MatchRegex                    // Pattern, unanchored
)

// Subject says what a rule's pattern sees.
type Subject uint8

const (
	SubjectURLPath   Subject = iota // decoded URL path with its leading slash
	SubjectDirectory                // path below the directory, no leading slash (httpd per-directory)
)

// Action is what a rule does when it matches.
type Action uint8

const (
	ActionNone     Action = iota // effects and flow only: "-" without a status, break
	ActionRewrite                // the URI is replaced inside the server (or redirected, when the result is absolute)
	ActionRedirect               // external redirect with Status and a Location
	ActionRespond                // an answer with Status and no Location: F, G, R=404, Redirect gone, return 403
	ActionProxy                  // handed to another server: P
	ActionMap                    // URL to file system: Alias and kin
)

// Flow is what a match means for the rules after it.
type Flow uint8

const (
	FlowNext    Flow = iota // go on with the next rule
	FlowLast                // httpd L: end of this pass; nginx last: end of script, search a location
	FlowEnd                 // httpd END: no further passes; nginx break: end of script, no search
	FlowRestart             // httpd N
	FlowSkip                // httpd S=n
	FlowAnswer              // the request is answered at once: redirect, permanent, return, mod_alias
)

// Flag is one flag as written in [ ] (httpd) or the fourth word of rewrite (nginx).
type Flag struct {
	Name     string // canonical: "R", "QSA", "END"; "permanent"
	Text     string // as written, with its value
	Value    string // after "="; empty when none
	HasValue bool
	Span     source.Span
	Known    bool // false: the server refuses it, or (httpd, D…) ignores it
}

// EnvEffect is httpd's E= flag.
type EnvEffect struct {
	Unset bool
	Name  string
	Value *Template // expanded when the rule matches; the name stands in Name. nil: empty value
	Raw   *Template // the whole "VAR:VAL" text, because httpd expands before it splits
}

// QueryPolicy says what becomes of the query string.
type QueryPolicy struct {
	Append    bool // QSA: old query after the new one
	Discard   bool // QSD
	SplitLast bool // QSL: split at the last ? of the result
	None      bool // httpd: a final ? was written (it is not part of Target), so nothing is split and no query is left
}

// EscapePolicy is httpd's B family and NE.
type EscapePolicy struct {
	Backrefs   bool   // B
	Only       string // B=chars: only these; empty: all but alphanumerics and _
	Except     string // BNE=chars
	Controls   bool   // BCTLS: only controls and blank
	NoPlus     bool   // BNP: blank as %20
	NoEscape   bool   // NE
	Allow3F    bool   // UnsafeAllow3F
	PrefixStat bool   // UnsafePrefixStat
	UNC        bool
}

// Rule is one line that may change or answer a request.
type Rule struct {
	Origin           // of the whole directive, conditions not included
	Keyword          Keyword
	Args             []Word // as the server splits them
	Match            MatchKind
	Subject          Subject
	Negated          bool         // !pattern
	Pattern          *Pattern     // MatchRegex
	Path             string       // MatchSegment: source path, decoded
	Conditions       []*Condition // httpd; see CNF
	Target           *Template    // nil when there is none, or it is "-"
	TargetSpan       source.Span
	Discarded        bool      // a target was written and the server ignores it (F, G, R=404; return 403 has a body instead)
	Body             *Template // nginx return CODE TEXT
	Action           Action
	Status           int  // of ActionRedirect and ActionRespond; 0 otherwise. nginx rewrite without flag to http://…: 302
	StatusWritten    bool // false when Status is the server's default
	ImplicitRedirect bool // nginx rewrite: the target's text begins with http://, https:// or $scheme
	Query            QueryPolicy
	Escape           EscapePolicy
	Flow             Flow
	Skip             int  // FlowSkip: how many rules
	MaxRestarts      int  // N=n; 0: the server's default
	Chain            bool // C
	NoSubrequest     bool // NS
	PassThrough      bool // PT
	DiscardPath      bool // DPI
	Env              []EnvEffect
	Cookies          []*Template // CO=
	Handler          *Template   // H=
	MIMEType         *Template   // T=
	Flags            []Flag
	Disabled         bool // kept for lint; the server never runs it (fault in the line)
}

// CNF groups the conditions as httpd evaluates them: groups are ANDed, members of a group ORed.
// A group whose last member still carries OR (the last condition of all) is always true.
func (r *Rule) CNF() [][]*Condition {
	var out [][]*Condition
	var group []*Condition
	for _, c := range r.Conditions {
		group = append(group, c)
		if !c.Or {
			out, group = append(out, group), nil
		}
	}
	if group != nil {
		out = append(out, group)
	}
	return out
}

// CondKind is the sort of test a condition makes.
type CondKind uint8

const (
	CondRegex  CondKind = iota // Pattern against the test string
	CondString                 // Op one of = < > <= >= (nginx: = only)
	CondNumber                 // Op one of -eq -ne -lt -le -gt -ge
	CondFile                   // Op one of -f -d -s -l -L -h -x -U -F; nginx -f -d -e -x
	CondExpr                   // httpd expr
	CondTruth                  // nginx if ($v): not empty and not "0"
)

// Condition is a RewriteCond or the head of an nginx if.
type Condition struct {
	Origin
	Test        *Template
	Kind        CondKind
	Op          string
	Pattern     *Pattern  // CondRegex
	Operand     *Template // what CondString and CondNumber compare with; httpd: one literal part
	Expr        Expr      // CondExpr
	Negated     bool
	IgnoreCase  bool
	Or          bool // httpd [OR]
	NoVary      bool // httpd [NV]
	Flags       []Flag
	PatternSpan source.Span // of the whole second argument
}

// Assign is nginx's set: a variable and its value. Auth_request_set and the like are Opaque.
type Assign struct {
	Origin
	Variable string // without $; lower case
	Value    *Template
	Args     []Word
}

// MapEntry is one line of a map, geo or split_clients block.
type MapEntry struct {
	Origin
	Key     string   // decoded; without the leading ~ for regular expressions
	Pattern *Pattern // ~ and ~* keys
	Value   *Template
}

// MapBlock is nginx's map, geo or split_clients.
type MapBlock struct {
	Origin
	Kind                        string    // "map", "geo", "split_clients"
	Source                      *Template // nil for geo without a source: $remote_addr
	Variable                    string
	Entries                     []MapEntry
	Default                     *Template // nil: empty string
	Hostnames, Volatile, Ranges bool
	Incomplete                  string // why entries may be missing (an include that could not be read); empty when all is known
}

// RewriteMap is httpd's RewriteMap.
type RewriteMap struct {
	Origin
	Name, Type, Source string // Type "txt", "rnd", "int", "prg", "dbm", "dbd", "fastdbd"
	Args               []Word
}
