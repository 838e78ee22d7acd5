package apache

import (
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

// Env is what reading a configuration depends on besides its text.
type Env struct {
	Context ir.Context // ContextHtaccess, ContextVhost or ContextServer
	// HasModule tells whether a module is loaded, asked by source name ("mod_rewrite.c") or identifier
	// ("rewrite_module"). nil: every module that httpd 2.4 ships, and none else.
	HasModule func(name string) bool
	// Directive tells whether a module from elsewhere that is there brings a directive httpd does not ship; nil: none does.
	// Such a directive is accepted anywhere with any arguments, and what it does is not known.
	Directive func(name string) bool
	// Anywhere says that it is not known which server reads the text: a directive that a common module from elsewhere brings, and that
	// changes no answer (php_value), is a remark and no refusal.
	Anywhere bool
	Defines  map[string]string // Define and -D; also used for ${NAME}
	Environ  map[string]string // process environment, for ${NAME}
	Version  string            // "2.4.71"; empty: that
	// Override says what AllowOverride lets a .htaccess file hold; nil: All.
	Override *AllowOverride
	// Exists tells whether a file is there, for <IfFile>; nil: Open decides, and without it no file is.
	Exists func(name string) bool
	// Open reads an included file by the name written (relative to the server root); nil: no includes can be
	// read, and each Include is a diagnostic that does not refuse. Glob lists the names a wildcard stands for,
	// and for the name of a directory the files below it, both in the order in which httpd reads them.
	// An error that wraps fs.ErrNotExist says that the server has no such file either, so httpd refuses.
	// Every other error says that the file cannot be read from here: a diagnostic that does not refuse, and an
	// Opaque in the IR, because what stands in the file is not known.
	Open func(name string) (*source.File, error)
	Glob func(pattern string) ([]string, error)
}

// AllowOverride is what the server configuration lets .htaccess files hold.
type AllowOverride struct {
	Classes  Override // All, or some of Limit, Options, FileInfo, AuthConfig, Indexes
	Names    []string // AllowOverrideList: directives that are allowed whatever their class
	Nonfatal bool     // Nonfatal=Override: a directive of a class that is missing is skipped with a warning
	Unknown  bool     // Nonfatal=Unknown or All: unknown directives are skipped with a warning
	// OptionNames are the options that "Options=Name,…" lets the Options directive name; nil: all of them.
	OptionNames []string
}

// Config is a configuration as httpd reads it: <IfModule> and its kin decided, ${NAME} replaced, includes
// and macros put in place.
type Config struct {
	Context ir.Context
	Files   []*File // the first is the one that was asked for
	Nodes   []ConfigNode
	// Diagnostics are in the order in which httpd meets them. The first with Refuses set is the one httpd reports.
	Diagnostics []diag.Diagnostic
	// Defines are the names defined at the end of reading, the caller's included; .htaccess files see them.
	Defines map[string]string
	// Inactive are parts httpd skipped: bodies of sections whose test is false.
	Inactive []*Section
}

// ConfigNode is a directive or a real section in force. The members are *ConfigDirective and *ConfigSection.
type ConfigNode interface{ configNode() }

// ConfigDirective is a directive in force. Its Name is as the tables spell it when it is known.
type ConfigDirective struct {
	File       *source.File
	*Directive       // spans are of File, also where ${NAME} was replaced; that of the tree where it says the same
	Known      *Spec // nil: unknown to the tables
	Refused    bool  // a diagnostic with Refuses was made for it
}

// ConfigSection is a section that is not decided while reading: <Directory>, <Files>, <If>, <VirtualHost>, <RequireAny> …
type ConfigSection struct {
	File    *source.File
	Head    Directive
	Known   *Spec
	Body    []ConfigNode
	Source  *Section
	Refused bool
}

func (*ConfigDirective) configNode() {}
func (*ConfigSection) configNode()   {}
