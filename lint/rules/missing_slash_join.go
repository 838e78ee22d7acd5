package rules

import (
	"strings"

	"rewright/lint"
	"rewright/parser/diag"
	"rewright/parser/ir"
	"rewright/parser/pattern"
	"rewright/parser/probe"
	"rewright/parser/sim"
	"rewright/parser/source"
)

var missingSlashJoin = lint.Rule{
	Code: "RD601", ID: "missing-slash-join", Severity: diag.Error, For: lint.Both, Fix: diag.Safe, Beside: true, Since: "0.1",
	Doc: lint.Doc{
		Title: "the rest of the path is glued to the target",
		Text: "Redirect takes its source off the path and puts what is left at the end of the target. A source that ends in a slash takes the " +
			"slash along: `Redirect / https://new.example` sends `/foo` to `https://new.examplefoo`, and `/.evil.test` to somebody else's host. " +
			"The same happens to a group that does not begin with the slash, right behind a host.",
		Examples: []lint.Example{
			{Server: ir.Apache, Before: "Redirect 301 / https://new.example\n", After: "Redirect 301 / https://new.example/\n"},
			{Server: ir.Nginx, Before: "location /old/ { rewrite ^/old/(.*)$ https://new.example$1 permanent; }\n",
				After: "location /old/ { rewrite ^/old/(.*)$ https://new.example/$1 permanent; }\n"},
		},
		Source: "httpd mod_alias.c, try_alias_list; manual, Redirect",
	},
	Program: func(p *lint.Pass, g *ir.Program) {
		var a *asker
		ready := func() bool {
			if a == nil {
				a = newAsker(p)
			}
			return a != nil
		}
		eachRule(p, g, func(s *ir.Scope, r *ir.Rule) {
			if !sendsElsewhere(r) {
				return
			}
			switch r.Match {
			case ir.MatchSegment:
				if text := r.Target.Text; strings.HasSuffix(r.Path, "/") && gluesWords(text) && ready() {
					joinedPrefix(p, a, r)
				}
			default:
				if x := hostThenReference(s, r); x != nil && ready() {
					joinedHost(p, a, r, x)
				}
			}
		})
	},
}

// gluesWords tells whether what is put behind a target runs into its last word. A target that ends in a sign, as in
// ?page= or /item-, is made for that; one with a query or fragment is not about slashes.
func gluesWords(target string) bool {
	if target == "" || strings.ContainsAny(target, "?#") {
		return false
	}
	c := target[len(target)-1]
	return isLetters(target[len(target)-1:]) || startsWithDigit(target[len(target)-1:]) || c >= 0x80
}

func joinedPrefix(p *lint.Pass, a *asker, r *ir.Rule) {
	found := a.find(r, func(q probe.Probe) []probe.Probe {
		return []probe.Probe{withPath(q, r.Path+"page"), withPath(q, pathOf(&q)+"page")}
	},
		func(q *probe.Probe, o *sim.Outcome) bool {
			return o.Location != nil && strings.HasSuffix(pathPart(*o.Location)+hostPart(*o.Location), lastWord(r.Target.Text)+"page")
		})
	if found == nil {
		return
	}
	how := diag.Risky
	if _, path, ok := splitAddress(r.Target.Text); ok && path == "" && r.Path == "/" {
		how = diag.Safe
	}
	p.Add(diag.Diagnostic{Span: r.TargetSpan, Witness: found.witness,
		Message: "the slash is missing: " + found.path() + " goes to " + found.location(),
		Fixes:   []diag.Fix{{Title: "end the target with `/`", Safety: how, States: how == diag.Safe, Edits: source.Insert(innerEnd(p, r.TargetSpan), "/")}}})
}

// hostPart is the authority of an address that has no path, else empty.
func hostPart(s string) string {
	authority, path, ok := splitAddress(s)
	if !ok || path != "" {
		return ""
	}
	return authority
}

// lastWord is what stands behind the last slash.
func lastWord(s string) string { return s[strings.LastIndexByte(s, '/')+1:] }

