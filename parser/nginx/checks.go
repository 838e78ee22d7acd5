package nginx

import (
	"fmt"
	"strings"

	"rewright/parser/diag"
	"rewright/parser/ir"
)

// heads are checks of a directive's arguments, made before its block is read, in nginx's order; closers come when
// the block is done. Each is named after the set function of nginx that it follows.
type (
	headCheck   = func(r *reader, cd *ConfigDirective, fr *frame)
	closerCheck = func(r *reader, cd *ConfigDirective, fr, inner *frame)
)

var heads, closers = map[string]headCheck{}, map[string]closerCheck{}

func init() {
	for _, group := range []map[string]headCheck{rewriteChecks, coreChecks, serverChecks, proxyChecks, mapChecks, logChecks, miscChecks} {
		for name, check := range group {
			heads[name] = check
		}
	}
	closers["upstream"] = closeUpstream
	closers["http"] = func(r *reader, _ *ConfigDirective, _, _ *frame) { r.endHTTP() }
	closers["server"] = closeServer
	closers["map"] = closeMap
	closers["split_clients"] = closeSplit
}

// closeLine is the line of the } of a block.
func (r *reader) closeLine(cd *ConfigDirective) int {
	if cd.Block != nil && cd.Block.Closed {
		return cd.File.Line(cd.Block.Close.Start)
	}
	return cd.File.Line(cd.span.End)
}

// rewriteChecks follow src/http/modules/ngx_http_rewrite_module.c.
var rewriteChecks = map[string]headCheck{
	"return":  checkReturn,
	"rewrite": checkRewrite,
	"set": func(r *reader, cd *ConfigDirective, _ *frame) {
		if r.defineWord(cd, cd.Args[0]) {
			r.template(cd, cd.Args[1])
		}
	},
	"if": checkIf,
}

func isAbsoluteTarget(s string) bool {
	return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "$scheme")
}

func checkReturn(r *reader, cd *ConfigDirective, _ *frame) {
	code := cd.Args[0]
	n, ok := atoi(code.Text)
	if !ok && len(cd.Args) == 1 && isAbsoluteTarget(code.Text) {
		r.template(cd, code)
		return
	}
	if !ok || n > 999 {
		r.refuse(cd, code.Span, "RD305", "no-such-status", fmt.Sprintf("needs a status of 0 to 999 first, not %q", code.Text), "",
			fmt.Sprintf(`invalid return code "%s"`, code.Text))
		return
	}
	if len(cd.Args) == 2 {
		r.template(cd, cd.Args[1])
	}
}

func checkRewrite(r *reader, cd *ConfigDirective, _ *frame) {
	if cd.Args[1].Text == "" {
		r.refuse(cd, cd.Args[1].Span, "RD029", "refused-argument", "has an empty replacement", "", "empty replacement")
		return
	}
	if _, ok := r.regex(cd, cd.Args[0].Text, cd.Args[0], false, true); !ok {
		return
	}
	if len(cd.Args) == 3 {
		switch flag := cd.Args[2]; flag.Text {
		case "last", "break", "redirect", "permanent":
		default:
			r.refuse(cd, flag.Span, "RD002", "unknown-flag", fmt.Sprintf("has no flag %q", flag.Text),
				"the flags are last, break, redirect (302) and permanent (301)", fmt.Sprintf(`invalid parameter "%s"`, flag.Text))
			return
		}
	}
	r.template(cd, cd.Args[1])
}

func checkIf(r *reader, cd *ConfigDirective, _ *frame) {
	c, err := ParseIf(cd.Args)
	if err != nil {
		ce := err.(*ConditionError)
		code, name := "RD021", "malformed-if"
		if strings.Contains(ce.Text, "variable") {
			code, name = "RD029", "refused-argument"
		}
		r.refuse(cd, ce.Span, code, name, "has a condition that nginx cannot read", "", ce.Text)
		return
	}
	r.useTemplate(cd, c.Test)
	if c.Operand != nil {
		r.useTemplate(cd, c.Operand)
	}
	if c.Kind == ir.CondRegex {
		words, _ := unwrapCondition(cd.Args)
		r.regex(cd, c.Pattern.Text, words[len(words)-1], c.IgnoreCase, true)
	}
}

