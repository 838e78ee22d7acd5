package apache

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"rewright/parser/ir"
	"rewright/parser/source"
)

// coreChecks are those of httpd's core. Source: httpd server/core.c, listen.c, vhost.c, util_mutex.c.
func coreChecks(m map[string]func(*check) *fault) {
	m["Options"], m["AllowOverride"], m["AllowOverrideList"] = checkOptions, checkAllowOverride, checkAllowOverrideList
	m["ErrorDocument"], m["Error"] = checkErrorDocument, checkError
	m["Listen"], m["ServerName"], m["ServerAlias"] = checkListen, checkServerName, checkServerAlias
	m["LogLevel"], m["FileETag"], m["Mutex"] = checkLogLevel, checkFileETag, checkMutex
	m["<VirtualHost"] = checkVirtualHost
	m["<If"], m["<ElseIf"], m["<Else"] = checkIf, checkIf, checkElse
	m["<Limit"], m["<LimitExcept"] = checkLimit, checkLimit
	for _, name := range []string{"<Directory", "<DirectoryMatch", "<Location", "<LocationMatch", "<Files", "<FilesMatch", "<Proxy", "<ProxyMatch"} {
		m[name] = checkPathSection
	}
	m["AcceptPathInfo"] = oneOf("AcceptPathInfo must be set to on, off or default", "on", "off", "default")
	m["ServerSignature"] = oneOf("ServerSignature: use one of: off | on | email", "on", "off", "email")
	m["UseCanonicalName"] = oneOf("parameter must be 'on', 'off', or 'dns'", "on", "off", "dns")
	m["HostnameLookups"] = oneOf("parameter must be 'on', 'off', or 'double'", "on", "off", "double")
	m["EnableMMAP"] = oneOf("parameter must be 'on' or 'off'", "on", "off")
	m["EnableSendfile"] = m["EnableMMAP"]
	m["AllowEncodedSlashes"] = oneOf("AllowEncodedSlashes must be On, Off, or NoDecode", "on", "off", "nodecode")
	m["TraceEnable"] = oneOf("TraceEnable must be one of 'on', 'off', or 'extended'", "on", "off", "extended")
	m["LimitRequestBody"] = func(c *check) *fault {
		n, err := strconv.ParseInt(c.arg(0), 10, 64)
		switch {
		case errors.Is(err, strconv.ErrRange):
			return c.bad(0, "LimitRequestBody argument is not parsable.")
		case err != nil || n < 0:
			return c.bad(0, "LimitRequestBody requires a non-negative integer.")
		}
		return nil
	}
	m["HttpProtocolOptions"] = oneOf("HttpProtocolOptions accepts 'Unsafe' or 'Strict' (default), 'RegisteredMethods' or 'LenientMethods' (default), "+
		"and 'Require1.0' or 'Allow0.9' (default)", "unsafe", "strict", "registeredmethods", "lenientmethods", "require1.0", "allow0.9")
	m["LimitInternalRecursion"] = func(c *check) *fault {
		for i := range c.d.Args {
			if atoi(c.arg(i)) <= 0 {
				return c.bad(i, "The recursion limit must be greater than zero.")
			}
		}
		return nil
	}
}

// oneOf is the check of a directive whose argument is one of some words.
func oneOf(server string, words ...string) func(*check) *fault {
	return func(c *check) *fault {
		for i, a := range c.d.Args {
			if !slices.ContainsFunc(words, func(w string) bool { return strings.EqualFold(w, a.Text) }) {
				return c.bad(i, server)
			}
		}
		return nil
	}
}

// optionWords are the words of Options. Source: httpd server/core.c, set_options.
var optionWords = map[string]bool{"indexes": true, "includes": true, "includesnoexec": true, "followsymlinks": true,
	"symlinksifownermatch": true, "execcgi": true, "multiviews": true, "runscripts": true}

func checkOptions(c *check) *fault {
	const mixed = "Either all Options must start with + or -, or no Option may."
	merge, allNone := false, false
	for i, a := range c.d.Args {
		first, w := i == 0, a.Text
		if w != "" && (w[0] == '+' || w[0] == '-') {
			if !merge && !first && !allNone {
				return c.bad(i, mixed)
			}
			w, merge = w[1:], true
		} else if !first && merge {
			return c.bad(i, mixed)
		}
		switch word := strings.ToLower(w); {
		case word == "none" || word == "all":
			name := strings.ToUpper(word[:1]) + word[1:]
			switch {
			case !first && name == "None":
				return c.bad(i, "'Options None' must be the first Option given.")
			case !first:
				return c.bad(i, "'Options All' must be the first option given.")
			case merge:
				return c.badf(i, "You may not use 'Options +%s' or 'Options -%s'.", name, name)
			}
			allNone = true
		case !optionWords[word]:
			return c.badf(i, "Illegal option %s", w)
		}
		if o := c.r.env.Override; o != nil && c.restricted() && !o.allowsOption(w) {
			x := c.badf(i, "Option %s not allowed here", w)
			x.kind = "directive-not-allowed-here"
			return x
		}
	}
	return nil
}

