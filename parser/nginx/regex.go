package nginx

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"rewright/parser/pattern"
	"rewright/parser/source"
)

type parsedRegex struct {
	tree *pattern.Tree
	err  error
}

var regexes, regexesCI memo[parsedRegex]

func parseRegex(text string, ignoreCase bool) parsedRegex {
	m, o := &regexes, pattern.Nginx
	if ignoreCase {
		m, o.IgnoreCase = &regexesCI, true
	}
	return m.get(text, func(text string) parsedRegex {
		t, err := pattern.Parse(text, o)
		return parsedRegex{t, err}
	})
}

// regex compiles a pattern that stands at the end of word w; false: nginx refuses it. Named groups become variables
// when variables is set. Source: nginx src/core/ngx_regex.c and ngx_http_variables.c, ngx_http_regex_compile.
func (r *reader) regex(cd *ConfigDirective, text string, w Word, ignoreCase, variables bool) (*pattern.Tree, bool) {
	span := patternSpan(text, w)
	p := parseRegex(text, ignoreCase)
	if p.err != nil {
		r.refuse(cd, faultSpan(p.err, text, span), "RD514", "invalid-regex", fmt.Sprintf("has a regular expression that PCRE2 refuses: %s", regexMessage(p.err)),
			"", "pcre2_compile() failed: "+regexComplaint(p.err, text))
		return nil, false
	}
	if !variables {
		return p.tree, true
	}
	names := slices.Clone(p.tree.Names)
	slices.Sort(names)
	for _, n := range names {
		if n != "" && !r.define(cd, n, span) {
			return nil, false
		}
	}
	return p.tree, true
}

// patternSpan is the part of w where text, its tail, was written.
func patternSpan(text string, w Word) source.Span {
	s := w.Span
	if w.Quote != 0 && s.Len() == len(w.Text)+2 {
		s.Start, s.End = s.Start+1, s.End-1
	}
	if s.Len() == len(w.Text) {
		s.Start = s.End - int32(len(text))
		return s
	}
	return w.Span
}

func faultSpan(err error, text string, span source.Span) source.Span {
	var se *pattern.SyntaxError
	if !errors.As(err, &se) || span.Len() != len(text) {
		return span
	}
	at := min(se.Offset, len(text))
	end := at + 1
	if at == len(text) {
		at, end = max(at-1, 0), len(text)
	}
	return source.Span{Start: span.Start + int32(at), End: span.Start + int32(end)}
}

func regexMessage(err error) string {
	var se *pattern.SyntaxError
	if errors.As(err, &se) {
		return se.Msg
	}
	return err.Error()
}

// regexComplaint is nginx's text: the message, the pattern, and what follows the place of the fault.
func regexComplaint(err error, text string) string {
	out := fmt.Sprintf(`%s in "%s"`, regexMessage(err), text)
	var se *pattern.SyntaxError
	if errors.As(err, &se) && se.Offset < len(text) {
		out += fmt.Sprintf(` at "%s"`, text[se.Offset:])
	}
	return out
}

func hasUpper(s string) bool {
	return strings.ContainsFunc(s, func(c rune) bool { return 'A' <= c && c <= 'Z' })
}
