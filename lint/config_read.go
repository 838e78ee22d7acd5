package lint

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"rewright/parser/diag"
	"rewright/parser/ir"
)

// maxConfigSize bounds a configuration file, in bytes, and maxConfigDepth how deep its brackets and indents may nest.
const (
	maxConfigSize  = 256 << 10
	maxConfigDepth = 50
)

// ConfigError is a fault in a configuration file of this tool.
type ConfigError struct {
	File         string
	Line, Column int // from 1; 0: of the whole file
	Message      string
}

func (e *ConfigError) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Message
	}
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Message)
}

// FindConfig is the name of the nearest configuration file in a folder or above; "" when there is none. A folder that cannot
// be searched counts as one without; a file that is there and cannot be read is for ReadConfig to say.
func FindConfig(fsys fs.FS, dir string) string {
	for {
		if HasConfig(fsys, dir) {
			return path.Join(dir, ConfigName)
		}
		if dir == "." || dir == "" || dir == "/" {
			return ""
		}
		dir = path.Dir(dir)
	}
}

// HasConfig tells whether a folder has a configuration file, be it one that cannot be read.
func HasConfig(fsys fs.FS, dir string) bool {
	info, err := fs.Lstat(fsys, path.Join(dir, ConfigName))
	return err == nil && !info.IsDir()
}

