package rules

import (
	"strconv"
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/source"
)

// statusPlace is where a redirect's status stands in its directive, or would stand: the tightest span to point at.
func (r *redirect) statusPlace(p *lint.Pass) source.Span {
	d := r.at
	switch r.rule.Keyword {
	case ir.RewriteRule:
		if f, ok := lastStatusFlag(r.rule); ok {
			return f.Span
		}
		return r.rule.TargetSpan
	case ir.RedirectPermanent, ir.RedirectTemp:
		return d.Name.Span
	case ir.Redirect, ir.RedirectMatch:
		if len(d.Args) > 0 && isRedirectStatus(d.Arg(0)) {
			return d.Args[0].Inner()
		}
		return d.Name.Span
	case ir.NginxReturn:
		if len(d.Args) == 2 {
			return d.Args[0].Span
		}
		return d.Name.Span
	case ir.NginxRewrite:
		if len(d.Args) > 2 {
			return d.Args[2].Span
		}
	}
	return r.rule.TargetSpan
}

// lastStatusFlag is the R flag that counts.
func lastStatusFlag(r *ir.Rule) (ir.Flag, bool) {
	for i := len(r.Flags) - 1; i >= 0; i-- {
		if f := r.Flags[i]; f.Known && f.Name == "R" {
			return f, true
		}
	}
	return ir.Flag{}, false
}

// spelling is how a redirect writes its status, for messages: "R=301", "permanent", "RedirectPermanent".
func (r *redirect) spelling(p *lint.Pass) string { return r.at.File.Slice(r.statusPlace(p)) }

// respell is the fix that has a redirect send another status, in the spelling of its own directive. ok is false where the
// directive cannot say it: nginx's rewrite knows 301 and 302 only, and becomes a return where that is the same.
func (r *redirect) respell(p *lint.Pass, status int, safety diag.Safety) (diag.Fix, bool) {
	d, code := r.at, strconv.Itoa(status)
	at := r.statusPlace(p)
	text := r.at.File.Slice(at)
	if strings.ContainsAny(text, "\n$") && r.rule.Keyword != ir.NginxRewrite {
		return diag.Fix{}, false
	}
	switch r.rule.Keyword {
	case ir.RewriteRule:
		f, ok := lastStatusFlag(r.rule)
		if !ok {
			return r.addStatusFlag(p, code, safety)
		}
		name, value, has := strings.Cut(text, "=")
		if !has {
			return write(safety, f.Span, text+"="+code), true
		}
		return write(safety, at, name+"="+sameWord(value, code)), true
	case ir.RedirectPermanent:
		if status == 302 {
			return write(safety, at, "RedirectTemp"), true
		}
		return write(safety, at, "Redirect "+code), true
	case ir.RedirectTemp:
		if status == 301 {
			return write(safety, at, "RedirectPermanent"), true
		}
		return write(safety, at, "Redirect "+code), true
	case ir.Redirect, ir.RedirectMatch:
		if len(d.Args) > 0 && isRedirectStatus(d.Arg(0)) {
			return write(safety, at, sameWord(text, code)), true
		}
		return write(safety, at, text+" "+code), true
	case ir.NginxReturn:
		if len(d.Args) == 2 {
			return write(safety, at, code), true
		}
		return write(safety, at, text+" "+code), true
	case ir.NginxRewrite:
		return r.respellRewrite(p, status, safety)
	}
	return diag.Fix{}, false
}

// sameWord writes a status as the old one was written: httpd knows words for 301, 302 and 303.
func sameWord(old, code string) string {
	if old == "" || startsWithDigit(old) {
		return code
	}
	word := map[string]string{"301": "permanent", "302": "temp", "303": "seeother"}[code]
	switch {
	case word == "":
		return code
	case old == strings.ToUpper(old):
		return strings.ToUpper(word)
	case old[0] >= 'A' && old[0] <= 'Z':
		return strings.ToUpper(word[:1]) + word[1:]
	}
	return word
}

// addStatusFlag gives a RewriteRule without R the flag.
func (r *redirect) addStatusFlag(p *lint.Pass, code string, safety diag.Safety) (diag.Fix, bool) {
	d := r.at
	switch {
	case len(d.Args) == 2:
		end := d.Args[1].Span.End
		return diag.Fix{Title: "write " + quote("[R="+code+",L]"), Safety: safety, Edits: source.Insert(end, " [R="+code+",L]")}, true
	case len(d.Args) > 2 && strings.HasPrefix(d.Arg(2), "["):
		at := d.Args[2].Inner().Start + 1
		text := "R=" + code
		if strings.Trim(d.Arg(2), "[] ") != "" {
			text += ","
		}
		return diag.Fix{Title: "write " + quote("R="+code), Safety: safety, Edits: source.Insert(at, text)}, true
	}
	return diag.Fix{}, false
}

// respellRewrite writes the flag of nginx's rewrite, or the return that answers the same to every request.
func (r *redirect) respellRewrite(p *lint.Pass, status int, safety diag.Safety) (diag.Fix, bool) {
	d := r.at
	word := map[int]string{301: "permanent", 302: "redirect"}[status]
	switch {
	case word != "" && len(d.Args) > 2:
		return write(safety, d.Args[2].Span, word), true
	case word != "" && len(d.Args) == 2:
		return diag.Fix{Title: "write " + quote(word), Safety: safety, Edits: source.Insert(d.Args[1].Span.End, " "+word)}, true
	}
	// the same for every request: nothing of the pattern is used, and the query of the request is not appended
	if r.rule.Pattern == nil || !matchesAll(r.rule.Pattern.Text) || !r.rule.Query.Discard || d.NoEnd || d.Args[1].Quote != 0 {
		return diag.Fix{}, false
	}
	for i := range r.rule.Target.Parts {
		if k := r.rule.Target.Parts[i].Kind; k != ir.Literal && k != ir.Variable {
			return diag.Fix{}, false
		}
	}
	text := "return " + strconv.Itoa(status) + " " + strings.TrimSuffix(r.targetText(), "?")
	return write(safety, source.Span{Start: d.Name.Span.Start, End: d.Args[len(d.Args)-1].Span.End}, text), true
}
