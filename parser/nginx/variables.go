package nginx

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"

	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

// variables.txt holds the built-in variables: name, = when set and map may take it over, >=release. A name that
// ends in _ is a prefix. Source: nginx 1.22.1 to 1.31.4, the variable tables of src/http; which of them can be
// taken over was tried on 1.22.1.
//
//go:embed variables.txt
var variableText string

type builtin struct {
	changeable bool
	since      string
}

var builtins = sync.OnceValue(func() map[string]builtin {
	table := map[string]builtin{}
	for line := range strings.Lines(variableText) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		b := builtin{}
		for _, f := range fields[1:] {
			if f == "=" {
				b.changeable = true
			} else {
				b.since = strings.TrimPrefix(f, ">=")
			}
		}
		table[fields[0]] = b
	}
	return table
})

var variablePrefixes = []string{"arg_", "cookie_", "http_", "sent_http_", "sent_trailer_", "upstream_http_",
	"upstream_trailer_", "upstream_cookie_", "proxy_protocol_tlv_"}

// builtinVariable looks up a built-in variable of a release by its name in lower case.
func builtinVariable(name, version string) (b builtin, ok bool) {
	if b, ok = builtins()[name]; ok && !strings.HasSuffix(name, "_") {
		return b, b.since == "" || !versionBefore(version, b.since)
	}
	for _, p := range variablePrefixes {
		if strings.HasPrefix(name, p) {
			b, ok = builtins()[p]
			return b, ok && (b.since == "" || !versionBefore(version, b.since))
		}
	}
	return builtin{}, false
}

// BuiltinVariable tells whether nginx of a release ("" is 1.22.1) has a variable of itself; the name is
// without $, its case does not matter.
func BuiltinVariable(name, version string) bool {
	if version == "" {
		version = defaultVersion
	}
	_, ok := builtinVariable(strings.ToLower(name), version)
	return ok
}

// variableUse is where a variable is read first.
type variableUse struct {
	cd   *ConfigDirective
	span source.Span
}

// use notes that a variable is read; whether it exists is known at the end of http only.
func (r *reader) use(cd *ConfigDirective, name string, span source.Span) {
	if _, ok := r.used[name]; ok {
		return
	}
	r.used[name] = variableUse{cd, span}
	r.useOrder = append(r.useOrder, name)
}

// define notes a variable that a directive makes; false: nginx refuses, because it is a built-in one.
func (r *reader) define(cd *ConfigDirective, name string, span source.Span) bool {
	lower := strings.ToLower(name)
	if b, ok := builtinVariable(lower, r.version); ok && !b.changeable {
		r.refuse(cd, span, "RD029", "refused-argument", fmt.Sprintf("sets the built-in variable $%s, which nginx keeps for itself", lower),
			"choose another name", fmt.Sprintf(`the duplicate "%s" variable`, lower))
		return false
	}
	r.defined[lower] = true
	return true
}

// defineWord is define for an argument that must be $name.
func (r *reader) defineWord(cd *ConfigDirective, w Word) bool {
	if !strings.HasPrefix(w.Text, "$") || len(w.Text) == 1 {
		r.refuse(cd, w.Span, "RD029", "refused-argument", "needs the name of a variable, with its $", "",
			fmt.Sprintf(`invalid variable name "%s"`, w.Text))
		return false
	}
	return r.define(cd, w.Text[1:], w.Span)
}

// template reads a string with variables and notes their use; false: nginx refuses it.
func (r *reader) template(cd *ConfigDirective, w Word) bool {
	if strings.IndexByte(w.Text, '$') < 0 {
		return true
	}
	for at := 0; at < len(w.Text); {
		kind, n := nextTemplateToken(w.Text[at:])
		name := w.Text[at : at+n]
		switch kind {
		case tmplInvalid:
			r.refuse(cd, w.Span, "RD029", "refused-argument", "has a $ that begins no variable", "", templateFault(w.Text).Error())
			return false
		case tmplName:
			name = name[1:]
		case tmplBraced:
			name = name[2 : n-1]
		}
		if kind == tmplName || kind == tmplBraced {
			if lower := strings.ToLower(name); !r.usedAlready(lower) {
				r.use(cd, lower, partSpan(w, at, n))
			}
		}
		at += n
	}
	return true
}

func (r *reader) usedAlready(name string) bool { _, ok := r.used[name]; return ok }

// partSpan is where n bytes of a word's text were written; the whole word when escapes stand in it.
func partSpan(w Word, at, n int) source.Span {
	s := patternSpan(w.Text, w)
	if s.Len() != len(w.Text) {
		return w.Span
	}
	return source.Span{Start: s.Start + int32(at), End: s.Start + int32(at+n)}
}

func (r *reader) useTemplate(cd *ConfigDirective, t *ir.Template) {
	for i := range t.Parts {
		if p := &t.Parts[i]; p.Kind == ir.Variable {
			r.use(cd, p.Name, p.Span)
		}
	}
}

// unknownVariables reports the variables that are read and made by nothing.
// Source: nginx src/http/ngx_http_variables.c, ngx_http_variables_init_vars.
func (r *reader) unknownVariables() {
	for _, name := range r.useOrder {
		if r.defined[name] {
			continue
		}
		if _, ok := builtinVariable(name, r.version); ok {
			continue
		}
		if r.geoip && strings.HasPrefix(name, "geoip_") {
			continue
		}
		u := r.used[name]
		d := diag.Diagnostic{Code: "RD010", Name: "unknown-variable", Severity: diag.Error, File: u.cd.File, Span: u.span,
			Message: fmt.Sprintf("no variable `$%s` in %s, and nothing here makes one; nginx will not start", name, r.release()),
			Refuses: true, ServerMessage: fmt.Sprintf(`unknown "%s" variable`, name)}
		if r.partial() {
			d.Severity, d.Refuses, d.ServerMessage = diag.Info, false, ""
			d.Message = fmt.Sprintf("`$%s` is made by nothing that was read", name)
		} else {
			u.cd.Refused = true
		}
		r.report(finding{Diagnostic: d})
	}
}

// partial tells that there is more configuration than was read, so that a missing definition proves nothing.
func (r *reader) partial() bool { return r.env.Fragment || r.missing || r.foreign }
