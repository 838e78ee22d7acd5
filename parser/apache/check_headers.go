package apache

import (
	"fmt"
	"strings"
)

// headerChecks are those of headers, environment, expiry and indexes.
func headerChecks(m map[string]func(*check) *fault) {
	m["Header"], m["RequestHeader"] = checkHeader, checkHeader
	for _, name := range []string{"SetEnvIf", "SetEnvIfNoCase", "BrowserMatch", "BrowserMatchNoCase"} {
		m[name] = checkSetEnvIf
	}
	m["SetEnvIfExpr"] = func(c *check) *fault {
		if _, err := ParseExpr(c.arg(0), c.at(0), ExprOptions{Restricted: c.restricted()}); err != nil {
			return c.badf(0, "Could not parse expression \"%s\": %s", c.arg(0), err)
		}
		if len(c.d.Args) < 2 {
			return &fault{kind: "wrong-argument-count", server: "Missing envariable expression for " + c.spec.Name}
		}
		return nil
	}
	m["ExpiresDefault"] = func(c *check) *fault {
		if fault := expiresFault(c.arg(0)); fault != "" {
			return c.badf(0, "'ExpiresDefault %s': %s", c.arg(0), fault)
		}
		return nil
	}
	m["ExpiresByType"] = func(c *check) *fault {
		if !strings.Contains(c.arg(0), "/") {
			return c.bad(0, "Invalid mimetype: should contain a slash")
		}
		if fault := expiresFault(c.arg(1)); fault != "" {
			return c.badf(1, "'ExpiresByType %s %s': %s", c.arg(0), c.arg(1), fault)
		}
		return nil
	}
	m["IndexOptions"], m["IndexOrderDefault"] = checkIndexOptions, checkIndexOrder
	m["DeflateCompressionLevel"] = func(c *check) *fault {
		if n := atoi(c.arg(0)); n < 1 || n > 9 {
			return c.bad(0, "Compression Level must be between 1 and 9")
		}
		return nil
	}
	m["XBitHack"] = oneOf("XBitHack must be set to Off, On, or Full", "on", "off", "full")
	m["DirectoryIndexRedirect"] = checkIndexRedirect
	m["Substitute"] = checkSubstitute
	contentChecks(m)
}

// headerWords takes the arguments of Header and RequestHeader apart. They are its own: a missing word is empty.
func checkHeader(c *check) *fault {
	args := c.d.Args
	at := 0
	if c.spec.Name == "Header" && (strings.EqualFold(c.arg(0), "always") || strings.EqualFold(c.arg(0), "onsuccess")) {
		at = 1
	}
	word := func(i int) string { return c.arg(at + i) }
	has := func(i int) bool { return at+i < len(args) }
	if len(args) > at+5 {
		return &fault{kind: "wrong-argument-count", span: c.at(at + 5), server: c.spec.Name + " has too many arguments"}
	}
	action := strings.ToLower(word(0))
	clause, clauseAt, value := "", -1, 2
	take := func(i int) {
		clause, clauseAt = "", -1
		if has(i) {
			clause, clauseAt = word(i), at+i
		}
	}
	switch action {
	case "set", "setifempty", "add", "append", "merge", "unset", "echo", "note":
		if has(4) {
			return &fault{kind: "wrong-argument-count", span: c.at(at + 4), server: "Too many arguments to directive"}
		}
		take(3)
	case "edit", "edit*":
		if !has(3) {
			return &fault{kind: "wrong-argument-count", server: "Header edit requires a match and a substitution"}
		}
		if err := regexFault(word(2), false); err != nil {
			return invalidRegex(c.at(at+2), "Header edit regex could not be compiled", word(2), err)
		}
		take(4)
		value = 3
	default:
		x := c.bad(at, "first argument must be 'add', 'set', 'setifempty', 'append', 'merge', 'unset', 'echo', 'note', 'edit', or 'edit*'.")
		if len(args) == 0 {
			x.kind = "wrong-argument-count"
		}
		return x
	}
	switch {
	case action == "unset" || action == "echo":
		if has(2) {
			if clauseAt >= 0 {
				server := "header unset takes two arguments"
				if action == "echo" {
					server = "Header echo takes two arguments"
				}
				return &fault{kind: "wrong-argument-count", span: c.at(at + 2), server: server}
			}
			take(2)
		}
		value = -1
		if action == "echo" {
			if c.spec.Name != "Header" {
				return c.bad(at, "Header echo only valid on Header directives")
			}
			if err := regexFault(word(1), false); err != nil {
				return invalidRegex(c.at(at+1), "Header echo regex could not be compiled", word(1), err)
			}
		}
	case !has(2):
		return &fault{kind: "wrong-argument-count", server: "Header requires three arguments"}
	}
	if clauseAt >= 0 {
		lower := strings.ToLower(clause)
		switch {
		case lower == "early":
		case strings.HasPrefix(lower, "env="):
			if name := clause[4:]; name == "" || name == "!" {
				return c.bad(clauseAt, "error: missing environment variable name. envclause should be in the form env=envar ")
			}
		case strings.HasPrefix(lower, "expr="):
			if _, err := ParseExpr(clause[5:], c.at(clauseAt), ExprOptions{Restricted: c.restricted()}); err != nil {
				return c.badf(clauseAt, "Can't parse envclause/expression: %s", err)
			}
		default:
			return c.badf(clauseAt, "Unknown parameter: %s", clause)
		}
	}
	if value < 0 {
		return nil
	}
	if text, ok := strings.CutPrefix(word(value), "expr="); ok {
		if _, err := ParseExprString(text, c.at(at+value), ExprOptions{Restricted: c.restricted()}); err != nil {
			return c.badf(at+value, "Can't parse value expression : %s", err)
		}
		return nil
	}
	if format, bad := headerFormatFault(word(value)); bad {
		return c.bad(at+value, "Unrecognized header format %"+format)
	}
	return nil
}