// optionBits are what the words of Options stand for, in bits of our own.
var optionBits = map[string]uint16{"none": 0, "indexes": 1, "includes": 2 | 4, "includesnoexec": 2, "followsymlinks": 8,
	"symlinksifownermatch": 16, "execcgi": 32, "multiviews": 64, "runscripts": 32 | 64, "all": 1 | 2 | 4 | 8 | 32}

// allowsOption tells whether "AllowOverride Options=…" lets a word of Options be used.
func (o *AllowOverride) allowsOption(word string) bool {
	if o.OptionNames == nil {
		return true
	}
	var have uint16
	for _, n := range o.OptionNames {
		have |= optionBits[strings.ToLower(n)]
	}
	return optionBits[strings.ToLower(word)]&^have == 0
}

func checkAllowOverride(c *check) *fault {
	for i, a := range c.d.Args {
		word, value, _ := strings.Cut(a.Text, "=")
		switch strings.ToLower(word) {
		case "limit", "fileinfo", "authconfig", "indexes", "none", "all":
			if len(word) < len(a.Text) {
				return c.badf(i, "Illegal override option %s", word)
			}
		case "nonfatal":
		case "options":
			for _, w := range strings.Split(value, ",") {
				if _, ok := optionBits[strings.ToLower(w)]; !ok && w != "" {
					return c.badf(i, "Illegal option %s", w)
				}
			}
		default:
			return c.badf(i, "Illegal override option %s", word)
		}
	}
	return nil
}

func checkAllowOverrideList(c *check) *fault {
	for i, a := range c.d.Args {
		if strings.EqualFold(a.Text, "none") && len(c.d.Args) != 1 {
			return c.bad(i, "'None' not allowed with other directives in AllowOverrideList")
		}
	}
	return nil
}

func checkErrorDocument(c *check) *fault {
	code, message := c.arg(0), c.arg(1)
	if !KnownStatus(atoi(code)) {
		return &fault{kind: "no-such-status", span: c.at(0), server: "Unsupported HTTP response code " + code,
			message: fmt.Sprintf("httpd knows no status %s", code)}
	}
	if strings.EqualFold(message, "default") {
		return nil
	}
	text := message
	if strings.Contains(message, " ") || !strings.HasPrefix(message, "/") && !isURL(message) {
		text = `"` + message
	} else if atoi(code) == 401 && isURL(message) && !strings.HasPrefix(message, "/") {
		return nil
	}
	if _, err := ParseExprString(text, c.at(1), ExprOptions{Restricted: c.restricted()}); err != nil {
		return c.badf(1, "Cannot parse expression in ErrorDocument: %s", err)
	}
	return nil
}

func checkError(c *check) *fault {
	text := c.d.ArgText.Text
	if text == "" {
		return &fault{server: "The Error directive was used with no message."}
	}
	if q := text[0]; len(text) > 1 && (q == '"' || q == '\'') && text[len(text)-1] == q {
		text = text[1 : len(text)-1]
	}
	return &fault{server: text, message: fmt.Sprintf("the Error directive makes httpd stop here: %q", text)}
}

// addressPort takes host:port apart. Source: APR network_io/unix/sockaddr.c, apr_parse_addr_port.
func addressPort(text string) (host string, port int, ok bool) {
	i := len(text)
	for i > 0 && isDigit(text[i-1]) {
		i--
	}
	inRange := func(s string) (int, bool) {
		n := atoi(s)
		return n, n >= 1 && n <= 65535
	}
	if i == 0 && text != "" {
		port, ok = inRange(text)
		return "", port, ok
	}
	if i > 0 && text[i-1] == ':' && i < len(text) {
		if i == 1 {
			return "", 0, false
		}
		if port, ok = inRange(text[i:]); !ok {
			return "", 0, false
		}
		text = text[:i-1]
	}
	if strings.HasPrefix(text, "[") && !strings.HasSuffix(text, "]") {
		return "", 0, false
	}
	return text, port, true
}

func checkListen(c *check) *fault {
	if n := len(c.d.Args); n < 1 || n > 2 {
		return &fault{kind: "wrong-argument-count", server: "Listen requires 1 or 2 arguments."}
	}
	switch _, port, ok := addressPort(c.arg(0)); {
	case !ok:
		return c.bad(0, "Invalid address or port")
	case port == 0:
		return c.bad(0, "Port must be specified")
	}
	return nil
}

