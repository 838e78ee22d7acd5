// Package sim holds the parts that both request cycles share: the request, the world it is asked in,
// the outcome and the trace.
//
// The cycles themselves are parser/sim/httpd and parser/sim/nginx. They read ir only. Whatever is not
// modelled and could change the answer makes the outcome unknown, with the reason; it is never guessed.
package sim

import (
	"errors"
	"io/fs"
	"net/netip"
	"time"

	"rewright/parser/ir"
)

// Request is one HTTP request as it is sent.
type Request struct {
	Method  string      // as sent; empty: GET
	Scheme  string      // "http" or "https"; empty: http
	Host    string      // value of the Host header
	NoHost  bool        // no Host header is sent
	Port    int         // port connected to; 0: the scheme's own
	Target  string      // request target as sent, bytes; empty: "/"
	Header  [][2]string // further headers in order, bytes
	Version string      // "1.1" or "1.0"; empty: "1.1"
	Body    string
}

// FileKind is what lies at a path.
type FileKind uint8

const (
	NoFile FileKind = iota
	Regular
	Directory
	Special // device, socket …
)

// FileInfo describes a path after symbolic links were followed.
type FileInfo struct {
	Kind       FileKind
	Size       int64
	Executable bool // any x bit
	Link       bool // the path itself is a symbolic link
	Unreadable bool // the server's user cannot read it
}

// FileSystem answers what exists. Paths are absolute, slash-separated bytes in the world of the server.
// The second result is false when the question cannot be answered; the outcome is unknown then.
type FileSystem interface {
	Stat(path string) (FileInfo, bool)
	ReadFile(path string) ([]byte, error) // maps, password files; fs.ErrNotExist when there is none
}

// World is everything outside the configuration that an answer can depend on.
type World struct {
	Files        FileSystem
	DocumentRoot string            // absolute; where a .htaccess, a <VirtualHost> text or server {} text has its root
	ServerName   string            // of the wrapped host when the text names none; empty: "localhost"
	Env          map[string]string // environment of the server process
	Time         time.Time         // zero: unknown
	ClientAddr   netip.Addr        // invalid: 127.0.0.1
	ServerAddr   netip.Addr        // invalid: 127.0.0.1
	RemoteUser   string
	Prefix       string // absolute folder that nginx -p names, where relative names are; empty: unknown
	TLSPorts     []int  // further ports that speak TLS
	// HasModule tells whether an httpd module ("mod_proxy.c") is loaded; nil: all that httpd ships.
	HasModule func(name string) bool
	// Indexes are shared by the simulators of one program in worlds that differ; nil: each makes its own.
	Indexes *Indexes
}

// Outcome is the server's answer.
type Outcome struct {
	Status   int
	Location *string // nil: no Location header
	// URI, Query, File and PathInfo are of the request that was finally answered: httpd's r->uri, r->args,
	// r->filename, r->path_info; nginx's $uri, $args and, in File, the file that is served (empty when
	// something else answers) and $request_filename in Filename.
	URI, Query string
	File       string
	Filename   string
	PathInfo   string
	Header     [][2]string // in order, as far as configuration sets them; without Location
	// UnknownHeader names headers that are sent with a value that is not known ($request_id and the like).
	UnknownHeader []string
	Body          *string   // text the configuration gives as body; nil: none of its own
	Closed        bool      // the connection is closed with no response (nginx 444)
	PassedTo      string    // URL or address the request is passed on to; Status is 0 then, for it is the other's
	Host          *ir.Scope // virtual host that answered
	Via           []string  // nginx: locations used in order, as the oracle writes them
	Error         string    // what the server writes to its error log, as far as known

	// Fired are the rules whose pattern and conditions held, in the order in which they ran; with maxFired of them
	// the list ends. A rule that ran in several rounds is there as often.
	Fired []Firing

	Known   bool     // false: something that is not modelled could change the answer
	Unknown []string // why, when Known is false
	Steps   []Step

	// Work is what the answer took, counted in rules and conditions tried and variables evaluated: the same for the same
	// question on every machine.
	Work int
}

// Firing is a rule that took effect.
type Firing struct {
	Rule *ir.Rule
	// Subrequest is set when it ran in a look-up that httpd makes inside of the request: for the index of a
	// directory, for %{LA-U:…}, for FallbackResource.
	Subrequest bool
}

// maxFired bounds Outcome.Fired; a rule that starts over ([N]) can run tens of thousands of times.
const maxFired = 1000

// Fire records that a rule took effect.
func (o *Outcome) Fire(r *ir.Rule, subrequest bool) {
	if len(o.Fired) < maxFired {
		o.Fired = append(o.Fired, Firing{r, subrequest})
	}
}

// StepKind sorts the steps of a trace.
type StepKind string

const (
	StepRequest   StepKind = "request"   // the request as parsed: URI, query, host
	StepPhase     StepKind = "phase"     // a phase, round, location or script begins
	StepRule      StepKind = "rule"      // a rule's pattern was compared
	StepCondition StepKind = "condition" // a condition was tested
	StepSet       StepKind = "set"       // a variable, header, cookie or environment entry was set
	StepRewrite   StepKind = "rewrite"   // the URI changed
	StepFile      StepKind = "file"      // a file system question
	StepFlow      StepKind = "flow"      // why processing goes on or stops
	StepAnswer    StepKind = "answer"
)

// Step is one thing that happened. Rendering is cmd's.
type Step struct {
	Kind     StepKind  `json:"kind"`
	Origin   ir.Origin `json:"-"`                 // directive it happened at; zero File: none
	Name     string    `json:"name,omitempty"`    // directive or phase
	Input    string    `json:"input,omitempty"`   // string compared
	Pattern  string    `json:"pattern,omitempty"` // what it was compared with
	Matched  *bool     `json:"matched,omitempty"`
	Span     *[2]int   `json:"span,omitempty"`     // where Pattern matched in Input, byte offsets
	Captures []string  `json:"captures,omitempty"` // from group 1
	Result   string    `json:"result,omitempty"`   // new URI, value, location
	Note     string    `json:"note,omitempty"`     // in words
}

// Simulator answers requests for one program in one world. It is safe for concurrent use.
type Simulator interface {
	// Answer simulates one request. With trace unset Outcome.Steps stays nil.
	Answer(r Request, trace bool) Outcome
}

// ErrRefused is wrapped by the error of a constructor whose program the server would not start with.
var ErrRefused = errors.New("the server refuses this configuration")

// NoFiles is a file system in which the document root is an empty directory and nothing else is known.
type NoFiles struct{ Root string }

// Stat knows the root and its parents as directories and everything below the root as missing.
func (n NoFiles) Stat(path string) (FileInfo, bool) {
	if path == "/" || path == n.Root || len(n.Root) > len(path) && n.Root[:len(path)] == path && n.Root[len(path)] == '/' {
		return FileInfo{Kind: Directory}, true
	}
	return FileInfo{}, true
}

// ReadFile finds nothing.
func (NoFiles) ReadFile(string) ([]byte, error) { return nil, fs.ErrNotExist }
