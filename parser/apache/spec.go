package apache

import (
	"strings"
	"sync"
)

// ArgKind is how httpd hands a directive its arguments.
// Source: httpd include/http_config.h, enum cmd_how; server/config.c, invoke_cmd.
type ArgKind uint8

const (
	RawArgs  ArgKind = iota + 1 // the directive splits its line itself
	TakeArgv                    // any number of words
	NoArgs
	Take1
	Take2
	Take3
	Take12  // one or two
	Take23  // two or three
	Take123 // one, two or three
	Take13  // one or three
	Iterate // one or more, each on its own
	// Iterate2 is a first word and one or more others, each paired with the first.
	Iterate2
	Flag // On or Off; further words are ignored
)

// Override says where a directive may stand: classes of AllowOverride, and places in server configuration.
type Override uint16

const (
	Limit       Override = 1 << iota // in .htaccess with AllowOverride Limit
	Options                          // … Options
	FileInfo                         // … FileInfo
	AuthConfig                       // … AuthConfig
	Indexes                          // … Indexes
	_                                // unused by httpd
	InDirectory                      // inside <Directory>, <Files>, <Location> of server configuration
	InServer                         // in server configuration outside of those
	onRead                           // carried out while reading, before the rest of the configuration

	// All is AllowOverride All.
	All = Limit | Options | FileInfo | AuthConfig | Indexes
)

// place is a set of sections that a directive must not stand in.
// Source: httpd server/core.c, ap_check_cmd_context.
type place uint8

const (
	notInVhost place = 1 << iota
	notInLimit
	notInDirectory
	notInLocation
	notInFiles
	notInProxy
	notInHtaccess
	notInDirLocFile = notInDirectory | notInLocation | notInFiles
	notInDirContext = notInLimit | notInDirLocFile | notInProxy
	globalOnly      = notInVhost | notInDirContext
)

// Spec is what httpd knows of a directive.
type Spec struct {
	Name     string // as httpd spells it; sections begin with <
	Module   string // source file of the module that brings it: "mod_alias.c"
	Kind     ArgKind
	Override Override
	nowhere  place
	Help     string // what messages about the number of arguments end with; may be empty
}

// Section tells whether the directive is the head of a section.
func (s *Spec) Section() bool { return s.Name[0] == '<' }

// Allows tells whether a .htaccess under these classes of AllowOverride may have the directive.
func (s *Spec) Allows(o Override) bool { return s.Override&o&All != 0 }

// Specs are all directives of httpd's own modules, by name. The slice is shared: read it only.
func Specs() []Spec { return specs[:] }

var specIndex = sync.OnceValue(func() map[string]*Spec {
	m := make(map[string]*Spec, 2*len(specs))
	for i := range specs {
		s := &specs[i]
		m[s.Name], m[strings.ToLower(s.Name)] = s, s
	}
	return m
})

// LookupSpec finds a directive by its name in any letter case, sections with their <; nil when httpd's modules
// have none of that name.
func LookupSpec(name string) *Spec {
	index := specIndex()
	if s := index[name]; s != nil {
		return s
	}
	return index[strings.ToLower(name)]
}
