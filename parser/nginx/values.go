package nginx

import (
	"fmt"
	"strconv"
	"strings"

	"rewright/parser/diag"
)

// repeated reports a directive that may stand once in its block and stood before; true: it did.
func (r *reader) repeated(cd *ConfigDirective, fr *frame) bool {
	first := fr.set[cd.Name.Text]
	if first == nil {
		fr.set[cd.Name.Text] = cd
		return false
	}
	r.duplicate(cd, first, "is duplicate")
	return true
}

func (r *reader) duplicate(cd, first *ConfigDirective, words string) {
	r.refuseWith(cd, diag.Diagnostic{Code: "RD029", Name: "refused-argument", Span: cd.Head(),
		Message:       fmt.Sprintf("`%s` stands twice in one block; nginx will not start", cd.Name.Text),
		Help:          "keep one of them",
		ServerMessage: fmt.Sprintf(`"%s" directive %s`, cd.Name.Text, words),
		Related:       []diag.Related{{File: first.File, Span: first.Head(), Message: "the first one"}}})
}

// invalid reports a value that the directive does not take, in nginx's words.
func (r *reader) invalid(cd *ConfigDirective, w Word, format string, a ...any) bool {
	what := fmt.Sprintf("does not take %q", w.Text)
	if isPlaceholder(w.Text) {
		what += ", which looks like a placeholder of a template"
	}
	r.refuse(cd, w.Span, "RD029", "refused-argument", what, "", fmt.Sprintf(format, a...))
	return false
}

// needs reports a value that nginx takes since a release.
func (r *reader) needs(cd *ConfigDirective, w Word, since, server string) {
	r.refuse(cd, w.Span, "RD029", "refused-argument", fmt.Sprintf("takes %q since nginx %s, and this is %s", w.Text, since, r.version),
		"leave it out, or use a newer nginx", server)
}

// isPlaceholder tells whether a word holds what a template puts in later: %ip%, @PORT@, {{ host }}, ${PORT}, $LISTEN. Variables
// of nginx itself are written small.
func isPlaceholder(w string) bool {
	for _, pair := range [][2]string{{"%", "%"}, {"@", "@"}, {"{{", "}}"}, {"<%", "%>"}, {"[[", "]]"}, {"__", "__"}} {
		if _, rest, ok := strings.Cut(w, pair[0]); ok {
			if inside, _, ok := strings.Cut(strings.TrimLeft(rest, pair[0]), pair[1]); ok && inside != "" {
				return true
			}
		}
	}
	for i := 0; i+1 < len(w); i++ {
		if w[i] == '$' {
			if name := strings.TrimLeft(w[i+1:], "{"); name != "" && name[0] >= 'A' && name[0] <= 'Z' {
				return true
			}
		}
	}
	return false
}

// invalidValue is invalid for the functions of nginx that say no more than "invalid value".
func (r *reader) invalidValue(cd *ConfigDirective, w Word, what string) bool {
	return r.invalid(cd, w, `"%s" directive %s`, cd.Name.Text, what)
}

func (r *reader) warn(cd *ConfigDirective, w Word, message, server string) {
	r.report(finding{line: r.line(cd), Diagnostic: diag.Diagnostic{Severity: diag.Warning, Code: "RD029", Name: "refused-argument",
		File: cd.File, Span: w.Span, Message: message, ServerMessage: server}})
}