func checkVirtualHost(c *check) *fault {
	for i, a := range c.d.Args {
		text, wild := a.Text, false
		if text == "" {
			continue
		}
		if text == "*" {
			wild = true
		} else if t, ok := strings.CutSuffix(text, ":*"); ok {
			text, wild = t, true
		}
		_ = wild
		switch host, _, ok := addressPort(text); {
		case !ok:
			return c.bad(i, "The address or port is invalid")
		case host == "":
			return c.bad(i, "Missing address for VirtualHost")
		}
	}
	return nil
}

func checkServerName(c *check) *fault {
	name := c.arg(0)
	if strings.ContainsAny(name, "*?[") {
		return c.badf(0, "Invalid ServerName \"%s\" use ServerAlias to set multiple server names.", name)
	}
	part := name
	if i := strings.Index(name, "://"); i >= 0 {
		part = name[i+3:]
	}
	if i := strings.IndexByte(part, ':'); i >= 0 {
		if port := atoi(part[i+1:]); port <= 0 || port >= 65536 {
			return c.badf(0, "The port number \"%s\" is outside the appropriate range (i.e., 1..65535).", name)
		}
	}
	return nil
}

func checkServerAlias(c *check) *fault {
	if !c.scope.vhost {
		return &fault{kind: "directive-not-allowed-here", server: "ServerAlias only used in <VirtualHost>"}
	}
	return nil
}

var logLevels = map[string]bool{"emerg": true, "alert": true, "crit": true, "error": true, "warn": true, "notice": true, "info": true,
	"debug": true, "trace1": true, "trace2": true, "trace3": true, "trace4": true, "trace5": true, "trace6": true, "trace7": true, "trace8": true}

func checkLogLevel(c *check) *fault {
	const bad = "Log level keyword must be one of emerg/alert/crit/error/warn/notice/info/debug/trace1/.../trace8"
	for i, a := range c.d.Args {
		j := strings.LastIndexByte(a.Text, ':')
		if j < 0 {
			if !logLevels[strings.ToLower(a.Text)] {
				return c.bad(i, bad)
			}
			continue
		}
		module, level := a.Text[:j], a.Text[j+1:]
		switch {
		case level == "":
			return c.badf(i, "Module specifier '%s' must be followed by a log level keyword", module)
		case !logLevels[strings.ToLower(level)]:
			return c.badf(i, "%s:%s: %s", module, level, bad)
		case !c.r.test("<IfModule", module) && !c.r.test("<IfModule", module+"_module") && !c.r.foreign:
			return c.badf(i, "Cannot find module %s", module)
		}
	}
	return nil
}

func checkFileETag(c *check) *fault {
	for i, a := range strings.Fields(c.d.ArgText.Text) {
		switch word := strings.ToLower(strings.TrimLeft(a, "+-")); word {
		case "size", "mtime", "lmtime", "lastmodified", "inode", "digest":
		case "none", "all":
			if len(word) < len(a) {
				return c.badf(i, "FileETag keyword '%s' cannot be used with '+' or '-'", strings.TrimLeft(a, "+-"))
			}
		default:
			return c.badf(i, "Unknown keyword '%s' for FileETag directive", strings.TrimLeft(a, "+-"))
		}
	}
	return nil
}

func checkMutex(c *check) *fault {
	const known = " (Mutex mechanisms are: 'none', 'default', 'flock:/path/to/file', 'fcntl:/path/to/file', 'file:/path/to/file', " +
		"'pthread', 'sysvsem', 'posixsem', 'sem')"
	if len(c.d.Args) == 0 {
		return &fault{kind: "wrong-argument-count", server: "Mutex requires at least a mechanism argument" + known}
	}
	method, _, _ := strings.Cut(c.arg(0), ":")
	switch strings.ToLower(method) {
	case "none", "no", "default", "yes", "fcntl", "file", "flock", "posixsem", "sem", "sysvsem", "pthread":
		return nil
	}
	return c.bad(0, "Invalid Mutex argument "+c.arg(0)+known)
}

// checkPathSection checks <Directory>, <Location>, <Files> and their kin, but for what httpd finds behind their bodies.
func checkPathSection(c *check) *fault {
	name, at := c.spec.Name, 0
	regex := strings.HasSuffix(name, "Match")
	if !regex && c.arg(0) == "~" {
		regex, at = true, 1
	}
	if regex {
		if err := regexFault(c.arg(at), false); err != nil {
			server := "Regex could not be compiled"
			return invalidRegex(c.at(at), server, c.arg(at), err)
		}
	}
	return nil
}