// ReadConfig reads a configuration file. display is what people call it. Faults of its text are *ConfigError.
func ReadConfig(fsys fs.FS, name, display string, rules []*Rule) (*Config, error) {
	info, err := fs.Stat(fsys, name)
	if err == nil && !info.Mode().IsRegular() {
		return nil, &ConfigError{File: display, Message: "not a regular file"}
	}
	var f fs.File
	if err == nil {
		f, err = fsys.Open(name)
	}
	if err != nil {
		var p *fs.PathError
		if errors.As(err, &p) {
			err = p.Err
		}
		return nil, fmt.Errorf("%s: %w", display, err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxConfigSize+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", display, err)
	}
	c, err := ParseConfig(display, text, rules)
	if c != nil {
		c.Dir = path.Dir(name)
		c.resolve()
	}
	return c, err
}

// resolve makes document roots absolute: a relative one begins in the folder of the file.
func (c *Config) resolve() {
	abs := func(s *Settings) {
		if s.Docroot != "" && !path.IsAbs(s.Docroot) {
			s.Docroot = path.Join("/", c.Dir, s.Docroot)
		}
	}
	abs(&c.base)
	for i := range c.paths {
		abs(&c.paths[i].set)
	}
}

// ParseConfig reads the text of a configuration file whose paths begin at the root. Faults are *ConfigError.
func ParseConfig(display string, text []byte, rules []*Rule) (c *Config, err error) {
	if len(text) > maxConfigSize {
		return nil, &ConfigError{File: display, Message: fmt.Sprintf("more than %d KB", maxConfigSize>>10)}
	}
	if at := tooDeep(text); at > 0 {
		return nil, &ConfigError{File: display, Line: at, Column: 1, Message: fmt.Sprintf("nested more than %d deep", maxConfigDepth)}
	}
	defer func() {
		if r := recover(); r != nil { // a fault of the YAML library is a file that cannot be read
			c, err = nil, &ConfigError{File: display, Message: fmt.Sprintf("no YAML that can be read (%v)", r)}
		}
	}()
	tree, err := parser.ParseBytes(bytes.TrimPrefix(text, []byte("\ufeff")), 0)
	if err != nil {
		return nil, configError(display, err)
	}
	var file configFile
	for _, doc := range tree.Docs {
		if doc.Body == nil {
			continue
		}
		if alias := firstAlias(doc.Body); alias != nil {
			return nil, &ConfigError{display, alias.Position.Line, alias.Position.Column, "anchors and aliases are not read here"}
		}
		if err := yaml.NodeToValue(doc.Body, &file, yaml.Strict()); err != nil {
			return nil, configError(display, err)
		}
	}
	if len(tree.Docs) > 1 && tree.Docs[1].Body != nil {
		t := tree.Docs[1].Body.GetToken()
		return nil, &ConfigError{display, t.Position.Line, t.Position.Column, "a second document is not read; keep one"}
	}
	check := &configChecker{file: display, choose: newNames(rules)}
	c = &Config{File: display, Dir: "."}
	c.base = check.settings(&file.Settings)
	c.exclude = check.patterns(file.Exclude)
	for i := range file.Paths {
		p := &file.Paths[i]
		if len(p.Files.list) == 0 {
			check.fail(p.at, "an entry of paths wants files: the patterns of the files it is for")
		}
		c.paths = append(c.paths, override{check.patterns(p.Files), check.settings(&p.Settings)})
	}
	if check.err != nil {
		return nil, check.err
	}
	return c, nil
}

// tooDeep is the line at which a text nests deeper than any configuration does; 0: nowhere.
func tooDeep(text []byte) int {
	depth, line, indent, fresh, dashes := 0, 1, 0, true, 0
	for _, b := range text {
		switch {
		case b == '\n':
			line++
			indent, fresh, dashes = 0, true, 0
			continue
		case fresh && b == ' ':
			indent++
			continue
		case fresh && b == '-':
			dashes++
			if dashes > maxConfigDepth {
				return line
			}
			continue
		}
		fresh = false
		switch b {
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(0, depth-1)
		}
		if depth > maxConfigDepth || indent > 8*maxConfigDepth {
			return line
		}
	}
	return 0
}

func firstAlias(n ast.Node) *token.Token {
	v := &aliasFinder{}
	ast.Walk(v, n)
	return v.found
}

type aliasFinder struct{ found *token.Token }

func (v *aliasFinder) Visit(n ast.Node) ast.Visitor {
	switch n.(type) {
	case *ast.AliasNode, *ast.AnchorNode:
		if v.found == nil {
			v.found = n.GetToken()
		}
	}
	return v
}

// configError turns an error of the YAML library into ours.
func configError(display string, err error) error {
	var own *ConfigError
	if errors.As(err, &own) {
		own.File = display
		return own
	}
	out := &ConfigError{File: display, Message: strings.TrimSpace(err.Error())}
	var y yaml.Error
	if errors.As(err, &y) {
		out.Message = y.GetMessage()
		if t := y.GetToken(); t != nil && t.Position != nil {
			out.Line, out.Column = t.Position.Line, t.Position.Column
		}
	}
	if name, ok := strings.CutPrefix(out.Message, "unknown field "); ok {
		name = strings.Trim(name, `"`)
		out.Message = fmt.Sprintf("there is no key %q", name)
		if near := Nearest(name, configKeys); len(near) == 1 {
			out.Message += fmt.Sprintf("; did you mean %q?", near[0])
		}
	}
	return out
}

// configKeys are all keys there are.
var configKeys = []string{"hosts", "docroot", "files", "apache", "nginx", "profile", "server", "context", "document-tree", "modules", "no-modules", "max-hops", "thresholds",
	"select", "ignore", "severity", "exclude", "paths"}

type configSettings struct {
	Hosts      words  `yaml:"hosts"`
	Docroot    word   `yaml:"docroot"`
	Complete   word   `yaml:"document-tree"`
	Apache     word   `yaml:"apache"`
	Nginx      word   `yaml:"nginx"`
	Profile    word   `yaml:"profile"`
	Server     word   `yaml:"server"`
	Context    word   `yaml:"context"`
	Modules    words  `yaml:"modules"`
	NoModules  words  `yaml:"no-modules"`
	MaxHops    word   `yaml:"max-hops"`
	Thresholds levels `yaml:"thresholds"`
	Select     words  `yaml:"select"`
	Ignore     words  `yaml:"ignore"`
	Severity   levels `yaml:"severity"`
}

type configFile struct {
	Settings configSettings `yaml:",inline"`
	Exclude  words          `yaml:"exclude"`
	Paths    []pathsItem    `yaml:"paths"`
}

type pathsItem struct {
	pathsFields
	at *token.Token
}

type pathsFields struct {
	Files    words          `yaml:"files"`
	Settings configSettings `yaml:",inline"`
}

func (p *pathsItem) UnmarshalYAML(n ast.Node) error {
	p.at = n.GetToken()
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
		p.at = m.Values[0].Key.GetToken()
	}
	return yaml.NodeToValue(n, &p.pathsFields, yaml.Strict())
}

