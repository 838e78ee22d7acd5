package nginx

import (
	"strings"

	"rewright/parser/ir"
)

// text is a string that may not be known.
type text struct {
	s   string
	why string // why it is not known; empty when it is
}

// partKind is what a piece of a template is.
type partKind uint8

const (
	literalPart partKind = iota
	capturePart
	variablePart
	argsPart // the first literal ? of an internal rewrite's target
)

type part struct {
	kind partKind
	s    string // literalPart
	n    int    // capturePart
	v    *variable
}

// template is a string with variables, ready to be evaluated.
type template struct {
	source *ir.Template
	parts  []part
	fixed  string // the text when constant
	// constant is set when there are no variables and no captures.
	constant bool
	// twice is set when nginx's two passes over the parts, one for the length and one for the text, can differ: a
	// regular expression of a map replaces the captures in the first one.
	twice bool
}

// evalMode says which cached values a template uses.
type evalMode uint8

const (
	evalValue   evalMode = iota // ngx_http_complex_value: its own variables that are not cacheable are evaluated anew
	evalRun                     // ngx_http_script_run: all variables that are not cacheable are
	evalScript                  // in rewrite scripts and try_files: each variable at the time it is met
	evalIndexed                 // index: whatever was evaluated before stays
)

// eval expands a template; captures are escaped when quote is set.
func (r *request) eval(t *template, mode evalMode, quote bool) text {
	if t == nil {
		return text{}
	}
	if t.constant {
		return text{s: t.fixed}
	}
	switch mode {
	case evalValue:
		for i := range t.parts {
			if v := t.parts[i].v; v != nil && r.vars[v.index].noCache {
				r.vars[v.index].valid, r.vars[v.index].notFound = false, false
			}
		}
	case evalRun:
		for i := range r.vars {
			if r.vars[i].noCache {
				r.vars[i].valid, r.vars[i].notFound = false, false
			}
		}
	}
	if t.twice {
		length, why := 0, ""
		for i := range t.parts {
			p := r.evalPart(&t.parts[i], mode, quote)
			length += len(p.s)
			why = p.why
		}
		out := r.join(t, mode, quote)
		if len(out.s) != length && out.why == "" && why == "" {
			// The text does not fit into what nginx reserved for it.
			out.why = "a map with a regular expression changes the captures of " + quoteShort(t.source.Text) + " while they are used"
		}
		return out
	}
	return r.join(t, mode, quote)
}

func quoteShort(s string) string {
	if len(s) > 60 {
		s = s[:60] + "…"
	}
	return `"` + s + `"`
}

func (r *request) join(t *template, mode evalMode, quote bool) text {
	if len(t.parts) == 1 {
		return r.evalPart(&t.parts[0], mode, quote)
	}
	var b strings.Builder
	why := ""
	for i := range t.parts {
		p := r.evalPart(&t.parts[i], mode, quote)
		if p.why != "" && why == "" {
			why = p.why
		}
		if b.WriteString(p.s); b.Len() > maxText {
			r.giveUp("a value grows beyond %d bytes", maxText)
		}
	}
	return text{b.String(), why}
}

func (r *request) evalPart(p *part, mode evalMode, quote bool) text {
	switch p.kind {
	case literalPart:
		return text{s: p.s}
	case capturePart:
		s := r.capture(p.n)
		if quote && (r.quotedURI || r.plusInURI) {
			s = escapeArgs(s)
		}
		return text{s: s}
	case variablePart:
		if mode == evalScript {
			return r.flushed(p.v)
		}
		return r.indexed(p.v)
	}
	return text{}
}
