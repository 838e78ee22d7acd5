package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/probe"
	"rewright/parser/sim"
	"rewright/parser/source"
)

var doubleSlashJoin = lint.Rule{
	Code: "RD602", ID: "double-slash-join", Severity: diag.Warning, For: lint.Both, Fix: diag.Risky, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "a double slash where the path is joined to the target",
		Text: "`$request_uri` and `%{REQUEST_URI}` begin with a slash, and so do `$1` of `^(.*)$` in a server context and what Redirect puts behind " +
			"its target. A target that ends in a slash there gives `https://x.example//a`: another address, which some applications do not know. " +
			"Two slashes that are written into the path of a target themselves may be meant, and are an info.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "RewriteEngine On\nRewriteRule ^ https://x.example/%{REQUEST_URI} [R=301,L]\n",
				After: "RewriteEngine On\nRewriteRule ^ https://x.example%{REQUEST_URI} [R=301,L]\n"},
			{Server: ir.Nginx, Before: "return 301 https://x.example/$request_uri;\n", After: "return 301 https://x.example$request_uri;\n"},
		},
		Source: "httpd mod_rewrite, RewriteCond: REQUEST_URI; mod_alias, Redirect; nginx ngx_http_core_module: $request_uri",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		var a *asker
		eachRule(p, g, func(_ *ir.Scope, r *ir.Rule) {
			if !sendsElsewhere(r) || !strings.Contains(r.Target.Text, "/") {
				return
			}
			at, written := writtenSlashes(r)
			j, ok := slashJoin(p, r)
			if !ok && !written {
				return
			}
			if a == nil {
				if a = newAsker(p); a == nil {
					return
				}
			}
			if written {
				reportWrittenSlashes(p, a, r, at)
				return
			}
			shows := func(q *probe.Probe, o *sim.Outcome) bool {
				return o.Location != nil && strings.Contains(pathPart(*o.Location), j.before+"/") && !strings.Contains(q.Request.Target, "//") &&
					(j.variable || !strings.HasSuffix(pathPart(*o.Location), "//"))
			}
			found := a.find(r, extended(j.more...), shows)
			if found == nil || j.open && !a.always(r, shows) {
				return
			}
			p.Add(diag.Diagnostic{Span: j.at, Witness: found.witness,
				Message: "two slashes: " + clip(found.path(), 80) + " goes to " + clip(found.location(), 120),
				Fixes:   []diag.Fix{{Title: "drop one slash", Safety: diag.Risky, Edits: source.Replace(j.at, "")}}})
		})
	},
}

// join is a slash of the path of a target behind which the server puts something that may begin with another one.
type join struct {
	at       source.Span // of the slash
	before   string      // literal text of the path up to and with the slash
	more     []string    // ways in which the path of a request may go on to bring it about
	variable bool        // what is put there is the whole path of the request
	open     bool        // what stands in front of the literal text is not known, and may end in a slash itself
}

// writtenSlashes finds two slashes that stand in the path of a target as text, and gives the place of the second. Behind a
// colon they belong to an address inside the path, as archives have them.
func writtenSlashes(r *ir.Rule) (at source.Span, ok bool) {
	if !strings.Contains(r.Target.Text, "//") {
		return at, false
	}
	list, _ := zones(r.Target)
	for i := range list {
		x := &list[i]
		if x.zone != zonePath {
			continue
		}
		if !x.literal() {
			if x.part.Kind == ir.Variable && !pathVariable(x.part) {
				return at, false // what it holds may be the beginning of an address
			}
			continue
		}
		if strings.Contains(x.text, ":") || strings.Contains(strings.ToLower(x.text), "%3a") {
			return at, false
		}
		if k := strings.Index(x.text, "//"); k >= 0 {
			at = x.span(k+1, k+2)
			return at, at.Len() == 1
		}
	}
	return at, false
}

// reportWrittenSlashes says that a request is sent to an address with the two slashes, when it is.
func reportWrittenSlashes(p *lint.Pass, a *asker, r *ir.Rule, at source.Span) {
	found := a.find(r, nil, func(q *probe.Probe, o *sim.Outcome) bool {
		return o.Location != nil && strings.Contains(pathPart(*o.Location), "//") && !strings.Contains(q.Request.Target, "//")
	})
	if found == nil {
		return
	}
	d := diag.Diagnostic{Span: at, Severity: diag.Info, Witness: found.witness,
		Message: "two slashes are written here: " + clip(found.path(), 80) + " goes to " + clip(found.location(), 120)}
	if end := int(at.End); end < len(p.File.Text) && isWordByte(p.File.Text[end]) { // a group behind them may bring a slash of its own
		d.Fixes = []diag.Fix{{Title: "drop one slash", Safety: diag.Risky, Edits: source.Replace(at, "")}}
	}
	p.Add(d)
}

func slashJoin(p *lint.Pass, r *ir.Rule) (j join, ok bool) {
	if r.Match == ir.MatchSegment {
		text := r.Target.Text
		if strings.HasSuffix(r.Path, "/") || !strings.HasSuffix(text, "/") || strings.ContainsAny(text, "?#") || strings.Contains(lastWord(r.Path), ".") ||
			strings.Contains(pathPart(text), "//") || !strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "https://") && !strings.HasPrefix(text, "http://") {
			return j, false
		}
		end := innerEnd(p, r.TargetSpan)
		return join{at: source.Span{Start: end - 1, End: end}, before: pathPart(text), more: []string{"/page"}}, true
	}
	if len(r.Target.Parts) < 2 {
		return j, false
	}
	list, _ := zones(r.Target)
	for i := range list {
		if x := &list[i]; x.literal() && x.zone == zonePath && strings.Contains(x.text, "//") {
			return j, false // written so
		}
	}
	for i := 1; i < len(list); i++ {
		x, before := &list[i], &list[i-1]
		if x.literal() || !before.literal() || before.zone != zonePath || x.zone != zonePath || !strings.HasSuffix(before.text, "/") {
			continue
		}
		j.before = before.text
		j.open = before.text == "/" && i >= 2 && !list[i-2].literal()
		n := len(before.text)
		j.at = before.span(n-1, n)
		if j.at.Len() != 1 {
			// The parts have no places of their own: the slash is the one in front of the reference.
			text := raw(p, r.TargetSpan)
			k := strings.Index(text, "/"+x.part.Text)
			if k < 0 {
				continue
			}
			j.at = source.Span{Start: r.TargetSpan.Start + int32(k), End: r.TargetSpan.Start + int32(k) + 1}
		}
		switch {
		case pathVariable(x.part):
			j.more, j.variable = []string{"", "page"}, true
			return j, true
		case i+1 < len(list) && list[i+1].literal() && strings.HasPrefix(list[i+1].text, "/") && !j.open:
			continue // an empty group leaves two slashes, too
		case x.part.Kind == ir.RuleRef || x.part.Kind == ir.CondRef:
			j.more = []string{"", "/page", "page"}
			return j, true
		}
	}
	return j, false
}
