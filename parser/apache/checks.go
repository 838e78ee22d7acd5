package apache

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/source"
)

// check is a directive whose number of arguments and place are right, to be looked at closer.
type check struct {
	r     *reader
	d     *Directive
	spec  *Spec
	scope *scope
}

func (c *check) arg(i int) string {
	if i < len(c.d.Args) {
		return c.d.Args[i].Text
	}
	return ""
}

// at is the place of argument i, or of the directive.
func (c *check) at(i int) source.Span {
	if i < len(c.d.Args) {
		return c.d.Args[i].Span
	}
	return c.d.Line
}

// bad is a fault of argument i in httpd's words.
func (c *check) bad(i int, server string) *fault {
	return &fault{span: c.at(i), server: server}
}

// badf is bad with a format.
func (c *check) badf(i int, format string, args ...any) *fault {
	return c.bad(i, fmt.Sprintf(format, args...))
}

// checks are the values that httpd itself checks while it reads, by directive.
var checks = sync.OnceValue(func() map[string]func(*check) *fault {
	m := map[string]func(*check) *fault{}
	for _, add := range []func(map[string]func(*check) *fault){rewriteChecks, aliasChecks, coreChecks, accessChecks,
		headerChecks, proxyChecks} {
		add(m)
	}
	return m
})

// regexFault tells why a pattern does not compile; nil when it does.
func regexFault(text string, icase bool) error {
	o := pattern.Apache
	o.IgnoreCase = icase
	_, err := pattern.Compile(text, o)
	return err
}

// invalidRegex is the fault of a pattern that does not compile.
func invalidRegex(span source.Span, server, text string, err error) *fault {
	return &fault{kind: "invalid-regex", span: span, server: server,
		message: fmt.Sprintf("the regular expression %q does not compile: %v", text, err)}
}

func rewriteChecks(m map[string]func(*check) *fault) {
	m["RewriteRule"], m["RewriteCond"] = checkRule, checkCond
	m["RewriteBase"] = func(c *check) *fault {
		switch {
		case !c.scope.perDir:
			return &fault{kind: "directive-not-allowed-here", server: "RewriteBase: only valid in per-directory config files"}
		case !strings.HasPrefix(c.arg(0), "/"):
			return &fault{span: c.at(0), server: "RewriteBase: argument is not a valid URL",
				message: fmt.Sprintf("RewriteBase takes a URL path that begins with /, and %q does not", c.arg(0))}
		}
		return nil
	}
	m["RewriteOptions"] = checkRewriteOptions
	m["RewriteMap"] = checkRewriteMap
}

func checkRule(c *check) *fault {
	d := c.d
	if d.Fault != "" {
		return badLine(c, d)
	}
	icase := false
	if len(d.Args) > 2 {
		flags, err := ParseFlags(d.Args[2], false)
		if err != nil {
			return flagListFault(c, err)
		}
		for i := range flags {
			icase = icase || flags[i].Name == "NC"
		}
	}
	return rulePattern(c, d.Args[0], icase, 0)
}

// badLine is what httpd says of a line it cannot split: it quotes what stands before the first blank it made an end of.
func badLine(c *check, d *Directive) *fault {
	x := &fault{kind: "wrong-argument-count", server: fmt.Sprintf("%s: bad argument line '%s'", c.spec.Name, d.ArgText.Text)}
	if len(d.Args) == 0 {
		x.message = fmt.Sprintf("%s has no arguments", c.spec.Name)
	} else if d.Args[0].Unterminated {
		x.message = "the quoted first argument is never closed"
		x.span = d.Args[0].Span
	} else if c.spec.Name == "RewriteRule" {
		x.message = fmt.Sprintf("expected a substitution after pattern %q", d.Args[0].Text)
	} else {
		x.message = fmt.Sprintf("expected a pattern after test string %q", d.Args[0].Text)
	}
	return x
}

// flagListFault is the fault of a flag list; blanks and comments in it have names of their own.
func flagListFault(c *check, err *FlagError) *fault {
	x := &fault{kind: err.Kind, span: err.Span, server: c.spec.Name + ": " + err.Server, message: err.Message}
	if err.Kind != "bad-flag-brackets" {
		return x
	}
	text := c.d.Args[2].Text
	switch {
	case strings.HasPrefix(text, "#"):
		x.kind = "text-after-flags"
		x.message = "httpd takes no comment on a directive's line: it reads this as the list of flags"
	case strings.HasPrefix(text, "[") && c.d.Extra.Len() > 0 && strings.HasSuffix(strings.TrimSpace(c.d.ArgText.Text), "]"):
		x.kind = "space-in-flags"
		x.span = source.Span{Start: c.d.Args[2].Span.Start, End: c.d.Extra.End}
		x.message = "a blank ends the list of flags, so httpd does not find its closing bracket"
	}
	return x
}