// innerEnd is the end of a word without its closing quote.
func innerEnd(p *lint.Pass, s source.Span) int32 {
	if text := raw(p, s); len(text) > 1 && (text[len(text)-1] == '"' || text[len(text)-1] == '\'') {
		return s.End - 1
	}
	return s.End
}

// hostThenReference is the group that stands right behind a written host and cannot begin with the slash of the path,
// which the pattern has taken in front of it; nil when there is none.
func hostThenReference(s *ir.Scope, r *ir.Rule) *piece {
	if hostIsWritten(r.Target) {
		return nil
	}
	list, absolute := zones(r.Target)
	if !absolute {
		return nil
	}
	for i := 1; i < len(list); i++ {
		x, before := &list[i], &list[i-1]
		if x.zone == zoneHost && x.part.Kind == ir.RuleRef && before.zone == zoneHost && before.literal() &&
			gluesWords(before.text) && (i+1 == len(list) || list[i+1].zone > zoneHost) && !hostEndsLater(before.text) && slashInFront(s, r, x.part.N) {
			return x
		}
	}
	return nil
}

// slashInFront tells whether a group stands where the slash in front of it is off the subject already: right behind a
// slash of the pattern, or at the start of a path below a directory.
func slashInFront(s *ir.Scope, r *ir.Rule, n int) bool {
	re := r.Pattern
	if r.Keyword == ir.NginxReturn {
		re = s.Pattern // of the location it answers for
	}
	if re == nil || re.Re == nil || r.Negated {
		return false
	}
	if n == 0 {
		return r.Subject == ir.SubjectDirectory && strings.HasPrefix(re.Text, "^")
	}
	top, ok := re.Re.Tree().Root.(*pattern.Concat)
	if !ok {
		return false
	}
	for i, part := range top.Parts {
		g, ok := part.(*pattern.Group)
		if !ok || g.Kind != pattern.Capturing || g.Number != n || i == 0 {
			continue
		}
		switch before := top.Parts[i-1].(type) {
		case *pattern.Literal:
			return strings.HasSuffix(before.Text, "/")
		case *pattern.Anchor:
			return before.Kind == pattern.SubjectStart && r.Subject == ir.SubjectDirectory
		case *pattern.Repeat: // ^/?(.*)$
			l, ok := before.Body.(*pattern.Literal)
			return ok && l.Text == "/" && before.Max == 1
		}
	}
	return false
}

// hostEndsLater tells whether a host is not whole yet: it has no dot, so that more of it has to follow.
func hostEndsLater(host string) bool { return !strings.Contains(host, ".") && host != "localhost" }

func joinedHost(p *lint.Pass, a *asker, r *ir.Rule, x *piece) {
	host, _ := writtenHost(r.Target)
	found := a.find(r, extended("", "page", "/page"), func(q *probe.Probe, o *sim.Outcome) bool {
		if o.Location == nil {
			return false
		}
		authority, _, ok := splitAddress(*o.Location)
		rest, longer := strings.CutPrefix(strings.ToLower(authority), strings.ToLower(host))
		return ok && longer && rest != "" && (isLetters(rest[:1]) || startsWithDigit(rest))
	})
	if found == nil {
		return
	}
	at := x.part.Span
	if text := raw(p, at); text != x.part.Text {
		if i := strings.Index(text, x.part.Text); i >= 0 {
			at = source.Span{Start: at.Start + int32(i), End: at.Start + int32(i+len(x.part.Text))}
		}
	}
	p.Add(diag.Diagnostic{Span: at, Witness: found.witness,
		Message: "the slash is missing: " + found.path() + " goes to " + found.location(),
		Fixes:   []diag.Fix{{Title: "write `/` between host and group", Safety: diag.Risky, Edits: source.Insert(at.Start, "/")}}})
}

// writtenHost is the literal text of a target's host up to its first reference, with port.
func writtenHost(t *ir.Template) (host string, rest bool) {
	list, _ := zones(t)
	for i := range list {
		x := &list[i]
		if x.zone == zoneHost {
			if !x.literal() {
				return host, true
			}
			host += x.text
		}
	}
	return host, false
}