// locationHead is what a location directive says of itself.
type locationHead struct {
	modifier ir.LocationModifier
	name     string
	word     Word
}

func (l locationHead) regex() bool {
	return l.modifier == ir.RegexLocation || l.modifier == ir.RegexLocationCI
}

// readLocation takes the arguments of location apart; false: the modifier is none.
// Source: nginx src/http/ngx_http_core_module.c, ngx_http_core_location.
func readLocation(args []Word) (l locationHead, ok bool) {
	l.word = args[len(args)-1]
	l.name = l.word.Text
	if len(args) == 2 {
		switch args[0].Text {
		case "=":
			l.modifier = ir.ExactLocation
		case "^~":
			l.modifier = ir.NoRegexLocation
		case "~":
			l.modifier = ir.RegexLocation
		case "~*":
			l.modifier = ir.RegexLocationCI
		default:
			return l, false
		}
		return l, true
	}
	for _, m := range []struct {
		text     string
		modifier ir.LocationModifier
	}{{"=", ir.ExactLocation}, {"^~", ir.NoRegexLocation}, {"~*", ir.RegexLocationCI}, {"~", ir.RegexLocation}} {
		if strings.HasPrefix(l.name, m.text) {
			l.modifier, l.name = m.modifier, l.name[len(m.text):]
			return l, true
		}
	}
	if strings.HasPrefix(l.name, "@") {
		l.modifier = ir.NamedLocation
	}
	return l, true
}

func checkLocation(r *reader, cd *ConfigDirective, fr *frame) {
	l, ok := readLocation(cd.Args)
	if !ok {
		r.invalid(cd, cd.Args[0], `invalid location modifier "%s"`, cd.Args[0].Text)
		return
	}
	if l.regex() {
		if _, ok := r.regex(cd, l.name, l.word, l.modifier == ir.RegexLocationCI, true); !ok {
			return
		}
	}
	if p := fr.location; p != nil && fr.context == "location" {
		fault := ""
		switch {
		case p.modifier == ir.ExactLocation:
			fault = fmt.Sprintf(`location "%s" cannot be inside the exact location "%s"`, l.name, p.name)
		case p.modifier == ir.NamedLocation:
			fault = fmt.Sprintf(`location "%s" cannot be inside the named location "%s"`, l.name, p.name)
		case l.modifier == ir.NamedLocation:
			fault = fmt.Sprintf(`named location "%s" can be on the server level only`, l.name)
		case !l.regex() && !strings.HasPrefix(l.name, p.name):
			fault = fmt.Sprintf(`location "%s" is outside location "%s"`, l.name, p.name)
		}
		if fault != "" {
			r.refuse(cd, cd.Head(), "RD029", "refused-argument", fmt.Sprintf("%q cannot stand in this location", l.name), "", fault)
			return
		}
	}
	cd.location = &l
	if l.regex() || l.modifier == ir.NamedLocation {
		return
	}
	if fr.locations == nil {
		fr.locations = map[string]*ConfigDirective{}
	}
	key := "p" + l.name
	if l.modifier == ir.ExactLocation {
		key = "=" + l.name
	}
	first := fr.locations[key]
	if first == nil {
		fr.locations[key] = cd
		return
	}
	cd.Refused = true
	r.later(rankLocations, finding{line: r.line(cd), Diagnostic: diag.Diagnostic{Code: "RD029", Name: "refused-argument",
		Severity: diag.Error, File: cd.File, Span: cd.Head(), Refuses: true,
		Message: fmt.Sprintf("`location %s` stands twice; nginx will not start", l.name), Help: "keep one of them",
		ServerMessage: fmt.Sprintf(`duplicate location "%s"`, l.name),
		Related:       []diag.Related{{File: first.File, Span: first.Head(), Message: "the first one"}}}})
}