// value checks the arguments of a directive whose kind is in the table.
// Source: nginx src/core/ngx_conf_file.c, the ngx_conf_set_*_slot functions.
func (r *reader) value(cd *ConfigDirective, fr *frame) {
	kind, rest, _ := strings.Cut(cd.Known.Kind, ":")
	if cd.Known.Flag && kind == "" {
		kind = "flag"
	}
	switch kind {
	case "", "custom", "multi":
		return
	case "values":
		for _, w := range cd.Args {
			if !r.template(cd, w) {
				return
			}
		}
		return
	case "mask":
		r.mask(cd, fr, strings.Split(rest, "|"))
		return
	}
	if r.repeated(cd, fr) {
		return
	}
	if r.mapHashed && strings.HasPrefix(cd.Name.Text, "map_hash_") {
		r.refuse(cd, cd.Head(), "RD029", "refused-argument", "stands after a map, which has used its default already", "move it before the first map",
			fmt.Sprintf(`"%s" directive is duplicate`, cd.Name.Text))
		return
	}
	w := Word{}
	if len(cd.Args) > 0 {
		w = cd.Args[0]
	}
	ok := true
	switch kind {
	case "flag":
		if !strings.EqualFold(w.Text, "on") && !strings.EqualFold(w.Text, "off") {
			r.invalid(cd, w, `invalid value "%s" in "%s" directive, it must be "on" or "off"`, w.Text, cd.Name.Text)
		}
		return
	case "num", "num1":
		r.number(cd, w, rest)
		return
	case "size":
		_, ok = parseSize(w.Text, false)
	case "pool":
		n, good := parseSize(w.Text, false)
		if good && n < 112 {
			r.invalid(cd, w, "the pool size must be no less than 112")
			return
		}
		if good && n%16 != 0 {
			r.invalid(cd, w, "the pool size must be a multiple of 16")
			return
		}
		ok = good
	case "off":
		_, ok = parseSize(w.Text, true)
	case "msec":
		_, ok = parseTime(w.Text, false)
	case "sec":
		_, ok = parseTime(w.Text, true)
	case "bufs":
		n, good := atoi(w.Text)
		size, fine := parseSize(cd.Args[1].Text, false)
		ok = good && fine && n > 0 && size > 0
	case "cv":
		r.template(cd, w)
	case "cvsize":
		if strings.Contains(w.Text, "$") {
			r.template(cd, w)
			return
		}
		_, ok = parseSize(w.Text, false)
	case "enum":
		for _, v := range strings.Split(rest, "|") {
			if strings.EqualFold(v, w.Text) {
				return
			}
		}
		r.invalid(cd, w, `invalid value "%s"`, w.Text)
	}
	if !ok {
		r.invalidValue(cd, w, "invalid value")
	}
}

func (r *reader) number(cd *ConfigDirective, w Word, bounds string) {
	n, ok := atoi(w.Text)
	if cd.Known.Kind == "num1" {
		if !ok || n == 0 {
			r.invalid(cd, w, `invalid value "%s" in "%s" directive`, w.Text, cd.Name.Text)
		}
		return
	}
	if !ok {
		r.invalidValue(cd, w, "invalid number")
		return
	}
	if low, high, bounded := strings.Cut(bounds, "-"); bounded {
		l, _ := strconv.Atoi(low)
		h, _ := strconv.Atoi(high)
		if n < l || n > h {
			r.invalid(cd, w, "value must be between %d and %d", l, h)
		}
	}
}

// mask checks words of a closed list; repeated ones are worth a warning to nginx.
func (r *reader) mask(cd *ConfigDirective, fr *frame, allowed []string) {
	seen := fr.seen(cd.Name.Text)
	for _, w := range cd.Args {
		found := ""
		for _, v := range allowed {
			if strings.EqualFold(v, w.Text) {
				found = v
			}
		}
		switch {
		case found == "":
			r.invalid(cd, w, `invalid value "%s"`, w.Text)
			return
		case seen[found]:
			r.warn(cd, w, fmt.Sprintf("`%s` is named twice", w.Text), fmt.Sprintf(`duplicate value "%s"`, w.Text))
		}
		seen[found] = true
	}
}

// seen is a set that belongs to one block and one purpose.
func (fr *frame) seen(purpose string) map[string]bool {
	if fr.sets == nil {
		fr.sets = map[string]map[string]bool{}
	}
	if fr.sets[purpose] == nil {
		fr.sets[purpose] = map[string]bool{}
	}
	return fr.sets[purpose]
}
