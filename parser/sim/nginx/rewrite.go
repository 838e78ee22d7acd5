package nginx

import (
	"strings"

	"rewright/parser/ir"
	"rewright/parser/sim"
)

// rewriteCode is what a rewrite knows beside its pattern.
// Source: nginx src/http/modules/ngx_http_rewrite_module.c, ngx_http_rewrite.
type rewriteCode struct {
	target    *template
	redirect  bool
	last      bool // the script ends when the pattern matches
	breaks    bool // with the flag break
	appends   bool // the old query is appended
	question  bool // the target has a literal ?
	flagNamed string
}

func (c *compiler) rewriteCode(out *code, r *ir.Rule) {
	out.pattern = c.regex(r.Pattern, r.Origin)
	w := &out.rewrite
	w.redirect = r.Action == ir.ActionRedirect
	w.appends = r.Query.Append
	w.last = r.Flow != ir.FlowNext
	for _, f := range r.Flags {
		w.flagNamed = f.Name
		w.breaks = w.breaks || f.Name == "break"
	}
	w.target = c.compileTemplate(r.Target, !w.redirect)
	if r.Target != nil {
		for i := range r.Target.Parts {
			if p := &r.Target.Parts[i]; p.Kind == ir.Literal && strings.IndexByte(p.Text, '?') >= 0 {
				w.question = true
			}
		}
	}
}

// runRewrite is rewrite. Source: nginx src/http/ngx_http_script.c, ngx_http_script_regex_start_code and
// ngx_http_script_regex_end_code.
func (r *request) runRewrite(c *code, e *engine) {
	w := &c.rewrite
	st := sim.Step{Kind: sim.StepRule, Origin: c.origin, Name: "rewrite"}
	hit := false
	if r.trace {
		hit = r.exec(c.pattern, r.uri, &st)
	} else {
		hit = r.exec(c.pattern, r.uri, nil)
	}
	if !hit {
		r.captured = false
		r.note(st)
		return
	}
	r.out.Fire(c.rule, false)
	if c.status != 0 {
		e.status = c.status
	}
	r.internal, r.validUnparsed = true, false
	if w.breaks {
		r.validLocation, r.uriChanged = false, false
	} else {
		r.uriChanged = true
	}
	if w.redirect {
		r.redirectRewrite(c, e, &st)
	} else {
		r.internalRewrite(c, e, &st)
	}
	e.quote = false
	if w.last {
		e.exit = true
	}
}

func (r *request) redirectRewrite(c *code, e *engine, st *sim.Step) {
	w := &c.rewrite
	to := r.eval(w.target, evalScript, true)
	to.s = unescapeRedirect(to.s)
	if w.appends && r.args != "" {
		if w.question {
			to.s += "&" + r.args
		} else {
			to.s += "?" + r.args
		}
	}
	r.setLocation(to)
	if r.trace {
		st.Result = to.s
		st.Note = itoa(int64(c.status)) + " to the client"
		r.note(*st)
	}
}

func (r *request) internalRewrite(c *code, e *engine, st *sim.Step) {
	w := &c.rewrite
	uri, args, split := r.target2(w.target)
	if split {
		if w.appends && r.args != "" {
			args += "&" + r.args
		}
		r.args = args
	} else if !w.appends {
		r.args = ""
	}
	r.uri = uri
	if r.trace {
		st.Result = withArgs(uri, r.args)
		switch {
		case w.breaks:
			st.Note = "break: the script ends, the location stays"
		case w.last:
			st.Note = "last: the script ends"
		}
		r.note(*st)
	}
	if uri == "" {
		r.fail("the rewritten URI has a zero length")
		e.exit, e.status = true, 500
	}
}

// target2 expands the target of an internal rewrite; the first literal ? parts the query, in which captures are
// escaped.
func (r *request) target2(t *template) (uri, args string, split bool) {
	if t.constant {
		return t.fixed, "", false
	}
	for pass := 0; pass < 2; pass++ {
		if pass == 0 && !t.twice {
			continue
		}
		var path, query strings.Builder
		out, quote := &path, false
		split = false
		for i := range t.parts {
			if t.parts[i].kind == argsPart {
				out, quote, split = &query, true, true
				continue
			}
			out.WriteString(r.must(r.evalPart(&t.parts[i], evalScript, quote)))
			if out.Len() > maxText {
				r.giveUp("a URI grows beyond %d bytes", maxText)
			}
		}
		if pass == 1 && t.twice && len(uri)+len(args) != path.Len()+query.Len() {
			r.giveUp("a map with a regular expression changes the captures of %s while they are used", quoteShort(t.source.Text))
		}
		uri, args = path.String(), query.String()
	}
	return uri, args, split
}

func withArgs(uri, args string) string {
	if args == "" {
		return uri
	}
	return uri + "?" + args
}