func checkRoot(r *reader, cd *ConfigDirective, fr *frame) {
	name := cd.Name.Text
	if first := fr.set["root"]; first != nil {
		if first.Name.Text == name {
			r.duplicate(cd, first, "is duplicate")
		} else {
			r.duplicate(cd, first, fmt.Sprintf(`is duplicate, "%s" directive was specified earlier`, first.Name.Text))
		}
		return
	}
	if name == "alias" && fr.location != nil && fr.location.modifier == ir.NamedLocation {
		r.refuse(cd, cd.Name.Span, "RD106", "directive-not-allowed-here", "cannot be used in a named location", "use root",
			`the "alias" directive cannot be used inside the named location`)
		return
	}
	for _, v := range []string{"document_root", "realpath_root"} {
		if strings.Contains(cd.Args[0].Text, "$"+v) || strings.Contains(cd.Args[0].Text, "${"+v+"}") {
			r.invalid(cd, cd.Args[0], `the $%s variable cannot be used in the "%s" directive`, v, name)
			return
		}
	}
	fr.set["root"] = cd
	r.template(cd, cd.Args[0])
}

func checkErrorPage(r *reader, cd *ConfigDirective, _ *frame) {
	n := len(cd.Args)
	codes := cd.Args[:n-1]
	if eq := cd.Args[n-2]; strings.HasPrefix(eq.Text, "=") {
		_, ok := atoi(eq.Text[1:])
		if n == 2 || len(eq.Text) > 1 && !ok {
			r.invalid(cd, eq, `invalid value "%s"`, eq.Text)
			return
		}
		codes = cd.Args[:n-2]
	}
	if !r.template(cd, cd.Args[n-1]) {
		return
	}
	for _, w := range codes {
		status, ok := atoi(w.Text)
		switch {
		case !ok || status == 499:
			r.refuse(cd, w.Span, "RD305", "no-such-status", fmt.Sprintf("cannot catch %q", w.Text), "", fmt.Sprintf(`invalid value "%s"`, w.Text))
			return
		case status < 300 || status > 599:
			r.refuse(cd, w.Span, "RD305", "no-such-status", fmt.Sprintf("cannot catch %s", w.Text), "",
				fmt.Sprintf(`value "%s" must be between 300 and 599`, w.Text))
			return
		}
	}
}

func checkTryFiles(r *reader, cd *ConfigDirective, fr *frame) {
	if r.repeated(cd, fr) {
		return
	}
	last := len(cd.Args) - 1
	for i, w := range cd.Args {
		if i == last && strings.HasPrefix(w.Text, "=") {
			if n, ok := atoi(w.Text[1:]); !ok || n > 999 {
				r.refuse(cd, w.Span, "RD305", "no-such-status", fmt.Sprintf("has no status in %q", w.Text), "", fmt.Sprintf(`invalid code "%s"`, w.Text))
			}
			return
		}
		if !r.template(cd, w) {
			return
		}
	}
}

func checkIndex(r *reader, cd *ConfigDirective, _ *frame) {
	for i, w := range cd.Args {
		if strings.HasPrefix(w.Text, "/") && i != len(cd.Args)-1 {
			r.warn(cd, w, "an absolute name ends the search: the names after it are never tried",
				`only the last index in "index" directive should be absolute`)
		}
		if w.Text == "" {
			r.invalid(cd, w, `index "%s" in "index" directive is invalid`, cd.Args[0].Text)
			return
		}
		if !r.template(cd, w) {
			return
		}
	}
}

func checkLimitExcept(r *reader, cd *ConfigDirective, _ *frame) {
	for _, w := range cd.Args {
		switch strings.ToUpper(w.Text) {
		case "GET", "HEAD", "POST", "PUT", "DELETE", "MKCOL", "COPY", "MOVE", "OPTIONS", "PROPFIND", "PROPPATCH", "LOCK", "UNLOCK", "PATCH":
		default:
			r.invalid(cd, w, `invalid method "%s"`, w.Text)
			return
		}
	}
}

func checkAccess(r *reader, cd *ConfigDirective, _ *frame) {
	w := cd.Args[0]
	if w.Text == "all" || w.Text == "unix:" {
		return
	}
	switch kind, _ := parseNetwork(w.Text); kind {
	case notNetwork:
		r.invalid(cd, w, `invalid parameter "%s"`, w.Text)
	case dirtyNetwork:
		r.lowBits(cd, w)
	}
}