// headerFormatFault finds the first % in a header's value that means nothing. Source: httpd mod_headers.c, parse_format_tag.
func headerFormatFault(s string) (format string, bad bool) {
	for i := strings.IndexByte(s, '%'); i >= 0; i = strings.IndexByte(s, '%') {
		s = s[i+1:]
		if s == "" {
			return "", false
		}
		if s[0] == '%' {
			s = s[1:]
			continue
		}
		if s[0] == '{' {
			j := strings.IndexByte(s, '}')
			if j < 0 {
				s = ""
			} else {
				s = s[j+1:]
			}
		}
		if s == "" || strings.IndexByte("Dteslib", s[0]) < 0 {
			return s[:min(1, len(s))], true
		}
		s = s[1:]
	}
	return "", false
}

// checkSetEnvIf checks SetEnvIf and BrowserMatch. Source: httpd modules/metadata/mod_setenvif.c.
func checkSetEnvIf(c *check) *fault {
	at := 0
	missing := func(what string) *fault {
		return &fault{kind: "wrong-argument-count", server: fmt.Sprintf("Missing %s for %s", what, c.spec.Name)}
	}
	if strings.HasPrefix(c.spec.Name, "SetEnvIf") {
		if c.arg(0) == "" {
			return missing("header-field name")
		}
		at = 1
	}
	if c.arg(at) == "" {
		return missing("regular expression")
	}
	icase := strings.HasSuffix(c.spec.Name, "NoCase")
	if err := regexFault(c.arg(at), icase); err != nil {
		return invalidRegex(c.at(at), c.spec.Name+" regex could not be compiled.", c.arg(at), err)
	}
	if at == 1 && strings.Trim(c.arg(0), "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		if err := regexFault(c.arg(0), icase); err != nil {
			return invalidRegex(c.at(0), c.spec.Name+"Header name regex could not be compiled.", c.arg(0), err)
		}
	}
	if c.arg(at+1) == "" {
		return missing("envariable expression")
	}
	return nil
}

// expiresFault tells what is wrong with "access plus 1 day" or "A86400". Source: httpd mod_expires.c, check_code.
func expiresFault(code string) string {
	if code != "" && (code[0] == 'A' || code[0] == 'M') {
		return ""
	}
	l := line{text: strings.Trim(code, " \t")}
	words := l.words(0, nil)
	word := func(i int) string {
		if i < len(words) {
			return words[i].Text
		}
		return ""
	}
	starts := func(w string, prefixes ...string) bool {
		for _, p := range prefixes {
			if len(w) >= len(p) && strings.EqualFold(w[:len(p)], p) {
				return true
			}
		}
		return false
	}
	if !starts(word(0), "n", "a", "m") {
		return fmt.Sprintf("bad expires code, unrecognised <base> '%s'", word(0))
	}
	i := 1
	if starts(word(i), "p") {
		i++
	}
	for ; word(i) != ""; i += 2 {
		switch w := word(i); {
		case !isDigit(w[0]):
			return fmt.Sprintf("bad expires code, numeric value expected <num> '%s'", w)
		case word(i+1) == "":
			return "bad expires code, missing <type>"
		case !starts(word(i+1), "y", "mo", "w", "d", "h", "mi", "s"):
			return fmt.Sprintf("bad expires code, unrecognised <type>'%s'", word(i+1))
		}
	}
	return ""
}