// word is one scalar as it is written: a version 2.40 is not the number 2.4.
type word struct {
	text string
	at   *token.Token
}

func (w *word) UnmarshalYAML(n ast.Node) error {
	s, ok := n.(ast.ScalarNode)
	if !ok || n.Type() == ast.NullType {
		return wants(n, "one value")
	}
	w.at = n.GetToken()
	w.text = w.at.Value
	if l, ok := s.(*ast.LiteralNode); ok {
		w.text = strings.TrimSpace(l.Value.Value)
	}
	return nil
}

// words is a list of scalars, or one.
type words struct{ list []word }

func (w *words) UnmarshalYAML(n ast.Node) error {
	list := []ast.Node{n}
	switch s := n.(type) {
	case *ast.SequenceNode:
		list = s.Values
	case *ast.NullNode:
		return nil
	}
	w.list = []word{}
	for _, v := range list {
		var one word
		if err := one.UnmarshalYAML(v); err != nil {
			return err
		}
		w.list = append(w.list, one)
	}
	return nil
}

// levels is a mapping of words to words, in its order.
type levels struct{ list [][2]word }

func (l *levels) UnmarshalYAML(n ast.Node) error {
	var values []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		values = m.Values
	case *ast.MappingValueNode:
		values = []*ast.MappingValueNode{m}
	case *ast.NullNode:
	default:
		return wants(n, "rules and a value for each, as `RD302: info`")
	}
	for _, v := range values {
		var key, value word
		key.at = v.Key.GetToken()
		key.text = key.at.Value
		if err := value.UnmarshalYAML(v.Value); err != nil {
			return err
		}
		l.list = append(l.list, [2]word{key, value})
	}
	return nil
}

func wants(n ast.Node, what string) error {
	p := n.GetToken().Position
	return &ConfigError{Line: p.Line, Column: p.Column, Message: "this wants " + what}
}

// configChecker turns words into settings; the first fault is kept.
type configChecker struct {
	file   string
	choose *selection
	err    error
}

func (c *configChecker) fail(at *token.Token, format string, args ...any) {
	if c.err != nil {
		return
	}
	e := &ConfigError{File: c.file, Message: fmt.Sprintf(format, args...)}
	if at != nil && at.Position != nil {
		e.Line, e.Column = at.Position.Line, at.Position.Column
	}
	c.err = e
}

func (c *configChecker) texts(w words) []string {
	if w.list == nil {
		return nil
	}
	out := []string{}
	for _, x := range w.list {
		if x.text == "" {
			c.fail(x.at, "an empty word means nothing here")
		}
		out = append(out, x.text)
	}
	return out
}

func (c *configChecker) patterns(w words) []string {
	for _, x := range w.list {
		if !doublestar.ValidatePattern(x.text) {
			c.fail(x.at, "%q is no pattern of files", x.text)
		}
		if strings.HasPrefix(x.text, "../") {
			c.fail(x.at, "%q leads out of the folder of this file, and nothing there is looked at", x.text)
		}
	}
	return c.texts(w)
}

func (c *configChecker) rules(w words) []string {
	for _, x := range w.list {
		c.rule(x)
	}
	return c.texts(w)
}

func (c *configChecker) rule(x word) {
	if err := c.choose.each(x.text, func(*Rule) {}); err != nil {
		c.fail(x.at, "%v", err)
	}
}