func (r *reader) lowBits(cd *ConfigDirective, w Word) {
	r.warn(cd, w, fmt.Sprintf("bits of %s below its mask are ignored", w.Text), fmt.Sprintf("low address bits of %s are meaningless", w.Text))
}

func checkExpires(r *reader, cd *ConfigDirective, fr *frame) {
	if r.repeated(cd, fr) {
		return
	}
	w, modified := cd.Args[len(cd.Args)-1], len(cd.Args) == 2
	if modified && cd.Args[0].Text != "modified" {
		r.invalidValue(cd, cd.Args[0], "invalid value")
		return
	}
	if strings.Contains(w.Text, "$") {
		r.template(cd, w)
		return
	}
	text := w.Text
	if !modified && (text == "epoch" || text == "max" || text == "off") {
		return
	}
	daily := strings.HasPrefix(text, "@")
	if daily && modified {
		r.invalidValue(cd, w, `daily time cannot be used with "modified" parameter`)
		return
	}
	if text != "" && strings.IndexByte("@+-", text[0]) >= 0 {
		text = text[1:]
	}
	n, ok := parseTime(text, true)
	if !ok {
		r.invalidValue(cd, w, "invalid value")
	} else if daily && n > 86400 {
		r.invalidValue(cd, w, "daily time value must be less than 24 hours")
	}
}

// coreChecks follow src/http/ngx_http_core_module.c and small modules.
var coreChecks = map[string]headCheck{
	"location":     checkLocation,
	"root":         checkRoot,
	"alias":        checkRoot,
	"error_page":   checkErrorPage,
	"try_files":    checkTryFiles,
	"index":        checkIndex,
	"limit_except": checkLimitExcept,
	"allow":        checkAccess,
	"deny":         checkAccess,
	"expires":      checkExpires,
	"internal":     func(r *reader, cd *ConfigDirective, fr *frame) { r.repeated(cd, fr) },
	"events":       func(r *reader, cd *ConfigDirective, fr *frame) { r.repeated(cd, fr) },
	"http":         func(r *reader, cd *ConfigDirective, fr *frame) { r.repeated(cd, fr) },
	"mirror":       checkMirror,
	"auth_request": func(r *reader, cd *ConfigDirective, fr *frame) { r.repeated(cd, fr) },
	"auth_request_set": func(r *reader, cd *ConfigDirective, _ *frame) {
		if r.defineWord(cd, cd.Args[0]) {
			r.template(cd, cd.Args[1])
		}
	},
	"add_header":  checkAddHeader,
	"add_trailer": checkAddHeader,
	"charset": func(r *reader, cd *ConfigDirective, fr *frame) {
		if !r.repeated(cd, fr) && strings.HasPrefix(cd.Args[0].Text, "$") {
			r.use(cd, strings.ToLower(cd.Args[0].Text[1:]), cd.Args[0].Span)
		}
	},
	"keepalive_timeout": func(r *reader, cd *ConfigDirective, fr *frame) {
		if r.repeated(cd, fr) {
			return
		}
		for i, w := range cd.Args {
			if _, ok := parseTime(w.Text, i == 1); !ok {
				r.invalidValue(cd, w, "invalid value")
				return
			}
		}
	},
	"use": func(r *reader, cd *ConfigDirective, fr *frame) {
		if r.repeated(cd, fr) {
			return
		}
		switch w := cd.Args[0]; w.Text {
		case "epoll", "poll", "select":
		default:
			r.invalid(cd, w, `invalid event type "%s"`, w.Text)
		}
	},
	"worker_processes": func(r *reader, cd *ConfigDirective, fr *frame) {
		if r.repeated(cd, fr) || cd.Args[0].Text == "auto" {
			return
		}
		if _, ok := atoi(cd.Args[0].Text); !ok {
			r.invalidValue(cd, cd.Args[0], "invalid value")
		}
	},
	"aio": func(r *reader, cd *ConfigDirective, fr *frame) {
		if r.repeated(cd, fr) {
			return
		}
		switch w := cd.Args[0]; {
		case w.Text == "off" || strings.HasPrefix(w.Text, "threads"):
		case w.Text == "on" && r.version == AnyRelease: // built with --with-file-aio, as nginx.org's packages are
		case w.Text == "on":
			r.invalid(cd, w, `"aio on" is unsupported on this platform`)
		default:
			r.invalidValue(cd, w, "invalid value")
		}
	},
	"ssl_session_cache": checkSessionCache,
	"ssl": func(r *reader, cd *ConfigDirective, _ *frame) {
		r.warn(cd, cd.Name, "`ssl` is out of use: `listen … ssl` says it for one address",
			`the "ssl" directive is deprecated, use the "listen ... ssl" directive instead`)
	},
	"gzip_disable": func(r *reader, cd *ConfigDirective, _ *frame) {
		for _, w := range cd.Args {
			if w.Text == "msie6" || w.Text == "degradation" {
				continue
			}
			if _, ok := r.regex(cd, w.Text, w, true, false); !ok {
				return
			}
		}
	},
	"valid_referers": func(r *reader, cd *ConfigDirective, _ *frame) {
		for _, w := range cd.Args {
			if strings.HasPrefix(w.Text, "~") {
				if _, ok := r.regex(cd, w.Text[1:], w, true, false); !ok {
					return
				}
				continue
			}
			host, _, _ := strings.Cut(w.Text, "/")
			switch {
			case w.Text == "":
				r.invalid(cd, w, `invalid referer "%s"`, w.Text)
				return
			case newHashKeys(true).add(host) == keyDeclined:
				r.invalid(cd, w, `invalid hostname or wildcard "%s"`, host)
				return
			}
		}
	},
	"gzip_types": checkTypes, "sub_filter_types": checkTypes, "ssi_types": checkTypes,
	"charset_types": checkTypes, "addition_types": checkTypes,
	"sub_filter": func(r *reader, cd *ConfigDirective, _ *frame) {
		if r.template(cd, cd.Args[0]) {
			r.template(cd, cd.Args[1])
		}
	},
}