// indexOptions are the words of IndexOptions that take no value. Source: httpd mod_autoindex.c, add_opts.
var indexOptions = map[string]bool{"fancyindexing": true, "foldersfirst": true, "htmltable": true, "iconsarelinks": true, "ignorecase": true,
	"ignoreclient": true, "scanhtmltitles": true, "suppresscolumnsorting": true, "suppressdescription": true, "suppresshtmlpreamble": true,
	"suppressicon": true, "suppresslastmodified": true, "suppresssize": true, "suppressrules": true, "trackmodified": true, "versionsort": true,
	"xhtml": true, "showforbidden": true, "addaltclass": true, "iconwidth": true, "iconheight": true, "useolddateformat": true}

func checkIndexOptions(c *check) *fault {
	none, others := false, false
	for i, a := range c.d.Args {
		w, sign := a.Text, byte(0)
		if w != "" && (w[0] == '+' || w[0] == '-') {
			w, sign = w[1:], w[0]
		}
		word, value, hasValue := strings.Cut(strings.ToLower(w), "=")
		switch {
		case word == "none" && !hasValue:
			if sign != 0 {
				return c.bad(i, "Cannot combine '+' or '-' with 'None' keyword")
			}
			none = true
			continue
		case !hasValue && indexOptions[word]:
		case !hasValue && (word == "namewidth" || word == "descriptionwidth"):
			if sign != '-' {
				if word == "namewidth" {
					return c.bad(i, "NameWidth with no value may only appear as '-NameWidth'")
				}
				return c.bad(i, "DescriptionWidth with no value may only appear as '-DescriptionWidth'")
			}
		case hasValue && (word == "iconwidth" || word == "iconheight" || word == "namewidth" || word == "descriptionwidth"):
			name := map[string]string{"iconwidth": "IconWidth", "iconheight": "IconHeight", "namewidth": "NameWidth",
				"descriptionwidth": "DescriptionWidth"}[word]
			switch {
			case sign == '-':
				return c.badf(i, "Cannot combine '-' with %s=n", name)
			case word == "namewidth" && value != "*" && atoi(value) < 5:
				return c.bad(i, "NameWidth value must be greater than 5")
			case word == "descriptionwidth" && value != "*" && atoi(value) < 12:
				return c.bad(i, "DescriptionWidth value must be greater than 12")
			}
		case hasValue && (word == "type" || word == "charset"):
		default:
			return c.bad(i, "Invalid directory indexing option")
		}
		others = true
	}
	if none && others {
		return c.bad(0, "Cannot combine other IndexOptions keywords with 'None'")
	}
	return nil
}

func checkIndexOrder(c *check) *fault {
	switch strings.ToLower(c.arg(0)) {
	case "ascending", "descending":
	default:
		return c.bad(0, "First keyword must be 'Ascending' or 'Descending'")
	}
	switch strings.ToLower(c.arg(1)) {
	case "name", "date", "size", "description":
		return nil
	}
	return c.bad(1, "Second keyword must be 'Name', 'Date', 'Size', or 'Description'")
}

func checkIndexRedirect(c *check) *fault {
	arg := c.arg(0)
	switch strings.ToLower(arg) {
	case "on", "off", "permanent", "temp", "seeother":
		return nil
	}
	if arg != "" && isDigit(arg[0]) {
		if n := atoi(arg); n < 300 || n > 399 {
			return c.bad(0, "DirectoryIndexRedirect only accepts values between 300 and 399")
		}
		return nil
	}
	return c.bad(0, "DirectoryIndexRedirect ON|OFF|permanent|temp|seeother|3xx")
}

// checkSubstitute checks s/pattern/text/flags. Source: httpd modules/filters/mod_substitute.c, set_pattern.
func checkSubstitute(c *check) *fault {
	s := c.arg(0)
	if len(s) < 2 || s[0]|0x20 != 's' {
		return c.bad(0, "Bad Substitute format, must be an s/// pattern")
	}
	parts := strings.SplitN(s[2:], s[1:2], 3)
	if len(parts) < 3 {
		return c.bad(0, "Bad Substitute format, must be a complete s/// pattern")
	}
	literal, icase := false, false
	for i := 0; i < len(parts[2]); i++ {
		switch parts[2][i] | 0x20 {
		case 'i':
			icase = true
		case 'n':
			literal = true
		case 'f', 'q':
		default:
			return c.bad(0, "Bad Substitute flag, only s///[infq] are supported")
		}
	}
	if !literal {
		if err := regexFault(parts[0], icase); err != nil {
			return invalidRegex(c.at(0), "Substitute could not compile regex", parts[0], err)
		}
	}
	return nil
}