func (c *configChecker) settings(f *configSettings) Settings {
	s := Settings{Hosts: c.texts(f.Hosts), Docroot: f.Docroot.text, Modules: c.texts(f.Modules), NoModules: c.texts(f.NoModules),
		Profile: f.Profile.text, Apache: c.version(f.Apache, "2.4.62"), Nginx: c.version(f.Nginx, "1.22.1")}
	for _, h := range f.Hosts.list {
		if fault := HostFault(h.text); fault != "" {
			c.fail(h.at, "%s", fault)
		}
	}
	if p := f.Profile; p.text != "" && p.text != ProfileIdentifiers {
		c.fail(p.at, "there is no profile %q; there is %q", p.text, ProfileIdentifiers)
	}
	switch w := f.Server; w.text {
	case "":
	case "apache":
		s.Server = ir.Apache
	case "nginx":
		s.Server = ir.Nginx
	default:
		c.fail(w.at, "server wants apache or nginx, not %q", w.text)
	}
	switch s.Context = ir.Context(f.Context.text); s.Context {
	case "", ir.ContextHtaccess, ir.ContextVhost, ir.ContextServer, ir.ContextLocation, ir.ContextHTTP, ir.ContextMain:
	default:
		c.fail(f.Context.at, "context wants htaccess, vhost or server for Apache, location, server, http or main for nginx, not %q", f.Context.text)
	}
	if w := f.Complete; w.at != nil {
		switch w.text {
		case "complete":
			s.FilesComplete = true
		case "partial":
		default:
			c.fail(w.at, "document-tree wants complete or partial, not %q", w.text)
		}
	}
	if w := f.MaxHops; w.at != nil {
		s.MaxHops = c.number(w, 1)
	}
	for _, kv := range f.Thresholds.list {
		c.rule(kv[0])
		n := c.number(kv[1], 0)
		_ = c.choose.each(kv[0].text, func(r *Rule) {
			s.Thresholds = laid(s.Thresholds, map[string]int{r.ID: n})
		})
	}
	s.Choice.Select, s.Choice.Ignore = c.rules(f.Select), c.rules(f.Ignore)
	for _, kv := range f.Severity.list {
		c.rule(kv[0])
		level, ok := diag.ParseSeverity(kv[1].text)
		if !ok {
			c.fail(kv[1].at, "a severity is error, warning, info or style, not %q; to silence a rule name it under ignore", kv[1].text)
		}
		s.Choice.Severity = laid(s.Choice.Severity, map[string]diag.Severity{kv[0].text: level})
	}
	return s
}

func (c *configChecker) number(w word, least int) int {
	n, err := strconv.Atoi(w.text)
	if err != nil || n < least || n > 1_000_000_000 {
		c.fail(w.at, "this wants a number from %d, not %q", least, w.text)
	}
	return n
}

func (c *configChecker) version(w word, example string) string {
	if w.at != nil && !IsVersion(w.text) {
		c.fail(w.at, "a version is written as %s, not %q", example, w.text)
	}
	return w.text
}

// IsVersion tells whether a text is the version of a server: two or three numbers with dots between them.
func IsVersion(text string) bool {
	parts := strings.Split(text, ".")
	for _, p := range parts {
		if n, err := strconv.Atoi(p); err != nil || n < 0 || n > 9999 || p[0] == '+' || p[0] == '-' {
			return false
		}
	}
	return len(parts) == 2 || len(parts) == 3
}

// HostFault says why a text cannot be a host that configurations serve; "" when it can.
func HostFault(text string) string {
	if strings.Contains(text, "://") || strings.Contains(text, "/") {
		return fmt.Sprintf("%q is no host name; write it without scheme and path", text)
	}
	name := strings.NewReplacer("*", "x", "?", "x").Replace(strings.TrimPrefix(plainHost(text), "."))
	if !looksLikeHost(name) && !looksLikeHost(name+".x") {
		return fmt.Sprintf("%q is no host name", text)
	}
	return ""
}