// behindSection is what httpd finds after the body of a section.
func (r *reader) behindSection(n *ConfigSection, s *scope) *fault {
	name := n.Known.Name
	words := n.Head.Args
	most := 1
	switch name {
	case "<Proxy", "<ProxyMatch":
		for i := 1; i < len(words); i++ {
			if !strings.Contains(words[i].Text, "=") && words[0].Text != "~" {
				return &fault{span: words[i].Span, server: "Invalid Proxy parameter. Parameter must be in the form 'key=value'"}
			}
		}
		return nil
	case "<Directory", "<Location", "<Files":
		if len(words) > 0 && words[0].Text == "~" {
			most = 2
		}
	case "<DirectoryMatch", "<LocationMatch", "<FilesMatch":
	case "<If", "<ElseIf":
		if x := elseWithoutIf(n, s); x != nil {
			return x
		}
		if len(words) > 1 {
			return &fault{kind: "wrong-argument-count", span: words[1].Span, server: "Multiple " + name + "> arguments not supported."}
		}
		return nil
	case "<Else":
		return elseWithoutIf(n, s)
	case "<RequireAll", "<RequireAny", "<RequireNone":
		return r.requireSection(n, s)
	default:
		return nil
	}
	if len(words) > most {
		return &fault{kind: "wrong-argument-count", span: source.Span{Start: words[most].Span.Start, End: words[len(words)-1].Span.End},
			server: "Multiple " + name + "> arguments not (yet) supported."}
	}
	return nil
}

// elseWithoutIf: what counts is the <If> before it in the same scope, whatever stands between.
func elseWithoutIf(n *ConfigSection, s *scope) *fault {
	if n.Known.Name == "<If" || s.afterIf {
		return nil
	}
	return &fault{server: "<Else> or <ElseIf> section without previous <If> or <ElseIf> section in same scope",
		message: fmt.Sprintf("%s> has no <If> before it in the same section", n.Known.Name)}
}

func checkIf(c *check) *fault {
	text := c.arg(0)
	if _, err := ParseExpr(text, c.at(0), ExprOptions{Restricted: c.restricted()}); err != nil {
		return &fault{span: c.at(0), server: "Cannot parse condition clause: " + err.Error(),
			message: fmt.Sprintf("the condition %q does not parse: %v", text, err)}
	}
	return nil
}

func checkElse(c *check) *fault {
	if len(c.d.Args) > 0 {
		return &fault{kind: "wrong-argument-count", span: c.at(0), server: "<Else> does not take an argument"}
	}
	return nil
}

// methodBits are the methods httpd and its WebDAV module know by themselves, a bit each; HEAD is GET.
// Source: httpd modules/http/http_protocol.c, ap_method_registry_init.
var methodBits = sync.OnceValue(func() map[string]uint64 {
	m := map[string]uint64{"HEAD": 1}
	for i, name := range strings.Fields(`GET PUT POST DELETE CONNECT OPTIONS TRACE PATCH PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK
		VERSION-CONTROL CHECKOUT UNCHECKOUT CHECKIN UPDATE LABEL REPORT MKWORKSPACE MKACTIVITY BASELINE-CONTROL MERGE`) {
		m[name] = 1 << i
	}
	return m
})

// anyMethod is a set of all methods.
const anyMethod = ^uint64(0)

// otherMethods is the bit of methods that have none of their own.
const otherMethods = 1 << 40

// limitMethods is the set of methods that the head of <Limit> or <LimitExcept> leaves.
func limitMethods(section string, words []Word) uint64 {
	var set uint64
	for _, w := range words {
		if bit := methodBits()[w.Text]; bit != 0 {
			set |= bit
		} else {
			set |= otherMethods
		}
	}
	if section == "<LimitExcept" {
		return ^set
	}
	return set
}

func checkLimit(c *check) *fault {
	for i, a := range c.d.Args {
		switch {
		case a.Text == "TRACE" && c.spec.Name == "<Limit":
			return c.bad(i, "TRACE cannot be controlled by <Limit>, see TraceEnable")
		case methodBits()[a.Text] == 0 && c.r.env.Context == ir.ContextHtaccess && a.Text != "BIND" && a.Text != "SEARCH":
			return c.badf(i, "Could not register method '%s' for %s from .htaccess configuration", a.Text, c.spec.Name)
		}
	}
	switch left := c.scope.methods & limitMethods(c.spec.Name, c.d.Args); left {
	case 0:
		return &fault{server: c.spec.Name + "> directive excludes all methods"}
	case c.scope.methods:
		return &fault{server: c.spec.Name + "> directive specifies methods already excluded"}
	}
	return nil
}