func rulePattern(c *check, w Word, icase bool, skip int) *fault {
	text := w.Text[skip:]
	if skip == 0 {
		text = strings.TrimPrefix(text, "!")
	}
	if err := regexFault(text, icase); err != nil {
		return invalidRegex(w.Span, fmt.Sprintf("%s: cannot compile regular expression '%s'", c.spec.Name, text), text, err)
	}
	return nil
}

func checkCond(c *check) *fault {
	d := c.d
	if d.Fault != "" {
		return badLine(c, d)
	}
	icase := false
	if len(d.Args) > 2 {
		flags, err := ParseFlags(d.Args[2], true)
		if err != nil {
			return flagListFault(c, err)
		}
		for i := range flags {
			icase = icase || flags[i].Name == "NC"
		}
	}
	p := ParseCondPattern(d.Args[0].Text, d.Args[1].Text)
	switch p.Kind {
	case ir.CondExpr:
		_, err := ParseExpr(p.Operand, d.Args[1].Span, ExprOptions{Restricted: c.restricted()})
		if err != nil {
			where := ""
			if c.restricted() {
				where = "in htaccess context "
			}
			return &fault{span: d.Args[1].Span, server: fmt.Sprintf("RewriteCond: cannot compile expression %s\"%s\" %s", where, p.Operand, err),
				message: fmt.Sprintf("the expression %q does not parse: %v", p.Operand, err)}
		}
	case ir.CondRegex:
		return rulePattern(c, d.Args[1], icase, len(d.Args[1].Text)-len(p.Operand))
	}
	return nil
}

// restricted tells whether expressions stand in a .htaccess file, where httpd takes fewer functions.
func (c *check) restricted() bool { return c.r.env.Context == ir.ContextHtaccess }

// rewriteOptions are the words RewriteOptions takes. Source: httpd mod_rewrite.c, cmd_rewriteoptions.
var rewriteOptions = map[string]bool{"inherit": true, "inheritbefore": true, "inheritdown": true, "inheritdownbefore": true,
	"ignoreinherit": true, "allownoslash": true, "allowanyuri": true, "mergebase": true, "ignorecontextinfo": true,
	"legacyprefixdocroot": true, "unsafeprefixstat": true}

func checkRewriteOptions(c *check) *fault {
	for i, a := range c.d.Args {
		word := strings.ToLower(a.Text)
		if a.Text == "" {
			break
		}
		if !rewriteOptions[word] && !strings.HasPrefix(word, "maxredirects=") {
			return &fault{span: c.at(i), server: fmt.Sprintf("RewriteOptions: unknown option '%s'", a.Text),
				message: fmt.Sprintf("RewriteOptions knows no option %q", a.Text)}
		}
	}
	return nil
}

func checkRewriteMap(c *check) *fault {
	name, source := c.arg(0), c.arg(1)
	kind, rest, _ := strings.Cut(source, ":")
	switch {
	case kind == "txt", kind == "rnd", kind == "prg", kind == "int", kind == "dbd", kind == "fastdbd", strings.HasPrefix(kind, "dbm"):
	default:
		kind, rest = "txt", source
	}
	switch {
	case kind == "int":
		switch rest {
		case "toupper", "tolower", "escape", "unescape":
		default:
			return c.badf(1, "RewriteMap: internal map not found:%s", rest)
		}
	case (kind == "dbd" || kind == "fastdbd") && !c.r.hasModule("mod_dbd.c"):
		return c.bad(1, "RewriteMap types dbd and fastdbd require mod_dbd!")
	case strings.HasPrefix(source, "dbm"):
		if t, ok := strings.CutPrefix(kind, "dbm="); ok {
			switch strings.ToLower(t) {
			case "db", "gdbm", "ndbm", "sdbm", "default", "lmdb":
			default:
				return c.badf(1, "RewriteMap: dbm type %s is invalid", t)
			}
		}
	}
	if c.r.env.Open != nil && kind != "int" && kind != "dbd" && kind != "fastdbd" && !strings.HasPrefix(kind, "dbm") {
		if kind == "prg" {
			rest, _, _ = strings.Cut(rest, " ")
		}
		if _, err := c.r.env.Open(rest); errors.Is(err, fs.ErrNotExist) {
			return c.badf(1, "RewriteMap: file for map %s not found:%s", name, rest)
		}
	}
	return nil
}