func checkMirror(r *reader, cd *ConfigDirective, fr *frame) {
	if cd.Args[0].Text != "off" {
		if fr.set["mirror"] == nil {
			fr.set["mirror"] = cd
		}
		if first := fr.set["mirror off"]; first != nil {
			r.duplicate(cd, first, "is duplicate")
		}
		return
	}
	if first := fr.set["mirror"]; first != nil {
		r.duplicate(cd, first, "is duplicate")
		return
	}
	fr.set["mirror off"], fr.set["mirror"] = cd, cd
}

func checkAddHeader(r *reader, cd *ConfigDirective, _ *frame) {
	if !r.template(cd, cd.Args[1]) || len(cd.Args) == 2 {
		return
	}
	if w := cd.Args[2]; w.Text != "always" {
		r.invalid(cd, w, `invalid parameter "%s"`, w.Text)
	}
}

// checkTypes warns of types named twice; text/html is always among them.
func checkTypes(r *reader, cd *ConfigDirective, fr *frame) {
	seen := fr.seen(cd.Name.Text)
	seen["text/html"] = true
	for _, w := range cd.Args {
		if w.Text == "*" {
			continue
		}
		name := strings.ToLower(w.Text)
		if seen[name] {
			r.warn(cd, w, fmt.Sprintf("`%s` is in the list already", w.Text), fmt.Sprintf(`duplicate MIME type "%s"`, name))
		}
		seen[name] = true
	}
}

func checkSessionCache(r *reader, cd *ConfigDirective, _ *frame) {
	for _, w := range cd.Args {
		kind, rest, _ := strings.Cut(w.Text, ":")
		ok := false
		switch kind {
		case "off", "none":
			ok = rest == "" && w.Text == kind
		case "builtin":
			_, ok = atoi(rest)
			ok = ok || w.Text == "builtin"
		case "shared":
			name, size, sized := strings.Cut(rest, ":")
			n, good := parseSize(size, false)
			ok = sized && name != "" && good
			if ok && n < 8*4096 {
				r.invalid(cd, w, `session cache "%s" is too small`, w.Text)
				return
			}
		}
		if !ok {
			r.invalid(cd, w, `invalid session cache "%s"`, w.Text)
			return
		}
	}
}
